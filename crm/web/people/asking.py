"""What the question before an action on many people says: to how many, what it will do, and what can be chosen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from crm.domain.errors import NotFound
from crm.domain.events import Event, EventStatus
from crm.domain.filters import PeopleFilter
from crm.domain.tasks import STATUS_TASK_WORDS, TaskAction, people, standing
from crm.services.foreseen import Foreseen, foreseen
from crm.store import Store
from crm.store.people import FacetValue

SUGGESTED = 100
"""Tags that are suggested."""
UPCOMING, PAST = 50, 20
"""Events to choose from."""
LASTS = timedelta(days=1)
"""An event that began less than a day ago is offered with those to come."""


@dataclass(frozen=True, slots=True)
class Group:
    """Events to choose from, under a heading."""

    label: str
    events: Sequence[Event]


def question(store: Store, action: TaskAction, wanted: PeopleFilter, *, typed: str, now: datetime) -> dict[str, Any]:
    """Return what the question's template needs. `typed` is the tag, or the id of the event, perhaps with a status, as sent.

    Raises NotFound and RuleViolation for a status that can't be given.
    """
    number = store.people.count(wanted)
    context: dict[str, Any] = {"action": action.value, "number": number, "typed": typed}
    match action:
        case TaskAction.TAG:
            return context | {"tags": store.people.facet("tag", "", SUGGESTED)}
        case TaskAction.UNTAG:
            return context | {"tags": _tags_of(store, wanted)}
        case TaskAction.REGISTER:
            return context | {"groups": _groups(store, now), "foreseen": _foreseen(store, wanted, number, typed, now)}
        case TaskAction.STATUS:
            return context | _standing(store, number, typed, now)
        case TaskAction.DELETE:
            return context | {"attending": _attending(store, wanted), "hosting": _hosting(store, wanted)}


def _tags_of(store: Store, wanted: PeopleFilter) -> list[FacetValue]:
    """The tags that there are; of ticked rows those that they have, most frequent first."""
    if not wanted.ids:
        return store.people.facet("tag", "", SUGGESTED)
    counts: dict[str, int] = {}
    for person in store.people.get_many(wanted.ids).values():
        for tag in person.profile.tags:
            counts[tag] = counts.get(tag, 0) + 1
    return [FacetValue(value=tag, count=count) for tag, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]


def _groups(store: Store, now: datetime) -> list[Group]:
    """Published events: those to come, the next one first, and the last ones that are over."""
    coming = store.events.page(start=now - LASTS, limit=UPCOMING).items
    over = store.events.page(end=now - LASTS, limit=PAST, newest_first=True).items
    groups = [Group("To come", coming), Group("Over", over)]
    groups = [replace(one, events=[event for event in one.events if event.status is EventStatus.PUBLISHED]) for one in groups]
    return [group for group in groups if group.events]


def _standing(store: Store, number: int, typed: str, now: datetime) -> dict[str, Any]:
    """The event whose list it is, and what giving them that status means there."""
    event_id, to = standing(typed)
    event = store.events.get(event_id)
    words = STATUS_TASK_WORDS[to].title.format(people=people(number), name=event.title)
    return {"event": event, "to": to.value, "words": words, "promotes": event.promotes(now) and event.waitlisted_count > 0}


def _foreseen(store: Store, wanted: PeopleFilter, number: int, event_id: str, now: datetime) -> Foreseen | None:
    try:
        return foreseen(store, wanted, number, event_id, now=now) if event_id else None
    except NotFound:
        return None


def _attending(store: Store, wanted: PeopleFilter) -> int:
    """How many of them are registered for an event, or were at one."""
    if wanted.attended_max == 0:
        return 0
    return store.people.count(replace(wanted, attended_min=max(1, wanted.attended_min or 0)))


def _hosting(store: Store, wanted: PeopleFilter) -> int:
    if wanted.hosted_max == 0:
        return 0
    return store.people.count(replace(wanted, hosted_min=max(1, wanted.hosted_min or 0)))
