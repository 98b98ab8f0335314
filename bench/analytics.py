"""Results of mailings: a month's summary and the newest e-mails, whatever the number of e-mails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bench.place import Place, tell
from bench.report import Bound, Cell, Grid, Result
from crm.domain.campaigns import Utm
from crm.domain.emails import Email, EmailState
from crm.domain.ids import email_id
from crm.domain.metrics import EmailQuery
from crm.services import analytics
from crm.services.demo.people import demo_id
from crm.store import Store
from crm.store.cost import Cost
from crm.store.emails import item_of
from crm.store.keys import LANES
from crm.store.outcomes import email_changes, email_labels
from crm.store.requests import Put

LIMIT = 25
ASKED = LIMIT + 2
"""E-mails that a list page asks each partition for: one for the next page, one for the place where the page before ended."""
ITEM_UNITS = 2.5
"""Read units of so many e-mails at 700 bytes."""
HISTORY, EACH = 11, 20
"""Campaigns of the weeks before, and the e-mails of each: the same at every size."""
LATEST = datetime(2026, 5, 28, 10, tzinfo=UTC)
OUTCOMES = (EmailState.SENT,) * 14 + (EmailState.FAILED,) * 3 + (EmailState.SKIPPED,) * 3
"""More went wrong than ever does, so that every list is full at 1,000 e-mails already."""
AT_ONCE = 95
MONTH = EmailQuery(start=date(2026, 5, 1), end=date(2026, 5, 31))
FAILED = EmailQuery(statuses=(EmailState.FAILED,))
COLUMNS = ("what is read", "e-mails", "returned", "requests", "items", "read units", "ms")
NOTES = (
    f"{HISTORY} campaigns of {EACH} e-mails in the weeks before, and the e-mails counted here, all in one hour of the month.",
)


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is read; `read` returns how many were found. `partitions` are those of the index, at most."""

    name: str
    read: Callable[[Store], int]
    partitions: int = 0


def run(place: Place, sizes: Sequence[int]) -> Result:
    """Ask every question at every size; what it costs is judged where there is more than one size."""
    costs: dict[str, list[Cost]] = {}
    rows: dict[str, list[tuple[Cell, ...]]] = {}
    for size in sizes:
        with place.store() as store:
            tell(f"writing {size:,} e-mails")
            _write(store, size)
            for question in QUESTIONS:
                with place.meter.reading() as reading:
                    returned = question.read(store)
                cost = reading.cost
                costs.setdefault(question.name, []).append(cost)
                shown = (cost.requests, cost.items_read, cost.read_units, round(1000 * reading.seconds, 1))
                rows.setdefault(question.name, []).append((question.name, size, returned, *shown))
    ordered = [row for some in rows.values() for row in some]
    bounds = [_bound(question, costs[question.name], sizes) for question in QUESTIONS] if len(sizes) > 1 else []
    return Result([Grid(title="Analytics", columns=COLUMNS, rows=ordered, notes=NOTES)], bounds)


def _month(store: Store) -> int:
    return len(analytics.summary(store, MONTH).series)


def _everything(store: Store) -> int:
    return len(analytics.summary(store, EmailQuery()).series)


def _newest(store: Store) -> int:
    return len(analytics.emails(store, MONTH, limit=LIMIT).items)


def _two_pages(store: Store) -> int:
    first = analytics.emails(store, MONTH, limit=LIMIT)
    return len(first.items) + len(analytics.emails(store, MONTH, limit=LIMIT, token=first.next_token).items)


def _failed(store: Store) -> int:
    return len(analytics.emails(store, FAILED, limit=LIMIT).items)


STATUSES = len(set(OUTCOMES))
QUESTIONS = (
    Question("summary of a month (days)", _month),
    Question("summary of everything (days)", _everything),
    Question("newest of a month", _newest, STATUSES * LANES),
    Question("newest of a month, two pages", _two_pages, 2 * STATUSES * LANES),
    Question("newest that failed", _failed, LANES),
)


def _bound(question: Question, costs: Sequence[Cost], sizes: Sequence[int]) -> Bound:
    """Judge against the smallest size, or a full page from every partition where that size did not fill it."""
    first = costs[0]
    items = max(first.items_read, question.partitions * ASKED)
    units = max(first.read_units, question.partitions * ITEM_UNITS)
    growth = [
        ratio
        for cost in costs[1:]
        for ratio in (cost.requests / first.requests, cost.items_read / items, cost.read_units / units)
    ]
    promise = f"{question.name}: growth from {sizes[0]:,} to {sizes[-1]:,} e-mails"
    return Bound(promise=promise, measured=max(growth), most=1.0)


def _write(store: Store, size: int) -> None:
    """Write the history and the latest mailing, with their counts, as sending leaves them."""
    for place in range(HISTORY):
        began = LATEST - timedelta(days=2 * place + 2)
        _write_all(store, [_email(place, number, began) for number in range(EACH)])
    step = timedelta(minutes=59) / size
    _write_all(store, [_email(HISTORY, number, LATEST + number * step) for number in range(size)])
    store.stats.fold_all()


def _email(campaign: int, number: int, created: datetime) -> Email:
    campaign_id, user_id = demo_id(1, "campaign", campaign), demo_id(1, "person", number)
    return Email(
        id=email_id(campaign_id, user_id),
        campaign_id=campaign_id,
        user_id=user_id,
        email=f"somebody.{number}@letterbox.example",
        status=OUTCOMES[number % len(OUTCOMES)],
        utm=Utm(campaign=f"bench-{campaign}", source="crm", medium="newsletter"),
        created_at=created,
        sent_at=created + timedelta(seconds=3),
    )


def _write_all(store: Store, emails: Sequence[Email]) -> None:
    for start in range(0, len(emails), AT_ONCE):
        some = emails[start : start + AT_ONCE]
        counts = store.stats.delta(
            email_changes([(None, email) for email in some]), labels=email_labels(some), now=some[0].created_at
        )
        store.table.write([*[Put(item=item_of(email)) for email in some], *counts])
        store.stats.keep_up()
