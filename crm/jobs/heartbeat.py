"""A worker says every few seconds that it is alive, what it has in hand and what it sent."""

import logging
import os
import socket
import time

from crm import VERSION
from crm.domain.errors import StoreUnavailable
from crm.domain.workers import WorkerSeen
from crm.jobs.work import Work

logger = logging.getLogger(__name__)
TELL_SECONDS = 15.0


class Heartbeat:
    """What is known of one worker. Only those who look need it: a table that is away keeps no worker from its work."""

    def __init__(self, work: Work, name: str, *, threads: int) -> None:
        self._work = work
        self._name = name
        self._threads = threads
        self._started_at = work.clock()
        self._told = float("-inf")

    def tell(self, in_hand: int) -> None:
        """Write it, unless that was done a moment ago."""
        if time.monotonic() - self._told < TELL_SECONDS:
            return
        self._told = time.monotonic()
        try:
            self._work.store.workers.tell(self._seen(in_hand))
        except StoreUnavailable:
            logger.warning("worker not heard", extra={"worker": self._name})

    def end(self) -> None:
        """Take it off the list; where the table is away, it leaves that by itself."""
        try:
            self._work.store.workers.gone(self._name)
        except StoreUnavailable:
            logger.warning("worker not taken off", extra={"worker": self._name})

    def _seen(self, in_hand: int) -> WorkerSeen:
        now = self._work.clock()
        sent, minutes = self._work.tally.told(now)
        return WorkerSeen(
            name=self._name,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=VERSION,
            threads=self._threads,
            in_hand=in_hand,
            sent=sent,
            minutes=minutes,
            started_at=self._started_at,
            seen_at=now,
        )
