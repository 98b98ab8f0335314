"""What was written to files can be read here, with DEBUG only."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from crm.mail.files import FilesMailer
from crm.store import Store
from tests.conftest import Clock
from tests.jobs.mailing import accepted, crowd, drive, make_work

SignIn = Callable[[str], Client]


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.DEBUG, settings.EMAIL_URL = True, tmp_path.as_uri()
    return tmp_path


def send(store: Store, folder: Path) -> None:
    """One e-mail with a name that would be a script, were it not escaped."""
    crowd(store, 1, first_name="<script>alert(1)</script>")
    clock = Clock(datetime.now(UTC))
    accepted(store, clock.now, subject="Spring meetup")
    drive(make_work(store, FilesMailer(folder), clock))  # type: ignore[arg-type]


def test_a_written_message_is_listed_and_can_be_read(sign_in: SignIn, site: Store, folder: Path) -> None:
    send(site, folder)
    client = sign_in("Viewer")
    name = next(folder.glob("*.eml")).name

    listed = client.get("/outbox/").content.decode()
    page = client.get(f"/outbox/{name}/").content.decode()
    frame = client.get(f"/outbox/{name}/html/")
    raw = client.get(f"/outbox/{name}/raw/")

    assert "1 message" in listed
    assert "Spring meetup" in listed
    assert "List-Unsubscribe-Post" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in frame.content.decode()
    assert "script-src" not in frame.headers["Content-Security-Policy"]
    assert frame.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert raw.headers["Content-Type"].startswith("text/plain")


def test_an_empty_outbox_says_what_to_do(sign_in: SignIn, folder: Path) -> None:
    page = sign_in("Viewer").get("/outbox/").content.decode()

    assert "Nothing written yet" in page


@pytest.mark.parametrize("name", ["nothing.eml", "..%2Fsettings.py", ".hidden.eml"])
def test_nothing_else_can_be_read(sign_in: SignIn, folder: Path, name: str) -> None:
    answers = {sign_in("Admin").get(f"/outbox/{name}/{part}").status_code for part in ("", "html/", "raw/")}

    assert answers == {404}


def test_without_debug_there_is_no_outbox(sign_in: SignIn, folder: Path, settings: Settings) -> None:
    settings.DEBUG = False

    assert sign_in("Admin").get("/outbox/").status_code == 404


def test_where_mail_is_really_sent_there_is_no_outbox(sign_in: SignIn, folder: Path, settings: Settings) -> None:
    settings.EMAIL_URL = "smtp://localhost:2525"

    assert sign_in("Admin").get("/outbox/").status_code == 404
