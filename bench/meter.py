"""Counts what passes between one client and the engine: every thread of it, and what `unmetered` leaves out as well."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from crm.store.cost import Cost

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WRITES = frozenset({"TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"})


class Operation(Protocol):
    """What botocore tells about the operation that was called."""

    name: str


@dataclass(slots=True)
class Reading:
    """What one block cost, by the rules of crm/store/cost.py, and how many seconds it took."""

    cost: Cost = field(default_factory=Cost)
    seconds: float = 0.0


class Meter:
    """`with meter.reading() as reading: …`; blocks may be nested."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._lock = threading.Lock()
        self._running: list[Reading] = []
        client.meta.events.register("after-call.dynamodb", self._heard)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Give a Reading that counts until the block ends."""
        reading = Reading()
        with self._lock:
            self._running.append(reading)
        began = time.perf_counter()
        try:
            yield reading
        finally:
            reading.seconds = time.perf_counter() - began
            with self._lock:
                self._running = [other for other in self._running if other is not reading]

    def _heard(self, parsed: Mapping[str, Any], model: Operation, **_: object) -> None:
        """Count an answer; one without capacity describes the table, or is an error."""
        if "ConsumedCapacity" not in parsed:
            return
        with self._lock:
            for reading in self._running:
                reading.cost.add(parsed, writes=model.name in WRITES)
