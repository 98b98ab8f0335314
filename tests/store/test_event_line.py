"""The line in front of an event: who waits, who gets the seat that frees, and that nobody waits in front of a free one."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from crm.domain.errors import Conflict
from crm.domain.events import AttendanceStatus, Event
from crm.jobs.worker import Worker
from crm.services.verify import differences
from crm.store import Store, schema
from crm.store.people_items import LEAVING
from crm.store.requests import Update
from crm.store.table import Table
from tests.conftest import Clock
from tests.factories import NOW, make_event
from tests.jobs.mailing import ToldMailer, make_work
from tests.store.listing import LATER, come, line, people, published, standing, with_status
from tests.store.test_events_late import late

REGISTERED, WAITLISTED, CANCELLED = AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED, AttendanceStatus.CANCELLED
ATTENDED, NO_SHOW, INVITED = AttendanceStatus.ATTENDED, AttendanceStatus.NO_SHOW, AttendanceStatus.INVITED


def test_who_finds_no_seat_waits_in_order_of_arrival(store: Store) -> None:
    ids = people(store, 5)
    event = published(store, max_capacity=2)

    come(store, event, *ids)

    assert line(store, event) == ids[2:]
    assert store.events.get(event.id).waitlisted_count == 3
    assert differences(store) == []


def test_who_finds_no_seat_is_refused_where_there_is_no_waitlist(store: Store) -> None:
    ids = people(store, 3)
    event = published(store, max_capacity=2, waitlist=False)

    seated = store.events.seat(event.id, ids, now=NOW)

    assert (seated.registered, seated.waitlisted, seated.refused) == (tuple(ids[:2]), (), (ids[2],))
    assert ids[2] not in standing(store, event)
    assert differences(store) == []


def test_a_cancellation_gives_the_seat_to_the_first_in_line_with_all_counts(store: Store) -> None:
    ada, bob, eve = people(store, 3)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob, eve)

    moved = store.events.move(event.id, ada, CANCELLED, now=LATER, by="grace")

    promoted = store.events.attendances(event.id, [bob])[bob]
    assert moved.promoted == (bob,)
    assert (promoted.status, promoted.was, promoted.by, promoted.registered_at) == (REGISTERED, WAITLISTED, "", LATER)
    assert line(store, event) == [eve]
    assert [store.people.get(one).attended_event_count for one in (ada, bob, eve)] == [0, 1, 0]
    assert differences(store) == []


@pytest.mark.parametrize("status", [CANCELLED, NO_SHOW, WAITLISTED])
def test_any_way_to_free_a_seat_before_it_starts_gives_it_to_the_line(store: Store, status: AttendanceStatus) -> None:
    ada, bob = people(store, 2)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob)

    store.events.move(event.id, ada, status, now=LATER)

    assert standing(store, event) == {ada: status, bob: REGISTERED}
    assert line(store, event) == ([ada] if status is WAITLISTED else [])
    assert differences(store) == []


def test_while_it_goes_on_a_free_seat_is_for_whoever_stands_at_the_door(store: Store) -> None:
    ada, bob, eve = people(store, 3)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob)
    begun = event.start_at + timedelta(minutes=5)

    freed = store.events.move(event.id, ada, NO_SHOW, now=begun)
    came = store.events.move(event.id, eve, ATTENDED, now=begun, walk_in=True)

    assert (freed.promoted, came.changed) == ((), True)
    with pytest.raises(Conflict, match="full"):
        store.events.move(event.id, bob, ATTENDED, now=begun)
    assert store.events.walk_ins(event.id) == 1
    assert differences(store) == []


def test_somebody_in_line_can_be_given_a_free_seat_at_the_door(store: Store) -> None:
    ada, bob = people(store, 2)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob)
    begun = event.start_at

    store.events.move(event.id, ada, CANCELLED, now=begun)
    store.events.move(event.id, bob, ATTENDED, now=begun)

    assert (line(store, event), store.events.get(event.id).waitlisted_count) == ([], 0)
    assert store.events.walk_ins(event.id) == 0
    assert differences(store) == []


def test_after_the_end_a_seat_of_who_did_not_come_goes_to_nobody(store: Store) -> None:
    ada, bob = people(store, 2)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob)

    moved = store.events.move(event.id, ada, NO_SHOW, now=event.end_at)

    assert (moved.promoted, standing(store, event)[bob]) == ((), WAITLISTED)
    assert store.jobs.next_due() is None


def test_new_people_come_behind_those_who_wait_though_seats_are_free(store: Store) -> None:
    ada, bob, eve = people(store, 3)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob)
    more_seats(store, event, 2)

    seated = store.events.seat(event.id, [eve], now=LATER)

    assert seated.waitlisted == (eve,)
    assert standing(store, event)[bob] is REGISTERED
    assert line(store, event) == [eve]


def test_more_seats_go_to_the_line_in_steps(store: Store) -> None:
    ids = people(store, 75)
    event = published(store, max_capacity=5)
    for start in range(0, 75, 25):
        store.events.seat(event.id, ids[start : start + 25], now=NOW + timedelta(seconds=start))
    waiting = line(store, event)
    more_seats(store, event, 50)

    more = [store.events.promote(event.id, now=LATER) for _ in range(3)]

    assert more == [True, False, False]
    assert with_status(store, event, REGISTERED) == {*ids[:5], *waiting[:45]}
    assert line(store, event) == waiting[45:]
    assert differences(store) == []


def test_a_worker_gives_more_seats_to_the_line(store: Store, clock: Clock) -> None:
    ids = people(store, 8)
    event = published(store, max_capacity=3)
    come(store, event, *ids)
    more_seats(store, event, None)
    store.table.write([store.events.put_promotion(event.id, now=clock.now)])

    Worker(make_work(store, ToldMailer(), clock)).run_once()

    assert with_status(store, event, REGISTERED) == set(ids)
    assert store.jobs.next_due() is None
    assert differences(store) == []


def test_who_is_being_deleted_or_merged_is_passed_over_in_line(store: Store) -> None:
    ada, bob, eve = people(store, 3)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob, eve)
    mark(store, bob)

    moved = store.events.move(event.id, ada, CANCELLED, now=LATER)

    assert moved.promoted == (eve,)
    assert line(store, event) == [bob]


def test_a_seat_that_nobody_in_line_can_take_yet_waits_for_them_with_a_job(store: Store, clock: Clock) -> None:
    ada, bob = people(store, 2)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob)
    mark(store, bob)
    store.events.move(event.id, ada, CANCELLED, now=LATER)
    worker = Worker(make_work(store, ToldMailer(), clock))
    clock.pass_(minutes=61)
    worker.run_once()
    still_due = store.jobs.next_due()
    mark(store, bob, None)
    clock.pass_(minutes=1)

    worker.run_once()

    assert still_due is not None
    assert still_due > clock.now - timedelta(minutes=1)
    assert standing(store, event)[bob] is REGISTERED
    assert store.jobs.next_due() is None
    assert differences(store) == []


def test_the_line_behind_somebody_who_is_deleted_is_not_lost(store: Store) -> None:
    ada, bob, eve = people(store, 3)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob, eve)

    for gone in (bob, ada):
        store.events.leave_all(gone, now=LATER)
        store.people.delete(store.people.get(gone))

    assert standing(store, event) == {eve: REGISTERED}
    assert differences(store) == []


def test_who_is_erased_keeps_the_status_and_loses_the_place_in_line(store: Store) -> None:
    ada, bob, eve = people(store, 3)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob, eve)

    store.events.erase_all(bob, now=LATER)
    store.people.delete(store.people.get(bob))
    store.events.move(event.id, ada, CANCELLED, now=LATER)

    assert standing(store, event) == {ada: CANCELLED, bob: WAITLISTED, eve: REGISTERED}
    assert (line(store, event), store.events.get(event.id).waitlisted_count) == ([], 0)
    assert differences(store) == []


def test_nobody_is_made_to_wait_in_front_of_free_seats(store: Store) -> None:
    ada, bob = people(store, 2)
    event = published(store, max_capacity=3)
    come(store, event, ada)

    with pytest.raises(Conflict, match="free seats"):
        store.events.move(event.id, bob, WAITLISTED, now=LATER)
    with pytest.raises(Conflict, match="free seats"):
        store.events.move(event.id, ada, WAITLISTED, now=LATER)

    assert differences(store) == []


def test_who_comes_with_a_new_event_waits_where_there_are_too_few_seats(store: Store) -> None:
    ids = people(store, 70)
    event = store.events.create(make_event(max_capacity=40), [], ids, now=NOW)
    store.events.fill(event.id, now=NOW)

    store.events.leave_all(ids[0], now=NOW)
    store.people.delete(store.people.get(ids[0]))
    while store.events.fill(event.id, now=NOW):
        pass

    now = store.events.get(event.id)
    assert (now.registered_count, now.waitlisted_count, len(line(store, event))) == (40, 29, 29)
    assert store.jobs.next_due() is None
    assert differences(store) == []


def test_fifty_writers_race_for_ten_seats_and_then_cancellations_serve_the_line_in_order(store: Store) -> None:
    ids = people(store, 50)
    event = published(store, max_capacity=10)
    with ThreadPoolExecutor(50) as pool:
        seated = list(pool.map(lambda pair: sign_up(store, event, *pair), enumerate(ids)))
    first = with_status(store, event, REGISTERED)
    waiting = line(store, event)

    with ThreadPoolExecutor(10) as pool:
        moved = list(pool.map(lambda one: store.events.move(event.id, one, CANCELLED, now=LATER), first))

    assert (sum(seated), len(first), len(waiting)) == (10, 10, 40)
    assert all(len(one.promoted) == 1 for one in moved)
    assert {one.promoted[0] for one in moved} == set(waiting[:10]) == with_status(store, event, REGISTERED)
    assert line(store, event) == waiting[10:]
    assert store.events.get(event.id).registered_count == 10
    assert differences(store) == []


def test_people_who_come_and_go_at_the_same_moment_leave_no_seat_free_in_front_of_the_line(store: Store) -> None:
    ids = people(store, 40)
    event = published(store, max_capacity=5)
    come(store, event, *ids[:10])
    seated = sorted(with_status(store, event, REGISTERED))
    acts = [partial(store.events.move, event.id, one, CANCELLED, now=LATER) for one in seated]
    acts += [partial(store.events.seat, event.id, [one], now=LATER) for one in ids[10:]]
    acts += [partial(store.events.move, event.id, one, CANCELLED, now=LATER) for one in ids[6:8]]
    random.Random(4).shuffle(acts)

    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result()

    now = store.events.get(event.id)
    assert (now.registered_count, now.waitlisted_count) == (5, len(line(store, event)))
    assert differences(store) == []


def test_an_index_that_is_behind_does_not_change_who_is_next(store: Store, table: Table) -> None:
    behind = late(table, lag=60)
    ids = people(store, 6)
    event = published(behind, max_capacity=2)
    assert behind.events.attendees(event.id).items == []
    come(behind, event, *ids)

    moved = [behind.events.move(event.id, one, CANCELLED, now=LATER).promoted for one in ids[:2]]

    assert moved == [(ids[2],), (ids[3],)]
    assert differences(store) == []


def sign_up(store: Store, event: Event, number: int, user_id: str) -> bool:
    """Whether they got a seat."""
    seated = store.events.seat(event.id, [user_id], now=NOW + timedelta(milliseconds=number))
    return bool(seated.registered)


def more_seats(store: Store, event: Event, seats: int | None) -> None:
    """Write the limit alone, as an edit does, and nothing that serves the line."""
    old = store.events.get(event.id)
    store.events.save(old, replace(old, max_capacity=seats), now=LATER)


def mark(store: Store, user_id: str, value: str | None = "2026-05-04T09:00:00.000Z") -> None:
    """Mark somebody as being deleted, or not any more."""
    store.table.write([Update(key=schema.key("user", id=user_id), changes={LEAVING: value})])
