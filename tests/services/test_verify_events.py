"""verify sees what is broken at an event: line, sign-ups, hosts, cancellations and jobs; and says nothing about drafts."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from crm.domain.errors import NotFound
from crm.domain.event_log import Cancellation
from crm.domain.events import Event, EventStatus
from crm.services import event_changes, events
from crm.services.event_jobs import DELETE, NO_SHOW, job_key
from crm.services.events import NewEvent
from crm.services.verify import differences, repair
from crm.store import Store, schema
from crm.store.attendances import WALK_IN
from crm.store.event_items import waiting_item
from crm.store.requests import Delete, Put, Update
from crm.store.stats import Counter
from tests.conftest import Clock
from tests.factories import NOW
from tests.store.listing import LATER, line, people

Breaking = Callable[[Store, Event, list[str]], None]


@pytest.fixture
def filled(store: Store, clock: Clock) -> tuple[Event, list[str]]:
    """An event of two seats that one of six people hosts, for which five signed up; and who they are."""
    store.table.clock = clock
    ids = people(store, 6)
    new = NewEvent(
        slug="spring",
        title="Spring",
        start_at=clock.now + timedelta(days=2),
        end_at=clock.now + timedelta(days=2, hours=3),
        owner=ids[0],
        host_ids=ids[:1],
        max_capacity=2,
    )
    event = events.create(store, new, now=NOW)
    for number, user_id in enumerate(ids[:5]):
        store.events.seat(event.id, [user_id], now=NOW + timedelta(seconds=number))
    assert differences(store) == []
    return store.events.get(event.id), ids


def key_of(event: Event) -> dict[str, str]:
    return schema.key("event", id=event.id)


def place(store: Store, event: Event, number: int) -> dict[str, str]:
    item = waiting_item(store.events.waiting(event.id, 10)[number])
    return {"PK": item["PK"], "SK": item["SK"]}


def lose_a_place(store: Store, event: Event, ids: list[str]) -> None:
    store.table.write([Delete(key=place(store, event, 1))])


def leave_a_place(store: Store, event: Event, ids: list[str]) -> None:
    attributes = {"id": f"{event.id}:{ids[0]}", "eventId": event.id, "userId": ids[0], "since": "2026-05-04T08:00:00.000Z"}
    store.table.write([Put(item=schema.keyed("waiting", attributes))])


def miscount_the_line(store: Store, event: Event, ids: list[str]) -> None:
    store.table.write([Update(key=key_of(event), changes={"waitlistedCount": 7})])


def forget_the_count_of_the_line(store: Store, event: Event, ids: list[str]) -> None:
    store.table.write([Update(key=key_of(event), changes={"waitlistedCount": None})])


def miscount_sign_ups(store: Store, event: Event, ids: list[str]) -> None:
    store.table.write(store.stats.delta({Counter(f"SIGNUPS#{event.id}", "2026-05", "d04"): 2}, now=NOW))


def miscount_walk_ins(store: Store, event: Event, ids: list[str]) -> None:
    store.table.write(store.stats.delta({Counter(f"ATTENDEES#{event.id}", WALK_IN): 1}, now=NOW))


def name_no_host(store: Store, event: Event, ids: list[str]) -> None:
    store.table.write([Update(key=key_of(event), changes={"hostIds": None})])


def name_another_host(store: Store, event: Event, ids: list[str]) -> None:
    store.table.write([Update(key=key_of(event), changes={"hostIds": [ids[0], ids[1]]})])


def free_a_seat_for_nobody(store: Store, event: Event, ids: list[str]) -> None:
    store.table.write([Update(key=key_of(event), changes={"maxCapacity": 3})])


def lose_the_job_for_no_shows(store: Store, event: Event, ids: list[str]) -> None:
    job = store.jobs.get(job_key(event.id, NO_SHOW))
    assert job is not None
    store.table.write([store.jobs.park(job)])


def stop_in_the_middle_of_the_no_shows(store: Store, event: Event, ids: list[str]) -> None:
    lose_the_job_for_no_shows(store, event, ids)
    store.events.begin_no_shows(store.events.get(event.id), at=event.end_at)


def tell_of_a_cancellation(store: Store, event: Event, ids: list[str]) -> None:
    item = schema.keyed("cancellation", {"id": event.id, "eventId": event.id, "startAt": "2026-05-06T09:00:00.000Z"})
    store.table.write([Put(item=item)])


def cancel_without_a_word(store: Store, event: Event, ids: list[str]) -> None:
    store.table.write([Update(key=key_of(event), changes={"status": EventStatus.CANCELLED.value})])


def move_a_cancellation(store: Store, event: Event, ids: list[str]) -> None:
    event_changes.cancel(store, event.id, reason="Storm", actor="grace", now=LATER)
    item = schema.keyed("cancellation", {"id": event.id, "eventId": event.id, "startAt": "2027-01-01T09:00:00.000Z"})
    store.table.write([Put(item=item)])


def leave_a_history(store: Store, event: Event, ids: list[str]) -> None:
    attributes = {"id": "1", "eventId": "gone", "at": "2026-05-04T09:00:00.000Z"}
    store.table.write([Put(item=schema.keyed("eventLog", attributes))])


def leave_a_place_at_nothing(store: Store, event: Event, ids: list[str]) -> None:
    attributes = {"id": f"gone:{ids[0]}", "eventId": "gone", "userId": ids[0], "since": "2026-05-04T08:00:00.000Z"}
    store.table.write([Put(item=schema.keyed("waiting", attributes))])


BROKEN: dict[str, Breaking] = {
    "has no place in line": lose_a_place,
    "does not wait": leave_a_place,
    "waitlistedCount is 7, counted 3": miscount_the_line,
    "waitlistedCount is 0, counted 3": forget_the_count_of_the_line,
    "d04 is 4, counted 2": miscount_sign_ups,
    "n is 1, counted 0": miscount_walk_ins,
    "does not name its host": name_no_host,
    "who is no host of it": name_another_host,
    "people wait for seats that are free": free_a_seat_for_nobody,
    "no-shows are to be marked": lose_the_job_for_no_shows,
    "no-shows are being marked": stop_in_the_middle_of_the_no_shows,
    "told, but it is not": tell_of_a_cancellation,
    "not found among those that are cancelled": cancel_without_a_word,
    "under another date": move_a_cancellation,
    "its event gone does not exist": leave_a_history,
    "event gone does not exist": leave_a_place_at_nothing,
}


@pytest.mark.parametrize("says", BROKEN)
def test_what_is_broken_at_an_event_is_named_and_mended(store: Store, filled: tuple[Event, list[str]], says: str) -> None:
    event, ids = filled
    BROKEN[says](store, event, ids)

    found = differences(store)
    mended = repair(store)

    assert [difference for difference in found if says in difference.says]
    assert mended.left == []
    assert differences(store) == []


def test_a_place_that_is_mended_is_the_old_one(store: Store, filled: tuple[Event, list[str]]) -> None:
    event, ids = filled
    lose_a_place(store, event, ids)

    repair(store)

    assert line(store, event) == ids[2:5]


def test_free_seats_while_it_goes_on_are_as_they_should_be(store: Store, filled: tuple[Event, list[str]], clock: Clock) -> None:
    event, ids = filled
    free_a_seat_for_nobody(store, event, ids)

    clock.pass_(days=2, minutes=1)

    assert differences(store) == []


def test_a_deletion_that_nobody_finishes_is_named_and_gets_its_job(
    store: Store, filled: tuple[Event, list[str]], clock: Clock
) -> None:
    event, _ = filled
    why = Cancellation(event_id=event.id, start_at=event.start_at, reason="", by="grace", at=LATER)
    store.events.begin_deleting(store.events.get(event.id), why)

    (found,) = differences(store)
    repair(store)

    assert "it is being deleted, but no job is due" in found.says
    job = store.jobs.get(job_key(event.id, DELETE))
    assert job is not None
    assert job.due_at is not None
    assert differences(store) == []


def test_a_draft_is_left_alone(store: Store, filled: tuple[Event, list[str]]) -> None:
    draft = {"id": "d1", "status": EventStatus.DRAFT.value, "updatedAt": "2026-05-04T09:00:00.000Z", "hostIds": ["somebody"]}
    store.table.write([Put(item=schema.keyed("event", draft))])

    assert differences(store) == []


def test_an_event_that_was_deleted_leaves_nothing_to_mend(store: Store, filled: tuple[Event, list[str]]) -> None:
    event, _ = filled

    assert event_changes.delete(store, event.id, actor="grace", now=LATER)

    with pytest.raises(NotFound):
        store.events.get(event.id)
    assert differences(store) == []
