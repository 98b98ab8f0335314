"""Sending in one process, step by step: each e-mail once, each answer of the provider as it should end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm.domain.campaigns import Campaign, CampaignStatus, Utm
from crm.domain.emails import EmailState, FailReason, SkipReason
from crm.domain.errors import RuleViolation
from crm.domain.ids import email_id, new_id
from crm.domain.mail_events import MailEvent, MailEventKind
from crm.domain.people import EmailStatus
from crm.jobs.handover import LONGEST_PAUSE, MAX_TRIES, Again
from crm.jobs.kinds import STEPS
from crm.jobs.window import Window
from crm.jobs.window import _actions as window_actions
from crm.jobs.work import MAX_WINDOW, Held, back_off
from crm.mail.port import OutgoingMessage, Uncertain
from crm.services import campaigns
from crm.services.campaign_jobs import jobs_of, lane_job, lanes_among
from crm.services.mail_events import take
from crm.services.unsubscribe import unsubscribe
from crm.store import Store
from crm.store.chunks import Chunk, new_chunk
from crm.store.cost import metered
from crm.store.email_items import item_of, new_email
from crm.store.jobs import LeaseLost
from crm.store.requests import Check, Update
from crm.store.table import MAX_ACTIONS
from tests.conftest import Clock
from tests.factories import make_person
from tests.jobs.mailing import (
    BUSY,
    COMPANY,
    REFUSED,
    ToldMailer,
    accepted,
    assert_sound,
    crowd,
    drive,
    emails_of,
    make_work,
    statuses,
)


@pytest.fixture
def mailer() -> ToldMailer:
    return ToldMailer()


def test_everybody_of_the_audience_gets_one_message(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    people = crowd(store, 130)
    crowd(store, 3, company="Somebody Else")
    campaign = accepted(store, clock())

    drive(make_work(store, mailer, clock))

    assert sorted(mailer.sent) == sorted(person.profile.email for person in people)
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE
    assert store.campaigns.figures(campaign.id).sent == 130
    assert_sound(store)


def test_who_unsubscribed_after_the_mail_was_queued_is_skipped(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    person, *_ = crowd(store, 3)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)
    email = next(email for email in emails_of(store, campaign) if email.user_id == person.id)

    unsubscribe(store, email.id, person.id, now=clock())
    clock.pass_(minutes=2)
    drive(work)

    assert person.profile.email not in mailer.sent
    assert store.emails.get(email.id).skip_reason is SkipReason.UNSUBSCRIBED
    assert store.campaigns.figures(campaign.id).by_reason == {"unsubscribed": 1}
    assert_sound(store)


def test_who_unsubscribes_while_the_window_is_open_is_skipped(
    store: Store, clock: Clock, mailer: ToldMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.jobs.send.LOOK_EVERY", 0.0)
    people = crowd(store, 10)
    campaign = accepted(store, clock())

    def leave(message: OutgoingMessage) -> None:
        mailer.before = lambda message: None
        first, second, *_ = [person for person in people if person.profile.email != message.recipient]
        unsubscribe(store, email_id(campaign.id, first.id), first.id, now=clock())
        store.table.write(store.suppressions.actions(second.profile.email, EmailStatus.BOUNCED, now=clock(), source="test"))
        left.extend([first.profile.email, second.profile.email])

    left: list[str] = []
    mailer.before = leave
    drive(make_work(store, mailer, clock))

    assert len(left) == 2
    assert not set(left) & set(mailer.sent)
    assert statuses(store, campaign) == {"sent": 8, "skipped": 2}
    assert store.campaigns.figures(campaign.id).by_reason == {"unsubscribed": 1, "bounced": 1}


def test_who_is_on_the_suppression_list_is_skipped_though_the_profile_does_not_know(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    person, *_ = crowd(store, 2)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)

    store.table.write(store.suppressions.actions(person.profile.email, EmailStatus.BOUNCED, now=clock(), source="test"))
    clock.pass_(minutes=2)
    drive(work)

    assert person.profile.email not in mailer.sent
    assert statuses(store, campaign) == {"sent": 1, "skipped": 1}


def test_who_is_gone_is_skipped_and_who_moved_is_mailed_at_the_new_address(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    gone, moved = crowd(store, 2)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)

    store.people.delete(gone)
    store.people.save(moved, moved.edited(replace(moved.profile, email="new@example.org"), now=clock()))
    clock.pass_(minutes=2)
    drive(work)

    by_person = {email.user_id: email for email in emails_of(store, campaign)}
    assert mailer.sent == ["new@example.org"]
    assert by_person[moved.id].email == "new@example.org"
    assert by_person[gone.id].skip_reason is SkipReason.ERASED


def test_a_refusal_for_good_fails_at_once_and_keeps_the_providers_words(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    refused, *_ = crowd(store, 4)
    mailer.tell(refused.profile.email, REFUSED)
    campaign = accepted(store, clock())

    drive(make_work(store, mailer, clock))

    failed = next(email for email in emails_of(store, campaign) if email.user_id == refused.id)
    assert (failed.status, failed.fail_reason, failed.error) == (EmailState.FAILED, FailReason.REFUSED, "550 no such mailbox")
    assert statuses(store, campaign) == {"sent": 3, "failed": 1}
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE
    assert_sound(store)


def test_a_temporary_refusal_is_tried_again_later_and_later(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    busy, *_ = crowd(store, 3)
    mailer.tell(busy.profile.email, BUSY, BUSY)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock, retry_seconds=60)
    drive(work)

    first = store.campaigns.figures(campaign.id)
    clock.pass_(seconds=62)
    drive(work)
    second = store.campaigns.figures(campaign.id)
    clock.pass_(seconds=62)
    drive(work)
    too_soon = store.campaigns.figures(campaign.id)
    clock.pass_(seconds=62)
    drive(work)

    assert [one.queued for one in (first, second, too_soon)] == [1, 1, 1]
    assert statuses(store, campaign) == {"sent": 3}
    assert mailer.sent.count(busy.profile.email) == 1
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE


def test_slow_refusals_of_the_largest_window_are_written_at_once_and_all_tried_again(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    people = crowd(store, MAX_WINDOW)
    for number, person in enumerate(people):
        mailer.tell(person.profile.email, *[BUSY] * (1 + number % (MAX_TRIES - 1)))

    def slowly(message: OutgoingMessage) -> None:
        clock.pass_(seconds=1)

    mailer.before = slowly
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock, window=MAX_WINDOW, lease_seconds=3600)
    drive(work)
    after_first = statuses(store, campaign)

    for _ in range(MAX_TRIES):
        clock.pass_(hours=1)
        drive(work)

    assert after_first == {"queued": MAX_WINDOW}
    assert statuses(store, campaign) == {"sent": MAX_WINDOW}
    assert len(mailer.sent) == len(set(mailer.sent)) == MAX_WINDOW
    assert_sound(store)


def test_a_window_of_every_outcome_and_every_number_of_tries_fits_into_one_transaction(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    now = clock()
    emails = [
        new_email(str(number), campaign_id="c", user_id=str(number), address="a@example.org", utm=Utm(), now=now)
        for number in range(MAX_WINDOW)
    ]
    window = Window(chunk=new_chunk("c", 0, now, [email.id for email in emails]), emails={email.id: email for email in emails})
    for number, email in enumerate(emails[1:]):
        tried = replace(email, attempts=1 + number % (MAX_TRIES - 1))
        if number % 3:
            window.again.append(Again(email=tried, due_at=now + timedelta(seconds=number)))
        else:
            window.settle(replace(email, status=list(EmailState)[1 + number % 4]))

    actions = window_actions(make_work(store, mailer, clock, window=MAX_WINDOW), window)

    assert len(actions) + 1 <= MAX_ACTIONS


def test_after_six_tries_it_fails_with_the_providers_words(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    (busy,) = crowd(store, 1)
    mailer.tell(busy.profile.email, *[BUSY] * 10)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)

    for _ in range(8):
        drive(work)
        clock.pass_(hours=1)

    (email,) = emails_of(store, campaign)
    assert (email.status, email.fail_reason, email.attempts) == (EmailState.FAILED, FailReason.GAVE_UP, 6)
    assert email.error == "451 try again"
    assert_sound(store)


def test_trying_ends_after_a_day(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    (busy,) = crowd(store, 1)
    mailer.tell(busy.profile.email, *[BUSY] * 10)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)

    clock.pass_(hours=25)
    drive(work)

    (email,) = emails_of(store, campaign)
    assert (email.status, email.attempts) == (EmailState.FAILED, 2)


def test_a_lost_reply_is_uncertain_and_never_repeated_by_itself(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    person, *_ = crowd(store, 3)
    mailer.tell(person.profile.email, Uncertain("the connection broke"))
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)

    clock.pass_(days=3)
    drive(work)

    assert statuses(store, campaign) == {"sent": 2, "uncertain": 1}
    assert mailer.sent.count(person.profile.email) == 1
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE
    assert_sound(store)


def test_a_provider_that_takes_nothing_costs_no_tries_and_the_page_says_so(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    crowd(store, 60)
    mailer.down = True
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock, retry_seconds=60)
    drive(work)
    during = campaigns.progress(store, campaign.id)

    for _ in range(10):
        clock.pass_(minutes=16)
        drive(work)
    mailer.down = False
    clock.pass_(minutes=16)
    drive(work)
    after = campaigns.progress(store, campaign.id)

    assert "connection refused" in during.trouble
    assert during.trouble_until is not None
    assert during.figures.queued == 60
    assert (after.trouble, after.figures.sent, after.percent) == ("", 60, 100)
    assert len(mailer.sent) == len(set(mailer.sent)) == 60
    assert {email.attempts for email in emails_of(store, campaign)} == {0}


def test_a_provider_that_takes_nothing_for_weeks_is_still_asked(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    crowd(store, 3)
    mailer.down = True
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)
    (job,) = [job for job in lanes_among(jobs_of(store, campaign.id)) if job.state.get("setbacks")]
    store.table.write([Update(key=job.key.key, changes={"setbacks": 5000})])

    clock.pass_(minutes=16)
    drive(work)
    (after,) = [job for job in lanes_among(jobs_of(store, campaign.id)) if job.state.get("setbacks")]
    mailer.down = False
    clock.pass_(minutes=16)
    drive(work)

    assert after.state["setbacks"] == 5001
    assert statuses(store, campaign) == {"sent": 3}


def test_no_pause_between_tries_is_too_long_for_a_clock() -> None:
    pauses = [back_off(86_400.0, number, LONGEST_PAUSE) for number in (0, 1, 60, 1_000_000)]

    assert pauses == [LONGEST_PAUSE] * 4


def test_a_template_that_breaks_for_one_person_fails_for_that_one(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    crowd(store, 2)
    campaign = accepted(store, clock(), body="{{ firstName | nosuchfilter }}")

    drive(make_work(store, mailer, clock))

    assert statuses(store, campaign) == {"failed": 2}
    assert {email.fail_reason for email in emails_of(store, campaign)} == {FailReason.NOT_RENDERED}


def test_the_window_of_a_dead_worker_becomes_uncertain_and_nothing_else(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    crowd(store, 40)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock, window=10)

    class Died(BaseException):
        """The worker is no more."""

    def die(message: OutgoingMessage) -> None:
        if len(mailer.sent) == 14:
            raise Died

    mailer.before = die
    with pytest.raises(Died):
        drive(work)
    mailer.before = lambda message: None
    clock.pass_(minutes=5)
    drive(work, worker="two")

    assert statuses(store, campaign) == {"sent": 30, "uncertain": 10}
    assert len(mailer.sent) == len(set(mailer.sent)) == 34
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE
    assert_sound(store)


def test_a_worker_that_slept_past_its_lease_writes_nothing_and_sends_nothing_more(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    crowd(store, 20)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock, window=20)

    def sleep(message: OutgoingMessage) -> None:
        if len(mailer.sent) == 5:
            mailer.before = lambda message: None
            clock.pass_(minutes=3)
            other = make_work(store, ToldMailer(), clock, window=20)
            held = Held.take(other, lane_job(campaign.id, 0), "two")
            assert held is not None
            STEPS["LANE"](other, held)

    mailer.before = sleep
    with pytest.raises(LeaseLost):
        drive(work)

    assert len(mailer.sent) == 6
    assert statuses(store, campaign) == {"uncertain": 20}
    assert_sound(store)


def test_a_lease_is_renewed_within_a_window(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    crowd(store, 40)
    campaign = accepted(store, clock())
    mailer.before = lambda message: clock.pass_(seconds=5) and None

    drive(make_work(store, mailer, clock, lease_seconds=60, window=40))

    assert len(mailer.sent) == 40
    assert statuses(store, campaign) == {"sent": 40}


def test_pausing_acts_within_a_window_and_resuming_loses_and_doubles_nothing(
    store: Store, clock: Clock, mailer: ToldMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.jobs.send.LOOK_EVERY", 0.0)
    crowd(store, 60)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)

    def pause(message: OutgoingMessage) -> None:
        if len(mailer.sent) == 7:
            campaigns.pause(store, campaign.id, now=clock())

    mailer.before = pause
    drive(work)
    at_pause = len(mailer.sent)
    clock.pass_(hours=5)
    drive(work)
    assert len(mailer.sent) == at_pause == 8
    assert store.jobs.next_due() is None

    mailer.before = lambda message: None
    campaigns.resume(store, campaign.id, now=clock())
    drive(work)

    assert len(mailer.sent) == len(set(mailer.sent)) == 60
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE
    assert_sound(store)


def test_cancelling_skips_what_was_not_handed_over(
    store: Store, clock: Clock, mailer: ToldMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.jobs.send.LOOK_EVERY", 0.0)
    crowd(store, 60)
    campaign = accepted(store, clock())

    def cancel(message: OutgoingMessage) -> None:
        if len(mailer.sent) == 7:
            campaigns.cancel(store, campaign.id, now=clock())

    mailer.before = cancel
    drive(make_work(store, mailer, clock))

    figures = store.campaigns.figures(campaign.id)
    stored = store.campaigns.get(campaign.id)
    assert (figures.sent, figures.queued) == (8, 0)
    assert figures.by_reason == {"cancelled": figures.skipped}
    assert (stored.status, stored.finished_at is None) == (CampaignStatus.CANCELLED, False)
    assert store.jobs.next_due() is None
    assert_sound(store)


def test_a_paused_campaign_can_be_cancelled(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    crowd(store, 5)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)
    campaigns.pause(store, campaign.id, now=clock())
    clock.pass_(minutes=2)
    drive(work)

    campaigns.cancel(store, campaign.id, now=clock())
    drive(work)

    assert mailer.sent == []
    assert statuses(store, campaign) == {"skipped": 5}
    assert_sound(store)


def test_a_campaign_is_not_done_while_a_chunk_waits(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    busy, *_ = crowd(store, 3)
    mailer.tell(busy.profile.email, BUSY)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock, retry_seconds=3600)

    drive(work)

    assert store.chunks.first(campaign.id) is not None
    assert store.campaigns.get(campaign.id).status is CampaignStatus.SENDING
    assert store.jobs.next_due() is not None


def test_done_is_not_set_when_a_chunk_was_put_between_looking_and_saying_so(
    store: Store, clock: Clock, mailer: ToldMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, *_ = crowd(store, 3)
    mailer.tell(refused.profile.email, REFUSED)
    campaign = accepted(store, clock())
    looked = store.chunks.heads

    def heads(campaign_id: str) -> dict[int, object]:
        seen = looked(campaign_id)
        if not seen and not retried:
            retried.append(campaigns.retry_failed(store, campaign_id, now=clock()))
        return seen  # type: ignore[return-value]

    retried: list[int] = []
    monkeypatch.setattr(store.chunks, "heads", heads)
    drive(make_work(store, mailer, clock))

    assert retried == [1]
    assert statuses(store, campaign) == {"sent": 3}
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE


def test_done_is_not_set_when_a_lane_put_something_back_where_the_look_had_passed_already(
    store: Store, clock: Clock, mailer: ToldMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = crowd(store, 20)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock, window=10)
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)
    clock.pass_(minutes=2)
    for person in people:
        mailer.tell(person.profile.email, BUSY)
    first, second = (Held.take(work, lane_job(campaign.id, lane), "one") for lane in (3, 0))
    assert first is not None
    assert second is not None
    step = STEPS["LANE"]

    def heads(campaign_id: str) -> dict[int, object]:
        """A query is no snapshot: it can miss what moves from a place not yet read to one already read."""
        monkeypatch.undo()
        step(work, second)
        return {}

    monkeypatch.setattr(store.chunks, "heads", heads)
    step(work, first)

    assert store.chunks.first(campaign.id) is not None
    assert store.campaigns.get(campaign.id).status is CampaignStatus.SENDING


def test_a_lane_does_not_leave_a_campaign_that_is_resumed_as_it_leaves(
    store: Store, clock: Clock, mailer: ToldMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(store, 20)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)
    campaigns.pause(store, campaign.id, now=clock())
    unmoved = store.campaigns.unmoved

    def resumed_meanwhile(seen: Campaign) -> Check:
        monkeypatch.undo()
        campaigns.resume(store, campaign.id, now=clock())
        return unmoved(seen)

    monkeypatch.setattr(store.campaigns, "unmoved", resumed_meanwhile)
    clock.pass_(minutes=2)
    drive(work)

    assert len(mailer.sent) == 20
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE


def test_retrying_failed_ones_mails_only_them(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    people = crowd(store, 120)
    for person in people[:70]:
        mailer.tell(person.profile.email, REFUSED)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)
    before = statuses(store, campaign)

    number = campaigns.retry_failed(store, campaign.id, now=clock())
    reopened = store.campaigns.get(campaign.id).status
    again = campaigns.retry_failed(store, campaign.id, now=clock())
    drive(work)

    assert before == {"sent": 50, "failed": 70}
    assert (number, again, reopened) == (70, 0, CampaignStatus.SENDING)
    assert len(mailer.sent) == len(set(mailer.sent)) == 120
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE
    assert_sound(store)


def test_a_lane_does_not_go_to_sleep_over_what_is_queued_again_as_it_looks(
    store: Store, clock: Clock, mailer: ToldMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, other = crowd(store, 2)
    mailer.tell(refused.profile.email, REFUSED)
    mailer.tell(other.profile.email, BUSY)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock, retry_seconds=1800)
    looked = store.chunks.first

    def look(campaign_id: str, lane: int | None = None) -> Chunk | None:
        """See what waits for half an hour; then somebody presses the button."""
        seen = looked(campaign_id, lane)
        if seen and seen.due_at > clock() and not retried:
            retried.append(campaigns.retry_failed(store, campaign.id, now=clock()))
        return seen

    retried: list[int] = []
    monkeypatch.setattr(store.chunks, "first", look)
    drive(work)

    assert retried == [1]
    assert mailer.sent == [refused.profile.email]


def test_uncertain_ones_can_be_sent_again_or_settled_after_a_quarter_of_an_hour(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    again, settled = crowd(store, 2)
    mailer.tell(again.profile.email, Uncertain("lost"), Uncertain("lost again"))
    mailer.tell(settled.profile.email, Uncertain("lost"))
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)

    with pytest.raises(RuleViolation, match="minutes"):
        campaigns.resend_uncertain(store, campaign.id, now=clock())
    clock.pass_(minutes=16)
    assert campaigns.resend_uncertain(store, campaign.id, now=clock()) == 2
    drive(work)
    clock.pass_(minutes=16)
    assert campaigns.settle_uncertain(store, campaign.id, now=clock()) == 1

    assert statuses(store, campaign) == {"sent": 2}
    assert sorted(mailer.sent) == sorted([again.profile.email, settled.profile.email] * 2)
    assert_sound(store)


def test_one_that_is_sent_again_is_not_handed_over_when_its_delivery_is_told_meanwhile(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    [person] = crowd(store, 1)
    mailer.tell(person.profile.email, Uncertain("lost"))
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)
    clock.pass_(minutes=16)
    campaigns.resend_uncertain(store, campaign.id, now=clock())
    [queued] = emails_of(store, campaign)
    told = MailEvent(provider="ses", id="1", kind=MailEventKind.DELIVERED, at=clock(), email_id=queued.id)

    take(store, told, now=clock())
    drive(work)

    [sent] = emails_of(store, campaign)
    assert (sent.status, sent.sent_at, sent.delivered_at) == (EmailState.SENT, clock(), clock())
    assert mailer.sent == [person.profile.email]
    assert_sound(store)


def test_an_email_and_what_it_costs_stay_small_though_of_fifty_no_two_share_a_domain(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    domains = [f"{new_id()[:12]}.example" for _ in range(50)]
    named = [(f"Byron {number:03}", f"ada{number}@{domains[number % 50]}") for number in range(300)]
    store.people.create_many([make_person(company=COMPANY, last_name=name, email=email) for name, email in named])
    store.stats.fold_all()
    campaign = accepted(store, clock())

    with metered() as cost:
        drive(make_work(store, mailer, clock))
        store.stats.fold_all()

    sizes = [sum(len(name) + len(str(value)) for name, value in item_of(email).items()) for email in emails_of(store, campaign)]
    assert max(sizes) <= 700
    assert cost.write_units / 300 <= 9.0


def test_recipients_stay_cheap_while_a_worker_folds_as_they_are_sent_to_two_hundred_domains(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    store.table.clock = clock
    named = [(f"Byron {number:03}", f"ada{number}@group{number % 200}.example") for number in range(400)]
    store.people.create_many([make_person(company=COMPANY, last_name=name, email=email) for name, email in named])
    store.stats.fold_all()
    accepted(store, clock())

    def fold_between() -> bool:
        clock.pass_(seconds=3)
        store.stats.fold_due()
        return False

    work = make_work(store, mailer, clock)
    with metered() as cost:
        for _ in range(4):
            drive(work, until=fold_between)
        store.stats.fold_all()

    assert len(mailer.sent) == 400
    assert cost.write_units / 400 <= 9.0
