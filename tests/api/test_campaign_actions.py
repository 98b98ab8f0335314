"""Acting on campaigns with an idempotency key: a repeat, however late, does nothing again."""

from datetime import timedelta

import pytest

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.mail.port import Uncertain
from crm.services import campaigns
from crm.store import Store
from crm.store.calls import utc_now
from tests.api.conftest import Script
from tests.conftest import Clock
from tests.jobs.mailing import REFUSED, ToldMailer, accepted, assert_sound, crowd, drive, make_work, statuses

KEY = {"Idempotency_Key": "once"}


@pytest.fixture
def mailer() -> ToldMailer:
    return ToldMailer()


@pytest.fixture
def done(store: Store, clock: Clock, mailer: ToldMailer) -> Campaign:
    """A campaign of which 60 failed, twice if they are tried again, and of which 2 are uncertain."""
    people = crowd(store, 65)
    for person in people[:60]:
        mailer.tell(person.profile.email, REFUSED, REFUSED)
    for person in people[60:62]:
        mailer.tell(person.profile.email, Uncertain("lost"), Uncertain("lost again"))
    campaign = accepted(store, clock())
    drive(make_work(store, mailer, clock))
    return store.campaigns.get(campaign.id)


@pytest.mark.parametrize(("action", "undo"), [("pause", campaigns.resume), ("resume", campaigns.pause)])
def test_a_repeat_does_not_undo_what_was_done_since(
    script: Script, store: Store, clock: Clock, action: str, undo: object
) -> None:
    crowd(store, 3)
    campaign = accepted(store, clock())
    if action == "resume":
        campaigns.pause(store, campaign.id, now=clock())
    script.post(f"/campaigns/{campaign.id}/{action}", None, **KEY)

    undo(store, campaign.id, now=clock())  # type: ignore[operator]
    before = store.campaigns.get(campaign.id)
    status, answer = script.post(f"/campaigns/{campaign.id}/{action}", None, **KEY)

    assert (status, answer["status"]) == (200, before.status.value)
    assert store.campaigns.get(campaign.id) == before


def test_failed_ones_are_queued_once_for_one_key(
    script: Script, store: Store, clock: Clock, mailer: ToldMailer, done: Campaign
) -> None:
    path = f"/campaigns/{done.id}/retry-failed"
    first = script.post(path, None, **KEY)
    clock.now = utc_now()
    drive(make_work(store, mailer, clock))
    failed_again = statuses(store, done)

    again = script.post(path, None, **KEY)
    anew = script.post(path, None, Idempotency_Key="another")

    assert (first[0], first[1]["counts"]["queued"], first[1]["status"]) == (200, 45, "sending")
    assert failed_again["failed"] == 60
    assert (again[0], again[1]["counts"]["queued"], again[1]["status"]) == (200, 0, "done")
    assert anew[1]["counts"]["queued"] == 45
    assert_sound(store)


def test_uncertain_ones_are_sent_again_once_for_one_key(
    script: Script, store: Store, clock: Clock, mailer: ToldMailer, done: Campaign
) -> None:
    path = f"/campaigns/{done.id}/resend-uncertain"
    script.post(path, None, **KEY)
    clock.now = utc_now()
    drive(make_work(store, mailer, clock))

    again = script.post(path, None, **KEY)

    assert (again[0], again[1]["counts"]["uncertain"], again[1]["counts"]["queued"]) == (200, 2, 0)
    assert {mailer.sent.count(address) for address in mailer.sent} == {1, 2}
    assert_sound(store)


def test_uncertain_ones_are_called_sent_once_for_one_key(
    script: Script, store: Store, clock: Clock, mailer: ToldMailer, done: Campaign
) -> None:
    path = f"/campaigns/{done.id}/settle-uncertain"
    first = script.post(path, None, **KEY)
    before = sorted((email.id, email.status, email.sent_at) for email in store.emails.walk(done.id))

    again = script.post(path, None, **KEY)
    other_body = script.post(path, {"other": "body"}, **KEY)

    assert [(answer[0], answer[1]["counts"]["uncertain"], answer[1]["counts"]["sent"]) for answer in (first, again)] == [
        (200, 0, 5)
    ] * 2
    assert sorted((email.id, email.status, email.sent_at) for email in store.emails.walk(done.id)) == before
    assert other_body[0] == 422
    assert_sound(store)


def test_cancelling_is_done_once_for_one_key(script: Script, store: Store, clock: Clock) -> None:
    crowd(store, 2)
    campaign = accepted(store, clock())
    path = f"/campaigns/{campaign.id}/cancel"
    first = script.post(path, None, **KEY)
    before = store.campaigns.get(campaign.id)

    again = script.post(path, None, **KEY)

    assert (first[0], again[0], again[1]["status"]) == (200, 200, "cancelled")
    assert store.campaigns.get(campaign.id) == before
    assert script.post(path, {"other": "body"}, **KEY)[0] == 422


def test_a_key_counts_also_when_there_was_nothing_to_queue(
    script: Script, store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    crowd(store, 1)
    campaign = accepted(store, clock())
    drive(make_work(store, mailer, clock))
    path = f"/campaigns/{campaign.id}/retry-failed"
    first = script.post(path, None, **KEY)

    other_body = script.post(path, {"other": "body"}, **KEY)
    again = script.post(path, None, **KEY)

    assert (first[0], again[0]) == (200, 200)
    assert other_body[0] == 422


def test_a_key_counts_also_when_the_campaign_is_paused_already(script: Script, store: Store, clock: Clock) -> None:
    crowd(store, 2)
    campaign = accepted(store, clock())
    campaigns.pause(store, campaign.id, now=clock())
    script.post(f"/campaigns/{campaign.id}/pause", None, **KEY)

    campaigns.resume(store, campaign.id, now=clock() + timedelta(seconds=1))
    script.post(f"/campaigns/{campaign.id}/pause", None, **KEY)

    assert store.campaigns.get(campaign.id).status is CampaignStatus.SCHEDULED


def test_what_cannot_be_done_leaves_the_key_unused(script: Script, store: Store, clock: Clock, done: Campaign) -> None:
    path = f"/campaigns/{done.id}/pause"

    assert script.post(path, None, **KEY)[0] == 422
    assert script.post(path, None, **KEY)[0] == 422
