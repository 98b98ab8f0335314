"""Counting and walking people: exact, and without looking each of them up; the counts themselves are in test_pages.py."""

import pytest

from crm.domain.filters import PeopleFilter
from crm.domain.people import EmailStatus, Person
from crm.store import Store, schema
from crm.store.cost import metered
from crm.store.keys import stamp
from crm.store.requests import Put
from tests.factories import NOW, make_person


@pytest.mark.parametrize(
    ("wanted", "matching", "requests"),
    [
        (PeopleFilter(q="ann", tag_not=("vip",)), 150, 4),
        (PeopleFilter(q="ann zed"), 200, 4),
        (PeopleFilter(tag=("vip",), email_status=(EmailStatus.MAILABLE,)), 50, 4),
        (PeopleFilter(selected=("t",)), 200, 4),
        (PeopleFilter(selected=("t",), company=("Acme",)), 50, 3),
    ],
)
def test_many_are_counted_without_looking_up_each(store: Store, wanted: PeopleFilter, matching: int, requests: int) -> None:
    people = [
        make_person(first_name="Ann", last_name="Zed", company="Other" if n % 4 else "Acme", tags=() if n % 4 else ("vip",))
        for n in range(200)
    ]
    store.people.create_many(people)
    store.table.write([store.selections.put("t", seq, [*[one.id for one in people[seq::3]], "gone"]) for seq in range(3)])
    store.stats.fold_all()

    with metered() as spent:
        number = store.people.count(wanted)
    by_status = store.people.count_by_status(wanted)

    assert (number, sum(by_status.values())) == (matching, matching)
    assert spent.requests <= requests
    assert spent.read_units < 40


def test_whom_an_event_leaves_out_are_taken_from_the_count_of_all(store: Store) -> None:
    people = [person for person in store.people.create_many([make_person() for _ in range(200)]) if isinstance(person, Person)]
    for person in people[:2]:
        item = {"id": "e", "userId": person.id, "eventId": "e", "status": "registered", "since": stamp(NOW)}
        store.table.write([Put(item=schema.keyed("attendance", item))])
    store.people.delete(people[1])
    store.stats.fold_all()

    with metered() as spent:
        number = store.people.count(PeopleFilter(attends_not=("e",)))

    assert number == 198  # 199 are left, and one of them attends
    assert spent.items_read <= 5


def test_everybody_is_walked_in_few_requests(store: Store) -> None:
    store.people.create_many([make_person(first_name="Ann", company=f"C{n}") for n in range(600)])

    with metered() as spent:
        walked = list(store.people.walk(PeopleFilter(q="ann", company_not=("C1",))))

    assert len(walked) == 599
    assert spent.requests <= 10
