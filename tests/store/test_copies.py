"""Copies of profiles in tags: a page by tag never shows what a profile does not say, whoever writes, folds and reads."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from crm.domain.filters import PeopleFilter
from crm.domain.people import EmailStatus, Person
from crm.store import Store
from crm.store import fold as folding
from crm.store.looking import one_look
from crm.store.people_copies import Copies
from crm.store.people_items import count_change, person_of, status_change, tag_items
from crm.store.people_writes import edition
from crm.store.requests import Action, Delete, Put
from crm.store.schema import Item
from crm.store.stats import BACKLOG, one_moment
from crm.store.table import Table
from tests.conftest import store_over
from tests.factories import NOW, make_person

VIP = PeopleFilter(tag=("vip",))


def tagged(store: Store, **values: object) -> Person:
    """Somebody with a tag, counted already: nothing waits to be folded."""
    person = store.people.create(make_person(**{"tags": ("vip",), **values}))
    store.stats.fold_all()
    return person


def attend(store: Store, person: Person, number: int = 1) -> None:
    """Let the person attend something more, with nothing else that an event writes."""
    update, changes = count_change(store.people.get(person.id), attended=number)
    store.table.write([update, *store.stats.delta(changes, now=NOW)])


def rename(store: Store, person: Person, name: str) -> None:
    now = store.people.get(person.id)
    store.people.save(now, now.edited(replace(now.profile, last_name=name), now=NOW))


def edit(store: Store, person: Person, company: str) -> None:
    now = store.people.get(person.id)
    store.people.save(now, now.edited(replace(now.profile, company=company), now=NOW))


def unsubscribe(store: Store, person: Person) -> None:
    update, changes = status_change(store.people.get(person.id), EmailStatus.UNSUBSCRIBED, now=NOW)
    store.table.write([update, *store.stats.delta(changes, now=NOW)])


def copies(store: Store) -> list[Person]:
    """What the copies say, as they stand."""
    return [person_of(item) for item in store.table.scan(consistent=True) if item["entityType"] == "tagMember"]


def profiles(store: Store) -> list[Person]:
    return [person_of(item) for item in store.table.scan(consistent=True) if item["entityType"] == "user"]


def by_id(people: Sequence[Person]) -> list[Person]:
    return sorted(people, key=lambda person: person.id)


def shown(store: Store, wanted: PeopleFilter = VIP) -> list[Person]:
    return store.people.page(wanted, limit=200).items


def test_a_page_by_tag_reads_whom_it_shows_and_hardly_anybody_else(store: Store) -> None:
    store.people.create_many([make_person(tags=("vip",)) for _ in range(200)])

    page = store.people.page(VIP, limit=50)

    assert len(page.items) == 50
    assert page.explain.items_read <= 60
    assert page.explain.people_read == page.explain.items_read


CHANGES: list[Callable[[Store, Person], None]] = [
    attend,
    unsubscribe,
    lambda store, person: edit(store, person, "Other"),
    lambda store, person: rename(store, person, "Other"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_shown_before_it_is_folded_and_after(store: Store, change: Callable[[Store, Person], None]) -> None:
    person, other = tagged(store), tagged(store)

    change(store, person)
    before = store.people.page(VIP)
    store.stats.fold_all()
    after = store.people.page(VIP)

    assert by_id(before.items) == by_id(after.items) == by_id([store.people.get(person.id), other])
    assert after.explain.items_read == 2
    assert by_id(copies(store)) == by_id(profiles(store))


def test_only_who_changed_is_looked_up(store: Store) -> None:
    people = [tagged(store) for _ in range(10)]

    attend(store, people[3])

    assert store.people.page(VIP).explain.items_read == 11


def test_a_fold_writes_no_copy_that_is_right_already(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [tagged(store) for _ in range(3)]
    edit(store, people[0], "Other")
    rename(store, people[2], "Other")
    attend(store, people[1])

    written = _written(store.table, monkeypatch)
    store.stats.fold_all()

    assert [item["userId"] for item in written if item["entityType"] == "tagMember"] == [people[1].id]


def test_more_copies_than_one_transaction_takes_are_brought_up_to_date_by_one_fold(store: Store) -> None:
    tags = tuple(f"t{number}" for number in range(20))
    people = [tagged(store, tags=tags) for _ in range(7)]
    for person in people:
        attend(store, person)

    folded = store.stats.fold()

    assert folded == 7
    assert len(copies(store)) == 140
    assert {one.attended_event_count for one in copies(store)} == {1}


def test_people_without_tags_are_not_named(store: Store) -> None:
    person = tagged(store, tags=())

    attend(store, person)
    rename(store, person, "Other")

    assert store.stats.behind() == frozenset()


def test_who_lost_the_tag_is_not_shown(store: Store) -> None:
    person = tagged(store, tags=("vip", "other"))

    store.people.save(person, person.edited(replace(person.profile, tags=("other",)), now=NOW))

    assert shown(store) == []
    assert shown(store, PeopleFilter(tag=("other",))) == [store.people.get(person.id)]


def slow_folder(store: Store, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> Callable[[], int]:
    """A fold of another process that is held up between what it reads and what it writes."""
    other = store_over(store.table)
    lagging = other.stats._copies.lagging

    def held_up(ids: Sequence[str]) -> list[Put]:
        found = lagging(ids)
        meanwhile()
        return found

    monkeypatch.setattr(other.stats._copies, "lagging", held_up)
    return other.stats.fold


def test_a_slow_fold_does_not_bring_back_what_a_quick_one_replaced(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tagged(store)
    attend(store, person)

    slow = slow_folder(store, monkeypatch, lambda: (attend(store, person), store.stats.fold_all()))

    assert slow() == 0
    assert store.stats.behind() == frozenset()
    assert copies(store) == [store.people.get(person.id)]


def test_a_slow_fold_does_not_bring_back_what_an_edit_replaced(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick fold finds the copy right and writes none, for the edit itself wrote it."""
    person = tagged(store)
    attend(store, person)

    slow = slow_folder(store, monkeypatch, lambda: (edit(store, person, "Other"), store.stats.fold_all()))

    assert slow() == 0
    assert shown(store) == copies(store) == [store.people.get(person.id)]


def test_a_quick_fold_does_not_take_away_what_a_slow_one_has_just_overwritten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow one writes between what the quick one reads, which is right, and what it writes."""
    person = tagged(store)
    attend(store, person)
    head, old = store.table.get(folding.HEAD) or {}, Copies(store.table).lagging([person.id])
    edit(store, person, "Other")

    quick = slow_folder(store, monkeypatch, lambda: folding._refreshed(store.table, head, old))

    assert quick() == 0
    assert shown(store) == [store.people.get(person.id)] != copies(store)
    store.stats.fold_all()
    assert shown(store) == [store.people.get(person.id)] == copies(store)


def test_an_edit_by_old_counts_is_put_right(store: Store) -> None:
    """The edit was read before somebody attended something, and is written after that was folded."""
    person = tagged(store)

    _edit_of_before(store, person, lambda: (attend(store, person), store.stats.fold_all()))

    assert shown(store) == [store.people.get(person.id)] != copies(store)
    store.stats.fold_all()
    assert shown(store) == [store.people.get(person.id)] == copies(store)


def test_a_fold_that_dies_half_way_leaves_the_people_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tagged(store)
    attend(store, person)
    monkeypatch.setattr(folding, "_write", _dies)

    with pytest.raises(KeyboardInterrupt):
        store.stats.fold()
    monkeypatch.undo()

    assert store.stats.behind() == {person.id}
    assert shown(store) == [store.people.get(person.id)]
    store.stats.fold_all()
    assert store.stats.behind() == frozenset()
    assert shown(store) == copies(store) == [store.people.get(person.id)]


def test_a_fold_does_not_put_back_the_copy_of_somebody_who_is_gone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tagged(store)
    attend(store, person)

    slow = slow_folder(store, monkeypatch, lambda: store.people.delete(store.people.get(person.id)))
    slow()
    store.stats.fold_all()

    assert copies(store) == []


def test_a_member_from_before_there_were_copies_is_looked_up(store: Store) -> None:
    person = tagged(store)
    item = tag_items(person)["vip"]
    bare = {name: item[name] for name in ("PK", "entityType", "id", "tag", "userId")} | {"SK": f"USER#{person.id}"}
    store.table.write([Put(item=bare), Delete(key={"PK": item["PK"], "SK": item["SK"]})])

    assert shown(store) == [person]
    attend(store, person)
    store.stats.fold_all()
    assert shown(store) == [store.people.get(person.id)]


def test_a_list_by_tag_is_in_order_of_names(store: Store) -> None:
    names = ("Ng", "van Dyke", "Van", "Å", "abel")
    for name in names:
        tagged(store, last_name=name, tags=("vip", "other"))

    page = store.people.page(PeopleFilter(tag=("vip", "other")), limit=3)
    rest = store.people.page(PeopleFilter(tag=("vip", "other")), limit=3, token=page.next_token)

    assert page.order == "name"
    assert [one.profile.last_name for one in (*page.items, *rest.items)] == ["Å", "abel", "Ng", "Van", "van Dyke"]


def test_what_a_request_has_read_is_not_relied_on_after_a_fold(store: Store) -> None:
    person = tagged(store)
    attend(store, person)

    with one_look():
        first = shown(store)
        elsewhere(store.stats.fold_all)
        with one_moment():
            store.stats.snapshot([("PEOPLE", "TOTAL")])
            second = shown(store)

    assert first == second == [store.people.get(person.id)]


def test_a_fold_does_not_rely_on_what_its_request_has_read(store: Store) -> None:
    person = tagged(store)

    with one_look():
        store.people.get(person.id)
        shown(store)
        elsewhere(lambda: attend(store, person))
        store.stats.fold()

    assert copies(store) == [store.people.get(person.id)]
    assert store.stats.behind() == frozenset()


def test_a_page_by_tag_folds_first_where_very_much_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tagged(store)
    for _ in range(4):
        attend(store, person)
    monkeypatch.setattr("crm.store.stats.BACKLOG", 3)

    assert BACKLOG > 3
    assert shown(store) == [store.people.get(person.id)]
    assert store.stats.behind() == frozenset()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_done_in_whatever_order_a_page_says_what_the_profiles_do(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    people = [tagged(store, tags=rng.choice([("vip",), ("vip", "a"), ("a", "b"), ()])) for _ in range(6)]
    steps: list[Callable[[Person], object]] = [
        lambda person: attend(store, person),
        lambda person: rename(store, person, f"Name{rng.random()}"),
        lambda person: edit(store, person, f"Company{rng.random()}"),
        lambda person: _edit_of_before(store, person, lambda: attend(store, person)),
        lambda person: _edit_of_before(store, person, lambda: (attend(store, person), store.stats.fold_all())),
        lambda person: _tag(store, person, rng.choice([("vip",), ("a", "vip"), ()])),
        lambda _: store.stats.fold(),
        lambda _: store_over(store.table).stats.fold_all(),
    ]

    for _ in range(30):
        rng.choice(steps)(rng.choice(people))
        for tag in ("vip", "a"):
            wanted = PeopleFilter(tag=(tag,))
            assert by_id(shown(store, wanted)) == by_id([one for one in profiles(store) if wanted.matches(one)])
    store.stats.fold_all()
    there = {one.id: one for one in profiles(store)}
    assert all(copy == there[copy.id] for copy in copies(store))


def _tag(store: Store, person: Person, tags: tuple[str, ...]) -> None:
    now = store.people.get(person.id)
    store.people.save(now, now.edited(replace(now.profile, tags=tags), now=NOW))


def _edit_of_before(store: Store, person: Person, meanwhile: Callable[[], object]) -> None:
    """An edit that has read what comes before `meanwhile`, which leaves the version alone."""
    old = store.people.get(person.id)
    meanwhile()
    parcel = edition(old, old.edited(replace(old.profile, company=f"C{old.version}"), now=NOW))
    store.table.write([*parcel.actions, *store.stats.delta(parcel.changes, labels=parcel.labels, now=NOW)])


def elsewhere(done: Callable[[], object]) -> None:
    """Let something be done as if by another process: what this one has read stays as it was."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(done).result()


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


def _written(table: Table, monkeypatch: pytest.MonkeyPatch) -> list[Item]:
    """The items that are put from now on."""
    written: list[Item] = []
    write = table.write

    def noted(actions: Sequence[Action]) -> None:
        written.extend(action.item for action in actions if isinstance(action, Put))
        write(actions)

    monkeypatch.setattr(table, "write", noted)
    return written
