"""Campaigns, newest first: which ones a filter finds, page by page, all of them, or how many."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from crm.domain.campaign_filters import EVERYTHING, CampaignFilter
from crm.domain.campaigns import Campaign, CampaignStatus
from crm.store import schema
from crm.store.campaign_items import campaign_of
from crm.store.keys import render, unescape
from crm.store.requests import Query
from crm.store.schema import BY_DATE, Entry, Item
from crm.store.stats import StatsRepository
from crm.store.table import Table
from crm.store.tokens import TokenSigner

FIRST_YEAR = 2025
"""No campaign is older: the list asks no earlier year."""
AT_ONCE = 50
"""Campaigns that are read whole at once, each of two items."""
NOT_ARCHIVED = CampaignFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRow:
    """What the index knows of a campaign: enough to choose it by. `place` is where it stands in the list."""

    id: str
    subject: str
    status: CampaignStatus
    archived: bool
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPage:
    """Some campaigns, newest first, and the tokens of the pages beside; None where there is none."""

    items: list[Campaign]
    next_token: str | None
    prev_token: str | None


class CampaignLists:
    """Lists of campaigns; CampaignRepository adds what is read and written of one of them.

    An index answers, so a moment may pass until a change is seen. What it carries of a campaign is chosen by; a campaign that it
    does not know that much of, for the table was made before, is read instead, which is slower and as right.
    """

    def __init__(self, table: Table, stats: StatsRepository, signer: TokenSigner) -> None:
        self._table = table
        self._stats = stats
        self._signer = signer

    def rows(self, wanted: CampaignFilter = NOT_ARCHIVED) -> list[CampaignRow]:
        """Return what the index knows of the campaigns that a filter finds, newest first.

        A query per year, and one for those that were put away where they are asked for; thousands in each.
        """
        queries = self._years() if not wanted.archived else []
        queries += [_archived()] if wanted.archived is not False else []
        items = [item for query in queries for item in self._table.walk(query)]
        found = [row for row in self._known(items) if wanted.matches(row)]
        return sorted(found, key=lambda row: row.place, reverse=True)

    def newest(self, limit: int) -> list[CampaignRow]:
        """Return what the index knows of the newest campaigns, those that were put away left out, newest first.

        A query per year until there are half as many: one in a year that has them, and few in a young one.
        """
        items: list[Item] = []
        for query in self._years():
            if 2 * len(items) < limit:
                items += self._table.query(replace(query, limit=limit - len(items))).items
        return sorted(self._known(items), key=lambda row: row.place, reverse=True)

    def page(self, *, limit: int = 50, token: str | None = None, wanted: CampaignFilter = NOT_ARCHIVED) -> CampaignPage:
        """Return campaigns whole, newest first. Costs what `rows` costs, and a batch per 50. Raises BadToken."""
        return self.cut(self.rows(wanted), limit=limit, token=token, wanted=wanted)

    def cut(
        self, rows: Sequence[CampaignRow], *, limit: int, token: str | None, wanted: CampaignFilter, whole: bool = True
    ) -> CampaignPage:
        """Return a page of those rows as campaigns, and the tokens of the pages beside; without text and filter unless `whole`.

        A token leads on behind the place where it was made, whatever came or went meanwhile. What was put away or taken out
        since the index was told is left out. Raises BadToken.
        """
        purpose = f"campaigns {wanted}"
        back, edge = self._signer.read(purpose, token) if token else (False, None)
        start = sum(1 for row in rows if (row.place > edge if back else row.place >= edge)) if edge is not None else 0
        begin, end = (max(0, start - limit), start) if back else (start, start + limit)
        if begin >= min(end, len(rows)):
            begin, end = (0, limit) if back else (max(0, len(rows) - limit), len(rows))
        shown = rows[begin:end]
        found = (self.get_many if whole else self.states_of)([row.id for row in shown])
        return CampaignPage(
            items=[one for one in found.values() if wanted.archived in {None, one.archived_at is not None}],
            next_token=self._signer.sign(purpose, [False, shown[-1].place]) if shown and end < len(rows) else None,
            prev_token=self._signer.sign(purpose, [True, shown[0].place]) if shown and begin else None,
        )

    def walk(self, wanted: CampaignFilter = NOT_ARCHIVED) -> Iterator[Campaign]:
        """Give all campaigns that a filter finds, whole, newest first; a batch per 50 as they are taken."""
        ids = [row.id for row in self.rows(wanted)]
        for start in range(0, len(ids), AT_ONCE):
            yield from self.get_many(ids[start : start + AT_ONCE]).values()

    def states(self) -> Iterator[Campaign]:
        """Give all campaigns without text and filter, archived ones too, newest first; a batch per 100 as they are taken."""
        ids = [row.id for row in self.rows(EVERYTHING)]
        for start in range(0, len(ids), 100):
            yield from self.states_of(ids[start : start + 100]).values()

    def archived_count(self) -> int:
        """Return how many were put away; keys alone are read."""
        return self._table.count(_archived())

    def get_many(self, campaign_ids: Sequence[str]) -> dict[str, Campaign]:
        """Return `{id: campaign}` of those that exist, in the order given; one request per 50."""
        items = self._table.batch_get([key for campaign_id in campaign_ids for key in keys_of(campaign_id)], consistent=True)
        pairs = zip(items[::2], items[1::2], strict=True)
        return {item["id"]: campaign_of(item, content) for item, content in pairs if item is not None}

    def states_of(self, campaign_ids: Iterable[str]) -> dict[str, Campaign]:
        """Return `{id: campaign without text and filter}` of those that exist, in the order given; one request per 100."""
        items = self._states(campaign_ids, consistent=True)
        return {item["id"]: campaign_of(item, None) for item in items}

    def subjects(self, campaign_ids: Iterable[str]) -> dict[str, str]:
        """Return `{id: subject}` of those that exist; one request per 100."""
        return {item["id"]: item.get("subject", "") for item in self._states(campaign_ids)}

    def _states(self, campaign_ids: Iterable[str], *, consistent: bool = False) -> list[Item]:
        keys = [schema.key("campaign", id=campaign_id) for campaign_id in campaign_ids]
        return [item for item in self._table.batch_get(keys, consistent=consistent) if item is not None]

    def _known(self, items: Sequence[Item]) -> Iterator[CampaignRow]:
        """Give what items of the index tell; of those that tell nothing, the campaigns are read."""
        lacking = [_id_of(item) for item in items if "campaignStatus" not in item]
        read: dict[str, Any] = {item["id"]: item for item in self._states(lacking)} if lacking else {}
        for item in items:
            told = item if "campaignStatus" in item else read.get(_id_of(item))
            if told is not None:
                yield CampaignRow(
                    id=_id_of(item),
                    subject=told.get("subject", ""),
                    status=CampaignStatus(told["campaignStatus"] if told is item else told["status"]),
                    archived=item[BY_DATE.pk] == ARCHIVED.partition,
                    place=item[BY_DATE.sk],
                )

    def _years(self) -> list[Query]:
        """The years until now; around New Year, what another machine's clock has begun as well."""
        last = (self._table.clock() + timedelta(days=1)).year
        partitions = [render(BY_YEAR.partition, {"createdAt": str(year)}) for year in range(last, FIRST_YEAR - 1, -1)]
        return [_all_of(partition) for partition in partitions if partition]


def keys_of(campaign_id: str) -> list[dict[str, str]]:
    """Return the keys of the two items of a campaign."""
    return [schema.key("campaign", id=campaign_id), schema.key("content", campaignId=campaign_id)]


def _entry(*, archived: bool) -> Entry:
    return next(one for one in BY_DATE.entries if one.entity == "campaign" and (one.only is not None) is archived)


ARCHIVED, BY_YEAR = _entry(archived=True), _entry(archived=False)


def _archived() -> Query:
    return _all_of(ARCHIVED.partition)


def _all_of(partition: str) -> Query:
    return Query(partition=partition, index=BY_DATE, forward=False)


def _id_of(item: Item) -> str:
    return unescape(str(item["PK"]).partition("#")[2])
