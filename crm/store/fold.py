"""The fold: deltas become part of the counters, and the copies that they say lag behind are brought up to date before.

Copies are written on condition that no other folder did anything since the profiles were read, so an old reading never
replaces a newer one: docs/decisions/0107-pointers-and-the-people-they-lead-to.md.
"""

from collections.abc import Mapping, Sequence

from crm.store import schema
from crm.store.counted import RowKey
from crm.store.deltas import BEHIND, Sum, delta_item, first_of, partition_of
from crm.store.expressions import equals, exists
from crm.store.keys import SHARDS
from crm.store.looking import anew
from crm.store.people_copies import Copies
from crm.store.requests import Action, Delete, Put, Query, Update
from crm.store.schema import Item
from crm.store.table import MAX_ACTIONS, ConditionFailed, Table

OLDEST = 20
"""Deltas of a shard that one fold looks at."""
HEAD = schema.key("counter", what="FOLD", key="HEAD")
VERSION, REFRESHED = "version", "refreshed"
"""Of the head: raised by each fold, and by each transaction that brings copies up to date."""


def fold(table: Table, copies: Copies) -> int:
    """Take the oldest deltas away, 60 at most, and return how many; what they say is in the counters, and in the copies, then.

    Where they touch more counters than one transaction takes, or more numbers of one than an update does, the rest becomes
    one delta that is as old as the oldest. 0 when there is nothing to fold or another folder was first. Six requests; where
    copies lag, two more for each 100 of their people, or of them, and a transaction for each 99 that differ.
    """
    with anew():
        head = table.get(HEAD) or {}
        taken, total = first_of(oldest(table))
        lagging = copies.lagging(list(total.changes.pop(BEHIND, {})))
    if not taken:
        return 0
    try:
        _write(table, _refreshed(table, head, lagging), taken, total)
    except ConditionFailed:
        return 0
    return len(taken)


def oldest(table: Table) -> list[Item]:
    """Return deltas that a fold may take, oldest first: nothing older is left out of a shard. Four requests."""
    found: list[Item] = []
    for shard in range(SHARDS):
        found += table.query(Query(partition=partition_of(shard), consistent=True, limit=OLDEST)).items
    return sorted(found, key=lambda delta: str(delta["SK"]))


def _refreshed(table: Table, head: Item, lagging: Sequence[Put]) -> Item:
    """Write these copies and return the head as it is then."""
    most = MAX_ACTIONS - 1
    for start in range(0, len(lagging), most):
        raised = _raised(head, REFRESHED)
        table.write([raised, *lagging[start : start + most]])
        head = {**head, **raised.changes}
    return head


def _write(table: Table, head: Item, taken: Sequence[Item], total: Sum) -> None:
    actions: list[Action] = [_raised(head, VERSION)]
    actions += [Delete(key={"PK": delta["PK"], "SK": delta["SK"]}, expect=[exists()]) for delta in taken]
    now, later = total.parted(MAX_ACTIONS - len(actions))
    actions += [_counted(row, now) for row in sorted(now.changes)]
    if later is not None:
        actions.append(Put(item=delta_item(later.changes, later.labels, taken[0]["at"])))
    table.write(actions)


def _raised(head: Item, name: str) -> Update:
    """The head with one of its numbers one up, on condition that nobody raised either since it was read."""
    numbers = {one: int(head.get(one, 0)) for one in (VERSION, REFRESHED)}
    changes = {"entityType": "counter", "id": "HEAD", "what": "FOLD", **numbers, name: numbers[name] + 1}
    return Update(key=HEAD, changes=changes, expect=[equals(one, head.get(one)) for one in numbers])


def _counted(row: RowKey, total: Sum) -> Action:
    what, key = row
    changes = {"entityType": "counter", "id": key, "what": what, **total.labels.get(row, {})}
    return Update(key=schema.key("counter", what=what, key=key), changes=changes, increments=_nonzero(total.changes.get(row, {})))


def _nonzero(numbers: Mapping[str, int]) -> dict[str, int]:
    return {attribute: change for attribute, change in numbers.items() if change}
