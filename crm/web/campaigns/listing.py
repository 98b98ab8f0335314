"""The list of campaigns: a tab of it under words of the subject, and all of it as CSV."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from crm.domain.campaign_filters import NAMES, CampaignFilter, campaign_filter_values, parse_campaign_filter
from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.errors import BadToken, RuleViolation
from crm.domain.ids import new_id
from crm.services.campaign_board import Board, Tab, board, export, of_tab, tab_of
from crm.services.progress import Progress
from crm.store.campaigns import FIGURES, CampaignFigures
from crm.web.csv import csv_response
from crm.web.http import CrmRequest, error_answer, permission_required, render_part
from crm.web.paging import PAGE_SIZE, Pager

CSV_COLUMNS = (
    *("Subject", "State", "Archived", "Matched", "Will receive", "Queued", "Sent", "Failed", "Uncertain", "Skipped"),
    *("Delivered", "Opened", "Clicked", "Opened by whatever", "Clicked by whatever", "Bounced", "Complained", "Unsubscribed"),
    *("UTM campaign", "UTM source", "UTM medium", "By", "Created (UTC)", "Started (UTC)", "Finished (UTC)", "ID"),
)
LABELS = {Tab.ALL: "All", Tab.DRAFTS: "Drafts"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TabLink:
    """One of the tabs, and how many stand in it under the same words."""

    tab: Tab
    label: str
    query: str
    count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A campaign of the list; `copy_id` is what a copy of it is called, however often the button is pressed."""

    progress: Progress
    copy_id: str

    @property
    def draft(self) -> bool:
        """Whether it can be deleted."""
        return self.progress.campaign.status is CampaignStatus.DRAFT

    @property
    def running(self) -> bool:
        """Whether a bar tells more than a number."""
        return self.progress.campaign.status in {CampaignStatus.EXPANDING, CampaignStatus.SENDING, CampaignStatus.PAUSED}

    @property
    def may_rest(self) -> bool:
        """Whether it can be put away."""
        return self.draft or self.progress.campaign.status in {CampaignStatus.DONE, CampaignStatus.CANCELLED}


@require_safe
@permission_required("crm.view_campaigns")
def campaign_list(request: CrmRequest) -> HttpResponseBase:
    """A tab of the list; htmx re-renders #campaigns alone when it or the words change. The address is made plain first."""
    plain = _plain(request.GET)
    if plain.urlencode() != request.GET.urlencode():
        return HttpResponseRedirect(f"{request.path}?{plain.urlencode()}" if plain else request.path)
    context: dict[str, Any] = {
        "q": " ".join(request.GET.get("q", "").split()),
        "outbox": settings.DEBUG and settings.EMAIL_URL.startswith("file:"),
    }
    try:
        wanted = parse_campaign_filter(_given(request.GET))
    except RuleViolation as error:
        return render_part(request, "campaigns/list.html", context | {"error": error.message}, part="campaigns")
    token = request.GET.get("nextToken") or request.GET.get("prevToken")
    try:
        found = board(request.store, wanted, limit=PAGE_SIZE, token=token)
    except BadToken:
        return HttpResponseRedirect(f"{request.path}{_query(wanted)}")
    return render_part(request, "campaigns/list.html", context | _shown(request, wanted, found), part="campaigns")


def _shown(request: CrmRequest, wanted: CampaignFilter, found: Board) -> dict[str, Any]:
    tab = tab_of(wanted)
    return {
        "tab": tab,
        "tabs": [
            TabLink(tab=one, label=LABELS.get(one, one.title()), query=_query(of_tab(one, wanted.q)), count=found.counts[one])
            for one in Tab
        ],
        "rows": [Row(progress=one, copy_id=new_id()) for one in found.rows],
        "total": found.total,
        "nothing_yet": not wanted.q and not found.counts[Tab.ALL] and not found.counts[Tab.ARCHIVED],
        "pager": Pager.of(request, found, total=found.total),
        "filter_query": _query(wanted),
        "clear_query": _query(CampaignFilter(statuses=wanted.statuses, archived=wanted.archived)) or "?",
        "hidden": [(name, value) for name, values in campaign_filter_values(wanted).items() if name != "q" for value in values],
    }


@require_safe
@permission_required("crm.export_analytics")
def export_list(request: CrmRequest) -> HttpResponseBase:
    """All campaigns that a filter finds, with their figures, as CSV."""
    try:
        wanted = parse_campaign_filter(_given(request.GET))
    except RuleViolation as error:
        return error_answer(request, 400, error.message)
    if request.method == "HEAD":
        return csv_response("campaigns.csv", CSV_COLUMNS, ())
    found = export(request.store, wanted, actor=request.user.get_username(), now=timezone.now())
    return csv_response("campaigns.csv", CSV_COLUMNS, (_csv_row(one, figures) for one, figures in found))


def _csv_row(one: Campaign, figures: CampaignFigures) -> tuple[object, ...]:
    moments = [one.created_at, one.started_at, one.finished_at]
    return (
        *(one.subject, one.status.value, "yes" if one.archived_at else "no", one.audience.matched, one.audience.will_receive),
        *(getattr(figures, name) for name in FIGURES),
        *(one.utm.campaign, one.utm.source, one.utm.medium, one.created_by),
        *(moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else "" for moment in moments),
        one.id,
    )


def _given(query: QueryDict) -> dict[str, list[str]]:
    return {name: query.getlist(name) for name in NAMES if name in query}


def _query(wanted: CampaignFilter) -> str:
    values = campaign_filter_values(wanted)
    return f"?{urlencode(values, doseq=True)}" if values else ""


def _plain(query: QueryDict) -> QueryDict:
    """The query string without empty values, and without what is no business of a list."""
    plain = QueryDict(mutable=True)
    for name in (*NAMES, "nextToken", "prevToken", "at"):
        values = [value for value in query.getlist(name) if value.strip()]
        if values:
            plain.setlist(name, values)
    return plain
