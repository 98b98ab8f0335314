"""Two processes that change accounts at once, over SQLite and over Postgres: one of them comes second, and finds that out."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from crm.invitations import CLOSED
from crm.store.table import Table
from tests.engine import Engine
from tests.jobs.processes import ROOT, worker_environment
from tests.postgres import Postgres, postgres_programs

PROGRAMS = postgres_programs()
NEEDS_POSTGRES = pytest.mark.skipif(PROGRAMS is None, reason="no Postgres on this machine: install Debian's package postgresql")


class Racer:
    """A process that does what it is told."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.web.staff_racer"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def tell(self, *step: object) -> None:
        """Let it begin with that."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(step) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """How its last step went."""
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """Let it go."""
        self._process.communicate(timeout=20)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=NEEDS_POSTGRES)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty staff database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'staff.sqlite3'}"
    else:
        assert PROGRAMS
        with Postgres(PROGRAMS) as postgres:
            yield postgres.url


@pytest.fixture
def racers(database: str, engine: Engine, table: Table) -> Iterator[tuple[Racer, Racer]]:
    """Two processes over one staff database and one table."""
    environment = {**worker_environment(engine.url, table.name, "null:"), "DATABASE_URL": database}
    both = Racer(environment), Racer(environment)
    yield both
    for racer in both:
        racer.end()


def _at_once(racers: tuple[Racer, Racer], first: tuple[object, ...], second: tuple[object, ...]) -> list[Any]:
    """Let both begin together, and return how it went, whoever was first."""
    for racer, step in zip(racers, (first, second), strict=True):
        racer.tell(*step)
    return sorted(racer.hear() for racer in racers)


def test_of_two_at_once_one_changes_the_other_and_one_joins(racers: tuple[Racer, Racer]) -> None:
    assert [racer.hear() for racer in racers] == ["ready", "ready"]
    racers[0].tell("prepare")
    astrid, birgit, key = racers[0].hear()

    joined = _at_once(racers, ("join", key, "kim"), ("join", key, "kimberly"))
    demoted = _at_once(racers, ("demote", astrid, birgit), ("demote", birgit, astrid))
    racers[0].tell("left")

    assert joined == [CLOSED, "done"]
    assert demoted == ["Meanwhile somebody took the right to manage staff from you. Nothing was changed.", "done"]
    assert racers[0].hear() == [1, 3]
