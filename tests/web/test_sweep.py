"""One sweep over every address there is: who gets in, with what right, by which method, and what an unknown id gives."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.views.generic import RedirectView

from crm import staff
from crm.api import urls as api_urls
from crm.store import Store

# What the contract opens without sign-in; static files are served before any view.
OPEN = re.compile(r"^/(accounts/.*|healthz|readyz|u/[^/]+/?|o/[^/]+\.(gif|jpg|png|webp)|c/[^/]+/?|calendar/[^/]+\.ics|hooks/.*)$")
# Accounts pages that are about the person who is signed in.
OWN = {
    *("/accounts/password/change/", "/accounts/password/set/", "/accounts/reauthenticate/"),
    *("/accounts/2fa/", "/accounts/2fa/needed/", "/accounts/2fa/reauthenticate/", "/accounts/2fa/app/add/"),
    *("/accounts/2fa/app/remove/", "/accounts/2fa/codes/", "/accounts/2fa/codes/new/", "/accounts/passkeys/"),
    *("/accounts/passkeys/add/", "/accounts/passkeys/reauthenticate/", "/accounts/passkeys/999999/name/"),
    "/accounts/passkeys/999999/remove/",
}
# Not there without DEBUG, or without saying what to suggest.
SOMETIMES = {"/outbox/", "/people/suggest/"}
# Pages of their own for everybody who is signed in, whatever their role.
FOR_ALL_STAFF = {"/", "/docs", "/api/docs", "/settings/", "/settings/sessions/end/"}


@dataclass(frozen=True)
class Address:
    """One address with made-up values in it, and the view behind it."""

    path: str
    view: Callable[..., Any]

    @property
    def is_public(self) -> bool:
        return not getattr(self.view, "login_required", True)

    @property
    def leads_elsewhere(self) -> bool:
        return getattr(self.view, "view_class", None) is RedirectView

    @property
    def permission(self) -> str | None:
        return getattr(self.view, "needs_permission", None)


def _filled(route: str) -> str:
    """The route with a value for each of its variables."""
    route = re.sub(r"<int:\w+>", "999999", route)
    route = re.sub(r"<uuid:\w+>", "00000000-0000-4000-8000-000000000000", route)
    route = re.sub(r"<(?:\w+:)?\w+>", "0" * 32, route)
    route = re.sub(r"\(\?P<uidb36>[^)]*\)-\(\?P<key>[^)]*\)", "1-abc", route)
    return "/" + route.replace("^", "").replace("$", "").replace("\\", "")


def _addresses(resolver: URLResolver, before: str = "") -> Iterator[Address]:
    """All addresses but the calls of the JSON API, which asks for tokens in its own way and has its own tests."""
    if not before:
        yield Address("/api/docs", api_urls.docs)
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield Address(_filled(route), pattern.callback)
        elif pattern.app_name != "api":
            yield from _addresses(pattern, route)


ADDRESSES = sorted(set(_addresses(get_resolver())), key=lambda address: address.path)
CLOSED = [address for address in ADDRESSES if not OPEN.match(address.path) or address.path in OWN]


def _id(address: Address) -> str:
    return address.path


@pytest.fixture
def stranger(site: Store, db: None) -> Client:
    """A browser in which nobody is signed in."""
    return Client()


@pytest.fixture
def nobody(site: Store, db: None) -> Client:
    """A browser in which somebody without any role is signed in."""
    client = Client()
    client.force_login(User.objects.create_user("nobody"))
    return client


def test_the_sweep_sees_the_addresses() -> None:
    paths = {address.path for address in ADDRESSES}

    assert {"/accounts/login/", "/healthz", "/settings/tokens/", "/settings/tokens/999999/revoke/"} <= paths


def test_only_what_the_contract_opens_is_open() -> None:
    opened = {address.path for address in ADDRESSES if address.is_public}

    assert {path for path in opened if not OPEN.match(path)} == set()
    assert not opened & OWN


@pytest.mark.parametrize("address", CLOSED, ids=_id)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_stranger_is_led_to_the_sign_in(stranger: Client, address: Address, method: str) -> None:
    response = stranger.generic(method, address.path)

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/login/?next=")


@pytest.mark.parametrize("address", [one for one in CLOSED if one.path not in OWN | FOR_ALL_STAFF], ids=_id)
def test_every_page_names_the_right_it_needs_and_keeps_others_out(nobody: Client, address: Address) -> None:
    assert address.permission, "a page for all staff must stand in FOR_ALL_STAFF"
    assert address.permission.removeprefix("crm.") in staff.PERMISSIONS

    answers = [nobody.generic(method, address.path) for method in ("GET", "POST")]

    assert {response.status_code for response in answers} <= {403, 405}
    assert any(b"Without a role you may not" in response.content for response in answers)


@pytest.mark.parametrize("address", [one for one in CLOSED if one.path not in OWN and not one.leads_elsewhere], ids=_id)
def test_a_method_that_a_page_does_not_know_is_405(sign_in: Callable[[str], Client], address: Address) -> None:
    response = sign_in("Admin").generic("DELETE", address.path)

    assert response.status_code == 405
    assert response.headers["Allow"]


@pytest.mark.parametrize("address", [one for one in CLOSED if "0" * 32 in one.path or "999999" in one.path], ids=_id)
def test_an_unknown_id_is_404_as_a_page_and_as_a_toast(sign_in: Callable[[str], Client], address: Address) -> None:
    client = sign_in("Admin")

    method = "GET" if client.get(address.path).status_code != 405 else "POST"
    page = client.generic(method, address.path)
    toast = client.generic(method, address.path, headers={"HX-Request": "true", "HX-Target": "main"})

    assert page.status_code == 404
    assert "<title>There is nothing here" in page.content.decode()
    assert toast.status_code == 404
    assert toast.headers["HX-Retarget"] == "#toasts"


@pytest.mark.parametrize(
    "address", [one for one in CLOSED if one.path not in OWN and not re.search("0{12}|9{6}", one.path)], ids=_id
)
def test_every_page_of_an_empty_community_opens_whole_or_is_for_sending_only(
    sign_in: Callable[[str], Client], address: Address
) -> None:
    response = sign_in("Admin").get(address.path)

    assert response.status_code in {200, 302, 400, 405} or address.path in SOMETIMES
    if response.status_code == 200 and response.headers["Content-Type"].startswith("text/html"):
        html = response.content.decode()
        assert html.lstrip().startswith("<!doctype html>")
        assert re.search(r"<title>[^<·]+ · ", html)
        assert html.count("<h1") == 1
        assert "'unsafe" not in response.headers["Content-Security-Policy"]
