"""The people that are measured with: those of the demo, with counts of events, and what one may ask about them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from crm.domain.people import Person
from crm.services.demo.people import chance, make_crowd
from crm.store import Store
from crm.store.people_items import Labels, claim_of, item_of, people_changes, tag_copies, token_items
from crm.store.schema import Item
from crm.store.stats import Counter as Counted
from crm.store.table import MAX_ACTIONS
from crm.store.values import serialise_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

PRESENT = datetime(2026, 5, 4, 9, tzinfo=UTC)
SEED = 1
BATCH, THREADS = 25, 3

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
    """Write them as items, 25 at once and several times at once, and their counts, folded: as they stand after an import.

    A table of 100,000 is there in half the time that transactions take; `verify` finds nothing to repair in it.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        for done in pool.map(lambda some: put_items(store, some), batched(_items(people), BATCH)):
            if done:
                raise RuntimeError(f"the engine left {done} items unwritten")
    changes: Counter[Counted] = Counter()
    labels: Labels = {}
    for person in people:
        counted, named = people_changes(None, person)
        changes.update(counted)
        labels |= named
    for deltas in batched(store.stats.delta(changes, labels=labels, now=PRESENT), MAX_ACTIONS):
        store.table.write(deltas)
    store.stats.fold_all()


def _items(people: Sequence[Person]) -> Iterator[Item]:
    for person in people:
        new = replace(person, version=1)
        yield from (item_of(new), claim_of(new), *token_items(new).values(), *tag_copies(new).values())


def put_items(store: Store, items: Sequence[Item]) -> int:
    """Write a batch, and return how many items of it were left."""
    puts: list[WriteRequestTypeDef] = [{"PutRequest": {"Item": serialise_item(item)}} for item in items]
    answer = store.table.client.batch_write_item(RequestItems={store.table.name: puts})
    return sum(map(len, answer["UnprocessedItems"].values()))


def batched(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    """Give the values in order, so many at a time."""
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some


def typical(values: Iterable[Value], share: float) -> Value:
    """Return the value that comes nearest to belonging to that share of all; of several, the one that is met first."""
    counts = Counter(values)
    wanted = share * counts.total()
    return min(counts.items(), key=lambda pair: abs(pair[1] - wanted))[0]
