"""How fast one lane may go: permits in small batches from the bucket that all workers share."""

from collections import deque
from datetime import datetime, timedelta

from crm.jobs.work import Work

LONGEST_WAIT = 10.0
"""Seconds a lane waits with a window in hand; eight lanes at ten messages a second wait up to eight."""
BATCH_SECONDS = 1.0
MAX_BATCH = 25
STALE = timedelta(seconds=1)
"""A permit not used by then is dropped: permits saved up would be a burst."""


class Pace:
    """The permits of one window."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._permits: deque[datetime] = deque()

    def next(self, wanted: int) -> tuple[datetime, bool]:
        """Return when the next message may go, and whether that is soon enough to wait for; `wanted` are still to go.

        Without a limit that is now, and nothing is read.
        """
        now, rate = self._work.clock(), self._work.settings.rate
        if not rate:
            return now, True
        while self._permits and self._permits[0] < now - STALE:
            self._permits.popleft()
        if not self._permits:
            batch = max(1, min(wanted, MAX_BATCH, int(rate * BATCH_SECONDS)))
            slot = self._work.store.pace.reserve(messages=batch, rate=rate, now=now, within=self._longest_wait)
            if not slot.granted:
                return slot.start, False
            self._permits.extend(slot.start + timedelta(seconds=number / rate) for number in range(batch))
        return self._permits.popleft(), True

    @property
    def _longest_wait(self) -> float:
        return min(LONGEST_WAIT, self._work.settings.lease_seconds / 4)
