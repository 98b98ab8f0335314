"""Staff look an address up, put it on the suppression list and take it off; people, counts and log follow in one step."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from crm.domain.errors import Conflict, RuleViolation
from crm.domain.log import LogKind
from crm.domain.people import EmailStatus
from crm.services.suppression_list import Why, look_up, put_on, take_off
from crm.services.verify import differences
from crm.store import Store
from tests.factories import NOW, make_person

ADDRESS = "ada@example.org"


def test_an_address_that_nobody_has_is_remembered_for_whoever_gets_it_later(store: Store) -> None:
    put_on(store, ADDRESS, EmailStatus.UNSUBSCRIBED, actor="ingrid", now=NOW)

    person = store.people.create(make_person(email=ADDRESS))

    assert store.people.get(person.id).email_status is EmailStatus.UNSUBSCRIBED
    assert list(differences(store)) == []


def test_who_has_the_address_is_taken_off_and_comes_back(store: Store) -> None:
    person = store.people.create(make_person(email=ADDRESS))

    put_on(store, " Ada@Example.org ", EmailStatus.BOUNCED, actor="ingrid", now=NOW)
    off = store.people.get(person.id).email_status
    found = take_off(store, ADDRESS, EmailStatus.BOUNCED, NOW, Why.WORKS_AGAIN, actor="jonas", now=NOW + timedelta(minutes=1))

    assert off is EmailStatus.BOUNCED
    assert found.person is not None
    assert found.person.mailable
    assert found.suppression is None
    log = [entry for entry in store.log.of(person.id) if entry.kind is LogKind.STATUS]
    assert {(entry.actor, entry.changes["emailStatus"]) for entry in log} == {
        ("ingrid", ("mailable", "bounced")),
        ("jonas", ("bounced", "mailable")),
    }
    assert store.people.totals().by_email_status[EmailStatus.MAILABLE] == 1
    assert list(differences(store)) == []


def test_a_weaker_reason_does_not_replace_a_stronger_one(store: Store) -> None:
    put_on(store, ADDRESS, EmailStatus.COMPLAINED, actor="ingrid", now=NOW)

    found = put_on(store, ADDRESS, EmailStatus.BOUNCED, actor="ingrid", now=NOW)

    assert found.suppression is not None
    assert found.suppression.status is EmailStatus.COMPLAINED


def test_it_is_not_taken_off_for_a_reason_that_no_longer_holds(store: Store) -> None:
    put_on(store, ADDRESS, EmailStatus.BOUNCED, actor="ingrid", now=NOW)
    put_on(store, ADDRESS, EmailStatus.COMPLAINED, actor="ingrid", now=NOW)

    with pytest.raises(Conflict, match="another reason"):
        take_off(store, ADDRESS, EmailStatus.BOUNCED, NOW, Why.WORKS_AGAIN, actor="ingrid", now=NOW)

    assert store.suppressions.lookup(ADDRESS) is EmailStatus.COMPLAINED


def test_who_is_on_the_list_once_more_is_not_taken_off_by_what_was_shown_before(store: Store) -> None:
    put_on(store, ADDRESS, EmailStatus.UNSUBSCRIBED, actor="ingrid", now=NOW)
    take_off(store, ADDRESS, EmailStatus.UNSUBSCRIBED, NOW, Why.ASKED, actor="ingrid", now=NOW)
    put_on(store, ADDRESS, EmailStatus.UNSUBSCRIBED, actor="ingrid", now=NOW + timedelta(days=1))

    with pytest.raises(Conflict, match="once more"):
        take_off(store, ADDRESS, EmailStatus.UNSUBSCRIBED, NOW, Why.ASKED, actor="ingrid", now=NOW + timedelta(days=2))

    assert store.suppressions.lookup(ADDRESS) is EmailStatus.UNSUBSCRIBED


def test_each_step_stands_in_the_audit_log_without_the_address(store: Store) -> None:
    person = store.people.create(make_person(email=ADDRESS))

    put_on(store, ADDRESS, EmailStatus.BOUNCED, actor="ingrid", now=NOW)
    put_on(store, ADDRESS, EmailStatus.BOUNCED, actor="ingrid", now=NOW)
    take_off(store, ADDRESS, EmailStatus.BOUNCED, NOW, Why.MISTAKE, actor="ingrid", now=NOW)
    take_off(store, ADDRESS, EmailStatus.BOUNCED, NOW, Why.MISTAKE, actor="ingrid", now=NOW)

    entries = sorted((entry.action, dict(entry.facts)) for entry in store.audit.of_month(f"{NOW:%Y-%m}"))
    assert entries == [
        ("suppression.added", {"status": "bounced", "person": person.id}),
        ("suppression.removed", {"status": "bounced", "why": "mistake", "person": person.id}),
    ]


def test_many_at_once_put_it_on_once(store: Store) -> None:
    person = store.people.create(make_person(email=ADDRESS))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: put_on(store, ADDRESS, EmailStatus.UNSUBSCRIBED, actor="ingrid", now=NOW), range(8)))

    assert len([entry for entry in store.log.of(person.id) if entry.kind is LogKind.STATUS]) == 1
    assert list(differences(store)) == []


def test_someone_who_gets_the_address_while_it_is_taken_off_is_mailable(store: Store) -> None:
    put_on(store, ADDRESS, EmailStatus.UNSUBSCRIBED, actor="ingrid", now=NOW)

    with ThreadPoolExecutor(2) as pool:
        lifted = pool.submit(take_off, store, ADDRESS, EmailStatus.UNSUBSCRIBED, NOW, Why.ASKED, actor="ingrid", now=NOW)
        added = pool.submit(store.people.create, make_person(email=ADDRESS))
        lifted.result()

    assert store.people.get(added.result().id).mailable
    assert list(differences(store)) == []


@pytest.mark.parametrize("typed", ["", "   ", "ada", "ada@example.org, bob@example.org", "Ada <ada@example.org>"])
def test_what_is_no_address_is_refused_with_words(store: Store, typed: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        look_up(store, typed)

    assert refused.value.field == "address"
