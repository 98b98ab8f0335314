"""What providers tell of e-mails: once each, in any order, late or about nobody, and whatever else happens at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from crm.domain.emails import Email, EmailState, FailReason
from crm.domain.ids import new_id
from crm.domain.log import LogKind
from crm.domain.mail_events import MailEvent, MailEventKind, happened
from crm.domain.people import EmailStatus, Person
from crm.services import erasure, people
from crm.services.mail_events import take
from crm.services.unsubscribe import unsubscribe
from crm.services.verify import differences
from crm.store import Store
from crm.store.cost import metered
from crm.store.outcomes import campaign_row, email_changes, outcome
from tests.factories import NOW, make_campaign, make_person, make_profile
from tests.mailings import keep_emails, make_email
from tests.services.merging import merged

ADDRESS = "ada@example.org"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
Kind = MailEventKind


def _event(email: Email, kind: MailEventKind, **values: Any) -> MailEvent:
    """An event an hour after the e-mail was sent."""
    given = {"provider": "ses", "id": new_id(), "kind": kind, "at": NOW + timedelta(hours=1), "email_id": email.id}
    return MailEvent(**{**given, **values})


def _hard_bounce(email: Email, **values: Any) -> MailEvent:
    return _event(email, Kind.BOUNCED, hard=True, reason="550 no such user", **values)


def _mailed(store: Store, **values: Any) -> tuple[Person, Email]:
    """Somebody who was sent an e-mail of a campaign that is there."""
    person = store.people.create(make_person(email=ADDRESS))
    campaign = store.campaigns.create(make_campaign())
    given = {"campaign_id": campaign.id, "user_id": person.id, "email": ADDRESS, "sent_at": NOW}
    email = make_email(**{**given, **values})
    keep_emails(store, [email])
    return person, email


def _count(store: Store, email: Email, word: str) -> int:
    what = campaign_row(email.campaign_id)
    return store.stats.snapshot([(what, "TOTAL")]).value(what, "TOTAL", word)


LATER = NOW + timedelta(hours=2)


def test_an_event_that_is_told_twice_is_taken_once(store: Store) -> None:
    _, email = _mailed(store)
    event = _event(email, Kind.DELIVERED)

    taken = [take(store, event, now=LATER) for _ in range(3)]

    assert taken == [True, False, False]
    assert store.emails.get(email.id).delivered_at == event.at
    assert _count(store, email, "delivered") == 1
    assert differences(store) == []


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_of_several_deliveries_the_first_is_kept_and_one_counted_in_whatever_order_they_come(
    store: Store, order: tuple[int, ...]
) -> None:
    _, email = _mailed(store)
    events = [_event(email, Kind.DELIVERED, at=NOW + timedelta(minutes=minutes)) for minutes in (5, 6, 7)]

    for number in order:
        take(store, events[number], now=LATER)

    assert store.emails.get(email.id).delivered_at == NOW + timedelta(minutes=5)
    assert _count(store, email, "delivered") == 1
    assert differences(store) == []


def test_a_hard_bounce_suppresses_the_address_and_takes_its_person_off_with_a_line_in_their_log(store: Store) -> None:
    person, email = _mailed(store)

    take(store, _hard_bounce(email), now=LATER)

    assert store.people.get(person.id).email_status is EmailStatus.BOUNCED
    assert store.suppressions.lookup(ADDRESS) is EmailStatus.BOUNCED
    [entry] = [entry for entry in store.log.of(person.id) if entry.kind is LogKind.STATUS]
    assert (entry.text, entry.source, entry.changes["emailStatus"]) == ("bounce", email.campaign_id, ("mailable", "bounced"))
    bounced = store.emails.get(email.id)
    assert (bounced.status, bounced.bounced_at, bounced.error) == (EmailState.SENT, NOW + timedelta(hours=1), "550 no such user")
    assert _count(store, email, "bounced") == 1
    assert differences(store) == []


def test_a_soft_bounce_is_noted_and_nobody_is_taken_off(store: Store) -> None:
    person, email = _mailed(store)

    take(store, _event(email, Kind.BOUNCED, reason="452 mailbox full"), now=LATER)

    assert store.people.get(person.id).email_status is EmailStatus.MAILABLE
    assert store.suppressions.lookup(ADDRESS) is EmailStatus.MAILABLE
    assert store.emails.get(email.id).error == "452 mailbox full"
    assert _count(store, email, "bounced") == 1
    assert differences(store) == []


@pytest.mark.parametrize("order", list(permutations(("bounce", "unsubscribe", "complaint"))))
def test_of_bounce_unsubscribe_and_complaint_the_strongest_holds_in_whatever_order_they_come(
    store: Store, order: tuple[str, ...]
) -> None:
    person, email = _mailed(store)
    does: dict[str, Callable[[], object]] = {
        "bounce": lambda: take(store, _hard_bounce(email), now=LATER),
        "unsubscribe": lambda: unsubscribe(store, email.id, person.id, now=LATER),
        "complaint": lambda: take(store, _event(email, Kind.COMPLAINED), now=LATER),
    }

    for name in order:
        does[name]()

    assert store.people.get(person.id).email_status is EmailStatus.COMPLAINED
    assert store.suppressions.lookup(ADDRESS) is EmailStatus.COMPLAINED
    assert differences(store) == []


@pytest.mark.parametrize("first", ["bounce", "unsubscribe"])
def test_who_unsubscribed_stays_unsubscribed_when_their_address_bounces(store: Store, first: str) -> None:
    person, email = _mailed(store)
    steps: list[Callable[[], object]] = [
        lambda: take(store, _hard_bounce(email), now=LATER),
        lambda: unsubscribe(store, email.id, person.id, now=LATER),
    ]

    for step in steps if first == "bounce" else reversed(steps):
        step()

    assert store.people.get(person.id).email_status is EmailStatus.UNSUBSCRIBED
    assert differences(store) == []


@pytest.mark.parametrize(("kind", "status"), [(Kind.BOUNCED, EmailStatus.BOUNCED), (Kind.COMPLAINED, EmailStatus.COMPLAINED)])
def test_an_address_that_its_person_no_longer_has_is_remembered_and_the_person_left_alone(
    store: Store, kind: MailEventKind, status: EmailStatus
) -> None:
    person, email = _mailed(store)
    people.edit(store, person.id, replace(person.profile, email="new@example.org"), version=person.version, now=NOW)

    take(store, _event(email, kind, hard=True), now=LATER)

    assert store.people.get(person.id).email_status is EmailStatus.MAILABLE
    assert store.suppressions.lookup(ADDRESS) is status
    assert differences(store) == []


def test_whoever_has_the_address_by_now_is_taken_off(store: Store) -> None:
    person, email = _mailed(store)
    people.edit(store, person.id, replace(person.profile, email="new@example.org"), version=person.version, now=NOW)
    heir = people.add(store, make_profile(email=ADDRESS.upper()), now=NOW)

    take(store, _hard_bounce(email), now=LATER)

    assert store.people.get(heir.id).email_status is EmailStatus.BOUNCED
    assert differences(store) == []


def test_who_unsubscribes_at_the_provider_is_taken_off_under_every_address(store: Store) -> None:
    person, email = _mailed(store)
    people.edit(store, person.id, replace(person.profile, email="new@example.org"), version=person.version, now=NOW)

    take(store, _event(email, Kind.UNSUBSCRIBED), now=LATER)

    assert store.people.get(person.id).email_status is EmailStatus.UNSUBSCRIBED
    assert store.emails.get(email.id).unsubscribed_at == NOW + timedelta(hours=1)
    assert set(store.suppressions.lookup_many([ADDRESS, "new@example.org"]).values()) == {EmailStatus.UNSUBSCRIBED}
    assert differences(store) == []


PROOFS = [kind for kind in Kind if kind is not Kind.REJECTED]


@pytest.mark.parametrize("kind", PROOFS)
def test_any_event_but_a_rejection_settles_an_uncertain_e_mail_as_sent(store: Store, kind: MailEventKind) -> None:
    _, email = _mailed(store, status=EmailState.UNCERTAIN, sent_at=None, uncertain_at=NOW, error="lost")

    taken = take(store, _event(email, kind, user_agent=BROWSER), now=LATER)

    settled = store.emails.get(email.id)
    assert taken
    assert (settled.status, settled.sent_at, settled.uncertain_at, settled.error) == (EmailState.SENT, NOW, None, "")
    assert (_count(store, email, "sent"), _count(store, email, "uncertain")) == (1, 0)
    assert differences(store) == []


@pytest.mark.parametrize("kind", list(Kind))
def test_no_event_takes_a_queued_e_mail_from_its_lane(store: Store, kind: MailEventKind) -> None:
    _, email = _mailed(store, status=EmailState.QUEUED, sent_at=None)

    take(store, _event(email, kind), now=LATER)

    assert store.emails.get(email.id).status is EmailState.QUEUED
    assert [one for one in differences(store) if one.kind not in {"campaign", "chunk", "email"}] == []


def test_a_delivery_that_comes_before_the_lane_has_written_that_it_was_sent_stays(store: Store) -> None:
    _, queued = _mailed(store, status=EmailState.QUEUED, sent_at=None)
    take(store, _event(queued, Kind.DELIVERED), now=LATER)

    sent = replace(queued, status=EmailState.SENT, sent_at=NOW)
    store.table.write([outcome(queued, sent), *store.stats.delta(email_changes([(queued, sent)]), now=NOW)])

    stored = store.emails.get(queued.id)
    assert (stored.status, stored.delivered_at) == (EmailState.SENT, NOW + timedelta(hours=1))
    assert differences(store) == []


@pytest.mark.parametrize("status", [EmailState.SENT, EmailState.UNCERTAIN])
def test_what_the_provider_took_and_did_not_send_has_failed(store: Store, status: EmailState) -> None:
    times: dict[str, Any] = {"sent_at": NOW} if status is EmailState.SENT else {"sent_at": None, "uncertain_at": NOW}
    _, email = _mailed(store, status=status, **times)

    take(store, _event(email, Kind.REJECTED, reason="Amazon SES: Bad content"), now=LATER)

    failed = store.emails.get(email.id)
    assert (failed.status, failed.fail_reason, failed.error) == (EmailState.FAILED, FailReason.REFUSED, "Amazon SES: Bad content")
    assert (failed.failed_at, failed.sent_at, failed.uncertain_at) == (NOW + timedelta(hours=1), None, None)
    assert differences(store) == []


def test_a_rejection_of_an_earlier_hand_over_does_not_undo_the_later_one() -> None:
    email = make_email(sent_at=NOW + timedelta(hours=3))

    after = happened(email, _event(email, Kind.REJECTED))

    assert after == email


STATES = (EmailState.SENT, EmailState.UNCERTAIN, EmailState.FAILED, EmailState.SKIPPED, EmailState.QUEUED)
TOLD = (Kind.ACCEPTED, Kind.DEFERRED, Kind.DELIVERED, Kind.BOUNCED, Kind.REJECTED, Kind.COMPLAINED)


@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("left_out", [None, *TOLD])
def test_whatever_the_order_of_events_status_and_times_come_out_the_same(
    status: EmailState, left_out: MailEventKind | None
) -> None:
    times = {EmailState.SENT: "sent_at", EmailState.UNCERTAIN: "uncertain_at", EmailState.FAILED: "failed_at"}
    given: dict[str, Any] = {times[status]: NOW} if status in times else {}
    email = make_email(status=status, **given)
    events = [
        _event(email, kind, at=NOW + timedelta(minutes=minute), reason=kind.value)
        for minute, kind in enumerate(TOLD, 1)
        if kind is not left_out
    ]

    ends = set()
    for order in permutations(events):
        after = email
        for event in order:
            after = happened(after, event)
        ends.add((after.status, after.delivered_at, after.bounced_at, after.complained_at, after.unsubscribed_at))

    assert len(ends) == 1


def test_an_event_about_no_e_mail_of_ours_writes_nothing(store: Store) -> None:
    before = list(store.table.scan())

    taken = [take(store, _event(make_email(), kind), now=LATER) for kind in Kind]

    assert set(taken) == {False}
    assert list(store.table.scan()) == before


def test_that_the_provider_has_an_e_mail_of_which_we_know_that_writes_nothing(store: Store) -> None:
    _, email = _mailed(store)

    with metered() as spent:
        taken = take(store, _event(email, Kind.ACCEPTED), now=LATER)

    assert not taken
    assert (spent.requests, spent.write_units) == (1, 0)


def test_a_delivery_costs_a_read_and_a_write(store: Store) -> None:
    _, email = _mailed(store)

    with metered() as spent:
        take(store, _event(email, Kind.DELIVERED), now=LATER)

    assert spent.requests == 2
    assert spent.write_units <= 7


def test_a_complaint_about_an_e_mail_of_somebody_who_is_gone_is_remembered_by_the_hash_of_the_address(store: Store) -> None:
    person, email = _mailed(store)
    erasure.erase(store, person.id, actor="grace", now=NOW)

    take(store, _event(email, Kind.COMPLAINED, address=ADDRESS), now=LATER)

    gone = store.emails.get(email.id)
    assert store.suppressions.lookup(ADDRESS) is EmailStatus.COMPLAINED
    assert (gone.email, gone.erased, gone.complained_at) == ("", True, NOW + timedelta(hours=1))
    assert [item for item in store.table.scan() if ADDRESS in str(item)] == []
    assert differences(store) == []


def test_a_bounce_of_somebody_who_was_merged_leaves_the_one_who_stayed_mailable(store: Store) -> None:
    gone, email = _mailed(store)
    kept = store.people.create(make_person(email="kept@example.org"))
    merged(store, kept, gone)

    take(store, _hard_bounce(email), now=LATER)

    assert store.emails.get(email.id).user_id == kept.id
    assert store.people.get(kept.id).email_status is EmailStatus.MAILABLE
    assert store.suppressions.lookup(ADDRESS) is EmailStatus.BOUNCED
    assert differences(store) == []


def test_a_clock_that_is_ahead_makes_nothing_happen_in_the_future(store: Store) -> None:
    _, email = _mailed(store)

    take(store, _event(email, Kind.DELIVERED, at=LATER + timedelta(days=1)), now=LATER)

    assert store.emails.get(email.id).delivered_at == LATER


def test_opens_and_clicks_are_kept_with_their_class_and_counted_once(store: Store) -> None:
    _, email = _mailed(store)
    opened = _event(email, Kind.OPENED, user_agent=BROWSER)
    scanned = _event(email, Kind.CLICKED, user_agent="Barracuda link scanner", link="https://example.org/")

    taken = [take(store, event, now=LATER) for event in (opened, scanned, opened, scanned)]

    seen = store.emails.get(email.id)
    assert taken == [True, True, False, False]
    assert (seen.opened_at, seen.clicked_at, seen.clicked_any_at) == (opened.at, None, scanned.at)
    assert (_count(store, email, "opened"), _count(store, email, "clicked"), _count(store, email, "clicked_any")) == (1, 0, 1)
    assert differences(store) == []


def test_whoever_gets_the_address_at_the_same_moment_is_taken_off_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    email = make_email(email=ADDRESS)
    keep_emails(store, [email])
    heir = make_person(email=ADDRESS)
    find = store.people.find_by_emails

    def found(addresses: Any) -> dict[str, Person]:
        owners = find(addresses)
        monkeypatch.undo()
        store.people.create(heir)
        return owners

    monkeypatch.setattr(store.people, "find_by_emails", found)

    take(store, _hard_bounce(email), now=LATER)

    assert store.people.get(heir.id).email_status is EmailStatus.BOUNCED


def test_events_that_come_all_at_once_with_an_unsubscribe_and_a_lane_are_all_there_in_the_end(store: Store) -> None:
    person, queued = _mailed(store, status=EmailState.QUEUED, sent_at=None)
    event = _event(queued, Kind.DELIVERED)

    def lane() -> None:
        sent = replace(queued, status=EmailState.SENT, sent_at=NOW)
        store.table.write([outcome(queued, sent), *store.stats.delta(email_changes([(queued, sent)]), now=NOW)])

    work: list[Callable[[], object]] = [
        *[lambda: take(store, event, now=LATER)] * 3,
        lane,
        lambda: take(store, _event(queued, Kind.DELIVERED, at=NOW + timedelta(minutes=1)), now=LATER),
        lambda: take(store, _hard_bounce(queued), now=LATER),
        lambda: take(store, _event(queued, Kind.COMPLAINED), now=LATER),
        lambda: take(store, _event(queued, Kind.OPENED, user_agent=BROWSER), now=LATER),
        lambda: unsubscribe(store, queued.id, person.id, now=LATER),
    ]

    with ThreadPoolExecutor(len(work)) as threads:
        for done in [threads.submit(one) for one in work]:
            done.result()

    after = store.emails.get(queued.id)
    assert (after.status, after.delivered_at) == (EmailState.SENT, NOW + timedelta(minutes=1))
    assert all((after.bounced_at, after.complained_at, after.unsubscribed_at, after.opened_any_at))
    assert [_count(store, queued, word) for word in ("sent", "delivered", "bounced", "complained", "unsubscribed")] == [1] * 5
    assert store.people.get(person.id).email_status is EmailStatus.COMPLAINED
    assert differences(store) == []


def test_what_was_seen_is_forgotten_after_a_month(store: Store) -> None:
    _, email = _mailed(store)
    now = datetime.now(UTC).replace(microsecond=0)

    take(store, _event(email, Kind.DELIVERED), now=now)

    [mark] = [item for item in store.table.scan() if item["entityType"] == "seen"]
    assert datetime.fromtimestamp(mark["expiresAt"], UTC) - now == timedelta(days=30)
