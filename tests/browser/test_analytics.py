"""The analytics in a real browser: whose hits count, tabs and headings, from a number to its list."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from crm.domain.campaigns import Utm
from crm.domain.emails import EmailState
from crm.store import Store
from tests.factories import make_campaign
from tests.mailings import keep_emails, make_email

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]


@pytest.fixture
def mailed(site: Store) -> Store:
    """Forty e-mails of two campaigns over three days: 27 were opened by people, 30 by people or programs."""
    spring, autumn = (site.campaigns.create(make_campaign(subject=subject)) for subject in ("Spring", "Autumn"))
    now = datetime.now(UTC) - timedelta(days=3)
    emails = [
        make_email(
            campaign_id=(spring if n % 4 else autumn).id,
            email=f"n{n:02}@{'one' if n % 3 else 'two'}.example",
            utm=Utm(source="newsletter" if n % 4 else ""),
            created_at=now + timedelta(days=n % 3),
            opened_at=now if n < 27 else None,
            opened_any_at=now if n < 30 else None,
            status=EmailState.FAILED if n == 39 else EmailState.SENT,
        )
        for n in range(40)
    ]
    keep_emails(site, emails)
    return site


def tile(page: Page, name: str) -> str:
    return page.locator(".figures .fig", has_text=name).locator(".fig-value").inner_text()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_one_looks_closer_step_by_step(open_page: OPEN, mailed: Store, scripts: bool) -> None:
    page = open_page("/analytics/", role="Viewer", scripts=scripts)
    rows = page.locator("#breakdown tbody th")
    assert tile(page, "Opened") == "27"

    page.get_by_role("switch", name="Count hits of people only").uncheck()
    if not scripts:
        page.get_by_role("button", name="Show").click()
    expect(page.locator(".figures")).to_contain_text("30")
    expect(page.get_by_role("switch")).not_to_be_checked()

    page.get_by_role("link", name="Domain of the address").click()
    expect(rows).to_have_text(["one.example", "two.example"])
    page.locator("#breakdown thead").get_by_role("link", name="Sent").first.click()
    expect(rows).to_have_text(["two.example", "one.example"])
    expect(page).to_have_url(re.compile(r"hits=all&by=domain&sort=-sent"))
    if scripts:
        assert page.evaluate("document.activeElement.id") == "sort-sent"
    page.go_back()
    expect(rows).to_have_text(["one.example", "two.example"])

    page.locator(".figures .fig", has_text="Opened").click()
    expect(page.get_by_role("heading", name="30 e-mails opened, programs too")).to_be_in_viewport()
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#emails tbody tr")).to_have_count(5)
    page.get_by_role("link", name="Show all 40").click()
    expect(page.locator("#emails .list-bar")).to_contain_text("40 e-mails")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1024, "dark"), (390, "dark")])
def test_the_analytics_fit_can_be_read_and_page_without_leaving(open_page: OPEN, mailed: Store, width: int, scheme: str) -> None:
    page = open_page("/analytics/?by=domain&sort=share", width=width)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.get_by_text("The same as a table").click()

    page.get_by_role("link", name="Next").click()

    expect(page.locator("#emails .list-bar .note")).to_contain_text("26–40")
    expect(page.locator("details[open]")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    assert [found["id"] for found in Axe().run(page).response["violations"]] == []
    page.go_back()
    expect(page.locator("#emails .list-bar .note")).to_contain_text("1–25")
