"""Workers do many people's tasks: killed, doubled or robbed of their lease, everybody is done once and counted once."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crm.domain.errors import NotFound
from crm.domain.filters import PeopleFilter
from crm.domain.people import Person
from crm.domain.tasks import Outcome, Task, TaskAction, TaskStatus
from crm.jobs.kinds import STEPS
from crm.jobs.work import Held
from crm.services import people as people_service
from crm.services import task_steps, tasks
from crm.services.sign_ups import sign_up
from crm.store import Store
from crm.store.calls import utc_now
from crm.store.jobs import LeaseLost
from tests.conftest import Clock
from tests.engine import Engine
from tests.factories import NOW
from tests.jobs.mailing import EVERYBODY, ToldMailer, assert_sound, crowd, drive, make_work
from tests.jobs.processes import WorkerProcess, wait_for, worker_environment
from tests.services.test_tasks import published

PEOPLE = 1200
LEASE = 1.0
KILLS = 2


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a few people are left to a worker, in small parts."""
    monkeypatch.setattr(tasks, "AT_ONCE", 0)
    for action in TaskAction:
        monkeypatch.setitem(task_steps.PART, action, 5)


def attended_by(store: Store, people: list[Person]) -> str:
    """An event for which these have signed up."""
    event_id = published(store)
    sign_up(store, event_id, [person.id for person in people], now=NOW)
    return event_id


def tag_everybody(store: Store, clock: Clock) -> Task:
    return tasks.start(store, TaskAction.TAG, EVERYBODY, subject="VIP", actor="grace", now=clock())


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("action", "left"),
    [(TaskAction.TAG, 12), (TaskAction.REGISTER, 12), (TaskAction.STATUS, 12), (TaskAction.DELETE, 0)],
    ids=lambda value: str(value),
)
def test_a_worker_does_a_task_to_its_end(store: Store, clock: Clock, action: TaskAction, left: int) -> None:
    people = crowd(store, 12)
    subject = {TaskAction.TAG: "VIP", TaskAction.REGISTER: published(store)}.get(action, "")
    if action is TaskAction.STATUS:
        subject = f"{attended_by(store, people)}:attended"
    task = tasks.start(store, action, EVERYBODY, subject=subject, actor="grace", now=clock())

    drive(make_work(store, ToldMailer(), clock))

    done = store.tasks.get(task.id)
    assert (done.status, done.counts) == (TaskStatus.DONE, {Outcome.DONE: 12})
    assert store.people.count(EVERYBODY) == left
    assert store.jobs.next_due() is None
    assert_sound(store)


@pytest.mark.usefixtures("many")
def test_whoever_takes_over_counts_what_was_done_but_not_written(store: Store, clock: Clock) -> None:
    crowd(store, 12)
    task = tag_everybody(store, clock)
    work = make_work(store, ToldMailer(), clock, lease_seconds=10)
    held = Held.take(work, tasks.job_of(task.id), "the first")
    assert held is not None
    STEPS[tasks.JOB](work, held)
    task_steps.advance(store, store.tasks.get(task.id), now=clock(), keep=lambda: None)
    clock.pass_(seconds=20)

    drive(work, worker="the second")

    assert store.tasks.get(task.id).counts == {Outcome.DONE: 12}
    assert_sound(store)


@pytest.mark.usefixtures("many")
def test_a_worker_whose_lease_was_taken_writes_nothing_more(store: Store, clock: Clock) -> None:
    crowd(store, 12)
    task = tag_everybody(store, clock)
    work = make_work(store, ToldMailer(), clock, lease_seconds=10)
    slow = Held.take(work, tasks.job_of(task.id), "slow")
    clock.pass_(seconds=20)
    quick = Held.take(work, tasks.job_of(task.id), "quick")
    assert slow is not None
    assert quick is not None
    STEPS[tasks.JOB](work, quick)
    noted = store.tasks.get(task.id)

    with pytest.raises(LeaseLost):
        STEPS[tasks.JOB](work, slow)

    assert store.tasks.get(task.id) == noted
    STEPS[tasks.JOB](work, quick)
    assert store.tasks.get(task.id).counts == {Outcome.DONE: 5}


@pytest.mark.usefixtures("many")
def test_a_long_step_renews_its_lease(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(store, 5)
    task = tasks.start(store, TaskAction.DELETE, EVERYBODY, actor="grace", now=clock())
    work = make_work(store, ToldMailer(), clock, lease_seconds=10)
    remove: Callable[..., None] = people_service.remove_one_of_many

    def slow_remove(*args: object, **kwargs: object) -> None:
        clock.pass_(seconds=5)
        remove(*args, **kwargs)

    monkeypatch.setattr(people_service, "remove_one_of_many", slow_remove)
    held = Held.take(work, tasks.job_of(task.id), "one")
    assert held is not None
    while not held.over:
        STEPS[tasks.JOB](work, held)

    assert store.tasks.get(task.id).counts == {Outcome.DONE: 5}


@pytest.mark.usefixtures("many")
def test_a_worker_ends_a_task_that_was_cancelled_after_the_part_in_hand(store: Store, clock: Clock) -> None:
    crowd(store, 12)
    task = tag_everybody(store, clock)
    work = make_work(store, ToldMailer(), clock)
    held = Held.take(work, tasks.job_of(task.id), "one")
    assert held is not None
    STEPS[tasks.JOB](work, held)
    STEPS[tasks.JOB](work, held)

    tasks.cancel(store, task.id, actor="grace", now=clock())
    STEPS[tasks.JOB](work, held)

    assert held.over
    ended = store.tasks.get(task.id)
    assert (ended.status, ended.counts) == (TaskStatus.CANCELLED, {Outcome.DONE: 5})
    assert store.people.count(PeopleFilter(tag=("VIP",))) == 5
    assert_sound(store)


@pytest.mark.usefixtures("many")
def test_a_task_that_ended_while_a_worker_took_it_is_let_go(store: Store, clock: Clock) -> None:
    crowd(store, 3)
    task = tag_everybody(store, clock)
    work = make_work(store, ToldMailer(), clock)
    held = Held.take(work, tasks.job_of(task.id), "one")
    assert held is not None
    now = clock()
    while not (stored := store.tasks.get(task.id)).ended:
        moved, actions = task_steps.advance(store, stored, now=now, keep=lambda: None)
        store.table.write([*actions, store.tasks.move(stored, moved)])

    STEPS[tasks.JOB](work, held)

    assert held.over
    assert store.tasks.get(task.id).counts == {Outcome.DONE: 3}


def test_a_task_whose_request_died_is_done_by_a_worker_a_minute_later(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(store, 3)
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "_work_now", lambda store, task, now: task)
        task = tag_everybody(store, clock)
    work = make_work(store, ToldMailer(), clock)
    drive(work)
    assert store.tasks.get(task.id).reached == 0

    clock.pass_(seconds=61)
    drive(work)

    assert store.tasks.get(task.id).counts == {Outcome.DONE: 3}
    assert_sound(store)


# processes


def environment(engine: Engine, store: Store, tmp_path: Path) -> dict[str, str]:
    return worker_environment(engine.url, store.table.name, f"file://{tmp_path}/outbox", LEASE_SECONDS=str(LEASE))


def reached(store: Store, task: Task) -> int:
    return store.tasks.get(task.id).reached


@pytest.mark.slow
@pytest.mark.parametrize(
    "action", [TaskAction.TAG, TaskAction.DELETE, TaskAction.REGISTER, TaskAction.STATUS], ids=lambda action: str(action)
)
def test_workers_are_killed_in_the_middle_and_each_person_is_counted_once(
    engine: Engine, store: Store, tmp_path: Path, action: TaskAction
) -> None:
    chance = random.Random(3)
    number = {TaskAction.DELETE: 260, TaskAction.STATUS: 400}.get(action, PEOPLE)
    people = crowd(store, number)
    subject = {TaskAction.TAG: "VIP", TaskAction.REGISTER: published(store, max_capacity=number // 2)}.get(action, "")
    if action is TaskAction.STATUS:
        subject = f"{attended_by(store, people)}:cancelled"
    task = tasks.start(store, action, EVERYBODY, subject=subject, actor="grace", now=utc_now())
    settings = environment(engine, store, tmp_path)

    for _ in range(KILLS):
        worker = WorkerProcess(settings, log=tmp_path / "worker.log")
        target = reached(store, task) + 1
        wait_for(lambda target=target: reached(store, task) >= target, 60, every=0.01)  # type: ignore[misc]
        time.sleep(chance.uniform(0.0, 0.05))
        worker.kill()
    workers = [WorkerProcess(settings, log=tmp_path / "worker.log") for _ in range(2)]
    wait_for(lambda: store.tasks.get(task.id).ended, 90)
    assert [worker.terminate() for worker in workers] == [0, 0]

    counts = store.tasks.get(task.id).counts
    if action is TaskAction.REGISTER:
        assert counts == {Outcome.DONE: number // 2, Outcome.WAITLISTED: number - number // 2}
    else:
        assert counts == {Outcome.DONE: number}
    assert_done(store, action, people, subject)
    assert_sound(store)


def assert_done(store: Store, action: TaskAction, people: list[Person], subject: str) -> None:
    """What the table holds says the same as the counts."""
    if action is TaskAction.DELETE:
        with pytest.raises(NotFound):
            store.people.get(people[-1].id)
        assert store.people.count(EVERYBODY) == 0
    elif action is TaskAction.TAG:
        assert {person.id for person in store.people.walk(PeopleFilter(tag=("VIP",)))} == {person.id for person in people}
        assert {len(store.log.of(person.id)) for person in people[::50]} == {1}
    elif action is TaskAction.STATUS:
        event_id = subject.partition(":")[0]
        assert store.events.get(event_id).registered_count == 0
        assert {one.status.value for one in store.events.walk_attendees(event_id)} == {"cancelled"}
    else:
        assert {one.user_id for one in store.events.walk_attendees(subject)} == {person.id for person in people}
