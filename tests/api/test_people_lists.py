"""One filter, asked for in every way there is: page, API forward and back, CSV and count say the same as plain Python."""

import csv
import io
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.domain.filters import Order, PeopleFilter, filter_values, parse_filter
from crm.store import Store
from crm.store.table import Table
from tests.api.conftest import Script
from tests.conftest import store_over
from tests.factories import NOW
from tests.store.crowd import CROWD, Crowd, attend, filters, grouped, in_order, make_crowd

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIMITS = st.lists(st.integers(1, 200), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def hall(dynamodb: "DynamoDBClient") -> Iterator[tuple[Store, Crowd]]:
    """A store with a crowd in it that no test changes."""
    table = Table(dynamodb, f"Test{uuid.uuid4().hex}", clock=lambda: NOW)
    table.create_missing()
    store = store_over(table)
    crowd = make_crowd(store, CROWD, seed=2)
    attend(store, crowd, seed=2)
    yield store, crowd
    dynamodb.delete_table(TableName=table.name)


@pytest.fixture
def store(hall: tuple[Store, Crowd]) -> Store:
    """The store behind the pages and the API of this module."""
    return hall[0]


def can_be_asked_for(wanted: PeopleFilter) -> bool:
    """A range from more to less is refused, and so is a segment that is gone, which other tests look at."""
    ranges = ((wanted.hosted_min, wanted.hosted_max), (wanted.attended_min, wanted.attended_max))
    return all(low is None or high is None or low <= high for low, high in ranges) and "gone" not in wanted.segment_ids


def listed(script: Script, query: list[tuple[str, str]], limits: list[int]) -> tuple[list[str], list[str]]:
    """Ids of the whole list by the API, as pages of these sizes in turn give it from the first on, and from the last one back."""
    pages: list[list[str]] = []

    def read(token: list[tuple[str, str]]) -> dict[str, str | None]:
        limit = limits[len(pages) % len(limits)]
        status, answer = script.get(f"/users?{urlencode([*query, *token, ('limit', str(limit))])}")
        assert status == 200, answer
        pages.append([person["id"] for person in answer["items"]])
        return {name: answer[name] for name in ("nextToken", "prevToken")}

    tokens = read([])
    while following := tokens["nextToken"]:
        tokens = read([("nextToken", following)])
    forward, last = [id_ for page in pages for id_ in page], pages[-1]
    pages = []
    while before := tokens["prevToken"]:
        tokens = read([("prevToken", before)])
    return forward, [id_ for page in reversed(pages) for id_ in page] + last


def in_file(browser: Client, query: list[tuple[str, str]]) -> list[str]:
    """Ids of the CSV."""
    response = browser.get(f"/people/export.csv?{urlencode(query)}")
    assert response.status_code == 200
    assert isinstance(response, StreamingHttpResponse)
    content = b"".join(response.streaming_content).decode("utf-8-sig")
    return [row["ID"] for row in csv.DictReader(io.StringIO(content, newline=""))]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=(filters() | grouped()).filter(can_be_asked_for), order=st.sampled_from(list(Order)), limits=LIMITS)
def test_page_api_file_and_count_agree_with_plain_python(
    hall: tuple[Store, Crowd],
    script: Script,
    sign_in: Callable[[str], Client],
    wanted: PeopleFilter,
    order: Order,
    limits: list[int],
) -> None:
    store, crowd = hall
    filter_query = [(name, value) for name, values in filter_values(wanted).items() for value in values]
    list_query = [*filter_query, *([("order", order.value)] if order.value else [])]
    matching = crowd.matching(wanted)

    page = store.people.page(wanted, order=order, limit=200)
    forward, backward = listed(script, list_query, [max(limit, len(matching) // 5) for limit in limits])
    file = in_file(sign_in("Editor"), list_query)
    count = script.get(f"/users/count?{urlencode(filter_query)}")

    expected = [person.id for person in in_order(matching, page.order, crowd.searched(wanted))]
    assert [person.id for person in page.items] == expected
    assert (forward, backward, file) == (expected, expected, expected)
    assert count == (200, {"count": len(expected)})
    assert parse_filter(filter_values(wanted)).fingerprint() == wanted.fingerprint()
