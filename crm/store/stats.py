"""Counters that no two writers fight over: each write puts a delta of its own, a job folds deltas into the counters.

A count is its counter plus the deltas that are not folded yet. A fold moves both in one transaction and raises the head's
version; a reader reads the version before and after, so no fold in between makes it count twice or lose.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from crm.domain.errors import StoreUnavailable
from crm.store import schema
from crm.store.counted import Counter as Counter
from crm.store.counted import CounterRange as CounterRange
from crm.store.counted import Known, Rows
from crm.store.counted import Row as Row
from crm.store.counted import RowKey as RowKey
from crm.store.counted import Snapshot as Snapshot
from crm.store.deltas import MAX_ROWS, Labels, Sum, behind_in, delta_item, partition_of, rows_in
from crm.store.fold import HEAD, VERSION, fold_oldest, oldest
from crm.store.keys import SHARDS, stamp
from crm.store.looking import anew
from crm.store.requests import Key, Put, Query
from crm.store.schema import Item
from crm.store.table import Table

BACKLOG = 500
"""Deltas that a reader adds up before it folds some first."""
KEEP_UP = 100
"""Deltas that a bulk writer puts before it folds."""
DUE, WAITED = 30, timedelta(seconds=30)
"""Deltas from which on a fold is worth what it costs, and how long fewer wait for others."""
FOLDS_WHILE_READING, RELIEVED_FOR, RELIEVED_PEOPLE = 20, 1.0, 100
"""At most so many folds, and seconds, of somebody who waits for a page, and people whose copies each of them catches up."""
TRIES = 60
OWN = frozenset({"PK", "SK", "entityType", "id", "what"})


_moments: ContextVar[dict[int, Known] | None] = ContextVar("moments", default=None)


@contextmanager
def one_moment() -> Iterator[None]:
    """Let all snapshots of this block share the deltas that the first one read, and rows once read, for what only reads.

    They are as of that moment, or of a later one where a fold came between; what the block writes is not among them.
    """
    reset = _moments.set({})
    try:
        yield
    finally:
        _moments.reset(reset)


class StatsRepository:
    """Deltas, counters, and the fold between them."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._put = 0

    # writing

    def delta(self, changes: Mapping[Counter, int], *, labels: Labels | None = None, now: datetime) -> list[Put]:
        """Return what the caller's transaction puts so that `changes` are counted: nothing when all are 0, else one delta.

        `labels` are set on the rows when they are folded, the last one wins. More than 60 rows become several deltas.
        """
        numbers: dict[RowKey, dict[str, int]] = {}
        for counter, change in changes.items():
            if change:
                numbers.setdefault((counter.what, counter.key), {})[counter.attribute] = change
        kept = {row: texts for row, texts in (labels or {}).items() if row in numbers and texts}
        rows = list(numbers)
        puts = [
            Put(item=delta_item({row: numbers[row] for row in part}, {row: kept[row] for row in part if row in kept}, stamp(now)))
            for part in (rows[start : start + MAX_ROWS] for start in range(0, len(rows), MAX_ROWS))
        ]
        self._put += len(puts)
        return puts

    def fold(self) -> int:
        """Take the oldest deltas away, 60 at most, and return how many: `fold_oldest` has all."""
        return fold_oldest(self._table)

    def fold_all(self) -> int:
        """Fold until nothing is left, or another folder is at it; return how many deltas."""
        self._put = 0
        folded = 0
        while some := self.fold():
            folded += some
        return folded

    def fold_due(self) -> int:
        """Fold while 30 deltas are there, or the oldest has waited for 30 seconds; return how many. Four requests if none.

        A fold writes whole rows, of several kilobytes where they name many domains: for many deltas it costs what it does
        for one. What waits is counted all the same.
        """
        folded = 0
        while self._due() and (some := self.fold()):
            self._put = 0
            folded += some
        return folded

    def keep_up(self) -> None:
        """Fold when this process has put more than 100 deltas since it last did: bulk writers call it as they go.

        That keeps the deltas few, at the price of three folds in 100 deltas; the counters follow when `fold_all` comes by.
        """
        if self._put > KEEP_UP:
            self._put = 0
            for _ in range(3):
                self.fold()

    # reading

    def snapshot(self, keys: Sequence[RowKey] = (), ranges: Sequence[CounterRange] = (), beside: Sequence[Key] = ()) -> Snapshot:
        """Return the rows `keys`, and those in `ranges`, as they are at one moment. Seven requests and one per range.

        `beside` are keys of other items, read consistently with the rows: they come with the snapshot, None where there is none.

        Within `one_moment`, each but the first takes two and one per range, less for what was read before: nothing where that is
        all. Raises StoreUnavailable when folds keep overtaking it, which takes more than a second of nothing but folds.
        """
        if beside and not keys and not ranges:
            return Snapshot({}, self._table.batch_get(beside, consistent=True))
        with anew():
            return self._snapshot(keys, ranges, beside)

    def _snapshot(self, keys: Sequence[RowKey], ranges: Sequence[CounterRange], beside: Sequence[Key]) -> Snapshot:
        moments = _moments.get()
        known = moments.get(id(self)) if moments is not None else None
        relieved = known is not None
        for _ in range(TRIES):
            known = known or Known(version=self._version(), deltas=self._deltas())
            if len(known.deltas) > BACKLOG and not relieved:
                relieved = True
                if self._relieve():
                    known = None
                    continue
            lacking = known.lacks(keys, ranges)
            read, others = self._stored(*lacking, beside)
            if not any(lacking) or self._version() == known.version:
                known.add(read)
                if moments is not None:
                    moments[id(self)] = known
                return Snapshot(_with(known, keys, ranges), others)
            known = None
        raise StoreUnavailable("The counts change too quickly to be read just now; try again in a minute.")

    def estimate(self, keys: Sequence[RowKey] = (), ranges: Sequence[CounterRange] = ()) -> Snapshot:
        """Return the same rows without what is not folded yet: to choose by, not to tell. One request, and one per range.

        Within `one_moment` nothing, where a snapshot had all of them.
        """
        known = (_moments.get() or {}).get(id(self))
        if known is not None and not any(known.lacks(keys, ranges)):
            return Snapshot(_with(known, keys, ranges))
        read, _ = self._stored(keys, ranges, consistent=False)
        return Snapshot(read.of(keys, ranges))

    def known(self, what: str) -> set[str]:
        """Return the keys under which something was ever counted, folded or not. Five requests.

        What is folded between the two readings is seen by the second. Within `one_moment`, one request behind a snapshot.
        """
        moment = (_moments.get() or {}).get(id(self))
        deltas = moment.deltas if moment is not None else self._deltas()
        waiting = {key for delta in deltas for kind, key in rows_in(delta) if kind == what}
        wanted = [CounterRange(what)]
        read, _ = self._stored((), wanted)
        return waiting | {key for _, key in read.of((), wanted)}

    def behind(self, *, relieve: bool = True) -> frozenset[str]:
        """Return the ids of people whose copies in tags may be older than their profiles. Four requests.

        The copies of all others, read after this, say what their profiles do, or did when this was asked. Within `one_moment` no
        request, after a snapshot. A long backlog is folded in part first, if `relieve`.
        """
        known = (_moments.get() or {}).get(id(self))
        deltas = known.deltas if known is not None else self._deltas()
        if relieve and known is None and len(deltas) > BACKLOG and self._relieve():
            deltas = self._deltas()
        return frozenset(id_ for delta in deltas for id_ in behind_in(delta))

    def _due(self) -> bool:
        waiting = oldest(self._table)
        return len(waiting) >= DUE or any(delta["at"] <= stamp(self._table.clock() - WAITED) for delta in waiting[:1])

    def _relieve(self) -> bool:
        """Fold some, for a second at most, and tell whether that was anything."""
        folded, enough = 0, time.monotonic() + RELIEVED_FOR
        while folded < FOLDS_WHILE_READING and time.monotonic() < enough and fold_oldest(self._table, people=RELIEVED_PEOPLE):
            folded += 1
        return folded > 0

    def _version(self) -> int:
        head = self._table.get(HEAD)
        return int(head.get(VERSION, 0)) if head else 0

    def _deltas(self) -> list[Item]:
        found = [
            delta
            for shard in range(SHARDS)
            for delta in self._table.walk(
                Query(partition=partition_of(shard), consistent=True, attributes=("SK", "changes", "labels"))
            )
        ]
        return sorted(found, key=lambda delta: str(delta["SK"]))

    def _stored(
        self,
        keys: Sequence[RowKey],
        ranges: Sequence[CounterRange],
        beside: Sequence[Key] = (),
        *,
        consistent: bool = True,
    ) -> tuple[Rows, list[Item | None]]:
        """Counter rows without deltas, and the items beside."""
        asked = [*[schema.key("counter", what=what, key=key) for what, key in keys], *beside]
        items = self._table.batch_get(asked, consistent=consistent)
        read = Rows(rows={row: _numbers(item) if item else None for row, item in zip(keys, items, strict=False)})
        for wanted in ranges:
            query = Query(
                partition=schema.prefix("counter", what=wanted.what)[0],
                low=wanted.low,
                high=wanted.high,
                limit=wanted.limit,
                consistent=consistent,
            )
            if wanted.limit is None:
                found: Iterable[Item] = self._table.walk(query)
            else:
                answer = self._table.query(query)
                found = answer.items
                if answer.next is not None:
                    read.cut[wanted] = answer.next["SK"]
            read.ranges[wanted] = {(wanted.what, item["SK"]): _numbers(item) for item in found}
        return read, items[len(keys) :]


def _numbers(item: Item) -> Row:
    return {name: value for name, value in item.items() if name not in OWN}


def _with(known: Known, keys: Sequence[RowKey], ranges: Sequence[CounterRange]) -> dict[RowKey, Row]:
    """The rows that are asked for, with what the deltas say about them; what is known stays as it was read."""
    rows, single, total = known.of(keys, ranges), frozenset(keys), Sum()
    for delta in known.deltas:
        total.add(delta)
    for row, changes in total.changes.items():
        if row in single or known.holds(row, ranges):
            mine = rows[row] = dict(rows.get(row, {}))
            for attribute, change in changes.items():
                mine[attribute] = int(mine.get(attribute, 0)) + change
            mine.update(total.labels.get(row, {}))
    return rows
