"""How many messages a worker hands over: in all, and in each of the last minutes."""

import threading
from collections import Counter
from datetime import datetime

from crm.domain.workers import KEPT_MINUTES, minute_of


class Tally:
    """Counted by the threads of one worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = 0
        self._minutes: Counter[int] = Counter()

    def count(self, now: datetime) -> None:
        """One more went out."""
        with self._lock:
            self._total += 1
            self._minutes[minute_of(now)] += 1

    def told(self, now: datetime) -> tuple[int, dict[int, int]]:
        """Return how many there were in all, and `{minute: n}` of the last few minutes."""
        with self._lock:
            for minute in [one for one in self._minutes if one <= minute_of(now) - KEPT_MINUTES]:
                del self._minutes[minute]
            return self._total, dict(self._minutes)
