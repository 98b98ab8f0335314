"""A search whose answer is late, while one goes elsewhere in the list: list, filter and address belong together."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from crm.domain.people import Person
from crm.store import Store
from tests.browser.server import Site
from tests.factories import make_event, make_person

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]
ABORTED = ("htmx:afterRequest", "htmx:sendAbort")
"""What htmx writes to the console when it gives a request up."""


@pytest.fixture
def crowd(site: Store) -> list[Person]:
    """Two pages of people, one of them called Quist."""
    people = [make_person(last_name=f"Name{number:02}") for number in range(51)]
    made = site.people.create_many([*people, make_person(last_name="Quist")])
    return [one for one in made if isinstance(one, Person)]


def search_late(page: Page, typed: str) -> list[Route]:
    """Type into the search; its request is held on its way, as it would be on a slow line."""
    held: list[Route] = []
    page.route(re.compile(r"[?&]q=\w"), lambda route: held.append(route))
    with page.expect_request(re.compile(r"[?&]q=\w")):
        page.locator("#q").fill(typed)
    return held


def is_whole(page: Page, held: list[Route], complaints: list[str]) -> None:
    """Let the held answer come: nothing on the page speaks of that search."""
    for route in held:
        route.continue_()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator(".chip")).to_have_count(0)
    assert "q=" not in page.url
    complaints[:] = [told for told in complaints if not told.startswith(ABORTED)]


@pytest.mark.parametrize("link", ["#sort-name", "#tab-registered", "#attendees-next"])
def test_the_list_of_an_event_is_that_of_the_last_click(
    open_page: OPEN, site: Store, site_in_browser: Site, crowd: list[Person], link: str
) -> None:
    now = timezone.now()
    event = site.events.create(make_event(start_at=now + timedelta(days=3)), [], [], now=now)
    for first in range(0, len(crowd), 30):
        site.events.seat(event.id, [one.id for one in crowd[first : first + 30]], now=now)
    page = open_page(f"/events/{event.id}/", role="Editor")

    held = search_late(page, "quist")
    with page.expect_response(re.compile(rf"/events/{event.id}/\?")):
        page.locator(link).click()

    is_whole(page, held, site_in_browser.complaints)
    expect(page.locator("#attendees .total")).to_have_text("52 registered")


def test_moving_somebody_gives_the_search_up_too(
    open_page: OPEN, site: Store, site_in_browser: Site, crowd: list[Person]
) -> None:
    now = timezone.now()
    event = site.events.create(make_event(start_at=now + timedelta(days=3)), [], [], now=now)
    site.events.seat(event.id, [one.id for one in crowd[-3:]], now=now)
    page = open_page(f"/events/{event.id}/?order=name", role="Editor")

    held = search_late(page, "quist")
    page.get_by_label("Change Name49, Ada").click()
    page.locator("details[open]").get_by_role("button", name="Cancel the seat").click()
    expect(page.locator("#attendees .total")).to_have_text("2 registered")

    is_whole(page, held, site_in_browser.complaints)
    expect(page.locator("#attendees .total")).to_have_text("2 registered")


def test_adding_somebody_gives_the_search_up_too(
    open_page: OPEN, site: Store, site_in_browser: Site, crowd: list[Person]
) -> None:
    now = timezone.now()
    event = site.events.create(make_event(start_at=now + timedelta(days=3)), [], [], now=now)
    site.events.seat(event.id, [one.id for one in crowd[:3]], now=now)
    page = open_page(f"/events/{event.id}/", role="Editor")

    held = search_late(page, "name")
    page.get_by_label("Add a person").fill("Quist")
    page.keyboard.press("Enter")
    expect(page.locator("#attendees .total")).to_have_text("4 registered")

    is_whole(page, held, site_in_browser.complaints)
    expect(page.locator("#attendees .total")).to_have_text("4 registered")


@pytest.mark.parametrize("link", ["#sort-attended", "#people-table-next"])
@pytest.mark.usefixtures("crowd")
def test_the_list_of_people_is_that_of_the_last_click(open_page: OPEN, site_in_browser: Site, link: str) -> None:
    page = open_page("/people/", role="Editor")

    held = search_late(page, "quist")
    with page.expect_response(re.compile(r"/people/\?")):
        page.locator(link).click()

    is_whole(page, held, site_in_browser.complaints)
    expect(page.locator("#people-table .total")).to_have_text("52 people")


def test_the_list_of_events_is_that_of_the_last_click(open_page: OPEN, site: Store, site_in_browser: Site) -> None:
    now = timezone.now()
    for days, title in ((-9, "Past"), (3, "Spring"), (5, "Autumn")):
        start = now + timedelta(days=days)
        site.events.create(make_event(title=title, start_at=start, end_at=start + timedelta(hours=2)), [], [], now=now)
    page = open_page("/events/", role="Editor")

    held = search_late(page, "spring")
    with page.expect_response(re.compile(r"/events/\?when=past")):
        page.locator("#tab-past").click()

    is_whole(page, held, site_in_browser.complaints)
    expect(page.locator("#events tbody tr")).to_have_count(1)
    expect(page.locator("#tab-past")).to_have_attribute("aria-current", "page")


@pytest.mark.parametrize(
    ("url", "field", "find", "role"), [("/events/", "Host", "host", "radio"), ("/people/", "Company", "company", "checkbox")]
)
def test_a_choice_outlives_the_suggestions_that_come_after_it(
    open_page: OPEN, site: Store, url: str, field: str, find: str, role: Literal["radio", "checkbox"]
) -> None:
    ada, now = make_person(first_name="Ada", last_name="Quist", company="Quist & Sons"), timezone.now()
    site.people.create(ada)
    site.events.create(make_event(start_at=now + timedelta(days=3)), [ada.id], [], now=now)
    page = open_page(url, role="Editor")
    page.locator("summary", has_text=field).click()
    option = page.locator(f"#{find}-options").get_by_role(role, name="Quist")
    expect(option).to_be_visible()

    held: list[Route] = []
    page.route(re.compile(r"-typed=qui"), lambda route: held.append(route))
    with page.expect_request(re.compile(r"-typed=qui")):
        page.locator(f"#{find}-typed").fill("qui")
    option.check()
    with page.expect_response(re.compile(r"-typed=qui")):
        for route in held:
            route.continue_()
    page.unroute(re.compile(r"-typed=qui"))
    page.wait_for_timeout(100)

    expect(option).to_be_checked()
    page.locator("details[open] button", has_text="Show").click()
    expect(page.locator(".chip")).to_have_count(1)
