"""One campaign, and who its e-mails went to."""

from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from crm.domain.campaigns import CampaignStatus
from crm.domain.emails import EmailState
from crm.domain.errors import RuleViolation
from crm.services.analytics import EMAIL_COLUMNS, email_row
from crm.web.campaigns.compose import edit, write
from crm.web.campaigns.progress import page as progress_page
from crm.web.csv import csv_response
from crm.web.http import CrmRequest, permission_required, render_part
from crm.web.paging import PAGE_SIZE, Pager

TOKENS = ("nextToken", "prevToken")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.view_campaigns")
def campaign(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """A draft as one writes it; what was sent as one watches it go. A POST is a letter to be kept, shown or tested."""
    if request.method == "POST":
        return written(request, campaign_id)
    stored = request.store.campaigns.get(campaign_id)
    if stored.status is CampaignStatus.DRAFT:
        return edit(request, stored)
    return progress_page(request, stored)


@permission_required("crm.edit_campaigns")
def written(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """What the form of a letter sends."""
    return write(request, campaign_id)


@require_safe
@permission_required("crm.view_campaigns")
def recipients(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """The e-mails of a campaign by status, newest first, with their people."""
    stored = request.store.campaigns.get(campaign_id)
    statuses = _statuses(request)
    figures = request.store.campaigns.figures(campaign_id)
    page = request.store.emails.page(campaign_id=campaign_id, statuses=statuses, limit=PAGE_SIZE, token=_token(request))
    people = request.store.people.get_many([email.user_id for email in page.items])
    total = sum(getattr(figures, status.value) for status in statuses or EmailState)
    context = {
        "campaign": stored,
        "figures": figures,
        "states": [(state.value, getattr(figures, state.value)) for state in EmailState],
        "statuses": [status.value for status in statuses],
        "rows": [(email, people.get(email.user_id)) for email in page.items],
        "pager": Pager.of(request, page, total=total),
    }
    return render_part(request, "campaigns/recipients.html", context, part="recipients")


@require_safe
@permission_required("crm.export_analytics")
def recipients_csv(request: CrmRequest, campaign_id: str) -> StreamingHttpResponse:
    """All of them, or all of some statuses, as CSV."""
    stored = request.store.campaigns.get(campaign_id)
    statuses = _statuses(request)
    rows = (email_row(email, stored.subject) for email in request.store.emails.walk(campaign_id, statuses))
    name = "-".join(["campaign", *[status.value for status in statuses], stored.id[:8]])
    return csv_response(f"{name}.csv", EMAIL_COLUMNS, rows)


def _token(request: CrmRequest) -> str | None:
    return next((value for name in TOKENS if (value := request.GET.get(name))), None)


def _statuses(request: CrmRequest) -> list[EmailState]:
    given = [value for value in request.GET.getlist("status") if value]
    if unknown := [value for value in given if value not in set(EmailState)]:
        raise RuleViolation(f"status “{unknown[0][:40]}” is unknown; use {', '.join(EmailState)}.", field="status")
    return [EmailState(value) for value in dict.fromkeys(given)]
