"""Who is found at the door, and checking people in and out of it: repeats, two doors at once, and what an undo restores."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from crm.domain.errors import Conflict
from crm.domain.events import AttendanceStatus, Event
from crm.domain.people import Person
from crm.services import attendance, door
from crm.services.verify import differences
from crm.store import Store
from tests.conftest import Clock
from tests.factories import make_event, make_person

REGISTERED, WAITLISTED, ATTENDED = AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED, AttendanceStatus.ATTENDED


def people(store: Store, number: int, **values: object) -> list[Person]:
    """So many people as stored."""
    return [one for one in store.people.create_many([make_person(**values) for _ in range(number)]) if isinstance(one, Person)]


def going_on(store: Store, now: datetime, **values: object) -> Event:
    """An event that began an hour ago."""
    return store.events.create(make_event(start_at=now - timedelta(hours=1), **values), [], [], now=now - timedelta(days=9))


def with_list(store: Store, now: datetime, guests: Sequence[Person], **values: object) -> Event:
    """An event that goes on; these people signed up before, few of them one after the other."""
    event = going_on(store, now, **values)
    step = 30 if len(guests) > 10 else 1
    for start in range(0, len(guests), step):
        some = [one.id for one in guests[start : start + step]]
        store.events.seat(event.id, some, now=now - timedelta(days=2) + timedelta(seconds=start))
    return event


def status_of(store: Store, event: Event, person: Person) -> AttendanceStatus | None:
    there = store.events.attendances(event.id, [person.id]).get(person.id)
    return there.status if there else None


def test_a_search_finds_who_is_on_the_list_in_any_status_and_apart_who_is_only_known(store: Store, clock: Clock) -> None:
    ada, bea, cea, dan = (people(store, 1, first_name=name, last_name="Berg")[0] for name in ("Ada", "Bea", "Cea", "Dan"))
    event = with_list(store, clock.now, [ada, bea, cea])
    attendance.set_status(store, event.id, bea.id, AttendanceStatus.CANCELLED, now=clock.now, by="anna")
    attendance.check_in(store, event.id, cea.id, now=clock.now, by="anna")

    found = door.search(store, store.events.get(event.id), "berg")

    assert [(one.person.id, one.status) for one in found.listed] == [
        (ada.id, REGISTERED),
        (bea.id, AttendanceStatus.CANCELLED),
        (cea.id, ATTENDED),
    ]
    assert [one.person.id for one in found.others] == [dan.id]


def test_a_search_by_address_finds_them_too(store: Store, clock: Clock) -> None:
    (ada,) = people(store, 1, email="ada@example.org")
    event = with_list(store, clock.now, [ada])

    found = door.search(store, event, "ADA@exam")

    assert [one.person.id for one in found.listed] == [ada.id]


def test_of_many_with_one_name_those_on_the_list_come_first_whatever_their_number(store: Store, clock: Clock) -> None:
    crowd = people(store, 90, last_name="Andersson")
    listed = sorted(crowd, key=lambda person: person.id)[-3:]
    event = with_list(store, clock.now, listed)

    found = door.search(store, event, "anders")

    assert {one.person.id for one in found.listed} == {person.id for person in listed}
    assert len(found.others) == door.OTHERS
    assert found.more_others


def test_who_waits_is_shown_with_their_place_in_line(store: Store, clock: Clock) -> None:
    guests = people(store, 3, last_name="Berg")
    event = with_list(store, clock.now, guests, max_capacity=1)

    found = door.search(store, store.events.get(event.id), "berg")

    assert {one.person.id: one.place for one in found.listed} == {guests[0].id: None, guests[1].id: 1, guests[2].id: 2}


def test_without_a_search_the_last_to_come_and_the_expected_are_shown(store: Store, clock: Clock) -> None:
    guests = people(store, 7)
    event = with_list(store, clock.now, guests, max_capacity=6)
    for guest in guests[:4]:
        attendance.check_in(store, event.id, guest.id, now=clock.pass_(minutes=1), by="anna")

    shown = door.overview(store, store.events.get(event.id))

    assert [one.person.id for one in shown.newest] == [one.id for one in guests[3:0:-1]]
    assert {one.person.id for one in shown.expected} == {one.id for one in guests[4:6]}
    assert [(one.person.id, one.place) for one in shown.waiting] == [(guests[6].id, 1)]
    assert shown.every


def test_of_a_long_list_only_the_first_are_read(store: Store, clock: Clock) -> None:
    event = with_list(store, clock.now, people(store, door.EXPECTED + 5))

    shown = door.overview(store, store.events.get(event.id))

    assert len(shown.expected) == door.EXPECTED
    assert not shown.every


def test_the_figures_are_right_after_each_tap_by_counters_and_by_the_index(store: Store, clock: Clock) -> None:
    ada, bea = people(store, 2)
    event = with_list(store, clock.now, [ada], max_capacity=3)

    attendance.check_in(store, event.id, ada.id, now=clock.now, by="anna")
    attendance.check_in(store, event.id, bea.id, now=clock.now, by="anna")

    now = store.events.get(event.id)
    assert door.figures(store, now) == door.Figures(came=2, listed=2, walk_ins=1, seats_left=1)
    assert door.figures(store, now, lately=True) == door.figures(store, now)


def test_a_second_tap_tells_since_when_and_by_whom_and_changes_nothing(store: Store, clock: Clock) -> None:
    (ada,) = people(store, 1)
    event = with_list(store, clock.now, [ada])
    first = attendance.check_in(store, event.id, ada.id, now=clock.now, by="anna")

    second = attendance.check_in(store, event.id, ada.id, now=clock.pass_(minutes=5), by="bo")

    assert (first.changed, second.changed) == (True, False)
    assert second.attendance == first.attendance
    assert second.attendance is not None
    assert second.attendance.by == "anna"


@pytest.mark.parametrize("before", ["registered", "waitlisted", "invited", "cancelled", "not on the list"])
def test_an_undo_restores_what_was_and_a_second_one_changes_nothing(store: Store, clock: Clock, before: str) -> None:
    other, ada = people(store, 2)
    event = going_on(store, clock.now, max_capacity=2)
    if before == "invited":
        store.events.move(event.id, ada.id, AttendanceStatus.INVITED, now=clock.now, by="anna")
    elif before != "not on the list":
        store.events.move(event.id, ada.id, REGISTERED, now=clock.now, by="anna")
    if before in {"waitlisted", "cancelled"}:
        store.events.move(event.id, ada.id, AttendanceStatus(before), now=clock.pass_(minutes=1), by="anna")
    there = store.events.attendances(event.id, [ada.id]).get(ada.id)
    attendance.check_in(store, event.id, ada.id, now=clock.pass_(minutes=1), by="anna")

    undone = attendance.undo_check_in(store, event.id, ada.id, now=clock.pass_(minutes=1), by="anna")
    again = attendance.undo_check_in(store, event.id, ada.id, now=clock.pass_(minutes=1), by="anna")

    now = store.events.attendances(event.id, [ada.id]).get(ada.id)
    assert (undone.changed, again.changed) == (True, False)
    assert (now and (now.status, now.since)) == (there and (there.status, there.since))
    assert other.id not in store.events.attendances(event.id, [other.id])
    assert differences(store) == []


def test_two_doors_check_the_same_person_in_once(store: Store, clock: Clock) -> None:
    (ada,) = people(store, 1)
    event = with_list(store, clock.now, [ada])

    with ThreadPoolExecutor(8) as doors:
        taps = [doors.submit(attendance.check_in, store, event.id, ada.id, now=clock.now, by=f"door{n}") for n in range(8)]
        moved = [tap.result() for tap in taps]

    assert [one.changed for one in moved].count(True) == 1
    assert len({one.attendance.by for one in moved if one.attendance}) == 1
    assert door.figures(store, store.events.get(event.id)).came == 1
    assert differences(store) == []


def test_two_doors_give_the_last_seats_to_as_many_as_there_are(store: Store, clock: Clock) -> None:
    crowd = people(store, 8)
    event = going_on(store, clock.now, max_capacity=3)

    def tap(person: Person) -> str:
        try:
            attendance.check_in(store, event.id, person.id, now=clock.now, by="anna")
        except Conflict as refused:
            return refused.message
        return "in"

    with ThreadPoolExecutor(8) as doors:
        told = list(doors.map(tap, crowd))

    assert told.count("in") == 3
    assert {message for message in told if message != "in"} == {"The event is full."}
    assert door.figures(store, store.events.get(event.id)) == door.Figures(came=3, listed=3, walk_ins=3, seats_left=0)
    assert differences(store) == []


def test_one_door_checks_in_while_the_other_takes_it_back(store: Store, clock: Clock) -> None:
    guests = people(store, 3)
    event = with_list(store, clock.now, guests)

    def turn(number: int) -> None:
        act = attendance.check_in if number % 2 else attendance.undo_check_in
        act(store, event.id, guests[number % 3].id, now=clock.now, by=f"door{number % 2}")

    with ThreadPoolExecutor(6) as doors:
        list(doors.map(turn, range(24)))

    standing = [status_of(store, event, guest) for guest in guests]
    assert set(standing) <= {REGISTERED, ATTENDED}
    assert door.figures(store, store.events.get(event.id)).came == standing.count(ATTENDED)
    assert differences(store) == []


def test_a_walk_in_is_written_down_once_however_often_the_form_is_sent(store: Store, clock: Clock) -> None:
    event = going_on(store, clock.now)
    typed = {"first_name": "Bo", "last_name": "Jansson", "email": "bo@example.org", "user_id": "b" * 32}

    first, _ = attendance.walk_in(store, event.id, **typed, now=clock.now, by="anna")
    second, moved = attendance.walk_in(store, event.id, **typed, now=clock.pass_(minutes=1), by="anna")

    assert first.id == second.id == "b" * 32
    assert not moved.changed
    assert store.people.totals().total == 1
    assert door.figures(store, store.events.get(event.id)).walk_ins == 1


def test_a_walk_in_with_a_known_address_is_that_person(store: Store, clock: Clock) -> None:
    (ada,) = people(store, 1, email="ada@example.org")
    event = with_list(store, clock.now, [ada])

    who, moved = attendance.walk_in(
        store, event.id, first_name="A", last_name="L", email="Ada@Example.org", user_id="b" * 32, now=clock.now, by="anna"
    )

    assert (who.id, moved.attendance and moved.attendance.was) == (ada.id, REGISTERED)
    assert door.figures(store, store.events.get(event.id)).walk_ins == 0


def test_a_walk_in_at_a_full_event_leaves_nothing_behind(store: Store, clock: Clock) -> None:
    event = with_list(store, clock.now, people(store, 1), max_capacity=1)

    with pytest.raises(Conflict, match="full"):
        attendance.walk_in(
            store, event.id, first_name="Bo", last_name="Jansson", email="bo@example.org", now=clock.now, by="anna"
        )

    assert store.people.find_by_email("bo@example.org") is None
    assert differences(store) == []
