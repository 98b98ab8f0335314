"""What staff see of the background work, and trying again what failed."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.domain.errors import Conflict, NotFound
from crm.jobs.work import Held
from crm.jobs.worker import Worker
from crm.services import dashboard, job_board
from crm.services.dashboard_parts import Sight
from crm.services.job_board import Line, Standing, board, restart, restart_all
from crm.services.system import look
from crm.store import Store
from crm.store.cost import metered
from crm.store.jobs import JobKey
from tests.conftest import Clock
from tests.factories import make_event
from tests.jobs.mailing import ToldMailer, accepted, crowd, drive, make_work


@pytest.fixture
def store_at(store: Store, clock: Clock) -> Store:
    """The store, at the time of the clock."""
    store.table.clock = clock
    return store


def put(store: Store, due_at: datetime, owner: str = "EVENT#1", name: str = "PROMOTE") -> JobKey:
    key = JobKey(owner=owner, name=name)
    store.table.write([store.jobs.put(key, due_at=due_at)])
    return key


def broken(store: Store, clock: Clock, key: JobKey) -> None:
    """Let a job break, as a worker does."""
    held = Held.take(make_work(store, ToldMailer(), clock), key, "one")
    assert held is not None
    held.break_down("KeyError", "crm/jobs/events.py:7")


def only(store: Store, standing: Standing, now: datetime) -> Line:
    lines = board(store, now=now).lines
    assert {one: len(some) for one, some in lines.items() if some} == {standing: 1}
    return lines[standing][0]


def test_work_that_is_due_waits_and_is_late_after_a_while(store_at: Store, clock: Clock) -> None:
    put(store_at, clock())

    fresh = only(store_at, Standing.WAITING, clock())
    late = only(store_at, Standing.WAITING, clock.pass_(seconds=30))

    assert (fresh.about, fresh.kind, fresh.late, late.late) == ("event", "PROMOTE", False, True)


def test_work_in_the_hands_of_a_worker_runs_until_its_lease_ends(store_at: Store, clock: Clock) -> None:
    key = put(store_at, clock())
    store_at.jobs.lease(key, "one", seconds=60, now=clock())

    running = only(store_at, Standing.RUNNING, clock())
    left = only(store_at, Standing.WAITING, clock.pass_(seconds=61))

    assert (running.workers, running.taken_at, running.quiet) == (("one",), clock() - timedelta(seconds=61), False)
    assert left.workers == ("one",)


def test_a_scheduled_campaign_comes_later_with_its_subject(store_at: Store, clock: Clock) -> None:
    crowd(store_at, 1)
    campaign = accepted(store_at, clock(), send_at=clock() + timedelta(days=1))

    line = only(store_at, Standing.LATER, clock())

    assert (line.about_id, line.title, line.due_at) == (campaign.id, "Spring", clock() + timedelta(days=1))


def test_the_lanes_of_a_campaign_are_one_line_that_says_how_far_it_is(store_at: Store, clock: Clock) -> None:
    crowd(store_at, 8)
    campaign = accepted(store_at, clock())
    work = make_work(store_at, ToldMailer(), clock, window=2)
    drive(work, until=lambda: store_at.campaigns.figures(campaign.id).sent >= 4)

    lines = [line for some in board(store_at, now=clock()).lines.values() for line in some if line.kind == "LANE"]

    assert sum(line.number for line in lines) == 4
    assert all(line.total == 8 and line.done >= 4 for line in lines)


def test_what_failed_says_why_and_when_it_is_tried_again(store_at: Store, clock: Clock) -> None:
    broken(store_at, clock, put(store_at, clock()))

    line = only(store_at, Standing.FAILED, clock())

    assert line.broke is not None
    assert (line.broke.error, line.broke.times, line.due_at) == ("KeyError", 1, clock() + timedelta(minutes=1))


def test_what_failed_and_has_rested_waits_for_a_worker(store_at: Store, clock: Clock) -> None:
    broken(store_at, clock, put(store_at, clock()))

    line = only(store_at, Standing.WAITING, clock.pass_(minutes=1))

    assert line.broke is not None


def test_what_a_job_works_on_may_be_gone(store_at: Store, clock: Clock) -> None:
    put(store_at, clock(), owner="USER#gone", name="MERGE")

    line = only(store_at, Standing.WAITING, clock())

    assert (line.about, line.about_id, line.title) == ("user", "", "")


def test_trying_again_makes_it_due_now_and_writes_who_did_it(store_at: Store, clock: Clock) -> None:
    for name in ("LANE0", "LANE1", "LANE2"):
        broken(store_at, clock, put(store_at, clock(), "CAMPAIGN#1", name))
    broken(store_at, clock, put(store_at, clock(), "CAMPAIGN#1", "COPIES"))

    number = restart(store_at, "CAMPAIGN#1", "LANE", actor="grace", now=clock.pass_(seconds=5))

    jobs = store_at.jobs.of("CAMPAIGN#1")
    assert number == 3
    assert {name: (job.due_at == clock(), job.broke) for name, job in jobs.items() if name != "COPIES"} == {
        f"LANE{lane}": (True, None) for lane in range(3)
    }
    assert jobs["COPIES"].failing
    [entry] = store_at.audit.of_month("2026-05")
    assert (entry.actor, entry.action, entry.subject) == ("grace", "job.restarted", "CAMPAIGN#1")
    assert entry.facts == {"kind": "LANE", "jobs": 3, "error": "KeyError"}


def test_what_is_tried_again_already_is_left_alone(store_at: Store, clock: Clock) -> None:
    key = put(store_at, clock())
    broken(store_at, clock, key)
    store_at.jobs.lease(key, "two", seconds=60, now=clock.pass_(minutes=2))

    with pytest.raises(Conflict, match="tried again already"):
        restart(store_at, key.owner, key.kind, actor="grace", now=clock())

    job = store_at.jobs.get(key)
    assert job is not None
    assert job.worker == "two"
    assert list(store_at.audit.of_month("2026-05")) == []


def test_of_two_who_try_it_again_one_is_told(store_at: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    key = put(store_at, clock())
    broken(store_at, clock, key)
    seen = store_at.jobs.of(key.owner)
    restart(store_at, key.owner, key.kind, actor="ada", now=clock())
    monkeypatch.setattr(store_at.jobs, "of", lambda owner: seen)

    with pytest.raises(Conflict, match="tried again already"):
        restart(store_at, key.owner, key.kind, actor="grace", now=clock())

    assert [entry.actor for entry in store_at.audit.of_month("2026-05")] == ["ada"]


def test_all_that_failed_is_tried_again_with_an_entry_for_each_thing(store_at: Store, clock: Clock) -> None:
    for owner, name in (("CAMPAIGN#1", "LANE0"), ("CAMPAIGN#1", "LANE1"), ("EVENT#1", "PROMOTE")):
        broken(store_at, clock, put(store_at, clock(), owner, name))
    later = put(store_at, clock() + timedelta(hours=1), "EVENT#2", "NOSHOW")

    number = restart_all(store_at, actor="grace", now=clock.pass_(seconds=5))

    lines = board(store_at, now=clock()).lines
    assert number == 3
    assert [(line.owner, line.number) for line in lines[Standing.WAITING]] == [("CAMPAIGN#1", 2), ("EVENT#1", 1)]
    assert [line.owner for line in lines[Standing.LATER]] == [later.owner]
    assert {(one.actor, one.action, one.subject, one.facts["jobs"]) for one in store_at.audit.of_month("2026-05")} == {
        ("grace", "job.restarted", "CAMPAIGN#1", 2),
        ("grace", "job.restarted", "EVENT#1", 1),
    }


def test_what_moves_on_while_all_is_tried_again_is_left_out(
    store_at: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved, other = put(store_at, clock(), "EVENT#1"), put(store_at, clock(), "EVENT#2")
    for key in (moved, other):
        broken(store_at, clock, key)
    seen = job_board.at_work(store_at, now=clock())
    restart(store_at, moved.owner, moved.kind, actor="ada", now=clock())
    monkeypatch.setattr(job_board, "at_work", lambda store, now: seen)

    assert restart_all(store_at, actor="grace", now=clock()) == 1


@pytest.mark.parametrize(
    ("owner", "kind"), [("EVENT#1", "MERGE"), ("EVENT#2", "PROMOTE"), ("", ""), ("NOTHING#1", "x"), ("EVENT#", "")]
)
def test_work_that_is_not_there_cant_be_tried_again(store_at: Store, clock: Clock, owner: str, kind: str) -> None:
    broken(store_at, clock, put(store_at, clock()))

    with pytest.raises(NotFound, match="no such background work"):
        restart(store_at, owner, kind, actor="grace", now=clock())


def test_a_job_that_is_started_again_runs_at_once(store_at: Store, clock: Clock) -> None:
    key = put(store_at, clock())
    broken(store_at, clock, key)
    restart(store_at, key.owner, key.kind, actor="grace", now=clock())
    done: list[str] = []

    def step(work: object, held: Held) -> None:
        done.append(held.job.key.name)
        held.release(None)

    Worker(make_work(store_at, ToldMailer(), clock), steps={"PROMOTE": step}).run_once()

    assert done == ["PROMOTE"]


def test_many_jobs_cost_no_more_requests_than_few(store_at: Store, clock: Clock) -> None:
    for number in range(60):
        put(store_at, clock() + timedelta(minutes=number), owner=f"EVENT#{number}", name="NOSHOW")

    with metered() as cost:
        seen = board(store_at, now=clock())

    assert len(seen.lines[Standing.LATER]) == 59
    assert cost.requests <= 5


def test_only_so_many_are_read_and_that_is_said(store_at: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_board, "MOST_READ", 2)
    for number in range(3):
        put(store_at, clock(), owner=f"EVENT#{number}")

    seen = board(store_at, now=clock())

    assert (len(seen.lines[Standing.WAITING]), seen.more) == (2, True)


@pytest.mark.parametrize("due_in", [0, 30], ids=["due", "leased or soon"])
def test_many_jobs_that_are_due_sooner_hide_none_that_failed(
    store_at: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, due_in: int
) -> None:
    monkeypatch.setattr(job_board, "MOST_READ", 3)
    monkeypatch.setattr(dashboard, "JOBS_READ", 3)
    keys = [put(store_at, clock(), owner=f"EVENT#{number}") for number in range(2)]
    for key in keys:
        broken(store_at, clock, key)
    for number in range(4):
        put(store_at, clock() + timedelta(seconds=due_in), owner=f"CAMPAIGN#{number}", name="LANE0")
        put(store_at, clock() + timedelta(minutes=90), owner=f"CAMPAIGN#{number}", name="LANE1")

    seen = board(store_at, now=clock())
    figures = look(store_at, now=clock())
    first_page = dashboard.dashboard(store_at, Sight(jobs=True), zone=ZoneInfo("UTC"), now=clock())

    assert {standing: len(lines) for standing, lines in seen.lines.items() if lines} == {
        Standing.FAILED: 2,
        (Standing.LATER if due_in else Standing.WAITING): 3,
    }
    assert seen.more
    assert figures.failed == 2
    assert set(first_page.failed) == set(keys)
    assert restart_all(store_at, actor="grace", now=clock()) == 2


def test_an_event_is_called_by_its_title(store_at: Store, clock: Clock) -> None:
    event = store_at.events.create(make_event(title="Gala"), [], [], now=clock())
    put(store_at, clock() + timedelta(hours=1), owner=f"EVENT#{event.id}", name="NOSHOW")

    line = only(store_at, Standing.LATER, clock())

    assert (line.about_id, line.title) == (event.id, "Gala")
