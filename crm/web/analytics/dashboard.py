"""The first page: how many people, what goes out, what needs attention, what comes next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm.domain.campaigns import RUNNING, CampaignStatus
from crm.domain.emails import EmailState
from crm.domain.event_times import begins
from crm.domain.people import EmailStatus
from crm.services.dashboard import DAYS, dashboard
from crm.services.dashboard_parts import Campaigns, Dashboard, Events, Mailings, People, Sight
from crm.services.progress import Progress
from crm.web.analytics.concerns import SHOWN, concerns, mails_of
from crm.web.charts import Piece, plot, spark, split
from crm.web.columns import Column, columns
from crm.web.durations import in_words
from crm.web.http import CrmRequest

SIGHT = {
    "people": "crm.view_people",
    "events": "crm.view_events",
    "campaigns": "crm.view_campaigns",
    "analytics": "crm.view_analytics",
    "imports": "crm.import_people",
    "jobs": "crm.view_jobs",
}
GOING = 5
STATES = tuple(state.value for state in (EmailState.SENT, EmailState.QUEUED, EmailState.SKIPPED, EmailState.UNCERTAIN))
CELLS = (*[(word, word, "status") for word in (*STATES, "failed")], *[(word, word, "outcome") for word in ("opened", "clicked")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A campaign with its bar, the bar in words, how quickly it went so far, and how long it takes or what it waits for.

    The last two are empty where that is not known.
    """

    progress: Progress
    pieces: list[Piece]
    label: str
    rate: str
    left: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One number of a day with its list; `wide` ones go on a phone."""

    number: int
    url: str
    wide: bool


@require_safe
def home(request: CrmRequest) -> HttpResponse:
    """What matters today, from one reading of the counters; each part only for those who may see what is behind it."""
    now, zone = datetime.now(UTC), ZoneInfo(settings.CRM_TIME_ZONE)
    sight = Sight(**{name: request.user.has_perm(permission) for name, permission in SIGHT.items()})
    board = dashboard(request.store, sight, zone=zone, now=now)
    found = concerns(board, now, may_edit_events=request.user.has_perm("crm.edit_events"))
    context: dict[str, Any] = {
        "today": now.astimezone(zone),
        "zone": settings.CRM_TIME_ZONE,
        "board": board,
        "concerns": found[:SHOWN],
        "more_concerns": found[SHOWN:],
        "concern_count": len(found),
        "nothing_yet": board.people is not None
        and not board.people.totals.total
        and not _anything(board.campaigns, board.events),
        **(_people(board.people) if board.people else {}),
        **(_mailings(board.mailings) if board.mailings else {}),
        **(_campaigns(board, board.campaigns, now) if board.campaigns else {}),
        **(_events(board.events, now, zone) if board.events else {}),
    }
    return render(request, "analytics/dashboard.html", context)


def _anything(campaigns: Campaigns | None, events: Events | None) -> bool:
    return bool((campaigns and campaigns.any) or (events and events.coming))


def _people(people: People) -> dict[str, Any]:
    mailable = people.totals.by_email_status.get(EmailStatus.MAILABLE, 0)
    return {"people": people, "mailable": mailable, "people_spark": spark(people.by_day)}


def _mailings(mailings: Mailings) -> dict[str, Any]:
    """The figures of the thirty days beside those before, the chart, and the table behind it."""
    first, last, totals, before = mailings.first, mailings.last, mailings.lately.totals, mailings.before.totals
    shown = columns(mailings.lately.series, first=first, last=last, step="day")
    return {
        "emails": mailings.lately.emails,
        "totals": totals,
        "sent_trend": _trend(totals["sent"], before["sent"]),
        "sent_spark": spark([column.values.get("sent", 0) for column in shown]),
        "sent_url": mails_of(first, last, status="sent"),
        "opened_trend": _points(totals, before),
        "opened_spark": spark([column.values.get("opened", 0) for column in shown]),
        "opened_url": mails_of(first, last, outcome="opened"),
        "plot": plot(shown),
        "plot_label": f"E-mails by day, {shown[0].label} to {shown[-1].label}; the numbers are in the table below",
        "days": [(column, _cells(column)) for column in reversed(shown) if any(column.values.values())],
    }


def _trend(now: int, before: int) -> str:
    """How much more or less it is than in the thirty days before.

    >>> _trend(110, 100), _trend(90, 100), _trend(5, 5), _trend(5, 0)
    ('10.0% more than the 30 before', '10.0% less than the 30 before', 'as many as in the 30 before', 'none in the 30 before')
    """
    if not before:
        return f"none in the {DAYS} before"
    if now == before:
        return f"as many as in the {DAYS} before"
    return f"{abs(now - before) * 100 / before:,.1f}% {'more' if now > before else 'less'} than the {DAYS} before"


def _points(now: Mapping[str, int], before: Mapping[str, int]) -> str:
    """How far the share of opened ones is from that of the thirty days before.

    >>> _points({"sent": 10, "opened": 4}, {"sent": 100, "opened": 41})
    '1.0 points less'
    """
    if not now["sent"] or not before["sent"]:
        return ""
    points = round(100 * now["opened"] / now["sent"] - 100 * before["opened"] / before["sent"], 1)
    return f"{abs(points):.1f} points {'more' if points > 0 else 'less'}" if points else f"as in the {DAYS} before"


def _cells(column: Column) -> list[Cell]:
    return [
        Cell(
            number=column.values.get(word, 0),
            url=mails_of(column.first, column.last, **{field: value}),
            wide=word in STATES[1:],
        )
        for word, value, field in CELLS
    ]


def _campaigns(board: Dashboard, campaigns: Campaigns, now: datetime) -> dict[str, Any]:
    return {
        "going": [_going(one, now, stuck=board.is_stuck(one.campaign)) for one in campaigns.going[:GOING]],
        "more_going": len(campaigns.going) - GOING,
        "done": campaigns.done,
    }


def _going(progress: Progress, now: datetime, *, stuck: bool) -> Going:
    campaign, figures = progress.campaign, progress.figures
    values = {state.value: getattr(figures, state.value) for state in EmailState}
    label = ", ".join(f"{number:,} {name}" for name, number in values.items() if name != "queued")
    rate = 0 if stuck else _rate(progress, now)
    left = (progress.expected - figures.settled) / rate if rate else 0
    return Going(
        progress=progress,
        pieces=split(values, progress.expected),
        label=f"{figures.settled:,} of {progress.expected:,} done: {label}",
        rate=f"{rate:,.0f} a second so far" if rate >= 1 else "",
        left="waits for a worker" if stuck else f"{in_words(left)} left" if left and campaign.status in RUNNING else "",
    )


def _rate(progress: Progress, now: datetime) -> float:
    """E-mails a second since it began; 0 where that is not known, or so long ago that it may have rested since."""
    started = progress.campaign.started_at
    if started is None or progress.campaign.status in {CampaignStatus.SCHEDULED, CampaignStatus.PAUSED}:
        return 0
    seconds = (now - started).total_seconds()
    return progress.figures.settled / seconds if 2 <= seconds <= 3600 else 0


def _events(events: Events, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    today = now.astimezone(zone).date()
    return {
        "coming": [(event, begins(event)) for event in events.coming],
        "seats_range": f"from={today.isoformat()}&to={(today + timedelta(days=DAYS)).isoformat()}",
    }
