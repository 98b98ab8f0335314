"""The logs of people: notes, edits and imports, newest first."""

from collections.abc import Sequence
from typing import Any

from crm.domain.log import LogEntry, LogKind
from crm.store import schema
from crm.store.keys import behind_prefix, moment, stamp
from crm.store.requests import Delete, Put, Query
from crm.store.schema import Item
from crm.store.table import Table


class LogRepository:
    """Entries are written with what they tell of: `put` and `delete` give the action for that transaction."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, entry: LogEntry) -> Put:
        """Return the action that writes an entry; the same entry again changes nothing."""
        return Put(item=item_of(entry))

    def delete(self, entry: LogEntry) -> Delete:
        """Return the action that removes an entry; it may be gone already."""
        return Delete(key=_key(entry))

    def get_many(self, entries: Sequence[LogEntry]) -> list[LogEntry | None]:
        """Return what is stored under the keys of `entries`, read consistently; one request per 100."""
        items = self._table.batch_get([_key(entry) for entry in entries], consistent=True)
        return [entry_of(item) if item is not None else None for item in items]

    def of(self, user_id: str, *, limit: int | None = None) -> list[LogEntry]:
        """Return the log of a person, newest first, read consistently; `limit` None is all of it."""
        partition, low = schema.prefix("log", userId=user_id)
        query = Query(partition=partition, low=low, high=behind_prefix(low), forward=False, consistent=True, limit=limit)
        items = self._table.walk(query) if limit is None else self._table.query(query).items
        return [entry_of(item) for item in items]


def item_of(entry: LogEntry) -> Item:
    """Return the item of an entry."""
    attributes: dict[str, Any] = {
        "id": entry.id,
        "userId": entry.user_id,
        "at": stamp(entry.at),
        "kind": entry.kind.value,
        "actor": entry.actor,
        "text": entry.text,
        "changes": {name: list(pair) for name, pair in entry.changes.items()},
        "source": entry.source,
        "sourceName": entry.source_name,
        "created": entry.created or None,
        "version": entry.version or None,
    }
    return schema.keyed("log", attributes)


def entry_of(item: Item) -> LogEntry:
    """Return the entry that an item holds."""
    return LogEntry(
        id=item["id"],
        user_id=item["userId"],
        at=moment(item["at"]),
        kind=LogKind(item["kind"]),
        actor=item.get("actor", ""),
        text=item.get("text", ""),
        changes={name: (before, after) for name, (before, after) in item.get("changes", {}).items()},
        source=item.get("source", ""),
        source_name=item.get("sourceName", ""),
        created=item.get("created", False),
        version=item.get("version", 0),
    )


def _key(entry: LogEntry) -> dict[str, str]:
    return schema.key("log", userId=entry.user_id, at=stamp(entry.at), id=entry.id)
