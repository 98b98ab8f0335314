"""What every kind of background work is given: the parts it works with, and the lease under which it works."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from crm.domain.links import Links
from crm.domain.mail_settings import Letterhead
from crm.jobs.tally import Tally
from crm.mail.port import Mailer
from crm.services.files import Files, NoFiles
from crm.store import Store
from crm.store.calls import utc_now
from crm.store.job_items import LONGEST_REST
from crm.store.jobs import Breakdown, Job, JobKey, LeaseLost
from crm.store.requests import Action

MAX_WINDOW = 80
"""E-mails whose outcomes fit into one transaction beside everything that goes with them."""
LONGEST_HANDOVER = 30.0
MOST_DOUBLINGS = 40
FORGOTTEN = timedelta(hours=3)
"""Breakdowns so far apart don't count together."""
RENEW_BELOW = 0.6
"""The part of a lease that may be left when a step renews it in passing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSettings:
    """How mail is sent. `rate` is messages a second over all workers, 0 for no limit; times are in seconds."""

    rate: float = 10.0
    lease_seconds: float = 60.0
    window: int = 50
    retry_seconds: float = 60.0
    sender: str = "crm@localhost"
    organisation: str = ""
    postal_address: str = ""
    list_id: str = "mailings.localhost"
    links: Links

    def __post_init__(self) -> None:
        if not 1 <= self.window <= MAX_WINDOW:
            raise ValueError(f"CRM_WINDOW must be from 1 to {MAX_WINDOW}.")
        if self.rate < 0 or self.lease_seconds <= 0 or self.retry_seconds <= 0:
            raise ValueError("CRM_SEND_RATE can't be less than 0; CRM_LEASE_SECONDS and CRM_RETRY_SECONDS must be more than 0.")

    @property
    def letterhead(self) -> Letterhead:
        """What letters say of the organisation unless staff have set something else."""
        return Letterhead(
            sender=self.sender,
            organisation=self.organisation,
            postal_address=self.postal_address,
            site=self.links.public_url,
        )

    @property
    def handover_seconds(self) -> float:
        """How long one hand-over may take in all: half the lease at most."""
        return min(LONGEST_HANDOVER, self.lease_seconds / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The parts a step works with. `stopping` is set when the worker should end: finish what is in hand, write it, stop.

    `tally` counts the messages that went out.
    """

    store: Store
    mailer: Mailer
    settings: SendSettings
    files: Files = field(default_factory=NoFiles)
    clock: Callable[[], datetime] = utc_now
    stopping: threading.Event = field(default_factory=threading.Event)
    tally: Tally = field(default_factory=Tally)


def boot_time() -> float:
    """Seconds on a clock that goes on while the machine sleeps, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def back_off(first: float, number: int, longest: timedelta) -> timedelta:
    """How long to wait before try `number`, from 0: `first` seconds, then twice as long each time, `longest` at most.

    >>> [back_off(60, number, timedelta(minutes=15)).total_seconds() for number in (0, 1, 2, 5000)]
    [60.0, 120.0, 240.0, 900.0]
    """
    return timedelta(seconds=min(first * 2.0 ** min(max(number, 0), MOST_DOUBLINGS), longest.total_seconds()))


class Held:
    """A job under our lease. What a step does ends with `save` (it goes on) or `release` (somebody may take it later)."""

    def __init__(self, work: Work, job: Job, *, since: float) -> None:
        self._work = work
        self.job = job
        self.over = False
        self._ends = since + work.settings.lease_seconds

    @classmethod
    def take(cls, work: Work, key: JobKey, worker: str) -> "Held | None":
        """Lease a due job; None when it is not due or somebody else has it."""
        since = boot_time()
        job = work.store.jobs.lease(key, worker, seconds=work.settings.lease_seconds, now=work.clock())
        return cls(work, job, since=since) if job else None

    @property
    def state(self) -> dict[str, Any]:
        """What this kind of work remembers from step to step; a copy."""
        return dict(self.job.state)

    @property
    def left(self) -> float:
        """Seconds until the lease ends, by whichever of two clocks says less: one may have been set, the other have slept."""
        wall = (self.job.due_at - self._work.clock()).total_seconds() if self.job.due_at else 0.0
        return min(wall, self._ends - boot_time())

    def save(self, state: Mapping[str, Any], *actions: Action, still: Collection[str] = ()) -> None:
        """Write what to remember, with `actions`, in one transaction under the fence; a lease half over is renewed with it.

        Raises LeaseLost, and what the actions raise. With `still`, which names what must be remembered as it was, a
        ConditionFailed behind the positions of the actions is either.
        """
        due_at, ends = self._extended() if self.left < self._seconds * RENEW_BELOW else (self.job.due_at, self._ends)
        new = replace(self.job, state=state, due_at=due_at, seen_at=self._work.clock())
        self.job = self._work.store.jobs.save(self.job, new, *actions, still=still)
        self._ends = ends

    def renew(self) -> None:
        """Move the end of the lease. Raises LeaseLost."""
        due_at, ends = self._extended()
        self.job = self._work.store.jobs.save(self.job, replace(self.job, due_at=due_at, seen_at=self._work.clock()))
        self._ends = ends

    def look_again(self) -> None:
        """Read the job after a write that may or may not have happened. Raises LeaseLost."""
        stored = self._work.store.jobs.get(self.job.key)
        if stored is None or (stored.fence, stored.worker) != (self.job.fence, self.job.worker):
            raise LeaseLost
        self.job = stored

    def release(self, due_at: datetime | None, *actions: Action, state: Mapping[str, Any] | None = None) -> None:
        """Give the job back, due at `due_at` (None: no more work), with `actions` in one transaction under the fence."""
        kept = self.job.state if state is None else state
        broke = self.job.broke if due_at else None
        free = replace(self.job, due_at=due_at, worker=None, seen_at=None, taken_at=None, broke=broke, state=kept)
        self.job = self._work.store.jobs.save(self.job, free, *actions)
        self.over = True

    def break_down(self, error: str, place: str) -> Breakdown:
        """Give the job back after a step ended with an error nobody foresaw, to be tried again after a pause.

        The pause grows with each breakdown. Nothing else of the job is written, for what its step did is not known. Returns what
        is noted of it; raises LeaseLost.
        """
        now, before = self._work.clock(), self.job.broke
        times = before.times + 1 if before and now - before.at < FORGOTTEN else 1
        until = now + back_off(self._work.settings.retry_seconds, times - 1, LONGEST_REST)
        broke = Breakdown(times=times, at=now, until=until, error=error, place=place)
        free = replace(self.job, due_at=until, worker=None, seen_at=None, taken_at=None, broke=broke)
        self.job = self._work.store.jobs.save(self.job, free)
        self.over = True
        return broke

    @property
    def _seconds(self) -> float:
        return self._work.settings.lease_seconds

    def _extended(self) -> tuple[datetime, float]:
        """When a lease that is renewed now ends, on both clocks: measured before the write, so never too late."""
        return self._work.clock() + timedelta(seconds=self._seconds), boot_time() + self._seconds
