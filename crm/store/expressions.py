"""Conditions and filters as data, and the DynamoDB expressions made of them.

Expressions hold only constants and the placeholders `#n` and `:v`: a raw name or value in one is a way to inject, and
aborts the local engine when it is not ASCII.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Clause:
    """One test of one attribute; `negated` turns it round. `test` is one of TESTS."""

    attribute: str
    test: str
    values: tuple[Any, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when one of its clauses does; `negated` turns it round."""

    clauses: tuple["Clause | AnyOf", ...]
    negated: bool = False


Where = Sequence[Clause | AnyOf]
"""Clauses that must all hold."""

TESTS: Mapping[str, str] = {
    "equals": "{n} = {0}",
    "differs": "{n} <> {0}",
    "less": "{n} < {0}",
    "at most": "{n} <= {0}",
    "more": "{n} > {0}",
    "at least": "{n} >= {0}",
    "between": "{n} BETWEEN {0} AND {1}",
    "begins": "begins_with({n}, {0})",
    "contains": "contains({n}, {0})",
    "exists": "attribute_exists({n})",
    "absent": "attribute_not_exists({n})",
}


def equals(attribute: str, value: Any) -> Clause:
    """The attribute is `value`; None means it is absent."""
    return absent(attribute) if value is None else Clause(attribute, "equals", (value,))


def absent(attribute: str = "PK") -> Clause:
    """The attribute, or the item, does not exist."""
    return Clause(attribute, "absent")


def exists(attribute: str = "PK") -> Clause:
    """The attribute, or the item, exists."""
    return Clause(attribute, "exists")


def less(attribute: str, value: Any) -> Clause:
    """The attribute is less than `value`; false when it is absent."""
    return Clause(attribute, "less", (value,))


def at_least(attribute: str, value: Any) -> Clause:
    """The attribute is `value` or more; false when it is absent."""
    return Clause(attribute, "at least", (value,))


def one_of(attribute: str, values: Iterable[Any], *, negated: bool = False) -> AnyOf:
    """The attribute is one of `values` (or none of them)."""
    return AnyOf(tuple(Clause(attribute, "equals", (value,)) for value in values), negated)


@dataclass(slots=True)
class Expression:
    """Collects placeholders, so that several expressions of one request share them."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def name(self, attribute: str) -> str:
        """Return the placeholder of an attribute."""
        return self.names.setdefault(attribute, f"#n{len(self.names)}")

    def value(self, value: Any) -> str:
        """Return a placeholder that stands for `value`."""
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder

    def where(self, clauses: Where) -> str:
        """Return the text of all clauses, joined with AND."""
        return " AND ".join(self._one(clause) for clause in clauses)

    def _one(self, clause: Clause | AnyOf) -> str:
        if isinstance(clause, AnyOf):
            either = "(" + " OR ".join(self._one(one) for one in clause.clauses) + ")"
            return f"NOT {either}" if clause.negated else either
        text = TESTS[clause.test].format(*[self.value(value) for value in clause.values], n=self.name(clause.attribute))
        return f"(NOT {text})" if clause.negated else text

    def update(self, changes: Mapping[str, Any], increments: Mapping[str, int]) -> str:
        """Return an update expression: set what has a value, remove what is None, add increments."""
        sets = [f"{self.name(name)} = {self.value(value)}" for name, value in changes.items() if value is not None]
        removes = [self.name(name) for name, value in changes.items() if value is None]
        adds = [f"{self.name(name)} {self.value(value)}" for name, value in increments.items()]
        parts = (("SET", sets), ("REMOVE", removes), ("ADD", adds))
        return " ".join(f"{word} " + ", ".join(terms) for word, terms in parts if terms)

    def arguments(self) -> dict[str, dict[str, str]]:
        """Return the names as the request wants them; values are serialised by the table."""
        return {"ExpressionAttributeNames": {placeholder: name for name, placeholder in self.names.items()}} if self.names else {}
