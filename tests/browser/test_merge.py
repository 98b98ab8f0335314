"""Two entries of one person in a real browser: from the notice to the one that is left; with and without JavaScript."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from crm.services import people
from crm.services.merge import likely_same
from crm.services.verify import differences
from crm.store import Store
from tests.factories import NOW
from tests.services.merging import with_everything

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]


def choose_and_merge(page: Page) -> None:
    """Let the other first name hold, leave out one tag, and merge."""
    expect(page.get_by_role("heading", level=1)).to_have_text("One person or two?")
    page.get_by_role("radio", name="Zoe", exact=True).check()
    page.get_by_role("checkbox", name="host 2026").uncheck()
    page.get_by_role("button", name="Make one of both").click()
    expect(page).to_have_url(re.compile(r"/people/[0-9a-f]{32}/$"))
    expect(page.get_by_text("Zoe Ångström is one person now").first).to_be_visible()


def test_the_line_of_doubles_moves_nothing_when_it_comes(open_page: OPEN, site: Store) -> None:
    kept, _ = with_everything(site)
    page = open_page(f"/people/{kept.id}/", role="Editor", scripts=False)
    before = page.locator(".figures").bounding_box()

    page = open_page(f"/people/{kept.id}/", role="Editor")
    expect(page.get_by_text("1 possible duplicate")).to_be_visible()

    assert page.locator(".figures").bounding_box() == before


def test_on_a_phone_no_word_of_either_side_is_broken(open_page: OPEN, site: Store) -> None:
    kept, gone = with_everything(site)
    for person, job in ((kept, "Engineering Manager"), (gone, "Infrastructure")):
        stored = site.people.get(person.id)
        people.edit(site, stored.id, replace(stored.profile, job_title=job), version=stored.version, now=NOW)

    page = open_page(f"/people/{kept.id}/merge/{gone.id}/", role="Editor", width=390)

    for job in ("Engineering Manager", "Infrastructure"):
        box = page.get_by_text(job, exact=True).bounding_box()
        assert box is not None
        assert box["height"] < 30


@pytest.mark.parametrize("width", [1440, 390])
def test_the_notice_leads_to_both_sides_and_to_one_person(open_page: OPEN, site: Store, width: int) -> None:
    kept, gone = with_everything(site)
    page = open_page(f"/people/{kept.id}/", role="Editor", width=width)

    page.get_by_text("1 possible duplicate").click()
    page.get_by_role("link", name="Compare and merge").click()
    choose_and_merge(page)

    expect(page.get_by_role("link", name="Compare and merge")).to_have_count(0)
    (left,) = site.people.get_many([kept.id, gone.id]).values()
    assert (left.id, left.profile.first_name, left.profile.tags) == (kept.id, "Zoe", ("speaker",))
    assert left.attended_event_count == 2
    assert differences(site) == []


@pytest.mark.parametrize("scripts", [True, False])
def test_choosing_who_stays_moves_the_values_nobody_chose(open_page: OPEN, site: Store, *, scripts: bool) -> None:
    kept, gone = with_everything(site)
    page = open_page(f"/people/{kept.id}/merge/{gone.id}/", role="Editor", scripts=scripts)
    left, right = page.locator("[name=keep]").all()
    expect(left).to_be_checked()
    expect(page.locator("[name=phoneNumber]").last).to_be_checked()
    page.locator("[name=phoneNumber]").first.check()

    right.focus()
    page.keyboard.press("Space")
    if not scripts:
        page.get_by_role("button", name="Propose its values").click()

    expect(page.locator("[name=email]").last).to_be_checked()
    expect(right).to_be_checked()
    expect(page.locator("[name=phoneNumber]").first).to_be_checked()
    if scripts:
        expect(right).to_be_focused()


def test_without_scripts_a_link_leads_there(open_page: OPEN, site: Store) -> None:
    kept, gone = with_everything(site)
    page = open_page(f"/people/{kept.id}/", role="Editor", scripts=False)

    page.get_by_role("link", name="Is Zoë Ångström here twice?").click()
    page.get_by_role("link", name="Compare and merge").click()
    choose_and_merge(page)

    assert list(site.people.get_many([kept.id, gone.id])) == [kept.id]
    assert differences(site) == []


def test_somebody_else_makes_the_notice_go_and_stay_away(open_page: OPEN, site: Store) -> None:
    kept, _ = with_everything(site)
    page = open_page(f"/people/{kept.id}/", role="Marketer")

    page.get_by_text("1 possible duplicate").click()
    page.get_by_role("button", name="Somebody else").click()

    expect(page.get_by_role("button", name="Somebody else")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Zoë Ångström")
    assert likely_same(site, site.people.get(kept.id)) == []
