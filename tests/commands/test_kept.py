"""What is kept running: started again when it ends, ever more slowly when it ends at once, never waited for."""

import logging
import sys
import time

import pytest

from crm.management import kept
from crm.management.kept import Kept


class Now:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def ended(part: Kept) -> None:
    """Wait until the process has ended by itself."""
    part._process.wait(20)


def test_one_that_ends_at_once_is_tried_ever_more_slowly_and_that_is_told(caplog: pytest.LogCaptureFixture) -> None:
    now = Now()
    part = Kept("worker", [sys.executable, "-c", ""], clock=now)
    pauses = []

    with caplog.at_level(logging.WARNING):
        for _ in range(7):
            ended(part)
            assert not part.tend()
            first, pause = part._process, 0
            while part._process is first:
                assert part.tend()
                now.seconds += 1
                pause += 1
            pauses.append(pause - 1)

    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert [record.__dict__["ends"] for record in caplog.records] == [1, 2, 3, 4, 5, 6, 7]
    assert {record.__dict__["part"] for record in caplog.records} == {"worker"}


def test_one_that_ran_for_long_is_started_again_after_the_shortest_pause() -> None:
    now = Now()
    part = Kept("worker", [sys.executable, "-c", ""], clock=now)
    ended(part)
    part.tend()
    now.seconds += kept.FIRST_PAUSE
    part.tend()
    now.seconds += kept.CALM_SECONDS + 1
    ended(part)

    assert not part.tend()

    first = part._process
    now.seconds += kept.FIRST_PAUSE
    assert part.tend()
    assert part._process is not first
    ended(part)


def test_one_that_runs_is_left_alone_and_ends_when_asked() -> None:
    part = Kept("worker", [sys.executable, "-c", "import time; time.sleep(60)"])
    process, began = part._process, time.monotonic()

    assert part.tend()
    part.terminate()
    part.wait()

    assert part._process is process
    assert process.poll() is not None
    assert time.monotonic() - began < 10
