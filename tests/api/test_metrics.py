"""The figures for what watches the site."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from crm import VERSION
from crm.domain.errors import StoreUnavailable
from crm.domain.workers import WorkerSeen, minute_of
from crm.staff import create_token
from crm.store import Store
from crm.store.cost import metered
from crm.store.jobs import JobKey

Fetch = Callable[..., tuple[int, str]]


@pytest.fixture
def fetch(site: Store, db: None) -> Fetch:
    """Fetch the figures with a token of somebody of that role."""

    def fetched(role: str = "Admin", scope: str = "people:read") -> tuple[int, str]:
        user = User.objects.create_user(f"watcher-{role}")
        user.groups.add(Group.objects.get(name=role))
        _, secret = create_token(user, [scope], "Prometheus")
        answer = Client().get("/api/metrics", headers={"Authorization": f"Bearer {secret}"})
        return answer.status_code, answer.content.decode()

    return fetched


def values(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z_]+(\{[a-z]+=\"[^\"]*\"(,[a-z]+=\"[^\"]*\")*\})? [0-9.e+-]+", line) for line in lines)
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def worker(name: str, *, seconds: int = 0, sent: int = 0) -> WorkerSeen:
    at = datetime.now(UTC) - timedelta(seconds=seconds)
    return WorkerSeen(
        name=name,
        host="box",
        pid=7,
        version=VERSION,
        threads=8,
        in_hand=3,
        sent=sent,
        minutes={minute_of(at) - 1: sent},
        started_at=at,
        seen_at=at,
    )


def test_an_idle_site_has_its_figures(fetch: Fetch) -> None:
    status, text = fetch()

    found = values(text)
    assert status == 200
    assert (found["crm_table_up"], found["crm_jobs_due"], found["crm_workers"], found["crm_sends_per_second"]) == (1, 0, 0, 0)
    assert 'crm_build_info{version="0.1.0",' in text
    assert "# TYPE crm_worker_messages_total counter" in text


def test_what_is_due_and_for_how_long_is_counted(site: Store, fetch: Fetch) -> None:
    now = datetime.now(UTC)
    for number, seconds in enumerate((-300, -5, 3600)):
        key = JobKey(owner=f"EVENT#{number}", name="PROMOTE")
        site.table.write([site.jobs.put(key, due_at=now + timedelta(seconds=seconds))])

    found = values(fetch()[1])

    assert found["crm_jobs_due"] == 2
    assert 300 <= found["crm_job_oldest_due_seconds"] < 330


def test_workers_and_what_they_sent_are_counted(site: Store, fetch: Fetch) -> None:
    site.workers.tell(worker("one", sent=600))
    site.workers.tell(worker("two", seconds=60, sent=1_234_567))

    found = values(fetch()[1])

    assert found["crm_workers"] == 1
    assert found['crm_worker_messages_total{worker="one"}'] == 600
    assert found['crm_worker_messages_total{worker="two"}'] == 1_234_567
    assert found['crm_worker_jobs{worker="one"}'] == 3
    assert 'crm_worker_jobs{worker="two"}' not in found
    assert found["crm_sends_per_second"] > 1


def test_a_table_that_is_away_is_a_figure(site: Store, fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(site.table, "ping", away)

    status, text = fetch()

    assert status == 200
    assert values(text)["crm_table_up"] == 0
    assert "crm_jobs_due" not in text


def test_they_are_for_tokens_of_those_who_may_see_the_background_work(fetch: Fetch) -> None:
    answers = {role: fetch(role)[0] for role in ("Viewer", "Editor", "Marketer", "Door", "Admin")}

    assert answers == {"Viewer": 403, "Editor": 200, "Marketer": 200, "Door": 403, "Admin": 200}


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer crm_nothing", "Basic YWRhOmFkYQ=="])
def test_without_a_good_token_there_are_none(site: Store, db: None, sent: str) -> None:
    answer = Client().get("/api/metrics", headers={"Authorization": sent} if sent else {})

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_that_asks_too_often_is_told_to_wait(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.api.auth.wait_of_token", lambda secret: 7)

    status, text = fetch()

    assert status == 429
    assert "go on after a pause" in text


def test_another_method_is_a_problem(site: Store, db: None) -> None:
    answer = Client().post("/api/metrics")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_they_cost_few_requests(fetch: Fetch) -> None:
    with metered() as cost:
        fetch()

    assert cost.requests <= 5
