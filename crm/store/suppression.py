"""Suppression: who must not be mailed, remembered by a keyed hash of the address, so that it outlives the person."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from crm.domain.people import EmailStatus
from crm.store import schema
from crm.store.expressions import AnyOf, Clause, absent, equals
from crm.store.keys import moment, stamp
from crm.store.requests import Action, Check, Delete, Put
from crm.store.schema import Item
from crm.store.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """That an address must not be mailed: why, since when, and by what (`link`, `import` …). It holds no address."""

    status: EmailStatus
    source: str
    created_at: datetime


class SuppressionRepository:
    """Suppressions by address. `hashes` gives the hashes of an address, the present key's first; all of them are looked up."""

    def __init__(self, table: Table, hashes: Callable[[str], tuple[str, ...]]) -> None:
        self._table = table
        self._hashes = hashes

    def hashes(self, address: str) -> tuple[str, ...]:
        """Return the hashes under which an address may be remembered, the present key's first."""
        return self._hashes(address)

    def lookup(self, address: str) -> EmailStatus:
        """Return why an address must not be mailed, MAILABLE where it may be; one consistent request."""
        return self.lookup_many([address])[address]

    def reason(self, address: str) -> Suppression | None:
        """Return why and since when an address must not be mailed, None where it may be; one consistent request."""
        hashes = self._hashes(address)
        items = self._table.batch_get([schema.key("suppression", hash=one) for one in hashes], consistent=True)
        item = next((item for item in items if item is not None), None)
        if item is None:
            return None
        return _suppression(item)

    def lookup_many(self, addresses: Iterable[str]) -> dict[str, EmailStatus]:
        """Return `{address: status}` for all of `addresses`; one consistent request per 100."""
        return {address: status for address, (status, _) in self.conditioned(addresses).items()}

    def conditioned(self, addresses: Iterable[str]) -> dict[str, tuple[EmailStatus, Check]]:
        """Return `{address: (status, condition that it is still so)}`, for a write that rests on it; costs as `lookup_many`."""
        hashes = {address: self._hashes(address) for address in addresses}
        distinct = list({one for many in hashes.values() for one in many})
        items = self._table.batch_get([schema.key("suppression", hash=one) for one in distinct], consistent=True)
        found = {one: item["status"] for one, item in zip(distinct, items, strict=True) if item is not None}
        return {
            address: _standing(next((one for one in many if one in found), many[0]), found) for address, many in hashes.items()
        }

    def actions(
        self, address: str, status: EmailStatus, *, now: datetime, source: str, known: EmailStatus | None = None
    ) -> list[Action]:
        """Return what remembers that an address must not be mailed; `source` says where that came from, without an address.

        With `known`, what was looked up before, on condition that it still holds: nothing stronger is overwritten.
        """
        item = _item(self._hashes(address)[0], status, now=now, source=source)
        if known is None:
            return [Put(item=item)]
        as_known = [] if known is EmailStatus.MAILABLE else [Clause("status", "equals", (known.value,))]
        return [Put(item=item, expect=[AnyOf((absent(), *as_known))])]

    def lifting(self, address: str, shown: Suppression) -> list[Action]:
        """Return what forgets that an address must not be mailed, under all keys, while `shown` is why and since when.

        An older key may remember a weaker reason that another took the place of; it goes as well. A reason that came meanwhile,
        be it the same once more, is a ConditionFailed.
        """
        keys = [schema.key("suppression", hash=one) for one in self._hashes(address)]
        items = self._table.batch_get(keys, consistent=True)
        holding = next((place for place, item in enumerate(items) if item is not None), 0)
        return [
            Check(key=key, expect=[absent()])
            if item is None
            else Delete(key=key, expect=_as(shown if place == holding else _suppression(item)))
            for place, (key, item) in enumerate(zip(keys, items, strict=True))
        ]

    def unless_suppressed(self, address: str) -> Check:
        """Return the condition that nobody suppressed the address meanwhile, for a write that takes it as mailable."""
        return Check(key=schema.key("suppression", hash=self._hashes(address)[0]), expect=[absent()])


def _standing(hashed: str, found: Mapping[str, str]) -> tuple[EmailStatus, Check]:
    """The status under a hash, with the condition that it is still so."""
    status = found.get(hashed)
    expect = absent() if status is None else equals("status", status)
    return EmailStatus(status or EmailStatus.MAILABLE), Check(key=schema.key("suppression", hash=hashed), expect=[expect])


def _suppression(item: Item) -> Suppression:
    return Suppression(status=EmailStatus(item["status"]), source=item.get("source", ""), created_at=moment(item["createdAt"]))


def _as(known: Suppression) -> list[Clause]:
    """That it still is for that reason, and since then."""
    return [Clause("status", "equals", (known.status.value,)), Clause("createdAt", "equals", (stamp(known.created_at),))]


def _item(hashed: str, status: EmailStatus, *, now: datetime, source: str) -> Item:
    attributes = {"id": hashed, "hash": hashed, "status": status.value, "source": source, "createdAt": stamp(now)}
    return schema.keyed("suppression", attributes)
