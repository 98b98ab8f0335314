"""Whom the draft of an event would bring in: filters, people chosen one by one, addresses pasted or read from a file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from crm.domain.errors import RuleViolation
from crm.domain.people import ADDRESS, folded_address

MAX_SOURCES = 20
MAX_PEOPLE = 3_500
"""People that a draft may name one by one: their ids go into the first transaction of the event, beside hosts and tasks."""
MAX_UNKNOWN = 1_000
"""Addresses of nobody that are kept for mending."""
MAX_TEXT = 320
"""Characters of one such text; an address can't be longer."""
MAX_BYTES = 330_000
"""What all sources may take in an item, of which DynamoDB holds 400 KB."""


class SourceKind(StrEnum):
    """Where people of a draft come from."""

    FILTER = "filter"
    CHOSEN = "chosen"
    PASTED = "pasted"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Some people of a draft. `values` is a people filter under the contract's names; `name` a segment's or a file's.

    `ids` are people; `unknown` are texts that are nobody's address, as typed.
    """

    id: str
    kind: SourceKind
    name: str = ""
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def with_source(sources: Sequence[Source], source: Source) -> tuple[Source, ...]:
    """Return the sources with one more, or with another one in its place; RuleViolation for more than is kept."""
    there = {one.id: one for one in sources}
    merged = tuple({**there, source.id: source}.values())
    if len(merged) > MAX_SOURCES:
        raise RuleViolation(f"People can come from {MAX_SOURCES} sources at most; remove one first.")
    if (number := sum(len(one.ids) for one in merged)) > MAX_PEOPLE:
        most = f"A draft can name {MAX_PEOPLE:,} people one by one; these would be {number:,}."
        raise RuleViolation(f"{most} Give them a tag, and add them by a filter.")
    if (number := sum(len(one.unknown) for one in merged)) > MAX_UNKNOWN:
        raise RuleViolation(
            f"{number:,} of these addresses are nobody’s; {MAX_UNKNOWN:,} are the most that are kept for mending."
        )
    if sum(_bytes(one) for one in merged) > MAX_BYTES:
        raise RuleViolation("These are more filters and addresses than a draft can hold; remove a source first.")
    return merged


def _bytes(source: Source) -> int:
    """About how much a source takes."""
    texts = [*source.ids, *source.unknown, source.name, *(value for values in source.values.values() for value in values)]
    return 100 + sum(len(text.encode()) + 3 for text in texts)


def without_person(sources: Sequence[Source], person_id: str) -> tuple[Source, ...]:
    """Return the sources without somebody who was named; who is in a filter stays in it. Nothing empty is kept."""
    left = [replace(one, ids=tuple(id_ for id_ in one.ids if id_ != person_id)) for one in sources]
    return tuple(one for one in left if one.kind is SourceKind.FILTER or one.ids or one.unknown)


def addresses_in(text: str) -> list[str]:
    """Return what is meant as addresses in a pasted text: each piece once, in order; an address that stands in a piece for it.

    >>> addresses_in("Ada Lovelace <ada@example.org>; bob@example.org, nils\\n\\nBOB@example.org")
    ['ada@example.org', 'bob@example.org', 'nils']
    """
    found: dict[str, str] = {}
    for piece in re.split(r"[\n\r;,\t]+", text):
        inside = [match.group() for match in ADDRESS.finditer(piece)]
        for one in inside or [piece.strip(" \"'<>")]:
            if one:
                found.setdefault(folded_address(one), one[:MAX_TEXT])
    return list(found.values())


def addresses_of_file(text: str) -> list[str]:
    """Return the addresses that stand in a file of any columns, each once, in order; what is no address is left alone.

    >>> addresses_of_file("Name;Mail\\nAda;ada@example.org\\n")
    ['ada@example.org']
    """
    found: dict[str, str] = {}
    for match in ADDRESS.finditer(text):
        found.setdefault(folded_address(match.group()), match.group()[:MAX_TEXT])
    return list(found.values())
