"""Times as people write them, in the zone of a place: which moment they mean, on both changes of summer time too."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from crm.domain.errors import RuleViolation

FIRST_YEAR, LAST_YEAR = 2000, 2100
WEEK = timedelta(days=7)
ZONES = frozenset(available_timezones()) - {"localtime", "Factory"}
"""Names of time zones. Not the two that say what a machine is set to, which is another time on the next one."""


def parse_day(text: str) -> date:
    """Return the day that `text` means, as a date field sends it; RuleViolation for another text, or a year that is a slip.

    >>> parse_day(" 2026-09-03 ")
    datetime.date(2026, 9, 3)
    """
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").date()  # noqa: DTZ007  # a day has no zone
    except ValueError:
        raise RuleViolation(f"“{text.strip()[:40]}” is not a day; write it as in 2026-09-03.") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise RuleViolation(f"The year {day.year} can’t be meant; it must be from {FIRST_YEAR} to {LAST_YEAR}.")
    return day


def parse_time(text: str) -> time:
    """Return the time of day that `text` means, to the minute; RuleViolation for another text.

    >>> parse_time("18:05"), parse_time(" 9.30 "), parse_time("18:00:00")
    (datetime.time(18, 5), datetime.time(9, 30), datetime.time(18, 0))
    """
    for form in ("%H:%M", "%H.%M", "%H:%M:%S"):
        try:
            return datetime.strptime(text.strip(), form).time().replace(second=0)  # noqa: DTZ007  # a time of day has no zone
        except ValueError:
            continue
    raise RuleViolation(f"“{text.strip()[:40]}” is not a time; write it as in 18:00.")


def moment_of(day: date, at: time, zone: ZoneInfo, *, after: datetime | None = None) -> datetime:
    """Return the moment, in UTC, at which clocks of that zone show this.

    RuleViolation for a time that is left out when clocks go forward. One that comes twice when they go back is the first of the
    two, unless that is not later than `after`: then the second.

    >>> stockholm = ZoneInfo("Europe/Stockholm")
    >>> moment_of(date(2026, 10, 25), time(2, 30), stockholm).isoformat()
    '2026-10-25T00:30:00+00:00'
    >>> begun = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
    >>> moment_of(date(2026, 10, 25), time(2, 30), stockholm, after=begun).isoformat()
    '2026-10-25T01:30:00+00:00'
    """
    first, second = (datetime.combine(day, at, zone).replace(fold=fold) for fold in (0, 1))
    if _never(first):
        resumes = first.astimezone(UTC).astimezone(zone)
        gap = resumes - first.replace(tzinfo=resumes.tzinfo)
        raise RuleViolation(
            f"{at:%H:%M} does not exist on {day.day} {day:%B %Y} in {zone.key.replace('_', ' ')}: "
            f"clocks go forward {_minutes(gap)} then. Write {resumes:%H:%M}, or another time."
        )
    moment = first.astimezone(UTC)
    return second.astimezone(UTC) if after is not None and moment <= after else moment


def comes_twice(day: date, at: time, zone: ZoneInfo) -> bool:
    """Tell whether clocks of that zone show this twice, because they go back.

    >>> comes_twice(date(2026, 10, 25), time(2, 30), ZoneInfo("Europe/Stockholm"))
    True
    >>> comes_twice(date(2026, 3, 29), time(2, 30), ZoneInfo("Europe/Stockholm"))
    False
    """
    first, second = (datetime.combine(day, at, zone).replace(fold=fold) for fold in (0, 1))
    return not _never(first) and first.utcoffset() != second.utcoffset()


def next_such_day(day: date, *, today: date) -> date:
    """Return the first day after `today` that lies whole weeks, one at least, after `day`.

    >>> next_such_day(date(2026, 4, 2), today=date(2026, 5, 4)), next_such_day(date(2026, 6, 4), today=date(2026, 5, 4))
    (datetime.date(2026, 5, 7), datetime.date(2026, 6, 11))
    """
    weeks = max(1, (today - day) // WEEK + 1)
    return day + weeks * WEEK


def zone_names() -> list[str]:
    """Return the zones that are offered to choose from: those of a place, and UTC.

    >>> {"Europe/Stockholm", "UTC"} <= set(zone_names()), "Etc/GMT+1" in zone_names()
    (True, False)
    """
    places = [name for name in ZONES if "/" in name and not name.startswith(("Etc/", "SystemV/"))]
    return sorted([*places, "UTC"])


def _never(local: datetime) -> bool:
    """Whether no clock shows it."""
    return local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None)


def _minutes(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return "an hour" if minutes == 60 else f"{minutes} minutes"
