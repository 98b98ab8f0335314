"""The first page: how many people, what goes out, what needs attention, what comes next."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from crm.domain.campaigns import RUNNING, Campaign, CampaignStatus
from crm.domain.emails import EmailState
from crm.domain.event_times import begins
from crm.domain.events import Event, EventStatus
from crm.domain.metrics import EmailQuery
from crm.domain.people import EmailStatus
from crm.services import analytics
from crm.store import Store
from crm.store.campaigns import CampaignFigures
from crm.web.charts import Piece, columns, plot, spark, split
from crm.web.http import CrmRequest

DAYS = 30
CAMPAIGNS = 10
EVENTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A campaign with its bar."""

    campaign: Campaign
    figures: CampaignFigures
    pieces: list[Piece]
    expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """Something to look at: how bad, an icon, what it is, a note, where to, and the words of the button."""

    level: str
    icon: str
    words: str
    note: str
    url: str
    button: str


@require_safe
def home(request: CrmRequest) -> HttpResponse:
    """What matters today, from counters; each part only for those who may see what is behind it."""
    now = datetime.now(UTC)
    may = {name: request.user.has_perm(f"crm.view_{name}") for name in ("people", "events", "campaigns", "analytics")}
    context: dict[str, Any] = {
        "today": now.astimezone(ZoneInfo(settings.CRM_TIME_ZONE)),
        "zone": settings.CRM_TIME_ZONE,
        "may": may,
    }
    if may["people"]:
        context |= _people(request.store, now)
    if may["analytics"]:
        context |= _mailings(request.store, now)
    if may["events"]:
        context["events"] = _next_events(request.store, now)
    if may["campaigns"]:
        context |= _campaigns(request.store)
    return render(request, "analytics/dashboard.html", context)


def _people(store: Store, now: datetime) -> dict[str, Any]:
    totals = store.people.totals()
    mailable = totals.by_email_status.get(EmailStatus.MAILABLE, 0)
    return {"people": totals.total, "mailable": mailable, "unmailable": totals.total - mailable}


def _mailings(store: Store, now: datetime) -> dict[str, Any]:
    """The last thirty days and those before, from one reading of the counters."""
    zone = ZoneInfo(settings.CRM_TIME_ZONE)
    last = now.astimezone(zone).date()
    first = last - timedelta(days=DAYS - 1)
    both = analytics.summary(store, EmailQuery(start=first - timedelta(days=DAYS), end=last, zone=zone))
    shown = columns(both.series, first=first, last=last, step="day")
    before = sum(int(day["sent"]) for day in both.series if str(day["date"]) < first.isoformat())
    totals = {state.value: sum(column.values.get(state.value, 0) for column in shown) for state in EmailState}
    return {
        "totals": totals,
        "emails": sum(totals.values()),
        "opened": sum(column.values.get("opened", 0) for column in shown),
        "before": before,
        "spark": spark([column.values.get("sent", 0) for column in shown]),
        "plot": plot(shown),
        "days": shown[::-1],
        "range": urlencode({"start_date": first.isoformat(), "end_date": last.isoformat()}),
    }


def _next_events(store: Store, now: datetime) -> list[tuple[Event, str]]:
    """What begins from now on, and what is going on since this morning, with when it begins; what was cancelled left out."""
    page = store.events.page(start=now - timedelta(hours=4), limit=2 * EVENTS)
    standing = [event for event in page.items if event.status is not EventStatus.CANCELLED]
    return [(event, begins(event)) for event in standing[:EVENTS]]


def _campaigns(store: Store) -> dict[str, Any]:
    recent = store.campaigns.page(limit=CAMPAIGNS).items
    figures = store.campaigns.figures_many([campaign.id for campaign in recent])
    going = [
        _going(campaign, figures[campaign.id]) for campaign in recent if campaign.status in {*RUNNING, CampaignStatus.PAUSED}
    ]
    done = [_going(campaign, figures[campaign.id]) for campaign in recent if campaign.status is CampaignStatus.DONE][:3]
    return {"going": going, "done": done, "concerns": _concerns(recent, figures), "any_campaign": bool(recent)}


def _going(campaign: Campaign, figures: CampaignFigures) -> Going:
    expected = figures.total if campaign.expanded else max(figures.total, campaign.audience.will_receive)
    values = {state.value: getattr(figures, state.value) for state in EmailState}
    return Going(campaign=campaign, figures=figures, pieces=split(values, expected), expected=expected)


def _concerns(recent: list[Campaign], figures: dict[str, CampaignFigures]) -> list[Concern]:
    found = []
    for campaign in recent:
        url, counts = reverse("campaigns:one", args=[campaign.id]), figures[campaign.id]
        subject = f"“{campaign.subject}”"
        if counts.uncertain:
            words = f"{_emails(counts.uncertain)} uncertain in {subject}"
            note = "Their answer was lost: they arrived, or not. Nothing is sent twice unless you say so."
            found.append(Concern(level="warn", icon="circle-help", words=words, note=note, url=url, button="Settle"))
        if counts.failed:
            retry = counts.by_reason.get("gave_up", 0)
            note = f"{retry:,} worth a retry." if retry else "Refused for good by the receiving servers."
            words = f"{_emails(counts.failed)} failed in {subject}"
            found.append(Concern(level="bad", icon="mail-x", words=words, note=note, url=url, button="Look and retry"))
        if campaign.status is CampaignStatus.PAUSED:
            note = "It goes on when you say so." if not counts.queued else f"{_emails(counts.queued)} waiting."
            found.append(Concern(level="", icon="pause", words=f"{subject} is paused", note=note, url=url, button="Go on"))
    return found[:6]


def _emails(number: int) -> str:
    return f"{number:,} {'e-mail' if number == 1 else 'e-mails'}"
