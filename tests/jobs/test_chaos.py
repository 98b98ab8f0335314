"""A campaign is sent while everything goes wrong: nobody is mailed twice, nobody is lost, and what is unknown is said to be."""

import os
from pathlib import Path

import pytest

from bench.chaos import result_of
from crm.domain.campaigns import CampaignStatus
from crm.store import Store
from crm.store.calls import utc_now
from tests.engine import Engine
from tests.jobs.chaos import chaos
from tests.jobs.chaos_account import Account
from tests.jobs.chaos_plan import Plan
from tests.jobs.mailing import accepted, assert_sound, crowd, statuses
from tests.jobs.processes import SmtpProcess, WorkerProcess, wait_for, worker_environment

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("CHAOS_SEED", "7"))


def test_a_campaign_under_fire_reaches_each_person_once_or_says_why_not(tmp_path: Path) -> None:
    plan = Plan(people=500, rate=60, kills=4, suspensions=2, retry_seconds=0.2, late=True, seed=SEED)

    with chaos(plan, tmp_path) as (store, happened, folder):
        account = Account(store, happened, folder)

    assert [bound for bound in result_of(account).bounds if not bound.kept] == [], f"seed {plan.seed}"
    assert happened.done == {
        "workers killed": 4,
        "workers suspended past their lease": 2,
        "engine killed": 1,
        "mail server away": 1,
        "paused and resumed": 1,
    }
    assert account.figures.by_reason.keys() >= {"refused", "gave_up", "unsubscribed"}


def test_two_workers_share_one_campaign(engine: Engine, store: Store, tmp_path: Path) -> None:
    people = crowd(store, 400)
    with SmtpProcess(tmp_path / "received.jsonl") as smtp:
        environment = worker_environment(engine.url, store.table.name, smtp.url, WINDOW="20", SEND_RATE="250")
        campaign = accepted(store, utc_now())
        workers = [WorkerProcess(environment, log=tmp_path / f"worker{number}.log") for number in range(2)]

        wait_for(lambda: store.campaigns.state(campaign.id).status is CampaignStatus.DONE, 60)

        assert [worker.terminate() for worker in workers] == [0, 0]
        assert sorted(smtp.recipients) == sorted(person.profile.email for person in people)
        assert statuses(store, campaign) == {"sent": 400}
        assert_sound(store)
