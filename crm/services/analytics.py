"""What became of e-mails: totals and days from counters, the e-mails themselves from an index."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from crm.domain.emails import Email, EmailState
from crm.domain.metrics import EmailQuery
from crm.store import Store
from crm.store.email_lists import HourRow
from crm.store.emails import EmailPage
from crm.store.keys import stamp

Day = dict[str, int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`totals` by outcome; `series` has one `{"date", "queued", "sent", …}` for each day that holds something, oldest first."""

    totals: dict[str, int]
    series: list[Day]

    @property
    def emails(self) -> int:
        """How many e-mails pass: each has exactly one status."""
        return sum(self.totals[status] for status in EmailState)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value that a filter may take, and how many e-mails of the range it would leave."""

    value: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A summary, and what each filter offers in its range: `{contract name: choices, most e-mails first}`."""

    summary: Summary
    choices: dict[str, list[Choice]]
    by_campaign: dict[str, dict[str, int]]


FIELDS: Mapping[str, Callable[[HourRow], str]] = {
    "campaign_id": lambda row: row.campaign_id,
    "utm_campaign": lambda row: row.utm.campaign,
    "utm_source": lambda row: row.utm.source,
    "utm_medium": lambda row: row.utm.medium,
}


def summary(store: Store, query: EmailQuery) -> Summary:
    """Return totals and days of the e-mails that pass. From counters alone: the same cost for ten as for ten million."""
    return _summed(store.email_lists.rows(query), query)


def overview(store: Store, query: EmailQuery) -> Overview:
    """Return the summary with what the filters offer, from one reading of the counters."""
    every = EmailQuery(start=query.start, end=query.end, zone=query.zone)
    rows = store.email_lists.rows(every)
    passing = store.email_lists.passing(rows, query)
    by_campaign: dict[str, Counter[str]] = {}
    for row in passing:
        by_campaign.setdefault(row.campaign_id, Counter()).update(row.counts)
    return Overview(
        summary=_summed(passing, query),
        choices={name: _choices(rows, value_of) for name, value_of in FIELDS.items()},
        by_campaign={campaign_id: dict(counts) for campaign_id, counts in by_campaign.items()},
    )


def emails(store: Store, query: EmailQuery, *, limit: int = 25, token: str | None = None) -> EmailPage:
    """Return one page of the e-mails that pass, newest first. BadToken for a token of another query."""
    return store.email_lists.find(query, limit=limit, token=token)


def every_email(store: Store, query: EmailQuery) -> Iterator[Email]:
    """Give all e-mails that pass, newest first, part by part."""
    return store.email_lists.walk(query)


def _summed(rows: list[HourRow], query: EmailQuery) -> Summary:
    totals: Counter[str] = Counter()
    days: dict[date, Counter[str]] = {}
    for row in rows:
        totals.update(row.counts)
        days.setdefault(query.day(row.hour), Counter()).update(row.counts)
    names = [*EmailState, *(name for name in totals if name not in set(EmailState))]
    return Summary(
        totals={str(name): totals[name] for name in names},
        series=[{"date": day.isoformat(), **{str(name): days[day][name] for name in names}} for day in sorted(days)],
    )


def _choices(rows: list[HourRow], value_of: Callable[[HourRow], str]) -> list[Choice]:
    counts: Counter[str] = Counter()
    for row in rows:
        if value := value_of(row):
            counts[value] += sum(row.counts.get(status, 0) for status in EmailState)
    return [Choice(value=value, count=count) for value, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]


EMAIL_COLUMNS = (
    "id",
    "campaignId",
    "userId",
    "email",
    "subject",
    "status",
    "skipReason",
    "error",
    "utmCampaign",
    "utmSource",
    "utmMedium",
    "createdAt",
    "sentAt",
    "deliveredAt",
    "openedAt",
    "clickedAt",
)
"""What a CSV of e-mails has, under the API's names."""


def email_row(email: Email, subject: str) -> tuple[object, ...]:
    """Return one e-mail as a row of that CSV; times are UTC."""
    times = (email.created_at, email.sent_at, email.delivered_at, email.opened_at, email.clicked_at)
    return (
        email.id,
        email.campaign_id,
        email.user_id,
        email.email,
        subject,
        email.status.value,
        email.skip_reason.value if email.skip_reason else "",
        email.error,
        email.utm.campaign,
        email.utm.source,
        email.utm.medium,
        *(stamp(time) if time else "" for time in times),
    )
