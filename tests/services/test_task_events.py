"""Many people on the list of an event get another status: seats, line and counts, and what a step counts that is done again."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.events import AttendanceStatus
from crm.domain.filters import PeopleFilter
from crm.domain.people import Person
from crm.domain.tasks import Outcome, TaskAction
from crm.services import event_changes, task_steps, tasks
from crm.services import people as people_service
from crm.services.foreseen import foreseen
from crm.services.sign_ups import sign_up
from crm.services.verify import differences
from crm.store import Store, schema
from crm.store.requests import Update
from tests.factories import NOW, make_person
from tests.services.test_tasks import (
    EVERYBODY,
    LATER,
    begun_and_left,
    crowd,
    ids_of,
    noted,
    published,
    start,
    step,
    to_the_end,
    unwritten_step,
)

REGISTERED, WAITLISTED = AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED
ATTENDED, CANCELLED, NO_SHOW = AttendanceStatus.ATTENDED, AttendanceStatus.CANCELLED, AttendanceStatus.NO_SHOW


def stand(store: Store, event_id: str, people: Sequence[Person]) -> list[AttendanceStatus]:
    """Where these stand, in their order."""
    there = store.events.attendances(event_id, ids_of(people))
    return [there[person.id].status for person in people]


def test_everybody_on_the_list_gets_the_status_and_it_is_noted_who_did_it(store: Store) -> None:
    people = crowd(store, 50)
    event_id = published(store)
    sign_up(store, event_id, ids_of(people), now=NOW)

    task = start(store, TaskAction.STATUS, subject=f"{event_id}:attended")

    assert task.counts == {Outcome.DONE: 50}
    assert set(stand(store, event_id, people)) == {ATTENDED}
    assert {one.by for one in store.events.walk_attendees(event_id)} == {"grace"}
    assert task.title == f"Note 50 people as attended: {store.events.get(event_id).title}"
    assert differences(store) == []


def test_places_that_are_cancelled_go_to_those_who_wait_longest(store: Store) -> None:
    seated, waiting = crowd(store, 20, company="Pine"), crowd(store, 10)
    event_id = published(store, max_capacity=20)
    for number, some in enumerate((seated, waiting)):
        sign_up(store, event_id, ids_of(some), now=NOW + timedelta(seconds=number))

    task = start(store, TaskAction.STATUS, PeopleFilter(company=("Pine",)), subject=f"{event_id}:cancelled")

    assert task.counts == {Outcome.DONE: 20}
    assert set(stand(store, event_id, waiting)) == {REGISTERED}
    event = store.events.get(event_id)
    assert (event.registered_count, event.waitlisted_count) == (10, 0)
    assert differences(store) == []


def test_who_waits_longest_gets_a_seat_first(store: Store) -> None:
    first, *others = crowd(store, 6)
    event_id = published(store, max_capacity=3)
    sign_up(store, event_id, ids_of(others[:3]), now=NOW)
    later = sorted(others[3:], key=lambda person: person.id)
    sign_up(store, event_id, [first.id], now=NOW + timedelta(seconds=1))
    for number, person in enumerate(later):
        sign_up(store, event_id, [person.id], now=NOW + timedelta(seconds=2 + number))
    start_at = store.events.get(event_id).start_at + timedelta(minutes=5)
    store.events.move(event_id, others[0].id, NO_SHOW, now=start_at)
    waiting = PeopleFilter(attends=(f"{event_id}:waitlisted",))

    task = tasks.start(store, TaskAction.STATUS, waiting, subject=f"{event_id}:attended", actor="grace", now=start_at)

    assert task.counts == {Outcome.DONE: 1, Outcome.FULL: 2}
    assert stand(store, event_id, [first, *later]) == [ATTENDED, WAITLISTED, WAITLISTED]
    assert differences(store) == []


def test_who_can_not_come_there_is_counted_with_the_reason(store: Store) -> None:
    seated, waits, cancelled, stranger, done = crowd(store, 5)
    event_id = published(store, max_capacity=2)
    sign_up(store, event_id, [seated.id, done.id, waits.id, cancelled.id], now=NOW)
    store.events.move(event_id, cancelled.id, CANCELLED, now=NOW)
    store.events.move(event_id, done.id, NO_SHOW, now=LATER + timedelta(days=2))

    task = start(store, TaskAction.STATUS, subject=f"{event_id}:no_show")

    assert task.counts == {Outcome.DONE: 1, Outcome.UNCHANGED: 1, Outcome.NO_WAY: 2, Outcome.NOT_LISTED: 1}
    assert stranger.id not in store.events.attendances(event_id, [stranger.id])


@pytest.mark.parametrize("status", [ATTENDED, CANCELLED, WAITLISTED])
def test_a_step_that_was_done_but_not_written_counts_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch, status: AttendanceStatus
) -> None:
    people, waiting = crowd(store, 20), crowd(store, 25, company="Pine")
    event_id = published(store, max_capacity=20)
    sign_up(store, event_id, ids_of([*people, *waiting]), now=NOW)
    task = noted(store, begun_and_left(store, TaskAction.STATUS, monkeypatch, subject=f"{event_id}:{status}"))
    unwritten_step(store, task)
    at_first = stand(store, event_id, [*people, *waiting])

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 20}
    assert stand(store, event_id, people) == [status] * 20
    assert stand(store, event_id, [*people, *waiting]) == at_first
    assert differences(store) == []


def test_a_step_of_registering_that_is_done_again_leaves_alone_who_has_moved_since(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(store, 4)
    event_id = published(store, max_capacity=2)
    task = noted(store, begun_and_left(store, TaskAction.REGISTER, monkeypatch, subject=event_id))
    unwritten_step(store, task)
    [first, second, *_] = [one.user_id for one in store.events.walk_attendees(event_id, statuses=[REGISTERED])]
    last = [one.user_id for one in store.events.waiting(event_id, 5)][-1]
    for number, user_id in enumerate((first, second, last)):  # the first in line, and the last, get their seats
        store.events.move(event_id, user_id, CANCELLED, now=LATER + timedelta(minutes=1 + number))
    store.events.undo(event_id, last, was=CANCELLED, now=LATER + timedelta(minutes=5))
    store.events.undo(event_id, last, was=REGISTERED, now=LATER + timedelta(minutes=6))
    there = store.events.attendances(event_id, [first, second, last])

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 2, Outcome.WAITLISTED: 2}
    assert store.events.attendances(event_id, [first, second, last]) == there
    assert differences(store) == []


def test_a_step_that_is_done_again_leaves_alone_who_was_given_another_status_since(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = crowd(store, 20)
    event_id = published(store)
    sign_up(store, event_id, ids_of(people), now=NOW)
    task = noted(store, begun_and_left(store, TaskAction.STATUS, monkeypatch, subject=f"{event_id}:cancelled"))
    unwritten_step(store, task)
    store.events.move(event_id, people[0].id, REGISTERED, now=LATER + timedelta(minutes=1), by="ada")
    store.events.undo(event_id, people[1].id, was=CANCELLED, now=LATER + timedelta(minutes=1), by="ada")

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 20}
    assert stand(store, event_id, people) == [REGISTERED, REGISTERED, *[CANCELLED] * 18]


def test_who_comes_before_the_turn_of_a_task_stands_before_its_people(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(store, 5)
    seated, eve = (store.people.create(make_person()).id for _ in range(2))
    event_id = published(store, max_capacity=1)
    sign_up(store, event_id, [seated], now=NOW)
    task = noted(store, begun_and_left(store, TaskAction.REGISTER, monkeypatch, subject=event_id))
    sign_up(store, event_id, [eve], now=LATER + timedelta(minutes=1))

    task_steps.advance(store, task, now=LATER + timedelta(minutes=2), keep=lambda: None)

    line = [one.user_id for one in store.events.waiting(event_id, 10)]
    assert (line[0], len(line)) == (eve, 6)


def test_a_task_whose_turn_comes_while_the_event_goes_on_gives_no_seat_to_the_line(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    [seated] = crowd(store, 1)
    waits = store.people.create(make_person())
    event_id = published(store, max_capacity=1)
    sign_up(store, event_id, [seated.id, waits.id], now=NOW)
    task = noted(store, begun_and_left(store, TaskAction.STATUS, monkeypatch, subject=f"{event_id}:cancelled"))
    going_on = store.events.get(event_id).start_at + timedelta(minutes=10)

    task_steps.advance(store, task, now=going_on, keep=lambda: None)

    assert stand(store, event_id, [seated, waits]) == [CANCELLED, WAITLISTED]


def test_who_is_deleted_meanwhile_is_gone_and_who_was_taken_off_is_not_listed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted, removed, *others = crowd(store, 10)
    event_id = published(store)
    sign_up(store, event_id, ids_of([deleted, removed, *others]), now=NOW)
    task = noted(store, begun_and_left(store, TaskAction.STATUS, monkeypatch, subject=f"{event_id}:attended"))
    people_service.remove(store, deleted.id, now=LATER)
    store.events.undo(event_id, removed.id, was=REGISTERED, now=LATER)

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 8, Outcome.GONE: 1, Outcome.NOT_LISTED: 1}
    assert differences(store) == []


def test_an_event_that_is_deleted_in_the_middle_ends_it_with_the_reason(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(task_steps.PART, TaskAction.STATUS, 5)
    people = crowd(store, 12)
    event_id = published(store)
    sign_up(store, event_id, ids_of(people), now=NOW)
    task = step(store, noted(store, begun_and_left(store, TaskAction.STATUS, monkeypatch, subject=f"{event_id}:attended")))
    event_changes.delete(store, event_id, actor="grace", now=LATER)

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 5, Outcome.CLOSED: 7}


def test_cancelling_the_task_counts_what_a_broken_off_step_had_done(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    people = crowd(store, 6)
    event_id = published(store)
    sign_up(store, event_id, ids_of(people), now=NOW)
    task = noted(store, start(store, TaskAction.STATUS, subject=f"{event_id}:cancelled"))
    unwritten_step(store, task)

    cancelled = tasks.cancel(store, task.id, actor="grace", now=LATER)

    assert cancelled.counts == {Outcome.DONE: 6}


def test_what_can_not_be_is_refused_before_anybody_is_noted_down(store: Store) -> None:
    crowd(store, 1)
    event_id = published(store)
    event_changes.cancel(store, event_id, reason="", actor="grace", now=NOW)

    with pytest.raises(NotFound):
        start(store, TaskAction.STATUS, subject="nothing:attended")
    with pytest.raises(RuleViolation):
        start(store, TaskAction.STATUS, subject=f"{event_id}:dancing")
    with pytest.raises(Conflict):
        start(store, TaskAction.STATUS, subject=f"{event_id}:attended")

    assert store.tasks.recent() == []


def test_the_audit_log_says_what_was_done_to_how_many(store: Store) -> None:
    people = crowd(store, 3)
    event_id = published(store)
    sign_up(store, event_id, ids_of(people), now=NOW)

    start(store, TaskAction.STATUS, subject=f"{event_id}:attended")

    [entry] = [one for one in store.audit.of_month(f"{LATER:%Y-%m}") if one.action == "attendees.moved"]
    assert (entry.actor, entry.facts) == ("grace", {"matched": 3, "eventId": event_id, "status": "attended"})


def test_registering_where_nobody_can_wait_counts_who_found_no_seat(store: Store) -> None:
    crowd(store, 10)
    event_id = published(store, max_capacity=4, waitlist=False)

    task = start(store, TaskAction.REGISTER, subject=event_id)

    assert task.counts == {Outcome.DONE: 4, Outcome.FULL: 6}
    assert store.events.get(event_id).registered_count == 4


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"max_capacity": None}, (8, 0, 0)),
        ({"max_capacity": 5}, (3, 5, 0)),
        ({"max_capacity": 5, "waitlist": False}, (3, 0, 5)),
    ],
)
def test_it_is_foreseen_who_would_find_a_seat(store: Store, values: dict[str, object], expected: tuple[int, int, int]) -> None:
    people = crowd(store, 10)
    event_id = published(store, **values)
    sign_up(store, event_id, ids_of(people[:2]), now=NOW)

    ahead = foreseen(store, EVERYBODY, 10, event_id, now=LATER)

    assert (ahead.registered, ahead.waitlisted, ahead.refused) == expected
    assert (ahead.already, ahead.queued) == (2, False)


def test_seats_that_are_free_but_belong_to_the_line_are_foreseen_as_taken(store: Store) -> None:
    people = crowd(store, 4)
    waits = store.people.create(make_person())
    event_id = published(store, max_capacity=2)
    sign_up(store, event_id, [people[0].id, people[1].id, waits.id], now=NOW)
    store.table.write([Update(key=schema.key("event", id=event_id), changes={"maxCapacity": 3})])

    ahead = foreseen(store, EVERYBODY, 4, event_id, now=NOW)

    assert (ahead.registered, ahead.waitlisted, ahead.queued) == (0, 2, True)
