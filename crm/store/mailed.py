"""Who was mailed: in a campaign, by what became of it, and of late in any. Ids of people, read from GSI_EmailsByCampaign."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from crm.domain.campaigns import ENDED
from crm.domain.filters import mailing
from crm.domain.metrics import HOUR, EmailQuery
from crm.domain.outcomes import HANDED_OVER
from crm.store import schema
from crm.store.cost import unmetered
from crm.store.email_lists import EmailLists
from crm.store.emails import became, partitions
from crm.store.expressions import AnyOf, Where, at_least
from crm.store.keys import stamp
from crm.store.requests import Query
from crm.store.schema import BY_CAMPAIGN
from crm.store.table import Table

LOOKED_BACK = timedelta(days=60)
"""How long an e-mail may have waited, made but not sent: a campaign is paused, and goes on weeks later."""


def mailed_in(table: Table, value: str) -> Iterator[str]:
    """Give whom a value of `mailed` means; four queries per state in which that outcome is found."""
    campaign_id, outcome = mailing(value)
    return _people(table, partitions(campaign_id, outcome.states), became(outcome))


def mailed_within(table: Table, lists: EmailLists, days: int) -> Iterator[str]:
    """Give who was sent something within so many days, or may have been: by when it went out, or its answer was lost.

    Eight queries for each campaign that can have sent something since then, a batch for those that began before, and the
    counters of the months.
    """
    now = table.clock()
    since = now - timedelta(days=days)
    late = AnyOf((at_least("sentAt", stamp(since)), at_least("uncertainAt", stamp(since))))
    for campaign_id, first in _campaigns(table, lists, since, now).items():
        yield from _people(table, partitions(campaign_id, HANDED_OVER), [late], low=stamp(first))


def _campaigns(table: Table, lists: EmailLists, since: datetime, now: datetime) -> dict[str, datetime]:
    """Which campaigns can have sent something since then: `{id: the hour in which the first such e-mail can have been made}`.

    Of those whose e-mails were made before, that is who had not ended by then.
    """
    with unmetered():
        rows = lists.rows(EmailQuery(statuses=HANDED_OVER, start=since - LOOKED_BACK, end=now))
    over = _over(table, {row.campaign_id for row in rows if row.hour + HOUR <= since}, since)
    first: dict[str, datetime] = {}
    for row in rows:
        if row.hour + HOUR > since or row.campaign_id not in over:
            first.setdefault(row.campaign_id, row.hour)
    return first


def _over(table: Table, campaign_ids: set[str], since: datetime) -> set[str]:
    items = table.batch_get([schema.key("campaign", id=id_) for id_ in sorted(campaign_ids)], consistent=True)
    return {item["id"] for item in items if item and item["status"] in ENDED and item["updatedAt"] < stamp(since)}


def _people(table: Table, parts: list[str], where: Where, *, low: str | None = None) -> Iterator[str]:
    for partition in parts:
        query = Query(partition=partition, index=BY_CAMPAIGN, low=low, where=where, attributes=("userId",))
        yield from (item["userId"] for item in table.walk(query))
