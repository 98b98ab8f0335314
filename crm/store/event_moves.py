"""One person's step on the list of an event: whether it can be, and what became of it. Pure, from what was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from crm.domain.errors import Conflict, CrmError, NotFound, RuleViolation
from crm.domain.events import Attendance, AttendanceStatus, Event, EventStatus
from crm.store.attendances import LEAVING, Move
from crm.store.schema import Item
from crm.store.seats import keeps_line

ON_THE_LIST = frozenset({AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED, AttendanceStatus.ATTENDED})
COMES_AS = ON_THE_LIST | {AttendanceStatus.INVITED}
"""What somebody new to a list can be."""
NOT_OPEN = {
    EventStatus.DRAFT: "The event is still a draft; publish it first.",
    EventStatus.CREATING: "The event is just being created; try again in a moment.",
    EventStatus.CANCELLED: "The event was cancelled; nobody can be added.",
}
NEVER_WAS = "The event was cancelled, so nobody came to it or stayed away."
NOT_ON_IT = "This person is not on the list of the event."
FULL = "The event is full."


@dataclass(frozen=True, slots=True, kw_only=True)
class Seated:
    """What became of people who were to be registered: their ids. `unknown` are not people, or are being deleted.

    `refused` found no seat where nobody can wait for one.
    """

    registered: tuple[str, ...] = ()
    waitlisted: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Where somebody stands after a move, None off the list; whether it changed anything, and who got a seat from the line."""

    attendance: Attendance | None
    changed: bool
    promoted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedMany:
    """What became of people who were to get one status: their ids.

    `unchanged` stood there already. `full` found no seat, or no line. `unfit` can't go there from where they stand. `missing` are
    not on the list, and `unknown` are not people any more, or are being deleted.
    """

    moved: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    full: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    promoted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class There:
    """One person and one event as they are at this moment."""

    event: Event
    attendance: Attendance | None
    profile: Item | None

    @property
    def profiles(self) -> Mapping[str, Item]:
        return {self.profile["id"]: self.profile} if self.profile else {}


def refusal(event: Event, move: Move, now: datetime) -> CrmError | None:
    """Return why the event has no room for this move, None where it has: pure, as it stands."""
    comes = move.old is None or move.seats > 0 or move.places > 0
    if event.status is not EventStatus.PUBLISHED and (comes or _tells_who_came(move)):
        cancelled = event.status is EventStatus.CANCELLED
        return Conflict(NEVER_WAS if cancelled and not comes else NOT_OPEN[event.status])
    if move.seats > 0:
        if event.seats_left == 0:
            return Conflict(FULL)
        if not _passes_the_line(move) and event.is_full_for(now):
            return Conflict("The free seats go to the people in line.")
    if move.places > 0 and not event.waitlist and not (move.old and move.old.was is AttendanceStatus.WAITLISTED):
        return Conflict("This event has no waitlist.")
    if move.places > 0 and keeps_line(event, now) and now < event.start_at:
        others = event.waitlisted_count
        if not event.is_full_for(now) and not (move.seats < 0 and others):
            return Conflict("There are free seats, so nobody needs to wait.")
        if move.seats < 0 and not others:
            return Conflict("Nobody else waits for the seat.")
    return None


def _tells_who_came(move: Move) -> bool:
    """Whether somebody is noted as having come or stayed away; taking a change back only brings back what stood there."""
    new = move.new
    return new is not None and new.status in {AttendanceStatus.ATTENDED, AttendanceStatus.NO_SHOW} and new.was is not new.status


def _passes_the_line(move: Move) -> bool:
    """Whether a free seat is theirs whoever waits: they wait themselves, or stand at the door."""
    waited = move.old is not None and move.old.status is AttendanceStatus.WAITLISTED
    return waited or (move.new is not None and move.new.status is AttendanceStatus.ATTENDED)


def next_attendance(
    there: There, user_id: str, status: AttendanceStatus, *, now: datetime, by: str, walk_in: bool = False
) -> Attendance:
    """The attendance with that status. Raises NotFound, RuleViolation, and Conflict for who is erased or leaving."""
    old = there.attendance
    if old is None and status not in COMES_AS:
        raise NotFound(NOT_ON_IT)
    if old is None and there.profile is None:
        raise NotFound("There is no such person; they may have been deleted.")
    check_reachable(there, old)
    if old is None:
        return Attendance.new(there.event, user_id, status, now=now, by=by, walk_in=walk_in)
    return old.moved(there.event, status, now=now, by=by)


def check_reachable(there: There, old: Attendance | None) -> None:
    if old is not None and old.erased:
        raise Conflict("This person was erased; where they stood can't be changed any more.")
    if there.profile is None or LEAVING in there.profile:
        raise Conflict("This person is just being deleted or merged, so nothing can be changed any more.")


def outcome_of(
    event: Event, old: Attendance | None, reachable: bool, status: AttendanceStatus, *, now: datetime, by: str
) -> Move | str:
    """One person's move, or the field of `MovedMany` that tells why there is none. Raises Conflict when the event is not open."""
    if old is not None and old.status is status:
        return "unchanged"
    if not reachable:
        return "unknown"
    if old is None or old.erased:
        return "missing"
    try:
        move = Move(old=old, new=old.moved(event, status, now=now, by=by))
    except RuleViolation:
        return "unfit"
    refused = refusal(event, move, now)
    if refused is not None and event.status is not EventStatus.PUBLISHED:
        raise refused
    return move if refused is None else "full"


def moved_many(outcomes: Mapping[str, str], promoted: tuple[str, ...] = ()) -> MovedMany:
    def of(name: str) -> tuple[str, ...]:
        return tuple(one for one, outcome in outcomes.items() if outcome == name)

    return MovedMany(
        moved=of("moved"),
        unchanged=of("unchanged"),
        full=of("full"),
        unfit=of("unfit"),
        missing=of("missing"),
        unknown=of("unknown"),
        promoted=promoted,
    )


def may_wait(old: Attendance | None) -> bool:
    return old is None or old.status in {AttendanceStatus.INVITED, AttendanceStatus.CANCELLED}


def seating(event: Event, user_id: str, old: Attendance | None, status: AttendanceStatus, now: datetime, by: str) -> Move:
    if old is None:
        return Move(old=None, new=Attendance.new(event, user_id, status, now=now, by=by))
    return Move(old=old, new=old.moved(event, status, now=now, by=by))
