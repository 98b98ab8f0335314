"""The audit log, by month."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from crm.domain.audit import AuditEntry, Origin
from crm.domain.audit_filter import AuditFilter
from crm.domain.errors import BadToken, StoreUnavailable
from crm.store import schema
from crm.store.expressions import AnyOf, Clause, equals, one_of
from crm.store.keys import AFTER, moment, stamp
from crm.store.months import months_between
from crm.store.requests import Put, Query
from crm.store.schema import Item
from crm.store.table import Table
from crm.store.tokens import TokenSigner

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
"""No entry is older."""
MOST_QUERIES = 5
"""Requests for one page: where few entries fit a filter, a page says how far back it looked instead of reading years."""
AT_ONCE = 1_000
"""Entries that one request looks at where not every one fits; with their half kilobyte each, less than the most of one answer."""
HURRY, REST = 0.5, 30.0
"""Seconds for which what can go unwritten is tried, and for which it is not tried again."""
MONTH = len("2026-11")
BEHIND = "~"
"""Behind a month: a text that is greater than every sort key in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some entries, newest first, and the tokens of the pages beside; None where there is none.

    `looked_to` is how far back was looked where that was not to the end of the span, nor until the page was full.
    """

    items: list[AuditEntry]
    next_token: str | None
    prev_token: str | None
    looked_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """What was found going one way, and the place behind it. A place is a text: entries whose sort key is smaller are older.

    `more`: whether something may be behind it. `full`: whether it ended because enough was found.
    """

    items: list[Item]
    place: str
    more: bool
    full: bool = False


class AuditRepository:
    """Entries are written with what they tell of, in its transaction, or right after it."""

    def __init__(self, table: Table, signer: TokenSigner) -> None:
        self._table = table
        self._signer = signer
        self._empty: set[str] = set()
        self._away_until = 0.0

    def put(self, entry: AuditEntry) -> Put:
        """Return the action that writes an entry; the same entry again changes nothing."""
        self._empty.discard(stamp(entry.at)[:MONTH])
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

    def note(self, entry: AuditEntry, *, patience: float | None = None) -> None:
        """Write an entry by itself; `patience`: for so many seconds, instead of as long as the table is waited for elsewhere."""
        table = self._table if patience is None else self._table.within(patience)
        table.write([self.put(entry)])

    def try_to_note(self, entry: AuditEntry) -> bool:
        """Write an entry if the table answers at once, and tell whether it did; one that did not is left alone for a while."""
        if time.monotonic() < self._away_until:
            return False
        try:
            self.note(entry, patience=HURRY)
        except StoreUnavailable:
            self._away_until = time.monotonic() + REST
            return False
        return True

    def of_month(self, month: str) -> Iterator[AuditEntry]:
        """Give the entries of a month such as `2026-11`, newest first."""
        for item in self._table.walk(Query(partition=_partition(month), forward=False)):
            yield entry_of(item)

    def walk(self, wanted: AuditFilter) -> Iterator[AuditEntry]:
        """Give all entries that a filter finds, newest first, month by month; a request for each, and one per megabyte."""
        for month in reversed(self._months(wanted)):
            yield from (entry_of(item) for item in self._table.walk(_query(month, wanted, forward=False)))

    def page(self, wanted: AuditFilter, *, limit: int = 50, token: str | None = None) -> AuditPage:
        """Return entries that a filter finds, newest first; MOST_QUERIES requests at most, one where every entry fits.

        A token leads on behind what was looked at, whatever came meanwhile. Raises BadToken.
        """
        purpose = f"audit {wanted}"
        back, place = _position(self._signer.read(purpose, token)) if token else (False, "")
        found = self._newer(wanted, place, limit) if back else self._older(wanted, place, limit)
        if back and not found.more:  # the newest entries, and perhaps less than a page of them
            return self.page(wanted, limit=limit)
        older, newer = (place, found.place) if back else (found.place, place)
        return AuditPage(
            items=[entry_of(item) for item in (found.items[::-1] if back else found.items)],
            next_token=self._signer.sign(purpose, [False, older]) if back or found.more else None,
            prev_token=self._signer.sign(purpose, [True, newer]) if newer else None,
            looked_to=_moment_of(found.place) if found.more and not found.full and not back else None,
        )

    def _older(self, wanted: AuditFilter, place: str, limit: int) -> _Stretch:
        """Find entries that are older than a place; empty: the newest."""
        months = [month for month in reversed(self._months(wanted)) if not place or month < place]
        return self._stretch(wanted, months, place, limit, forward=False)

    def _newer(self, wanted: AuditFilter, place: str, limit: int) -> _Stretch:
        """Find entries that are not older than a place, the oldest of them."""
        months = [month for month in self._months(wanted) if month + BEHIND > place]
        return self._stretch(wanted, months, place, limit, forward=True)

    def _stretch(self, wanted: AuditFilter, months: list[str], place: str, limit: int, *, forward: bool) -> _Stretch:
        found: list[Item] = []
        queries = 0
        for month in months:
            query = _query(month, wanted, place, forward=forward)
            while month not in self._empty:
                if queries == MOST_QUERIES:
                    return _Stretch(items=found, place=place, more=True)
                size = limit + 2 - len(found) if wanted.every_one_fits else AT_ONCE
                rows = self._table.query(replace(query, limit=size))
                queries += 1
                found += [item for item in rows.items if forward or not place or item["SK"] < place]
                if len(found) > limit:
                    return _Stretch(items=found[:limit], place=_behind(found[limit - 1]["SK"], forward), more=True, full=True)
                if rows.next is None:
                    self._remember(month, query, rows.read)
                    break
                query, place = replace(query, start=rows.next), _behind(rows.next["SK"], forward)
            place = month + BEHIND if forward else month
        return _Stretch(items=found, place=place, more=False)

    def _months(self, wanted: AuditFilter) -> list[str]:
        """The months of the span, oldest first, until now; around New Year's Eve, what another machine's clock has begun too."""
        latest = self._table.clock() + timedelta(days=1)
        first, last = max(wanted.start or BEGIN, BEGIN), min(wanted.end or latest, latest) - timedelta(milliseconds=1)
        return months_between(first.astimezone(UTC), last.astimezone(UTC))

    def _remember(self, month: str, query: Query, read: int) -> None:
        """Keep in mind that a month which is over has nothing at all: no later page asks for it."""
        whole = query.low is None and query.high is None and query.start is None
        if whole and not read and month < stamp(self._table.clock() - timedelta(days=1))[:MONTH]:
            self._empty.add(month)


def entry_of(item: Item) -> AuditEntry:
    """Return the entry that an item holds."""
    return AuditEntry(
        id=item["id"],
        at=moment(item["at"]),
        actor=item.get("actor", ""),
        action=item["action"],
        subject=item.get("subject", ""),
        facts=item.get("facts", {}),
        origin=Origin(via=item.get("via", ""), address=item.get("address", ""), token=item.get("token")),
    )


def _query(month: str, wanted: AuditFilter, place: str = "", *, forward: bool) -> Query:
    """The entries of a month that belong to the span, on that side of a place where it lies in the month."""
    low, high = (stamp(at) if at and stamp(at)[:MONTH] == month else None for at in (wanted.start, wanted.end))
    if place[:MONTH] == month:
        low, high = (max(low or "", place), high) if forward else (low, min(high or place, place))
    return Query(partition=_partition(month), low=low, high=high, forward=forward, where=_where(wanted))


def _behind(key: str, forward: bool) -> str:
    """The place at which one goes on, so that an entry is on one side alone."""
    return key + AFTER if forward else key


def _where(wanted: AuditFilter) -> list[Clause | AnyOf]:
    clauses: list[Clause | AnyOf] = [one_of("action", sorted(wanted.actions))] if wanted.what else []
    given = {"actor": wanted.who, "subject": wanted.about, "via": wanted.via}
    return clauses + [equals(name, value) for name, value in given.items() if value]


def _partition(month: str) -> str:
    return schema.prefix("audit", at=month)[0]


def _moment_of(place: str) -> datetime:
    """The moment down to which a place has been looked."""
    return moment(f"{place[:MONTH]}-01T00:00:00.000Z" if len(place) <= MONTH + len(BEHIND) else place.partition("#")[0])


def _position(position: object) -> tuple[bool, str]:
    match position:
        case [bool(back), str(place)]:
            return back, place
    raise BadToken(f"This page link is not valid for this list: {json.dumps(position)[:40]}.")
