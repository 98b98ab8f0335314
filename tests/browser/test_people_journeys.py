"""People in a real browser: sign in, filter, page, edit; with and without JavaScript."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from crm.staff import set_role
from crm.store import Store
from tests.browser.server import Site
from tests.factories import make_person

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]


def _fill(store: Store, count: int = 120) -> None:
    people = [
        make_person(
            last_name=f"Name{number:03}",
            email=f"name{number:03}@example.org",
            company="Tech Corp" if number % 2 else "Other",
            city="Malmö" if number % 4 == 1 else "Lund",
        )
        for number in range(count)
    ]
    store.people.create_many(people)
    store.stats.fold_all()


def test_signing_in_leads_to_the_page_one_wanted(browser: Browser, site_in_browser: Site, site: Store) -> None:
    user = User.objects.create_user("ingrid", password="a password for tests alone")
    set_role(user, "Viewer")
    page = browser.new_context(base_url=site_in_browser.url).new_page()

    page.goto("/people/?company=Tech+Corp")
    page.get_by_label("User name or e-mail").fill("ingrid")
    page.get_by_label("Password").fill("a password for tests alone")
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page).to_have_url(f"{site_in_browser.url}/people/?company=Tech+Corp")
    page.wait_for_load_state("networkidle")
    page.context.close()


def test_a_filter_lives_in_the_address_and_the_back_button_takes_it_back(open_page: OPEN, site: Store) -> None:
    _fill(site)
    page = open_page("/people/")
    expect(page.locator(".total")).to_have_text("120 people")

    page.locator("summary", has_text="Company").click()
    page.get_by_role("checkbox", name="Tech Corp").check()
    page.locator("details[open] button", has_text="Show").click()

    expect(page.locator(".total")).to_have_text("60 people")
    expect(page.locator("summary", has_text="Company")).to_be_focused()
    expect(page).to_have_url(re.compile(r"/people/\?company=Tech\+Corp$"))
    expect(page.locator(".chip")).to_have_text(re.compile("Company Tech Corp"))
    expect(page.get_by_role("link", name="Write to these 60")).to_have_attribute("href", "/campaigns/new/?company=Tech+Corp")
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".list-bar .note").first).to_have_text("51–60")
    page.go_back()
    expect(page.locator(".list-bar .note").first).to_have_text("1–50")
    page.go_back()
    expect(page.locator(".total")).to_have_text("120 people")
    page.go_forward()
    expect(page.locator(".total")).to_have_text("60 people")
    page.get_by_role("link", name="Remove Company Tech Corp").click()
    expect(page.locator(".total")).to_have_text("120 people")
    expect(page).to_have_url(re.compile(r"/people/\??$"))


def test_a_filter_is_used_by_keyboard_alone(open_page: OPEN, site: Store) -> None:
    _fill(site)
    page = open_page("/people/")

    page.locator("summary", has_text="Company").press("Enter")
    expect(page.get_by_label("Find a company")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("summary", has_text="Company")).to_be_focused()
    page.locator("summary", has_text="Attended").press("Enter")
    expect(page.get_by_label("from").first).to_be_focused()
    page.keyboard.type("3")
    page.keyboard.press("Tab")
    page.keyboard.type("1")
    page.keyboard.press("Enter")

    expect(page.locator(".filter .field-error")).to_be_visible()
    expect(page.get_by_label("from").first).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("0")
    page.keyboard.press("Enter")
    expect(page.locator(".total")).to_have_text("120 people")
    expect(page.locator("summary", has_text="Attended")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.press("Tab")
    page.keyboard.type("abc")
    page.keyboard.press("Enter")
    expect(page.locator(".filter .field-error")).to_be_visible()
    expect(page.get_by_label("to", exact=True).first).to_be_focused()


def test_the_focus_stays_where_a_filter_was_removed(open_page: OPEN, site: Store) -> None:
    _fill(site)
    page = open_page("/people/?company=Tech+Corp&city=Lund&city=Malm%C3%B6")

    page.get_by_role("link", name="Remove Company").press("Enter")
    expect(page).to_have_url(re.compile(r"/people/\?city=Lund&city=Malm%C3%B6$"))
    expect(page.get_by_role("link", name="Remove City Lund")).to_be_focused()
    page.get_by_role("link", name="Remove or Malmö").press("Enter")
    expect(page.locator(".chip")).to_have_count(1)
    expect(page.get_by_role("link", name="Clear all")).to_be_focused()
    page.get_by_role("link", name="Remove City Lund").press("Enter")
    expect(page.locator(".total")).to_have_text("120 people")
    expect(page.locator("#chip-1")).to_be_focused()


def test_what_opens_stays_within_a_small_window(open_page: OPEN, site: Store) -> None:
    _fill(site)
    page = open_page("/people/", role="Editor")
    page.set_viewport_size({"width": 720, "height": 450})  # a laptop's, at 200 %

    for fold in page.locator("details.filter, #file-menu").all():
        fold.locator("summary").click()
        page.wait_for_load_state("networkidle")
        sheet = fold.locator(".filter-pop, .menu-pop")
        box = sheet.bounding_box()
        assert box
        assert (box["y"] >= 0, box["y"] + box["height"] <= 450) == (True, True)
        sheet.get_by_role("button").scroll_into_view_if_needed()
        expect(sheet.get_by_role("button")).to_be_in_viewport()
        page.keyboard.press("Escape")


def test_typing_a_name_narrows_the_list_without_losing_the_focus(open_page: OPEN, site: Store) -> None:
    _fill(site)
    page = open_page("/people/")

    page.keyboard.press("/")
    page.keyboard.type("name01", delay=20)

    expect(page.locator(".total")).to_have_text("10 people")
    expect(page.locator("#q")).to_be_focused()
    expect(page.locator("#q")).to_have_value("name01")
    expect(page).to_have_url(re.compile(r"q=name01$"))


def test_back_from_a_search_leads_to_the_list_before_it(open_page: OPEN, site: Store) -> None:
    _fill(site)
    page = open_page("/settings/")
    page.goto("/people/?company=Other")

    for typed, found in (("name01", "5 people"), ("name", "60 people")):
        page.get_by_label("Name or address begins with").fill(typed)
        expect(page.locator(".total")).to_have_text(found)
        expect(page).to_have_url(re.compile(f"q={typed}&"))
    page.go_back()

    expect(page).to_have_url(re.compile(r"/people/\?company=Other$"))
    expect(page.get_by_label("Name or address begins with")).to_have_value("")
    page.go_back()
    expect(page).to_have_url(re.compile(r"/settings/$"))


def test_paging_keeps_the_focus_where_it_was(open_page: OPEN, site: Store) -> None:
    _fill(site, 60)
    page = open_page("/people/")

    page.get_by_role("link", name="Next").press("Enter")

    expect(page.locator(".list-bar .note").first).to_have_text("51–60")
    expect(page.locator("#people-table-next")).to_be_focused()
    expect(page.locator("#people-table-next")).to_be_disabled()


def test_suggestions_are_looked_up_while_typing(open_page: OPEN, site: Store) -> None:
    _fill(site)
    site.people.create_many([make_person(company=f"Firm {number:02}") for number in range(30)])
    page = open_page("/people/")
    page.locator("summary", has_text="Company").click()
    expect(page.get_by_role("checkbox", name="Firm 29")).to_have_count(0)

    page.get_by_label("Find a company").press_sequentially("firm 29", delay=20)
    page.get_by_role("checkbox", name="Firm 29").check()
    page.get_by_role("switch").locator("visible=true").check()
    page.locator("details[open] button", has_text="Show").click()

    expect(page.locator(".total")).to_have_text("149 people")
    expect(page).to_have_url(re.compile(r"/people/\?companyNot=Firm\+29$"))


def test_the_beginning_of_a_value_and_enter_offer_what_begins_so(open_page: OPEN, site: Store) -> None:
    _fill(site)
    page = open_page("/people/")
    page.locator("summary", has_text="Company").click()

    page.get_by_label("Find a company").press_sequentially("tec", delay=20)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/people/\?open=company&find=tec$"))
    expect(page.get_by_label("Find a company")).to_have_value("tec")
    expect(page.get_by_label("Find a company")).to_be_focused()
    page.get_by_role("checkbox", name="Tech Corp").check()
    page.locator("details[open] button", has_text="Show").click()

    expect(page).to_have_url(re.compile(r"/people/\?company=Tech\+Corp$"))
    expect(page.locator(".total")).to_have_text("60 people")


def test_without_javascript_the_same_filter_works(open_page: OPEN, site: Store) -> None:
    _fill(site)
    page = open_page("/people/", scripts=False)

    page.locator("summary", has_text="Company").click()
    page.get_by_role("link", name="Show what most people have").click()
    expect(page.get_by_role("checkbox", name="Other")).to_be_visible()
    page.get_by_label("Find a company").fill("tech corp")
    page.locator("details[open] button", has_text="Show").click()
    page.get_by_role("link", name="Attended").click()
    page.get_by_role("link", name="Next").click()

    expect(page.locator(".total")).to_have_text("60 people")
    expect(page.locator(".list-bar .note").first).to_have_text("51–60")
    expect(page.locator("th[aria-sort=descending]")).to_have_text(re.compile("Attended"))
    assert "company=tech+corp" in page.url


def test_editing_a_person_and_going_back_keeps_the_list(open_page: OPEN, site: Store) -> None:
    _fill(site)
    page = open_page("/people/?city=Lund")

    page.get_by_role("link", name="Name000, Ada").click()
    expect(page.locator("a.back")).to_have_attribute("href", "/people/?city=Lund")
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Job title").fill("Countess")
    page.get_by_role("button", name="Save").click()

    expect(page.locator(".toast-s")).to_contain_text("Ada Name000 saved")
    expect(page.locator("#about")).to_contain_text("Countess")


def test_deleting_asks_once_in_a_dialog(open_page: OPEN, site: Store) -> None:
    person = site.people.create(make_person(last_name="Gone"))
    page = open_page(f"/people/{person.id}/")

    page.locator("details.menu summary").click()
    page.get_by_role("link", name="Delete …").click()
    expect(page.get_by_role("dialog")).to_contain_text("This can’t be undone")
    expect(page.get_by_role("button", name="Keep")).to_be_focused()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    expect(page.locator(".toast-s")).to_contain_text("Ada Gone is deleted")
    assert site.people.totals().total == 0


def test_deleting_without_javascript_asks_on_a_page(open_page: OPEN, site: Store) -> None:
    person = site.people.create(make_person(last_name="Gone"))
    page = open_page(f"/people/{person.id}/", scripts=False)

    page.locator("details.menu summary").click()
    page.get_by_role("link", name="Delete …").click()
    page.locator("main").get_by_role("button", name="Delete").click()

    expect(page.locator("h1")).to_have_text("People")
    assert site.people.totals().total == 0
