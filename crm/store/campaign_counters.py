"""Counters of one campaign that stand by the hour: what to ask a snapshot for, and what is found in it. Nothing is read here."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from crm.domain.emails import EmailState
from crm.store.hits import HOURS
from crm.store.keys import behind_prefix, escape, stamp
from crm.store.outcomes import DOMAINS, LATER, hour_row
from crm.store.stats import CounterRange, RowKey, Snapshot

WORDS = (*[state.value for state in EmailState], *LATER)
"""What e-mails are counted by."""


def hit_ranges(first: datetime, last: datetime) -> list[CounterRange]:
    """Return what holds the opens and clicks from the hour of `first` to that of `last`, of all campaigns; one per month.

    >>> [found.what for found in hit_ranges(datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))]
    ['HITS#2026-01', 'HITS#2026-02', 'HITS#2026-03']
    """
    low, high = stamp(first), stamp(last)
    return [
        CounterRange(
            f"{HOURS}{month}",
            low=low[8:13] if month == low[:7] else None,
            high=behind_prefix(f"{high[8:13]}#") if month == high[:7] else None,
        )
        for month in _months(first, last)
    ]


def hits_in(snapshot: Snapshot, campaign_id: str, ranges: Iterable[CounterRange]) -> dict[datetime, dict[str, int]]:
    """Return `{hour, UTC: {"open_person": n, "click_scanner": n, …}}` of a campaign, the hours that hold something."""
    found: dict[datetime, dict[str, int]] = {}
    for wanted in ranges:
        for key, row in snapshot.rows(wanted.what).items():
            hour, _, whose = key.partition("#")
            numbers = {word: number for word, number in row.items() if isinstance(number, int) and number > 0}
            if whose == escape(campaign_id) and numbers:
                moment = datetime.strptime(f"{wanted.what.removeprefix(HOURS)}-{hour}", "%Y-%m-%dT%H").replace(tzinfo=UTC)
                found[moment] = numbers
    return found


def domain_keys(campaign_id: str, hours: Iterable[datetime]) -> list[RowKey]:
    """Return the rows by domain of the e-mails of a campaign that were made in those hours: one per hour and word."""
    rows = [hour_row(hour, campaign_id) for hour in hours]
    return [(f"{DOMAINS}{what.partition('#')[2]}", f"{key}#{word}") for what, key in rows for word in WORDS]


def domains_in(snapshot: Snapshot, keys: Sequence[RowKey]) -> dict[str, dict[str, int]]:
    """Return `{domain: {word: n}}` out of a snapshot that was asked for `domain_keys`."""
    found: dict[str, dict[str, int]] = {}
    for what, key in keys:
        word = key.rpartition("#")[2]
        for domain, number in snapshot.row(what, key).items():
            if isinstance(number, int) and number > 0:
                counts = found.setdefault(domain, {})
                counts[word] = counts.get(word, 0) + number
    return found


def _months(first: datetime, last: datetime) -> list[str]:
    first, last = first.astimezone(UTC), last.astimezone(UTC)
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in numbers]
