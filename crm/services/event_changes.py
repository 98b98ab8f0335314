"""What becomes of an event: edited, cancelled, reinstated, deleted, its no-shows taken back."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TypedDict

from crm.domain.errors import Conflict
from crm.domain.event_log import Cancellation, EventLogEntry, EventLogKind, changes_between, checked_reason
from crm.domain.events import AttendanceStatus, Event, EventStatus
from crm.domain.ids import new_id
from crm.services.audit import noted
from crm.services.event_jobs import (
    DELETE,
    GRACE,
    NO_SHOW,
    NO_SHOW_UNDO,
    PATIENCE,
    check_end,
    job_key,
    line_actions,
    no_show_actions,
    put_job,
    serve_line,
)
from crm.services.events import check_known
from crm.services.exclusions import check_unused
from crm.store import Store
from crm.store.event_lifecycle import STALE, check_open
from crm.store.event_sweep import Left
from crm.store.expressions import equals
from crm.store.keys import stamp
from crm.store.people import until_won
from crm.store.requests import Delete
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)
AT_ONCE = 200
"""So many people of a list are done while the browser waits; more are left to a worker."""


class EventChanges(TypedDict, total=False):
    """What is to become of an event; what is left out stays. As in `Event`: times are aware, `max_capacity` None is no limit."""

    slug: str
    title: str
    description: str
    start_at: datetime
    end_at: datetime
    timezone: str
    venue: str
    city: str
    online_url: str
    owner: str
    host_ids: Sequence[str]
    max_capacity: int | None
    waitlist: bool
    auto_no_show: bool


def edit(store: Store, event_id: str, changes: EventChanges, *, version: int | None, actor: str, now: datetime) -> Event:
    """Change an event that was read at `version` (None: as it stands), and return it as saved.

    What changed stands in its history, written with it; where nothing did, nothing is written. Raises NotFound; RuleViolation
    for what can't be, and for unknown people; Conflict for a stale version, a taken slug (field slug), fewer seats than people
    registered (field maxCapacity), an end that is to lie ahead again while people stand as no-shows of the old one (field endAt),
    and for an event that is cancelled, being created or being deleted. Seats that come free for people in line are theirs when
    this returns, or soon after where these are many.
    """

    def attempt() -> tuple[Event, Event]:
        old = store.events.get(event_id)
        _check_version(old, version)
        check_open(old)
        new = _edited(old, changes, now).cleaned()
        check_end(store, old, new, now)
        _check_people(store, old, new)
        told = changes_between(old, new)
        if not told:
            return old, old
        entry = _entry(new, EventLogKind.EDITED, actor=actor, now=now)
        also = [
            *no_show_actions(store, old, new, now),
            *line_actions(store, old, new, now),
            store.event_log.put(replace(entry, changes=told)),
            noted(store, "event.edited", new.id, actor=actor, now=now),
        ]
        return old, store.events.save(old, new, now=now, also=also)

    old, saved = until_won(attempt)
    if saved.version == old.version:
        return saved
    logger.info("event edited", extra={"event_id": event_id, "version": saved.version, "actor": actor})
    return _served(store, saved, now)


def cancel(store: Store, event_id: str, *, reason: str, actor: str, now: datetime, version: int | None = None) -> Event:
    """Cancel an event and return it; everybody stays on its list, nobody new comes to it. A repeat changes nothing.

    Raises NotFound, RuleViolation for a reason that is too long, and Conflict while it is being created or deleted or where it
    is at another `version` than was read (None: any).
    """
    why = checked_reason(reason)

    def attempt() -> Event:
        event = store.events.get(event_id)
        if event.status is EventStatus.CANCELLED and not event.deleting:
            return event
        _check_version(event, version)
        check_open(event)
        cancelled = replace(event, status=EventStatus.CANCELLED)
        entry = _entry(event, EventLogKind.CANCELLED, actor=actor, now=now)
        also = [
            *no_show_actions(store, event, cancelled, now),
            store.event_log.put(replace(entry, text=why)),
            noted(store, "event.cancelled", event.id, actor=actor, now=now),
        ]
        return store.events.cancel(event, _cancellation(event, why, actor, now), also=also)

    cancelled = until_won(attempt)
    logger.info("event cancelled", extra={"event_id": event_id, "actor": actor})
    return cancelled


def reinstate(store: Store, event_id: str, *, actor: str, now: datetime, version: int | None = None) -> Event:
    """Let a cancelled event take place after all, with everybody on its list, and return it. A repeat changes nothing.

    Raises NotFound, and Conflict while it is being created or deleted, or where it is at another `version` (None: any).
    """

    def attempt() -> Event:
        event = store.events.get(event_id)
        if event.status is EventStatus.PUBLISHED:
            return event
        _check_version(event, version)
        if event.status is not EventStatus.CANCELLED or event.deleting:
            check_open(event)
        back = replace(event, status=EventStatus.PUBLISHED)
        also = [
            *no_show_actions(store, event, back, now),
            *line_actions(store, event, back, now),
            store.event_log.put(_entry(event, EventLogKind.REINSTATED, actor=actor, now=now)),
            noted(store, "event.reinstated", event.id, actor=actor, now=now),
        ]
        return store.events.reinstate(event, now=now, also=also)

    event = until_won(attempt)
    logger.info("event reinstated", extra={"event_id": event_id, "actor": actor})
    return _served(store, event, now)


def delete(store: Store, event_id: str, *, actor: str, now: datetime) -> bool:
    """Delete an event with all that belongs to it; False where a worker goes on, because many are on its list.

    From the first step on it is cancelled and nobody comes to its list. A repeat goes on where a crash stopped. Raises NotFound,
    and Conflict where a campaign that is not sent yet leaves people out by it.
    """
    key = job_key(event_id, DELETE)

    def attempt() -> None:
        event = store.events.get(event_id)
        if event.deleting:
            return
        check_unused(store, event_id)
        also = [put_job(store, key, due_at=now + GRACE), noted(store, "event.deleted", event.id, actor=actor, now=now)]
        store.events.begin_deleting(event, _cancellation(event, "", actor, now), also=also)
        logger.info("event being deleted", extra={"event_id": event_id, "actor": actor})

    until_won(attempt)
    few = sum(store.events.attendee_counts(event_id).values()) <= AT_ONCE
    until = time.monotonic() + PATIENCE
    left = Left.MORE
    while few and left is Left.MORE and time.monotonic() < until:
        left = store.events.delete_some(event_id, now=now, job=key.key)
    if left is Left.NOTHING:
        logger.info("event deleted", extra={"event_id": event_id})
        return True
    _hand_over(store, event_id, DELETE, now)
    return False


def undo_no_shows(store: Store, event_id: str, *, actor: str, now: datetime) -> Event:
    """Register those again whom the last run made no-shows and who still are, as far as there are seats; return the event.

    The run is not done again. Many are left to a worker. Raises NotFound, and Conflict where there is no run to take back.
    """

    def attempt() -> datetime:
        event = store.events.get(event_id)
        check_open(event)
        if event.no_show_at is None:
            raise Conflict("Nobody became a no-show of this event by itself, or it was taken back already.")
        if (going := store.jobs.get(job_key(event_id, NO_SHOW_UNDO))) is not None and going.due_at is not None:
            return event.no_show_at
        run = event.no_show_at
        entry = _entry(event, EventLogKind.NO_SHOWS_UNDONE, actor=actor, now=now)
        store.table.write(
            [
                put_job(store, job_key(event_id, NO_SHOW_UNDO), due_at=now + GRACE, state={"run": stamp(run), "by": actor}),
                Delete(key=job_key(event_id, NO_SHOW).key),
                store.events.still_marked(event),
                store.event_log.put(entry),
                noted(store, "event.no_shows_undone", event.id, actor=actor, now=now),
            ]
        )
        logger.info("no-shows being taken back", extra={"event_id": event_id, "actor": actor})
        return run

    run = until_won(attempt)
    few = store.events.attendee_counts(event_id)[AttendanceStatus.NO_SHOW] <= AT_ONCE
    until = time.monotonic() + PATIENCE
    left = Left.MORE
    while few and left is Left.MORE and time.monotonic() < until:
        left = store.events.unmark_no_shows(event_id, run, by=actor, now=now)
    if left is Left.NOTHING:
        end_undo(store, event_id, run)
    else:
        _hand_over(store, event_id, NO_SHOW_UNDO, now)
    return store.events.get(event_id)


def end_undo(store: Store, event_id: str, run: datetime) -> None:
    """Forget a run that was taken back, and the job that did it; a repeat changes nothing."""
    done = Delete(key=job_key(event_id, NO_SHOW_UNDO).key, expect=[equals("run", stamp(run))])
    try:
        store.table.write([store.events.end_no_shows(event_id, run), done])
    except ConditionFailed:  # somebody else has forgotten it, or the event takes place again
        with suppress(ConditionFailed):
            store.table.write([done])


def history(store: Store, event_id: str) -> list[EventLogEntry]:
    """Return what was done to an event, newest first; two reads. Raises NotFound."""
    store.events.get(event_id)
    return list(store.event_log.of(event_id))


def _served(store: Store, event: Event, now: datetime) -> Event:
    """The event after people in line had the seats that came free for them."""
    serve_line(store, event.id, now=now)
    return store.events.get(event.id) if event.waitlisted_count else event


def _edited(old: Event, changes: EventChanges, now: datetime) -> Event:
    """The event with what is to change. An end that lies ahead again forgets the run of no-shows of which nothing is left."""
    given = dict(changes)
    if "host_ids" in changes:
        given["host_ids"] = tuple(dict.fromkeys(changes["host_ids"]))
    new: Event = replace(old, **given)  # type: ignore[arg-type]
    again = new.end_at != old.end_at and new.end_at > now
    return replace(new, no_show_at=None) if again else new


def _check_version(event: Event, version: int | None) -> None:
    if version is not None and event.version != version:
        raise Conflict(STALE)


def _check_people(store: Store, old: Event, new: Event) -> None:
    """Whoever comes as owner or host must be somebody; who was it before may be gone by now."""
    came = [one for one in new.host_ids if one not in old.host_ids]
    owner = [new.owner] if new.owner != old.owner else []
    if came or owner:
        check_known(store, {"owner": owner, "hostIds": came})


def _cancellation(event: Event, reason: str, actor: str, now: datetime) -> Cancellation:
    return Cancellation(event_id=event.id, start_at=event.start_at, reason=reason, by=actor, at=now)


def _entry(event: Event, kind: EventLogKind, *, actor: str, now: datetime) -> EventLogEntry:
    return EventLogEntry(id=new_id(), event_id=event.id, at=now, kind=kind, actor=actor)


def _hand_over(store: Store, event_id: str, name: str, now: datetime) -> None:
    """Let a worker go on with it now."""
    job = store.jobs.get(job_key(event_id, name))
    if job is not None:
        with suppress(ConditionFailed):  # a worker has just taken it
            store.table.write([store.jobs.wake(job, now)])
