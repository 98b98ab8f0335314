"""The jobs that stand beside an event: what each is called, and when it is due."""

import time
from contextlib import suppress
from datetime import datetime, timedelta

from crm.domain.errors import Conflict
from crm.domain.events import Event, EventStatus
from crm.store import Store, schema
from crm.store.event_line import PROMOTE, promotion_job
from crm.store.expressions import absent, equals
from crm.store.jobs import Job, JobKey, item_of
from crm.store.keys import stamp
from crm.store.requests import Action, Delete, Put
from crm.store.table import ConditionFailed

__all__ = [
    "CREATING",
    "DELETE",
    "GRACE",
    "NO_SHOW",
    "NO_SHOW_AFTER",
    "NO_SHOW_UNDO",
    "PATIENCE",
    "PROMOTE",
    "TOLD",
    "check_end",
    "holds_no_shows",
    "job_key",
    "line_actions",
    "no_show_actions",
    "put_job",
    "serve_line",
]

CREATING = "ATTENDEES"
"""Goes on with an event whose creation was cut off."""
NO_SHOW = "NOSHOW"
"""Marks who did not come, a while after the end."""
TOLD = "told"
"""The run of which that job has told how many it marked, in its state."""
NO_SHOW_UNDO = "NOSHOWUNDO"
"""Takes that back."""
DELETE = "EVENTDELETE"
"""Goes on with a deletion."""
NO_SHOW_AFTER = timedelta(hours=3)
"""How long after the end the doors may still write down who came."""
GRACE = timedelta(seconds=60)
"""How long a request that works on an event is left alone with it before the job takes over."""
PATIENCE = 5.0
"""Seconds after which a worker takes over what was to be done at once."""


def job_key(event_id: str, name: str) -> JobKey:
    """Return which job of the event that is."""
    return JobKey(owner=schema.key("event", id=event_id)["PK"], name=name)


def put_job(store: Store, key: JobKey, *, due_at: datetime, state: dict[str, str] | None = None) -> Action:
    """Return the action that gives a job work, whether there is one already or not; one read."""
    return store.jobs.put(key, due_at=due_at, state=state, old=store.jobs.get(key))


def no_show_actions(store: Store, old: Event | None, new: Event, now: datetime) -> list[Action]:
    """Return what keeps the job that marks no-shows in step when `old` (None: is not there) becomes `new`; one read.

    An event has the job when its end lay ahead as it was set: who writes down an event after the fact says who came. It is
    parked while it is switched off or the event is cancelled. A run that has begun goes on when that is taken back.
    """
    job = store.jobs.get(job_key(new.id, NO_SHOW)) if old is not None else None
    ahead, begun = new.end_at > now, _half_done(new, job)
    if new.status is EventStatus.CANCELLED:
        return [store.jobs.park(job)] if job is not None and job.due_at is not None else []
    if not (ahead or begun) and old is not None and old.end_at != new.end_at:
        return [Delete(key=job.key.key, expect=[equals("fence", job.fence)])] if job is not None else []
    if (job is None and not ahead) or (old is not None and _same(old, new)):
        return []
    if old is not None and old.status is EventStatus.CANCELLED and not (ahead or begun):
        return []
    wanted = new.auto_no_show and (new.no_show_at is None or begun)
    return _due(store, new, job) if wanted else _parked(store, new, job)


def check_end(store: Store, old: Event, new: Event, now: datetime) -> None:
    """Conflict (field endAt) where the end is to lie ahead again while people stand as no-shows of the old one.

    They would stay so, with nothing left to tell them from those whom staff made no-shows, and their seats be given away.
    """
    if new.end_at == old.end_at or new.end_at <= now or not holds_no_shows(store, old):
        return
    going = store.jobs.get(job_key(old.id, NO_SHOW_UNDO))
    if going is not None and going.due_at is not None:
        raise Conflict("The no-shows are just being taken back. Try again in a moment.", field="endAt")
    raise Conflict("No-shows were marked after the end. Take them back first, then move the end.", field="endAt")


def holds_no_shows(store: Store, event: Event) -> bool:
    """Tell whether a run of no-shows goes on or somebody stands as it left them; no request where there was none."""
    if event.no_show_at is None:
        return False
    job = store.jobs.get(job_key(event.id, NO_SHOW))
    return (job is not None and job.due_at is not None) or store.events.has_no_shows(event)


def line_actions(store: Store, old: Event, new: Event, now: datetime) -> list[Action]:
    """Return what lets people in line have the seats that may be free for them when `old` becomes `new`; one read where some may.

    It does not ask whether anybody waits: somebody may come to the line at this moment.
    """
    names = ("max_capacity", "start_at", "end_at", "status", "no_show_at")
    moved = any(getattr(old, name) != getattr(new, name) for name in names)
    return [store.events.put_promotion(new.id, now=now)] if moved and new.promotes(now) else []


def serve_line(store: Store, event_id: str, *, now: datetime) -> None:
    """Give people in line the seats that are free for them, as `line_actions` wanted it; what takes too long goes to a worker."""
    job = store.jobs.get(promotion_job(event_id))
    if job is None or job.due_at is None:
        return
    until = time.monotonic() + PATIENCE
    while store.events.promote(event_id, now=now):
        if time.monotonic() > until:
            return
    if store.events.owes_seats(event_id, now=now):  # who is next is just being deleted or merged
        return
    with suppress(ConditionFailed):  # somebody else has taken it, or wants it anew
        store.table.write([store.jobs.park(job)])


def _same(old: Event, new: Event) -> bool:
    """Whether nothing has changed that the job is about."""
    names = ("end_at", "auto_no_show", "status", "no_show_at")
    return all(getattr(old, name) == getattr(new, name) for name in names)


def _half_done(event: Event, job: Job | None) -> bool:
    """Whether no-shows are being marked, and nobody was told yet how many: the run did not come to its end."""
    return job is not None and event.no_show_at is not None and job.state.get(TOLD) != stamp(event.no_show_at)


def _due(store: Store, event: Event, job: Job | None) -> list[Action]:
    return [store.jobs.put(job_key(event.id, NO_SHOW), due_at=event.end_at + NO_SHOW_AFTER, old=job)]


def _parked(store: Store, event: Event, job: Job | None) -> list[Action]:
    if job is not None:
        return [store.jobs.park(job)] if job.due_at is not None else []
    key = job_key(event.id, NO_SHOW)
    return [Put(item=item_of(Job(key=key, due_at=None, fence=0, worker=None)), expect=[absent()])]
