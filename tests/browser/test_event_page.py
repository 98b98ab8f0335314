"""The list of an event in a real browser: moving one and many, adding one, filtering; with and without JavaScript."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from crm.domain.events import AttendanceStatus, Event
from crm.domain.people import Person
from crm.store import Store
from tests.factories import make_event, make_person

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]
SEATS = 60


@pytest.fixture
def evening(site: Store) -> Event:
    """An event with 60 seats, all taken, more than a page; two people wait. One in three is of Pine."""
    people = [
        make_person(last_name=f"Name{number:02}", email=f"n{number:02}@pine.example", company="Oak" if number % 3 else "Pine")
        for number in range(SEATS + 2)
    ]
    made = [one for one in site.people.create_many(people) if isinstance(one, Person)]
    now = timezone.now()
    start = now + timedelta(days=5)
    event = make_event(title="Design night", start_at=start, end_at=start + timedelta(hours=3), max_capacity=SEATS)
    event = site.events.create(event, [], [], now=now)
    ids = [one.id for one in sorted(made, key=lambda one: one.profile.last_name)]
    for number, first in enumerate(range(0, len(ids), 2)):
        site.events.seat(event.id, ids[first : first + 2], now=now - timedelta(hours=9) + timedelta(seconds=number))
    site.stats.fold_all()
    return event


def rows(page: Page) -> Locator:
    return page.locator("#attendees tbody tr")


def counts(store: Store, event: Event) -> dict[str, int]:
    return {status.value: number for status, number in store.events.attendee_counts(event.id).items() if number}


def menu(page: Page, name: str) -> Locator:
    """The menu of somebody's row, opened."""
    page.get_by_label(f"Change {name}, Ada").click()
    return rows(page).filter(has_text=name).locator(".menu-list")


def test_a_seat_is_cancelled_in_the_row_and_the_toast_takes_it_back(open_page: OPEN, site: Store, evening: Event) -> None:
    page = open_page(f"/events/{evening.id}/?order=name", role="Editor")

    menu(page, "Name03").get_by_role("button", name="Cancel the seat").click()

    expect(page.locator(".toast-s")).to_contain_text("The place of Ada Name03 is cancelled")
    expect(page.locator(".toast-s")).to_contain_text(re.compile("Ada Name6[01] moved up from the waitlist"))
    expect(page.locator("#tab-cancelled")).to_contain_text("1")
    expect(page.locator("#event-waitlist")).to_contain_text("All 1")
    expect(rows(page).filter(has_text="Name04").get_by_role("checkbox")).to_be_focused()
    assert counts(site, evening) == {"registered": 60, "waitlisted": 1, "cancelled": 1}

    page.locator(".toast-s").get_by_role("button", name="Undo").click()

    expect(page.locator(".toast-s")).to_contain_text("The event is full.")
    expect(page).to_have_url(re.compile(r"order=name"))


def test_a_range_of_rows_is_cancelled_after_one_question(open_page: OPEN, site: Store, evening: Event) -> None:
    page = open_page(f"/events/{evening.id}/?order=name", role="Editor")
    boxes = rows(page).get_by_role("checkbox")

    boxes.nth(2).click()
    boxes.nth(5).click(modifiers=["Shift"])
    expect(page.locator(".selection")).to_contain_text("4 selected")
    page.get_by_role("button", name="Cancel their seats").click()
    expect(page.locator("dialog")).to_contain_text("Cancel the places of 4 people: Design night?")
    expect(page.locator("dialog").get_by_role("button", name="Leave them")).to_be_focused()
    page.get_by_role("button", name="Cancel 4 places").click()

    expect(page.locator(".toast-s")).to_contain_text("Places of 4 people cancelled: Design night")
    expect(page).to_have_url(re.compile(rf"/events/{evening.id}/\?order=name$"))
    assert counts(site, evening) == {"registered": 58, "cancelled": 4}


def test_select_all_means_the_list_with_its_filter(open_page: OPEN, site: Store, evening: Event) -> None:
    page = open_page(f"/events/{evening.id}/", role="Editor")

    rows(page).get_by_role("checkbox").nth(0).click()
    page.get_by_label("Select all 60").check()
    page.get_by_role("button", name="To the waitlist").click()
    expect(page.locator("dialog")).to_contain_text("Put 60 people on the waitlist of Design night")
    page.keyboard.press("Escape")
    page.locator(".filter summary", has_text="Company").click()
    page.get_by_role("checkbox", name="Pine").check()
    page.locator(".filter[open]").get_by_role("button", name="Show").click()
    expect(page.locator("#attendees .total")).to_have_text("20 registered")
    page.locator("[data-select-page]").check()
    page.get_by_role("button", name="Cancel their seats").click()
    page.get_by_role("button", name="Cancel 20 places").click()

    expect(page.locator(".toast-s")).to_contain_text("Places of 20 people cancelled")
    expect(page.locator("#attendee-chips")).to_contain_text("Pine")
    assert counts(site, evening) == {"registered": 42, "cancelled": 20}


def test_the_search_narrows_the_list_while_one_types_and_the_address_says_it(open_page: OPEN, evening: Event) -> None:
    page = open_page(f"/events/{evening.id}/", role="Viewer")

    page.keyboard.press("/")
    page.keyboard.type("name1")

    expect(page.locator("#attendees .total")).to_have_text("10 registered")
    expect(page).to_have_url(re.compile(r"\?status=registered&q=name1$|\?q=name1&status=registered$"))
    expect(page.locator("#q")).to_be_focused()
    page.locator("#tab-waitlisted").click()
    expect(page.locator("#attendees")).to_contain_text("Nobody waitlisted matches")
    page.get_by_role("link", name="Clear all filters").click()
    expect(page.locator("#attendees .total")).to_have_text("2 waitlisted")


def test_somebody_is_added_by_name_and_of_several_one_is_chosen(open_page: OPEN, site: Store, evening: Event) -> None:
    site.people.create_many([make_person(first_name=name, last_name="Hopper") for name in ("Grace", "Dennis")])
    page = open_page(f"/events/{evening.id}/?status=waitlisted", role="Editor")

    page.get_by_label("Add a person").fill("hopper")
    page.keyboard.press("Enter")
    expect(page.locator("#attendee-add")).to_contain_text("2 people match “hopper”.")
    page.get_by_role("button", name="Add Grace Hopper").click()

    expect(page.locator(".toast-s")).to_contain_text("Grace Hopper is on the waitlist")
    expect(rows(page).filter(has_text="Hopper, Grace")).to_have_count(1)
    expect(page.get_by_label("Add a person")).to_have_value("")
    expect(page.get_by_label("Add a person")).to_be_focused()


def test_without_scripts_one_filters_moves_takes_back_and_adds(open_page: OPEN, site: Store, evening: Event) -> None:
    page = open_page(f"/events/{evening.id}/", role="Editor", scripts=False)

    page.get_by_label("Name or address begins with").fill("name07")
    page.keyboard.press("Enter")
    expect(page.locator("#attendees .total")).to_have_text("1 registered")
    menu(page, "Name07").get_by_role("button", name="To the waitlist").click()
    expect(page.locator(".toast-s")).to_contain_text("Ada Name07 is on the waitlist")
    expect(page).to_have_url(re.compile("q=name07"))
    assert counts(site, evening) == {"registered": 60, "waitlisted": 2}

    page.get_by_label("Add a person").fill("nobody@nowhere.example")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="Add a new person").click()

    expect(page.get_by_label("E-mail")).to_have_value("nobody@nowhere.example")


def test_without_scripts_ticked_rows_are_asked_about_on_a_page(open_page: OPEN, site: Store, evening: Event) -> None:
    page = open_page(f"/events/{evening.id}/?order=name", role="Editor", scripts=False)

    rows(page).get_by_role("checkbox").nth(0).check()
    page.get_by_role("button", name="Cancel their seats").click()
    page.get_by_role("button", name="Cancel 1 place").click()

    expect(page).to_have_url(re.compile(rf"/events/{evening.id}/\?order=name$"))
    expect(page.locator(".toast-s")).to_contain_text("Places of 1 person cancelled")
    assert counts(site, evening)["cancelled"] == 1


def test_on_a_phone_nothing_scrolls_sideways_and_the_menu_stays_on_the_page(open_page: OPEN, evening: Event) -> None:
    page = open_page(f"/events/{evening.id}/", role="Editor", width=390)

    page.locator("tbody details.menu summary").first.click()
    box = page.locator("tbody details.menu[open] .menu-list").bounding_box()

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert box is not None
    assert 0 <= box["x"] <= 390 - box["width"]


def test_the_door_sees_the_list_and_can_change_nothing(open_page: OPEN, evening: Event) -> None:
    page = open_page(f"/events/{evening.id}/", role="Door")

    expect(rows(page)).to_have_count(50)
    expect(rows(page).first.get_by_role("link")).to_have_count(0)
    expect(rows(page).first.locator("button[aria-disabled=true]")).to_have_count(1)
    expect(page.get_by_role("link", name="Check-in")).to_be_visible()
    assert AttendanceStatus.REGISTERED.value in page.locator("#tab-registered").get_attribute("href")  # type: ignore[operator]


def test_after_undo_the_focus_is_where_it_had_an_effect(open_page: OPEN, site: Store) -> None:
    ada = site.people.create(make_person(last_name="Quist"))
    start = timezone.now() + timedelta(days=5)
    event = site.events.create(make_event(start_at=start, end_at=start + timedelta(hours=3)), [], [], now=timezone.now())
    page = open_page(f"/events/{event.id}/", role="Editor")

    page.get_by_label("Add a person").fill("quist")
    page.keyboard.press("Enter")
    page.locator(".toast-s").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast-s")).to_contain_text("not on the list any more")
    expect(page.get_by_label("Add a person")).to_be_focused()

    page.get_by_label("Add a person").fill("quist")
    page.keyboard.press("Enter")
    menu(page, "Quist").get_by_role("button", name="Cancel the seat").click()
    page.locator(".toast-s", has_text="cancelled").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast-s")).to_contain_text("registered now")
    expect(page.locator(f"#pick-{ada.id}")).to_be_focused()
