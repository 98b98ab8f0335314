"""Events, who hosts them and who attends."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from crm.domain.errors import FieldError, RuleViolation
from crm.domain.folding import control_characters, one_line
from crm.domain.local_times import ZONES
from crm.domain.seats import MAX_CAPACITY

MAX_HOSTS = 20
MAX_DAYS = 31
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class EventStatus(StrEnum):
    """Where an event stands. `CREATING`: its attendees are still being written."""

    DRAFT = "draft"
    CREATING = "creating"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class AttendanceStatus(StrEnum):
    """Where a person stands with an event."""

    INVITED = "invited"
    REGISTERED = "registered"
    WAITLISTED = "waitlisted"
    ATTENDED = "attended"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


SEATED = frozenset({AttendanceStatus.REGISTERED, AttendanceStatus.ATTENDED})
"""Statuses that take a seat and count in `attendedEventCount`."""
SIGNED_UP = SEATED | {AttendanceStatus.NO_SHOW}
"""Statuses of who signed up and did not take it back: they count in the sign-ups by day."""
MOVES: Mapping[AttendanceStatus, frozenset[AttendanceStatus]] = {
    AttendanceStatus.INVITED: frozenset(
        {AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED, AttendanceStatus.ATTENDED, AttendanceStatus.CANCELLED}
    ),
    AttendanceStatus.REGISTERED: frozenset(
        {AttendanceStatus.ATTENDED, AttendanceStatus.NO_SHOW, AttendanceStatus.WAITLISTED, AttendanceStatus.CANCELLED}
    ),
    AttendanceStatus.WAITLISTED: frozenset({AttendanceStatus.REGISTERED, AttendanceStatus.ATTENDED, AttendanceStatus.CANCELLED}),
    AttendanceStatus.ATTENDED: frozenset({AttendanceStatus.REGISTERED, AttendanceStatus.NO_SHOW, AttendanceStatus.CANCELLED}),
    AttendanceStatus.NO_SHOW: frozenset({AttendanceStatus.ATTENDED, AttendanceStatus.REGISTERED, AttendanceStatus.CANCELLED}),
    AttendanceStatus.CANCELLED: frozenset(
        {AttendanceStatus.INVITED, AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED, AttendanceStatus.ATTENDED}
    ),
}
"""Where somebody on a list can go from where they stand."""
STATUS_WORDS: Mapping[AttendanceStatus, str] = {
    AttendanceStatus.REGISTERED: "Registered",
    AttendanceStatus.WAITLISTED: "Waitlisted",
    AttendanceStatus.INVITED: "Invited",
    AttendanceStatus.ATTENDED: "Attended",
    AttendanceStatus.NO_SHOW: "No-show",
    AttendanceStatus.CANCELLED: "Cancelled",
}
"""Where people stand, in the order in which it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, once it is published; what it is before is a `Draft`. Times are aware UTC, to the millisecond.

    `max_capacity` counts seats, None is unlimited; `registered_count` are those taken, `waitlisted_count` the people in line.
    `waitlist`: who finds no seat waits in line, else is refused. `auto_no_show`: who is registered and not checked in becomes a
    no-show after the end; `no_show_at` is when that was done. `deleting`: it was deleted, and who is on its list is being taken
    off; such an event is cancelled. `description` is Markdown.
    """

    id: str
    slug: str
    title: str
    start_at: datetime
    end_at: datetime
    owner: str
    host_ids: tuple[str, ...] = ()
    description: str = ""
    venue: str = ""
    city: str = ""
    online_url: str = ""
    timezone: str = "UTC"
    max_capacity: int | None = None
    waitlist: bool = True
    auto_no_show: bool = True
    status: EventStatus = EventStatus.DRAFT
    registered_count: int = 0
    waitlisted_count: int = 0
    no_show_at: datetime | None = None
    deleting: bool = False
    version: int = 0
    created_at: datetime
    updated_at: datetime

    def cleaned(self) -> "Event":
        """Return the event trimmed; RuleViolation names every field that can't be."""
        event = replace(
            self,
            slug=self.slug.strip(),
            title=self.title.strip(),
            venue=self.venue.strip(),
            city=self.city.strip(),
            online_url=self.online_url.strip(),
            timezone=self.timezone.strip() or "UTC",
        )
        if errors := event._faults():
            raise RuleViolation("; ".join(error.message for error in errors), errors=errors)
        return event

    def _faults(self) -> list[FieldError]:
        faults = {
            "slug": not (SLUG.fullmatch(self.slug) and len(self.slug) <= 100)
            and "The slug may have small letters, digits and single hyphens, 100 at most, as in spring-meetup-2026.",
            "title": (not self.title or len(self.title) > 300 or not one_line(self.title))
            and "A title of 1 to 300 characters on one line is required.",
            "venue": (len(self.venue) > 300 or not one_line(self.venue)) and "The venue can have 300 characters on one line.",
            "city": (len(self.city) > 200 or not one_line(self.city)) and "The city can have 200 characters on one line.",
            "onlineUrl": not _is_link(self.online_url)
            and "The online link must begin with https:// or http://, 2,000 characters at most.",
            "hostIds": len(self.host_ids) > MAX_HOSTS and f"An event can have {MAX_HOSTS} hosts; these are {len(self.host_ids)}.",
            "description": len(self.description.encode()) > 50_000 and "The description is too long; 50,000 bytes are the most.",
            "timezone": self.timezone not in ZONES
            and f"“{self.timezone[:60]}” is not a time zone; use a name such as Europe/Stockholm.",
            "maxCapacity": self.max_capacity is not None
            and not 1 <= self.max_capacity <= MAX_CAPACITY
            and f"Seats must be 1 to {MAX_CAPACITY:,}, or left out for no limit.",
            "endAt": (self.end_at <= self.start_at and "The event ends before it starts.")
            or (self.end_at - self.start_at > timedelta(days=MAX_DAYS) and f"An event can last {MAX_DAYS} days at most."),
        }
        return [FieldError(field=name, message=message) for name, message in faults.items() if message]

    @property
    def zone(self) -> ZoneInfo:
        """The zone its times are shown in."""
        return ZoneInfo(self.timezone)

    @property
    def seats_left(self) -> int | None:
        """Seats nobody has, None when there is no limit."""
        return None if self.max_capacity is None else max(0, self.max_capacity - self.registered_count)

    def promotes(self, now: datetime) -> bool:
        """Whether a seat that frees goes to the first in line by itself.

        Not while it goes on: at the door a seat is for whoever stands there. Not once the no-shows were marked.
        """
        going_on = self.start_at <= now < self.end_at
        return self.status is EventStatus.PUBLISHED and self.no_show_at is None and not going_on

    def is_full_for(self, now: datetime) -> bool:
        """Whether somebody new finds no seat: none is left, or, until it starts, those who are free belong to people in line."""
        return self.seats_left == 0 or (self.waitlisted_count > 0 and self.promotes(now) and now < self.start_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """One person at one event; `since` is when the present status began, in UTC. `erased`: nobody knows any more who it was.

    `was` and `was_since` are the status before, None for who was not on the list; where the last change was taken back they are
    the present one. `registered_at` is when they signed up, and `signed_up_on` the day in the event's zone, such as `2026-05-04`,
    for those who count in the sign-ups. `by` is who made the last change: a username, empty for a script or the line itself.
    `walk_in`: they came to the door without being on the list.
    """

    event_id: str
    user_id: str
    status: AttendanceStatus
    since: datetime
    was: AttendanceStatus | None = None
    was_since: datetime | None = None
    registered_at: datetime | None = None
    signed_up_on: str = ""
    by: str = ""
    walk_in: bool = False
    erased: bool = False

    @classmethod
    def new(
        cls, event: Event, user_id: str, status: AttendanceStatus, *, now: datetime, by: str = "", walk_in: bool = False
    ) -> "Attendance":
        """Return the attendance of somebody who comes to the list with that status."""
        blank = cls(event_id=event.id, user_id=user_id, status=status, since=now, by=by, walk_in=walk_in)
        return blank._signed_up(event, now)

    def moved(self, event: Event, status: AttendanceStatus, *, now: datetime, by: str = "") -> "Attendance":
        """Return the attendance with another status; RuleViolation where `MOVES` has no way there."""
        if status not in MOVES[self.status]:
            there, wanted = STATUS_WORDS[self.status].lower(), STATUS_WORDS[status].lower()
            raise RuleViolation(f"Somebody who is {there} can’t become {wanted}.", field="status")
        new = replace(self, status=status, since=now, was=self.status, was_since=self.since, by=by, walk_in=False)
        return new._signed_up(event, now)

    def undone(self, event: Event, *, by: str = "") -> "Attendance | None":
        """Return it as it was before the last change; None for who was not on the list then."""
        if self.was is None:
            return None
        since = self.was_since or self.since
        old = replace(self, status=self.was, since=since, was_since=since, by=by, walk_in=False)
        return old._signed_up(event, since)

    def _signed_up(self, event: Event, now: datetime) -> "Attendance":
        """With the sign-up that its status implies: kept where there is one, begun now, or taken back."""
        if self.status not in SIGNED_UP:
            return replace(self, registered_at=None, signed_up_on="")
        if self.registered_at is not None:
            return self
        return replace(self, registered_at=now, signed_up_on=f"{now.astimezone(event.zone):%Y-%m-%d}")

    @property
    def seated(self) -> bool:
        """Whether it takes a seat."""
        return self.status in SEATED


def _is_link(text: str) -> bool:
    """Whether it is empty or an address that a browser opens."""
    if not text:
        return True
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and len(text) <= 2000
        and not control_characters(text)
        and " " not in text
    )
