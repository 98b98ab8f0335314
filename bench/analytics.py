"""Results of mailings: the first page, the analytics and the API, with more and more e-mails, beside a scan for them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from bench import naive
from bench.mailings import Mailings, with_more_campaigns, with_more_recipients, write_community, write_mailings
from bench.meter import Reading
from bench.place import Place, tell
from bench.report import Bound, Cell, Grid, Result
from bench.staff import Staff, staff_of
from crm.domain.emails import EmailState
from crm.domain.metrics import EmailQuery, query_values
from crm.domain.outcomes import Outcome
from crm.store import Store
from crm.store.cost import Cost
from crm.store.outcomes import LATER

LIMIT = 25
DAYS = 30
FULL = 1_000
"""From so many e-mails on it is judged: a list finds in each partition as many as it asks for, each campaign has all kinds."""
UNITS_OF_ROW = 0.125
"""Read units of a counter row of one campaign and hour: half a kilobyte, read consistently."""
ROUNDED = 1.0
"""Read units by which the counters that one request reads are rounded up: larger numbers are longer by a few bytes."""
COLUMNS = (
    "what is read",
    "e-mails",
    "campaigns",
    "returned",
    "requests",
    "items",
    "units",
    "ms",
    "naive requests",
    "items",
    "units",
    "ms",
    "naive/ours",
)
NOTES = (
    "Pages are read through the site by somebody who is signed in, the rest through the API with a token.",
    "naive: the whole table is looked through for e-mails, 100 items at a time; filtered, sorted and added up in memory.",
    "naive/ours: read units of the naive way for each of ours. ms are shown, never judged.",
)


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is read; `read` returns how many e-mails, None for a page.

    With more campaigns it may read `rows` of counters for each and its one hour, in `longer` requests more where these are more
    than a megabyte, and `subjects` of those that can't be named where they are fewer. `rounded` is by how many read units its
    counters are longer where their numbers are larger.
    """

    name: str
    read: Callable[[Staff, Mailings], int | None]
    rows: int = 1
    subjects: int = 0
    longer: int = 0
    rounded: float = ROUNDED


@dataclass(slots=True)
class Asked:
    """What one question cost, and how that is told, by size."""

    costs: list[Cost] = field(default_factory=list)
    rows: list[tuple[Cell, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Growth:
    """A way in which mailings become more; `judge` holds the costs of a question against it."""

    title: str
    make: Callable[[int, datetime], Mailings]
    judge: Callable[[Question, Sequence[Cost], Sequence[Mailings]], list[Bound]]


def run(place: Place, sizes: Sequence[int]) -> Result:
    """Ask every question at every size, growing both ways; judged where there is more than one size, and none is tiny."""
    now = datetime.now(UTC)
    result = Result()
    for growth in GROWTHS:
        asked = {question.name: Asked() for question in QUESTIONS}
        made = [growth.make(size, now) for size in sizes]
        for mailings in made:
            with _community(place, mailings, now) as (store, staff):
                _ask(place, store, staff, mailings, asked)
        rows = [row for one in asked.values() for row in one.rows]
        result.grids.append(Grid(title=f"Analytics, {growth.title}", columns=COLUMNS, rows=rows, notes=NOTES))
        if len(made) > 1 and sizes[0] >= FULL:
            result.bounds.extend(bound for one in QUESTIONS for bound in growth.judge(one, asked[one.name].costs, made))
    return result


@contextmanager
def _community(place: Place, mailings: Mailings, now: datetime) -> Iterator[tuple[Store, Staff]]:
    with place.store() as store, staff_of(store) as staff:
        tell(f"writing {mailings.emails:,} e-mails of {len(mailings.campaigns):,} campaigns")
        write_community(store, now)
        write_mailings(store, mailings)
        tell("reading what became of them")
        yield store, staff


def _ask(place: Place, store: Store, staff: Staff, mailings: Mailings, asked: Mapping[str, Asked]) -> None:
    """Ask everything once; what answers differently than the naive way is an AssertionError."""
    with place.meter.reading() as scan:
        emails = list(naive.every_email(store.table))
    found = naive.newest(emails, _wanted(mailings), limit=LIMIT)
    assert [one["id"] for one in staff.ask(_list_of(_wanted(mailings)))["items"]] == [email.id for email in found]
    assert naive.summary(emails, EmailQuery()).items() <= staff.ask("/emails/analytics/summary")["totals"].items()
    for question in QUESTIONS:
        question.read(staff, mailings)
        with place.meter.reading() as reading:
            returned = question.read(staff, mailings)
        asked[question.name].costs.append(reading.cost)
        asked[question.name].rows.append(_row(question, mailings, returned, reading, scan))


def _row(question: Question, mailings: Mailings, returned: int | None, ours: Reading, naively: Reading) -> tuple[Cell, ...]:
    what = (question.name, mailings.emails, len(mailings.campaigns), returned)
    return (*what, *_shown(ours), *_shown(naively), naively.cost.read_units / ours.cost.read_units)


def _shown(reading: Reading) -> tuple[Cell, ...]:
    cost = reading.cost
    return cost.requests, cost.items_read, cost.read_units, round(1000 * reading.seconds, 1)


# what is asked


def _wanted(mailings: Mailings) -> EmailQuery:
    """What was sent of one campaign: the latest, which most e-mails are of."""
    return EmailQuery(statuses=(EmailState.SENT,), utm_campaign=(mailings.latest.utm.campaign,))


def _month(mailings: Mailings) -> EmailQuery:
    last = mailings.latest.updated_at.date()
    return EmailQuery(start=last - timedelta(days=DAYS - 1), end=last)


def _list_of(query: EmailQuery, **more: str) -> str:
    return f"/emails/analytics?{urlencode({**query_values(query), 'limit': LIMIT, **more}, doseq=True)}"


def _dashboard(staff: Staff, _: Mailings) -> None:
    staff.page("/")


def _page(staff: Staff, mailings: Mailings) -> None:
    staff.page(f"/analytics/?{urlencode(query_values(_month(mailings)), doseq=True)}")


def _page_by_domain(staff: Staff, mailings: Mailings) -> None:
    staff.page(f"/analytics/?{urlencode({**query_values(_month(mailings)), 'by': 'domain'}, doseq=True)}")


def _sent(staff: Staff, mailings: Mailings) -> int:
    return len(staff.ask(_list_of(_wanted(mailings)))["items"])


def _two_pages(staff: Staff, _: Mailings) -> int:
    sent = EmailQuery(statuses=(EmailState.SENT,))
    first = staff.ask(_list_of(sent))
    return len(first["items"]) + len(staff.ask(_list_of(sent, nextToken=first["nextToken"]))["items"])


def _failed(staff: Staff, _: Mailings) -> int:
    return len(staff.ask(_list_of(EmailQuery(statuses=(EmailState.FAILED,))))["items"])


def _opened(staff: Staff, mailings: Mailings) -> int:
    return len(staff.ask(_list_of(replace(_wanted(mailings), outcome=Outcome.OPENED)))["items"])


def _newest(staff: Staff, mailings: Mailings) -> int:
    return len(staff.ask(_list_of(_month(mailings)))["items"])


def _sums(staff: Staff, mailings: Mailings) -> int:
    return _emails_in(staff.ask(f"/emails/analytics/summary?{urlencode(query_values(_month(mailings)), doseq=True)}")["totals"])


def _sums_of_all(staff: Staff, _: Mailings) -> int:
    return _emails_in(staff.ask("/emails/analytics/summary")["totals"])


def _emails_in(totals: Mapping[str, int]) -> int:
    return sum(totals[state] for state in EmailState)


WORDS = len(EmailState) + len(LATER)
"""What is counted of an e-mail: by domain, each of them has a row of its own."""
QUESTIONS = (
    Question("first page", _dashboard),
    Question("analytics of a month", _page, subjects=60),
    Question("analytics by domain", _page_by_domain, rows=1 + WORDS, subjects=60, longer=1, rounded=4 * ROUNDED),
    Question("list: sent of a UTM campaign", _sent),
    Question("list: newest of a month", _newest),
    Question("list: newest sent, two pages", _two_pages, rows=2),
    Question("list: newest that failed", _failed),
    Question("list: opened of a UTM campaign", _opened),
    Question("sums of a month", _sums),
    Question("sums of everything", _sums_of_all),
)


# what is promised


def _with_recipients(question: Question, costs: Sequence[Cost], made: Sequence[Mailings]) -> list[Bound]:
    """Nothing grows."""
    first, units = costs[0], costs[0].read_units + question.rounded
    growth = max(
        ratio
        for cost in costs[1:]
        for ratio in (cost.requests / first.requests, cost.items_read / first.items_read, cost.read_units / units)
    )
    return [Bound(promise=f"{question.name}: growth with more recipients", measured=growth, most=1.0)]


def _with_campaigns(question: Question, costs: Sequence[Cost], made: Sequence[Mailings]) -> list[Bound]:
    """Requests don't grow, items by a counter row of each campaign's hour, units by what these take."""
    first = costs[0]
    grown = [
        (
            (cost.requests - question.longer) / first.requests,
            _each(cost.items_read - first.items_read - question.subjects, len(there.campaigns) - len(made[0].campaigns)),
            _each(cost.read_units - first.read_units - question.subjects, len(there.campaigns) - len(made[0].campaigns)),
        )
        for cost, there in zip(costs[1:], made[1:], strict=True)
    ]
    requests, items, units = (max(some) for some in zip(*grown, strict=True))
    return [
        Bound(promise=f"{question.name}: requests, growth with more campaigns", measured=requests, most=1.0),
        Bound(promise=f"{question.name}: items for each campaign more", measured=items, most=question.rows),
        Bound(promise=f"{question.name}: read units for each campaign more", measured=units, most=question.rows * UNITS_OF_ROW),
    ]


def _each(grown: float, more: int) -> float:
    """How much for each campaign more; nothing where there are no more."""
    return max(0.0, grown) / more if more else 0.0


GROWTHS = (
    Growth("the same campaigns, more recipients", with_more_recipients, _with_recipients),
    Growth("more campaigns, the same recipients", with_more_campaigns, _with_campaigns),
)
