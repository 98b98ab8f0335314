"""The history of events, newest first."""

from collections.abc import Sequence
from typing import Any

from crm.domain.event_log import FIELDS, EventLogEntry, EventLogKind
from crm.store import schema
from crm.store.keys import behind_prefix, moment, stamp
from crm.store.requests import Put, Query
from crm.store.schema import Item
from crm.store.table import Table


class EventLogRepository:
    """Entries are written with what they tell of: `put` gives the action for that transaction."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, entry: EventLogEntry) -> Put:
        """Return the action that writes an entry; the same entry again changes nothing."""
        attributes: dict[str, Any] = {
            "id": entry.id,
            "eventId": entry.event_id,
            "at": stamp(entry.at),
            "kind": entry.kind.value,
            "actor": entry.actor,
            "text": entry.text,
            "changes": {name: list(pair) for name, pair in entry.changes.items()},
        }
        return Put(item=schema.keyed("eventLog", attributes))

    def of(self, event_id: str, *, limit: int | None = None) -> Sequence[EventLogEntry]:
        """Return the history of an event, newest first, read consistently; `limit` None is all of it."""
        partition, low = schema.prefix("eventLog", eventId=event_id)
        query = Query(partition=partition, low=low, high=behind_prefix(low), forward=False, consistent=True, limit=limit)
        items = self._table.walk(query) if limit is None else self._table.query(query).items
        return [_entry_of(item) for item in items]


def _entry_of(item: Item) -> EventLogEntry:
    changes = item.get("changes", {})
    return EventLogEntry(
        id=item["id"],
        event_id=item["eventId"],
        at=moment(item["at"]),
        kind=EventLogKind(item["kind"]),
        actor=item.get("actor", ""),
        text=item.get("text", ""),
        changes={name: (changes[name][0], changes[name][1]) for name in FIELDS if name in changes},
    )
