"""The worker as a process and as a loop: signals, --once, a store or a mail server that is away."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crm.domain.campaigns import CampaignStatus
from crm.domain.emails import EmailState
from crm.jobs.upkeep import Upkeep
from crm.jobs.work import SendSettings, Work
from crm.jobs.worker import Worker
from crm.mail import open_mailer
from crm.services import campaigns
from crm.services.files import NoFiles
from crm.store import Store, schema
from crm.store.calls import utc_now
from crm.store.jobs import JobKey
from crm.store.requests import Put
from crm.store.table import Table
from tests.conftest import open_client, store_over
from tests.engine import Engine
from tests.jobs.mailing import LINKS, ToldMailer, accepted, assert_sound, crowd, emails_of, make_work, statuses
from tests.jobs.processes import WorkerProcess, wait_for, worker_environment
from tests.smtp import SmtpServer
from tests.smtp_steps import ACCEPT_THEN_DROP, REFUSE_550, RETRY_451


@contextmanager
def working(store: Store, email_url: str, **settings: Any) -> Iterator[None]:
    """A worker with the real clock and the real mailer, in a thread, for as long as the block lasts."""
    mailer = open_mailer(email_url)
    chosen = SendSettings(**{"rate": 0.0, "lease_seconds": 10.0, "retry_seconds": 1.0, "links": LINKS, **settings})
    work = Work(store=store, mailer=mailer, settings=chosen)
    thread = threading.Thread(target=Worker(work).run)
    thread.start()
    try:
        yield
    finally:
        work.stopping.set()
        thread.join()
        mailer.close()


def is_done(store: Store, campaign_id: str) -> bool:
    return store.campaigns.state(campaign_id).status is CampaignStatus.DONE


def test_a_mail_server_that_is_down_gets_everything_when_it_is_back(store: Store) -> None:
    people = crowd(store, 30)
    server = SmtpServer()
    server.start()
    server.stop()
    campaign = accepted(store, utc_now())

    with working(store, server.url):
        wait_for(lambda: bool(campaigns.progress(store, campaign.id).trouble), 15)
        waiting = store.campaigns.figures(campaign.id).queued
        with server:
            wait_for(lambda: is_done(store, campaign.id), 40)

    assert waiting == 30
    assert sorted(server.recipients) == sorted(person.profile.email for person in people)
    assert campaigns.progress(store, campaign.id).trouble == ""
    assert_sound(store)


def test_each_recipient_that_the_server_refuses_ends_as_it_should(store: Store) -> None:
    refused, busy, lost, *others = crowd(store, 20)
    with SmtpServer() as server:
        server.script(refused.profile.email, REFUSE_550)
        server.script(busy.profile.email, RETRY_451)
        server.script(lost.profile.email, ACCEPT_THEN_DROP)
        campaign = accepted(store, utc_now())

        with working(store, server.url):
            wait_for(lambda: is_done(store, campaign.id), 30)

        received = server.recipients

    by_person = {email.user_id: email for email in emails_of(store, campaign)}
    assert by_person[refused.id].status is EmailState.FAILED
    assert "no such mailbox" in by_person[refused.id].error
    assert refused.profile.email not in by_person[refused.id].error
    assert by_person[busy.id].status is EmailState.SENT
    assert by_person[lost.id].status is EmailState.UNCERTAIN
    assert sorted(received) == sorted(person.profile.email for person in [busy, lost, *others])
    assert_sound(store)


def test_the_pace_holds_over_two_workers(store: Store) -> None:
    crowd(store, 60)
    with SmtpServer() as server:
        campaign = accepted(store, utc_now())

        with working(store, server.url, rate=20.0), working(store, server.url, rate=20.0):
            wait_for(lambda: is_done(store, campaign.id), 40)

        times = sorted(message.at for message in server.messages)

    assert len(times) == 60
    assert times[-1] - times[0] >= 59 / 20 - 1.0
    assert max(sum(1 for time in times if start <= time < start + 1) for start in times) <= 20 + 15


def test_two_campaigns_share_the_threads(store: Store) -> None:
    crowd(store, 20)
    first, second = accepted(store, utc_now()), accepted(store, utc_now())
    mailer = ToldMailer()

    Worker(make_work(store, mailer), threads=2).run_once()

    assert [statuses(store, campaign) for campaign in (first, second)] == [{"sent": 20}] * 2
    assert is_done(store, first.id)
    assert is_done(store, second.id)


def test_once_works_until_nothing_is_due(engine: Engine, store: Store, tmp_path: Path) -> None:
    people = crowd(store, 40)
    campaign = accepted(store, utc_now())
    later = accepted(store, utc_now(), send_at=utc_now() + timedelta(hours=1))
    environment = worker_environment(engine.url, store.table.name, (tmp_path / "outbox").as_uri(), SEND_RATE="0")

    status = WorkerProcess(environment, "--once").wait(60)

    assert status == 0
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == len(people)
    assert is_done(store, campaign.id)
    assert store.campaigns.get(later.id).status is CampaignStatus.SCHEDULED
    assert_sound(store)


def test_sigterm_finishes_what_is_in_hand_and_gives_the_leases_back(engine: Engine, store: Store, tmp_path: Path) -> None:
    crowd(store, 200)
    campaign = accepted(store, utc_now())
    environment = worker_environment(
        engine.url, store.table.name, (tmp_path / "outbox").as_uri(), SEND_RATE="40", LEASE_SECONDS="60"
    )
    worker = WorkerProcess(environment)
    wait_for(lambda: len(list((tmp_path / "outbox").glob("*.eml"))) > 20, 30)

    status = worker.terminate()

    written = len(list((tmp_path / "outbox").glob("*.eml")))
    assert status == 0
    assert written < 200
    assert statuses(store, campaign) == {"sent": written, "queued": 200 - written}
    assert all(job.idle for job in store.jobs.of(f"CAMPAIGN#{campaign.id}").values())
    assert_sound(store)


def test_an_email_url_that_cannot_be_used_is_told_in_a_sentence(engine: Engine, store: Store, tmp_path: Path) -> None:
    log = tmp_path / "log"

    status = WorkerProcess(worker_environment(engine.url, store.table.name, "carrier-pigeon://x"), log=log).wait(30)

    assert status == 1
    assert "EMAIL_URL" in log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.mark.slow
def test_a_store_that_goes_away_and_comes_back_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with Engine(tmp_path / "crm.db") as engine:
        table = Table(open_client(engine.url), "Away", patience=0.5)
        table.create_missing()
        store = store_over(table)
        people = crowd(store, 150)
        with SmtpServer() as server:
            campaign = accepted(store, utc_now())
            with working(store, server.url, rate=60.0, lease_seconds=6.0, window=10):
                wait_for(lambda: len(server.recipients) > 30, 30)
                engine.kill()
                threading.Event().wait(2.0)
                engine.start()
                wait_for(lambda: is_done(store, campaign.id), 60)
            received = server.recipients

        assert len(received) == len(set(received))
        assert sorted(received) == sorted(person.profile.email for person in people)
        assert statuses(store, campaign) == {"sent": 150}
        assert_sound(store)


def test_upkeep_removes_what_has_expired_and_nothing_else(store: Store) -> None:
    past, future = int(utc_now().timestamp()) - 10, int(utc_now().timestamp()) + 1000
    for name, expires in (("old", past), ("new", future)):
        item = schema.keyed("seen", {"id": name, "provider": "test", "eventId": name, "expiresAt": expires})
        store.table.write([Put(item=item)])
    store.table.write([store.jobs.put(JobKey(owner="EVENT#1", name="CREATE"), due_at=utc_now())])

    removed = Upkeep(store, NoFiles(), sweeps=True).sweep()

    assert removed == 1
    assert store.table.get(schema.key("seen", provider="test", eventId="new")) is not None
    assert store.jobs.get(JobKey(owner="EVENT#1", name="CREATE")) is not None
