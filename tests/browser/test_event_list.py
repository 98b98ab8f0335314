"""The list of events in a real browser: filters, tabs, chips, the way to a calendar feed; with and without JavaScript."""

import re
from collections.abc import Callable
from datetime import timedelta

import icalendar
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from crm.store import Store
from tests.factories import make_event, make_person

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]


@pytest.fixture
def programme(site: Store) -> Store:
    """Three events to come, two of them hosted by Ada Quist, and one that is over."""
    ada, now = make_person(first_name="Ada", last_name="Quist"), timezone.now()
    site.people.create(ada)
    for days, title, city, hosts in (
        (3, "Spring meet-up", "Göteborg", [ada.id]),
        (5, "Spring talk", "Malmö", [ada.id]),
        (9, "Autumn talk", "Malmö", []),
        (-9, "Spring long ago", "Malmö", [ada.id]),
    ):
        start = now + timedelta(days=days)
        event = make_event(title=title, city=city, start_at=start, end_at=start + timedelta(hours=2))
        site.events.create(event, hosts, [], now=now)
    return site


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_filter_is_made_of_parts_followed_to_another_tab_and_taken_apart(
    open_page: OPEN, programme: Store, scripts: bool
) -> None:
    page = open_page("/events/", role="Viewer", scripts=scripts)

    page.locator("summary", has_text="Host").click()
    page.get_by_label("Find a host by name or address").fill("qui")
    if not scripts:
        page.locator("details[open] button", has_text="Show").click()
    page.get_by_role("radio", name="Ada Quist").check()
    page.locator("details[open] button", has_text="Show").click()
    expect(page.locator(".total")).to_have_text("2 events")
    page.locator("summary", has_text="Place").click()
    page.get_by_label("Part of the venue or city").fill("malmo")
    page.locator("details[open] button", has_text="Show").click()
    expect(page.locator(".total")).to_have_text("1 event")
    page.locator("#tab-past").click()

    expect(page.locator("tbody th")).to_contain_text(["Spring long ago"])
    expect(page).to_have_url(re.compile(r"/events/\?place=malmo&host=\w+&when=past$|/events/\?when=past&place=malmo&host=\w+$"))
    page.get_by_label("Remove Host Ada Quist").click()
    page.get_by_label("Remove Place malmo").click()
    expect(page).to_have_url(re.compile(r"/events/\?when=past$"))


def test_the_filter_of_the_list_becomes_a_feed_that_a_calendar_reads(open_page: OPEN, programme: Store) -> None:
    page = open_page("/events/", role="Editor")

    page.get_by_label("Words of the title begin with").fill("spr")
    expect(page.locator(".total")).to_have_text("2 events")
    page.get_by_role("link", name="Calendar feed").click()
    page.get_by_role("button", name="Make a feed of these").click()
    expect(page.locator(".toast-s")).to_contain_text("Calendar feed made")
    url = page.get_by_label("Link of this feed").input_value()
    path = url[url.index("/calendar/") :]
    found = icalendar.Calendar.from_ical(page.request.get(path).body())

    assert [str(event["SUMMARY"]) for event in found.walk("VEVENT")] == ["Spring long ago", "Spring meet-up", "Spring talk"]
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("link", name="Revoke …").click()
    page.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.locator(".toast-s").last).to_contain_text("Calendar feed revoked")
    assert page.request.get(path).status == 404
