"""Where somebody on a list can go from where they stand, as buttons say it, and what is told once it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from crm.domain.events import MOVES, STATUS_WORDS, Attendance, AttendanceStatus, Event, EventStatus
from crm.store.attendances import Move
from crm.store.event_moves import refusal

EARLY = timedelta(days=1)
"""So long before the start somebody can be noted as having come: rehearsals, and doors that open the evening before."""

INVITED, REGISTERED, WAITLISTED = AttendanceStatus.INVITED, AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED
ATTENDED, NO_SHOW, CANCELLED = AttendanceStatus.ATTENDED, AttendanceStatus.NO_SHOW, AttendanceStatus.CANCELLED
ICONS = {
    INVITED: "mail",
    REGISTERED: "calendar-check",
    WAITLISTED: "list-end",
    ATTENDED: "user-check",
    NO_SHOW: "user-x",
    CANCELLED: "x",
}
TO: Mapping[AttendanceStatus, tuple[str, str]] = {
    INVITED: ("Back to invited", "Back to invited"),
    REGISTERED: ("Register", "Register"),
    WAITLISTED: ("To the waitlist", "To the waitlist"),
    ATTENDED: ("Attended", "Attended"),
    NO_SHOW: ("No-show", "No-show"),
    CANCELLED: ("Cancel the seat", "Cancel their seats"),
}
FROM_TO: Mapping[tuple[AttendanceStatus, AttendanceStatus], tuple[str, str]] = {
    (WAITLISTED, REGISTERED): ("Give a seat", "Give them seats"),
    (ATTENDED, REGISTERED): ("Back to registered", "Back to registered"),
    (NO_SHOW, REGISTERED): ("Back to registered", "Back to registered"),
    (CANCELLED, REGISTERED): ("Register again", "Register again"),
    (WAITLISTED, CANCELLED): ("Take from the waitlist", "Take from the waitlist"),
    (INVITED, CANCELLED): ("Cancel the invitation", "Cancel their invitations"),
    (ATTENDED, CANCELLED): ("Cancelled", "Cancelled"),
    (NO_SHOW, CANCELLED): ("Cancelled", "Cancelled"),
}
"""For one person and for several, where that is called otherwise than the place they come to."""
TOLD: Mapping[AttendanceStatus, str] = {
    INVITED: "{name} is noted as invited",
    REGISTERED: "{name} is registered",
    WAITLISTED: "{name} is on the waitlist",
    ATTENDED: "{name} is noted as attended",
    NO_SHOW: "{name} is noted as a no-show",
    CANCELLED: "The place of {name} is cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One way from a status: for one person, and for several; `why` says why it can't be gone now, empty where it can."""

    to: AttendanceStatus
    one: str
    many: str
    why: str = ""

    @property
    def icon(self) -> str:
        """Name of the icon."""
        return ICONS[self.to]

    @property
    def css(self) -> str:
        """The class of what takes something away."""
        return "bad" if self.to is CANCELLED else ""


def steps(event: Event, status: AttendanceStatus, now: datetime) -> list[Step]:
    """Return the ways that make sense at this moment: nobody has attended, or stayed away, before it begins."""
    ways = MOVES[status]
    if now < event.start_at - EARLY:
        ways = ways - {ATTENDED}
    if now < event.start_at:
        ways = ways - {NO_SHOW}
    if not event.waitlist:
        ways = ways - {WAITLISTED}
    if event.status is not EventStatus.PUBLISHED or event.deleting:
        return []
    found = []
    for to in STATUS_WORDS:
        if to in ways:
            one, many = FROM_TO.get((status, to), TO[to])
            found.append(Step(to=to, one=one, many=many, why=_why_not(event, status, to, now)))
    return sorted(found, key=lambda step: step.to is CANCELLED)


def _why_not(event: Event, status: AttendanceStatus, to: AttendanceStatus, now: datetime) -> str:
    """Why the event has no room for such a step just now, as it would be told to whoever tries."""
    old = Attendance(event_id=event.id, user_id="somebody", status=status, since=event.created_at)
    refused = refusal(event, Move(old=old, new=old.moved(event, to, now=now)), now)
    return refused.message if refused else ""
