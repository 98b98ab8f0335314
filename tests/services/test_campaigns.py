"""What staff do with campaigns, and what the links in e-mails do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm.domain.campaigns import CampaignStatus, Letter
from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.filters import PeopleFilter
from crm.domain.people import EmailStatus
from crm.services import audiences, campaigns
from crm.services.campaign_jobs import expand_job
from crm.services.unsubscribe import subscription, unsubscribe
from crm.store import Store
from tests.conftest import Clock
from tests.jobs.mailing import (
    COMPANY,
    EVERYBODY,
    ToldMailer,
    accepted,
    assert_sound,
    crowd,
    drive,
    emails_of,
    make_work,
    suppress,
)


def draft(store: Store, clock: Clock, *, wanted: PeopleFilter = EVERYBODY, **values: object) -> campaigns.Campaign:
    letter = Letter(**{"subject": "Spring", "body": "Hello", **values})  # type: ignore[arg-type]
    return campaigns.save_draft(store, None, letter, wanted=wanted, actor="grace", now=clock())


def test_a_draft_can_be_kept_unfinished_and_edited(store: Store, clock: Clock) -> None:
    first = draft(store, clock, subject="", body="")

    edited = campaigns.save_draft(
        store, first.id, Letter(subject=" Hello ", body="Text"), wanted=EVERYBODY, actor="ada", now=clock.pass_(minutes=1)
    )

    assert (edited.subject, edited.created_by, edited.version) == ("Hello", "grace", 2)
    assert store.campaigns.get(first.id) == edited


def test_an_edit_of_an_old_version_is_a_conflict(store: Store, clock: Clock) -> None:
    first = draft(store, clock)
    letter = Letter(subject="x", body="y")
    campaigns.save_draft(store, first.id, letter, version=1, wanted=EVERYBODY, actor="ada", now=clock())

    with pytest.raises(Conflict):
        campaigns.save_draft(store, first.id, letter, version=1, wanted=EVERYBODY, actor="ada", now=clock())


def test_sending_waits_for_the_minute_to_undo(store: Store, clock: Clock) -> None:
    crowd(store, 3)
    campaign = draft(store, clock)
    mailer = ToldMailer()
    work = make_work(store, mailer, clock)

    sent = campaigns.send(store, campaign.id, now=clock(), undo_seconds=60)
    drive(work)
    during = list(mailer.sent)
    clock.pass_(seconds=61)
    drive(work)

    assert (sent.status, sent.send_at) == (CampaignStatus.SCHEDULED, sent.updated_at + timedelta(seconds=60))
    assert during == []
    assert len(mailer.sent) == 3


def test_undo_makes_a_draft_of_it_that_can_be_edited_and_sent(store: Store, clock: Clock) -> None:
    crowd(store, 3)
    campaign = draft(store, clock)
    mailer = ToldMailer()
    work = make_work(store, mailer, clock)
    campaigns.send(store, campaign.id, now=clock(), undo_seconds=60)

    undone = campaigns.undo(store, campaign.id, now=clock())
    clock.pass_(minutes=5)
    drive(work)
    nobody_yet = list(mailer.sent)
    store.campaigns.save(replace(undone, subject="Better"))
    campaigns.send(store, campaign.id, now=clock(), undo_seconds=0)
    drive(work)

    assert nobody_yet == []
    assert undone.status is CampaignStatus.DRAFT
    assert len(mailer.sent) == 3
    assert_sound(store)


def test_undo_comes_too_late_once_sending_has_begun(store: Store, clock: Clock) -> None:
    crowd(store, 3)
    campaign = accepted(store, clock())
    drive(make_work(store, ToldMailer(), clock))

    with pytest.raises(RuleViolation, match="too late"):
        campaigns.undo(store, campaign.id, now=clock())


def test_a_campaign_is_sent_at_its_time(store: Store, clock: Clock) -> None:
    crowd(store, 3)
    campaign = draft(store, clock)
    mailer = ToldMailer()
    work = make_work(store, mailer, clock)
    campaigns.send(store, campaign.id, now=clock(), undo_seconds=60, send_at=clock() + timedelta(hours=2))

    drive(work)
    before = list(mailer.sent)
    clock.pass_(hours=1)
    campaigns.pause(store, campaign.id, now=clock())
    drive(work)
    campaigns.resume(store, campaign.id, now=clock())
    drive(work)
    still = list(mailer.sent)
    clock.pass_(hours=1)
    drive(work)

    assert before == still == []
    assert len(mailer.sent) == 3


def test_a_campaign_to_nobody_is_refused(store: Store, clock: Clock) -> None:
    nobody = PeopleFilter(company=("No Such Company",))
    campaign = draft(store, clock, wanted=nobody)

    with pytest.raises(RuleViolation, match="Nobody"):
        campaigns.send(store, campaign.id, now=clock(), undo_seconds=60)
    with pytest.raises(RuleViolation, match="Nobody"):
        accepted(store, clock(), wanted=nobody)

    assert store.jobs.next_due() is None
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DRAFT


def test_a_campaign_to_people_of_whom_none_may_be_mailed_is_refused(store: Store, clock: Clock) -> None:
    (person,) = crowd(store, 1)
    suppress(store, person, EmailStatus.BOUNCED, clock())

    with pytest.raises(RuleViolation, match="may be mailed"):
        accepted(store, clock())


def test_a_campaign_without_subject_or_text_is_refused(store: Store, clock: Clock) -> None:
    crowd(store, 1)
    campaign = draft(store, clock, subject="", body="")

    with pytest.raises(RuleViolation) as refused:
        campaigns.send(store, campaign.id, now=clock(), undo_seconds=60)

    assert [error.field for error in refused.value.errors] == ["subject", "body"]


def test_the_estimate_tells_who_may_not_be_mailed_and_why(store: Store, clock: Clock) -> None:
    people = crowd(store, 10)
    crowd(store, 2, company="Elsewhere")
    for person, status in zip(people, [EmailStatus.UNSUBSCRIBED, EmailStatus.COMPLAINED], strict=False):
        suppress(store, person, status, clock())

    audience = audiences.audience(store, PeopleFilter(company=(COMPANY,)))

    assert (audience.matched, audience.will_receive) == (10, 8)
    assert audience.suppressed == {"unsubscribed": 1, "complained": 1}


def test_a_campaign_is_sent_once_however_often_send_is_pressed(store: Store, clock: Clock) -> None:
    crowd(store, 2)
    campaign = draft(store, clock)
    campaigns.send(store, campaign.id, now=clock(), undo_seconds=0)

    with pytest.raises(RuleViolation, match="already"):
        campaigns.send(store, campaign.id, now=clock(), undo_seconds=0)


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (CampaignStatus.DRAFT, campaigns.pause),
        (CampaignStatus.DRAFT, campaigns.resume),
        (CampaignStatus.DRAFT, campaigns.cancel),
        (CampaignStatus.DONE, campaigns.pause),
        (CampaignStatus.DONE, campaigns.cancel),
        (CampaignStatus.DONE, campaigns.undo),
        (CampaignStatus.CANCELLED, campaigns.resume),
        (CampaignStatus.CANCELLED, campaigns.retry_failed),
        (CampaignStatus.PAUSED, campaigns.retry_failed),
        (CampaignStatus.DRAFT, campaigns.resend_uncertain),
    ],
)
def test_what_a_campaign_can_not_do_now_is_said_in_a_sentence(
    store: Store, clock: Clock, status: CampaignStatus, action: object
) -> None:
    campaign = draft(store, clock)
    if status is not CampaignStatus.DRAFT:
        store.table.write([store.campaigns.move(campaign, replace(campaign, status=status))])

    with pytest.raises(RuleViolation):
        action(store, campaign.id, now=clock())  # type: ignore[operator]

    assert store.campaigns.get(campaign.id).status is status


@pytest.mark.parametrize("action", [campaigns.pause, campaigns.cancel])
def test_doing_it_again_changes_nothing(store: Store, clock: Clock, action: object) -> None:
    crowd(store, 2)
    campaign = accepted(store, clock())

    once = action(store, campaign.id, now=clock())  # type: ignore[operator]
    twice = action(store, campaign.id, now=clock())  # type: ignore[operator]

    assert once == twice == store.campaigns.get(campaign.id)


def test_cancelling_in_the_minute_to_undo_mails_nobody(store: Store, clock: Clock) -> None:
    crowd(store, 2)
    campaign = accepted(store, clock())
    mailer = ToldMailer()

    cancelled = campaigns.cancel(store, campaign.id, now=clock())
    drive(make_work(store, mailer, clock))

    assert mailer.sent == []
    assert (cancelled.status, cancelled.finished_at) == (CampaignStatus.CANCELLED, clock())
    assert store.jobs.get(expand_job(campaign.id)).due_at is None  # type: ignore[union-attr]


def test_there_is_nothing_to_do_with_a_campaign_that_does_not_exist(store: Store, clock: Clock) -> None:
    for action in (campaigns.pause, campaigns.resume, campaigns.cancel, campaigns.undo, campaigns.retry_failed):
        with pytest.raises(NotFound):
            action(store, "nothing", now=clock())  # type: ignore[operator]


def test_unsubscribing_counts_once_and_holds_for_the_person_and_the_address(store: Store, clock: Clock) -> None:
    person, *_ = crowd(store, 2)
    campaign = accepted(store, clock())
    drive(make_work(store, ToldMailer(), clock))
    email = next(email for email in emails_of(store, campaign) if email.user_id == person.id)
    before = subscription(store, email.id, person.id)

    after = unsubscribe(store, email.id, person.id, now=clock())
    again = unsubscribe(store, email.id, person.id, now=clock.pass_(minutes=1))

    assert (before.address, before.status) == (person.profile.email, EmailStatus.MAILABLE)
    assert after == again
    assert after.status is EmailStatus.UNSUBSCRIBED
    assert store.people.get(person.id).email_status is EmailStatus.UNSUBSCRIBED
    assert store.suppressions.lookup(person.profile.email) is EmailStatus.UNSUBSCRIBED
    assert store.campaigns.figures(campaign.id).unsubscribed == 1
    assert_sound(store)


def test_unsubscribing_works_when_the_person_is_gone(store: Store, clock: Clock) -> None:
    (person,) = crowd(store, 1)
    campaign = accepted(store, clock())
    drive(make_work(store, ToldMailer(), clock))
    (email,) = emails_of(store, campaign)
    store.people.delete(person)

    unsubscribe(store, email.id, person.id, now=clock())

    assert store.suppressions.lookup(person.profile.email) is EmailStatus.UNSUBSCRIBED
    assert unsubscribe(store, "nothing", "nobody", now=clock()).address == ""


def test_a_complaint_is_not_weakened_by_unsubscribing(store: Store, clock: Clock) -> None:
    (person,) = crowd(store, 1)
    campaign = accepted(store, clock())
    drive(make_work(store, ToldMailer(), clock))
    (email,) = emails_of(store, campaign)
    suppress(store, person, EmailStatus.COMPLAINED, clock())

    unsubscribe(store, email.id, person.id, now=clock())

    assert store.suppressions.lookup(person.profile.email) is EmailStatus.COMPLAINED
    assert store.people.get(person.id).email_status is EmailStatus.COMPLAINED


def test_the_page_knows_how_far_a_campaign_is(store: Store, clock: Clock) -> None:
    crowd(store, 20)
    campaign = accepted(store, clock())
    work = make_work(store, ToldMailer(), clock, window=5)

    at_first = campaigns.progress(store, campaign.id)
    drive(work, until=lambda: store.campaigns.figures(campaign.id).sent >= 10)
    halfway = campaigns.progress(store, campaign.id)
    clock.pass_(minutes=2)
    drive(work)
    at_last = campaigns.progress(store, campaign.id)

    assert (at_first.percent, at_first.expected) == (0, 20)
    assert (halfway.percent, halfway.expected) == (50, 20)
    assert at_last.percent == 100
