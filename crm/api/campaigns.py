"""Calls about campaigns: where they stand, and acting on them."""

from collections.abc import Callable, Sequence
from functools import partial

from django.http import HttpRequest
from ninja import Router, Schema

from crm.api.auth import Scope
from crm.api.repeats import once
from crm.api.wire import PAGING, PROBLEMS, Page, cut, known_only, listed, now, paging_parameters, typed, utc
from crm.domain.campaigns import Campaign
from crm.domain.emails import EmailState
from crm.domain.errors import NotFound
from crm.domain.filters import filter_values
from crm.services import campaigns, retries
from crm.store import Store
from crm.store.requests import Action

router = Router(tags=["campaigns"])


class CampaignOut(Schema):
    """A campaign, with how many of its e-mails stand where."""

    id: str
    subject: str
    status: str
    filter: dict[str, list[str]]
    utmCampaign: str
    utmSource: str
    utmMedium: str
    matched: int
    suppressed: int
    counts: dict[str, int]
    createdAt: str
    sendAt: str | None
    startedAt: str | None
    finishedAt: str | None


def campaign_out(store: Store, campaign: Campaign) -> CampaignOut:
    """Return a campaign as the API shows it; its counts are read from counters."""
    figures = store.campaigns.figures(campaign.id)
    return CampaignOut(
        id=campaign.id,
        subject=campaign.subject,
        status=campaign.status.value,
        filter=filter_values(campaign.audience_filter),
        utmCampaign=campaign.utm.campaign,
        utmSource=campaign.utm.source,
        utmMedium=campaign.utm.medium,
        matched=campaign.audience.matched,
        suppressed=sum(campaign.audience.suppressed.values()),
        counts={state.value: getattr(figures, state.value) for state in EmailState},
        createdAt=utc(campaign.created_at) or "",
        sendAt=utc(campaign.send_at),
        startedAt=utc(campaign.started_at),
        finishedAt=utc(campaign.finished_at),
    )


@router.get(
    "",
    auth=Scope("emails:read"),
    response={200: Page[CampaignOut], **PROBLEMS},
    summary="List campaigns, newest first",
    openapi_extra={"parameters": paging_parameters(default=50)},
)
def list_campaigns(request: HttpRequest) -> Page[CampaignOut]:
    """With their figures."""
    given = known_only(request, PAGING)
    store = typed(request).store
    return listed(store.campaigns.page(**cut(given)), partial(campaign_out, store))


@router.get("/{campaign_id}", auth=Scope("emails:read"), response={200: CampaignOut, **PROBLEMS}, summary="Read a campaign")
def read_campaign(request: HttpRequest, campaign_id: str) -> CampaignOut:
    """One campaign with counts by status."""
    store = typed(request).store
    return campaign_out(store, store.campaigns.get(campaign_id))


ACTIONS: dict[str, Callable[..., object]] = {
    "pause": campaigns.pause,
    "resume": campaigns.resume,
    "cancel": campaigns.cancel,
    "retry-failed": retries.retry_failed,
    "resend-uncertain": retries.resend_uncertain,
}


@router.post(
    "/{campaign_id}/{action}",
    auth=Scope("emails:send", "crm.send_campaigns"),
    response={200: CampaignOut, **PROBLEMS},
    summary="Act on a campaign: pause, resume, cancel, retry-failed, resend-uncertain",
)
def act(request: HttpRequest, campaign_id: str, action: str) -> CampaignOut:
    """Pause and cancel act within one window of messages per lane. A repeat under one Idempotency-Key does nothing again."""
    store = typed(request).store
    if action not in ACTIONS:
        raise NotFound(f"A campaign can't be told to {action[:40]}; it can be told to {', '.join(ACTIONS)}.")

    def done(also: Sequence[Action]) -> CampaignOut:
        ACTIONS[action](store, campaign_id, now=now(), also=also)
        return campaign_out(store, store.campaigns.get(campaign_id))

    made = {"campaignId": campaign_id}
    return once(request, made, make=done, again=lambda made: campaign_out(store, store.campaigns.get(made["campaignId"])))
