"""A chart in a real browser, on a phone: words keep apart, and a bar that is pointed at says what it is about."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.domain.emails import EmailState
from crm.store import Store
from tests.factories import make_campaign
from tests.mailings import keep_emails, make_email

pytestmark = pytest.mark.django_db(transaction=True)

LAST = datetime(2026, 4, 30, 12, tzinfo=UTC)
BOXES = """texts => texts.map(text => text.getBoundingClientRect().toJSON()).filter(box => box.width)"""


@pytest.fixture
def mailed(site: Store) -> Store:
    """Three e-mails on every second of sixty days, of which one failed and one was opened."""
    campaign = site.campaigns.create(make_campaign())
    emails = [
        make_email(
            campaign_id=campaign.id,
            created_at=LAST - timedelta(days=days),
            status=EmailState.FAILED if number == 2 else EmailState.SENT,
            opened_at=LAST if number == 0 else None,
        )
        for days in range(0, 60, 2)
        for number in range(3)
    ]
    keep_emails(site, emails)
    return site


def meet(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two boxes have a point in common."""
    beside = one["right"] <= other["left"] or other["right"] <= one["left"]
    return not beside and one["top"] < other["bottom"] and other["top"] < one["bottom"]


def test_on_a_phone_words_keep_apart_and_a_bar_that_is_pointed_at_says_what_it_is_about(
    open_page: Callable[..., Page], mailed: Store
) -> None:
    range_ = f"start_date={LAST - timedelta(days=59):%Y-%m-%d}&end_date={LAST:%Y-%m-%d}"
    page = open_page(f"/analytics/?{range_}", role="Viewer", width=390)
    bars = page.locator(".plot .col")

    boxes = page.locator(".plot > text").evaluate_all(BOXES)
    inside = page.locator(".plot").evaluate("plot => document.documentElement.scrollWidth <= innerWidth")
    bars.last.locator(".place").hover(position={"x": 2, "y": 5})

    assert inside
    assert len(boxes) == 5 + 4
    assert not [pair for pair in combinations(boxes, 2) if meet(*pair)]
    assert all(0 <= one["left"] < one["right"] <= 390 for one in boxes)
    expect(bars).to_have_count(30)
    expect(bars.last.locator(".tip")).to_be_visible()
    expect(page.locator(".plot .tip:visible")).to_have_text("30 Apr: 2 sent, 1 failed, 1 opened")
