"""The list of people: what the filter finds on the page, in its parts and as CSV; who may do what."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from django.http import HttpResponse, QueryDict
from django.test import Client

from crm.domain.filters import PeopleFilter, parse_filter
from crm.domain.people import Person
from crm.services.files import FolderFiles
from crm.store import Store
from crm.web.people.query import plain_query
from tests.factories import NOW, make_event, make_person
from tests.jobs.importing import done

SignIn = Callable[[str], Client]
PART = {"HX-Request": "true", "HX-Target": "people-table"}
CONGRESS = Path(__file__).parents[3] / "shared" / "data" / "people.csv"


@pytest.fixture
def crowd(site: Store) -> list[Person]:
    """130 people, so that there are three pages; every other one at U.S. Senate, in one of three states."""
    people = [
        make_person(
            last_name=f"Name{number:03}",
            email=f"name{number:03}@example.org",
            company="U.S. Senate" if number % 2 else "Åland & Co #1",
            state=("WA", "OR", "CA")[number % 3],
            tags=("speaker",) if number % 5 == 0 else (),
        )
        for number in range(130)
    ]
    stored = site.people.create_many(people)
    site.stats.fold_all()
    return [person for person in stored if isinstance(person, Person)]


def addresses_on_all_pages(client: Client, query: str) -> list[str]:
    """Follow "Next" from the first page to the last."""
    found: list[str] = []
    address: str | None = f"/people/?{query}"
    while address:
        text = client.get(address).content.decode()
        found += re.findall(r'<span class="sub">([^<]+@[^<]+)</span>', text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        address = "/people/" + following[1].replace("&amp;", "&") if following else None
    return found


def addresses_in_csv(response: Any) -> list[str]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return [row["Email"] for row in csv.DictReader(io.StringIO(text))]


def total_on(response: HttpResponse) -> str:
    found = re.search(r'class="total" role="status">([^<]+)<', response.content.decode())
    return found[1] if found else ""


# --- the same people everywhere


@pytest.mark.parametrize(
    "query",
    [
        "company=U.S.+Senate&state=WA",
        "company=u.s.%20SENATE&state=wa&state=or&order=name",
        "companyNot=U.S.+Senate",
        "tag=speaker&stateNot=CA&order=attended",
        "q=name1",
        "",
    ],
)
def test_page_csv_and_plain_filter_give_the_same_people(sign_in: SignIn, crowd: list[Person], query: str) -> None:
    client = sign_in("Editor")
    wanted = parse_filter({name: values for name, values in parse_qs(query).items() if name != "order"})
    expected = sorted(person.profile.email for person in crowd if wanted.matches(person))

    on_pages = addresses_on_all_pages(client, query)
    in_csv = addresses_in_csv(client.get(f"/people/export.csv?{query}"))

    assert sorted(on_pages) == expected
    assert sorted(in_csv) == expected
    assert on_pages == in_csv
    assert total_on(client.get(f"/people/?{query}")) == f"{len(expected)} people"


def test_real_people_are_the_same_on_all_ways(sign_in: SignIn, site: Store, tmp_path: Path) -> None:
    if not CONGRESS.exists():
        pytest.skip(f"the list of real people is not here: {CONGRESS}")
    done(site, FolderFiles(tmp_path), CONGRESS.read_bytes())
    query = urlencode({"company": "U.S. Senate", "state": "WA"})
    rows = csv.DictReader(io.StringIO(CONGRESS.read_text("utf-8")))
    expected = sorted(row["Email"] for row in rows if row["Company"] == "U.S. Senate" and row["State"] == "WA")
    client = sign_in("Admin")

    assert sorted(addresses_on_all_pages(client, query)) == expected
    assert sorted(addresses_in_csv(client.get(f"/people/export.csv?{query}"))) == expected
    assert site.people.count(PeopleFilter(company=("U.S. Senate",), state=("WA",))) == len(expected)


def test_the_links_of_the_list_carry_the_filter(sign_in: SignIn, crowd: list[Person]) -> None:
    text = sign_in("Admin").get("/people/?company=U.S.+Senate&q=name&order=name").content.decode()

    assert 'href="/campaigns/new/?company=U.S.+Senate&amp;q=name"' in text
    assert 'href="/people/export.csv?company=U.S.+Senate&amp;q=name&amp;order=name"' in text
    assert "CSV of all 65" in text
    assert "Write to these 65" in text
    assert "1–50 of 65" in text


def test_a_cell_that_could_be_a_formula_is_made_harmless_in_csv(sign_in: SignIn, site: Store) -> None:
    site.people.create(make_person(company="=HYPERLINK(1)", phone_number="+46"))

    text = b"".join(sign_in("Editor").get("/people/export.csv").streaming_content).decode()

    assert "'=HYPERLINK(1)" in text
    assert "'+46" in text


# --- what the form sends


@pytest.mark.parametrize(
    ("sent", "plain"),
    [
        ("q=&company=&attendedEventCountMin=", ""),
        ("company-typed=Acme", "company=Acme"),
        ("company=A&company-typed=B", "company=A&company=B"),
        ("company=Acme+Ltd&company-typed=acme&company-looked=acme", "company=Acme+Ltd"),
        ("company-typed=acme&company-looked=acme", "company=acme"),
        ("company=A&company=B&company-exclude=1", "companyNot=A&companyNot=B"),
        ("companyNot=A&company=B&company-exclude=1", "companyNot=A&companyNot=B"),
        ("companyNot=A&company=B", "companyNot=A&company=B"),
        ("attends=e1&order=name&q=x", "attends=e1&order=name&q=x"),
        ("city=%20&attendedEventCountMin=abc", "attendedEventCountMin=abc"),
    ],
)
def test_the_form_becomes_a_plain_query_string(sent: str, plain: str) -> None:
    made = plain_query(QueryDict(sent))

    assert made.urlencode() == plain
    assert plain_query(made).urlencode() == plain


def test_the_list_leads_to_its_plain_address(sign_in: SignIn, site: Store) -> None:
    site.people.create(make_person(company="Acme"))

    response = sign_in("Viewer").get("/people/?q=&company-typed=Acme&company-exclude=1")

    assert (response.status_code, response.headers["Location"]) == (302, "/people/?companyNot=Acme")


def test_each_active_value_is_a_chip_that_can_be_left_out(sign_in: SignIn, site: Store) -> None:
    site.people.create(make_person(company="Acme", state="WA"))
    query = "company=Acme&company=Other&stateNot=CA&attendedEventCountMax=3&q=ad&emailStatus=mailable"

    text = sign_in("Viewer").get(f"/people/?{query}").content.decode()

    chips = re.findall(r'<li class="chip([^"]*)"><span>(.*?)</span><a href="([^"]+)"', text)
    words = [re.sub("<[^>]+>", "", chip) for _, chip, _ in chips]
    assert words == ["Begins with ad", "Company Acme", "or Other", "State not CA", "Attended at most 3", "E-mail mailable"]
    assert chips[1][2] == "?company=Other&amp;stateNot=CA&amp;attendedEventCountMax=3&amp;q=ad&amp;emailStatus=mailable"
    assert chips[4][2] == "?company=Acme&amp;company=Other&amp;stateNot=CA&amp;q=ad&amp;emailStatus=mailable"
    assert "chip-not" in chips[3][0]


def test_filters_without_a_field_in_the_form_are_kept(sign_in: SignIn, site: Store) -> None:
    guest, other = site.people.create(make_person()), site.people.create(make_person())
    event = site.events.create(make_event(title="Spring", owner=other.id), [other.id], [guest.id], now=NOW)
    site.events.fill(event.id, now=NOW)

    text = sign_in("Viewer").get(f"/people/?attends={event.id}").content.decode()

    assert "Attends <b>Spring</b>" in text.replace("</span>", "")
    assert re.search(f'type="checkbox" name="attends" value="{event.id}" checked><bdi>Spring', text)
    assert guest.profile.email in text
    assert other.profile.email not in text


# --- parts, sorting, paging


def test_htmx_gets_the_part_and_what_changes_around_it(sign_in: SignIn, crowd: list[Person]) -> None:
    client = sign_in("Admin")

    part = client.get("/people/?company=U.S.+Senate", headers=PART)
    whole = client.get("/people/?company=U.S.+Senate")
    restored = client.get("/people/?company=U.S.+Senate", headers={**PART, "HX-History-Restore-Request": "true"})

    text = part.content.decode()
    assert "<html" not in text
    assert text.lstrip().startswith('<div id="people-table">')
    for changed in ("people-actions", "people-strip", "people-chips"):
        assert re.search(f'id="{changed}" hx-swap-oob="true"', text)
    assert "hx-swap-oob" not in whole.content.decode()
    assert "<html" in restored.content.decode()
    assert "HX-Request" in part.headers["Vary"]


@pytest.mark.parametrize(("order", "heading"), [("name", "ascending"), ("attended", "descending"), ("hosted", "descending")])
def test_the_sorted_heading_says_so(sign_in: SignIn, crowd: list[Person], order: str, heading: str) -> None:
    text = sign_in("Viewer").get(f"/people/?order={order}").content.decode()

    sorted_by = re.findall(r'aria-sort="(\w+)"><a id="sort-(\w+)"', text)
    assert sorted_by == [(heading, order)]


def test_it_is_said_what_attended_counts(sign_in: SignIn, site: Store) -> None:
    person = site.people.create(make_person())
    site.stats.fold_all()
    client = sign_in("Viewer")

    listed = client.get("/people/").content.decode()
    alone = client.get(f"/people/{person.id}/").content.decode()

    assert re.search(r'id="sort-attended" title="Registered or came"', listed)
    assert re.search(r"Events attended</legend>\s*<p[^>]*>Registered or came</p>", listed)
    assert not re.search(r"Events hosted</legend>\s*<p", listed)
    assert re.search(r'title="Registered or came"[^>]*><span class="fig-label">Events attended', alone)


def test_one_can_go_to_the_next_page_and_back(sign_in: SignIn, crowd: list[Person]) -> None:
    client = sign_in("Viewer")
    first = client.get("/people/?order=name").content.decode()
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following

    second = client.get("/people/" + following[1].replace("&amp;", "&")).content.decode()
    back = re.search(r'rel="prev" href="([^"]+)"', second)
    assert back

    assert "51–100 of 130" in second
    again = client.get("/people/" + back[1].replace("&amp;", "&")).content.decode()
    assert "1–50 of 130" in again
    assert re.findall(r'id="person-(\w+)"', again) == re.findall(r'id="person-(\w+)"', first)


def test_a_changed_page_token_is_a_400_with_a_way_back(sign_in: SignIn, crowd: list[Person]) -> None:
    client = sign_in("Viewer")
    following = re.search(r"nextToken=([^&\"]+)", client.get("/people/?order=name").content.decode())
    assert following
    token = following[1]
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")

    page = client.get(f"/people/?order=name&nextToken={changed}")
    other_filter = client.get(f"/people/?order=name&state=WA&nextToken={token}")
    part = client.get(f"/people/?order=name&nextToken={changed}", headers=PART)

    assert (page.status_code, other_filter.status_code, part.status_code) == (400, 400, 400)
    assert 'href="/people/?order=name"' in page.content.decode()
    assert part.headers["HX-Retarget"] == "#toasts"


# --- bad values and empty lists


def test_a_value_that_cannot_be_is_told_and_kept(sign_in: SignIn, crowd: list[Person]) -> None:
    response = sign_in("Admin").get("/people/?attendedEventCountMin=abc&emailStatus=happy&state=WA&q=name")

    text = response.content.decode()
    assert response.status_code == 200
    assert "“from” of Attended must be one whole number" in text
    assert "“happy” is unknown" in text
    assert 'name="attendedEventCountMin" inputmode="numeric" autocomplete="off" value="abc"' in text
    assert 'value="name"' in text
    assert "<table" not in text


@pytest.mark.parametrize("name", ["attends", "attendsNot", "mailed", "mailedNot", "company", "tagNot", "q", "emailStatus"])
@pytest.mark.parametrize("value", ["x" * 3000, "x" * 499, "%00", "9" * 5000])
def test_a_value_that_no_key_can_hold_is_no_fault_of_the_page(sign_in: SignIn, site: Store, name: str, value: str) -> None:
    response = sign_in("Viewer").get(f"/people/?{name}={value}")

    assert response.status_code < 500


@pytest.mark.parametrize("query", ["attendedEventCountMin=abc", "order=shoe"])
def test_csv_of_a_bad_filter_is_refused(sign_in: SignIn, site: Store, query: str) -> None:
    assert sign_in("Admin").get(f"/people/export.csv?{query}").status_code == 400


def test_with_nobody_yet_the_page_says_what_to_do_first(sign_in: SignIn, site: Store) -> None:
    text = sign_in("Editor").get("/people/").content.decode()

    assert "Nobody is here yet" in text
    assert 'href="/people/import/"' in text
    assert '<form class="filters"' not in text


def test_with_nobody_found_the_page_says_what_to_leave_out(sign_in: SignIn, crowd: list[Person]) -> None:
    client, query = sign_in("Marketer"), "company=U.S.+Senate&tag=nothing"

    text = client.get(f"/people/?{query}").content.decode()
    counted = client.get(f"/people/ways-out/?{query}", headers={"HX-Request": "true"}).content.decode()

    assert "Nobody matches both" in text
    assert 'href="/people/?company=U.S.+Senate">without Tag nothing</a>' in text
    assert 'href="/people/?company=U.S.+Senate">without Tag nothing <span class="count">65</span>' in counted
    assert "without Company" not in counted
    assert "Nobody matches the filter, so there is nobody to write to." in text


# --- suggestions


def test_suggestions_begin_alike_and_are_counted(sign_in: SignIn, crowd: list[Person]) -> None:
    client = sign_in("Viewer")

    text = client.get("/people/suggest/?field=company&company-typed=aland&company=U.S.+Senate").content.decode()

    options = re.findall(r'name="company" value="([^"]+)"( checked)?><bdi>[^<]*</bdi>(?:<span class="count">(\d+))?', text)
    assert options == [("U.S. Senate", " checked", ""), ("Åland &amp; Co #1", "", "65")]
    assert 'name="company-looked" value="aland"' in text


@pytest.mark.parametrize("typed", ["x" * 3000, "x\0"])
def test_what_no_value_begins_with_has_no_suggestions(sign_in: SignIn, crowd: list[Person], typed: str) -> None:
    response = sign_in("Viewer").get("/people/suggest/", {"field": "company", "company-typed": typed})

    assert response.status_code == 200
    assert "U.S. Senate" not in response.content.decode()


def test_only_fields_have_suggestions(sign_in: SignIn, site: Store) -> None:
    assert sign_in("Viewer").get("/people/suggest/?field=email").status_code == 404


def test_an_opened_panel_has_its_options_without_javascript(sign_in: SignIn, crowd: list[Person]) -> None:
    text = sign_in("Viewer").get("/people/?open=state").content.decode()

    assert re.findall(r'name="state" value="(\w+)"', text) == ["WA", "CA", "OR"]
    assert re.findall(r'name="company" value="', text) == []


# --- who may


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("Viewer", {"list"}),
        ("Editor", {"list", "export", "new", "import", "delete"}),
        ("Marketer", {"list", "export", "new", "import"}),
        ("Door", set()),
        ("Admin", {"list", "export", "new", "import", "delete"}),
    ],
)
def test_each_role_may_what_its_row_says(sign_in: SignIn, site: Store, role: str, allowed: set[str]) -> None:
    person = site.people.create(make_person())
    client = sign_in(role)
    addresses = {
        "list": "/people/",
        "export": "/people/export.csv",
        "new": "/people/new/",
        "import": "/people/import/",
        "delete": f"/people/{person.id}/delete/",
    }

    status = {name: client.get(address).status_code for name, address in addresses.items()}

    assert status == {name: 200 if name in allowed else 403 for name in addresses}


def test_buttons_one_may_not_use_stay_and_say_why(sign_in: SignIn, crowd: list[Person]) -> None:
    text = sign_in("Viewer").get("/people/").content.decode()

    for label in ("Import", "New person", "Write to these 130", "CSV of all 130"):
        button = re.search(rf'<a class="btn[^>]*aria-disabled="true"[^>]*>(?:<svg(?:(?!</svg>).)*</svg>)?{label}', text)
        assert button, label
        assert "Your role, Viewer, may not" in button[0]
        assert "href=" not in button[0]


def test_nobody_sees_people_without_signing_in(site: Store, db: None) -> None:
    response = Client().get("/people/?company=Acme")

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/login/")
