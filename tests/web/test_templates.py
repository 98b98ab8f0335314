"""Templates on pages: the list, how one looks, making, changing and deleting one, and what a letter starts from."""

import html
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from crm.domain.campaigns import Letter
from crm.domain.filters import PeopleFilter
from crm.domain.starters import STARTERS
from crm.domain.templates import Template
from crm.services import campaigns, templates
from crm.store import Store
from tests.factories import NOW
from tests.web.filled import filled, text_of

SignIn = Callable[[str], Client]
LIST = "/campaigns/templates/"


def _kept(store: Store, name: str = "Meetup", **texts: str) -> Template:
    given = {"id": "t1", "subject": "Come", "preheader": "Soon", "body": "Hello {{ firstName }}", **texts}
    return templates.save(store, Template(name=name, **given), actor="grace", now=NOW)  # type: ignore[arg-type]


def _text(client: Client, address: str) -> str:
    return html.unescape(client.get(address).content.decode())


def test_the_list_offers_what_comes_with_the_program_until_there_is_an_own_one(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Marketer")

    before = _text(client, LIST)
    _kept(site)
    after = _text(client, LIST)

    assert all(one.name in before for one in STARTERS)
    assert "come with the program" in before
    assert not any(one.name in after for one in STARTERS)
    assert "1 template</p>" in after


def test_a_filter_goes_along_to_the_letter(sign_in: SignIn, site: Store) -> None:
    _kept(site)

    page = _text(sign_in("Marketer"), f"{LIST}?company=Acme&company=Other&limit=3")

    assert 'href="/campaigns/new/?template=t1&company=Acme&company=Other"' in page


def test_a_template_is_made_shown_and_changed(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Marketer")
    empty = client.get(f"{LIST}new/").content.decode()

    made = client.post(f"{LIST}new/", filled(empty, name="Meetup", subject="Come", body="Hello {{ firstName }}"))
    page = client.get(made.headers["Location"]).content.decode()
    changed = client.post(made.headers["Location"], filled(page, preheader="Soon"))

    stored = site.templates.all()[0]
    assert (stored.name, stored.subject, stored.preheader, stored.version) == ("Meetup", "Come", "Soon", 2)
    assert made.headers["Location"] == changed.headers["Location"] == f"{LIST}{stored.id}/"
    assert f'src="/campaigns/templates/{stored.id}/frame/html/"' in page


def test_the_form_sent_twice_makes_one_template(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Marketer")
    fields = filled(client.get(f"{LIST}new/").content.decode(), name="Meetup", body="Hello")

    answers = [client.post(f"{LIST}new/", fields) for _ in range(2)]

    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert len(site.templates.all()) == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": ""}, "required"),
        ({"name": "meetup"}, "already"),
        ({"body": "  "}, "text is required"),
        ({"subject": "x" * 301}, "300"),
    ],
)
def test_what_cant_be_kept_is_said_and_what_was_typed_stays(
    sign_in: SignIn, site: Store, typed: dict[str, str], words: str
) -> None:
    _kept(site)

    answer = sign_in("Marketer").post(f"{LIST}new/", {"name": "Other", "body": "My own text", **typed})

    text = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert words in text
    assert typed.get("body", "My own text") in text
    assert len(site.templates.all()) == 1


def test_who_saves_after_somebody_else_keeps_what_was_typed_and_may_save_again(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Marketer")
    _kept(site)
    page = client.get(f"{LIST}t1/").content.decode()
    client.post(f"{LIST}t1/", filled(page, subject="Theirs"))

    late = client.post(f"{LIST}t1/", filled(page, subject="Mine"))
    again = client.post(f"{LIST}t1/", filled(late.content.decode()))

    assert late.status_code == 409
    assert "Meanwhile somebody changed “Meetup”" in html.unescape(late.content.decode())
    assert again.status_code == 302
    assert site.templates.get("t1").subject == "Mine"


@pytest.mark.parametrize("template_id", ["t1", STARTERS[1].id])
def test_a_letter_starts_from_a_template(sign_in: SignIn, site: Store, template_id: str) -> None:
    _kept(site)
    begun = templates.opened(site, template_id)

    page = _text(sign_in("Marketer"), f"/campaigns/new/?template={template_id}")

    assert f'value="{begun.subject}"' in page
    assert f'value="{begun.preheader}"' in page
    assert begun.body.splitlines()[0] in page


def test_a_letter_is_kept_as_a_template(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Marketer")
    letter = Letter(subject="Spring is here", preheader="At last", body="Hello\n\nyou")
    draft = campaigns.save_draft(site, None, letter, wanted=PeopleFilter(), actor="grace", now=NOW)

    fields = filled(client.get(f"{LIST}new/?campaign={draft.id}").content.decode())
    client.post(f"{LIST}new/", fields)

    stored = site.templates.all()[0]
    assert (stored.name, stored.subject, stored.preheader, stored.body) == (
        "Spring is here",
        "Spring is here",
        "At last",
        "Hello\n\nyou",
    )


def test_one_that_comes_with_the_program_is_made_ones_own_and_not_changed(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Marketer")
    starter = STARTERS[0]
    shown = _text(client, f"{LIST}{starter.id}/")

    refused = client.post(f"{LIST}{starter.id}/", {"name": "Mine", "body": "x"})
    client.post(f"{LIST}new/", filled(client.get(f"{LIST}new/?from={starter.id}").content.decode()))

    own = site.templates.all()[0]
    assert "<form" not in shown.partition("<main")[2].partition("</main>")[0]
    assert refused.status_code == 404
    assert (own.name, own.body) == (starter.name, starter.body)
    assert not own.is_starter


def test_the_look_is_a_letter_to_somebody_made_up_under_a_policy_of_its_own(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Viewer")
    _kept(site, body="Hello {{ firstName }} <script>alert(1)</script>")

    rich, plain = client.get(f"{LIST}t1/frame/html/"), client.get(f"{LIST}t1/frame/text/")

    assert "sandbox" in rich.headers["Content-Security-Policy"]
    assert "Hello Ada" in rich.content.decode()
    assert "<script>" not in rich.content.decode()
    assert "Hello Ada" in plain.content.decode()
    assert plain.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert client.get(f"{LIST}t1/frame/other/").status_code == 404


def test_an_unfinished_template_says_what_keeps_it_from_being_sent(sign_in: SignIn, site: Store) -> None:
    _kept(site, body="Hello {{ firstname }}")

    page = _text(sign_in("Marketer"), f"{LIST}t1/")

    assert "Did you mean <code>firstName</code>?" in page
    assert "<iframe" not in page


def test_deleting_asks_once(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Marketer")
    _kept(site)

    asked = _text(client, f"{LIST}t1/delete/")
    there = site.templates.find("t1")
    client.post(f"{LIST}t1/delete/")

    assert "Letters that started from it keep their text" in asked
    assert there is not None
    assert site.templates.find("t1") is None


def test_a_viewer_looks_and_changes_nothing(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Viewer")
    _kept(site)

    page = client.get(f"{LIST}t1/")
    answers = [client.post(f"{LIST}t1/", {"name": "x", "body": "y"}), client.get(f"{LIST}new/"), client.post(f"{LIST}t1/delete/")]

    assert page.status_code == 200
    assert "<fieldset disabled" in page.content.decode()
    assert "may not write campaigns" in text_of(page.content)
    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_the_list_reads_two_requests_however_many_there_are(
    sign_in: SignIn, site: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in("Marketer")
    for number in range(5):
        _kept(site, f"Template {number}", id=f"t{number}")
    calls: list[str] = []
    plain = site.table._call

    def counted(operation: str, **arguments: Any) -> dict[str, Any]:
        calls.append(operation)
        return plain(operation, **arguments)

    monkeypatch.setattr(site.table, "_call", counted)

    client.get(LIST)

    assert calls == ["query", "batch_get_item"]
