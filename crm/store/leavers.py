"""Who unsubscribed by the e-mails of a campaign, the latest first: e-mails are in order of when they were made."""

from crm.domain.emails import Email
from crm.store import schema
from crm.store.email_items import epoch
from crm.store.keys import behind_prefix, stamp
from crm.store.requests import Action, Put, Query
from crm.store.table import Table


class LeaverRepository:
    """An item for each e-mail that somebody unsubscribed by, written with it; it holds two ids and a time."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def note(self, old: Email | None, new: Email) -> list[Action]:
        """Return what notes that somebody unsubscribed by the e-mail, nothing where they did before, or did not."""
        if new.unsubscribed_at is None or (old is not None and old.unsubscribed_at is not None):
            return []
        item = schema.keyed(
            "leaver",
            {
                "id": new.id,
                "campaignId": new.campaign_id,
                "emailId": new.id,
                "at": stamp(new.unsubscribed_at),
                schema.TTL_ATTRIBUTE: epoch(new.kept_until),
            },
        )
        return [Put(item=item)]

    def latest(self, campaign_id: str, *, limit: int) -> list[str]:
        """Return the ids of the e-mails by which somebody unsubscribed, the latest first; one request."""
        partition, low = schema.prefix("leaver", campaignId=campaign_id)
        found = self._table.query(Query(partition=partition, low=low, high=behind_prefix(low), forward=False, limit=limit))
        return [str(item["emailId"]) for item in found.items]
