"""The line in front of an event: who waits, and the transaction in which a seat that frees goes to the first of them."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from crm.domain.errors import Conflict
from crm.domain.events import Attendance, AttendanceStatus, Event
from crm.store import schema
from crm.store.attendances import LEAVING, STEP, Move, write_moves
from crm.store.event_items import attendance_of
from crm.store.event_reads import EventReads, line_of
from crm.store.jobs import JobKey, JobRepository
from crm.store.requests import Action
from crm.store.schema import Item
from crm.store.seats import after_moves, owed, unsettled
from crm.store.stats import StatsRepository
from crm.store.table import ConditionFailed, Table
from crm.store.tokens import TokenSigner

PROMOTE = "PROMOTE"
"""Name of the job that gives free seats to people in line, where that was too much for one transaction."""
TRIES = 100
"""How often a step is decided anew when others were faster, before it gives up with a Conflict."""
ROOM = 90
"""Actions of one transaction for people: three for each, so that 30 can be moved, or 15 with one from the line for each."""

Result = TypeVar("Result")


class EventLine(EventReads):
    """What every write to a list of an event needs: as it stands, decided anew where others were faster, the line served."""

    def __init__(self, table: Table, stats: StatsRepository, signer: TokenSigner) -> None:
        super().__init__(table, stats, signer)
        self._jobs = JobRepository(table)

    def promote(self, event_id: str, *, now: datetime) -> bool:
        """Give free seats to up to 30 people in line; True: more of them can get one. Raises NotFound.

        Nothing happens while free seats are not theirs (`Event.promotes`). Who is being deleted or merged is passed over.
        """

        def attempt() -> bool:
            event = self.get(event_id)
            moves, profiles = self._from_line(event, [], number=min(owed(event, now), STEP), now=now)
            if moves:
                write_moves(self._table, self._stats, event, moves, profiles, now=now)
            return bool(moves) and owed(_after(event, moves), now) > 0

        return self._deciding(attempt)

    def owes_seats(self, event_id: str, *, now: datetime) -> bool:
        """Tell whether there are free seats that belong to people in line, though nobody of them may be able to take one yet."""
        return unsettled(self.get(event_id), now)

    def put_promotion(self, event_id: str, *, now: datetime) -> Action:
        """Return the action that lets the job see to it that people in line get free seats; one request."""
        key = promotion_job(event_id)
        return self._jobs.put(key, due_at=now, old=self._jobs.get(key))

    def hand_over(self, event: Event, moves: Sequence[Move], profiles: Mapping[str, Item], *, now: datetime) -> None:
        """Write moves of people who become one, decided from `event` and `profiles` as read. Raises ConditionFailed."""
        self._rewrite(event, moves, profiles, now=now)

    # inside

    def _rewrite(
        self,
        event: Event,
        moves: Sequence[Move],
        profiles: Mapping[str, Item],
        *,
        now: datetime,
        changes: Mapping[str, Any] | None = None,
        also: Sequence[Action] = (),
    ) -> tuple[str, ...]:
        """Write what `write_moves` does, and with it what follows from it for the line; return who got a seat by that.

        Seats that are free afterwards go to the first in line, as many as there is room for. Where some remain, a job goes on.
        """
        number = min(_due_to_line(event, moves, now), (ROOM - sum(map(_actions, moves))) // 3)
        came, theirs = self._from_line(event, moves, number=number, now=now)
        every = [*moves, *came]
        more = [self.put_promotion(event.id, now=now)] if unsettled(_after(event, every), now) else []
        write_moves(self._table, self._stats, event, every, {**profiles, **theirs}, now=now, changes=changes, also=[*also, *more])
        return tuple(move.user_id for move in came)

    def _from_line(
        self, event: Event, moves: Sequence[Move], *, number: int, now: datetime
    ) -> tuple[list[Move], dict[str, Item]]:
        """The first `number` of those in line who can have a seat, without those who move themselves, and their profiles."""
        if number <= 0:
            return [], {}
        moving = {move.user_id for move in moves}
        found: list[Move] = []
        profiles: dict[str, Item] = {}
        for attendance, profile in self._able(event.id, number + len(moving)):
            if attendance.user_id not in moving:
                new = attendance.moved(event, AttendanceStatus.REGISTERED, now=now)
                found.append(Move(old=attendance, new=new))
                profiles[attendance.user_id] = profile
            if len(found) == number:
                break
        return found, profiles

    def _able(self, event_id: str, at_once: int) -> Iterator[tuple[Attendance, Item]]:
        """Give who waits and is not just being deleted or merged, in order of the line, with their profile."""
        query = line_of(event_id, limit=at_once)
        while True:
            rows = self._table.query(query)
            ids = [item["userId"] for item in rows.items]
            there, profiles = self._standing(event_id, ids)
            for item in rows.items:
                attendance, profile = there.get(item["userId"]), profiles.get(item["userId"])
                if attendance is not None and attendance.status is AttendanceStatus.WAITLISTED and profile is not None:
                    yield attendance, profile
            if rows.next is None:
                return
            query = line_of(event_id, limit=STEP, start=rows.next)

    def _standing(self, event_id: str, user_ids: Sequence[str]) -> tuple[dict[str, Attendance], dict[str, Item]]:
        """Who of these is on the list, and the profiles of those who can be: at this moment, by id."""
        keys = [schema.key("attendance", userId=user_id, eventId=event_id) for user_id in user_ids]
        keys += [schema.key("user", id=user_id) for user_id in user_ids]
        items = self._table.batch_get(keys, consistent=True) if keys else []
        there = {item["userId"]: attendance_of(item) for item in items[: len(user_ids)] if item is not None}
        return there, {item["id"]: item for item in items[len(user_ids) :] if item is not None and LEAVING not in item}

    def _profiles(self, user_ids: Sequence[str]) -> dict[str, Item]:
        """The profiles' items at this moment, of those who exist."""
        items = self._table.batch_get([schema.key("user", id=user_id) for user_id in user_ids], consistent=True)
        return {item["id"]: item for item in items if item is not None}

    def _deciding(self, attempt: Callable[[], Result]) -> Result:
        """Return what `attempt` returns; where somebody was faster it reads and decides again."""
        for number in range(TRIES):
            try:
                return attempt()
            except ConditionFailed:
                self._table.sleep(random.uniform(0, min(0.1, 0.002 * number)))
        raise Conflict("Too many people change this at the same moment. Try again in a minute.")


def promotion_job(event_id: str) -> JobKey:
    """The job that gives free seats of an event to people in line."""
    return JobKey(owner=schema.key("event", id=event_id)["PK"], name=PROMOTE)


def _after(event: Event, moves: Sequence[Move]) -> Event:
    return after_moves(event, sum(move.seats for move in moves), sum(move.places for move in moves))


def _due_to_line(event: Event, moves: Sequence[Move], now: datetime) -> int:
    """How many people in line are to get a seat with these moves. After the end, a seat of somebody who did not come is none."""
    number = owed(_after(event, moves), now)
    if now < event.end_at:
        return number
    missed = [move for move in moves if move.new is not None and move.new.status is AttendanceStatus.NO_SHOW]
    return min(number, sum(move.seats < 0 for move in moves) - sum(move.seats < 0 for move in missed))


def _actions(move: Move) -> int:
    """The most actions that one move takes."""
    waits = any(one is not None and one.status is AttendanceStatus.WAITLISTED for one in (move.old, move.new))
    return 3 if waits else 2
