"""The last look before a campaign goes out: to whom, when, and what to look at once more."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from crm.domain.campaigns import Audience, Campaign, CampaignStatus
from crm.domain.errors import Conflict, RuleViolation
from crm.domain.local_times import zone_names
from crm.services import campaigns
from crm.services.mail_settings import senders
from crm.web.campaigns.audience import audience_context
from crm.web.campaigns.preview import content_of, preview
from crm.web.campaigns.proofs import LOOKED_AT, Proofread, proofread
from crm.web.campaigns.when import SendForm
from crm.web.durations import in_words
from crm.web.http import CrmRequest, permission_required, tell


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.send_campaigns")
def send(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """How many, when, and what happens; then send, once, however often the button is pressed."""
    draft = request.store.campaigns.get(campaign_id)
    if draft.status is not CampaignStatus.DRAFT:
        return redirect("campaigns:one", campaign_id)
    counted = audience_context(request.store, draft.audience_filter, viewer=request.user.get_username())
    audience: Audience = counted["audience"]
    proof = _proof(request, draft)
    form = SendForm(request.POST or None, initial={"zone": settings.CRM_TIME_ZONE, "expected": audience.will_receive})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid() and proof.stops:
            form.add_error(None, "First mend what is marked in the list.")
        elif form.is_valid():
            promised = form.cleaned_data["expected"]
            if promised is not None and promised != audience.will_receive:
                form.add_error(
                    None, f"Meanwhile it is {audience.will_receive:,} people, not {promised:,}. Look once more, then send."
                )
            elif _sent(request, form, campaign_id):
                return redirect("campaigns:one", campaign_id)
    context = {"draft": draft, "form": form, "proof": proof, **counted, **_last_look(draft, audience)}
    return render(request, "campaigns/send.html", context, status=status)


def _proof(request: CrmRequest, draft: Campaign) -> Proofread:
    """What to look at, with ways back to the letter."""
    content = content_of(request.store, draft)
    shown = preview(request.store, content, draft.audience_filter, many=LOOKED_AT)
    known = senders(request.store, settings.DEFAULT_FROM_EMAIL)
    page = reverse("campaigns:one", args=[draft.id])
    return proofread(request.store, draft.letter, draft.audience_filter, shown, content, senders=known, page=page)


def _last_look(draft: Campaign, audience: Audience) -> dict[str, Any]:
    """From whom, how quickly, and how long it can be undone."""
    rate = settings.CRM_SEND_RATE
    return {
        "sender": draft.sender or settings.DEFAULT_FROM_EMAIL,
        "undo_seconds": round(settings.CRM_UNDO_SECONDS),
        "takes": in_words(audience.will_receive / rate) if rate else "",
        "rate": rate,
        "zones": zone_names(),
        "clock": datetime.now(ZoneInfo(settings.CRM_TIME_ZONE)),
    }


def _sent(request: CrmRequest, form: SendForm, campaign_id: str) -> bool:
    """Send it; what keeps it from being sent is put into the form. Somebody who was quicker has sent it: that is as good."""
    try:
        campaigns.send(
            request.store,
            campaign_id,
            now=datetime.now(UTC),
            undo_seconds=settings.CRM_UNDO_SECONDS,
            send_at=form.send_at,
            default_sender=settings.DEFAULT_FROM_EMAIL,
            actor=request.user.get_username(),
        )
    except (RuleViolation, Conflict) as error:
        if request.store.campaigns.get(campaign_id).status is not CampaignStatus.DRAFT:
            return True
        form.add_crm_error(error)
        return False
    if form.send_at:
        zone = ZoneInfo(form.cleaned_data["zone"].strip() or settings.CRM_TIME_ZONE)
        tell(request, "Scheduled", f"It goes out at {form.send_at.astimezone(zone):%H:%M on %-d %B %Y} in {zone.key}.")
    return True
