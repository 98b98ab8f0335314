"""Chunks: up to a window of e-mail ids that wait to be sent by one lane of a campaign. They are read consistently."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from crm.domain.ids import new_id
from crm.store import schema
from crm.store.expressions import absent, exists
from crm.store.keys import LANES, behind_prefix, moment, stamp
from crm.store.requests import Delete, Put, Query
from crm.store.schema import Item
from crm.store.table import Table

SEQ = 12
"""Characters of a chunk's own part of its key: enough to tell those apart that are due in the same millisecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """E-mails of one campaign that a lane takes at once, from `due_at` on."""

    campaign_id: str
    lane: int
    due_at: datetime
    email_ids: tuple[str, ...]
    seq: str = ""

    @property
    def sort_key(self) -> str:
        """What names it within its campaign: what a lane writes down as its window."""
        return schema.key("chunk", **_attributes(self))["SK"]

    @property
    def put(self) -> Put:
        """The action that queues it."""
        item = schema.keyed("chunk", {**_attributes(self), "id": self.sort_key, "emailIds": list(self.email_ids)})
        return Put(item=item, expect=[absent()])

    @property
    def delete(self) -> Delete:
        """The action that takes it from the queue; it must still be there."""
        return Delete(key=schema.key("chunk", **_attributes(self)), expect=[exists()])


def new_chunk(campaign_id: str, lane: int, due_at: datetime, email_ids: Sequence[str]) -> Chunk:
    """Return a chunk with a key of its own."""
    return Chunk(campaign_id=campaign_id, lane=lane, due_at=due_at, email_ids=tuple(email_ids), seq=new_id()[:SEQ])


def chunk_of(item: Item) -> Chunk:
    """Return the chunk that an item holds."""
    return Chunk(
        campaign_id=item["campaignId"],
        lane=item["lane"],
        due_at=moment(item["dueAt"]),
        email_ids=tuple(item["emailIds"]),
        seq=item["seq"],
    )


class ChunkRepository:
    """The sender's queue."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, campaign_id: str, sort_key: str) -> Chunk | None:
        """Return the chunk of that key, None when its outcomes are written; consistent."""
        partition, _ = schema.prefix("chunk", campaignId=campaign_id)
        item = self._table.get({"PK": partition, "SK": sort_key})
        return chunk_of(item) if item else None

    def first(self, campaign_id: str, lane: int | None = None) -> Chunk | None:
        """Return the chunk that is due first in a lane; None when it has none. Without a lane: the first one of the first lane
        that has any. One consistent query.
        """
        return next(islice(self._walk(campaign_id, lane, limit=1), 1), None)

    def heads(self, campaign_id: str) -> dict[int, Chunk]:
        """Return `{lane: its first chunk}` of the lanes that have one; a consistent query per lane."""
        found = {lane: self.first(campaign_id, lane) for lane in range(LANES)}
        return {lane: chunk for lane, chunk in found.items() if chunk is not None}

    def all(self, campaign_id: str) -> Iterator[Chunk]:
        """Give every chunk of a campaign, lane by lane; consistent."""
        return self._walk(campaign_id, None, limit=None)

    def _walk(self, campaign_id: str, lane: int | None, *, limit: int | None) -> Iterator[Chunk]:
        attributes = {"campaignId": campaign_id} if lane is None else {"campaignId": campaign_id, "lane": lane}
        partition, low = schema.prefix("chunk", **attributes)
        query = Query(partition=partition, low=low, high=behind_prefix(low), limit=limit, consistent=True)
        return (chunk_of(item) for item in self._table.walk(query))


def _attributes(chunk: Chunk) -> dict[str, str | int]:
    return {"campaignId": chunk.campaign_id, "lane": chunk.lane, "dueAt": stamp(chunk.due_at), "seq": chunk.seq}
