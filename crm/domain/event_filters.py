"""Which events a list shows: when, where, hosted by whom, called what."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from crm.domain.errors import FieldError, RuleViolation
from crm.domain.folding import control_characters, fold
from crm.domain.local_times import parse_day

NAMES = ("q", "place", "host", "from", "to")
"""What a filter is called in a query string, in the order in which it is said."""
MAX_TEXT = 300


class Listable(Protocol):
    """What a filter looks at of an event."""

    @property
    def title(self) -> str: ...
    @property
    def venue(self) -> str: ...
    @property
    def city(self) -> str: ...
    @property
    def host_ids(self) -> tuple[str, ...]: ...
    @property
    def start_at(self) -> datetime: ...
    @property
    def end_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events. Times are aware; None and empty texts ask for nothing. Drafts are never among them.

    `start` and `end`: what goes on at some moment from one to the other, both included, so an event of several days is on each
    of them. `ended_by`: what is over by then. `place` is a part of venue and city; `q` are words that words of the title begin
    with, all of them; `host` is a person's id. `cancelled`: only those, or none of those.
    """

    start: datetime | None = None
    end: datetime | None = None
    ended_by: datetime | None = None
    host: str = ""
    place: str = ""
    q: str = ""
    cancelled: bool | None = None

    def matches(self, event: Listable) -> bool:
        """Tell whether it is one of them, but for `cancelled`.

        What ends at the very moment `start` is over by then; what begins at `end` is on.
        """
        return (
            (self.start is None or event.end_at > self.start)
            and (self.end is None or event.start_at <= self.end)
            and (self.ended_by is None or event.end_at <= self.ended_by)
            and (not self.host or self.host in event.host_ids)
            and (not self.place or fold(self.place) in fold(f"{event.venue}, {event.city}"))
            and (not self.q or titled(event.title, self.q))
        )

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing."""
        return self == EventFilter()

    @property
    def reads_all(self) -> bool:
        """Whether keys alone don't tell who is meant."""
        return bool(self.place or self.q)


def titled(title: str, q: str) -> bool:
    """Tell whether each word of `q` begins a word of the title; False where `q` has none.

    >>> titled("Spring meet-up: Gödel & friends", "meet god"), titled("Spring", "pring"), titled("Spring", "!")
    (True, False, False)
    """
    words, there = _words(q), _words(title)
    return bool(words) and all(any(other.startswith(word) for other in there) for word in words)


def parse_event_filter(given: Mapping[str, Sequence[str]], zone: ZoneInfo) -> EventFilter:
    """Return the filter of a query string: `from` and `to` are days in `zone`, both included. RuleViolation by field."""
    errors: list[FieldError] = []
    days = {}
    for name in ("from", "to"):
        text = _one(given, name)
        try:
            days[name] = parse_day(text) if text else None
        except RuleViolation as error:
            errors.append(FieldError(field=name, message=error.message))
    first, last = days.get("from"), days.get("to")
    if first and last and last < first:
        errors.append(FieldError(field="to", message="The last day is before the first one."))
    texts = {name: _one(given, name) for name in ("q", "place", "host")}
    for name, text in texts.items():
        if len(text) > MAX_TEXT or control_characters(text):
            errors.append(FieldError(field=name, message=f"A text of up to {MAX_TEXT} characters can be looked for."))
    if errors:
        raise RuleViolation(" ".join(error.message for error in errors), errors=errors)
    return EventFilter(
        start=day_begins(first, zone) if first else None,
        end=day_begins(last + timedelta(days=1), zone) - timedelta(milliseconds=1) if last else None,
        q=texts["q"],
        place=texts["place"],
        host=texts["host"],
    )


def day_begins(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a day in a zone, in UTC: midnight, or when clocks go on where it has none."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", fold(text))


def _one(given: Mapping[str, Sequence[str]], name: str) -> str:
    return " ".join(" ".join(given.get(name, ())).split())
