"""The door's pages: who is found, what a tap says, every state an event can be in, and who may open them."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from crm.domain.event_drafts import EventDraft
from crm.domain.events import AttendanceStatus, Event
from crm.domain.people import Person
from crm.services import attendance
from crm.services.verify import differences
from crm.store import Store, schema
from crm.store.cost import metered
from crm.store.keys import stamp
from crm.store.requests import Update
from crm.web.events.door import Door
from tests.factories import make_event, make_person

SignIn = Callable[..., Client]
SWAPPED = {"HX-Request": "true"}


def person(store: Store, name: str = "Ada Lovelace", **values: object) -> Person:
    """Somebody of that name, as stored."""
    first, _, last = name.partition(" ")
    return store.people.create(make_person(first_name=first, last_name=last, **values))


def held(store: Store, *guests: Person, hours: float = -1, **values: object) -> Event:
    """An event of two hours that begins so many hours from now; these people signed up for it before."""
    event = make_event(start_at=timezone.now() + timedelta(hours=hours), **values)
    store.events.create(event, [], [], now=timezone.now() - timedelta(days=9))
    if guests:
        store.events.seat(event.id, [one.id for one in guests], now=timezone.now() - timedelta(days=2))
    return store.events.get(event.id)


def door(event: Event, query: str = "") -> str:
    return f"/events/{event.id}/check-in/{query}"


def tap(client: Client, event: Event, who: Person, do: str = "in", **more: str) -> str:
    """What a tap on the row gives to htmx."""
    headers = {**SWAPPED, "HX-Target": f"door-{who.id}"}
    answer = client.post(door(event), {"user": who.id, "do": do, **more}, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def text_of(html: str) -> str:
    """What one reads: no tags, white space squeezed."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_door_shows_figures_and_who_is_expected_and_no_link_into_people(site: Store, sign_in: SignIn) -> None:
    ada, bea = person(site, email="ada@example.org", company="Tech Corp"), person(site, "Bea Berg")
    event = held(site, ada, bea, max_capacity=10)
    attendance.check_in(site, event.id, bea.id, now=timezone.now(), by="anna")

    html = sign_in("Door").get(door(event)).content.decode()

    assert "1 of 2 are in" in text_of(html)
    assert "0 walk-ins · 8 seats free" in text_of(html)
    assert "Tech Corp" in html
    assert f'aria-label="Check in {ada.name}"' in html
    assert "/people/" not in html
    assert "ada@example.org" not in html


@pytest.mark.parametrize("role", ["Viewer", "Marketer"])
def test_who_may_not_check_in_is_told_who_may(site: Store, sign_in: SignIn, role: str) -> None:
    ada = person(site)
    event = held(site, ada)
    client = sign_in(role)

    answers = [client.get(door(event)), client.post(door(event), {"user": ada.id, "do": "in"})]
    answers += [client.get(door(event) + "new/"), client.post(door(event) + "new/", {"firstName": "Bo"})]

    assert {answer.status_code for answer in answers} == {403}
    assert "Editor, Door and Admin may" in answers[0].content.decode()
    assert site.events.attendances(event.id, [ada.id])[ada.id].status is AttendanceStatus.REGISTERED


def test_a_search_shows_the_list_first_and_then_who_is_only_known(site: Store, sign_in: SignIn) -> None:
    ada, bea = person(site, "Ada Berg"), person(site, "Bea Berg")
    event = held(site, bea)

    html = sign_in("Door").get(door(event, "?q=berg")).content.decode()

    assert html.index(bea.name) < html.index("Known, but not on the list") < html.index(ada.name)
    assert 'value="berg"' in html


def test_namesakes_are_told_apart_by_a_bit_of_their_address(site: Store, sign_in: SignIn) -> None:
    first, second = (person(site, "Ada Berg", email=address) for address in ("adam@example.org", "beat@example.org"))
    event = held(site, first, second, person(site, "Cea Berg", email="cea@example.org"))
    client = sign_in("Door")

    html = client.get(door(event, "?q=berg")).content.decode()
    row = tap(client, event, first, alike="1")

    assert "a…m@example.org" in row
    assert 'name="alike"' in html
    assert "a…m@example.org" in html
    assert "b…t@example.org" in html
    assert "c…a@example.org" not in html


def test_a_search_that_finds_nobody_and_one_that_cannot_be_say_so(site: Store, sign_in: SignIn) -> None:
    event = held(site)
    client = sign_in("Door")

    nobody = client.get(door(event, "?q=zzz")).content.decode()
    unclear = client.get(door(event, "?q=" + "a+" * 12)).content.decode()

    assert "Nobody on the list is found by “ zzz ”" in text_of(nobody)
    assert f"/events/{event.id}/check-in/new/?q=zzz" in nobody
    assert "too long; ten words are the most" in unclear
    assert 'aria-invalid="true"' in unclear


def test_a_tap_gives_the_row_the_figures_and_the_way_back(site: Store, sign_in: SignIn) -> None:
    ada = person(site)
    event = held(site, ada, person(site, "Bea Berg"))

    html = tap(sign_in("Door"), event, ada)

    assert html.lstrip().startswith(f'<li id="door-{ada.id}">')
    assert f'aria-label="Undo: {ada.name} is not in"' in html
    assert "1 of 2 are in" in text_of(html)
    assert re.search(r"Ada Lovelace is in, \d\d:\d\d", text_of(html))


def test_a_second_tap_says_since_when_and_by_whom(site: Store, sign_in: SignIn) -> None:
    ada = person(site)
    event = held(site, ada, timezone="Europe/Stockholm")
    first = attendance.check_in(site, event.id, ada.id, now=timezone.now() - timedelta(minutes=3), by="anna")

    html = tap(sign_in("Door"), event, ada)

    assert first.attendance is not None
    local = first.attendance.since.astimezone(event.zone)
    assert re.search(rf"is in since ([A-Z]\w\w \d+ \w+, )?{local:%H:%M}, by anna", text_of(html))
    assert site.events.attendances(event.id, [ada.id])[ada.id].by == "anna"


def test_an_undo_brings_back_what_was_and_says_it(site: Store, sign_in: SignIn) -> None:
    ada, bea = person(site), person(site, "Bea Berg")
    event = held(site, ada)
    client = sign_in("Door")
    tap(client, event, ada)
    tap(client, event, bea)

    expected, off = tap(client, event, ada, "undo"), tap(client, event, bea, "undo")

    assert "Ada Lovelace is expected again" in text_of(expected)
    assert "Bea Berg is not on the list any more" in text_of(off)
    assert "0 of 1 is in" in text_of(off)
    assert list(site.events.attendances(event.id, [ada.id, bea.id])) == [ada.id]
    assert differences(site) == []


def test_an_undo_from_the_notice_brings_all_names_anew_with_the_search_kept(site: Store, sign_in: SignIn) -> None:
    ada = person(site, "Ada Berg")
    event = held(site, ada, person(site, "Bea Berg"), person(site, "Cea Ek"))
    client = sign_in("Door")
    tap(client, event, ada)

    headers = {**SWAPPED, "HX-Target": "door-names"}
    html = client.post(door(event), {"user": ada.id, "do": "undo", "q": "berg"}, headers=headers).content.decode()

    assert html.lstrip().startswith('<div id="door-names">')
    assert "Bea Berg" in html
    assert "Cea Ek" not in html


def test_without_javascript_a_tap_leads_back_with_the_search_kept(site: Store, sign_in: SignIn) -> None:
    ada = person(site)
    event = held(site, ada)
    client = sign_in("Door")

    answer = client.post(door(event), {"user": ada.id, "do": "in", "q": "ada l"})
    page = client.get(answer.headers["Location"]).content.decode()

    assert answer.status_code == 302
    assert answer.headers["Location"] == door(event, f"?q=ada+l&last={ada.id}")
    assert re.search(r"Ada Lovelace is in, \d\d:\d\d", text_of(page))
    assert 'value="ada l"' in page


def test_a_full_event_says_who_can_add_seats_and_writes_nothing(site: Store, sign_in: SignIn) -> None:
    ada, bea, cea = person(site, "Ada Berg"), person(site, "Bea Berg"), person(site, "Cea Berg")
    event = held(site, ada, bea, max_capacity=1)
    client = sign_in("Door")

    page = text_of(client.get(door(event, "?q=berg")).content.decode())
    told = text_of(tap(client, event, cea))
    plain = client.post(door(event), {"user": bea.id, "do": "in"}, follow=True).content.decode()

    assert "The only seat is taken. Who is registered still comes in. For anybody else, Editors and Admins can add seats." in page
    assert "Waitlist, 1st in line" in page
    assert "Not checked in The event is full." in told
    assert "The event is full." in plain
    assert {one.status for one in site.events.attendances(event.id, [bea.id, cea.id]).values()} == {AttendanceStatus.WAITLISTED}
    assert tap(client, event, ada).count("is in, ") == 1


def test_who_waits_is_given_a_seat_that_is_free(site: Store, sign_in: SignIn) -> None:
    ada, bea = person(site, "Ada Berg"), person(site, "Bea Berg")
    event = held(site, ada, bea, max_capacity=1)
    attendance.set_status(site, event.id, ada.id, AttendanceStatus.CANCELLED, now=timezone.now(), by="anna")
    client = sign_in("Door")

    page = client.get(door(event, "?q=bea")).content.decode()
    told = tap(client, event, bea)

    assert 'aria-label="Give Bea Berg a seat">' in page
    assert "Bea Berg is in, " in text_of(told)
    assert differences(site) == []


@pytest.mark.parametrize("status", ["invited", "cancelled", "no_show"])
def test_who_is_invited_cancelled_or_a_no_show_can_come_in(site: Store, sign_in: SignIn, status: str) -> None:
    ada = person(site)
    event = held(site)
    first = "invited" if status == "invited" else "registered"
    site.events.move(event.id, ada.id, AttendanceStatus(first), now=timezone.now(), by="anna")
    site.events.move(event.id, ada.id, AttendanceStatus(status), now=timezone.now(), by="anna")
    client = sign_in("Door")

    page, told = client.get(door(event, "?q=ada")).content.decode(), tap(client, event, ada)

    assert {"invited": "Invited", "cancelled": "Cancelled", "no_show": "Marked as a no-show"}[status] in page
    assert "Ada Lovelace is in, " in text_of(told)


def test_before_it_begins_the_door_says_when_and_checks_in_all_the_same(site: Store, sign_in: SignIn) -> None:
    ada = person(site)
    event = held(site, ada, hours=3.5, timezone="Europe/Stockholm")
    client = sign_in("Door")

    page, told = text_of(client.get(door(event)).content.decode()), text_of(tap(client, event, ada))

    assert re.search(r"It begins in 3 hours , .*\d\d:\d\d\. Who is early can be checked in already\.", page)
    assert "Europe/Stockholm" in page
    assert "Ada Lovelace is in, " in told


def test_before_it_begins_nobody_in_line_is_given_a_seat_by_hand(site: Store, sign_in: SignIn) -> None:
    ada, bea = person(site, "Ada Berg"), person(site, "Bea Berg")
    event = held(site, ada, bea, hours=3, max_capacity=1)
    site.table.write([Update(key=schema.key("event", id=event.id), changes={"maxCapacity": 2})])

    page = sign_in("Door").get(door(event, "?q=bea")).content.decode()

    assert "Until it begins, a seat that frees goes to the first in line by itself." in text_of(page)
    assert 'aria-label="Give Bea Berg a seat"' in page
    assert 'name="do"' not in page


def test_after_the_end_the_door_says_so_and_asks_for_no_news(site: Store, sign_in: SignIn) -> None:
    ada = person(site)
    event = held(site, ada, hours=-5)

    html = sign_in("Door").get(door(event)).content.decode()

    assert "It ended 3 hours ago . Who was here can still be checked in." in text_of(html)
    assert "every 10s" not in html
    assert f'aria-label="Check in {ada.name}"' in html


def test_after_no_shows_were_marked_they_stand_together_and_can_still_come_in(site: Store, sign_in: SignIn) -> None:
    ada = person(site)
    event = held(site, ada, hours=-9)
    site.events.move(event.id, ada.id, AttendanceStatus.NO_SHOW, now=timezone.now(), by="")
    site.table.write([Update(key=schema.key("event", id=event.id), changes={"noShowAt": stamp(timezone.now())})])
    client = sign_in("Door")

    page, told = text_of(client.get(door(event)).content.decode()), text_of(tap(client, event, ada))

    assert "Who was not in was marked as a no-show, " in page
    assert page.index("Did not come") < page.index("Ada Lovelace Marked as a no-show")
    assert "Ada Lovelace is in, " in told
    assert "Ada Lovelace is a no-show again" in text_of(tap(client, event, ada, "undo"))


@pytest.mark.parametrize(("status", "why"), [("creating", "still being written"), ("cancelled", "was cancelled")])
def test_an_event_that_is_not_open_says_why_and_has_no_button_that_does_something(
    site: Store, sign_in: SignIn, status: str, why: str
) -> None:
    ada = person(site)
    event = held(site, ada)
    shut(site, event, status)
    client = sign_in("Door")

    html = client.get(door(event, "?q=ada")).content.decode()
    told = tap(client, event, person(site, "Bo Ek"))

    assert why in text_of(html)
    assert 'aria-disabled="true"' in html
    assert 'name="do"' not in html
    assert "Not checked in" in told
    assert list(site.events.attendances(event.id, [ada.id]))


def test_a_draft_has_no_door_yet_and_says_why(site: Store, sign_in: SignIn) -> None:
    draft = site.drafts.create(EventDraft(id="d" * 32, created_at=timezone.now(), updated_at=timezone.now()))

    answer = sign_in("Door").get(f"/events/{draft.id}/check-in/")

    assert answer.status_code == 404
    assert "still a draft" in answer.content.decode()


def test_an_undo_before_it_begins_tells_that_the_seat_went_to_the_line(site: Store, sign_in: SignIn) -> None:
    ada, bea = person(site), person(site, "Bea Berg")
    event = held(site, hours=3, max_capacity=1)
    client = sign_in("Door")
    tap(client, event, ada)
    site.events.seat(event.id, [bea.id], now=timezone.now())

    told = text_of(tap(client, event, ada, "undo"))

    assert "Ada Lovelace is not on the list any more" in told
    assert "The seat went to the first in line" in told
    assert site.events.attendances(event.id, [bea.id])[bea.id].status is AttendanceStatus.REGISTERED


def shut(store: Store, event: Event, status: str) -> None:
    """Give the event that status, as others leave it behind."""
    store.table.write([Update(key=schema.key("event", id=event.id), changes={"status": status})])


def test_the_figures_come_by_themselves_only_where_they_changed(site: Store, sign_in: SignIn) -> None:
    ada = person(site)
    event = held(site, ada)
    client = sign_in("Door")
    headers = {**SWAPPED, "HX-Target": "door-count"}
    had = re.search(r"had=([\w-]+)", client.get(door(event)).content.decode())
    assert had

    with metered() as cost:
        same = client.get(door(event, f"?had={had[1]}"), headers=headers)
    attendance.check_in(site, event.id, ada.id, now=timezone.now(), by="anna")
    other = client.get(door(event, f"?had={had[1]}"), headers=headers)

    assert (same.status_code, same.content) == (204, b"")
    assert cost.requests <= 3
    assert "1 of 1 is in" in text_of(other.content.decode())
    assert other.content.decode().lstrip().startswith('<div id="door-count"')


def test_what_a_page_and_a_tap_cost_does_not_grow_with_the_list(site: Store, sign_in: SignIn) -> None:
    crowd = [
        one for one in site.people.create_many([make_person(last_name="Berg") for _ in range(90)]) if isinstance(one, Person)
    ]
    event = held(site, max_capacity=200)
    for start in (0, 30, 60):
        site.events.seat(event.id, [one.id for one in crowd[start : start + 30]], now=timezone.now())
    client = sign_in("Door")
    costs = {}
    acts: dict[str, Callable[[], object]] = {
        "page": lambda: client.get(door(event)),
        "search": lambda: client.get(door(event, "?q=berg"), headers={**SWAPPED, "HX-Target": "door-names"}),
        "tap": lambda: tap(client, event, crowd[0]),
    }

    for name, act in acts.items():
        with metered() as cost:
            act()
        costs[name] = cost.requests

    assert costs["page"] <= 12
    assert costs["search"] <= 20
    assert costs["tap"] <= 15


def test_somebody_new_is_written_down_and_checked_in(site: Store, sign_in: SignIn) -> None:
    event = held(site)
    client = sign_in("Door")
    form = client.get(door(event) + "new/?q=bo+jansson").content.decode()
    typed = {"firstName": "Bo", "lastName": "Jansson", "email": "bo@example.org", "key": "b" * 32}

    first = client.post(door(event) + "new/", typed)
    second = client.post(door(event) + "new/", typed, follow=True)

    assert 'value="Jansson"' in form
    assert first.headers["Location"] == door(event, "?last=" + "b" * 32)
    assert "Bo Jansson is in" in text_of(second.content.decode())
    assert site.people.totals().total == 1
    assert "1 of 1 is in 1 walk-in" in text_of(second.content.decode())


def test_a_walk_in_with_somebody_elses_address_is_told_whose_it_is(site: Store, sign_in: SignIn) -> None:
    person(site, email="ada@example.org")
    event = held(site)
    typed = {"firstName": "Bo", "lastName": "Jansson", "email": "ada@example.org"}

    page = text_of(sign_in("Door").post(door(event) + "new/", typed, follow=True).content.decode())

    assert "That address belongs to Ada Lovelace" in page
    assert "Ada Lovelace is in" in page


def test_what_was_typed_stays_where_a_walk_in_cannot_be(site: Store, sign_in: SignIn) -> None:
    event = held(site)
    full = held(site, person(site), max_capacity=1)
    client = sign_in("Door")

    wrong = client.post(door(event) + "new/", {"firstName": "Bo", "lastName": "Jansson", "email": "bo@"})
    late = client.post(door(full) + "new/", {"firstName": "Bo", "lastName": "Jansson", "email": "bo@example.org"})

    assert (wrong.status_code, late.status_code) == (422, 422)
    assert "is not an e-mail address" in wrong.content.decode()
    assert "The event is full." in late.content.decode()
    assert all('value="Jansson"' in answer.content.decode() for answer in (wrong, late))
    assert site.people.find_by_email("bo@example.org") is None


@pytest.mark.parametrize("sent", [{"do": "in"}, {"user": "", "do": "in"}, {"user": "a" * 32}, {"user": "a" * 32, "do": "out"}])
def test_a_tap_that_says_too_little_changes_nothing(site: Store, sign_in: SignIn, sent: dict[str, str]) -> None:
    event = held(site)

    answer = sign_in("Door").post(door(event), sent)

    assert answer.status_code == 422
    assert "tap again" in answer.content.decode()


def test_an_empty_form_says_what_is_required(site: Store, sign_in: SignIn) -> None:
    event = held(site)

    answer = sign_in("Door").post(door(event) + "new/", {})

    assert answer.status_code == 422
    assert answer.content.decode().count("This field is required.") == 6


def test_somebody_who_was_deleted_meanwhile_is_told(site: Store, sign_in: SignIn) -> None:
    ada = person(site)
    event = held(site)
    site.people.delete(ada)

    answer = sign_in("Door").post(door(event), {"user": ada.id, "do": "in"}, headers={**SWAPPED, "HX-Target": f"door-{ada.id}"})

    assert answer.status_code == 404
    assert answer.headers["HX-Retarget"] == "#toasts"


def test_times_are_told_in_the_events_zone_with_the_day_unless_it_is_today(site: Store, sign_in: SignIn) -> None:
    event = make_event(timezone="Europe/Stockholm")
    here = Door(event=event, now=datetime.fromisoformat("2026-05-05T22:30:00+00:00"), username="anna")

    assert here.clock(datetime.fromisoformat("2026-05-05T22:10:00+00:00")) == "00:10"
    assert here.clock(datetime.fromisoformat("2026-05-05T21:10:00+00:00")) == "Tue 5 May, 23:10"
