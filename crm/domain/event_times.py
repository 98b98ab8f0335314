"""When an event is, in words: in its own zone, which is named. Names of days and months are English, as the pages are."""

from datetime import datetime
from zoneinfo import ZoneInfo

from crm.domain.events import Event


def begins(event: Event) -> str:
    """When it begins: as its page says it, without the end."""
    return f"{spoken(event.start_at, event.zone)} {zone_name(event.timezone)}"


def lasts(event: Event) -> str:
    """From when to when, the day once where it is the same."""
    start, end = event.start_at.astimezone(event.zone), event.end_at.astimezone(event.zone)
    until = f"{end:%H:%M}" if start.date() == end.date() else spoken(event.end_at, event.zone)
    return f"{spoken(event.start_at, event.zone)}–{until} {zone_name(event.timezone)}"


def spoken(moment: datetime, zone: ZoneInfo) -> str:
    """Day and time in a zone.

    >>> spoken(datetime.fromisoformat("2026-05-14T16:00+00:00"), ZoneInfo("Europe/Stockholm"))
    'Thu 14 May 2026, 18:00'
    """
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"


def zone_name(name: str) -> str:
    """A zone as one reads it.

    >>> zone_name("America/New_York")
    'America/New York'
    """
    return name.replace("_", " ")
