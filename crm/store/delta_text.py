"""What a delta says, as one text: JSON that can be read by eye, packed where it is long."""

import json
import zlib
from base64 import b85decode, b85encode
from collections.abc import Iterator, Mapping
from typing import Any

PACKED = "z"
"""What a packed text begins with; JSON begins with a brace."""
LONG = 900
"""Bytes from which on a text is packed: what it costs to write and to take away goes by the kilobyte, and the counts of fifty
e-mails name many domains twice. docs/decisions/0219-domains-of-addresses.md has the numbers."""

RowNames = tuple[str, str]


def text_of(rows: Mapping[RowNames, Mapping[str, int]] | Mapping[RowNames, Mapping[str, str | int]]) -> str:
    """Return `{(what, key): {attribute: number or label}}` as a text.

    >>> text_of({("EMAILS#2026-05", "01T09#c1"): {"sent": 1}})
    '{"EMAILS#2026-05":{"01T09#c1":{"sent":1}}}'
    """
    out: dict[str, dict[str, dict[str, int | str]]] = {}
    for (what, key), values in rows.items():
        out.setdefault(what, {})[key] = dict(values)
    plain = json.dumps(out, ensure_ascii=False, separators=(",", ":"))
    raw = plain.encode()
    return plain if len(raw) < LONG else PACKED + b85encode(zlib.compress(raw)).decode()


def rows_of(text: str) -> Iterator[tuple[RowNames, dict[str, Any]]]:
    """Yield the rows of such a text.

    >>> list(rows_of('{"PEOPLE":{"TOTAL":{"n":2}}}'))
    [(('PEOPLE', 'TOTAL'), {'n': 2})]
    """
    plain = zlib.decompress(b85decode(text.removeprefix(PACKED))) if text.startswith(PACKED) else text
    for what, rows in json.loads(plain).items():
        for key, values in rows.items():
            yield (what, key), values
