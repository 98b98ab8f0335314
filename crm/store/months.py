"""Counters that stand under the month: which months a range has, and which of their rows."""

from collections.abc import Iterator
from datetime import UTC, datetime

from crm.store.keys import behind_prefix
from crm.store.people_items import JOINED
from crm.store.stats import CounterRange, Snapshot


def months_between(first: datetime, last: datetime) -> list[str]:
    """Return each month from the hour `first` to the hour `last`, both in UTC.

    >>> months_between(datetime(2025, 12, 31, 23), datetime(2026, 1, 1, 0))
    ['2025-12', '2026-01']
    """
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in numbers]


def bounds(month: str, first: datetime | None, last: datetime | None) -> tuple[str | None, str | None]:
    """The first and last key of a month's rows that can belong to the range."""
    low = f"{first:%dT%H}" if first is not None and f"{first:%Y-%m}" == month else None
    high = behind_prefix(f"{last:%dT%H}#") if last is not None and f"{last:%Y-%m}" == month else None
    return low, high


def hour_of(month: str, hour: str) -> datetime:
    """The UTC hour of a row.

    >>> hour_of("2026-05", "01T09").isoformat()
    '2026-05-01T09:00:00+00:00'
    """
    return datetime.strptime(f"{month}-{hour}", "%Y-%m-%dT%H").replace(tzinfo=UTC)


def joined_ranges(first: datetime, last: datetime) -> list[CounterRange]:
    """Return what to ask a snapshot for, so that `joined_in` finds who came in the hours from `first` to `last`."""
    return [CounterRange(f"{JOINED}{month}", *bounds(month, first, last)) for month in months_between(first, last)]


def joined_in(snapshot: Snapshot, first: datetime, last: datetime) -> Iterator[tuple[datetime, int]]:
    """Give each hour in which somebody came who is there, and how many; nothing is read."""
    for month in months_between(first, last):
        for key, row in snapshot.rows(f"{JOINED}{month}").items():
            if number := int(row.get("n", 0)):
                yield hour_of(month, key), number
