"""Counters that no two writers fight over: each write puts a delta of its own, a job folds deltas into the counters.

A count is its counter plus the deltas that are not folded yet. A fold moves both in one transaction and raises the head's
version; a reader reads the version before and after, so no fold in between makes it count twice or lose.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from crm.domain.errors import StoreUnavailable
from crm.domain.ids import new_id
from crm.store import schema
from crm.store.counted import CounterRange as CounterRange
from crm.store.counted import Known, Rows
from crm.store.counted import Row as Row
from crm.store.counted import RowKey as RowKey
from crm.store.delta_text import rows_of, text_of
from crm.store.expressions import equals, exists
from crm.store.keys import SHARDS, stamp
from crm.store.looking import anew
from crm.store.requests import Action, Delete, Key, Put, Query, Update
from crm.store.schema import Item
from crm.store.table import MAX_ACTIONS, ConditionFailed, Table

MAX_ROWS = 60
"""Counter rows that one write may touch in a delta."""
MAX_TAKEN = 60
"""Deltas that one fold takes away: some room is left for counters."""
MAX_NUMBERS = 250
"""Numbers of one row that one fold counts: an update that names more is too long for DynamoDB (4 KB)."""
MAX_SIZE = 200_000
"""Bytes of the deltas that one fold adds up, so that what is left over fits into one item (400 KB, a DynamoDB limit)."""
BACKLOG = 500
"""Deltas that a reader adds up before it folds some first."""
KEEP_UP = 100
"""Deltas that a bulk writer puts before it folds."""
DUE, WAITED = 30, timedelta(seconds=30)
"""Deltas from which on a fold is worth what it costs, and how long fewer wait for others."""
FOLDS_WHILE_READING = 20
OLDEST = 20
"""Deltas of a shard that one fold looks at."""
TRIES = 60
HEAD = schema.key("counter", what="FOLD", key="HEAD")
OWN = frozenset({"PK", "SK", "entityType", "id", "what"})

Labels = Mapping[RowKey, Mapping[str, str | int]]


class Counter(NamedTuple):
    """One number: `STATS#<what> | <key>`, and which attribute of that row. `key` is as rendered: folded and escaped."""

    what: str
    key: str
    attribute: str = "n"


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


@dataclass(slots=True)
class _Sum:
    """Deltas added up."""

    changes: dict[RowKey, dict[str, int]] = field(default_factory=dict)
    labels: dict[RowKey, dict[str, str | int]] = field(default_factory=dict)

    def add(self, delta: Item) -> None:
        for row, numbers in rows_of(delta["changes"]):
            mine = self.changes.setdefault(row, {})
            for attribute, change in numbers.items():
                mine[attribute] = mine.get(attribute, 0) + change
        for row, texts in rows_of(delta.get("labels", "{}")):
            self.labels.setdefault(row, {}).update(texts)

    def too_long(self) -> bool:
        """Whether a row has more numbers than one update can count."""
        return any(len(numbers) > MAX_NUMBERS for numbers in self.changes.values())

    def parted(self, most: int) -> "tuple[_Sum, _Sum | None]":
        """What `most` actions can do, and what is left (None for nothing): further rows, and what is too much of long ones.

        Where something is left, one action is kept free for it. A row that is parted takes its labels with its first numbers.
        """
        if len(self.changes) <= most and not self.too_long():
            return self, None
        now, later = _Sum(), _Sum()
        for place, row in enumerate(sorted(self.changes)):
            numbers = sorted(self.changes[row].items())
            fitting = MAX_NUMBERS if place < most - 1 else 0
            if fitting:
                now.changes[row] = dict(numbers[:fitting])
            if numbers[fitting:] or not fitting:
                later.changes[row] = dict(numbers[fitting:])
            if row in self.labels:
                (now if fitting else later).labels[row] = self.labels[row]
        return now, later


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
            Put(
                item=_delta_item({row: numbers[row] for row in part}, {row: kept[row] for row in part if row in kept}, stamp(now))
            )
            for part in (rows[start : start + MAX_ROWS] for start in range(0, len(rows), MAX_ROWS))
        ]
        self._put += len(puts)
        return puts

    def fold(self) -> int:
        """Take the oldest deltas away, 60 at most, and return how many; what they say is in the counters then.

        Where they touch more counters than one transaction takes, or more numbers of one than an update does, the rest becomes
        one delta that is as old as the oldest. 0 when there is nothing to fold or another folder was first. Six requests.
        """
        head = self._table.get(HEAD)
        taken, total = _first(self._oldest())
        if not taken:
            return 0
        actions: list[Action] = [_raised(head)]
        actions += [Delete(key={"PK": delta["PK"], "SK": delta["SK"]}, expect=[exists()]) for delta in taken]
        now, later = total.parted(MAX_ACTIONS - len(actions))
        actions += [_counted(row, now) for row in sorted(now.changes)]
        if later is not None:
            actions.append(Put(item=_delta_item(later.changes, later.labels, taken[0]["at"])))
        try:
            self._table.write(actions)
        except ConditionFailed:
            return 0
        return len(taken)

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

        That keeps the deltas few, at the price of three transactions in 100; the counters follow when `fold_all` comes by.
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
        waiting = {key for delta in deltas for kind, key in _parsed(delta) if kind == what}
        wanted = [CounterRange(what)]
        read, _ = self._stored((), wanted)
        return waiting | {key for _, key in read.of((), wanted)}

    def _due(self) -> bool:
        waiting = self._oldest()
        return len(waiting) >= DUE or any(delta["at"] <= stamp(self._table.clock() - WAITED) for delta in waiting[:1])

    def _relieve(self) -> bool:
        return sum(1 for _ in range(FOLDS_WHILE_READING) if self.fold()) > 0

    def _version(self) -> int:
        head = self._table.get(HEAD)
        return int(head["version"]) if head else 0

    def _deltas(self) -> list[Item]:
        found = [
            delta
            for shard in range(SHARDS)
            for delta in self._table.walk(
                Query(partition=_delta_partition(shard), consistent=True, attributes=("SK", "changes", "labels"))
            )
        ]
        return sorted(found, key=lambda delta: str(delta["SK"]))

    def _oldest(self) -> list[Item]:
        """Deltas that a fold may take, oldest first: nothing older is left out of a shard."""
        found: list[Item] = []
        for shard in range(SHARDS):
            found += self._table.query(Query(partition=_delta_partition(shard), consistent=True, limit=OLDEST)).items
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


def _delta_partition(shard: int) -> str:
    return schema.BY_NAME["delta"].pk.replace("{id:shard}", str(shard))


def _delta_item(changes: Mapping[RowKey, Mapping[str, int]], labels: Labels, at: str) -> Item:
    """Both maps are kept as text: botocore needs a tenth of the time for it that it needs for nested maps."""
    attributes = {"id": new_id(), "at": at, "changes": text_of(changes), "labels": text_of(labels) if labels else None}
    return schema.keyed("delta", attributes)


def _parsed(delta: Item) -> list[RowKey]:
    return [row for row, _ in rows_of(delta["changes"])]


def _first(deltas: Sequence[Item]) -> tuple[list[Item], _Sum]:
    """The first deltas that one transaction can take away, and their sum: none behind the one that makes a row too long."""
    taken: list[Item] = []
    total = _Sum()
    size = 0
    for delta in deltas[:MAX_TAKEN]:
        size += len(delta["changes"].encode()) + len(delta.get("labels", "").encode())
        if taken and size > MAX_SIZE:
            break
        taken.append(delta)
        total.add(delta)
        if total.too_long():
            break
    return taken, total


def _raised(head: Item | None) -> Action:
    """The head one version up, on condition that nobody folded since it was read."""
    version = int(head["version"]) if head else None
    changes = {"entityType": "counter", "id": "HEAD", "what": "FOLD", "version": (version or 0) + 1}
    return Update(key=HEAD, changes=changes, expect=[equals("version", version)])


def _counted(row: RowKey, total: _Sum) -> Action:
    what, key = row
    changes = {"entityType": "counter", "id": key, "what": what, **total.labels.get(row, {})}
    return Update(key=schema.key("counter", what=what, key=key), changes=changes, increments=_nonzero(total.changes.get(row, {})))


def _nonzero(numbers: Mapping[str, int]) -> dict[str, int]:
    return {attribute: change for attribute, change in numbers.items() if change}


def _numbers(item: Item) -> Row:
    return {name: value for name, value in item.items() if name not in OWN}


def _with(known: Known, keys: Sequence[RowKey], ranges: Sequence[CounterRange]) -> dict[RowKey, Row]:
    """The rows that are asked for, with what the deltas say about them; what is known stays as it was read."""
    rows, single, total = known.of(keys, ranges), frozenset(keys), _Sum()
    for delta in known.deltas:
        total.add(delta)
    for row, changes in total.changes.items():
        if row in single or known.holds(row, ranges):
            mine = rows[row] = dict(rows.get(row, {}))
            for attribute, change in changes.items():
                mine[attribute] = int(mine.get(attribute, 0)) + change
            mine.update(total.labels.get(row, {}))
    return rows
