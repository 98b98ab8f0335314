"""What a worker does beside jobs: folds counters, deletes old files, and removes what has expired where the engine does not."""

import logging
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime

from crm.domain.errors import StoreUnavailable
from crm.services.files import Files
from crm.services.import_parts import sweep
from crm.store import Store, schema
from crm.store.expressions import Clause
from crm.store.requests import Delete
from crm.store.table import ConditionFailed, Table

logger = logging.getLogger(__name__)
FOLD_SECONDS = 2.0
SWEEP_SECONDS = 3600.0


class Upkeep:
    """Folding, and sweeping: files always, the table if `sweeps`, for DynamoDB deletes what has expired, the local engine not."""

    def __init__(self, store: Store, files: Files, *, sweeps: bool) -> None:
        self._store = store
        self._files = files
        self._sweeps = sweeps

    def run(self, stopping: threading.Event) -> None:
        """Keep up until told to stop; a store that is away is waited for."""
        swept = time.monotonic() - SWEEP_SECONDS
        while not stopping.wait(FOLD_SECONDS):
            try:
                self._store.stats.fold_due()
                if time.monotonic() - swept >= SWEEP_SECONDS:
                    swept = time.monotonic()
                    self.sweep_files()
                    if self._sweeps:
                        self.sweep()
            except StoreUnavailable:
                logger.warning("store away during upkeep")
            except Exception:
                logger.exception("upkeep broke")

    def fold(self) -> None:
        """Move the deltas that are there into the counters."""
        self._store.stats.fold_all()

    def sweep_files(self) -> int:
        """Delete uploaded files after their 30 days, and return of how many imports."""
        gone = sweep(self._files, now=self._store.table.clock())
        if gone:
            logger.info("files of imports deleted", extra={"imports": gone})
        return gone

    def sweep(self) -> int:
        """Delete what has expired, and return how many items; it scans the table."""
        table = self._store.table
        now = int(table.clock().timestamp())
        everything = Table(table.client, table.name, clock=lambda: datetime.fromtimestamp(0, UTC), patience=table.patience)
        expired = Clause(schema.TTL_ATTRIBUTE, "at most", (now,))
        number = 0
        for item in everything.scan(where=[expired]):
            with suppress(ConditionFailed):  # another worker was first
                table.write([Delete(key={"PK": item["PK"], "SK": item["SK"]}, expect=[expired])])
                number += 1
        logger.info("expired items removed", extra={"items": number})
        return number
