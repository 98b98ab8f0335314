"""What is read once and stays as it was then, for as long as a block lasts that only reads."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar, cast

Read = TypeVar("Read")

_kept: ContextVar[dict[Hashable, object] | None] = ContextVar("kept", default=None)


@contextmanager
def one_reading() -> Iterator[None]:
    """Let what `kept` reads in this block be read once; a block within it reads nothing anew."""
    reset = _kept.set(known if (known := _kept.get()) is not None else {})
    try:
        yield
    finally:
        _kept.reset(reset)


def kept(key: Hashable, read: Callable[[], Read]) -> Read:
    """Return what `read` gives, or gave before in this block under the same key."""
    known = _kept.get()
    if known is None:
        return read()
    if key not in known:
        known[key] = read()
    return cast(Read, known[key])
