"""Choosing who gets a campaign, in a real browser: the sum follows at once, and the letter stays as it was typed."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from crm.domain.events import AttendanceStatus
from crm.services import attendees
from crm.store import Store
from tests.factories import NOW, make_event
from tests.jobs.mailing import COMPANY, crowd

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]
START = f"/campaigns/new/?company={COMPANY}".replace(" ", "+")


def meetup(store: Store, title: str, ids: list[str]) -> None:
    event = store.events.create(make_event(title=title), [], [], now=NOW)
    for user_id in ids:
        attendees.add(store, event.id, user_id, AttendanceStatus.REGISTERED, now=NOW, by="ingrid")


def test_the_sum_follows_the_choice_and_the_letter_stays(open_page: OPEN, site: Store) -> None:
    people = crowd(site, 6)
    meetup(site, "Spring meet-up", [person.id for person in people[:2]])
    meetup(site, "Autumn talks", [people[2].id])
    site.stats.fold_all()
    page = open_page(START, role="Marketer")
    result = page.locator(".sum .result b")

    page.get_by_label("Subject").fill("Come along")
    page.get_by_label("Letter").fill("Hello, **come** along.")
    page.get_by_role("button", name="Change who gets it").click()
    page.get_by_label("With", exact=True).fill("anal")
    expect(page.locator("#pickValues option")).to_have_attribute("value", COMPANY)
    page.get_by_label("With", exact=True).fill("")
    page.get_by_label("Find an event").fill("spr")
    page.get_by_label("Find an event").press("Enter")
    expect(page.locator("#pickEvent option")).to_have_count(1)
    page.get_by_role("button", name="Leave out those who are at the event").click()
    expect(result).to_have_text("4")
    expect(page.locator("#send .btn-primary")).to_contain_text("Send to 4 people")

    page.get_by_label("Pasted addresses").fill(f"Ada <{people[5].profile.email}>; stranger@example.org")
    page.get_by_role("button", name="Leave out those whose addresses are pasted").click()
    expect(result).to_have_text("3")
    expect(page.get_by_role("status").filter(has_text="1 of these addresses")).to_contain_text("stranger@example.org")
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("heading", name="Change who gets it")).to_have_count(0)

    page.get_by_role("button", name=re.compile("Remove Not attending")).click()
    expect(result).to_have_text("5")
    expect(page.get_by_label("Subject")).to_have_value("Come along")
    expect(page.get_by_label("Letter")).to_have_value("Hello, **come** along.")
    with page.expect_response(lambda response: "autosave" in (response.request.post_data or "")):
        page.get_by_label("Subject").fill("Come along, all")
    expect(page.locator("#saved")).not_to_contain_text("Not saved")
    page.reload()
    expect(page.get_by_label("Subject")).to_have_value("Come along, all")
    expect(result).to_have_text("5")


def test_without_scripts_the_choice_works_too(open_page: OPEN, site: Store) -> None:
    people = crowd(site, 4)
    meetup(site, "Spring meet-up", [people[0].id])
    page = open_page(START, role="Marketer", scripts=False, width=390)

    page.get_by_label("Subject").fill("Come along")
    page.get_by_role("button", name="Change who gets it").click()
    page.get_by_role("button", name="Leave out those who are at the event").click()
    page.get_by_role("button", name="Leave out who was mailed in the last days").click()

    expect(page.locator(".sum .result b")).to_have_text("3")
    expect(page.locator(".sum li")).to_have_count(7)
    expect(page.get_by_label("Subject")).to_have_value("Come along")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
