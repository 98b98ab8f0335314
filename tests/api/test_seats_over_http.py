"""Seats and the line over real HTTP: web processes behind a port, many writers at once, nothing between them but the table."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from bench.site import Answer, Site
from crm.domain.events import AttendanceStatus
from crm.services.verify import differences
from crm.store import Store
from crm.store.table import Table
from tests.conftest import store_over
from tests.engine import Engine
from tests.factories import make_person

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

One = TypeVar("One")
WRITERS = 50


@pytest.fixture(scope="module")
def store(dynamodb: "DynamoDBClient") -> Iterator[Store]:
    """One table for all tests of this module, as a site has."""
    table = Table(dynamodb, f"Test{uuid.uuid4().hex}")
    table.create_missing()
    yield store_over(table)
    dynamodb.delete_table(TableName=table.name)


@pytest.fixture(scope="module")
def site(engine: Engine, store: Store) -> Iterator[Site]:
    with Site(engine.url, store.table.name) as site:
        yield site


def people(store: Store, number: int) -> list[str]:
    made = [make_person() for _ in range(number)]
    store.people.create_many(made)
    return [person.id for person in made]


def body(owner: str, **members: Any) -> dict[str, Any]:
    start = datetime.now(UTC) + timedelta(days=30)
    times = {"startAt": start.isoformat(), "endAt": (start + timedelta(hours=2)).isoformat()}
    return {"slug": f"e-{uuid.uuid4().hex}", "title": "Party", "owner": owner, **times, **members}


def publish(site: Site, owner: str, **members: Any) -> str:
    answer = site.call("POST", "/events", body(owner, **members))
    assert answer.status == 201, answer.body
    return str(answer.body["id"])


def at_once(call: Callable[[One], Answer], things: Sequence[One]) -> list[Answer]:
    """Send all these calls in the same moment, each from a thread of its own."""
    gate = threading.Barrier(len(things))

    def go(thing: One) -> Answer:
        gate.wait()
        return call(thing)

    with ThreadPoolExecutor(len(things)) as writers:
        return list(writers.map(go, things))


def line(store: Store, event_id: str) -> list[str]:
    return [one.user_id for one in store.events.waiting(event_id, 100)]


def standing(store: Store, event_id: str, status: AttendanceStatus) -> set[str]:
    return {one.user_id for one in store.events.walk_attendees(event_id, statuses=[status])}


@pytest.mark.slow
def test_of_fifty_writers_for_the_last_ten_seats_ten_get_one_and_those_who_cancel_are_followed_in_order(
    site: Site, store: Store
) -> None:
    there, coming = people(store, 20), people(store, WRITERS)
    event_id = publish(site, there[0], attendeeIds=there, maxCapacity=30)

    answers = at_once(lambda one: site.call("POST", f"/events/{event_id}/attendees", {"userIds": [one]}), coming)

    registered = {one for one, answer in zip(coming, answers, strict=True) if answer.body["registered"]}
    waiting = line(store, event_id)
    event = site.call("GET", f"/events/{event_id}").body
    assert {answer.status for answer in answers} == {200}
    assert (len(registered), len(waiting), registered & set(waiting)) == (10, 40, set())
    assert (event["registeredCount"], event["waitlistedCount"]) == (30, 40)
    assert standing(store, event_id, AttendanceStatus.REGISTERED) == registered | set(there)
    assert differences(store) == []

    site.call("DELETE", f"/events/{event_id}/attendees/{there[0]}")

    assert line(store, event_id) == waiting[1:]
    assert waiting[0] in standing(store, event_id, AttendanceStatus.REGISTERED)

    gone = at_once(lambda one: site.call("DELETE", f"/events/{event_id}/attendees/{one}"), there[1:13])

    assert {answer.status for answer in gone} == {204}
    assert line(store, event_id) == waiting[13:]
    assert standing(store, event_id, AttendanceStatus.REGISTERED) == (registered | set(waiting[:13]) | set(there[13:]))
    assert site.call("GET", f"/events/{event_id}").body["registeredCount"] == 30
    assert differences(store) == []


@pytest.mark.slow
def test_without_a_waitlist_forty_of_fifty_writers_are_refused(site: Site, store: Store) -> None:
    there, coming = people(store, 5), people(store, WRITERS)
    event_id = publish(site, there[0], attendeeIds=there, maxCapacity=15, waitlist=False)

    answers = at_once(lambda one: site.call("POST", f"/events/{event_id}/attendees", {"userIds": [one]}), coming)

    registered = {one for one, answer in zip(coming, answers, strict=True) if answer.status == 200}
    event = site.call("GET", f"/events/{event_id}").body
    assert Counter(answer.status for answer in answers) == {200: 10, 409: 40}
    assert {answer.body["title"] for answer in answers if answer.status == 409} == {"Conflict"}
    assert standing(store, event_id, AttendanceStatus.REGISTERED) == registered | set(there)
    assert (event["registeredCount"], event["waitlistedCount"]) == (15, 0)
    assert differences(store) == []


@pytest.mark.slow
def test_writers_of_many_people_at_once_fill_the_seats_and_nobody_is_counted_twice(site: Site, store: Store) -> None:
    ids = people(store, 100)
    event_id = publish(site, ids[0], maxCapacity=60)
    overlapping = [ids[start : start + 40] for start in range(0, 80, 10)]

    answers = at_once(lambda some: site.call("POST", f"/events/{event_id}/attendees", {"userIds": some}), overlapping)

    counted: Counter[str] = Counter()
    for answer in answers:
        counted.update({name: answer.body[name] for name in ("registered", "waitlisted", "alreadyThere", "refused")})
    came = set().union(*overlapping)
    assert {answer.status for answer in answers} == {200}
    assert (counted["registered"], counted["waitlisted"], counted["refused"]) == (60, len(came) - 60, 0)
    assert counted["alreadyThere"] == sum(map(len, overlapping)) - len(came)
    assert len(standing(store, event_id, AttendanceStatus.REGISTERED)) == 60
    assert differences(store) == []


@pytest.mark.slow
def test_twins_of_one_request_under_one_key_add_people_once_and_answer_alike(site: Site, store: Store) -> None:
    ids = people(store, 70)
    event_id = publish(site, ids[0], maxCapacity=40)
    key = {"Idempotency-Key": "twins"}

    answers = at_once(lambda _: site.call("POST", f"/events/{event_id}/attendees", {"userIds": ids}, key), range(4))

    last = site.call("POST", f"/events/{event_id}/attendees", {"userIds": ids}, key)
    assert {answer.status for answer in answers} == {200}
    assert [answer.body for answer in answers] == [last.body] * 4
    assert (last.body["registered"], last.body["waitlisted"], last.body["alreadyThere"]) == (40, 30, 0)
    assert differences(store) == []


@pytest.mark.slow
def test_an_event_with_a_thousand_attendees_is_right_and_unknown_ids_write_nothing(site: Site, store: Store) -> None:
    ids = people(store, 1_000)
    ghosts = ["ghost-1", "ghost-2"]
    wanted = body(ids[0], attendeeIds=[*ids, *ghosts], hostIds=ids[:3], maxCapacity=1_010)

    refused = site.call("POST", "/events", wanted)
    nothing = (store.events.page(limit=200).items, differences(store))
    answer = site.call("POST", "/events", {**wanted, "attendeeIds": ids}, {"Idempotency-Key": "thousand"})
    again = site.call("POST", "/events", {**wanted, "attendeeIds": ids}, {"Idempotency-Key": "thousand"})

    assert (refused.status, refused.body["errors"][0]["field"]) == (422, "attendeeIds")
    assert all(ghost in refused.body["detail"] for ghost in ghosts)
    assert wanted["slug"] not in {event.slug for event in nothing[0]}
    assert nothing[1] == []
    assert (answer.status, answer.body["status"], answer.body["registeredCount"]) == (201, "published", 1_000)
    assert again == answer
    assert sorted(answer.body["hostIds"]) == sorted(ids[:3])
    assert standing(store, answer.body["id"], AttendanceStatus.REGISTERED) == set(ids)
    assert {store.people.get(one).attended_event_count for one in (ids[0], ids[499], ids[-1])} == {1}
    assert differences(store) == []
