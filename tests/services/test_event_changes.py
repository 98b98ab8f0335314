"""Editing, cancelling, reinstating and deleting events, and taking no-shows back."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from time import sleep
from typing import Any

import pytest

from crm.domain.audit import AuditEntry
from crm.domain.errors import Conflict, CrmError, NotFound, RuleViolation
from crm.domain.event_log import EventLogKind
from crm.domain.events import AttendanceStatus, Event, EventStatus
from crm.services import event_changes, events
from crm.services import people as people_service
from crm.services.erasure import erase
from crm.services.event_changes import EventChanges
from crm.services.event_jobs import DELETE, NO_SHOW, NO_SHOW_AFTER, PROMOTE, job_key
from crm.services.verify import differences
from crm.store import Store, schema
from crm.store.people_items import LEAVING
from crm.store.requests import Update
from crm.store.table import Table
from tests.conftest import store_over
from tests.factories import NOW
from tests.services.merging import Died, dying, merged
from tests.services.test_events import new_event, people
from tests.store.late import LateTable

LATER = NOW + timedelta(minutes=5)


def created(store: Store, **values: Any) -> tuple[Event, list[str]]:
    """An event in three days, and the ids of eight people of whom the first is its owner."""
    ids = people(store, 8)
    given = {name: value(ids) if callable(value) else value for name, value in values.items()}
    return events.create(store, new_event(ids[0], **given), now=NOW, actor="ada"), ids


def edit(store: Store, event: Event, **changes: Any) -> Event:
    return event_changes.edit(store, event.id, EventChanges(**changes), version=event.version, actor="grace", now=LATER)  # type: ignore[typeddict-item]


def audit(store: Store) -> list[AuditEntry]:
    return list(store.audit.of_month("2026-05"))


def due(store: Store, event: Event) -> datetime | None:
    """When the no-shows of an event are marked; None when they are not."""
    job = store.jobs.get(job_key(event.id, NO_SHOW))
    return job.due_at if job else None


def statuses(store: Store, event: Event) -> dict[str, str]:
    return {one.user_id: one.status.value for one in store.events.walk_attendees(event.id)}


# editing


def test_what_is_edited_is_saved_and_stands_in_the_history(store: Store) -> None:
    event, _ = created(store, max_capacity=10)

    saved = edit(store, event, title=" Summer ", city="Lund", max_capacity=None, waitlist=False)

    assert store.events.get(event.id) == saved
    assert (saved.title, saved.city, saved.max_capacity, saved.version) == ("Summer", "Lund", None, event.version + 1)
    entry = event_changes.history(store, event.id)[0]
    assert (entry.kind, entry.actor, entry.at) == (EventLogKind.EDITED, "grace", LATER)
    assert dict(entry.changes) == {
        "title": ("Spring", "Summer"),
        "city": ("", "Lund"),
        "maxCapacity": ("10", ""),
        "waitlist": ("on", "off"),
    }
    assert [(one.action, one.actor, one.subject) for one in audit(store)] == [
        ("event.edited", "grace", event.id),
        ("event.created", "ada", event.id),
    ]
    assert differences(store) == []


def test_where_nothing_changes_nothing_is_written(store: Store) -> None:
    event, ids = created(store, host_ids=lambda ids: ids[:1])

    with dying(store, 0):
        same = edit(store, event, title="Spring", host_ids=ids[:1])

    assert same == store.events.get(event.id)


def test_of_two_who_edit_the_same_version_the_second_is_told(store: Store) -> None:
    event, _ = created(store)
    edit(store, event, title="First")

    with pytest.raises(Conflict, match="changed by someone else"):
        edit(store, event, title="Second")

    assert store.events.get(event.id).title == "First"
    assert len(event_changes.history(store, event.id)) == 2


def test_without_a_version_the_event_is_changed_as_it_stands(store: Store) -> None:
    event, _ = created(store)
    edit(store, event, title="First")

    event_changes.edit(store, event.id, {"city": "Lund"}, version=None, actor="grace", now=LATER)

    assert (store.events.get(event.id).title, store.events.get(event.id).city) == ("First", "Lund")


def test_a_new_slug_lets_the_old_one_go(store: Store) -> None:
    event, ids = created(store)

    edit(store, event, slug="summer")

    assert events.create(store, new_event(ids[0], slug="spring"), now=NOW).slug == "spring"
    with pytest.raises(Conflict) as refused:
        events.create(store, new_event(ids[0], slug="summer"), now=NOW)
    assert refused.value.field == "slug"
    assert differences(store) == []


def test_a_taken_slug_is_refused_at_its_field_and_nothing_is_written(store: Store) -> None:
    event, ids = created(store)
    events.create(store, new_event(ids[0], slug="summer"), now=NOW)

    with pytest.raises(Conflict) as refused:
        edit(store, event, slug="summer", title="Summer")

    assert refused.value.field == "slug"
    assert store.events.get(event.id) == event
    assert len(event_changes.history(store, event.id)) == 1
    assert differences(store) == []


def test_a_new_start_moves_with_the_hosts_and_to_another_year(store: Store) -> None:
    event, ids = created(store, host_ids=lambda ids: ids[:2])
    between = events.create(store, new_event(ids[0], slug="other", host_ids=ids[:1]), now=NOW)
    start = event.start_at + timedelta(days=400)

    edit(store, event, start_at=start, end_at=start + timedelta(hours=1))

    assert [one.id for one in store.events.of_person(ids[0]).hosted] == [event.id, between.id]
    assert [one.id for one in store.events.page(start=start - timedelta(days=1)).items] == [event.id]
    assert store.events.total() == 2
    assert differences(store) == []


def test_hosts_come_and_go_with_their_counts(store: Store) -> None:
    event, ids = created(store, host_ids=lambda ids: ids[:2])

    saved = edit(store, event, host_ids=[ids[1], ids[3], ids[3]])

    assert saved.host_ids == (ids[1], ids[3])
    assert sorted(store.events.host_ids(event.id)) == sorted(saved.host_ids)
    assert [store.people.get(one).hosted_event_count for one in ids[:4]] == [0, 1, 0, 1]
    assert differences(store) == []


def test_twenty_hosts_can_be_replaced_by_twenty_others_at_another_time(store: Store) -> None:
    ids = people(store, 40)
    event = events.create(store, new_event(ids[0], host_ids=ids[:20], max_capacity=9), now=NOW)
    start = event.start_at + timedelta(days=365)

    edit(store, event, host_ids=ids[20:], slug="autumn", start_at=start, end_at=start + timedelta(hours=1), max_capacity=10)

    assert sorted(store.events.host_ids(event.id)) == sorted(ids[20:])
    assert differences(store) == []


@pytest.mark.parametrize(("changes", "field"), [({"owner": "ghost"}, "owner"), ({"host_ids": ["ghost"]}, "hostIds")])
def test_somebody_unknown_can_be_neither_owner_nor_host(store: Store, changes: dict[str, Any], field: str) -> None:
    event, _ = created(store)

    with pytest.raises(RuleViolation, match="ghost") as refused:
        edit(store, event, **changes)

    assert refused.value.field == field
    assert store.events.get(event.id) == event


def test_an_owner_who_was_deleted_does_not_keep_the_event_from_being_edited(store: Store) -> None:
    event, ids = created(store)
    people_service.remove(store, ids[0], now=NOW)

    assert edit(store, event, title="Summer").owner == ids[0]


def test_who_is_just_being_deleted_can_not_become_a_host(store: Store) -> None:
    event, ids = created(store)
    store.table.write([Update(key=schema.key("user", id=ids[1]), changes={LEAVING: True})])

    with pytest.raises(RuleViolation) as refused:
        edit(store, event, host_ids=[ids[1]])

    assert refused.value.field == "hostIds"


def test_there_are_never_fewer_seats_than_people_registered(store: Store) -> None:
    event, _ = created(store, max_capacity=8, attendee_ids=lambda ids: ids[:5])

    with pytest.raises(Conflict, match=r"5 people are registered, so there can’t be 3 seats\. Take 2 off") as refused:
        edit(store, event, max_capacity=3)

    assert refused.value.field == "maxCapacity"
    assert edit(store, store.events.get(event.id), max_capacity=5).seats_left == 0
    assert differences(store) == []


def test_seats_are_not_taken_away_from_those_who_register_meanwhile(store: Store) -> None:
    event, ids = created(store, max_capacity=8)

    def register(user_id: str) -> None:
        store.events.seat(event.id, [user_id], now=NOW)

    def shrink(seats: int) -> None:
        try:
            event_changes.edit(store, event.id, {"max_capacity": seats}, version=None, actor="grace", now=NOW)
        except CrmError as error:
            assert error.field in {"maxCapacity", None}  # noqa: PT017

    with ThreadPoolExecutor(12) as pool:
        calls = [pool.submit(register, user_id) for user_id in ids] + [pool.submit(shrink, seats) for seats in (7, 6, 5, 4)]
        for call in calls:
            call.result()

    stored = store.events.get(event.id)
    assert stored.max_capacity is not None
    assert stored.registered_count <= stored.max_capacity
    assert differences(store) == []


@pytest.mark.parametrize(("seats", "served"), [(4, 2), (3, 1), (None, 5)])
def test_more_seats_go_to_the_first_in_line(store: Store, seats: int | None, served: int) -> None:
    event, ids = created(store, max_capacity=2, attendee_ids=lambda ids: ids[:2])
    for number, user_id in enumerate(ids[2:7]):
        store.events.seat(event.id, [user_id], now=NOW + timedelta(seconds=number))

    saved = edit(store, store.events.get(event.id), max_capacity=seats)

    assert (saved.registered_count, saved.waitlisted_count) == (2 + served, 5 - served)
    assert [one for one in ids if statuses(store, event).get(one) == "registered"] == ids[: 2 + served]
    assert store.jobs.of(f"EVENT#{event.id}")[PROMOTE].due_at is None
    assert differences(store) == []


def test_no_seat_stays_free_when_somebody_comes_to_the_line_while_there_are_more_seats(store: Store) -> None:
    event, ids = created(store, max_capacity=1, attendee_ids=lambda ids: ids[:1])

    with ThreadPoolExecutor(8) as pool:
        calls: list[Any] = [pool.submit(store.events.seat, event.id, [user_id], now=NOW) for user_id in ids[1:]]
        raised: EventChanges = {"max_capacity": 6}
        calls.append(pool.submit(event_changes.edit, store, event.id, raised, version=None, actor="grace", now=NOW))
        for call in calls:
            call.result()

    stored = store.events.get(event.id)
    assert (stored.registered_count, stored.waitlisted_count) == (6, 2)
    assert differences(store) == []


def test_an_event_that_is_put_off_while_it_goes_on_gives_its_free_seats_to_the_line(store: Store) -> None:
    event, ids = created(store, max_capacity=1, attendee_ids=lambda ids: ids[:1])
    store.events.seat(event.id, [ids[1]], now=NOW)
    during = event.start_at + timedelta(minutes=5)
    events.set_status(store, event.id, ids[0], AttendanceStatus.CANCELLED, now=during)
    later: EventChanges = {"start_at": event.start_at + timedelta(days=7), "end_at": event.end_at + timedelta(days=7)}

    event_changes.edit(store, event.id, later, version=None, actor="grace", now=during)

    assert statuses(store, event) == {ids[0]: "cancelled", ids[1]: "registered"}
    assert differences(store) == []


def test_a_process_that_dies_before_the_line_is_served_leaves_that_to_the_job(store: Store) -> None:
    event, ids = created(store, max_capacity=1, attendee_ids=lambda ids: ids[:1])
    store.events.seat(event.id, [ids[1]], now=NOW)

    with pytest.raises(Died), dying(store, 1):
        edit(store, store.events.get(event.id), max_capacity=2)

    assert store.jobs.due(LATER) == [job_key(event.id, PROMOTE)]
    assert differences(store) == []


def test_two_who_edit_at_the_same_moment_do_not_overwrite_each_other(store: Store) -> None:
    event, ids = created(store, host_ids=lambda ids: ids[:1])

    def change(number: int) -> bool:
        try:
            edit(store, event, title=f"Title {number}", slug=f"slug-{number}", host_ids=[ids[number]])
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(change, range(1, 7)))

    assert sum(won) == 1
    assert store.events.get(event.id).title == f"Title {won.index(True) + 1}"
    assert differences(store) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"slug": "No Slug"}, "slug"),
        ({"end_at": NOW}, "endAt"),
        ({"max_capacity": 0}, "maxCapacity"),
        ({"online_url": "javascript:alert(1)"}, "onlineUrl"),
        ({"host_ids": [f"h{number}" for number in range(21)]}, "hostIds"),
    ],
)
def test_what_can_not_be_is_refused_at_its_field(store: Store, changes: dict[str, Any], field: str) -> None:
    event, _ = created(store)

    with pytest.raises(RuleViolation) as refused:
        edit(store, event, **changes)

    assert refused.value.field == field
    assert store.events.get(event.id) == event


def test_an_edit_is_written_whole_or_not_at_all(store: Store) -> None:
    event, ids = created(store, host_ids=lambda ids: ids[:2])
    start = event.start_at + timedelta(days=400)

    with pytest.raises(Died), dying(store, 0):
        edit(store, event, slug="x", start_at=start, end_at=start + timedelta(hours=1), host_ids=ids[2:4])

    assert store.events.get(event.id) == event
    assert differences(store) == []


# when no-shows are marked


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


# cancelling


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


# deleting


def full_event(store: Store, ids: Sequence[str]) -> Event:
    """An event with hosts, a history, and eight people with every status, of whom the last one was erased."""
    event = events.create(store, new_event(ids[0], host_ids=ids[:2], attendee_ids=[*ids[:5], ids[7]], max_capacity=6), now=NOW)
    store.events.seat(event.id, ids[5:7], now=NOW)
    events.set_status(store, event.id, ids[2], AttendanceStatus.ATTENDED, now=NOW)
    events.set_status(store, event.id, ids[3], AttendanceStatus.NO_SHOW, now=NOW)
    events.set_status(store, event.id, ids[4], AttendanceStatus.CANCELLED, now=NOW)
    erase(store, ids[7], actor="grace", now=NOW)
    return edit(store, store.events.get(event.id), title="Summer")


def left_of(store: Store, event: Event) -> list[str]:
    """The kinds of items that still speak of the event, but for the audit log and what of others is not folded yet."""
    kinds = [item["entityType"] for item in store.table.scan(consistent=True) if event.id in str(item)]
    return sorted(kind for kind in kinds if kind not in {"audit", "delta"})


def test_a_deleted_event_leaves_nothing_behind(store: Store) -> None:
    ids = people(store, 8)
    event = full_event(store, ids)

    assert event_changes.delete(store, event.id, actor="grace", now=LATER)

    assert left_of(store, event) == []
    left = [store.people.get(one) for one in ids[:7]]
    assert [(one.hosted_event_count, one.attended_event_count) for one in left] == [(0, 0)] * 7
    assert store.events.total() == 0
    assert sum(one.action == "event.deleted" for one in audit(store)) == 1
    assert events.create(store, new_event(ids[0], slug=event.slug), now=NOW).slug == event.slug
    assert differences(store) == []


def test_whatever_write_the_process_dies_before_a_repeat_deletes_the_event(store: Store) -> None:
    ids = people(store, 7)
    for writes in range(1, 40):
        event = full_event(store, [*ids, *people(store, 1)])
        through = True
        try:
            with dying(store, writes):
                event_changes.delete(store, event.id, actor="grace", now=LATER)
        except Died:
            through = False
            assert store.jobs.get(job_key(event.id, DELETE)) is not None
        assert differences(store) == []

        if not through:
            event_changes.delete(store, event.id, actor="grace", now=LATER)
        assert left_of(store, event) == []
        assert {person.attended_event_count for person in store.people.get_many(ids).values()} == {0}
        if through:
            assert writes >= 5
            assert differences(store) == []
            return
    raise AssertionError("the deletion never gets through")


def test_nobody_comes_to_the_list_of_an_event_that_is_being_deleted(store: Store) -> None:
    event, ids = created(store, attendee_ids=lambda ids: ids[:3])
    with pytest.raises(Died), dying(store, 1):
        event_changes.delete(store, event.id, actor="grace", now=LATER)

    with pytest.raises(Conflict):
        store.events.seat(event.id, [ids[5]], now=LATER)
    for change in (
        partial(edit, store, store.events.get(event.id), title="Summer"),
        partial(event_changes.reinstate, store, event.id, actor="grace", now=LATER),
        partial(event_changes.cancel, store, event.id, reason="", actor="grace", now=LATER),
    ):
        with pytest.raises(Conflict, match="just being deleted"):
            change()
    people_service.remove(store, ids[1], now=LATER)

    assert event_changes.delete(store, event.id, actor="grace", now=LATER)
    assert left_of(store, event) == []
    assert differences(store) == []


def test_two_who_delete_at_once_and_those_who_register_meanwhile_leave_nothing_behind(store: Store) -> None:
    event, ids = created(store, attendee_ids=lambda ids: ids[:4])

    def register(user_id: str) -> None:
        try:
            store.events.seat(event.id, [user_id], now=LATER)
        except (Conflict, NotFound):
            return

    def delete(number: int) -> None:
        try:
            event_changes.delete(store, event.id, actor=f"staff{number}", now=LATER)
        except NotFound:
            return

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(register, user_id) for user_id in ids[4:]] + [pool.submit(delete, number) for number in range(3)]
        for call in calls:
            call.result()
    if store.events.get_many([event.id]):
        event_changes.delete(store, event.id, actor="grace", now=LATER)

    assert left_of(store, event) == []
    assert sum(one.action == "event.deleted" for one in audit(store)) == 1
    assert differences(store) == []


def test_people_who_are_deleted_or_merged_while_the_event_is_deleted_leave_nothing_behind(store: Store) -> None:
    event, ids = created(store, host_ids=lambda ids: ids[:4], attendee_ids=lambda ids: ids)

    def steadily(change: Callable[[], object]) -> None:
        for _ in range(50):
            try:
                change()
            except NotFound:
                return
            except Conflict:
                sleep(0.05)
            else:
                return
        raise AssertionError("never done")

    kept, gone = store.people.get(ids[6]), store.people.get(ids[2])
    changes = [partial(people_service.remove, store, one, now=LATER) for one in (ids[1], ids[5])]
    changes += [partial(merged, store, kept, gone, now=LATER)]  # type: ignore[list-item]
    changes += [partial(event_changes.delete, store, event.id, actor="grace", now=LATER)]  # type: ignore[list-item]
    with ThreadPoolExecutor(4) as pool:
        for call in [pool.submit(steadily, change) for change in changes]:
            call.result()
    if store.events.get_many([event.id]):
        event_changes.delete(store, event.id, actor="grace", now=LATER)

    assert left_of(store, event) == []
    left = store.people.get_many(ids)
    assert {(person.hosted_event_count, person.attended_event_count) for person in left.values()} == {(0, 0)}
    assert differences(store) == []


def late(table: Table, lag: float) -> Store:
    behind = store_over(LateTable(table.client, table.name, lag=lag))
    behind.table.sleep = lambda seconds: None  # type: ignore[method-assign]
    return behind


def test_an_attendance_that_the_index_does_not_show_yet_is_waited_for(store: Store, table: Table) -> None:
    behind = late(table, lag=0.6)
    event, ids = created(store, attendee_ids=lambda ids: ids[:3])
    assert list(behind.events.walk_attendees(event.id))
    store.events.seat(event.id, ids[3:5], now=NOW)

    assert not event_changes.delete(behind, event.id, actor="grace", now=LATER)

    assert store.jobs.due(LATER) == [job_key(event.id, DELETE)]
    assert store.events.get(event.id).registered_count == 2
    assert differences(store) == []
    table.sleep(0.7)
    assert event_changes.delete(behind, event.id, actor="grace", now=LATER)
    assert left_of(store, event) == []
    assert [store.people.get(one).attended_event_count for one in ids] == [0] * 8
    assert differences(store) == []


def test_an_event_whose_creation_was_cut_off_can_be_deleted(store: Store) -> None:
    ids = people(store, 65)
    with pytest.raises(Died), dying(store, 2):
        events.create(store, new_event(ids[0], attendee_ids=ids), now=NOW)
    (event,) = store.events.page().items
    assert event.status is EventStatus.CREATING

    assert event_changes.delete(store, event.id, actor="grace", now=LATER)

    assert left_of(store, event) == []
    assert differences(store) == []


# no-shows


def after(store: Store, event: Event, marked: Sequence[str]) -> datetime:
    """Let the no-shows of an event be marked; return the stamp of that run."""
    run = event.end_at + NO_SHOW_AFTER
    store.events.begin_no_shows(store.events.get(event.id), at=run)
    store.events.mark_no_shows(event.id, now=run, fence=tuple)
    assert sorted(one for one, status in statuses(store, event).items() if status == "no_show") == sorted(marked)
    return run


def test_taking_no_shows_back_registers_them_as_they_were(store: Store) -> None:
    event, ids = created(store, attendee_ids=lambda ids: ids[:3], max_capacity=4)
    before = store.events.attendances(event.id, ids[:3])
    run = after(store, event, ids[:3])
    assert [store.people.get(one).attended_event_count for one in ids[:3]] == [0, 0, 0]

    back = event_changes.undo_no_shows(store, event.id, actor="grace", now=run + timedelta(days=1))

    assert (back.no_show_at, back.registered_count) == (None, 3)
    there = store.events.attendances(event.id, ids[:3])
    assert {one: (there[one].status, there[one].since, there[one].registered_at) for one in there} == {
        one: (AttendanceStatus.REGISTERED, before[one].since, before[one].registered_at) for one in before
    }
    assert store.jobs.next_due() is None
    assert event_changes.history(store, event.id)[0].kind is EventLogKind.NO_SHOWS_UNDONE
    with pytest.raises(Conflict, match="taken back already"):
        event_changes.undo_no_shows(store, event.id, actor="grace", now=run + timedelta(days=1))
    assert differences(store) == []


def test_only_who_still_stands_as_the_run_left_them_is_taken_back(store: Store) -> None:
    event, ids = created(store, attendee_ids=lambda ids: ids[:5])
    events.set_status(store, event.id, ids[0], AttendanceStatus.NO_SHOW, now=event.end_at)
    run = after(store, event, ids[:5])
    later = run + timedelta(hours=1)
    events.set_status(store, event.id, ids[1], AttendanceStatus.ATTENDED, now=later)
    events.set_status(store, event.id, ids[2], AttendanceStatus.ATTENDED, now=later)
    events.set_status(store, event.id, ids[2], AttendanceStatus.NO_SHOW, now=later)
    people_service.remove(store, ids[3], now=later)

    event_changes.undo_no_shows(store, event.id, actor="grace", now=later)

    there = {ids[0]: "no_show", ids[1]: "attended", ids[2]: "no_show", ids[4]: "registered"}
    assert statuses(store, event) == there
    assert differences(store) == []


def test_no_more_are_taken_back_than_there_are_seats_first_who_signed_up_first(store: Store) -> None:
    event, ids = created(store, max_capacity=3)
    for number, user_id in enumerate([ids[2], ids[0], ids[1]]):
        store.events.seat(event.id, [user_id], now=NOW + timedelta(minutes=number))
    run = after(store, event, ids[:3])
    store.events.seat(event.id, [ids[5]], now=run)

    event_changes.undo_no_shows(store, event.id, actor="grace", now=run)

    there = {ids[2]: "registered", ids[0]: "registered", ids[1]: "no_show", ids[5]: "registered"}
    assert statuses(store, event) == there
    assert store.events.get(event.id).registered_count == 3
    assert differences(store) == []


def test_whatever_write_the_process_dies_before_a_repeat_takes_the_no_shows_back(store: Store) -> None:
    ids = people(store, 35)
    for writes in range(10):
        event = events.create(store, new_event(ids[0], slug=f"s{writes}", attendee_ids=ids), now=NOW)
        run = after(store, event, ids)
        through = True
        try:
            with dying(store, writes):
                event_changes.undo_no_shows(store, event.id, actor="grace", now=run)
        except Died:
            through = False
        assert differences(store) == []

        if not through:
            event_changes.undo_no_shows(store, event.id, actor="grace", now=run)
        assert set(statuses(store, event).values()) == {"registered"}
        assert store.events.get(event.id).no_show_at is None
        assert differences(store) == []
        if through:
            assert writes >= 4
            return
    raise AssertionError("the no-shows are never taken back")
