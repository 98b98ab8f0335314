"""What is asked of the table, as data: actions of a write, queries, and the arguments of boto3 that they become."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm.domain.errors import CrmError
from crm.store.expressions import Expression, Where
from crm.store.schema import TTL_ATTRIBUTE, Index, Item
from crm.store.values import serialise_item

Key = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One part of a write. `error` is raised when its conditions fail; without it a ConditionFailed tells the positions."""

    expect: Where = ()
    error: CrmError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Put(Action):
    """Write a whole item, as `schema.keyed` made it."""

    item: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(Action):
    """Change some attributes: set those with a value, remove those that are None, add the increments."""

    key: Key
    changes: Mapping[str, Any] = field(default_factory=dict)
    increments: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Action):
    """Remove an item; it may be gone already unless `expect` says otherwise."""

    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Action):
    """Write nothing, but let the others be written only if this item is as expected."""

    key: Key


def changed(old: Item, new: Item, *, expect: Where, error: CrmError | None = None) -> Update:
    """Return the Update that turns item `old` into `new`: only attributes that differ, index keys among them."""
    names = sorted({*old, *new} - {"PK", "SK"})
    changes = {name: new.get(name) for name in names if old.get(name) != new.get(name)}
    return Update(key={"PK": old["PK"], "SK": old["SK"]}, changes=changes, expect=expect, error=error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Items of one partition, of the table or an index, in order of the sort key.

    `low` and `high` are inclusive bounds of the sort key; `limit` counts before `where`, as DynamoDB does; `attributes`
    None means all that are projected. An index can't be read consistently.
    """

    partition: str
    index: Index | None = None
    low: str | None = None
    high: str | None = None
    forward: bool = True
    limit: int | None = None
    where: Where = ()
    attributes: Sequence[str] | None = None
    consistent: bool = False
    start: Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One answer: items that passed, and the key to go on from (None at the end; a page may be empty and still go on).

    `read` is how many were looked at.
    """

    items: list[Item]
    next: Key | None
    read: int = 0


def query_arguments(query: Query) -> dict[str, Any]:
    """Return the arguments of a Query, but for the name of the table."""
    pk, sk = (query.index.pk, query.index.sk) if query.index else ("PK", "SK")
    expression = Expression()
    condition = f"{expression.name(pk)} = {expression.value(query.partition)}"
    if query.low is not None and query.high is not None:
        condition += f" AND {expression.name(sk)} BETWEEN {expression.value(query.low)} AND {expression.value(query.high)}"
    elif query.low is not None or query.high is not None:
        operator, bound = (">=", query.low) if query.low is not None else ("<=", query.high)
        condition += f" AND {expression.name(sk)} {operator} {expression.value(bound)}"
    optional = {
        "IndexName": query.index.name if query.index else None,
        "FilterExpression": expression.where(query.where) or None,
        "ProjectionExpression": ", ".join(expression.name(name) for name in _asked(query)) or None,
        "ConsistentRead": True if query.consistent else None,
        "Limit": query.limit,
        "ExclusiveStartKey": serialise_item(query.start) if query.start else None,
    }
    given = {name: value for name, value in optional.items() if value is not None}
    return {"KeyConditionExpression": condition, "ScanIndexForward": query.forward, **given, **placeholders(expression)}


def _asked(query: Query) -> list[str]:
    """The attributes to ask for: with them, where it is there, the one that tells what has expired."""
    expiry = [TTL_ATTRIBUTE] if query.attributes and (query.index is None or query.index.whole) else []
    return [*(query.attributes or ()), *expiry]


def action_arguments(action: Action) -> tuple[str, dict[str, Any]]:
    """Return which part of a TransactWriteItems an action is, and its arguments but for the name of the table."""
    expression = Expression()
    arguments: dict[str, Any] = {}
    if isinstance(action, Put):
        kind, arguments["Item"] = "Put", serialise_item(action.item)
    elif isinstance(action, Update):
        kind, arguments["Key"] = "Update", serialise_item(action.key)
        arguments["UpdateExpression"] = expression.update(action.changes, action.increments)
        if not arguments["UpdateExpression"]:
            kind = "ConditionCheck"
            del arguments["UpdateExpression"]
    elif isinstance(action, Delete | Check):
        kind, arguments["Key"] = "Delete" if isinstance(action, Delete) else "ConditionCheck", serialise_item(action.key)
    if action.expect:
        arguments["ConditionExpression"] = expression.where(action.expect)
    return kind, arguments | placeholders(expression)


def placeholders(expression: Expression) -> dict[str, Any]:
    """Return names and values of an expression as a request wants them."""
    values = {"ExpressionAttributeValues": serialise_item(expression.values)} if expression.values else {}
    return {**expression.arguments(), **values}
