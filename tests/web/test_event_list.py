"""The list of events: four lists, a filter in the address, all of it as CSV; as a browser without JavaScript and htmx see it."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from crm.domain.event_drafts import EventDraft, Step
from crm.domain.events import Event, EventStatus
from crm.domain.ids import new_id
from crm.domain.people import Person
from crm.store import Store, schema
from crm.store.cost import metered
from crm.store.requests import Put
from tests.factories import make_event, make_person

SignIn = Callable[..., Client]
HTMX = {"HX-Request": "true", "HX-Target": "events"}


def held(store: Store, days: float, hosts: tuple[str, ...] = (), **values: Any) -> Event:
    """A published event that starts so many days from now."""
    now = timezone.now()
    start = now + timedelta(days=days)
    end = start + timedelta(hours=values.pop("hours", 2))
    return store.events.create(make_event(start_at=start, end_at=end, **values), list(hosts), [], now=now)


def host(store: Store, **values: Any) -> Person:
    """Somebody as stored."""
    person = make_person(**values)
    store.people.create(person)
    return person


def draft(store: Store, title: str, **values: Any) -> EventDraft:
    """A draft whose first step is filled in."""
    now = timezone.now()
    made = EventDraft(id=new_id(), created_at=now, updated_at=now, **values)
    return store.drafts.create(made.with_step(Step.BASICS, {"title": title}))


def shown(client: Client, query: str = "") -> list[str]:
    """The titles of a list, in order."""
    answer = client.get(f"/events/{query}")
    assert answer.status_code == 200
    return [row.shown.event.title for row in answer.context.get("rows", ())]


def counts(client: Client, query: str = "") -> list[int]:
    """The numbers on the four tabs."""
    return [one.count for one in client.get(f"/events/{query}").context["tabs"]]


def exported(client: Client, query: str = "") -> list[dict[str, str]]:
    """The rows of the file."""
    answer = client.get(f"/events/export.csv{query}")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))  # type: ignore[arg-type]


def test_without_events_the_list_says_what_to_do_first(sign_in: SignIn) -> None:
    editor, viewer = sign_in("Editor").get("/events/").content.decode(), sign_in("Viewer").get("/events/").content.decode()

    assert "No events yet" in editor
    assert 'href="/events/new/"' in editor
    assert 'href="/events/new/"' not in viewer
    assert "Your role, Viewer, may not add and change events." in viewer


def test_each_event_stands_in_one_of_the_lists_and_the_tabs_count_them(site: Store, sign_in: SignIn) -> None:
    held(site, -3, title="Camp", hours=24 * 10)
    held(site, 3, title="Ahead")
    held(site, -3, title="Over")
    draft(site, "Planned")
    client = sign_in("Viewer")

    assert shown(client) == ["Camp", "Ahead"]
    assert shown(client, "?when=past") == ["Over"]
    assert counts(client) == [2, 1, 1, 0]
    assert "Planned" in client.get("/events/?when=drafts").content.decode()


def test_a_draft_says_who_began_it_how_far_it_is_and_leads_on(site: Store, sign_in: SignIn) -> None:
    one = draft(site, "Summer party", created_by="ingrid")
    editor, viewer = sign_in("Editor"), sign_in("Viewer")

    text, read = (client.get("/events/?when=drafts").content.decode() for client in (editor, viewer))

    assert "Summer party" in text
    assert "ingrid" in text
    assert "next: " in text
    assert f'href="/events/new/{one.id}/' in text
    assert f'href="/events/new/{one.id}/' not in read


def test_filters_by_title_place_host_and_days_hold_together_on_all_lists(site: Store, sign_in: SignIn) -> None:
    ada = host(site)
    held(site, 2, (ada.id,), title="Spring meet-up", city="Göteborg")
    held(site, 2, title="Spring evening", venue="Göteborg hall")
    held(site, -20, (ada.id,), title="Spring long ago", city="Göteborg")
    held(site, 40, (ada.id,), title="Spring later", city="Göteborg")
    client = sign_in("Viewer")
    last = (timezone.now() + timedelta(days=30)).date()

    assert shown(client, "?q=MEET&q=spr") == ["Spring meet-up"]
    assert shown(client, "?place=goteborg") == ["Spring meet-up", "Spring evening", "Spring later"]
    assert shown(client, f"?host={ada.id}&place=göte&to={last}") == ["Spring meet-up"]
    assert counts(client, f"?host={ada.id}") == [2, 1, 0, 0]
    assert shown(client, f"?host={ada.id}&when=past") == ["Spring long ago"]


def test_an_event_of_several_days_is_found_on_each_of_them(site: Store, sign_in: SignIn) -> None:
    camp = held(site, 10, title="Camp", hours=24 * 4)
    client = sign_in("Viewer")

    days = [timezone.localtime(camp.start_at).date() + timedelta(days=number) for number in range(-1, 6)]

    assert [len(shown(client, f"?from={day}&to={day}")) for day in days] == [0, 1, 1, 1, 1, 1, 0]


def test_chips_lead_to_the_list_without_one_condition_and_clear_all_keeps_the_tab(site: Store, sign_in: SignIn) -> None:
    ada = host(site, first_name="Ada", last_name="Quist")
    held(site, -2, (ada.id,), title="Spring")
    client = sign_in("Viewer")

    answer = client.get(f"/events/?when=past&q=spring&host={ada.id}&from=2020-01-01")

    assert [(chip.label, chip.value) for chip in answer.context["bar"].chips] == [
        ("Title", "spring"),
        ("Host", "Ada Quist"),
        ("From", "1 Jan 2020"),
    ]
    assert answer.context["bar"].chips[0].query == f"?host={ada.id}&from=2020-01-01&when=past"
    assert 'href="?when=past">Clear all' in answer.content.decode()


def test_what_the_form_sends_is_made_plain(sign_in: SignIn) -> None:
    client = sign_in("Viewer")

    answer = client.get("/events/?q=spring&place=&host=&host-typed=&from=&to=&when=upcoming")
    named = client.get("/events/?q=&host-typed=Ada")

    assert answer.headers["Location"] == "/events/?q=spring"
    assert named.headers["Location"] == "/events/?find=Ada"


def test_a_host_is_picked_by_name_with_and_without_javascript(site: Store, sign_in: SignIn) -> None:
    ada = host(site, first_name="Ada", last_name="Quist")
    held(site, 2, (ada.id,))
    client = sign_in("Viewer")

    page = client.get("/events/?find=qui").content.decode()
    part = client.get("/events/hosts/?host-typed=qui", headers={"HX-Request": "true"}).content.decode()
    most = client.get("/events/hosts/", headers={"HX-Request": "true"}).content.decode()
    nobody = client.get("/events/hosts/?host-typed=zzz", headers={"HX-Request": "true"}).content.decode()

    for text in (page, part, most):
        assert f'name="host" value="{ada.id}"' in text
    assert part.strip().startswith('<div id="host-options"')
    assert "No host’s name or address begins with “zzz”." in nobody


def test_a_host_who_was_merged_is_found_as_whom_they_became(site: Store, sign_in: SignIn) -> None:
    ada = host(site, first_name="Ada", last_name="Quist")
    held(site, 2, (ada.id,), title="Spring")
    site.table.write([Put(item=schema.keyed("merged", {"id": "old", "into": ada.id}))])
    client = sign_in("Viewer")

    answer = client.get("/events/?host=old")
    gone = client.get("/events/?host=nobody")

    assert [row.shown.event.title for row in answer.context["rows"]] == ["Spring"]
    assert answer.context["bar"].summary == "Ada Quist"
    assert gone.context["bar"].summary == "somebody who is no longer here"


def test_a_filter_that_can_not_be_says_so_and_keeps_what_was_typed(site: Store, sign_in: SignIn) -> None:
    held(site, 2)

    text = sign_in("Viewer").get("/events/?from=2026-05-04&to=2026-05-01&place=Hall").content.decode()

    assert "The last day is before the first one." in text
    assert 'value="2026-05-01"' in text
    assert 'value="Hall"' in text


def test_nothing_found_says_where_the_same_filter_finds_something(site: Store, sign_in: SignIn) -> None:
    held(site, -2, title="Spring")
    client = sign_in("Viewer")

    text = client.get("/events/?q=spring").content.decode()

    assert "No upcoming event matches" in text
    assert '<a href="?q=spring&amp;when=past">1 past</a>' in text


def test_a_long_list_is_paged_and_a_stale_link_leads_to_its_beginning(site: Store, sign_in: SignIn) -> None:
    for number in range(52):
        held(site, 1 + number, title=f"Evening {number}")
    client = sign_in("Viewer")

    first = client.get("/events/")
    query = first.context["pager"].next_query
    second = client.get(f"/events/{query}")
    stale = client.get("/events/?nextToken=abc")
    filtered = client.get("/events/?q=evening")
    rest = shown(client, filtered.context["pager"].next_query)

    assert len(first.context["rows"]) == 50
    assert shown(client, query) == rest == ["Evening 50", "Evening 51"]
    assert second.context["pager"].first == 51
    assert shown(client, second.context["pager"].prev_query)[0] == "Evening 0"
    assert (stale.status_code, stale.headers["Location"]) == (302, "/events/")


def test_htmx_gets_the_list_alone_with_the_parts_that_follow_it(site: Store, sign_in: SignIn) -> None:
    held(site, 2, title="Spring")

    text = sign_in("Viewer").get("/events/?q=spring", headers=HTMX).content.decode()

    assert text.strip().startswith('<div id="events"')
    assert 'id="event-chips" hx-swap-oob="true"' in text
    assert "<title>Events: spring" in text


def test_the_file_has_exactly_what_the_list_has_and_no_formula(site: Store, sign_in: SignIn) -> None:
    ada = host(site, first_name="=Ada", last_name="Quist")
    held(site, 3, (ada.id,), title="=1+1", city="Göteborg", timezone="Europe/Stockholm", max_capacity=20)
    held(site, 4, title="Elsewhere")
    held(site, -3, title="Over", city="Göteborg")
    client = sign_in("Editor")

    ahead, past = exported(client, "?place=göteborg"), exported(client, "?place=göteborg&when=past")

    assert [row["Title"] for row in ahead] == ["'=1+1"]
    assert (ahead[0]["Hosts"], ahead[0]["Time zone"], ahead[0]["Seats"]) == ("'=Ada Quist", "Europe/Stockholm", "20")
    assert [row["Title"] for row in past] == ["Over"]


def test_who_may_not_download_people_keeps_the_button_and_reads_why(site: Store, sign_in: SignIn) -> None:
    held(site, 2)
    client = sign_in("Door")

    text = client.get("/events/").content.decode()

    assert "CSV of all 1" in text
    assert "/events/export.csv" not in text
    assert client.get("/events/export.csv").status_code == 403


def test_titles_are_shown_as_text_whatever_is_in_them(site: Store, sign_in: SignIn) -> None:
    held(site, 2, title="<i>Evening</i>", venue="<b>Hall</b>")

    text = sign_in("Viewer").get("/events/").content.decode()

    assert "<i>Evening" not in text
    assert "<b>Hall" not in text


def test_the_list_costs_the_same_however_many_events_there_are(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Viewer")
    queries = ("", "?when=past", "?when=cancelled", "?when=drafts", "?q=evening", "?place=hall&when=past")

    def cost() -> dict[str, int]:
        found = {}
        for query in queries:
            with metered() as spent:
                assert client.get(f"/events/{query}").status_code == 200
            found[query] = spent.requests
        return found

    held(site, 1, title="Evening", venue="Hall")
    held(site, -1, title="Evening", venue="Hall")
    few = cost()
    for number in range(70):
        held(site, 1 + number / 100, title="Evening", venue="Hall")
        held(site, -1 - number / 100, title="Evening", venue="Hall")
    many = cost()

    years = len(site.events.by_year())  # two of them around New Year
    assert max(many.values()) <= 10 + 2 * years, many
    assert all(many[query] <= few[query] + 1 for query in queries), (few, many)


def test_a_cancelled_event_stands_in_its_own_list(site: Store, sign_in: SignIn) -> None:
    from crm.services import event_changes

    event = held(site, 2, title="Called off")
    held(site, 3, title="Held")
    event_changes.cancel(site, event.id, reason="Rain", actor="ingrid", now=timezone.now())
    client = sign_in("Viewer")

    assert site.events.get(event.id).status is EventStatus.CANCELLED
    assert shown(client) == ["Held"]
    assert shown(client, "?when=cancelled") == ["Called off"]
    assert shown(client, "?when=cancelled&q=called") == ["Called off"]
    assert counts(client) == counts(client, "?from=2020-01-01") == [1, 0, 0, 1]
