"""What it costs to write one person, one attendance, one event, and to read the lists of events."""

from collections.abc import Sequence
from datetime import timedelta

from bench.crowd import PRESENT, make_people
from bench.meter import Reading
from bench.place import Place, tell
from bench.report import Cell, Grid, Result
from crm.domain.people import Person
from crm.services import events
from crm.services.events import NewEvent
from crm.services.people import add
from crm.services.sign_ups import sign_up
from crm.store import Store

ALONE = 20
"""Things that are written one at a time."""
BULK = 480
EVENTS = 60
PAGE = 50
WRITE_COLUMNS = ("what is written", "times", "requests", "read units", "write units", "write units folded", "ms")
READ_COLUMNS = ("what is read", "returned", "requests", "items", "read units", "ms")
NOTES = (
    "All figures are for one of them. Folded: moving what was counted into the counters afterwards, shared by all who wait.",
    "The crowd is the demo's: a person has three to five search tokens, about one tag, and stands in five indexes.",
)


def run(place: Place, sizes: Sequence[int]) -> Result:
    """Measure on a table of its own; the size is that of the smallest people bench, up to 500."""
    people = make_people(ALONE + min(BULK, min(sizes)))
    with place.store() as store:
        tell(f"writing {len(people)} people and {EVENTS} events")
        rows = _people(place, store, people)
        rows += _events(place, store, people)
        read = _lists(place, store)
    written = Grid(title="Writes", columns=WRITE_COLUMNS, rows=rows, notes=NOTES)
    return Result([written, Grid(title="Lists of events", columns=READ_COLUMNS, rows=read)])


def _people(place: Place, store: Store, people: Sequence[Person]) -> list[tuple[Cell, ...]]:
    alone, bulk = people[:ALONE], people[ALONE:]
    with place.meter.reading() as reading:
        for person in alone:
            add(store, person.profile, now=PRESENT)
    rows = [_written("person, alone", ALONE, reading, _folded(place, store))]
    with place.meter.reading() as reading:
        store.people.create_many(bulk)
    return [*rows, _written("person, in bulk", len(bulk), reading, _folded(place, store))]


def _events(place: Place, store: Store, people: Sequence[Person]) -> list[tuple[Cell, ...]]:
    there = [person.id for person in people[ALONE:]]
    with place.meter.reading() as reading:
        made = [events.create(store, _new_event(number, there), now=PRESENT) for number in range(EVENTS)]
    rows = [_written("event with two hosts", EVENTS, reading, _folded(place, store))]
    with place.meter.reading() as reading:
        for person_id in there[:ALONE]:
            sign_up(store, made[0].id, [person_id], now=PRESENT)
    rows.append(_written("attendance, alone", ALONE, reading, _folded(place, store)))
    rest = there[ALONE:]
    with place.meter.reading() as reading:
        sign_up(store, made[0].id, rest, now=PRESENT)
    return [*rows, _written("attendance, in bulk", len(rest), reading, _folded(place, store))]


def _new_event(number: int, people: Sequence[str]) -> NewEvent:
    start = PRESENT + timedelta(days=number)
    hosts = [people[number % len(people)], people[(number + 1) % len(people)]]
    return NewEvent(
        slug=f"bench-{number}",
        title=f"Meetup {number}",
        start_at=start,
        end_at=start + timedelta(hours=2),
        owner=hosts[0],
        venue="The old library, second floor",
        host_ids=hosts,
    )


def _lists(place: Place, store: Store) -> list[tuple[Cell, ...]]:
    with place.meter.reading() as reading:
        page = store.events.page(limit=PAGE)
    rows = [_read("page of events", len(page.items), reading)]
    with place.meter.reading() as reading:
        attendees = store.events.attendees(page.items[0].id, limit=PAGE)
    return [*rows, _read("page of attendees", len(attendees.items), reading)]


def _folded(place: Place, store: Store) -> Reading:
    with place.meter.reading() as reading:
        store.stats.fold_all()
    return reading


def _written(what: str, times: int, reading: Reading, folded: Reading) -> tuple[Cell, ...]:
    cost = reading.cost
    each = (cost.requests / times, cost.read_units / times, cost.write_units / times, folded.cost.write_units / times)
    return (what, times, *each, round(1000 * reading.seconds / times, 1))


def _read(what: str, returned: int, reading: Reading) -> tuple[Cell, ...]:
    cost = reading.cost
    return (what, returned, cost.requests, cost.items_read, cost.read_units, round(1000 * reading.seconds, 1))
