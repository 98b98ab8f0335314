"""What came of a campaign, beside how far it is: over time, by domain, who left, and how it compares with those before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import islice
from statistics import median

from crm.domain.campaign_filters import CampaignFilter
from crm.domain.campaigns import ENDED, Campaign
from crm.domain.emails import Email
from crm.domain.hits import HitClass, HitKind
from crm.domain.metrics import EmailQuery
from crm.domain.outcomes import Hits, Outcome
from crm.domain.people import Person
from crm.services.progress import Progress, progress
from crm.store import Store
from crm.store.campaign_counters import domain_keys, domains_in, hit_ranges, hits_in
from crm.store.campaigns import CampaignFigures
from crm.store.stats import one_moment

HOURS, DAYS = 48, 30
"""How much of what happened since it was sent is shown, in hours and in days."""
YOUNG = timedelta(hours=HOURS)
"""So long after it was sent, hours tell more than days."""
BEFORE = 10
"""Campaigns before this one that it is compared with."""
NEWEST = 5
"""People who left that are named."""
ONE_HOUR = timedelta(hours=1)


class Step(StrEnum):
    """By what time is cut."""

    HOUR = "hour"
    DAY = "day"


NAMES: Mapping[Hits, Mapping[str, tuple[str, ...]]] = {
    hits: {f"{kind.value}s": tuple(f"{kind.value}_{one.value}" for one in classes) for kind in HitKind}
    for hits, classes in ((Hits.PEOPLE, (HitClass.PERSON,)), (Hits.ALL, tuple(HitClass)))
}
"""What opens and clicks are sums of: the first of an e-mail by a person, or those by a person and by each kind of program."""
RATES = ("opened", "clicked", "bounced", "unsubscribed")
"""What campaigns are compared by, of those sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTime:
    """First opens and clicks of each e-mail since it was sent, by hour or day: `counts` has those that hold something.

    `first` and `last` are the hours or days that are shown; `totals` sums up what they hold, `later` what came in neither.
    """

    step: Step
    first: datetime
    last: datetime
    counts: Mapping[datetime, Mapping[str, int]]
    totals: Mapping[str, int]
    later: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRow:
    """The e-mails of one domain: `{outcome word: n}`."""

    domain: str
    counts: Mapping[str, int]

    @property
    def emails(self) -> int:
        """How many there are."""
        return sum(self.counts.get(word, 0) for word in ("queued", "sent", "failed", "uncertain", "skipped"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A campaign and what came of it; `measured` tells whether anything could tell of opens and clicks."""

    id: str
    subject: str
    figures: CampaignFigures

    @property
    def measured(self) -> bool:
        """Whether it was opened or clicked by whatever: without tracking it never is."""
        return bool(self.figures.opened_any or self.figures.clicked_any)

    def rate(self, name: str, hits: Hits) -> float | None:
        """The share of those sent of which that became, None where nothing tells."""
        if not self.figures.sent or (name in {"opened", "clicked"} and not self.measured):
            return None
        return self.number(name, hits) / self.figures.sent

    def number(self, name: str, hits: Hits) -> int:
        """How many of which that became."""
        word = {"opened": hits.opened.value, "clicked": hits.clicked.value}.get(name, name)
        found: int = getattr(self.figures, word)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """This campaign, and those before it that sent something, newest first; `medians` of the latter, None where none tells."""

    this: Compared
    before: Sequence[Compared]
    medians: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it, of one moment. `domains` have most sent first; `left` are the latest who unsubscribed, with their e-mail."""

    progress: Progress
    over_time: OverTime
    domains: Sequence[DomainRow]
    comparison: Comparison
    left: Sequence[tuple[Email, Person | None]] = field(default=())


def report(
    store: Store, campaign_id: str, *, zone: tzinfo, now: datetime, hits: Hits = Hits.PEOPLE, step: Step | None = None
) -> Report:
    """Return what came of a campaign that was started. Raises NotFound.

    Beside `progress` two readings of counters that share its deltas, five requests and one per month that they touch; one per
    year of campaigns; and three where somebody left. Its opens and clicks are those of its first thirty days; nothing grows with
    its e-mails.
    """
    with one_moment():
        found = progress(store, campaign_id, now=now)
        campaign, started = found.campaign, _started(found.campaign)
        earlier = _earlier(store, campaign)
        step = step or (Step.HOUR if now - started < YOUNG else Step.DAY)
        first, last = _span(started, now, step, zone)
        domains = domain_keys(campaign_id, _hours(store, campaign, started, now))
        ranges = hit_ranges(first, last)
        keys = [*domains, *store.campaigns.figure_keys(list(earlier))]
        snapshot = store.stats.snapshot(keys=keys, ranges=ranges)
    figures = store.campaigns.figures_in(snapshot, earlier)
    before = [Compared(id=one, subject=subject, figures=figures[one]) for one, subject in earlier.items()]
    return Report(
        progress=found,
        over_time=_over_time(hits_in(snapshot, campaign_id, ranges), found.figures, first, last, step, hits),
        domains=_domains(domains_in(snapshot, domains)),
        comparison=_comparison(Compared(id=campaign.id, subject=campaign.subject, figures=found.figures), before, hits),
        left=_left(store, campaign_id) if found.figures.unsubscribed else (),
    )


def of_domain(store: Store, campaign: Campaign, domain: str, *, now: datetime) -> dict[str, int]:
    """Return `{outcome word: n}` of a campaign's e-mails of one domain, from counters."""
    with one_moment():
        keys = domain_keys(campaign.id, _hours(store, campaign, _started(campaign), now))
        return domains_in(store.stats.snapshot(keys=keys), keys).get(domain, {})


def _started(campaign: Campaign) -> datetime:
    return campaign.started_at or campaign.created_at


def _hours(store: Store, campaign: Campaign, started: datetime, now: datetime) -> list[datetime]:
    """The hours in which its e-mails were made: none after it was done, and clocks of two machines may differ."""
    end = max(started, campaign.finished_at or now)
    query = EmailQuery(campaign_ids=(campaign.id,), start=started - ONE_HOUR, end=end)
    return [row.hour for row in store.email_lists.rows(query)]


def _span(started: datetime, now: datetime, step: Step, zone: tzinfo) -> tuple[datetime, datetime]:
    """The first and the last hour that are shown; of days all that begin in them, and the one that the first day cuts."""
    first, end = started.astimezone(zone), max(now, started)
    if step is Step.HOUR:
        hour = first.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return hour.astimezone(zone), min(end, hour + (HOURS - 1) * ONE_HOUR).astimezone(zone)
    day = first.replace(hour=0, minute=0, second=0, microsecond=0)
    last = datetime.combine(day.date() + timedelta(days=DAYS - 1), time.max, zone)
    return day, min(end.astimezone(zone), last)


def _over_time(
    by_hour: Mapping[datetime, Mapping[str, int]],
    figures: CampaignFigures,
    first: datetime,
    last: datetime,
    step: Step,
    hits: Hits,
) -> OverTime:
    """Where a day begins within an hour, that hour counts for the day before: but the first one for the first day."""
    counts: dict[datetime, Counter[str]] = {}
    for hour, row in by_hour.items():
        day = max(hour.astimezone(first.tzinfo).date(), first.date())
        at = hour if step is Step.HOUR else datetime.combine(day, time(), first.tzinfo)
        number = {word: sum(row.get(name, 0) for name in names) for word, names in NAMES[hits].items()}
        if any(number.values()):
            counts.setdefault(at, Counter()).update(number)
    totals = {word: sum(some[word] for some in counts.values()) for word in NAMES[hits]}
    later = max(0, figures.clicked - totals["clicks"]) if hits is Hits.PEOPLE else 0
    return OverTime(step=step, first=first, last=last, counts=counts, totals=totals, later=later)


def _domains(found: Mapping[str, Mapping[str, int]]) -> list[DomainRow]:
    rows = [DomainRow(domain=domain, counts=counts) for domain, counts in found.items()]
    return sorted(rows, key=lambda row: (-row.counts.get("sent", 0), -row.emails, row.domain))


def _earlier(store: Store, campaign: Campaign) -> dict[str, str]:
    """`{id: subject}` of those over that were made before it, the newest first: what sent nothing is left out later."""
    rows = store.campaigns.rows(CampaignFilter(archived=None))
    place = next((row.place for row in rows if row.id == campaign.id), None)
    before = (row for row in rows if row.status in ENDED and row.id != campaign.id and (place is None or row.place < place))
    return {row.id: row.subject for row in islice(before, BEFORE)}


def _comparison(this: Compared, before: Sequence[Compared], hits: Hits) -> Comparison:
    sent = [one for one in before if one.figures.sent]
    medians: dict[str, float | None] = {}
    for name in RATES:
        rates = [rate for one in sent if (rate := one.rate(name, hits)) is not None]
        medians[name] = median(rates) if rates else None
    return Comparison(this=this, before=sent, medians=medians)


def _left(store: Store, campaign_id: str) -> list[tuple[Email, Person | None]]:
    """The latest who left, of those whose e-mail is still kept and counts: it went out, as far as anybody knows."""
    found = store.emails.get_many(store.leavers.latest(campaign_id, limit=NEWEST), consistent=False).values()
    emails = [email for email in found if email.became(Outcome.UNSUBSCRIBED)]
    people = store.people.get_many([email.user_id for email in emails])
    latest = sorted(emails, key=lambda email: email.unsubscribed_at or email.created_at, reverse=True)
    return [(email, people.get(email.user_id)) for email in latest]
