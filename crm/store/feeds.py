"""Calendar feeds: which events stand behind a secret link."""

from datetime import datetime, timedelta

from crm.domain.errors import Conflict, NotFound
from crm.domain.feeds import MAX_FEEDS, Feed
from crm.store import schema
from crm.store.expressions import AnyOf, Clause, absent, exists
from crm.store.keys import moment, render, stamp
from crm.store.requests import Action, Put, Query, Update
from crm.store.schema import BY_DATE, Item
from crm.store.table import ConditionFailed, Table

GONE = "There is no such calendar feed; it may have been revoked."
TAKEN = "This calendar feed was revoked, so its link stays dead. Make a new one, which gets another link."
REVOKED = "revokedAt"
NOTED_EVERY = timedelta(hours=1)


class FeedRepository:
    """Feeds by id, and the newest of them. The list comes from an index, which may be a moment behind.

    Of a revoked feed its id stays, in no index, so that nobody can bring its link back to life.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, feed_id: str) -> Feed | None:
        """Return the feed as it is at this moment, None where there is none or it was revoked; one request."""
        item = self._table.get(schema.key("feed", id=feed_id)) if feed_id else None
        return feed_of(item) if item is not None and REVOKED not in item else None

    def get(self, feed_id: str) -> Feed:
        """Return the feed as it is at this moment; one request. Raises NotFound."""
        if (feed := self.find(feed_id)) is None:
            raise NotFound(GONE)
        return feed

    def recent(self, limit: int = MAX_FEEDS) -> list[Feed]:
        """Return feeds, newest first; a query of keys and a batch."""
        partition = str(render(BY_DATE.entry("feed").partition, {}))
        rows = self._table.query(Query(partition=partition, index=BY_DATE, forward=False, limit=limit))
        keys = [{"PK": row["PK"], "SK": row["SK"]} for row in rows.items]
        items = self._table.batch_get(keys, consistent=True)
        return [feed_of(item) for item in items if item is not None and REVOKED not in item]

    def create(self, feed: Feed, *also: Action) -> Feed | None:
        """Write a new feed with `also`; None where one with its id is there already. It stays then, and nothing is written.

        Raises Conflict for the id of a feed that was revoked.
        """
        try:
            self._table.write([Put(item=item_of(feed), expect=[absent()]), *also])
        except ConditionFailed:
            if self.find(feed.id) is None:
                raise Conflict(TAKEN) from None
            return None
        return feed

    def revoke(self, feed_id: str, now: datetime, *also: Action) -> None:
        """Let the link of a feed lead nowhere from now on, for good, and write `also`. Raises NotFound."""
        revoked = schema.keyed("feed", {"id": feed_id, REVOKED: stamp(now)})
        self._table.write([Put(item=revoked, expect=[exists(), absent(REVOKED)], error=NotFound(GONE)), *also])

    def fetched(self, feed: Feed, now: datetime) -> None:
        """Note that a calendar asked for it: at most once an hour, so that a busy one does not turn every read into a write."""
        if feed.fetched_at is not None and feed.fetched_at > now - NOTED_EVERY:
            return
        stale = AnyOf((absent("fetchedAt"), Clause("fetchedAt", "at most", (stamp(now - NOTED_EVERY),))))
        key = schema.key("feed", id=feed.id)
        try:
            self._table.write([Update(key=key, changes={"fetchedAt": stamp(now)}, expect=[exists(), absent(REVOKED), stale])])
        except ConditionFailed:
            return  # another one noted it, or it was revoked


def item_of(feed: Feed) -> Item:
    """Return the item of a feed."""
    attributes = {
        "id": feed.id,
        "filter": dict(feed.values),
        "createdBy": feed.created_by,
        "createdAt": stamp(feed.created_at),
        "fetchedAt": stamp(feed.fetched_at) if feed.fetched_at else None,
    }
    return schema.keyed("feed", attributes)


def feed_of(item: Item) -> Feed:
    """Return the feed of an item."""
    return Feed(
        id=item["id"],
        values=item.get("filter", {}),
        created_by=item.get("createdBy", ""),
        created_at=moment(item["createdAt"]),
        fetched_at=moment(item["fetchedAt"]) if "fetchedAt" in item else None,
    )
