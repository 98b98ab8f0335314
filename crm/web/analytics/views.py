"""What became of e-mails: totals, days, and the e-mails themselves; the same as CSV."""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from crm.domain.emails import Email
from crm.domain.errors import RuleViolation
from crm.domain.metrics import EmailQuery
from crm.services import analytics
from crm.services.analytics import EMAIL_COLUMNS, Overview, email_row
from crm.store import Store
from crm.web.analytics.filters import OFFERED, address, chips, chosen, fields, ranges
from crm.web.charts import Column, columns, plot, step_for, steps_that_fit
from crm.web.csv import csv_response
from crm.web.http import CrmRequest, permission_required, render_part
from crm.web.paging import Pager

PAGE = 25
LONG = 3 * 366
BROKEN_DOWN = 12


@require_safe
@permission_required("crm.view_analytics")
def emails(request: CrmRequest) -> HttpResponse:
    """Tiles and chart from counters, the newest e-mails from an index; htmx turns the pages of the list alone."""
    today = datetime.now(ZoneInfo(settings.CRM_TIME_ZONE)).date()
    context: dict[str, Any] = {"zone": settings.CRM_TIME_ZONE, "ranges": ranges(request, today)}
    try:
        query = chosen(request, settings.CRM_TIME_ZONE)
    except RuleViolation as error:
        context |= {"errors": error.errors, "fields": fields(request, {}, {}), "chips": chips(request, {})}
        return render_part(request, "analytics/emails.html", context, part="emails", status=422)
    found = analytics.overview(request.store, query)
    page = analytics.emails(request.store, query, limit=PAGE, token=request.GET.get("nextToken") or request.GET.get("prevToken"))
    subjects = _subjects(request.store, found, query, page.items)
    people = request.store.people.get_many([email.user_id for email in page.items])
    context |= {
        "query": query,
        "totals": found.summary.totals,
        "total": found.summary.emails,
        "fields": fields(request, found.choices, subjects),
        "chips": chips(request, subjects),
        "campaigns": _by_campaign(found, subjects),
        "rows": [(email, people.get(email.user_id), subjects.get(email.campaign_id, "")) for email in page.items],
        "pager": Pager.of(request, page, total=found.summary.emails, limit=PAGE),
        **_chart(request, found, query, today),
    }
    return render_part(request, "analytics/emails.html", context, part="emails")


def _subjects(store: Store, found: Overview, query: EmailQuery, items: list[Email]) -> dict[str, str]:
    offered = [choice.value for choice in found.choices["campaign_id"][:OFFERED]]
    return store.campaigns.subjects({*offered, *query.campaign_ids, *(email.campaign_id for email in items)})


def _by_campaign(found: Overview, subjects: dict[str, str]) -> list[tuple[str, str, dict[str, int]]]:
    """Id, subject and counts of the campaigns with most e-mails sent."""
    most = found.breakdowns["campaign_id"][:BROKEN_DOWN]
    return [(row.value, subjects.get(row.value, ""), row.counts) for row in most]


def _chart(request: CrmRequest, found: Overview, query: EmailQuery, today: date) -> dict[str, Any]:
    """The chart from the first to the last day asked for; where that is open or very long, from the first day with e-mails."""
    days = [date.fromisoformat(str(day["date"])) for day in found.summary.series]
    first, last = (moment.date() if isinstance(moment, datetime) else moment for moment in (query.start, query.end))
    first = first or (days[0] if days else last or today)
    last = last or max([first, today, *days[-1:]])
    if (last - first).days > LONG and days:
        first, last = max(first, days[0]), min(last, days[-1])
    if (last - first).days > 40 * 366:
        return {}
    fitting = steps_that_fit(first, last)
    asked = request.GET.get("step", "")
    step = asked if asked in fitting else step_for(first, last)
    shown = columns(found.summary.series, first=first, last=last, step=step)
    return {"plot": plot(shown), "table": _table(request, shown), "step": step, "steps": fitting, "first": first, "last": last}


def _table(request: CrmRequest, shown: list[Column]) -> list[tuple[date, list[tuple[int, str, str]]]]:
    """The chart's columns, newest first: first day, and number, its e-mails' address and class of each outcome."""
    return [
        (
            column.first,
            [
                (column.values.get(name, 0), address(request, column.first, column.last, name), css)
                for name, css in (("sent", ""), ("queued", "wide"), ("failed", ""), ("uncertain", "wide"), ("skipped", "wide"))
            ],
        )
        for column in reversed(shown)
    ]


@require_safe
@permission_required("crm.export_analytics")
def emails_csv(request: CrmRequest) -> StreamingHttpResponse:
    """Every e-mail of the filter, newest first."""
    query = chosen(request, settings.CRM_TIME_ZONE)
    found = analytics.every_email(request.store, query)
    first = next(found, None)  # what can go wrong goes wrong before the download begins
    every = chain([first], found) if first is not None else found
    return csv_response("emails.csv", EMAIL_COLUMNS, _rows(request.store, every))


def _rows(store: Store, found: Iterator[Email]) -> Iterator[tuple[object, ...]]:
    """Rows with their subjects, each campaign looked up once."""
    subjects: dict[str, str] = {}
    for email in found:
        if email.campaign_id not in subjects:
            subjects |= {email.campaign_id: "", **store.campaigns.subjects([email.campaign_id])}
        yield email_row(email, subjects[email.campaign_id])
