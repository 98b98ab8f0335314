"""The first page in a real browser: stopping a campaign, what needs somebody, the numbers behind the chart."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from crm.domain.campaigns import Audience, CampaignStatus
from crm.domain.emails import EmailState, FailReason
from crm.store import Store
from tests.factories import make_campaign, make_event, make_person
from tests.mailings import keep_emails, make_email

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]


@pytest.fixture
def busy(site: Store) -> Store:
    """A campaign that goes out, seven that are done with something that failed, and an event that is full."""
    now = datetime.now(UTC)
    person = site.people.create(make_person(created_at=now))
    event = site.events.create(make_event(title="Meetup", start_at=now + timedelta(days=3), max_capacity=1), [], [], now=now)
    site.events.seat(event.id, [person.id], now=now)
    for number in range(8):
        begun = now - timedelta(days=number, seconds=30)
        status = CampaignStatus.DONE if number else CampaignStatus.SENDING
        values = {"status": status, "created_at": begun, "started_at": begun, "audience": Audience(matched=6)}
        campaign = site.campaigns.create(make_campaign(subject=f"Letter {number}", **values))
        emails = [make_email(campaign_id=campaign.id, created_at=begun, opened_at=now) for _ in range(4)]
        failed = make_email(campaign_id=campaign.id, created_at=begun, status=EmailState.FAILED, fail_reason=FailReason.GAVE_UP)
        queued = make_email(campaign_id=campaign.id, created_at=begun, status=EmailState.QUEUED)
        keep_emails(site, [*emails, failed if number else queued])
    return site


def test_a_campaign_is_paused_and_goes_on_without_javascript_too(open_page: OPEN, busy: Store) -> None:
    page = open_page("/", role="Marketer", scripts=False)

    page.get_by_role("button", name=re.compile("Pause ?: Letter 0")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Letter 0")
    page.goto("/")

    expect(page.locator(".panel", has_text="Letter 0")).to_contain_text("Paused")
    page.get_by_role("button", name=re.compile("Go on ?: Letter 0")).click()
    page.goto("/")
    expect(page.locator(".panel", has_text="Letter 0")).to_contain_text("Sending")


def test_a_viewer_is_told_why_nothing_can_be_paused(open_page: OPEN, busy: Store) -> None:
    page = open_page("/", role="Viewer")

    pause = page.get_by_role("button", name=re.compile("Pause ?: Letter 0"))

    expect(pause).to_have_attribute("aria-disabled", "true")
    assert pause.get_attribute("title")
    pause.press("Enter")
    expect(page).to_have_url(page.url)
    expect(page.locator(".panel", has_text="Letter 0")).to_contain_text("Sending")


def test_from_what_needs_somebody_to_where_it_is_dealt_with(open_page: OPEN, busy: Store) -> None:
    page = open_page("/")
    expect(page.locator("#attention ~ .note")).to_have_text("8")
    hidden = page.get_by_role("link", name="Meetup is full", exact=True)
    expect(hidden).to_be_hidden()

    page.get_by_text("Show 2 more").press("Enter")
    expect(hidden).to_be_visible()
    page.get_by_role("link", name=re.compile("Look and retry ?: 1 e-mail failed in “Letter 1”")).click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Letter 1")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_the_first_page_fits_and_can_be_read(open_page: OPEN, busy: Store, width: int, scheme: str) -> None:
    page = open_page("/", width=width)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]

    for fold in page.locator("main details summary").all():
        fold.click()

    expect(page.get_by_role("table")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    assert [found["id"] for found in Axe().run(page).response["violations"]] == []
    page.get_by_role("table").get_by_role("link", name="1", exact=True).last.click()
    expect(page).to_have_url(re.compile("status=failed"))


def test_an_empty_first_page_leads_to_the_import(open_page: OPEN, site: Store) -> None:
    page = open_page("/", width=390)

    assert [found["id"] for found in Axe().run(page).response["violations"]] == []
    page.get_by_role("link", name="Import people").click()

    expect(page).to_have_url(re.compile("/people/import/$"))
