"""A real browser, where there is one; the tests say so where there is none."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from crm.store import Store
from tests.browser.server import Site

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in BROWSERS if (found := shutil.which(name))), None)
expect.set_options(timeout=20_000)
"""Milliseconds: how soon a page does what it should tells of the machine."""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder; skip it with a sentence where no Chromium is found."""
    missing = pytest.mark.skip(
        reason="no Chromium on this machine: to run the browser tests install Debian's packages chromium-headless-shell, "
        "or chromium, and libatomic1"
    )
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(missing)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright keeps an event loop in this thread; the database does not mind
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


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


@pytest.fixture
def open_page(site: Store, site_in_browser: Site) -> Callable[..., Page]:
    """Open an address over the store of the test: `open_page("/people/", role="Viewer", scripts=False)`.

    The store comes first, so that it goes last: a page may still fetch a part of itself when the test is over.
    """

    def opened(address: str = "/", *, role: str = "Admin", **how: Any) -> Page:
        page = site_in_browser.page(role, **how)
        page.goto(address)
        return page

    return opened
