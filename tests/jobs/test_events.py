"""Workers go on with events: creations, deletions and seats for the line that were cut off."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from crm.domain.events import AttendanceStatus, EventStatus
from crm.services import event_changes, events
from crm.services import people as people_service
from crm.services.event_jobs import DELETE, job_key
from crm.services.verify import differences
from crm.store import Store
from crm.store.jobs import JobKey
from tests.conftest import Clock
from tests.engine import Engine
from tests.factories import make_event
from tests.jobs.over import over, people, statuses, work_on
from tests.jobs.processes import ROOT, WorkerProcess, wait_for, worker_environment
from tests.services.merging import Died, dying


def cut_off(store: Store, clock: Clock, number: int) -> str:
    """An event of which nobody has been seated yet by the request that made it: its id."""
    ids = people(store, number)
    event = make_event(max_capacity=number)
    job = store.jobs.put(JobKey(owner=f"EVENT#{event.id}", name=events.CREATING), due_at=clock.now + events.GRACE)
    store.events.create(event, ids[:1], ids, now=clock.now, also=[job])
    return event.id


def test_a_worker_seats_the_others_and_publishes_the_event(store: Store, clock: Clock) -> None:
    event_id = cut_off(store, clock, 70)
    store.events.fill(event_id, now=clock.now)
    clock.pass_(minutes=2)

    work_on(store, clock)

    event = store.events.get(event_id)
    assert (event.status, event.registered_count) == (EventStatus.PUBLISHED, 70)
    assert store.jobs.next_due() is None
    assert differences(store) == []


def test_a_worker_leaves_an_event_alone_while_its_request_may_be_at_it(store: Store, clock: Clock) -> None:
    event_id = cut_off(store, clock, 2)
    clock.pass_(seconds=5)

    work_on(store, clock)

    assert store.events.get(event_id).status is EventStatus.CREATING


def test_a_job_that_is_left_over_finds_nothing_to_do(store: Store, clock: Clock) -> None:
    event_id = cut_off(store, clock, 2)
    while store.events.fill(event_id, now=clock.now):
        pass
    clock.pass_(minutes=2)

    work_on(store, clock)

    assert store.jobs.next_due() is None
    assert store.events.get(event_id).registered_count == 2


@pytest.mark.slow
def test_a_creation_with_a_thousand_attendees_that_is_killed_is_finished_by_a_worker(
    engine: Engine, store: Store, tmp_path: Path
) -> None:
    ids = people(store, 1000)
    program = [sys.executable, "-m", "tests.jobs.creating", engine.url, store.table.name]
    process = subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stdin is not None
    process.stdin.write("\n".join(ids))
    process.stdin.close()
    wait_for(lambda: any(event.registered_count >= 300 for event in store.events.page().items), 60, every=0.02)
    process.kill()
    process.wait(10)
    (event,) = store.events.page().items
    assert event.status is EventStatus.CREATING
    assert 300 <= event.registered_count < 1000

    environment = worker_environment(engine.url, store.table.name, "null:", LEASE_SECONDS="2")
    worker = WorkerProcess(environment, log=tmp_path / "worker.log")
    wait_for(lambda: store.events.get(event.id).status is EventStatus.PUBLISHED, 60)
    assert worker.terminate() == 0

    event = store.events.get(event.id)
    assert (event.registered_count, event.waitlisted_count) == (990, 10)
    assert sorted(statuses(store, event)) == sorted(ids)
    counts = store.events.attendee_counts(event.id)
    assert (counts[AttendanceStatus.REGISTERED], counts[AttendanceStatus.WAITLISTED]) == (990, 10)
    assert sum(person.attended_event_count for person in store.people.get_many(ids).values()) == 990
    assert differences(store) == []


def test_a_long_list_is_deleted_by_a_worker(store: Store, clock: Clock) -> None:
    event, ids = over(store, clock, 230)

    assert not event_changes.delete(store, event.id, actor="grace", now=clock.now)
    assert store.events.get(event.id).deleting
    work_on(store, clock)

    assert store.events.get_many([event.id]) == {}
    assert not [item for item in store.table.scan(consistent=True) if event.id in str(item.get("PK"))]
    assert {person.attended_event_count for person in store.people.get_many(ids).values()} == {0}
    assert differences(store) == []


def test_a_deletion_that_was_cut_off_is_finished_by_a_worker(store: Store, clock: Clock) -> None:
    event, ids = over(store, clock, 70)
    with pytest.raises(Died), dying(store, 2):
        event_changes.delete(store, event.id, actor="grace", now=clock.now)
    people_service.remove(store, ids[5], now=clock.now)
    clock.pass_(minutes=2)

    work_on(store, clock)

    assert store.events.get_many([event.id]) == {}
    assert store.jobs.get(job_key(event.id, DELETE)) is None
    assert store.jobs.next_due() is None
    assert differences(store) == []


def test_a_worker_gives_people_in_line_the_seats_that_a_cut_off_edit_has_freed(store: Store, clock: Clock) -> None:
    event, ids = over(store, clock, 40, max_capacity=1, overflow=True)
    clock.now = event.start_at - timedelta(hours=1)
    with pytest.raises(Died), dying(store, 1):
        event_changes.edit(store, event.id, {"max_capacity": 35}, version=None, actor="grace", now=clock.now)
    clock.pass_(seconds=1)

    work_on(store, clock)

    assert sorted(statuses(store, event).values()) == ["registered"] * 35 + ["waitlisted"] * 5
    assert statuses(store, event)[ids[0]] == "registered"
    assert differences(store) == []
