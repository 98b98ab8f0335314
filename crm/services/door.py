"""What the door of an event asks: who is this, are they on the list, and how many are in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from crm.domain.events import Attendance, AttendanceStatus, Event
from crm.domain.filters import Order, parse_filter
from crm.domain.folding import fold
from crm.domain.people import Person
from crm.store import Store
from crm.store.arrivals import arrivals, arrivals_lately, newest_arrivals

AT_ONCE = 60
"""People that a search looks at before it asks the list of the event which of them are on it."""
LISTED, OTHERS = 40, 10
"""Names on the list, and beside it, that a search shows."""
NEWEST, NEXT, EXPECTED = 3, 5, 60
"""Names that are shown while nobody is searched: who came last, who is next in line, who is expected."""
LINE = 500
"""Places in line that are told; who stands further behind is only told to be waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Somebody at the door. `attendance` None: not on the list; `place` in line begins with 1, None: not waiting."""

    person: Person
    attendance: Attendance | None
    place: int | None = None

    @property
    def status(self) -> AttendanceStatus | None:
        """Where they stand with the event, None for who is not on its list."""
        return self.attendance.status if self.attendance else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Whom a search finds: those on the list by name, then those who are only known. `more`: some are not shown."""

    listed: Sequence[Guest]
    others: Sequence[Guest]
    more_listed: bool = False
    more_others: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Who came last, newest first; who is expected; who is next in line.

    `every`: `expected` are all of them, by name; else the first who signed up.
    """

    newest: Sequence[Guest]
    expected: Sequence[Guest]
    waiting: Sequence[Guest]
    every: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`came` of `listed` are in, `walk_ins` of those were not on the list before. `seats_left` None: there is no limit."""

    came: int
    listed: int
    walk_ins: int
    seats_left: int | None

    @property
    def key(self) -> str:
        """The figures as text, to tell whether they are still the same."""
        return f"{self.came}-{self.listed}-{self.walk_ins}-{self.seats_left}"


def figures(store: Store, event: Event, *, lately: bool = False) -> Figures:
    """Return the figures of the door at this moment: seven requests. `lately`: as the index has them, in one or two."""
    now = arrivals_lately(store.table, event.id) if lately else arrivals(store.stats, event.id)
    listed = max(event.registered_count, now.came)
    return Figures(came=now.came, listed=listed, walk_ins=now.walk_ins, seats_left=event.seats_left)


def guest(store: Store, event: Event, user_id: str) -> Guest | None:
    """Return how somebody stands at the door at this moment, None for who does not exist; two requests, three with a line."""
    found = _guests(store, event, list(store.people.get_many([user_id]).values()))
    return found[0] if found else None


def search(store: Store, event: Event, text: str) -> Found:
    """Return whom the words find by name or address; on the list in whatever status, however many people there are.

    Who is on the list is read at this moment. About five requests; where more than `AT_ONCE` people match, the whole list of
    the event is asked as well: a request per status and MB. RuleViolation for what can't be searched.
    """
    wanted = parse_filter({"q": [text]})
    page = store.people.page(wanted, limit=AT_ONCE)
    people, more_listed = list(page.items), False
    if page.next_token is not None:
        mine = store.people.page(replace(wanted, attends=_any_status(event.id)), order=Order.NAME, limit=LISTED)
        known = {person.id for person in people}
        people += [person for person in mine.items if person.id not in known]
        more_listed = mine.next_token is not None
    guests = _guests(store, event, sorted(people, key=_by_name))
    listed = [one for one in guests if one.attendance is not None]
    others = [one for one in guests if one.attendance is None and not one.person.leaving]
    return Found(
        listed=listed[:LISTED],
        others=others[:OTHERS],
        more_listed=more_listed or len(listed) > LISTED,
        more_others=page.next_token is not None or len(others) > OTHERS,
    )


def overview(store: Store, event: Event) -> Overview:
    """Return who is shown while nobody is searched; six requests at most, whatever the length of the list."""
    newest = newest_arrivals(store.table, event.id, NEWEST)
    missing = [AttendanceStatus.REGISTERED, *([AttendanceStatus.NO_SHOW] if event.no_show_at else [])]
    page = store.events.attendees(event.id, limit=EXPECTED, statuses=missing)
    line = _line(store, event)
    first = list(line)[:NEXT]
    people = store.people.get_many([*(one.user_id for one in [*newest, *page.items]), *first])
    waiting = store.events.attendances(event.id, first) if first else {}
    expected = _known(page.items, people)
    every = page.next_token is None
    return Overview(
        newest=_known(newest, people),
        expected=sorted(expected, key=lambda one: _by_name(one.person)) if every else expected,
        waiting=[replace(one, place=line[one.person.id]) for one in _known([waiting[i] for i in first if i in waiting], people)],
        every=every,
    )


def _known(attendances: Iterable[Attendance], people: Mapping[str, Person]) -> list[Guest]:
    return [Guest(person=people[one.user_id], attendance=one) for one in attendances if one.user_id in people]


def _guests(store: Store, event: Event, people: Sequence[Person]) -> list[Guest]:
    """These people as they stand with the event at this moment."""
    if not people:
        return []
    there = store.events.attendances(event.id, [person.id for person in people])
    waits = any(one.status is AttendanceStatus.WAITLISTED for one in there.values())
    line = _line(store, event) if waits else {}
    return [Guest(person=one, attendance=there.get(one.id), place=line.get(one.id)) for one in people]


def _line(store: Store, event: Event) -> dict[str, int]:
    """The places of who waits, from 1 on, in order; no request where nobody does."""
    if not event.waitlisted_count:
        return {}
    return {one.user_id: place for place, one in enumerate(store.events.waiting(event.id, LINE), start=1)}


def _any_status(event_id: str) -> tuple[str, ...]:
    return tuple(f"{event_id}:{status.value}" for status in AttendanceStatus)


def _by_name(person: Person) -> tuple[str, str, str]:
    return fold(person.profile.last_name), fold(person.profile.first_name), person.id
