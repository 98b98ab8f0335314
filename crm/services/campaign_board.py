"""The list of campaigns: tabs by where they stand, one of them page by page with its figures, all of them counted."""

from collections import Counter as Tally
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice

from crm.domain.campaign_filters import CampaignFilter, campaign_filter_values
from crm.domain.campaigns import Campaign, CampaignStatus
from crm.services.audit import note
from crm.services.progress import Progress
from crm.store import Store
from crm.store.campaigns import CampaignFigures

AT_ONCE = 100


class Tab(StrEnum):
    """Where a campaign stands for who looks for it. What was put away is in the last one alone."""

    ALL = "all"
    DRAFTS = "drafts"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    ARCHIVED = "archived"


STATUSES: Mapping[Tab, tuple[CampaignStatus, ...]] = {
    Tab.ALL: (),
    Tab.DRAFTS: (CampaignStatus.DRAFT,),
    Tab.SCHEDULED: (CampaignStatus.SCHEDULED,),
    Tab.RUNNING: (CampaignStatus.EXPANDING, CampaignStatus.SENDING),
    Tab.PAUSED: (CampaignStatus.PAUSED,),
    Tab.DONE: (CampaignStatus.DONE, CampaignStatus.CANCELLED),
    Tab.ARCHIVED: (),
}
"""Which states a tab is for; none means all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A page of campaigns, without text and filter, each with its figures; how many the filter finds, and how many each tab has.

    Tabs count under the words of the filter.
    """

    rows: list[Progress]
    next_token: str | None
    prev_token: str | None
    total: int
    counts: dict[Tab, int]

    @property
    def items(self) -> list[Progress]:
        """The rows, as a page of a list has them."""
        return self.rows


def of_tab(tab: Tab, q: str = "") -> CampaignFilter:
    """Return the filter of a tab."""
    return CampaignFilter(statuses=STATUSES[tab], archived=tab is Tab.ARCHIVED, q=q)


def tab_of(wanted: CampaignFilter) -> Tab | None:
    """Return the tab that shows what a filter finds, None where none does."""
    return next((tab for tab in Tab if of_tab(tab, wanted.q) == wanted), None)


def board(store: Store, wanted: CampaignFilter, *, limit: int, token: str | None = None) -> Board:
    """Return a page of the list. Nine requests and one per year of campaigns, however many there are. Raises BadToken."""
    held = store.campaigns.rows(CampaignFilter(q=wanted.q))
    if wanted.archived or wanted.q:
        away = store.campaigns.rows(CampaignFilter(archived=True, q=wanted.q))
        archived = len(away)
    else:
        away, archived = [], store.campaigns.archived_count()
    rows = [row for row in (away if wanted.archived else held) if wanted.matches(row)]
    page = store.campaigns.cut(rows, limit=limit, token=token, wanted=wanted, whole=False)
    figures = store.campaigns.figures_many([one.id for one in page.items], reasons=False)
    return Board(
        rows=[Progress(campaign=one, figures=figures[one.id]) for one in page.items],
        next_token=page.next_token,
        prev_token=page.prev_token,
        total=len(rows),
        counts={**_counts(Tally(row.status for row in held)), Tab.ARCHIVED: archived},
    )


def _counts(by_status: Mapping[CampaignStatus, int]) -> dict[Tab, int]:
    every = {tab: statuses or tuple(CampaignStatus) for tab, statuses in STATUSES.items() if tab is not Tab.ARCHIVED}
    return {tab: sum(by_status.get(status, 0) for status in statuses) for tab, statuses in every.items()}


def export(store: Store, wanted: CampaignFilter, *, actor: str, now: datetime) -> Iterator[tuple[Campaign, CampaignFigures]]:
    """Note in the audit log who takes which list, and give all its campaigns with their figures, newest first.

    Which they are is read before this returns, so that an error is still an error and not half a file.
    """
    ids = iter([row.id for row in store.campaigns.rows(wanted)])
    note(store, "campaigns.exported", actor=actor, now=now, filter=" ".join(campaign_filter_values(wanted)))
    return _with_figures(store, ids)


def _with_figures(store: Store, ids: Iterator[str]) -> Iterator[tuple[Campaign, CampaignFigures]]:
    while some := list(islice(ids, AT_ONCE)):
        found = store.campaigns.states_of(some)
        figures = store.campaigns.figures_many(list(found), reasons=False)
        yield from ((one, figures[one.id]) for one in found.values())
