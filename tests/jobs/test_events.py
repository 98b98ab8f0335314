"""A worker finishes an event whose creation was cut off."""

from crm.domain.events import EventStatus
from crm.domain.people import Person
from crm.jobs.worker import Worker
from crm.services import events
from crm.services.verify import differences
from crm.store import Store
from crm.store.jobs import JobKey
from tests.conftest import Clock
from tests.factories import make_event, make_person
from tests.jobs.mailing import ToldMailer, make_work


def cut_off(store: Store, clock: Clock, number: int) -> str:
    """An event of which nobody has been seated yet by the request that made it: its id."""
    people = [one for one in store.people.create_many([make_person() for _ in range(number)]) if isinstance(one, Person)]
    event = make_event(max_capacity=number)
    job = store.jobs.put(JobKey(owner=f"EVENT#{event.id}", name=events.CREATING), due_at=clock.now + events.GRACE)
    store.events.create(event, [people[0].id], [person.id for person in people], now=clock.now, also=[job])
    return event.id


def test_a_worker_seats_the_others_and_publishes_the_event(store: Store, clock: Clock) -> None:
    event_id = cut_off(store, clock, 70)
    store.events.fill(event_id, now=clock.now)
    clock.pass_(minutes=2)

    Worker(make_work(store, ToldMailer(), clock)).run_once()

    event = store.events.get(event_id)
    assert (event.status, event.registered_count) == (EventStatus.PUBLISHED, 70)
    assert store.jobs.next_due() is None
    assert differences(store) == []


def test_a_worker_leaves_an_event_alone_while_its_request_may_be_at_it(store: Store, clock: Clock) -> None:
    event_id = cut_off(store, clock, 2)
    clock.pass_(seconds=5)

    Worker(make_work(store, ToldMailer(), clock)).run_once()

    assert store.events.get(event_id).status is EventStatus.CREATING


def test_a_job_that_is_left_over_finds_nothing_to_do(store: Store, clock: Clock) -> None:
    event_id = cut_off(store, clock, 2)
    while store.events.fill(event_id, now=clock.now):
        pass
    clock.pass_(minutes=2)

    Worker(make_work(store, ToldMailer(), clock)).run_once()

    assert store.jobs.next_due() is None
    assert store.events.get(event_id).registered_count == 2
