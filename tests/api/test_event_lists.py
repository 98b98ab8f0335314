"""GET /api/events beside a plain filter: any events, any range, pages of any size, forwards and back."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import wiring
from crm.domain.events import Event
from crm.store import Store
from crm.store.table import Table
from tests.api.conftest import Script
from tests.conftest import store_over
from tests.factories import make_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ZONES = (ZoneInfo("Europe/Stockholm"), ZoneInfo("America/New_York"))
EDGES = [
    *(date(year, month, 1) for year, month in ((2025, 1), (2026, 1), (2026, 2), (2026, 3), (2028, 3), (2026, 7), (2027, 1))),
    *(date(2026, 3, 29), date(2026, 10, 25)),  # summer time begins and ends in Europe
    *(date(2026, 3, 8), date(2026, 11, 1)),  # and in America
]
TIMES = [time(0), time(0, 0, 0, 1000), time(0, 30), time(2, 30), time(12), time(23, 59, 59, 999000)]
LENGTHS = [timedelta(minutes=1), *(timedelta(hours=hours) for hours in (1, 24, 25, 30 * 24, 31 * 24))]


@dataclass(frozen=True)
class Asked:
    """A range, None is open, and how many events a page may have."""

    start: datetime | None
    end: datetime | None
    limit: int

    def holds(self, event: Event) -> bool:
        return (self.start is None or event.end_at > self.start) and (self.end is None or event.start_at <= self.end)


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    """A local moment near the end of a year or a month, or a change of summer time, in one of two zones."""
    day = draw(st.sampled_from(EDGES)) + timedelta(days=draw(st.integers(-2, 2)))
    return datetime.combine(day, draw(st.sampled_from(TIMES)), draw(st.sampled_from(ZONES)))


@st.composite
def events(draw: st.DrawFn) -> Event:
    starts = draw(moments()).astimezone(UTC)
    lasts = draw(st.sampled_from(LENGTHS) | st.integers(1, 31 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes)))
    return make_event(start_at=starts, end_at=starts + lasts)


def asked_between(one: datetime | None, other: datetime | None, limit: int) -> Asked:
    """A range of these two ends, the earlier one first."""
    if one is not None and other is not None and other.astimezone(UTC) < one.astimezone(UTC):
        one, other = other, one
    return Asked(start=one, end=other, limit=limit)


@st.composite
def lists(draw: st.DrawFn) -> tuple[list[Event], list[Asked]]:
    """Some events, and ranges whose ends are anywhere, often at the very moment at which one of them begins or ends."""
    there = draw(st.lists(events(), max_size=14))
    own = [moment for event in there for moment in (event.start_at, event.end_at)]
    bounds = st.none() | moments() | (st.sampled_from(own) if own else st.none())
    asked = st.builds(asked_between, bounds, bounds, st.integers(1, 5))
    return there, draw(st.lists(asked, min_size=3, max_size=3))


@contextmanager
def site_with(dynamodb: "DynamoDBClient", there: list[Event]) -> Iterator[Store]:
    """The API over a table of its own, in which these events are."""
    table = Table(dynamodb, f"Test{uuid.uuid4().hex}")
    table.create_missing()
    store = store_over(table)
    wiring.set_store(store)
    try:
        for event in there:
            store.events.create(event, [], [], now=event.created_at)
        yield store
    finally:
        dynamodb.delete_table(TableName=table.name)


def pages(script: Script, asked: Asked, token_name: str, token: str | None = None) -> list[dict[str, Any]]:
    """All pages from the first one, or from a token, in that direction."""
    ends = {"from": asked.start, "to": asked.end}
    query = {name: moment.isoformat() for name, moment in ends.items() if moment is not None}
    found: list[dict[str, Any]] = []
    while not found or token:
        words = urlencode({**query, "limit": asked.limit, **({token_name: token} if token else {})})
        status, page = script.get(f"/events?{words}")
        assert status == 200, page
        found.append(page)
        token = page[token_name]
    return found


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [event["id"] for page in found for event in page["items"]]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(drawn=lists())
def test_any_list_has_what_a_plain_filter_finds_in_order_each_once_forwards_and_back(
    script: Script, dynamodb: "DynamoDBClient", drawn: tuple[list[Event], list[Asked]]
) -> None:
    there, ranges = drawn

    with site_with(dynamodb, there):
        for asked in ranges:
            on = pages(script, asked, "nextToken")
            back = pages(script, asked, "prevToken", on[-1]["prevToken"])[::-1] if on[-1]["prevToken"] else on[-1:]

            expected = sorted(filter(asked.holds, there), key=lambda event: (event.start_at, event.id))
            assert ids(on) == [event.id for event in expected]
            assert all(len(page["items"]) == asked.limit for page in on[:-1])
            assert ids(back) == (ids(on[:-1]) if len(on) > 1 else ids(on))


def test_an_event_of_three_days_is_on_each_of_them_and_on_no_other_also_over_a_change_of_summer_time(
    script: Script, store: Store
) -> None:
    zone = ZONES[0]
    starts, ends = datetime(2026, 3, 28, 22, tzinfo=zone), datetime(2026, 3, 31, tzinfo=zone)
    event = make_event(start_at=starts.astimezone(UTC), end_at=ends.astimezone(UTC))
    store.events.create(event, [], [], now=event.created_at)

    def on(day: date) -> bool:
        first, behind = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
        asked = {"from": first.isoformat(), "to": (behind - timedelta(milliseconds=1)).isoformat()}
        return bool(script.get(f"/events?{urlencode(asked)}")[1]["items"])

    days = [date(2026, 3, 26) + timedelta(days=step) for step in range(8)]
    assert [f"{day:%d}" for day in days if on(day)] == ["28", "29", "30"]


def test_a_token_of_one_range_does_not_open_another(script: Script, store: Store) -> None:
    for number in range(3):
        event = make_event(slug=f"e-{number}")
        store.events.create(event, [], [], now=event.created_at)
    token = script.get("/events?limit=1&from=2026-01-01T00:00:00Z")[1]["nextToken"]

    status, answer = script.get(f"/events?limit=1&from=2026-01-02T00:00:00Z&nextToken={token}")

    assert (status, answer["title"]) == (400, "Malformed request")
