"""docs/permissions.md, read: what it says of every address, every call of the API and every command."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.urls import URLPattern, get_resolver

from crm.staff import ROLES

PAGE = Path(__file__).parents[1] / "docs" / "permissions.md"
TEXT = PAGE.read_text(encoding="utf-8")
YES, NO = "✓", "·"
HEADS = {
    "address | methods | guarded by": "open",
    "address | methods | why": "own",
    "address | methods | right | " + " | ".join(ROLES): "page",
    "address | what | who may": "special",
    "call | scope | right | " + " | ".join(ROLES): "call",
    "command | without --as | right with --as | " + " | ".join(ROLES): "command",
}
"""The tables of the page, by their headings. `own`: for everybody who is signed in; `special`: by the thing itself."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: of which table, its first cell without backticks, the others, and the roles that have a tick."""

    table: str
    name: str
    cells: tuple[str, ...]
    roles: frozenset[str]

    @property
    def methods(self) -> frozenset[str]:
        """The methods of an address; GET brings HEAD along."""
        named = frozenset(self.cells[0].split(", "))
        return named | {"HEAD"} if "GET" in named else named


def rows(table: str) -> list[Row]:
    """All lines of one of the tables, in their order."""
    return [row for row in _rows() if row.table == table]


def _rows() -> Iterator[Row]:
    table = ""
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            table = ""
        elif not table:
            table = HEADS[" | ".join(cells)]  # a KeyError here: a table whose headings no test knows
        elif not set(line) <= set("| -:"):
            ticked = zip(ROLES, cells[-len(ROLES) :], strict=False) if table in ("page", "call", "command") else ()
            may = frozenset(role for role, mark in ticked if mark == YES)
            yield Row(table, cells[0].strip("`"), tuple(cell.strip("`") for cell in cells[1:]), may)


def plain(route: str) -> str:
    """The address as the page writes it: `people/<str:person_id>/` is `/people/<person_id>/`.

    >>> plain("people/<str:person_id>/"), plain("accounts/^key/(?P<one>[0-9]+)-(?P<two>.+)/$")
    ('/people/<person_id>/', '/accounts/key/<one>-<two>/')
    """
    route = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", route)
    return "/" + re.sub(r"<\w+:", "<", route).replace("^", "").replace("$", "").replace("\\", "")


def views() -> dict[str, Any]:
    """The view behind each address, as the page writes addresses; without the calls of the JSON API."""
    return dict(_views(get_resolver()))


def _views(resolver: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if not isinstance(pattern, URLPattern):
            yield from _views(pattern, route)
        elif not route.startswith("api/") or pattern.name in ("openapi", "docs", "metrics"):
            yield plain(route), pattern.callback


def line_for(address: str, view: Any, methods: str) -> str:
    """The line that the page lacks, as its view says it: to be looked at, then taken over."""
    right = (getattr(view, "needs_permission", None) or "").removeprefix("crm.")
    if right:
        marks = " | ".join(YES if right in held else NO for held in ROLES.values())
        return f"| `{address}` | {methods} | {right} | {marks} |"
    return f"| `{address}` | {methods} | say here what guards it, or why it is everybody's |"
