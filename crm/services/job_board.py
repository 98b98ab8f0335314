"""The background work as staff see it: what runs, what waits for a worker, what comes later, what failed; and trying it again."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from crm.domain.errors import Conflict, NotFound
from crm.domain.workers import WorkerSeen
from crm.services.audit import noted
from crm.services.campaign_jobs import LANE
from crm.store import Store, schema
from crm.store.jobs import Breakdown, Job
from crm.store.keys import unescape
from crm.store.schema import Item
from crm.store.table import ConditionFailed
from crm.store.tasks import task_of

logger = logging.getLogger(__name__)
MOST_READ = 200
"""Jobs that are looked at, soonest due first: what failed is tried again within LONGEST_REST, so it is among them."""
ABOUT = ("campaign", "event", "import", "task", "user", "erasure")
OWNERS = {schema.key(name, id="-")["PK"].partition("#")[0]: name for name in ABOUT}
TITLES = {"campaign": "subject", "event": "title", "import": "name"}
"""Which attribute of what a job works on names it."""
MOVED_ON = "It is being tried again already, or it was ended meanwhile. The list shows how it stands now."
ALL_MOVED_ON = "Nothing rests after an error any more. The list shows how everything stands now."


class Standing(StrEnum):
    """Where a job stands. `WAITING`: it is due, and no worker has it. `FAILED`: it rests after an error."""

    FAILED = "failed"
    RUNNING = "running"
    WAITING = "waiting"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Jobs of one kind that work on one thing and stand alike, such as the lanes of a campaign.

    `owner` and `kind` say which; `about` is what they work on: campaign, event, import, task, user or erasure, of the id
    `about_id` (empty where that is gone), called `title` (empty
    where it has no name). `done` of `total` is how far they are, `total` 0 where nobody counts. `due_at` is the first of theirs,
    `taken_at` since when the first of their `workers` has one; `late`: it is due for a while; `quiet`: a worker wrote nothing
    for a while. `broke` is the last breakdown among them.
    """

    owner: str
    kind: str
    about: str
    about_id: str
    title: str
    standing: Standing
    number: int
    due_at: datetime
    workers: tuple[str, ...]
    taken_at: datetime | None
    late: bool
    quiet: bool
    broke: Breakdown | None
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All of it. `more`: there is later work that was not looked at."""

    lines: Mapping[Standing, Sequence[Line]]
    workers: Sequence[WorkerSeen]
    more: bool


def board(store: Store, *, now: datetime) -> Board:
    """Return how the background work stands. Four to six requests, six more while a campaign is under way."""
    jobs, more = at_work(store)
    groups: dict[tuple[str, str, Standing], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.key.owner, job.key.kind, standing_of(job, now)), []).append(job)
    owners = list(dict.fromkeys(owner for owner, _, _ in groups if about_of(owner)[0]))
    mailing = [about_of(owner)[1] for owner, kind, _ in groups if kind == LANE]
    snapshot = store.stats.snapshot(keys=store.campaigns.figure_keys(mailing), beside=[_key(owner) for owner in owners])
    items = dict(zip(owners, snapshot.beside, strict=True))
    figures = store.campaigns.figures_in(snapshot, mailing)
    settled = {id_: (one.settled, one.total) for id_, one in figures.items()}
    lines: dict[Standing, list[Line]] = {standing: [] for standing in Standing}
    for (owner, kind, standing), some in groups.items():
        lines[standing].append(_line(some, kind, standing, items.get(owner) or {}, settled, now))
    return Board(lines=lines, workers=store.workers.all(), more=more)


def at_work(store: Store) -> tuple[list[Job], bool]:
    """Return the jobs that have work, soonest due first, and whether there are more than were read. Two or three requests."""
    keys = [key for key, _ in store.jobs.at_work(limit=MOST_READ)]
    found = store.jobs.get_many(keys)
    return [found[key] for key in keys if key in found and found[key].due_at], len(keys) == MOST_READ


def standing_of(job: Job, now: datetime) -> Standing:
    """Return where a job stands that has work."""
    if job.due_at is None or job.due_at <= now:
        return Standing.WAITING
    if job.failing:
        return Standing.FAILED
    return Standing.LATER if job.idle else Standing.RUNNING


def about_of(owner: str) -> tuple[str, str]:
    """Return what kind of thing the owner of a job is, and its id; ("", …) where it is none that has jobs."""
    prefix, _, id_ = owner.partition("#")
    try:
        return OWNERS.get(prefix, "") if id_ else "", unescape(id_)
    except ValueError:
        return "", ""


def restart(store: Store, owner: str, kind: str, *, actor: str, now: datetime) -> int:
    """Let the failed jobs of a kind be tried again now, and return how many. NotFound where nothing has such a job.

    Conflict where none of them rests after a failure any more.
    """
    jobs = [job for job in store.jobs.of(owner).values() if job.key.kind == kind] if about_of(owner)[0] else []
    if not jobs:
        raise NotFound("There is no such background work any more; it may be done.")
    failing = [job for job in jobs if job.failing]
    if not failing:
        raise Conflict(MOVED_ON)
    broke = _last([job.broke for job in failing])
    error = {"error": broke.error} if broke else {}
    entry = noted(store, "job.restarted", owner, actor=actor, now=now, kind=kind, jobs=len(failing), **error)
    try:
        store.table.write([*[store.jobs.restart(job, now) for job in failing], entry])
    except ConditionFailed:
        raise Conflict(MOVED_ON) from None
    logger.info("jobs restarted", extra={"owner": owner, "kind": kind, "jobs": len(failing), "actor": actor})
    return len(failing)


def restart_all(store: Store, *, actor: str, now: datetime) -> int:
    """Let everything that failed be tried again now, and return how many jobs that are; what moved on meanwhile is left out.

    An entry of the audit log for each thing and kind, with what it is about, as when they are started again one by one. Two
    requests for each besides the reading of the list.
    """
    jobs, _ = at_work(store)
    failed = dict.fromkeys((job.key.owner, job.key.kind) for job in jobs if standing_of(job, now) is Standing.FAILED)
    number = 0
    for owner, kind in failed:
        with suppress(Conflict, NotFound):
            number += restart(store, owner, kind, actor=actor, now=now)
    return number


def _key(owner: str) -> Mapping[str, str]:
    about, id_ = about_of(owner)
    return schema.key(about, id=id_)


def _line(
    jobs: Sequence[Job], kind: str, standing: Standing, item: Item, settled: Mapping[str, tuple[int, int]], now: datetime
) -> Line:
    about, about_id = about_of(jobs[0].key.owner)
    done, total = _how_far(jobs, kind, about, item, settled.get(about_id, (0, 0)))
    return Line(
        owner=jobs[0].key.owner,
        kind=kind,
        about=about,
        about_id=about_id if item else "",
        title=task_of(item).title if item and about == "task" else str(item.get(TITLES.get(about, ""), "")),
        standing=standing,
        number=len(jobs),
        due_at=min(job.due_at for job in jobs if job.due_at),
        workers=tuple(dict.fromkeys(job.worker for job in jobs if job.worker)),
        taken_at=min((job.taken_at for job in jobs if job.taken_at), default=None),
        late=any(job.is_late(now) for job in jobs),
        quiet=any(job.is_quiet(now) for job in jobs),
        broke=_last([job.broke for job in jobs]),
        done=done,
        total=total,
    )


def _how_far(jobs: Sequence[Job], kind: str, about: str, item: Item, settled: tuple[int, int]) -> tuple[int, int]:
    if item and about == "task":
        task = task_of(item)
        return task.reached, task.total
    if kind == LANE:
        return settled
    return int(jobs[0].state.get("done", 0)), int(jobs[0].state.get("total", 0))


def _last(breakdowns: Iterable[Breakdown | None]) -> Breakdown | None:
    return max((one for one in breakdowns if one is not None), key=lambda one: one.at, default=None)
