"""Copies of profiles that stand in a person's tags, so that a page by tag shows people without looking each of them up.

Whatever changes a profile names its person in the delta of the same transaction (`behind`), and the fold brings the copies up to
date before it takes that delta away. So a copy says what the profile does, unless a delta names its person: then the profile is
asked. docs/decisions/0107-pointers-and-the-people-they-lead-to.md
"""

from collections.abc import Sequence

from crm.store import schema
from crm.store.expressions import equals, exists
from crm.store.people_items import person_of, tag_items
from crm.store.requests import Put
from crm.store.table import Table


class Copies:
    """Finds the copies that are not what the profile is."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def lagging(self, ids: Sequence[str]) -> list[Put]:
        """Return what brings the copies of these people up to date; a request for each 100 people, and for each 100 copies.

        A copy that is not there is none, and neither is one of somebody who took the place of who was read.
        """
        profiles = self._table.batch_get([schema.key("user", id=id_) for id_ in ids], consistent=True)
        wanted = [item for one in profiles if one is not None for item in tag_items(person_of(one)).values()]
        copies = self._table.batch_get([{"PK": item["PK"], "SK": item["SK"]} for item in wanted], consistent=True)
        return [
            Put(item=item, expect=[exists(), equals("createdAt", copy.get("createdAt"))])
            for item, copy in zip(wanted, copies, strict=True)
            if copy is not None and copy != item
        ]
