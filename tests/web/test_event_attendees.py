"""What is done to the list of an event: one person added or moved and taken back, many at once, and the list as a file."""

import csv
import io
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from crm.domain.events import AttendanceStatus, Event
from crm.domain.filters import PeopleFilter
from crm.domain.people import Person
from crm.services import event_changes, tasks
from crm.store import Store
from tests.jobs.mailing import ToldMailer, drive, make_work
from tests.web.test_event_page import SignIn, held, people, shown

REGISTERED, WAITLISTED = AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED
ATTENDED, CANCELLED, INVITED = AttendanceStatus.ATTENDED, AttendanceStatus.CANCELLED, AttendanceStatus.INVITED


def stands(store: Store, event: Event, person: Person) -> AttendanceStatus | None:
    """Where somebody stands at this moment."""
    one = store.events.attendances(event.id, [person.id]).get(person.id)
    return one.status if one else None


def told(client: Client, event: Event) -> str:
    """The page that one comes to, with its toast."""
    return shown(client, event)


def rows_of(answer: object) -> list[dict[str, str]]:
    """The rows of a file by its headings."""
    return list(csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))  # type: ignore[arg-type]


# one person


def test_a_person_is_moved_and_the_toast_takes_it_back(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 1, last_name="Abel")[0], people(site, 1, last_name="Berg")[0]
    event = held(site, 2, ada, bob, max_capacity=2)
    client = sign_in("Editor")

    moved = client.post(f"/events/{event.id}/move/", {"move": f"cancelled:{ada.id}", "list": "status=registered&order=name"})
    undo = next(iter(get_messages(moved.wsgi_request))).extra_tags
    after = stands(site, event, ada)
    back = client.post(undo)

    assert (moved.status_code, moved.headers["Location"]) == (302, f"/events/{event.id}/?status=registered&order=name")
    assert after is CANCELLED
    assert back.headers["Location"] == f"/events/{event.id}/?status=registered&order=name#pick-{ada.id}"
    assert stands(site, event, ada) is REGISTERED
    assert "Taken back: Ada Abel is registered now" in told(client, event)


def test_who_gets_the_seat_that_was_freed_is_named(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 1, last_name="Abel")[0], people(site, 1, last_name="Berg")[0]
    event = held(site, 2, ada, bob, max_capacity=1)
    client = sign_in("Editor")

    client.post(f"/events/{event.id}/move/", {"move": f"cancelled:{ada.id}"})

    assert "Ada Berg moved up from the waitlist." in told(client, event)
    assert stands(site, event, bob) is REGISTERED


def test_a_change_is_not_taken_back_from_who_was_moved_since(site: Store, sign_in: SignIn) -> None:
    (ada,) = people(site, 1)
    event = held(site, 2, ada)
    client = sign_in("Editor")
    moved = client.post(f"/events/{event.id}/move/", {"move": f"cancelled:{ada.id}"})
    undo = next(iter(get_messages(moved.wsgi_request))).extra_tags
    site.events.move(event.id, ada.id, INVITED, now=timezone.now())

    client.post(undo)

    assert stands(site, event, ada) is INVITED
    assert "was moved since" in told(client, event)


def test_what_can_not_be_is_told_and_changes_nothing(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 2)
    event = held(site, 2, ada, bob, max_capacity=1)
    client = sign_in("Editor")

    answer = client.post(f"/events/{event.id}/move/", {"move": f"registered:{bob.id}"})

    assert answer.status_code == 302
    assert "The event is full." in told(client, event)
    assert stands(site, event, bob) is WAITLISTED


@pytest.mark.parametrize("sent", ["", "cancelled:", "dancing:1", "cancelled"])
def test_a_move_of_nobody_or_to_nowhere_is_refused(site: Store, sign_in: SignIn, sent: str) -> None:
    event = held(site, 2)

    assert sign_in("Editor").post(f"/events/{event.id}/move/", {"move": sent}).status_code == 400


def test_the_way_back_leads_nowhere_but_to_the_list(site: Store, sign_in: SignIn) -> None:
    (ada,) = people(site, 1)
    event = held(site, 2, ada)

    sent = {"move": f"cancelled:{ada.id}", "list": "status=registered&next=https://evil.example&q=a"}
    answer = sign_in("Editor").post(f"/events/{event.id}/move/", sent)

    assert answer.headers["Location"] == f"/events/{event.id}/?status=registered&q=a"


def test_who_may_only_look_moves_and_adds_nobody(site: Store, sign_in: SignIn) -> None:
    (ada,) = people(site, 1)
    event = held(site, 2, ada)
    client = sign_in("Viewer")

    answers = [client.post(f"/events/{event.id}/{what}/", {"move": f"cancelled:{ada.id}"}) for what in ("move", "add")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert stands(site, event, ada) is REGISTERED


def test_nobody_has_attended_or_stayed_away_before_it_begins(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 2)
    client = sign_in("Editor")

    ahead, begun = shown(client, held(site, 9, ada)), shown(client, held(site, -0.01, bob))

    assert "no_show:" not in ahead
    assert "attended:" not in ahead
    assert f"no_show:{bob.id}" in begun
    assert f"attended:{bob.id}" in begun


def test_a_step_there_is_no_room_for_stays_in_its_place_and_says_why(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 2)
    client = sign_in("Editor")
    full, roomy = held(site, 2, ada, bob, max_capacity=1), held(site, 2, ada, max_capacity=2)

    seat = shown(client, full, "?status=waitlisted")
    line = shown(client, roomy)

    assert 'title="The event is full."' in seat
    assert 'title="There are free seats, so nobody needs to wait."' in line
    assert f'value="cancelled:{ada.id}" hx-post' in line


# adding one


@pytest.mark.parametrize("typed", ["ada abel", "Abel", "abel@pine.example", " ABEL@pine.example "])
def test_one_clear_match_is_added_at_once(site: Store, sign_in: SignIn, typed: str) -> None:
    ada = people(site, 1, last_name="Abel", email="abel@pine.example")[0]
    people(site, 2, last_name="Berg")
    event = held(site, 2)
    client = sign_in("Editor")

    answer = client.post(f"/events/{event.id}/add/", {"add": typed, "list": "status=registered"})

    assert answer.headers["Location"] == f"/events/{event.id}/?status=registered&add="
    assert stands(site, event, ada) is REGISTERED
    assert "Ada Abel is registered" in told(client, event)


def test_of_several_one_is_chosen(site: Store, sign_in: SignIn) -> None:
    ada, aaf = people(site, 1, first_name="Ada", last_name="Berg")[0], people(site, 1, first_name="Aaf", last_name="Berg")[0]
    event = held(site, 2, aaf)
    client = sign_in("Editor")

    answer = client.post(f"/events/{event.id}/add/", {"add": "berg"})
    text = client.get(answer.headers["Location"]).content.decode()
    client.post(f"/events/{event.id}/add/", {"user": ada.id})

    assert "2 people match “berg”." in text
    assert "Registered already" in text
    assert text.index(f"/people/{ada.id}/") < text.index(f"/people/{aaf.id}/")
    assert f'name="user" value="{ada.id}"' in text
    assert f'name="user" value="{aaf.id}"' not in text
    assert stands(site, event, ada) is REGISTERED


def test_of_an_unknown_person_it_says_what_to_do(site: Store, sign_in: SignIn) -> None:
    event = held(site, 2)
    client = sign_in("Editor")

    named = client.post(f"/events/{event.id}/add/", {"add": "Grace Hopper"}, follow=True).content.decode()
    addressed = client.post(f"/events/{event.id}/add/", {"add": "grace@navy.example"}, follow=True).content.decode()

    assert "Nobody matches “Grace Hopper”." in named
    assert "/people/new/?firstName=Grace&amp;lastName=Hopper" in named
    assert "/people/new/?email=grace%40navy.example" in addressed
    assert 'value="grace@navy.example"' in client.get("/people/new/?email=grace%40navy.example").content.decode()


def test_who_finds_no_seat_waits_and_the_toast_takes_that_back(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 2)
    event = held(site, 2, ada, max_capacity=1)
    client = sign_in("Editor")

    added = client.post(f"/events/{event.id}/add/", {"user": bob.id})
    undo = next(iter(get_messages(added.wsgi_request))).extra_tags
    waits = stands(site, event, bob)
    client.post(undo)

    assert waits is WAITLISTED
    assert stands(site, event, bob) is None


def test_a_full_event_without_a_waitlist_takes_nobody(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 2)
    event = held(site, 2, ada, max_capacity=1, waitlist=False)
    client = sign_in("Editor")

    client.post(f"/events/{event.id}/add/", {"user": bob.id})

    assert "The event is full, and it has no waitlist." in told(client, event)
    assert stands(site, event, bob) is None


def test_somebody_is_added_as_invited_and_who_is_there_stays(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 2)
    event = held(site, 2, bob)
    client = sign_in("Editor")

    client.post(f"/events/{event.id}/add/", {"user": ada.id, "as": "invited"})
    client.post(f"/events/{event.id}/add/", {"user": bob.id, "as": "invited"})

    assert stands(site, event, ada) is INVITED
    assert stands(site, event, bob) is REGISTERED
    assert "is on the list already" in told(client, event)


def test_htmx_gets_the_list_again_after_somebody_was_added(site: Store, sign_in: SignIn) -> None:
    ada = people(site, 1, last_name="Abel")[0]
    event = held(site, 2)

    headers = {"HX-Request": "true", "HX-Target": "attendees"}
    answer = sign_in("Editor").post(f"/events/{event.id}/add/", {"add": "abel"}, headers=headers, follow=True)

    text = answer.content.decode()
    assert text.strip().startswith('<div id="attendees">')
    assert f'id="attendee-{ada.id}"' in text
    assert 'id="attendee-add" hx-swap-oob="true"' in text
    assert "Ada Abel is registered" in text


def test_who_is_added_after_the_end_has_come(site: Store, sign_in: SignIn) -> None:
    (ada,) = people(site, 1)
    event = held(site, -3)

    sign_in("Editor").post(f"/events/{event.id}/add/", {"user": ada.id})

    assert stands(site, event, ada) is ATTENDED


# many


def test_ticked_rows_get_another_status_and_one_comes_back_to_the_event(site: Store, sign_in: SignIn) -> None:
    ada, bob, eve = people(site, 3)
    event = held(site, 2, ada, bob, eve)
    client = sign_in("Editor")
    here = f"/events/{event.id}/?status=registered"
    picked = {
        "id": [ada.id, bob.id],
        "list": f"attends={event.id}:registered",
        "event": event.id,
        "to": "cancelled",
        "back": here,
    }

    asked = client.get("/people/tasks/new/", picked)
    form = {"action": "status", "subject": f"{event.id}:cancelled", "id": [ada.id, bob.id], "list": "", "back": here}
    done = client.post("/people/tasks/new/", form)

    assert f"Cancel the places of 2 people: {event.title}?" in asked.content.decode()
    assert f'name="subject" value="{event.id}:cancelled"' in asked.content.decode()
    assert (done.status_code, done.headers["Location"]) == (302, here)
    assert [stands(site, event, one) for one in (ada, bob, eve)] == [CANCELLED, CANCELLED, REGISTERED]
    assert f"Places of 2 people cancelled: {event.title}" in told(client, event)


def test_all_of_a_list_means_its_filter(site: Store, sign_in: SignIn) -> None:
    inside, outside = people(site, 55, company="Pine"), people(site, 2, company="Oak")
    event = held(site, -1, *inside, *outside)

    form = {
        "action": "status",
        "subject": f"{event.id}:attended",
        "all": "1",
        "list": f"attends={event.id}:registered&company=Pine",
    }
    sign_in("Editor").post("/people/tasks/new/", form)

    assert {stands(site, event, one) for one in inside} == {ATTENDED}
    assert {stands(site, event, one) for one in outside} == {REGISTERED}


def test_many_are_left_to_a_worker_and_a_page_says_what_became_of_them(
    site: Store, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    seated, waiting = people(site, 3), people(site, 2)
    event = held(site, -0.01, *seated, *waiting, max_capacity=3)
    monkeypatch.setattr(tasks, "AT_ONCE", 1)
    client = sign_in("Editor")
    form = {"action": "status", "subject": f"{event.id}:no_show", "id": [one.id for one in (*seated, *waiting)]}

    begun = client.post("/people/tasks/new/", form)
    ahead = client.get(begun.headers["Location"]).content.decode()
    drive(make_work(site, ToldMailer()))
    done = client.get(begun.headers["Location"]).content.decode()

    assert f"Note 5 people as no-show: {event.title}" in ahead
    assert {stands(site, event, one) for one in seated} == {AttendanceStatus.NO_SHOW}
    assert "3 people noted as no-show" in done
    assert "From where they stand with the event there is no way there" in done
    assert f"attendsNot={event.id}%3Ano_show" in done
    assert f'href="/events/{event.id}/"' in done


@pytest.mark.parametrize("subject", ["", "x", ":cancelled", "x:dancing"])
def test_a_status_that_does_not_exist_is_refused(site: Store, sign_in: SignIn, subject: str) -> None:
    (ada,) = people(site, 1)

    answer = sign_in("Editor").get("/people/tasks/new/", {"action": "status", "subject": subject, "id": ada.id})

    assert answer.status_code == 422


def test_the_question_leads_back_to_an_event_and_nowhere_else(site: Store, sign_in: SignIn) -> None:
    (ada,) = people(site, 1)
    event = held(site, 2, ada)

    asked = {"action": "tag", "id": ada.id, "back": "https://evil.example/events/"}
    text = sign_in("Editor").get("/people/tasks/new/", asked).content.decode()

    assert "evil.example" not in text
    assert event.id not in text


def test_from_those_who_do_not_attend_it_the_event_is_chosen_already(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 2)
    event = held(site, 2, ada)
    client = sign_in("Editor")

    text = client.get(
        "/people/tasks/new/", {"action": "register", "id": bob.id, "list": f"attendsNot={event.id}"}
    ).content.decode()

    assert f'<option value="{event.id}" selected>' in text
    assert f"/people/?attendsNot={event.id}" in shown(client, event)


def test_the_question_foresees_a_full_event_with_and_without_a_waitlist(site: Store, sign_in: SignIn) -> None:
    ada, bob, eve = people(site, 3)
    lined, closed = held(site, 2, ada, bob, max_capacity=1), held(site, 3, ada, max_capacity=1, waitlist=False)
    client = sign_in("Editor")

    waits, refused = (
        client.get("/people/tasks/new/", {"action": "register", "id": eve.id, "subject": one.id}).content.decode()
        for one in (lined, closed)
    )

    assert "<b>1</b> put on the waitlist" in waits
    assert "<b>1</b> left out, as it has no waitlist" in refused


# the file


def test_the_csv_has_everybody_on_the_list_and_no_formula(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 1, first_name="=SUM(A1)")[0], people(site, 1)[0]
    event = held(site, 2, ada, bob, slug="spring", max_capacity=1)

    answer = sign_in("Editor").get(f"/events/{event.id}/attendees.csv")
    rows = rows_of(answer)

    assert [(row["First name"], row["Status"]) for row in rows] == [("'=SUM(A1)", "Registered"), ("Ada", "Waitlisted")]
    assert [row["ID"] for row in rows] == [ada.id, bob.id]
    assert 'filename="spring-attendees.csv"' in answer.headers["Content-Disposition"]


def test_the_csv_has_times_in_the_zone_of_the_event_and_who_walked_in(site: Store, sign_in: SignIn) -> None:
    (ada,) = people(site, 1)
    event = held(site, -0.01, timezone="Asia/Tokyo")
    at = timezone.now().replace(year=2026, month=3, day=1, hour=20, minute=5, second=0)
    site.events.move(event.id, ada.id, ATTENDED, now=at, walk_in=True)

    [row] = rows_of(sign_in("Editor").get(f"/events/{event.id}/attendees.csv"))

    assert row["Since (Asia/Tokyo)"] == row["Registered (Asia/Tokyo)"] == "2026-03-02 05:05:00"
    assert (row["Status"], row["Walk-in"]) == ("Attended", "yes")
    assert "Signed up or came" in row


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?status=registered", ["Cohn", "Abel", "Berg"]),
        ("?status=registered&order=name", ["Abel", "Berg", "Cohn"]),
        ("?status=registered&company=Pine", ["Abel", "Cohn"]),
        ("?status=waitlisted", ["Dahl"]),
        ("?company=Pine", ["Abel", "Cohn", "Dahl"]),
    ],
)
def test_the_csv_is_what_the_list_shows(site: Store, sign_in: SignIn, query: str, expected: list[str]) -> None:
    event = held(site, 2, max_capacity=3)
    for number, (name, company) in enumerate([("Cohn", "Pine"), ("Abel", "Pine"), ("Berg", "Oak"), ("Dahl", "Pine")]):
        one = people(site, 1, last_name=name, company=company)[0]
        site.events.seat(event.id, [one.id], now=timezone.now() - timedelta(hours=9 - number))

    answer = sign_in("Editor").get(f"/events/{event.id}/attendees.csv{query}")

    assert [row["Last name"] for row in rows_of(answer)] == expected


def test_the_csv_of_ticked_rows_has_those(site: Store, sign_in: SignIn) -> None:
    ada, bob, eve = people(site, 3)
    event = held(site, 2, ada, bob, eve)
    client = sign_in("Editor")

    ticked = client.get(f"/events/{event.id}/attendees.csv", {"status": "registered", "id": [ada.id, eve.id]})
    every = client.get(f"/events/{event.id}/attendees.csv", {"status": "registered", "id": [ada.id], "all": "1"})

    assert {row["ID"] for row in rows_of(ticked)} == {ada.id, eve.id}
    assert len(rows_of(every)) == 3


def test_taking_the_list_is_noted(site: Store, sign_in: SignIn) -> None:
    event = held(site, 2, *people(site, 1))

    list(sign_in("Editor").get(f"/events/{event.id}/attendees.csv?status=registered"))

    [entry] = [one for one in site.audit.of_month(f"{timezone.now():%Y-%m}") if one.action == "attendees.exported"]
    assert entry.facts == {"eventId": event.id, "filter": "attends"}


def test_who_may_not_export_keeps_the_button_and_reads_why(site: Store, sign_in: SignIn) -> None:
    event = held(site, 2, *people(site, 1))
    client = sign_in("Door")

    text = shown(client, event)

    assert "CSV of 1" in text
    assert f"/events/{event.id}/attendees.csv" not in text
    assert client.get(f"/events/{event.id}/attendees.csv").status_code == 403


def test_a_cancelled_event_lets_its_list_be_taken_but_not_changed(site: Store, sign_in: SignIn) -> None:
    (ada,) = people(site, 1)
    event = held(site, 2, ada)
    event_changes.cancel(site, event.id, reason="", actor="grace", now=timezone.now())
    client = sign_in("Editor")

    text = shown(client, event)
    refused = client.post("/people/tasks/new/", {"action": "status", "subject": f"{event.id}:attended", "id": ada.id})

    assert "CSV of this one" in text
    assert 'name="to"' not in text
    assert refused.status_code == 422
    assert site.people.count(PeopleFilter(attends=(f"{event.id}:registered",))) == 1
