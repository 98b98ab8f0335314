"""Carries a plan out: gives its people one by one, in order, from a position on, forwards or backwards.

Nothing is read before it is asked for. Pages of the engine are sized by what is still wanted and by the share that passed.
"""

import heapq
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from crm.domain.filters import PeopleFilter
from crm.domain.people import Person, search_tokens
from crm.store import schema
from crm.store.expressions import one_of
from crm.store.keys import AFTER, count, render, unescape
from crm.store.membership import Members
from crm.store.people_items import item_of, person_of
from crm.store.plan import Plan, Stage, Strand
from crm.store.requests import Key, Query
from crm.store.schema import Item
from crm.store.table import Table

MOST_AT_ONCE = 1000
"""Items of one request: about what the engine's 1 MB holds."""
SEGMENTS = 4
DESCENDING = {"attended": (0,), "hosted": (0,)}
"""Ranks of an order that run from the greatest key down."""


class Position(NamedTuple):
    """Where somebody stands in an order: the key within a rank. Ranks follow each other."""

    rank: int
    key: str


Found = tuple[Position, Person]


@dataclass(slots=True)
class Pace:
    """How much to ask for: `left` matches are still wanted, and `share` of what is read is expected to pass."""

    left: int
    share: float
    read: int = 0
    passed: int = 0

    def size(self, strands: int) -> int:
        """Return how many items to ask one of so many strands for."""
        share = self.share if self.read < 20 else max((self.passed + 0.5) / (self.read + 1), 0.001)
        spread = 2 if strands > 1 else 0
        return max(1, min(MOST_AT_ONCE, math.ceil(max(1, self.left) / share / strands) + spread))

    def saw(self, read: int, passed: int) -> None:
        """Note what one request brought."""
        self.read += read
        self.passed += passed


class PeopleReader:
    """Reads one plan for one filter. `backwards` turns every order round."""

    def __init__(self, table: Table, plan: Plan, wanted: PeopleFilter, members: Members) -> None:
        self._table = table
        self._plan = plan
        self._wanted = wanted
        self._members = members
        self._all: list[Person] | None = None

    def people(self, start: Position | None, *, backwards: bool, many: int) -> Iterator[Found]:
        """Give who comes after `start` (before it, nearest first, when `backwards`); about `many` will be taken."""
        if self._plan.in_memory or self._plan.source == "scan":
            return self._sorted(start, backwards)
        if self._plan.source == "members":
            return self._of_members(start, backwards, many)
        return self._of_stages(start, backwards, many)

    def queries(self) -> list[Query]:
        """Return the key conditions and filters that together hold everybody who matches, for a plan that is complete."""
        return [
            Query(partition=strand.partition, index=stage.index, low=strand.low, high=strand.high, where=stage.where)
            for stage in self._plan.stages
            for strand in stage.strands
        ]

    # orders that the source has

    def _of_stages(self, start: Position | None, backwards: bool, many: int) -> Iterator[Found]:
        pace = Pace(left=many, share=self._plan.share)
        stages = reversed(self._plan.stages) if backwards else iter(self._plan.stages)
        for stage in stages:
            if start is not None and (stage.rank > start.rank if backwards else stage.rank < start.rank):
                continue
            within = start.key if start is not None and start.rank == stage.rank else None
            for found in self._of_stage(stage, within, backwards, pace):
                yield found
                pace.left -= 1

    def _of_stage(self, stage: Stage, start: str | None, backwards: bool, pace: Pace) -> Iterator[Found]:
        forward = stage.ascending != backwards
        strands = [self._of_strand(stage, strand, start, forward, pace) for strand in stage.strands]
        merged = strands[0] if len(strands) == 1 else heapq.merge(*strands, key=itemgetter(0), reverse=not forward)
        last: Position | None = None
        for found in merged:
            if found[0] != last:
                yield found
            last = found[0]

    def _of_strand(self, stage: Stage, strand: Strand, start: str | None, forward: bool, pace: Pace) -> Iterator[Found]:
        low, high = _bounds(strand, start, forward)
        if low is not None and high is not None and low > high:
            return
        more: Key | None = None
        while True:
            size = pace.size(len(stage.strands))
            query = Query(
                partition=strand.partition,
                index=stage.index,
                low=low,
                high=high,
                forward=forward,
                limit=size,
                where=stage.where,
                attributes=None if stage.index is not None else ("SK", "userId"),
                start=more,
            )
            rows = self._table.query(query)
            found = list(self._found(stage, strand, rows.items))
            pace.saw(size if rows.next is not None else len(rows.items), len(found))
            yield from found
            if rows.next is None:
                return
            more = rows.next

    def _found(self, stage: Stage, strand: Strand, items: Sequence[Item]) -> Iterator[Found]:
        if stage.index is not None:
            for item in items:
                person = person_of(item)
                if self._plan.complete or self._passes(person):
                    yield Position(stage.rank, item[stage.index.sk][len(strand.prefix) :]), person
            return
        people = self._profiles([item["userId"] for item in items])
        for item in items:
            found = people.get(item["userId"])
            if found is not None and self._passes(found) and self._first_token(item["SK"], found):
                yield Position(stage.rank, item["SK"]), found

    def _first_token(self, key: str, person: Person) -> bool:
        """Whether this is the smallest of the person's tokens that begin with the word: there, and only there, they are given."""
        word = self._plan.word
        if not word:
            return True
        return unescape(key.partition("#")[0]) == _smallest_token(word, person)

    # events and campaigns

    def _of_members(self, start: Position | None, backwards: bool, many: int) -> Iterator[Found]:
        ids = self._members.ids()
        if start is not None:
            ids = ids[: bisect_left(ids, start.key)] if backwards else ids[bisect_right(ids, start.key) :]
        if backwards:
            ids.reverse()
        pace = Pace(left=many, share=self._plan.share)
        while ids:
            some, ids = ids[: pace.size(1)], ids[pace.size(1) :]
            people = self._profiles(some)
            found = [(Position(0, id_), people[id_]) for id_ in some if id_ in people and self._wanted.matches(people[id_])]
            pace.saw(len(some), len(found))
            yield from found
            pace.left -= len(found)

    # orders that no source has

    def _sorted(self, start: Position | None, backwards: bool) -> Iterator[Found]:
        if self._all is None:
            self._all = list(self._everybody())
        everybody = [(position_in(self._plan.order, person), person) for person in self._all]
        ranks = sorted({position.rank for position, _ in everybody}, reverse=backwards)
        for rank in ranks:
            falling = rank in DESCENDING.get(self._plan.order, ())
            some = [found for found in everybody if found[0].rank == rank]
            some.sort(key=itemgetter(0), reverse=falling != backwards)
            yield from (found for found in some if start is None or _is_behind(found[0], start, falling, backwards))

    def _everybody(self) -> Iterable[Person]:
        if self._plan.source == "scan":
            return self._scanned()
        if self._plan.source == "members":
            return [person for _, person in self._of_members(None, False, MOST_AT_ONCE)]
        return [person for _, person in self._of_stages(None, False, max(MOST_AT_ONCE, self._plan.estimate))]

    def _scanned(self) -> list[Person]:
        """The whole table in parallel segments: only while nobody was ever counted."""
        where = [one_of("entityType", ["user"])]

        def segment(number: int) -> list[Person]:
            items = self._table.scan(where=where, segments=SEGMENTS, segment=number)
            return [person for person in map(person_of, items) if self._passes(person)]

        contexts = [copy_context() for _ in range(SEGMENTS)]
        with ThreadPoolExecutor(SEGMENTS) as pool:
            parts = pool.map(lambda number: contexts[number].run(segment, number), range(SEGMENTS))
        return [person for part in parts for person in part]

    # people

    def _profiles(self, ids: Sequence[str]) -> dict[str, Person]:
        items = self._table.batch_get([schema.key("user", id=id_) for id_ in ids])
        return {item["id"]: person_of(item) for item in items if item is not None}

    def _passes(self, person: Person) -> bool:
        return self._members.hold(person.id) and self._wanted.matches(person)


def position_in(order: str, person: Person) -> Position:
    """Return where a person stands in one of the orders that can be asked for; equal to what the keys say."""
    values = {"id": person.id, "lastName": person.profile.last_name, "firstName": person.profile.first_name}
    if order == "attended":
        return Position(0, f"{count(person.attended_event_count)}#USER#{person.id}")
    if order == "hosted" and person.hosted_event_count:
        return Position(0, f"{count(person.hosted_event_count)}#USER#{person.id}")
    return Position(int(order == "hosted"), render(schema.PERSON_SORT, values) or "")


def _smallest_token(word: str, person: Person) -> str:
    """The smallest of a person's search tokens that begin with the word, "" where none does."""
    return min((token for token in search_tokens(person.profile) if token.startswith(word)), default="")


def place_of(plan: Plan, person: Person) -> Position:
    """Return where a person that matches stands in what this plan gives."""
    if plan.order == "search":
        return Position(0, schema.key("searchToken", token=_smallest_token(plan.word, person), userId=person.id)["SK"])
    if plan.order == "id":
        return Position(0, person.id if plan.source == "members" else schema.key("user", id=person.id)["PK"])
    if plan.order == "city":
        return Position(0, item_of(person)[schema.BY_LOCATION.sk])
    return position_in(plan.order, person)


def just_before(key: str) -> str:
    """Return a bound that everything before the key, but not the key itself, is within.

    >>> "USER#a0" < just_before("USER#a1") < "USER#a1"
    True
    """
    return key[:-1] + chr(ord(key[-1]) - 1) + chr(0x10FFFF)


def _bounds(strand: Strand, start: str | None, forward: bool) -> tuple[str | None, str | None]:
    low, high = strand.low, strand.high
    if start is None:
        return low, high
    if forward:
        behind = strand.prefix + start + AFTER
        return (behind if low is None else max(low, behind)), high
    before = strand.prefix + just_before(start)
    return low, (before if high is None else min(high, before))


def _is_behind(position: Position, start: Position, falling: bool, backwards: bool) -> bool:
    if position.rank != start.rank:
        return position.rank < start.rank if backwards else position.rank > start.rank
    return position.key < start.key if falling != backwards else position.key > start.key
