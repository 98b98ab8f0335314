"""The pages of events, as a browser without JavaScript and htmx see them."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from crm.domain.events import AttendanceStatus, Event
from crm.domain.people import Person
from crm.store import Store
from tests.factories import make_event, make_person

SignIn = Callable[..., Client]


def people(store: Store, number: int, **values: object) -> list[Person]:
    """So many people as stored."""
    return [one for one in store.people.create_many([make_person(**values) for _ in range(number)]) if isinstance(one, Person)]


def held(store: Store, days: float, **values: object) -> Event:
    """A published event that starts so many days from now."""
    now = timezone.now()
    start = now + timedelta(days=days)
    event = make_event(start_at=start, end_at=start + timedelta(hours=values.pop("hours", 2)), **values)  # type: ignore[arg-type]
    return store.events.create(event, [], [], now=now)


def test_without_events_the_list_says_what_to_do_first(sign_in: SignIn) -> None:
    answer = sign_in("Viewer").get("/events/")

    assert "No events yet" in answer.content.decode()


def test_the_list_parts_what_is_to_come_from_what_is_past(site: Store, sign_in: SignIn) -> None:
    held(site, 3, title="Next week", max_capacity=20)
    held(site, -40, title="Long ago")
    client = sign_in("Viewer")

    ahead, past = client.get("/events/").content.decode(), client.get("/events/?when=past").content.decode()

    assert "Next week" in ahead
    assert "Long ago" not in ahead
    assert "Long ago" in past
    assert "Next week" not in past
    assert "1 to come, 1 before today" in ahead


def test_what_began_days_ago_and_goes_on_stands_above_the_list(site: Store, sign_in: SignIn) -> None:
    held(site, -3, title="Summer camp", hours=24 * 10)

    text = sign_in("Viewer").get("/events/").content.decode()

    assert "Still going on" in text
    assert "Summer camp" in text
    assert "On now" in text


def test_a_long_list_is_paged_and_a_stale_link_leads_to_its_beginning(site: Store, sign_in: SignIn) -> None:
    for number in range(52):
        held(site, 1 + number, title=f"Evening {number}")
    client = sign_in("Viewer")

    first = client.get("/events/")
    query = first.context["pager"].next_query
    second = client.get(f"/events/{query}")
    stale = client.get("/events/?nextToken=abc")

    assert len(first.context["rows"]) == 50
    assert [one.event.title for one in second.context["rows"]] == ["Evening 50", "Evening 51"]
    assert second.context["pager"].first == 51
    assert (stale.status_code, stale.headers["Location"]) == (302, "/events/")


def test_an_event_shows_its_seats_hosts_and_attendees_with_links(site: Store, sign_in: SignIn) -> None:
    ada, bob, eve = people(site, 3)
    now = timezone.now()
    event = site.events.create(
        make_event(start_at=now + timedelta(days=2), end_at=now + timedelta(days=3), max_capacity=2), [ada.id], [], now=now
    )
    site.events.seat(event.id, [ada.id, bob.id, eve.id], now=now)

    text = sign_in("Viewer").get(f"/events/{event.id}/").content.decode()

    assert "2 of 2 seats" in text
    assert "full · 1 on the waitlist" in text
    assert text.count(f"/people/{ada.id}/") >= 3
    assert f"/people/{eve.id}/" in text
    assert "2 registered" in text


def test_a_tab_shows_those_with_that_status_alone(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 2)
    event = held(site, 2)
    site.events.seat(event.id, [ada.id, bob.id], now=timezone.now())
    site.events.set_status(event.id, bob.id, AttendanceStatus.CANCELLED, now=timezone.now())

    answer = sign_in("Viewer").get(f"/events/{event.id}/?status=cancelled")

    assert [one.person.id for one in answer.context["attendees"]] == [bob.id]


def test_htmx_gets_the_list_of_names_alone(site: Store, sign_in: SignIn) -> None:
    event = held(site, 2)

    answer = sign_in("Viewer").get(f"/events/{event.id}/", headers={"HX-Request": "true", "HX-Target": "attendees"})

    assert answer.content.decode().strip().startswith('<section class="section" id="attendees"')
    assert "HX-Target" in answer.headers["Vary"]


def test_what_is_over_shows_first_who_came(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 2)
    event = held(site, -5)
    site.events.seat(event.id, [ada.id, bob.id], now=timezone.now())
    site.events.set_status(event.id, bob.id, AttendanceStatus.ATTENDED, now=timezone.now())

    answer = sign_in("Viewer").get(f"/events/{event.id}/")

    assert [one.person.id for one in answer.context["attendees"]] == [bob.id]
    assert "Over" in answer.content.decode()


def test_names_are_shown_as_text_whatever_is_in_them(site: Store, sign_in: SignIn) -> None:
    (ada,) = people(site, 1, first_name="<script>alert(1)</script>", company="Pine & <b>Co</b>")
    event = held(site, 2, title="<i>Evening</i>")
    site.events.seat(event.id, [ada.id], now=timezone.now())

    text = sign_in("Viewer").get(f"/events/{event.id}/").content.decode()

    assert "<script>alert" not in text
    assert "<b>Co" not in text
    assert "<i>Evening" not in text


def test_the_csv_has_everybody_on_the_list_and_no_formula(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 1, first_name="=SUM(A1)")[0], people(site, 1)[0]
    event = held(site, 2, slug="spring", max_capacity=1)
    site.events.seat(event.id, [ada.id, bob.id], now=timezone.now())

    answer = sign_in("Editor").get(f"/events/{event.id}/attendees.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))  # type: ignore[arg-type]

    assert [(row["First name"], row["Status"]) for row in rows] == [("'=SUM(A1)", "Registered"), ("Ada", "Waitlisted")]
    assert [row["ID"] for row in rows] == [ada.id, bob.id]
    assert 'filename="spring-attendees.csv"' in answer.headers["Content-Disposition"]


def test_the_csv_of_a_tab_has_those_of_the_tab(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 2)
    event = held(site, 2, max_capacity=1)
    site.events.seat(event.id, [ada.id, bob.id], now=timezone.now())

    answer = sign_in("Editor").get(f"/events/{event.id}/attendees.csv?status=waitlisted")

    assert [row["ID"] for row in csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig")))] == [bob.id]  # type: ignore[arg-type]


def test_who_may_not_export_keeps_the_button_and_reads_why(site: Store, sign_in: SignIn) -> None:
    (ada,) = people(site, 1)
    event = held(site, 2)
    site.events.seat(event.id, [ada.id], now=timezone.now())
    client = sign_in("Door")

    text = client.get(f"/events/{event.id}/").content.decode()

    assert "CSV of 1" in text
    assert f"/events/{event.id}/attendees.csv" not in text
    assert client.get(f"/events/{event.id}/attendees.csv").status_code == 403


def test_a_deleted_owner_does_not_break_the_page(site: Store, sign_in: SignIn) -> None:
    event = held(site, 2, owner="gone")

    text = sign_in("Viewer").get(f"/events/{event.id}/").content.decode()

    assert "No longer here" in text
