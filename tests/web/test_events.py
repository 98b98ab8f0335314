"""The page of an event, as a browser without JavaScript and htmx see them."""

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from crm.domain.events import Event
from crm.domain.people import Person
from crm.store import Store
from tests.factories import make_event, make_person

SignIn = Callable[..., Client]


def people(store: Store, number: int, **values: object) -> list[Person]:
    """So many people as stored."""
    return [one for one in store.people.create_many([make_person(**values) for _ in range(number)]) if isinstance(one, Person)]


def held(store: Store, days: float, **values: object) -> Event:
    """A published event that starts so many days from now."""
    now = timezone.now()
    start = now + timedelta(days=days)
    event = make_event(start_at=start, end_at=start + timedelta(hours=values.pop("hours", 2)), **values)  # type: ignore[arg-type]
    return store.events.create(event, [], [], now=now)
