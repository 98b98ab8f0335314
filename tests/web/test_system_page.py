"""The page of the system."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from crm import VERSION
from crm.domain.errors import StoreUnavailable
from crm.domain.workers import WorkerSeen
from crm.store import Store
from crm.store.jobs import JobKey
from tests.web.filled import text_of

SignIn = Callable[[str], Client]
PAGE = "/settings/system/"


@pytest.fixture
def worker() -> WorkerSeen:
    now = datetime.now(UTC)
    return WorkerSeen(name="one", host="box", pid=7, version=VERSION, threads=8, in_hand=2, sent=9, started_at=now, seen_at=now)


def test_it_says_how_all_stands_and_what_runs(site: Store, sign_in: SignIn, worker: WorkerSeen) -> None:
    site.workers.tell(worker)
    key = JobKey(owner="EVENT#1", name="PROMOTE")
    site.table.write([site.jobs.put(key, due_at=datetime.now(UTC) - timedelta(minutes=4))])

    text = text_of(sign_in("Editor").get(PAGE).content)

    assert "Jobs waiting 1 the first for about 4 minutes" in text
    assert "Workers 1 heard of just now" in text
    assert f"Community CRM {VERSION}" in text
    assert "Staff accounts SQLite" in text
    assert "No worker is running." not in text


def test_workers_of_another_version_are_told(site: Store, sign_in: SignIn, worker: WorkerSeen) -> None:
    site.workers.tell(replace(worker, version="0.0.9"))

    assert "Workers run another version than the site: 0.0.9." in text_of(sign_in("Admin").get(PAGE).content)


def test_a_table_that_is_away_is_said(site: Store, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise StoreUnavailable("Nothing answers.")

    monkeypatch.setattr(site.table, "ping", away)

    answer = sign_in("Admin").get(PAGE)

    assert answer.status_code == 200
    assert "The table does not answer. Nothing answers." in text_of(answer.content)


def test_it_is_for_those_who_may_see_the_background_work(sign_in: SignIn) -> None:
    assert [sign_in(role).get(PAGE).status_code for role in ("Viewer", "Door", "Marketer")] == [403, 403, 200]
