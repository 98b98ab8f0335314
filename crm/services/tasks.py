"""What staff do to many people at once: begin, follow, cancel. A few people are done at once, many by a job."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crm.domain.audit import AuditEntry
from crm.domain.errors import Conflict, RuleViolation
from crm.domain.events import EventStatus
from crm.domain.filters import PeopleFilter
from crm.domain.ids import new_id
from crm.domain.people import checked_tag
from crm.domain.tasks import Task, TaskAction, standing
from crm.services.audit import noted
from crm.services.task_steps import advance
from crm.store import Store, schema
from crm.store.events import NOT_OPEN
from crm.store.jobs import Breakdown, Job, JobKey
from crm.store.people import until_won
from crm.store.requests import Action, Delete
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)
JOB = "TASK"
"""Name of the job that works on a task."""
AT_ONCE = 200
"""So many people are done while the browser waits; more are left to a worker."""
PATIENCE = 5.0
"""Seconds after which a worker takes over what was to be done at once."""
GRACE = timedelta(seconds=60)
"""How long the request that does a task at once is left alone with it before the job takes over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgress:
    """How a task goes. `rate` is people a second, `seconds_left` a guess from it; None where that can't be known.

    `late`: it should have been taken by a worker, and none has; `quiet`: the one that has it has not written for a while;
    `rests`: a step of it broke, and it is tried again after a pause.
    """

    task: Task
    rate: float | None = None
    seconds_left: float | None = None
    late: bool = False
    quiet: bool = False
    rests: Breakdown | None = None


def start(
    store: Store,
    action: TaskAction,
    wanted: PeopleFilter,
    *,
    subject: str = "",
    actor: str,
    now: datetime,
    task_id: str | None = None,
    at_once: int | None = None,
    also: Sequence[Action] = (),
) -> Task:
    """Begin to do `action` to everybody who matches at this moment; return the task, ended where they are few.

    `subject` is a tag, the id of an event, or that with a status, as in `e1:waitlisted`. `at_once` is how many are few (None:
    `AT_ONCE`); `also` joins the first transaction, and what it raises is raised. A repeat under the same `task_id` gives the task
    that is there. Raises RuleViolation for a tag that can't be or a filter that nobody matches, NotFound or Conflict for an
    event that takes nobody.
    """
    if task_id is not None and (there := store.tasks.find(task_id)) is not None:
        return there
    subject, name = _checked(store, action, subject)
    matched = store.people.count(wanted)
    if not matched:
        raise RuleViolation("There is nobody to do this to: nobody matches any more. Choose people in the list again.")
    task = Task(
        id=task_id or new_id(),
        action=action,
        subject=subject,
        name=name,
        wanted=wanted,
        actor=actor,
        matched=matched,
        created_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
    )
    few = matched <= (AT_ONCE if at_once is None else at_once)
    if (there := _begin(store, task, also, due_at=now + GRACE if few else now)) is not None:
        return there
    logger.info("task begun", extra={"task_id": task.id, "action": action.value, "matched": matched, "actor": actor})
    return _work_now(store, task, now) if few else task


def progress(store: Store, task_id: str, *, now: datetime) -> TaskProgress:
    """Return how a task goes at this moment. Two reads; raises NotFound."""
    task = store.tasks.get(task_id)
    if task.ended:
        return TaskProgress(task=task)
    job = store.jobs.get(job_of(task_id))
    late, quiet = bool(job and job.is_late(now)), bool(job and job.is_quiet(now))
    rests = job.rests(now) if job else None
    if late or quiet or rests or task.started_at is None:
        return TaskProgress(task=task, late=late, quiet=quiet, rests=rests)
    seconds = (now - task.started_at).total_seconds()
    rate = task.reached / seconds if seconds >= 1 and task.reached else None
    return TaskProgress(task=task, rate=rate, seconds_left=(task.total - task.reached) / rate if rate else None)


def go_on(store: Store, task_id: str, *, now: datetime) -> Task:
    """Work on a task for a few seconds while somebody waits, as `start` does, and return it; safe beside a worker."""
    task = store.tasks.get(task_id)
    return task if task.ended else _work_now(store, task, now)


def cancel(store: Store, task_id: str, *, actor: str, now: datetime) -> Task:
    """Stop a task; what is done stays done. Return it as it stands: whoever works on it ends it after the part in hand.

    What rests after a breakdown is due at once, for a worker, since its step may break once more. Raises NotFound, and
    RuleViolation when it is over.
    """

    def attempt() -> tuple[Task, Job | None]:
        task = store.tasks.get(task_id)
        task.check_can_be_cancelled()
        job = store.jobs.get(job_of(task_id))
        audit = noted(store, "people.task_cancelled", task_id, actor=actor, now=now)
        woken = [store.jobs.wake(job, now)] if job is not None and (job.failing or not job.idle) else []
        store.table.write([store.tasks.stop(task), audit, *woken])
        return store.tasks.get(task_id), job

    task, job = until_won(attempt)
    logger.info("task stopped", extra={"task_id": task_id, "actor": actor})
    if job is None or not job.idle or job.failing or job.due_at is None or job.due_at > now or task.ended:
        return task
    ended, actions = advance(store, task, now=now, keep=_nothing)
    try:
        store.table.write([*actions, store.tasks.move(task, ended), store.jobs.park(job)])
    except ConditionFailed:  # a worker has just taken it and ends it
        return store.tasks.get(task_id)
    return ended


def begun_with(store: Store, task: Task, *, due_at: datetime) -> list[Action]:
    """Return the actions that begin a task: itself, its job, and its entry of the audit log, which a repeat makes the same."""
    facts: dict[str, str | int] = {"matched": task.matched}
    if task.event_id:
        facts["eventId"] = task.event_id
    if task.action is TaskAction.STATUS:
        facts["status"] = standing(task.subject)[1].value
    entry = AuditEntry(id=task.id, at=task.created_at, actor=task.actor, action=task.words.audit, subject=task.id, facts=facts)
    return [store.tasks.put(task), store.jobs.put(job_of(task.id), due_at=due_at), store.audit.put(entry)]


def job_of(task_id: str) -> JobKey:
    """The job that works on a task."""
    return JobKey(owner=schema.key("task", id=task_id)["PK"], name=JOB)


def _checked(store: Store, action: TaskAction, subject: str) -> tuple[str, str]:
    """What it is about, and what staff call that."""
    if action in {TaskAction.TAG, TaskAction.UNTAG}:
        tag = checked_tag(subject)
        return tag, tag
    if action is TaskAction.DELETE:
        return "", ""
    if not subject:
        raise RuleViolation("Choose an event.", field="subject")
    event = store.events.get(standing(subject)[0] if action is TaskAction.STATUS else subject)
    if event.status is not EventStatus.PUBLISHED:
        raise Conflict(NOT_OPEN[event.status], field="subject")
    return subject, event.title


def _begin(store: Store, task: Task, also: Sequence[Action], *, due_at: datetime) -> Task | None:
    """Write down that a task begins; where one is there under its id, write nothing and return that."""
    try:
        store.table.write([*begun_with(store, task, due_at=due_at), *also])
    except Conflict:
        if (there := store.tasks.find(task.id)) is None:
            raise
        return there
    return None


def _work_now(store: Store, task: Task, now: datetime) -> Task:
    """Do it step by step while somebody waits for it; what takes too long goes to a worker."""
    job = job_of(task.id)
    until = time.monotonic() + PATIENCE
    while not task.ended and time.monotonic() < until:
        moved, actions = advance(store, task, now=now, keep=_nothing)
        closing: list[Action] = [Delete(key=job.key)] if moved.ended else []
        try:
            store.table.write([*actions, store.tasks.move(task, moved), *closing])
        except ConditionFailed:
            task = store.tasks.get(task.id)
        else:
            task = moved
    waiting = None if task.ended else store.jobs.get(job)
    if waiting is not None:
        try:
            store.table.write([store.jobs.wake(waiting, now)])
        except ConditionFailed:
            logger.info("task taken over", extra={"task_id": task.id})
    return task


def _nothing() -> None:
    """Nobody else may take what is done at once."""
