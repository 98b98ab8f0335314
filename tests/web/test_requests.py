"""How many requests to the table each page takes, held to docs/decisions/0226."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from bench.meter import Meter
from crm.store import Store
from tests.whole_pages import pages_of
from tests.whole_site import fill

PAGE = Path(__file__).parents[2] / "docs" / "decisions" / "0226-requests-of-a-page.md"
LINE = re.compile(r"^\| `([^`]+)` \| (\d+) \| ([^|]*)\|$", re.MULTILINE)
FREE = 10
"""So many a page may take without a reason."""
ASKED = {
    "/people/?order=": ("/people/?order=attended",),
    "/people/?company=": ("/people/?company=Twins",),
    "/people/?q=": ("/people/?q=king",),
    "/people/?tag=": ("/people/?tag=vip",),
    "/analytics/?status=": ("/analytics/?status=failed", "/analytics/?by=domain"),
    "/events/?q=": ("/events/?q=a",),
    "/campaigns/?status=": ("/campaigns/?status=done",),
    "/campaigns/new/ to everybody": ("/campaigns/new/",),
}
"""Lists by what is asked of them."""


@pytest.fixture
def spent(sign_in: Callable[[str], Client], site: Store, settings: Any, tmp_path: Path) -> dict[str, int]:
    """`{page: requests}`, the most of its addresses, as somebody sees them who may see everything."""
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}}
    settings.EMAIL_URL = f"file://{tmp_path}/outbox"
    browser, meter = sign_in("Admin"), Meter(site.table.client)
    pages = pages_of(fill(site, author=User.objects.get().get_username())) | ASKED
    found: dict[str, int] = {}
    for page, address in ((page, address) for page, addresses in pages.items() for address in addresses):
        with meter.reading() as reading:
            answer = browser.get(address)
        if answer.status_code == 200:
            found[page] = max(found.get(page, 0), reading.cost.requests)
    return found


def test_no_page_takes_more_requests_than_is_written_down(spent: dict[str, int]) -> None:
    told = {page: max(FREE, int(most)) for page, most, _ in LINE.findall(PAGE.read_text())}

    over = {page: number for page, number in spent.items() if number > told.get(page, FREE)}

    assert len(spent) > 50
    assert over == {}, "bring it down, or write it down with its reason in docs/decisions/0226-requests-of-a-page.md"
    assert set(told) - set(spent) == set()


def test_what_takes_more_than_ten_says_why() -> None:
    found = LINE.findall(PAGE.read_text())

    assert [page for page, most, why in found if int(most) > FREE and len(why.split()) < 4] == []
