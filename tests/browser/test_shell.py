"""What crm.js adds to the pages, in a real browser, under the strict policy."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from crm.store import Store
from tests.browser.server import Site
from tests.web import broken_pages

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.web.broken_pages")]


@pytest.fixture(autouse=True)
def _templates_of_the_tests(settings: Any) -> None:
    """Find the templates of the tests too."""
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"].append(Path(broken_pages.__file__).parent / "templates")
    settings.TEMPLATES = templates


@pytest.fixture
def site_in_browser(live_server: Any, browser: Browser) -> Iterator[Site]:
    """The site on a port of its own, and a way to open pages of it as somebody; every console error fails the test."""
    site = Site(live_server.url, browser)
    yield site
    site.close()
    assert site.complaints == []


@pytest.fixture
def page(site_in_browser: Site) -> Page:
    """A page in which an editor is signed in."""
    return site_in_browser.page("Editor")


def test_the_theme_is_kept_over_pages(page: Page) -> None:
    page.goto("/settings/")
    before = page.evaluate("document.documentElement.dataset.bsTheme")

    page.click("[data-theme-switch]")
    page.goto("/list/")

    assert page.evaluate("document.documentElement.dataset.bsTheme") != before
    assert page.get_attribute("[data-theme-switch]", "aria-pressed") == "true"


def test_slash_goes_to_the_search_but_not_while_typing(page: Page) -> None:
    page.goto("/list/")

    page.keyboard.press("/")
    page.keyboard.type("a/b")

    expect(page.locator("#q")).to_be_focused()
    expect(page.locator("#q")).to_have_value("a/b")


def test_shift_takes_a_range_and_the_head_takes_the_page(page: Page) -> None:
    page.goto("/list/")
    boxes = page.locator("tbody input")

    boxes.nth(1).click()
    boxes.nth(3).click(modifiers=["Shift"])

    expect(page.locator("[data-selected]")).to_have_text("3")
    expect(page.locator("[data-selection]")).to_be_visible()
    assert page.evaluate("document.querySelector('[data-select-page]').indeterminate")
    page.locator("[data-select-page]").click()
    expect(page.locator("[data-selected]")).to_have_text("5")
    expect(page.locator("tr.picked")).to_have_count(5)
    page.locator("[data-select-page]").click()
    expect(page.locator("[data-selection]")).to_be_hidden()


def test_an_open_filter_closes_by_a_click_elsewhere_and_by_escape(page: Page) -> None:
    page.goto("/list/")

    page.click("#one summary")
    page.click("#two summary")

    assert page.evaluate("[one.open, two.open]") == [False, True]
    page.keyboard.press("Escape")
    assert page.evaluate("[one.open, two.open]") == [False, False]
    expect(page.locator("#two summary")).to_be_focused()


def test_htmx_swaps_a_part(page: Page) -> None:
    page.goto("/list/")

    page.click("#part")

    expect(page.locator("#rows li")).to_have_count(3)


def test_an_error_becomes_a_toast_that_stays_until_closed(page: Page, site_in_browser: Site) -> None:
    page.goto("/list/")

    page.click("#fails")

    toast = page.locator("#toasts .toast-bad")
    expect(toast).to_contain_text("Somebody saved first.")
    toast.locator("[data-close]").click()
    expect(toast).to_have_count(0)
    assert len(site_in_browser.complaints) >= 1
    site_in_browser.complaints.clear()


def test_an_answer_that_brings_no_words_is_told_in_ours(page: Page, site_in_browser: Site, monkeypatch: Any) -> None:
    page.goto("/list/")
    page.route("**/fail/bug/", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))

    page.click("#breaks")

    expect(page.locator("#toasts")).to_contain_text("The server answered 502.")
    expect(page.locator("#rows")).not_to_contain_text("Bad gateway")
    page.unroute("**/fail/bug/")
    page.route("**/fail/bug/", lambda route: route.abort())
    page.click("#breaks")
    expect(page.locator("#toasts")).to_contain_text("No connection")
    site_in_browser.complaints.clear()


def test_a_double_click_sends_a_form_once(page: Page) -> None:
    broken_pages.COUNTED.clear()
    page.goto("/list/")

    page.dblclick("#counted button")
    page.wait_for_url("**/count/")

    assert broken_pages.COUNTED == ["/count/"]


def test_a_control_one_may_not_use_does_nothing(page: Page) -> None:
    broken_pages.COUNTED.clear()
    page.goto("/list/")

    page.locator("#locked").click(force=True)
    page.wait_for_timeout(300)

    assert broken_pages.COUNTED == []


def test_leaving_a_changed_form_asks_first(page: Page) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto("/list/")

    page.fill("#note", "half written")
    page.goto("/settings/")

    assert asked == ["beforeunload"]


def test_a_dialog_opens_and_closes_also_where_commands_are_unknown(page: Page) -> None:
    page.add_init_script(
        "for (const name of ['commandForElement', 'command'])"
        " if (name in HTMLButtonElement.prototype) delete HTMLButtonElement.prototype[name];"
        "addEventListener('command', (e) => { if (e.isTrusted) e.preventDefault(); }, true);"
    )
    page.goto("/list/")

    page.click("text=Delete …")
    expect(page.locator("#sure")).to_be_visible()
    page.click("text=Keep")

    expect(page.locator("#sure")).to_be_hidden()


def test_a_token_is_made_and_revoked_without_scripts(site: Store, site_in_browser: Site) -> None:
    page = site_in_browser.page("Editor", scripts=False)
    page.goto("/settings/tokens/")

    page.fill("[name=name]", "Website")
    page.check("[value='people:read']")
    page.click("text=Make the token")

    expect(page.locator(".secret")).to_contain_text("crm_")
    page.click("text=Revoke …")
    page.wait_for_url("**/revoke/")
    page.click("main .btn-danger")
    expect(page.locator("#toasts")).to_contain_text("Website opens nothing any more.")


@pytest.mark.parametrize("width", [1440, 390])
def test_no_page_of_the_shell_breaks_a_rule_of_accessibility(site_in_browser: Site, width: int) -> None:
    page = site_in_browser.page("Admin", width=width)

    for path in ("/settings/", "/settings/tokens/", "/settings/staff/", "/accounts/password/change/", "/place/"):
        page.goto(path)
        violations = Axe().run(page).response["violations"]

        assert [(path, one["id"], one["nodes"][0]["html"]) for one in violations] == []
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"), path
