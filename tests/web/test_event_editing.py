"""Changing an event on its page, as a browser without JavaScript and htmx see it, and the history of what was changed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from bench.meter import Meter
from crm.domain.event_log import EventLogKind
from crm.domain.events import AttendanceStatus, Event
from crm.domain.people import Person
from crm.services import event_changes, events
from crm.services.events import NewEvent
from crm.services.verify import differences
from crm.store import Store
from tests.factories import make_person
from tests.web.filled import filled, text_of

SignIn = Callable[..., Client]
PEOPLE = {"HX-Request": "true", "HX-Target": "event-people"}
START = datetime(2027, 3, 4, 17, 0, tzinfo=UTC)


@pytest.fixture
def ada(site: Store) -> Person:
    return site.people.create(make_person(first_name="Ada", last_name="Byron", email="ada@example.org"))


@pytest.fixture
def meetup(site: Store, ada: Person) -> Event:
    """An evening in Stockholm, a long time from now, with two seats."""
    new = NewEvent(
        slug="spring",
        title="Spring meet-up",
        start_at=START,
        end_at=START + timedelta(hours=2),
        timezone="Europe/Stockholm",
        owner=ada.id,
        max_capacity=2,
        description="Bring\na friend.",
    )
    return site.events.get(events.create(site, new, now=timezone.now(), actor="ingrid").id)


def crowd_of(store: Store, number: int) -> list[Person]:
    """So many people as stored."""
    return [store.people.create(make_person()) for _ in range(number)]


def test_the_form_shows_the_event_by_the_clocks_of_its_zone(sign_in: SignIn, meetup: Event) -> None:
    fields = filled(sign_in("Editor").get(f"/events/{meetup.id}/edit/").content.decode())

    assert fields["title"] == ["Spring meet-up"]
    assert fields["startDate"] + fields["startTime"] == ["2027-03-04", "18:00"]
    assert fields["endTime"] == ["20:00"]
    assert fields["waitlist"] == ["on"]
    assert fields["maxCapacity"] == ["2"]


def test_the_form_costs_few_requests(sign_in: SignIn, site: Store, meetup: Event) -> None:
    client = sign_in("Editor")

    with Meter(site.table.client).reading() as spent:
        client.get(f"/events/{meetup.id}/edit/")

    assert 0 < spent.cost.requests <= 3


def test_what_is_typed_is_saved_and_stands_in_the_history_with_who_did_it(sign_in: SignIn, site: Store, meetup: Event) -> None:
    client = sign_in("Editor")
    page = client.get(f"/events/{meetup.id}/edit/").content.decode()

    saved = client.post(
        f"/events/{meetup.id}/edit/",
        filled(page, title="Spring fair", city="Göteborg", maxCapacity="", waitlist=None, slug="spring-fair"),
    )
    event = site.events.get(meetup.id)
    history = text_of(client.get(f"/events/{meetup.id}/history/").content)

    assert saved.headers["Location"] == f"/events/{meetup.id}/"
    assert (event.title, event.slug, event.city, event.max_capacity) == ("Spring fair", "spring-fair", "Göteborg", None)
    assert not event.waitlist
    assert event.description == "Bring\na friend."
    assert "Title: Spring meet-up → Spring fair" in history
    assert "Seats: 2 → no limit" in history
    assert "Waitlist when it is full: on → off" in history
    assert f"5 fields changed by {User.objects.get(pk=client.session['_auth_user_id']).username}" in history
    assert "Created by ingrid" in history
    assert differences(site) == []


def test_times_that_are_left_alone_stay_to_the_second(sign_in: SignIn, site: Store, ada: Person) -> None:
    start = START + timedelta(seconds=42)
    new = NewEvent(slug="exact", title="Exact", start_at=start, end_at=start + timedelta(hours=1), owner=ada.id)
    event = events.create(site, new, now=timezone.now())
    client = sign_in("Editor")
    page = client.get(f"/events/{event.id}/edit/").content.decode()

    client.post(f"/events/{event.id}/edit/", filled(page, venue="Hall"))

    assert (site.events.get(event.id).start_at, site.events.get(event.id).venue) == (start, "Hall")


def test_nothing_changed_writes_nothing(sign_in: SignIn, site: Store, ada: Person) -> None:
    start = timezone.now() + timedelta(days=1)
    new = NewEvent(
        slug="a", title="A", start_at=start, end_at=start + timedelta(hours=1), owner=ada.id, description="\nOne\r\ntwo\n"
    )
    meetup = site.events.get(events.create(site, new, now=timezone.now()).id)
    client = sign_in("Editor")
    page = client.get(f"/events/{meetup.id}/edit/").content.decode()

    client.post(f"/events/{meetup.id}/edit/", filled(page))

    assert site.events.get(meetup.id) == meetup
    assert [entry.kind for entry in site.event_log.of(meetup.id)] == [EventLogKind.CREATED]


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("title", "", "A title of 1 to 300 characters"),
        ("slug", "Not A Slug", "small letters, digits and single hyphens"),
        ("timezone", "Mars/Olympus", "name of a zone"),
        ("maxCapacity", "many", "1 to 1,000,000"),
        ("maxCapacity", "0", "1 to 1,000,000"),
        ("maxCapacity", "1,5", "1,5 is not possible"),
        ("timezone", "localtime", "name of a zone"),
        ("startDate", "someday", "is not a day"),
        ("endTime", "25:70", "is not a time"),
        ("endTime", "17:00", "ends before it starts"),
        ("onlineUrl", "javascript:alert(1)", "https://"),
        ("owner", "", "Choose who answers"),
    ],
)
def test_what_can_not_be_is_told_at_its_field_and_at_the_top_and_stays_typed(
    sign_in: SignIn, site: Store, meetup: Event, field: str, typed: str, told: str
) -> None:
    client = sign_in("Editor")
    page = client.get(f"/events/{meetup.id}/edit/").content.decode()

    refused = client.post(f"/events/{meetup.id}/edit/", filled(page, **{field: typed, "city": "Ulm"}))
    html = refused.content.decode()

    assert refused.status_code == 422
    assert told in html
    assert f'href="#id_{field}"' in html
    assert filled(html)["city"] == ["Ulm"]
    assert filled(html)[field] == [typed]
    assert site.events.get(meetup.id) == meetup


def test_everything_that_is_wrong_is_told_at_once(sign_in: SignIn, site: Store, meetup: Event) -> None:
    site.events.seat(meetup.id, [one.id for one in crowd_of(site, 2)], now=timezone.now())
    client = sign_in("Editor")
    page = client.get(f"/events/{meetup.id}/edit/").content.decode()
    wrong = {"title": " ", "maxCapacity": "1", "endTime": "", "startDate": "", "hostText": "nobody", "slug": "A B"}

    refused = client.post(f"/events/{meetup.id}/edit/", filled(page, **wrong))

    assert refused.status_code == 422
    assert set(refused.context["form"].errors) == {"title", "maxCapacity", "endTime", "startDate", "hostIds", "slug"}


def test_a_time_that_clocks_leave_out_is_told_with_the_next_that_exists(sign_in: SignIn, meetup: Event) -> None:
    client = sign_in("Editor")
    page = client.get(f"/events/{meetup.id}/edit/").content.decode()
    typed = {"startDate": "2027-03-28", "startTime": "02:30", "endDate": "2027-03-28", "endTime": "05:00"}

    refused = client.post(f"/events/{meetup.id}/edit/", filled(page, **typed))

    assert "clocks go forward" in refused.content.decode()


def test_an_end_is_not_told_to_be_before_a_start_that_can_not_be(sign_in: SignIn, meetup: Event) -> None:
    client = sign_in("Editor")
    page = client.get(f"/events/{meetup.id}/edit/").content.decode()
    typed = {"startDate": "2026-03-29", "startTime": "02:30", "endDate": "2026-03-29", "endTime": "05:00"}

    refused = client.post(f"/events/{meetup.id}/edit/", filled(page, **typed))

    assert set(refused.context["form"].errors) == {"startTime"}


def test_a_slug_of_another_event_is_told_at_its_field(sign_in: SignIn, site: Store, meetup: Event, ada: Person) -> None:
    new = NewEvent(slug="taken", title="Other", start_at=START, end_at=START + timedelta(hours=1), owner=ada.id)
    events.create(site, new, now=timezone.now())
    client = sign_in("Editor")
    page = client.get(f"/events/{meetup.id}/edit/").content.decode()

    refused = client.post(f"/events/{meetup.id}/edit/", filled(page, slug="taken"))

    assert refused.status_code == 422
    assert refused.context["form"].errors["slug"]


def test_another_time_is_saved_only_once_it_was_said_what_that_does(sign_in: SignIn, site: Store, meetup: Event) -> None:
    client = sign_in("Editor")
    page = client.get(f"/events/{meetup.id}/edit/").content.decode()
    asked = client.post(f"/events/{meetup.id}/edit/", filled(page, startTime="19:00", endTime="21:30"))
    before = site.events.get(meetup.id)

    client.post(f"/events/{meetup.id}/edit/", filled(asked.content.decode()))

    assert asked.status_code == 200
    assert "from Thu 4 Mar 2027, 18:00–20:00 Europe/Stockholm to Thu 4 Mar 2027, 19:00–21:30" in text_of(asked.content)
    assert before == meetup
    assert site.events.get(meetup.id).start_at == START + timedelta(hours=1)


def test_who_changes_something_else_after_agreeing_is_asked_anew(sign_in: SignIn, site: Store, meetup: Event) -> None:
    client = sign_in("Editor")
    page = client.get(f"/events/{meetup.id}/edit/").content.decode()
    asked = client.post(f"/events/{meetup.id}/edit/", filled(page, startTime="19:00")).content.decode()

    again = client.post(f"/events/{meetup.id}/edit/", filled(asked, startTime="19:30"))

    assert "19:30" in text_of(again.content)
    assert site.events.get(meetup.id) == meetup


def test_more_seats_say_who_of_the_line_gets_one_and_then_give_them(sign_in: SignIn, site: Store, meetup: Event) -> None:
    crowd = crowd_of(site, 6)
    for number, one in enumerate(crowd):
        site.events.seat(meetup.id, [one.id], now=timezone.now() + timedelta(seconds=number))
    client = sign_in("Editor")
    page = client.get(f"/events/{meetup.id}/edit/").content.decode()

    asked = client.post(f"/events/{meetup.id}/edit/", filled(page, maxCapacity="5"))
    saved = client.post(f"/events/{meetup.id}/edit/", filled(asked.content.decode()))

    assert "The first 3 in line get one; 1 goes on waiting." in text_of(asked.content)
    assert "3 of those in line got a seat." in " ".join(str(one) for one in get_messages(saved.wsgi_request))
    assert site.events.attendee_counts(meetup.id)[AttendanceStatus.REGISTERED] == 5
    assert site.events.attendances(meetup.id, [crowd[5].id])[crowd[5].id].status is AttendanceStatus.WAITLISTED


def test_fewer_seats_than_are_taken_are_refused_with_the_numbers(sign_in: SignIn, site: Store, meetup: Event) -> None:
    site.events.seat(meetup.id, [one.id for one in crowd_of(site, 2)], now=timezone.now())
    client = sign_in("Editor")
    page = client.get(f"/events/{meetup.id}/edit/").content.decode()

    refused = client.post(f"/events/{meetup.id}/edit/", filled(page, maxCapacity="1"))

    assert refused.status_code == 422
    assert "2 seats are taken, so 1 is too few" in refused.content.decode()
    assert site.events.get(meetup.id).max_capacity == 2


def test_an_end_with_no_shows_is_not_put_off_and_the_way_to_take_them_back_is_shown(
    sign_in: SignIn, site: Store, meetup: Event
) -> None:
    site.events.seat(meetup.id, [crowd_of(site, 1)[0].id], now=timezone.now())
    after = meetup.end_at + timedelta(hours=3)
    site.events.begin_no_shows(site.events.get(meetup.id), at=after)
    site.events.mark_no_shows(meetup.id, now=after, fence=tuple)
    client, url = sign_in("Editor"), f"/events/{meetup.id}/edit/"
    undo = f'href="/events/{meetup.id}/no-shows/undo/"'

    page = client.get(url).content.decode()
    refused = client.post(url, filled(page, endTime="22:00", title="Later"))

    assert refused.status_code == 422
    shown = refused.content.decode()
    assert 'aria-describedby="id_endTime_error"' in shown
    assert shown.count("Take them back first, then move the end.") == 2
    assert (filled(shown)["endTime"], filled(shown)["title"]) == (["22:00"], ["Later"])
    assert undo in page
    assert undo in shown
    client.post(f"/events/{meetup.id}/no-shows/undo/")
    asked = client.post(url, filled(shown)).content.decode()
    client.post(url, filled(asked))
    assert site.events.get(meetup.id).end_at == START + timedelta(hours=4)
    assert undo not in client.get(url).content.decode()


def test_hosts_are_found_added_and_removed_without_javascript(sign_in: SignIn, site: Store, meetup: Event) -> None:
    zoe = site.people.create(make_person(first_name="Zoë", last_name="Ång", email="zoe@example.org"))
    zora, _ = site.people.create(make_person(first_name="Zora", last_name="Berg")), site.stats.fold_all()
    client, url = sign_in("Editor"), f"/events/{meetup.id}/edit/"
    page = client.get(url).content.decode()

    several = client.post(url, {**filled(page, hostText="zo", city="Ulm"), "find": "hosts"}).content.decode()
    added = client.post(url, {**filled(several), "add": zoe.id}).content.decode()
    both = client.post(url, {**filled(added, hostText="Zora"), "find": "hosts"}).content.decode()
    dropped = client.post(url, {**filled(both), "drop": zoe.id}).content.decode()
    client.post(url, filled(dropped))

    assert "Choose who of them you mean" in several
    assert f'name="add" value="{zora.id}"' in several
    assert filled(added)["hostIds"] == [zoe.id]
    assert filled(both)["hostIds"] == [zoe.id, zora.id]
    assert filled(dropped)["hostIds"] == [zora.id]
    assert filled(dropped)["city"] == ["Ulm"]
    assert site.events.get(meetup.id).host_ids == (zora.id,)
    assert site.people.get(zora.id).hosted_event_count == 1
    assert differences(site) == []


def test_a_name_that_was_typed_and_not_chosen_is_not_lost_on_saving(sign_in: SignIn, site: Store, meetup: Event) -> None:
    client, url = sign_in("Editor"), f"/events/{meetup.id}/edit/"
    page = client.get(url).content.decode()

    answer = client.post(url, filled(page, hostText="ada@example.org"))

    assert answer.status_code == 422
    assert "Choose who of them you mean" in answer.content.decode()
    assert filled(answer.content.decode())["hostText"] == ["ada@example.org"]
    assert site.events.get(meetup.id) == meetup


def test_htmx_gets_owner_and_hosts_alone(sign_in: SignIn, site: Store, meetup: Event) -> None:
    zoe = site.people.create(make_person(first_name="Zoë", email="zoe@example.org"))
    client, url = sign_in("Editor"), f"/events/{meetup.id}/edit/"
    page = client.get(url).content.decode()

    part = client.post(url, {**filled(page, ownerText="zoe@example.org"), "find": "owner"}, headers=PEOPLE).content.decode()

    assert part.strip().startswith('<div id="event-people">')
    assert f'name="owner" value="{zoe.id}"' in part


def test_who_saves_second_sees_both_versions_and_chooses(sign_in: SignIn, site: Store, meetup: Event) -> None:
    client, url = sign_in("Editor"), f"/events/{meetup.id}/edit/"
    page = client.get(url).content.decode()
    changes = event_changes.EventChanges(title="Summer fair", venue="Hall")
    event_changes.edit(site, meetup.id, changes, version=meetup.version, actor="jonas", now=timezone.now())

    second = client.post(url, filled(page, title="Winter fair", description="Come\r\nall."))
    choice = filled(second.content.decode())
    client.post(url, choice)
    event = site.events.get(meetup.id)

    assert second.status_code == 409
    assert [row.field for row in second.context["rows"]] == ["title", "description", "venue"]
    assert "you did not change it" in second.content.decode()
    assert choice["title"] == ["Winter fair"]
    assert choice["venue"] == ["Hall"]
    assert (event.title, event.venue, event.description) == ("Winter fair", "Hall", "Come\nall.")
    assert event.start_at == meetup.start_at


def test_two_who_write_the_same_are_no_conflict(sign_in: SignIn, site: Store, meetup: Event) -> None:
    client, url = sign_in("Editor"), f"/events/{meetup.id}/edit/"
    page = client.get(url).content.decode()
    changes = event_changes.EventChanges(title="Summer fair")
    event_changes.edit(site, meetup.id, changes, version=meetup.version, actor="jonas", now=timezone.now())

    second = client.post(url, filled(page, title="Summer fair"))

    assert second.status_code == 302
    assert site.events.get(meetup.id).version == meetup.version + 1


def test_a_cancelled_event_says_that_it_must_be_published_first(sign_in: SignIn, site: Store, meetup: Event) -> None:
    client, url = sign_in("Editor"), f"/events/{meetup.id}/edit/"
    event_changes.cancel(site, meetup.id, reason="", actor="jonas", now=timezone.now())

    page = client.get(url).content.decode()
    refused = client.post(url, filled(page, title="Other"))

    assert f"/events/{meetup.id}/reinstate/" in page
    assert refused.status_code == 422
    assert site.events.get(meetup.id).title == "Spring meet-up"


def test_names_in_the_history_are_shown_as_text_and_people_by_name(sign_in: SignIn, site: Store, meetup: Event) -> None:
    zoe = site.people.create(make_person(first_name="Zoë", last_name="Ång"))
    changes = event_changes.EventChanges(title="<i>Fair</i>", host_ids=[zoe.id], start_at=START + timedelta(days=1))
    changes["end_at"] = START + timedelta(days=1, hours=2)
    event_changes.edit(site, meetup.id, changes, version=None, actor="", now=timezone.now())

    html = sign_in("Viewer").get(f"/events/{meetup.id}/history/").content

    assert b"<i>Fair" not in html
    assert "Hosts: nobody → Zoë Ång" in text_of(html)
    assert "Start: Thu 4 Mar 2027, 18:00 Europe/Stockholm → Fri 5 Mar 2027, 18:00 Europe/Stockholm" in text_of(html)
    assert "4 fields changed by the API" in text_of(html)
