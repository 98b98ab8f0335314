"""Several machines, shown on one: two webs and three workers over one table and one Postgres, and any of them may go."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crm.domain.emails import EmailState
from crm.store import Store
from crm.store.table import Table
from tests.conftest import store_over
from tests.engine import Engine
from tests.jobs.mailing import COMPANY, assert_sound, crowd, emails_of
from tests.jobs.processes import SmtpProcess, WorkerProcess, wait_for, worker_environment
from tests.machines import Browser, Web, call, manage
from tests.postgres import Postgres, postgres_programs

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PROGRAMS = postgres_programs()
PASSWORD = "correct horse battery staple"
WINDOW, LANES = 10, 4

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        PROGRAMS is None, reason="no Postgres on this machine: install Debian's package postgresql to run this test"
    ),
]


@dataclass
class Machines:
    """What runs over the one table; `environment` is that of each process."""

    environment: dict[str, str]
    store: Store
    postgres: Postgres
    smtp: SmtpProcess
    webs: list[Web]
    workers: list[WorkerProcess]
    log: Path

    def complete(self) -> None:
        """Start whatever does not run, and return when the webs answer."""
        for web in self.webs:
            web.start()
        self.workers = [worker for worker in self.workers if worker.process.poll() is None]
        while len(self.workers) < 3:
            self.workers.append(WorkerProcess(self.environment, log=self.log))
        for web in self.webs:
            web.wait()


@pytest.fixture(scope="module")
def site(engine: Engine, dynamodb: "DynamoDBClient", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Table, Postgres and mail server, with an account for Grace; nothing else runs yet."""
    assert PROGRAMS is not None
    folder = tmp_path_factory.mktemp("machines")
    table = Table(dynamodb, f"Test{uuid.uuid4().hex}")
    mailing = {"WINDOW": str(WINDOW), "SEND_RATE": "60", "LEASE_SECONDS": "3", "FILES": str(folder / "files")}
    with Postgres(PROGRAMS) as postgres, SmtpProcess(folder / "received.jsonl") as smtp:
        environment = worker_environment(engine.url, table.name, smtp.url, **mailing) | {"DATABASE_URL": postgres.url}
        manage(environment, "prepare")
        manage(environment, "create_staff", "grace", "--role", "Admin", "--password-stdin", typed=PASSWORD)
        webs = [Web(environment, folder / f"web{number}.log") for number in range(2)]
        site = Machines(environment, store_over(table), postgres, smtp, webs, [], folder / "workers.log")
        yield site
        for process in (*site.webs, *site.workers):
            process.kill()
    dynamodb.delete_table(TableName=table.name)


@pytest.fixture
def machines(site: Machines) -> Machines:
    """All of it, running."""
    site.complete()
    return site


def test_a_campaign_and_a_sign_in_outlive_the_machines_they_began_on(machines: Machines) -> None:
    store, smtp = machines.store, machines.smtp
    people = crowd(store, 200)
    first, second = machines.webs
    token = manage(machines.environment, "create_api_token", "grace")
    browser = Browser()
    browser.signs_in(first, "grace", PASSWORD)
    assert browser.is_signed_in(second)
    campaign_id = call(first, token, "emails/send", {"company": COMPANY, "subject": "Spring", "body": "Hello"})["campaignId"]
    wait_for(lambda: len(smtp.recipients) > 40, 60)

    first.kill()
    for worker in machines.workers[:2]:
        worker.kill()

    wait_for(lambda: bool(call(second, token, f"campaigns/{campaign_id}")["status"] == "done"), 90)
    assert browser.is_signed_in(second)
    assert machines.workers[2].terminate() == 0
    emails = emails_of(store, store.campaigns.get(campaign_id))
    assert sorted(email.user_id for email in emails) == sorted(person.id for person in people), "one e-mail for each person"
    mailed = smtp.recipients
    assert len(mailed) == len(set(mailed)), "nobody is mailed twice"
    assert {email.email for email in emails if email.status is EmailState.SENT} <= set(mailed)
    unsure = [email for email in emails if email.status is not EmailState.SENT]
    assert {email.status for email in unsure} <= {EmailState.UNCERTAIN}
    assert len(unsure) <= 2 * LANES * WINDOW, "at most what the two that were killed had in hand"
    assert_sound(store)


def test_sessions_hold_on_every_web_and_through_a_restart_of_postgres(machines: Machines) -> None:
    first, second = machines.webs
    browser = Browser()
    browser.signs_in(first, "grace", PASSWORD)
    assert browser.is_signed_in(second)

    machines.postgres.stop()
    machines.postgres.start()
    first.kill()
    first.start()
    first.wait()

    assert browser.is_signed_in(second)
    assert browser.is_signed_in(first)
    browser.open(f"{second.url}/accounts/logout/", {})
    assert not browser.is_signed_in(first)
