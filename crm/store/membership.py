"""Who attends events, was mailed in campaigns, stands in a selection: as sets of ids, for a profile does not tell."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from crm.domain.emails import EmailState
from crm.domain.events import SEATED
from crm.domain.filters import PeopleFilter
from crm.store import schema
from crm.store.keys import LANES, behind_prefix, render
from crm.store.requests import Query
from crm.store.table import Table

MAILED = (EmailState.SENT, EmailState.UNCERTAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """`wanted` None: no event or campaign is asked for; else only these people match. `unwanted` never do."""

    wanted: frozenset[str] | None = None
    unwanted: frozenset[str] = frozenset()

    def hold(self, person_id: str) -> bool:
        """Tell whether events and campaigns let this person through."""
        return (self.wanted is None or person_id in self.wanted) and person_id not in self.unwanted

    def ids(self) -> list[str]:
        """Return who is asked for, in order of the id."""
        return sorted((self.wanted or frozenset()) - self.unwanted)


def read_members(table: Table, wanted: PeopleFilter) -> Members:
    """Return whom a filter names: a query per event and status, four per campaign and status, one per selection."""
    named = ((wanted.attends, _attending), (wanted.mailed, _mailed), (wanted.selected, _selected))
    groups = [frozenset(id_ for value in values for id_ in read(table, value)) for values, read in named if values]
    groups += [frozenset(wanted.ids)] if wanted.ids else []
    unwanted = [_attending(table, event) for event in wanted.attends_not] + [
        _mailed(table, campaign) for campaign in wanted.mailed_not
    ]
    return Members(
        wanted=frozenset.intersection(*groups) if groups else None,
        unwanted=frozenset(id_ for ids in unwanted for id_ in ids),
    )


def _attending(table: Table, event_id: str) -> Iterator[str]:
    """Registered or attended."""
    entry = schema.EVENT_ATTENDEES.entry("attendance")
    partition = render(entry.partition, {"eventId": event_id}) or ""
    beginnings = [f"{status.value}#" for status in sorted(SEATED)]
    queries = (
        Query(
            partition=partition,
            index=schema.EVENT_ATTENDEES,
            low=beginning,
            high=behind_prefix(beginning),
            attributes=("userId",),
        )
        for beginning in beginnings
    )
    return _ids(table, queries)


def _mailed(table: Table, campaign_id: str) -> Iterator[str]:
    """Sent or uncertain."""
    template = schema.BY_CAMPAIGN.entry("email").partition.replace("{id:lane}", "{lane:raw}")
    partitions = (
        render(template, {"campaignId": campaign_id, "status": status.value, "lane": lane}) or ""
        for status in MAILED
        for lane in range(LANES)
    )
    return _ids(
        table,
        (Query(partition=partition, index=schema.BY_CAMPAIGN, attributes=("userId",)) for partition in partitions),
    )


def _selected(table: Table, selection_id: str) -> Iterator[str]:
    """Whom a task works on, or an import wrote."""
    partition, low = schema.prefix("selected", selectionId=selection_id)
    for part in table.walk(Query(partition=partition, low=low, high=behind_prefix(low), consistent=True)):
        yield from part["ids"]


def _ids(table: Table, queries: Iterable[Query]) -> Iterator[str]:
    for query in queries:
        for item in table.walk(query):
            yield item["userId"]
