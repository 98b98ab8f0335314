"""The queue: who may take a job, and what a lease allows."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from crm.store import Store
from crm.store.jobs import JobKey, LeaseLost
from crm.store.table import ConditionFailed, Table
from tests.conftest import Clock, store_over
from tests.store.late import LateTable

KEY = JobKey(owner="EVENT#1", name="CREATE")


def put(store: Store, clock: Clock, key: JobKey = KEY, **state: int) -> None:
    store.table.write([store.jobs.put(key, due_at=clock(), state=state)])


def test_a_job_is_due_from_its_time_on_and_longest_waiting_first(store: Store, clock: Clock) -> None:
    later = JobKey(owner="EVENT#2", name="CREATE")
    store.table.write([store.jobs.put(later, due_at=clock() + timedelta(seconds=5))])
    put(store, clock)

    assert store.jobs.due(clock()) == [KEY]
    assert store.jobs.due(clock.pass_(seconds=5)) == [KEY, later]


def test_a_leased_job_is_nobody_elses_until_the_lease_has_ended(store: Store, clock: Clock) -> None:
    put(store, clock, number=7)

    first = store.jobs.lease(KEY, "one", seconds=60, now=clock())
    second = store.jobs.lease(KEY, "two", seconds=60, now=clock())
    due_meanwhile = store.jobs.due(clock())
    third = store.jobs.lease(KEY, "two", seconds=60, now=clock.pass_(seconds=67))

    assert first is not None
    assert second is None
    assert due_meanwhile == []
    assert third is not None
    assert (first.fence, third.fence, third.state) == (1, 2, {"number": 7})


def test_a_clock_that_is_a_little_fast_takes_no_lease_away(store: Store, clock: Clock) -> None:
    put(store, clock)
    store.jobs.lease(KEY, "one", seconds=60, now=clock())

    assert store.jobs.lease(KEY, "two", seconds=60, now=clock.pass_(seconds=62)) is None


def test_of_many_workers_one_gets_the_job(store: Store, clock: Clock) -> None:
    put(store, clock)

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: store.jobs.lease(KEY, f"worker {n}", seconds=60, now=clock()), range(16)))

    assert sum(1 for job in taken if job is not None) == 1


def test_who_lost_the_lease_can_write_nothing(store: Store, clock: Clock) -> None:
    put(store, clock)
    old = store.jobs.lease(KEY, "one", seconds=60, now=clock())
    store.jobs.lease(KEY, "two", seconds=60, now=clock.pass_(seconds=70))
    assert old is not None

    with pytest.raises(LeaseLost):
        store.jobs.save(old, replace(old, due_at=None, worker=None))

    assert store.jobs.get(KEY).worker == "two"  # type: ignore[union-attr]


def test_a_finished_job_is_out_of_the_index_and_can_be_woken(store: Store, clock: Clock) -> None:
    put(store, clock)
    job = store.jobs.lease(KEY, "one", seconds=60, now=clock())
    assert job is not None

    done = store.jobs.save(job, replace(job, due_at=None, worker=None))
    due_after = store.jobs.due(clock.pass_(days=1))
    store.table.write([store.jobs.wake(done, clock())])

    assert due_after == []
    assert store.jobs.due(clock()) == [KEY]


def test_waking_a_job_that_is_worked_on_fails_when_the_worker_lets_go_first(store: Store, clock: Clock) -> None:
    put(store, clock)
    job = store.jobs.lease(KEY, "one", seconds=60, now=clock())
    assert job is not None
    wake = store.jobs.wake(job, clock())
    store.jobs.save(job, replace(job, due_at=None, worker=None))

    with pytest.raises(ConditionFailed):
        store.table.write([wake])


def test_a_job_taken_away_is_lost_to_who_holds_it(store: Store, clock: Clock) -> None:
    put(store, clock)
    job = store.jobs.lease(KEY, "one", seconds=60, now=clock())
    assert job is not None

    store.table.write([store.jobs.park(job)])

    with pytest.raises(LeaseLost):
        store.jobs.save(job, job)
    assert store.jobs.due(clock.pass_(days=1)) == []


def test_an_index_that_is_behind_makes_nobody_take_a_job_twice(table: Table, clock: Clock) -> None:
    store = store_over(LateTable(table.client, table.name, lag=60.0))
    put(store, clock)
    assert store.jobs.due(clock()) == [KEY]
    job = store.jobs.lease(KEY, "one", seconds=60, now=clock())
    assert job is not None
    store.jobs.save(job, replace(job, due_at=None, worker=None))

    still_listed = store.jobs.due(clock())

    assert still_listed == [KEY]
    assert store.jobs.lease(KEY, "two", seconds=60, now=clock()) is None
