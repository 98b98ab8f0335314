"""Opens and clicks as items below their e-mail, and what they count as."""

from collections import Counter as Tally
from collections.abc import Iterable
from datetime import datetime, timedelta

from crm.domain.emails import Email
from crm.domain.hits import ANY, HOUR, PERSONS, Hit, HitClass, HitKind
from crm.domain.keeping import HIT_DAYS
from crm.store import schema
from crm.store.email_items import epoch
from crm.store.expressions import exists
from crm.store.keys import behind_prefix, escape, moment, stamp
from crm.store.outcomes import campaign_row
from crm.store.requests import Action, Put, Query, changed
from crm.store.schema import Item
from crm.store.stats import Counter
from crm.store.table import Table

HOURS = "HITS#"
"""Before the month: the rows of counters by the hour in which something was opened or clicked."""
LINK = "LINK#"
"""Before the number of a link: its row among the counters of its campaign."""


class HitRepository:
    """Hits are written with what they change: `keep` gives the actions for that transaction."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, email_id: str) -> list[Hit]:
        """Return what is kept of an e-mail, oldest first, read consistently; one request."""
        partition, low = schema.prefix("hit", emailId=email_id)
        query = Query(partition=partition, low=low, high=behind_prefix(low), consistent=True)
        return [hit_of(item) for item in self._table.walk(query)]

    def keep(self, email: Email, before: Iterable[Hit], after: Iterable[Hit]) -> list[Action]:
        """Return what writes those hits of `after` that were not there `before`, or not so."""
        known, items = ([_item(hit, email) for hit in hits] for hits in (before, after))
        there = {item["id"]: item for item in known}
        return [
            Put(item=item) if item["id"] not in there else changed(there[item["id"]], item, expect=[exists()])
            for item in items
            if there.get(item["id"]) != item
        ]


def item_of(hit: Hit, campaign_id: str, *, days: int = HIT_DAYS, latest: datetime | None = None) -> Item:
    """Return the item of a hit; it goes by itself when its days are over, and at `latest` when its e-mail goes."""
    until = hit.at + timedelta(days=days)
    return schema.keyed(
        "hit",
        {
            "id": hit.id,
            "emailId": hit.email_id,
            "campaignId": campaign_id,
            "at": stamp(hit.at),
            "kind": hit.kind.value,
            "class": hit.hit_class.value,
            "link": hit.link,
            "counts": list(hit.counts),
            schema.TTL_ATTRIBUTE: epoch(min(until, latest or until)),
        },
    )


def _item(hit: Hit, email: Email) -> Item:
    return item_of(hit, email.campaign_id, days=email.hit_days, latest=email.kept_until)


def hit_of(item: Item) -> Hit:
    """Return the hit that an item holds."""
    return Hit(
        id=item["id"],
        email_id=item["emailId"],
        kind=HitKind(item["kind"]),
        hit_class=HitClass(item["class"]),
        at=moment(item["at"]),
        link=item.get("link"),
        counts=tuple(item.get("counts", ())),
    )


def hit_counts(hit: Hit, campaign_id: str) -> Tally[Counter]:
    """Return the counters in which a hit stands: what `verify` adds up."""
    text = stamp(hit.at)
    rows = {
        HOUR: Counter(f"{HOURS}{text[:7]}", f"{text[8:13]}#{escape(campaign_id)}", f"{hit.kind.value}_{hit.hit_class.value}"),
        PERSONS: Counter(campaign_row(campaign_id), f"{LINK}{hit.link}", PERSONS),
        ANY: Counter(campaign_row(campaign_id), f"{LINK}{hit.link}", ANY),
    }
    return Tally(rows[word] for word in hit.counts)


def hit_changes(campaign_id: str, before: Iterable[Hit], after: Iterable[Hit]) -> dict[Counter, int]:
    """Return what the step from one set of hits to the other changes in the counters."""
    total: Tally[Counter] = Tally()
    for hit in after:
        total.update(hit_counts(hit, campaign_id))
    for hit in before:
        total.subtract(hit_counts(hit, campaign_id))
    return {counter: change for counter, change in total.items() if change}
