"""A pasted list: what counts as an address, who is found, and the same list for the same people."""

import pytest

from crm.domain.errors import RuleViolation
from crm.domain.filters import PeopleFilter
from crm.services.pasted import MAX_TEXT, MOST, paste, read_addresses
from crm.store import Store
from tests.factories import make_person


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.org,bob@example.org",
        "ada@example.org; bob@example.org",
        "ada@example.org bob@example.org",
        "\n ada@example.org\r\n\tbob@example.org\n",
        "Ada Lovelace <ada@example.org>, Bob <bob@example.org>",
        '"Lovelace, Ada" <ada@example.org>; Kahn, Bob <bob@example.org>',
        "<mailto:ada@example.org> 'bob@example.org'.",
        '"ada@example.org","bob@example.org"',
        "(ada@example.org)\u200b\u00a0bob@example.org，",
    ],
)
def test_addresses_are_found_however_they_are_separated(text: str) -> None:
    addresses, rest = read_addresses(text)

    assert addresses == ["ada@example.org", "bob@example.org"]
    assert rest == []


def test_what_is_no_address_is_told() -> None:
    addresses, rest = read_addresses("ada@example.org, bob@, nobody\ncarl@example <carl @example.org>")

    assert addresses == ["ada@example.org"]
    assert rest == ["bob@", "nobody", "carl@example", "carl @example.org"]


def test_a_list_holds_those_who_are_here_and_names_the_others(store: Store) -> None:
    ada = store.people.create(make_person(email="ada@example.org"))
    store.people.create(make_person(email="other@example.org"))

    pasted = paste(store, "ADA@example.org, ada@example.org, zoe@example.org, zoe@example.org, zoe", actor="ingrid")

    assert (pasted.found, pasted.unknown, pasted.twice, pasted.not_addresses) == (1, ("zoe@example.org",), 2, ("zoe",))
    assert list(store.selections.walk(pasted.list_id)) == [ada.id]
    assert store.people.count(PeopleFilter(selected=(pasted.list_id,))) == 1


def test_the_same_people_pasted_again_are_the_same_list(store: Store) -> None:
    people = [store.people.create(make_person()).profile.email for _ in range(3)]

    first = paste(store, "\n".join(people), actor="ingrid")
    second = paste(store, ", ".join(reversed(people)), actor="jonas")

    assert first.list_id == second.list_id
    assert len(list(store.selections.walk(first.list_id))) == 3


def test_a_long_list_is_kept_whole_and_named_by_its_number(store: Store) -> None:
    people = store.people.create_many([make_person() for _ in range(120)])
    addresses = [person.profile.email for person in people if not isinstance(person, Exception)]

    pasted = paste(store, "\n".join(addresses), actor="ingrid")

    assert sorted(store.selections.walk(pasted.list_id)) == sorted(
        person.id for person in people if not isinstance(person, Exception)
    )
    assert store.selections.names([pasted.list_id]) == {pasted.list_id: "Pasted list of 120"}


def test_a_list_of_strangers_keeps_nothing(store: Store) -> None:
    pasted = paste(store, "zoe@example.org", actor="ingrid")

    assert (pasted.list_id, pasted.found) == ("", 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no e-mail address"),
        ("nobody at all", "no e-mail address"),
        ("a" * (MAX_TEXT + 1), "too much text"),
        (" ".join(f"a{number}@example.org" for number in range(MOST + 1)), "10,001 addresses; 10,000 are the most"),
    ],
)
def test_what_can_not_be_a_list_is_refused_in_words(store: Store, text: str, words: str) -> None:
    with pytest.raises(RuleViolation, match=words):
        paste(store, text, actor="ingrid")
