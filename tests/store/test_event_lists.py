"""Lists of events by date and filter, on the real engine."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.domain.errors import BadToken
from crm.domain.event_drafts import EventDraft, Step
from crm.domain.event_filters import EventFilter
from crm.services.event_board import Tab, board, walk
from crm.store import Store, schema
from crm.store.event_lists import EventPage
from crm.store.table import Table
from tests.conftest import store_over
from tests.factories import NOW, make_event
from tests.services.year_of_events import NOW as YEARS_NOW
from tests.services.year_of_events import Years, filters, make_years, moments

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY = timedelta(days=1)


def test_an_event_of_several_days_is_found_on_each_of_them_and_not_after(store: Store) -> None:
    camp = make_event(start_at=NOW, end_at=NOW + 31 * DAY)
    store.events.create(camp, [], [], now=NOW)

    found = [
        [event.id for event in store.events.page(start=NOW + day * DAY, end=NOW + day * DAY + timedelta(hours=1)).items]
        for day in (-1, 0, 15, 30, 31)
    ]

    assert found == [[], [camp.id], [camp.id], [camp.id], []]


def test_what_goes_on_comes_first_and_pages_with_what_begins_later(store: Store) -> None:
    begun = [make_event(start_at=NOW - (6 - number) * DAY, end_at=NOW + DAY) for number in range(5)]
    over = [make_event(start_at=NOW - 3 * DAY) for _ in range(5)]
    later = [make_event(start_at=NOW + number * DAY) for number in range(5)]
    for event in [*later, *over, *begun]:
        store.events.create(event, [], [], now=NOW)
    wanted = [event.id for event in [*begun, *later]]

    first = store.events.page(start=NOW, limit=4)
    second = store.events.page(start=NOW, limit=4, token=first.next_token)
    third = store.events.page(start=NOW, limit=4, token=second.next_token)
    back = store.events.page(start=NOW, limit=4, token=third.prev_token)

    assert [event.id for page in (first, second, third) for event in page.items] == wanted
    assert (first.prev_token, third.next_token) == (None, None)
    assert back.items == second.items
    assert store.events.count(start=NOW) == 10


@pytest.fixture(scope="module")
def calendar(dynamodb: "DynamoDBClient") -> Iterator[tuple[Store, Years]]:
    """A store with three years of events that no test changes."""
    table = Table(dynamodb, f"Test{uuid.uuid4().hex}")
    table.create_missing()
    store = store_over(table)
    yield store, make_years(store, 70)
    dynamodb.delete_table(TableName=table.name)


def ids(pages: Iterable[EventPage]) -> list[str]:
    return [event.id for page in pages for event in page.items]


def forward(read: Callable[[str | None], EventPage]) -> list[EventPage]:
    """All pages from the first to the last."""
    pages = [read(None)]
    while pages[-1].next_token:
        pages.append(read(pages[-1].next_token))
    return pages


def backward(read: Callable[[str | None], EventPage], last: EventPage) -> list[EventPage]:
    """All pages from the last to the first, in the order of the list."""
    pages = [last]
    while pages[0].prev_token:
        pages.insert(0, read(pages[0].prev_token))
    return pages


@settings(max_examples=30, deadline=None)
@given(data=st.data(), limit=st.sampled_from([1, 3, 10, 50]), newest_first=st.booleans())
def test_every_filter_is_answered_like_plain_python(
    calendar: tuple[Store, Years], data: st.DataObject, limit: int, newest_first: bool
) -> None:
    store, years = calendar
    wanted = data.draw(filters(years))
    expected = years.matching(wanted)
    expected = expected[::-1] if newest_first else expected
    limit = max(limit, len(expected) // 4)

    def read(token: str | None) -> EventPage:
        return store.events.list(wanted, limit=limit, token=token, newest_first=newest_first)

    pages = forward(read)

    assert ids(pages) == expected
    assert all(len(page.items) == limit for page in pages[:-1])
    assert ids(backward(read, pages[-1])) == expected
    assert [event.id for event in store.events.walk_list(wanted, newest_first=newest_first)] == expected
    assert store.events.count_of(wanted) == len(expected)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), limit=st.sampled_from([2, 7, 50]))
def test_the_four_lists_share_out_what_a_filter_finds(calendar: tuple[Store, Years], data: st.DataObject, limit: int) -> None:
    store, years = calendar
    wanted = replace(data.draw(filters(years)), cancelled=None)
    wanted = data.draw(st.sampled_from([wanted, wanted, EventFilter()]))
    now = data.draw(moments(years).filter(bool))
    found = years.matching(wanted)
    expected = {
        Tab.UPCOMING: [one for one in found if one in years.matching(EventFilter(start=now, cancelled=False))],
        Tab.PAST: [one for one in found[::-1] if one in years.matching(EventFilter(ended_by=now, cancelled=False))],
        Tab.DRAFTS: [],
        Tab.CANCELLED: [one for one in found[::-1] if one in years.cancelled],
    }
    tab = data.draw(st.sampled_from([Tab.UPCOMING, Tab.PAST, Tab.CANCELLED]))

    def read(token: str | None) -> EventPage:
        page = board(store, wanted, tab, now=now, limit=limit, token=token).page
        assert isinstance(page, EventPage)
        return page

    pages = forward(read)

    assert board(store, wanted, tab, now=now, limit=limit).counts == {one: len(expected[one]) for one in Tab}
    assert ids(pages) == expected[tab]
    assert ids(backward(read, pages[-1])) == expected[tab]
    assert [event.id for event in walk(store, wanted, tab, now=now)] == expected[tab]


def test_a_table_whose_index_carries_nothing_is_read_as_rightly(dynamodb: "DynamoDBClient") -> None:
    request = schema.create_request(f"Test{uuid.uuid4().hex}")
    for index in request["GlobalSecondaryIndexes"]:
        if index["IndexName"] == schema.BY_DATE.name:
            index["Projection"] = {"ProjectionType": "KEYS_ONLY"}
    dynamodb.create_table(**request)
    store = store_over(Table(dynamodb, request["TableName"]))
    years = make_years(store, 25)

    for wanted in (
        EventFilter(start=YEARS_NOW),
        EventFilter(start=YEARS_NOW, end=YEARS_NOW + 40 * DAY, cancelled=False),
        EventFilter(q="spr", place="göte"),
        EventFilter(host=years.hosts[0], ended_by=YEARS_NOW),
    ):
        assert ids(forward(partial(token_of, store, wanted))) == years.matching(wanted)
        assert store.events.count_of(wanted) == len(years.matching(wanted))


def token_of(store: Store, wanted: EventFilter, token: str | None) -> EventPage:
    return store.events.list(wanted, limit=4, token=token)


def test_pages_go_on_where_they_stopped_while_events_begin_and_end(store: Store) -> None:
    made = [store.events.create(make_event(start_at=NOW + hour * timedelta(hours=1)), [], [], now=NOW).id for hour in range(12)]

    first = board(store, EventFilter(), Tab.UPCOMING, now=NOW, limit=5)
    second = board(store, EventFilter(), Tab.UPCOMING, now=NOW + timedelta(hours=4), limit=5, token=first.page.next_token)

    assert [event.id for event in [*first.page.items, *second.page.items]] == made[:10]


def test_a_token_of_another_list_or_filter_is_refused(store: Store) -> None:
    for _ in range(3):
        store.events.create(make_event(), [], [], now=NOW)
    token = board(store, EventFilter(), Tab.UPCOMING, now=NOW, limit=1).page.next_token

    for wanted, tab in ((EventFilter(), Tab.PAST), (EventFilter(q="meet"), Tab.UPCOMING)):
        with pytest.raises(BadToken):
            board(store, wanted, tab, now=NOW, limit=1, token=token)


def test_what_was_typed_as_a_draft_is_filtered_like_events(store: Store) -> None:
    times = {"startDate": "2026-07-01", "endDate": "2026-07-03", "timezone": "Europe/Stockholm", "city": "Göteborg"}
    dated = EventDraft(id="d1", created_at=NOW, updated_at=NOW).with_step(Step.BASICS, {"title": "Spring party"})
    dated = dated.with_step(Step.WHEN, times)
    undated = EventDraft(id="d2", created_at=NOW, updated_at=NOW).with_step(Step.BASICS, {"title": "Spring talk"})
    for draft in (dated, undated):
        store.drafts.create(draft)
    days = EventFilter(start=datetime(2026, 7, 3, 10, tzinfo=UTC), end=datetime(2026, 7, 4, tzinfo=UTC))

    found = [
        {draft.id for draft in board(store, wanted, Tab.DRAFTS, now=NOW, limit=50).page.items}
        for wanted in (EventFilter(), EventFilter(q="spring"), EventFilter(place="göte"), days, EventFilter(host="nobody"))
    ]

    assert found == [{"d1", "d2"}, {"d1", "d2"}, {"d1"}, {"d1"}, set()]
