"""One step of a task: what is done to one part of the people, in such a way that a step which is done again counts the same.

What proves that a step was done already stands where its work stands: in the log entry of a changed person, in a note beside
the list of an event, and for those who are deleted in the number of them who were gone beforehand.
"""

import logging
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from crm.domain.errors import BadToken, Conflict, NotFound, RuleViolation
from crm.domain.filters import Order
from crm.domain.folding import fold
from crm.domain.log import LogEntry, LogKind, changes_between
from crm.domain.people import Person
from crm.domain.tasks import Outcome, Task, TaskAction, TaskStatus
from crm.services import people, task_events
from crm.store import Store
from crm.store.attendances import STEP
from crm.store.event_seats import AT_ONCE as MOVED_AT_ONCE
from crm.store.requests import Action

logger = logging.getLogger(__name__)
Outcomes = Tally[Outcome]
AT_ONCE = 1000
"""People noted down in one step."""
PART = {
    TaskAction.TAG: 100,
    TaskAction.UNTAG: 100,
    TaskAction.REGISTER: 3 * STEP,
    TaskAction.STATUS: 3 * MOVED_AT_ONCE,
    TaskAction.DELETE: 25,
}
"""People of one part: so many that a part takes a second or so."""
TRIES = 5
MOVED_BEFORE = timedelta(minutes=1)
"""Clocks of others may be wrong by so much: whom they changed that long before the task began may still move in its list."""


def advance(store: Store, task: Task, *, now: datetime, keep: Callable[[], None]) -> tuple[Task, list[Action]]:
    """Do the next step of a task; return how it stands then, and what else is to be written together with that.

    `keep` is called now and then, and may raise when the work is not ours any more. Until task and actions are written the
    step may be done again, by anybody.
    """
    if task.status is TaskStatus.NOTING:
        return (task.finished(TaskStatus.CANCELLED, now=now), []) if task.stopping else _note(store, task, now)
    ids = (store.selections.part(task.id, task.position) or []) if task.position < task.parts else []
    if task.stopping:
        return task.counted(_settled(store, task, ids, now, keep)).finished(TaskStatus.CANCELLED, now=now), []
    if task.action is TaskAction.DELETE and task.missing is None and ids:
        return replace(task, missing=len(_gone(store, ids)[0])), []
    done = task.counted(_work(store, task, ids, now, keep))
    return (done.finished(TaskStatus.DONE, now=now) if done.position >= done.parts else done), []


def _note(store: Store, task: Task, now: datetime) -> tuple[Task, list[Action]]:
    """Note down the next people who match, each once; who was added since the task began is none of them."""
    try:
        page = store.people.page(task.wanted, order=Order.SOURCE, limit=AT_ONCE, token=task.cursor)
    except BadToken:  # the key that signs the place in a list was changed: nobody was touched yet
        logger.warning("task given up", extra={"task_id": task.id})
        return task.finished(TaskStatus.CANCELLED, now=now), []
    ids = _not_noted(store, task, [person for person in page.items if person.created_at <= task.created_at])
    ids = task_events.by_arrival(store, task, ids) if task.action is TaskAction.STATUS else ids
    size = PART[task.action]
    parts = [ids[start : start + size] for start in range(0, len(ids), size)]
    puts: list[Action] = [store.selections.put(task.id, task.parts + number, part) for number, part in enumerate(parts)]
    noted = task.noting(len(ids), parts=len(parts), cursor=page.next_token, now=now)
    nobody = noted.status is TaskStatus.WORKING and not noted.parts
    return (noted.finished(TaskStatus.DONE, now=now) if nobody else noted), puts


def _not_noted(store: Store, task: Task, found: Sequence[Person]) -> list[str]:
    """Who of a page is to be noted down: of those who may have moved in the list since the task began, only who is not yet.

    The others stand in the page where they were from the beginning: the first time through the list finds each once, and the
    second one nobody new among them. What was noted is read once through, and kept nowhere.
    """
    bounds = (task.wanted.attended_min, task.wanted.attended_max, task.wanted.hosted_min, task.wanted.hosted_max)
    counted = any(bound is not None for bound in bounds)  # a count changes without a trace in the profile
    since = task.created_at - MOVED_BEFORE
    moved = {person.id for person in found if counted or person.updated_at >= since}
    there = moved.intersection(store.selections.walk(task.id)) if moved and task.parts else frozenset()
    ids = dict.fromkeys(person.id for person in found if not task.again or person.id in moved)
    return [person_id for person_id in ids if person_id not in there]


def _work(store: Store, task: Task, ids: Sequence[str], now: datetime, keep: Callable[[], None]) -> Outcomes:
    match task.action:
        case TaskAction.TAG | TaskAction.UNTAG:
            return _tag(store, task, ids, now, keep)
        case TaskAction.REGISTER:
            return task_events.register(store, task, ids, now, keep)
        case TaskAction.STATUS:
            return task_events.move(store, task, ids, now, keep)
        case TaskAction.DELETE:
            gone, apart, busy = _delete(store, task, ids, now, keep)
            return Tally({Outcome.DONE: gone, Outcome.GONE: (task.missing or 0) + apart, Outcome.BUSY: busy})


def _settled(store: Store, task: Task, ids: Sequence[str], now: datetime, keep: Callable[[], None]) -> Outcomes:
    """What an unfinished step has done to this part already, without doing more; but nobody is left deleted by half."""
    match task.action:
        case TaskAction.TAG | TaskAction.UNTAG:
            return Tally({Outcome.DONE: len(_changed(store, task, ids))})
        case TaskAction.REGISTER | TaskAction.STATUS:
            return task_events.noted(store, task)
        case TaskAction.DELETE:
            if task.missing is None:
                return Tally()
            gone, _, busy = _delete(store, task, ids, now, keep, only=store.tasks.half_deleted(ids))
            return Tally({Outcome.DONE: gone, Outcome.BUSY: busy})


# tags


def _tag(store: Store, task: Task, ids: Sequence[str], now: datetime, keep: Callable[[], None]) -> Outcomes:
    found = dict.fromkeys(_changed(store, task, ids), Outcome.DONE)
    for _ in range(TRIES):
        keep()
        left = [person_id for person_id in ids if person_id not in found]
        stored = store.people.get_many(left)
        pairs = []
        for person_id in left:
            edited = _edited(task, stored.get(person_id), now)
            if isinstance(edited, Outcome):
                found[person_id] = edited
            else:
                pairs.append((stored[person_id], edited))
        also = {new.id: [store.log.put(_entry(task, new.id, old, new))] for old, new in pairs}
        for (_, new), saved in zip(pairs, store.people.save_many(pairs, also), strict=True):
            if isinstance(saved, Person):
                found[new.id] = Outcome.DONE
        if len(found) == len(set(ids)):
            break
    same = [person_id for person_id, outcome in found.items() if outcome is Outcome.UNCHANGED]
    found |= dict.fromkeys(_changed(store, task, same), Outcome.DONE)  # by whoever had this step before, and was still at it
    gone = [person_id for person_id, outcome in found.items() if outcome is Outcome.GONE]
    found |= dict.fromkeys(_changed_and_merged(store, task, gone), Outcome.DONE)
    return Tally(found.get(person_id, Outcome.BUSY) for person_id in ids)


def _edited(task: Task, old: Person | None, now: datetime) -> Person | Outcome:
    """The person with the tag, or without it; or why there is nothing to do."""
    if old is None:
        return Outcome.GONE
    others = tuple(tag for tag in old.profile.tags if fold(tag) != fold(task.subject))
    has = len(others) < len(old.profile.tags)
    if has is (task.action is TaskAction.TAG):
        return Outcome.UNCHANGED
    tags = others if has else (*others, task.subject)
    try:
        return old.edited(replace(old.profile, tags=tags), now=now)
    except RuleViolation as error:
        return Outcome.TOO_MANY_TAGS if error.field == "tags" else Outcome.UNSOUND


def _entry(task: Task, person_id: str, old: Person | None = None, new: Person | None = None) -> LogEntry:
    """The entry in the log of somebody whom this step of the task has changed: the same whenever the step is done."""
    return LogEntry(
        id=f"{task.id}-{task.position}",
        user_id=person_id,
        at=task.created_at,
        kind=LogKind.EDITED,
        actor=task.actor,
        source=task.id,
        source_name=task.title,
        changes=changes_between(old.profile, new.profile) if old and new else {},
    )


def _changed(store: Store, task: Task, ids: Sequence[str]) -> list[str]:
    """Who of this part was changed by this step already."""
    entries = store.log.get_many([_entry(task, person_id) for person_id in ids])
    return [entry.user_id for entry in entries if entry is not None]


def _changed_and_merged(store: Store, task: Task, gone: Sequence[str]) -> list[str]:
    """Who of those who are gone was changed by this step before they were merged: their log stands in another one."""
    handed = {person_id: store.merges.handed_over(_entry(task, person_id)) for person_id in gone}
    sought = {person_id: entry for person_id, entry in handed.items() if entry is not None}
    return [person_id for person_id, entry in zip(sought, store.log.get_many(list(sought.values())), strict=True) if entry]


# deleting


def _delete(
    store: Store,
    task: Task,
    ids: Sequence[str],
    now: datetime,
    keep: Callable[[], None],
    *,
    only: Sequence[str] | None = None,
) -> tuple[int, int, int]:
    """Delete those who are there, or `only` some; return how many this step deleted, went elsewhere, and could not be deleted.

    Of those who are gone, who was there when this part was begun was deleted by this step, now or before.
    """
    busy = []
    for person_id in store.people.get_many(ids) if only is None else only:
        keep()
        try:
            people.remove_one_of_many(store, person_id, now=now)
        except (Conflict, NotFound):  # who is gone by now is told below
            busy.append(person_id)
    gone, apart = _gone(store, ids)
    return max(0, len(gone) - (task.missing or 0)), len(apart), len([one for one in busy if one not in gone | apart])


def _gone(store: Store, ids: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Who of these is gone: who was deleted, and apart from them who was merged or erased, which is told elsewhere."""
    there = store.people.get_many(ids)
    gone = frozenset(person_id for person_id in ids if person_id not in there)
    apart = store.tasks.gone_elsewhere(sorted(gone))
    return gone - apart, apart
