"""Suppression: by hash, under every key that ever signed."""

import pytest

from crm.domain.links import Links
from crm.domain.people import EmailStatus
from crm.store import Store
from crm.store.suppression import Suppression, SuppressionRepository
from crm.store.table import ConditionFailed, Table
from tests.conftest import Clock


def test_an_address_is_found_however_it_is_typed(store: Store, clock: Clock) -> None:
    store.table.write(store.suppressions.actions("Ada@Example.org", EmailStatus.UNSUBSCRIBED, now=clock(), source="link"))

    found = store.suppressions.lookup_many([" ada@example.ORG", "grace@example.org"])

    assert found == {" ada@example.ORG": EmailStatus.UNSUBSCRIBED, "grace@example.org": EmailStatus.MAILABLE}


def test_a_new_key_forgets_nobody(table: Table, clock: Clock) -> None:
    old = SuppressionRepository(table, Links(["old key"], "http://x").suppression_hashes)
    new = SuppressionRepository(table, Links(["new key", "old key"], "http://x").suppression_hashes)
    table.write(old.actions("ada@example.org", EmailStatus.COMPLAINED, now=clock(), source="test"))

    assert new.lookup("ada@example.org") is EmailStatus.COMPLAINED


def test_what_two_keys_remember_for_two_reasons_is_forgotten_at_once(table: Table, clock: Clock) -> None:
    old = SuppressionRepository(table, Links(["old key"], "http://x").suppression_hashes)
    new = SuppressionRepository(table, Links(["new key", "old key"], "http://x").suppression_hashes)
    table.write(old.actions("ada@example.org", EmailStatus.BOUNCED, now=clock(), source="bounce"))
    table.write(new.actions("ada@example.org", EmailStatus.COMPLAINED, now=clock(), source="complaint"))

    table.write(new.lifting("ada@example.org", Suppression(status=EmailStatus.COMPLAINED, source="", created_at=clock())))

    assert new.lookup("ada@example.org") is EmailStatus.MAILABLE


def test_what_holds_for_another_reason_than_the_shown_one_is_not_forgotten(table: Table, clock: Clock) -> None:
    old = SuppressionRepository(table, Links(["old key"], "http://x").suppression_hashes)
    new = SuppressionRepository(table, Links(["new key", "old key"], "http://x").suppression_hashes)
    table.write(old.actions("ada@example.org", EmailStatus.BOUNCED, now=clock(), source="bounce"))
    table.write(new.actions("ada@example.org", EmailStatus.COMPLAINED, now=clock(), source="complaint"))

    with pytest.raises(ConditionFailed):
        table.write(new.lifting("ada@example.org", Suppression(status=EmailStatus.BOUNCED, source="", created_at=clock())))

    assert new.lookup("ada@example.org") is EmailStatus.COMPLAINED


def test_the_table_does_not_hold_the_address(store: Store, clock: Clock) -> None:
    store.table.write(store.suppressions.actions("ada@example.org", EmailStatus.BOUNCED, now=clock(), source="test"))

    (item,) = store.table.scan()

    assert "ada" not in str(item)
