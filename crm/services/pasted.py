"""A pasted list of addresses: who of them is here, kept as a selection that a filter can name (`list:<id>`)."""

import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crm.domain.errors import RuleViolation
from crm.domain.people import folded_address, well_formed_address
from crm.store import Store
from crm.store.selections import PART

logger = logging.getLogger(__name__)
MOST = 10_000
"""Addresses of one list: their ids are written in one transaction."""
MAX_TEXT = 1_000_000
LINE = "\n"
_QUOTED_NAME = re.compile(r'"[^"<>\n]*"\s*(?=<)')
_PIECE = re.compile(r"\n|<[^<>\n]*>|[^\s,;，；、<>\u200b\ufeff]+")
_AROUND = "\"'()[]{}.:|*•"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """What a pasted text was: `found` people stand in the list `list_id`, which is empty where nobody was found.

    `unknown` are addresses of nobody here, each once; `twice` is how many stood there again; `not_addresses` is what was neither
    an address nor a name before one, each once.
    """

    list_id: str
    found: int
    unknown: tuple[str, ...]
    twice: int
    not_addresses: tuple[str, ...]


def paste(store: Store, text: str, *, actor: str) -> Pasted:
    """Keep whose addresses stand in `text` as a list, and say what became of the others. A request per 100 addresses.

    Addresses are separated by commas, semicolons, spaces or lines, and may stand as `Name <address>`. The id follows from who is
    in the list, so the same people pasted again are the same list. RuleViolation for nothing and for more than 10,000 addresses.
    """
    addresses, rest = read_addresses(text)
    if not addresses:
        raise RuleViolation("There is no e-mail address in it. Paste some, one per line or with commas between.", field="pasted")
    once: dict[str, str] = {}
    for address in addresses:
        once.setdefault(folded_address(address), address)
    owners = store.people.ids_by_email(list(once.values()))
    ids = sorted(set(owners.values()))
    unknown = tuple(address for address in once.values() if address not in owners)
    list_id = _kept(store, ids) if ids else ""
    logger.info("list pasted", extra={"actor": actor, "list_id": list_id, "found": len(ids), "unknown": len(unknown)})
    return Pasted(
        list_id=list_id,
        found=len(ids),
        unknown=unknown,
        twice=len(addresses) - len(once),
        not_addresses=tuple(dict.fromkeys(rest)),
    )


def read_addresses(text: str) -> tuple[list[str], list[str]]:
    """Return the addresses of a text in their order, and what else stands in it; RuleViolation where it is too much.

    >>> read_addresses('Ada Lovelace <ada@example.org>, "Byron, G." <george@example.org>; bob@example.org\\nnobody')
    (['ada@example.org', 'george@example.org', 'bob@example.org'], ['nobody'])
    """
    if len(text) > MAX_TEXT:
        raise RuleViolation(f"That is too much text: {MAX_TEXT:,} characters are the most. Paste it in parts.", field="pasted")
    addresses: list[str] = []
    rest: list[str] = []
    for address, right in _read(text):
        (addresses if right else rest).append(address)
    if len(addresses) > MOST:
        raise RuleViolation(
            f"These are {len(addresses):,} addresses; {MOST:,} are the most in one list. Paste them in parts, or import a file.",
            field="pasted",
        )
    return addresses, rest


def _read(text: str) -> Iterator[tuple[str, bool]]:
    """Each address, and each word that is none, unless it is part of a name before an address in brackets."""
    words: list[str] = []
    for found in _PIECE.finditer(_QUOTED_NAME.sub("", text)):
        piece = found.group()
        if piece.startswith("<"):
            words = []
        elif piece != LINE and "@" not in piece:
            words += [piece] if piece.strip(_AROUND) else []
            continue
        yield from ((word, False) for word in words)
        words = []
        if piece != LINE:
            yield _judged(piece.strip("<>").strip())
    yield from ((word, False) for word in words)


def _judged(piece: str) -> tuple[str, bool]:
    """The address of a piece of text, without `mailto:` and what stands around it, and whether it is one."""
    plain = piece.strip(_AROUND)
    plain = plain[7:] if plain.lower().startswith("mailto:") else plain
    return (plain, True) if well_formed_address(plain) else (piece, False)


def _kept(store: Store, ids: Sequence[str]) -> str:
    """Write the list, whole or not at all, and return its id."""
    list_id = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:32]
    parts = [ids[start : start + PART] for start in range(0, len(ids), PART)]
    store.table.write([store.selections.put(list_id, seq, part, pasted=0 if seq else len(ids)) for seq, part in enumerate(parts)])
    return list_id
