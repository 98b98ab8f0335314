"""Django's own mail: password resets go the way that EMAIL_URL names, as safely as campaigns do."""

import json
import os
import smtplib
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.mail import EmailMessage, get_connection
from pytest_django.fixtures import Settings

from crm.mail import open_mailer
from crm.mail.connection import SmtpServer, Tls
from crm.mail.files import FilesMailer
from crm.mail.smtp import SmtpMailer
from tests.mail.test_smtp import certificate  # noqa: F401 - a fixture
from tests.smtp import SmtpServer as Server

ROOT = Path(__file__).resolve().parents[2]
ASK = """
import json, os
from crmsite import settings as s
told = {}
for url in json.loads(os.environ["URLS"]):
    os.environ["EMAIL_URL"] = url
    import importlib; s = importlib.reload(s)
    told[url] = {name: str(value) for name, value in vars(s).items() if name.startswith("EMAIL_")} | {"leaves": s.MAIL_LEAVES}
print(json.dumps(told))
"""
SERVERS = [
    f"{scheme}://{sign_in}mail.example{port}{option}"
    for scheme in ("smtp", "smtp+tls", "smtps", "SMTPS")
    for sign_in in ("", "u%40x:p%2Fw@")
    for port in ("", ":587", ":2525")
    for option in ("", "/?tls=1", f"?tls=1&ca={__file__}")
]


def settings_under(*urls: str) -> subprocess.CompletedProcess[str]:
    """Read the site's settings once per EMAIL_URL, in a process of their own."""
    environment = {**os.environ, "URLS": json.dumps(urls), "EMAIL_URL": urls[0], "CRM_ENV_FILE": os.devnull}
    return subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_django_and_campaigns_use_the_same_server_for_every_form() -> None:
    told = json.loads(settings_under(*SERVERS).stdout)

    assert len(told) == len(SERVERS)
    for url, django in told.items():
        mailer = open_mailer(url)
        assert isinstance(mailer, SmtpMailer)
        assert mailer._server == SmtpServer(
            host=django["EMAIL_HOST"],
            port=int(django["EMAIL_PORT"]),
            tls={("False", "False"): Tls.NONE, ("True", "False"): Tls.STARTTLS, ("False", "True"): Tls.IMPLICIT}[
                django["EMAIL_USE_TLS"], django["EMAIL_USE_SSL"]
            ],
            user=django["EMAIL_HOST_USER"],
            password=django["EMAIL_HOST_PASSWORD"],
            ca_file=None if django["EMAIL_CA_FILE"] == "None" else django["EMAIL_CA_FILE"],
        )
        assert django["leaves"] is True


@pytest.mark.parametrize(
    ("url", "use_tls", "use_ssl", "port"),
    [
        ("smtp://u:p@h:587/?tls=1", "True", "False", "587"),
        ("smtps://u:p@h", "False", "True", "465"),
        ("smtp+tls://u:p@h", "True", "False", "587"),
    ],
)
def test_no_form_that_asks_for_tls_leaves_a_password_reset_without_it(url: str, use_tls: str, use_ssl: str, port: str) -> None:
    django = json.loads(settings_under(url).stdout)[url]

    assert (django["EMAIL_USE_TLS"], django["EMAIL_USE_SSL"], django["EMAIL_PORT"]) == (use_tls, use_ssl, port)


@pytest.mark.parametrize("url", ["file:var/outbox", "file://var/outbox", "file:///var/my%20mail"])
def test_django_and_campaigns_write_into_the_same_folder(url: str) -> None:
    django = json.loads(settings_under(url).stdout)[url]

    mailer = open_mailer(url)
    assert isinstance(mailer, FilesMailer)
    assert Path(django["EMAIL_FILE_PATH"]) == mailer.folder
    assert django["EMAIL_BACKEND"] == "django.core.mail.backends.filebased.EmailBackend"


def test_django_and_campaigns_use_the_same_provider() -> None:
    told = json.loads(settings_under("ses://?region=eu-north-1", "anymail:postmark").stdout)

    assert [(django["EMAIL_BACKEND"], django["leaves"]) for django in told.values()] == [
        ("anymail.backends.amazon_ses.EmailBackend", True),
        ("anymail.backends.postmark.EmailBackend", True),
    ]


def test_a_variable_for_anymail_that_should_be_json_and_is_not_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYMAIL_POSTMARK_SEND_DEFAULTS", "{'esp_extra': {}}")

    stopped = settings_under("anymail:postmark")

    assert "ImproperlyConfigured: ANYMAIL_POSTMARK_SEND_DEFAULTS begins with a brace" in stopped.stderr


def test_where_mail_is_dropped_no_password_reset_is_offered() -> None:
    django = json.loads(settings_under("null:").stdout)["null:"]

    assert django["leaves"] is False
    assert django["EMAIL_BACKEND"] == "django.core.mail.backends.dummy.EmailBackend"


@pytest.mark.parametrize("url", ["", "smtp+ssl://u:secret@h", "smtp://u:secret@h?tls=maybe"])
def test_an_address_that_cannot_be_used_stops_the_start_with_a_sentence(url: str) -> None:
    stopped = settings_under(url)

    assert stopped.returncode != 0
    assert "ImproperlyConfigured: EMAIL_URL can't be used" in stopped.stderr
    assert "secret" not in stopped.stderr


@pytest.mark.parametrize("implicit", [True, False])
def test_django_trusts_the_authority_that_is_named_and_no_other(
    certificate: tuple[Path, object],  # noqa: F811
    settings: Settings,
    implicit: bool,
) -> None:
    ca_file, context = certificate
    settings.EMAIL_CA_FILE = str(ca_file)
    with Server(**{"implicit_tls" if implicit else "starttls": context}) as server:  # type: ignore[arg-type]
        where = {"host": "localhost", "port": server.port, "use_ssl": implicit, "use_tls": not implicit, "timeout": 5}
        connection = get_connection("crm.mail.backend.SmtpBackend", **where)

        EmailMessage("Reset", "a link", "crm@example.org", ["zoe@example.org"], connection=connection).send()
        settings.EMAIL_CA_FILE = None
        with pytest.raises((smtplib.SMTPException, OSError), match="certificate verify failed"):
            get_connection("crm.mail.backend.SmtpBackend", **where).open()

        assert len(server.messages) == 1
