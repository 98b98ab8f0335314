"""Who may be somebody's double, found by name and address; and of whom staff said that they are two people."""

from collections.abc import Sequence

from crm.domain.folding import fold
from crm.domain.merging import beginnings
from crm.domain.people import Person
from crm.store import schema
from crm.store.keys import behind_prefix, escape, render
from crm.store.people_items import person_of
from crm.store.requests import Delete, Put, Query
from crm.store.schema import BY_LAST_NAME, Item
from crm.store.table import Table

AT_ONCE = 10
"""People that one look may find: more of one name are no duplicates."""
PART = 40


class DuplicateRepository:
    """Looks for doubles, and remembers who is none."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def near(self, person: Person) -> list[Person]:
        """Return others with this name, either way round, or with an address that begins like theirs; in no order.

        Up to ten queries of `AT_ONCE` items and one batch: what it costs does not grow with the table. Who is just leaving, and
        who was told apart, is left out.
        """
        found: dict[str, None] = {}
        for query in self._queries(person):
            found |= dict.fromkeys(str(item.get("userId") or item["id"]) for item in self._table.query(query).items)
        apart = self.apart_from(person.id)
        ids = [id_ for id_ in found if id_ != person.id and id_ not in apart]
        items = self._table.batch_get([schema.key("user", id=id_) for id_ in ids]) if ids else []
        people = [person_of(item) for item in items if item is not None]
        return [one for one in people if not one.leaving]

    def apart_from(self, person_id: str) -> frozenset[str]:
        """Return who is somebody else, as staff said; one consistent query."""
        return frozenset(_marked(self._table, person_id))

    def tell_apart(self, person_id: str, other_id: str) -> list[Put]:
        """Return the actions that write down, on both sides, that these are two people."""
        return [Put(item=_mark(person_id, other_id)), Put(item=_mark(other_id, person_id))]

    def hand_over(self, old_id: str, new_id: str) -> None:
        """Let whoever is not the one be not the other; safe to repeat. One query, and one transaction per 20 marks."""
        others = _marked(self._table, old_id)
        for start in range(0, len(others), PART // 2):
            actions: list[Put | Delete] = []
            for other in others[start : start + PART // 2]:
                actions += _gone(old_id, other)
                actions += self.tell_apart(new_id, other) if other != new_id else []
            self._table.write(actions)

    def _queries(self, person: Person) -> list[Query]:
        first, last = fold(person.profile.first_name), fold(person.profile.last_name)
        named = [_by_name(first, last), *([_by_name(last, first)] if first != last else [])]
        return [query for query in named if query is not None] + [_by_address(text) for text in beginnings(person.profile)]


def unmark(table: Table, person_id: str) -> None:
    """Remove what says that a person is somebody else, on both sides; one query, and one transaction per 40 of them."""
    others = _marked(table, person_id)
    for start in range(0, len(others), PART):
        table.write([action for other in others[start : start + PART] for action in _gone(person_id, other)])


def _marked(table: Table, person_id: str) -> list[str]:
    partition, low = schema.prefix("distinct", userId=person_id)
    query = Query(partition=partition, low=low, high=behind_prefix(low), consistent=True)
    return [str(item["otherId"]) for item in table.walk(query)]


def _mark(user_id: str, other_id: str) -> Item:
    return schema.keyed("distinct", {"id": f"{user_id}:{other_id}", "userId": user_id, "otherId": other_id})


def _gone(one: str, other: str) -> Sequence[Delete]:
    pairs = ((one, other), (other, one))
    return [Delete(key=schema.key("distinct", userId=user_id, otherId=other_id)) for user_id, other_id in pairs]


def _by_name(first: str, last: str) -> Query | None:
    """Everybody of exactly this name."""
    entry = BY_LAST_NAME.entry("user")
    values = {"firstName": first, "lastName": last}
    partition = render(entry.partition, values)
    head = entry.sort[: entry.sort.index("USER#")]
    low = render(head, values)
    if partition is None or low is None:
        return None
    return Query(partition=partition, index=BY_LAST_NAME, low=low, high=behind_prefix(low), limit=AT_ONCE)


def _by_address(beginning: str) -> Query:
    """Whose address begins so, up to an @ or a plus, by the search tokens; words of names have neither and lie outside."""
    partition = render(schema.BY_NAME["searchToken"].pk, {"token": beginning}) or ""
    low = escape(beginning)
    return Query(partition=partition, low=f"{low}+", high=behind_prefix(f"{low}@"), limit=AT_ONCE)
