"""What the list of people costs, in requests."""

from collections.abc import Callable

import pytest
from django.test import Client

from bench.meter import Meter
from crm.domain.people import Person
from crm.store import Store
from crm.store.schema import Item
from crm.store.stats import StatsRepository
from tests.factories import make_person

MOST = 15
"""Requests of a page with its filters, count and totals."""


@pytest.mark.parametrize(
    "query", ["", "?company=Acme", "?company=Acme&company=Other&state=IL", "?city=Ulm", "?tag=VIP&order=name"]
)
def test_the_list_counts_at_one_moment_and_needs_few_requests(
    sign_in: Callable[[str], Client], site: Store, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    people = [make_person(company="Acme", city="Ulm", state="IL") for _ in range(60)]
    assert all(isinstance(person, Person) for person in site.people.create_many(people))
    site.stats.fold_all()
    browser, read = sign_in("Viewer"), StatsRepository._deltas
    moments: list[StatsRepository] = []

    def noted(stats: StatsRepository) -> list[Item]:
        moments.append(stats)
        return read(stats)

    monkeypatch.setattr(StatsRepository, "_deltas", noted)

    with Meter(site.table.client).reading() as spent:
        page = browser.get(f"/people/{query}")

    assert page.status_code == 200
    assert len(moments) == 1
    assert 0 < spent.cost.requests <= MOST
