"""Deltas: what one transaction changed in the counters, as an item, and several of them added up.

Their text is made and read in crm/store/delta_text.py; who puts them is crm/store/stats.py, who folds them fold.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crm.domain.ids import new_id
from crm.store import schema
from crm.store.counted import RowKey
from crm.store.delta_text import rows_of, text_of
from crm.store.schema import Item

MAX_ROWS = 60
"""Counter rows that one write may touch in a delta."""
MAX_TAKEN = 60
"""Deltas that one fold takes away: some room is left for counters."""
MAX_NUMBERS = 250
"""Numbers of one row that one fold counts: an update that names more is too long for DynamoDB (4 KB)."""
MAX_SIZE = 200_000
"""Bytes of the deltas that one fold adds up, so that what is left over fits into one item (400 KB, a DynamoDB limit)."""

BEHIND: RowKey = ("BEHIND", "PEOPLE")
"""The row of a delta that counts nothing: it names, by id, people whose copies in tags are behind until the delta is folded.

docs/decisions/0107-pointers-and-the-people-they-lead-to.md"""

Labels = Mapping[RowKey, Mapping[str, str | int]]


@dataclass(slots=True)
class Sum:
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
        return any(len(numbers) > MAX_NUMBERS for row, numbers in self.changes.items() if row != BEHIND)

    def parted(self, most: int) -> "tuple[Sum, Sum | None]":
        """What `most` actions can do, and what is left (None for nothing): further rows, and what is too much of long ones.

        Where something is left, one action is kept free for it. A row that is parted takes its labels with its first numbers.
        """
        if len(self.changes) <= most and not self.too_long():
            return self, None
        now, later = Sum(), Sum()
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


def partition_of(shard: int) -> str:
    return schema.BY_NAME["delta"].pk.replace("{id:shard}", str(shard))


def delta_item(changes: Mapping[RowKey, Mapping[str, int]], labels: Labels, at: str) -> Item:
    """Both maps are kept as text: botocore needs a tenth of the time for it that it needs for nested maps."""
    attributes = {"id": new_id(), "at": at, "changes": text_of(changes), "labels": text_of(labels) if labels else None}
    return schema.keyed("delta", attributes)


def rows_in(delta: Item) -> list[RowKey]:
    return [row for row, _ in rows_of(delta["changes"])]


def behind_in(delta: Item) -> list[str]:
    """Ids of those whose copies are behind until it is folded."""
    return [id_ for row, numbers in rows_of(delta["changes"]) if row == BEHIND for id_ in numbers]


def first_of(deltas: Sequence[Item]) -> tuple[list[Item], Sum]:
    """The first deltas that one transaction can take away, and their sum: none behind the one that makes a row too long."""
    taken: list[Item] = []
    total = Sum()
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
