"""Which workers are alive: an item of each, written every few seconds, gone by itself a while after the last."""

from datetime import timedelta

from crm.domain.workers import WorkerSeen
from crm.store import schema
from crm.store.keys import moment, stamp
from crm.store.requests import Delete, Put, Query
from crm.store.schema import Item
from crm.store.table import Table

KEPT_FOR = timedelta(hours=1)
"""How long a worker that said nothing more is still shown."""
PATIENCE = 1.0
"""Seconds a worker waits for a table that is away to say that it is alive: it has better to do."""


class WorkerRepository:
    """All of them stand in one partition: they are few."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._quick = table.within(PATIENCE)

    def tell(self, worker: WorkerSeen) -> None:
        """Write what a worker says of itself; one write unit."""
        self._quick.write([Put(item=_item_of(worker))])

    def gone(self, name: str) -> None:
        """Forget a worker that has ended."""
        self._quick.write([Delete(key=schema.key("worker", name=name))])

    def all(self) -> list[WorkerSeen]:
        """Return those that said something lately, as they stand by name; one query."""
        partition, _ = schema.prefix("worker")
        return [_worker_of(item) for item in self._table.walk(Query(partition=partition, consistent=True))]


def _item_of(worker: WorkerSeen) -> Item:
    attributes = {
        "id": worker.name,
        "name": worker.name,
        "host": worker.host,
        "pid": worker.pid,
        "version": worker.version,
        "threads": worker.threads,
        "inHand": worker.in_hand,
        "sent": worker.sent,
        "minutes": {str(minute): number for minute, number in worker.minutes.items()},
        "startedAt": stamp(worker.started_at),
        "seenAt": stamp(worker.seen_at),
        schema.TTL_ATTRIBUTE: int((worker.seen_at + KEPT_FOR).timestamp()),
    }
    return schema.keyed("worker", attributes)


def _worker_of(item: Item) -> WorkerSeen:
    return WorkerSeen(
        name=item["name"],
        host=item["host"],
        pid=item["pid"],
        version=item.get("version", ""),
        threads=item["threads"],
        in_hand=item.get("inHand", 0),
        sent=item.get("sent", 0),
        minutes={int(minute): number for minute, number in item.get("minutes", {}).items()},
        started_at=moment(item["startedAt"]),
        seen_at=moment(item["seenAt"]),
    )
