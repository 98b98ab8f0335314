"""Checked in at the door, moved on a list, and taken back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.events import AttendanceStatus
from crm.domain.filters import PeopleFilter
from crm.domain.ids import new_id
from crm.services import event_changes
from crm.services.attendance import check_in, remove_seat, set_status, take_back, undo_check_in, walk_in
from crm.services.verify import differences
from crm.store import Store
from tests.factories import NOW, make_event, make_person
from tests.store.listing import LATER, come, line, people, published, standing

ATTENDED, CANCELLED, REGISTERED = AttendanceStatus.ATTENDED, AttendanceStatus.CANCELLED, AttendanceStatus.REGISTERED
INVITED, NO_SHOW, WAITLISTED = AttendanceStatus.INVITED, AttendanceStatus.NO_SHOW, AttendanceStatus.WAITLISTED
WHO = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.org"}


def test_who_is_checked_in_twice_is_in_once_and_an_undo_puts_them_back(store: Store) -> None:
    (ada,) = people(store, 1)
    event = published(store, max_capacity=1)
    come(store, event, ada)

    first = check_in(store, event.id, ada, now=LATER, by="jonas")
    again = check_in(store, event.id, ada, now=LATER + timedelta(minutes=1), by="ingrid")
    undone = undo_check_in(store, event.id, ada, now=LATER, by="jonas")
    twice = undo_check_in(store, event.id, ada, now=LATER, by="jonas")

    assert (first.changed, again.changed, undone.changed, twice.changed) == (True, False, True, False)
    assert again.attendance is not None
    assert (again.attendance.by, again.attendance.since) == ("jonas", LATER)
    assert (standing(store, event), store.events.get(event.id).registered_count) == ({ada: REGISTERED}, 1)
    assert store.events.signups(event.id) == {NOW.date(): 1}
    assert differences(store) == []


def test_two_doors_check_the_same_person_in_at_once(store: Store) -> None:
    (ada,) = people(store, 1)
    event = published(store, max_capacity=1)
    come(store, event, ada)

    with ThreadPoolExecutor(8) as pool:
        moved = list(pool.map(lambda door: check_in(store, event.id, ada, now=LATER, by=f"door {door}"), range(8)))

    assert sum(one.changed for one in moved) == 1
    assert differences(store) == []


def test_an_undo_never_takes_back_more_than_the_last_change(store: Store) -> None:
    (ada,) = people(store, 1)
    event = published(store)
    come(store, event, ada)
    check_in(store, event.id, ada, now=LATER, by="jonas")
    undo_check_in(store, event.id, ada, now=LATER, by="jonas")

    moved = take_back(store, event.id, ada, was=REGISTERED, now=LATER, by="jonas")

    assert not moved.changed
    assert standing(store, event) == {ada: REGISTERED}


def test_somebody_new_walks_in_and_an_undo_takes_them_off_the_list(store: Store) -> None:
    event = published(store)

    person, moved = walk_in(store, event.id, **WHO, now=LATER, by="jonas")
    walked = store.events.walk_ins(event.id)
    undo_check_in(store, event.id, person.id, now=LATER, by="jonas")

    assert (person.name, moved.changed, walked) == ("Grace Hopper", True, 1)
    assert moved.attendance is not None
    assert moved.attendance.walk_in
    assert (standing(store, event), store.events.walk_ins(event.id)) == ({}, 0)
    assert store.people.get(person.id).attended_event_count == 0
    assert differences(store) == []


def test_a_walk_in_with_a_known_address_is_that_person(store: Store) -> None:
    known = store.people.create(make_person(email="Grace@Example.org"))
    event = published(store, max_capacity=1)
    come(store, event, known.id)

    person, moved = walk_in(store, event.id, **WHO, now=LATER, by="jonas")

    assert person.id == known.id
    assert moved.changed
    assert (standing(store, event), store.events.walk_ins(event.id)) == ({known.id: ATTENDED}, 0)
    assert differences(store) == []


def test_a_walk_in_that_is_sent_many_times_at_once_is_one_person_with_one_seat(store: Store) -> None:
    event, key = published(store, max_capacity=3), new_id()

    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda _: walk_in(store, event.id, **WHO, now=LATER, by="jonas", user_id=key), range(8)))

    assert {person.id for person, _ in sent} == {key}
    assert sum(moved.changed for _, moved in sent) == 1
    assert store.events.get(event.id).registered_count == 1
    assert differences(store) == []


@pytest.mark.parametrize("typed", [{"email": "grace"}, {"first_name": "", "last_name": ""}, {"email": ""}])
def test_a_walk_in_who_can_not_be_is_refused_and_nobody_is_written(store: Store, typed: dict[str, str]) -> None:
    event = published(store)

    with pytest.raises(RuleViolation):
        walk_in(store, event.id, **{**WHO, **typed}, now=LATER, by="jonas")

    assert store.people.page(PeopleFilter()).items == []


def test_nobody_new_is_written_where_there_is_no_seat_or_no_event(store: Store) -> None:
    (ada,) = people(store, 1)
    event = published(store, max_capacity=1)
    come(store, event, ada)

    with pytest.raises(Conflict, match="full"):
        walk_in(store, event.id, **WHO, now=LATER, by="jonas")
    with pytest.raises(NotFound):
        walk_in(store, "nothing", **WHO, now=LATER, by="jonas")

    assert store.people.find_by_email(WHO["email"]) is None


def test_who_gives_a_seat_up_and_takes_that_back_finds_it_taken_by_the_first_in_line(store: Store) -> None:
    ada, bob = people(store, 2)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob)

    remove_seat(store, event.id, ada, now=LATER, by="jonas")

    with pytest.raises(Conflict, match="full"):
        take_back(store, event.id, ada, was=CANCELLED, now=LATER, by="jonas")
    assert standing(store, event) == {ada: CANCELLED, bob: REGISTERED}
    assert differences(store) == []


def test_who_leaves_the_line_and_takes_that_back_has_the_old_place(store: Store) -> None:
    ids = people(store, 4)
    event = published(store, max_capacity=1)
    come(store, event, *ids)

    remove_seat(store, event.id, ids[1], now=LATER, by="jonas")
    take_back(store, event.id, ids[1], was=CANCELLED, now=LATER, by="jonas")

    assert line(store, event) == ids[1:]
    assert differences(store) == []


def test_there_is_no_way_from_registered_to_invited(store: Store) -> None:
    (ada,) = people(store, 1)
    event = published(store)
    come(store, event, ada)

    with pytest.raises(RuleViolation, match="registered can’t become invited"):
        set_status(store, event.id, ada, INVITED, now=LATER, by="jonas")


@pytest.mark.parametrize("status", [CANCELLED, NO_SHOW])
def test_who_is_not_on_the_list_can_not_be_taken_off_it(store: Store, status: AttendanceStatus) -> None:
    (ada,) = people(store, 1)
    event = published(store)

    with pytest.raises(NotFound, match="not on the list"):
        set_status(store, event.id, ada, status, now=LATER, by="jonas")


def test_nobody_comes_to_a_cancelled_event_but_who_is_on_the_list_can_go(store: Store) -> None:
    ada, bob = people(store, 2)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob)
    event_changes.cancel(store, event.id, reason="", actor="grace", now=LATER)

    with pytest.raises(Conflict, match="cancelled"):
        check_in(store, event.id, bob, now=LATER, by="jonas")
    assert remove_seat(store, event.id, ada, now=LATER, by="jonas").promoted == ()
    assert standing(store, event) == {ada: CANCELLED, bob: WAITLISTED}
    assert differences(store) == []


def test_nobody_came_to_a_cancelled_event_or_stayed_away_and_what_was_noted_can_be_taken_back(store: Store) -> None:
    ada, bob = people(store, 2)
    event = published(store)
    come(store, event, ada, bob)
    check_in(store, event.id, bob, now=LATER, by="jonas")
    event_changes.cancel(store, event.id, reason="", actor="grace", now=LATER)

    for status in (ATTENDED, NO_SHOW):
        with pytest.raises(Conflict, match="was cancelled"):
            set_status(store, event.id, ada, status, now=event.end_at, by="jonas")
    undone = undo_check_in(store, event.id, bob, now=LATER, by="jonas")

    assert undone.changed
    assert standing(store, event) == {ada: REGISTERED, bob: REGISTERED}


def test_a_walk_in_under_the_id_of_somebody_with_another_address_checks_nobody_in(store: Store) -> None:
    (ada,) = people(store, 1)
    event = published(store)

    with pytest.raises(Conflict, match="sent before, with another address"):
        walk_in(store, event.id, **WHO, now=LATER, by="jonas", user_id=ada)

    assert standing(store, event) == {}


def test_a_seat_that_came_free_while_it_was_cancelled_goes_to_the_line_when_it_takes_place(store: Store) -> None:
    ada, bob = people(store, 2)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob)
    event_changes.cancel(store, event.id, reason="", actor="grace", now=LATER)
    remove_seat(store, event.id, ada, now=LATER, by="jonas")

    event_changes.reinstate(store, event.id, actor="grace", now=LATER)

    assert standing(store, event) == {ada: CANCELLED, bob: REGISTERED}
    assert differences(store) == []


def test_who_was_erased_or_is_being_deleted_can_not_be_moved(store: Store) -> None:
    ada, bob = people(store, 2)
    event = published(store)
    come(store, event, ada, bob)
    store.events.erase_all(ada, now=LATER)
    store.events.leave_all(bob, now=LATER)

    with pytest.raises(Conflict, match="erased"):
        check_in(store, event.id, ada, now=LATER, by="jonas")
    with pytest.raises(Conflict, match="deleted or merged"):
        check_in(store, event.id, bob, now=LATER, by="jonas")


def test_many_are_moved_at_once_and_the_others_are_told_by_why_not(store: Store) -> None:
    seated, waiting, invited, stranger = people(store, 4)
    event = published(store, max_capacity=1)
    come(store, event, seated, waiting)
    store.events.move(event.id, invited, INVITED, now=LATER)

    moved = store.events.move_many(event.id, [seated, waiting, invited, stranger], ATTENDED, now=LATER)
    again = store.events.move_many(event.id, [seated, waiting, invited, "nobody"], ATTENDED, now=LATER)
    other = store.events.move_many(event.id, [seated, invited], NO_SHOW, now=LATER + timedelta(minutes=1))

    assert (moved.moved, moved.full, moved.missing) == ((seated,), (waiting, invited), (stranger,))
    assert (again.unchanged, again.full, again.unknown) == ((seated,), (waiting, invited), ("nobody",))
    assert (other.moved, other.unfit, other.promoted) == ((seated,), (invited,), (waiting,))
    assert differences(store) == []


def test_many_who_cancel_at_once_give_their_seats_to_those_behind_them(store: Store) -> None:
    ids = people(store, 45)
    event = published(store, max_capacity=15)
    for start in (0, 15, 30):
        store.events.seat(event.id, ids[start : start + 15], now=NOW + timedelta(seconds=start))
    waiting = line(store, event)

    moved = store.events.move_many(event.id, ids[:15], CANCELLED, now=LATER)

    assert moved.promoted == tuple(waiting[:15])
    assert line(store, event) == waiting[15:]
    assert differences(store) == []


def test_sign_ups_are_counted_on_the_day_in_the_zone_of_the_event(store: Store) -> None:
    ada, bob, eve = people(store, 3)
    event = store.events.create(make_event(timezone="Pacific/Auckland"), [], [], now=NOW)
    evening = NOW.replace(hour=13)

    store.events.seat(event.id, [ada, bob], now=NOW)
    store.events.seat(event.id, [eve], now=evening)
    remove_seat(store, event.id, bob, now=evening, by="")

    assert store.events.signups(event.id) == {NOW.date(): 1, NOW.date() + timedelta(days=1): 1}
    assert differences(store) == []
