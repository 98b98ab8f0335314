"""Filters and segments in a real browser: panels, chips, tabs, the dialog, the back button; by keyboard; without JavaScript."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from crm.domain.filters import PeopleFilter
from crm.services import segments
from crm.store import Store
from tests.factories import NOW, make_event, make_person

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]


@pytest.fixture
def crowd(site: Store) -> Store:
    """Thirty people of two companies; ten of them go to Spring."""
    people = [make_person(last_name=f"Name{number:02}", company="Acme" if number % 3 else "Other") for number in range(30)]
    site.people.create_many(people)
    for days, title, guests in ((1, "Spring meet-up", people[:10]), (2, "Autumn talk", [])):
        made_up = make_event(title=title, start_at=NOW + timedelta(days=days))
        event = site.events.create(made_up, [], [person.id for person in guests], now=NOW)
        site.events.fill(event.id, now=NOW)
    site.stats.fold_all()
    return site


def _violations(page: Page) -> list[str]:
    return [one["id"] for one in Axe().run(page).response["violations"]]


def test_a_filter_is_saved_opened_changed_and_saved_again(open_page: OPEN, crowd: Store) -> None:
    page = open_page("/people/?company=Acme")

    page.get_by_role("link", name="Save as segment").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Acme people")
    page.get_by_role("checkbox", name="For everybody").check()
    page.keyboard.press("Enter")
    expect(page.locator(".tabs [aria-current]")).to_have_text("Acme people 20")
    expect(page).to_have_url(re.compile(r"/people/\?segment=\w{32}$"))

    page.locator("summary", has_text="Event").click()
    page.get_by_role("checkbox", name="Spring meet-up").check()
    page.locator("details[open] button", has_text="Show").click()
    expect(page.locator(".total")).to_have_text("6 people")
    expect(page.locator(".tabs [aria-current]")).to_have_text("Unsaved filter")
    expect(page.locator(".tabs")).to_contain_text("Acme people 20")
    page.get_by_role("button", name="Save changes to “Acme people”").click()

    expect(page.locator(".tabs [aria-current]")).to_have_text("Acme people 6")
    expect(page.locator(".toast-s")).to_contain_text("“Acme people” is saved")


def test_chips_and_the_back_button_lead_through_filters_and_back(open_page: OPEN, crowd: Store) -> None:
    acme = segments.save(crowd, "Acme people", PeopleFilter(company=("Acme",)), owner="tom", shared=True, now=NOW)
    page = open_page("/people/")

    page.get_by_role("link", name="Acme people").click()
    expect(page.locator(".total")).to_have_text("20 people")
    page.locator("summary", has_text="Event").click()
    page.get_by_label("Find an event").press_sequentially("spr", delay=20)
    expect(page.get_by_role("checkbox", name="Autumn talk")).to_have_count(0)
    page.get_by_role("checkbox", name="Spring meet-up").check()
    page.locator("details[open]").get_by_role("switch").check()
    page.locator("details[open] button", has_text="Show").click()
    expect(page.locator(".chip")).to_have_text([re.compile("Company Acme"), re.compile("Attends not Spring meet-up")])
    expect(page.locator(".total")).to_have_text("14 people")
    page.get_by_role("link", name="Remove Company Acme").click()
    expect(page.locator(".total")).to_have_text("20 people")

    page.go_back()
    expect(page.locator(".total")).to_have_text("14 people")
    expect(page.locator(".chip")).to_have_count(2)
    page.go_back()
    expect(page).to_have_url(re.compile(f"segment={acme.id}$"))
    expect(page.locator(".total")).to_have_text("20 people")
    expect(page.locator(".tabs [aria-current]")).to_have_text("Acme people 20")
    page.go_back()
    expect(page.locator(".total")).to_have_text("30 people")


def test_without_javascript_a_segment_is_saved_changed_and_deleted(open_page: OPEN, crowd: Store) -> None:
    page = open_page("/people/", scripts=False)

    page.locator("summary", has_text="Event").click()
    page.get_by_label("Find an event").fill("meet")
    page.locator("details[open] button", has_text="Show").click()
    page.get_by_role("checkbox", name="Spring meet-up").check()
    page.locator("details[open] button", has_text="Show").click()
    expect(page.locator(".chip")).to_have_text(re.compile("Attends Spring meet-up"))
    page.get_by_role("link", name="Save as segment").click()
    page.get_by_label("Name").fill("Guests")
    page.get_by_role("button", name="Save segment").click()
    expect(page.locator(".tabs [aria-current]")).to_have_text("Guests")
    expect(page.locator(".total")).to_have_text("10 people")

    page.locator("summary", has_text="Company").click()
    page.get_by_label("Find a company").fill("acme")
    page.locator("details[open] button", has_text="Show").click()
    page.get_by_role("button", name="Save changes to “Guests”").click()
    expect(page.locator(".tabs [aria-current]")).to_have_text("Guests")
    expect(page.locator(".total")).to_have_text("6 people")
    page.get_by_role("link", name="Segments", exact=True).click()
    page.locator("tr", has_text="Guests").locator("summary").click()
    page.get_by_role("link", name="Delete …").click()
    page.locator("main").get_by_role("button", name="Delete").click()

    expect(page.locator("h2")).to_have_text("No segment yet")


def test_without_javascript_the_back_button_leads_through_filters_too(open_page: OPEN, crowd: Store) -> None:
    page = open_page("/people/", scripts=False)
    page.locator("summary", has_text="Company").click()
    page.get_by_label("Find a company").fill("acme")
    page.locator("details[open]").get_by_role("switch").check()
    page.locator("details[open] button", has_text="Show").click()
    expect(page.locator(".chip")).to_have_text(re.compile("Company not acme"))
    expect(page.locator(".total")).to_have_text("10 people")

    page.get_by_role("link", name="Remove Company acme").click()
    expect(page.locator(".total")).to_have_text("30 people")
    page.go_back()

    expect(page.locator(".total")).to_have_text("10 people")
    expect(page.locator(".chip")).to_have_text(re.compile("Company not acme"))


def test_deleting_asks_once_in_a_dialog(open_page: OPEN, crowd: Store) -> None:
    segments.save(crowd, "Ours", PeopleFilter(company=("Acme",)), owner="tom", shared=True, now=NOW)
    page = open_page("/segments/")

    page.locator("tr", has_text="Ours").locator("summary").click()
    page.get_by_role("link", name="Delete …").click()
    expect(page.get_by_role("dialog")).to_contain_text("It is gone for everybody")
    expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    expect(page.locator(".toast-s")).to_contain_text("“Ours” is deleted")
    assert crowd.segments.visible("tom") == []


def test_the_bar_is_used_by_keyboard_alone(open_page: OPEN, crowd: Store) -> None:
    page = open_page("/people/")

    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.locator("summary", has_text="Event").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox", name="Spring meet-up")).to_be_visible()
    expect(page.get_by_label("Find an event")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox", name="Spring meet-up")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")

    expect(page.locator(".total")).to_have_text("10 people")
    page.locator("summary", has_text="Campaign").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#mailed-options")).to_have_text("There is none yet.")
    page.keyboard.press("Escape")
    expect(page.locator("details.filter[open]")).to_have_count(0)
    expect(page.locator("summary", has_text="Campaign")).to_be_focused()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_open_bar_and_the_dialog_have_no_violation_and_fit(open_page: OPEN, crowd: Store, width: int) -> None:
    for number in range(6):
        name, wanted = f"A segment with a rather long name, {number}", PeopleFilter(company=("Acme",), city=(f"City {number}",))
        segments.save(crowd, name, wanted, owner="tom", shared=True, now=NOW)
    page = open_page("/people/?company=Acme&companyNot=Other&attendedEventCountMin=1", width=width)

    for field in ("Event", "Campaign", "Company", "Attended", "More"):
        page.locator(".filter > summary", has_text=re.compile(rf"^\s*{field}")).click()
        page.wait_for_load_state("networkidle")
        box = page.locator("details[open] .filter-pop").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert _violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Save as segment").click()

    expect(page.get_by_role("dialog")).to_be_visible()
    assert _violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
