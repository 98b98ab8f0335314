"""What is read once and stays as it was then, for as long as a block lasts that only reads."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import TypeVar, cast

Read = TypeVar("Read")
Kept = dict[Hashable, object]

_kept: ContextVar[Kept | None] = ContextVar("kept", default=None)


class Readings:
    """What is read once for several blocks that all do a step of the same work: kept for `seconds`, of a few works."""

    def __init__(self, seconds: float, *, works: int = 2) -> None:
        self._seconds = seconds
        self._works = works
        self._kept: OrderedDict[Hashable, tuple[float, Kept]] = OrderedDict()
        self._lock = Lock()

    def of(self, work: Hashable) -> Kept:
        """Return what is kept for this work, nothing where that has grown too old."""
        now = time.monotonic()
        with self._lock:
            begun, known = self._kept.pop(work, (now, {}))
            if now - begun > self._seconds:
                begun, known = now, {}
            self._kept[work] = (begun, known)
            while len(self._kept) > self._works:
                self._kept.popitem(last=False)
        return known


@contextmanager
def one_reading(known: Kept | None = None) -> Iterator[None]:
    """Let what `kept` reads in this block be read once; what is in `known`, or was read in a block around it, not at all."""
    reset = _kept.set(known if known is not None else around if (around := _kept.get()) is not None else {})
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
