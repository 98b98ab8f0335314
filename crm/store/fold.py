"""The fold: deltas become part of the counters, and copies that they say are behind are brought up to date before.

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
from crm.store.people_copies import catching_up
from crm.store.requests import Action, Delete, Put, Query, Update
from crm.store.schema import Item
from crm.store.table import MAX_ACTIONS, ConditionFailed, Table

MOST_PEOPLE = 1_000
"""People whose copies one fold brings up to date."""
OLDEST = 20
"""Deltas of a shard that one fold looks at."""
HEAD = schema.key("counter", what="FOLD", key="HEAD")
VERSION, REFRESHED = "version", "refreshed"
"""Of the head: raised by each fold, and by each transaction that brings copies up to date."""


def fold_oldest(table: Table, *, people: int = MOST_PEOPLE) -> int:
    """Take the oldest deltas away, 60 at most, and return how many; what they say is in the counters, and in the copies, then.

    Where they touch more counters than one transaction takes, more numbers of one than an update does, or name more than
    `people`, the rest becomes one delta that is as old as the oldest. 0 when there is nothing to fold or another folder was
    first. Six requests; where copies are behind, one more for each 100 people, for each 100 copies, and for each 99 that differ.
    """
    with anew():
        head = table.get(HEAD) or {}
        taken, total = first_of(oldest(table))
        named = sorted(total.changes.pop(BEHIND, {}))
        puts = catching_up(table, named[:people])
    if not taken:
        return 0
    try:
        _write(table, _caught_up(table, head, puts), taken, total, named[people:])
    except ConditionFailed:
        return 0
    return len(taken)


def oldest(table: Table) -> list[Item]:
    """Return deltas that a fold may take, oldest first: nothing older is left out of a shard. Four requests."""
    found: list[Item] = []
    for shard in range(SHARDS):
        found += table.query(Query(partition=partition_of(shard), consistent=True, limit=OLDEST)).items
    return sorted(found, key=lambda delta: str(delta["SK"]))


def _caught_up(table: Table, head: Item, puts: Sequence[Put]) -> Item:
    """Write these copies and return the head as it is then."""
    most = MAX_ACTIONS - 1
    for start in range(0, len(puts), most):
        raised = _raised(head, REFRESHED)
        table.write([raised, *puts[start : start + most]])
        head = {**head, **raised.changes}
    return head


def _write(table: Table, head: Item, taken: Sequence[Item], total: Sum, named: Sequence[str]) -> None:
    actions: list[Action] = [_raised(head, VERSION)]
    actions += [Delete(key={"PK": delta["PK"], "SK": delta["SK"]}, expect=[exists()]) for delta in taken]
    now, later = total.parted(MAX_ACTIONS - len(actions) - bool(named))
    actions += [_counted(row, now) for row in sorted(now.changes)]
    if named:
        later = later or Sum()
        later.changes[BEHIND] = dict.fromkeys(named, 1)
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
