"""What became of each part of a long call or task: written with the part's own work, so that a repeat counts it and leaves it."""

from collections.abc import Mapping
from datetime import timedelta

from crm.domain.errors import Conflict
from crm.store import schema
from crm.store.expressions import absent
from crm.store.keys import behind_prefix
from crm.store.requests import Put, Query
from crm.store.table import Table

KEPT_FOR = timedelta(days=30)


class DonePartRepository:
    """Parts under the id of what they are parts of, numbered from 0. They hold numbers of people, and name nobody."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, whole_id: str) -> dict[int, dict[str, int]]:
        """Return `{number of a part: what became of how many}` of the parts that are done; one consistent query."""
        partition, low = schema.prefix("donePart", wholeId=whole_id)
        items = self._table.walk(Query(partition=partition, low=low, high=behind_prefix(low), consistent=True))
        return {int(item["seq"]): {name: int(number) for name, number in item["counts"].items()} for item in items}

    def put(self, whole_id: str, seq: int, counts: Mapping[str, int]) -> Put:
        """Return the Put that belongs into the transaction in which the part is done; Conflict when a twin was quicker."""
        attributes = {
            "id": f"{whole_id}#{seq}",
            "wholeId": whole_id,
            "seq": seq,
            "counts": {name: number for name, number in counts.items() if number},
            "expiresAt": int((self._table.clock() + KEPT_FOR).timestamp()),
        }
        twin = Conflict("The same is just being done by another process; repeat it.")
        return Put(item=schema.keyed("donePart", attributes), expect=[absent()], error=twin)
