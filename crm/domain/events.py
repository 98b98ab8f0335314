"""Events, who hosts them and who attends."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, available_timezones

from crm.domain.errors import FieldError, RuleViolation
from crm.domain.folding import control_characters

MAX_HOSTS = 20
MAX_DAYS = 31
MAX_CAPACITY = 1_000_000
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, from draft to cancelled. Times are aware UTC; `max_capacity` counts seats, None is unlimited."""

    id: str
    slug: str
    title: str
    start_at: datetime
    end_at: datetime
    owner: str
    description: str = ""
    venue: str = ""
    timezone: str = "UTC"
    max_capacity: int | None = None
    status: EventStatus = EventStatus.DRAFT
    registered_count: int = 0
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
            timezone=self.timezone.strip() or "UTC",
        )
        if errors := event._faults():
            raise RuleViolation("; ".join(error.message for error in errors), errors=errors)
        return event

    def _faults(self) -> list[FieldError]:
        faults = {
            "slug": not (SLUG.fullmatch(self.slug) and len(self.slug) <= 100)
            and "The slug may have small letters, digits and single hyphens, 100 at most, as in spring-meetup-2026.",
            "title": (not self.title or len(self.title) > 300 or control_characters(self.title))
            and "A title of 1 to 300 characters on one line is required.",
            "venue": (len(self.venue) > 300 or control_characters(self.venue))
            and "The venue can have 300 characters on one line.",
            "description": len(self.description.encode()) > 50_000 and "The description is too long; 50,000 bytes are the most.",
            "timezone": self.timezone not in available_timezones()
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """One person at one event; `since` is when the present status began, in UTC. `erased`: nobody knows any more who it was."""

    event_id: str
    user_id: str
    status: AttendanceStatus
    since: datetime
    erased: bool = False

    @property
    def seated(self) -> bool:
        """Whether it takes a seat."""
        return self.status in SEATED
