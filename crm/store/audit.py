"""The audit log, by month."""

from collections.abc import Iterator

from crm.domain.audit import AuditEntry, Origin
from crm.store import schema
from crm.store.keys import moment, stamp
from crm.store.requests import Put, Query
from crm.store.table import Table


class AuditRepository:
    """Entries are written with what they tell of, in its transaction, or right after it."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, entry: AuditEntry) -> Put:
        """Return the action that writes an entry; the same entry again changes nothing."""
        attributes = {
            "id": entry.id,
            "at": stamp(entry.at),
            "actor": entry.actor,
            "action": entry.action,
            "subject": entry.subject,
            "facts": dict(entry.facts),
            "via": entry.origin.via,
            "address": entry.origin.address,
            "token": entry.origin.token,
        }
        return Put(item=schema.keyed("audit", attributes))

    def note(self, entry: AuditEntry) -> None:
        """Write an entry by itself."""
        self._table.write([self.put(entry)])

    def of_month(self, month: str) -> Iterator[AuditEntry]:
        """Give the entries of a month such as `2026-11`, newest first."""
        partition, _ = schema.prefix("audit", at=month)
        for item in self._table.walk(Query(partition=partition, forward=False)):
            yield AuditEntry(
                id=item["id"],
                at=moment(item["at"]),
                actor=item.get("actor", ""),
                action=item["action"],
                subject=item.get("subject", ""),
                facts=item.get("facts", {}),
                origin=Origin(via=item.get("via", ""), address=item.get("address", ""), token=item.get("token")),
            )
