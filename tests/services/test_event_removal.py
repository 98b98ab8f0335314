"""Deleting events: nothing is left behind, whatever happens meanwhile."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import sleep

import pytest

from crm.domain.errors import Conflict, NotFound
from crm.domain.events import AttendanceStatus, Event, EventStatus
from crm.services import event_changes, events
from crm.services import people as people_service
from crm.services.erasure import erase
from crm.services.event_jobs import DELETE, job_key
from crm.services.verify import differences
from crm.store import Store
from crm.store.table import Table
from tests.conftest import store_over
from tests.factories import NOW
from tests.services.changing_events import LATER, audit, created, edit
from tests.services.merging import Died, dying, merged
from tests.services.test_events import new_event, people
from tests.store.late import LateTable


def full_event(store: Store, ids: Sequence[str]) -> Event:
    """An event with hosts, a history, and eight people with every status, of whom the last one was erased."""
    event = events.create(store, new_event(ids[0], host_ids=ids[:2], attendee_ids=[*ids[:5], ids[7]], max_capacity=6), now=NOW)
    store.events.seat(event.id, ids[5:7], now=NOW)
    store.events.move(event.id, ids[2], AttendanceStatus.ATTENDED, now=NOW)
    store.events.move(event.id, ids[3], AttendanceStatus.NO_SHOW, now=NOW)
    store.events.move(event.id, ids[4], AttendanceStatus.CANCELLED, now=NOW)
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
    behind = late(table, lag=60)
    event, ids = created(store, attendee_ids=lambda ids: ids[:3])
    assert list(behind.events.walk_attendees(event.id))
    store.events.seat(event.id, ids[3:5], now=NOW)

    assert not event_changes.delete(behind, event.id, actor="grace", now=LATER)

    assert store.jobs.due(LATER) == [job_key(event.id, DELETE)]
    assert store.events.get(event.id).registered_count == 2
    assert differences(store) == []
    assert event_changes.delete(store, event.id, actor="grace", now=LATER)
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
