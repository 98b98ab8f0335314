"""Moving people on, off and along the lists of events."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from crm.domain.errors import Conflict, NotFound
from crm.domain.events import AttendanceStatus, Event, EventStatus
from crm.store import schema
from crm.store.attendances import STEP, Move
from crm.store.event_items import attendance_of, event_of
from crm.store.event_line import EventLine
from crm.store.event_moves import (
    NOT_OPEN,
    ON_THE_LIST,
    Moved,
    MovedMany,
    Seated,
    There,
    check_reachable,
    may_wait,
    moved_many,
    next_attendance,
    outcome_of,
    refusal,
    seating,
)
from crm.store.heirs import with_heirs
from crm.store.requests import Action
from crm.store.schema import Item
from crm.store.seats import after_moves, seats_for_new

NOW: Mapping[str, datetime] = {}
"""All at the same moment."""
Noted = Sequence[Action]
"""Further actions of a transaction, made from what it comes to."""
AT_ONCE = 15
"""People whom `move_many` moves in one transaction: for each of them somebody from the line may get the seat."""


class EventSeats(EventLine):
    """Each move is one transaction with the seats, the line and the counts it changes."""

    def seat(
        self,
        event_id: str,
        user_ids: Sequence[str],
        *,
        now: datetime,
        noted: Callable[[Seated], Noted] = lambda _: (),
        by: str = "",
        since: Mapping[str, datetime] = NOW,
        merged: bool = False,
    ) -> Seated:
        """Register up to `STEP` people in this order while there are seats; put the others in line, or refuse them without one.

        Who is on the list as invited or cancelled moves up as well. While people wait, new ones come behind them, by `since`,
        which is `now` for who has none of their own there, and by id. One transaction, with the actions that `noted` makes of
        what becomes of them; their errors are raised. `merged`: for who was merged comes who is left, and is told instead, once.
        Raises NotFound, and Conflict unless it is published.
        """
        distinct = list(dict.fromkeys(user_ids))
        if len(distinct) > STEP:
            raise ValueError(f"{len(distinct)} people in one step")

        def attempt() -> Seated:
            event = self.get(event_id)
            if event.status is not EventStatus.PUBLISHED:
                raise Conflict(NOT_OPEN[event.status])
            decide = self._seating_merged if merged else self._seating
            moves, profiles, seated = decide(event, distinct, now, by, since)
            also = noted(seated)
            if moves or also:
                self._rewrite(event, moves, profiles, now=now, also=also)
            return seated

        return self._deciding(attempt)

    def move(
        self,
        event_id: str,
        user_id: str,
        status: AttendanceStatus,
        *,
        now: datetime,
        by: str = "",
        walk_in: bool = False,
        also: Sequence[Action] = (),
    ) -> Moved:
        """Give somebody a status, and write `also` with it; the same one again changes nothing.

        Who frees a seat gives it to the first in line.

        Somebody new to the list can be registered, waitlisted, attended or invited; `walk_in` tells that they came to the door.
        Raises NotFound, RuleViolation where there is no way from the present status, and Conflict when it takes a seat and there
        is none for them.
        """

        def attempt() -> Moved:
            there = self._there(event_id, user_id)
            old = there.attendance
            if old is not None and old.status is status:
                return Moved(attendance=old, changed=False)
            new = next_attendance(there, user_id, status, now=now, by=by, walk_in=walk_in)
            return self._moved(there, Move(old=old, new=new), now, also)

        return self._deciding(attempt)

    def undo(
        self,
        event_id: str,
        user_id: str,
        *,
        was: AttendanceStatus,
        now: datetime,
        by: str = "",
        also: Sequence[Action] = (),
    ) -> Moved:
        """Take somebody's last change back, and write `also` with it, if it led to `was`, their present status.

        Else tell where they stand.

        Who was not on the list leaves it; who waited has their place in line again. Raises NotFound when the event is gone, and
        Conflict when the seat they had is taken.
        """

        def attempt() -> Moved:
            there = self._there(event_id, user_id)
            old = there.attendance
            if old is None or old.status is not was or old.was is old.status:
                return Moved(attendance=old, changed=False)
            check_reachable(there, old)
            return self._moved(there, Move(old=old, new=old.undone(there.event, by=by)), now, also)

        return self._deciding(attempt)

    def move_many(
        self,
        event_id: str,
        user_ids: Sequence[str],
        status: AttendanceStatus,
        *,
        now: datetime,
        by: str = "",
        noted: Callable[[MovedMany], Noted] = lambda _: (),
    ) -> MovedMany:
        """Give up to `AT_ONCE` people on the list a status, in this order; one transaction, with what `noted` makes of it.

        Raises NotFound, Conflict where the event is not open for what was asked, and the errors of the actions noted.
        """
        distinct = list(dict.fromkeys(user_ids))
        if len(distinct) > AT_ONCE:
            raise ValueError(f"{len(distinct)} people in one step")

        def attempt() -> MovedMany:
            event = self.get(event_id)
            there, profiles = self._standing(event_id, distinct)
            moves: list[Move] = []
            outcomes: dict[str, str] = {}
            after = event
            for user_id in distinct:
                outcome = outcome_of(after, there.get(user_id), user_id in profiles, status, now=now, by=by)
                if isinstance(outcome, Move):
                    moves.append(outcome)
                    after = after_moves(after, outcome.seats, outcome.places)
                outcomes[user_id] = outcome if isinstance(outcome, str) else "moved"
            also = noted(moved_many(outcomes))
            promoted = self._rewrite(event, moves, profiles, now=now, also=also) if moves or also else ()
            return moved_many(outcomes, promoted)

        return self._deciding(attempt)

    # inside

    def _there(self, event_id: str, user_id: str) -> There:
        """One request. Raises NotFound when there is no such event."""
        keys = [
            schema.key("event", id=event_id),
            schema.key("attendance", userId=user_id, eventId=event_id),
            schema.key("user", id=user_id),
        ]
        event, attendance, profile = self._table.batch_get(keys, consistent=True)
        if event is None:
            raise NotFound("There is no such event; it may have been deleted.")
        return There(event_of(event), attendance_of(attendance) if attendance else None, profile)

    def _moved(self, there: There, move: Move, now: datetime, also: Sequence[Action]) -> Moved:
        if (refused := refusal(there.event, move, now)) is not None:
            raise refused
        promoted = self._rewrite(there.event, [move], there.profiles, now=now, also=also)
        return Moved(attendance=move.new, changed=True, promoted=promoted)

    def _seating(
        self, event: Event, user_ids: Sequence[str], now: datetime, by: str = "", since: Mapping[str, datetime] = NOW
    ) -> tuple[list[Move], dict[str, Item], Seated]:
        """Decide who gets a seat, from what stands in the table at this moment."""
        old, profiles = self._standing(event.id, user_ids)
        already = tuple(user_id for user_id in user_ids if user_id in old and old[user_id].status in ON_THE_LIST)
        coming = [user_id for user_id in user_ids if user_id in profiles and user_id not in already]
        free = seats_for_new(event, now)
        seats = len(coming) if free is None else free
        waits = [user_id for user_id in coming[seats:] if event.waitlist and may_wait(old.get(user_id))]
        statuses = dict.fromkeys(coming[:seats], AttendanceStatus.REGISTERED) | dict.fromkeys(waits, AttendanceStatus.WAITLISTED)
        moves = [
            seating(event, user_id, old.get(user_id), status, since.get(user_id, now), by) for user_id, status in statuses.items()
        ]
        seated = Seated(
            registered=tuple(coming[:seats]),
            waitlisted=tuple(waits),
            refused=tuple(user_id for user_id in coming[seats:] if user_id not in waits),
            already=already,
            unknown=tuple(user_id for user_id in user_ids if user_id not in profiles and user_id not in already),
        )
        return moves, profiles, seated

    def _seating_merged(
        self, event: Event, user_ids: Sequence[str], now: datetime, by: str = "", since: Mapping[str, datetime] = NOW
    ) -> tuple[list[Move], dict[str, Item], Seated]:
        """As `_seating`, with whom they became instead of those who were merged, or just are being."""
        decided = self._seating(event, user_ids, now, by, since)
        if not (unknown := decided[-1].unknown):
            return decided
        return self._seating(event, with_heirs(self._table, user_ids, unknown), now, by, since)
