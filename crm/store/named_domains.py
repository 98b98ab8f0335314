"""Under which domains the e-mails of a campaign are counted by name."""

from crm.store import schema
from crm.store.requests import Put
from crm.store.table import Table


class NamedDomains:
    """One item per campaign, written while its e-mails are made."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, campaign_id: str) -> frozenset[str] | None:
        """Return the named domains at this moment, None before the first was; one consistent read."""
        item = self._table.get(schema.key("domains", campaignId=campaign_id))
        return frozenset(item["names"]) if item else None

    def put(self, campaign_id: str, names: frozenset[str]) -> Put:
        """Return the action that keeps them: for whoever alone makes the e-mails, under its lease."""
        return Put(item=schema.keyed("domains", {"id": campaign_id, "campaignId": campaign_id, "names": sorted(names)}))
