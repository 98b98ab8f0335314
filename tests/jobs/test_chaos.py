"""Workers are killed, suspended and doubled in the middle of a campaign: nobody is mailed twice, nobody is lost."""

import random
import time
from pathlib import Path

import pytest

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import EmailState
from crm.store import Store
from crm.store.keys import LANES
from crm.store.table import utc_now
from tests.engine import Engine
from tests.jobs.mailing import accepted, assert_sound, crowd, emails_of
from tests.jobs.processes import SmtpProcess, WorkerProcess, wait_for, worker_environment

pytestmark = pytest.mark.slow
PEOPLE = 2000
WINDOW = 20
LEASE = 3.0
RATE = 250
KILLS = 10


@pytest.fixture
def smtp(tmp_path: Path) -> SmtpProcess:
    return SmtpProcess(tmp_path / "received.jsonl")


def chaos_environment(engine: Engine, store: Store, smtp: SmtpProcess) -> dict[str, str]:
    settings = {"LEASE_SECONDS": str(LEASE), "WINDOW": str(WINDOW), "SEND_RATE": str(RATE), "RETRY_SECONDS": "2"}
    return worker_environment(engine.url, store.table.name, smtp.url, **settings)


def is_done(store: Store, campaign: Campaign) -> bool:
    return store.campaigns.state(campaign.id).status is CampaignStatus.DONE


def assert_each_once(store: Store, campaign: Campaign, smtp: SmtpProcess, addresses: set[str], interruptions: int) -> None:
    """Nobody got two, and whoever got none is listed as uncertain; of those there are no more than windows were held."""
    received = smtp.recipients
    emails = emails_of(store, campaign)
    uncertain = {email.email for email in emails if email.status is EmailState.UNCERTAIN}
    assert len(received) == len(set(received)), "somebody got two"
    assert addresses - set(received) <= uncertain, "somebody got none and is not listed"
    assert {email.email for email in emails if email.status is EmailState.SENT} <= set(received)
    assert {email.email for email in emails} == addresses
    assert {email.status for email in emails} <= {EmailState.SENT, EmailState.UNCERTAIN}
    assert len(uncertain) <= interruptions * LANES * WINDOW
    assert_sound(store)


@pytest.mark.parametrize("late", [False, True], ids=["indexes up to date", "indexes answer late"])
def test_workers_are_killed_and_suspended(engine: Engine, store: Store, smtp: SmtpProcess, tmp_path: Path, late: bool) -> None:
    chance = random.Random(7)
    addresses = {person.profile.email for person in crowd(store, PEOPLE)}
    store.stats.fold_all()
    with smtp:
        environment = chaos_environment(engine, store, smtp)
        campaign = accepted(store, utc_now())
        suspended: WorkerProcess | None = None
        suspended_at = 0.0
        for number in range(KILLS + 1):
            worker = WorkerProcess(environment, late=late, log=tmp_path / "worker.log")
            target = len(smtp.recipients) + chance.randint(5, PEOPLE // (2 * KILLS))
            wait_for(lambda target=target: len(smtp.recipients) >= target, 60, every=0.02)  # type: ignore[misc]
            time.sleep(chance.uniform(0.0, 0.1))
            if number == KILLS // 2:
                worker.suspend()
                suspended, suspended_at = worker, time.monotonic()
            else:
                worker.kill()
            if suspended is not None and time.monotonic() - suspended_at > 2 * LEASE:
                suspended.wake()
        assert suspended is not None
        assert not is_done(store, campaign)
        worker = WorkerProcess(environment, late=late, log=tmp_path / "worker.log")
        time.sleep(max(0.0, suspended_at + 2 * LEASE - time.monotonic()))
        suspended.wake()
        wait_for(lambda: is_done(store, campaign), 120)
        assert (worker.terminate(), suspended.terminate()) == (0, 0)

        assert_each_once(store, campaign, smtp, addresses, KILLS + 1)


def test_two_workers_share_one_campaign(engine: Engine, store: Store, smtp: SmtpProcess, tmp_path: Path) -> None:
    addresses = {person.profile.email for person in crowd(store, 400)}
    with smtp:
        environment = chaos_environment(engine, store, smtp)
        campaign = accepted(store, utc_now())
        workers = [WorkerProcess(environment, log=tmp_path / f"worker{number}.log") for number in range(2)]

        wait_for(lambda: is_done(store, campaign), 60)

        assert [worker.terminate() for worker in workers] == [0, 0]
        assert sorted(smtp.recipients) == sorted(addresses)
        assert_each_once(store, campaign, smtp, addresses, 0)
