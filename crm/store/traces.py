"""What there is of a person beside the profile: whether they can be taken out again as if they had never come."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm.domain.people import Person
from crm.store import schema
from crm.store.expressions import AnyOf, absent, equals
from crm.store.keys import render
from crm.store.people_items import LEAVING, MERGING
from crm.store.requests import Query, Update
from crm.store.schema import BY_DATE
from crm.store.table import ConditionFailed, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """The kinds of items that stand under a person, their profile aside, and the ids of the entries of their log."""

    kinds: frozenset[str]
    entries: frozenset[str]


class TraceRepository:
    """Reads what is there of somebody, and keeps others from adding to it meanwhile."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, person_id: str) -> Traces:
        """Return what stands under a person at this moment; one consistent query."""
        partition, _ = schema.prefix("user", id=person_id)
        query = Query(partition=partition, consistent=True, attributes=("entityType", "id"))
        items = [item for item in self._table.walk(query) if item.get("entityType") != "user"]
        return Traces(
            kinds=frozenset(str(item["entityType"]) for item in items),
            entries=frozenset(str(item["id"]) for item in items if item["entityType"] == "log"),
        )

    def was_mailed(self, person_id: str) -> bool:
        """Tell whether there is an e-mail to them; one query of an index, which may lag behind."""
        partition = render(BY_DATE.entry("email").partition, {"userId": person_id})
        return bool(self._table.query(Query(partition=partition or "", index=BY_DATE, limit=1)).items)

    def leaving(self, people: Sequence[Person], mark: str) -> list[Update]:
        """Return the actions that keep people from being put on lists of events, until whoever set `mark` takes it off again.

        The condition is that nobody edited them since, and that they are not just being deleted or merged.
        """
        free = AnyOf((absent(LEAVING), equals(LEAVING, mark)))
        return [
            Update(
                key=schema.key("user", id=person.id),
                changes={LEAVING: mark},
                expect=[equals("version", person.version), free, absent(MERGING)],
            )
            for person in people
        ]

    def stay(self, person_id: str, mark: str) -> None:
        """Take that mark off; the person may be gone, or be leaving for another reason by now."""
        try:
            key = schema.key("user", id=person_id)
            self._table.write([Update(key=key, changes={LEAVING: None}, expect=[equals(LEAVING, mark)])])
        except ConditionFailed:
            return
