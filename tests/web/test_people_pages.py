"""One person: what is shown, adding, editing two at once, deleting."""

import html
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.http import QueryDict
from django.test import Client

from crm.domain.errors import NotFound
from crm.domain.people import Person, Profile
from crm.services import events, people
from crm.services.events import NewEvent
from crm.services.verify import differences
from crm.store import Store
from crm.web.people.forms import tags_of, tags_text
from tests.factories import NOW, make_event, make_person

SignIn = Callable[[str], Client]


@pytest.fixture
def ada(site: Store) -> Person:
    return site.people.create(
        make_person(last_name="King", email="ada@example.org", company="Engines & Co #1", city="Lund", tags=("speaker", "host"))
    )


def _way(text: str, rel: str) -> str:
    """Where a link that stands for the page beside leads."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', text)
    assert found is not None
    return found[1]


def form_of(client: Client, address: str) -> dict[str, str]:
    """What the form on a page holds."""
    text = client.get(address).content.decode()
    tags = re.findall(r"<input [^>]*>", text.split("<main", 1)[1])
    fields = {}
    for tag in tags:
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            fields[name[1]] = value[1].replace("&amp;", "&").replace("&#x27;", "'") if value else ""
    return fields


# --- the page


def test_the_page_shows_what_is_known(sign_in: SignIn, site: Store, ada: Person) -> None:
    event = make_event(title="Spring <b>meeting</b>")
    events.create(
        site,
        NewEvent(
            slug="spring", title=event.title, start_at=event.start_at, end_at=event.end_at, owner=ada.id, attendee_ids=[ada.id]
        ),
        now=NOW,
    )

    text = sign_in("Viewer").get(f"/people/{ada.id}/").content.decode()

    assert "Ada King" in text
    assert 'href="/people/?company=Engines%20%26%20Co%20%231"' in text
    assert 'href="/people/?tag=speaker"' in text
    assert "Registered for" in text
    assert "Spring &lt;b&gt;meeting&lt;/b&gt;" in text
    assert "Yes, mailable" in text
    assert "0 failed" in text


def test_the_way_back_leads_to_the_list_one_came_from(sign_in: SignIn, ada: Person) -> None:
    client = sign_in("Viewer")

    filtered = client.get(f"/people/{ada.id}/", headers={"Referer": "http://testserver/people/?city=Lund&order=name"})
    elsewhere = client.get(f"/people/{ada.id}/", headers={"Referer": "https://evil.example/people/?city=Lund"})

    assert 'class="back mb-0" href="/people/?city=Lund&amp;order=name"' in filtered.content.decode()
    assert 'class="back mb-0" href="/people/"' in elsewhere.content.decode()


def test_the_page_of_the_list_is_kept_when_one_goes_on_to_others(sign_in: SignIn, site: Store) -> None:
    people = site.people.create_many([make_person(last_name=f"N{number:02}") for number in range(60)])
    client = sign_in("Editor")
    second = client.get("/people/" + html.unescape(_way(client.get("/people/?order=name").content.decode(), "next")))
    listed = second.request["QUERY_STRING"]

    here = client.get(f"/people/{people[55].id}/?order=name&at=56", headers={"Referer": f"http://testserver/people/?{listed}"})
    beside = client.get(html.unescape(_way(here.content.decode(), "prev"))).content.decode()
    edited = client.get(f"/people/{people[55].id}/edit/?{here.context['kept']}").content.decode()
    gone = client.post(f"/people/{people[55].id}/delete/?{here.context['kept']}")

    for text in (here.content.decode(), beside):
        back = re.search(r'class="back mb-0" href="/people/\?([^"]+)"', text)
        assert back is not None
        assert QueryDict(html.unescape(back[1])) == QueryDict(listed)
    assert "55 of 60" in beside
    assert QueryDict(gone.headers["Location"].partition("?")[2]) == QueryDict(listed)
    assert f'class="back" href="/people/{people[55].id}/?{html.escape(here.context["kept"])}"' in edited


def test_who_is_not_there_is_a_404(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Admin")

    answers = [client.get(f"/people/nobody/{page}").status_code for page in ("", "edit/", "delete/")]

    assert answers == [404, 404, 404]


# --- adding


def test_a_person_can_be_added(sign_in: SignIn, site: Store) -> None:
    typed = {"firstName": " Zoë ", "lastName": "Ångström", "email": "zoe@example.org", "tags": "speaker, host"}

    response = sign_in("Editor").post("/people/new/", typed, follow=True)

    found = site.people.find_by_email("ZOE@example.org")
    assert found is not None
    assert (found.name, found.profile.tags) == ("Zoë Ångström", ("speaker", "host"))
    assert response.redirect_chain == [(f"/people/{found.id}/", 302)]
    assert "Zoë Ångström added" in response.content.decode()


def test_all_that_is_wrong_stands_at_once_at_each_field_and_nothing_typed_is_lost(sign_in: SignIn, site: Store) -> None:
    typed = {"firstName": "", "lastName": "\u0301", "email": "not an address", "company": "Kept", "tags": "x" * 200}

    response = sign_in("Editor").post("/people/new/", typed)

    text = response.content.decode()
    assert response.status_code == 422
    assert 'value="Kept"' in text
    assert 'value="not an address"' in text
    assert re.search(r'id="id_firstName_error">.*</svg>This field is required.</p></div>', text)
    assert re.search(r'id="id_email_error"><p class="field-error">.*is not an e-mail address', text)
    assert re.search(r'id="id_lastName_error"><p class="field-error">.*only accents', text)
    assert re.search(r'id="id_tags_error"><p class="field-error">.*too long', text)
    assert site.people.totals().total == 0


def test_the_first_field_that_is_wrong_has_the_focus_whoever_says_so(sign_in: SignIn, site: Store) -> None:
    typed = {"firstName": "\u0301", "lastName": "", "email": "ada@example.org"}

    text = sign_in("Editor").post("/people/new/", typed).content.decode()

    assert [re.search('name="([^"]+)"', field)[1] for field in re.findall("<input[^>]* autofocus[^>]*>", text)] == ["firstName"]


def test_a_taken_address_leads_to_who_has_it(sign_in: SignIn, site: Store, ada: Person) -> None:
    response = sign_in("Editor").post("/people/new/", {"firstName": "A", "lastName": "K", "email": "ADA@example.org"})

    text = response.content.decode()
    assert response.status_code == 422
    assert "already belongs to Ada King" in text
    assert f'href="/people/{ada.id}/"' in text
    assert 'value="ADA@example.org"' in text


def test_the_same_form_sent_twice_makes_one_person(sign_in: SignIn, site: Store) -> None:
    client, typed = sign_in("Editor"), {"firstName": "Ada", "lastName": "King", "email": "ada@example.org", "city": "Lund"}

    first, second = client.post("/people/new/", typed), client.post("/people/new/", typed)

    assert first.headers["Location"] == second.headers["Location"]
    assert site.people.totals().total == 1


# --- editing


def test_an_edit_is_saved(sign_in: SignIn, site: Store, ada: Person) -> None:
    client = sign_in("Marketer")
    typed = form_of(client, f"/people/{ada.id}/edit/")

    response = client.post(f"/people/{ada.id}/edit/", {**typed, "city": "Malmö", "company": ""})

    saved = site.people.get(ada.id)
    assert response.status_code == 302
    assert (saved.profile.city, saved.profile.company, saved.profile.tags) == ("Malmö", "", ("speaker", "host"))
    assert saved.version == ada.version + 1


def test_who_saves_second_sees_both_versions_and_loses_nothing(sign_in: SignIn, site: Store, ada: Person) -> None:
    client, address = sign_in("Editor"), f"/people/{ada.id}/edit/"
    typed = form_of(client, address)
    theirs = site.people.get(ada.id)
    people.edit(site, ada.id, _with(theirs, city="Ystad", phone_number="1"), version=theirs.version, now=NOW)

    response = client.post(address, {**typed, "jobTitle": "Countess", "phoneNumber": "2"})

    text = response.content.decode()
    assert response.status_code == 409
    assert re.findall(r'type="radio" name="(\w+)" value="([^"]*)"( checked)?', text) == [
        ("phoneNumber", "2", " checked"),
        ("phoneNumber", "1", ""),
        ("jobTitle", "Countess", " checked"),
        ("jobTitle", "", ""),
        ("city", "Lund", ""),
        ("city", "Ystad", " checked"),
    ]
    assert site.people.get(ada.id).profile.job_title == ""


def test_the_choice_between_two_versions_is_saved(sign_in: SignIn, site: Store, ada: Person) -> None:
    client, address = sign_in("Editor"), f"/people/{ada.id}/edit/"
    typed = form_of(client, address)
    people.edit(site, ada.id, _with(ada, city="Ystad"), version=ada.version, now=NOW)
    page = client.post(address, {**typed, "jobTitle": "Countess"}).content.decode()
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.split("<main", 1)[1]))
    chosen = dict(re.findall(r'type="radio" name="(\w+)" value="([^"]*)" checked', page))

    response = client.post(address, {name: value.replace("&amp;", "&") for name, value in {**hidden, **chosen}.items()})

    profile = site.people.get(ada.id).profile
    assert response.status_code == 302
    assert (profile.city, profile.job_title, profile.company) == ("Ystad", "Countess", "Engines & Co #1")


def test_two_who_write_the_same_do_not_conflict(sign_in: SignIn, site: Store, ada: Person) -> None:
    client, address = sign_in("Editor"), f"/people/{ada.id}/edit/"
    typed = form_of(client, address)
    people.edit(site, ada.id, _with(ada, city="Ystad"), version=ada.version, now=NOW)

    response = client.post(address, {**typed, "city": "Ystad"})

    assert (response.status_code, response.headers["Location"]) == (302, f"/people/{ada.id}/")


def test_an_edit_to_a_taken_address_is_told_at_the_field(sign_in: SignIn, site: Store, ada: Person) -> None:
    other = site.people.create(make_person(email="bo@example.org"))
    client, address = sign_in("Editor"), f"/people/{ada.id}/edit/"
    typed = form_of(client, address)

    response = client.post(address, {**typed, "email": "bo@example.org", "city": "Ystad"})

    text = response.content.decode()
    assert response.status_code == 422
    assert f'href="/people/{other.id}/"' in text
    assert 'value="Ystad"' in text
    assert f'name="version" value="{ada.version}"' in text


def test_an_edit_without_a_version_never_overwrites(sign_in: SignIn, site: Store, ada: Person) -> None:
    response = sign_in("Editor").post(f"/people/{ada.id}/edit/", {"firstName": "X", "lastName": "Y", "email": "ada@example.org"})

    assert response.status_code == 409
    assert site.people.get(ada.id) == ada


@pytest.mark.parametrize("tags", [(), ("a",), ("a", "b"), ("host, 2026",), ("host, 2026", "b")])
def test_tags_survive_the_form(tags: tuple[str, ...]) -> None:
    assert tags_of(tags_text(tags)) == tags


@pytest.mark.parametrize("typed", ["mentor, Test; tag", "host, 2026; speaker"])
def test_commas_and_semicolons_between_tags_are_asked_about(sign_in: SignIn, site: Store, ada: Person, typed: str) -> None:
    values = {"firstName": "X", "lastName": "Y", "email": "ada@example.org", "tags": typed, "version": ada.version}

    response = sign_in("Editor").post(f"/people/{ada.id}/edit/", values)

    assert response.status_code == 422
    assert "There are commas and semicolons between these tags: use one of them." in response.content.decode()
    assert f'value="{typed}"' in response.content.decode()
    assert site.people.get(ada.id) == ada


# --- deleting


def test_deleting_asks_first_and_frees_the_seats(sign_in: SignIn, site: Store, ada: Person) -> None:
    shape = make_event()
    event = events.create(
        site,
        NewEvent(
            slug="e",
            title="E",
            start_at=shape.start_at,
            end_at=shape.end_at,
            owner=ada.id,
            host_ids=[ada.id],
            attendee_ids=[ada.id],
        ),
        now=NOW,
    )
    client = sign_in("Editor")
    asked = client.get(f"/people/{ada.id}/delete/").content.decode()
    assert site.people.get(ada.id).attended_event_count == 1

    response = client.post(f"/people/{ada.id}/delete/")

    assert "1 event as attendee and 1 event as host" in asked
    assert (response.status_code, response.headers["Location"]) == (302, "/people/")
    with pytest.raises(NotFound):
        site.people.get(ada.id)
    assert site.events.get(event.id).registered_count == 0
    assert differences(site) == []


@pytest.mark.parametrize("what", ["delete", "erase"])
def test_who_goes_leads_back_to_the_list_one_came_from(sign_in: SignIn, site: Store, ada: Person, what: str) -> None:
    client, kept = sign_in("Admin"), "city=Lund&order=name&at=3"

    page = client.get(f"/people/{ada.id}/?{kept}&show=edits&next=//evil.example").content.decode()
    ways = html.unescape(" ".join(re.findall(rf'(?:href|action)="(/people/{ada.id}/{what}/[^"]*)"', page))).split()
    question = html.unescape(client.get(ways[0]).content.decode())
    done = client.post(ways[-1])

    assert len(ways) == {"delete": 2, "erase": 1}[what]
    assert question.count(f'href="/people/{ada.id}/?{kept}&next=') == 2
    assert (done.status_code, done.headers["Location"]) == (302, "/people/?city=Lund&order=name")


def test_deleting_needs_its_permission(sign_in: SignIn, site: Store, ada: Person) -> None:
    client = sign_in("Marketer")

    response, page = client.post(f"/people/{ada.id}/delete/"), client.get(f"/people/{ada.id}/").content.decode()

    assert response.status_code == 403
    assert site.people.get(ada.id) == ada
    assert "may not delete people" in page
    assert "<dialog" not in page


def _with(person: Person, **values: str) -> Profile:
    return replace(person.profile, **values)
