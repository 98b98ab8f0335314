"""Who attends an event: items, and the transaction that moves people on and off its list."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crm.domain.events import Attendance, Event
from crm.store import schema
from crm.store.event_items import attendance_item
from crm.store.expressions import Clause, absent, equals, exists, less
from crm.store.people_items import LEAVING, count_change, person_of
from crm.store.requests import Action, Check, Delete, Put, Update, changed
from crm.store.schema import Item
from crm.store.stats import Counter, StatsRepository
from crm.store.table import Table

__all__ = ["LEAVING", "STEP", "Move", "attendee_counters", "staying", "write_moves"]

STEP = 30
"""People moved in one transaction: two actions each, and what goes with them, stay far below a transaction's 100."""


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
    def erased(self) -> bool:
        """Whether nobody knows any more whose step it is: there is no profile to keep in step."""
        return self.old is not None and self.old.erased

    @property
    def seats(self) -> int:
        """1 when it takes a seat, -1 when it frees one, else 0."""
        return int(self.new is not None and self.new.seated) - int(self.old is not None and self.old.seated)


def attendee_counters(event_id: str, moves: Sequence[Move]) -> dict[Counter, int]:
    """Return by how much each status of the event's list changes."""
    tally: Tally[str] = Tally()
    for move in moves:
        if move.old is not None:
            tally[move.old.status.value] -= 1
        if move.new is not None:
            tally[move.new.status.value] += 1
    return {Counter(f"ATTENDEES#{event_id}", status): number for status, number in tally.items()}


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
    """Move up to `STEP` people on or off the list of `event`, with seats, counts and counters: all of it or nothing.

    `event` and `profiles` (items by id) are as just read; what is decided from them stands as conditions. `changes` are further
    attributes of the event, `also` further actions. Raises ConditionFailed when anything has moved on meanwhile: read again
    and decide again.
    """
    counted: Tally[Counter] = Tally(attendee_counters(event.id, moves))
    actions: list[Action] = [*also, _event_action(event, sum(move.seats for move in moves), changes or {})]
    for move in moves:
        actions.append(_attendance_action(move))
        if move.seats and not move.erased:
            profile, counters = count_change(person_of(profiles[move.user_id]), attended=move.seats)
            counted.update(counters)
            actions.append(staying(profile) if move.new is not None else profile)
        elif move.new is not None and not move.erased:
            actions.append(Check(key=schema.key("user", id=move.user_id), expect=[exists(), absent(LEAVING)]))
    table.write([*actions, *stats.delta(counted, now=now)])


def staying(action: Update) -> Update:
    """Return the change of a profile on the further condition that the person is not being deleted or merged."""
    return replace(action, expect=[*action.expect, absent(LEAVING)], error=None)


def _event_action(event: Event, seats: int, changes: Mapping[str, Any]) -> Action:
    """The event's seats change; it must still stand where it stood, and never has more seats taken than it has."""
    expect: list[Clause] = [equals("status", event.status.value)]
    if seats > 0:
        expect.append(equals("maxCapacity", event.max_capacity))
        if event.max_capacity is not None:
            expect.append(less("registeredCount", event.max_capacity - seats + 1))
    increments = {"registeredCount": seats} if seats else {}
    return Update(key=schema.key("event", id=event.id), changes=changes, increments=increments, expect=expect)


def _attendance_action(move: Move) -> Action:
    if move.new is None and move.old is not None:
        item = attendance_item(move.old)
        return Delete(key={"PK": item["PK"], "SK": item["SK"]}, expect=[equals("status", move.old.status.value)])
    if move.new is None:
        raise ValueError("a move from nowhere to nowhere")
    if move.old is None:
        return Put(item=attendance_item(move.new), expect=[absent()])
    return changed(attendance_item(move.old), attendance_item(move.new), expect=[equals("status", move.old.status.value)])
