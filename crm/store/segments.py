"""Segments: saved filters, by id and by name."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from crm.domain.errors import Conflict, NotFound
from crm.domain.filters import Order, filter_values, parse_filter
from crm.domain.folding import fold
from crm.domain.segments import Segment
from crm.store import schema
from crm.store.expressions import absent, equals
from crm.store.keys import moment, render, stamp
from crm.store.requests import Action, Delete, Put, Query
from crm.store.schema import BY_DATE, Item
from crm.store.table import Table
from crm.store.tokens import TokenSigner

STALE = "This segment was changed by someone else meanwhile. Look at it as it is now, then repeat your change."


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPage:
    """Some segments by name, how many there are in all, and the tokens of the pages beside."""

    items: list[Segment]
    total: int
    next_token: str | None
    prev_token: str | None


class SegmentRepository:
    """Reads of the list come from an index, which may be a moment behind; what is written is conditioned on the item itself."""

    def __init__(self, table: Table, signer: TokenSigner) -> None:
        self._table = table
        self._signer = signer

    def find(self, segment_id: str) -> Segment | None:
        """Return the segment as it is at this moment, None where there is none; one request."""
        item = self._table.get(schema.key("segment", id=segment_id)) if segment_id else None
        return segment_of(item) if item is not None else None

    def get(self, segment_id: str) -> Segment:
        """Return the segment as it is at this moment; one request. Raises NotFound."""
        if (found := self.find(segment_id)) is None:
            raise NotFound("There is no such segment; it may have been deleted.")
        return found

    def get_many(self, segment_ids: Sequence[str]) -> dict[str, Segment]:
        """Return `{id: segment}` of those that exist, as they are at this moment; one request per 100."""
        items = self._table.batch_get([schema.key("segment", id=id_) for id_ in segment_ids], consistent=True)
        return {item["id"]: segment_of(item) for item in items if item is not None}

    def walk(self, *, marks: Sequence[str] = ()) -> Iterator[Segment]:
        """Give all segments, of everybody, or those that carry one of `marks`; a query of keys, and a batch per 100 given."""
        partition = render(BY_DATE.entry("segment").partition, {}) or ""
        found = self._table.walk(Query(partition=partition, index=BY_DATE))
        keys = [{"PK": item["PK"], "SK": item["SK"]} for item in found if not marks or item[BY_DATE.sk].split("#")[1] in marks]
        yield from (segment_of(item) for item in self._table.batch_get(keys, consistent=True) if item is not None)

    def visible(self, viewer: str) -> list[Segment]:
        """Return, by name, what `viewer` gets to see: shared ones and their own; a query of keys, and a batch per 100."""
        seen = (segment for segment in self.walk(marks=("", mark_of(viewer))) if segment.seen_by(viewer))
        return sorted(seen, key=_place)

    def page(self, viewer: str, *, limit: int, token: str | None = None) -> SegmentPage:
        """Return some of what `visible` gives, behind or before where the token leads. Raises BadToken."""
        purpose = f"segments {viewer}"
        back, edge = self._signer.read(purpose, token) if token else (False, None)
        every = self.visible(viewer)
        before = [
            one for one in every if edge is not None and (_place(one) < tuple(edge) if back else _place(one) <= tuple(edge))
        ]
        start = max(0, len(before) - limit) if back else len(before)
        items = every[start : start + limit] or every[-limit:]
        first, last = (every.index(items[0]), every.index(items[-1])) if items else (0, -1)
        return SegmentPage(
            items=items,
            total=len(every),
            next_token=self._signer.sign(purpose, [False, _place(items[-1])]) if last + 1 < len(every) else None,
            prev_token=self._signer.sign(purpose, [True, _place(items[0])]) if first else None,
        )

    def create(self, segment: Segment, also: Sequence[Action] = ()) -> Segment:
        """Write a new segment, with `also`, and return it as stored. Conflict when there is one with that id."""
        stored = replace(segment, version=1)
        there = Conflict("This segment was saved before.")
        self._table.write([Put(item=item_of(stored), expect=[absent()], error=there), *also])
        return stored

    def save(self, segment: Segment, also: Sequence[Action] = ()) -> Segment:
        """Write it over the version that was read, with `also`, and return it one version up. Raises Conflict."""
        stored = replace(segment, version=segment.version + 1)
        expect = [equals("version", segment.version)]
        self._table.write([Put(item=item_of(stored), expect=expect, error=Conflict(STALE)), *also])
        return stored

    def delete(self, segment: Segment, also: Sequence[Action] = ()) -> None:
        """Remove it as it was read, and write `also`. Raises Conflict when it has changed, or is gone."""
        key, expect = schema.key("segment", id=segment.id), [equals("version", segment.version)]
        self._table.write([Delete(key=key, expect=expect, error=Conflict(STALE)), *also])


def mark_of(owner: str) -> str:
    """Return what stands in the key of somebody's own segments; a few people may share a mark.

    >>> mark_of("ingrid")
    'b75f3036'
    """
    return f"{zlib.crc32(owner.encode()):08x}"


def item_of(segment: Segment) -> Item:
    """Return the item of a segment."""
    attributes = {
        "id": segment.id,
        "name": segment.name,
        "filter": filter_values(segment.filter),
        "order": segment.order.value,
        "owner": segment.owner,
        "shared": segment.shared,
        "seenBy": None if segment.shared else mark_of(segment.owner),
        "createdAt": stamp(segment.created_at),
        "updatedAt": stamp(segment.updated_at),
        "version": segment.version,
    }
    return schema.keyed("segment", attributes)


def segment_of(item: Item) -> Segment:
    """Return the segment that an item holds."""
    return Segment(
        id=item["id"],
        name=item["name"],
        filter=parse_filter(item.get("filter", {}), stored=True),
        order=Order(item.get("order", "")),
        owner=item.get("owner", ""),
        shared=item.get("shared", False),
        created_at=moment(item["createdAt"]),
        updated_at=moment(item["updatedAt"]),
        version=item["version"],
    )


def _place(segment: Segment) -> tuple[str, str]:
    return fold(segment.name), segment.id
