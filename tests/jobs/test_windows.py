"""What happens to a window that is in hand: events that come meanwhile, workers that die, staff who decide otherwise."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import EmailState, FailReason, SkipReason
from crm.domain.errors import Conflict, DeliveryFailed
from crm.domain.hits import HitClass, HitKind
from crm.domain.ids import email_id
from crm.domain.mail_events import MailEvent, MailEventKind
from crm.domain.people import Person
from crm.jobs.kinds import STEPS
from crm.jobs.work import Held, Work
from crm.mail.port import OutgoingMessage, Uncertain
from crm.services import campaigns, hits, mail_settings
from crm.services.campaign_jobs import lane_job
from crm.services.mail_events import take
from crm.store import Store
from crm.store.outcomes import email_changes, outcome
from tests.conftest import Clock
from tests.jobs.mailing import (
    BUSY,
    LETTER,
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


class Died(BaseException):
    """The worker is no more."""


@pytest.fixture
def mailer() -> ToldMailer:
    return ToldMailer()


def deliver(store: Store, campaign: Campaign, person: Person, clock: Clock, what: str = "delivered_at") -> None:
    """An event of the provider, as its webhook writes it."""
    email = store.emails.get(email_id(campaign.id, person.id))
    new = replace(email, **{what: clock()})
    store.table.write([outcome(email, new), *store.stats.delta(email_changes([(email, new)]), now=clock())])


def die_at(mailer: ToldMailer, number: int) -> None:
    def die(message: OutgoingMessage) -> None:
        if len(mailer.sent) == number:
            raise Died

    mailer.before = die


def look_inside_once(store: Store, mailer: ToldMailer, clock: Clock) -> None:
    """A mail server that follows the links of the first message that it is handed, before it answers."""

    def look(message: OutgoingMessage) -> None:
        mailer.before = lambda message: None
        scanner = {"kind": HitKind.CLICK, "hit_class": HitClass.SCANNER, "link": 0, "judge": True}
        hits.record(store, message.email_id, at=clock(), now=clock(), **scanner)

    mailer.before = look


def queued(store: Store, work: Work, clock: Clock) -> Campaign:
    """A campaign whose e-mails are all made, none sent."""
    campaign = accepted(store, clock())
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)
    clock.pass_(minutes=2)
    return campaign


@pytest.mark.parametrize("what", ["delivered_at", "opened_at", "clicked_any_at", "bounced_at", "complained_at"])
def test_an_email_of_a_lost_window_was_sent_if_an_event_has_told_of_it(
    store: Store, clock: Clock, mailer: ToldMailer, what: str
) -> None:
    people = crowd(store, 4)
    work = make_work(store, mailer, clock)
    campaign = queued(store, work, clock)
    die_at(mailer, 2)
    with pytest.raises(Died):
        drive(work)
    told = next(person for person in people if person.profile.email == mailer.sent[0])

    deliver(store, campaign, told, clock, what)
    clock.pass_(minutes=5)
    drive(work, worker="two")

    email = store.emails.get(email_id(campaign.id, told.id))
    assert (email.status, email.uncertain_at, email.error) == (EmailState.SENT, None, "")
    assert email.sent_at == getattr(email, what)
    assert statuses(store, campaign) == {"sent": 1, "uncertain": 3}
    assert_sound(store)


@pytest.mark.parametrize("refusal", [BUSY, REFUSED], ids=["for now", "for good"])
def test_what_was_refused_goes_out_later_although_the_mail_server_had_followed_its_links(
    store: Store, clock: Clock, mailer: ToldMailer, refusal: DeliveryFailed
) -> None:
    [person] = crowd(store, 1)
    mailer.tell(person.profile.email, refusal)
    campaign = accepted(store, clock(), tracking=True)
    look_inside_once(store, mailer, clock)
    work = make_work(store, mailer, clock)
    drive(work)
    before = list(mailer.sent)

    clock.pass_(minutes=20)
    if refusal.permanent:
        campaigns.retry_failed(store, campaign.id, now=clock())
    drive(work)

    [email] = emails_of(store, campaign)
    assert (before, mailer.sent) == ([], [person.profile.email])
    assert (email.status, email.sent_at is not None and email.sent_at > email.clicked_any_at) == (EmailState.SENT, True)
    assert_sound(store)


@pytest.mark.parametrize("dies", [True, False], ids=["the worker dies", "the answer is lost"])
def test_links_that_were_followed_before_a_refusal_tell_nothing_of_a_later_try(
    store: Store, clock: Clock, mailer: ToldMailer, dies: bool
) -> None:
    [person] = crowd(store, 1)
    mailer.tell(person.profile.email, BUSY, Uncertain("the connection broke"))
    campaign = accepted(store, clock(), tracking=True)
    look_inside_once(store, mailer, clock)
    work = make_work(store, mailer, clock)
    drive(work)
    clock.pass_(minutes=20)
    if dies:
        die_at(mailer, 0)
        with pytest.raises(Died):
            drive(work)
        clock.pass_(minutes=5)

    drive(work, worker="two")

    [email] = emails_of(store, campaign)
    assert (email.status, email.clicked_any_at is not None) == (EmailState.UNCERTAIN, True)
    assert_sound(store)


def test_a_rejection_that_comes_before_its_outcome_is_written_is_asked_for_again(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    people = crowd(store, 3)
    campaign = accepted(store, clock())
    ids = {person.profile.email: email_id(campaign.id, person.id) for person in people}
    told: list[MailEvent] = []

    def reject_the_first(message: OutgoingMessage) -> None:
        if mailer.sent and not told:
            told.append(_rejection(ids[mailer.sent[0]], clock))
            with pytest.raises(Conflict, match="Tell it again"):
                take(store, told[0], now=clock())

    mailer.before = reject_the_first
    drive(make_work(store, mailer, clock))
    taken = [take(store, told[0], now=clock()) for _ in range(2)]

    email = store.emails.get(told[0].email_id)
    assert taken == [True, False]
    assert (email.status, email.fail_reason, email.error) == (EmailState.FAILED, FailReason.REFUSED, "Bad content")
    assert statuses(store, campaign) == {"sent": 2, "failed": 1}
    assert_sound(store)


def test_a_rejection_of_an_earlier_try_that_comes_during_the_next_one_is_dropped(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    [person] = crowd(store, 1)
    mailer.tell(person.profile.email, Uncertain("lost"))
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)
    late = _rejection(email_id(campaign.id, person.id), clock)
    clock.pass_(minutes=16)
    campaigns.resend_uncertain(store, campaign.id, now=clock())
    taken: list[bool] = []
    mailer.before = lambda message: taken.append(take(store, late, now=clock()))

    drive(work)

    assert taken == [True]
    assert statuses(store, campaign) == {"sent": 1}
    assert not take(store, late, now=clock())
    assert_sound(store)


def _rejection(email: str, clock: Clock) -> MailEvent:
    return MailEvent(provider="ses", id="r", kind=MailEventKind.REJECTED, at=clock(), email_id=email, reason="Bad content")


def test_an_event_that_comes_while_a_lost_window_is_being_settled_is_not_overlooked(
    store: Store, clock: Clock, mailer: ToldMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = crowd(store, 4)
    work = make_work(store, mailer, clock)
    campaign = queued(store, work, clock)
    die_at(mailer, 2)
    with pytest.raises(Died):
        drive(work)
    told = next(person for person in people if person.profile.email == mailer.sent[0])
    write = store.table.write

    def write_late(actions: Sequence[Any]) -> None:
        if "uncertain" in str(actions):
            monkeypatch.undo()
            deliver(store, campaign, told, clock)
        write(actions)

    monkeypatch.setattr(store.table, "write", write_late)
    clock.pass_(minutes=5)
    drive(work, worker="two")

    email = store.emails.get(email_id(campaign.id, told.id))
    assert (email.status, email.delivered_at) == (EmailState.SENT, email.sent_at)
    assert statuses(store, campaign) == {"sent": 1, "uncertain": 3}
    assert store.campaigns.figures(campaign.id).delivered == 1
    assert_sound(store)


@pytest.mark.parametrize("lost", [False, True], ids=["the answer came", "the answer was lost"])
def test_an_event_that_comes_before_its_outcome_is_written_is_kept(
    store: Store, clock: Clock, mailer: ToldMailer, lost: bool
) -> None:
    people = crowd(store, 5)
    campaign = accepted(store, clock())
    by_address = {person.profile.email: person for person in people}
    if lost:
        for address in by_address:
            mailer.tell(address, Uncertain("the connection broke"))

    def tell_of_the_one_before(message: OutgoingMessage) -> None:
        if mailer.sent:
            deliver(store, campaign, by_address[mailer.sent[-1]], clock)

    mailer.before = tell_of_the_one_before
    drive(make_work(store, mailer, clock))

    figures = store.campaigns.figures(campaign.id)
    assert figures.delivered == 4
    assert (figures.sent, figures.uncertain) == ((4, 1) if lost else (5, 0))
    assert sum(1 for email in emails_of(store, campaign) if email.delivered_at and email.status is EmailState.SENT) == 4
    assert_sound(store)


def test_a_chunk_that_holds_more_than_a_window_is_cut(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    crowd(store, 60)
    campaign = queued(store, make_work(store, mailer, clock, window=40), clock)
    small = make_work(store, mailer, clock, window=7)
    die_at(mailer, 15)

    with pytest.raises(Died):
        drive(small)
    mailer.before = lambda message: None
    clock.pass_(minutes=5)
    drive(small, worker="two")

    counts = statuses(store, campaign)
    assert counts.keys() == {"sent", "uncertain"}
    assert sum(counts.values()) == 60
    assert counts["uncertain"] <= 7  # the window in hand; the last one of a lane's chunk is smaller
    assert len(mailer.sent) == len(set(mailer.sent))
    assert_sound(store)


def test_larger_windows_than_before_take_what_is_there(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    crowd(store, 30)
    campaign = queued(store, make_work(store, mailer, clock, window=4), clock)

    drive(make_work(store, mailer, clock, window=50))

    assert statuses(store, campaign) == {"sent": 30}
    assert_sound(store)


def test_a_window_whose_people_were_all_deleted_is_skipped(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    people = crowd(store, 6)
    work = make_work(store, mailer, clock)
    campaign = queued(store, work, clock)

    for person in people:
        store.people.delete(person)
    drive(work)

    assert mailer.sent == []
    assert {email.skip_reason for email in emails_of(store, campaign)} == {SkipReason.ERASED}
    assert store.campaigns.state(campaign.id).status is CampaignStatus.DONE
    assert_sound(store)


def test_a_campaign_whose_lanes_back_off_is_cancelled_at_once(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    crowd(store, 12)
    work = make_work(store, mailer, clock, window=3)
    campaign = queued(store, work, clock)
    mailer.down = True
    drive(work)

    campaigns.cancel(store, campaign.id, now=clock())
    drive(work)

    assert mailer.sent == []
    assert statuses(store, campaign) == {"skipped": 12}
    assert store.campaigns.state(campaign.id).finished_at is not None
    assert store.jobs.next_due() is None
    assert_sound(store)


def test_a_campaign_that_is_resumed_after_its_worker_died_goes_on_with_the_rest(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    crowd(store, 20)
    work = make_work(store, mailer, clock, window=5)
    campaign = queued(store, work, clock)
    die_at(mailer, 7)
    with pytest.raises(Died):
        drive(work)
    mailer.before = lambda message: None

    campaigns.pause(store, campaign.id, now=clock())
    clock.pass_(minutes=5)
    drive(work, worker="two")
    paused = statuses(store, campaign)
    campaigns.resume(store, campaign.id, now=clock())
    drive(work, worker="two")

    assert paused == {"sent": 5, "uncertain": 5, "queued": 10}
    assert statuses(store, campaign) == {"sent": 15, "uncertain": 5}
    assert len(mailer.sent) == len(set(mailer.sent))
    assert store.campaigns.state(campaign.id).status is CampaignStatus.DONE
    assert_sound(store)


@pytest.mark.parametrize("hours", [-1, 1], ids=["set back by an hour", "set ahead by an hour"])
def test_a_clock_that_is_set_while_a_window_is_in_hand_doubles_and_loses_nobody(
    store: Store, clock: Clock, mailer: ToldMailer, hours: int
) -> None:
    crowd(store, 20)
    work = make_work(store, mailer, clock, window=5)
    campaign = queued(store, work, clock)

    def set_the_clock(message: OutgoingMessage) -> None:
        if len(mailer.sent) == 7:
            mailer.before = lambda message: None
            clock.pass_(hours=hours)

    mailer.before = set_the_clock
    drive(work)
    clock.pass_(hours=2)
    drive(work, worker="two")

    assert sum(statuses(store, campaign).values()) == statuses(store, campaign)["sent"] == 20
    assert len(mailer.sent) == len(set(mailer.sent)) == 20
    assert_sound(store)


def test_what_was_accepted_keeps_a_sender_that_is_taken_off_the_list(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    crowd(store, 3)
    sender = mail_settings.add_sender(store, "Team", "team@example.org", actor="ada", now=clock())
    mail_settings.verify_sender(store, sender.mark, actor="ada", now=clock())
    campaign = accepted(store, clock(), sender=sender.shown)

    mail_settings.remove_sender(store, sender.mark, actor="ada", now=clock())
    drive(make_work(store, mailer, clock))

    assert statuses(store, campaign) == {"sent": 3}


def test_a_campaign_that_is_taken_back_edited_and_sent_again_goes_out_once_as_it_is_now(
    store: Store, clock: Clock, mailer: ToldMailer
) -> None:
    crowd(store, 3)
    campaign = accepted(store, clock(), send_at=clock() + timedelta(hours=1))
    seen: list[bytes] = []
    mailer.before = lambda message: seen.append(message.data)

    draft = campaigns.undo(store, campaign.id, now=clock())
    changed = replace(LETTER, subject="Summer")
    campaigns.save_draft(
        store, campaign.id, changed, wanted=draft.audience_filter, actor="ada", now=clock(), version=draft.version
    )
    campaigns.send(
        store, campaign.id, now=clock(), undo_seconds=60, send_at=clock() + timedelta(hours=3), default_sender=LETTER.sender
    )
    clock.pass_(hours=2)
    drive(make_work(store, mailer, clock))
    too_soon = list(mailer.sent)
    clock.pass_(hours=2)
    drive(make_work(store, mailer, clock))

    assert too_soon == []
    assert len(mailer.sent) == len(set(mailer.sent)) == 3
    assert all(b"Summer" in data and b"Spring" not in data for data in seen)


def test_a_lane_whose_lease_is_lost_while_it_cuts_a_chunk_leaves_it_whole(store: Store, clock: Clock, mailer: ToldMailer) -> None:
    crowd(store, 20)
    campaign = queued(store, make_work(store, mailer, clock, window=20), clock)
    small = make_work(store, mailer, clock, window=5)
    first = Held.take(small, lane_job(campaign.id, 0), "one")
    assert first is not None
    clock.pass_(minutes=3)
    second = Held.take(small, lane_job(campaign.id, 0), "two")
    assert second is not None

    with pytest.raises(Exception, match="lease"):
        STEPS["LANE"](small, first)
    before = [len(chunk.email_ids) for chunk in store.chunks.all(campaign.id)]
    STEPS["LANE"](small, second)

    assert before == [20]
    assert [len(chunk.email_ids) for chunk in store.chunks.all(campaign.id)] == [5, 5, 5, 5]


def test_who_comes_within_the_next_second_is_read_together_and_nobody_is_known_longer_than_that(
    store: Store, clock: Clock, mailer: ToldMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = crowd(store, 40)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock, window=40)
    seconds = [0.0]
    read: list[int] = []
    plain = store.suppressions.lookup_many
    monkeypatch.setattr("crm.jobs.send.boot_time", lambda: seconds[0])
    monkeypatch.setattr("crm.jobs.work.boot_time", lambda: seconds[0])
    monkeypatch.setattr(store.suppressions, "lookup_many", lambda found: read.append(len(found)) or plain(found))

    def take_a_while(message: OutgoingMessage) -> None:
        seconds[0] += 0.1
        if len(mailer.sent) == 25:
            last = people_by_turn(store, campaign, people)[-1]
            campaigns.unsubscribe(store, email_id(campaign.id, last.id), last.id, now=clock())

    mailer.before = take_a_while
    drive(work)

    looks = [number for number in read if number > 1]
    assert looks[0] == 40
    assert all(8 <= number <= 12 for number in looks[1:])
    assert len(looks) <= 5
    assert statuses(store, campaign) == {"sent": 39, "skipped": 1}
    assert_sound(store)


def people_by_turn(store: Store, campaign: Campaign, people: Sequence[Person]) -> list[Person]:
    """Those people in the order in which the first chunk names their e-mails."""
    chunk = store.chunks.first(campaign.id)
    assert chunk is not None
    by_email = {email_id(campaign.id, person.id): person for person in people}
    return [by_email[id_] for id_ in chunk.email_ids]
