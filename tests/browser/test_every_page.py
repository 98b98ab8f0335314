"""Every page there is, filled, on a desk and on a telephone, light and dark: whole, not heavy, and without a barrier."""

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from crm import second_factor
from crm.store import Store
from tests.browser.server import Site
from tests.whole_pages import SEEN_BY, pages_of, unseen
from tests.whole_site import fill, lookers

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

HEAVIEST = 160 * 1024
"""Bytes of a page with all that it loads, compressed."""
LOOK = """
async () => {
  for (const one of document.getAnimations()) if (one.effect.getComputedTiming().endTime !== Infinity) one.finish();
  const found = await axe.run(document, { resultTypes: ["violations"], preload: false });
  return found.violations.map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 160)}`);
}"""
AS_A_PART = {"HX-Request": "true"}
"""Parts of pages are given to htmx alone; files do not mind."""
LOADED = """
async () => {
  const until = performance.now() + 30000;
  while (document.querySelector(".htmx-request") && performance.now() < until) await new Promise((go) => setTimeout(go, 20));
  return document.querySelector(".htmx-request") ? null : performance.getEntriesByType("resource").map((one) => one.name);
}"""
"""What a page has loaded once its parts are there, null where one never comes. Playwright’s own wait costs a script per page."""


@dataclass
class Weights:
    """How heavy pages are, as a server that compresses would send them: what they load is fetched once for all of them."""

    known: dict[str, int] = field(default_factory=dict)

    def of(self, page: Page, html: bytes, loaded: list[str]) -> int:
        for address in loaded:
            if address not in self.known:
                self.known[address] = len(gzip.compress(page.request.get(address, headers=AS_A_PART).body()))
        return len(gzip.compress(html)) + sum(self.known[address] for address in loaded)


def test_every_page_is_whole_light_and_open_to_everybody(
    site: Store, site_in_browser: Site, settings: Any, tmp_path: Path
) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}}
    settings.EMAIL_URL = (tmp_path / "outbox").as_uri()
    settings.DEBUG = True
    pages = pages_of(fill(site, author="admin"))
    browsers = {who: site_in_browser.opened(client) for who, client in lookers().items()}
    turns, weights, wrong = list(browsers), Weights(), []

    for route, addresses in sorted(pages.items(), key=lambda one: turns.index(SEEN_BY.get(one[0], "admin"))):
        who = SEEN_BY.get(route, "admin")
        if who == "without":
            second_factor.ask(second_factor.Who.EVERYBODY)  # from here on everybody else is led away
        for address in addresses:
            wrong += [f"{address} {words}" for words in troubles(browsers[who], address, weights)]
            wrong += [f"{address} complains: {words}" for words in site_in_browser.complaints]
            site_in_browser.complaints.clear()

    assert not wrong, "\n".join(wrong)
    assert not unseen(pages), unseen(pages)


def troubles(page: Page, address: str, weights: Weights) -> list[str]:
    """What is wrong with one page."""
    page.set_viewport_size({"width": 1440, "height": 900})
    answer = page.goto(address)
    if answer is None or answer.status != 200:
        return [f"is to be looked at, and gives {answer and answer.status}"]
    loaded = page.evaluate(LOADED)
    if loaded is None:
        return ["waits for a part of itself that does not come"]
    found = [] if urlsplit(page.url).path == urlsplit(address).path else [f"leads to {page.url}"]
    if foreign := [one for one in loaded if urlsplit(one).netloc != urlsplit(page.url).netloc]:
        found.append(f"asks elsewhere: {foreign}")
    elif (weight := weights.of(page, answer.body(), loaded)) > HEAVIEST:
        found.append(f"weighs {weight / 1024:.0f} KB")
    page.evaluate(AXE_SCRIPT)
    found += [f"at 1440: {words}" for words in page.evaluate(LOOK)]
    page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    page.set_viewport_size({"width": 390, "height": 844})
    found += [f"at 390, in the dark: {words}" for words in page.evaluate(LOOK)]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
        found.append("scrolls sideways at 390")
    return found
