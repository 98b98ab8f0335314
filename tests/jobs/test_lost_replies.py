"""Writes that happened though nobody said so: the reply was lost, and the engine was restarted and knows no request twice."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from crm.domain.campaigns import CampaignStatus
from crm.domain.emails import EmailState
from crm.domain.people import EmailStatus
from crm.jobs.kinds import STEPS
from crm.jobs.work import Held
from crm.mail.port import OutgoingMessage
from crm.services.campaign_jobs import lane_job
from crm.store import Store, schema
from crm.store.jobs import LeaseLost
from crm.store.requests import Delete
from tests.conftest import Clock
from tests.jobs.mailing import BUSY, ToldMailer, accepted, assert_sound, crowd, drive, make_work, statuses, suppress

MOST_WRITES = 60


def write_twice(store: Store, monkeypatch: pytest.MonkeyPatch, chosen: Callable[[str], bool]) -> list[str]:
    """Let the first transaction that is `chosen` by its text be written, and then found again under another request token."""
    done: list[str] = []
    plain = store.table._call
    seen = [0]

    def call(operation: str, **arguments: Any) -> dict[str, Any]:
        if operation != "transact_write_items":
            return plain(operation, **arguments)
        seen[0] += 1
        assert seen[0] <= MOST_WRITES, "the same is written on and on"
        text = str(arguments["TransactItems"])
        if not done and chosen(text):
            done.append(text)
            plain(operation, **arguments)
            arguments["ClientRequestToken"] = uuid.uuid4().hex
        return plain(operation, **arguments)

    monkeypatch.setattr(store.table, "_call", call)
    return done


def test_outcomes_that_are_written_but_found_again_are_taken_as_written(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(store, 8)
    campaign = accepted(store, clock())
    mailer = ToldMailer()
    done = write_twice(store, monkeypatch, lambda text: "'sent'" in text)

    drive(make_work(store, mailer, clock))

    assert len(done) == 1
    assert len(mailer.sent) == len(set(mailer.sent)) == 8
    assert statuses(store, campaign) == {"sent": 8}
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE
    assert_sound(store)


def test_outcomes_that_can_never_be_written_are_given_up_with_the_lease(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(store, 3)
    campaign = accepted(store, clock())
    mailer = ToldMailer()
    work = make_work(store, mailer, clock)
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)
    clock.pass_(minutes=2)
    held = Held.take(work, lane_job(campaign.id, 0), "one")
    assert held is not None
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        assert len(waited) < 100, "it goes on for ever"
        clock.pass_(seconds=10)

    monkeypatch.setattr("crm.jobs.window.time.sleep", sleep)

    def lose_the_campaign(message: OutgoingMessage) -> None:
        store.table.write([Delete(key=schema.key("campaign", id=campaign.id))])

    mailer.before = lose_the_campaign
    for email in store.emails.walk(campaign.id, [EmailState.QUEUED]):
        mailer.tell(email.email, BUSY)

    with pytest.raises(LeaseLost):
        STEPS["LANE"](work, held)

    assert waited


@pytest.mark.parametrize("window", [3, 10])
def test_a_page_of_the_audience_that_is_written_but_found_again_counts_once(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    crowd(store, 3, last_name="Middle")
    for person in crowd(store, 3, last_name="Early"):
        suppress(store, person, EmailStatus.UNSUBSCRIBED, clock())
    campaign = accepted(store, clock())
    mailer = ToldMailer()
    done = write_twice(store, monkeypatch, lambda text: "leftOut" in text)

    drive(make_work(store, mailer, clock, window=window))

    assert len(done) == 1
    assert store.campaigns.get(campaign.id).left_out == {"unsubscribed": 3}
    assert len(mailer.sent) == len(set(mailer.sent)) == 3
    assert_sound(store)
