"""What a request that only reads has read: whoever asks for the same once more is given it without another request."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from crm.store.requests import Rows
from crm.store.schema import Item

Pair = tuple[str, str]
"""Partition and sort key."""
ROOM = 5_000
"""Items that are kept for others to ask for; what is read behind them is read again."""


@dataclass(slots=True)
class Look:
    """Items by key, and answers of queries. What was read consistently serves whoever asks for less, not the other way.

    Who asks again gets a new dict; lists and maps within it are the same ones, which nobody changes.
    """

    _items: dict[tuple[str, str], tuple[Item | None, bool]] = field(default_factory=dict)
    _rows: dict[str, Rows] = field(default_factory=dict)
    _held: int = 0

    def has(self, key: Pair, *, consistent: bool) -> bool:
        """Tell whether an item was looked for so."""
        known = self._items.get(key)
        return known is not None and (known[1] or not consistent)

    def item(self, key: Pair) -> Item | None:
        """Return an item that was looked for."""
        item, _ = self._items[key]
        return dict(item) if item is not None else None

    def keep(self, key: Pair, item: Item | None, *, consistent: bool) -> None:
        """Remember what was found under a key."""
        if self._held < ROOM:
            self._held += 1
            self._items[key] = dict(item) if item is not None else None, consistent

    def rows(self, asked: Mapping[str, Any]) -> Rows | None:
        """Return what a query with these arguments found, None where nobody asked that."""
        known = self._rows.get(repr(asked))
        return _copy(known) if known is not None else None

    def keep_rows(self, asked: Mapping[str, Any], rows: Rows) -> None:
        """Remember what a query found."""
        if self._held + len(rows.items) < ROOM:
            self._held += len(rows.items) + 1
            self._rows[repr(asked)] = _copy(rows)

    def forget(self) -> None:
        """Know nothing any more: something was written."""
        self._items.clear()
        self._rows.clear()
        self._held = 0


def _copy(rows: Rows) -> Rows:
    return Rows(items=[dict(item) for item in rows.items], next=rows.next, read=rows.read)


_look: ContextVar[Look | None] = ContextVar("look", default=None)


@contextmanager
def one_look() -> Iterator[None]:
    """Let what is read twice in this block be read once, up to where the block itself writes something."""
    reset = _look.set(Look())
    try:
        yield
    finally:
        _look.reset(reset)


@contextmanager
def anew() -> Iterator[None]:
    """Let this block read what is there now, also what was read before: for what is read again to see whether it changed."""
    reset = _look.set(None)
    try:
        yield
    finally:
        _look.reset(reset)


def looking() -> Look | None:
    """Return what the block around has read, None where nothing is to be kept."""
    return _look.get()


def not_seen(look: Look | None, keys: Sequence[Pair], *, consistent: bool) -> list[Pair]:
    """Return those keys that have still to be read."""
    return [key for key in keys if look is None or not look.has(key, consistent=consistent)]
