"""Mail as files: whole or not at all, never overwritten, and how the outbox reads it."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crm.domain.errors import DeliveryFailed, NotFound
from crm.jobs.message import build
from crm.jobs.render import Rendered
from crm.mail.files import FilesMailer, Outbox
from crm.mail.port import Accepted, OutgoingMessage


def outgoing(email_id: str = "e1", subject: str = "Hello", to: str = "zoe@example.org") -> OutgoingMessage:
    return build(
        Rendered(subject=subject, html="<p>Hej Zoë</p>", text="Hej Zoë"),
        email_id=email_id,
        campaign_id="c1",
        to=to,
        to_name="Zoë Ångström",
        sender="Club <hej@club.example>",
        unsubscribe_url="https://crm.example/u/t/",
        list_id="club.example",
        date=datetime(2026, 5, 4, tzinfo=UTC),
    )


def test_a_message_is_one_file_named_after_its_email(tmp_path: Path) -> None:
    outcome = FilesMailer(tmp_path / "outbox").send(outgoing(), deadline=5)

    assert outcome == Accepted("e1.eml")
    assert os.listdir(tmp_path / "outbox") == ["e1.eml"]
    assert (tmp_path / "outbox" / "e1.eml").read_bytes() == outgoing().data


def test_a_double_is_seen_and_overwrites_nothing(tmp_path: Path) -> None:
    mailer = FilesMailer(tmp_path)

    for subject in ("first", "second", "third"):
        mailer.send(outgoing(subject=subject), deadline=5)

    assert sorted(os.listdir(tmp_path)) == ["e1-2.eml", "e1-3.eml", "e1.eml"]
    assert Outbox(tmp_path).read("e1.eml").entry.subject == "first"


def test_threads_that_write_the_same_email_lose_none(tmp_path: Path) -> None:
    mailer = FilesMailer(tmp_path)
    threads = [threading.Thread(target=mailer.send, args=(outgoing(),), kwargs={"deadline": 10}) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(os.listdir(tmp_path)) == 8


def test_a_folder_that_can_not_be_written_concerns_every_message(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file, not a folder")

    with pytest.raises(DeliveryFailed) as caught:
        FilesMailer(tmp_path / "outbox").send(outgoing(), deadline=5)

    assert (caught.value.whole_provider, caught.value.permanent) == (True, False)


def test_nothing_is_written_after_the_deadline(tmp_path: Path) -> None:
    with pytest.raises(DeliveryFailed):
        FilesMailer(tmp_path).send(outgoing(), deadline=0)

    assert os.listdir(tmp_path) == []


def test_an_id_can_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    message = OutgoingMessage(email_id="../e1", sender="a@b.example", recipient="c@d.example", data=b"")

    with pytest.raises(ValueError):
        FilesMailer(tmp_path / "outbox").send(message, deadline=5)


def test_the_outbox_lists_the_newest_first_and_reads_both_bodies(tmp_path: Path) -> None:
    mailer = FilesMailer(tmp_path)
    for number in range(5):
        mailer.send(outgoing(f"e{number}", f"Hej {number}"), deadline=5)
        os.utime(tmp_path / f"e{number}.eml", (1_000 + number, 1_000 + number))

    outbox = Outbox(tmp_path)
    message = outbox.read("e4.eml")

    assert [entry.subject for entry in outbox.newest(3)] == ["Hej 4", "Hej 3", "Hej 2"]
    assert outbox.count() == 5
    assert (message.entry.to, message.text.strip(), message.html.strip()) == (
        "Zoë Ångström <zoe@example.org>",
        "Hej Zoë",
        "<p>Hej Zoë</p>",
    )
    assert ("X-Email-Id", "e4") in message.headers


@pytest.mark.parametrize("name", ["none.eml", "../e1.eml", "e1", ".eml", "e1.eml/..", "e1.eml\n", ""])
def test_the_outbox_reads_only_its_own_messages(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "outbox"
    FilesMailer(folder).send(outgoing("other"), deadline=5)
    (tmp_path / "e1.eml").write_text("not in the outbox")

    with pytest.raises(NotFound):
        Outbox(folder).read(name)


def test_an_outbox_that_was_never_written_is_empty(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "none")

    assert (outbox.newest(), outbox.count()) == ([], 0)
