"""Many e-mails that failed or are uncertain: the first part at once, the rest by a job, each once whatever happens to it."""

from datetime import timedelta

import pytest

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import EmailState, FailReason
from crm.domain.errors import Conflict
from crm.jobs.kinds import STEPS
from crm.jobs.work import Held, Work
from crm.mail.port import Uncertain
from crm.services import campaigns, retries
from crm.services.campaign_jobs import jobs_of, retry_at_work, retry_job
from crm.services.retry_parts import PART, Outlook
from crm.store import Store
from crm.store.requests import Put
from tests.conftest import Clock
from tests.jobs.mailing import BUSY, REFUSED, ToldMailer, accepted, assert_sound, crowd, drive, make_work, statuses

MANY = PART * 2 + 5


@pytest.fixture
def mailer() -> ToldMailer:
    return ToldMailer()


def all_refused(store: Store, clock: Clock, mailer: ToldMailer, number: int = MANY) -> tuple[Campaign, Work]:
    """A campaign that is done, and of which every e-mail was refused once."""
    for person in crowd(store, number):
        mailer.tell(person.profile.email, REFUSED)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)
    assert statuses(store, campaign) == {"failed": number}
    clock.pass_(minutes=1)
    return campaign, work


def a_step(work: Work, campaign: Campaign, worker: str = "one") -> Held:
    held = Held.take(work, retry_job(campaign.id), worker)
    assert held is not None
    STEPS["RETRY"](work, held)
    return held


def test_the_first_part_is_queued_at_once_and_the_rest_by_a_job(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    campaign, work = all_refused(store, clock, mailer)

    number = retries.retry_failed(store, campaign.id, now=clock())
    at_once = store.campaigns.figures(campaign.id).queued
    drive(work)

    assert (number, at_once) == (MANY, PART)
    assert statuses(store, campaign) == {"sent": MANY}
    assert len(mailer.sent) == len(set(mailer.sent)) == MANY
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE
    assert retry_at_work(jobs_of(store, campaign.id)) is None
    assert_sound(store)


def test_asking_twice_does_nothing_more_and_for_something_else_means_waiting(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    campaign, work = all_refused(store, clock, mailer)
    retries.retry_failed(store, campaign.id, now=clock())

    again = retries.retry_failed(store, campaign.id, now=clock())
    with pytest.raises(Conflict, match="Wait"):
        retries.retry_failed(store, campaign.id, now=clock(), reasons=retries.RETRYABLE)
    drive(work)

    assert again == retries.retry_failed(store, campaign.id, now=clock()) == 0
    assert statuses(store, campaign) == {"sent": MANY}


def test_a_worker_that_dies_in_the_middle_is_followed_by_one_that_ends_it(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    campaign, work = all_refused(store, clock, mailer)
    retries.retry_failed(store, campaign.id, now=clock())
    a_step(work, campaign)

    clock.pass_(minutes=5)
    drive(work, worker="two")

    assert statuses(store, campaign) == {"sent": MANY}
    assert len(mailer.sent) == len(set(mailer.sent)) == MANY
    assert_sound(store)


def test_a_part_that_is_written_but_not_heard_of_is_not_done_twice(
    store: Store, clock: Clock, mailer: ToldMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign, work = all_refused(store, clock, mailer)
    retries.retry_failed(store, campaign.id, now=clock())
    held = Held.take(work, retry_job(campaign.id), "one")
    assert held is not None
    before = held.job
    STEPS["RETRY"](work, held)
    held.job = before  # as if the reply had been lost

    STEPS["RETRY"](work, held)
    STEPS["RETRY"](work, held)
    clock.pass_(minutes=5)
    drive(work, worker="two")

    assert len(mailer.sent) == len(set(mailer.sent)) == MANY
    assert_sound(store)


def test_what_fails_once_more_is_not_tried_for_ever(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    campaign, work = all_refused(store, clock, mailer)
    for address in list(mailer.told):
        mailer.tell(address, REFUSED, REFUSED)

    retries.retry_failed(store, campaign.id, now=clock())
    clock.pass_(seconds=5)
    drive(work)

    assert {len(answers) for answers in mailer.told.values()} == {1}
    assert statuses(store, campaign) == {"failed": MANY}
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE
    assert_sound(store)


def test_a_campaign_is_not_done_while_more_of_it_is_being_queued(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    campaign, work = all_refused(store, clock, mailer)
    retries.retry_failed(store, campaign.id, now=clock())
    held = a_step(work, campaign)
    held.release(clock() + timedelta(hours=1))

    clock.pass_(seconds=1)
    drive(work)
    waiting = (store.campaigns.figures(campaign.id).queued, store.campaigns.state(campaign.id).status)
    clock.pass_(hours=2)
    drive(work)

    assert waiting == (0, CampaignStatus.SENDING)
    assert statuses(store, campaign) == {"sent": MANY}
    assert store.campaigns.state(campaign.id).status is CampaignStatus.DONE


def test_what_is_queued_while_a_campaign_is_paused_goes_out_when_it_is_resumed(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    campaign, work = all_refused(store, clock, mailer)
    retries.retry_failed(store, campaign.id, now=clock())

    campaigns.pause(store, campaign.id, now=clock())
    drive(work)
    paused = (len(mailer.sent), store.campaigns.state(campaign.id).status)
    campaigns.resume(store, campaign.id, now=clock())
    drive(work)

    assert paused == (0, CampaignStatus.PAUSED)
    assert len(mailer.sent) == len(set(mailer.sent)) == MANY
    assert store.campaigns.state(campaign.id).status is CampaignStatus.DONE
    assert_sound(store)


def test_cancelling_ends_it_and_what_was_not_queued_yet_stays_failed(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    campaign, work = all_refused(store, clock, mailer)
    retries.retry_failed(store, campaign.id, now=clock())

    campaigns.cancel(store, campaign.id, now=clock())
    drive(work)

    assert mailer.sent == []
    assert statuses(store, campaign) == {"failed": MANY - PART, "skipped": PART}
    assert store.jobs.next_due() is None
    assert_sound(store)


def test_only_what_failed_for_the_reasons_given_is_queued_however_far_down_the_list(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    people = crowd(store, PART * 2)
    for person in people[:-3]:
        mailer.tell(person.profile.email, REFUSED)
    for person in people[-3:]:
        mailer.tell(person.profile.email, *[BUSY] * 6)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    for _ in range(8):
        drive(work)
        clock.pass_(hours=1)

    outlook = retries.failures(store.campaigns.figures(campaign.id))
    number = retries.retry_failed(store, campaign.id, now=clock(), reasons=retries.RETRYABLE)
    drive(work)

    assert outlook == [(FailReason.REFUSED, PART * 2 - 3, Outlook.SELDOM), (FailReason.GAVE_UP, 3, Outlook.LIKELY)]
    assert number == 3
    assert statuses(store, campaign) == {"failed": PART * 2 - 3, "sent": 3}
    assert_sound(store)


def test_a_repeat_under_one_key_does_nothing_again(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    campaign, work = all_refused(store, clock, mailer)
    mark = store.repeats.action("token", "key", b"body", made={"campaignId": campaign.id}, now=clock())
    retries.retry_failed(store, campaign.id, now=clock(), also=[mark])
    drive(work)

    with pytest.raises(Conflict):
        retries.retry_failed(store, campaign.id, now=clock(), also=[mark])

    assert isinstance(mark, Put)
    assert len(mailer.sent) == MANY


@pytest.mark.parametrize(("act", "ends"), [(retries.settle_uncertain, 0), (retries.resend_uncertain, MANY)])
def test_many_uncertain_ones_are_settled_or_sent_again(
    store: Store, clock: Clock, mailer: ToldMailer, act: object, ends: int
) -> None:
    for person in crowd(store, MANY):
        mailer.tell(person.profile.email, Uncertain("lost"))
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)
    mailer.sent.clear()
    clock.pass_(minutes=16)

    number = act(store, campaign.id, now=clock())  # type: ignore[operator]
    drive(work)

    assert number == MANY
    assert statuses(store, campaign) == {"sent": MANY}
    assert len(mailer.sent) == len(set(mailer.sent)) == ends
    assert [email for email in store.emails.walk(campaign.id, [EmailState.SENT]) if email.uncertain_at] == []
    assert_sound(store)


def test_a_new_key_for_places_in_lists_begins_again_without_doubles(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    campaign, _ = all_refused(store, clock, mailer)
    retries.retry_failed(store, campaign.id, now=clock())
    other = type(store)(store.table, hashes=store.suppressions._hashes, page_key=b"another key")

    drive(make_work(other, mailer, clock))

    assert len(mailer.sent) == len(set(mailer.sent)) == MANY
    assert statuses(store, campaign) == {"sent": MANY}
