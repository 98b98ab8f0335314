"""Opens and clicks: whose they are, what they count as, and that counters hold whatever comes at the same moment."""

from datetime import timedelta
from typing import Any

import pytest

from crm.domain.emails import Email, EmailState
from crm.domain.hits import HitClass, HitKind
from crm.services import hits
from crm.services.verify import differences
from crm.store import Store
from tests.conftest import Clock
from tests.factories import NOW, make_campaign
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
