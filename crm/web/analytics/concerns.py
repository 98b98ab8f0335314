"""What needs somebody: each thing in a sentence, with the way to where it is dealt with."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse
from django.utils.http import urlencode

from crm.domain.campaigns import Campaign
from crm.domain.events import Event
from crm.domain.imports import Import
from crm.domain.metrics import MAX_VALUES
from crm.services.dashboard import DAYS
from crm.services.dashboard_parts import Campaigns, Dashboard, Mailings, Trouble
from crm.services.job_board import about_of
from crm.templatetags.crm import in_words, plural
from crm.web.job_pages import page_of
from crm.web.staff_names import staff_names

SHOWN = 6
KINDS = {
    "campaign": "a campaign",
    "event": "an event",
    "import": "an import",
    "task": "a task",
    "user": "a person being merged",
    "erasure": "a person being erased",
}
"""What a job works on, in words."""
LEVELS = ("bad", "warn", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """Something to look at: how bad (bad, warn or ""), an icon, what it is, a note, where to, and the words of the button."""

    level: str
    icon: str
    words: str
    note: str
    url: str
    button: str


def concerns(board: Dashboard, now: datetime, *, may_edit_events: bool) -> list[Concern]:
    """Return what needs somebody, the worst first; nothing is read but the names of staff."""
    found = [
        *_stuck(board, now),
        *_failed(board),
        *(_troubles(board.campaigns, board.mailings) if board.campaigns else ()),
        *(_nearly_full(event, now, may_edit=may_edit_events) for event in (board.events.tight if board.events else ())),
        *_unread(board, now),
        *(_resting(campaign, queued) for campaign, queued in (board.campaigns.resting if board.campaigns else ())),
        *(_bounced(board.mailings) if board.mailings and board.mailings.bounced else ()),
    ]
    return sorted(found, key=lambda one: LEVELS.index(one.level))


def mails_of(first: date, last: date, **more: str | list[str]) -> str:
    """Return the address of the e-mails of some days; `more` are further filters under the contract's names."""
    days: dict[str, str | list[str]] = {"start_date": first.isoformat(), "end_date": last.isoformat()}
    return f"{reverse('analytics:emails')}?{urlencode(days | more, doseq=True)}"


def _stuck(board: Dashboard, now: datetime) -> Iterator[Concern]:
    """One for all of them: it is the worker that is looked for, not each of its jobs."""
    if not board.stuck:
        return
    owners = dict.fromkeys(key.owner for key, _ in board.stuck)
    since = in_words(min(due_at for _, due_at in board.stuck), now)
    yield Concern(
        level="bad",
        icon="clock",
        words=f"{plural(len(owners), 'job is,jobs are')} due and nobody is at it",
        note=f"{_kinds(owners)}, due {since}. See that “manage.py worker” runs, and read its log.",
        url=page_of(*about_of(board.stuck[0][0].owner)) or reverse("people:tasks"),
        button="Look",
    )


def _failed(board: Dashboard) -> Iterator[Concern]:
    """One for all of them: a page of its own tells what broke."""
    if not board.failed:
        return
    owners = dict.fromkeys(key.owner for key in board.failed)
    yield Concern(
        level="bad",
        icon="triangle-alert",
        words=f"{plural(len(owners), 'job failed and is,jobs failed and are')} tried again",
        note=f"{_kinds(owners)}. It goes on by itself within the hour; what broke is told there.",
        url=reverse("settings:jobs"),
        button="Look",
    )


def _kinds(owners: Iterable[str]) -> str:
    """What it is the work of, in words."""
    kinds = ", ".join(dict.fromkeys(KINDS.get(about_of(owner)[0], "something else") for owner in owners))
    return f"{kinds[:1].upper()}{kinds[1:]}"


def _troubles(campaigns: Campaigns, mailings: Mailings | None) -> Iterator[Concern]:
    """Those that somebody can do something about each, the most first; all others together."""
    for one in sorted(campaigns.troubles, key=lambda one: -(one.failed + one.uncertain)):
        yield _trouble(one)
    if campaigns.rest and mailings is not None:
        ids = sorted(campaigns.rest, key=lambda one: -campaigns.rest[one])[:MAX_VALUES]
        which = f"a few in each of {len(ids):,} campaigns" if len(ids) > 1 else "in one campaign"
        where: dict[str, str | list[str]] = {"campaign_id": ids, "status": ["failed", "uncertain"]}
        yield Concern(
            level="",
            icon="mail-warning",
            words=f"{_emails(sum(campaigns.rest[one] for one in ids))} did not arrive, {which}",
            note=f"Made in the last {DAYS} days, and most of them refused for good: no retry helps.",
            url=mails_of(mailings.first, mailings.last, **where),
            button="Show them",
        )


def _trouble(one: Trouble) -> Concern:
    url, subject = reverse("campaigns:one", args=[one.campaign_id]), f"“{one.subject}”"
    if not one.failed:
        return Concern(
            level="warn",
            icon="circle-help",
            words=f"{_emails(one.uncertain)} uncertain in {subject}",
            note="Their answer was lost: they arrived, or not. Nothing is sent twice unless you say so.",
            url=url,
            button="Settle",
        )
    worth = f"{one.worth:,} worth a retry" if one.worth else "Refused for good by the receiving servers"
    return Concern(
        level="bad",
        icon="mail-x",
        words=f"{_emails(one.failed)} failed in {subject}",
        note=f"{worth}; {one.uncertain:,} more are uncertain" if one.uncertain else worth,
        url=url,
        button="Look and retry" if one.worth else "Look",
    )


def _nearly_full(event: Event, now: datetime, *, may_edit: bool) -> Concern:
    waiting = f", {plural(event.waitlisted_count, 'person waits,people wait')}" if event.waitlisted_count else ""
    full = event.registered_count >= (event.max_capacity or 0)
    seats = f"{event.registered_count:,} of {event.max_capacity or 0:,} seats{waiting}"
    return Concern(
        level="warn" if event.waitlisted_count else "",
        icon="armchair",
        words=f"{event.title} is {'full' if full else 'nearly full'}",
        note=f"{seats}, {in_words(event.start_at, now)}" if event.start_at > now else f"{seats}, it is on now",
        url=reverse("events:edit" if may_edit else "events:event", args=[event.id]),
        button="Add seats" if may_edit else "Look",
    )


def _unread(board: Dashboard, now: datetime) -> Iterator[Concern]:
    names = staff_names({one.owner for one in board.unread})
    for one in board.unread:
        yield _unread_rows(one, names.get(one.owner, one.owner), now)


def _unread_rows(one: Import, by: str, now: datetime) -> Concern:
    return Concern(
        level="warn",
        icon="file-warning",
        words=f"{plural(one.failed, 'row,rows')} of {one.name} could not be read",
        note=f"Imported {in_words(one.started_at or one.created_at, now)} by {by or 'a script'}",
        url=reverse("people:import-one", args=[one.id]),
        button="Get the rows",
    )


def _resting(campaign: Campaign, queued: int) -> Concern:
    return Concern(
        level="",
        icon="pause",
        words=f"“{campaign.subject}” is paused",
        note=f"{_emails(queued)} waiting until somebody lets it go on.",
        url=reverse("campaigns:one", args=[campaign.id]),
        button="Go on",
    )


def _bounced(mailings: Mailings) -> Iterator[Concern]:
    yield Concern(
        level="",
        icon="mail-minus",
        words=f"{_emails(mailings.bounced)} of the last seven days bounced",
        note="Their addresses get no more e-mail until somebody corrects them.",
        url=mails_of(mailings.week, mailings.last, outcome="bounced"),
        button="Show them",
    )


def _emails(number: int) -> str:
    return plural(number, "e-mail,e-mails")
