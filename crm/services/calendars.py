"""Events as a calendar that other programs read (iCalendar, RFC 5545): one, or all of a feed."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import icalendar
from markdown_it import MarkdownIt

from crm.domain.events import Event, EventStatus
from crm.services.plaintext import as_text
from crm.services.zones import vtimezone

UNCHANGED_FOR = timedelta(hours=1)
"""So often a calendar is asked to look again."""
PRODUCT = "-//Community CRM//Events//EN"

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])


def calendar_of(events: Iterable[Event], *, name: str, url_of: Callable[[Event], str]) -> bytes:
    """Return a calendar of these events, in UTF-8, with the time zones they are in.

    The same events give the same bytes. It tells nobody's name: neither hosts nor attendees. `url_of` gives an event's page.
    """
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", UNCHANGED_FOR, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    told = list(events)
    components = [_component(event, url_of(event)) for event in told]
    years: dict[str, list[int]] = {}
    for event, component in zip(told, components, strict=True):
        if component["dtstart"].params.get("TZID"):
            years.setdefault(event.timezone, []).extend([event.start_at.year, event.end_at.year])
    for name in sorted(years):
        calendar.add_component(vtimezone(name, min(years[name]) - 1, max(years[name]) + 1))
    for component in components:
        calendar.add_component(component)
    return bytes(calendar.to_ical())


def _component(event: Event, url: str) -> icalendar.Event:
    """One event. What is cancelled stays in the calendar and says so; SEQUENCE goes up with every change."""
    component = icalendar.Event()
    start, end = _local(event)
    component.add("uid", f"{event.id}@events.community-crm")
    component.add("dtstamp", event.updated_at.astimezone(UTC).replace(microsecond=0))
    component.add("created", event.created_at.astimezone(UTC).replace(microsecond=0))
    component.add("last-modified", event.updated_at.astimezone(UTC).replace(microsecond=0))
    component.add("sequence", event.version)
    for name, moment in (("dtstart", start), ("dtend", end)):
        component.add(name, moment)
        if "TZID" in component[name].params:
            component[name].params["TZID"] = event.timezone
    component.add("summary", event.title)
    component.add("status", "CANCELLED" if event.status is EventStatus.CANCELLED else "CONFIRMED")
    if where := ", ".join(part for part in (event.venue, event.city) if part) or ("Online" if event.online_url else ""):
        component.add("location", where)
    component.add("description", _description(event, url))
    component.add("url", url)
    return component


def _local(event: Event) -> tuple[datetime, datetime]:
    """Start and end as clocks show them there; in UTC where a clock shows one of them twice and the second time is meant.

    Local time without an offset means the first of the two (RFC 5545, 3.3.5).
    """
    start, end = (moment.replace(microsecond=0).astimezone(event.zone) for moment in (event.start_at, event.end_at))
    if _is_second(start) or _is_second(end):
        return start.astimezone(UTC), end.astimezone(UTC)
    return start, end


def _is_second(moment: datetime) -> bool:
    return moment.fold == 1 and moment.replace(fold=0).utcoffset() != moment.utcoffset()


def _description(event: Event, url: str) -> str:
    """The Markdown without marks, and where to go: the link to take part, and the event's page."""
    text = as_text(_markdown.parse(event.description)).strip()
    online = f"Online: {event.online_url}" if event.online_url else ""
    return "\n\n".join(part for part in (text, online, url) if part)
