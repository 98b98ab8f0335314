"""Lists of events as tests make and read them."""

from datetime import timedelta
from typing import Any

from crm.domain.events import AttendanceStatus, Event
from crm.domain.people import Person
from crm.store import Store
from tests.factories import NOW, make_event, make_person

LATER = NOW + timedelta(hours=1)


def people(store: Store, number: int) -> list[str]:
    """So many people in the table: their ids."""
    made = store.people.create_many([make_person() for _ in range(number)])
    assert all(isinstance(person, Person) for person in made)
    return [person.id for person in made if isinstance(person, Person)]


def published(store: Store, **values: Any) -> Event:
    """An event, tomorrow unless said otherwise."""
    return store.events.create(make_event(**values), [], [], now=NOW)


def come(store: Store, event: Event, *user_ids: str) -> None:
    """Let people sign up one after the other, a second apart."""
    for number, user_id in enumerate(user_ids):
        store.events.seat(event.id, [user_id], now=NOW + timedelta(seconds=number))


def standing(store: Store, event: Event) -> dict[str, AttendanceStatus]:
    """Where everybody on the list stands."""
    return {one.user_id: one.status for one in store.events.walk_attendees(event.id)}


def with_status(store: Store, event: Event, status: AttendanceStatus) -> set[str]:
    """Who has that status."""
    return {user_id for user_id, there in standing(store, event).items() if there is status}


def line(store: Store, event: Event) -> list[str]:
    """Who waits, in order."""
    return [one.user_id for one in store.events.waiting(event.id, 1000)]
