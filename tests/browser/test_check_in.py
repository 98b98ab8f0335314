"""The door on a phone: find somebody, check them in, take it back, let in who is not on the list; with and without JavaScript."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from crm.domain.events import AttendanceStatus, Event
from crm.domain.people import Person
from crm.services import attendance
from crm.services.verify import differences
from crm.store import Store
from tests.browser.server import Site
from tests.factories import make_event, make_person

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]
LONG = "María José Carreño Quiñones-Wolfeschlegelsteinhausenbergerdorff"


def evening(store: Store, *names: str, **values: object) -> tuple[Event, dict[str, Person]]:
    """An event that goes on, and who signed up for it, by name."""
    event = make_event(start_at=timezone.now() - timedelta(hours=1), title="Design Systems Night Göteborg", **values)
    store.events.create(event, [], [], now=timezone.now() - timedelta(days=9))
    people = {}
    for name in names:
        first, _, last = name.partition(" ")
        people[name] = store.people.create(make_person(first_name=first, last_name=last, company="Tech Corp"))
    store.events.seat(event.id, [one.id for one in people.values()], now=timezone.now() - timedelta(days=2))
    return event, people


def at_the_door(open_page: OPEN, event: Event, **how: object) -> Page:
    return open_page(f"/events/{event.id}/check-in/", **{"role": "Door", "width": 390, **how})


def test_search_check_in_and_undo_with_one_hand(open_page: OPEN, site: Store) -> None:
    event, people = evening(site, "Zoë Ångström", "Bo Jansson", LONG)
    page = at_the_door(open_page, event)
    search = page.get_by_label("Name or address")
    expect(search).to_be_focused()

    search.press_sequentially("angs")
    expect(page.get_by_text("Bo Jansson")).to_have_count(0)
    page.get_by_role("button", name="Check in Zoë Ångström").click()

    expect(page.locator("#door-last")).to_contain_text("Zoë Ångström is in, ")
    expect(page.locator("#door-count")).to_contain_text("1 of 3 are in")
    expect(search).to_be_focused()
    assert page.evaluate("document.activeElement.selectionEnd - document.activeElement.selectionStart") == 4
    page.locator("#door-names").get_by_role("button", name="Undo: Zoë Ångström is not in").click()
    expect(page.locator("#door-last")).to_contain_text("Zoë Ångström is expected again")
    expect(page.locator("#door-count")).to_contain_text("0 of 3 are in")
    page.keyboard.type("quinones")
    expect(page.get_by_role("button", name=f"Check in {LONG}")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?q=quinones$"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    standing = site.events.attendances(event.id, [people["Zoë Ångström"].id])
    assert standing[people["Zoë Ångström"].id].status is AttendanceStatus.REGISTERED
    assert differences(site) == []


def test_the_notice_has_the_way_back_when_the_search_has_gone_on(open_page: OPEN, site: Store) -> None:
    event, _ = evening(site, "Zoë Ångström", "Bo Jansson")
    page = at_the_door(open_page, event)
    page.get_by_role("button", name="Check in Zoë Ångström").click()
    expect(page.locator("#door-last")).to_contain_text("is in")
    page.keyboard.type("bo")
    expect(page.locator("#door-names .who")).to_have_text(["Bo Jansson"])

    page.locator("#door-last").get_by_role("button").click()

    expect(page.locator("#door-last")).to_contain_text("is expected again")
    expect(page.locator("#door-names .who")).to_have_text(["Bo Jansson"])
    expect(page.locator("#door-count")).to_contain_text("0 of 2 are in")


def test_every_button_is_large_enough_for_a_thumb_and_nothing_moves_under_it(open_page: OPEN, site: Store) -> None:
    event, _ = evening(site, "Zoë Ångström", "Bo Jansson", LONG)
    page = at_the_door(open_page, event)
    second = page.get_by_role("button", name=f"Check in {LONG}")
    before = second.bounding_box()

    page.get_by_role("button", name="Check in Zoë Ångström").click()
    expect(page.locator("#door-last")).to_contain_text("is in")

    assert second.bounding_box() == before
    heights = [box["height"] for one in page.locator("main .btn").all() if (box := one.bounding_box())]
    assert min(heights) >= 48


def test_a_second_tap_a_moment_later_takes_nothing_back(open_page: OPEN, site: Store) -> None:
    event, _ = evening(site, "Zoë Ångström", "Bo Jansson")
    page = at_the_door(open_page, event)
    box = page.get_by_role("button", name="Check in Zoë Ångström").bounding_box()
    assert box is not None
    there = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    page.mouse.dblclick(*there)
    expect(page.locator("#door-names").get_by_role("button", name="Undo: Zoë Ångström is not in")).to_be_visible()
    page.mouse.click(*there)

    page.wait_for_load_state("networkidle")
    expect(page.locator("#door-last")).to_contain_text("Zoë Ångström is in, ")
    expect(page.locator("#door-count")).to_contain_text("1 of 2 are in")
    page.locator("#door-names").get_by_role("button", name="Undo: Zoë Ångström is not in").click()
    expect(page.locator("#door-count")).to_contain_text("0 of 2 are in")


def test_two_doors_see_each_other(open_page: OPEN, site: Store) -> None:
    event, people = evening(site, "Zoë Ångström", "Bo Jansson")
    page = at_the_door(open_page, event)
    attendance.check_in(site, event.id, people["Zoë Ångström"].id, now=timezone.now(), by="anna")

    page.get_by_role("button", name="Check in Bo Jansson").click()
    expect(page.locator("#door-count")).to_contain_text("2 of 2 are in")
    page.get_by_role("button", name="Check in Zoë Ångström").click()

    expect(page.locator("#door-last")).to_contain_text("by anna")
    expect(page.locator("#door-last")).to_contain_text("is in since")
    expect(page.locator("#door-count")).to_contain_text("2 of 2 are in")


@pytest.mark.parametrize("scripts", [True, False])
def test_somebody_not_on_the_list_is_let_in(open_page: OPEN, site: Store, site_in_browser: Site, scripts: bool) -> None:
    event, _ = evening(site, "Zoë Ångström")
    page = at_the_door(open_page, event, scripts=scripts)
    search = page.get_by_label("Name or address")
    search.fill("bo jansson")
    search.press("Enter")
    page.get_by_role("link", name="Somebody not on the list").click()
    expect(page.get_by_label("First name")).to_have_value("Bo")
    page.get_by_label("E-mail").fill("bo@")
    page.get_by_role("button", name="Check in", exact=True).click()
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.get_by_label("Last name")).to_have_value("Jansson")
    site_in_browser.complaints.clear()  # of the 422 itself

    page.get_by_label("E-mail").fill("bo@example.org")
    page.get_by_role("button", name="Check in", exact=True).click()

    expect(page.locator("#door-last")).to_contain_text("Bo Jansson is in, ")
    expect(page.locator("#door-count")).to_contain_text("1 walk-in")
    page.locator("#door-last").get_by_role("button").click()
    expect(page.locator("#door-last")).to_contain_text("Bo Jansson is not on the list any more")
    assert differences(site) == []


def test_somebody_known_is_chosen_and_one_is_back_at_the_door(open_page: OPEN, site: Store) -> None:
    event, _ = evening(site, "Zoë Ångström")
    site.people.create(make_person(first_name="Bo", last_name="Jansson"))
    page = at_the_door(open_page, event)
    page.get_by_role("link", name="Somebody not on the list").click()
    page.get_by_label("Name or address").fill("jans")
    page.get_by_label("Name or address").press("Enter")

    page.get_by_role("button", name="Check in Bo Jansson").click()

    expect(page.locator("#door-last")).to_contain_text("Bo Jansson is in, ")
    expect(page.locator("#door-count")).to_contain_text("1 walk-in")
    expect(page.get_by_label("Name or address")).to_be_focused()


def test_without_javascript_the_door_works_all_the_same(open_page: OPEN, site: Store) -> None:
    event, _ = evening(site, "Zoë Ångström", "Bo Jansson")
    page = at_the_door(open_page, event, scripts=False)
    search = page.get_by_label("Name or address")
    search.fill("zoe")
    search.press("Enter")

    page.get_by_role("button", name="Check in Zoë Ångström").click()
    expect(page.locator("#door-last")).to_contain_text("Zoë Ångström is in, ")
    expect(page.locator("#door-count")).to_contain_text("1 of 2 are in")
    expect(search).to_have_value("zoe")
    page.go_back()
    page.get_by_role("button", name="Check in Zoë Ångström").click()

    expect(page.locator("#door-count")).to_contain_text("1 of 2 are in")
    page.locator("#door-names").get_by_role("button", name="Undo: Zoë Ångström is not in").click()
    expect(page.locator("#door-last")).to_contain_text("Zoë Ångström is expected again")
    expect(page.locator("#door-count")).to_contain_text("0 of 2 are in")


def test_a_lost_connection_is_told_once_and_a_repeat_is_safe(open_page: OPEN, site: Store, site_in_browser: Site) -> None:
    event, people = evening(site, "Zoë Ångström", "Bo Jansson")
    page = at_the_door(open_page, event)
    page.context.set_offline(True)

    for _ in range(2):
        page.get_by_role("button", name="Check in Zoë Ångström").click()
        expect(page.locator("#toasts")).to_contain_text("No connection")
    page.context.set_offline(False)
    expect(page.locator("#toasts .toast-s")).to_have_count(1)
    page.get_by_role("button", name="Check in Zoë Ångström").click()

    expect(page.locator("#door-count")).to_contain_text("1 of 2 are in")
    assert site.events.attendances(event.id, [people["Zoë Ångström"].id])
    site_in_browser.complaints.clear()  # of the requests that went nowhere
