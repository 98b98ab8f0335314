"""Keys can be changed while people work, and none has a default where others can connect."""

import runpy
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from crm import wiring
from crm.domain.errors import BadToken
from crm.domain.filters import PeopleFilter
from crm.domain.links import Links
from crm.domain.people import EmailStatus
from crm.services import suppression_list
from crm.staff import SCOPES, create_token
from crm.store import Store
from crm.store.table import Table
from crm.web.presence import sessions_of
from tests.conftest import LINK_KEYS
from tests.engine import Engine
from tests.factories import make_person

NOW = datetime(2026, 5, 4, tzinfo=UTC)
SETTINGS = Path(__file__).resolve().parents[1] / "crmsite" / "settings.py"
SITE = {
    "DEBUG": "0",
    "SECRET_KEY": "first-0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ, second-123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ",
    "LINK_KEY": "present-link-0123456789,former-link-0123456789",
    "ALLOWED_HOSTS": "crm.example",
    "PUBLIC_URL": "https://crm.example",
    "DEFAULT_FROM_EMAIL": "crm@crm.example",
    "EMAIL_URL": "smtp+tls://mail.crm.example",
    "DATABASE_URL": "sqlite://:memory:",
}


def settings_of(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    """The settings that an environment makes."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(SETTINGS))


# --- no secret without its being set


@pytest.mark.parametrize("name", ["SECRET_KEY", "LINK_KEY", "ALLOWED_HOSTS"])
@pytest.mark.parametrize("value", ["", " , "])
def test_a_secret_that_is_not_set_stops_the_start_and_says_so(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{name} is not set: set it to .*, or set DEBUG=1"):
        settings_of(monkeypatch, **{**SITE, name: value})


def test_what_stands_in_for_secrets_with_debug_stands_nowhere_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = settings_of(monkeypatch, DEBUG="1", SECRET_KEY="", LINK_KEY="", ALLOWED_HOSTS="", DEMO_PASSWORD="demo")
    real = settings_of(monkeypatch, **SITE, DEMO_PASSWORD="demo")

    assert "insecure" in tried["SECRET_KEY"]
    assert tried["DEMO_PASSWORD"] == "demo"
    assert "insecure" not in str([value for name, value in real.items() if name.isupper()])
    assert real["DEMO_PASSWORD"] == ""
    assert real["SECRET_KEY"].startswith("first-")
    assert [key[:6] for key in real["SECRET_KEY_FALLBACKS"]] == ["second"]
    assert real["LINK_KEYS"] == ["present-link-0123456789", "former-link-0123456789"]


def test_cookies_and_addresses_are_for_https_unless_it_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    real = settings_of(monkeypatch, **SITE)
    plain = settings_of(monkeypatch, **SITE, HTTPS="0")

    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS")
    assert all(real[name] for name in names)
    assert not any(plain[name] for name in names)


def test_the_checks_of_a_real_site_find_nothing_and_find_a_weak_one(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings_of(monkeypatch, **SITE).items():
        if name.isupper() and name.startswith(
            ("SECURE_", "SESSION_", "CSRF_", "SECRET_", "LINK_", "PUBLIC_", "ALLOWED_", "DEFAULT_F")
        ):
            setattr(settings, name, value)
    settings.EMAIL_URL, settings.DEBUG = SITE["EMAIL_URL"], False
    monkeypatch.delenv("DJANGO_ALLOW_ASYNC_UNSAFE", raising=False)  # of the tests in a browser, in the same process

    call_command("check", deploy=True, fail_level="WARNING")

    settings.SECRET_KEY_FALLBACKS = ["short"]
    with pytest.raises(Exception, match=r"security\.W025"):
        call_command("check", deploy=True, fail_level="WARNING")


# --- SECRET_KEY


def test_who_is_signed_in_stays_so_when_the_key_is_changed(settings: Settings, sign_in: Callable[[str], Client]) -> None:
    calm, away = sign_in("Viewer"), sign_in("Viewer")
    former = settings.SECRET_KEY

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key for tests", [former]
    with_both = calm.get("/people/").status_code
    settings.SECRET_KEY_FALLBACKS = []

    assert with_both == 200
    assert calm.get("/people/").status_code == 200
    assert away.get("/people/").status_code == 302


def test_the_list_of_ones_sessions_ends_none_of_them_when_the_key_is_changed(settings: Settings, site: Store, db: None) -> None:
    user = User.objects.create_user("ada", password="a password for tests")
    laptop, phone, desk = Client(), Client(), Client()
    for browser in (laptop, phone):
        browser.post("/accounts/login/", {"login": "ada", "password": "a password for tests"})

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key for tests", [settings.SECRET_KEY]
    desk.post("/accounts/login/", {"login": "ada", "password": "a password for tests"})
    shown = [browser.get("/settings/").status_code for browser in (desk, laptop, phone)]

    assert shown == [200, 200, 200]
    assert len(sessions_of(user)) == Session.objects.count() == 3


def test_page_links_and_repeats_of_the_former_key_are_good_until_it_is_taken_away(
    settings: Settings, engine: Engine, store: Store, db: None, sign_in: Callable[[str], Client]
) -> None:
    settings.DYNAMODB_ENDPOINT_URL, settings.CRM_TABLE, settings.AWS_REGION = engine.url, store.table.name, "eu-west-1"
    former, body = settings.SECRET_KEY, {"firstName": "Ada", "lastName": "King", "email": "ada@x.example"}
    user = sign_in("Admin").get("/").wsgi_request.user
    headers = {"Authorization": f"Bearer {create_token(user, SCOPES, 'test')[1]}", "Idempotency-Key": "one"}

    def asked() -> tuple[Store, int]:
        site = wiring.open_store()
        wiring.set_store(site)
        return site, Client().post("/api/users", body, content_type="application/json", headers=headers).status_code

    try:
        old, made = asked()
        old.people.create_many([make_person() for _ in range(3)])
        token = old.people.page(PeopleFilter(), limit=2).next_token
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key for tests", [former]
        both, again = asked()
        behind = both.people.page(PeopleFilter(), limit=2, token=token).items
        settings.SECRET_KEY_FALLBACKS = []
        new, refused = asked()
    finally:
        wiring.set_store(None)

    assert (made, again, refused) == (201, 201, 422)
    assert len(behind) == 2
    assert both.people.count(PeopleFilter()) == 4
    with pytest.raises(BadToken):
        new.people.page(PeopleFilter(), limit=2, token=token)


# --- LINK_KEY


def test_old_letters_unsubscribe_and_old_suppressions_hold_under_a_new_link_key(
    settings: Settings, site: Store, table: Table, db: None
) -> None:
    link = f"/u/{Links(LINK_KEYS, '').unsubscribe_token('0' * 32, '1' * 32)}/"
    suppression_list.put_on(site, "gone@x.example", EmailStatus.UNSUBSCRIBED, actor="ada", now=NOW)

    def under(*keys: str) -> tuple[int, EmailStatus]:
        settings.LINK_KEYS = list(keys)
        wiring.get_links.cache_clear()
        store = Store(table, hashes=wiring.get_links().suppression_hashes, page_key=b"any")
        return Client().get(link).status_code, store.suppressions.lookup("gone@x.example")

    try:
        both, new = under("a new link key for tests", *LINK_KEYS), under("a new link key for tests")
    finally:
        wiring.get_links.cache_clear()

    assert both == (200, EmailStatus.UNSUBSCRIBED)
    assert new == (400, EmailStatus.MAILABLE)
