"""The part of a step that changes the list of an event. What became of its people is noted down in the same transactions."""

from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from crm.domain.errors import Conflict, NotFound, StoreUnavailable
from crm.domain.events import EventStatus
from crm.domain.tasks import Outcome, Task, standing
from crm.store import Store
from crm.store.attendances import STEP
from crm.store.event_moves import MovedMany, Seated
from crm.store.event_seats import AT_ONCE as MOVED_AT_ONCE
from crm.store.requests import Put

Outcomes = Tally[Outcome]


def register(store: Store, task: Task, ids: Sequence[str], now: datetime, keep: Callable[[], None]) -> Outcomes:
    """Register them while there are seats, put the others in line, or refuse them where it has none."""
    at = _moment(task, now)

    def seat(seq: int, some: Sequence[str]) -> Outcomes:
        def noted(seated: Seated) -> list[Put]:
            return [_noted(store, task, seq, _of_seated(seated, len(some)))]

        since = dict.fromkeys(some, at)
        seated = store.events.seat(task.subject, some, now=now, by=task.actor, since=since, noted=noted, merged=True)
        return _of_seated(seated, len(some))

    return _each(store, task, ids, STEP, keep, seat)


def move(store: Store, task: Task, ids: Sequence[str], now: datetime, keep: Callable[[], None]) -> Outcomes:
    """Give each the status."""
    event_id, status = standing(task.subject)

    def move_some(seq: int, some: Sequence[str]) -> Outcomes:
        def noted(told: MovedMany) -> list[Put]:
            return [_noted(store, task, seq, _of_moved(told))]

        told = store.events.move_many(event_id, some, status, now=_moment(task, now), by=task.actor, noted=noted)
        return _of_moved(told)

    return _each(store, task, ids, MOVED_AT_ONCE, keep, move_some)


def noted(store: Store, task: Task) -> Outcomes:
    """What this step has come to already, with whoever was at it before."""
    outcomes: Outcomes = Tally()
    for counts in store.done_parts.of(_name(task)).values():
        outcomes += _outcomes(counts)
    return outcomes


def by_arrival(store: Store, task: Task, ids: Sequence[str]) -> list[str]:
    """These in the order in which they came to where they stand: who waits longest is the first to get a seat."""
    there = store.events.attendances(standing(task.subject)[0], ids) if ids else {}
    return sorted(ids, key=lambda user_id: (user_id not in there, there[user_id].since if user_id in there else task.created_at))


def _each(
    store: Store,
    task: Task,
    ids: Sequence[str],
    size: int,
    keep: Callable[[], None],
    do: Callable[[int, Sequence[str]], Outcomes],
) -> Outcomes:
    """Do it to `size` people after the other. What was done before counts as it did then, wherever they have gone since."""
    outcomes: Outcomes = Tally()
    done = store.done_parts.of(_name(task))
    for seq, start in enumerate(range(0, len(ids), size)):
        some = ids[start : start + size]
        if seq in done:
            outcomes += _outcomes(done[seq])
            continue
        keep()
        try:
            outcomes += do(seq, some)
        except (NotFound, Conflict):
            twins = store.done_parts.of(_name(task)).get(seq)
            outcomes += Tally({_why_closed(store, task): len(some)}) if twins is None else _outcomes(twins)
    return outcomes


def _moment(task: Task, now: datetime) -> datetime:
    """When the people of this part come to where they stand: part after part also where all are done at one moment."""
    return now + timedelta(milliseconds=task.position)


def _name(task: Task) -> str:
    return f"{task.id}-{task.position}"


def _noted(store: Store, task: Task, seq: int, outcomes: Outcomes) -> Put:
    return store.done_parts.put(_name(task), seq, {one.value: number for one, number in outcomes.items()})


def _outcomes(counts: Mapping[str, int]) -> Outcomes:
    return Tally({Outcome(name): number for name, number in counts.items()})


def _of_seated(seated: Seated, asked: int) -> Outcomes:
    """What became of so many. Of two who are one person by now, the second one is there already."""
    told = Tally(
        {
            Outcome.DONE: len(seated.registered),
            Outcome.WAITLISTED: len(seated.waitlisted),
            Outcome.FULL: len(seated.refused),
            Outcome.UNCHANGED: len(seated.already),
            Outcome.GONE: len(seated.unknown),
        }
    )
    told[Outcome.UNCHANGED] += asked - told.total()
    return told


def _of_moved(told: MovedMany) -> Outcomes:
    return Tally(
        {
            Outcome.DONE: len(told.moved),
            Outcome.UNCHANGED: len(told.unchanged),
            Outcome.FULL: len(told.full),
            Outcome.NO_WAY: len(told.unfit),
            Outcome.NOT_LISTED: len(told.missing),
            Outcome.GONE: len(told.unknown),
        }
    )


def _why_closed(store: Store, task: Task) -> Outcome:
    """Why nobody could be put on the list. StoreUnavailable while the event is being created: the step is done again later."""
    try:
        status = store.events.get(task.event_id).status
    except NotFound:
        return Outcome.CLOSED
    if status is EventStatus.CREATING:
        raise StoreUnavailable("The event is still being created; its people can be added in a moment.")
    return Outcome.BUSY if status is EventStatus.PUBLISHED else Outcome.CLOSED
