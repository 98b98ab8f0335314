"""Answers to requests with an idempotency key, so that a repeat answers as the first time and does nothing again."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from crm.domain.errors import Conflict, RuleViolation
from crm.store import schema
from crm.store.expressions import AnyOf, Clause, absent, one_of
from crm.store.requests import Put, Update
from crm.store.table import Table

KEPT_FOR = timedelta(days=1)
MAX_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the first request made: `{name of what was made: its id}`, and what else the answer needs, as text."""

    made: Mapping[str, str]


class RepeatRepository:
    """The `REPEAT#…` items. `key` makes the hash of a body worthless to whoever reads the table."""

    def __init__(self, table: Table, key: bytes, *old: bytes) -> None:
        self._table = table
        self._keys = (key, *old)

    def find(self, token: str, idempotency_key: str, body: bytes) -> Answered | None:
        """Return what the first request under this key made, None when this is the first; one consistent read.

        RuleViolation when the key is too long, or was used with another body.
        """
        if len(idempotency_key) > MAX_KEY:
            raise RuleViolation(f"The Idempotency-Key can have {MAX_KEY} characters.", field="Idempotency-Key")
        item = self._table.get(schema.key("repeat", token=token, hash=_digest(idempotency_key)))
        if item is None:
            return None
        if not any(hmac.compare_digest(item["body"], known) for known in self._bodies(body)):
            raise RuleViolation(
                "This Idempotency-Key was used with another body. Use a new key for a new request.", field="Idempotency-Key"
            )
        return Answered(made=item["made"])

    def action(self, token: str, idempotency_key: str, body: bytes, *, made: Mapping[str, str], now: datetime) -> Put:
        """Return the Put that belongs into the first transaction of the request; Conflict when a twin was quicker.

        An answer that has expired does not count, though the engine may take days to delete it.
        """
        item = schema.keyed(
            "repeat",
            {
                "token": token,
                "hash": _digest(idempotency_key),
                "body": self._body(body),
                "made": dict(made),
                "expiresAt": int((now + KEPT_FOR).timestamp()),
            },
        )
        unused = AnyOf((absent(), Clause("expiresAt", "at most", (int(now.timestamp()),))))
        return Put(item=item, expect=[unused], error=Conflict("The same request is just being answered; repeat it."))

    def settled(self, token: str, idempotency_key: str, body: bytes, *, made: Mapping[str, str]) -> Update:
        """Return the Update that notes down the whole answer, where the first transaction could not know it yet."""
        key = schema.key("repeat", token=token, hash=_digest(idempotency_key))
        return Update(key=key, changes={"made": dict(made)}, expect=[one_of("body", self._bodies(body))])

    def _body(self, body: bytes) -> str:
        return self._bodies(body)[0]

    def _bodies(self, body: bytes) -> list[str]:
        """What a body is kept as: under the present key, and under each former one."""
        return [hmac.new(key, body, hashlib.sha256).hexdigest() for key in self._keys]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
