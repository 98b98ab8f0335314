"""A campaign that was sent: how far it is, what went wrong, and what can be done about it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from crm.domain.campaigns import RUNNING, Campaign, CampaignStatus
from crm.domain.emails import EmailState
from crm.domain.filters import filter_values
from crm.domain.ids import new_id
from crm.services import campaigns, filter_names
from crm.services.copies import told
from crm.services.exclusions import gone
from crm.services.progress import Progress
from crm.web.campaigns.audience import accepted_terms, people_link
from crm.web.campaigns.funnel import funnel, link_rows
from crm.web.campaigns.preview import content_of, preview
from crm.web.campaigns.report import hits_of, reported, shown
from crm.web.campaigns.troubles import troubles
from crm.web.charts import split
from crm.web.durations import in_words
from crm.web.filter_words import filter_words
from crm.web.http import CrmRequest, render_part


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How quickly it goes, in e-mails a second, and how long it still takes; None where that is not known.

    `since` and `had` are the moment (seconds) and the number that the next look compares with.
    """

    rate: float | None
    left: timedelta | None
    since: int
    had: int


def page(request: CrmRequest, campaign: Campaign) -> HttpResponse:
    """Where it stands; while it runs, htmx asks for #campaign again and again."""
    now, store = datetime.now(UTC), request.store
    whole = request.htmx.target != "campaign"
    found = reported(request, campaign, now) if whole and campaign.started_at else None
    progress = found.progress if found else campaigns.progress(store, campaign.id, now=now)
    context = _audience(request, progress.campaign) | _bar(request, progress, now)
    context |= funnel(progress, hits_of(request), matched=context["terms"][0].query)
    context |= troubles(store, progress, whole=whole)
    context |= {"campaign": progress.campaign, "progress": progress, "now": now, "copy_id": new_id()}
    if whole:
        context["links"] = link_rows(progress)
        context["copies"] = told(store, campaign.id)
        context |= shown(found, hits_of(request)) if found else {}
        context["shown"] = preview(store, content_of(store, progress.campaign), progress.campaign.audience_filter)
    return render_part(request, "campaigns/progress.html", context, part="campaign")


def _audience(request: CrmRequest, campaign: Campaign) -> dict[str, Any]:
    """To whom it goes: the filter in words, the sum as it was accepted, and whether what it leaves people out by is gone."""
    store, wanted = request.store, campaign.audience_filter
    names = filter_names.names(store, [wanted], viewer=request.user.get_username())
    waits = campaign.status in {CampaignStatus.SCHEDULED, CampaignStatus.PAUSED} and not campaign.expanded
    return {
        "chips": filter_words(filter_values(wanted), names),
        "terms": accepted_terms(wanted, campaign.audience, names),
        "people_query": people_link(wanted, names),
        "sender": campaign.sender or settings.DEFAULT_FROM_EMAIL,
        "missing": waits and bool(gone(store, wanted)),
    }


def _bar(request: CrmRequest, progress: Progress, now: datetime) -> dict[str, Any]:
    """The bar, how quickly it grows, and how long it still takes."""
    figures, pace = progress.figures, _pace(request, progress, now)
    values = {state.value: getattr(figures, state.value) for state in EmailState}
    return {
        "figures": figures,
        "every": 2 if progress.at_work else _every(progress.campaign, figures.queued, now),
        "undo_left": _seconds_until(progress.campaign.send_at, now),
        "pieces": split(values, progress.expected),
        "label": f"{progress.percent} per cent done: " + ", ".join(f"{number:,} {name}" for name, number in values.items()),
        "pace": pace,
        "left": in_words(pace.left.total_seconds()) if pace.left else "",
        "done_at": now + pace.left if pace.left else None,
        "took": _took(progress.campaign),
        "allowed": settings.CRM_SEND_RATE,
    }


def _took(campaign: Campaign) -> str:
    if campaign.started_at is None or campaign.finished_at is None:
        return ""
    return in_words((campaign.finished_at - campaign.started_at).total_seconds())


def _every(campaign: Campaign, queued: int, now: datetime) -> int:
    """Seconds until the page looks again; 0 when nothing changes by itself any more."""
    if campaign.status is CampaignStatus.SCHEDULED:
        return 1 if _seconds_until(campaign.send_at, now) <= 90 else 30
    if campaign.status in RUNNING:
        return 2
    return 5 if queued and campaign.status in {CampaignStatus.PAUSED, CampaignStatus.CANCELLED} else 0


def _seconds_until(moment: datetime | None, now: datetime) -> int:
    return round((moment - now).total_seconds()) if moment else 0


def _pace(request: CrmRequest, progress: Progress, now: datetime) -> Pace:
    """Measured from look to look over about twenty seconds; at the first look, from the start."""
    settled = progress.figures.settled
    since, had = (_whole(request.GET.get(name, "")) for name in ("since", "had"))
    seconds = int(now.timestamp())
    if since is None or had is None or not 0 < seconds - since < 120 or had > settled:
        started = progress.campaign.started_at or now
        since, had = (int(started.timestamp()), 0) if now - started < timedelta(minutes=10) else (seconds, settled)
    rate = (settled - had) / (seconds - since) if seconds - since >= 2 else None
    running = progress.campaign.status in RUNNING - {CampaignStatus.SCHEDULED}
    likely = rate or (settings.CRM_SEND_RATE if rate is None else 0)
    left = timedelta(seconds=(progress.expected - settled) / likely) if running and likely else None
    if seconds - since > 20:
        since, had = seconds, settled
    return Pace(rate=rate if running else None, left=left, since=since, had=had)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
