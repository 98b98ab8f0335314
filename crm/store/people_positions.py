"""Where somebody stands in an order, as text that sorts like the keys of the source that has it."""

from collections.abc import Sequence
from typing import NamedTuple

from crm.domain.people import Person, search_tokens
from crm.store import schema
from crm.store.keys import count, render
from crm.store.people_items import item_of
from crm.store.plan import Plan

DESCENDING = {"attended": (0,), "hosted": (0,)}
"""Ranks of an order that run from the greatest key down."""


class Position(NamedTuple):
    """Where somebody stands in an order: the key within a rank. Ranks follow each other."""

    rank: int
    key: str


def position_in(order: str, person: Person) -> Position:
    """Return where a person stands in one of the orders that can be asked for; equal to what the keys say."""
    values = {"id": person.id, "lastName": person.profile.last_name, "firstName": person.profile.first_name}
    if order == "attended":
        return Position(0, f"{count(person.attended_event_count)}#USER#{person.id}")
    if order == "hosted" and person.hosted_event_count:
        return Position(0, f"{count(person.hosted_event_count)}#USER#{person.id}")
    return Position(int(order == "hosted"), render(schema.PERSON_SORT, values) or "")


def smallest_token(word: str, tokens: Sequence[str]) -> str:
    """Return the smallest of the tokens that begin with the word, "" where none does."""
    return min((token for token in tokens if token.startswith(word)), default="")


def place_of(plan: Plan, person: Person) -> Position:
    """Return where a person that matches stands in what this plan gives."""
    if plan.order == "search":
        token = smallest_token(plan.word, search_tokens(person.profile))
        return Position(0, schema.key("searchToken", token=token, userId=person.id)["SK"])
    if plan.order == "id":
        return Position(0, person.id)
    if plan.order == "city":
        return Position(0, item_of(person)[schema.BY_LOCATION.sk])
    return position_in(plan.order, person)


def just_before(key: str) -> str:
    """Return a bound that everything before the key, but not the key itself, is within.

    >>> "USER#a0" < just_before("USER#a1") < "USER#a1"
    True
    """
    return key[:-1] + chr(ord(key[-1]) - 1) + chr(0x10FFFF)


def is_behind(position: Position, start: Position, falling: bool, backwards: bool) -> bool:
    """Tell whether a position comes after `start` in a rank that runs that way."""
    if position.rank != start.rank:
        return position.rank < start.rank if backwards else position.rank > start.rank
    return position.key < start.key if falling != backwards else position.key > start.key
