"""How the whole stands at this moment, in a few figures: for the page of the system and for what watches it."""

import time
from dataclasses import dataclass
from datetime import datetime

from crm.domain.errors import CrmError
from crm.domain.workers import WorkerSeen, sent_a_second
from crm.services.job_board import Standing, at_work, standing_of
from crm.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Figures of one moment. Where the table can't be reached, `trouble` says so and all others are 0 or empty.

    `answer_seconds` is how long the table took to answer one read. `due` jobs could be worked on now and no worker has them,
    the first of them for `oldest_due_seconds`; `failed` rest after an error. `workers` are all that were heard of lately, `alive`
    those heard of just now. `sent_a_second` is over the last five minutes.
    """

    trouble: str = ""
    answer_seconds: float = 0.0
    due: int = 0
    oldest_due_seconds: float = 0.0
    failed: int = 0
    workers: tuple[WorkerSeen, ...] = ()
    alive: tuple[WorkerSeen, ...] = ()
    sent_a_second: float = 0.0

    @property
    def reachable(self) -> bool:
        """Whether the table answers."""
        return not self.trouble


def look(store: Store, *, now: datetime) -> System:
    """Return how all stands. Five requests, more where there are over a hundred jobs; nothing is raised."""
    begun = time.monotonic()
    try:
        store.table.ping()
        answered = time.monotonic()
        jobs, _ = at_work(store, now=now)
        workers = store.workers.all()
        due = store.jobs.due_count(now)
    except CrmError as error:
        return System(trouble=error.message)
    oldest = min((job.due_at for job in jobs if job.due_at), default=now)
    return System(
        answer_seconds=answered - begun,
        due=due,
        oldest_due_seconds=max(0.0, (now - oldest).total_seconds()),
        failed=sum(standing_of(job, now) is Standing.FAILED for job in jobs),
        workers=tuple(workers),
        alive=tuple(worker for worker in workers if not worker.is_quiet(now)),
        sent_a_second=sent_a_second(workers, now),
    )
