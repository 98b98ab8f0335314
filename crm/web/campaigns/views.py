"""One campaign: a draft as one writes it, what was sent as one watches it go."""

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from crm.domain.campaigns import CampaignStatus
from crm.web.campaigns.compose import edit, write
from crm.web.campaigns.progress import page as progress_page
from crm.web.http import CrmRequest, permission_required


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
