"""Events at the moment when their no-shows are due, and a worker for them."""

from dataclasses import replace
from datetime import timedelta

from crm.domain.events import Event
from crm.domain.people import Person
from crm.jobs.worker import Worker
from crm.services import events
from crm.services.event_jobs import NO_SHOW_AFTER
from crm.store import Store
from tests.conftest import Clock
from tests.factories import make_person
from tests.jobs.mailing import ToldMailer, make_work


def people(store: Store, number: int) -> list[str]:
    made = store.people.create_many([make_person() for _ in range(number)])
    return [one.id for one in made if isinstance(one, Person)]


def work_on(store: Store, clock: Clock) -> None:
    Worker(make_work(store, ToldMailer(), clock)).run_once()


def statuses(store: Store, event: Event) -> dict[str, str]:
    return {one.user_id: one.status.value for one in store.events.walk_attendees(event.id)}


def over(store: Store, clock: Clock, number: int, **values: object) -> tuple[Event, list[str]]:
    """An event with so many registered, at the moment when its no-shows are due."""
    ids = list(store.people.get_many(values.pop("ids", ()))) or people(store, number)  # type: ignore[arg-type]
    start = clock.now + timedelta(days=1)
    new = events.NewEvent(slug="s", title="S", start_at=start, end_at=start + timedelta(hours=2), owner=ids[0], attendee_ids=ids)
    event = events.create(store, replace(new, **values), now=clock.now)  # type: ignore[arg-type]
    clock.now = event.end_at + NO_SHOW_AFTER
    return event, ids
