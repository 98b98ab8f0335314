"""Who attends events, was mailed in campaigns, stands in a selection: as sets of ids, for a profile does not tell."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock

from crm.domain.emails import EmailState
from crm.domain.filters import PeopleFilter, attending
from crm.store import schema
from crm.store.keys import LANES, behind_prefix, render
from crm.store.requests import Query
from crm.store.schema import Item
from crm.store.table import Table

MAILED = (EmailState.SENT, EmailState.UNCERTAIN)


KEPT = 4
"""Selections that one process keeps in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """`wanted` None: no event, campaign or selection is asked for; else only these people match. `unwanted` never do.

    `ordered` is `wanted` in order of the id, where that is known and nobody is unwanted.
    """

    wanted: frozenset[str] | None = None
    unwanted: frozenset[str] = frozenset()
    ordered: Sequence[str] | None = None

    def hold(self, person_id: str) -> bool:
        """Tell whether events and campaigns let this person through."""
        return (self.wanted is None or person_id in self.wanted) and person_id not in self.unwanted

    def __len__(self) -> int:
        """Return how many are asked for."""
        return len(self.wanted or ()) - (len(self.wanted & self.unwanted) if self.wanted and self.unwanted else 0)

    def ids(self) -> Sequence[str]:
        """Return who is asked for, in order of the id."""
        return self.ordered if self.ordered is not None else sorted((self.wanted or frozenset()) - self.unwanted)


@dataclass(frozen=True, slots=True)
class Selection:
    """The ids of a selection, as a set and in order, and its last part."""

    ids: frozenset[str]
    ordered: Sequence[str]
    last: Item | None


NOBODY = Selection(frozenset(), (), None)


class SelectedIds:
    """Whom selections hold. Parts are put in order and stay as they are, so each is read once and from then on only what follows.

    Some selections are kept, those that were asked for last; one of 100,000 people takes about 15 MB.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: OrderedDict[str, Selection] = OrderedDict()
        self._lock = Lock()

    def of(self, selection_id: str) -> Selection:
        """Return the ids; one consistent request where all were read before, else one per MB."""
        with self._lock:
            known = self._known.pop(selection_id, NOBODY)
        parts = self._parts(selection_id, known.last)
        if known.last is not None and (not parts or parts[0]["ids"] != known.last["ids"]):
            known, parts = NOBODY, self._parts(selection_id, None)
        if len(parts) > (known.last is not None):
            ids = known.ids.union(id_ for part in parts for id_ in part["ids"])
            known = Selection(ids, sorted(ids), parts[-1])
        with self._lock:
            self._known[selection_id] = known
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return known

    def _parts(self, selection_id: str, first: Item | None) -> list[Item]:
        partition, beginning = schema.prefix("selected", selectionId=selection_id)
        query = Query(
            partition=partition, low=first["SK"] if first else beginning, high=behind_prefix(beginning), consistent=True
        )
        return list(self._table.walk(query))


def read_members(table: Table, selections: SelectedIds, wanted: PeopleFilter) -> Members:
    """Return whom a filter names: a query per event and status, four per campaign and status; selections as they read them."""
    groups = [
        frozenset(id_ for value in values for id_ in read(table, value))
        for values, read in ((wanted.attends, _attending), (wanted.mailed, _mailed))
        if values
    ]
    chosen = [selections.of(value) for value in wanted.selected]
    groups += [frozenset().union(*[selection.ids for selection in chosen])] if len(chosen) > 1 else [one.ids for one in chosen]
    groups += [frozenset(wanted.ids)] if wanted.ids else []
    unwanted = [_attending(table, event) for event in wanted.attends_not] + [
        _mailed(table, campaign) for campaign in wanted.mailed_not
    ]
    if len(groups) == len(chosen) == 1 and not unwanted:
        return Members(wanted=groups[0], ordered=chosen[0].ordered)
    return Members(
        wanted=frozenset.intersection(*groups) if groups else None,
        unwanted=frozenset(id_ for ids in unwanted for id_ in ids),
    )


def _attending(table: Table, value: str) -> Iterator[str]:
    """Registered or attended, or those with the status that the value names."""
    event_id, statuses = attending(value)
    entry = schema.EVENT_ATTENDEES.entry("attendance")
    partition = render(entry.partition, {"eventId": event_id}) or ""
    beginnings = [f"{status.value}#" for status in sorted(statuses)]
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


def _ids(table: Table, queries: Iterable[Query]) -> Iterator[str]:
    for query in queries:
        for item in table.walk(query):
            yield item["userId"]
