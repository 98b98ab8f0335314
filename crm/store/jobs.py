"""The durable queue: jobs are items that stand in the DUE index for as long as they have work.

A lease is one conditional update: it takes the job with a higher fencing number and moves `dueAt` to the end of the lease, so
a job whose worker died is due again by itself. What the index says is a hint; the condition on the item decides.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from crm.domain.errors import Conflict
from crm.store import schema
from crm.store.expressions import absent, equals
from crm.store.job_items import LONGEST_REST, Breakdown, Job, JobKey, item_of, job_of
from crm.store.keys import behind_prefix, moment, stamp
from crm.store.requests import Action, Check, Put, Query, Update, changed
from crm.store.schema import BY_DATE
from crm.store.table import ConditionFailed, Table

__all__ = ["Breakdown", "Job", "JobKey", "JobRepository", "LeaseLost", "item_of", "job_of"]

CLOCK_GRACE = 0.1
"""The part of a lease by which a clock may be wrong: a lease of somebody else is left alone that much longer."""
MOST_RESTING = 1_000
"""Jobs that are looked at for what rests among them."""


class LeaseLost(Conflict):
    """Somebody else has taken the job since; what this worker knows of it no longer counts."""

    def __init__(self) -> None:
        super().__init__("The lease was lost: another worker has taken this job.")


class JobRepository:
    """Jobs: put, due, wake, park, lease, and what a lease allows."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, key: JobKey) -> Job | None:
        """Return the job as it is at this moment, None where there never was one."""
        item = self._table.get(key.key)
        return job_of(item) if item else None

    def get_many(self, keys: Sequence[JobKey]) -> dict[JobKey, Job]:
        """Return `{key: job}` of those that are there, not consistently: for showing them. A request per hundred."""
        items = self._table.batch_get([key.key for key in keys])
        return {key: job_of(item) for key, item in zip(keys, items, strict=True) if item is not None}

    def of(self, owner: str) -> dict[str, Job]:
        """Return `{name: job}` of everything that works on `owner`; one consistent query."""
        pk, low = schema.prefix("job", owner=owner)
        query = Query(partition=pk, low=low, high=behind_prefix(low), consistent=True)
        return {item["name"]: job_of(item) for item in self._table.walk(query)}

    def due(self, now: datetime, *, limit: int = 100) -> list[JobKey]:
        """Return what may be taken at `now`, longest waiting first: a hint, which `lease` checks. One query."""
        rows = self._table.query(Query(partition=_DUE, index=BY_DATE, high=behind_prefix(stamp(now) + "#"), limit=limit))
        return [JobKey(owner=item["PK"], name=item["SK"].partition("#")[2]) for item in rows.items]

    def at_work(self, *, limit: int = 100) -> list[tuple[JobKey, datetime]]:
        """Return jobs that have work and when each may be taken, longest waiting first: leased and later ones too. One query."""
        rows = self._table.query(Query(partition=_DUE, index=BY_DATE, limit=limit)).items
        return [
            (JobKey(owner=item["PK"], name=item["SK"].partition("#")[2]), moment(item[BY_DATE.sk].partition("#")[0]))
            for item in rows
        ]

    def within_a_rest(self, now: datetime, *, limit: int = MOST_RESTING) -> list[JobKey]:
        """Return jobs that may be taken later than `now`, but by the end of a rest that begins now: all that rest are among them.

        Soonest first; leased and later ones too; of more than `limit` the last ones, as the others come soon. One query.
        """
        low, high = (behind_prefix(stamp(at) + "#") for at in (now, now + LONGEST_REST))
        rows = self._table.query(Query(partition=_DUE, index=BY_DATE, low=low, high=high, forward=False, limit=limit))
        return [JobKey(owner=item["PK"], name=item["SK"].partition("#")[2]) for item in reversed(rows.items)]

    def due_count(self, now: datetime) -> int:
        """Return how many jobs may be taken at `now`. One query for thousands of them."""
        return self._table.count(Query(partition=_DUE, index=BY_DATE, high=behind_prefix(stamp(now) + "#")))

    def next_due(self) -> datetime | None:
        """Return when the next job may be taken, leased ones among them; None where there is no work at all. One query."""
        rows = self._table.query(Query(partition=_DUE, index=BY_DATE, limit=1))
        return moment(rows.items[0][BY_DATE.sk].partition("#")[0]) if rows.items else None

    def put(self, key: JobKey, *, due_at: datetime, state: Mapping[str, Any] | None = None, old: Job | None = None) -> Action:
        """Return the action that gives a job work from `due_at` on, for the transaction that makes the work.

        `old` is the job as read before, None where there is none; whoever held it has lost it. ConditionFailed when it has
        moved on since.
        """
        new = Job(key=key, due_at=due_at, fence=old.fence + 1 if old else 0, worker=None, state=state or {})
        if old is None:
            return Put(item=item_of(new), expect=[absent()])
        return changed(item_of(old), item_of(new), expect=_as_read(old))

    def wake(self, old: Job, now: datetime) -> Action:
        """Return the action that makes a job due now; where a worker holds it, only that this one has not let go meanwhile."""
        if old.worker is not None and old.due_at is not None and old.due_at > now:
            return Update(key=old.key.key, expect=[equals("fence", old.fence), equals("worker", old.worker)])
        new = Job(key=old.key, due_at=now, fence=old.fence + 1, worker=None, broke=old.broke, state=old.state)
        return changed(item_of(old), item_of(new), expect=_as_read(old))

    def restart(self, old: Job, now: datetime) -> Action:
        """Return the action that makes a job due now whose step broke, as if it never had; ConditionFailed when it moved on."""
        new = Job(key=old.key, due_at=now, fence=old.fence + 1, worker=None, state=old.state)
        return changed(item_of(old), item_of(new), expect=_as_read(old))

    def park(self, old: Job) -> Action:
        """Return the action that takes the work from a job; whoever held it has lost it."""
        new = Job(key=old.key, due_at=None, fence=old.fence + 1, worker=None, state=old.state)
        return changed(item_of(old), item_of(new), expect=_as_read(old))

    def lease(self, key: JobKey, worker: str, *, seconds: float, now: datetime) -> Job | None:
        """Take a due job for so long and return it; None when it is not due or somebody else was quicker.

        One consistent read and one conditional write.
        """
        old = self.get(key)
        if old is None or not _may_be_taken(old, now, seconds):
            return None
        until = now + timedelta(seconds=seconds)
        taken = Job(
            key=key, due_at=until, fence=old.fence + 1, worker=worker, seen_at=now, taken_at=now, broke=old.broke, state=old.state
        )
        try:
            self._table.write([changed(item_of(old), item_of(taken), expect=_as_read(old))])
        except ConditionFailed:
            return None
        return taken

    def ours(self, held: Job) -> Check:
        """Return the condition that who holds a job still does; LeaseLost where it fails."""
        return Check(key=held.key.key, expect=_held(held), error=LeaseLost())

    def open_gates(self, held: Job, number: int) -> None:
        """Let pass `number` threads of who holds a job, and none of who held it before; one transaction. Raises LeaseLost.

        An item for each thread: of two transactions at a time with a condition on the same one, one has to wait.
        """
        self._table.write([self.ours(held), *[Put(item=item_of(_gate(held, place))) for place in range(number)]])

    def gate(self, held: Job, place: int) -> Check:
        """Return the condition that nobody has opened the gates since; LeaseLost where it fails."""
        gate = _gate(held, place)
        return Check(key=gate.key.key, expect=_held(gate), error=LeaseLost())

    def save(self, old: Job, new: Job, *others: Action, still: Collection[str] = ()) -> Job:
        """Turn a leased job into `new` under its fence: a renewal, a step, or giving it back; return it.

        `others` are written in the same transaction, before it in the order in which failures are told: of a ConditionFailed
        the positions are theirs. Raises LeaseLost. What of the state is named in `still` must stand as it was read; whether that
        or the lease is gone is not told then: a ConditionFailed has the position behind theirs.
        """
        item = item_of(new)
        expect = [*_held(old), *[equals(name, old.state.get(name)) for name in still]]
        error = None if still else LeaseLost()
        self._table.write([*others, changed(item_of(old), item, expect=expect, error=error)])
        return job_of(item)


def _may_be_taken(job: Job, now: datetime, seconds: float) -> bool:
    if job.due_at is None:
        return False
    grace = timedelta(seconds=0 if job.worker is None else seconds * CLOCK_GRACE)
    return job.due_at + grace <= now


def _as_read(job: Job) -> Sequence[Any]:
    return [
        equals("fence", job.fence),
        equals("dueAt", stamp(job.due_at) if job.due_at else None),
        equals("worker", job.worker),
    ]


def _gate(held: Job, place: int) -> Job:
    key = JobKey(owner=held.key.owner, name=f"{held.key.name}GATE{place}")
    return Job(key=key, due_at=None, fence=held.fence, worker=held.worker)


def _held(job: Job) -> Sequence[Any]:
    return [equals("fence", job.fence), equals("worker", job.worker)]


_DUE = BY_DATE.entry("job").partition
