"""The page of one event, as a browser without JavaScript and htmx see it: figures, list, line, description, what can be done."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from bench.meter import Meter
from crm.domain.events import AttendanceStatus, Event
from crm.domain.people import Person
from crm.services import event_changes
from crm.store import Store, schema
from crm.store.requests import Update
from tests.factories import make_event, make_person

SignIn = Callable[..., Client]
MOST = 13
"""Requests of a page whose list is full and has a line; two of them for the line and those in it."""
MOST_FILTERED = 22
ATTENDED, CANCELLED, INVITED = AttendanceStatus.ATTENDED, AttendanceStatus.CANCELLED, AttendanceStatus.INVITED


def people(store: Store, number: int, **values: object) -> list[Person]:
    """So many people as stored."""
    return [one for one in store.people.create_many([make_person(**values) for _ in range(number)]) if isinstance(one, Person)]


def held(
    store: Store, days: float, *on_the_list: Person, hosts: tuple[str, ...] = (), hours: float = 2, **values: object
) -> Event:
    """A published event that starts so many days from now, with people who signed up for it."""
    now = timezone.now()
    start = now + timedelta(days=days)
    event = store.events.create(make_event(start_at=start, end_at=start + timedelta(hours=hours), **values), hosts, [], now=now)
    for number in range(0, len(on_the_list), 30):
        store.events.seat(event.id, [one.id for one in on_the_list[number : number + 30]], now=now)
    return store.events.get(event.id)


def shown(client: Client, event: Event, query: str = "") -> str:
    """The page in one text."""
    return client.get(f"/events/{event.id}/{query}").content.decode()


def names(answer: object) -> list[str]:
    """Whom the list shows, by last name."""
    return [row.person.profile.last_name for row in answer.context["rows"]]  # type: ignore[attr-defined]


def test_an_event_shows_its_seats_hosts_and_attendees_with_links(site: Store, sign_in: SignIn) -> None:
    ada, bob, eve = people(site, 3)
    event = held(site, 2, ada, bob, eve, hosts=(ada.id,), max_capacity=2)

    text = shown(sign_in("Viewer"), event)

    assert "2 of 2 seats" in text
    assert "full · 1 on the waitlist" in text
    assert text.count(f"/people/{ada.id}/") >= 3
    assert f"/people/{eve.id}/" in text
    assert "2 registered" in text


def test_hosts_are_named_in_a_sentence(site: Store, sign_in: SignIn) -> None:
    hosts = [people(site, 1, last_name=name)[0].id for name in ("Abel", "Berg", "Cole")]
    event = held(site, 2, hosts=tuple(hosts))

    text = " ".join(re.sub("<[^>]+>", "", shown(sign_in("Viewer"), event)).split())

    assert "hosted by Ada Abel, Ada Berg and Ada Cole" in text


def test_each_figure_leads_to_its_list(site: Store, sign_in: SignIn) -> None:
    ada, bob, eve = people(site, 3)
    event = held(site, -2, ada, bob)
    site.events.move(event.id, ada.id, ATTENDED, now=timezone.now())
    site.events.move(event.id, bob.id, AttendanceStatus.NO_SHOW, now=timezone.now())
    site.events.move(event.id, eve.id, ATTENDED, now=timezone.now(), walk_in=True)

    text = shown(sign_in("Viewer"), event)

    for status in ("invited", "registered", "waitlisted", "attended", "no_show"):
        assert f'<a class="fig" href="?status={status}">' in text
    assert "1 walk-in" in text
    assert "33.3% of 3" in text


def test_a_tab_shows_those_with_that_status_alone(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 2)
    event = held(site, 2, ada, bob)
    site.events.move(event.id, bob.id, CANCELLED, now=timezone.now())

    answer = sign_in("Viewer").get(f"/events/{event.id}/?status=cancelled")

    assert [row.user_id for row in answer.context["rows"]] == [bob.id]


def test_what_is_over_shows_first_who_came(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 2)
    event = held(site, -5, ada, bob)
    site.events.move(event.id, bob.id, ATTENDED, now=timezone.now())

    answer = sign_in("Viewer").get(f"/events/{event.id}/")

    assert [row.user_id for row in answer.context["rows"]] == [bob.id]
    assert "Over" in answer.content.decode()


def test_htmx_gets_the_list_and_what_changes_with_it(site: Store, sign_in: SignIn) -> None:
    ada, bob = people(site, 2)
    event = held(site, 2, ada, bob, max_capacity=1)

    answer = sign_in("Viewer").get(f"/events/{event.id}/", headers={"HX-Request": "true", "HX-Target": "attendees"})

    text = answer.content.decode()
    assert text.strip().startswith('<div id="attendees">')
    for part in ("event-figures", "attendee-tabs", "event-waitlist", "attendee-strip", "attendee-chips"):
        assert f'id="{part}" hx-swap-oob="true"' in text
    assert "HX-Target" in answer.headers["Vary"]


def test_the_list_is_sorted_by_arrival_or_by_name(site: Store, sign_in: SignIn) -> None:
    zoe, ada = people(site, 1, last_name="Zweig")[0], people(site, 1, last_name="Abel")[0]
    event = held(site, 2, zoe)
    site.events.seat(event.id, [ada.id], now=timezone.now() + timedelta(seconds=1))
    client = sign_in("Viewer")

    by_arrival, by_name = client.get(f"/events/{event.id}/"), client.get(f"/events/{event.id}/?order=name")

    assert names(by_arrival) == ["Zweig", "Abel"]
    assert names(by_name) == ["Abel", "Zweig"]


def test_the_list_is_filtered_by_name_and_company_and_counted_exactly(site: Store, sign_in: SignIn) -> None:
    ada = people(site, 1, last_name="Abel", company="Pine")[0]
    ann, bob = people(site, 1, last_name="Abelsson", company="Oak")[0], people(site, 1, last_name="Berg", company="Pine")[0]
    event = held(site, 2, ada, ann, bob)
    people(site, 1, last_name="Abelius", company="Pine")
    client = sign_in("Viewer")

    by_name, by_both = client.get(f"/events/{event.id}/?q=abel"), client.get(f"/events/{event.id}/?q=abel&company=pine")

    assert (names(by_name), by_name.context["total"]) == (["Abel", "Abelsson"], 2)
    assert (names(by_both), by_both.context["total"]) == (["Abel"], 1)


def test_a_filter_is_told_in_chips_that_leave_the_rest(site: Store, sign_in: SignIn) -> None:
    event = held(site, 2, *people(site, 1))

    answer = sign_in("Viewer").get(f"/events/{event.id}/?status=registered&q=abel&company=Pine&company=Oak&order=name")

    chips = {chip.value: chip.query for chip in answer.context["bar"].chips}
    assert chips == {
        "abel": "?status=registered&company=Pine&company=Oak&order=name",
        "Pine": "?status=registered&company=Oak&q=abel&order=name",
        "Oak": "?status=registered&company=Pine&q=abel&order=name",
    }
    assert "Nobody registered matches all of that" in answer.content.decode()


def test_a_filter_that_can_not_be_says_why_and_keeps_what_was_typed(site: Store, sign_in: SignIn) -> None:
    event = held(site, 2, *people(site, 1))

    answer = sign_in("Viewer").get(f"/events/{event.id}/", {"q": "word " * 11})

    assert answer.status_code == 200
    assert "ten words are the most" in answer.content.decode()
    assert 'value="word word' in answer.content.decode()


def test_a_long_list_is_paged_with_its_filter_and_a_stale_link_leads_to_its_beginning(site: Store, sign_in: SignIn) -> None:
    event = held(site, 2, *people(site, 52, company="Pine"))
    client = sign_in("Viewer")

    first = client.get(f"/events/{event.id}/?company=Pine")
    second = client.get(f"/events/{event.id}/{first.context['pager'].next_query}")
    stale = client.get(f"/events/{event.id}/?company=Pine&nextToken=abc")

    shown_ids = [row.user_id for answer in (first, second) for row in answer.context["rows"]]
    assert (len(first.context["rows"]), len(shown_ids), len(set(shown_ids))) == (50, 52, 52)
    assert second.context["pager"].first == 51
    assert (stale.status_code, stale.headers["Location"]) == (302, f"/events/{event.id}/?status=registered&company=Pine")


def test_values_to_filter_by_are_those_of_the_list_with_their_counts(site: Store, sign_in: SignIn) -> None:
    event = held(site, 2, *people(site, 2, company="Pine"), *people(site, 1, company="Oak"))
    people(site, 3, company="Elm")

    text = sign_in("Viewer").get(f"/events/{event.id}/values/?field=company").content.decode()

    assert text.index("Pine") < text.index("Oak")
    assert '<bdi>Pine</bdi><span class="count">2</span>' in text
    assert "Elm" not in text


def test_without_scripts_a_field_is_opened_by_a_link(site: Store, sign_in: SignIn) -> None:
    event = held(site, 2, *people(site, 2, company="Pine"))
    client = sign_in("Viewer")

    closed, opened = shown(client, event), shown(client, event, "?open=company")

    assert "&amp;open=company" in closed
    assert 'name="company" value="Pine"' in opened


def test_the_line_shows_who_is_next_and_their_places(site: Store, sign_in: SignIn) -> None:
    ada, bob, eve = people(site, 3)
    event = held(site, 2, ada, bob, eve, max_capacity=1, timezone="Asia/Tokyo")

    answer = sign_in("Viewer").get(f"/events/{event.id}/?status=waitlisted")

    assert {person.id for person, _ in answer.context["waiting"]} == {bob.id, eve.id}
    assert [row.place for row in answer.context["rows"]] == [1, 2]
    assert answer.content.decode().count("Asia/Tokyo") >= 3


def test_sign_ups_are_drawn_and_told_in_a_table(site: Store, sign_in: SignIn) -> None:
    ada, bob, eve = people(site, 3)
    event = held(site, 9, ada)
    site.events.seat(event.id, [bob.id, eve.id], now=timezone.now() - timedelta(days=3))

    answer = sign_in("Viewer").get(f"/events/{event.id}/")

    text = answer.content.decode()
    assert [number for _, number in answer.context["sign_ups"].rows] == [1, 2]
    assert ": 3 in all" in text
    assert text.count('<rect class="f-sent"') == 2


def test_without_sign_ups_there_is_no_chart(site: Store, sign_in: SignIn) -> None:
    text = shown(sign_in("Viewer"), held(site, 2))

    assert "Sign-ups" not in text
    assert "Nobody is on the list yet" in text


def test_the_description_is_markdown_without_anybodys_html(site: Store, sign_in: SignIn) -> None:
    words = (
        "# Doors\n\nThe ![map & way](https://a.b/c.png) **Bring** <script>alert(1)</script>"
        " [home](https://example.org) [bad](javascript:alert(1)) ![x](https://a.b/c.png)"
    )
    event = held(site, 2, description=words)

    text = shown(sign_in("Viewer"), event)

    assert "<h3>Doors</h3>" in text
    assert "<strong>Bring</strong>" in text
    assert '<a href="https://example.org" rel="noopener nofollow">home</a>' in text
    assert "<script>alert" not in text
    assert 'href="javascript' not in text
    assert "The map &amp; way <strong>" in text
    assert "!x" not in text
    assert "a.b/c.png" not in text


def test_names_are_shown_as_text_whatever_is_in_them(site: Store, sign_in: SignIn) -> None:
    (ada,) = people(site, 1, first_name="<script>alert(1)</script>", company="Pine & <b>Co</b>")
    event = held(site, 2, ada, title="<i>Evening</i>", city="<u>Ulm</u>")

    text = shown(sign_in("Viewer"), event)

    assert "<script>alert" not in text
    assert "<b>Co" not in text
    assert "<i>Evening" not in text
    assert "<u>Ulm" not in text


def test_letters_go_to_those_who_stand_somewhere(site: Store, sign_in: SignIn) -> None:
    ada, bob, eve = people(site, 3)
    event = held(site, 2, ada, bob, max_capacity=1)
    site.events.move(event.id, eve.id, INVITED, now=timezone.now())

    text = shown(sign_in("Marketer"), event)

    for status in ("registered", "waitlisted", "invited"):
        assert f"/campaigns/new/?attends={event.id}:{status}" in text
    assert f"attends={event.id}:no_show" not in text


def test_a_cancelled_event_says_why_and_by_whom_and_takes_nobody(site: Store, sign_in: SignIn) -> None:
    event = held(site, 2, *people(site, 1))
    event_changes.cancel(site, event.id, reason="The storm <b>closed</b> the harbour", actor="grace", now=timezone.now())

    text = shown(sign_in("Editor"), event)

    assert "The storm &lt;b&gt;closed&lt;/b&gt; the harbour" in text
    assert "by grace" in text
    assert "publish it again, then edit it" in text
    assert f'href="/events/{event.id}/edit/"' not in text
    assert 'name="add"' not in text
    assert 'name="move"' not in text


def test_an_event_that_is_being_deleted_says_so_and_takes_nobody(site: Store, sign_in: SignIn) -> None:
    event = held(site, 2, *people(site, 1))
    site.table.write([Update(key=schema.key("event", id=event.id), changes={"deleting": True})])

    text = shown(sign_in("Editor"), event)

    assert "This event is being deleted." in text
    assert 'name="add"' not in text
    assert 'name="move"' not in text
    assert f"/events/{event.id}/cancel/" not in text


def test_who_may_only_look_sees_what_can_be_done_and_why_not(site: Store, sign_in: SignIn) -> None:
    event = held(site, 2, *people(site, 1))

    text = shown(sign_in("Viewer"), event)

    assert 'name="move"' not in text
    assert 'name="add"' not in text
    assert "Add people by name" not in shown(sign_in("Viewer"), held(site, 2))
    assert text.count("Your role, Viewer, may not add and change events.") >= 3


def test_the_door_sees_names_without_addresses_or_links_to_people(site: Store, sign_in: SignIn) -> None:
    (ada,) = people(site, 1, company="")
    event = held(site, 2, ada, hosts=(ada.id,), owner=ada.id)

    text = shown(sign_in("Door"), event)

    assert "Lovelace, Ada" in text
    assert ada.profile.email not in text
    assert "/people/" not in text.replace("/people/tasks/new/", "")


def test_a_deleted_owner_does_not_break_the_page(site: Store, sign_in: SignIn) -> None:
    text = shown(sign_in("Viewer"), held(site, 2, owner="gone"))

    assert "No longer here" in text


@pytest.mark.parametrize(("query", "most"), [("", MOST), ("?status=waitlisted", MOST), ("?company=Pine", MOST_FILTERED)])
def test_a_page_needs_few_requests_whatever_the_length_of_its_list(site: Store, sign_in: SignIn, query: str, most: int) -> None:
    everybody = people(site, 70, company="Pine")
    event = held(site, 2, *everybody, hosts=(everybody[0].id,), owner=everybody[1].id, max_capacity=60)
    site.stats.fold_all()
    client = sign_in("Viewer")

    with Meter(site.table.client).reading() as spent:
        answer = client.get(f"/events/{event.id}/{query}")

    assert answer.status_code == 200
    assert 0 < spent.cost.requests <= most
