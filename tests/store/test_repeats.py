"""Answers to requests with an idempotency key."""

import pytest

from crm.domain.errors import Conflict
from crm.store import Store
from crm.store.repeats import RepeatRepository
from crm.store.table import Table
from tests.conftest import PAGE_KEY, Clock


@pytest.fixture
def repeats(store: Store, clock: Clock) -> RepeatRepository:
    """Over a table that expires by the clock of the test, and whose engine deletes nothing."""
    return RepeatRepository(Table(store.table.client, store.table.name, clock=clock), PAGE_KEY)


def test_of_twins_one_is_refused_until_the_answer_expires(store: Store, repeats: RepeatRepository, clock: Clock) -> None:
    store.table.write([repeats.action("token", "key", b"body", made={"user": "u1"}, now=clock())])
    clock.pass_(days=1, seconds=-1)

    with pytest.raises(Conflict):
        store.table.write([repeats.action("token", "key", b"body", made={"user": "u2"}, now=clock())])


def test_a_key_can_be_used_anew_when_its_answer_has_expired_but_is_not_deleted_yet(
    store: Store, repeats: RepeatRepository, clock: Clock
) -> None:
    store.table.write([repeats.action("token", "key", b"body", made={"user": "u1"}, now=clock())])
    clock.pass_(days=1)

    forgotten = repeats.find("token", "key", b"other body")
    store.table.write([repeats.action("token", "key", b"other body", made={"user": "u2"}, now=clock())])

    assert forgotten is None
    assert repeats.find("token", "key", b"other body").made == {"user": "u2"}  # type: ignore[union-attr]
