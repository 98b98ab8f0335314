"""The only door to DynamoDB: get, put, query, count, batch, transact, and the table itself. Each request is one of calls.py.

Every conditional write is a TransactWriteItems, also a single one: its ClientRequestToken makes a repeat after a lost reply
safe, which a plain conditional write is not (it would find its own work and call it a conflict).
"""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from crm.domain.errors import Conflict
from crm.store import schema
from crm.store.calls import Calls, Cancelled
from crm.store.expressions import Expression, Where
from crm.store.looking import looking, not_seen
from crm.store.requests import Action, Delete, Key, Put, Query, Rows, action_arguments, placeholders, query_arguments
from crm.store.schema import Index, Item
from crm.store.values import deserialise_item, serialise_item

MAX_ACTIONS = 100
BATCH = 100
MAX_PARTITION_KEY, MAX_SORT_KEY = 2048, 1024
"""Bytes (DynamoDB limits)."""


class ConditionFailed(Conflict):
    """A condition of a write did not hold, so nothing was written. `failed` are the positions of the actions at fault."""

    def __init__(self, failed: Sequence[int]) -> None:
        super().__init__("This was changed by someone else meanwhile. Load it again and repeat your change.")
        self.failed = frozenset(failed)


class Table(Calls):
    """One table, its items and indexes. Thread-safe as the client is; `clock` tells which items have expired."""

    # reading

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """Return one item, or None; 0.5 read units per 4 KB, double when consistent."""
        if not _can_be(key):
            return None
        look, pair = looking(), (key["PK"], key["SK"])
        if look is not None and look.has(pair, consistent=consistent):
            return look.item(pair)
        answer = self._call("get_item", writes=False, Key=serialise_item(key), ConsistentRead=consistent)
        item = deserialise_item(answer["Item"]) if answer.get("Item") else None
        found = item if item is not None and not self._expired(item) else None
        if look is not None:
            look.keep(pair, found, consistent=consistent)
        return found

    def batch_get(self, keys: Sequence[Key], *, consistent: bool = False) -> list[Item | None]:
        """Return the items in the order of `keys`, None where there is none; one request per 100."""
        look = looking()
        distinct = list({(key["PK"], key["SK"]) for key in keys if _can_be(key)})
        asked = not_seen(look, distinct, consistent=consistent)
        found: dict[tuple[str, str], Item | None] = {}
        for start in range(0, len(asked), BATCH):
            wanted = [serialise_item({"PK": pk, "SK": sk}) for pk, sk in asked[start : start + BATCH]]
            for item in self._batch(wanted, consistent):
                found[item["PK"], item["SK"]] = item if not self._expired(item) else None
        if look is not None:
            found |= {pair: look.item(pair) for pair in set(distinct) - set(asked)}
            for pair in asked:
                look.keep(pair, found.get(pair), consistent=consistent)
        return [found.get((key["PK"], key["SK"])) for key in keys]

    def _batch(self, wanted: list[dict[str, Any]], consistent: bool) -> Iterator[Item]:
        deadline = time.monotonic() + self.patience
        attempt = 0
        while wanted:
            request = {self.name: {"Keys": wanted, "ConsistentRead": consistent}}
            answer = self._call("batch_get_item", writes=False, named=False, RequestItems=request)
            yield from (deserialise_item(item) for item in answer.get("Responses", {}).get(self.name, ()))
            wanted = (answer.get("UnprocessedKeys") or {}).get(self.name, {}).get("Keys", [])
            if wanted:
                attempt = self._wait(attempt, deadline, None)

    def query(self, query: Query) -> Rows:
        """Return one page of a query: up to `limit` items or 1 MB read, filtered."""
        arguments, look = query_arguments(query), looking()
        if look is not None and (known := look.rows(arguments)) is not None:
            return known
        answer = self._call("query", writes=False, **arguments)
        items = [item for raw in answer.get("Items", ()) if not self._expired(item := deserialise_item(raw))]
        following = answer.get("LastEvaluatedKey")
        read = int(answer.get("ScannedCount", len(items)))
        rows = Rows(items=items, next=deserialise_item(following) if following else None, read=read)
        if look is not None:
            look.keep_rows(arguments, rows)
        return rows

    def walk(self, query: Query) -> Iterator[Item]:
        """Give every item of a query, page after page."""
        rows = self.query(query)
        yield from rows.items
        while rows.next is not None:
            rows = self.query(_from(query, rows.next))
            yield from rows.items

    def count(self, query: Query, *, most: int | None = None) -> int:
        """Return how many items a query finds, without fetching them; `most` or more where it stops at that."""
        total = 0
        query = query if most is None else replace(query, limit=most)
        start: Key | None = None
        while True:
            answer = self._call("query", writes=False, Select="COUNT", **query_arguments(_from(query, start)))
            total += int(answer["Count"])
            if not answer.get("LastEvaluatedKey") or (most is not None and total >= most):
                return total
            start = deserialise_item(answer["LastEvaluatedKey"])

    def scan(self, *, where: Where = (), segments: int = 1, segment: int = 0, consistent: bool = False) -> Iterator[Item]:
        """Give every item of the table, or of one of `segments` parts: for `verify` and plans that say `scan`, nothing else."""
        start: dict[str, Any] = {}
        expression = Expression()
        text = expression.where(where)
        arguments: dict[str, Any] = {"FilterExpression": text, **placeholders(expression)} if text else {}
        if segments > 1:
            arguments |= {"TotalSegments": segments, "Segment": segment}
        while True:
            answer = self._call("scan", writes=False, ConsistentRead=consistent, **arguments, **start)
            yield from (item for raw in answer.get("Items", ()) if not self._expired(item := deserialise_item(raw)))
            if not answer.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    # writing

    def write(self, actions: Sequence[Action]) -> None:
        """Write all of it or nothing; 100 actions at most.

        Raises the `error` of the first action whose condition fails, else ConditionFailed; StoreUnavailable when the engine
        stays away (the write may then have happened).
        """
        if not actions:
            return
        if len(actions) > MAX_ACTIONS:
            raise ValueError(f"{len(actions)} actions in one transaction")
        if len(actions) == 1 and not actions[0].expect and isinstance(actions[0], Put | Delete):
            return self._write_alone(actions[0])
        request = [{kind: {"TableName": self.name, **arguments}} for kind, arguments in map(action_arguments, actions)]
        try:
            self._call(
                "transact_write_items", writes=True, named=False, TransactItems=request, ClientRequestToken=uuid.uuid4().hex
            )
        except Cancelled as cancelled:
            failed = ConditionFailed(cancelled.failed)
            raise next(
                (error for position in cancelled.failed if (error := actions[position].error) is not None), failed
            ) from failed

    def _write_alone(self, action: Put | Delete) -> None:
        if isinstance(action, Put):
            self._call("put_item", writes=True, Item=serialise_item(action.item))
        else:
            self._call("delete_item", writes=True, Key=serialise_item(action.key))

    # the table itself

    def ping(self) -> None:
        """Return when the table answers; StoreUnavailable when it does not within a second."""
        self.within(1.0).get({"PK": "PING", "SK": "PING"}, consistent=False)

    def missing(self) -> list[str]:
        """Return what is not there yet: "table", names of indexes, "TTL"."""
        description = self._describe()
        if description is None:
            return ["table", *[index.name for index in schema.INDEXES], "TTL"]
        present = {index["IndexName"] for index in description.get("GlobalSecondaryIndexes", ())}
        ttl = self._call("describe_time_to_live", writes=False, metered=False)["TimeToLiveDescription"]["TimeToLiveStatus"]
        return [index.name for index in schema.INDEXES if index.name not in present] + (
            ["TTL"] if ttl not in {"ENABLED", "ENABLING"} else []
        )

    def create_missing(self, *, report: Callable[[str], None] = lambda _: None) -> list[str]:
        """Create what `missing` names, and return it; waits until it is usable. Safe to repeat, also at the same moment."""
        wanted = self.missing()
        if "table" in wanted:
            report(f"creating table {self.name} with {len(schema.INDEXES)} indexes")
            self._ignoring_in_use("create_table", named=False, **schema.create_request(self.name))
        self._wait_active()
        if "table" not in wanted:
            for index in schema.INDEXES:
                if index.name in wanted:
                    report(f"adding index {index.name}")
                    self._add_index(index)
        if "TTL" in wanted:
            report("switching on expiry")
            specification = {"Enabled": True, "AttributeName": schema.TTL_ATTRIBUTE}
            self._ignoring_in_use("update_time_to_live", TimeToLiveSpecification=specification)
        return wanted

    def _add_index(self, index: Index) -> None:
        update = [{"Create": schema.index_request(index)}]
        self._ignoring_in_use(
            "update_table", AttributeDefinitions=schema.index_definitions(index), GlobalSecondaryIndexUpdates=update
        )
        self._wait_active()

    def _describe(self) -> dict[str, Any] | None:
        try:
            return dict(self._call("describe_table", writes=False, metered=False)["Table"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise

    def _wait_active(self) -> None:
        while True:
            description = self._describe() or {}
            states = [
                description.get("TableStatus"),
                *[index.get("IndexStatus") for index in description.get("GlobalSecondaryIndexes", ())],
            ]
            if all(state in {"ACTIVE", "UPDATING"} for state in states) and description.get("TableStatus") == "ACTIVE":
                return
            self.sleep(1.0)

    def _ignoring_in_use(self, operation: str, **arguments: Any) -> None:
        try:
            self._call(operation, writes=False, metered=False, **arguments)
        except ClientError as error:
            taken = error.response["Error"]["Code"] in {"ResourceInUseException"} or "already enabled" in str(error)
            if not taken:
                raise

    # requests

    def _expired(self, item: Item) -> bool:
        expires = item.get(schema.TTL_ATTRIBUTE)
        return expires is not None and int(expires) <= self.clock().timestamp()


def _can_be(key: Key) -> bool:
    """Tell whether an item can have this key: a longer one, which somebody typed, is of nothing that is there."""
    return len(key["PK"].encode()) <= MAX_PARTITION_KEY and len(key["SK"].encode()) <= MAX_SORT_KEY


def _from(query: Query, start: Key | None) -> Query:
    if start is None:
        return query
    return replace(query, start=start)
