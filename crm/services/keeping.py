"""How many of the e-mails that are counted are no longer kept one by one, so that lists lack them."""

from datetime import datetime

from crm.domain.campaigns import Campaign
from crm.domain.metrics import EmailQuery
from crm.store import Store
from crm.store.email_lists import gone


def gone_of(store: Store, campaign: Campaign, *, now: datetime) -> int:
    """Return how many e-mails of a campaign are gone; nothing is read while all of them are kept, as they mostly are."""
    if campaign.keeps_all(now):
        return 0
    query = EmailQuery(campaign_ids=(campaign.id,), start=campaign.started_at, end=campaign.finished_at or now)
    return gone(store.email_lists.rows(query), query, now)
