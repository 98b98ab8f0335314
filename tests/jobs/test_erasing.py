"""Who is erased while a campaign runs: their address stays nowhere, whatever a worker had read before."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from crm.domain.emails import EmailState, SkipReason
from crm.domain.errors import DeliveryFailed
from crm.jobs import expand
from crm.jobs.work import Held
from crm.mail.port import OutgoingMessage
from crm.services import erasure
from crm.services import people as staff
from crm.services.campaign_jobs import lane_job
from crm.services.copies import told
from crm.store import Store
from crm.store.requests import Action
from tests.conftest import Clock
from tests.jobs.mailing import BUSY, ToldMailer, accepted, assert_sound, crowd, drive, emails_of, make_work


def everything(store: Store) -> str:
    """All that is kept, as text."""
    return str(list(store.table.scan(consistent=True)))


def erase_before_writing(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, person_id: str) -> None:
    """Erase that person once a page of the audience is read, before its e-mails are written."""
    plain: Callable[..., list[Action]] = expand._actions

    def late(*arguments: Any, **named: Any) -> list[Action]:
        monkeypatch.undo()
        staff.remove(store, person_id, now=clock())
        return plain(*arguments, **named)

    monkeypatch.setattr(expand, "_actions", late)


def test_an_email_made_from_a_page_read_before_the_erase_loses_its_address(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, *_ = crowd(store, 3)
    campaign = accepted(store, clock())
    mailer = ToldMailer()
    erase_before_writing(store, clock, monkeypatch, person.id)

    drive(make_work(store, mailer, clock))

    email = next(email for email in emails_of(store, campaign) if email.user_id == person.id)
    assert (email.status, email.skip_reason, email.email) == (EmailState.SKIPPED, SkipReason.ERASED, "")
    assert person.profile.email not in everything(store)
    assert len(mailer.sent) == 2
    assert_sound(store)


def test_a_window_that_is_taken_over_keeps_no_address_of_who_is_erased(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, *_ = crowd(store, 2)
    campaign = accepted(store, clock())
    work = make_work(store, ToldMailer(), clock)
    erase_before_writing(store, clock, monkeypatch, person.id)
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)
    clock.pass_(minutes=2)
    dead = Held.take(work, lane_job(campaign.id, 0), "dead")
    chunk = store.chunks.first(campaign.id, 0)
    assert dead is not None
    assert chunk is not None
    dead.save({"window": chunk.sort_key})

    clock.pass_(minutes=5)
    drive(work)

    assert {email.status for email in emails_of(store, campaign)} == {EmailState.UNCERTAIN}
    assert person.profile.email not in everything(store)
    assert_sound(store)


@pytest.mark.parametrize("refused", [False, True])
def test_an_outcome_brings_no_address_back_that_an_erase_took_out(store: Store, clock: Clock, *, refused: bool) -> None:
    person, *_ = crowd(store, 3)
    campaign = accepted(store, clock())
    mailer = ToldMailer()
    work = make_work(store, mailer, clock)
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)
    staff.edit(
        store,
        person.id,
        replace(person.profile, email="new@example.org"),
        version=store.people.get(person.id).version,
        now=clock(),
    )
    if refused:
        mailer.tell("new@example.org", BUSY)

    def erase(message: OutgoingMessage) -> None:
        if message.recipient == "new@example.org":
            staff.remove(store, person.id, now=clock())

    mailer.before = erase
    clock.pass_(minutes=2)
    drive(work)
    clock.pass_(hours=1)
    drive(work)

    email = next(email for email in emails_of(store, campaign) if email.user_id == person.id)
    assert email.status is (EmailState.SKIPPED if refused else EmailState.SENT)
    assert "new@example.org" not in everything(store)
    assert_sound(store)


def test_a_campaign_in_full_swing_keeps_nothing_of_who_is_erased_and_counts_stay(store: Store, clock: Clock) -> None:
    person, *_ = crowd(store, 5, first_name="Zoëlle")
    campaign = accepted(store, clock())
    mailer = ToldMailer()
    work = make_work(store, mailer, clock, window=2)

    def erase(message: OutgoingMessage) -> None:
        if store.people.get_many([person.id]):
            erasure.erase(store, person.id, actor="ingrid", now=clock())

    mailer.before = erase
    clock.pass_(minutes=2)
    drive(work)
    clock.pass_(hours=1)
    drive(work)

    email = next(email for email in emails_of(store, campaign) if email.user_id == person.id)
    assert (email.email, email.erased) == ("", True)
    assert store.campaigns.figures(campaign.id).total == 5
    assert person.profile.email not in everything(store)
    assert_sound(store)


def test_an_email_that_is_made_for_who_was_just_erased_is_marked_by_a_later_look(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, *_ = crowd(store, 3)
    campaign = accepted(store, clock())
    plain: Callable[..., list[Action]] = expand._actions

    def late(*arguments: Any, **named: Any) -> list[Action]:
        monkeypatch.undo()
        erasure.erase(store, person.id, actor="ingrid", now=clock())
        return plain(*arguments, **named)

    monkeypatch.setattr(expand, "_actions", late)
    work = make_work(store, ToldMailer(), clock)
    clock.pass_(minutes=2)
    drive(work)
    for wait in erasure.LOOKS:
        clock.now += wait
        drive(work)

    email = next(email for email in emails_of(store, campaign) if email.user_id == person.id)
    assert (email.status, email.skip_reason, email.email, email.erased) == (EmailState.SKIPPED, SkipReason.ERASED, "", True)
    assert person.profile.email not in everything(store)
    assert_sound(store)


@pytest.mark.parametrize("address", ["ada@staff.example", "Ada.B+c@staff.example"])
@pytest.mark.parametrize("refused", [False, True])
def test_who_got_copies_as_a_colleague_is_erased_whole(store: Store, clock: Clock, address: str, *, refused: bool) -> None:
    crowd(store, 1)
    store.mail_settings.save(replace(store.mail_settings.get(), colleagues=(address, "bob@staff.example")))
    mailer = ToldMailer()
    if refused:
        mailer.tell(address, DeliveryFailed(f"550 <{address.lower()}> is unknown here", permanent=True))
    campaign = accepted(store, clock())
    drive(make_work(store, mailer, clock))
    (person,) = crowd(store, 1, email=address)
    store.mail_settings.save(replace(store.mail_settings.get(), colleagues=("bob@staff.example",)))

    erasure.erase(store, person.id, actor="ada", now=clock())
    for _ in erasure.LOOKS:
        clock.pass_(hours=2)
        drive(make_work(store, mailer, clock))

    copies = {copy.address: (copy.status.value, copy.reason) for copy in told(store, campaign.id)}
    assert address.lower() not in everything(store).lower()
    assert copies.keys() == {f"{address[0]}…@staff.example", "bob@staff.example"}
    assert copies[f"{address[0]}…@staff.example"][0] == ("failed" if refused else "sent")
    assert not refused or "is unknown here" in copies[f"{address[0]}…@staff.example"][1]
    assert_sound(store)
