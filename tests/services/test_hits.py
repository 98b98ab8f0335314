"""Opens and clicks: whose they are, what they count as, and that counters hold whatever comes at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from crm.domain.emails import Email, EmailState
from crm.domain.errors import Conflict
from crm.domain.filters import PeopleFilter
from crm.domain.hits import Hit, HitClass, HitKind
from crm.mail.port import OutgoingMessage
from crm.services import hits
from crm.services.personal import personal_data
from crm.services.verify import differences, repair
from crm.store import Store, schema
from crm.store.cost import metered
from crm.store.expressions import absent
from crm.store.keys import stamp
from crm.store.outcomes import email_changes, outcome
from crm.store.requests import Put
from crm.store.stats import Counter
from tests.conftest import Clock
from tests.factories import NOW, make_campaign
from tests.jobs.mailing import ToldMailer, accepted, crowd, drive, make_work
from tests.mailings import keep_emails, make_email

LATER = NOW + timedelta(minutes=5)
ROW = f"04T09#{'c' * 32}"


@pytest.fixture
def email(store: Store, clock: Clock) -> Email:
    store.table.clock = clock
    return mailed(store)


def mailed(store: Store, **values: Any) -> Email:
    """An e-mail that was sent, of a campaign that exists."""
    store.campaigns.create(make_campaign(id="c" * 32))
    email = make_email(**{"sent_at": NOW, **values})
    keep_emails(store, [email])
    return email


def record(store: Store, email: Email, **values: Any) -> bool:
    given = {"kind": HitKind.OPEN, "hit_class": HitClass.PERSON, "at": LATER, "now": values.get("at", LATER)}
    return hits.record(store, email.id, **{**given, **values})


def row(store: Store, what: str, key: str) -> dict[str, int | str]:
    counted = store.stats.snapshot(keys=[(what, key)]).rows(what).get(key, {})
    return {name: number for name, number in counted.items() if number}


def hours(store: Store) -> dict[str, int | str]:
    return row(store, "HITS#2026-05", ROW)


def link(store: Store, number: int) -> dict[str, int | str]:
    return row(store, f"CAMPAIGN#{'c' * 32}", f"LINK#{number}")


def test_the_first_open_of_a_person_is_kept_with_its_time_and_counted(store: Store, email: Email) -> None:
    assert record(store, email)

    seen = store.emails.get(email.id)
    assert (seen.opened_at, seen.opened_any_at, seen.clicked_at) == (LATER, LATER, None)
    assert store.campaigns.figures(email.campaign_id).opened == 1
    assert hours(store) == {"open_person": 1}
    assert differences(store) == []


def test_a_click_of_a_person_is_an_open_as_well(store: Store, email: Email) -> None:
    record(store, email, kind=HitKind.CLICK, link=3)

    seen = store.emails.get(email.id)
    figures = store.campaigns.figures(email.campaign_id)
    assert (seen.opened_at, seen.clicked_at, seen.opened_any_at, seen.clicked_any_at) == (LATER, LATER, LATER, LATER)
    assert (figures.opened, figures.clicked, figures.opened_any, figures.clicked_any) == (1, 1, 1, 1)
    assert (hours(store), link(store, 3)) == ({"click_person": 1}, {"persons": 1, "any": 1})
    assert differences(store) == []


@pytest.mark.parametrize("hit_class", [HitClass.SCANNER, HitClass.PREFETCH])
def test_what_no_person_did_does_not_count_as_one(store: Store, email: Email, hit_class: HitClass) -> None:
    record(store, email, hit_class=hit_class)
    record(store, email, kind=HitKind.CLICK, hit_class=hit_class, link=0)

    figures = store.campaigns.figures(email.campaign_id)
    assert (figures.opened, figures.clicked, figures.opened_any, figures.clicked_any) == (0, 0, 1, 1)
    assert link(store, 0) == {"any": 1}
    assert differences(store) == []


def test_opening_again_and_again_counts_once_and_fills_no_table(store: Store, email: Email) -> None:
    for minute in range(40):
        record(store, email, at=LATER + timedelta(minutes=minute), kind=HitKind.CLICK, link=minute % 2)

    assert len(store.hits.of(email.id)) == 30
    assert (hours(store), link(store, 0)) == ({"click_person": 1}, {"persons": 1, "any": 1})
    assert store.emails.get(email.id).clicked_at == LATER
    assert differences(store) == []


def test_a_scanner_that_follows_everything_leaves_room_for_the_person(store: Store, email: Email) -> None:
    for number in range(35):
        record(store, email, kind=HitKind.CLICK, hit_class=HitClass.SCANNER, link=number)

    record(store, email, kind=HitKind.CLICK, link=34)

    assert store.campaigns.figures(email.campaign_id).clicked == 1
    assert link(store, 34) == {"persons": 1, "any": 1}
    assert differences(store) == []


def test_an_uncertain_email_that_is_opened_was_sent(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    email = mailed(store, status=EmailState.UNCERTAIN, sent_at=None, uncertain_at=NOW, error="lost")

    record(store, email, hit_class=HitClass.SCANNER)

    seen = store.emails.get(email.id)
    assert (seen.status, seen.sent_at, seen.uncertain_at, seen.error) == (EmailState.SENT, NOW, None, "")
    figures = store.campaigns.figures(email.campaign_id)
    assert (figures.sent, figures.uncertain, figures.opened, figures.opened_any) == (1, 0, 0, 1)
    assert differences(store) == []


def test_an_email_that_is_still_in_hand_stays_queued(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    email = mailed(store, status=EmailState.QUEUED, sent_at=None)

    record(store, email)

    assert store.emails.get(email.id).status is EmailState.QUEUED
    assert store.campaigns.figures(email.campaign_id).opened == 1


def test_there_is_nothing_to_record_of_an_unknown_email(store: Store) -> None:
    assert not record(store, make_email())
    assert list(store.table.scan()) == []


# --- judged by what comes together --------------------------------------------------------------------------------------


def follow(store: Store, email: Email, number: int, seconds: float, **values: Any) -> None:
    at = LATER + timedelta(seconds=seconds)
    record(store, email, **{"kind": HitKind.CLICK, "link": number, "at": at, "judge": True, **values})


def test_who_follows_several_links_at_once_was_no_person_and_what_was_counted_is_taken_back(store: Store, email: Email) -> None:
    for number in range(4):
        follow(store, email, number, number * 0.5)

    seen = store.emails.get(email.id)
    figures = store.campaigns.figures(email.campaign_id)
    assert (seen.opened_at, seen.clicked_at, seen.opened_any_at, seen.clicked_any_at) == (None, None, None, LATER)
    assert (figures.opened, figures.clicked, figures.opened_any, figures.clicked_any) == (0, 0, 0, 1)
    assert (hours(store), link(store, 0)) == ({"click_scanner": 1}, {"any": 1})
    assert {hit.hit_class for hit in store.hits.of(email.id)} == {HitClass.SCANNER}
    assert differences(store) == []


def test_a_person_who_comes_after_the_scanner_counts(store: Store, email: Email) -> None:
    for number in range(3):
        follow(store, email, number, 0)

    follow(store, email, 1, 600)

    assert store.emails.get(email.id).clicked_at == LATER + timedelta(seconds=600)
    assert (hours(store), link(store, 1)) == ({"click_scanner": 1, "click_person": 1}, {"persons": 1, "any": 1})
    assert differences(store) == []


def test_what_a_person_did_before_stays_when_a_scanner_comes(store: Store, email: Email) -> None:
    record(store, email, at=LATER - timedelta(minutes=1), judge=True)
    follow(store, email, 0, -30)

    follow(store, email, 1, 0)
    follow(store, email, 2, 0)

    seen = store.emails.get(email.id)
    assert (seen.opened_at, seen.clicked_at) == (LATER - timedelta(minutes=1), LATER - timedelta(seconds=30))
    assert differences(store) == []


@pytest.mark.parametrize(("kind", "seconds"), [(HitKind.OPEN, 1), (HitKind.CLICK, 4)])
def test_what_comes_with_the_handing_over_was_no_person(store: Store, email: Email, kind: HitKind, seconds: int) -> None:
    record(store, email, kind=kind, at=NOW + timedelta(seconds=seconds), judge=True)

    assert store.emails.get(email.id).opened_at is None
    assert [hit.hit_class for hit in store.hits.of(email.id)] == [HitClass.SCANNER]


def test_what_is_told_late_sets_the_time_back_and_counts_no_second_time(store: Store, email: Email) -> None:
    record(store, email, at=LATER)
    record(store, email, at=NOW + timedelta(minutes=1))

    assert store.emails.get(email.id).opened_at == NOW + timedelta(minutes=1)
    assert store.campaigns.figures(email.campaign_id).opened == 1
    assert differences(store) == []


@pytest.mark.parametrize("at", [NOW - timedelta(days=900), NOW + timedelta(days=900)])
def test_a_time_that_can_not_be_is_brought_into_bounds(store: Store, email: Email, at: datetime) -> None:
    record(store, email, at=at, now=LATER)

    assert NOW <= (store.emails.get(email.id).opened_at or at) <= LATER


# --- at the same moment -------------------------------------------------------------------------------------------------


def test_many_at_the_same_moment_count_once(store: Store, email: Email) -> None:
    def come(number: int) -> None:
        kind = HitKind.CLICK if number % 2 else HitKind.OPEN
        record(store, email, kind=kind, link=number % 4 if number % 2 else None, at=LATER + timedelta(milliseconds=number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(come, range(16)))

    figures = store.campaigns.figures(email.campaign_id)
    assert (figures.opened, figures.clicked) == (1, 1)
    assert (hours(store), link(store, 1)) == ({"open_person": 1, "click_person": 1}, {"persons": 1, "any": 1})
    assert differences(store) == []


def test_a_lane_that_writes_its_outcome_meanwhile_takes_nothing_away(store: Store, clock: Clock, monkeypatch: Any) -> None:
    store.table.clock = clock
    queued = mailed(store, status=EmailState.QUEUED, sent_at=None)
    sent = replace(queued, status=EmailState.SENT, sent_at=NOW)
    plain = store.hits.of

    def slow(email_id: str) -> list[Hit]:
        monkeypatch.setattr(store.hits, "of", plain)
        store.table.write([outcome(queued, sent), *store.stats.delta(email_changes([(queued, sent)]), now=NOW)])
        return plain(email_id)

    monkeypatch.setattr(store.hits, "of", slow)
    record(store, queued)

    seen = store.emails.get(queued.id)
    assert (seen.status, seen.opened_at) == (EmailState.SENT, LATER)
    figures = store.campaigns.figures(queued.campaign_id)
    assert (figures.queued, figures.sent, figures.opened) == (0, 1, 1)


def test_opens_that_come_while_a_window_is_in_hand_stand_with_its_outcomes(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    crowd(store, 12)
    campaign, mailer = accepted(store, clock(), tracking=True), ToldMailer()

    def scanned(message: OutgoingMessage) -> None:
        for kind, number in ((HitKind.OPEN, None), (HitKind.CLICK, 0)):
            hits.record(
                store, message.email_id, kind=kind, hit_class=HitClass.PERSON, at=clock(), now=clock(), link=number, judge=True
            )

    mailer.before = scanned
    drive(make_work(store, mailer, clock))

    figures = store.campaigns.figures(campaign.id)
    assert (figures.sent, figures.opened, figures.opened_any, figures.clicked_any) == (12, 0, 12, 12)
    assert differences(store) == []


def test_what_is_written_with_a_hit_is_written_or_refused_with_it(store: Store, email: Email) -> None:
    marker = schema.keyed("seen", {"id": "e1", "provider": "ses", "eventId": "e1"})
    twice = Put(item=marker, expect=[absent()], error=Conflict("seen already"))
    record(store, email, also=[twice])

    with pytest.raises(Conflict, match="seen already"):
        record(store, email, at=LATER + timedelta(minutes=1), also=[twice])

    assert len(store.hits.of(email.id)) == 1


def test_what_is_handed_out_of_a_hit_is_what_happened_and_nothing_of_ours(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    (person,) = crowd(store, 1)
    email = mailed(store, user_id=person.id)
    record(store, email, kind=HitKind.CLICK, link=3)

    [held] = personal_data(store, person.id, actor="ada", now=LATER)["emails"]

    assert held["opensAndClicks"] == [{"at": stamp(LATER), "kind": "click", "class": "person", "link": 3}]
    assert held["linksFollowed"] == [3]


def test_tracking_makes_sending_no_dearer(store: Store, clock: Clock) -> None:
    costs = []
    for tracking in (False, True):
        crowd(store, 60, company=f"Company {tracking}")
        store.stats.fold_all()
        with metered() as cost:
            wanted = PeopleFilter(company=(f"Company {tracking}",))
            accepted(store, clock(), tracking=tracking, wanted=wanted, body="[x](https://a.example/)")
            drive(make_work(store, ToldMailer(), clock))
        costs.append(cost.write_units)

    assert costs[1] <= costs[0] * 1.02


# --- recounted ----------------------------------------------------------------------------------------------------------


def test_what_is_counted_wrongly_is_found_and_mended(store: Store, email: Email) -> None:
    record(store, email, kind=HitKind.CLICK, link=2)
    wrong = {
        Counter("HITS#2026-05", ROW, "click_person"): 4,
        Counter(f"CAMPAIGN#{email.campaign_id}", "LINK#2", "persons"): 1,
    }
    store.table.write(store.stats.delta(wrong, now=NOW))

    found = differences(store)
    repair(store)

    assert [difference.subject for difference in found] == [
        f"STATS#CAMPAIGN#{email.campaign_id} | LINK#2",
        f"STATS#HITS#2026-05 | {ROW}",
    ]
    assert link(store, 2) == {"persons": 1, "any": 1}
    assert differences(store) == []


def test_what_has_expired_is_not_missed(store: Store, clock: Clock, email: Email) -> None:
    record(store, email)
    record(store, email, kind=HitKind.CLICK, link=2)
    store.stats.fold_all()

    clock.pass_(days=399, hours=23)
    assert differences(store) == []
    clock.pass_(days=2)

    assert store.hits.of(email.id) == []
    assert differences(store) == []


def test_an_open_and_a_click_cost_little(store: Store, email: Email) -> None:
    with metered() as opening:
        record(store, email)
    with metered() as again:
        record(store, email, at=LATER + timedelta(minutes=1))
    with metered() as clicking:
        record(store, email, kind=HitKind.CLICK, link=1)

    assert opening.write_units <= 8
    assert again.write_units <= 1
    assert clicking.write_units <= 8
    assert opening.requests == clicking.requests == 3
