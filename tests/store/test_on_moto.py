"""The same repositories over moto, a second implementation of DynamoDB: nothing here may lean on a quirk of one engine.

Only what is small and single-threaded: moto loses updates between threads and ignores request tokens.
"""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from crm.domain.errors import Conflict
from crm.domain.filters import PeopleFilter
from crm.services import people
from crm.store import Store
from crm.store.table import Table
from tests.conftest import store_over
from tests.factories import NOW, make_profile


@pytest.fixture
def store() -> Iterator[Store]:
    with mock_aws():
        table = Table(boto3.client("dynamodb", region_name="eu-west-1"), "CommunityApp")
        table.create_missing()
        yield store_over(table)


def test_the_table_is_whole_after_creation(store: Store) -> None:
    assert store.table.missing() == []
    assert store.table.create_missing() == []


def test_people_are_found_by_company_in_order_of_their_names(store: Store) -> None:
    for last_name, company in (("Lovelace", "Acme"), ("Hopper", "ACME "), ("Noether", "Other")):
        people.add(store, make_profile(last_name=last_name, company=company), now=NOW)

    page = store.people.page(PeopleFilter(company=("acme",)), limit=10)

    assert [person.profile.last_name for person in page.items] == ["Hopper", "Lovelace"]
    assert store.people.count(PeopleFilter(company=("acme",))) == 2


def test_an_address_that_is_taken_is_refused_and_nothing_is_written(store: Store) -> None:
    people.add(store, make_profile(email="ada@example.org"), now=NOW)

    with pytest.raises(Conflict):
        people.add(store, make_profile(email="ADA@example.org"), now=NOW)

    assert store.people.count(PeopleFilter()) == 1


def test_who_edits_a_stale_version_loses(store: Store) -> None:
    person = people.add(store, make_profile(city="Lund"), now=NOW)
    people.edit(store, person.id, make_profile(city="Malmö"), version=person.version, now=NOW)

    with pytest.raises(Conflict):
        people.edit(store, person.id, make_profile(city="Ystad"), version=person.version, now=NOW)

    assert store.people.get(person.id).profile.city == "Malmö"
