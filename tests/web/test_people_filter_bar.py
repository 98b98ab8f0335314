"""The filter bar: panels of events and campaigns, chips with titles, selections; all of it by plain links and forms."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from crm.domain.campaigns import CampaignStatus
from crm.domain.filters import NAMES, PeopleFilter
from crm.services import segments
from crm.store import Store, schema
from crm.store.requests import Put
from crm.web.filter_words import GROUPS, fields_of, said
from crm.web.people.query import plain_query
from tests.factories import NOW, make_campaign, make_event, make_person

SignIn = Callable[[str], Client]
VALUES = [("company", "company"), ("jobTitle", "job_title"), ("city", "city"), ("state", "state"), ("tag", "tags")]


def _text(client: Client, address: str) -> str:
    return html.unescape(client.get(address, follow=True).content.decode())


def _chips(text: str) -> list[str]:
    return [re.sub("<[^>]+>", "", chip) for chip in re.findall(r'<li class="chip[^"]*"><span>(.*?)</span><a', text)]


def _panel(text: str, field: str) -> str:
    """The options of one field as they stand on the page."""
    start = text.index(f'<div id="{field}-options">')
    return text[start : text.index("</div>", start)]


def _options(text: str, field: str) -> list[tuple[str, bool]]:
    found = re.findall(rf'name="{field}" value="[^"]*"( checked)?><bdi>([^<]+)', _panel(text, field))
    return [(words, bool(checked)) for checked, words in found]


@pytest.fixture
def happenings(site: Store) -> dict[str, str]:
    """Two events and two campaigns, `{title: id}`; one person attends Spring."""
    guest = site.people.create(make_person(last_name="Guest"))
    site.people.create(make_person(last_name="Other"))
    ids = {}
    for days, title in ((1, "Spring"), (2, "Autumn")):
        event = site.events.create(
            make_event(title=title, start_at=NOW + timedelta(days=days)), [], [guest.id][: 2 - days], now=NOW
        )
        site.events.fill(event.id, now=NOW)
        ids[title] = event.id
    for days, subject in ((1, "Invitation"), (2, "Thanks")):
        made = make_campaign(subject=subject, status=CampaignStatus.DONE, created_at=NOW + timedelta(days=days))
        ids[subject] = site.campaigns.create(made).id
    return ids


def test_every_field_of_the_contract_is_said_in_words() -> None:
    fields = {field for group in GROUPS for field in fields_of(group)}

    assert fields == NAMES
    assert all(said(group, {field: ["1"] for field in fields_of(group)}) for group in GROUPS)


@pytest.mark.parametrize(
    ("sent", "plain"),
    [
        ("attends-typed=spring", "open=attends&find=spring"),
        ("attends-typed=spring&attends-looked=spring&attends=e1", "attends=e1"),
        ("attends-typed=spring&attends=e1", "attends=e1&open=attends&find=spring"),
        ("attends=e1&attends=e2&attends-exclude=1", "attendsNot=e1&attendsNot=e2"),
        ("mailed-exclude=1", ""),
        ("mailed-typed=x&mailed-looked=x", "open=mailed&find=x"),
        ("mailed=c1&mailed=c2%3Aopened&mailed-outcome=clicked", "mailed=c1%3Aclicked&mailed=c2%3Aclicked"),
        ("mailed=c1%3Aopened&mailed-outcome=", "mailed=c1"),
        ("mailed=c1%3Aopened&mailed=c2&mailed-outcome=mixed&mailed-exclude=1", "mailedNot=c1%3Aopened&mailedNot=c2"),
        ("mailed-outcome=opened", ""),
    ],
)
def test_a_typed_title_opens_the_panel_with_what_it_finds(sent: str, plain: str) -> None:
    made = plain_query(QueryDict(sent))

    assert made.urlencode() == plain
    assert plain_query(made).urlencode() == plain


def test_events_and_campaigns_are_offered_newest_first_with_their_dates(sign_in: SignIn, happenings: dict[str, str]) -> None:
    client = sign_in("Viewer")

    events, campaigns = _text(client, "/people/?open=attends"), _text(client, "/people/?open=mailed")

    assert _options(events, "attends") == [("Autumn", False), ("Spring", False)]
    assert "6 May 2026" in _panel(events, "attends")
    assert '<span class="count">1</span>' in _panel(events, "attends")
    assert _options(campaigns, "mailed") == [("Thanks", False), ("Invitation", False)]
    assert re.search(r'<details class="filter" name="filter" open[^>]*>\s*<summary[^>]*>Event', events)


def test_without_javascript_a_title_is_typed_found_ticked_and_filtered_by(sign_in: SignIn, happenings: dict[str, str]) -> None:
    client = sign_in("Viewer")

    found = _text(client, "/people/?q=&attends-typed=spr")
    none = _text(client, "/people/?attends-typed=winter")
    chosen = _text(client, f"/people/?attends={happenings['Spring']}&attends-typed=&attends-looked=spr")
    unwanted = _text(client, f"/people/?attends={happenings['Spring']}&attends-exclude=1")

    assert _options(found, "attends") == [("Spring", False)]
    assert "No title has words that begin with “winter”" in none
    assert (_chips(chosen), "1 person</span>" in chosen) == (["Attends Spring"], True)
    assert (_chips(unwanted), "Other, Ada" in unwanted) == (["Attends not Spring"], True)
    assert _options(unwanted, "attends") == [("Spring", True)]
    assert re.search(r'name="attends-exclude" value="1" checked', unwanted)


@pytest.mark.parametrize(("field", "attribute"), VALUES)
def test_a_text_that_nobody_has_opens_the_panel_with_the_values_that_begin_so(
    sign_in: SignIn, site: Store, field: str, attribute: str
) -> None:
    value: Any = "Northlight, Inc"
    site.people.create(make_person(**{attribute: (value,) if field == "tag" else value}))
    client = sign_in("Viewer")

    part = _text(client, f"/people/?q=ada&{field}-typed=NOR")
    again = _text(client, f"/people/?q=ada&{field}-typed=NOR&{field}-looked=NOR")
    none = _text(client, f"/people/?{field}-typed=winter")
    whole = _text(client, f"/people/?{field}-typed=northlight,+inc")

    assert _options(part, field) == _options(again, field) == [(value, False)]
    (opened,) = re.findall('<details class="filter" name="filter" open>(.*?)</details>', part, re.DOTALL)
    assert re.search(f'name="{field}-typed" [^>]*value="NOR"', opened)
    assert (_chips(part), "1 person</span>" in part) == (["Begins with ada"], True)
    assert "Nobody has one that begins with “winter”." in _panel(none, field)
    assert (len(_chips(whole)), "1 person</span>" in whole) == (1, True)


def test_a_value_that_nobody_has_is_still_a_filter_in_an_address(sign_in: SignIn, site: Store) -> None:
    site.people.create(make_person(company="Northlight"))

    text = _text(sign_in("Viewer"), "/people/?company=nor")

    assert (_chips(text), "Nobody matches" in text) == (["Company nor"], True)


@pytest.mark.parametrize("typed", ["x" * 3000, "%00"])
def test_a_typed_text_that_can_be_no_value_is_told(sign_in: SignIn, site: Store, typed: str) -> None:
    site.people.create(make_person())

    assert "This filter can’t be used" in _text(sign_in("Viewer"), f"/people/?company-typed={typed}")


def test_wanted_and_excluded_events_stand_beside_each_other(sign_in: SignIn, happenings: dict[str, str]) -> None:
    query = f"attends={happenings['Spring']}&attendsNot={happenings['Autumn']}&mailedNot={happenings['Thanks']}"

    text = _text(sign_in("Viewer"), f"/people/?{query}")

    assert _chips(text) == ["Attends Spring", "Attends not Autumn", "Was mailed not Thanks"]
    assert f'name="attendsNot" value="{happenings["Autumn"]}" checked' in text
    assert '<summary id="attends-summary">Event <b>2</b>' in text
    assert '<summary id="mailed-summary">Campaign <b>not 1</b>' in text


def test_suggestions_while_typing_keep_what_is_ticked(sign_in: SignIn, happenings: dict[str, str]) -> None:
    address = f"/people/suggest/?field=mailed&mailed-typed=inv&mailed={happenings['Thanks']}"

    text = _text(sign_in("Viewer"), address)

    assert _options(text, "mailed") == [("Thanks", True), ("Invitation", False)]
    assert '<input type="hidden" name="mailed-looked" value="inv">' in text


def test_people_are_asked_for_by_what_became_of_a_campaign(sign_in: SignIn, happenings: dict[str, str]) -> None:
    client, thanks, invitation = sign_in("Viewer"), happenings["Thanks"], happenings["Invitation"]

    text = _text(client, f"/people/?mailed={thanks}&mailed={invitation}&mailed-outcome=not_opened&open=mailed")
    mixed = _text(client, f"/people/?mailed={thanks}:opened&mailedNot={invitation}:clicked")

    assert _chips(text) == ["Mailed “Thanks” without opening it", "or mailed “Invitation” without opening it"]
    assert _options(text, "mailed") == [("Thanks (not opened)", True), ("Invitation (not opened)", True)]
    assert '<option value="not_opened" selected>' in text
    assert _chips(mixed) == ["Opened “Thanks”", "Not clicked in “Invitation”"]
    assert '<option value="mixed" selected>Each as it was chosen' in mixed


def test_groups_are_chips_that_can_be_taken_away_and_stay_in_the_form(
    sign_in: SignIn, site: Store, happenings: dict[str, str]
) -> None:
    client = sign_in("Viewer")
    shared = segments.save(site, "Guests", PeopleFilter(attends=(happenings["Spring"],)), owner="ada", shared=True, now=NOW)

    text = _text(client, f"/people/?without=segment:{shared.id}&without=days:14&within=attends:{happenings['Autumn']}:invited")

    assert _chips(text) == ["Invited at “Autumn”", "Not in the segment “Guests”", "Not mailed in the last 14 days"]
    assert 'aria-label="Remove Not mailed in the last 14 days"' in text
    assert f'href="?without=segment%3A{shared.id}&within=attends%3A{happenings["Autumn"]}%3Ainvited"' in text
    assert '<input type="hidden" name="without" value="days:14">' in text
    assert "Nobody matches" in text
    assert "without Not in the segment “Guests”, Not mailed in the last 14 days" in text


def test_somebody_elses_segment_is_as_gone_in_a_filter_that_is_typed_by_hand(sign_in: SignIn, site: Store) -> None:
    site.people.create(make_person(last_name="Guest"))
    own = segments.save(site, "Secret", PeopleFilter(q="guest"), owner="ada", now=NOW)
    client = sign_in("Admin")

    others = _text(client, f"/people/?within=segment:{own.id}")
    gone = _text(client, "/people/?within=segment:nothing")

    assert "There is no such segment; it may have been deleted." in others
    assert "Secret" not in others
    assert "Guest" not in others
    assert others.count("<tr") == gone.count("<tr")


def test_what_is_gone_is_said_to_be_gone_and_can_be_left_out(sign_in: SignIn, happenings: dict[str, str]) -> None:
    text = _text(sign_in("Viewer"), "/people/?attends=nothing&mailedNot=nothing&selected=nothing")

    gone = ["Attends an event that is gone", "Was mailed not a campaign that is gone", "From a selection that is gone"]
    assert _chips(text) == gone
    assert 'href="?mailedNot=nothing&selected=nothing" aria-label="Remove Attends an event that is gone"' in text


def test_people_chosen_by_id_are_one_chip(sign_in: SignIn, site: Store) -> None:
    people = [site.people.create(make_person(last_name=f"Name{number}")) for number in range(12)]
    client = sign_in("Viewer")
    ids = "&".join(f"id={person.id}" for person in people)

    many, one = _text(client, f"/people/?{ids}&tag=x"), _text(client, f"/people/?id={people[0].id}")

    assert _chips(many) == ["Tag x", "Only 12 selected people"]
    assert 'href="?tag=x" aria-label="Remove Only 12 selected people"' in many
    assert _chips(one) == ["Only Ada Name0"]
    assert f'<input type="hidden" name="id" value="{people[11].id}">' in many


def test_a_selection_is_called_what_staff_call_it(sign_in: SignIn, site: Store) -> None:
    ada = site.people.create(make_person())
    imported = schema.keyed("import", {"id": "i1", "name": "members.csv", "createdAt": "2026-05-04T09:00:00.000Z"})
    site.table.write([site.selections.put("i1", 0, [ada.id]), Put(item=imported)])

    text = _text(sign_in("Viewer"), "/people/?selected=i1")

    assert _chips(text) == ["From import: members.csv"]
    assert "1 person</span>" in text


def test_what_could_be_left_out_is_said_with_titles(sign_in: SignIn, happenings: dict[str, str]) -> None:
    client, query = sign_in("Viewer"), f"attends={happenings['Spring']}&company=Nobody"

    at_once = _text(client, f"/people/?{query}")
    counted = html.unescape(client.get(f"/people/ways-out/?{query}", headers={"HX-Request": "true"}).content.decode())

    assert f'hx-get="/people/ways-out/?attends={happenings["Spring"]}&company=Nobody" hx-trigger="load"' in at_once
    assert 'href="/people/?company=Nobody">without Attends Spring</a>' in at_once
    assert 'without Company Nobody <span class="count">' in counted
    assert "without Attends Spring" not in counted


def test_an_audience_is_said_in_the_same_words(sign_in: SignIn, happenings: dict[str, str]) -> None:
    text = _text(
        sign_in("Marketer"), f"/campaigns/new/?attends={happenings['Spring']}&mailedNot={happenings['Thanks']}&id=a&id=b"
    )

    words = [re.sub("<[^>]+>", "", one) for one in re.findall(r'<li class="chip[^"]*"><span>(.*?)</span>', text)]
    assert words == ["Attends Spring", "Only 2 selected people", "Was mailed not Thanks"]
