"""The report on a campaign's page in a real browser: from a number to its list, what unfolds, on a phone and without scripts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import EmailState, FailReason
from crm.domain.hits import HitClass, HitKind
from crm.services import hits
from crm.store import Store
from tests.factories import make_campaign
from tests.mailings import keep_emails, make_email

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]


@pytest.fixture
def campaign(site: Store) -> Campaign:
    """To fourteen at a domain each and one that failed; three followed the link."""
    started = datetime.now(UTC) - timedelta(hours=5)
    times = {"created_at": started, "started_at": started, "finished_at": started}
    body = "[Read on](https://community.example/a-page-with-a-long-address/that-goes-on-and-on/and-has-no-place-to-break)"
    campaign = site.campaigns.create(
        make_campaign(subject="Spring", body=body, tracking=True, expanded=True, status=CampaignStatus.DONE, **times)
    )
    emails = [make_email(campaign_id=campaign.id, created_at=started, email=f"ada@d{n:02}.example") for n in range(14)]
    why = {"status": EmailState.FAILED, "fail_reason": FailReason.GAVE_UP, "error": "452 4.2.2 mailbox is full"}
    keep_emails(site, [*emails, make_email(campaign_id=campaign.id, created_at=started, **why)])
    for n, email in enumerate(emails[:3]):
        at = started + timedelta(hours=n)
        hits.record(site, email.id, kind=HitKind.CLICK, hit_class=HitClass.PERSON, link=0, at=at, now=at)
    return campaign


def test_one_goes_from_the_clicks_of_a_link_to_who_clicked_without_scripts_too(open_page: OPEN, campaign: Campaign) -> None:
    page = open_page(f"/campaigns/{campaign.id}/", role="Marketer", scripts=False)

    page.get_by_role("region", name="Links").get_by_role("link", name="3", exact=True).first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Recipients")
    expect(page.locator(".total")).to_have_text("3 e-mails")
    page.get_by_label("Remove Followed by people").click()
    expect(page.locator(".total")).to_have_text("15 e-mails")


def test_the_days_and_the_rest_of_the_domains_unfold(open_page: OPEN, campaign: Campaign) -> None:
    page = open_page(f"/campaigns/{campaign.id}/", role="Viewer")

    page.get_by_role("link", name="The first 30 days").click()
    since = page.get_by_role("region", name="Since it was sent")
    since.get_by_text("The same as a table").click()
    domains = page.get_by_role("region", name="Domains of the addresses")
    domains.get_by_text("5 more").click()

    expect(since.get_by_role("columnheader", name="Day")).to_be_visible()
    expect(domains.get_by_text("d13.example")).to_be_visible()
    expect(page.get_by_text("Mailbox is full")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_it_fits_and_can_be_read_by_everybody(open_page: OPEN, campaign: Campaign, width: int) -> None:
    page = open_page(f"/campaigns/{campaign.id}/", role="Viewer")
    page.set_viewport_size({"width": width, "height": 900})
    for fold in page.locator("details.fold").all():
        fold.evaluate("fold => fold.open = true")

    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert Axe().run(page).response["violations"] == []
