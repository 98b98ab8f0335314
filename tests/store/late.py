"""A table whose indexes answer late, as DynamoDB's may: up to `lag` seconds behind what was written."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from crm.store.expressions import AnyOf, Clause, Where
from crm.store.requests import Key, Query, Rows
from crm.store.schema import Index, Item
from crm.store.table import Table

TESTS: Mapping[str, Callable[[Any, tuple[Any, ...]], bool]] = {
    "equals": lambda value, given: value == given[0],
    "differs": lambda value, given: value != given[0],
    "less": lambda value, given: value is not None and value < given[0],
    "at most": lambda value, given: value is not None and value <= given[0],
    "more": lambda value, given: value is not None and value > given[0],
    "at least": lambda value, given: value is not None and value >= given[0],
    "between": lambda value, given: value is not None and given[0] <= value <= given[1],
    "begins": lambda value, given: value is not None and value.startswith(given[0]),
    "contains": lambda value, given: value is not None and given[0] in value,
    "exists": lambda value, given: value is not None,
    "absent": lambda value, given: value is None,
}


class LateTable(Table):
    """Keeps a copy of each index partition that is asked for, and answers from it until it is `lag` seconds old."""

    def __init__(self, *arguments: Any, lag: float = 1.0, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lag = lag
        self._copies: dict[tuple[str, str], tuple[float | None, list[Item]]] = {}
        self._guard = threading.Lock()

    def query(self, query: Query) -> Rows:
        """Answer a query of the table as it is, one of an index from the copy."""
        if query.index is None:
            return super().query(query)
        found = [item for item in self._copy(query.index, query.partition) if _between(item, query)]
        ordered = sorted(found, key=lambda item: _place(query.index, item), reverse=not query.forward)
        if query.start is not None:
            edge, forward = _place(query.index, query.start), query.forward
            ordered = [item for item in ordered if _behind(_place(query.index, item), edge, forward=forward)]
        page = ordered if query.limit is None else ordered[: query.limit]
        following = _key(query.index, page[-1]) if len(page) < len(ordered) else None
        return Rows(items=[item for item in page if passes(item, query.where)], next=following, read=len(page))

    def count(self, query: Query, *, most: int | None = None) -> int:
        """Count as `query` answers."""
        return super().count(query, most=most) if query.index is None else sum(1 for _ in self.walk(query))

    def _copy(self, index: Index, partition: str) -> list[Item]:
        with self._guard:
            made, items = self._copies.get((index.name, partition), (None, []))
            if made is None or time.monotonic() - made >= self.lag:
                items = list(self._all(index, partition))
                self._copies[index.name, partition] = (time.monotonic(), items)
            return items

    def _all(self, index: Index, partition: str) -> Iterator[Item]:
        start: Key | None = None
        while True:
            rows = super().query(Query(partition=partition, index=index, start=start))
            yield from rows.items
            if rows.next is None:
                return
            start = rows.next


def _place(index: Index | None, item: Mapping[str, Any]) -> tuple[str, str, str]:
    assert index is not None
    return str(item[index.sk]), str(item["PK"]), str(item["SK"])


def _behind(place: tuple[str, str, str], edge: tuple[str, str, str], *, forward: bool) -> bool:
    return place > edge if forward else place < edge


def _key(index: Index, item: Item) -> Key:
    return {name: item[name] for name in ("PK", "SK", index.pk, index.sk)}


def _between(item: Item, query: Query) -> bool:
    assert query.index is not None
    place = str(item[query.index.sk])
    return (query.low is None or place >= query.low) and (query.high is None or place <= query.high)


def passes(item: Item, where: Where) -> bool:
    """Tell whether an item passes a filter, as the engine would."""
    return all(_one(item, clause) for clause in where)


def _one(item: Item, clause: Clause | AnyOf) -> bool:
    if isinstance(clause, AnyOf):
        return any(_one(item, one) for one in clause.clauses) is not clause.negated
    return TESTS[clause.test](item.get(clause.attribute), clause.values) is not clause.negated
