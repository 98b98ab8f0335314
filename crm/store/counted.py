"""Which counter rows are asked for, what they say at one moment, and what a block that only reads has read of them: once, at one
version of the fold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from crm.store.schema import Item

Row = dict[str, int | str]
RowKey = tuple[str, str]


class Counter(NamedTuple):
    """One number: `STATS#<what> | <key>`, and which attribute of that row. `key` is as rendered: folded and escaped."""

    what: str
    key: str
    attribute: str = "n"


@dataclass(frozen=True, slots=True)
class CounterRange:
    """Rows of `what` from `low` to `high`, both included, None for no bound; of more than `limit` only the first ones."""

    what: str
    low: str | None = None
    high: str | None = None
    limit: int | None = None

    def holds(self, what: str, key: str) -> bool:
        """Tell whether that row is in the range."""
        return what == self.what and (self.low is None or self.low <= key) and (self.high is None or key <= self.high)


@dataclass(slots=True)
class Rows:
    """Counter rows as they were read, without deltas.

    `rows` has None for a row that was looked for and is not there; `cut` is the last key read of a range that was cut.
    """

    rows: dict[RowKey, Row | None] = field(default_factory=dict)
    ranges: dict[CounterRange, dict[RowKey, Row]] = field(default_factory=dict)
    cut: dict[CounterRange, str] = field(default_factory=dict)

    def of(self, keys: Sequence[RowKey], ranges: Sequence[CounterRange]) -> dict[RowKey, Row]:
        """Return those of them that are there; all of them were read."""
        found: dict[RowKey, Row] = {}
        for wanted in ranges:
            found |= self.ranges[wanted]
        for key in keys:
            if key not in found and (row := self._row(key)) is not None:
                found[key] = row
        return found

    def holds(self, row: RowKey, ranges: Sequence[CounterRange]) -> bool:
        """Tell whether a row belongs to one of those ranges, as far as they were read."""
        return any(one.holds(*row) and (one not in self.cut or row[1] <= self.cut[one]) for one in ranges)

    def _row(self, key: RowKey) -> Row | None:
        if key in self.rows:
            return self.rows[key]
        return next((rows[key] for rows in self.ranges.values() if key in rows), None)


@dataclass(slots=True)
class Known(Rows):
    """The deltas of one moment, and the rows that were read beside them; `version` is that of the fold for all of it."""

    version: int = 0
    deltas: Sequence[Item] = ()

    def lacks(self, keys: Sequence[RowKey], ranges: Sequence[CounterRange]) -> tuple[list[RowKey], list[CounterRange]]:
        """Return what has still to be read of those: a row not where a whole range has it."""
        wanted = [one for one in ranges if one not in self.ranges]
        whole = [one for one in (*self.ranges, *wanted) if one.limit is None]
        return [key for key in keys if key not in self.rows and not any(one.holds(*key) for one in whole)], wanted

    def add(self, read: Rows) -> None:
        """Take what was read at the same version."""
        self.rows |= read.rows
        self.ranges |= read.ranges
        self.cut |= read.cut


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Counters at one moment, deltas included: only the rows that were asked for. `beside` are items that were asked for too."""

    _rows: Mapping[RowKey, Row]
    beside: Sequence[Item | None] = ()

    def value(self, what: str, key: str, attribute: str = "n") -> int:
        """Return one number, 0 where nothing was ever counted."""
        number = self._rows.get((what, key), {}).get(attribute, 0)
        return number if isinstance(number, int) else 0

    def row(self, what: str, key: str) -> Row:
        """Return `{attribute: number or label}` of one row, empty where nothing was ever counted."""
        return dict(self._rows.get((what, key), {}))

    def rows(self, what: str) -> dict[str, Row]:
        """Return `{key: {attribute: number or label}}` of `what`, in order of the key."""
        return {key: dict(self._rows[what, key]) for key in sorted(key for kind, key in self._rows if kind == what)}

    def has(self, what: str, key: str) -> bool:
        """Tell whether the row was ever counted, if only to 0."""
        return (what, key) in self._rows
