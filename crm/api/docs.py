"""The OpenAPI description arranged for a page: groups of calls, each with what it takes and gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KINDS = {"string": "text", "integer": "number", "number": "number", "boolean": "true or false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A parameter or member: its name, type in words, and what it means."""

    name: str
    kind: str
    note: str
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call."""

    method: str
    path: str
    summary: str
    note: str
    parameters: list[Value]
    members: list[Value]
    status: str
    gives: list[Value]


def calls(schema: Mapping[str, Any]) -> dict[str, list[Call]]:
    """Return `{group: calls}` in the order of the description."""
    groups: dict[str, list[Call]] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            groups.setdefault(operation["tags"][0], []).append(_call(schema, path, method, operation))
    return groups


def _call(schema: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Call:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    status = min(operation["responses"], key=int)
    answer = operation["responses"][status].get("content", {}).get("application/json", {}).get("schema", {})
    return Call(
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        note=operation.get("description", ""),
        parameters=[
            Value(
                name=given["name"],
                kind=_kind(schema, given["schema"]),
                note=given.get("description", ""),
                required=given.get("required", False),
            )
            for given in operation.get("parameters", ())
        ],
        members=_members(schema, body),
        status=str(status),
        gives=_members(schema, answer),
    )


def _members(schema: Mapping[str, Any], part: Mapping[str, Any]) -> list[Value]:
    declared = _resolved(schema, part)
    required = declared.get("required", ())
    return [
        Value(name=name, kind=_kind(schema, member), note=member.get("description", ""), required=name in required)
        for name, member in declared.get("properties", {}).items()
    ]


def _resolved(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in part:
        return part
    found: Mapping[str, Any] = schema["components"]["schemas"][part["$ref"].rpartition("/")[2]]
    return found


def _kind(schema: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    """What a value is, in words: text, number, list of text …"""
    if "anyOf" in part:
        kinds = [_kind(schema, option) for option in part["anyOf"] if option.get("type") != "null" and option.get("const") != ""]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in part:
        return str(part["$ref"].rpartition("/")[2])
    if part.get("enum"):
        return " or ".join(str(value) for value in part["enum"] if value != "")
    if part.get("type") == "array":
        return f"list of {_kind(schema, part.get('items', {}))}"
    if part.get("format") in {"date-time", "date"}:
        return {"date-time": "time", "date": "date"}[part["format"]]
    return KINDS.get(part.get("type", ""), "object")
