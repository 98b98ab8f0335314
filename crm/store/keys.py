"""Key strings: pure, ordered as their values, with borders that no value can blur.

A key is written as a template such as `COMPANY#{company:fold}` and rendered from an item's attributes. Every character up
to `%` in a value is percent-encoded: `#` can't end a part early, and `van` sorts before `van dyke` because the border (`#`)
is smaller than anything a value may hold.
"""

import string
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from crm.domain.folding import fold
from crm.domain.ids import part_of

SHARDS = 4
LANES = 4
AFTER = " "
"""Appended to a whole key: the smallest text behind it that is no key itself."""


def escape(value: str) -> str:
    """Return `value` with every character up to `%` percent-encoded.

    >>> escape("C# & co 100%")
    'C%23%20&%20co%20100%25'
    >>> sorted([escape("van dyke") + "#b", escape("van") + "#z"])
    ['van#z', 'van%20dyke#b']
    """
    return "".join(f"%{ord(c):02X}" if c <= "%" else c for c in value)


def unescape(part: str) -> str:
    """Return the value that `escape` was given.

    >>> unescape(escape("a #%b"))
    'a #%b'
    """
    head, *rest = part.split("%")
    return head + "".join(chr(int(piece[:2], 16)) + piece[2:] for piece in rest)


def stamp(moment: datetime) -> str:
    """Fixed-width UTC text in milliseconds, so that text order is time order.

    >>> stamp(datetime(2026, 5, 1, 9, tzinfo=UTC))
    '2026-05-01T09:00:00.000Z'
    >>> stamp(datetime(2026, 5, 1, 9, tzinfo=UTC)) < stamp(datetime(2026, 5, 1, 10, tzinfo=UTC))
    True
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def moment(text: str) -> datetime:
    """Return the aware UTC time of a stamp.

    >>> moment("2026-05-01T09:00:00.000Z").hour
    9
    """
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def count(number: int) -> str:
    """Six digits, so that text order is number order.

    >>> count(7) < count(12)
    True
    """
    return f"{number:06d}"


def behind_prefix(prefix: str) -> str:
    """Return the smallest text greater than every key that begins with `prefix` (which is not empty).

    >>> "ann#USER#1" < behind_prefix("ann"), behind_prefix("CITY#ulm#")
    (True, 'CITY#ulm$')
    """
    last = ord(prefix[-1])
    if last == 0x10FFFF:
        return prefix + chr(last)
    return prefix[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)


FORMATS: Mapping[str, Callable[[Any], str]] = {
    "": lambda value: escape(str(value)),
    "raw": str,
    "fold": lambda value: escape(fold(value)),
    "first": lambda value: escape(fold(value)[:1]),
    "two": lambda value: escape(fold(value)[:2]),
    "count": count,
    "year": lambda value: str(value)[:4],
    "month": lambda value: str(value)[:7],
    "shard": lambda value: str(part_of(value, SHARDS)),
    "lane": lambda value: str(part_of(value, LANES)),
}
"""How a part is written: as it is, folded, its first one or two folded characters, six digits, year, shard of an id …"""


@cache
def _parts(template: str) -> tuple[tuple[str, str | None, str, bool], ...]:
    """Literal text, attribute, format and whether it may be empty (`fold?`), for each part of a template."""
    return tuple(
        (literal, name, (spec or "").rstrip("?"), (spec or "").endswith("?"))
        for literal, name, spec, _ in string.Formatter().parse(template)
    )


def render(template: str, values: Mapping[str, Any]) -> str | None:
    """Return the key, or None when a value it needs is missing or folds to nothing.

    >>> render("COMPANY#{company:fold}", {"company": "Ångström #1"})
    'COMPANY#angstrom%20%231'
    >>> render("COMPANY#{company:fold}", {"company": ""}) is None
    True
    >>> render("STATE#{state:fold?}", {})
    'STATE#'
    """
    out = []
    for literal, name, spec, optional in _parts(template):
        out.append(literal)
        if name is None:
            continue
        value = values.get(name)
        text = "" if value is None else FORMATS[spec](value)
        if not text and not optional:
            return None
        out.append(text)
    return "".join(out)
