"""How far an import or a task is, while its worker is at it, is gone, or never came."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm.domain.filters import PeopleFilter
from crm.domain.tasks import TaskAction
from crm.jobs import imports as import_steps
from crm.jobs import tasks as task_steps
from crm.jobs.work import Held
from crm.services import tasks
from crm.services.import_jobs import WRITE, job_key
from crm.store import Store
from crm.store.calls import utc_now
from crm.wiring import get_files
from tests.factories import make_person
from tests.jobs.importing import begun, work_on

SignIn = Callable[[str], Client]
GONE = "Nothing was heard of its worker for a while"
NEVER = "No worker is at it. Is one running?"


@pytest.fixture(autouse=True)
def _storage(settings: Any, tmp_path: Path) -> None:
    """Uploads of a test stay with the test."""
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}}


@pytest.fixture
def importing(site: Store, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The page of an import of which a worker has done one step, some time after that."""

    def page(*, seconds: float, steps: int = 1) -> str:
        rows = "".join(f"p{number}@x.example,P,N\n" for number in range(450))
        imported = begun(site, get_files(), f"Email,First name,Last name\n{rows}")
        work = work_on(site, get_files())
        if steps:
            held = Held.take(work, job_key(imported.id, WRITE), "a worker")
            assert held
            import_steps.write_step(work, held)
        later = utc_now() + timedelta(seconds=seconds)
        monkeypatch.setattr(site.table, "clock", lambda: later)
        return sign_in("Editor").get(f"/people/import/{imported.id}/").content.decode()

    return page


@pytest.fixture
def tagging(site: Store, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The page of a task of which a worker has done two steps, some time after that."""
    monkeypatch.setattr(tasks, "AT_ONCE", 0)

    def page(*, seconds: float, steps: int = 2) -> str:
        site.people.create_many([make_person(company="Acme") for _ in range(130)])
        then = timezone.now() - timedelta(seconds=seconds)
        wanted = PeopleFilter(company=("Acme",))
        task = tasks.start(site, TaskAction.TAG, wanted, subject="VIP", actor="grace", now=then - timedelta(seconds=2))
        work = replace(work_on(site, get_files()), clock=lambda: then)
        held = Held.take(work, tasks.job_of(task.id), "a worker") if steps else None
        for _ in range(steps):
            assert held
            task_steps.step(work, held)
        return sign_in("Editor").get(f"/people/tasks/{task.id}/").content.decode()

    return page


def test_an_import_says_how_fast_it_goes_while_its_worker_writes(importing: Callable[..., str]) -> None:
    page = importing(seconds=4)

    assert " of 450 rows" in page
    assert " a second</span>" in page
    assert GONE not in page


def test_an_import_whose_worker_is_silent_says_so_and_foretells_nothing(importing: Callable[..., str]) -> None:
    page = importing(seconds=30)

    assert " of 450 rows" in page
    assert GONE in page
    assert " a second</span>" not in page
    assert " left</b>" not in page


@pytest.mark.parametrize("steps", [0, 1])
def test_an_import_that_no_worker_takes_says_so(importing: Callable[..., str], steps: int) -> None:
    page = importing(seconds=120, steps=steps)

    assert NEVER in page
    assert " left</b>" not in page


def test_a_task_says_how_fast_it_goes_while_its_worker_writes(tagging: Callable[..., str]) -> None:
    page = tagging(seconds=4)

    assert " people a second</span>" in page
    assert GONE not in page


def test_a_task_whose_worker_is_silent_says_so_and_foretells_nothing(tagging: Callable[..., str]) -> None:
    page = tagging(seconds=30)

    assert " of 130</b>" in page
    assert GONE in page
    assert " a second</span>" not in page
    assert " left</b>" not in page


@pytest.mark.parametrize("steps", [0, 2])
def test_a_task_that_no_worker_takes_says_so(tagging: Callable[..., str], steps: int) -> None:
    page = tagging(seconds=120, steps=steps)

    assert NEVER in page
    assert " left</b>" not in page
