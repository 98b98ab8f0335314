"""Erasures: that somebody is being, or was, erased: no personal data, and what to look for is sealed until nothing is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.domain.errors import BadToken
from crm.domain.people import ATTRIBUTES, Person, Profile
from crm.store import schema
from crm.store.expressions import Clause, absent, equals, exists
from crm.store.keys import moment, stamp
from crm.store.requests import Action, Put, Update
from crm.store.table import Table
from crm.store.tokens import TokenSigner

SEALED = ("firstName", "lastName", "email")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One erasure; `id` is that of the person, `ids` has those of whom they were merged from as well.

    `sought` is what to look for elsewhere: their names and addresses, now and before; none once all is done.
    """

    id: str
    ids: tuple[str, ...]
    created_at: datetime
    finished_at: datetime | None
    sought: tuple[Profile, ...]


class ErasureRepository:
    """One item per erased person."""

    def __init__(self, table: Table, signer: TokenSigner) -> None:
        self._table = table
        self._signer = signer

    def find(self, person_id: str) -> Erasure | None:
        """Return how far it is at this moment, None where that person was never to be erased."""
        item = self._table.get(schema.key("erasure", id=person_id))
        if item is None:
            return None
        return Erasure(
            id=item["id"],
            ids=(item["id"], *item.get("mergedFrom", ())),
            created_at=moment(item["createdAt"]),
            finished_at=moment(item["finishedAt"]) if "finishedAt" in item else None,
            sought=self._unsealed(item["id"], item.get("sought")),
        )

    def begin(self, person: Person, sought: Sequence[Profile], *, now: datetime, before: Erasure | None = None) -> Action:
        """Return the action that writes it down; ConditionFailed when it was begun meanwhile.

        `before` is an erasure under the same id, of somebody who is there again: it goes on as this one.
        """
        ids = [*person.merged_from, *(before.ids if before else ())]
        attributes = {
            "id": person.id,
            "mergedFrom": [id_ for id_ in dict.fromkeys(ids) if id_ != person.id],
            "createdAt": stamp(now),
            "sought": self._sealed(person.id, list(dict.fromkeys((*sought, *(before.sought if before else ()))))),
        }
        expect: list[Clause] = [absent()]
        if before is not None:
            finished = stamp(before.finished_at) if before.finished_at else None
            expect = [equals("createdAt", stamp(before.created_at)), equals("finishedAt", finished)]
        return Put(item=schema.keyed("erasure", attributes), expect=expect)

    def finish(self, person_id: str, *, now: datetime) -> Action:
        """Return the action that says that nothing is left to look for, and forgets what that was."""
        changes = {"sought": None, "finishedAt": stamp(now)}
        return Update(key=schema.key("erasure", id=person_id), changes=changes, expect=[exists()])

    def _sealed(self, person_id: str, sought: Sequence[Profile]) -> str:
        texts = [[getattr(profile, ATTRIBUTES[name]) for name in SEALED] for profile in sought]
        return self._signer.sign(f"erasure {person_id}", texts)

    def _unsealed(self, person_id: str, sealed: str | None) -> tuple[Profile, ...]:
        """Nothing as well where the key was changed since: then only what leads there by the id is looked for."""
        if sealed is None:
            return ()
        try:
            texts = self._signer.read(f"erasure {person_id}", sealed)
        except BadToken:
            return ()
        return tuple(Profile(first_name=first, last_name=last, email=address) for first, last, address in texts)
