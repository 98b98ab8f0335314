"""EMAIL_URL: which mailer it names, and what it says when it names none."""

from pathlib import Path

import pytest

from crm.mail import open_mailer
from crm.mail.connection import SmtpServer, Tls
from crm.mail.files import FilesMailer
from crm.mail.null import NullMailer
from crm.mail.port import Accepted, OutgoingMessage
from crm.mail.smtp import SmtpMailer


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer(host="mail.example", port=25)),
        ("smtp://mail.example:2525", SmtpServer(host="mail.example", port=2525)),
        (
            "smtp://u%40x:p%2F@mail.example:587/?tls=1",
            SmtpServer(host="mail.example", port=587, tls=Tls.STARTTLS, user="u@x", password="p/"),
        ),
        ("smtp+tls://mail.example", SmtpServer(host="mail.example", port=587, tls=Tls.STARTTLS)),
        ("smtps://u:p@mail.example", SmtpServer(host="mail.example", port=465, tls=Tls.IMPLICIT, user="u", password="p")),
    ],
)
def test_an_smtp_address_says_where_how_and_as_whom(url: str, server: SmtpServer) -> None:
    mailer = open_mailer(url)

    assert isinstance(mailer, SmtpMailer)
    assert mailer._server == server


@pytest.mark.parametrize(
    ("url", "folder"),
    [("file:///var/my%20mail", "/var/my mail"), ("file:var/outbox", "var/outbox"), ("file://var/outbox", "var/outbox")],
)
def test_a_file_address_names_a_folder(url: str, folder: str) -> None:
    mailer = open_mailer(url)

    assert isinstance(mailer, FilesMailer)
    assert mailer.folder == Path(folder)


def test_a_null_address_accepts_everything() -> None:
    mailer = open_mailer("null:")

    assert isinstance(mailer, NullMailer)
    assert mailer.send(OutgoingMessage(email_id="e1", sender="a@b.c", recipient="d@e.f", data=b""), deadline=1) == Accepted("e1")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "smtp://",
        "file:",
        "http://secret@x",
        "smtp://u:secret@x:99999",
        "smtp://u:secret@x?verify=0",
        "smtp://u:secret@x?ca=/none",
        "smtps://u:secret@x?ca=/none",
        "smtp://u:secret@x?tls=maybe",
        "smtps://u:secret@x?tls=0",
        "smtp+ssl://u:secret@x",
        "null",
        "smtp://[secret",
    ],
)
def test_an_address_that_names_no_mailer_is_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="EMAIL_URL can't be used") as caught:
        open_mailer(url)

    assert "secret" not in str(caught.value)
