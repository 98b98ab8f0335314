"""The logo: chosen on the page of the mail settings, at the head of letters, served to whoever reads them."""

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from crm.domain.mail_settings import Letterhead
from crm.jobs.render import Content, merge_fields, render
from crm.services import mail_settings
from crm.store import Store
from tests.factories import make_person
from tests.jobs.mailing import LETTER, ToldMailer, accepted, crowd, drive, make_work
from tests.pictures import gif, jpg, png, webp
from tests.web.filled import text_of

SignIn = Callable[[str], Client]
PAGE, LOGO = "/settings/mail/", "/settings/mail/logo/"


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> Path:
    """Where files are kept."""
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}}
    return tmp_path


def upload(data: bytes, name: str = "logo.png") -> dict[str, SimpleUploadedFile]:
    return {"logo": SimpleUploadedFile(name, data)}


def letter_of(store: Store) -> str:
    default = Letterhead(sender="crew@example.org", organisation="Acme & Co", site="https://crm.example.org")
    content = Content.of(LETTER, mail_settings.letterhead(store, default))
    return render(content, merge_fields(make_person(email="ada@example.org")), unsubscribe_url="https://x.example/u").html


def test_a_logo_stands_in_the_settings_and_at_the_head_of_letters(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Admin")
    before = letter_of(site)

    answer = client.post(LOGO, upload(png(960, 160)))

    logo = site.mail_settings.get().logo
    assert logo is not None
    assert answer.headers["Location"] == PAGE
    assert f'<img class="logo" src="{logo.path}" width="240" height="40"' in client.get(PAGE).content.decode()
    shown = f'<img src="https://crm.example.org{logo.path}" width="240" height="40" alt="Acme &amp; Co"'
    assert shown in letter_of(site)
    assert "<img" not in before
    [entry] = site.audit.of_month(f"{site.table.clock():%Y-%m}")
    assert (entry.action, entry.subject, entry.facts) == ("mail.logo_changed", "mail", {"kind": "png", "size": "960x160"})


def test_letters_that_go_out_have_it(site: Store, sign_in: SignIn, tmp_path: Path) -> None:
    sign_in("Admin").post(LOGO, upload(png()))
    logo = site.mail_settings.get().logo
    crowd(site, 1)
    accepted(site, site.table.clock())
    sent: list[bytes] = []
    mailer = ToldMailer(before=lambda message: sent.append(message.data))

    drive(make_work(site, mailer))

    assert logo is not None
    assert f"http://testserver{logo.path}".encode() in sent[0].replace(b"=\r\n", b"")


@pytest.mark.parametrize(("make", "kind"), [(png, "png"), (jpg, "jpeg"), (gif, "gif"), (webp, "webp")])
def test_whoever_reads_a_letter_gets_the_picture_and_keeps_it(
    site: Store, sign_in: SignIn, make: Callable[[], bytes], kind: str
) -> None:
    sign_in("Admin").post(LOGO, upload(make(), "whatever.txt"))
    logo = site.mail_settings.get().logo
    assert logo is not None

    answer = Client().get(logo.path)

    assert (answer.status_code, answer.content) == (200, make())
    assert answer.headers["Content-Type"] == f"image/{kind}"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in answer.headers
    assert Client().get(logo.path.rpartition(".")[0] + (".gif" if kind != "gif" else ".png")).status_code == 404


def test_a_letter_keeps_its_picture_when_the_logo_is_replaced_or_removed(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Admin")
    client.post(LOGO, upload(png(10, 10)))
    first = site.mail_settings.get().logo
    client.post(LOGO, upload(png(20, 20)))
    second = site.mail_settings.get().logo

    removed = client.post(f"{LOGO}remove/", follow=True)

    assert first is not None
    assert second is not None
    assert [Client().get(one.path).content for one in (first, second)] == [png(10, 10), png(20, 20)]
    assert site.mail_settings.get().logo is None
    assert "The logo is removed" in text_of(removed.content)
    assert "<img" not in letter_of(site)


def test_a_logo_that_was_there_before_can_be_chosen_again(site: Store, sign_in: SignIn, files: Path) -> None:
    client = sign_in("Admin")
    for data in (png(10, 10), png(20, 20), png(10, 10)):
        client.post(LOGO, upload(data))

    logo = site.mail_settings.get().logo

    assert logo is not None
    assert (logo.width, len(list((files / "logos").iterdir()))) == (10, 2)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "Choose a file."),
        (upload(b""), "The file is empty"),
        (upload(b"<svg onload='alert(1)'/>", "logo.png"), "Choose a PNG, JPEG, GIF or WebP; no SVG"),
        (upload(png(1300, 10)), "1300 by 10 points"),
        (upload(png() + b"\0" * 210_000), "more than 200 KB"),
        (upload(png()[:40]), "not whole"),
    ],
)
def test_what_cant_be_a_logo_is_said_and_the_old_one_stays(
    site: Store, sign_in: SignIn, files: Path, sent: dict[str, SimpleUploadedFile], words: str
) -> None:
    answer = sign_in("Admin").post(LOGO, sent)

    assert answer.status_code == 422
    assert words in html.unescape(answer.content.decode())
    assert site.mail_settings.get().version == 0
    assert not (files / "logos").exists()


def test_other_settings_and_the_logo_leave_each_other_alone(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Admin")
    client.post(LOGO, upload(png()))

    client.post(PAGE, {"organisation": "Acme", "version": str(site.mail_settings.get().version)})

    stored = site.mail_settings.get()
    assert stored.logo is not None
    assert stored.organisation == "Acme"


def test_only_an_administrator_changes_it(site: Store, sign_in: SignIn) -> None:
    marketer = sign_in("Marketer")

    assert [marketer.post(LOGO, upload(png())).status_code, marketer.post(f"{LOGO}remove/").status_code] == [403, 403]
    assert site.mail_settings.get().logo is None


@pytest.mark.parametrize("path", ["/o/logo-" + "0" * 32 + ".png", "/o/logo-" + "0" * 32 + ".svg", "/o/logo-..%2f..%2fstaff.png"])
def test_an_address_that_is_no_logos_leads_nowhere(site: Store, db: None, path: str) -> None:
    assert Client().get(path).status_code in {302, 404}
