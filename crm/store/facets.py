"""What values people have, and how many people have each: for totals and the suggestions in the filter form."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm.domain.folding import fold
from crm.domain.people import EmailStatus
from crm.store.keys import behind_prefix, escape, unescape
from crm.store.stats import CounterRange, Row, RowKey, Snapshot, StatsRepository
from crm.store.table import MAX_SORT_KEY

FACETS = {"company": "COMPANY", "jobTitle": "JOBTITLE", "city": "CITY", "state": "STATE", "tag": "TAG"}
"""Counter of each field that can be suggested."""
MOST_READ = 2000
"""Values that one suggestion looks at; among more, a longer prefix finds the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    """One value as typed by somebody, and how many people have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleTotals:
    """How many people there are, and how many of them with each e-mail status."""

    total: int
    by_email_status: dict[EmailStatus, int]


class Facets:
    """Reads counters only: what it costs depends on how many values begin alike, not on how many people there are."""

    def __init__(self, stats: StatsRepository) -> None:
        self._stats = stats

    def suggest(self, name: str, prefix: str, limit: int) -> list[FacetValue]:
        """Return values that begin with `prefix`, most people first; their counts are exact.

        Of more than 2,000 such values only the first in the alphabet are looked at: somebody has to type a letter more to be
        shown the rest. About 75 read units at most, however many people there are.
        """
        what = FACETS[name]
        beginning = escape(fold(prefix))
        if len(beginning.encode()) >= MAX_SORT_KEY:
            return []
        high = behind_prefix(beginning) if beginning else None
        snapshot = self._stats.snapshot(ranges=[CounterRange(what, beginning or None, high, limit=MOST_READ)])
        totals: dict[str, int] = {}
        labels: dict[str, str] = {}
        found = snapshot.rows(what)
        for key, row in found.items():
            value = key.rpartition("#")[0] if what == "CITY" else key
            number = int(row.get("n", 0))
            if number > 0 and value.startswith(beginning):
                totals[value] = totals.get(value, 0) + number
                labels.setdefault(value, _label(row, value))
        if what == "CITY" and len(found) >= MOST_READ and len(totals) > 1:
            del totals[max(totals)]  # some of its states may be behind the last row that was read
        first = sorted(totals, key=lambda value: (-totals[value], value))[:limit]
        return [FacetValue(value=labels[value], count=totals[value]) for value in first]

    def totals(self, keys: Sequence[RowKey] = (), ranges: Sequence[CounterRange] = ()) -> PeopleTotals:
        """Return the totals; one snapshot, in which other counters are read along."""
        also = [key for key in keys if key not in TOTAL_KEYS]
        return totals_in(self._stats.snapshot(keys=[*TOTAL_KEYS, *also], ranges=ranges))


TOTAL_KEYS: Sequence[RowKey] = (("PEOPLE", "TOTAL"), *[("EMAILSTATUS", status.value) for status in EmailStatus])
"""What to ask a snapshot for, so that `totals_in` finds the totals in it."""


def totals_in(snapshot: Snapshot) -> PeopleTotals:
    """Return how many people there are out of a snapshot that was asked for TOTAL_KEYS among others; nothing is read."""
    by_status = {status: snapshot.value("EMAILSTATUS", status.value) for status in EmailStatus}
    return PeopleTotals(total=snapshot.value("PEOPLE", "TOTAL"), by_email_status=by_status)


def _label(row: Row, key: str) -> str:
    """The value as it is shown; a row that lost its label shows the folded one."""
    return str(row.get("label") or unescape(key))
