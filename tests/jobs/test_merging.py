"""People who are merged while they are mailed: whoever was two entries gets a campaign once."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import EmailState, SkipReason
from crm.domain.errors import Conflict
from crm.domain.people import Person
from crm.jobs import merging, send, window
from crm.jobs.kinds import STEPS
from crm.jobs.work import Held, Work
from crm.jobs.worker import Worker
from crm.mail.port import OutgoingMessage, Uncertain
from crm.services import campaigns, erasure, merge_steps, pasted, retries
from crm.services.campaign_jobs import LANE
from crm.store import Store
from crm.store.calls import utc_now
from tests.conftest import Clock
from tests.jobs.mailing import (
    BUSY,
    COMPANY,
    EVERYBODY,
    REFUSED,
    ToldMailer,
    accepted,
    assert_sound,
    crowd,
    drive,
    emails_of,
    make_work,
)
from tests.services.merging import merged

IN_HAND = timedelta(seconds=1.5)
"""How long after its beginning a merge may find messages that were in two senders' hands: a look, and a busy machine."""


def until_sent(work: Work, mailer: ToldMailer, number: int) -> None:
    """Send so many messages, and write what became of them."""
    drive(work, until=lambda: len(mailer.sent) >= number)


def drive_on(work: Work, clock: Clock) -> None:
    """Do all there is to do in the next minutes: what is held back while two are merged comes later."""
    for _ in range(3):
        clock.pass_(minutes=2)
        drive(work)


def begin_alone(store: Store, clock: Clock, kept: Person, gone: Person) -> None:
    """Begin a merge that nobody goes on with before tomorrow."""
    job = store.jobs.put(merge_steps.merge_job(gone.id), due_at=clock() + timedelta(days=1))
    store.merges.begin(kept, gone, [job])


def states(store: Store, campaign: Campaign) -> set[tuple[EmailState, SkipReason | None]]:
    return {(email.status, email.skip_reason) for email in emails_of(store, campaign)}


def pair_by_sent(people: list[Person], mailer: ToldMailer) -> tuple[Person, Person]:
    """Who was mailed first, and who was not yet."""
    first = next(person for person in people if person.profile.email == mailer.sent[0])
    return first, next(person for person in people if person is not first)


@pytest.mark.parametrize("takes_address", [False, True])
@pytest.mark.parametrize("who_goes", ["mailed", "waiting"])
def test_who_was_mailed_as_one_is_not_mailed_as_the_other(
    store: Store, clock: Clock, who_goes: str, *, takes_address: bool
) -> None:
    people, mailer = crowd(store, 2), ToldMailer()
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock, window=1)
    until_sent(work, mailer, 1)
    mailed, waiting = pair_by_sent(people, mailer)
    kept, gone = (waiting, mailed) if who_goes == "mailed" else (mailed, waiting)

    merged(store, kept, gone, gone.profile if takes_address else kept.profile, now=clock())
    drive_on(work, clock)

    assert len(mailer.sent) == 1
    assert states(store, campaign) == {(EmailState.SENT, None), (EmailState.SKIPPED, SkipReason.MERGED)}
    assert list(store.people.get_many([kept.id, gone.id])) == [kept.id]
    assert_sound(store)


def test_of_two_that_wait_the_one_of_who_stays_goes(store: Store, clock: Clock) -> None:
    kept, gone = crowd(store, 2)
    mailer = ToldMailer()
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock, window=1)
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)

    result = merged(store, kept, gone, now=clock())
    drive_on(work, clock)

    assert not result.finished
    assert mailer.sent == [kept.profile.email]
    assert states(store, campaign) == {(EmailState.SENT, None), (EmailState.SKIPPED, SkipReason.MERGED)}
    assert gone.profile.email not in str([email.email for email in emails_of(store, campaign)])
    assert_sound(store)


@pytest.mark.parametrize("erased_since", [False, True])
def test_what_waited_for_who_was_merged_into_somebody_else_stands_on_their_page(
    store: Store, clock: Clock, *, erased_since: bool
) -> None:
    (gone,), (kept,), (last,) = crowd(store, 1), crowd(store, 1, company="Elsewhere"), crowd(store, 1, company="Third")
    mailer = ToldMailer()
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)
    pause = campaigns.pause(store, campaign.id, now=clock())
    merged(store, kept, gone, replace(kept.profile, company=COMPANY), now=clock())
    drive_on(work, clock)
    merged(store, last, kept, now=clock())
    drive_on(work, clock)
    if erased_since:
        erasure.erase(store, last.id, actor="grace", now=clock())

    campaigns.resume(store, pause.id, now=clock())
    drive_on(work, clock)

    (email,) = emails_of(store, campaign)
    assert mailer.sent == []
    assert email.email == ""
    assert (email.skip_reason, email.user_id) == ((SkipReason.ERASED, gone.id) if erased_since else (SkipReason.MERGED, last.id))
    assert_sound(store)


def test_a_merge_waits_for_what_is_just_going_out(store: Store, clock: Clock) -> None:
    people, mailer = crowd(store, 2), ToldMailer()
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock, window=1)
    progress: list[merge_steps.Progress] = []

    def merge_now(message: OutgoingMessage) -> None:
        mailer.before = lambda message: None
        gone = next(person for person in people if person.profile.email == message.recipient)
        kept = next(person for person in people if person is not gone)
        merged(store, kept, gone, replace(kept.profile, email=gone.profile.email), now=clock())
        (job,) = store.jobs.of(merge_steps.merge_job(gone.id).owner).values()
        later = clock() + merge_steps.SETTLE + timedelta(seconds=1)
        progress.append(merge_steps.advance(store, merge_steps.order_of(job), now=later))

    mailer.before = merge_now
    drive(work)
    drive_on(work, clock)

    assert progress == [merge_steps.Progress.WAIT]
    assert len(mailer.sent) == 1
    assert states(store, campaign) == {(EmailState.SENT, None), (EmailState.SKIPPED, SkipReason.MERGED)}
    assert len({email.user_id for email in emails_of(store, campaign)}) == 1
    assert_sound(store)


def test_who_joins_the_audience_by_being_merged_is_not_mailed_again(store: Store, clock: Clock) -> None:
    (gone,), (kept,) = crowd(store, 1), crowd(store, 1, company="Elsewhere")
    mailer = ToldMailer()
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock, window=1)
    drive(work, until=lambda: bool(emails_of(store, campaign)))
    made = emails_of(store, campaign)[0]
    clock.pass_(minutes=2)
    for key in store.jobs.due(clock()):
        if key.kind == LANE and (held := Held.take(work, key, "one")) is not None:
            STEPS[LANE](work, held)

    merged(store, kept, gone, replace(kept.profile, company=COMPANY), now=clock())
    drive_on(work, clock)

    assert made.user_id == gone.id
    assert mailer.sent == [gone.profile.email]
    assert {email.user_id for email in emails_of(store, campaign)} == {kept.id}
    assert_sound(store)


@pytest.mark.parametrize("again", ["failed", "uncertain"])
def test_what_is_tried_again_for_who_was_mailed_under_another_id_is_skipped(store: Store, clock: Clock, again: str) -> None:
    kept, gone = crowd(store, 2)
    mailer = ToldMailer()
    mailer.tell(gone.profile.email, REFUSED if again == "failed" else Uncertain("no reply"))
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)
    mailer.sent.clear()
    merged(store, kept, gone, now=clock())

    if again == "failed":
        number = retries.retry_failed(store, campaign.id, now=clock())
    else:
        number = retries.resend_uncertain(store, campaign.id, now=clock.pass_(hours=1))
    drive_on(work, clock)

    assert number == 1
    assert mailer.sent == []
    assert states(store, campaign) == {(EmailState.SENT, None), (EmailState.SKIPPED, SkipReason.MERGED)}
    assert_sound(store)


def test_what_failed_for_both_goes_out_once_when_it_is_tried_again(store: Store, clock: Clock) -> None:
    kept, gone = crowd(store, 2)
    mailer = ToldMailer()
    for one in (kept, gone):
        mailer.tell(one.profile.email, REFUSED)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)
    merged(store, kept, gone, now=clock())

    retries.retry_failed(store, campaign.id, now=clock())
    drive_on(work, clock)

    assert mailer.sent == [kept.profile.email]
    assert_sound(store)


def test_what_failed_for_who_is_gone_alone_goes_to_who_is_left(store: Store, clock: Clock) -> None:
    (gone,), (kept,) = crowd(store, 1), crowd(store, 1, company="Elsewhere")
    mailer = ToldMailer()
    mailer.tell(gone.profile.email, REFUSED)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)
    merged(store, kept, gone, now=clock())

    retries.retry_failed(store, campaign.id, now=clock())
    drive_on(work, clock)

    assert mailer.sent == [kept.profile.email]
    assert {email.user_id for email in emails_of(store, campaign)} == {kept.id}
    assert_sound(store)


def test_what_is_put_back_for_later_is_not_sent_to_who_goes(store: Store, clock: Clock) -> None:
    kept, gone = crowd(store, 2)
    mailer = ToldMailer()
    mailer.tell(gone.profile.email, BUSY)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)

    merged(store, kept, gone, now=clock())
    drive_on(work, clock)

    assert mailer.sent == [kept.profile.email]
    assert states(store, campaign) == {(EmailState.SENT, None), (EmailState.SKIPPED, SkipReason.MERGED)}
    assert_sound(store)


def test_who_is_just_being_merged_is_held_back_and_others_are_not(store: Store, clock: Clock) -> None:
    kept, gone, other = crowd(store, 3)
    mailer = ToldMailer()
    campaign = accepted(store, clock())
    begin_alone(store, clock, kept, gone)
    work = make_work(store, mailer, clock)
    drive(work)

    held = [email.user_id for email in emails_of(store, campaign) if email.status is EmailState.QUEUED]
    drive_on(work, clock)

    assert held == [kept.id]
    assert mailer.sent == [other.profile.email]
    assert_sound(store)


def test_a_cancelled_campaign_holds_nothing_back(store: Store, clock: Clock) -> None:
    kept, gone = crowd(store, 2)
    mailer = ToldMailer()
    campaign = accepted(store, clock())
    begin_alone(store, clock, kept, gone)
    work = make_work(store, mailer, clock)
    drive(work)

    campaigns.cancel(store, campaign.id, now=clock())
    drive(work)

    assert mailer.sent == []
    assert {email.skip_reason for email in emails_of(store, campaign)} == {SkipReason.CANCELLED, SkipReason.MERGED}
    assert store.campaigns.state(campaign.id).finished_at is not None
    assert_sound(store)


def test_while_workers_send_and_others_merge_nobody_gets_two(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in (
        (send, "LOOK_EVERY", 0.2),
        (window, "MERGE_SECONDS", 1),
        (merge_steps, "SETTLE", timedelta(seconds=0.5)),
        (merge_steps, "AGAIN", timedelta(seconds=0.5)),
        (merging, "AGAIN", timedelta(seconds=0.5)),
    ):
        monkeypatch.setattr(module, name, value)
    people = crowd(store, 20)
    pairs = list(zip(people[::2], people[1::2], strict=True))
    mailer, begun, sent_at = ToldMailer(), {}, {}

    def slowly(message: OutgoingMessage) -> None:
        sent_at[message.recipient] = utc_now()
        time.sleep(0.6)

    mailer.before = slowly
    campaign = accepted(store, utc_now())
    work = make_work(store, mailer, window=2)
    running = threading.Thread(target=Worker(work).run)
    running.start()
    wait_until(lambda: bool(mailer.sent))
    for kept, gone in pairs:
        begun[kept.id] = utc_now()
        merge_when_possible(store, kept, gone)
    wait_until(lambda: len(store.people.get_many([person.id for person in people])) == len(pairs))
    wait_until(lambda: store.campaigns.state(campaign.id).finished_at is not None)
    work.stopping.set()
    running.join()

    for kept, gone in pairs:
        times = [sent_at[one.profile.email] for one in (kept, gone) if one.profile.email in sent_at]
        assert len(times) == 1 or max(times) < begun[kept.id] + IN_HAND
    assert len(mailer.sent) == len(sent_at) < len(people)
    assert_sound(store)


@pytest.mark.parametrize("field", ["within", "without"])
def test_a_pasted_list_of_an_accepted_campaign_follows_a_merge(store: Store, clock: Clock, field: str) -> None:
    gone, kept, other = crowd(store, 3)
    value = f"list:{pasted.paste(store, gone.profile.email, actor='grace').list_id}"
    mailer = ToldMailer()
    wanted = replace(EVERYBODY, within=(value,)) if field == "within" else replace(EVERYBODY, without=(value,))
    campaign = accepted(store, clock(), wanted=wanted, send_at=clock() + timedelta(hours=1))

    merged(store, kept, gone)
    clock.pass_(hours=2)
    drive(make_work(store, mailer, clock))

    assert mailer.sent == [(kept if field == "within" else other).profile.email]
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE
    assert_sound(store)


def merge_when_possible(store: Store, kept: Person, gone: Person) -> None:
    """Merge, once more where a status or count has just moved on."""
    for _ in range(20):
        with suppress(Conflict):
            merged(store, kept, gone, now=utc_now())
            return
    raise AssertionError("never merged")


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Look again and again."""
    for _ in range(int(seconds * 20)):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it never came about")
