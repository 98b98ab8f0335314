"""What became of e-mails: all numbers from one reading of the counters, and the e-mails themselves."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from crm.domain.emails import Email
from crm.domain.errors import RuleViolation
from crm.domain.metrics import EmailQuery
from crm.domain.outcomes import Hits
from crm.services import analytics
from crm.services.analytics import BreakdownRow, Overview
from crm.store.email_lists import gone
from crm.store.emails import EmailPage
from crm.web.analytics.breakdown import MOST_ROWS, ROWS, breakdown, by_of, order_of, ordered
from crm.web.analytics.chart import chart, spans
from crm.web.analytics.figures import beside, funnel, listed, tiles
from crm.web.analytics.filters import LISTED, OFFERED, chips, chosen, fields, hits_of, presets
from crm.web.analytics.links import Links
from crm.web.http import CrmRequest, permission_required, render_part
from crm.web.paging import Pager

PAGE = 25


@require_safe
@permission_required("crm.view_analytics")
def emails(request: CrmRequest) -> HttpResponse:
    """All numbers from one reading of the counters, the newest e-mails from an index; htmx turns the pages of the list alone."""
    zone, given = settings.CRM_TIME_ZONE, request.GET
    today = datetime.now(ZoneInfo(zone)).date()
    try:
        query, hits, by = chosen(given, zone), hits_of(given), by_of(given)
    except RuleViolation as error:
        return _refused(request, error, today)
    found = analytics.overview(request.store, query, by_domain=by == "domain")
    token = given.get("nextToken") or given.get("prevToken")
    page = analytics.emails(request.store, query, limit=PAGE, token=token, found=found)
    if token and not page.items:  # what stood behind it has gone meanwhile
        page = analytics.emails(request.store, query, limit=PAGE, found=found)
    every = ordered(request.store, found, by, order_of(given), hits)
    rows = every[: MOST_ROWS if given.get("rows") == "all" else ROWS]
    subjects = _subjects(request, found, query, page.items, rows if by == "campaign_id" else [])
    links = Links(given, hits)
    context = {
        **_frame(request, links, hits, today),
        "query": query,
        "total": found.summary.emails,
        "fields": fields(given, found.choices, subjects),
        "chips": chips(given, links, subjects),
        "tiles": tiles(found.summary, links, hits),
        "chart": chart(spans(given, found.summary, query, today), query, links, hits),
        "breakdown": breakdown(rows, subjects, links, by=by, order=order_of(given), hits=hits, total=len(every)),
        "funnel": funnel(found.summary, links, hits),
        "beside": beside(found.summary, links),
        **_list(request, found, query, page, links),
        "rows": _rows(request, page, subjects, hits),
    }
    return render_part(request, "analytics/emails.html", context, part="emails")


def _refused(request: CrmRequest, error: RuleViolation, today: date) -> HttpResponse:
    """The page with what is wrong about its address, and with what was typed."""
    links = Links(request.GET)
    context = {
        **_frame(request, links, Hits.PEOPLE, today),
        "errors": error.errors,
        "fields": fields(request.GET, {}, {}),
        "chips": chips(request.GET, links, {}),
    }
    return render_part(request, "analytics/emails.html", context, part="emails", status=422)


def _frame(request: CrmRequest, links: Links, hits: Hits, today: date) -> dict[str, Any]:
    """What the page has whatever is asked for."""
    return {
        "zone": settings.CRM_TIME_ZONE,
        "today": today,
        "people_only": hits is Hits.PEOPLE,
        "presets": presets(request.GET, links, today),
        "kept": [(name, request.GET[name]) for name in ("outcome", "step", "by", "sort") if request.GET.get(name)],
        "csv_emails": links.filter(),
        "csv_series": links.filter("hits", "step"),
        "csv_breakdown": links.filter("hits", "by", "sort"),
    }


def _subjects(
    request: CrmRequest, found: Overview, query: EmailQuery, items: Sequence[Email], rows: Sequence[BreakdownRow]
) -> dict[str, str]:
    """The subjects of all campaigns that the page names: a request per 100."""
    offered = [choice.value for choice in found.choices["campaign_id"][:OFFERED]]
    named = {*offered, *query.campaign_ids, *(email.campaign_id for email in items), *(row.value for row in rows)}
    return request.store.campaigns.subjects(named)


def _list(request: CrmRequest, found: Overview, query: EmailQuery, page: EmailPage, links: Links) -> dict[str, Any]:
    """How many e-mails the list has, and where in it one stands; `gone` are those that are counted, but kept no longer."""
    total, lost = listed(found.summary, query), gone(found.hours, query, datetime.now(UTC))
    kept = None if total is None else max(0, total - lost)
    return {
        "pager": Pager.of(request, page, total=kept, limit=PAGE),
        "listed": total,
        "listed_words": LISTED[query.outcome] if query.outcome else "",
        "whole_list": links.all_behind(found.summary.emails),
        "kept_one_by_one": kept,
        "gone": lost,
    }


def _rows(request: CrmRequest, page: EmailPage, subjects: dict[str, str], hits: Hits) -> list[dict[str, Any]]:
    """Each e-mail with its person, its subject, and when it was opened and clicked by whoever counts."""
    people = request.store.people.get_many([email.user_id for email in page.items])
    return [
        {
            "email": email,
            "person": people.get(email.user_id),
            "subject": subjects.get(email.campaign_id, ""),
            "opened": email.opened_at if hits is Hits.PEOPLE else email.opened_any_at,
            "clicked": email.clicked_at if hits is Hits.PEOPLE else email.clicked_any_at,
        }
        for email in page.items
    ]
