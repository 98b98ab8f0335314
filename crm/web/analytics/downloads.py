"""The tables of the analytics as CSV: the same filter, the same numbers, all rows."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.domain.emails import Email
from crm.services import analytics
from crm.services.analytics import EMAIL_COLUMNS, email_row
from crm.services.analytics_tables import breakdown_table, series_table
from crm.store import Store
from crm.web.analytics.breakdown import by_of, order_of, ordered
from crm.web.analytics.chart import spans
from crm.web.analytics.filters import chosen, hits_of
from crm.web.csv import csv_response
from crm.web.http import CrmRequest, permission_required


@require_safe
@permission_required("crm.export_analytics")
def emails_csv(request: CrmRequest) -> StreamingHttpResponse:
    """Every e-mail of the filter, newest first; who takes them stands in the audit log."""
    query = chosen(request.GET, settings.CRM_TIME_ZONE)
    if request.method == "HEAD":
        return csv_response("emails.csv", EMAIL_COLUMNS, ())
    found = analytics.export(request.store, query, actor=request.user.get_username(), now=timezone.now())
    return csv_response("emails.csv", EMAIL_COLUMNS, _rows(request.store, found))


@require_safe
@permission_required("crm.export_analytics")
def series_csv(request: CrmRequest) -> StreamingHttpResponse:
    """The chart's days, weeks or months, oldest first."""
    query, hits = chosen(request.GET, settings.CRM_TIME_ZONE), hits_of(request.GET)
    today = datetime.now(ZoneInfo(settings.CRM_TIME_ZONE)).date()
    cut = spans(request.GET, analytics.summary(request.store, query), query, today)
    header, rows = series_table(cut.columns, hits=hits)
    return csv_response(f"emails-by-{cut.step or 'day'}.csv", header, rows)


@require_safe
@permission_required("crm.export_analytics")
def breakdown_csv(request: CrmRequest) -> StreamingHttpResponse:
    """All rows of a breakdown, in the order of the page."""
    query, hits, by = chosen(request.GET, settings.CRM_TIME_ZONE), hits_of(request.GET), by_of(request.GET)
    found = analytics.overview(request.store, query, by_domain=by == "domain")
    every = ordered(request.store, found, by, order_of(request.GET), hits)
    subjects: Mapping[str, str] | None = None
    if by == "campaign_id":
        subjects = request.store.campaigns.subjects([row.value for row in every])
    header, rows = breakdown_table(every, by, subjects=subjects, hits=hits)
    return csv_response(f"emails-by-{by.removesuffix('_id').replace('_', '-')}.csv", header, rows)


def _rows(store: Store, found: Iterator[Email]) -> Iterator[tuple[object, ...]]:
    """Rows with their subjects, each campaign looked up once."""
    subjects: dict[str, str] = {}
    for email in found:
        if email.campaign_id not in subjects:
            subjects |= {email.campaign_id: "", **store.campaigns.subjects([email.campaign_id])}
        yield email_row(email, subjects[email.campaign_id])
