"""Cancelling and reinstating events, and when their no-shows are marked."""

from datetime import timedelta
from typing import Any

import pytest

from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.event_log import EventLogKind
from crm.domain.events import EventStatus
from crm.services import event_changes, events
from crm.services.event_jobs import NO_SHOW, NO_SHOW_AFTER, job_key
from crm.services.verify import differences
from crm.store import Store
from tests.factories import NOW
from tests.services.changing_events import LATER, audit, created, due, edit, statuses
from tests.services.merging import Died, dying
from tests.services.test_events import new_event


def test_no_shows_are_marked_some_hours_after_an_end_that_lies_ahead(store: Store) -> None:
    event, ids = created(store)
    past = {"start_at": NOW - timedelta(days=1), "end_at": NOW - timedelta(hours=5)}
    afterwards = events.create(store, new_event(ids[0], slug="past", **past), now=NOW)

    assert due(store, event) == event.end_at + NO_SHOW_AFTER
    assert due(store, afterwards) is None


def test_when_the_end_moves_the_no_shows_move_with_it(store: Store) -> None:
    event, _ = created(store)

    saved = edit(store, event, end_at=event.end_at + timedelta(hours=9))

    assert due(store, saved) == event.end_at + timedelta(hours=9) + NO_SHOW_AFTER


def test_an_end_that_is_set_in_the_past_leaves_the_no_shows_to_staff(store: Store) -> None:
    event, _ = created(store)

    saved = edit(store, event, start_at=NOW - timedelta(days=2), end_at=NOW - timedelta(days=1))

    assert due(store, saved) is None
    again = edit(store, saved, auto_no_show=False)
    assert due(store, edit(store, again, auto_no_show=True)) is None


def test_no_shows_can_be_switched_off_and_on_again(store: Store) -> None:
    event, ids = created(store)
    never = events.create(store, new_event(ids[0], slug="never", auto_no_show=False), now=NOW)

    off = edit(store, event, auto_no_show=False)
    assert (due(store, off), due(store, never)) == (None, None)

    assert due(store, edit(store, off, auto_no_show=True)) == event.end_at + NO_SHOW_AFTER
    assert due(store, edit(store, never, auto_no_show=True)) == never.end_at + NO_SHOW_AFTER


def test_an_edit_of_something_else_leaves_the_job_alone(store: Store) -> None:
    event, _ = created(store)
    before = store.jobs.get(job_key(event.id, NO_SHOW))

    edit(store, event, title="Summer")

    assert store.jobs.get(job_key(event.id, NO_SHOW)) == before


def test_a_cancelled_event_keeps_its_people_and_tells_why(store: Store) -> None:
    event, ids = created(store, attendee_ids=lambda ids: ids[:3], max_capacity=5)

    cancelled = event_changes.cancel(store, event.id, reason=" The hall is flooded. ", actor="grace", now=LATER)

    assert store.events.get(event.id) == cancelled
    assert cancelled.status is EventStatus.CANCELLED
    why = store.events.cancellation(event.id)
    assert why is not None
    assert (why.reason, why.by, why.at, why.start_at) == ("The hall is flooded.", "grace", LATER, event.start_at)
    assert statuses(store, event) == dict.fromkeys(ids[:3], "registered")
    assert due(store, event) is None
    entry = event_changes.history(store, event.id)[0]
    assert (entry.kind, entry.text) == (EventLogKind.CANCELLED, "The hall is flooded.")
    assert audit(store)[0].action == "event.cancelled"
    with pytest.raises(Conflict, match="was cancelled"):
        store.events.seat(event.id, [ids[5]], now=LATER)
    with pytest.raises(Conflict, match="reinstate it first"):
        edit(store, cancelled, title="Summer")
    assert differences(store) == []


def test_to_cancel_twice_changes_nothing(store: Store) -> None:
    event, _ = created(store)
    first = event_changes.cancel(store, event.id, reason="Rain", actor="grace", now=LATER)

    with dying(store, 0):
        again = event_changes.cancel(store, event.id, reason="Rain", actor="grace", now=LATER)

    assert again == first


def test_a_reason_that_is_too_long_is_refused(store: Store) -> None:
    event, _ = created(store)

    with pytest.raises(RuleViolation) as refused:
        event_changes.cancel(store, event.id, reason="x" * 1001, actor="grace", now=LATER)

    assert refused.value.field == "reason"
    assert store.events.get(event.id) == event


def test_a_reinstated_event_is_as_it_was(store: Store) -> None:
    event, ids = created(store, attendee_ids=lambda ids: ids[:3])
    event_changes.cancel(store, event.id, reason="", actor="grace", now=LATER)

    back = event_changes.reinstate(store, event.id, actor="grace", now=LATER)
    again = event_changes.reinstate(store, event.id, actor="grace", now=LATER)

    assert back == again == store.events.get(event.id)
    assert (back.status, back.registered_count) == (EventStatus.PUBLISHED, 3)
    assert store.events.cancellation(event.id) is None
    assert due(store, event) == event.end_at + NO_SHOW_AFTER
    kinds = sorted(entry.kind.value for entry in event_changes.history(store, event.id))
    assert kinds == ["cancelled", "created", "reinstated"]
    assert store.events.seat(event.id, [ids[5]], now=LATER).registered == (ids[5],)
    assert differences(store) == []


def test_an_event_that_is_reinstated_after_its_end_is_not_swept(store: Store) -> None:
    event, _ = created(store)
    event_changes.cancel(store, event.id, reason="", actor="grace", now=LATER)

    event_changes.reinstate(store, event.id, actor="grace", now=event.end_at + timedelta(days=1))

    assert due(store, event) is None


def test_cancelling_and_reinstating_are_whole_or_not_at_all(store: Store) -> None:
    event, _ = created(store)

    with pytest.raises(Died), dying(store, 0):
        event_changes.cancel(store, event.id, reason="", actor="grace", now=LATER)
    assert store.events.get(event.id) == event
    event_changes.cancel(store, event.id, reason="", actor="grace", now=LATER)
    with pytest.raises(Died), dying(store, 0):
        event_changes.reinstate(store, event.id, actor="grace", now=LATER)

    assert store.events.get(event.id).status is EventStatus.CANCELLED
    assert store.events.cancellation(event.id) is not None
    assert differences(store) == []


@pytest.mark.parametrize(
    "change", [event_changes.cancel, event_changes.reinstate, event_changes.delete, event_changes.undo_no_shows]
)
def test_there_is_nothing_to_do_to_an_event_that_is_not_there(store: Store, change: Any) -> None:
    more = {"reason": ""} if change is event_changes.cancel else {}

    with pytest.raises(NotFound):
        change(store, "nothing", actor="grace", now=NOW, **more)
