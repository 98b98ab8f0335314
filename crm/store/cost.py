"""What reading and writing cost, in units that do not depend on the machine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Cost:
    """Requests, items looked at and returned, and DynamoDB's read and write units (ReturnConsumedCapacity)."""

    requests: int = 0
    items_read: int = 0
    items_returned: int = 0
    read_units: float = 0.0
    write_units: float = 0.0

    def add(self, answer: Mapping[str, Any], *, writes: bool) -> None:
        """Count one answer of the engine."""
        self.requests += 1
        returned = _returned(answer)
        self.items_returned += returned
        self.items_read += int(answer.get("ScannedCount", returned))
        capacity = answer.get("ConsumedCapacity") or []
        units = sum(float(part.get("CapacityUnits", 0)) for part in (capacity if isinstance(capacity, list) else [capacity]))
        if writes:
            self.write_units += units
        else:
            self.read_units += units


def _returned(answer: Mapping[str, Any]) -> int:
    if "Responses" in answer and isinstance(answer["Responses"], dict):
        return sum(len(items) for items in answer["Responses"].values())
    return int(answer.get("Count", 1 if "Item" in answer else 0))


_meters: ContextVar[tuple[Cost, ...]] = ContextVar("meters", default=())


@contextmanager
def metered() -> Iterator[Cost]:
    """Give a Cost that counts every request of this thread until the block ends; blocks may be nested."""
    cost = Cost()
    reset = _meters.set((*_meters.get(), cost))
    try:
        yield cost
    finally:
        _meters.reset(reset)


@contextmanager
def unmetered() -> Iterator[None]:
    """Leave what is read in this block out of every meter."""
    reset = _meters.set(())
    try:
        yield
    finally:
        _meters.reset(reset)


def charge(answer: Mapping[str, Any], *, writes: bool) -> None:
    """Add one answer to all meters that run."""
    for meter in _meters.get():
        meter.add(answer, writes=writes)
