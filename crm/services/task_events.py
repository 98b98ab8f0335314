"""The part of a step that changes the list of an event. What proves that it was done is `since` of each attendance."""

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from crm.domain.errors import Conflict, NotFound, StoreUnavailable
from crm.domain.events import AttendanceStatus, EventStatus
from crm.domain.tasks import Outcome, Task, standing
from crm.store import Store
from crm.store.attendances import STEP
from crm.store.event_seats import AT_ONCE as MOVED_AT_ONCE

Outcomes = Tally[Outcome]


def _since(task: Task) -> datetime:
    """When the people of this part came to the list of the event: in the order in which they were noted down."""
    return task.created_at + timedelta(milliseconds=task.position)


def register(store: Store, task: Task, ids: Sequence[str], keep: Callable[[], None]) -> Outcomes:
    """Register them while there are seats, put the others in line, or refuse them where it has none."""
    outcomes: Outcomes = Tally()
    for start in range(0, len(ids), STEP):
        keep()
        some = ids[start : start + STEP]
        try:
            seated = store.events.seat(task.subject, some, now=_since(task), by=task.actor)
        except (NotFound, Conflict):
            mine = registered(store, task, some)
            outcomes += Tally(mine.values())
            outcomes[_why_closed(store, task)] += len(some) - len(mine)
            continue
        mine = registered(store, task, seated.already)
        outcomes += Tally(mine.values())
        outcomes[Outcome.DONE] += len(seated.registered)
        outcomes[Outcome.WAITLISTED] += len(seated.waitlisted)
        outcomes[Outcome.FULL] += len(seated.refused)
        outcomes[Outcome.UNCHANGED] += len(seated.already) - len(mine)
        outcomes[Outcome.GONE] += len(seated.unknown)
    return outcomes


def registered(store: Store, task: Task, ids: Sequence[str]) -> dict[str, Outcome]:
    """Whom of these this step has put on the list already, and where they stand."""
    there = store.events.attendances(task.subject, ids) if ids else {}
    return {
        user_id: Outcome.WAITLISTED if one.status is AttendanceStatus.WAITLISTED else Outcome.DONE
        for user_id, one in there.items()
        if one.since == _since(task)
    }


def move(store: Store, task: Task, ids: Sequence[str], keep: Callable[[], None]) -> Outcomes:
    """Give each the status. Who has it since the moment of this part was moved by this step, now or before."""
    event_id, status = standing(task.subject)
    outcomes: Outcomes = Tally()
    for start in range(0, len(ids), MOVED_AT_ONCE):
        keep()
        some = ids[start : start + MOVED_AT_ONCE]
        try:
            told = store.events.move_many(event_id, some, status, now=_since(task), by=task.actor)
        except (NotFound, Conflict):
            mine = moved(store, task, some)
            outcomes[Outcome.DONE] += len(mine)
            outcomes[_why_closed(store, task)] += len(some) - len(mine)
            continue
        there = store.people.get_many(told.missing) if told.missing else {}
        outcomes[Outcome.DONE] += len(told.moved)
        outcomes[Outcome.UNCHANGED] += len(told.unchanged)
        outcomes[Outcome.FULL] += len(told.full)
        outcomes[Outcome.NO_WAY] += len(told.unfit)
        outcomes[Outcome.NOT_LISTED] += len(there)
        outcomes[Outcome.GONE] += len(told.missing) - len(there)
    return outcomes


def moved(store: Store, task: Task, ids: Sequence[str]) -> list[str]:
    """Who of these this step has given the status already."""
    event_id, status = standing(task.subject)
    there = store.events.attendances(event_id, ids) if ids else {}
    return [user_id for user_id, one in there.items() if one.status is status and one.since == _since(task)]


def by_arrival(store: Store, task: Task, ids: Sequence[str]) -> list[str]:
    """These in the order in which they came to where they stand: who waits longest is the first to get a seat."""
    there = store.events.attendances(standing(task.subject)[0], ids) if ids else {}
    return sorted(ids, key=lambda user_id: (user_id not in there, there[user_id].since if user_id in there else task.created_at))


def _why_closed(store: Store, task: Task) -> Outcome:
    """Why nobody could be put on the list. StoreUnavailable while the event is being created: the step is done again later."""
    try:
        status = store.events.get(task.event_id).status
    except NotFound:
        return Outcome.CLOSED
    if status is EventStatus.CREATING:
        raise StoreUnavailable("The event is still being created; its people can be added in a moment.")
    return Outcome.BUSY if status is EventStatus.PUBLISHED else Outcome.CLOSED
