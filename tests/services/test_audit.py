"""Each action of staff is one entry of the audit log, and what comes to nothing is none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from crm.domain.audit import AuditEntry
from crm.domain.audit_filter import AuditFilter
from crm.domain.campaigns import Campaign, Letter
from crm.domain.errors import Conflict, RuleViolation
from crm.domain.event_drafts import Step
from crm.domain.events import AttendanceStatus, Event, EventStatus
from crm.domain.filters import PeopleFilter
from crm.domain.people import Person
from crm.domain.tasks import TaskAction
from crm.services import (
    attendance,
    attendees,
    audit,
    campaign_shelf,
    campaigns,
    event_drafts,
    imports,
    merge,
    notes,
    people,
    segments,
    sign_ups,
    tasks,
)
from crm.services.files import FolderFiles
from crm.store import Store
from tests.factories import NOW, make_event, make_person, make_profile

WHO: dict[str, Any] = {"actor": "ingrid", "now": NOW}
EVERYBODY = PeopleFilter()
LETTER = Letter(subject="Spring", body="Hello")


def log(store: Store) -> list[AuditEntry]:
    return list(store.audit.of_month(f"{NOW:%Y-%m}"))


def noted_by(store: Store, step: Callable[[], object]) -> list[tuple[str, str, str]]:
    """Action, subject and actor of what a step writes in the log."""
    before = {entry.id for entry in log(store)}
    step()
    return [(entry.action, entry.subject, entry.actor) for entry in log(store) if entry.id not in before]


def person(store: Store) -> Person:
    return store.people.create(make_person())


def event(store: Store, **values: Any) -> Event:
    return store.events.create(make_event(status=EventStatus.PUBLISHED, **values), [], [], now=NOW)


def sent(store: Store) -> Campaign:
    """A campaign that waits out its minute."""
    person(store)
    draft = campaigns.save_draft(store, None, LETTER, wanted=EVERYBODY, **WHO)
    return campaigns.send(store, draft.id, undo_seconds=60, **WHO)


def test_what_is_done_to_a_person(store: Store) -> None:
    one, other = person(store), person(store)
    note = notes.add(store, one.id, "Called", **WHO)
    changed = replace(one.profile, company="Acme", city="Malmö")

    assert noted_by(store, lambda: people.add(store, make_profile(), person_id="p1", **WHO)) == [("person.added", "p1", "ingrid")]
    assert noted_by(store, lambda: notes.add(store, one.id, "Again", **WHO)) == [("person.note_added", one.id, "ingrid")]
    assert noted_by(store, lambda: notes.remove(store, one.id, note.id, **WHO)) == [("person.note_deleted", one.id, "ingrid")]
    assert noted_by(store, lambda: merge.tell_apart(store, one.id, other.id, **WHO)) == [("people.told_apart", one.id, "ingrid")]
    assert noted_by(store, lambda: people.edit(store, one.id, changed, version=1, **WHO)) == [("person.edited", one.id, "ingrid")]
    assert [dict(entry.facts) for entry in log(store) if entry.action == "person.edited"] == [{"fields": "company, city"}]
    assert noted_by(store, lambda: people.edit(store, one.id, changed, version=2, **WHO)) == []
    assert noted_by(store, lambda: people.remove(store, one.id, **WHO)) == [("person.deleted", one.id, "ingrid")]


def test_what_is_done_to_many_people_is_one_entry(store: Store) -> None:
    for _ in range(3):
        person(store)

    deleted = noted_by(store, lambda: tasks.start(store, TaskAction.DELETE, EVERYBODY, task_id="t1", **WHO))

    assert store.people.count(EVERYBODY) == 0
    assert deleted == [("people.deleted", "t1", "ingrid")]


def test_a_task_that_is_cancelled(store: Store) -> None:
    person(store)
    tasks.start(store, TaskAction.TAG, EVERYBODY, subject="VIP", task_id="t1", at_once=0, **WHO)

    assert noted_by(store, lambda: tasks.cancel(store, "t1", **WHO)) == [("people.task_cancelled", "t1", "ingrid")]


def test_what_is_done_to_a_segment(store: Store) -> None:
    wanted = PeopleFilter(company=("Acme",))
    saving = noted_by(store, lambda: segments.save(store, "Acme", wanted, owner="ingrid", segment_id="s1", now=NOW))
    by: dict[str, Any] = {"viewer": "ingrid", "now": NOW}

    assert saving == [("segment.saved", "s1", "ingrid")]
    assert noted_by(store, lambda: segments.save(store, "Acme", wanted, owner="ingrid", segment_id="s1", now=NOW)) == []
    assert noted_by(store, lambda: segments.edit(store, "s1", version=1, name="People of Acme", **by)) == [
        ("segment.edited", "s1", "ingrid")
    ]
    assert noted_by(store, lambda: segments.delete(store, "s1", **by)) == [("segment.deleted", "s1", "ingrid")]


def test_what_is_done_to_a_file_of_people(store: Store, tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    content = b"First name,Last name,Email\nAda,King,ada@example.org\n"

    def upload() -> imports.Import:
        given: dict[str, Any] = {"name": "p.csv", "content": BytesIO(content), "size": len(content), "owner": "ingrid"}
        return imports.upload(store, files, now=NOW, **given)

    uploaded = noted_by(store, upload)
    thrown = upload()

    assert [(action, actor) for action, _, actor in uploaded] == [("people.file_uploaded", "ingrid")]
    assert noted_by(store, lambda: imports.discard(store, files, thrown, **WHO)) == [
        ("people.file_discarded", thrown.id, "ingrid")
    ]


def test_what_is_done_to_a_campaign(store: Store) -> None:
    one = sent(store)
    actions = {entry.action: dict(entry.facts) for entry in log(store)}
    copy = "c" * 32

    assert actions["campaign.sent"] == {"matched": 1, "willReceive": 1}
    assert noted_by(store, lambda: campaigns.pause(store, one.id, **WHO)) == [("campaign.paused", one.id, "ingrid")]
    assert noted_by(store, lambda: campaigns.pause(store, one.id, **WHO)) == []
    assert noted_by(store, lambda: campaigns.resume(store, one.id, **WHO)) == [("campaign.resumed", one.id, "ingrid")]
    assert noted_by(store, lambda: campaigns.undo(store, one.id, **WHO)) == [("campaign.taken_back", one.id, "ingrid")]
    assert noted_by(store, lambda: campaign_shelf.archive(store, one.id, **WHO)) == [("campaign.archived", one.id, "ingrid")]
    assert noted_by(store, lambda: campaign_shelf.unarchive(store, one.id, **WHO)) == [("campaign.unarchived", one.id, "ingrid")]
    assert noted_by(store, lambda: campaign_shelf.duplicate(store, one.id, new=copy, **WHO)) == [
        ("campaign.duplicated", copy, "ingrid")
    ]
    assert noted_by(store, lambda: campaign_shelf.delete_draft(store, copy, **WHO)) == [("campaign.deleted", copy, "ingrid")]
    assert noted_by(store, lambda: campaigns.send(store, one.id, undo_seconds=60, send_at=NOW + timedelta(days=1), **WHO)) == [
        ("campaign.scheduled", one.id, "ingrid")
    ]
    assert noted_by(store, lambda: campaigns.cancel(store, one.id, **WHO)) == [("campaign.cancelled", one.id, "ingrid")]


def test_what_a_script_sends_is_noted_as_its_owners(store: Store) -> None:
    person(store)

    done = noted_by(
        store,
        lambda: campaigns.create_and_send(store, LETTER, wanted=EVERYBODY, send_at=None, campaign_id="c1", **WHO),
    )

    assert done == [("campaign.sent", "c1", "ingrid")]


def test_a_draft_that_keeps_itself_is_one_entry_for_each_sitting(store: Store) -> None:
    draft = campaigns.save_draft(store, None, LETTER, wanted=EVERYBODY, **WHO)
    texts = iter(range(100))

    def saved(actor: str, minutes: int) -> list[tuple[str, str, str]]:
        letter = replace(LETTER, body=f"Hello {next(texts)}")
        at = NOW + timedelta(minutes=minutes)
        return noted_by(store, lambda: campaigns.save_draft(store, draft.id, letter, wanted=EVERYBODY, actor=actor, now=at))

    assert saved("ingrid", 1) == []
    assert saved("ingrid", 25) == []
    assert saved("jonas", 26) == [("campaign.edited", draft.id, "jonas")]
    assert saved("jonas", 50) == []
    assert saved("jonas", 90) == [("campaign.edited", draft.id, "jonas")]


def test_what_is_done_to_the_draft_of_an_event(store: Store) -> None:
    fields = {"title": "Autumn kick-off"}
    begun = noted_by(store, lambda: event_drafts.save_step(store, "e1", Step.BASICS, fields, seen=0, **WHO))
    again = noted_by(store, lambda: event_drafts.save_step(store, "e1", Step.BASICS, {"title": "Autumn"}, seen=1, **WHO))

    assert (begun, again) == ([("event.draft_begun", "e1", "ingrid")], [])
    assert noted_by(store, lambda: event_drafts.discard(store, "e1", **WHO)) == [("event.draft_discarded", "e1", "ingrid")]


def test_where_somebody_stands_with_an_event(store: Store) -> None:
    one, other, meetup = person(store), person(store), event(store)
    by: dict[str, Any] = {"by": "ingrid", "now": NOW}
    moved = [("attendee.moved", meetup.id, "ingrid")]

    registering = noted_by(store, lambda: attendees.add(store, meetup.id, one.id, AttendanceStatus.REGISTERED, **by))
    facts = dict(log(store)[0].facts)

    assert (registering, facts) == (moved, {"userId": one.id, "status": "registered"})
    assert noted_by(store, lambda: attendees.add(store, meetup.id, one.id, AttendanceStatus.REGISTERED, **by)) == []
    assert noted_by(store, lambda: attendees.add(store, meetup.id, other.id, AttendanceStatus.INVITED, **by)) == moved
    assert noted_by(store, lambda: attendance.set_status(store, meetup.id, one.id, AttendanceStatus.CANCELLED, **by)) == moved
    assert noted_by(store, lambda: attendance.take_back(store, meetup.id, one.id, was=AttendanceStatus.CANCELLED, **by)) == [
        ("attendee.taken_back", meetup.id, "ingrid")
    ]


def test_the_door_is_not_noted_for_each_attendance_tells_who_let_them_in(store: Store) -> None:
    one, meetup = person(store), event(store)

    came = noted_by(store, lambda: attendance.check_in(store, meetup.id, one.id, now=NOW, by="dora"))
    by = store.events.attendances(meetup.id, [one.id])[one.id].by
    undone = noted_by(store, lambda: attendance.undo_check_in(store, meetup.id, one.id, now=NOW, by="dora"))

    assert (came, by, undone) == ([], "dora", [])


def test_people_signed_up_by_a_script_are_one_entry(store: Store) -> None:
    ids, meetup = [person(store).id for _ in range(3)], event(store)
    signed = [("attendees.signed_up", meetup.id, "ingrid")]

    assert noted_by(store, lambda: sign_ups.sign_up(store, meetup.id, ids, now=NOW, by="ingrid")) == signed
    assert noted_by(store, lambda: sign_ups.sign_up(store, meetup.id, ids, now=NOW, by="ingrid")) == []


def test_what_is_refused_is_not_noted(store: Store) -> None:
    one, meetup = person(store), event(store, max_capacity=1)
    taken = make_profile(email=one.profile.email)
    store.events.seat(meetup.id, [person(store).id], now=NOW)
    draft = campaigns.save_draft(store, None, LETTER, wanted=PeopleFilter(company=("Nobody",)), **WHO)

    def refused() -> None:
        with pytest.raises(Conflict):
            people.add(store, taken, **WHO)
        with pytest.raises(Conflict):
            attendance.set_status(store, meetup.id, one.id, AttendanceStatus.REGISTERED, now=NOW, by="ingrid")
        with pytest.raises(RuleViolation):
            campaigns.send(store, draft.id, undo_seconds=60, **WHO)

    assert noted_by(store, refused) == []


def test_entries_hold_no_name_and_no_address(store: Store) -> None:
    one = people.add(store, make_profile(first_name="Zebedee", last_name="Quux", email="zebedee@example.org"), **WHO)
    people.edit(store, one.id, replace(one.profile, first_name="Zeb", company="Quuxcorp"), version=1, **WHO)
    notes.add(store, one.id, "Zebedee likes tea", **WHO)
    people.remove(store, one.id, **WHO)

    told = str(log(store)).lower()

    assert "zeb" not in told
    assert "quux" not in told


def test_a_download_is_noted_and_is_exactly_the_filter(store: Store) -> None:
    one, other = person(store), person(store)
    for about in (one, other):
        notes.add(store, about.id, "Called", **WHO)
    late = NOW + timedelta(minutes=1)

    rows = list(audit.export(store, AuditFilter(about=one.id), actor="anna", now=late))

    assert [(row.action, row.subject) for row in rows] == [("person.note_added", one.id)]
    assert next((entry.action, entry.actor, dict(entry.facts)) for entry in log(store)) == (
        "audit.exported",
        "anna",
        {"filter": "object"},
    )
