"""Signing in with a passkey and with codes, in a real browser with an authenticator of its own, under the strict policy."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from crm import second_factor
from crm.second_factor import Who
from crm.store import Store
from tests.codes import code_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "sommerregen am see"
OVERVIEW, ADD = "/accounts/2fa/", "/accounts/passkeys/add/"
OpenPage = Callable[..., Page]


def opened(open_page: OpenPage, role: str = "Editor", **how: Any) -> tuple[Page, User]:
    """A page in which somebody with a password signs in by it."""
    page = open_page("/accounts/login/", role=role, **how)
    user = User.objects.latest("pk")
    user.set_password(PASSWORD)
    user.save()
    page.context.clear_cookies()
    return page, user


def sign_in(page: Page, user: User) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("User name or e-mail").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.goto("/settings/")
    page.locator("main").get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/accounts/login/")


def add_authenticator(page: Page) -> tuple[Any, str]:
    """Give the browser a device that keeps passkeys and asks nobody for a finger."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def add_passkey(page: Page, name: str) -> None:
    page.goto(ADD)
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add it").click()
    page.get_by_role("link", name="I have kept them").click()


def test_a_passkey_is_added_opens_without_the_password_and_is_removed(open_page: OpenPage) -> None:
    page, user = opened(open_page)
    add_authenticator(page)
    sign_in(page, user)

    add_passkey(page, "Blue key")
    expect(page.locator("main")).to_contain_text("Blue key")
    sign_out(page)
    page.goto("/accounts/login/?next=/people/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(re.compile(r":\d+/people/$"))
    page.goto(OVERVIEW)
    expect(page.locator("main")).to_contain_text("used just now")
    page.get_by_role("link", name="Rename Blue key").click()
    again(page)
    page.get_by_label("Name").fill("Red key")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Remove Red key").click()
    page.get_by_role("button", name="Remove it").click()

    expect(page.locator("main")).to_contain_text("None yet.")
    assert not Authenticator.objects.filter(user=user).exists()


def again(page: Page) -> None:
    """Say that it is still oneself, by the passkey."""
    page.get_by_role("link", name="Use a security key").click()
    page.get_by_role("button", name="Use a passkey").click()


def test_a_passkey_stands_beside_the_password_too(open_page: OpenPage) -> None:
    page, user = opened(open_page)
    add_authenticator(page)
    sign_in(page, user)
    add_passkey(page, "Blue key")
    sign_out(page)

    sign_in(page, user)
    page.wait_for_url("**/accounts/2fa/authenticate/**")
    page.get_by_role("button", name="Use a passkey").click()

    page.wait_for_url(lambda url: url.endswith("/"))
    expect(page.locator(".rail")).to_be_visible()


def test_a_passkey_that_is_no_longer_known_says_what_to_do(open_page: OpenPage) -> None:
    page, user = opened(open_page)
    add_authenticator(page)
    sign_in(page, user)
    add_passkey(page, "Blue key")
    sign_out(page)
    Authenticator.objects.all().delete()

    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page.locator("#toasts")).to_contain_text("sign in with your password")


def test_a_device_that_says_no_leaves_the_form_as_it_is(open_page: OpenPage) -> None:
    page, user = opened(open_page)
    session, authenticator = add_authenticator(page)
    sign_in(page, user)
    session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})

    page.goto(ADD)
    page.get_by_label("Name").fill("Blue key")
    page.get_by_role("button", name="Add it").click()

    expect(page.get_by_role("alert").first).to_contain_text("Nothing was chosen")
    expect(page.get_by_label("Name")).to_have_value("Blue key")
    assert not second_factor.has_one(user)


@pytest.mark.parametrize("scripts", [True, False])
def test_an_app_is_set_up_where_it_is_asked_for_and_its_code_opens(open_page: OpenPage, scripts: bool) -> None:
    page, user = opened(open_page, scripts=scripts)
    second_factor.ask(Who.EVERYBODY)

    sign_in(page, user)
    page.goto("/people/")
    page.get_by_role("link", name="An app that shows codes").click()
    page.get_by_text("It can’t be scanned?").click()
    secret = page.locator("code.secret").inner_text()
    page.get_by_label("The six digits that it shows").fill(code_of(secret))
    page.get_by_role("button", name="Set it up").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as a file").click()
    saved = download.value.path().read_text()
    page.get_by_role("link", name="I have kept them").click()
    sign_out(page)
    sign_in(page, user)
    page.get_by_label("Code").fill(code_of(secret, later=1))
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.goto("/people/")

    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("People"))
    assert len(re.findall(r"^\d{8}$", saved, re.MULTILINE)) == 10


@pytest.mark.parametrize("width", [1440, 390])
def test_the_pages_are_good_for_everybody(site: Store, open_page: OpenPage, width: int) -> None:
    page, user = opened(open_page, "Admin", width=width)
    add_authenticator(page)
    sign_in(page, user)
    add_passkey(page, "A key with a name that is as long as it may be, and no more")

    for address in (
        "/settings/",
        "/settings/staff/second-factor/",
        OVERVIEW,
        ADD,
        "/accounts/2fa/app/add/",
        "/accounts/2fa/codes/",
    ):
        page.goto(address)
        assert Axe().run(page).response["violations"] == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
