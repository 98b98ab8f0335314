"""What is remembered of the life of an event: who changed what, and why it was cancelled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from crm.domain.errors import RuleViolation
from crm.domain.events import Event

LONGEST_TEXT = 1000
"""Characters of a value, or of a reason, that are kept."""
FIELDS: Mapping[str, str] = {
    "title": "title",
    "slug": "slug",
    "description": "description",
    "startAt": "start_at",
    "endAt": "end_at",
    "timezone": "timezone",
    "venue": "venue",
    "city": "city",
    "onlineUrl": "online_url",
    "owner": "owner",
    "hostIds": "host_ids",
    "maxCapacity": "max_capacity",
    "waitlist": "waitlist",
    "autoNoShow": "auto_no_show",
}
"""What staff can change of an event: API name and attribute, in the order in which it is told."""


class EventLogKind(StrEnum):
    """What was done."""

    CREATED = "created"
    EDITED = "edited"
    CANCELLED = "cancelled"
    REINSTATED = "reinstated"
    NO_SHOWS = "no_shows"
    NO_SHOWS_UNDONE = "no_shows_undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLogEntry:
    """One line of an event's history. `actor` is a username, empty for a script or the event's own job.

    `changes` is `{API name: (before, after)}` as texts: times in UTC, people as ids, several on a line each, nothing as "".
    `text` is the reason of a cancellation, or how many people became no-shows.
    """

    id: str
    event_id: str
    at: datetime
    kind: EventLogKind
    actor: str = ""
    text: str = ""
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """Why, by whom and when an event was cancelled; `by` is a username."""

    event_id: str
    start_at: datetime
    reason: str
    by: str
    at: datetime


def checked_reason(text: str) -> str:
    """Return why an event is cancelled, trimmed; it may be empty. RuleViolation when it is too long."""
    reason = text.strip()
    if len(reason) > LONGEST_TEXT:
        raise RuleViolation(f"The reason can have {LONGEST_TEXT:,} characters; these are {len(reason):,}.", field="reason")
    return reason


def changes_between(old: Event, new: Event) -> dict[str, tuple[str, str]]:
    """Return which fields differ, with both values as texts; long ones are cut off."""
    names = [name for name, attribute in FIELDS.items() if getattr(old, attribute) != getattr(new, attribute)]
    return {name: (_text(getattr(old, FIELDS[name])), _text(getattr(new, FIELDS[name]))) for name in names}


def _text(value: object) -> str:
    """How a value stands in the log.

    >>> [_text(value) for value in (None, True, 120, ("a", "b"), datetime(2026, 5, 4, 9, tzinfo=UTC))]
    ['', 'on', '120', 'a\\nb', '2026-05-04T09:00:00Z']
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    text = "\n".join(value) if isinstance(value, tuple) else str(value)
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
