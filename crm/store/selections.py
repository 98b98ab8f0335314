"""Selections: people frozen as ids: whom a task works on, an import has written, or whose addresses were pasted."""

from collections.abc import Iterator, Sequence

from crm.store import schema
from crm.store.keys import behind_prefix
from crm.store.requests import Delete, Put, Query
from crm.store.schema import Item
from crm.store.table import Table
from crm.store.tasks import task_of

PART = 100
"""Ids of one item: about 3.5 KB."""


class SelectionRepository:
    """Parts of ids under the id of a task, an import or a pasted list, numbered from 0 and put in that order.

    A part that is put again is the same part: who has read it reads on from there (crm/store/membership.py).
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, selection_id: str, seq: int, ids: Sequence[str], *, pasted: int = 0) -> Put:
        """Return the action that writes one part, `PART` ids at most; ValueError for more.

        `pasted`: the first part of a pasted list says how many are in it all.
        """
        if len(ids) > PART:
            raise ValueError(f"{len(ids)} ids in one part")
        attributes = {
            "id": f"{selection_id}#{seq}",
            "selectionId": selection_id,
            "seq": seq,
            "ids": list(ids),
            "pasted": pasted or None,
        }
        return Put(item=schema.keyed("selected", attributes))

    def part(self, selection_id: str, seq: int) -> list[str] | None:
        """Return one part, None where there is none; one consistent read."""
        item = self._table.get(schema.key("selected", selectionId=selection_id, seq=seq))
        return list(item.get("ids", ())) if item is not None else None

    def walk(self, selection_id: str) -> Iterator[str]:
        """Give all ids in the order in which they were put, read consistently."""
        partition, low = schema.prefix("selected", selectionId=selection_id)
        for item in self._table.walk(Query(partition=partition, low=low, high=behind_prefix(low), consistent=True)):
            yield from item.get("ids", ())

    def names(self, selection_ids: Sequence[str]) -> dict[str, str]:
        """Return `{id: what staff call the task, import or pasted list}` of those that exist; one request per 33."""
        kinds = ("task", "import")
        keys = [schema.key(kind, id=id_) for id_ in selection_ids for kind in kinds]
        keys += [schema.key("selected", selectionId=id_, seq=0) for id_ in selection_ids]
        found = [item for item in self._table.batch_get(keys) if item is not None]
        pasted = {item["selectionId"]: f"Pasted list of {item['pasted']:,}" for item in found if item.get("pasted")}
        return pasted | {item["id"]: _name(item) for item in found if item["entityType"] != "selected"}

    def delete(self, selection_id: str, seq: int) -> Delete:
        """Return the action that removes one part; it may be gone already."""
        return Delete(key=schema.key("selected", selectionId=selection_id, seq=seq))


def _name(item: Item) -> str:
    return f"task: {task_of(item).title}" if item["entityType"] == "task" else f"import: {item.get('name', '')}"
