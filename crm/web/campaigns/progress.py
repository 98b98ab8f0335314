"""A campaign that was sent: how far it is, what went wrong, and what can be done about it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from crm.domain.campaigns import RUNNING, Campaign, CampaignStatus
from crm.domain.emails import EmailState, FailReason, SkipReason
from crm.domain.errors import Conflict, RuleViolation
from crm.services import campaigns
from crm.services.campaigns import Progress
from crm.services.exclusions import gone
from crm.services.retries import SETTLE_AFTER
from crm.store import Store
from crm.web.campaigns.audience import chips, people_query
from crm.web.campaigns.preview import content_of, preview
from crm.web.charts import split
from crm.web.durations import in_words
from crm.web.http import CrmRequest, permission_required, render_part, tell

REASONS = {
    FailReason.REFUSED: ("Refused for good by the receiving server", "seldom helps"),
    FailReason.GAVE_UP: ("Refused for the time being, until we gave up", "may help"),
    FailReason.NOT_RENDERED: ("The letter could not be made for this person", "helps once the person is mended"),
    SkipReason.UNSUBSCRIBED: ("Unsubscribed meanwhile", ""),
    SkipReason.BOUNCED: ("Address bounced", ""),
    SkipReason.COMPLAINED: ("Complained", ""),
    SkipReason.ERASED: ("Person was deleted", ""),
    SkipReason.CANCELLED: ("Campaign was cancelled", ""),
    SkipReason.MERGED: ("Had it already, before two entries were merged", ""),
}
"""What went wrong in words, and what a retry would do."""
LATE_SECONDS = 20
"""After so long a campaign that is due should have been taken by a worker."""


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
    now = datetime.now(UTC)
    progress = campaigns.progress(request.store, campaign.id)
    campaign, wanted = progress.campaign, progress.campaign.audience_filter
    context = {
        "campaign": campaign,
        "progress": progress,
        "now": now,
        "every": _every(campaign, progress.figures.queued, now),
        "chips": chips(request.store, wanted),
        "people_query": people_query(wanted),
        "copy_query": people_query(wanted, copy=campaign.id),
        "funnel": _funnel(progress),
        **_bar(request, progress, now),
        "missing": _missing(request.store, campaign),
        **_waiting(campaign, now),
        **_troubles(request.store, progress),
    }
    if request.htmx.target != "campaign":
        context["shown"] = preview(request.store, content_of(request.store, campaign), wanted)
    return render_part(request, "campaigns/progress.html", context, part="campaign")


def _bar(request: CrmRequest, progress: Progress, now: datetime) -> dict[str, Any]:
    """The bar, how quickly it grows, and how long it still takes."""
    figures, pace = progress.figures, _pace(request, progress, now)
    values = {state.value: getattr(figures, state.value) for state in EmailState}
    return {
        "figures": figures,
        "pieces": split(values, progress.expected),
        "label": f"{progress.percent} per cent done: " + ", ".join(f"{number:,} {name}" for name, number in values.items()),
        "pace": pace,
        "left": in_words(pace.left.total_seconds()) if pace.left else "",
        "done_at": now + pace.left if pace.left else None,
        "took": _took(progress.campaign),
        "allowed": settings.CRM_SEND_RATE,
    }


def _waiting(campaign: Campaign, now: datetime) -> dict[str, Any]:
    """How many seconds are left until it goes out, and whether that is long past."""
    if campaign.status is not CampaignStatus.SCHEDULED:
        return {}
    left = _seconds_until(campaign.send_at, now)
    return {"undo_left": left, "late": left < -LATE_SECONDS}


def _missing(store: Store, campaign: Campaign) -> bool:
    """Whether it can't go on, because it leaves people out by something that is gone."""
    waits = campaign.status in {CampaignStatus.SCHEDULED, CampaignStatus.PAUSED} and not campaign.expanded
    return waits and bool(gone(store, campaign.audience_filter))


def _troubles(store: Store, progress: Progress) -> dict[str, Any]:
    """What went wrong, by reason, and from when on what is uncertain may be settled."""
    figures = progress.figures
    return {
        "failures": _reasons(figures.by_reason, FailReason),
        "skips": _reasons(figures.by_reason, SkipReason),
        "left_out": sum(progress.campaign.left_out.values()),
        "settle_from": _settle_from(store, progress.campaign.id) if figures.uncertain else None,
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


def _reasons(by_reason: Mapping[str, int], kinds: Iterable[FailReason] | Iterable[SkipReason]) -> list[tuple[str, int, str]]:
    """Words, number and what a retry does, the most frequent first."""
    found = [(*REASONS[kind], by_reason[kind.value]) for kind in kinds if by_reason.get(kind.value)]
    return [(words, number, retry) for words, retry, number in sorted(found, key=lambda row: -row[2])]


def _settle_from(store: Store, campaign_id: str) -> datetime | None:
    """When the first of the uncertain ones may be settled by hand."""
    some = store.emails.page(campaign_id=campaign_id, statuses=[EmailState.UNCERTAIN]).items
    return min(((email.uncertain_at or email.created_at) + SETTLE_AFTER for email in some), default=None)


def _funnel(progress: Progress) -> list[tuple[str, int, int, str]]:
    """Name, number, the number above, and the status its list has; what nobody measured yet is left out."""
    campaign, figures = progress.campaign, progress.figures
    stages = [
        ("Matched", campaign.audience.matched, ""),
        ("In the audience", progress.expected, "all"),
        ("Sent", figures.sent, "sent"),
        *((name.title(), number, "sent") for name in ("delivered", "opened", "clicked") if (number := getattr(figures, name))),
    ]
    above = [0, *(number for _, number, _ in stages)]
    return [(name, number, above[place], status) for place, (name, number, status) in enumerate(stages)]


def _told(number: int, words: str) -> str:
    return f"{number:,} {'e-mail' if number == 1 else 'e-mails'} {words}"


def _undo(store: Store, campaign_id: str, now: datetime) -> tuple[str, str]:
    campaigns.undo(store, campaign_id, now=now)
    return "Taken back", "Nothing was sent; it is a draft again."


def _pause(store: Store, campaign_id: str, now: datetime) -> tuple[str, str]:
    campaigns.pause(store, campaign_id, now=now)
    return "Paused", "At most a window of messages in each lane is still on its way."


def _resume(store: Store, campaign_id: str, now: datetime) -> tuple[str, str]:
    campaigns.resume(store, campaign_id, now=now)
    return "Going on", ""


def _cancel(store: Store, campaign_id: str, now: datetime) -> tuple[str, str]:
    campaigns.cancel(store, campaign_id, now=now)
    return "Cancelled", "What was not sent yet is skipped."


def _retry(store: Store, campaign_id: str, now: datetime) -> tuple[str, str]:
    return _told(campaigns.retry_failed(store, campaign_id, now=now), "queued again"), ""


def _resend(store: Store, campaign_id: str, now: datetime) -> tuple[str, str]:
    return _told(campaigns.resend_uncertain(store, campaign_id, now=now), "queued again"), ""


def _settle(store: Store, campaign_id: str, now: datetime) -> tuple[str, str]:
    return _told(campaigns.settle_uncertain(store, campaign_id, now=now), "settled as sent"), ""


ACTIONS: dict[str, Callable[[Store, str, datetime], tuple[str, str]]] = {
    "undo": _undo,
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "retry-failed": _retry,
    "resend-uncertain": _resend,
    "settle-uncertain": _settle,
}


@require_POST
@permission_required("crm.send_campaigns")
def act(request: CrmRequest, campaign_id: str, action: str) -> HttpResponse:
    """Do one of ACTIONS and come back; what can't be done any more is said there."""
    if action not in ACTIONS:
        raise Http404
    try:
        done, note = ACTIONS[action](request.store, campaign_id, datetime.now(UTC))
    except (RuleViolation, Conflict) as error:
        tell(request, "That was not done", error.message, level=messages.ERROR)
    else:
        tell(request, done, note)
    return redirect("campaigns:one", campaign_id)
