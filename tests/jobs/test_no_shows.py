"""Who is registered and did not come becomes a no-show by a worker, and can be taken back."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest

from crm.domain.errors import Conflict
from crm.domain.event_log import EventLogKind
from crm.domain.events import AttendanceStatus, Event
from crm.jobs import events as steps
from crm.jobs.work import Held
from crm.services import event_changes
from crm.services import people as people_service
from crm.services.erasure import erase
from crm.services.event_jobs import NO_SHOW, NO_SHOW_AFTER, NO_SHOW_UNDO, job_key
from crm.services.verify import differences
from crm.store import Store
from crm.store.jobs import LeaseLost
from crm.store.table import Table
from tests.conftest import Clock, store_over
from tests.jobs.mailing import ToldMailer, make_work
from tests.jobs.over import over, people, statuses, work_on
from tests.services.merging import Died, dying
from tests.store.late import LateTable
from tests.store.test_event_squeezed import squeezing


def test_who_is_registered_and_did_not_come_becomes_a_no_show_some_hours_after_the_end(store: Store, clock: Clock) -> None:
    event, ids = over(store, clock, 40)
    store.events.move(event.id, ids[0], AttendanceStatus.ATTENDED, now=event.start_at)
    store.events.move(event.id, ids[1], AttendanceStatus.CANCELLED, now=event.start_at)
    clock.pass_(minutes=-5)
    work_on(store, clock)
    assert store.events.get(event.id).no_show_at is None

    clock.pass_(minutes=5)
    work_on(store, clock)

    stored = store.events.get(event.id)
    assert (stored.no_show_at, stored.registered_count) == (clock.now, 1)
    there = store.events.attendances(event.id, ids)
    assert [there[one].status.value for one in ids] == ["attended", "cancelled", *["no_show"] * 38]
    assert {there[one].since for one in ids[2:]} == {clock.now}
    assert [person.attended_event_count for person in store.people.get_many(ids).values()].count(1) == 1
    entry = event_changes.history(store, event.id)[0]
    assert (entry.kind, entry.text, entry.actor) == (EventLogKind.NO_SHOWS, "38", "")
    assert store.jobs.next_due() is None
    assert differences(store) == []


def test_people_in_line_get_no_seat_when_no_shows_are_marked(store: Store, clock: Clock) -> None:
    event, ids = over(store, clock, 3, max_capacity=2, overflow=True)

    work_on(store, clock)

    assert statuses(store, event) == {ids[0]: "no_show", ids[1]: "no_show", ids[2]: "waitlisted"}
    assert differences(store) == []


def test_who_was_erased_and_who_is_in_line_after_the_end_are_no_no_shows(store: Store, clock: Clock) -> None:
    event, ids = over(store, clock, 3, max_capacity=2, overflow=True)
    erase(store, ids[1], actor="grace", now=event.start_at)
    store.events.move(event.id, ids[0], AttendanceStatus.CANCELLED, now=event.end_at + timedelta(minutes=5))

    work_on(store, clock)

    assert statuses(store, event) == {ids[0]: "cancelled", ids[1]: "registered", ids[2]: "registered"}
    assert store.events.get(event.id).no_show_at is not None
    assert differences(store) == []


def test_who_is_checked_in_while_no_shows_are_marked_is_attended(store: Store, clock: Clock) -> None:
    event, ids = over(store, clock, 90)
    here, leaving = ids[::3], ids[1:30:9]

    def check_in(user_id: str) -> None:
        store.events.move(event.id, user_id, AttendanceStatus.ATTENDED, now=clock.now)

    with ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(check_in, user_id) for user_id in here]
        calls.insert(10, pool.submit(work_on, store, clock))
        calls += [pool.submit(people_service.remove, store, user_id, now=clock.now) for user_id in leaving]
        for call in calls:
            call.result()
    for _ in range(3):
        clock.pass_(minutes=1)
        work_on(store, clock)

    assert statuses(store, event) == {one: "attended" if one in here else "no_show" for one in ids if one not in leaving}
    assert store.jobs.next_due() is None
    assert differences(store) == []


@pytest.mark.parametrize("why", ["switched off", "cancelled", "put off"])
def test_nobody_is_marked_when_that_is_not_wanted_any_more(store: Store, clock: Clock, why: str) -> None:
    event, _ = over(store, clock, 3)
    before = event.end_at
    if why == "cancelled":
        event_changes.cancel(store, event.id, reason="", actor="grace", now=before)
    else:
        changes = {"auto_no_show": False} if why == "switched off" else {"end_at": event.end_at + timedelta(hours=12)}
        event_changes.edit(store, event.id, changes, version=None, actor="grace", now=before)  # type: ignore[arg-type]

    work_on(store, clock)

    assert set(statuses(store, event).values()) == {"registered"}
    assert store.events.get(event.id).no_show_at is None


def test_a_worker_that_was_left_behind_marks_nobody_when_the_end_was_moved(store: Store, clock: Clock) -> None:
    event, _ = over(store, clock, 3)
    work = make_work(store, ToldMailer(), clock)
    held = Held.take(work, job_key(event.id, NO_SHOW), "one")
    assert held is not None
    later: event_changes.EventChanges = {"end_at": clock.now + timedelta(days=1)}
    event_changes.edit(store, event.id, later, version=None, actor="grace", now=clock.now)
    stored = store.events.get(event.id)
    store.events.get = lambda _: event  # type: ignore[method-assign]  # what it read before

    with pytest.raises(Conflict):
        steps.no_show_step(work, held)

    assert set(statuses(store, event).values()) == {"registered"}
    del store.events.get
    assert store.events.get(event.id) == stored


def test_a_worker_that_lost_the_job_in_the_middle_of_a_run_marks_nobody_any_more(store: Store, clock: Clock) -> None:
    event, _ = over(store, clock, 65)
    work = make_work(store, ToldMailer(), clock)
    held = Held.take(work, job_key(event.id, NO_SHOW), "one")
    assert held is not None
    with pytest.raises(Died), dying(store, 2):
        steps.no_show_step(work, held)
    event_changes.undo_no_shows(store, event.id, actor="grace", now=clock.now)
    store.events.begin_no_shows(store.events.get(event.id), at=clock.now)

    with pytest.raises(LeaseLost):
        steps.no_show_step(work, held)

    assert set(statuses(store, event).values()) == {"registered"}


def test_whatever_write_a_worker_dies_before_another_one_goes_on_with_the_same_run(store: Store, clock: Clock) -> None:
    ids = people(store, 35)
    for writes in range(12):
        event, _ = over(store, clock, 35, slug=f"s{writes}", ids=ids)
        begun = clock.now
        through = True
        work = make_work(store, ToldMailer(), clock)
        try:
            with dying(store, writes):
                held = Held.take(work, job_key(event.id, NO_SHOW), "one")
                while held is not None and not held.over:
                    steps.no_show_step(work, held)
        except Died:
            through = False
        assert differences(store) == []

        clock.pass_(minutes=5)
        work_on(store, clock)

        stored = store.events.get(event.id)
        assert set(statuses(store, event).values()) == {"no_show"}
        assert {one.since for one in store.events.attendances(event.id, ids).values()} == {stored.no_show_at}
        assert stored.no_show_at == (begun if writes >= 2 else clock.now)
        assert [entry.text for entry in event_changes.history(store, event.id) if entry.kind is EventLogKind.NO_SHOWS] == ["35"]
        assert differences(store) == []
        if through:
            assert writes >= 5
            return
    raise AssertionError("the run never gets through")


def test_whom_the_index_does_not_show_yet_is_marked_at_the_next_look(store: Store, table: Table, clock: Clock) -> None:
    behind = store_over(LateTable(table.client, table.name, lag=60))
    event, ids = over(store, clock, 3)
    assert len(list(behind.events.walk_attendees(event.id, statuses=[AttendanceStatus.REGISTERED]))) == 3
    (late,) = people(store, 1)
    store.events.seat(event.id, [late], now=event.start_at)
    work = make_work(behind, ToldMailer(), clock)
    held = Held.take(work, job_key(event.id, NO_SHOW), "one")
    assert held is not None

    steps.no_show_step(work, held)

    assert statuses(store, event) == {**dict.fromkeys(ids, "no_show"), late: "registered"}
    assert held.over
    clock.pass_(seconds=10)
    work_on(store, clock)
    assert set(statuses(store, event).values()) == {"no_show"}
    assert event_changes.history(store, event.id)[0].text == "4"
    assert store.jobs.next_due() is None
    assert differences(store) == []


def half_done(store: Store, clock: Clock) -> tuple[Event, list[str]]:
    """An event whose no-shows were being marked, 30 of 35, when the worker died."""
    event, ids = over(store, clock, 35)
    work = make_work(store, ToldMailer(), clock)
    held = Held.take(work, job_key(event.id, NO_SHOW), "one")
    assert held is not None
    with pytest.raises(Died), dying(store, 2):
        steps.no_show_step(work, held)
    assert sorted(statuses(store, event).values()) == ["no_show"] * 30 + ["registered"] * 5
    return event, ids


def test_whom_staff_register_again_while_a_run_goes_on_stays_registered(store: Store, clock: Clock) -> None:
    event, ids = half_done(store, clock)
    there = statuses(store, event)
    wrong = next(one for one in ids if there[one] == "no_show")
    store.events.move(event.id, wrong, AttendanceStatus.REGISTERED, now=clock.pass_(seconds=1), by="grace")

    clock.pass_(minutes=5)
    work_on(store, clock)

    assert statuses(store, event) == {one: "registered" if one == wrong else "no_show" for one in ids}
    assert event_changes.history(store, event.id)[0].text == "34"
    assert store.jobs.next_due() is None
    assert differences(store) == []


@pytest.mark.parametrize("how", ["off and on", "cancelled and reinstated", "another end that has passed"])
def test_a_run_that_was_stopped_goes_on_when_that_is_taken_back(store: Store, clock: Clock, how: str) -> None:
    event, ids = half_done(store, clock)
    if how == "off and on":
        event_changes.edit(store, event.id, {"auto_no_show": False}, version=None, actor="grace", now=clock.now)
        work_on(store, clock)
        assert sorted(statuses(store, event).values()) == ["no_show"] * 30 + ["registered"] * 5
        event_changes.edit(store, event.id, {"auto_no_show": True}, version=None, actor="grace", now=clock.now)
    elif how == "cancelled and reinstated":
        event_changes.cancel(store, event.id, reason="", actor="grace", now=clock.now)
        event_changes.reinstate(store, event.id, actor="grace", now=clock.now)
    else:
        sooner: event_changes.EventChanges = {"end_at": event.end_at - timedelta(minutes=30)}
        event_changes.edit(store, event.id, sooner, version=None, actor="grace", now=clock.now)

    clock.pass_(minutes=5)
    work_on(store, clock)

    assert statuses(store, event) == dict.fromkeys(ids, "no_show")
    assert event_changes.history(store, event.id)[0].text == "35"
    assert store.jobs.next_due() is None
    assert differences(store) == []


def test_a_run_that_is_over_is_not_done_again_when_it_is_switched_off_and_on(store: Store, clock: Clock) -> None:
    event, (ada, *others) = over(store, clock, 3)
    work_on(store, clock)
    store.events.move(event.id, ada, AttendanceStatus.REGISTERED, now=clock.now, by="grace")
    for wanted in (False, True):
        event_changes.edit(store, event.id, {"auto_no_show": wanted}, version=None, actor="grace", now=clock.now)

    work_on(store, clock)

    assert statuses(store, event) == {ada: "registered", **dict.fromkeys(others, "no_show")}
    assert store.jobs.next_due() is None
    assert differences(store) == []


def test_a_worker_takes_the_rest_of_the_no_shows_back(store: Store, clock: Clock) -> None:
    event, ids = over(store, clock, 65)
    work_on(store, clock)
    with pytest.raises(Died), dying(store, 2):
        event_changes.undo_no_shows(store, event.id, actor="grace", now=clock.now)
    assert sorted(statuses(store, event).values()) == ["no_show"] * 35 + ["registered"] * 30
    clock.pass_(minutes=2)

    work_on(store, clock)

    assert statuses(store, event) == dict.fromkeys(ids, "registered")
    assert store.events.get(event.id).no_show_at is None
    assert store.jobs.next_due() is None
    assert differences(store) == []


def test_many_no_shows_are_taken_back_by_a_worker_alone(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    event, ids = over(store, clock, 12)
    work_on(store, clock)
    monkeypatch.setattr(event_changes, "AT_ONCE", 10)

    event_changes.undo_no_shows(store, event.id, actor="grace", now=clock.now)
    assert set(statuses(store, event).values()) == {"no_show"}
    work_on(store, clock)

    assert statuses(store, event) == dict.fromkeys(ids, "registered")
    assert differences(store) == []


def test_no_shows_that_were_taken_back_are_not_marked_again(store: Store, clock: Clock) -> None:
    event, _ = over(store, clock, 3)
    work_on(store, clock)
    event_changes.undo_no_shows(store, event.id, actor="grace", now=clock.now)
    event_changes.edit(store, event.id, {"title": "T"}, version=None, actor="grace", now=clock.now)

    clock.pass_(days=1)
    work_on(store, clock)

    assert set(statuses(store, event).values()) == {"registered"}


def test_an_event_is_put_off_once_its_no_shows_were_taken_back_and_looked_at_again(store: Store, clock: Clock) -> None:
    event, ids = over(store, clock, 3, max_capacity=2, overflow=True)
    work_on(store, clock)
    later: event_changes.EventChanges = {"start_at": clock.now + timedelta(days=2), "end_at": clock.now + timedelta(days=3)}

    with pytest.raises(Conflict, match="Take them back first") as refused:
        event_changes.edit(store, event.id, later, version=None, actor="grace", now=clock.now)

    assert refused.value.field == "endAt"
    assert statuses(store, event) == {ids[0]: "no_show", ids[1]: "no_show", ids[2]: "waitlisted"}
    event_changes.undo_no_shows(store, event.id, actor="grace", now=clock.now)
    put_off = event_changes.edit(store, event.id, later, version=None, actor="grace", now=clock.now)
    assert statuses(store, event) == {ids[0]: "registered", ids[1]: "registered", ids[2]: "waitlisted"}
    clock.now = put_off.end_at + NO_SHOW_AFTER
    work_on(store, clock)
    assert statuses(store, event) == {ids[0]: "no_show", ids[1]: "no_show", ids[2]: "waitlisted"}
    assert store.events.get(event.id).no_show_at == clock.now
    assert differences(store) == []


def test_an_event_is_not_put_off_while_its_no_shows_are_marked_or_taken_back(store: Store, clock: Clock) -> None:
    event, ids = half_done(store, clock)
    later: event_changes.EventChanges = {"end_at": clock.now + timedelta(days=2)}
    with pytest.raises(Conflict, match="Take them back first"):
        event_changes.edit(store, event.id, later, version=None, actor="grace", now=clock.now)
    with pytest.raises(Died), dying(store, 1):
        event_changes.undo_no_shows(store, event.id, actor="grace", now=clock.now)

    with pytest.raises(Conflict, match="just being taken back"):
        event_changes.edit(store, event.id, later, version=None, actor="grace", now=clock.now)

    clock.pass_(minutes=2)
    work_on(store, clock)
    event_changes.edit(store, event.id, later, version=None, actor="grace", now=clock.now)
    assert statuses(store, event) == dict.fromkeys(ids, "registered")
    assert differences(store) == []


@pytest.mark.parametrize("writes", [1, 2])
def test_an_event_is_not_put_off_by_who_did_not_see_that_its_no_shows_begin(store: Store, clock: Clock, writes: int) -> None:
    event, ids = over(store, clock, 3)
    work = make_work(store, ToldMailer(), clock)
    held = Held.take(work, job_key(event.id, NO_SHOW), "one")
    assert held is not None
    later: event_changes.EventChanges = {"end_at": clock.now + timedelta(days=2)}

    def begin() -> None:
        with suppress(Died), dying(store, writes):
            steps.no_show_step(work, held)

    with squeezing(store, begin), pytest.raises(Conflict, match="Take them back first"):
        event_changes.edit(store, event.id, later, version=None, actor="grace", now=clock.now)

    clock.pass_(minutes=5)
    work_on(store, clock)
    assert statuses(store, event) == dict.fromkeys(ids, "no_show")
    assert store.events.get(event.id).end_at == event.end_at
    assert differences(store) == []


def test_an_event_that_is_put_off_as_its_no_shows_are_taken_back_is_looked_at_after_its_new_end(
    store: Store, clock: Clock
) -> None:
    event, (ada, *_) = over(store, clock, 1)
    store.events.move(event.id, ada, AttendanceStatus.ATTENDED, now=event.start_at)
    work_on(store, clock)
    store.events.move(event.id, ada, AttendanceStatus.REGISTERED, now=clock.now)
    later: event_changes.EventChanges = {"end_at": clock.now + timedelta(days=2)}

    with (
        squeezing(store, lambda: event_changes.edit(store, event.id, later, version=None, actor="ada", now=clock.now)),
        pytest.raises(Conflict, match="taken back already"),
    ):
        event_changes.undo_no_shows(store, event.id, actor="grace", now=clock.now)

    put_off = store.events.get(event.id)
    job = store.jobs.get(job_key(event.id, NO_SHOW))
    assert job is not None
    assert (put_off.no_show_at, job.due_at) == (None, put_off.end_at + NO_SHOW_AFTER)
    assert store.jobs.get(job_key(event.id, NO_SHOW_UNDO)) is None
    clock.now = put_off.end_at + NO_SHOW_AFTER
    work_on(store, clock)
    assert statuses(store, event) == {ada: "no_show"}


def test_an_event_that_is_edited_as_its_no_shows_begin_is_looked_at_once_more(store: Store, clock: Clock) -> None:
    event, ids = over(store, clock, 3)
    work = make_work(store, ToldMailer(), clock)
    held = Held.take(work, job_key(event.id, NO_SHOW), "one")
    assert held is not None
    get = store.events.get

    def read_before_the_edit(event_id: str) -> Event:
        found = get(event_id)
        store.events.get = get  # type: ignore[method-assign]
        event_changes.edit(store, event_id, {"title": "T"}, version=None, actor="grace", now=clock.now)
        return found

    store.events.get = read_before_the_edit  # type: ignore[method-assign]
    steps.no_show_step(work, held)
    assert set(statuses(store, event).values()) == {"registered"}
    work_on(store, clock)

    assert statuses(store, event) == dict.fromkeys(ids, "no_show")
    assert differences(store) == []
