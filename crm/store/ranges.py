"""One page of several key ranges that are read one after another: forwards and back, each item once, none lost."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from crm.domain.errors import BadToken
from crm.store.requests import Key, Query
from crm.store.schema import Item
from crm.store.table import Table

Position = list[Any]
"""Where a page begins: whether one goes back, and the key of the item one goes on from, as a token can hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The items of one page, and the positions of the pages beside it, None at an end."""

    items: list[Item]
    next: Position | None
    prev: Position | None


def read(
    table: Table,
    ranges: Sequence[Query],
    *,
    limit: int,
    position: Position | None,
    keep: Callable[[Iterable[Item]], Iterator[Item]] = iter,
    at_once: bool = False,
    spare: int = 0,
) -> Slice:
    """Return up to `limit` items behind (or before) `position`; one item more is read, to know whether there is another page.

    The ranges must not overlap and come in the order of the list. When everything behind the position is gone meanwhile, the
    page at that end of the list is given. BadToken when the position lies in none of the ranges. `keep` lets through the items
    that count, in their order; `spare` more are read in one request for those that don't. Where few may count, `at_once` reads
    as much as an answer takes, as is done with a range that has a filter.
    """
    back, start = _parse(position)
    page = [query if at_once or query.where else replace(query, limit=limit + 1 + spare) for query in ranges]
    found = list(islice(keep(_walk(table, page, back=back, start=start)), limit + 1))
    if not found and start is not None:
        return read(table, ranges, limit=limit, position=[not back], keep=keep, at_once=at_once, spare=spare)
    items, more = found[:limit], len(found) > limit
    if back:
        items.reverse()
    before, after = (more, start is not None) if back else (start is not None, more)
    return Slice(
        items=items,
        next=_position(items[-1], ranges, back=False) if items and after else None,
        prev=_position(items[0], ranges, back=True) if items and before else None,
    )


def _walk(table: Table, ranges: Sequence[Query], *, back: bool, start: Key | None) -> Iterator[Item]:
    ordered = list(reversed(ranges)) if back else list(ranges)
    if start is not None:
        holding = next((number for number, query in enumerate(ordered) if _holds(query, start)), None)
        if holding is None:
            raise BadToken("This page link is not valid for this list. Start again from the first page.")
        ordered = [replace(ordered[holding], start=start), *ordered[holding + 1 :]]
    for query in ordered:
        yield from table.walk(replace(query, forward=query.forward is not back))


def _names(query: Query) -> tuple[str, ...]:
    return ("PK", "SK") if query.index is None else (query.index.pk, query.index.sk, "PK", "SK")


def _holds(query: Query, key: Key) -> bool:
    pk, sk = _names(query)[:2]
    if key.get(pk) != query.partition:
        return False
    return (query.low is None or key[sk] >= query.low) and (query.high is None or key[sk] <= query.high)


def _position(item: Item, ranges: Sequence[Query], *, back: bool) -> Position:
    names = _names(ranges[0])
    return [back, dict(zip(names, (item[name] for name in names), strict=True))]


def _parse(position: Position | None) -> tuple[bool, Key | None]:
    if position is None:
        return False, None
    return bool(position[0]), position[1] if len(position) > 1 else None
