"""The people that are measured with: those of the demo, with counts of events, and what one may ask about them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from crm.domain.errors import CrmError
from crm.domain.people import Person
from crm.services.demo.people import chance, make_crowd
from crm.store import Store

PRESENT = datetime(2026, 5, 4, 9, tzinfo=UTC)
SEED = 1
AT_ONCE = 960
"""People handed over at once."""

Value = TypeVar("Value")


def make_people(number: int) -> list[Person]:
    """Return so many people, the same ones each time; most attended some events, a few hosted.

    Nothing else is written of those events: the counts are all that a filter looks at.
    """
    return [_counted(place, person) for place, person in enumerate(make_crowd(SEED, number, PRESENT).people)]


def _counted(place: int, person: Person) -> Person:
    random = chance(SEED, "counts", place)
    hosted = int(random.expovariate(0.5)) if random.random() < 0.05 else 0
    return replace(person, attended_event_count=int(random.expovariate(0.35)), hosted_event_count=hosted)


def write_people(store: Store, people: Sequence[Person]) -> None:
    """Write them as the import does, with the counters folded at the end. Raises what was wrong with the first that failed."""
    for start in range(0, len(people), AT_ONCE):
        for outcome in store.people.create_many(people[start : start + AT_ONCE]):
            if isinstance(outcome, CrmError):
                raise outcome
    store.stats.fold_all()


def typical(values: Iterable[Value], share: float) -> Value:
    """Return the value that comes nearest to belonging to that share of all; of several, the one that is met first."""
    counts = Counter(values)
    wanted = share * counts.total()
    return min(counts.items(), key=lambda pair: abs(pair[1] - wanted))[0]
