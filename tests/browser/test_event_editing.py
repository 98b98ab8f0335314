"""Changing, cancelling and deleting an event in a real browser, with and without JavaScript."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from crm.domain.events import AttendanceStatus, Event, EventStatus
from crm.domain.people import Person
from crm.services import event_changes, events
from crm.services.events import NewEvent
from crm.store import Store
from tests.factories import make_person

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenaufbewahrungsverordnung" * 2


@pytest.fixture
def zoe(site: Store) -> Person:
    return site.people.create(make_person(first_name="Zoë", last_name="Ång", email="zoe@example.org"))


@pytest.fixture
def meetup(site: Store, zoe: Person) -> Event:
    """An evening in a month with one seat, which is taken, and two in line."""
    start = timezone.now().replace(microsecond=0) + timedelta(days=30)
    new = NewEvent(slug="spring", title="Spring", start_at=start, end_at=start + timedelta(hours=2), owner=zoe.id, max_capacity=1)
    event = events.create(site, new, now=timezone.now(), actor="ingrid")
    for _ in range(3):
        site.events.seat(event.id, [site.people.create(make_person()).id], now=timezone.now())
    return site.events.get(event.id)


@pytest.mark.parametrize("scripts", [True, False])
def test_more_seats_are_agreed_to_and_given_to_who_waits_first(
    open_page: OPEN, site: Store, meetup: Event, scripts: bool
) -> None:
    page = open_page(f"/events/{meetup.id}/edit/", role="Editor", scripts=scripts)

    page.get_by_role("textbox", name="Seats").fill("2")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("The first in line gets a seat; 1 goes on waiting.")).to_be_visible()
    page.get_by_role("button", name="Save, and do that").click()

    expect(page).to_have_url(re.compile(f"/events/{meetup.id}/$"))
    expect(page.locator(".toast-s")).to_contain_text("1 of those in line got a seat")
    assert site.events.attendee_counts(meetup.id)[AttendanceStatus.REGISTERED] == 2


def test_a_host_is_added_without_leaving_the_page_or_losing_what_was_typed(
    open_page: OPEN, site: Store, meetup: Event, zoe: Person
) -> None:
    page = open_page(f"/events/{meetup.id}/edit/", role="Editor")

    page.get_by_label("Title").fill("Autumn")
    page.get_by_label("Add a host").fill("zoe@example.org")
    page.get_by_role("button", name="Add a host").click()
    expect(page.get_by_role("button", name="Remove Zoë Ång")).to_be_visible()
    expect(page.get_by_label("Add a host")).to_be_focused()
    expect(page.get_by_label("Title")).to_have_value("Autumn")
    page.get_by_role("button", name="Save", exact=True).last.click()

    expect(page).to_have_url(re.compile(f"/events/{meetup.id}/$"))
    assert (site.events.get(meetup.id).title, site.events.get(meetup.id).host_ids) == ("Autumn", (zoe.id,))


def test_both_versions_fit_on_a_phone_whatever_was_typed(
    open_page: OPEN, site: Store, meetup: Event, site_in_browser: object
) -> None:
    page = open_page(f"/events/{meetup.id}/edit/", role="Editor", width=390)
    changes = event_changes.EventChanges(description=LONG, venue="Theirs")
    event_changes.edit(site, meetup.id, changes, version=meetup.version, actor="jonas", now=timezone.now())

    page.get_by_label("Title").fill(f"{LONG} mine")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("heading", name="Somebody saved first")).to_be_focused()
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    page.get_by_role("button", name="Save this choice").click()

    expect(page).to_have_url(re.compile(f"/events/{meetup.id}/$"))
    saved = site.events.get(meetup.id)
    assert not wide
    assert (saved.title, saved.venue, saved.description) == (f"{LONG} mine", "Theirs", LONG)
    site_in_browser.complaints.clear()  # type: ignore[attr-defined]  # the browser tells of the answer 409


@pytest.mark.parametrize("scripts", [True, False])
def test_cancelling_leads_to_the_draft_of_a_letter(open_page: OPEN, site: Store, meetup: Event, scripts: bool) -> None:
    page = open_page(f"/events/{meetup.id}/cancel/", role="Admin", scripts=scripts)

    page.get_by_label("Reason").fill("The hall is wet.")
    page.get_by_role("button", name="Cancel the event").click()
    page.locator(".toast-s").get_by_role("link", name="look at the draft").click()

    expect(page.get_by_role("textbox", name="Subject")).to_have_value("Cancelled: Spring")
    expect(page.get_by_role("textbox", name="Letter")).to_have_value(re.compile("The hall is wet"))
    assert site.events.get(meetup.id).status is EventStatus.CANCELLED


def test_a_deletion_that_takes_long_is_watched_until_the_event_is_gone(
    open_page: OPEN, site: Store, meetup: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_changes, "AT_ONCE", 1)
    page = open_page(f"/events/{meetup.id}/delete/", role="Editor")

    page.get_by_role("button", name="Delete the event").click()
    expect(page.get_by_text("3 names are still on its list")).to_be_visible()
    monkeypatch.setattr(event_changes, "AT_ONCE", 200)
    event_changes.delete(site, meetup.id, actor="", now=timezone.now())

    expect(page).to_have_url(re.compile("/events/$"))
    expect(page.locator(".toast-s")).to_contain_text("The event is deleted")
