"""Profiles that are marked as being merged or deleted while nothing is at it."""

from datetime import timedelta

import pytest

from crm.domain.people import Person
from crm.services import merge_steps, people
from crm.services.verify import Mended, differences, repair
from crm.store import Store, schema
from crm.store.calls import utc_now
from crm.store.expressions import exists
from crm.store.heirs import all_merges
from crm.store.jobs import JobKey
from crm.store.people_items import LEAVING, MERGING
from crm.store.requests import Delete, Update
from tests.conftest import Clock
from tests.factories import make_person
from tests.services.merging import Died, dying, merged, two


def half_merged(store: Store, clock: Clock) -> tuple[Person, Person, JobKey]:
    """A merge that was cut off after its first write, and its job."""
    kept, gone = two(store)
    with pytest.raises(Died), dying(store, 1):
        merged(store, kept, gone, now=clock())
    return kept, gone, merge_steps.merge_job(gone.id)


def said(mended: Mended) -> set[tuple[str, str]]:
    return {(one.subject, one.says) for one in mended.mended}


def mark(store: Store, person: Person, **marks: str | bool | None) -> None:
    store.table.write([Update(key=schema.key("user", id=person.id), changes=marks, expect=[exists()])])


def test_a_merge_that_nobody_goes_on_with_is_named_and_gets_its_job_back(store: Store, clock: Clock) -> None:
    kept, gone, key = half_merged(store, clock)
    assert differences(store) == []
    job = store.jobs.get(key)
    assert job is not None
    store.table.write([store.jobs.park(job)])

    named = {(one.subject, one.says) for one in differences(store)}
    mended = repair(store)

    assert named == {
        (one.id, f"it is being merged with {other.id}, but no job is due") for one, other in ((kept, gone), (gone, kept))
    }
    assert mended.left == []
    assert store.jobs.due(store.table.clock()) == [key]


@pytest.mark.parametrize("left", [0, 1])
def test_who_is_marked_for_a_merge_that_nobody_knows_of_is_freed(store: Store, clock: Clock, left: int) -> None:
    *pair, key = half_merged(store, clock)
    stays, lost = pair[left], pair[1 - left]
    mark(store, lost, **{MERGING: None, LEAVING: None})
    people.remove(store, lost.id, now=clock())
    store.table.write([Delete(key=key.key)])

    mended = repair(store)

    assert said(mended) == {(stays.id, f"it is being merged with {lost.id}, but no job is due")}
    assert mended.left == []
    freed = store.people.get(stays.id)
    assert not freed.merging
    assert not freed.leaving
    assert stays.id not in all_merges(store.table)


def test_the_mark_of_an_undo_that_is_over_is_taken_off(store: Store) -> None:
    person = added(store)
    mark(store, person, leaving="undo:" + "1" * 32)

    mended = repair(store)

    assert said(mended) == {(person.id, "it is marked by the undo of an import, which is over")}
    assert not store.people.get(person.id).leaving


def test_who_was_not_deleted_to_the_end_is_named_and_left_to_people(store: Store, clock: Clock) -> None:
    person = added(store)
    with pytest.raises(Died), dying(store, 1):
        people.remove(store, person.id, now=clock())
    assert differences(store) == []
    store.table.clock = lambda: utc_now() + timedelta(hours=2)

    named = differences(store)
    mended = repair(store)

    assert [(one.subject, one.says) for one in named] == [
        (person.id, "it is marked as being deleted, but nothing is at it: delete it again")
    ]
    assert mended.left == named
    people.remove(store, person.id, now=clock())
    assert differences(store) == []


def added(store: Store) -> Person:
    return store.people.create(make_person())
