"""What became of e-mails: totals, days and breakdowns from counters, the e-mails themselves from an index."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain, islice

from crm.domain.emails import Email, EmailState
from crm.domain.metrics import EmailQuery, query_values, utm_key
from crm.services.audit import note
from crm.store import Store
from crm.store.email_lists import HourRow
from crm.store.emails import EmailPage
from crm.store.keys import stamp
from crm.store.outcomes import LATER

Day = dict[str, int | str]

STATES = frozenset(state.value for state in EmailState)
WORDS = (*[state.value for state in EmailState], *LATER)
"""What is counted of e-mails: each is in exactly one state, and any of the other things may have happened to it as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`totals` has every word; `series` one `{"date", "queued", "sent", …}` for each day that holds something, oldest first."""

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
class BreakdownRow:
    """The e-mails of one value: `counts` has every word, `first` and `last` are the days of the first and last of them.

    `value` is a campaign's id, a UTM value as most e-mails spell it ("" for none), or what the domain of an address counts as.
    """

    value: str
    counts: dict[str, int]
    first: date
    last: date

    @property
    def emails(self) -> int:
        """How many e-mails these are."""
        return sum(self.counts[status] for status in EmailState)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A summary, the same broken down, and what each filter offers in its range, all of one moment.

    `breakdowns` is `{contract name: rows, most sent first}`; the rows of each add up to the totals. `choices` is `{contract name:
    choices, most e-mails first}`. Both have `domain` only where it was asked for. `hours` are what was read for them.
    """

    summary: Summary
    choices: dict[str, list[Choice]]
    breakdowns: dict[str, list[BreakdownRow]]
    hours: list[HourRow]


Pieces = Callable[[HourRow], Iterable[tuple[str, Mapping[str, int]]]]
FIELDS: Mapping[str, Pieces] = {
    "campaign_id": lambda row: [(row.campaign_id, row.counts)],
    "utm_campaign": lambda row: [(row.utm.campaign, row.counts)],
    "utm_source": lambda row: [(row.utm.source, row.counts)],
    "utm_medium": lambda row: [(row.utm.medium, row.counts)],
    "domain": lambda row: row.domains.items(),
}
"""By what e-mails are broken down: the values in an hour of a campaign, each with its counts."""
FOLDED = frozenset({"utm_campaign", "utm_source", "utm_medium"})
"""Where different spellings are one value, as they are for a query."""


def summary(store: Store, query: EmailQuery) -> Summary:
    """Return totals and days of the e-mails that pass. From counters alone: the same cost for ten as for ten million."""
    return summed(store.email_lists.rows(query), query)


def overview(store: Store, query: EmailQuery, *, by_domain: bool = False) -> Overview:
    """Return the summary with its breakdowns and what the filters offer, from one reading of the counters.

    The counters by domain are read where `by_domain` or the query asks for them. The outcome of the query is left aside.
    """
    by_domain = by_domain or bool(query.domains)
    rows = store.email_lists.rows(EmailQuery(start=query.start, end=query.end, zone=query.zone), by_domain=by_domain)
    passing = store.email_lists.passing(rows, query)
    names = [name for name in FIELDS if by_domain or name != "domain"]
    return Overview(
        summary=summed(passing, query),
        choices={name: _choices(rows, name, query) for name in names},
        breakdowns={name: _broken_down(passing, name, query) for name in names},
        hours=passing,
    )


def emails(
    store: Store, query: EmailQuery, *, limit: int = 25, token: str | None = None, found: Overview | None = None
) -> EmailPage:
    """Return one page of the e-mails that pass, newest first. BadToken for a token of another query.

    With the overview of the same query, the counters are not read once more to know where to look.
    """
    return store.email_lists.find(query, limit=limit, token=token, rows=None if found is None else found.hours)


def every_email(store: Store, query: EmailQuery) -> Iterator[Email]:
    """Give all e-mails that pass, newest first, part by part."""
    return store.email_lists.walk(query)


def export(store: Store, query: EmailQuery, *, actor: str, now: datetime) -> Iterator[Email]:
    """Note in the audit log who takes the e-mails away, filtered by which fields, and give them as `every_email` does.

    The first of them are read before this returns, so that an error is still an error and not half a file.
    """
    found = every_email(store, query)
    first = list(islice(found, 1))
    note(store, "emails.exported", actor=actor, now=now, filter=" ".join(query_values(query)))
    return chain(first, found)


def summed(rows: Iterable[HourRow], query: EmailQuery) -> Summary:
    """Return totals and days of hours that were read; nothing is read."""
    totals: Counter[str] = Counter()
    days: dict[date, Counter[str]] = {}
    for row in rows:
        if row.counts:
            totals.update(row.counts)
            days.setdefault(query.day(row.hour), Counter()).update(row.counts)
    return Summary(
        totals=_every_word(totals),
        series=[{"date": day.isoformat(), **_every_word(days[day])} for day in sorted(days)],
    )


def _every_word(counts: Mapping[str, int]) -> dict[str, int]:
    return {word: counts.get(word, 0) for word in WORDS}


@dataclass(slots=True)
class _Group:
    """What belongs to one value, while it is added up."""

    counts: dict[str, int] = field(default_factory=dict)
    spellings: dict[str, int] = field(default_factory=dict)
    days: set[date] = field(default_factory=set)

    def add(self, spelling: str, counts: Mapping[str, int], day: date) -> None:
        """Add the e-mails of an hour that have the value in that spelling; years of domains are many of these."""
        for word, number in counts.items():
            self.counts[word] = self.counts.get(word, 0) + number
        here = sum(number for word, number in counts.items() if word in STATES)
        self.spellings[spelling] = self.spellings.get(spelling, 0) + here
        self.days.add(day)

    @property
    def value(self) -> str:
        """The spelling that most e-mails have."""
        return min(self.spellings, key=lambda spelling: (-self.spellings[spelling], spelling))

    @property
    def emails(self) -> int:
        """How many e-mails belong to it."""
        return sum(self.spellings.values())


def _grouped(rows: Iterable[HourRow], name: str, query: EmailQuery) -> list[_Group]:
    groups: dict[str, _Group] = {}
    for row in rows:
        day = query.day(row.hour)
        for value, counts in FIELDS[name](row):
            if counts:
                group = groups.setdefault(utm_key(value) if name in FOLDED else value, _Group())
                group.add(value, counts, day)
    return list(groups.values())


def _broken_down(rows: Iterable[HourRow], name: str, query: EmailQuery) -> list[BreakdownRow]:
    found = [
        BreakdownRow(value=group.value, counts=_every_word(group.counts), first=min(group.days), last=max(group.days))
        for group in _grouped(rows, name, query)
    ]
    return sorted(found, key=lambda row: (-row.counts[EmailState.SENT], -row.emails, row.value))


def _choices(rows: Iterable[HourRow], name: str, query: EmailQuery) -> list[Choice]:
    found = [Choice(value=group.value, count=group.emails) for group in _grouped(rows, name, query)]
    return sorted((choice for choice in found if utm_key(choice.value)), key=lambda choice: (-choice.count, choice.value))


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
