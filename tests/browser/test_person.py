"""One person in a real browser: notes, edits in place, the story, next and previous; with and without JavaScript."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from crm.domain.people import Person
from crm.services import notes, people
from crm.store import Store
from tests.browser.server import Site
from tests.factories import NOW, make_person, make_profile

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]


@pytest.fixture
def three(site: Store) -> list[Person]:
    """Ann, Bo and Cy of one company."""
    made = [site.people.create(make_person(first_name=name, last_name="Ng", company="Acme")) for name in ("Ann", "Bo", "Cy")]
    site.stats.fold_all()
    return made


def said(page: Page) -> list[str]:
    """What stands in the story, line by line."""
    return page.locator("#person-story .story .who").all_inner_texts()


def test_a_note_is_written_and_deleted_without_leaving_the_page(open_page: OPEN, three: list[Person]) -> None:
    page = open_page(f"/people/{three[0].id}/")

    page.get_by_label("New note").fill("Likes tea.")
    page.get_by_role("link", name="Notes").click()
    expect(page).to_have_url(re.compile("show=notes"))
    expect(page.get_by_label("New note")).to_have_value("Likes tea.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".quote")).to_have_text("Likes tea.")
    expect(page.get_by_label("New note")).to_have_value("")
    expect(page.locator(".toast-s")).to_contain_text("Note added")
    expect(page.get_by_role("link", name="Notes 1")).to_be_visible()

    page.get_by_role("link", name="Delete … this note").click()
    expect(page.get_by_role("dialog", name="Delete this note?")).to_be_visible()
    page.get_by_role("button", name="Delete the note").click()
    expect(page.locator(".quote")).to_have_count(0)
    expect(page.get_by_text("Nothing of this kind")).to_be_visible()


def test_a_note_that_can_not_be_kept_stays_with_the_reason_beside_it(
    open_page: OPEN, three: list[Person], site: Store, site_in_browser: Site
) -> None:
    page = open_page(f"/people/{three[0].id}/")

    page.get_by_label("New note").fill("x" * 4001)
    page.get_by_role("button", name="Add note").click()

    expect(page.get_by_text("Make two of it")).to_be_visible()
    expect(page.get_by_label("New note")).to_have_value("x" * 4001)
    assert site.log.of(three[0].id) == []
    site_in_browser.complaints.clear()  # of the 422 itself


def test_facts_are_edited_in_place_by_keyboard(open_page: OPEN, three: list[Person], site: Store, site_in_browser: Site) -> None:
    page = open_page(f"/people/{three[0].id}/")

    page.locator("#about-edit").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("First name required")).to_have_value("Ann")
    expect(page.get_by_label("First name required")).to_be_focused()
    page.get_by_label("E-mail required").fill("nowhere")
    page.get_by_label("Job title").fill("Host")
    page.locator("#about-form").get_by_role("button", name="Save").click()
    expect(page.locator("#about .field-error")).to_contain_text("is not an e-mail address")
    expect(page.get_by_label("Job title")).to_have_value("Host")
    page.get_by_label("E-mail required").fill("ann.ng@example.org")
    page.get_by_label("E-mail required").press("Enter")

    expect(page.get_by_role("link", name="ann.ng@example.org")).to_be_visible()
    expect(page.locator("#person-head .note")).to_contain_text("Host at Acme")
    expect(page.locator("#person-story")).to_contain_text("2 fields changed by admin")
    expect(page.locator("#about-edit")).to_be_focused()
    assert site.people.get(three[0].id).profile.job_title == "Host"
    site_in_browser.complaints.clear()  # of the 422 itself


def test_what_is_typed_when_the_session_is_over_is_sent_again_after_a_sign_in_in_another_tab(
    open_page: OPEN, three: list[Person], site: Store, site_in_browser: Site
) -> None:
    page = open_page(f"/people/{three[0].id}/")
    user = User.objects.get()
    user.set_password("sommerregen am see")
    user.save()  # and with that the session is over

    page.get_by_label("New note").fill("Likes tea.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#toasts")).to_contain_text("Your session is over.")
    with page.expect_response(lambda response: response.status == 403):
        page.get_by_role("button", name="Add note").click()
    page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-settling, .htmx-swapping')")
    expect(page.locator("#toasts .toast-s")).to_have_count(1)
    with page.context.expect_page() as opened:
        page.locator("#toasts").get_by_role("link", name="Sign in").click()
    tab = opened.value
    tab.get_by_label("User name or e-mail").fill(user.username)
    tab.get_by_label("Password").fill("sommerregen am see")
    tab.get_by_role("button", name="Sign in", exact=True).click()
    expect(tab.get_by_role("heading", name="Needs attention")).to_be_visible()
    expect(page.get_by_label("New note")).to_have_value("Likes tea.")
    page.get_by_role("button", name="Add note").click()

    expect(page.locator(".quote")).to_have_text("Likes tea.")
    site_in_browser.complaints.clear()  # of the 403


def test_an_edit_in_place_can_be_left_alone(open_page: OPEN, three: list[Person], site: Store) -> None:
    page = open_page(f"/people/{three[0].id}/")

    page.locator("#about-edit").click()
    page.get_by_label("City").fill("Lund")
    page.get_by_role("link", name="Cancel").click()

    expect(page.locator("#about-edit")).to_be_visible()
    expect(page.locator("#about-form")).to_have_count(0)
    assert site.people.get(three[0].id).version == 1


def test_who_edits_in_place_second_sees_both_versions(
    open_page: OPEN, three: list[Person], site: Store, site_in_browser: Site
) -> None:
    page = open_page(f"/people/{three[0].id}/")
    page.locator("#about-edit").click()
    page.get_by_label("City").fill("Lund")
    people.edit(site, three[0].id, replace(three[0].profile, city="Ulm"), version=1, now=NOW)

    page.locator("#about-form").get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Somebody saved first")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.get_by_role("button", name="Save this choice").click()

    expect(page.locator("#about dd", has_text="Lund")).to_be_visible()
    assert site.people.get(three[0].id).profile.city == "Lund"
    site_in_browser.complaints.clear()  # of the 409 itself


@pytest.mark.parametrize("scripts", [True, False])
def test_one_goes_from_person_to_person_in_the_filtered_list(open_page: OPEN, three: list[Person], *, scripts: bool) -> None:
    page = open_page("/people/?company=Acme&order=name", scripts=scripts)

    page.get_by_role("link", name="Ng, Bo").click()
    expect(page.get_by_text("2 of 3")).to_be_visible()
    page.get_by_role("link", name="Next: Cy Ng").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cy Ng")
    expect(page.get_by_text("3 of 3")).to_be_visible()
    page.get_by_role("link", name="Previous: Bo Ng").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Previous: Ann Ng").click()
    expect(page.get_by_text("1 of 3")).to_be_visible()
    page.get_by_role("link", name="People: Acme").click()

    expect(page).to_have_url(re.compile(r"/people/\?company=Acme&order=name$"))
    expect(page.locator("tbody tr")).to_have_count(3)


def test_what_is_earlier_is_added_to_the_story(open_page: OPEN, three: list[Person], site: Store) -> None:
    for number in range(60):
        notes.add(site, three[0].id, f"note {number}", actor="x", now=NOW)
    page = open_page(f"/people/{three[0].id}/")
    assert len(said(page)) == 50

    page.get_by_role("link", name="Earlier than that (11)").click()

    expect(page.locator("#person-story .story .who")).to_have_count(61)
    expect(page.get_by_role("link", name=re.compile("Earlier"))).to_have_count(0)


def test_notes_edits_and_the_story_work_without_javascript(open_page: OPEN, site: Store) -> None:
    person = people.add(site, make_profile(first_name="Ada", last_name="King"), now=NOW)
    page = open_page(f"/people/{person.id}/?at=1", scripts=False)

    page.get_by_label("New note").fill("Likes tea.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".quote")).to_have_text("Likes tea.")
    expect(page.get_by_text("1 of 1")).to_be_visible()
    page.locator("#about-edit").click()
    page.get_by_label("City").fill("Lund")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#about dd", has_text="Lund")).to_be_visible()
    page.get_by_role("link", name="Edits 2").click()
    expect(page.locator("#person-story .story .who")).to_have_text([re.compile("City changed by admin"), "Added by the API"])
    page.get_by_role("link", name="Notes 1").click()
    page.get_by_role("link", name="Delete … this note").click()
    page.get_by_role("button", name="Delete the note").click()

    expect(page.locator(".quote")).to_have_count(0)


def test_a_long_name_stays_within_what_is_said_of_it(open_page: OPEN, site: Store) -> None:
    person = site.people.create(make_person(last_name="Llanfairpwllgwyngyll" * 5))
    page = open_page(f"/people/{person.id}/delete/")

    page.locator("main").get_by_role("button", name="Delete").click()

    expect(page.locator(".toast-s")).to_contain_text("is deleted")
    assert page.locator(".toast-s").evaluate("toast => toast.scrollWidth <= toast.clientWidth")


@pytest.mark.parametrize("scripts", [True, False])
def test_erasing_is_found_in_the_menu_and_asked_once(open_page: OPEN, three: list[Person], site: Store, *, scripts: bool) -> None:
    page = open_page(f"/people/{three[0].id}/", scripts=scripts)

    page.get_by_label("More for Ann Ng").click()
    page.get_by_role("link", name="Erase …").click()
    expect(page.get_by_role("heading", name="What stays, without a name")).to_be_visible()
    page.get_by_role("button", name="Erase for good").click()

    expect(page).to_have_url(re.compile("/people/$"))
    expect(page.locator(".toast-s")).to_contain_text("One person is erased")
    assert three[0].id not in site.people.get_many([three[0].id])
