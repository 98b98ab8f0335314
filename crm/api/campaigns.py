"""Calls about campaigns: where they stand, who got them, and acting on them."""

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema

from crm.api.auth import Scope
from crm.api.repeats import once
from crm.api.wire import PAGING, PROBLEMS, Page, cut, known_only, listed, now, paging_parameters, typed, utc, viewer_of
from crm.domain.campaign_filters import NAMES, parse_campaign_filter
from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import Email, EmailState, FailReason, SkipReason
from crm.domain.errors import NotFound
from crm.domain.filters import filter_values
from crm.domain.outcomes import Hits, Outcome
from crm.domain.recipients import NAMES as RECIPIENT_NAMES
from crm.domain.recipients import Part, Recipients, parse_recipients
from crm.services import campaigns, retries
from crm.services.report import of_domain
from crm.store import Store
from crm.store.campaigns import CampaignFigures
from crm.store.requests import Action

router = Router(tags=["campaigns"])
LATER = {
    "delivered": "delivered",
    "opened": "opened",
    "clicked": "clicked",
    "openedAny": "opened_any",
    "clickedAny": "clicked_any",
    "bounced": "bounced",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
}
"""What became of e-mails besides their status, under the API's names."""


class CampaignOut(Schema):
    """A campaign, with how many of its e-mails stand where, and what became of them.

    `matched`, `suppressed`, `excluded` and `willReceive` were counted when it was accepted. Of `outcomes`, `opened` and `clicked`
    are by people; `openedAny` and `clickedAny` also by programs.
    """

    id: str
    subject: str
    preheader: str
    sender: str
    replyTo: str
    status: str
    filter: dict[str, list[str]]
    utmCampaign: str
    utmSource: str
    utmMedium: str
    utmContent: str
    utmTerm: str
    tracking: bool
    matched: int
    suppressed: int
    excluded: int
    willReceive: int
    counts: dict[str, int] = Field(description="E-mails by status.")
    outcomes: dict[str, int]
    createdAt: str
    sendAt: str | None
    startedAt: str | None
    finishedAt: str | None
    archivedAt: str | None


class RecipientOut(Schema):
    """One e-mail of a campaign and what became of it. Times are UTC, null where it has not happened."""

    id: str
    userId: str
    email: str
    status: str
    skipReason: str | None
    failReason: str | None
    error: str | None
    createdAt: str
    sentAt: str | None
    deliveredAt: str | None
    openedAt: str | None
    clickedAt: str | None
    openedAnyAt: str | None
    clickedAnyAt: str | None
    bouncedAt: str | None
    complainedAt: str | None
    unsubscribedAt: str | None


def campaign_out(campaign: Campaign, figures: CampaignFigures) -> CampaignOut:
    """Return a campaign as the API shows it."""
    audience, utm = campaign.audience, campaign.utm
    return CampaignOut(
        id=campaign.id,
        subject=campaign.subject,
        preheader=campaign.preheader,
        sender=campaign.sender,
        replyTo=campaign.reply_to,
        status=campaign.status.value,
        filter=filter_values(campaign.audience_filter),
        **{f"utm{name.title()}": getattr(utm, name) for name in ("campaign", "source", "medium", "content", "term")},
        tracking=campaign.tracking,
        matched=audience.matched,
        suppressed=sum(audience.suppressed.values()),
        excluded=sum(audience.excluded.values()),
        willReceive=audience.will_receive,
        counts={state.value: getattr(figures, state.value) for state in EmailState},
        outcomes={name: getattr(figures, attribute) for name, attribute in LATER.items()},
        createdAt=utc(campaign.created_at) or "",
        sendAt=utc(campaign.send_at),
        startedAt=utc(campaign.started_at),
        finishedAt=utc(campaign.finished_at),
        archivedAt=utc(campaign.archived_at),
    )


def recipient_out(email: Email) -> RecipientOut:
    """Return an e-mail as the list of recipients shows it."""
    return RecipientOut(
        id=email.id,
        userId=email.user_id,
        email=email.email,
        status=email.status.value,
        skipReason=email.skip_reason.value if email.skip_reason else None,
        failReason=email.fail_reason.value if email.fail_reason else None,
        error=email.error or None,
        createdAt=utc(email.created_at) or "",
        sentAt=utc(email.sent_at),
        **{f"{name}At": utc(getattr(email, f"{attribute}_at")) for name, attribute in LATER.items()},
    )


def _read(store: Store, campaign_id: str) -> CampaignOut:
    return campaign_out(store.campaigns.get(campaign_id), store.campaigns.figures(campaign_id))


def _texts(name: str, words: Sequence[str], about: str = "") -> dict[str, Any]:
    schema = {"type": "array", "items": {"type": "string", "enum": list(words)}}
    return {"name": name, "in": "query", "schema": schema, "description": about}


def _text(name: str, words: Sequence[str], about: str = "") -> dict[str, Any]:
    schema = {"type": "string", **({"enum": list(words)} if words else {})}
    return {"name": name, "in": "query", "schema": schema, "description": about}


def _number(name: str, about: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string", "pattern": "^([0-9]{1,3})?$"}, "description": about}


LIST_PARAMETERS = [
    _texts("status", [one.value for one in CampaignStatus], "Several mean any of them."),
    _text("archived", ["true", "false"], "true: what was put away; left out or false: the rest."),
    {"name": "q", "in": "query", "schema": {"type": "string"}, "description": "Prefixes of words of the subject."},
    *paging_parameters(default=50),
]
RECIPIENT_PARAMETERS = [
    _texts("status", [one.value for one in EmailState], "Several mean any of them."),
    _text("outcome", [one.value for one in Outcome], "What became of it; not_opened and not_clicked are of those that went out."),
    _text("reason", [one.value for kind in (FailReason, SkipReason) for one in kind], "Why it failed or was skipped."),
    _text("domain", [], "Of its address, as it is counted: `other` is every one that is not counted by name."),
    _number("link", "The number of a link in the letter, from 0, that was followed."),
    _text("hits", [one.value for one in Hits], "With link: followed by people (as without), or by programs too."),
    _text("code", [], "What is said of a failure: the reply and its enhanced code, or a provider's word."),
    *paging_parameters(default=50),
]


@router.get(
    "",
    auth=Scope("emails:read"),
    response={200: Page[CampaignOut], **PROBLEMS},
    summary="List campaigns, newest first",
    openapi_extra={"parameters": LIST_PARAMETERS},
)
def list_campaigns(request: HttpRequest) -> Page[CampaignOut]:
    """With their figures, all of one moment."""
    given = known_only(request, PAGING | frozenset(NAMES))
    store = typed(request).store
    page = store.campaigns.page(**cut(given), wanted=parse_campaign_filter(given))
    figures = store.campaigns.figures_many([one.id for one in page.items], reasons=False)
    return listed(page, lambda one: campaign_out(one, figures[one.id]))


@router.get("/{campaign_id}", auth=Scope("emails:read"), response={200: CampaignOut, **PROBLEMS}, summary="Read a campaign")
def read_campaign(request: HttpRequest, campaign_id: str) -> CampaignOut:
    """One campaign with its figures."""
    return _read(typed(request).store, campaign_id)


@router.get(
    "/{campaign_id}/recipients",
    auth=Scope("emails:read"),
    response={200: Page[RecipientOut], **PROBLEMS},
    summary="List who a campaign went to",
    openapi_extra={"parameters": RECIPIENT_PARAMETERS},
)
def list_recipients(request: HttpRequest, campaign_id: str) -> Page[RecipientOut]:
    """One e-mail per person, newest first; by status, outcome, reason, domain, link and code, which must all hold."""
    given = known_only(request, PAGING | frozenset(RECIPIENT_NAMES))
    store, wanted = typed(request).store, parse_recipients(given)
    campaign = store.campaigns.state(campaign_id)
    page = store.emails.page(
        campaign_id=campaign_id,
        statuses=wanted.statuses,
        outcome=wanted.outcome,
        reason=wanted.reason,
        part=wanted.part,
        likely=_of_domain(store, campaign, wanted),
        **cut(given),
    )
    return listed(page, recipient_out)


def _of_domain(store: Store, campaign: Campaign, wanted: Recipients) -> int | None:
    """How many e-mails there are where only a domain and statuses are asked for, from counters; else None."""
    domain = wanted.part.domain
    if not domain or wanted != Recipients(statuses=wanted.statuses, part=Part(domain=domain)):
        return None
    counts = of_domain(store, campaign, domain, now=now())
    return sum(counts.get(status, 0) for status in wanted.statuses or EmailState)


ACTIONS: dict[str, Callable[..., object]] = {
    "pause": campaigns.pause,
    "resume": campaigns.resume,
    "cancel": campaigns.cancel,
    "retry-failed": retries.retry_failed,
    "resend-uncertain": retries.resend_uncertain,
    "settle-uncertain": retries.settle_uncertain,
}


@router.post(
    "/{campaign_id}/{action}",
    auth=Scope("emails:send", "crm.send_campaigns"),
    response={200: CampaignOut, **PROBLEMS},
    summary="Act on a campaign: pause, resume, cancel, retry-failed, resend-uncertain, settle-uncertain",
)
def act(request: HttpRequest, campaign_id: str, action: str) -> CampaignOut:
    """Pause and cancel act within one window of messages per lane. A repeat under one Idempotency-Key does nothing again."""
    store = typed(request).store
    if action not in ACTIONS:
        raise NotFound(f"A campaign can't be told to {action[:40]}; it can be told to {', '.join(ACTIONS)}.")

    def done(also: Sequence[Action]) -> CampaignOut:
        ACTIONS[action](store, campaign_id, now=now(), actor=viewer_of(request), also=also)
        return _read(store, campaign_id)

    return once(request, {"campaignId": campaign_id}, make=done, again=lambda made: _read(store, made["campaignId"]))
