"""Lists of people: every filter and order against plain Python, and every way to cut a list into pages."""

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.domain.errors import BadToken
from crm.domain.filters import Order, PeopleFilter, parse_filter
from crm.domain.folding import TURNING, control_characters, fold, nothing_visible
from crm.domain.people import Person, Profile
from crm.store import Store, planner
from crm.store.cost import metered
from crm.store.expressions import exists
from crm.store.people_pages import Beside, PeoplePage
from crm.store.requests import Delete
from crm.store.table import Table
from tests.conftest import store_over
from tests.factories import NOW, make_person
from tests.store.crowd import CROWD, Crowd, attend, filters, grouped, in_order, make_crowd
from tests.store.late import LateTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture(scope="module")
def hall(dynamodb: "DynamoDBClient") -> Iterator[tuple[Store, Crowd]]:
    """A store with a crowd in it that no test changes."""
    table = Table(dynamodb, f"Test{uuid.uuid4().hex}", clock=lambda: NOW)
    table.create_missing()
    store = store_over(table)
    crowd = make_crowd(store, CROWD)
    attend(store, crowd)
    yield store, crowd
    dynamodb.delete_table(TableName=table.name)


@pytest.fixture(scope="module")
def late(hall: tuple[Store, Crowd], dynamodb: "DynamoDBClient") -> Store:
    """The same, with indexes that are copies: what is asked of them is decided by the filter as data."""
    return store_over(LateTable(dynamodb, hall[0].table.name, clock=lambda: NOW, lag=3600))


def ids(people: list[Person]) -> list[str]:
    return [person.id for person in people]


def forward(store: Store, wanted: PeopleFilter, order: Order, limit: int) -> list[PeoplePage]:
    """All pages from the first to the last."""
    pages = [store.people.page(wanted, order=order, limit=limit)]
    while pages[-1].next_token:
        pages.append(store.people.page(wanted, order=order, limit=limit, token=pages[-1].next_token))
    return pages


def backward(store: Store, wanted: PeopleFilter, order: Order, limit: int, last: PeoplePage) -> list[PeoplePage]:
    """All pages from the last to the first, in the order of the list."""
    pages = [last]
    while pages[0].prev_token:
        pages.insert(0, store.people.page(wanted, order=order, limit=limit, token=pages[0].prev_token))
    return pages


@settings(max_examples=50, deadline=None)
@given(wanted=filters() | grouped(), order=st.sampled_from(list(Order)), limit=st.sampled_from([1, 2, 5, 20, 200]))
def test_every_filter_and_order_is_answered_like_plain_python(
    hall: tuple[Store, Crowd], wanted: PeopleFilter, order: Order, limit: int
) -> None:
    store, crowd = hall
    matching = crowd.matching(wanted)
    limit = max(limit, len(matching) // 5)

    pages = forward(store, wanted, order, limit)

    expected = ids(in_order(matching, pages[0].order, crowd.searched(wanted)))
    assert order in {Order.SOURCE, pages[0].order}
    assert ids([person for page in pages for person in page.items]) == expected
    assert all(len(page.items) == limit for page in pages[:-1])
    assert ids([person for page in backward(store, wanted, order, limit, pages[-1]) for person in page.items]) == expected
    assert store.people.count(wanted) == len(expected)
    assert +Counter(store.people.count_by_status(wanted)) == Counter(person.email_status for person in matching)
    assert ids(list(store.people.walk(wanted, order=order))) == expected


@settings(max_examples=20, deadline=None)
@given(wanted=grouped(), order=st.sampled_from(list(Order)))
def test_expressions_and_plain_python_agree_where_indexes_answer_from_copies(
    hall: tuple[Store, Crowd], late: Store, wanted: PeopleFilter, order: Order
) -> None:
    store, crowd = hall

    pages = forward(late, wanted, order, 40)

    assert ids([person for page in pages for person in page.items]) == ids(
        in_order(crowd.matching(wanted), pages[0].order, crowd.searched(wanted))
    )
    assert late.people.count(wanted) == store.people.count(wanted)


@settings(max_examples=40, deadline=None)
@given(wanted=filters() | grouped(), order=st.sampled_from(list(Order)), some=st.lists(st.integers(0, CROWD), max_size=3))
def test_whoever_stands_beside_a_person_is_beside_them_in_the_list(
    hall: tuple[Store, Crowd], wanted: PeopleFilter, order: Order, some: list[int]
) -> None:
    store, crowd = hall
    listed = ids(store.people.page(wanted, order=order, limit=200).items)
    people = {person.id: person for person in crowd.people}
    around = [None, *listed, None]

    for place in {0, len(listed) - 1, *some} & {*range(len(listed))}:
        beside = store.people.beside(wanted, people[listed[place]], order=order)
        assert beside == Beside(previous=around[place], next=around[place + 2])


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("wanted", [PeopleFilter(attended_min=3), PeopleFilter(tag=("VIP", "speaker"), selected=("t1",))])
def test_going_from_each_person_to_the_next_shows_the_whole_list(
    hall: tuple[Store, Crowd], wanted: PeopleFilter, order: Order
) -> None:
    store, _ = hall
    listed = store.people.page(wanted, order=order, limit=200).items
    shown, following = [listed[0].id], store.people.beside(wanted, listed[0], order=order).next

    while following is not None:
        shown.append(following)
        following = store.people.beside(wanted, store.people.get(following), order=order).next

    assert shown == ids(listed)


def test_nobody_stands_beside_a_person_who_is_not_in_the_list(store: Store) -> None:
    other, _ = [store.people.create(make_person(company=company)) for company in ("Other", "Acme")]

    assert store.people.beside(PeopleFilter(company=("Acme",)), other) == Beside()
    assert store.people.beside(PeopleFilter(selected=("nothing",)), other) == Beside()


def test_a_person_edited_a_moment_ago_is_not_beside_themselves(store: Store) -> None:
    first, old, last = [store.people.create(make_person(last_name=name, company="Acme")) for name in ("A", "B", "C")]
    edited = replace(old, profile=replace(old.profile, last_name="Bb"))

    beside = store.people.beside(PeopleFilter(company=("Acme",)), edited)

    assert beside == Beside(previous=first.id, next=last.id)


NAMES = (
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=8)
    .map(str.strip)
    .filter(lambda text: bool(fold(text)) and not control_characters(text) and not nothing_visible(text))
    .filter(TURNING.isdisjoint)
)


@settings(max_examples=20, deadline=None)
@given(
    names=st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=8),
    companies=st.lists(NAMES, min_size=1, max_size=3),
    limit=st.integers(1, 4),
)
def test_names_of_any_script_are_listed_and_found(
    hall: tuple[Store, Crowd], names: list[tuple[str, str]], companies: list[str], limit: int
) -> None:
    store, _ = hall
    company = f"Only here {uuid.uuid4().hex} "
    people = [
        make_person(
            profile=Profile(
                first_name=first,
                last_name=last,
                email=f"{uuid.uuid4().hex}@example.org",
                company=company + companies[number % len(companies)],
            ).cleaned()
        )
        for number, (first, last) in enumerate(names)
    ]
    stored = [person for person in store.people.create_many(people) if isinstance(person, Person)]
    wanted = PeopleFilter(company=tuple({person.profile.company for person in people}))
    by_word = replace(wanted, q=f"{fold(names[0][1])[:3]}")

    found = [person for page in forward(store, wanted, Order.NAME, limit) for person in page.items]
    found_by_word = [person for page in forward(store, by_word, Order.NAME, limit) for person in page.items]
    for person in stored:
        store.people.delete(person)

    assert ids(found) == ids(in_order(stored, "name", wanted))
    assert ids(found_by_word) == ids(in_order([person for person in stored if by_word.matches(person)], "name", by_word))
    assert store.people.count(wanted) == 0


def test_a_page_token_that_was_changed_is_refused(hall: tuple[Store, Crowd]) -> None:
    store, _ = hall
    token = store.people.page(PeopleFilter(), limit=5).next_token or ""
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")

    with pytest.raises(BadToken, match="not valid for this list"):
        store.people.page(PeopleFilter(), limit=5, token=changed)


@pytest.mark.parametrize(("wanted", "order"), [(PeopleFilter(company=("Acme",)), Order.SOURCE), (PeopleFilter(), Order.ATTENDED)])
def test_a_page_token_of_another_filter_or_order_is_refused(
    hall: tuple[Store, Crowd], wanted: PeopleFilter, order: Order
) -> None:
    store, _ = hall
    token = store.people.page(PeopleFilter(), limit=5).next_token

    with pytest.raises(BadToken):
        store.people.page(wanted, order=order, limit=5, token=token)


def test_a_page_token_is_good_for_a_filter_that_means_the_same(hall: tuple[Store, Crowd]) -> None:
    store, _ = hall
    token = store.people.page(PeopleFilter(company=("Acme", "100%")), limit=2).next_token

    page = store.people.page(PeopleFilter(company=("100%", "ACME")), limit=2, token=token)

    assert len(page.items) == 2


def test_a_search_goes_on_in_whatever_order_its_words_are_typed(store: Store) -> None:
    store.people.create_many(
        [make_person(first_name=f"Ann{one}", last_name=f"Bob{other}") for one, other in zip("abcdef", "fedcba", strict=True)]
    )

    first = store.people.page(PeopleFilter(q="ann bob"), limit=3)
    rest = store.people.page(PeopleFilter(q="bob ann"), limit=50, token=first.next_token)

    assert len({*ids(first.items), *ids(rest.items)}) == len(first.items) + len(rest.items) == 6


def test_a_search_reads_each_person_once_however_many_of_their_names_begin_so(store: Store) -> None:
    store.people.create_many(
        [make_person(first_name="Annabel", last_name=f"Ann{n}", email=f"ann.{n}@example.org") for n in range(60)]
    )
    store.stats.fold_all()

    with metered() as first:
        page = store.people.page(PeopleFilter(q="ann"), limit=50)
    with metered() as last:
        rest = store.people.page(PeopleFilter(q="ann"), limit=50, token=page.next_token)

    assert (len(page.items), len(rest.items)) == (50, 10)
    assert (page.explain.people_read, rest.explain.people_read) == (51, 10)
    assert last.read_units < first.read_units


def test_somebody_who_takes_another_address_is_found_by_the_name_that_stays(store: Store) -> None:
    person = store.people.create(make_person(first_name="Ada", last_name="Zed", email="ada@example.org"))
    other = replace(person, profile=replace(person.profile, email="zoe@example.org"))
    store.people.save(person, other)

    found = {word: ids(store.people.page(PeopleFilter(q=word)).items) for word in ("ada", "zed", "zo", "ada@")}

    assert found == {"ada": [person.id], "zed": [person.id], "zo": [person.id], "ada@": []}


def test_a_selection_is_read_once_and_then_only_read_on(store: Store) -> None:
    people = [store.people.create(make_person(last_name=f"N{number}")) for number in range(30)]
    wanted = PeopleFilter(selected=("t",))
    for seq in range(20):
        store.table.write([store.selections.put("t", seq, [people[seq].id, *[f"gone {seq} {n}" for n in range(99)]])])

    costs = []
    for _ in range(2):
        with metered() as spent:
            found = store.people.page(wanted, limit=200)
        costs.append(spent.items_read)
    store.table.write([store.selections.put("t", 20, [person.id for person in people[20:]])])
    grown = store.people.page(wanted, limit=200)
    store.table.write([store.selections.delete("t", seq) for seq in range(21)])
    gone = store.people.page(wanted, limit=200)

    assert (len(found.items), len(grown.items), gone.items) == (20, 30, [])
    assert costs[0] - costs[1] == 19
    assert store.people.count(wanted) == 0


def test_an_address_is_found_by_itself_also_where_folding_makes_white_space(store: Store) -> None:
    address = "o\u00b4brien\u00a8@example.org"
    store.people.create_many(
        [make_person(last_name="Zed", email=address, company="Acme"), *[make_person(last_name="Zed") for _ in range(4)]]
    )
    wanted = PeopleFilter(company=("Acme",), q=f"zed {address}")

    found = store.people.page(wanted)

    assert [person.profile.email for person in found.items] == [address]
    assert store.people.count(wanted) == 1


def test_the_page_before_an_emptied_last_page_ends_with_who_stood_before_it(store: Store) -> None:
    people = [store.people.create(make_person(last_name=f"N{number}")) for number in range(4)]
    first = store.people.page(PeopleFilter(), limit=3)
    store.people.delete(people[3])

    empty = store.people.page(PeopleFilter(), limit=3, token=first.next_token)
    before = store.people.page(PeopleFilter(), limit=3, token=empty.prev_token)

    assert (empty.items, empty.next_token) == ([], None)
    assert ids(before.items) == ids(people[:3])


def test_somebody_who_joins_before_the_page_does_not_move_it(store: Store) -> None:
    people = [store.people.create(make_person(last_name=f"N{number}")) for number in range(4)]
    first = store.people.page(PeopleFilter(), limit=2)
    store.people.create(make_person(last_name="A first one"))

    second = store.people.page(PeopleFilter(), limit=2, token=first.next_token)

    assert ids([*first.items, *second.items]) == ids(people)


@pytest.mark.parametrize("size", [200, 2000])
def test_a_page_of_a_company_reads_little_more_than_it_shows(table: Table, store: Store, size: int) -> None:
    store.people.create_many([make_person(company="Acme" if number % 2 else "Other") for number in range(size)])
    store.stats.fold_all()

    explain = store.people.page(PeopleFilter(company=("Acme",)), limit=50).explain

    assert (explain.index, explain.items_returned, explain.requests) == ("GSI_ByCompany", 50, 1)
    assert explain.items_read <= 60


def test_a_page_costs_the_same_however_many_people_there_are(table: Table, store: Store) -> None:
    def cost() -> tuple[int, int, float]:
        with metered() as spent:
            store.people.page(PeopleFilter(company=("Acme",)), limit=10)
        return spent.requests, spent.items_read, spent.read_units

    store.people.create_many([make_person(company="Acme") for _ in range(30)])
    store.stats.fold_all()
    few = cost()
    store.people.create_many([make_person(company=f"C{number}") for number in range(300)])
    store.stats.fold_all()

    assert cost() == few


def test_people_are_found_when_nothing_was_ever_counted(table: Table, store: Store) -> None:
    people = [store.people.create(make_person(last_name=f"N{number}", state="IL")) for number in range(5)]
    for item in list(table.scan()):
        if item["entityType"] in {"delta", "counter"}:
            table.write([Delete(key={"PK": item["PK"], "SK": item["SK"]}, expect=[exists()])])

    everybody = forward(store, PeopleFilter(), Order.NAME, 2)
    residents = store.people.page(PeopleFilter(state=("IL",)), limit=10)

    assert ids([person for page in everybody for person in page.items]) == ids(people)
    assert {page.explain.note for page in everybody} == {"scan"}
    assert ids(residents.items) == ids(people)
    assert store.people.count(PeopleFilter()) == 5


def test_a_person_without_a_company_matches_a_filter_that_excludes_one(store: Store) -> None:
    without = store.people.create(make_person())
    store.people.create(make_person(company="Acme"))

    page = store.people.page(parse_filter({"companyNot": ["acme"]}))

    assert ids(page.items) == [without.id]


def test_too_many_matches_to_be_sorted_are_read_in_the_order_of_a_key(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "SORTED_AT_MOST", 50)
    store.people.create_many([make_person(last_name=f"N{number:04}", state="IL") for number in range(60)])
    store.people.create(make_person(last_name="A", state="MA"))

    page = store.people.page(PeopleFilter(state=("IL",)), order=Order.NAME, limit=20)

    assert (page.explain.index, page.order) == ("GSI_ByName", "name")
    assert [person.profile.last_name for person in page.items] == [f"N{number:04}" for number in range(20)]
    assert page.explain.items_read < 60


def test_the_statuses_of_a_filter_add_up_to_its_count(hall: tuple[Store, Crowd]) -> None:
    store, crowd = hall

    for wanted in (PeopleFilter(), PeopleFilter(company=("Acme",)), PeopleFilter(attended_min=1), PeopleFilter(q="a")):
        expected = Counter(person.email_status for person in crowd.people if wanted.matches(person))
        assert {status: n for status, n in store.people.count_by_status(wanted).items() if n} == expected
