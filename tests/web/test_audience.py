"""Choosing who gets a campaign where it is written, without JavaScript: each number a link to its people, nothing typed lost."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qs

import pytest
from django.contrib.auth.models import User
from django.test import Client

from bench.meter import Meter
from crm.domain.events import AttendanceStatus
from crm.domain.filters import PeopleFilter, parse_filter
from crm.services import attendees, campaigns, pasted, segments
from crm.store import Store
from tests.factories import NOW, make_event, make_person
from tests.jobs.mailing import COMPANY, accepted, crowd
from tests.jobs.mailing import LETTER as MAIL
from tests.web.letters import LETTER, id_of, new_letter, written
from tests.web.test_campaigns import sum_of, unsubscribe

SignIn = Callable[[str], Client]
LISTS = re.compile(r'href="(/people/\?[^"]*)"')
FILTERS = ("company", "within", "without", "tag")


@pytest.fixture
def marketer(sign_in: SignIn) -> Client:
    return sign_in("Marketer")


def hidden(page: str) -> dict[str, list[str]]:
    """The filter in the hidden fields of the form."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" form="letter" name="(\w+)" value="([^"]*)">', page):
        if name in FILTERS:
            found.setdefault(name, []).append(unescape(value))
    return found


def linked(page: str) -> list[tuple[int, str]]:
    """Each number of the sum, and where it leads."""
    found = re.findall(r'<li data-op="[^"]*"[^>]*><a(?: href="([^"]*)")?><b>([\d,]+)</b>', page)
    return [(int(number.replace(",", "")), unescape(address)) for address, number in found]


def total_of(page: str) -> int:
    """How many people a list says there are."""
    found = re.search(r'<span class="total"[^>]*>([\d,]+) ', page)
    assert found
    return int(found.group(1).replace(",", ""))


def at_event(store: Store, ids: list[str]) -> str:
    event = store.events.create(make_event(title="Spring meet-up"), [], [], now=NOW)
    for user_id in ids:
        attendees.add(store, event.id, user_id, AttendanceStatus.REGISTERED, now=NOW, by="ingrid")
    return event.id


def press(client: Client, address: str, button: str, wanted: dict[str, list[str]], **typed: str) -> str:
    """The page after a button of the choice was pressed."""
    given = {name: value for name, value in LETTER.items() if name != "company"}
    response = client.post(address, {**given, "choosing": "1", **wanted, **typed, "do": button})
    assert response.status_code == 200
    return response.content.decode()


def test_each_number_of_the_sum_leads_to_that_many_people(marketer: Client, site: Store) -> None:
    people = crowd(site, 9)
    unsubscribe(site, people[0].id)
    event = at_event(site, [person.id for person in people[:4]])
    listed = pasted.paste(site, " ".join(one.profile.email for one in people[3:6]), actor="ingrid")

    page = marketer.get(
        f"/campaigns/new/?company={COMPANY}&without=attends:{event}&without=list:{listed.list_id}"
    ).content.decode()

    assert sum_of(page) == ["9", "1", "0", "0", "3", "2", "3"]
    assert "attending “Spring meet-up”" in page
    for number, address in linked(page):
        assert address.startswith("/people/?")
        assert site.people.count(asked_for(address)) == number
        if number:
            assert total_of(marketer.get(address).content.decode()) == number


def asked_for(address: str) -> PeopleFilter:
    """The filter of a link."""
    return parse_filter(parse_qs(address.partition("?")[2]))


def test_five_of_those_who_will_get_it_are_named(marketer: Client, site: Store) -> None:
    people = crowd(site, 8)
    unsubscribe(site, people[0].id)

    page = marketer.get(f"/campaigns/new/?company={COMPANY}").content.decode()

    named = re.search(r"Among them (.*?)See all 7 people", page)
    assert named
    ids = re.findall(r"/people/([0-9a-f]{32})/", named.group(1))
    assert len(ids) == 5
    assert people[0].id not in ids


def test_a_group_is_chosen_and_taken_away_and_the_letter_stays(marketer: Client, site: Store) -> None:
    people = crowd(site, 4)
    event = at_event(site, [people[0].id])
    address = new_letter(marketer)

    opened = press(marketer, address, "choose", {"company": [COMPANY]})
    without = press(marketer, address, "without:attends", hidden(opened), pickEvent=event)
    again = press(marketer, address, f"drop:without:attends:{event}", hidden(without))

    assert f'<option value="{event}">Spring meet-up' in opened
    assert hidden(without) == {"company": [COMPANY], "without": [f"attends:{event}"]}
    assert sum_of(without)[-2:] == ["1", "3"]
    assert hidden(again) == {"company": [COMPANY]}
    for page in (opened, without, again):
        assert unescape(page).count(LETTER["body"]) == 1
        assert f'value="{LETTER["subject"]}"' in page


@pytest.mark.parametrize("verb", ["within", "without"])
def test_segment_campaign_days_field_and_list_can_be_named(marketer: Client, site: Store, verb: str) -> None:
    people = crowd(site, 3)
    segment = segments.save(site, "VIPs", PeopleFilter(tag=("VIP",)), owner="ingrid", now=NOW, shared=True)
    earlier = id_of(written(marketer))
    address = new_letter(marketer)
    chosen = {
        "segment": ({"pickSegment": segment.id}, {verb: [f"segment:{segment.id}"]}),
        "mailed": ({"pickCampaign": earlier, "pickOutcome": "not_opened"}, {verb: [f"mailed:{earlier}:not_opened"]}),
        "days": ({"pickDays": "14"}, {verb: ["days:14"]}),
        "facet": ({"pickField": "tag", "pickValue": "VIP"}, {"tag" if verb == "within" else "tagNot": ["VIP"]}),
    }

    for kind, (typed, wanted) in chosen.items():
        assert wanted.items() <= (hidden(press(marketer, address, f"{verb}:{kind}", {}, **typed)) | wanted).items()
    page = press(marketer, address, f"{verb}:list", {}, pasted=f"Ada <{people[0].profile.email}>; nobody@example.org, oops")

    assert hidden(page)[verb][0].startswith("list:")
    assert "1 of these addresses is of somebody here" in page
    assert "1 is unknown: nobody@example.org" in page
    assert "Not understood as an address: oops" in page
    assert "a pasted list of 1" in page


def test_days_stand_behind_all_other_exclusions(marketer: Client, site: Store) -> None:
    people = crowd(site, 2)
    event = at_event(site, [people[0].id])

    page = press(marketer, new_letter(marketer), "without:attends", {"without": ["days:7"]}, pickEvent=event)

    assert hidden(page)["without"] == [f"attends:{event}", "days:7"]


@pytest.mark.parametrize(
    ("button", "typed", "words"),
    [
        ("without:segment", {}, "Choose a segment first"),
        ("without:attends", {"pickEvent": ""}, "Choose an event first"),
        ("within:mailed", {}, "Choose a campaign first"),
        ("without:days", {"pickDays": "never"}, "is no number of days"),
        ("within:facet", {"pickField": "city"}, "Write which city first"),
        ("within:list", {"pasted": "nobody, really"}, "There is no e-mail address in it"),
        ("within:list", {"pasted": "stranger@example.org"}, "None of these addresses is of somebody here"),
        ("without:segment", {"pickSegment": "0" * 32}, "There is no such segment"),
    ],
)
def test_what_can_not_be_chosen_is_said_and_what_was_typed_stays(
    marketer: Client, site: Store, button: str, typed: dict[str, str], words: str
) -> None:
    crowd(site, 1)

    page = press(marketer, new_letter(marketer), button, {"company": [COMPANY]}, **typed)

    assert words in page
    assert hidden(page) == {"company": [COMPANY]}
    assert typed.get("pasted", "") in page


def test_somebody_elses_own_segment_can_not_be_named(marketer: Client, site: Store) -> None:
    crowd(site, 1)
    segment = segments.save(site, "Secret", PeopleFilter(tag=("VIP",)), owner="ingrid", now=NOW)

    page = press(marketer, new_letter(marketer), "without:segment", {"company": [COMPANY]}, pickSegment=segment.id)

    assert "There is no such segment" in page
    assert "Secret" not in page


@pytest.mark.parametrize(("kept", "pages"), [("draft", ("", "send/")), ("sent", ("",))])
def test_numbers_by_somebody_elses_own_segment_stay_and_lead_nowhere(
    sign_in: SignIn, site: Store, kept: str, pages: tuple[str, ...]
) -> None:
    owner, colleague = sign_in("Marketer"), sign_in("Marketer")
    named = User.objects.get(pk=owner.session["_auth_user_id"]).username
    crowd(site, 3)
    site.people.create(make_person(company=COMPANY, tags=("VIP",)))
    segment = segments.save(site, "Secret", PeopleFilter(tag=("VIP",)), owner=named, now=NOW)
    wanted = PeopleFilter(company=(COMPANY,), without=(f"segment:{segment.id}",))
    draft = campaigns.save_draft(site, None, MAIL, wanted=wanted, actor=named, now=NOW)
    campaign = draft if kept == "draft" else accepted(site, NOW, wanted=wanted)

    for path in pages:
        own, others = (one.get(f"/campaigns/{campaign.id}/{path}").content.decode() for one in (owner, colleague))

        assert [number for number, _ in linked(own)] == [number for number, _ in linked(others)] == [4, 0, 0, 0, 1, 3]
        assert "in the segment “Secret”" in own
        assert "Secret" not in others
        assert all(address for _, address in linked(own))
        assert [bool(address) for _, address in linked(others)] == [True] * 4 + [False] * 2
        assert segment.id in str(LISTS.findall(own))
        assert segment.id not in str(LISTS.findall(others))


def test_an_audience_is_kept_with_the_draft(marketer: Client, site: Store) -> None:
    people = crowd(site, 3)
    event = at_event(site, [people[0].id])
    address = written(marketer)
    version = site.campaigns.get(id_of(address)).version

    press(marketer, address, "without:attends", {"company": [COMPANY]}, pickEvent=event, version=str(version))

    stored = site.campaigns.get(id_of(address))
    assert stored.audience_filter == PeopleFilter(company=(COMPANY,), without=(f"attends:{event}",))


def test_events_are_found_by_their_title(marketer: Client, site: Store) -> None:
    for title in ("Spring meet-up", "Autumn talks"):
        site.events.create(make_event(title=title), [], [], now=NOW)

    found = marketer.get("/campaigns/audience/events/?findEvent=aut", headers={"HX-Request": "true"}).content.decode()

    assert "Autumn talks" in found
    assert "Spring" not in found


def test_values_of_a_field_are_suggested_with_their_people(marketer: Client, site: Store) -> None:
    crowd(site, 2, city="Lund")
    crowd(site, 1, city="Oslo")

    found = marketer.get("/campaigns/audience/values/?pickField=city&pickValue=l", headers={"HX-Request": "true"})

    assert found.content.decode().strip() == '<option value="Lund">2 people</option>'
    assert marketer.get("/campaigns/audience/values/?pickField=email", headers={"HX-Request": "true"}).status_code == 400


def test_whoever_may_not_write_sees_the_sum_and_why_it_stays(sign_in: SignIn, marketer: Client, site: Store) -> None:
    crowd(site, 2)
    address = written(marketer)

    page = sign_in("Viewer").get(address).content.decode()

    assert sum_of(page) == ["2", "0", "0", "0", "2"]
    assert re.search(r'value="choose"[^>]*aria-disabled="true"', page)


def test_the_choice_needs_few_requests(marketer: Client, site: Store) -> None:
    people = [make_person(company=COMPANY) for _ in range(30)]
    site.people.create_many(people)
    site.stats.fold_all()
    address = new_letter(marketer)

    with Meter(site.table.client).reading() as shut:
        marketer.get(f"/campaigns/new/?company={COMPANY}")
    with Meter(site.table.client).reading() as opened:
        press(marketer, address, "choose", {"company": [COMPANY]})

    assert 0 < shut.cost.requests <= 14
    assert opened.cost.requests <= shut.cost.requests + 12
