"""Creating events and registering people."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from crm.domain.errors import Conflict, RuleViolation
from crm.domain.event_log import EventLogKind
from crm.domain.events import AttendanceStatus, EventStatus
from crm.domain.people import Person
from crm.services import events
from crm.services.event_jobs import NO_SHOW, NO_SHOW_AFTER
from crm.services.events import NewEvent
from crm.services.sign_ups import sign_up
from crm.services.verify import differences
from crm.store import Store, schema
from crm.store.events import MAX_ATTENDEES
from crm.store.expressions import absent
from crm.store.requests import Put
from tests.factories import NOW, make_person
from tests.services.merging import Died, dying, merged
from tests.store.test_event_squeezed import squeezing

PEOPLE = {"user", "emailClaim", "searchToken", "tagMember", "delta", "counter"}
"""Kinds of items that a table has where there are people and nothing else."""


def people(store: Store, number: int) -> list[str]:
    """So many people in the table: their ids."""
    made = [make_person() for _ in range(number)]
    assert all(isinstance(person, Person) for person in store.people.create_many(made))
    return [person.id for person in made]


def new_event(person: str, **values: object) -> NewEvent:
    start = NOW + timedelta(days=3)
    new = NewEvent(slug="spring", title="Spring", start_at=start, end_at=start + timedelta(hours=2), owner=person)
    return replace(new, **values)  # type: ignore[arg-type]


def test_an_event_is_created_and_published_with_hosts_and_attendees(store: Store) -> None:
    ids = people(store, 75)

    event = events.create(store, new_event(ids[0], host_ids=ids[:2], attendee_ids=ids, max_capacity=80), now=NOW)

    assert event.status is EventStatus.PUBLISHED
    assert event.registered_count == 75
    assert sorted(store.events.host_ids(event.id)) == sorted(ids[:2])
    assert len(list(store.events.walk_attendees(event.id))) == 75
    assert list(store.jobs.of(f"EVENT#{event.id}")) == [NO_SHOW]
    assert store.jobs.next_due() == event.end_at + NO_SHOW_AFTER
    assert differences(store) == []


def test_the_owner_is_no_host_unless_named_as_one(store: Store) -> None:
    ada = people(store, 1)[0]

    event = events.create(store, new_event(ada), now=NOW)

    assert event.owner == ada
    assert store.events.host_ids(event.id) == []


def test_unknown_people_are_named_field_by_field_and_nothing_is_written(store: Store) -> None:
    ada = people(store, 1)[0]
    new = new_event("nobody", host_ids=[ada, "ghost"], attendee_ids=[ada, "spirit"])

    with pytest.raises(RuleViolation) as refused:
        events.create(store, new, now=NOW)

    assert {error.field: error.message.rpartition(" ")[2] for error in refused.value.errors} == {
        "owner": "nobody.",
        "hostIds": "ghost.",
        "attendeeIds": "spirit.",
    }
    assert {item["entityType"] for item in store.table.scan(consistent=True)} <= PEOPLE
    assert differences(store) == []


def test_more_attendees_than_seats_are_refused_and_nothing_is_written(store: Store) -> None:
    ids = people(store, 3)

    with pytest.raises(Conflict, match="2 seats for 3"):
        events.create(store, new_event(ids[0], attendee_ids=ids, max_capacity=2), now=NOW)

    assert {item["entityType"] for item in store.table.scan(consistent=True)} <= PEOPLE


def test_with_a_waitlist_those_who_find_no_seat_can_be_put_in_line(store: Store) -> None:
    ids = people(store, 40)

    event = events.create(store, new_event(ids[0], attendee_ids=ids, max_capacity=33, overflow=True), now=NOW)

    assert (event.registered_count, event.waitlisted_count) == (33, 7)
    there = store.events.attendances(event.id, ids)
    assert [there[one].status for one in ids[:33]] == [AttendanceStatus.REGISTERED] * 33
    assert differences(store) == []


def test_without_a_waitlist_nobody_can_be_put_in_line(store: Store) -> None:
    ids = people(store, 3)

    with pytest.raises(Conflict, match="2 seats for 3"):
        events.create(store, new_event(ids[0], attendee_ids=ids, max_capacity=2, overflow=True, waitlist=False), now=NOW)


def test_the_largest_event_fits_into_its_first_transaction(store: Store) -> None:
    hosts = people(store, 20)
    guests = [f"{number:032x}" for number in range(MAX_ATTENDEES)]
    store.people.get_many = lambda ids: dict.fromkeys(ids)  # type: ignore[assignment,method-assign]
    others = [Put(item=schema.keyed("segment", {"id": f"s{number}", "name": "S"}), expect=[absent()]) for number in range(2)]

    with pytest.raises(Died), dying(store, 1):
        events.create(store, new_event(hosts[0], host_ids=hosts, attendee_ids=guests), now=NOW, also=others)

    (event,) = store.events.page().items
    assert event.status is EventStatus.CREATING
    assert len(event.host_ids) == 20


def test_what_is_given_stands_on_the_event_and_in_its_history(store: Store) -> None:
    (ada,) = people(store, 1)
    given = {"city": "Lund", "online_url": "https://meet.example/1", "waitlist": False, "auto_no_show": False}

    event = events.create(store, new_event(ada, **given), now=NOW, actor="grace")

    stored = store.events.get(event.id)
    assert {name: getattr(stored, name) for name in given} == given
    assert [(entry.kind, entry.actor) for entry in store.event_log.of(event.id)] == [(EventLogKind.CREATED, "grace")]
    assert [(entry.action, entry.actor, entry.subject) for entry in store.audit.of_month("2026-05")] == [
        ("event.created", "grace", event.id)
    ]


def test_a_taken_slug_is_refused_and_nothing_is_written(store: Store) -> None:
    ids = people(store, 40)
    events.create(store, new_event(ids[0]), now=NOW)

    with pytest.raises(Conflict) as refused:
        events.create(store, new_event(ids[0], host_ids=ids[:3], attendee_ids=ids), now=NOW)

    assert refused.value.field == "slug"
    assert store.people.get(ids[0]).hosted_event_count == 0
    assert differences(store) == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"slug": "Spring Meetup"}, "slug"),
        ({"title": " "}, "title"),
        ({"end_at": NOW}, "endAt"),
        ({"max_capacity": 0}, "maxCapacity"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"owner": ""}, "owner"),
        ({"host_ids": [f"h{n}" for n in range(21)]}, "hostIds"),
        ({"attendee_ids": [f"a{n}" for n in range(4501)]}, "attendeeIds"),
    ],
)
def test_a_value_that_can_not_be_is_refused_at_its_field(store: Store, values: dict[str, object], field: str) -> None:
    ada = people(store, 1)[0]

    with pytest.raises(RuleViolation) as refused:
        events.create(store, new_event(ada, **values), now=NOW)

    assert refused.value.field == field


def test_somebody_who_is_named_twice_is_registered_once(store: Store) -> None:
    ada = people(store, 1)[0]

    event = events.create(store, new_event(ada, host_ids=[ada, ada], attendee_ids=[ada, ada], max_capacity=1), now=NOW)

    assert event.registered_count == 1
    assert differences(store) == []


def test_whatever_write_a_process_dies_before_a_job_finishes_the_event(store: Store) -> None:
    ids = people(store, 65)
    for writes in (1, 2, 3):
        with pytest.raises(Died), dying(store, writes):
            events.create(store, new_event(ids[0], slug=f"s{writes}", attendee_ids=ids, host_ids=ids[:1]), now=NOW)

    assert len(store.jobs.due(NOW + timedelta(minutes=2))) == 3
    assert [event.status for event in store.events.page().items] == [EventStatus.CREATING] * 3
    assert differences(store) == []


@pytest.mark.parametrize("through", [True, False])
def test_for_who_is_merged_while_an_event_is_created_comes_who_is_left(store: Store, through: bool) -> None:
    def merge(kept: Person, gone: Person) -> None:
        with dying(store, 99 if through else 1), suppress(Died):
            merged(store, kept, gone)

    for writes in range(3):
        ids = people(store, 40)
        kept, gone = (store.people.get(one) for one in people(store, 2))
        new = new_event(ids[0], slug=f"spring-{writes}", host_ids=[gone.id], attendee_ids=[*ids, gone.id])

        with squeezing(store, partial(merge, kept, gone), after=writes):
            event = events.create(store, new, now=NOW)

        assert event.registered_count == 41
        assert kept.id in store.events.attendances(event.id, [kept.id])
        assert store.events.host_ids(event.id) == [kept.id if through or writes == 0 else gone.id]
    assert differences(store) == []


def test_who_comes_twice_by_a_merge_has_one_seat(store: Store) -> None:
    ids = people(store, 35)
    kept, gone = store.people.get(ids[33]), store.people.get(ids[34])
    new = new_event(ids[0], attendee_ids=ids, max_capacity=34, overflow=True)

    with squeezing(store, lambda: merged(store, kept, gone), after=1):
        event = events.create(store, new, now=NOW)

    assert event.registered_count == 34
    assert differences(store) == []


def test_registering_fills_the_seats_in_order_and_the_rest_wait(store: Store) -> None:
    ids = people(store, 45)
    event = events.create(store, new_event(ids[0], max_capacity=40), now=NOW)

    counts = sign_up(store, event.id, ids, now=NOW)
    again = sign_up(store, event.id, ids, now=NOW)

    assert (counts.registered, counts.waitlisted, again.already) == (40, 5, 45)
    there = store.events.attendances(event.id, ids)
    assert [user_id for user_id in ids if there[user_id].status is AttendanceStatus.REGISTERED] == ids[:40]
    assert [one.user_id for one in store.events.waiting(event.id, 10)] == ids[40:]
    assert differences(store) == []


def test_who_cancelled_can_register_again(store: Store) -> None:
    ada = people(store, 1)[0]
    event = events.create(store, new_event(ada, attendee_ids=[ada]), now=NOW)
    store.events.move(event.id, ada, AttendanceStatus.CANCELLED, now=NOW)

    counts = sign_up(store, event.id, [ada], now=NOW)

    assert counts.registered == 1
    assert store.people.get(ada).attended_event_count == 1
    assert differences(store) == []


def test_registering_somebody_unknown_names_them_and_writes_nothing(store: Store) -> None:
    ids = people(store, 2)
    event = events.create(store, new_event(ids[0]), now=NOW)

    with pytest.raises(RuleViolation, match="ghost"):
        sign_up(store, event.id, [*ids, "ghost"], now=NOW)

    assert store.events.get(event.id).registered_count == 0
