"""What is done with a campaign from the list or its page: put away, taken out again, copied, and a draft deleted."""

from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.errors import Conflict, RuleViolation
from crm.services import campaign_shelf
from crm.web.http import CrmRequest, permission_required, tell

UNNAMED = "Draft without a subject"


@require_POST
@permission_required("crm.edit_campaigns")
def archive(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """Put it away, and offer to take that back."""
    try:
        campaign = campaign_shelf.archive(request.store, campaign_id, now=datetime.now(UTC), actor=request.user.get_username())
    except (RuleViolation, Conflict) as error:
        tell(request, "That was not done", error.message, level=messages.ERROR)
        return _back(request, campaign_id)
    again = reverse("campaigns:unarchive", args=[campaign_id])
    tell(request, "Archived", _name(campaign), undo=f"{again}?{urlencode({'back': _from(request)})}" if _from(request) else again)
    return _back(request, campaign_id)


@require_POST
@permission_required("crm.edit_campaigns")
def unarchive(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """Put it back among the others."""
    campaign = campaign_shelf.unarchive(request.store, campaign_id, now=datetime.now(UTC), actor=request.user.get_username())
    tell(request, "Back among the campaigns", _name(campaign))
    return _back(request, campaign_id)


@require_POST
@permission_required("crm.edit_campaigns")
def duplicate(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """Make a draft of its letter and audience, and open it. The form brings the id of the copy: pressed twice, it makes one."""
    new = request.POST.get("copy", "")
    is_id = len(new) == 32 and new.isascii() and new.isalnum()
    copy = campaign_shelf.duplicate(
        request.store, campaign_id, actor=request.user.get_username(), now=datetime.now(UTC), new=new if is_id else None
    )
    tell(request, "A copy, as a draft", "Letter and audience are those of the campaign it was made from.")
    return redirect("campaigns:one", copy.id)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_campaigns")
def delete(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """Ask once, then delete the draft."""
    if request.method != "POST":
        draft = request.store.campaigns.state(campaign_id)
        if draft.status is not CampaignStatus.DRAFT:
            return redirect("campaigns:one", campaign_id)
        return render(request, "campaigns/delete.html", {"campaign": draft, "back": _from(request)})
    try:
        campaign_shelf.delete_draft(request.store, campaign_id, now=datetime.now(UTC), actor=request.user.get_username())
    except (RuleViolation, Conflict) as error:
        tell(request, "It was not deleted", error.message, level=messages.ERROR)
        return redirect("campaigns:one", campaign_id)
    tell(request, "Draft deleted")
    return HttpResponseRedirect(reverse("campaigns:list") + _from(request).removeprefix("list"))


def _name(campaign: Campaign) -> str:
    return campaign.subject or UNNAMED


def _from(request: CrmRequest) -> str:
    """The list that somebody came from, as `list` and its query string; empty from elsewhere."""
    given = request.POST.get("back") or request.GET.get("back", "")
    return given if given == "list" or given.startswith("list?") else ""


def _back(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """To the list that one came from, else to the campaign."""
    if given := _from(request):
        return HttpResponseRedirect(reverse("campaigns:list") + given.removeprefix("list"))
    return redirect("campaigns:one", campaign_id)
