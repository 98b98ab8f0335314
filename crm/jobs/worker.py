"""The worker: takes what is due, several jobs at once, until it is told to stop."""

import logging
import os
import socket
import threading
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from crm.domain.errors import CrmError, NotFound, StoreUnavailable
from crm.domain.ids import new_id
from crm.jobs.heartbeat import Heartbeat
from crm.jobs.kinds import STEPS, Step
from crm.jobs.upkeep import Upkeep
from crm.jobs.work import Held, Work
from crm.store.jobs import JobKey, LeaseLost

logger = logging.getLogger(__name__)
OURS = Path(__file__).resolve().parents[1]
THREADS = 8
POLL_SECONDS = 0.5
TURN_SECONDS = 20.0
"""How long one job is worked on while others wait for a thread."""
AWAY_SECONDS = 1.0
LINGER_SECONDS = 2.0
"""Work due so soon counts as due: lanes that wait for each other look again after a second."""


class Worker:
    """One process's worker. `run` goes on until `work.stopping` is set, `run_once` until nothing is due."""

    def __init__(self, work: Work, *, steps: Mapping[str, Step] = STEPS, threads: int = THREADS, sweeps: bool = False) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{new_id()[:8]}"
        self._work = work
        self._steps = steps
        self._threads = threads
        self._upkeep = Upkeep(work.store, work.files, sweeps=sweeps)
        self._heartbeat = Heartbeat(work, self.name, threads=threads)
        self._in_hand: set[JobKey] = set()
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._crowded = False

    def run(self) -> None:
        """Work until told to stop; then finish each step in hand, give its lease back, and return."""
        logger.info("worker started", extra={"worker": self.name})
        upkeep = threading.Thread(target=self._upkeep.run, args=(self._work.stopping,), name="upkeep", daemon=True)
        upkeep.start()
        with ThreadPoolExecutor(self._threads, thread_name_prefix="job") as pool:
            while not self._work.stopping.is_set():
                self._heartbeat.tell(self._in_hand_now())
                self._take_due(pool)
                self._pause(POLL_SECONDS)
        upkeep.join()
        self._heartbeat.end()
        logger.info("worker stopped", extra={"worker": self.name})

    def run_once(self) -> None:
        """Work until nothing is due, fold the counters, and return."""
        with ThreadPoolExecutor(self._threads, thread_name_prefix="job") as pool:
            while not self._work.stopping.is_set():
                if not self._take_due(pool) and not self._in_hand_now() and not self._due_soon():
                    break
                self._pause(POLL_SECONDS / 5)
        self._upkeep.fold()

    def _pause(self, seconds: float) -> None:
        """Wait for a while, or until a thread is free again."""
        deadline = time.monotonic() + seconds
        while not self._work.stopping.is_set() and (left := deadline - time.monotonic()) > 0:
            if self._changed.wait(min(left, 0.1)):
                self._changed.clear()
                return

    def _take_due(self, pool: ThreadPoolExecutor) -> int:
        """Hand due jobs to free threads, and return how many."""
        try:
            due = self._work.store.jobs.due(self._work.clock())
        except StoreUnavailable:
            logger.warning("store away", extra={"worker": self.name})
            self._work.stopping.wait(AWAY_SECONDS)
            return 0
        taken = 0
        with self._lock:
            wanted = [key for key in due if key not in self._in_hand and key.kind in self._steps]
            free = self._threads - len(self._in_hand)
            self._crowded = len(wanted) > free
            for key in wanted[:free]:
                self._in_hand.add(key)
                pool.submit(self._work_on, key)
                taken += 1
        return taken

    def _in_hand_now(self) -> int:
        with self._lock:
            return len(self._in_hand)

    def _due_soon(self) -> bool:
        try:
            soonest = self._work.store.jobs.next_due()
        except StoreUnavailable:
            return True
        return soonest is not None and (soonest - self._work.clock()).total_seconds() < LINGER_SECONDS

    def _work_on(self, key: JobKey) -> None:
        held = None
        try:
            held = Held.take(self._work, key, self.name)
            if held is not None:
                self._steps_of(held)
        except LeaseLost:
            logger.warning("lease lost", extra={"job": key.name, "owner": key.owner, "worker": self.name})
        except StoreUnavailable:
            logger.warning("store away", extra={"job": key.name, "owner": key.owner, "worker": self.name})
            self._work.stopping.wait(AWAY_SECONDS)
        except Exception as error:
            logger.exception("job broke", extra={"job": key.name, "owner": key.owner, "worker": self.name})
            if held is not None and not held.over:
                self._put_off(held, error)
        finally:
            with self._lock:
                self._in_hand.discard(key)
            if held is not None:
                self._changed.set()

    def _put_off(self, held: Held, error: Exception) -> None:
        """Give a job whose step broke back for a while, with what is shown of it; where that fails, its lease just ends."""
        key = held.job.key
        try:
            broke = held.break_down(type(error).__name__, place_of(error))
        except CrmError:
            logger.warning("breakdown not noted", extra={"job": key.name, "owner": key.owner, "worker": self.name})
            return
        facts = {"times": broke.times, "until": broke.until.isoformat()}
        logger.warning("job put off", extra={"job": key.name, "owner": key.owner, "worker": self.name, **facts})

    def _steps_of(self, held: Held) -> None:
        """Do step after step until the job is given back.

        What a job remembers is kept where it has nothing to work on any more: it may be a file that is gone, and an undo must
        know how far its import came. A kind that remembers personal data forgets it by itself.
        """
        step = self._steps[held.job.key.kind]
        until = time.monotonic() + TURN_SECONDS
        while not held.over:
            if self._work.stopping.is_set() or (self._crowded and time.monotonic() > until):
                held.release(self._work.clock())
                return
            try:
                step(self._work, held)
            except NotFound:
                logger.warning("job without its object", extra={"job": held.job.key.name, "owner": held.job.key.owner})
                held.release(None)


def place_of(error: BaseException) -> str:
    """Return where an error came from, as `file.py:line`, the innermost place in our own code; empty where there is none."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(OURS)]
    return f"{Path(ours[-1].filename).relative_to(OURS.parent)}:{ours[-1].lineno}" if ours else ""
