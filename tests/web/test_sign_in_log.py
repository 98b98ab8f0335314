"""Who signed in, out, or failed to, as the audit log has it; and that nobody is kept out where it can't be written."""

from collections.abc import Iterator
from time import monotonic

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from crm.domain.errors import StoreUnavailable
from crm.store import Store
from crm.store.table import Table

SIGN_IN, PASSWORD = "/accounts/login/", "a password for tests"


@pytest.fixture
def ingrid(db: None) -> Iterator[User]:
    cache.clear()
    yield User.objects.create_user("ingrid", email="ingrid@example.org", password=PASSWORD)
    cache.clear()


def noted(site: Store) -> list[tuple[str, str, str, str]]:
    """What the log has about signing in, in the order of the alphabet."""
    entries = site.audit.of_month(f"{timezone.now():%Y-%m}")
    return sorted((entry.action, entry.actor, entry.subject, entry.origin.via) for entry in entries)


def test_signing_in_and_out_is_noted(site: Store, ingrid: User) -> None:
    client = Client()

    client.post(SIGN_IN, {"login": "ingrid", "password": PASSWORD})
    client.post("/accounts/logout/")

    about = f"staff:{ingrid.pk}"
    assert noted(site) == [("staff.signed_in", "ingrid", about, "page"), ("staff.signed_out", "ingrid", about, "page")]


@pytest.mark.parametrize("login", ["ingrid", "INGRID", "Ingrid@example.org"])
def test_a_failure_is_noted_as_nobodys(site: Store, ingrid: User, login: str) -> None:
    Client().post(SIGN_IN, {"login": login, "password": "wrong"})

    assert ("staff.sign_in_failed", "", f"staff:{ingrid.pk}", "page") in noted(site)


def test_what_is_no_account_is_not_noted(site: Store, ingrid: User) -> None:
    Client().post(SIGN_IN, {"login": "a password typed into the wrong field", "password": "wrong"})

    assert noted(site) == []


def test_a_table_that_is_away_keeps_nobody_out_and_is_not_waited_for_twice(
    site: Store, ingrid: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []

    def away(self: Table, actions: object) -> None:
        tries.append(monotonic())
        raise StoreUnavailable("away")

    monkeypatch.setattr(Table, "write", away)

    answers = [Client().post(SIGN_IN, {"login": "ingrid", "password": PASSWORD}).status_code for _ in range(3)]

    assert answers == [302, 302, 302]
    assert len(tries) == 1
