"""Where an action came from: what the audit log says of a page, a call and a command."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from crm.domain.audit import AuditEntry, Origin, coming_from
from crm.staff import SCOPES, create_token
from crm.store import Store
from tests.conftest import Clock
from tests.factories import make_person


def _entries(store: Store) -> list[AuditEntry]:
    return list(store.audit.of_month(f"{datetime.now(UTC):%Y-%m}"))


def test_a_page_leaves_the_address_it_was_asked_from(site: Store, sign_in: Callable[[str], Client]) -> None:
    client = sign_in("Admin")

    client.get("/people/export.csv", REMOTE_ADDR="203.0.113.7").getvalue()

    assert [entry.origin for entry in _entries(site)] == [Origin(via="page", address="203.0.113.7")]


def test_behind_a_proxy_it_is_the_address_that_the_proxy_saw(
    site: Store, sign_in: Callable[[str], Client], settings: Settings
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    client = sign_in("Admin")

    client.get("/people/export.csv", headers={"X-Forwarded-For": "10.9.9.9, 203.0.113.8"}).getvalue()

    assert [entry.origin.address for entry in _entries(site)] == ["203.0.113.8"]


@pytest.mark.django_db
def test_a_call_leaves_the_token_it_came_with(site: Store) -> None:
    user = User.objects.create_user("ada")
    user.groups.add(Group.objects.get(name="Admin"))
    token, secret = create_token(user, SCOPES, "Website")
    person = site.people.create(make_person())

    event = {
        "slug": "gala",
        "title": "Gala",
        "startAt": "2026-06-01T18:00:00Z",
        "endAt": "2026-06-01T20:00:00Z",
        "owner": person.id,
    }
    Client().post("/api/events", event, content_type="application/json", headers={"Authorization": f"Bearer {secret}"})

    assert [(entry.origin.via, entry.origin.token) for entry in _entries(site)] == [("api", token.pk)]


def test_what_is_said_within_a_block_ends_with_it(store: Store, clock: Clock) -> None:
    with coming_from(Origin(via="command")):
        inside = AuditEntry(id="1", at=clock(), actor="", action="people.exported")

    outside = AuditEntry(id="2", at=clock(), actor="", action="people.exported")

    assert (inside.origin.via, outside.origin.via) == ("command", "")
