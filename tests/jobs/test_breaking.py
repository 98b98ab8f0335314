"""A job whose step ends with an error nobody foresaw: it is noted, put off ever longer, and goes on by itself; workers tell."""

from datetime import timedelta

import pytest

from crm.domain.errors import StoreUnavailable
from crm.domain.workers import WorkerSeen, minute_of, sent_a_second
from crm.jobs.heartbeat import Heartbeat
from crm.jobs.work import Held, Work
from crm.jobs.worker import Worker, place_of
from crm.store import Store
from crm.store.job_items import LONGEST_REST
from crm.store.jobs import Job, JobKey
from crm.store.workers import KEPT_FOR
from tests.conftest import Clock
from tests.jobs.mailing import ToldMailer, accepted, crowd, make_work

KEY = JobKey(owner="EVENT#1", name="CREATE")


def given(store: Store, clock: Clock, **state: int) -> None:
    store.table.write([store.jobs.put(KEY, due_at=clock(), state=state)])


def stored(store: Store) -> Job:
    job = store.jobs.get(KEY)
    assert job is not None
    return job


def breaks(work: Work, held: Held) -> None:
    held.save({**held.state, "step": 1})
    raise KeyError("ada@example.org")


def works(work: Work, held: Held) -> None:
    held.release(None)


def rests(work: Work, held: Held) -> None:
    held.release(work.clock() + timedelta(minutes=5))


def run(store: Store, clock: Clock, step: object) -> None:
    Worker(make_work(store, ToldMailer(), clock, retry_seconds=60.0), steps={"CREATE": step}).run_once()  # type: ignore[dict-item]


def test_a_job_that_breaks_says_with_what_where_and_when_it_is_tried_again(store: Store, clock: Clock) -> None:
    given(store, clock)

    run(store, clock, breaks)

    job = stored(store)
    assert job.broke is not None
    assert (job.broke.times, job.broke.at, job.broke.error) == (1, clock(), "KeyError")
    assert job.due_at == job.broke.until == clock() + timedelta(seconds=60)
    assert job.failing
    assert job.idle
    assert job.state == {"step": 1}


def test_each_breakdown_makes_the_pause_longer_up_to_an_hour(store: Store, clock: Clock) -> None:
    given(store, clock)
    pauses = []

    for _ in range(9):
        run(store, clock, breaks)
        due_at = stored(store).due_at
        assert due_at is not None
        pauses.append(due_at - clock())
        clock.now = due_at

    assert pauses[:3] == [timedelta(seconds=60), timedelta(seconds=120), timedelta(seconds=240)]
    assert pauses[-1] == LONGEST_REST


def test_a_job_that_works_again_is_done_and_nothing_is_left_of_its_breakdowns(store: Store, clock: Clock) -> None:
    given(store, clock)
    run(store, clock, breaks)
    clock.pass_(minutes=2)

    run(store, clock, works)

    assert (stored(store).broke, stored(store).due_at) == (None, None)


def test_a_job_that_waits_again_is_not_failing_but_its_breakdowns_still_count(store: Store, clock: Clock) -> None:
    given(store, clock)
    run(store, clock, breaks)
    clock.pass_(minutes=2)

    run(store, clock, rests)
    waiting = stored(store)
    clock.pass_(minutes=5)
    run(store, clock, breaks)

    assert not waiting.failing
    broke = stored(store).broke
    assert broke is not None
    assert broke.times == 2


def test_a_breakdown_long_ago_does_not_make_the_pause_longer(store: Store, clock: Clock) -> None:
    given(store, clock)
    run(store, clock, breaks)
    clock.pass_(hours=4)

    run(store, clock, breaks)

    assert stored(store).due_at == clock() + timedelta(seconds=60)


def test_what_a_job_lost_meanwhile_to_another_worker_is_left_alone(store: Store, clock: Clock) -> None:
    given(store, clock)

    def loses(work: Work, held: Held) -> None:
        clock.pass_(minutes=2)
        assert store.jobs.lease(KEY, "another", seconds=60, now=clock()) is not None
        raise KeyError

    run(store, clock, loses)

    assert (stored(store).worker, stored(store).broke) == ("another", None)


def test_the_place_of_an_error_is_the_innermost_in_our_own_code(store: Store) -> None:
    with pytest.raises(ValueError, match="lacks a part") as caught:
        store.jobs.put(JobKey(owner="", name=""), due_at=store.table.clock())

    assert place_of(caught.value).startswith("crm/store/schema.py:")
    assert place_of(ValueError()) == ""


def seen(clock: Clock, **values: object) -> WorkerSeen:
    given: dict[str, object] = {"name": "one", "host": "here", "pid": 7, "version": "1", "threads": 8, "in_hand": 2, "sent": 0}
    return WorkerSeen(**{**given, "started_at": clock(), "seen_at": clock(), **values})  # type: ignore[arg-type]


def test_a_worker_tells_that_it_is_alive_and_what_it_sent(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    crowd(store, 3)
    accepted(store, clock())
    work = make_work(store, ToldMailer(), clock)
    Worker(work).run_once()

    Heartbeat(work, "one", threads=8).tell(2)

    [told] = store.workers.all()
    assert (told.name, told.in_hand, told.threads, told.sent) == ("one", 2, 8, 3)
    assert sent_a_second([told], clock()) == pytest.approx(3 / 300)


def test_a_worker_that_says_nothing_more_is_quiet_then_forgotten(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    store.workers.tell(seen(clock))

    now = clock.pass_(minutes=1)
    quiet = [one.is_quiet(now) for one in store.workers.all()]
    clock.pass_(seconds=KEPT_FOR.total_seconds())

    assert quiet == [True]
    assert store.workers.all() == []


def test_a_worker_that_ends_takes_itself_off_the_list(store: Store, clock: Clock) -> None:
    work = make_work(store, ToldMailer())
    heartbeat = Heartbeat(work, "one", threads=8)
    heartbeat.tell(0)

    heartbeat.end()

    assert store.workers.all() == []


def test_a_table_that_is_away_keeps_no_worker_from_its_work(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(worker: WorkerSeen) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(store.workers, "tell", away)

    Heartbeat(make_work(store, ToldMailer()), "one", threads=8).tell(0)

    assert store.workers.all() == []


def test_messages_a_second_are_those_of_the_last_five_minutes_by_all_workers(clock: Clock) -> None:
    minute = minute_of(clock())
    one = seen(clock, minutes={minute - 6: 1000, minute - 5: 300, minute - 1: 240})
    two = seen(clock, minutes={minute - 2: 60})

    assert sent_a_second([one, two], clock()) == 2.0
    assert sent_a_second([one, two], clock.pass_(seconds=30)) == pytest.approx(600 / 330)
