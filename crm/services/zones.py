"""A time zone as calendars carry it with them (VTIMEZONE, RFC 5545, 3.6.5)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import icalendar
from icalendar.cal.timezone import TimezoneDaylight, TimezoneStandard

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@lru_cache(maxsize=64)
def vtimezone(name: str, first_year: int, last_year: int) -> icalendar.Timezone:
    """Return the zone with every change of its clocks in those years, both included.

    Each change stands at the time that clocks showed until then, as the RFC has it: 02:00 for the spring of Europe/Stockholm.
    """
    zone = ZoneInfo(name)
    begin = datetime(first_year, 1, 1, tzinfo=UTC)
    component = icalendar.Timezone()
    component.add("tzid", name)
    component.add_component(_observance(zone, begin, _offset(zone, begin)))
    for moment in changes(zone, begin, datetime(last_year + 1, 1, 1, tzinfo=UTC)):
        component.add_component(_observance(zone, moment, _offset(zone, moment - MINUTE)))
    return component


def changes(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Give the moments, in UTC, at which clocks of the zone change between two others.

    >>> [f"{one:%m-%d %H:%M}" for one in changes(ZoneInfo("Europe/Stockholm"), datetime(2026, 1, 1, tzinfo=UTC),
    ...                                          datetime(2027, 1, 1, tzinfo=UTC))]
    ['03-29 01:00', '10-25 01:00']
    """
    day = begin
    while day < end:
        if _state(zone, day) != _state(zone, day + DAY):
            before, after = day, day + DAY
            while after - before > MINUTE:
                middle = before + (after - before) // 2
                middle = middle.replace(second=0, microsecond=0)
                if middle <= before:
                    break
                before, after = (middle, after) if _state(zone, middle) == _state(zone, before) else (before, middle)
            yield after
        day += DAY


def _observance(zone: ZoneInfo, moment: datetime, before: timedelta) -> icalendar.Component:
    """What clocks show from a moment on, `before` being what they were ahead of UTC until then."""
    local = moment.astimezone(zone)
    component = TimezoneDaylight() if local.dst() else TimezoneStandard()
    component.add("dtstart", (moment + before).replace(tzinfo=None))
    component.add("tzoffsetfrom", before)
    component.add("tzoffsetto", _offset(zone, moment))
    component.add("tzname", local.tzname() or "")
    return component


def _state(zone: ZoneInfo, moment: datetime) -> tuple[timedelta, str | None]:
    return _offset(zone, moment), moment.astimezone(zone).tzname()


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
