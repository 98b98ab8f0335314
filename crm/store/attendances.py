"""Who attends events: items, and the transaction that moves people on and off its list."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crm.domain.events import Attendance, AttendanceStatus, Event
from crm.store import schema
from crm.store.event_items import attendance_item, waiting_item
from crm.store.expressions import AnyOf, Clause, absent, at_least, equals, exists, less
from crm.store.keys import stamp
from crm.store.people_items import LEAVING, count_change, person_of
from crm.store.requests import Action, Check, Delete, Put, Update, changed
from crm.store.schema import Item
from crm.store.seats import after_moves, keeps_line
from crm.store.stats import Counter, StatsRepository
from crm.store.table import Table

__all__ = [
    "LEAVING",
    "STEP",
    "WALK_IN",
    "Move",
    "attendance_as_read",
    "counters_of",
    "list_counters",
    "place_of",
    "staying",
    "write_moves",
]

STEP = 30
"""People moved in one transaction: three actions each, and what goes with them, stay below a transaction's 100."""
WALK_IN = "walk_in"
"""Key, beside the statuses, of the counter of those who came to the door without being on the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One person's step from `old` to `new`; None means not on the list."""

    old: Attendance | None
    new: Attendance | None

    @property
    def user_id(self) -> str:
        """Whose step it is."""
        attendance = self.new or self.old
        if attendance is None:
            raise ValueError("a move from nowhere to nowhere")
        return attendance.user_id

    @property
    def seats(self) -> int:
        """1 when it takes a seat of the event, -1 when it frees one, else 0."""
        return _seated(self.new) - _seated(self.old)

    @property
    def counted(self) -> int:
        """By how much the person's own count changes: not at all for somebody erased, who has no profile any more."""
        return self.seats if self.old is None or not self.old.erased else 0

    @property
    def places(self) -> int:
        """1 when it takes a place in line, -1 when it gives one up, else 0."""
        return (place_of(self.new) is not None) - (place_of(self.old) is not None)


def list_counters(event_id: str, moves: Sequence[Move]) -> dict[Counter, int]:
    """Return by how much the event's list changes: each status, those who walked in, and the sign-ups by day."""
    tally: Tally[Counter] = Tally()
    for move in moves:
        for attendance, step in ((move.old, -1), (move.new, 1)):
            if attendance is not None:
                tally.update(dict.fromkeys(counters_of(event_id, attendance), step))
    return {counter: number for counter, number in tally.items() if number}


def counters_of(event_id: str, attendance: Attendance) -> list[Counter]:
    """Return what one attendance counts in."""
    status = [Counter(f"ATTENDEES#{event_id}", attendance.status.value)]
    walk_in = [Counter(f"ATTENDEES#{event_id}", WALK_IN)] if attendance.walk_in else []
    day = attendance.signed_up_on
    signed_up = [Counter(f"SIGNUPS#{event_id}", day[:7], f"d{day[8:]}")] if day else []
    return [*status, *walk_in, *signed_up]


def write_moves(
    table: Table,
    stats: StatsRepository,
    event: Event,
    moves: Sequence[Move],
    profiles: Mapping[str, Item],
    *,
    now: datetime,
    changes: Mapping[str, Any] | None = None,
    also: Sequence[Action] = (),
) -> None:
    """Move up to `STEP` people on or off the list of `event`, with seats, line, counts and counters: all of it or nothing.

    Who gets a seat that frees is up to the caller (`EventLine`). Who leaves a list may have no profile any more.
    `event` and `profiles` (items by id) are as just read; what is decided from them stands as conditions. `changes` are further
    attributes of the event, `also` further actions. Raises ConditionFailed when anything has moved on meanwhile: read again
    and decide again.
    """
    counted: Tally[Counter] = Tally(list_counters(event.id, moves))
    actions: list[Action] = [*also, _event_action(event, moves, changes or {}, now)]
    for move in moves:
        actions += [_attendance_action(move), *_place_actions(move)]
        if move.new is None and move.user_id not in profiles:
            continue
        if move.counted:
            profile, counters = count_change(person_of(profiles[move.user_id]), attended=move.counted)
            counted.update(counters)
            actions.append(staying(profile) if move.new is not None else profile)
        elif move.new is not None:
            actions.append(Check(key=schema.key("user", id=move.user_id), expect=[exists(), absent(LEAVING)]))
    table.write([*actions, *stats.delta(counted, now=now)])


def staying(action: Update) -> Update:
    """Return the change of a profile on the further condition that the person is not being deleted or merged."""
    return replace(action, expect=[*action.expect, absent(LEAVING)], error=None)


def attendance_as_read(attendance: Attendance) -> list[Clause]:
    """Return the condition that an attendance stands as it was read: all that seats, line and counters were computed from."""
    return [
        equals("status", attendance.status.value),
        equals("since", stamp(attendance.since)),
        equals("signedUpOn", attendance.signed_up_on or None),
        equals("walkIn", attendance.walk_in or None),
        equals("erased", attendance.erased or None),
    ]


def _event_action(event: Event, moves: Sequence[Move], changes: Mapping[str, Any], now: datetime) -> Action:
    """The event's seats and line change; it must still stand where it stood, and never has more seats taken than it has."""
    seats, places = sum(move.seats for move in moves), sum(move.places for move in moves)
    expect: list[Clause | AnyOf] = [equals("status", event.status.value)]
    if seats > 0 and event.max_capacity is not None:
        expect.append(less("registeredCount", event.max_capacity - seats + 1))
    waits = _line_as_read(event, seats, places) if (seats or places) and keeps_line(event, now) else []
    if seats > 0 or waits:
        expect.append(equals("maxCapacity", event.max_capacity))
    increments = {name: number for name, number in (("registeredCount", seats), ("waitlistedCount", places)) if number}
    return Update(key=schema.key("event", id=event.id), changes=changes, increments=increments, expect=[*expect, *waits])


def _line_as_read(event: Event, seats: int, places: int) -> list[Clause | AnyOf]:
    """The conditions by which no seat stays free while somebody waits for it.

    Who is put in line because all seats are taken, is so only while they are. Whoever takes a free seat, or leaves one free,
    does so only while as many wait as were seen.
    """
    full = after_moves(event, seats, places).seats_left == 0
    waiting = equals("waitlistedCount", event.waitlisted_count)
    nobody = AnyOf((absent("waitlistedCount"), waiting))
    expect: list[Clause | AnyOf] = []
    if full and places > 0 and event.max_capacity is not None:
        expect.append(at_least("registeredCount", event.max_capacity - seats))
    if seats > 0 or not full:
        expect.append(waiting if event.waitlisted_count else nobody)
    return expect


def _attendance_action(move: Move) -> Action:
    if move.new is None and move.old is not None:
        item = attendance_item(move.old)
        return Delete(key={"PK": item["PK"], "SK": item["SK"]}, expect=attendance_as_read(move.old))
    if move.new is None:
        raise ValueError("a move from nowhere to nowhere")
    if move.old is None:
        return Put(item=attendance_item(move.new), expect=[absent()])
    return changed(attendance_item(move.old), attendance_item(move.new), expect=attendance_as_read(move.old))


def _place_actions(move: Move) -> list[Action]:
    """The place in line that is given up, and the one that is taken."""
    old, new = place_of(move.old), place_of(move.new)
    if old == new:
        return []
    given_up: list[Action] = [Delete(key={"PK": old["PK"], "SK": old["SK"]}, expect=[exists()])] if old else []
    return [*given_up, *([Put(item=new, expect=[absent()])] if new else [])]


def place_of(attendance: Attendance | None) -> Item | None:
    """Return the place in line of somebody who waits, None of who does not, or was erased."""
    waits = attendance is not None and attendance.status is AttendanceStatus.WAITLISTED and not attendance.erased
    return waiting_item(attendance) if attendance is not None and waits else None


def _seated(attendance: Attendance | None) -> int:
    return int(attendance is not None and attendance.seated)
