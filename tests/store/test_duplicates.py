"""Who is found as somebody's possible double, at what cost, and what is remembered of those who are none."""

import pytest

from crm.domain.people import Profile
from crm.services.merge import likely_same
from crm.store import Store
from crm.store.cost import metered
from tests.factories import make_person, make_profile

ZOE = Profile(first_name="Zoë", last_name="Ångström", email="zoe.angstrom@techcorp.example", company="Tech Corp")


def found(store: Store, **other: str) -> list[str]:
    """The addresses that are suggested for Zoë where there is this other person beside her."""
    zoe = store.people.create(make_person(profile=ZOE))
    store.people.create(make_person(profile=make_profile(**other)))
    return [likely.person.profile.email for likely in likely_same(store, zoe)]


@pytest.mark.parametrize(
    "other",
    [
        {"first_name": "Zoe", "last_name": "Angstrom", "email": "x@home.example", "company": "Tech Corp"},
        {"first_name": "Zoe", "last_name": "Angstrom", "email": "x@home.example", "company": ""},
        {"first_name": "ZOE", "last_name": "ÅNGSTRÖM", "email": "zoe.angstrom@home.example", "company": "Elsewhere"},
        {"first_name": "Ångström", "last_name": "Zoë", "email": "x@home.example", "company": "Tech  Corp"},
        {"first_name": "Z.", "last_name": "Angstrom", "email": "z.angstrom@home.example", "company": "Elsewhere"},
        {"first_name": "Zoe Maria", "last_name": "Angstrom", "email": "zoeangstrom@home.example", "company": "Elsewhere"},
        {"first_name": "Zoe", "last_name": "Angstrom", "email": "zoe.angstrom+news@home.example", "company": "Elsewhere"},
    ],
)
def test_who_may_be_the_same_is_found(store: Store, other: dict[str, str]) -> None:
    assert found(store, **other) == [other["email"]]


@pytest.mark.parametrize(
    "other",
    [
        {"first_name": "Zoe", "last_name": "Angstrom", "email": "x@home.example", "company": "Elsewhere"},
        {"first_name": "Zora", "last_name": "Angstrom", "email": "zora@techcorp.example", "company": "Tech Corp"},
        {"first_name": "Zoe", "last_name": "Angstroem", "email": "x@techcorp.example", "company": "Tech Corp"},
        {"first_name": "Bo", "last_name": "Ek", "email": "zoe.angstrom@home.example", "company": "Tech Corp"},
    ],
)
def test_who_is_somebody_else_is_not(store: Store, other: dict[str, str]) -> None:
    assert found(store, **other) == []


def test_the_reason_is_a_sentence(store: Store) -> None:
    zoe = store.people.create(make_person(profile=ZOE))
    store.people.create(make_person(first_name="Zoë", last_name="Ångström", email="z.a@home.example", company="Tech Corp"))

    (likely,) = likely_same(store, zoe)

    assert likely.why == "has the same name, the same company, and the address z.a@home.example."


def test_who_is_just_leaving_is_not_suggested(store: Store) -> None:
    zoe, other = (store.people.create(make_person(profile=make_profile(first_name="Zoe", last_name="Ek"))) for _ in range(2))
    store.events.leave_all(other.id)

    assert likely_same(store, zoe) == []


def test_looking_costs_the_same_among_many_of_the_name(store: Store) -> None:
    people = [make_person(profile=make_profile(first_name="Zoe", last_name="Ek")) for _ in range(60)]
    store.people.create_many(people)

    with metered() as cost:
        likely = likely_same(store, store.people.get(people[0].id))

    assert len(likely) == 3
    assert cost.requests <= 13


def test_marks_go_over_and_none_says_that_one_is_not_oneself(store: Store) -> None:
    old, new, third = (store.people.create(make_person()).id for _ in range(3))
    store.table.write([*store.duplicates.tell_apart(old, new), *store.duplicates.tell_apart(old, third)])

    store.duplicates.hand_over(old, new)

    assert store.duplicates.apart_from(new) == {third}
    assert store.duplicates.apart_from(third) == {new}
    assert store.duplicates.apart_from(old) == frozenset()


def test_more_marks_than_one_transaction_takes_are_removed(store: Store) -> None:
    one = store.people.create(make_person())
    for number in range(90):
        store.table.write(store.duplicates.tell_apart(one.id, f"other{number}"))

    store.people.delete(one)

    assert store.duplicates.apart_from("other7") == frozenset()
    assert store.duplicates.apart_from(one.id) == frozenset()
