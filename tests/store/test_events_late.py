"""Events with indexes that answer late: what decides is read from the table, or stands as a condition."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from crm.domain.errors import Conflict
from crm.domain.people import Person
from crm.services.verify import differences
from crm.store import Store
from crm.store.table import Table
from tests.conftest import store_over
from tests.factories import NOW, make_event, make_person
from tests.store.late import LateTable


def late(table: Table, lag: float) -> Store:
    """The same table behind indexes that are behind."""
    return store_over(LateTable(table.client, table.name, lag=lag))


def people(store: Store, number: int) -> list[str]:
    return [one.id for one in store.people.create_many([make_person() for _ in range(number)]) if isinstance(one, Person)]


def test_a_host_whom_the_index_does_not_show_yet_is_found_before_they_are_deleted(store: Store, table: Table) -> None:
    behind = late(table, lag=0.4)
    (ada,) = people(store, 1)
    assert behind.events.of_person(ada).hosted == []
    event = behind.events.create(make_event(), [ada], [], now=NOW)

    behind.events.leave_all(ada, now=NOW)
    behind.people.delete(behind.people.get(ada))

    assert store.events.host_ids(event.id) == []
    assert differences(store) == []


def test_somebody_is_not_deleted_while_the_index_hides_what_they_host(store: Store, table: Table) -> None:
    behind = late(table, lag=60)
    (ada,) = people(store, 1)
    assert behind.events.of_person(ada).hosted == []
    event = behind.events.create(make_event(), [ada], [], now=NOW)
    behind.table.sleep = lambda seconds: None  # type: ignore[method-assign]

    with pytest.raises(Conflict, match="Try again"):
        behind.events.leave_all(ada, now=NOW)

    assert store.events.host_ids(event.id) == [ada]
    assert differences(store) == []


def test_seats_are_not_sold_twice_however_late_the_index_is(store: Store, table: Table) -> None:
    behind = late(table, lag=60)
    ids = people(store, 20)
    event = behind.events.create(make_event(max_capacity=5), [], [], now=NOW)
    assert behind.events.attendees(event.id).items == []

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda user_id: behind.events.seat(event.id, [user_id], now=NOW), ids))

    assert store.events.get(event.id).registered_count == 5
    assert behind.events.get(event.id).seats_left == 0
    assert differences(store) == []
