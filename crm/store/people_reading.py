"""Carries a plan out: gives its people one by one, in order, from a position on, forwards or backwards.

Nothing is read before it is asked for. Pages of the engine are sized by what is still wanted and by the share that passed.
"""

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from dataclasses import replace
from functools import cache
from itertools import count as count_from
from itertools import groupby, islice
from operator import itemgetter
from typing import TypeVar

from crm.domain.people import EmailStatus, Person, search_tokens
from crm.store import schema
from crm.store.expressions import one_of
from crm.store.keys import AFTER, unescape
from crm.store.looking import anew
from crm.store.people_asked import Asked
from crm.store.people_items import person_of
from crm.store.people_pace import EVERYBODY, MOST_AT_ONCE, Pace, spare
from crm.store.people_positions import DESCENDING, Position, is_behind, just_before, position_in, smallest_token
from crm.store.plan import Plan, Stage, Strand
from crm.store.requests import Query, Rows
from crm.store.schema import Item
from crm.store.table import Table

SEGMENTS = 4
POINTER = ("SK", "userId", "tokens")

Found = tuple[Position, Person]
Row = TypeVar("Row")


class PeopleReader:
    """Reads one plan for one filter. `backwards` turns every order round. `people_read` counts the people it looked at.

    `behind` gives the ids of those whose copies can't be relied on; it is asked once, before the first copy is read.
    """

    def __init__(self, table: Table, plan: Plan, asked: Asked, behind: Callable[[], frozenset[str]]) -> None:
        self._table = table
        self._plan = plan
        self._asked = asked
        self._behind = cache(behind)
        self._all: list[Person] | None = None
        self.people_read = 0

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

    def statuses(self) -> Iterator[tuple[str, EmailStatus]]:
        """Give the id and the e-mail status of everybody in a plan by tag, of whom nothing else is asked, in no order."""
        behind = self._behind()
        for query in self.queries():
            wanted: Query | None = replace(query, attributes=("userId", "emailStatus", "version"))
            while wanted is not None:
                with anew():
                    rows = self._table.query(wanted)
                bare = [item["userId"] for item in rows.items if "version" not in item or item["userId"] in behind]
                people = self._profiles(bare) if bare else {}
                yield from ((id_, one.email_status) for id_, one in people.items() if self._asked.matches(one))
                known = frozenset(bare)
                yield from (
                    (item["userId"], EmailStatus(item["emailStatus"])) for item in rows.items if item["userId"] not in known
                )
                wanted = replace(wanted, start=rows.next) if rows.next is not None else None

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
        if stage.copies:
            self._behind()
        parts = [self._parts(stage, strand, start, forward, pace) for strand in stage.strands]
        if stage.pointers:
            pointers = [self._pointers(stage, strand, part) for strand, part in zip(stage.strands, parts, strict=True)]
            yield from self._looked_up(_merged(pointers, forward), pace)
        else:
            yield from _merged(
                [self._people(stage, strand, part, pace) for strand, part in zip(stage.strands, parts, strict=True)], forward
            )

    def _parts(self, stage: Stage, strand: Strand, start: str | None, forward: bool, pace: Pace) -> Iterator[Rows]:
        """The answers of one strand, each asked for what is wanted just then."""
        low, high = _bounds(strand, start, forward)
        if low is not None and high is not None and low > high:
            return
        weight = (strand.estimate + 1) / sum(other.estimate + 1 for other in stage.strands)
        query = Query(
            partition=strand.partition,
            index=stage.index,
            low=low,
            high=high,
            forward=forward,
            where=stage.where,
            attributes=POINTER if stage.pointers else None,
        )
        for times in count_from(0):
            more = spare(len(stage.strands), times, pointers=stage.pointers)
            size = max(pace.size(weight, more), min(MOST_AT_ONCE, 2**times // 16))  # where the counts are far behind
            with anew() if stage.copies else nullcontext():  # read before it was asked who is behind, they could not be relied on
                rows = self._table.query(replace(query, limit=size))
            if not stage.pointers:
                pace.read += rows.read
                self.people_read += rows.read
            yield rows
            if rows.next is None:
                return
            query = replace(query, start=rows.next)

    def _people(self, stage: Stage, strand: Strand, parts: Iterable[Rows], pace: Pace) -> Iterator[Found]:
        key = stage.index.sk if stage.index is not None else "SK"
        for rows in parts:
            current = self._current(rows.items) if stage.copies else map(person_of, rows.items)
            places = [Position(stage.rank, item[key][len(strand.prefix) :]) for item in rows.items]
            found = [(place, person) for place, person in zip(places, current, strict=True) if person is not None]
            if not self._plan.complete:
                found = [(position, person) for position, person in found if self._asked.matches(person)]
            pace.passed += len(found)
            yield from found

    def _current(self, copies: Sequence[Item]) -> Iterator[Person | None]:
        """The people of copies; of those that are behind, or bare, the profiles are asked: None where somebody is gone."""
        asked = [copy["userId"] for copy in copies if "version" not in copy or copy["userId"] in self._behind()]
        people = self._profiles(asked) if asked else {}
        known = frozenset(asked)
        return (people.get(copy["userId"]) if copy["userId"] in known else person_of(copy) for copy in copies)

    def _pointers(self, stage: Stage, strand: Strand, parts: Iterable[Rows]) -> Iterator[tuple[Position, Item]]:
        for rows in parts:
            for item in rows.items:
                if "tokens" not in item or self._first_of(item["SK"], item["tokens"]):
                    yield Position(stage.rank, item["SK"][len(strand.prefix) :]), item

    def _looked_up(self, pointers: Iterator[tuple[Position, Item]], pace: Pace) -> Iterator[Found]:
        """The people that pointers lead to, as many at a time as are wanted."""
        while some := self._taken(pointers, pace):
            people = self._profiles([pointer["userId"] for _, pointer in some])
            found = [
                (position, person)
                for position, pointer in some
                if (person := people.get(pointer["userId"])) is not None
                and self._asked.matches(person)
                and self._first_of(pointer["SK"], search_tokens(person.profile))
            ]
            pace.saw(len(some), len(found))
            yield from found

    def _taken(self, pointers: Iterator[tuple[Position, Item]], pace: Pace) -> list[tuple[Position, Item]]:
        """As many pointers as are wanted."""
        some = []
        for pointer in islice(pointers, pace.size()):
            some.append(pointer)
            pace.pending += 1
        pace.pending = 0
        return some

    def _first_of(self, key: str, tokens: Sequence[str]) -> bool:
        """Whether this is the smallest of a person's tokens that begin with the word: there, and only there, they are given."""
        word = self._plan.word
        return not word or unescape(key.partition("#")[0]) == smallest_token(word, tokens)

    # events and campaigns

    def _of_members(self, start: Position | None, backwards: bool, many: int) -> Iterator[Found]:
        ids = self._asked.members.ids()
        if start is not None:
            ids = ids[: bisect_left(ids, start.key)] if backwards else ids[bisect_right(ids, start.key) :]
        if backwards:
            ids = ids[::-1]
        pace = Pace(left=many, share=self._plan.share)
        while ids:
            size = pace.size()
            some, ids = ids[:size], ids[size:]
            people = self._profiles(some)
            found = [(Position(0, id_), people[id_]) for id_ in some if id_ in people and self._asked.matches(people[id_])]
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
            yield from (found for found in some if start is None or is_behind(found[0], start, falling, backwards))

    def _everybody(self) -> Iterable[Person]:
        if self._plan.source == "scan":
            return self._scanned()
        if self._plan.source == "members":
            return [person for _, person in self._of_members(None, False, EVERYBODY)]
        return [person for _, person in self._of_stages(None, False, EVERYBODY)]

    def _scanned(self) -> list[Person]:
        """The whole table in parallel segments: only while nobody was ever counted."""
        where = [one_of("entityType", ["user"])]

        def segment(number: int) -> list[Person]:
            items = self._table.scan(where=where, segments=SEGMENTS, segment=number)
            return [person_of(item) for item in items]

        contexts = [copy_context() for _ in range(SEGMENTS)]
        with ThreadPoolExecutor(SEGMENTS) as pool:
            parts = pool.map(lambda number: contexts[number].run(segment, number), range(SEGMENTS))
            people = [person for part in parts for person in part]
        self.people_read += len(people)
        return [person for person in people if self._asked.matches(person)]

    # people

    def _profiles(self, ids: Sequence[str]) -> dict[str, Person]:
        items = self._table.batch_get([schema.key("user", id=id_) for id_ in ids])
        self.people_read += len(items)
        return {item["id"]: person_of(item) for item in items if item is not None}


def _merged(strands: Sequence[Iterator[tuple[Position, Row]]], forward: bool) -> Iterator[tuple[Position, Row]]:
    """Strands in one order, each position once."""
    if len(strands) == 1:
        return strands[0]
    merged = heapq.merge(*strands, key=itemgetter(0), reverse=not forward)
    return (next(same) for _, same in groupby(merged, key=itemgetter(0)))


def _bounds(strand: Strand, start: str | None, forward: bool) -> tuple[str | None, str | None]:
    low, high = strand.low, strand.high
    if start is None:
        return low, high
    if forward:
        behind = strand.prefix + start + AFTER
        return (behind if low is None else max(low, behind)), high
    before = strand.prefix + just_before(start)
    return low, (before if high is None else min(high, before))
