"""Taking people off by the link of an e-mail, also when addresses have moved since."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from crm.domain.people import EmailStatus, Person
from crm.services import people
from crm.services.unsubscribe import unsubscribe
from crm.services.verify import differences
from crm.store import Store
from crm.store.people import status_change
from tests.factories import NOW, make_person, make_profile
from tests.mailings import keep_emails, make_email


def test_two_spellings_of_one_accent_are_one_address(store: Store) -> None:
    composed, apart = "jos\u00e9@example.org", "jose\u0301@example.org"
    person = store.people.create(make_person(email=composed))
    email = make_email(user_id=person.id, email=apart)
    keep_emails(store, [email])

    after = unsubscribe(store, email.id, person.id, now=NOW)

    assert after.status is EmailStatus.UNSUBSCRIBED
    assert store.people.get(person.id).email_status is EmailStatus.UNSUBSCRIBED
    assert [difference for difference in differences(store) if difference.kind == "person"] == []


def test_whoever_has_the_address_by_now_is_taken_off_with_the_one_that_was_mailed_there(store: Store) -> None:
    moved = store.people.create(make_person(email="a@example.org"))
    email = make_email(user_id=moved.id, email="a@example.org")
    keep_emails(store, [email])
    people.edit(store, moved.id, replace(moved.profile, email="b@example.org"), version=moved.version, now=NOW)
    heir = people.add(store, make_profile(email="A@example.org"), now=NOW)

    unsubscribe(store, email.id, moved.id, now=NOW)

    assert {store.people.get(one.id).email_status for one in (moved, heir)} == {EmailStatus.UNSUBSCRIBED}
    assert [difference for difference in differences(store) if difference.kind == "person"] == []


def test_who_gets_the_address_at_the_same_moment_is_taken_off_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    email = make_email(email="a@example.org")
    keep_emails(store, [email])
    heir = make_person(email="a@example.org")
    find = store.people.find_by_emails

    def found(addresses: Sequence[str]) -> dict[str, Person]:
        owners = find(addresses)
        monkeypatch.undo()
        store.people.create(heir)
        return owners

    monkeypatch.setattr(store.people, "find_by_emails", found)

    unsubscribe(store, email.id, email.user_id, now=NOW)

    assert store.people.get(heir.id).email_status is EmailStatus.UNSUBSCRIBED


def test_unsubscribing_does_not_weaken_a_known_reason_of_the_address(store: Store) -> None:
    store.table.write(store.suppressions.actions("b@example.org", EmailStatus.COMPLAINED, now=NOW, source="test"))
    person = store.people.create(make_person(email="b@example.org"))
    lagging, changes = status_change(person, EmailStatus.MAILABLE, now=NOW)
    store.table.write([lagging, *store.stats.delta(changes, now=NOW)])

    unsubscribe(store, "nothing", person.id, now=NOW)

    assert store.people.get(person.id).email_status is EmailStatus.COMPLAINED
    assert differences(store) == []
