"""What a person's page tells of events: each step at them, by whom or by itself, and that one was called off."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from crm.domain.events import AttendanceStatus, Event
from crm.domain.people import Person
from crm.services import event_changes, events
from crm.services.events import NewEvent
from crm.store import Store
from tests.factories import make_person
from tests.web.filled import text_of

SignIn = Callable[..., Client]


@pytest.fixture
def zoe(site: Store) -> Person:
    return site.people.create(make_person(first_name="Zoë", last_name="Ång"))


def evening(store: Store, owner: Person, **values: object) -> Event:
    """An event tomorrow that has one seat."""
    start = timezone.now() + timedelta(days=1)
    given = {"slug": "spring", "title": "Spring", "start_at": start, "end_at": start + timedelta(hours=2), "max_capacity": 1}
    return events.create(store, NewEvent(**{**given, "owner": owner.id, **values}), now=timezone.now())  # type: ignore[arg-type]


def told(client: Client, person: Person) -> list[str]:
    """What happened, newest first, without when it was."""
    html = client.get(f"/people/{person.id}/?show=events").content.decode()
    return [text_of(one.encode()) for one in re.findall(r'<span class="who">(.*?)</span>', html.split('id="person-story"')[1])]


def test_from_the_line_to_the_door_each_step_is_a_moment(sign_in: SignIn, site: Store, zoe: Person) -> None:
    event, other, now = evening(site, zoe), site.people.create(make_person()), timezone.now()
    site.events.seat(event.id, [other.id], now=now)
    site.events.seat(event.id, [zoe.id], now=now + timedelta(minutes=1))
    site.events.move(event.id, other.id, AttendanceStatus.CANCELLED, now=now + timedelta(minutes=2), by="jonas")
    client = sign_in("Viewer")

    promoted = told(client, zoe)
    site.events.move(event.id, zoe.id, AttendanceStatus.ATTENDED, now=now + timedelta(minutes=3), by="jonas")

    assert promoted == ["Got a seat from the waitlist of Spring", "On the waitlist of Spring"]
    assert told(client, zoe) == ["Checked in at Spring", "Registered for Spring"]
    assert told(client, other) == ["Gave up the seat at Spring", "Registered for Spring"]
    assert "by jonas" in text_of(client.get(f"/people/{zoe.id}/").content)


def test_who_walked_in_did_not_sign_up_before(sign_in: SignIn, site: Store, zoe: Person) -> None:
    event = evening(site, zoe)
    site.events.move(event.id, zoe.id, AttendanceStatus.ATTENDED, now=timezone.now(), by="jonas", walk_in=True)

    assert told(sign_in("Viewer"), zoe) == ["Walked in to Spring"]


def test_a_no_show_of_the_end_says_that_it_was_marked_by_itself(sign_in: SignIn, site: Store, zoe: Person) -> None:
    event = evening(site, zoe)
    site.events.seat(event.id, [zoe.id], now=timezone.now())
    after = event.end_at + timedelta(hours=3)
    begun = site.events.begin_no_shows(site.events.get(event.id), at=after)
    site.events.mark_no_shows(begun.id, now=after, fence=tuple)
    client = sign_in("Viewer")

    assert told(client, zoe) == ["Did not come to Spring", "Registered for Spring"]
    assert "marked by itself after the end" in text_of(client.get(f"/people/{zoe.id}/").content)


def test_the_tab_counts_what_it_shows(sign_in: SignIn, site: Store, zoe: Person) -> None:
    event, now = evening(site, zoe, host_ids=[zoe.id]), timezone.now()
    site.events.seat(event.id, [zoe.id], now=now)
    site.events.move(event.id, zoe.id, AttendanceStatus.ATTENDED, now=now + timedelta(minutes=3), by="jonas")
    client = sign_in("Viewer")

    page = text_of(client.get(f"/people/{zoe.id}/?show=events").content)

    assert len(told(client, zoe)) == 3
    assert "Events 3" in page


def test_an_event_that_was_called_off_is_said_to_be(sign_in: SignIn, site: Store, zoe: Person) -> None:
    event = evening(site, zoe, host_ids=[zoe.id])
    site.events.seat(event.id, [zoe.id], now=timezone.now())
    event_changes.cancel(site, event.id, reason="", actor="jonas", now=timezone.now())
    client = sign_in("Viewer")

    page = text_of(client.get(f"/people/{zoe.id}/").content)

    assert told(client, zoe) == ["Was to host Spring", "Registered for Spring"]
    assert page.count("the event was cancelled") == 2
    assert "Event cancelled" in page.partition("Coming up")[2]


def test_the_first_page_names_the_zone_of_events_and_leaves_out_what_was_called_off(
    sign_in: SignIn, site: Store, zoe: Person
) -> None:
    evening(site, zoe, timezone="Asia/Tokyo")
    off = evening(site, zoe, slug="off", title="Called off")
    event_changes.cancel(site, off.id, reason="", actor="jonas", now=timezone.now())

    page = text_of(sign_in("Viewer").get("/").content)

    assert re.search(r"Spring \w{3} \d+ \w{3} \d{4}, \d\d:\d\d Asia/Tokyo", page)
    assert "Called off" not in page
