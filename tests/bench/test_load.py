"""What the load test makes of locust's figures, and what its users are given to look at."""

from datetime import UTC, datetime
from urllib.parse import parse_qs

from bench.load import Measured, what_there_is
from crm.domain.filters import parse_filter
from crm.services.demo import Sizes, load
from crm.store import Store


def test_half_of_the_answers_came_within_the_median_and_all_but_five_in_a_hundred_within_the_other() -> None:
    one = Measured(name="people", times={10: 50, 20: 44, 300: 5, 4000: 1}, failures=2, seconds=50)

    assert (one.asked, one.within(0.5), one.within(0.95)) == (100, 10, 300)
    assert one.row(2) == ("people", 2, 100, 2.0, 10, 300, 4000, 2)


def test_a_page_that_nobody_asked_for_has_no_times() -> None:
    none = Measured(name="people", times={}, failures=0, seconds=50)

    assert none.row(1) == ("people", 1, 0, 0.0, 0, 0, 0, 0)


def test_every_filter_of_the_users_finds_somebody_and_every_id_is_there(store: Store) -> None:
    plan = load(store, Sizes(people=150, events=8, campaigns=5), seed=1, now=datetime.now(UTC), sender="crew@crm.example")

    known = what_there_is(store, plan)

    filters = [query for queries in known["filters"].values() for query in queries]
    assert [query for query in filters if not store.people.page(parse_filter(parse_qs(query))).items and "&" not in query] == []
    assert len(store.people.get_many(known["people"])) == len(known["people"]) > 20
    assert [one for one in known["campaigns"] if not store.campaigns.state(one).started_at] == []
    assert known["events"]
    assert known["words"]
