"""Planning an event in a real browser: all five steps, with errors and going back; with and without JavaScript."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from crm.domain.events import EventStatus
from crm.store import Store
from tests.browser.server import Site
from tests.factories import NOW, make_event, make_person

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]


@pytest.fixture
def crowd(site: Store) -> Store:
    """Zoë, Björn and three people of Acme; the slug spring-meet-up is taken."""
    site.people.create(make_person(first_name="Zoë", last_name="Ångström", email="zoe@example.org"))
    site.people.create(make_person(first_name="Björn", last_name="Borg", email="bjorn@example.org"))
    site.people.create_many([make_person(company="Acme", email=f"acme{number}@example.org") for number in range(3)])
    site.events.create(make_event(title="Spring meet-up", slug="spring-meet-up"), [], [], now=NOW)
    site.stats.fold_all()
    return site


def _violations(page: Page) -> list[str]:
    return [one["id"] for one in Axe().run(page).response["violations"]]


def _when(page: Page, *, ends: str = "21:00") -> None:
    page.get_by_label("Starts on").fill("2031-09-04")
    page.get_by_label("Starts at").fill("18:00")
    page.get_by_label("Ends at").fill(ends)


def _next(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Next: ")).click()


def test_an_event_is_planned_with_errors_and_going_back_and_published(
    open_page: OPEN, crowd: Store, site_in_browser: Site
) -> None:
    page = open_page("/events/new/")

    page.get_by_label("Title required").press_sequentially("Spring meet-up")
    expect(page.get_by_label("Slug")).to_have_value("spring-meet-up-2")
    expect(page.locator("#slug-note")).to_contain_text("It is free.")
    page.get_by_label("Slug").fill("spring-meet-up")
    expect(page.locator("#slug-note")).to_contain_text("It is taken by another event.")
    page.get_by_label("Description").press_sequentially("**Short** talks")
    expect(page.locator("#description-preview strong")).to_have_text("Short")
    _next(page)
    expect(page.get_by_role("alert")).to_contain_text("The slug spring-meet-up is taken by “Spring meet-up”.")
    expect(page.get_by_label("Slug")).to_be_focused()
    assert _violations(page) == []
    page.get_by_label("Slug").fill("spring-31")
    _next(page)

    expect(page.locator(".steps-bar [aria-current]")).to_have_text("When and where")
    expect(page.locator(".page-head")).to_contain_text("“Spring meet-up” is kept as a draft")
    _when(page, ends="17:00")
    page.get_by_label("Venue").fill("The hall")
    _next(page)
    expect(page.get_by_role("alert")).to_contain_text("The event ends before it starts.")
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.get_by_label("Ends at")).to_be_focused()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("Slug")).to_have_value("spring-31")
    page.locator(".steps-bar").get_by_role("button", name="When and where").click()
    expect(page.get_by_label("Venue")).to_have_value("The hall")
    page.get_by_label("Ends at").fill("21:00")
    _next(page)

    page.get_by_label("Owner").press_sequentially("zoe")
    page.get_by_role("button", name="Choose as owner: Zoë Ångström").click()
    expect(page.get_by_role("button", name="Choose another owner than Zoë Ångström")).to_be_visible()
    page.get_by_label("Add a host").press_sequentially("borg")
    page.get_by_role("button", name="Add as host: Björn Borg").click()
    expect(page.get_by_role("button", name="Remove Björn Borg")).to_be_visible()
    page.get_by_label("Seats").fill("0")
    _next(page)
    expect(page.get_by_role("alert")).to_contain_text("0 is not possible")
    page.get_by_label("Seats").fill("2")
    _next(page)

    page.get_by_label("A filter of people").fill("http://crm.example/people/?company=Acme")
    page.get_by_role("button", name="Add the filter").click()
    expect(page.locator("#sources")).to_contain_text("Company Acme")
    page.get_by_label("Addresses", exact=True).fill("zoe@example.org\nacme1@example.org\nnils@nowhere.example")
    page.get_by_role("button", name="Add these addresses").click()
    figures = page.locator(".sum b")
    expect(figures).to_have_text(["2", "2", "1", "1"])
    page.locator("#unknown textarea").fill("bjorn@example.org")
    page.get_by_role("button", name="Look again").click()
    expect(figures).to_have_text(["2", "3", "1", "0"])
    assert _violations(page) == []
    _next(page)

    expect(page.locator(".checks")).to_contain_text("5 people for 2 seats: 3 would go to the waitlist.")
    assert _violations(page) == []
    page.get_by_role("button", name="Publish with 5 people").click()

    expect(page.locator("h1")).to_contain_text("Spring meet-up")
    expect(page.locator(".toast-s")).to_contain_text("“Spring meet-up” is published")
    site_in_browser.complaints[:] = [one for one in site_in_browser.complaints if "422" not in one]
    event = next(one for one in crowd.events.page().items if one.slug == "spring-31")
    assert (event.status, event.registered_count, event.waitlisted_count) == (EventStatus.PUBLISHED, 2, 3)


def test_without_javascript_it_is_planned_too_and_the_checks_lead_to_the_fix(open_page: OPEN, crowd: Store) -> None:
    page = open_page("/events/new/", scripts=False)

    page.get_by_label("Title required").fill("Autumn kick-off")
    page.keyboard.press("Enter")
    _when(page)
    _next(page)
    page.get_by_label("Owner").fill("zoe")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Choose as owner: Zoë Ångström")).to_be_visible()
    page.get_by_role("button", name="Choose as owner: Zoë Ångström").click()
    _next(page)
    page.get_by_label("One person").fill("borg")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Add Björn Borg").click()
    expect(page.locator(".sum b").first).to_have_text("1")
    _next(page)
    page.get_by_role("link", name="Change hosts and capacity").click()
    page.get_by_role("button", name="Choose another owner than Zoë Ångström").click()
    page.locator(".steps-bar").get_by_role("button", name="Attendees").click()
    _next(page)

    expect(page.locator(".checks .bad")).to_contain_text("Choose who answers for the event.")
    expect(page.get_by_role("button", name="Publish")).to_have_attribute("aria-disabled", "true")
    page.locator(".checks .bad").get_by_role("link", name="Mend").click()
    expect(page.locator("#owner .field-error")).to_contain_text("Choose who answers for the event.")
    page.get_by_label("Owner").fill("zoe@example.org")
    _next(page)
    _next(page)
    page.get_by_role("button", name="Publish with 1 person").click()

    expect(page.locator("h1")).to_contain_text("Autumn kick-off")


def test_a_draft_is_left_and_found_again_as_it_was(open_page: OPEN, crowd: Store) -> None:
    page = open_page("/events/new/")
    page.get_by_label("Title required").fill("Half an idea")
    page.get_by_label("Description").fill("To be")
    page.get_by_role("button", name="Save and leave").click()

    expect(page.locator(".toast-s")).to_contain_text("“Half an idea” is kept as a draft")
    draft = crowd.drafts.page().items[0]
    page.goto(f"/events/new/{draft.id}/{draft.next_step}/")
    page.locator(".steps-bar").get_by_role("button", name="Basics").click()

    expect(page.get_by_label("Description")).to_have_value("To be")


@pytest.mark.parametrize("scripts", [True, False])
def test_who_types_goes_on_where_they_are_and_leaving_a_step_keeps_it(open_page: OPEN, crowd: Store, scripts: bool) -> None:
    page = open_page("/events/new/", scripts=scripts)
    expect(page.get_by_label("Title required")).to_be_focused()
    page.keyboard.type("By keys alone")
    page.keyboard.press("Enter")

    expect(page.get_by_label("Starts on")).to_be_focused()
    page.get_by_label("Venue").fill("Half a ha")
    page.locator(".steps-bar").get_by_role("button", name="Basics").click()
    expect(page.get_by_label("Title required")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Venue")).to_have_value("Half a ha")
    _when(page)
    page.keyboard.press("Enter")

    expect(page.get_by_role("textbox", name="Owner required")).to_be_focused()
    page.keyboard.type("zoe")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Owner required")).to_be_focused()
    page.get_by_role("button", name="Choose as owner: Zoë Ångström").click()
    expect(page.locator("#owner")).to_be_focused()
    expect(page.locator("#owner")).to_contain_text("Zoë Ångström")
    page.get_by_label("Add a host").fill("bjorn@example.org")
    page.get_by_role("button", name="Find a host").click()
    page.get_by_role("button", name="Add as host: Björn Borg").click()
    expect(page.get_by_label("Add a host")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator(".steps-bar [aria-current]")).to_have_text("Attendees")
    expect(page.locator(".steps-bar [aria-current]")).to_be_focused()
    page.get_by_label("Addresses", exact=True).fill("nils@nowhere.example")
    page.get_by_role("button", name="Events, drafts").click()
    expect(page.locator(".toast-s")).to_contain_text("“By keys alone” is kept as a draft")
    draft = crowd.drafts.page().items[0]
    assert (draft.text("venue"), crowd.drafts.sources(draft.id)[0].unknown) == ("Half a ha", ("nils@nowhere.example",))


def test_two_tabs_with_two_drafts_do_not_disturb_each_other(open_page: OPEN, crowd: Store) -> None:
    one = open_page("/events/new/")
    other = one.context.new_page()
    other.goto("/events/new/")

    one.get_by_label("Title required").fill("One")
    other.get_by_label("Title required").fill("Other")
    _next(one)
    _next(other)
    one.get_by_label("City").fill("Lund")
    other.get_by_label("City").fill("Malmö")
    one.get_by_role("button", name="Save and leave").click()
    other.get_by_role("button", name="Save and leave").click()
    expect(one.locator(".toast-s")).to_contain_text("One")
    expect(other.locator(".toast-s")).to_contain_text("Other")

    assert {(draft.title, draft.text("city")) for draft in crowd.drafts.page().items} == {("One", "Lund"), ("Other", "Malmö")}


def test_discarding_asks_once_in_a_dialog(open_page: OPEN, crowd: Store) -> None:
    page = open_page("/events/new/")
    page.get_by_label("Title required").fill("A whim")
    _next(page)

    page.get_by_role("link", name="Discard …").click()
    expect(page.get_by_role("dialog")).to_contain_text("All that was typed for it is gone")
    expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    page.get_by_role("button", name="Discard the draft").click()

    expect(page.locator(".toast-s")).to_contain_text("Draft discarded")
    assert crowd.drafts.count() == 0
