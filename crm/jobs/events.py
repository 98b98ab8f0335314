"""What goes on with events by itself: creations and deletions that were cut off, no-shows, and seats for people in line."""

from collections.abc import Sequence
from datetime import timedelta

from crm.domain.event_log import EventLogEntry, EventLogKind
from crm.domain.events import Event, EventStatus
from crm.jobs.work import RENEW_BELOW, Held, Work, back_off
from crm.services.event_changes import end_undo
from crm.services.event_jobs import NO_SHOW_AFTER, TOLD
from crm.store.event_sweep import Left
from crm.store.keys import moment, stamp
from crm.store.requests import Action
from crm.store.table import ConditionFailed

FIRST_LOOK = 2.0
"""Seconds until a job looks again for somebody whom the index does not show yet; then twice as long each time."""
LONGEST = timedelta(minutes=10)
LOOKS = 12
"""After so many looks in vain the no-shows are taken to be marked: whoever is left is just being deleted, or merged."""


def step(work: Work, held: Held) -> None:
    """Seat the next people of the event; with the last one it is published and the job has no more work.

    What is seated stands as conditions in the table, so it does no harm that the request which began may still be at it.
    """
    if not work.store.events.fill(held.job.key.owner_id, now=work.clock()):
        held.release(None)
    else:
        _keep(work, held)


def promote_step(work: Work, held: Held) -> None:
    """Give free seats to the next people in line; who is just being deleted or merged is looked at again a while later.

    Whoever leaves a seat free in front of the line puts this job in the same transaction, and whoever holds it has lost it then.
    """
    event_id, now = held.job.key.owner_id, work.clock()
    if work.store.events.promote(event_id, now=now):
        _keep(work, held)
    elif work.store.events.owes_seats(event_id, now=now):
        _go_on(work, held, Left.LATER)
    else:
        held.release(None)


def delete_step(work: Work, held: Held) -> None:
    """Remove the next part of an event that is being deleted; with the last one the job goes as well."""
    left = work.store.events.delete_some(held.job.key.owner_id, now=work.clock(), job=held.job.key.key)
    if left is Left.NOTHING:
        held.over = True
    else:
        _go_on(work, held, left)


def no_show_step(work: Work, held: Held) -> None:
    """Some hours after the end, mark those as no-shows who are registered and were not checked in; then tell how many.

    A run has one stamp, so that it goes on with the same one whoever goes on with it. Each part is written under the fence:
    when the end is moved, it is switched off or the event is cancelled meanwhile, nobody is marked any more.
    """
    now, store = work.clock(), work.store
    event = store.events.get(held.job.key.owner_id)
    if event.status is not EventStatus.PUBLISHED or not event.auto_no_show:
        held.release(None)
        return
    if event.no_show_at is None:
        if now < event.end_at + NO_SHOW_AFTER:
            held.release(event.end_at + NO_SHOW_AFTER)
            return
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        try:
            event = store.events.begin_no_shows(event, at=at, also=[store.jobs.ours(held.job)])
        except ConditionFailed:  # it was edited at this moment
            held.release(now)
            return

    def fence() -> Sequence[Action]:
        _keep(work, held)
        return [store.jobs.ours(held.job)]

    left = store.events.mark_no_shows(event.id, now=now, fence=fence)
    looks = int(held.state.get("looks", 0))
    marked = store.events.no_shows_of(event, event.no_show_at or now) if left is Left.NOTHING or looks >= LOOKS else None
    if marked is not None:
        told = {**held.state, TOLD: stamp(event.no_show_at or now)}
        held.release(None, store.event_log.put(_told(event, len(marked))), state=told)
    else:
        _go_on(work, held, Left.LATER if left is Left.NOTHING else left)


def undo_step(work: Work, held: Held) -> None:
    """Register the next people again of the run that is taken back; at the end it is forgotten, and the job with it."""
    event_id, run = held.job.key.owner_id, moment(held.state["run"])
    left = work.store.events.unmark_no_shows(event_id, run, by=held.state.get("by", ""), now=work.clock())
    if left is Left.NOTHING:
        end_undo(work.store, event_id, run)
        held.over = True
    else:
        _go_on(work, held, left)


def _go_on(work: Work, held: Held, left: Left) -> None:
    """Keep the job where there is more to do at once, else give it back until the index may show more."""
    if left is Left.MORE:
        _keep(work, held)
        return
    looks = int(held.state.get("looks", 0))
    due_at = work.clock() + back_off(FIRST_LOOK, looks, LONGEST)
    held.release(due_at, state={**held.state, "looks": looks + 1})


def _keep(work: Work, held: Held) -> None:
    if held.left < work.settings.lease_seconds * RENEW_BELOW:
        held.renew()


def _told(event: Event, number: int) -> EventLogEntry:
    """The line in the history: the same whoever writes it."""
    at = event.no_show_at or event.end_at
    return EventLogEntry(id=f"no-shows-{event.id}", event_id=event.id, at=at, kind=EventLogKind.NO_SHOWS, text=str(number))
