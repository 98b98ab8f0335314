"""Copies of profiles in tags: a page by tag never shows what a profile does not say, whoever writes, folds and reads."""

import random
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from crm.domain.filters import PeopleFilter
from crm.domain.people import EmailStatus, Person
from crm.store import Store, schema
from crm.store import fold as folding
from crm.store.deltas import BEHIND, MAX_NUMBERS
from crm.store.expressions import exists
from crm.store.fold import fold_oldest
from crm.store.looking import one_look
from crm.store.people_copies import catching_up
from crm.store.people_items import behind, count_change, person_of, status_change, tag_items
from crm.store.people_writes import edition
from crm.store.requests import Action, Delete, Key, Put, Update
from crm.store.schema import Item
from crm.store.stats import BACKLOG, Counter, one_moment
from crm.store.table import ConditionFailed, Table
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


def members(store: Store) -> list[Item]:
    return [item for item in store.table.scan(consistent=True) if item["entityType"] == "tagMember"]


def copies(store: Store) -> list[Person]:
    """What the copies say, as they stand."""
    return [person_of(item) for item in members(store) if "version" in item]


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
    person, other = tagged(store), tagged(store)
    store.table.write(store.stats.delta(behind(person), now=NOW))
    attend(store, other)

    written = _written(store.table, monkeypatch)
    folded = store.stats.fold_all()

    assert folded == 2
    assert [item["userId"] for item in written] == [other.id]


def test_a_new_person_is_copied_at_once(store: Store) -> None:
    store.people.create_many([make_person(tags=("vip", "a"), merged_from=("x", "y")) for _ in range(3)])

    assert store.stats.behind() == frozenset()
    assert set(copies(store)) == set(profiles(store))


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


def slow_fold(store: Store, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> int:
    """A fold that is held up between what it reads and what it writes."""
    read = folding.catching_up

    def held_up(table: Table, ids: Sequence[str]) -> list[Put]:
        found = read(table, ids)
        monkeypatch.undo()
        meanwhile()
        return found

    monkeypatch.setattr(folding, "catching_up", held_up)
    return store.stats.fold()


def test_a_slow_fold_does_not_bring_back_what_a_quick_one_replaced(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tagged(store)
    attend(store, person)

    folded = slow_fold(store, monkeypatch, lambda: (attend(store, person), store.stats.fold_all()))

    assert folded == 0
    assert store.stats.behind() == frozenset()
    assert copies(store) == [store.people.get(person.id)]


def test_a_slow_fold_does_not_bring_back_what_an_edit_replaced(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick fold finds the copy right and writes none, for the edit itself wrote it."""
    person = tagged(store)
    attend(store, person)

    folded = slow_fold(store, monkeypatch, lambda: (edit(store, person, "Other"), store.stats.fold_all()))

    assert folded == 0
    assert shown(store) == copies(store) == [store.people.get(person.id)]


def test_a_quick_fold_does_not_take_away_what_a_slow_one_has_just_overwritten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow one writes between what the quick one reads, which is right, and what it writes."""
    person = tagged(store)
    attend(store, person)
    head, old = store.table.get(folding.HEAD) or {}, catching_up(store.table, [person.id])
    edit(store, person, "Other")

    folded = slow_fold(store, monkeypatch, lambda: folding._caught_up(store.table, head, old))

    assert folded == 0
    assert shown(store) == [store.people.get(person.id)] != copies(store)
    store.stats.fold_all()
    assert shown(store) == [store.people.get(person.id)] == copies(store)


@pytest.mark.parametrize("change", [attend, unsubscribe])
def test_an_edit_by_what_was_before_does_not_reach_the_copies(store: Store, change: Callable[[Store, Person], None]) -> None:
    """It was read before a change that is folded by now, and is written while somebody is just reading a list."""
    person = tagged(store)
    before = store.people.get(person.id)
    change(store, person)
    store.stats.fold_all()

    with one_moment():
        store.stats.snapshot([("PEOPLE", "TOTAL")])
        elsewhere(lambda: _edit_as_of(store, before))
        page = shown(store)

    now = store.people.get(person.id)
    assert [(one.attended_event_count, one.email_status) for one in page] == [(now.attended_event_count, now.email_status)]
    assert shown(store) == [now]


@pytest.mark.parametrize("change", [lambda one: count_change(one, attended=1), lambda one: _unsubscribing(one)])
def test_who_got_a_tag_since_they_were_read_is_read_again(
    store: Store, change: Callable[[Person], tuple[Update, dict[Counter, int]]]
) -> None:
    """Without a tag nobody would be named, and the copy in their first one would stay as it is."""
    person = tagged(store, tags=())
    update, changes = change(person)
    _tag(store, person, ("vip",))
    store.stats.fold_all()

    with pytest.raises(ConditionFailed):
        store.table.write([update, *store.stats.delta(changes, now=NOW)])


def test_a_fold_that_dies_half_way_leaves_the_people_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tagged(store)
    attend(store, person)
    monkeypatch.setattr(folding, "_write", _dies)

    with pytest.raises(KeyboardInterrupt):
        store.stats.fold()
    monkeypatch.undo()

    assert copies(store) == [store.people.get(person.id)]
    assert store.stats.behind() == {person.id}
    assert shown(store) == [store.people.get(person.id)]
    store.stats.fold_all()
    assert store.stats.behind() == frozenset()
    assert shown(store) == copies(store) == [store.people.get(person.id)]


def test_a_fold_does_not_put_back_the_copy_of_somebody_who_is_gone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tagged(store)
    attend(store, person)

    slow_fold(store, monkeypatch, lambda: store.people.delete(store.people.get(person.id)))
    store.stats.fold_all()

    assert members(store) == []


def test_a_fold_does_not_put_back_a_bare_member_of_somebody_who_is_gone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tagged(store, tags=())
    _tag(store, person, ("vip",))

    slow_fold(store, monkeypatch, lambda: store.people.delete(store.people.get(person.id)))
    store.stats.fold_all()

    assert members(store) == []


def test_a_fold_does_not_give_somebody_the_copy_of_who_had_their_id(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tagged(store)
    attend(store, person)
    other = replace(person, created_at=NOW + timedelta(days=1))

    def meanwhile() -> None:
        store.people.delete(store.people.get(person.id))
        store.people.create(other)

    slow_fold(store, monkeypatch, meanwhile)
    store.stats.fold_all()

    assert copies(store) == [store.people.get(person.id)]


def test_a_fold_reads_consistently(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    attend(store, tagged(store))
    asked: list[bool] = []
    read = store.table.batch_get

    def noted(keys: Sequence[Key], *, consistent: bool = False) -> list[Item | None]:
        asked.append(consistent)
        return read(keys, consistent=consistent)

    monkeypatch.setattr(store.table, "batch_get", noted)
    store.stats.fold()

    assert asked == [True, True]


def test_a_fold_leaves_nothing_of_the_names_in_the_counters(store: Store) -> None:
    attend(store, tagged(store))

    store.stats.fold_all()

    assert not [item for item in store.table.scan() if item.get("what") == BEHIND[0] or item["entityType"] == "delta"]


def test_more_people_than_one_fold_catches_up_stay_named(store: Store) -> None:
    people = [tagged(store) for _ in range(5)]
    for person in people:
        attend(store, person)

    left = []
    while fold_oldest(store.table, people=2):
        left.append(len(store.stats.behind()))
        assert shown(store) == by_id([store.people.get(person.id) for person in people])

    assert left == [3, 1, 0]
    assert store.people.facet("tag")[0].count == 5
    assert store.people.count(PeopleFilter(attended_min=1)) == 5


def test_bulk_writers_keep_the_deltas_few_where_people_have_tags(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.store.stats.KEEP_UP", 30)
    people = [tagged(store) for _ in range(12)]
    for _ in range(60):
        update, changes = status_change(store.people.get(people[0].id), EmailStatus.MAILABLE, now=NOW)
        named = [behind(person) for person in people]
        counted = {counter: 1 for one in named for counter in one} | changes
        store.table.write([update, *store.stats.delta(counted, now=NOW)])
        store.stats.keep_up()

    assert sum(1 for item in store.table.scan() if item["entityType"] == "delta") <= 32


def test_many_who_are_named_do_not_make_a_fold_smaller(store: Store) -> None:
    names = {Counter(*BEHIND, f"nobody{number}"): 1 for number in range(MAX_NUMBERS)}
    for number in range(30):
        more = {Counter(*BEHIND, f"nobody{number}-{other}"): 1 for other in range(20)}
        store.table.write(store.stats.delta(names | more | {Counter("FRUIT", "apple"): 1}, now=NOW))

    folded = store.stats.fold()

    assert folded == 30
    assert store.stats.snapshot([("FRUIT", "apple")]).value("FRUIT", "apple") == 30


def test_a_profile_that_cannot_be_read_does_not_hold_up_the_counts(store: Store) -> None:
    broken, person = tagged(store), tagged(store)
    for one in (broken, person):
        attend(store, one)
    key = schema.key("user", id=broken.id)
    store.table.write([Update(key=key, changes={"emailStatus": "of a later version"}, expect=[exists()])])

    store.stats.fold_all()

    assert store.stats.behind() == frozenset()
    assert store.people.count(PeopleFilter(attended_min=1)) == 2
    assert {one.attended_event_count for one in copies(store)} == {0, 1}


def test_who_goes_between_their_member_and_their_profile_is_not_shown(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    person, other = tagged(store), tagged(store)
    attend(store, person)
    read = store.people._pages._table.batch_get

    def meanwhile(keys: Sequence[Key], *, consistent: bool = False) -> list[Item | None]:
        if keys == [schema.key("user", id=person.id)]:
            monkeypatch.undo()
            elsewhere(lambda: store.people.delete(store.people.get(person.id)))
        return read(keys, consistent=consistent)

    monkeypatch.setattr(store.table, "batch_get", meanwhile)

    assert shown(store) == [other]


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
    assert store.stats.behind(relieve=False) == {person.id}
    assert store.stats.behind() == frozenset()
    assert shown(store) == [store.people.get(person.id)]


def test_who_waits_for_a_page_folds_for_a_moment_only(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tagged(store)
    for _ in range(4):
        attend(store, person)
    monkeypatch.setattr("crm.store.stats.BACKLOG", 3)
    monkeypatch.setattr("crm.store.stats.RELIEVED_FOR", 0.0)

    assert shown(store) == [store.people.get(person.id)]
    assert store.stats.behind() == {person.id}


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_done_in_whatever_order_a_page_says_what_the_profiles_do(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    people = [tagged(store, tags=rng.choice([("vip",), ("vip", "a"), ("a", "b"), ()])) for _ in range(6)]
    steps: list[Callable[[Person], object]] = [
        lambda person: attend(store, person),
        lambda person: rename(store, person, f"Name{rng.random()}"),
        lambda person: edit(store, person, f"Company{rng.random()}"),
        lambda person: unsubscribe(store, person),
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
            right = by_id([one for one in profiles(store) if wanted.matches(one)])
            assert by_id(shown(store, wanted)) == right
            assert +Tally(store.people.count_by_status(wanted)) == Tally(one.email_status for one in right)
    store.stats.fold_all()
    there = {one.id: one for one in profiles(store)}
    assert all(copy == there[copy.id] for copy in copies(store))


def _tag(store: Store, person: Person, tags: tuple[str, ...]) -> None:
    now = store.people.get(person.id)
    store.people.save(now, now.edited(replace(now.profile, tags=tags), now=NOW))


def _edit_as_of(store: Store, old: Person) -> None:
    """An edit by what was read a while ago: counts and e-mail status may have changed since, which leave the version alone."""
    parcel = edition(old, old.edited(replace(old.profile, job_title=f"T{old.version}"), now=NOW))
    store.table.write([*parcel.actions, *store.stats.delta(parcel.changes, labels=parcel.labels, now=NOW)])


def _edit_of_before(store: Store, person: Person, meanwhile: Callable[[], object]) -> None:
    old = store.people.get(person.id)
    meanwhile()
    _edit_as_of(store, old)


def _unsubscribing(person: Person) -> tuple[Update, dict[Counter, int]]:
    return status_change(person, EmailStatus.UNSUBSCRIBED, now=NOW)


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
