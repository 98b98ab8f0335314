"""Who is on the list of an event: filtered, in an order, page by page, each with where they stand; the same as rows of a file.

And one person added to it.
"""

import logging
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TypeVar

from crm.domain.errors import Conflict, NotFound
from crm.domain.events import MOVES, STATUS_WORDS, Attendance, AttendanceStatus, Event
from crm.domain.filters import Order, PeopleFilter, filter_values
from crm.domain.folding import fold
from crm.domain.people import ATTRIBUTES, Person
from crm.services.audit import note, noted
from crm.store import Store
from crm.store.events import Moved, Seated
from crm.store.people import FacetValue
from crm.store.requests import Action

logger = logging.getLogger(__name__)
AT_ONCE = 100
"""People of a file that are read together."""
MOST = 2_000
"""People on a list who are looked at to tell what values they have."""
HEADINGS = ("First name", "Last name", "Email", "Company", "Job title", "City", "Status")
TIMES = ("Since", "Registered")
LAST = ("Walk-in", "Signed up or came", "ID")

One = TypeVar("One")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendeeFilter:
    """Whom of an event's list: those with one of `statuses` to whom `people` applies as well.

    They come in order of arrival; `by_name`, or where `people` says anything, by name.
    """

    event_id: str
    statuses: tuple[AttendanceStatus, ...] = tuple(STATUS_WORDS)
    people: PeopleFilter = field(default_factory=PeopleFilter)
    by_name: bool = False

    @property
    def of_people(self) -> PeopleFilter:
        """The same as a people filter."""
        return replace(self.people, attends=tuple(f"{self.event_id}:{status}" for status in self.statuses))

    @property
    def by_arrival(self) -> bool:
        """Whether the list of the event itself answers, in its own order."""
        return self.people.is_empty and not self.by_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendee:
    """One name of the list; `person` is None once nobody knows who it was."""

    attendance: Attendance
    person: Person | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendeesPage:
    """Some of the list, the tokens of the pages beside it, and by id the people of it and those asked for along with it."""

    items: list[Attendee]
    next_token: str | None
    prev_token: str | None
    people: dict[str, Person]


def page(store: Store, wanted: AttendeeFilter, *, limit: int, token: str | None, also: Sequence[str] = ()) -> AttendeesPage:
    """Return some of the list, and the people `also`. By arrival: a query and a batch. Raises BadToken."""
    if wanted.by_arrival:
        found = store.events.attendees(wanted.event_id, limit=limit, token=token, statuses=wanted.statuses)
        people = store.people.get_many([*dict.fromkeys([*(one.user_id for one in found.items), *also])])
        items = [Attendee(attendance=one, person=people.get(one.user_id)) for one in found.items]
        return AttendeesPage(items=items, next_token=found.next_token, prev_token=found.prev_token, people=people)
    named = store.people.page(wanted.of_people, order=Order.NAME, limit=limit, token=token)
    people = {person.id: person for person in named.items}
    people |= store.people.get_many([id_ for id_ in dict.fromkeys(also) if id_ not in people]) if also else {}
    items = _standing(store, wanted, named.items)
    return AttendeesPage(items=items, next_token=named.next_token, prev_token=named.prev_token, people=people)


def walk(store: Store, wanted: AttendeeFilter) -> Iterator[Attendee]:
    """Give all of the list, in the order of `page`."""
    if wanted.by_arrival:
        for some in _parts(store.events.walk_attendees(wanted.event_id, statuses=wanted.statuses)):
            people = store.people.get_many([one.user_id for one in some])
            yield from (Attendee(attendance=one, person=people.get(one.user_id)) for one in some)
        return
    for persons in _parts(store.people.walk(wanted.of_people, order=Order.NAME)):
        yield from _standing(store, wanted, persons)


def values(store: Store, wanted: AttendeeFilter, name: str) -> list[FacetValue] | None:
    """Return what those on the list have most often in a field, by the API's name; None where the list is too long to look at."""
    listed = list(islice(store.events.walk_attendees(wanted.event_id, statuses=wanted.statuses), MOST + 1))
    if len(listed) > MOST:
        return None
    tally: Tally[str] = Tally()
    typed: dict[str, str] = {}
    for person in store.people.get_many([one.user_id for one in listed]).values():
        held = person.profile.tags if name == "tag" else (getattr(person.profile, ATTRIBUTES[name]),)
        for value in filter(None, held):
            tally[typed.setdefault(fold(value), value)] += 1
    return [FacetValue(value=value, count=count) for value, count in sorted(tally.items(), key=lambda one: (-one[1], one[0]))]


def add(store: Store, event_id: str, user_id: str, status: AttendanceStatus, *, now: datetime, by: str) -> Moved:
    """Put somebody on the list; who can't be registered for want of a seat waits in line where there is one.

    Who is registered, waits or has come already stays where they are. Raises NotFound; Conflict where it takes nobody.
    """
    if status is AttendanceStatus.REGISTERED:
        seated = store.events.seat(event_id, [user_id], now=now, by=by, noted=_telling(store, event_id, user_id, now, by))
        if seated.unknown:
            raise NotFound("This person was deleted, or merged with another one.")
        if seated.refused:
            raise Conflict("The event is full, and it has no waitlist.")
        there = store.events.attendances(event_id, [user_id]).get(user_id)
        return Moved(attendance=there, changed=not seated.already)
    old = store.events.attendances(event_id, [user_id]).get(user_id)
    if old is not None and (old.status is status or status not in MOVES[old.status]):
        return Moved(attendance=old, changed=False)
    audit = noted(store, "attendee.moved", event_id, actor=by, now=now, userId=user_id, status=status.value)
    moved = store.events.move(event_id, user_id, status, now=now, by=by, also=[audit])
    logger.info("attendee added", extra={"event_id": event_id, "user_id": user_id, "status": status.value})
    return moved


def _telling(store: Store, event_id: str, user_id: str, now: datetime, by: str) -> Callable[[Seated], list[Action]]:
    """What is written in the audit log of somebody who is to be registered: nothing where nothing becomes of it."""

    def telling(seated: Seated) -> list[Action]:
        status = AttendanceStatus.REGISTERED if seated.registered else AttendanceStatus.WAITLISTED
        audit = noted(store, "attendee.moved", event_id, actor=by, now=now, userId=user_id, status=status.value)
        return [audit] if seated.registered or seated.waitlisted else []

    return telling


def export(
    store: Store, event: Event, wanted: AttendeeFilter, *, actor: str, now: datetime
) -> tuple[list[str], Iterator[tuple[object, ...]]]:
    """Note in the audit log who takes the list of the event, and return headings and rows; times in its zone, which is named."""
    fields = " ".join(sorted(filter_values(wanted.of_people)))
    note(store, "attendees.exported", event.id, actor=actor, now=now, eventId=event.id, filter=fields)
    zone = event.timezone.replace("_", " ")
    headings = [*HEADINGS, *(f"{name} ({zone})" for name in TIMES), *LAST]
    return headings, (_row(one, event) for one in walk(store, wanted))


def _row(one: Attendee, event: Event) -> tuple[object, ...]:
    attendance, person = one.attendance, one.person
    profile = person.profile if person else None
    times = (attendance.since, attendance.registered_at)
    return (
        *(getattr(profile, name) if profile else "" for name in ("first_name", "last_name", "email")),
        *(getattr(profile, name) if profile else "" for name in ("company", "job_title", "city")),
        STATUS_WORDS[attendance.status],
        *(f"{time.astimezone(event.zone):%Y-%m-%d %H:%M:%S}" if time else "" for time in times),
        "yes" if attendance.walk_in else "",
        person.attended_event_count if person else None,
        attendance.user_id,
    )


def _standing(store: Store, wanted: AttendeeFilter, people: Sequence[Person]) -> list[Attendee]:
    """Where these people stand at this moment; who has left the list meanwhile is left out."""
    there = store.events.attendances(wanted.event_id, [person.id for person in people]) if people else {}
    standing = [(there[person.id], person) for person in people if person.id in there]
    return [Attendee(attendance=one, person=person) for one, person in standing if one.status in wanted.statuses]


def _parts(found: Iterator[One]) -> Iterator[list[One]]:
    while some := list(islice(found, AT_ONCE)):
        yield some
