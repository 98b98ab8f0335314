"""What the first page shows: how many people, what goes out, what comes next, and what needs somebody."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from crm.domain.campaigns import RUNNING, CampaignStatus
from crm.domain.event_filters import EventFilter
from crm.domain.events import Event, EventStatus
from crm.domain.imports import ImportStatus
from crm.domain.metrics import EmailQuery, days_between
from crm.services.analytics import summed
from crm.services.dashboard_parts import Campaigns, Dashboard, Events, Mailings, People, Sight, Trouble
from crm.services.job_board import about_of
from crm.services.progress import Progress
from crm.services.retries import RETRYABLE
from crm.store import Store
from crm.store.campaign_lists import CampaignRow
from crm.store.campaigns import CampaignFigures
from crm.store.email_lists import HourRow
from crm.store.facets import TOTAL_KEYS, totals_in
from crm.store.job_items import LONGEST_REST
from crm.store.jobs import Job, JobKey, job_of
from crm.store.months import joined_in, joined_ranges
from crm.store.stats import CounterRange, RowKey, Snapshot
from crm.store.together import Found, Wanted, found

__all__ = ["DAYS", "Dashboard", "Sight", "dashboard"]

DAYS = 30
"""How far back is told, and how far ahead seats are counted."""
AHEAD = timedelta(days=90)
"""What begins later is not among the next events."""
WEEK = 7
NEWEST, QUEUED_READ, JOBS_READ = 16, 10, 100
"""Campaigns that are looked at: the newest, and others that there is work for, among so many jobs."""
LAST_READ, LAST_SHOWN = 5, 3
EVENTS_READ, EVENTS_SHOWN = 12, 6
IMPORTS_READ = 10
STUCK_AFTER = timedelta(minutes=10)
AT_WORK = {*RUNNING, CampaignStatus.PAUSED}
ENDED_IMPORTS = {ImportStatus.DONE, ImportStatus.CANCELLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Days:
    """The days that the page tells of: thirty up to `last`, in the zone, and the thirty before."""

    last: date
    zone: ZoneInfo

    @property
    def first(self) -> date:
        return self.last - timedelta(days=DAYS - 1)

    @property
    def week(self) -> date:
        """The first of the last seven."""
        return self.last - timedelta(days=WEEK - 1)

    def query(self, first: date, last: date) -> EmailQuery:
        return EmailQuery(start=first, end=last, zone=self.zone)

    @property
    def both(self) -> EmailQuery:
        return self.query(self.first - timedelta(days=DAYS), self.last)

    @property
    def lately(self) -> EmailQuery:
        return self.query(self.first, self.last)

    @property
    def before(self) -> EmailQuery:
        return self.query(self.first - timedelta(days=DAYS), self.first - timedelta(days=1))

    @property
    def hours(self) -> tuple[datetime, datetime]:
        """The first and the last hour of the thirty days, in UTC."""
        begin = datetime.combine(self.first, time.min, self.zone)
        end = datetime.combine(self.last + timedelta(days=1), time.min, self.zone) - timedelta(microseconds=1)
        return begin.astimezone(UTC), end.astimezone(UTC)


def dashboard(store: Store, sight: Sight, *, zone: ZoneInfo, now: datetime) -> Dashboard:
    """Return what is to be seen at this moment, days in `zone`; all counters come from one snapshot.

    Sixteen requests for who sees everything, one more where the next events are of two years, and one where an older campaign
    rests: docs/decisions/0222-the-first-page.md.
    """
    days = _Days(last=now.astimezone(zone).date(), zone=zone)
    queue = store.jobs.at_work(limit=JOBS_READ) if sight.campaigns or sight.jobs else []
    resting = [key for key, due_at in queue if sight.jobs and now < due_at <= now + LONGEST_REST]
    newest = store.campaigns.newest(NEWEST) if sight.campaigns else []
    wanted = Wanted(
        campaigns=_to_read(newest, queue) if sight.campaigns else (),
        events=_events_to_read(store, now) if sight.events else (),
        imports=store.imports.since(now - timedelta(days=WEEK), IMPORTS_READ) if sight.imports else (),
    )
    known = list(dict.fromkeys([*wanted.campaigns, *(row.id for row in newest)]))
    keys, ranges = _counters(store, sight, known, days)
    snapshot = store.stats.snapshot(keys, ranges, [*wanted.keys, *(key.key for key in resting)])
    seen = found(snapshot.beside)
    mailed = sight.analytics or sight.campaigns
    hours = store.email_lists.rows_in(snapshot, days.both) if mailed else []
    return Dashboard(
        people=_people(snapshot, days) if sight.people else None,
        mailings=_mailings(store, hours, days) if sight.analytics else None,
        campaigns=_campaigns(store, newest, seen, snapshot, hours, days) if sight.campaigns else None,
        events=_events(list(seen.events.values()), now) if sight.events else None,
        unread=[one for one in seen.imports.values() if one.status in ENDED_IMPORTS and one.failed],
        stuck=[(key, due_at) for key, due_at in queue if now - due_at > STUCK_AFTER],
        failed=[job.key for job in _jobs(snapshot) if job.rests(now)],
    )


def _jobs(snapshot: Snapshot) -> list[Job]:
    return [job_of(item) for item in snapshot.beside if item is not None and item["entityType"] == "job"]


def _to_read(newest: Sequence[CampaignRow], queue: Sequence[tuple[JobKey, datetime]]) -> list[str]:
    """The campaigns to be shown: what there is work for, what stands so in the list, and what was done last."""
    owners = dict.fromkeys(id_ for about, id_ in (about_of(key.owner) for key, _ in queue) if about == "campaign")
    at_work = [row.id for row in newest if row.status in AT_WORK]
    done = [row.id for row in newest if row.status is CampaignStatus.DONE]
    return list(dict.fromkeys([*list(owners)[:QUEUED_READ], *at_work, *done[:LAST_READ]]))


def _events_to_read(store: Store, now: datetime) -> list[str]:
    """The events of the next thirty days, and where these are few, more."""
    rows = store.events.chosen(EventFilter(start=now, end=now + AHEAD))
    return [row.id for place, row in enumerate(rows) if place < EVENTS_READ or row.start_at <= now + timedelta(days=DAYS)]


def _counters(store: Store, sight: Sight, campaign_ids: Sequence[str], days: _Days) -> tuple[list[RowKey], list[CounterRange]]:
    keys = [*(TOTAL_KEYS if sight.people else ()), *store.campaigns.figure_keys(campaign_ids, RETRYABLE)]
    ranges = store.email_lists.ranges(days.both) if sight.analytics or sight.campaigns else []
    return keys, [*ranges, *(joined_ranges(*days.hours) if sight.people else ())]


def _people(snapshot: Snapshot, days: _Days) -> People:
    totals, joined = totals_in(snapshot), Counter[date]()
    for hour, number in joined_in(snapshot, *days.hours):
        joined[days.lately.day(hour)] += number
    left, by_day = totals.total, []
    for day in reversed(list(days_between(days.first, days.last))):
        by_day.append(left)
        left -= joined[day]
    return People(totals=totals, joined=joined.total(), by_day=by_day[::-1])


def _mailings(store: Store, hours: Sequence[HourRow], days: _Days) -> Mailings:
    week = store.email_lists.passing(hours, days.query(days.week, days.last))
    return Mailings(
        first=days.first,
        last=days.last,
        week=days.week,
        lately=summed(store.email_lists.passing(hours, days.lately), days.lately),
        before=summed(store.email_lists.passing(hours, days.before), days.before),
        bounced=sum(row.counts.get("bounced", 0) for row in week),
    )


def _campaigns(
    store: Store, newest: Sequence[CampaignRow], seen: Found, snapshot: Snapshot, hours: Sequence[HourRow], days: _Days
) -> Campaigns:
    read = seen.campaigns
    subjects = {row.id: row.subject for row in newest} | {one.id: one.subject for one in read.values()}
    figures = store.campaigns.figures_in(snapshot, subjects)
    troubled = _by_campaign(store.email_lists.passing(hours, days.lately), "failed", "uncertain")
    troubles = [_trouble(one, subjects[one], figures[one]) for one in troubled if one in subjects]
    own = {one.campaign_id: one for one in troubles if one.needs_somebody}
    shown = [Progress(campaign=one, figures=figures[one.id]) for one in read.values()]
    done = [one for one in shown if one.campaign.status is CampaignStatus.DONE]
    waiting = {one: number for one, number in _by_campaign(hours, "queued").items() if one not in subjects}
    return Campaigns(
        going=sorted((one for one in shown if one.campaign.status in AT_WORK), key=_urgency),
        done=sorted(done, key=lambda one: one.campaign.finished_at or one.campaign.updated_at, reverse=True)[:LAST_SHOWN],
        troubles=list(own.values()),
        rest={one: number for one, number in troubled.items() if one not in own},
        resting=[
            (one, waiting[one.id])
            for one in (store.campaigns.states_of(waiting).values() if waiting else ())
            if one.status is CampaignStatus.PAUSED
        ],
        any=bool(read or hours) or any(row.status is not CampaignStatus.DRAFT for row in newest),
    )


def _by_campaign(hours: Sequence[HourRow], *words: str) -> Counter[str]:
    """`{campaign id: e-mails that count under one of those words}`, those with none left out."""
    found = Counter[str]()
    for row in hours:
        if number := sum(row.counts.get(word, 0) for word in words):
            found[row.campaign_id] += number
    return found


def _urgency(one: Progress) -> tuple[int, datetime]:
    """What sends now, what is paused, what waits for its time."""
    rank = {CampaignStatus.PAUSED: 1, CampaignStatus.SCHEDULED: 2}
    return rank.get(one.campaign.status, 0), one.campaign.send_at or one.campaign.created_at


def _trouble(campaign_id: str, subject: str, figures: CampaignFigures) -> Trouble:
    worth = sum(figures.by_reason.get(reason.value, 0) for reason in RETRYABLE)
    return Trouble(
        campaign_id=campaign_id,
        subject=subject,
        failed=figures.failed,
        uncertain=figures.uncertain,
        worth=worth,
        settled=figures.settled,
    )


def _events(read: Sequence[Event], now: datetime) -> Events:
    standing = [one for one in read if one.status is not EventStatus.CANCELLED]
    soon = [one for one in standing if one.start_at <= now + timedelta(days=DAYS)]
    limited = [(one.max_capacity, one.registered_count) for one in soon if one.max_capacity]
    return Events(
        coming=standing[:EVENTS_SHOWN],
        soon=soon,
        seats=sum(seats for seats, _ in limited),
        taken=sum(taken for _, taken in limited),
    )
