"""Taking back that people became no-shows."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from crm.domain.errors import Conflict
from crm.domain.event_log import EventLogKind
from crm.domain.events import Attendance, AttendanceStatus, Event
from crm.services import event_changes, events
from crm.services import people as people_service
from crm.services.event_jobs import NO_SHOW_AFTER
from crm.services.verify import differences
from crm.store import Store, event_no_shows, event_sweep
from crm.store.event_sweep import Left
from tests.factories import NOW
from tests.services.changing_events import created, statuses
from tests.services.merging import Died, dying
from tests.services.test_events import new_event, people


def after(store: Store, event: Event, marked: Sequence[str]) -> datetime:
    """Let the no-shows of an event be marked; return the stamp of that run."""
    run = event.end_at + NO_SHOW_AFTER
    store.events.begin_no_shows(store.events.get(event.id), at=run)
    store.events.mark_no_shows(event.id, now=run, fence=tuple)
    assert sorted(one for one, status in statuses(store, event).items() if status == "no_show") == sorted(marked)
    return run


def test_taking_no_shows_back_registers_them_as_they_were(store: Store) -> None:
    event, ids = created(store, attendee_ids=lambda ids: ids[:3], max_capacity=4)
    before = store.events.attendances(event.id, ids[:3])
    run = after(store, event, ids[:3])
    assert [store.people.get(one).attended_event_count for one in ids[:3]] == [0, 0, 0]

    back = event_changes.undo_no_shows(store, event.id, actor="grace", now=run + timedelta(days=1))

    assert (back.no_show_at, back.registered_count) == (None, 3)
    there = store.events.attendances(event.id, ids[:3])
    assert {one: (there[one].status, there[one].since, there[one].registered_at) for one in there} == {
        one: (AttendanceStatus.REGISTERED, before[one].since, before[one].registered_at) for one in before
    }
    assert store.jobs.next_due() is None
    assert event_changes.history(store, event.id)[0].kind is EventLogKind.NO_SHOWS_UNDONE
    with pytest.raises(Conflict, match="taken back already"):
        event_changes.undo_no_shows(store, event.id, actor="grace", now=run + timedelta(days=1))
    assert differences(store) == []


def test_only_who_still_stands_as_the_run_left_them_is_taken_back(store: Store) -> None:
    event, ids = created(store, attendee_ids=lambda ids: ids[:5])
    store.events.move(event.id, ids[0], AttendanceStatus.NO_SHOW, now=event.end_at)
    run = after(store, event, ids[:5])
    later = run + timedelta(hours=1)
    store.events.move(event.id, ids[1], AttendanceStatus.ATTENDED, now=later)
    store.events.move(event.id, ids[2], AttendanceStatus.ATTENDED, now=later)
    store.events.move(event.id, ids[2], AttendanceStatus.NO_SHOW, now=later)
    people_service.remove(store, ids[3], now=later)

    event_changes.undo_no_shows(store, event.id, actor="grace", now=later)

    there = {ids[0]: "no_show", ids[1]: "attended", ids[2]: "no_show", ids[4]: "registered"}
    assert statuses(store, event) == there
    assert differences(store) == []


def test_no_more_are_taken_back_than_there_are_seats_first_who_signed_up_first(store: Store) -> None:
    event, ids = created(store, max_capacity=3)
    for number, user_id in enumerate([ids[2], ids[0], ids[1]]):
        store.events.seat(event.id, [user_id], now=NOW + timedelta(minutes=number))
    run = after(store, event, ids[:3])
    store.events.seat(event.id, [ids[5]], now=run)

    event_changes.undo_no_shows(store, event.id, actor="grace", now=run)

    there = {ids[2]: "registered", ids[0]: "registered", ids[1]: "no_show", ids[5]: "registered"}
    assert statuses(store, event) == there
    assert store.events.get(event.id).registered_count == 3
    assert differences(store) == []


@pytest.mark.parametrize(("seats", "most"), [(None, 8 + 4), (20, 20)])
def test_a_step_reads_only_whom_it_takes_back_unless_seats_are_short(
    store: Store, monkeypatch: pytest.MonkeyPatch, seats: int | None, most: int
) -> None:
    ids = people(store, 21)
    event = events.create(store, new_event(ids[0], attendee_ids=ids[:20], max_capacity=seats), now=NOW)
    run = after(store, event, ids[:20])
    if seats:
        store.events.seat(event.id, [ids[20]], now=run)
    monkeypatch.setattr(event_no_shows, "AT_ONCE", 8)
    monkeypatch.setattr(event_no_shows, "STEP", 4)
    monkeypatch.setattr(event_sweep, "BATCH", 4)
    attendances, read = store.events.attendances, list[str]()

    def counted(event_id: str, user_ids: Sequence[str]) -> dict[str, Attendance]:
        read.extend(user_ids)
        return attendances(event_id, user_ids)

    store.events.attendances = counted  # type: ignore[method-assign]

    left = store.events.unmark_no_shows(event.id, run, by="grace", now=run)

    assert left is Left.MORE
    assert len(read) == most + 8
    assert list(statuses(store, event).values()).count("no_show") == 12


def test_whatever_write_the_process_dies_before_a_repeat_takes_the_no_shows_back(store: Store) -> None:
    ids = people(store, 35)
    for writes in range(10):
        event = events.create(store, new_event(ids[0], slug=f"s{writes}", attendee_ids=ids), now=NOW)
        run = after(store, event, ids)
        through = True
        try:
            with dying(store, writes):
                event_changes.undo_no_shows(store, event.id, actor="grace", now=run)
        except Died:
            through = False
        assert differences(store) == []

        if not through:
            event_changes.undo_no_shows(store, event.id, actor="grace", now=run)
        assert set(statuses(store, event).values()) == {"registered"}
        assert store.events.get(event.id).no_show_at is None
        assert differences(store) == []
        if through:
            assert writes >= 4
            return
    raise AssertionError("the no-shows are never taken back")
