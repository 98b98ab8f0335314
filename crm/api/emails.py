"""Calls about sending to a filter, and what became of each e-mail."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from crm.api.auth import Scope
from crm.api.repeats import answered
from crm.api.wire import (
    FILTER_NAMES,
    PAGING,
    PROBLEMS,
    AudienceMembers,
    Page,
    Time,
    cut,
    filter_members,
    filter_of,
    known_only,
    listed,
    now,
    paging_parameters,
    typed,
    utc,
)
from crm.domain.campaigns import Campaign, Letter, Utm
from crm.domain.emails import Email, EmailState
from crm.domain.errors import FieldError, RuleViolation
from crm.domain.ids import new_id
from crm.domain.mail_domains import OTHER
from crm.domain.metrics import COUNT_NAMES, NONE, QUERY_NAMES, parse_email_query
from crm.domain.outcomes import Outcome
from crm.jobs.render import check_template
from crm.services import analytics, campaigns
from crm.store import Store
from crm.store.requests import Action

router = Router(tags=["emails"])
LATE = timedelta(minutes=10)
"""How far in the past sendAt may lie: a clock may be wrong, a year mistyped may not."""
STATES = {"type": "string", "enum": [state.value for state in EmailState]}
TEXTS = {"type": "array", "items": {"type": "string"}}
DESCRIBED: dict[str, tuple[dict[str, Any], str]] = {
    "status": ({"type": "array", "items": STATES}, "Where an e-mail stands."),
    "campaign_id": (TEXTS, "Ids of campaigns."),
    "utm_campaign": (TEXTS, f"Compared folded; `{NONE}` for e-mails without."),
    "utm_source": (TEXTS, f"Compared folded; `{NONE}` for e-mails without."),
    "utm_medium": (TEXTS, f"Compared folded; `{NONE}` for e-mails without."),
    "domain": (TEXTS, f"Domains of addresses; `{OTHER}` for all that are not among the frequent ones of their campaign."),
    "start_date": (
        {"type": "string"},
        "The first day, in the organisation's zone, or time; an hour that it cuts belongs to it.",
    ),
    "end_date": ({"type": "string"}, "The last day or time, which belongs to the range; so does an hour that it cuts."),
    "outcome": (
        {"type": "string", "enum": [outcome.value for outcome in Outcome]},
        "What became of it. `opened` and `clicked` are a person's, `opened_any` and `clicked_any` a program's too.",
    ),
}
"""Schema and words of each name of a query; several values of a name mean either."""
COUNT_PARAMETERS, QUERY_PARAMETERS = (
    [
        {"name": name, "in": "query", "schema": schema, "description": words}
        for name, (schema, words) in DESCRIBED.items()
        if name in names
    ]
    for names in (COUNT_NAMES, QUERY_NAMES)
)


class SendIn(AudienceMembers):
    """A campaign to everybody whom the segment and the filter members match; without any, to all."""

    subject: str = Field(description="Liquid merge fields with the API's names: {{ firstName }}.")
    body: str = Field(description="Markdown with Liquid merge fields.")
    preheader: str | None = Field(None, description="Shown after the subject in most mail programs; merge fields too.")
    sender: str | None = Field(
        None,
        description="An address of the list of verified senders, alone or as Name <address>. Left out: the organisation's own.",
    )
    replyTo: str | None = Field(None, description="An address. Left out: replies go to the sender.")
    utmCampaign: str | None = None
    utmSource: str | None = None
    utmMedium: str | None = None
    utmContent: str | None = None
    utmTerm: str | None = None
    tracking: bool | None = Field(
        None, strict=True, description="Whether opens and clicks are told. Left out: as the settings say."
    )
    sendAt: Time | None = Field(None, description="Left out: now.")


class SendOut(Schema):
    """What was accepted; counted at that moment: matched − suppressed − excluded = willReceive.

    `excluded` counts those of the others whom `without` leaves out, each once.
    """

    campaignId: str
    status: str
    matched: int
    suppressed: int
    excluded: int
    willReceive: int


class EmailOut(Schema):
    """One e-mail and what became of it. Times are UTC, null where it has not happened."""

    id: str
    campaignId: str
    userId: str
    email: str
    subject: str
    status: str
    skipReason: str | None
    error: str | None
    utmCampaign: str
    utmSource: str
    utmMedium: str
    createdAt: str
    sentAt: str | None
    deliveredAt: str | None
    openedAt: str | None
    clickedAt: str | None


class SummaryOut(Schema):
    """Totals by status and by what happened later, and the same for each day of the organisation's zone that holds something.

    Each e-mail has one of the five statuses. `opened` and `clicked` count those that a person opened or clicked in, `opened_any`
    and `clicked_any` a program's too.
    """

    totals: dict[str, int]
    series: list[dict[str, int | str]]


@router.post(
    "/send", auth=Scope("emails:send", "crm.send_campaigns"), response={202: SendOut, **PROBLEMS}, summary="Send to a filter"
)
def send(request: HttpRequest, data: SendIn) -> Status[SendOut]:
    """Exactly one e-mail per person. To nobody is 422, and so is leaving people out by what is not there.

    Repeat safely with an Idempotency-Key: a repeat answers as the first time, also when sendAt has passed.
    """
    store, campaign_id = typed(request).store, new_id()

    def make(also: Sequence[Action]) -> SendOut:
        check(data.subject, data.body, data.preheader or "")
        if data.sendAt is not None and data.sendAt < now() - LATE:
            raise RuleViolation("sendAt lies in the past; leave it out to send now.", field="sendAt")
        campaign = campaigns.create_and_send(
            store,
            _letter(store, data),
            wanted=filter_of(request, filter_members(data.model_dump(), FILTER_NAMES)),
            send_at=data.sendAt,
            actor=typed(request).auth.owner.get_username(),
            now=now(),
            campaign_id=campaign_id,
            also=also,
            default_sender=settings.DEFAULT_FROM_EMAIL,
        )
        return _accepted(campaign)

    made = {"id": campaign_id}
    return Status(202, answered(request, made, SendOut, make=make, again=lambda kept: _accepted(store.campaigns.get(kept["id"]))))


def _letter(store: Store, data: SendIn) -> Letter:
    """The letter that a call means; what it leaves out is as the settings say."""
    return Letter(
        subject=data.subject,
        preheader=data.preheader or "",
        sender=(data.sender or "").strip() or settings.DEFAULT_FROM_EMAIL,
        reply_to=data.replyTo or "",
        body=data.body,
        utm=Utm(**{one.name: getattr(data, f"utm{one.name.title()}") or "" for one in fields(Utm)}),
        tracking=store.mail_settings.get().tracking if data.tracking is None else data.tracking,
    )


def check(subject: str, body: str, preheader: str = "") -> None:
    """RuleViolation names each merge field that does not exist and each mistake of the template."""
    problems = [
        FieldError(field=found.field, message=found.message + (f" Did you mean {found.suggestion}?" if found.suggestion else ""))
        for found in check_template(subject, body, preheader)
    ]
    if problems:
        raise RuleViolation("; ".join(problem.message for problem in problems), errors=problems)


def _accepted(campaign: Campaign) -> SendOut:
    """The answer of the first time: accepted, whatever has become of it since."""
    audience = campaign.audience
    return SendOut(
        campaignId=campaign.id,
        status="scheduled",
        matched=audience.matched,
        suppressed=sum(audience.suppressed.values()),
        excluded=sum(audience.excluded.values()),
        willReceive=audience.will_receive,
    )


@router.get(
    "/analytics",
    auth=Scope("emails:read", "crm.view_analytics"),
    response={200: Page[EmailOut], **PROBLEMS},
    summary="List e-mails, newest first",
    openapi_extra={"parameters": [*QUERY_PARAMETERS, *paging_parameters(default=25)]},
)
def list_emails(request: HttpRequest) -> Page[EmailOut]:
    """Those of one moment come by id, the greatest first. E-mails that are no longer kept one by one are not in the list."""
    given = known_only(request, QUERY_NAMES | PAGING)
    store = typed(request).store
    query = parse_email_query(given, zone=settings.CRM_TIME_ZONE)
    page = analytics.emails(store, query, **cut(given, 25))
    subjects = store.campaigns.subjects({email.campaign_id for email in page.items})
    return listed(page, lambda email: _email_out(email, subjects.get(email.campaign_id, "")))


@router.get(
    "/analytics/summary",
    auth=Scope("emails:read", "crm.view_analytics"),
    response={200: SummaryOut, **PROBLEMS},
    summary="Count e-mails by outcome and day",
    openapi_extra={"parameters": COUNT_PARAMETERS},
)
def summarise(request: HttpRequest) -> SummaryOut:
    """From counters: as quick with a million e-mails as with one. They stay when e-mails are no longer kept one by one."""
    given = known_only(request, COUNT_NAMES)
    summary = analytics.summary(typed(request).store, parse_email_query(given, zone=settings.CRM_TIME_ZONE))
    return SummaryOut(totals=dict(summary.totals), series=[dict(day) for day in summary.series])


def _email_out(email: Email, subject: str) -> EmailOut:
    return EmailOut(
        id=email.id,
        campaignId=email.campaign_id,
        userId=email.user_id,
        email=email.email,
        subject=subject,
        status=email.status.value,
        skipReason=email.skip_reason.value if email.skip_reason else None,
        error=email.error or None,
        utmCampaign=email.utm.campaign,
        utmSource=email.utm.source,
        utmMedium=email.utm.medium,
        createdAt=utc(email.created_at) or "",
        sentAt=utc(email.sent_at),
        deliveredAt=utc(email.delivered_at),
        openedAt=utc(email.opened_at),
        clickedAt=utc(email.clicked_at),
    )
