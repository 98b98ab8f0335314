"""Copies for colleagues: one to each, at most once, beside the campaign and counted nowhere."""

import email
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.copies import Copy, CopyStatus
from crm.domain.links import TEST_LINK
from crm.domain.people import EmailStatus
from crm.jobs.kinds import STEPS
from crm.jobs.work import Held, Work
from crm.mail.port import Accepted, OutgoingMessage, Uncertain
from crm.services import campaigns
from crm.services.campaign_jobs import copies_job, jobs_of, lanes_among
from crm.services.copies import told
from crm.services.verify import differences
from crm.store import Store
from crm.store.jobs import LeaseLost
from tests.conftest import Clock
from tests.jobs.mailing import (
    BUSY,
    DOWN,
    LINKS,
    REFUSED,
    ToldMailer,
    accepted,
    assert_sound,
    crowd,
    drive,
    make_work,
    statuses,
    suppress,
)

ADA, BOB = "ada@staff.example", "bob@staff.example"


def name_colleagues(store: Store, *addresses: str) -> None:
    store.mail_settings.save(replace(store.mail_settings.get(), colleagues=addresses))


def listed(store: Store, work: Work, clock: Clock) -> Campaign:
    """A campaign whose audience is closed and whose copies wait, with nothing sent yet."""
    campaign = accepted(store, clock())
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)
    clock.pass_(minutes=2)  # the lease of whoever was stopped in between is over
    return campaign


def take(work: Work, campaign: Campaign, worker: str = "two") -> Held:
    held = Held.take(work, copies_job(campaign.id), worker)
    assert held is not None
    return held


def said(store: Store, campaign: Campaign) -> dict[str, str]:
    return {copy.address: copy.status.value for copy in told(store, campaign.id)}


def copy_to(store: Store, campaign: Campaign, address: str) -> Copy:
    return next(copy for copy in told(store, campaign.id) if copy.address == address)


def test_each_colleague_gets_one_marked_copy_that_counts_nowhere(store: Store, clock: Clock) -> None:
    crowd(store, 3)
    name_colleagues(store, ADA, BOB)
    messages: list[OutgoingMessage] = []
    mailer = ToldMailer(before=messages.append)
    campaign = accepted(store, clock(), body="Hello {{ firstName }}, see [it](https://example.org/)", tracking=True, reply_to=BOB)

    drive(make_work(store, mailer, clock))

    assert {ADA, BOB} <= set(mailer.sent)
    assert len(mailer.sent) == 5
    assert said(store, campaign) == {ADA: "sent", BOB: "sent"}
    assert statuses(store, campaign) == {"sent": 3}
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE
    message = email.message_from_bytes(next(one.data for one in messages if one.recipient == ADA), policy=default)
    _is_a_copy(message, campaign)
    assert_sound(store)


def _is_a_copy(message: EmailMessage, campaign: Campaign) -> None:
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert (message["Subject"], message["Reply-To"]) == ("[Copy] Spring", BOB)
    assert "this letter goes to 3 people" in plain.get_content()
    assert LINKS.campaign_url(campaign.id) in plain.get_content()
    assert "Hello Colleague" in plain.get_content()
    assert 'href="https://example.org/"' in rich.get_content()
    assert "/o/" not in rich.get_content()
    assert "/c/" not in rich.get_content().replace(LINKS.campaign_url(campaign.id), "")
    assert message["List-Unsubscribe"] == f"<{LINKS.unsubscribe_url(*TEST_LINK)}>"


def test_without_colleagues_there_is_no_work_for_copies(store: Store, clock: Clock) -> None:
    crowd(store, 2)
    campaign = accepted(store, clock())

    drive(make_work(store, ToldMailer(), clock))

    assert store.jobs.get(copies_job(campaign.id)) is None
    assert store.copies.of(campaign.id) == []


def test_who_is_in_the_audience_gets_the_letter_and_no_copy(store: Store, clock: Clock) -> None:
    crowd(store, 1, email=ADA)
    crowd(store, 1, email="gone@staff.example")
    gone = store.people.find_by_emails(["gone@staff.example"])["gone@staff.example"]
    suppress(store, gone, EmailStatus.UNSUBSCRIBED, clock())
    name_colleagues(store, "ADA@staff.example", BOB, "gone@staff.example")
    mailer = ToldMailer()
    campaign = accepted(store, clock())

    drive(make_work(store, mailer, clock))

    assert sorted(mailer.sent) == [ADA, BOB]
    assert said(store, campaign) == {"ADA@staff.example": "skipped", BOB: "sent", "gone@staff.example": "skipped"}
    assert "in the audience" in copy_to(store, campaign, "ADA@staff.example").reason
    assert "unsubscribed" in copy_to(store, campaign, "gone@staff.example").reason


def test_a_colleague_who_is_named_later_gets_no_copy_of_what_went_out(store: Store, clock: Clock) -> None:
    crowd(store, 1)
    name_colleagues(store, ADA)
    campaign = accepted(store, clock())
    drive(make_work(store, ToldMailer(), clock))

    name_colleagues(store, ADA, BOB)
    mailer = ToldMailer()
    drive(make_work(store, mailer, clock))

    assert mailer.sent == []
    assert said(store, campaign) == {ADA: "sent"}


def test_a_worker_that_dies_between_hand_over_and_writing_leaves_it_uncertain_and_nobody_repeats_it(
    store: Store, clock: Clock
) -> None:
    crowd(store, 1)
    name_colleagues(store, ADA)
    mailer = ToldMailer()
    work = make_work(store, mailer, clock)
    campaign = listed(store, work, clock)
    held = take(work, campaign, "dies")
    STEPS["COPIES"](work, held)
    dies = _Dies()
    mailer.before = dies

    with pytest.raises(KeyboardInterrupt):
        STEPS["COPIES"](work, held)
    mailer.before = lambda message: None
    clock.pass_(minutes=5)
    drive(work)

    assert dies.seen == [ADA]
    assert ADA not in mailer.sent
    assert said(store, campaign) == {ADA: "uncertain"}
    assert "may have been sent" in copy_to(store, campaign, ADA).reason
    assert_sound(store)


class _Dies:
    """As a kill does, while a message is being handed over: nothing is caught, nothing is written."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, message: OutgoingMessage) -> None:
        self.seen.append(message.recipient)
        raise KeyboardInterrupt


def test_a_worker_that_wakes_up_after_its_lease_hands_nothing_over(store: Store, clock: Clock) -> None:
    crowd(store, 1)
    name_colleagues(store, ADA)
    mailer = ToldMailer()
    work = make_work(store, mailer, clock)
    campaign = listed(store, work, clock)
    sleeper = take(work, campaign, "sleeper")
    STEPS["COPIES"](work, sleeper)
    clock.pass_(minutes=5)
    STEPS["COPIES"](work, other := take(work, campaign, "other"))

    with pytest.raises(LeaseLost):
        STEPS["COPIES"](work, sleeper)

    assert not other.over
    assert mailer.sent.count(ADA) == 1


@pytest.mark.parametrize(
    ("answers", "status", "tries"),
    [
        ([BUSY, BUSY, Accepted("ok")], "sent", 3),
        ([REFUSED], "failed", 1),
        ([BUSY] * 6, "failed", 6),
        ([Uncertain("no answer")], "uncertain", 1),
    ],
)
def test_what_the_server_says_decides(store: Store, clock: Clock, answers: list[Any], status: str, tries: int) -> None:
    crowd(store, 1)
    name_colleagues(store, ADA)
    tried: list[str] = []
    mailer = ToldMailer(before=lambda message: tried.append(message.recipient))
    mailer.tell(ADA, *answers)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)

    for _ in range(8):
        drive(work)
        clock.pass_(hours=4)

    assert said(store, campaign) == {ADA: status}
    assert tried.count(ADA) == tries
    assert_sound(store)


def test_while_the_provider_takes_nothing_copies_wait_and_then_go(store: Store, clock: Clock) -> None:
    crowd(store, 1)
    name_colleagues(store, ADA, BOB)
    mailer = ToldMailer(down=True)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)
    waiting = store.copies.of(campaign.id)

    mailer.down = False
    clock.pass_(minutes=30)
    drive(work)

    assert {copy.status for copy in waiting} == {CopyStatus.WAITING}
    assert DOWN.message in {copy.reason for copy in waiting}
    assert said(store, campaign) == {ADA: "sent", BOB: "sent"}


def test_a_pause_holds_copies_and_going_on_lets_them_go(store: Store, clock: Clock) -> None:
    crowd(store, 1)
    name_colleagues(store, ADA, BOB)
    mailer = ToldMailer()
    work = make_work(store, mailer, clock)
    campaign = listed(store, work, clock)
    STEPS["COPIES"](work, held := take(work, campaign))
    STEPS["COPIES"](work, held)
    campaigns.pause(store, campaign.id, now=clock())
    drive(work)
    clock.pass_(minutes=5)
    drive(work)
    paused = said(store, campaign)

    assert paused == {ADA: "sent", BOB: "waiting"}
    assert_sound(store)
    campaigns.resume(store, campaign.id, now=clock())
    drive(work)
    assert said(store, campaign) == {ADA: "sent", BOB: "sent"}
    assert mailer.sent.count(ADA) == 1


def test_cancelling_skips_what_has_not_gone(store: Store, clock: Clock) -> None:
    crowd(store, 1)
    name_colleagues(store, ADA, BOB)
    mailer = ToldMailer()
    work = make_work(store, mailer, clock)
    campaign = listed(store, work, clock)
    STEPS["COPIES"](work, take(work, campaign))
    campaigns.pause(store, campaign.id, now=clock())
    clock.pass_(minutes=5)
    drive(work)

    campaigns.cancel(store, campaign.id, now=clock())
    drive(work)

    assert said(store, campaign) == {ADA: "skipped", BOB: "skipped"}
    assert mailer.sent == []
    assert_sound(store)


def test_copies_keep_to_the_pace(store: Store, clock: Clock) -> None:
    crowd(store, 1)
    name_colleagues(store, ADA, BOB)
    mailer = ToldMailer()
    campaign = listed(store, make_work(store, mailer, clock), clock)
    slow = make_work(store, mailer, clock, rate=0.01)
    store.pace.reserve(messages=1, rate=0.02, now=clock(), within=0)
    held = take(slow, campaign)
    STEPS["COPIES"](slow, held)

    STEPS["COPIES"](slow, held)

    assert held.over
    assert held.job.due_at is not None
    assert (held.job.due_at - clock()).total_seconds() == pytest.approx(50, abs=1)
    assert mailer.sent == []


def test_a_copy_from_a_sender_that_cant_be_fails(store: Store, clock: Clock) -> None:
    crowd(store, 1)
    name_colleagues(store, ADA)
    mailer = ToldMailer()
    campaign = accepted(store, clock(), sender="nobody at all")

    drive(make_work(store, mailer, clock), until=lambda: said(store, campaign).get(ADA) == "failed")

    assert said(store, campaign) == {ADA: "failed"}
    assert mailer.sent == []


def test_verify_finds_copies_that_wait_without_a_job(store: Store, clock: Clock) -> None:
    crowd(store, 1)
    name_colleagues(store, ADA)
    mailer = ToldMailer()
    work = make_work(store, mailer, clock)
    campaign = listed(store, work, clock)
    STEPS["COPIES"](work, take(work, campaign))
    job = store.jobs.get(copies_job(campaign.id))
    assert job is not None
    store.table.write([store.jobs.park(job)])

    found = [one for one in differences(store) if one.says == "copies wait, but no job is due"]
    store.table.write(list(found[0].mend))
    clock.pass_(days=1000)  # verify goes by the clock on the wall
    drive(work)

    assert [one.subject for one in found] == [campaign.id]
    assert said(store, campaign) == {ADA: "sent"}
    assert_sound(store)


def test_a_job_of_copies_does_not_stand_for_lanes_that_should_be_due(store: Store, clock: Clock) -> None:
    crowd(store, 1)
    name_colleagues(store, ADA)
    campaign = listed(store, make_work(store, ToldMailer(), clock), clock)

    store.table.write([store.jobs.park(job) for job in lanes_among(jobs_of(store, campaign.id))])

    assert [one.says for one in differences(store)] == ["it is sending with 1 queued e-mails, but no job is due"]
