"""Editing events: what is saved, who is told, and what moves with it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from crm.domain.errors import Conflict, CrmError, RuleViolation
from crm.domain.event_log import EventLogKind
from crm.domain.events import AttendanceStatus
from crm.services import event_changes, events
from crm.services import people as people_service
from crm.services.event_changes import EventChanges
from crm.services.event_jobs import PROMOTE, job_key
from crm.services.verify import differences
from crm.store import Store, schema
from crm.store.people_items import LEAVING
from crm.store.requests import Update
from tests.factories import NOW
from tests.services.changing_events import LATER, audit, created, edit, statuses
from tests.services.merging import Died, dying
from tests.services.test_events import new_event, people


def test_what_is_edited_is_saved_and_stands_in_the_history(store: Store) -> None:
    event, _ = created(store, max_capacity=10)

    saved = edit(store, event, title=" Summer ", city="Lund", max_capacity=None, waitlist=False)

    assert store.events.get(event.id) == saved
    assert (saved.title, saved.city, saved.max_capacity, saved.version) == ("Summer", "Lund", None, event.version + 1)
    entry = event_changes.history(store, event.id)[0]
    assert (entry.kind, entry.actor, entry.at) == (EventLogKind.EDITED, "grace", LATER)
    assert dict(entry.changes) == {
        "title": ("Spring", "Summer"),
        "city": ("", "Lund"),
        "maxCapacity": ("10", ""),
        "waitlist": ("on", "off"),
    }
    assert [(one.action, one.actor, one.subject) for one in audit(store)] == [
        ("event.edited", "grace", event.id),
        ("event.created", "ada", event.id),
    ]
    assert differences(store) == []


def test_where_nothing_changes_nothing_is_written(store: Store) -> None:
    event, ids = created(store, host_ids=lambda ids: ids[:1])

    with dying(store, 0):
        same = edit(store, event, title="Spring", host_ids=ids[:1])

    assert same == store.events.get(event.id)


def test_of_two_who_edit_the_same_version_the_second_is_told(store: Store) -> None:
    event, _ = created(store)
    edit(store, event, title="First")

    with pytest.raises(Conflict, match="changed by someone else"):
        edit(store, event, title="Second")

    assert store.events.get(event.id).title == "First"
    assert len(event_changes.history(store, event.id)) == 2


def test_without_a_version_the_event_is_changed_as_it_stands(store: Store) -> None:
    event, _ = created(store)
    edit(store, event, title="First")

    event_changes.edit(store, event.id, {"city": "Lund"}, version=None, actor="grace", now=LATER)

    assert (store.events.get(event.id).title, store.events.get(event.id).city) == ("First", "Lund")


def test_a_new_slug_lets_the_old_one_go(store: Store) -> None:
    event, ids = created(store)

    edit(store, event, slug="summer")

    assert events.create(store, new_event(ids[0], slug="spring"), now=NOW).slug == "spring"
    with pytest.raises(Conflict) as refused:
        events.create(store, new_event(ids[0], slug="summer"), now=NOW)
    assert refused.value.field == "slug"
    assert differences(store) == []


def test_a_taken_slug_is_refused_at_its_field_and_nothing_is_written(store: Store) -> None:
    event, ids = created(store)
    events.create(store, new_event(ids[0], slug="summer"), now=NOW)

    with pytest.raises(Conflict) as refused:
        edit(store, event, slug="summer", title="Summer")

    assert refused.value.field == "slug"
    assert store.events.get(event.id) == event
    assert len(event_changes.history(store, event.id)) == 1
    assert differences(store) == []


def test_a_new_start_moves_with_the_hosts_and_to_another_year(store: Store) -> None:
    event, ids = created(store, host_ids=lambda ids: ids[:2])
    between = events.create(store, new_event(ids[0], slug="other", host_ids=ids[:1]), now=NOW)
    start = event.start_at + timedelta(days=400)

    edit(store, event, start_at=start, end_at=start + timedelta(hours=1))

    assert [one.id for one in store.events.of_person(ids[0]).hosted] == [event.id, between.id]
    assert [one.id for one in store.events.page(start=start - timedelta(days=1)).items] == [event.id]
    assert store.events.total() == 2
    assert differences(store) == []


def test_hosts_come_and_go_with_their_counts(store: Store) -> None:
    event, ids = created(store, host_ids=lambda ids: ids[:2])

    saved = edit(store, event, host_ids=[ids[1], ids[3], ids[3]])

    assert saved.host_ids == (ids[1], ids[3])
    assert sorted(store.events.host_ids(event.id)) == sorted(saved.host_ids)
    assert [store.people.get(one).hosted_event_count for one in ids[:4]] == [0, 1, 0, 1]
    assert differences(store) == []


def test_twenty_hosts_can_be_replaced_by_twenty_others_at_another_time(store: Store) -> None:
    ids = people(store, 40)
    event = events.create(store, new_event(ids[0], host_ids=ids[:20], max_capacity=9), now=NOW)
    start = event.start_at + timedelta(days=365)

    edit(store, event, host_ids=ids[20:], slug="autumn", start_at=start, end_at=start + timedelta(hours=1), max_capacity=10)

    assert sorted(store.events.host_ids(event.id)) == sorted(ids[20:])
    assert differences(store) == []


@pytest.mark.parametrize(("changes", "field"), [({"owner": "ghost"}, "owner"), ({"host_ids": ["ghost"]}, "hostIds")])
def test_somebody_unknown_can_be_neither_owner_nor_host(store: Store, changes: dict[str, Any], field: str) -> None:
    event, _ = created(store)

    with pytest.raises(RuleViolation, match="ghost") as refused:
        edit(store, event, **changes)

    assert refused.value.field == field
    assert store.events.get(event.id) == event


def test_an_owner_who_was_deleted_does_not_keep_the_event_from_being_edited(store: Store) -> None:
    event, ids = created(store)
    people_service.remove(store, ids[0], now=NOW)

    assert edit(store, event, title="Summer").owner == ids[0]


def test_who_is_just_being_deleted_can_not_become_a_host(store: Store) -> None:
    event, ids = created(store)
    store.table.write([Update(key=schema.key("user", id=ids[1]), changes={LEAVING: True})])

    with pytest.raises(RuleViolation) as refused:
        edit(store, event, host_ids=[ids[1]])

    assert refused.value.field == "hostIds"


def test_there_are_never_fewer_seats_than_people_registered(store: Store) -> None:
    event, _ = created(store, max_capacity=8, attendee_ids=lambda ids: ids[:5])

    with pytest.raises(Conflict, match=r"5 people are registered, so there can’t be 3 seats\. Take 2 off") as refused:
        edit(store, event, max_capacity=3)

    assert refused.value.field == "maxCapacity"
    assert edit(store, store.events.get(event.id), max_capacity=5).seats_left == 0
    assert differences(store) == []


def test_seats_are_not_taken_away_from_those_who_register_meanwhile(store: Store) -> None:
    event, ids = created(store, max_capacity=8)

    def register(user_id: str) -> None:
        store.events.seat(event.id, [user_id], now=NOW)

    def shrink(seats: int) -> None:
        try:
            event_changes.edit(store, event.id, {"max_capacity": seats}, version=None, actor="grace", now=NOW)
        except CrmError as error:
            assert error.field in {"maxCapacity", None}  # noqa: PT017

    with ThreadPoolExecutor(12) as pool:
        calls = [pool.submit(register, user_id) for user_id in ids] + [pool.submit(shrink, seats) for seats in (7, 6, 5, 4)]
        for call in calls:
            call.result()

    stored = store.events.get(event.id)
    assert stored.max_capacity is not None
    assert stored.registered_count <= stored.max_capacity
    assert differences(store) == []


@pytest.mark.parametrize(("seats", "served"), [(4, 2), (3, 1), (None, 5)])
def test_more_seats_go_to_the_first_in_line(store: Store, seats: int | None, served: int) -> None:
    event, ids = created(store, max_capacity=2, attendee_ids=lambda ids: ids[:2])
    for number, user_id in enumerate(ids[2:7]):
        store.events.seat(event.id, [user_id], now=NOW + timedelta(seconds=number))

    saved = edit(store, store.events.get(event.id), max_capacity=seats)

    assert (saved.registered_count, saved.waitlisted_count) == (2 + served, 5 - served)
    assert [one for one in ids if statuses(store, event).get(one) == "registered"] == ids[: 2 + served]
    assert store.jobs.of(f"EVENT#{event.id}")[PROMOTE].due_at is None
    assert differences(store) == []


def test_no_seat_stays_free_when_somebody_comes_to_the_line_while_there_are_more_seats(store: Store) -> None:
    event, ids = created(store, max_capacity=1, attendee_ids=lambda ids: ids[:1])

    with ThreadPoolExecutor(8) as pool:
        calls: list[Any] = [pool.submit(store.events.seat, event.id, [user_id], now=NOW) for user_id in ids[1:]]
        raised: EventChanges = {"max_capacity": 6}
        calls.append(pool.submit(event_changes.edit, store, event.id, raised, version=None, actor="grace", now=NOW))
        for call in calls:
            call.result()

    stored = store.events.get(event.id)
    assert (stored.registered_count, stored.waitlisted_count) == (6, 2)
    assert differences(store) == []


def test_an_event_that_is_put_off_while_it_goes_on_gives_its_free_seats_to_the_line(store: Store) -> None:
    event, ids = created(store, max_capacity=1, attendee_ids=lambda ids: ids[:1])
    store.events.seat(event.id, [ids[1]], now=NOW)
    during = event.start_at + timedelta(minutes=5)
    store.events.move(event.id, ids[0], AttendanceStatus.CANCELLED, now=during)
    later: EventChanges = {"start_at": event.start_at + timedelta(days=7), "end_at": event.end_at + timedelta(days=7)}

    event_changes.edit(store, event.id, later, version=None, actor="grace", now=during)

    assert statuses(store, event) == {ids[0]: "cancelled", ids[1]: "registered"}
    assert differences(store) == []


def test_a_process_that_dies_before_the_line_is_served_leaves_that_to_the_job(store: Store) -> None:
    event, ids = created(store, max_capacity=1, attendee_ids=lambda ids: ids[:1])
    store.events.seat(event.id, [ids[1]], now=NOW)

    with pytest.raises(Died), dying(store, 1):
        edit(store, store.events.get(event.id), max_capacity=2)

    assert store.jobs.due(LATER) == [job_key(event.id, PROMOTE)]
    assert differences(store) == []


def test_two_who_edit_at_the_same_moment_do_not_overwrite_each_other(store: Store) -> None:
    event, ids = created(store, host_ids=lambda ids: ids[:1])

    def change(number: int) -> bool:
        try:
            edit(store, event, title=f"Title {number}", slug=f"slug-{number}", host_ids=[ids[number]])
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(change, range(1, 7)))

    assert sum(won) == 1
    assert store.events.get(event.id).title == f"Title {won.index(True) + 1}"
    assert differences(store) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"slug": "No Slug"}, "slug"),
        ({"end_at": NOW}, "endAt"),
        ({"max_capacity": 0}, "maxCapacity"),
        ({"online_url": "javascript:alert(1)"}, "onlineUrl"),
        ({"host_ids": [f"h{number}" for number in range(21)]}, "hostIds"),
    ],
)
def test_what_can_not_be_is_refused_at_its_field(store: Store, changes: dict[str, Any], field: str) -> None:
    event, _ = created(store)

    with pytest.raises(RuleViolation) as refused:
        edit(store, event, **changes)

    assert refused.value.field == field
    assert store.events.get(event.id) == event


def test_an_edit_is_written_whole_or_not_at_all(store: Store) -> None:
    event, ids = created(store, host_ids=lambda ids: ids[:2])
    start = event.start_at + timedelta(days=400)

    with pytest.raises(Died), dying(store, 0):
        edit(store, event, slug="x", start_at=start, end_at=start + timedelta(hours=1), host_ids=ids[2:4])

    assert store.events.get(event.id) == event
    assert differences(store) == []
