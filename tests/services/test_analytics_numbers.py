"""Every number of the analytics against a plain recount of the e-mails that the table holds."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm.domain.campaigns import Utm
from crm.domain.emails import Email, EmailState, SkipReason
from crm.domain.folding import fold
from crm.domain.hits import HitClass, HitKind
from crm.domain.ids import new_id
from crm.domain.mail_domains import OTHER
from crm.domain.metrics import NONE, EmailQuery
from crm.domain.outcomes import Hits, Outcome
from crm.services import analytics, hits
from crm.services.analytics import EMAIL_COLUMNS, BreakdownRow, Overview, email_row
from crm.services.analytics_tables import Table, breakdown_table, series_table
from crm.services.export import csv_lines
from crm.store import Store
from crm.store.email_items import email_of, item_of
from crm.store.outcomes import email_changes, outcome
from crm.store.requests import Delete
from crm.store.stats import one_moment
from tests.mailings import keep_emails, make_email

SPRING, AUTUMN = datetime(2026, 3, 27, 22, tzinfo=UTC), datetime(2026, 10, 23, 22, tzinfo=UTC)
"""Two days before clocks change in Stockholm; both ranges of e-mails end in the next month."""
HOURS = 9 * 24
ZONES = ("UTC", "Europe/Stockholm", "Asia/Kolkata", "America/St_Johns")
CAMPAIGNS = tuple(new_id() for _ in range(4))
UTMS = (Utm(), Utm(campaign="Spring", source="newsletter"), Utm(campaign="spring ", medium="email"), Utm(source="Partner"))
ADDRESSES = ("ada@example.org", "grace@Example.org", "linus@letterbox.example", "root@localhost", "")
TIMES = {
    "delivered": "delivered_at",
    "opened": "opened_at",
    "clicked": "clicked_at",
    "opened_any": "opened_any_at",
    "clicked_any": "clicked_any_at",
    "bounced": "bounced_at",
    "complained": "complained_at",
    "unsubscribed": "unsubscribed_at",
}
WENT_OUT = (EmailState.SENT, EmailState.UNCERTAIN, EmailState.QUEUED)
"""What is counted as opened and so on: of those that wait some may have gone out before."""
STATES = tuple(state.value for state in EmailState)
ALL_WORDS = {*STATES, *TIMES}
VALUES = {
    "campaign_id": lambda email: email.campaign_id,
    "utm_campaign": lambda email: email.utm.campaign,
    "utm_source": lambda email: email.utm.source,
    "utm_medium": lambda email: email.utm.medium,
    "domain": lambda email: email.domain,
}

Counts = Mapping[str, int]


@st.composite
def mailings(draw: st.DrawFn) -> list[tuple[Email, Email]]:
    """E-mails of a few campaigns over nine days, as they were queued and as what became of them."""
    first = draw(st.sampled_from([SPRING, AUTUMN]))
    spot = st.tuples(
        st.integers(0, 3),
        st.integers(0, HOURS - 1),
        st.sampled_from([0, 0, 1, 3_599_999]),
        st.sampled_from(ADDRESSES),
        st.booleans(),
        st.sampled_from(list(EmailState)),
        st.sets(st.sampled_from(sorted(TIMES.values())), max_size=3),
    )
    least = draw(st.sampled_from([0, 15, 30]))
    return [_pair(first, *values) for values in draw(st.lists(spot, min_size=least, max_size=40))]


def _pair(
    first: datetime, number: int, hour: int, millisecond: int, address: str, named: bool, status: EmailState, times: set[str]
) -> tuple[Email, Email]:
    queued = make_email(
        campaign_id=CAMPAIGNS[number],
        utm=UTMS[number],
        email=address,
        domain="" if named else OTHER,
        created_at=first + timedelta(hours=hour, milliseconds=millisecond),
        status=EmailState.QUEUED,
    )
    later: dict[str, Any] = {name: queued.created_at + timedelta(minutes=5) for name in sorted(times)}
    reason = SkipReason.CANCELLED if status is EmailState.SKIPPED else None
    return queued, replace(queued, status=status, skip_reason=reason, **later)


HITS = st.tuples(st.integers(0, 39), st.sampled_from(HitKind), st.sampled_from(HitClass), st.integers(0, 3))


@st.composite
def queries(draw: st.DrawFn) -> EmailQuery:
    """Any filter, with a range that is open, begins and ends on days, or cuts hours."""
    first = draw(st.sampled_from([SPRING, AUTUMN]))
    days = st.integers(-2, 11).map(lambda days: (first + timedelta(days=days)).date())
    moments = st.integers(-60, 60 * HOURS).map(lambda minutes: first + timedelta(minutes=minutes))
    start, end = draw(st.none() | days | moments), draw(st.none() | days | moments)

    def some(values: Sequence[str], most: int = 1) -> tuple[str, ...]:
        return tuple(draw(st.lists(st.sampled_from(values), max_size=most, unique=True)))

    return EmailQuery(
        statuses=tuple(EmailState(status) for status in some(STATES, 2)),
        campaign_ids=some([*CAMPAIGNS, "unknown"], 3),
        utm_campaign=some(["SPRING", NONE]),
        utm_source=some(["newsletter", "PARTNER", NONE], 2),
        domains=some(["example.org", " Letterbox.example", OTHER, "nowhere.example"], 2),
        outcome=draw(st.none() | st.none() | st.sampled_from(Outcome)),
        start=start,
        end=end,
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
    )


def keep(store: Store, pairs: Sequence[tuple[Email, Email]], fetched: Iterable[tuple[int, HitKind, HitClass, int]]) -> None:
    """Queue the e-mails, write what became of them, follow some links: each step with its counts, some of them folded."""
    keep_emails(store, [queued for queued, _ in pairs])
    for begin in range(0, len(pairs), 40):
        part = pairs[begin : begin + 40]
        changes = store.stats.delta(email_changes(part), now=SPRING)
        store.table.write([*[outcome(old, new) for old, new in part if old != new], *changes])
    store.stats.fold()
    for number, kind, hit_class, minutes in fetched:
        if pairs:
            email = pairs[number % len(pairs)][0]
            at = email.created_at + timedelta(minutes=minutes)
            link = 1 if kind is HitKind.CLICK else None
            hits.record(store, email.id, kind=kind, hit_class=hit_class, at=at, now=at, link=link)


def wipe(store: Store) -> None:
    """Empty the table between examples, which is quicker than a new one."""
    keys = [{"PK": item["PK"], "SK": item["SK"]} for item in store.table.scan()]
    for begin in range(0, len(keys), 100):
        store.table.write([Delete(key=key) for key in keys[begin : begin + 100]])


def stored(store: Store) -> list[Email]:
    return [email_of(item) for item in store.table.scan() if item["entityType"] == "email"]


# the plain recount: what a query asks for, and what counts as what


def day_of(email: Email, query: EmailQuery) -> date:
    """The day in which the e-mail's hour begins, in the zone; never one outside the range."""
    ends = [end.astimezone(query.zone).date() if isinstance(end, datetime) else end for end in (query.start, query.end)]
    day = email.created_at.replace(minute=0, second=0, microsecond=0).astimezone(query.zone).date()
    day = max(day, ends[0]) if ends[0] else day
    return min(day, ends[1]) if ends[1] else day


def counts_of(emails: Iterable[Email], query: EmailQuery) -> Counter[str]:
    """How many count under each word: what happened later belongs to those that went out, so to a query that asks for sent."""
    found: Counter[str] = Counter()
    for email in emails:
        if query.wants_status(email.status):
            found[email.status.value] += 1
        if email.status in WENT_OUT and query.wants_status(EmailState.SENT):
            found.update(word for word, name in TIMES.items() if getattr(email, name) is not None)
    return found


def sought(emails: Iterable[Email], query: EmailQuery) -> list[Email]:
    """Those of any status that pass."""
    anything = replace(query, statuses=(), outcome=None)
    return [email for email in emails if anything.matches(email)]


def by_day(emails: Iterable[Email], query: EmailQuery) -> dict[str, Counter[str]]:
    days: dict[str, list[Email]] = {}
    for email in emails:
        days.setdefault(day_of(email, query).isoformat(), []).append(email)
    return {day: counts for day, some in days.items() if (counts := counts_of(some, query))}


def grouped(emails: Iterable[Email], name: str) -> dict[str, list[Email]]:
    groups: dict[str, list[Email]] = {}
    for email in emails:
        value = VALUES[name](email)
        groups.setdefault(fold(value) if name.startswith("utm_") else value, []).append(email)
    return groups


def told(counts: Mapping[str, Any]) -> dict[str, int]:
    """The numbers that say something, of a row that must have every word."""
    assert set(counts) >= ALL_WORDS
    return {word: counts[word] for word in ALL_WORDS if counts[word]}


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck))
@given(data=st.data(), pairs=mailings(), fetched=st.lists(HITS, max_size=6))
def test_every_number_list_and_csv_agrees_with_a_plain_recount(
    store: Store, data: st.DataObject, pairs: list[tuple[Email, Email]], fetched: list[tuple[int, HitKind, HitClass, int]]
) -> None:
    wipe(store)
    keep(store, pairs, fetched)

    emails = stored(store)
    for query in data.draw(st.tuples(st.just(EmailQuery()) | queries(), queries())):
        with one_moment():  # which spares most of the requests
            found = analytics.overview(store, query, by_domain=True)
            alone = analytics.summary(store, query)
            every = list(analytics.every_email(store, query))
            pages = paged(store, query, limit=data.draw(st.sampled_from([7, 16])))

        assert alone == found.summary
        _summary_agrees(found, sought(emails, query), query)
        for name in VALUES:
            _breakdown_agrees(found.breakdowns[name], name, sought(emails, query), query)
        _choices_agree(found, emails, query)
        _tables_agree(found, data.draw(st.sampled_from(Hits)))
        _lists_agree(every, pages, emails, query)


def paged(store: Store, query: EmailQuery, *, limit: int) -> list[Email]:
    page = analytics.emails(store, query, limit=limit)
    found = [*page.items]
    while page.next_token:
        page = analytics.emails(store, query, limit=limit, token=page.next_token)
        found += page.items
    return found


def _summary_agrees(found: Overview, passing: Sequence[Email], query: EmailQuery) -> None:
    days = by_day(passing, query)
    assert told(found.summary.totals) == counts_of(passing, query)
    assert [day["date"] for day in found.summary.series] == sorted(days)
    assert {str(day["date"]): told(day) for day in found.summary.series} == days


def _breakdown_agrees(rows: Sequence[BreakdownRow], name: str, passing: Sequence[Email], query: EmailQuery) -> None:
    expected = {key: some for key, some in grouped(passing, name).items() if counts_of(some, query)}
    keys = [fold(row.value) if name.startswith("utm_") else row.value for row in rows]
    assert sorted(keys) == sorted(expected)
    for key, row in zip(keys, rows, strict=True):
        counted = [email for email in expected[key] if counts_of([email], query)]
        spellings = Counter(VALUES[name](email) for email in counted if query.wants_status(email.status))
        assert told(row.counts) == counts_of(expected[key], query)
        assert not spellings or spellings[row.value] == max(spellings.values())
        assert (row.first, row.last) == (min(days := [day_of(email, query) for email in counted]), max(days))
    assert [row.counts["sent"] for row in rows] == sorted((row.counts["sent"] for row in rows), reverse=True)


def _choices_agree(found: Overview, emails: Sequence[Email], query: EmailQuery) -> None:
    everything = [email for email in emails if EmailQuery(start=query.start, end=query.end, zone=query.zone).matches(email)]
    for name in VALUES:
        expected = {key: len(some) for key, some in grouped(everything, name).items() if key}
        choices = found.choices[name]
        assert {fold(one.value) if name.startswith("utm_") else one.value: one.count for one in choices} == expected
        assert [one.count for one in choices] == sorted(expected.values(), reverse=True)


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a series, as a table takes it."""

    first: date
    last: date
    values: Counts


def _tables_agree(found: Overview, shown: Hits) -> None:
    """What a spreadsheet reads is what the page shows: row by row, and in all what the tiles say."""
    days = [(date.fromisoformat(str(day["date"])), {word: int(day[word]) for word in ALL_WORDS}) for day in found.summary.series]
    tables = {"first_date": series_table([Day(day, day, counts) for day, counts in days], hits=shown)}
    tables |= {name: breakdown_table(found.breakdowns[name], name, hits=shown) for name in VALUES}
    counts = {"first_date": [counts for _, counts in days]}
    counts |= {name: [row.counts for row in found.breakdowns[name]] for name in VALUES}
    other = {"opened_any", "clicked_any"} if shown is Hits.PEOPLE else {"opened", "clicked"}
    for name, table in tables.items():
        rows = read_csv(table)
        assert [{word: int(row[word]) for word in ALL_WORDS - other} for row in rows] == [
            {word: some[word] for word in ALL_WORDS - other} for some in counts[name]
        ]
        assert all(int(row["created"]) == sum(int(row[state]) for state in STATES) for row in rows)
        assert not rows or not other & set(rows[0])
        for word in ALL_WORDS - other:
            assert sum(int(row[word]) for row in rows) == found.summary.totals[word]


def read_csv(table: Table) -> list[dict[str, str]]:
    header, rows = table
    text = "".join(csv_lines(header, rows)).removeprefix("\ufeff")
    return list(csv.DictReader(text.splitlines()))


def _lists_agree(every: Sequence[Email], pages: Sequence[Email], emails: Sequence[Email], query: EmailQuery) -> None:
    """The CSV and the pages have each e-mail once, newest first."""
    expected = sorted(filter(query.matches, emails), key=lambda email: (email.created_at, email.id), reverse=True)
    rows = read_csv((EMAIL_COLUMNS, [email_row(email, "Spring") for email in every]))
    assert [email.id for email in pages] == [email.id for email in expected]
    assert [(row["id"], row["status"], row["createdAt"]) for row in rows] == [
        (email.id, email.status.value, item_of(email)["createdAt"]) for email in expected
    ]
