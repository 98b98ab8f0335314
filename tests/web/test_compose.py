"""Writing a campaign: what is shown, what is kept, what is sent as a test; without JavaScript, and as htmx asks for it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from crm.domain.campaigns import CampaignStatus
from crm.mail.files import FilesMailer, Outbox
from crm.store import Store
from tests.factories import make_person
from tests.jobs.mailing import COMPANY, ToldMailer, crowd
from tests.web.letters import LETTER, id_of, new_letter, written

SignIn = Callable[[str], Client]


@pytest.fixture
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """The folder that mail is written to."""
    monkeypatch.setattr("crm.web.campaigns.trial.get_mailer", lambda: FilesMailer(tmp_path))
    return Outbox(tmp_path)


@pytest.fixture
def marketer(sign_in: SignIn) -> Client:
    return sign_in("Marketer")


def test_the_letter_is_shown_as_one_of_its_readers_gets_it(marketer: Client, site: Store) -> None:
    site.people.create_many([make_person(first_name=name, last_name=name, company=COMPANY) for name in ("Ada", "Zoë & Co")])
    address = new_letter(marketer)

    page = marketer.post(address, LETTER | {"do": "preview"}).content.decode()
    following = re.search(r'name="go" value="(2:[^"]+)"', page)
    assert following
    second = marketer.post(address, LETTER | {"go": following.group(1)}).content.decode()
    frame = re.search(r'iframe src="([^"]+)"', second)
    assert frame
    letter = marketer.get(frame.group(1))

    assert "Hello Ada" in page
    assert "2 of" in second
    assert "Hi Zoë &amp; Co, <strong>come</strong>." in letter.content.decode()
    assert letter.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert letter.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_a_preview_changes_nothing(marketer: Client, site: Store) -> None:
    crowd(site, 1)
    address = new_letter(marketer)

    marketer.post(address, LETTER | {"do": "preview"})

    assert site.campaigns.page().items == []


def test_htmx_gets_the_preview_alone(marketer: Client, site: Store) -> None:
    crowd(site, 1)
    headers = {"HX-Request": "true", "HX-Target": "preview"}

    response = marketer.post(new_letter(marketer), LETTER | {"do": "preview"}, headers=headers)

    assert response.content.decode().lstrip().startswith('<div id="preview">')


@pytest.mark.parametrize("todo", ["preview", "save", "send", "test"])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"body": "[" * 100_001}, "100,000 bytes are the most"),
        ({"body": "ü" * 50_001}, "100,000 bytes are the most"),
        ({"subject": "{{ x" * 100_000}, "at most 300 characters"),
        ({"utmSource": "x" * 100_000}, "at most 100 characters"),
    ],
)
def test_a_text_that_is_too_long_is_told_and_kept_but_neither_looked_at_nor_stored(
    marketer: Client, site: Store, monkeypatch: pytest.MonkeyPatch, todo: str, values: dict[str, str], words: str
) -> None:
    address = new_letter(marketer)
    looked_at: list[str] = []
    monkeypatch.setattr("crm.web.campaigns.preview.check_template", lambda _, body: looked_at.append(body))
    monkeypatch.setattr("crm.web.campaigns.preview.render", lambda content, *_, **__: looked_at.append(content.body))

    response = marketer.post(address, LETTER | values | {"do": todo})

    page = response.content.decode()
    assert response.status_code == (200 if todo == "preview" else 422)
    assert words in page[page.index('id="preview"') :]
    assert page.count(words) > 1
    assert next(iter(values.values())) in page
    assert looked_at == []
    assert site.campaigns.page().items == []


def test_a_letter_that_is_just_short_enough_is_kept_though_a_browser_sends_longer_line_ends(
    marketer: Client, site: Store
) -> None:
    address = new_letter(marketer)

    response = marketer.post(address, LETTER | {"body": "x" * 49_998 + "\r\n" * 2 + "y" * 50_000, "do": "save"})

    assert response.status_code == 302
    assert len(site.campaigns.get(id_of(address)).body) == 100_000


@pytest.mark.parametrize("name", ["of", "go", "at", "version"])
@pytest.mark.parametrize("todo", ["preview", "save"])
@pytest.mark.parametrize("digits", [40, 5000])
def test_a_number_of_too_many_digits_breaks_no_page(marketer: Client, site: Store, name: str, todo: str, digits: int) -> None:
    crowd(site, 1)
    address = written(marketer)

    response = marketer.post(
        address, LETTER | {name: "9" * digits, "do": todo}, headers={"HX-Request": "true", "HX-Target": "preview"}
    )

    assert response.status_code < 500


def test_a_misspelt_field_is_named_with_what_was_meant(marketer: Client, site: Store) -> None:
    crowd(site, 1)

    page = marketer.post(new_letter(marketer), LETTER | {"body": "Hi {{ first_name }}", "do": "preview"}).content.decode()

    assert "There is no field “first_name”" in page
    assert "Did you mean <code>firstName</code>?" in page


def test_a_draft_is_kept_even_if_it_is_unfinished(marketer: Client, site: Store) -> None:
    address = written(marketer, subject="", body="Hi {{ nonsense")

    page = marketer.get(address).content.decode()

    assert "Hi {{ nonsense" in page
    assert site.campaigns.get(id_of(address)).status is CampaignStatus.DRAFT


def test_the_same_form_sent_twice_makes_one_draft(marketer: Client, site: Store) -> None:
    address = new_letter(marketer)

    answers = [marketer.post(address, LETTER | {"do": "save"}).status_code for _ in range(2)]

    assert answers == [302, 302]
    assert [(draft.id, draft.version) for draft in site.campaigns.page().items] == [(id_of(address), 1)]


def test_a_change_that_somebody_else_has_overtaken_is_not_lost_and_overwrites_nothing(marketer: Client, site: Store) -> None:
    address = written(marketer)
    marketer.post(address, LETTER | {"subject": "Theirs", "version": "1", "do": "save"})

    response = marketer.post(address, LETTER | {"subject": "Mine", "version": "1", "do": "save"})
    stale = marketer.post(address, LETTER | {"subject": "Mine", "version": "", "do": "save"})

    assert (response.status_code, stale.status_code) == (409, 409)
    assert 'value="Mine"' in response.content.decode()
    assert site.campaigns.get(id_of(address)).subject == "Theirs"


def test_after_going_back_one_may_save_over_what_is_there(marketer: Client, site: Store) -> None:
    crowd(site, 1)
    address = written(marketer)

    refused = marketer.post(address, LETTER | {"subject": "Another subject", "do": "save"})
    over = re.search(r'name="over" value="(\d+)"', refused.content.decode())
    marketer.post(address, LETTER | {"subject": "Another subject", "over": over[1] if over else ""})

    assert refused.status_code == 409
    assert "Another subject" in refused.content.decode()
    assert site.campaigns.get(id_of(address)).subject == "Another subject"


def test_a_test_goes_to_oneself_is_marked_and_counts_nowhere(marketer: Client, site: Store, outbox: Outbox) -> None:
    crowd(site, 1, first_name="Grace")
    address = new_letter(marketer)

    page = marketer.post(address, LETTER | {"do": "test"}, follow=True).content.decode()

    message = outbox.read(outbox.newest()[0].name)
    assert message.entry.subject == "[Test] Hello Grace"
    assert "@staff.example" in message.entry.to
    assert "This is a test" in message.text
    assert "Test sent to" in page
    assert site.campaigns.figures(id_of(address)).total == 0


def test_a_test_that_the_mail_server_does_not_take_says_why(
    marketer: Client, site: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(site, 1)
    monkeypatch.setattr("crm.web.campaigns.trial.get_mailer", lambda: ToldMailer(down=True))

    page = marketer.post(new_letter(marketer), LETTER | {"do": "test"}, follow=True).content.decode()

    assert "@staff.example was not sent" in page
    assert "connection refused" in page
