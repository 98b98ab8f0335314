"""Somebody is deleted or merged, and what was just read of them or of their event is gone before the next read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from crm.domain.errors import NotFound
from crm.domain.filters import PeopleFilter
from crm.domain.tasks import Outcome, TaskAction
from crm.services import event_changes, people, tasks
from crm.services.verify import differences
from crm.store import Store
from tests.factories import NOW, make_event
from tests.services.merging import merged
from tests.store import listing
from tests.store.listing import LATER, come, published
from tests.store.test_event_squeezed import squeezing

READS = 40
"""More than any of these needs."""


@contextmanager
def before_read(store: Store, number: int, act: Callable[[], object]) -> Iterator[list[int]]:
    """Let `act` happen before the read with that number, of single items; give how many reads are left until then."""
    left, originals = [number], {name: getattr(store.table, name) for name in ("get", "batch_get")}

    def put_back() -> None:
        for name, original in originals.items():
            setattr(store.table, name, original)

    def read(name: str, *args: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            put_back()
            act()
        return originals[name](*args, **options)

    for name in originals:
        setattr(store.table, name, partial(read, name))
    try:
        yield left
    finally:
        put_back()


def _delete_event(store: Store, event_id: str) -> None:
    event_changes.delete(store, event_id, actor="grace", now=LATER)


def test_who_is_deleted_while_an_event_of_theirs_goes_is_gone_wholly(store: Store) -> None:
    for number in range(READS):
        (ada,) = listing.people(store, 1)
        event = store.events.create(make_event(), [ada], [], now=NOW)
        come(store, event, ada)

        with before_read(store, number, partial(_delete_event, store, event.id)) as left:
            people.remove(store, ada, now=LATER)

        assert store.people.get_many([ada]) == {}
        if left[0] >= 0:
            break
    assert 4 <= number < READS
    assert differences(store) == []


def test_two_who_delete_one_host_are_told_nothing_but_that_they_are_gone(store: Store) -> None:
    for number in range(READS):
        (ada,) = listing.people(store, 1)
        event = store.events.create(make_event(), [ada], [], now=NOW)

        with before_read(store, number, partial(people.remove, store, ada, now=LATER)) as left, suppress(NotFound):
            people.remove(store, ada, now=LATER)

        assert store.people.get_many([ada]) == {}
        assert store.events.get(event.id).host_ids == ()
        if left[0] >= 0:
            break
    assert 4 <= number < READS
    assert differences(store) == []


@pytest.mark.parametrize("which", [0, 1])
def test_a_merge_goes_on_when_an_event_of_who_goes_is_deleted(store: Store, which: int) -> None:
    for number in range(READS):
        kept, gone = (store.people.get(one) for one in listing.people(store, 2))
        events = [published(store), store.events.create(make_event(), [gone.id], [], now=NOW)]
        come(store, events[0], gone.id)

        with before_read(store, number, partial(_delete_event, store, events[which].id)) as left:
            done = merged(store, kept, gone, now=LATER)

        assert done.finished
        assert list(store.people.get_many([kept.id, gone.id])) == [kept.id]
        if left[0] >= 0:
            break
    assert 10 <= number < READS
    assert differences(store) == []


def test_a_host_who_is_merged_while_the_start_is_moved_hosts_at_the_new_time(store: Store) -> None:
    sooner = LATER + timedelta(hours=2)
    for writes in range(3):
        kept, gone = (store.people.get(one) for one in listing.people(store, 2))
        event = store.events.create(make_event(), [gone.id], [], now=NOW)
        edit = partial(event_changes.edit, store, event.id, {"start_at": sooner}, version=None, actor="grace", now=LATER)

        with squeezing(store, edit, after=writes):
            assert merged(store, kept, gone, now=LATER).finished

        assert store.events.get(event.id).start_at == sooner
        assert store.events.host_ids(event.id) == [kept.id]
    assert differences(store) == []


def test_a_task_that_deletes_counts_who_was_on_an_event_that_went_meanwhile(store: Store) -> None:
    for number in range(READS):
        (ada,) = listing.people(store, 1)
        event = published(store)
        come(store, event, ada)

        with before_read(store, number, partial(_delete_event, store, event.id)) as left:
            task = tasks.start(store, TaskAction.DELETE, PeopleFilter(), actor="grace", now=LATER)

        assert task.counts == {Outcome.DONE: 1}
        if left[0] >= 0:
            break
    assert number < READS
    assert differences(store) == []
