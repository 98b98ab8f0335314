"""The page of the mail settings: who letters are from, senders that are verified by a link, colleagues."""

import email
import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.policy import default
from pathlib import Path

import pytest
from django.test import Client

from crm.domain.campaigns import Letter
from crm.domain.filters import PeopleFilter
from crm.domain.keeping import FOR_EVER, Keeping
from crm.domain.mail_settings import mark_of
from crm.mail.files import FilesMailer
from crm.services import campaigns, mail_settings
from crm.store import Store
from crm.wiring import get_links
from tests.factories import NOW, make_person
from tests.jobs.mailing import ToldMailer
from tests.web.filled import filled, text_of

SignIn = Callable[[str], Client]
PAGE = "/settings/mail/"


@pytest.fixture
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the links that are mailed end up."""
    monkeypatch.setattr("crm.web.settings.confirming.get_mailer", lambda: FilesMailer(tmp_path))
    return tmp_path


def _messages(outbox: Path) -> list[email.message.EmailMessage]:
    return [email.message_from_bytes(path.read_bytes(), policy=default) for path in sorted(outbox.glob("**/*.eml"))]


def _link(outbox: Path) -> str:
    found = re.search(r"/settings/mail/verify/\S+/", _messages(outbox)[-1].get_content())
    assert found
    return found[0]


def _add(client: Client, address: str = "team@example.org", name: str = "The team") -> None:
    assert client.post("/settings/mail/senders/", {"name": name, "address": address}).status_code == 302


# --- what letters say


def test_what_is_saved_stands_in_the_form_and_in_letters(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Admin")
    typed = {
        "organisation": " Acme Club ",
        "postalAddress": "Main Street 1\r\n10115 Berlin\r\n",
        "quietDays": "7",
        "version": "0",
    }

    answer = client.post(PAGE, {**typed, "colleagues": "ada@staff.example\nBob@staff.example, ada@STAFF.example"})

    stored = site.mail_settings.get()
    assert answer.headers["Location"] == PAGE
    assert (stored.organisation, stored.postal_address) == ("Acme Club", "Main Street 1\n10115 Berlin")
    assert stored.colleagues == ("ada@staff.example", "Bob@staff.example")
    assert (stored.tracking, stored.quiet_days) == (False, 7)
    assert "your address is with Acme Club , Main Street 1, 10115 Berlin .”" in text_of(client.get(PAGE).content)


def test_the_form_sent_as_it_stands_changes_nothing(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Admin")
    client.post(
        PAGE, {"organisation": "Acme", "postalAddress": "A\nB", "colleagues": "a@b.example", "tracking": "on", "version": "0"}
    )
    before = site.mail_settings.get()
    shown = client.get(PAGE).content.decode().partition('id="logo"')[0] + "</main>"

    answer = client.post(PAGE, filled(shown))

    assert answer.status_code == 302
    assert site.mail_settings.get() == before


def test_how_long_what_is_kept_can_be_chosen_and_taken_back(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Admin")

    chosen = client.post(PAGE, {"keepYears": "2", "keepHitDays": "90", "version": "0"})
    kept, page = site.mail_settings.get().keeping, client.get(PAGE).content.decode()
    taken_back = client.post(PAGE, {"keepYears": "", "keepHitDays": "", "version": "1"})

    assert (chosen.status_code, taken_back.status_code) == (302, 302)
    assert kept == Keeping(years=2, hit_days=90)
    assert '<option value="2" selected>for 2 years</option>' in page
    assert site.mail_settings.get().keeping == FOR_EVER


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"organisation": "x" * 101}, "at most 100 characters"),
        ({"colleagues": "ada@staff.example\nnobody"}, "“nobody” is not one plain address"),
        ({"colleagues": "\n".join(f"c{number}@staff.example" for number in range(21))}, "20 colleagues are the most"),
        ({"quietDays": "400"}, "less than or equal to 365"),
        ({"quietDays": "soon"}, "whole number"),
        ({"keepHitDays": "29"}, "greater than or equal to 30"),
        ({"keepHitDays": "401"}, "less than or equal to 400"),
        ({"keepYears": "4"}, "Choose one of the spans"),
        ({"postalAddress": "a\x07b"}, "can't be written"),
    ],
)
def test_what_cant_be_is_said_and_what_was_typed_is_kept(sign_in: SignIn, site: Store, typed: dict[str, str], words: str) -> None:
    answer = sign_in("Admin").post(PAGE, {"organisation": "Acme", "version": "0", **typed})

    text = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert words in text
    assert 'aria-invalid="true"' in text
    assert all(value in text for value in typed.values())
    assert site.mail_settings.get().version == 0


def test_whoever_saves_after_somebody_else_keeps_what_was_typed_and_may_save_again(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Admin")
    client.post(PAGE, {"organisation": "Theirs", "version": "0"})

    late = client.post(PAGE, {"organisation": "Mine", "version": "0"})
    fields = filled(late.content.decode().partition('id="logo"')[0] + "</main>")
    again = client.post(PAGE, fields)

    assert late.status_code == 409
    assert "Meanwhile these settings were changed" in late.content.decode()
    assert fields["organisation"] == ["Mine"]
    assert again.status_code == 302
    assert site.mail_settings.get().organisation == "Mine"


def test_only_an_administrator_gets_there(sign_in: SignIn, site: Store) -> None:
    marketer = sign_in("Marketer")

    answers = [marketer.get(PAGE), marketer.post(PAGE, {"organisation": "Mine"}), marketer.post("/settings/mail/senders/", {})]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert "/settings/mail/" not in marketer.get("/settings/").content.decode()
    assert "/settings/mail/" in sign_in("Admin").get("/settings/").content.decode()


# --- senders


def test_a_sender_is_verified_by_the_link_that_is_mailed_to_it(sign_in: SignIn, site: Store, outbox: Path) -> None:
    client = sign_in("Admin")
    _add(client, "Team@example.org", "Acme, the team")
    sent = _messages(outbox)[0]
    link = _link(outbox)

    looked = client.get(link)
    before = mail_settings.senders(site, "Crew <crew@example.org>")
    confirmed = client.post(link)

    assert (sent["To"], sent["Subject"]) == ("Team@example.org", "May letters come from this address?")
    assert looked.status_code == 200
    assert "May letters come from this address?" in looked.content.decode()
    assert before == ["Crew <crew@example.org>"]
    assert confirmed.headers["Location"] == PAGE
    assert mail_settings.senders(site, "Crew <crew@example.org>")[1:] == ['"Acme, the team" <Team@example.org>']
    assert "Verified" in text_of(client.get(PAGE).content)


def test_who_reads_the_mail_confirms_without_being_an_administrator(sign_in: SignIn, site: Store, outbox: Path) -> None:
    _add(sign_in("Admin"))

    answer = sign_in("Viewer").post(_link(outbox))

    assert answer.headers["Location"] == "/settings/"
    assert site.mail_settings.get().senders[0].verified_at is not None


def test_the_link_asks_for_sign_in(site: Store, sign_in: SignIn, outbox: Path) -> None:
    _add(sign_in("Admin"))

    answer = Client().post(_link(outbox))

    assert answer.headers["Location"].startswith("/accounts/login/?next=")
    assert site.mail_settings.get().senders[0].verified_at is None


def test_a_link_that_is_old_or_changed_or_of_a_removed_sender_confirms_nothing(
    sign_in: SignIn, site: Store, outbox: Path
) -> None:
    client = sign_in("Admin")
    _add(client)
    mark = mark_of("team@example.org")
    old = get_links().sender_url(mark, datetime.now(UTC) - timedelta(seconds=1)).removeprefix(get_links().public_url)
    link = _link(outbox)

    answers = [client.post(old), client.post(link[:-3] + "xx/"), client.get(f"/settings/mail/verify/{'0' * 32}/")]
    client.post(f"/settings/mail/senders/{mark}/remove/")
    answers.append(client.post(link))

    assert [answer.status_code for answer in answers] == [404] * 4
    assert "good for a week" in answers[0].content.decode()
    assert site.mail_settings.get().senders == ()


def test_a_link_that_cant_be_mailed_leaves_the_sender_waiting_and_can_be_sent_again(
    sign_in: SignIn, site: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = sign_in("Admin")
    monkeypatch.setattr("crm.web.settings.confirming.get_mailer", lambda: ToldMailer(down=True))
    _add(client)
    told = text_of(client.get(PAGE).content)

    monkeypatch.setattr("crm.web.settings.confirming.get_mailer", lambda: FilesMailer(tmp_path))
    client.post(f"/settings/mail/senders/{mark_of('team@example.org')}/resend/")

    assert "The link was not sent to team@example.org" in told
    assert "Link not opened yet" in told
    assert [message["To"] for message in _messages(tmp_path)] == ["team@example.org"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"address": "Team <team@example.org>"}, "is not one plain address"),
        ({"address": "a@example.org, b@example.org"}, "is not one plain address"),
        ({"address": "zoë@example.org"}, "Before the @"),
        ({"address": "team@example.org", "name": "a\x07b"}, "one line"),
        ({"address": "TEAM@example.org"}, "in the list already"),
        ({"address": ""}, "required"),
    ],
)
def test_a_sender_that_cant_be_is_said_at_its_field(
    sign_in: SignIn, site: Store, outbox: Path, typed: dict[str, str], words: str
) -> None:
    client = sign_in("Admin")
    _add(client)

    answer = client.post("/settings/mail/senders/", typed)

    assert answer.status_code == 422
    assert words in html.unescape(answer.content.decode())
    assert len(site.mail_settings.get().senders) == 1
    assert len(_messages(outbox)) == 1


def test_a_sender_outside_ascii_gets_its_link(sign_in: SignIn, site: Store, outbox: Path) -> None:
    client = sign_in("Admin")

    _add(client, "team@bücher.example", "Bücher & Mehr")
    client.post(_link(outbox))

    assert _messages(outbox)[0]["To"] == "team@xn--bcher-kva.example"
    assert mail_settings.senders(site, "x@y.example")[1:] == ["Bücher & Mehr <team@bücher.example>"]


def test_removing_asks_once(sign_in: SignIn, site: Store, outbox: Path) -> None:
    client = sign_in("Admin")
    _add(client)
    address = f"/settings/mail/senders/{mark_of('team@example.org')}/remove/"

    asked = client.get(address)
    there = len(site.mail_settings.get().senders)
    client.post(address)

    assert "Remove team@example.org ?" in text_of(asked.content)
    assert there == 1
    assert site.mail_settings.get().senders == ()


def test_a_draft_of_a_removed_sender_is_refused_and_an_accepted_campaign_keeps_it(
    sign_in: SignIn, site: Store, outbox: Path
) -> None:
    client = sign_in("Admin")
    site.people.create(make_person(company="Acme"))
    _add(client)
    client.post(_link(outbox))
    letter = Letter(subject="Hello", body="Hi", sender="The team <team@example.org>")
    kept = campaigns.save_draft(site, None, letter, wanted=PeopleFilter(company=("Acme",)), actor="ada", now=NOW)
    campaigns.send(site, kept.id, now=NOW, undo_seconds=60, default_sender="Crew <crew@example.org>")
    late = campaigns.save_draft(site, None, letter, wanted=PeopleFilter(company=("Acme",)), actor="ada", now=NOW)

    client.post(f"/settings/mail/senders/{mark_of('team@example.org')}/remove/")

    with pytest.raises(Exception, match="can’t be from The team") as refused:
        campaigns.send(site, late.id, now=NOW, undo_seconds=60, default_sender="Crew <crew@example.org>")
    assert getattr(refused.value, "field", "") == "sender"
    assert site.campaigns.get(kept.id).sender == "The team <team@example.org>"
    assert replace(site.campaigns.get(late.id), version=0).status == "draft"
