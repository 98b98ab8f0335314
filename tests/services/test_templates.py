"""Texts to start from: kept, changed, deleted, opened for a letter; three come with the program."""

from dataclasses import replace
from datetime import datetime

import pytest

from crm.domain.campaigns import Letter, Utm
from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.starters import STARTERS
from crm.domain.templates import MAX_TEMPLATES, Template
from crm.jobs.render import Content, check_template, merge_fields, render
from crm.services import templates
from crm.store import Store
from tests.conftest import Clock
from tests.factories import make_person


def save(store: Store, now: datetime, name: str = "Invitation", **texts: str) -> Template:
    given = {"id": name.lower(), "subject": "Come", "body": "Hello", **texts}
    return templates.save(store, Template(name=name, **given), actor="grace", now=now)  # type: ignore[arg-type]


def test_a_template_is_kept_trimmed_and_opened_as_it_was(store: Store, clock: Clock) -> None:
    kept = save(store, clock(), name=" Invitation ", id="t1", subject=" Come ", preheader="Soon ", body="Hello\r\nyou\n")

    assert (kept.name, kept.subject, kept.preheader, kept.body) == ("Invitation", "Come", "Soon", "Hello\nyou")
    assert (kept.created_by, kept.version) == ("grace", 1)
    assert templates.opened(store, "t1") == kept


def test_templates_are_listed_by_name(store: Store, clock: Clock) -> None:
    for name in ("Zoo", "ähnlich", "Beta"):
        save(store, clock(), name)

    assert [one.name for one in store.templates.all()] == ["ähnlich", "Beta", "Zoo"]


def test_the_same_form_sent_twice_makes_one_template(store: Store, clock: Clock) -> None:
    first = save(store, clock(), id="t1")

    again = save(store, clock.pass_(seconds=1), id="t1")

    assert again == first
    assert len(store.templates.all()) == 1


def test_a_name_is_taken_once(store: Store, clock: Clock) -> None:
    save(store, clock(), "Invitation")

    with pytest.raises(Conflict) as refused:
        save(store, clock(), "INVITATION", id="other")

    assert refused.value.field == "name"


@pytest.mark.parametrize(
    ("field", "texts"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "x" * 81}),
        ("name", {"name": "a\x07"}),
        ("subject", {"subject": "a\nb"}),
        ("preheader", {"preheader": "x" * 301}),
        ("body", {"body": "  "}),
        ("body", {"body": "ä" * 60_000}),
    ],
)
def test_what_cant_be_kept_is_named(store: Store, clock: Clock, field: str, texts: dict[str, str]) -> None:
    with pytest.raises(RuleViolation) as refused:
        save(store, clock(), **{"id": "t1", **texts})

    assert refused.value.field == field
    assert store.templates.all() == []


def test_there_is_a_most_of_templates(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MAX_TEMPLATES", 1)
    save(store, clock(), "One")

    with pytest.raises(RuleViolation, match="which is the most"):
        save(store, clock(), "Two")

    assert MAX_TEMPLATES == 100


def test_who_edits_an_old_version_is_told_and_nothing_is_lost(store: Store, clock: Clock) -> None:
    first = save(store, clock())
    theirs = templates.edit(store, replace(first, subject="Theirs"), actor="ada", now=clock.pass_(minutes=1))

    with pytest.raises(Conflict):
        templates.edit(store, replace(first, subject="Mine"), actor="grace", now=clock())

    assert store.templates.get(first.id) == theirs
    assert theirs.version == 2


def test_saving_what_is_the_same_writes_nothing(store: Store, clock: Clock) -> None:
    first = save(store, clock())

    assert templates.edit(store, first, actor="ada", now=clock.pass_(minutes=1)) == first


def test_a_deleted_template_is_gone(store: Store, clock: Clock) -> None:
    kept = save(store, clock())

    templates.delete(store, kept.id, actor="ada", now=clock())

    with pytest.raises(NotFound):
        templates.opened(store, kept.id)


def test_each_change_stands_in_the_audit_log(store: Store, clock: Clock) -> None:
    kept = save(store, clock())
    templates.edit(store, replace(kept, subject="Other"), actor="ada", now=clock.pass_(minutes=1))
    templates.delete(store, kept.id, actor="ada", now=clock.pass_(minutes=1))

    entries = list(store.audit.of_month("2026-05"))

    assert [(one.action, one.actor, one.subject) for one in reversed(entries)] == [
        ("template.created", "grace", kept.id),
        ("template.edited", "ada", kept.id),
        ("template.deleted", "ada", kept.id),
    ]


def test_ready_made_ones_are_offered_until_there_is_an_own_one(store: Store, clock: Clock) -> None:
    before = templates.offered(store)
    own = save(store, clock())

    assert before == list(STARTERS)
    assert templates.offered(store) == [own]
    assert templates.opened(store, STARTERS[0].id).is_starter


@pytest.mark.parametrize("starter", STARTERS, ids=lambda one: one.id)
def test_a_ready_made_one_is_a_letter_that_can_be_sent(starter: Template) -> None:
    letter = starter.put_into(Letter(sender="Crew <crew@example.org>", utm=Utm(source="crm")))
    fields = merge_fields(make_person(first_name="Zoe", company="Acme"))

    rendered = render(
        Content(subject=letter.subject, body=letter.body, organisation="We"), fields, unsubscribe_url="https://x.example/u"
    )

    assert check_template(starter.subject, starter.body, starter.preheader) == []
    assert starter.cleaned() == starter
    assert "Hi Zoe" in rendered.text
    assert "{" not in rendered.text
    assert letter.sender == "Crew <crew@example.org>"
