"""One row of the list: who it is, since when they stand there in the zone of the event, and how they came to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.domain.event_times import spoken, zone_name
from crm.domain.events import Attendance, AttendanceStatus, Event
from crm.domain.people import Person
from crm.services.attendees import Attendee

WHEN = {
    AttendanceStatus.REGISTERED: "Registered",
    AttendanceStatus.WAITLISTED: "Waiting since",
    AttendanceStatus.INVITED: "Invited",
    AttendanceStatus.ATTENDED: "Came",
    AttendanceStatus.NO_SHOW: "Noted",
    AttendanceStatus.CANCELLED: "Cancelled",
}
"""What the time of a row means, as the head of its column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A moment in the zone of the event: short, exact with the zone's name, and for machines."""

    short: str
    exact: str
    iso: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One name of the list; `person` is None once nobody knows who it was. `place` is that in line, 0 for who stands in none.

    `then` is the id of the field to go on with once this row has left the list.
    """

    user_id: str
    person: Person | None
    erased: bool
    hosts: bool
    when: Moment
    note: str
    place: int
    then: str


def moment_in(event: Event, moment: datetime, now: datetime) -> Moment:
    """Return the moment as the page of the event shows it; the year only where it is another one."""
    local, today = moment.astimezone(event.zone), now.astimezone(event.zone)
    year = "" if local.year == today.year else f" {local.year}"
    exact = f"{spoken(moment, event.zone)} {zone_name(event.timezone)}"
    return Moment(short=f"{local.day} {local:%b}{year}, {local:%H:%M}", exact=exact, iso=moment.isoformat(timespec="seconds"))


def rows_of(event: Event, attendees: Sequence[Attendee], now: datetime, *, first_place: int = 0) -> list[Row]:
    """Return the rows of one page; `first_place` is the place in line of the first, 0 where they do not stand in line."""
    known = [one.attendance.user_id for one in attendees if one.person]
    beside = dict(zip(known, [*known[1:], *known[-2:-1]], strict=False))
    return [
        Row(
            user_id=one.attendance.user_id,
            person=one.person,
            erased=one.attendance.erased,
            hosts=one.attendance.user_id in event.host_ids,
            when=moment_in(event, _began(one.attendance), now),
            note=_note(one.attendance),
            place=first_place + number if first_place else 0,
            then=f"pick-{beside[id_]}" if (id_ := one.attendance.user_id) in beside else "q",
        )
        for number, one in enumerate(attendees)
    ]


def _began(attendance: Attendance) -> datetime:
    """When they signed up, for who is registered; else when they came to stand there."""
    signed_up = attendance.registered_at if attendance.status is AttendanceStatus.REGISTERED else None
    return signed_up or attendance.since


def _note(attendance: Attendance) -> str:
    if attendance.walk_in:
        return "walk-in"
    seated = attendance.status is AttendanceStatus.REGISTERED
    return "from the waitlist" if seated and attendance.was is AttendanceStatus.WAITLISTED else ""
