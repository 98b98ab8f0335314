"""Calendar feeds, from the page that makes one to the program that fetches it; and one event as a file."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import icalendar
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from crm.domain.events import Event
from crm.domain.links import Links
from crm.store import Store
from tests.factories import make_event, make_person

SignIn = Callable[..., Client]


@pytest.fixture
def program(site: Store, db: None) -> Client:
    """A calendar program: nobody signs in."""
    return Client()


def held(store: Store, days: float, hosts: tuple[str, ...] = (), **values: Any) -> Event:
    """A published event that starts so many days from now."""
    now = timezone.now()
    start = now + timedelta(days=days)
    return store.events.create(make_event(start_at=start, end_at=start + timedelta(hours=2), **values), list(hosts), [], now=now)


def made(client: Client, **values: str) -> str:
    """Make a feed of that filter, and return its path as the page shows it."""
    assert client.post("/events/feeds/new/", values).status_code == 302
    (url,) = re.findall(r'value="http://[^/"]+(/calendar/[^"]+\.ics)"', client.get("/events/feeds/").content.decode())
    return str(url)


def titles(client: Client, url: str) -> list[str]:
    """The titles of what a feed holds."""
    answer = client.get(url)
    assert answer.status_code == 200
    return [str(event["SUMMARY"]) for event in icalendar.Calendar.from_ical(answer.content).walk("VEVENT")]


def test_a_feed_of_a_filter_is_read_without_signing_in(site: Store, sign_in: SignIn, program: Client) -> None:
    held(site, 3, title="Spring meet-up", city="Göteborg")
    held(site, 4, title="Autumn", city="Malmö")

    url = made(sign_in("Viewer"), place="göteborg")
    answer = program.get(url)

    assert titles(program, url) == ["Spring meet-up"]
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"


def test_a_feed_is_as_good_as_the_account_of_who_made_it(site: Store, sign_in: SignIn, program: Client) -> None:
    browser = sign_in("Viewer")
    url = made(browser)
    maker = User.objects.get()

    def answered() -> int:
        return program.get(url).status_code

    User.objects.update(is_active=False)
    closed = answered()
    User.objects.update(is_active=True)
    opened = answered()
    maker.groups.clear()

    assert (closed, opened, answered()) == (404, 200, 404)


def test_a_feed_follows_what_becomes_of_events(site: Store, sign_in: SignIn, program: Client) -> None:
    url = made(sign_in("Viewer"))
    before = program.get(url)
    held(site, 3, title="New")

    after = program.get(url, headers={"If-None-Match": before.headers["ETag"]})
    again = program.get(url, headers={"If-None-Match": after.headers["ETag"]})

    assert (after.status_code, again.status_code) == (200, 304)
    assert b"SUMMARY:New" in after.content


def test_a_forged_cut_off_or_revoked_link_leads_nowhere(site: Store, sign_in: SignIn, program: Client) -> None:
    client = sign_in("Editor")
    url = made(client)
    (feed,) = site.feeds.recent()
    other = Links(["another key"], "http://testserver").feed_token(feed.id)
    unsubscribe = Links(["a link key for tests alone"], "http://testserver").unsubscribe_token(feed.id, "x")

    answers = [
        program.get(path).status_code
        for path in (url.replace(".ics", "A.ics"), f"/calendar/{other}.ics", f"/calendar/{unsubscribe}.ics", "/calendar/x.ics")
    ]
    client.post(f"/events/feeds/{feed.id}/delete/")

    assert answers == [404, 404, 404, 404]
    assert program.get(url).status_code == 404
    assert "Make a feed" in client.get("/events/feeds/").content.decode()


def test_nobodys_name_or_address_is_in_a_feed(site: Store, sign_in: SignIn, program: Client) -> None:
    ada = make_person(first_name="Adalbert", last_name="Quist", email="adalbert@example.org")
    site.people.create(ada)
    event = held(site, 3, (ada.id,), owner=ada.id)
    site.events.seat(event.id, [ada.id], now=timezone.now())

    text = program.get(made(sign_in("Viewer"))).content.decode()

    assert not re.search(f"Adalbert|Quist|adalbert@|{ada.id}", text)


def test_the_page_says_what_a_feed_holds_who_made_it_and_when_it_was_fetched(
    site: Store, sign_in: SignIn, program: Client
) -> None:
    ada = make_person(first_name="Ada", last_name="Quist")
    site.people.create(ada)
    client = sign_in("Viewer")
    url = made(client, host=ada.id, q="spring", **{"from": "2026-05-04"})

    before = client.get("/events/feeds/").content.decode()
    program.get(url)
    after = client.get("/events/feeds/").content.decode()

    assert "Title <bdi>spring</bdi> · Host <bdi>Ada Quist</bdi> · From <bdi>4 May 2026</bdi>" in before
    assert "viewer-" in before
    assert "never fetched yet" in before
    assert "last fetched" in after


def test_the_same_form_sent_twice_makes_one_feed(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Viewer")
    form = {"id": "0" * 31 + "1", "q": "spring"}

    for _ in range(2):
        client.post("/events/feeds/new/", form)

    assert [feed.values for feed in site.feeds.recent()] == [{"q": "spring"}]
    assert [entry.action for entry in site.audit.of_month(f"{timezone.now():%Y-%m}")] == ["feed.created"]


def test_a_revoked_link_stays_dead_whoever_sends_its_form_again(site: Store, sign_in: SignIn, program: Client) -> None:
    ada, door = sign_in("Viewer"), sign_in("Door")
    form = {"id": "0" * 31 + "1", "q": "spring"}
    url = made(ada, **form)
    ada.post(f"/events/feeds/{form['id']}/delete/")

    again = door.post("/events/feeds/new/", {**form, "q": ""})
    twice = ada.post(f"/events/feeds/{form['id']}/delete/")

    assert (again.status_code, twice.status_code) == (409, 404)
    assert "This calendar feed was revoked" in again.content.decode()
    assert form["id"] not in again.content.decode()
    assert program.get(url).status_code == 404
    assert site.feeds.recent() == []


def test_only_who_made_a_feed_or_may_change_events_is_shown_its_link(site: Store, sign_in: SignIn) -> None:
    ada, door, editor = sign_in("Viewer"), sign_in("Door"), sign_in("Editor")
    url = made(ada, q="spring")

    pages = [client.get("/events/feeds/").content.decode() for client in (ada, door, editor)]

    assert [url in page for page in pages] == [True, False, True]
    assert "Its link is shown to who made it" in pages[1]


def test_a_filter_that_can_not_be_makes_no_feed(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Viewer")

    answer = client.post("/events/feeds/new/", {"from": "2026-05-04", "to": "2026-05-01"})

    assert answer.status_code == 422
    assert "The last day is before the first one." in answer.content.decode()
    assert site.feeds.recent() == []


def test_only_who_made_a_feed_or_may_change_events_revokes_it(site: Store, sign_in: SignIn) -> None:
    ada, bob, editor = sign_in("Viewer"), sign_in("Viewer"), sign_in("Editor")
    made(ada, q="one")
    (feed,) = site.feeds.recent()

    refused = bob.post(f"/events/feeds/{feed.id}/delete/")
    page = bob.get("/events/feeds/").content.decode()
    asked = ada.get(f"/events/feeds/{feed.id}/delete/").content.decode()
    editor.post(f"/events/feeds/{feed.id}/delete/")

    assert refused.status_code == 403
    assert f'href="/events/feeds/{feed.id}/delete/"' not in page
    assert "Revoke this feed?" in asked
    assert site.feeds.recent() == []


def test_one_event_is_a_file_for_a_calendar(site: Store, sign_in: SignIn) -> None:
    event = held(site, 3, title="Spring", slug="spring", timezone="Europe/Stockholm")

    answer = sign_in("Viewer").get(f"/events/{event.id}.ics")
    (found,) = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")

    assert 'filename="spring.ics"' in answer.headers["Content-Disposition"]
    assert found["DTSTART"].dt == event.start_at.replace(microsecond=0)
    assert found["DTSTART"].params["TZID"] == "Europe/Stockholm"
    assert f"/events/{event.id}/" in str(found["URL"])
