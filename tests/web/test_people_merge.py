"""The pages about two entries of one person: who may be one, both side by side, and what comes of it."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client

from crm.domain.events import AttendanceStatus
from crm.domain.people import EmailStatus, Person
from crm.services import merge, people
from crm.services.verify import differences
from crm.store import Store
from tests.factories import NOW, make_event, make_person
from tests.jobs.mailing import suppress
from tests.services.merging import TWIN, ZOE, merged, put_on, two

SignIn = Callable[[str], Client]
CHOICES = {"firstName": "left", "lastName": "left", "email": "left", "phoneNumber": "right", "company": "left"}


def address(left: Person, right: Person) -> str:
    return f"/people/{left.id}/merge/{right.id}/"


def form(left: Person, right: Person, **changes: object) -> dict[str, object]:
    """What the page sends when nothing is changed but this."""
    versions = {"version-left": left.version, "version-right": right.version}
    return {"keep": "left", **versions, **CHOICES, "tag": ["speaker", "host 2026"], **changes}


def ticked(text: str, field: str) -> str:
    """Which side of a field is ticked."""
    found = re.search(rf'name="{field}" value="(\w+)" checked', text)
    return found[1] if found else ""


def test_the_person_page_of_a_double_leads_to_both_side_by_side(sign_in: SignIn, site: Store) -> None:
    left, right = two(site)

    part = sign_in("Editor").get(f"/people/{left.id}/duplicates/", headers={"HX-Request": "true", "HX-Target": "duplicates"})

    text = part.content.decode()
    assert text.lstrip().startswith("{#") is False
    assert "has the same name without accents, the same company, and the similar address z.angstrom@techcorp.example." in text
    assert f'href="{address(left, right)}"' in text
    assert "<html" not in text


def test_doubles_are_one_line_of_the_person_page_until_it_is_opened(sign_in: SignIn, site: Store) -> None:
    left, right = two(site)
    client = sign_in("Editor")

    part = client.get(f"/people/{left.id}/duplicates/", headers={"HX-Request": "true", "HX-Target": "duplicates"})
    alone = client.get(f"/people/{left.id}/duplicates/").content.decode()

    line = re.search(r'<details class="fold">\s*<summary>(.*?)</summary>', part.content.decode(), re.DOTALL)
    assert line is not None
    assert "1 possible duplicate<" in line[1]
    assert '<details class="fold" open>' in alone
    assert f'href="{address(left, right)}"' in alone


def test_by_itself_the_page_says_when_nobody_looks_alike(sign_in: SignIn, site: Store) -> None:
    left, right = two(site)
    people.remove(site, right.id, now=NOW)

    text = sign_in("Viewer").get(f"/people/{left.id}/duplicates/").content.decode()

    assert "Nobody else looks like" in text


def test_who_may_not_merge_sees_the_way_and_why_it_is_closed(sign_in: SignIn, site: Store) -> None:
    left, right = two(site)

    text = sign_in("Marketer").get(f"/people/{left.id}/duplicates/").content.decode()

    assert "Compare and merge" in text
    assert f'href="{address(left, right)}"' not in text
    assert sign_in("Marketer").get(address(left, right)).status_code == 403


def test_both_sides_are_shown_with_what_is_filled_in_ticked(sign_in: SignIn, site: Store) -> None:
    left, right = two(site, replace(ZOE, city="Göteborg"))

    text = sign_in("Editor").get(address(left, right)).content.decode()

    assert [ticked(text, field) for field in ("keep", "phoneNumber", "city")] == ["left", "right", "left"]
    assert 'name="company"' not in text
    assert re.findall(r'name="tag" value="([^"]+)" checked', text) == ["speaker", "host 2026"]


def test_who_was_changed_last_stays_with_all_values_but_for_gaps_and_a_dead_address(sign_in: SignIn, site: Store) -> None:
    left, right = two(site, replace(ZOE, phone_number="1", state="Skåne"))
    now = NOW.replace(hour=12)
    people.edit(site, right.id, replace(right.profile, city="Lund"), version=right.version, now=now)
    suppress(site, site.people.get(right.id), EmailStatus.BOUNCED, now)

    text = sign_in("Editor").get(address(left, right)).content.decode()

    assert [ticked(text, field) for field in ("keep", "phoneNumber", "firstName", "city")] == ["right"] * 4
    assert [ticked(text, field) for field in ("email", "state")] == ["left", "left"]


def test_values_nobody_chose_move_with_the_entry_that_stays(sign_in: SignIn, site: Store) -> None:
    left, right = two(site, replace(ZOE, state="Skåne"))
    client = sign_in("Editor")

    chosen = {"proposed": "left", "keep": "right", "lastName": "right", "state": "left", "tag": ["speaker"], "propose": "1"}
    text = client.post(address(left, right), form(left, right, **chosen)).content.decode()
    back = {**chosen, "proposed": "right", "keep": "left", "firstName": "right", "email": "left"}
    again = client.post(address(left, right), form(left, right, **back)).content.decode()

    assert [ticked(text, field) for field in ("keep", "firstName", "lastName", "email")] == ["right"] * 4
    assert ticked(text, "state") == "left"
    assert '<input type="hidden" name="proposed" value="right">' in text
    assert re.findall(r'name="tag" value="([^"]+)" checked', text) == ["speaker"]
    assert [ticked(again, field) for field in ("keep", "firstName", "email", "state")] == ["left"] * 4
    assert len(site.people.get_many([left.id, right.id])) == 2


def test_what_was_proposed_for_whom_is_known_after_a_refusal(sign_in: SignIn, site: Store) -> None:
    left, right = two(site)
    people.edit(site, right.id, replace(right.profile, city="Lund"), version=right.version, now=NOW)

    text = sign_in("Editor").post(address(left, right), form(left, right, keep="right", proposed="left")).content.decode()

    assert '<input type="hidden" name="proposed" value="left">' in text


def test_the_page_says_what_comes_together_and_what_becomes_of_doubles(sign_in: SignIn, site: Store) -> None:
    left, right = two(site)
    event = site.events.create(make_event(title="Design Night"), [left.id, right.id], [], now=NOW)
    put_on(site, event.id, left, AttendanceStatus.NO_SHOW)
    put_on(site, event.id, right, AttendanceStatus.ATTENDED)
    suppress(site, right, EmailStatus.UNSUBSCRIBED, NOW)

    text = sign_in("Editor").get(address(left, right)).content.decode()

    assert "(no-show and attended). One entry stays: attended" in text
    assert "It has one host less" in text
    assert "has unsubscribed" in text


def test_choosing_makes_one_of_both(sign_in: SignIn, site: Store) -> None:
    left, right = two(site)
    client = sign_in("Editor")

    answer = client.post(address(left, right), form(left, right, keep="right", firstName="right"), follow=True)

    assert answer.redirect_chain == [(f"/people/{right.id}/", 302)]
    assert "is one person now" in answer.content.decode()
    (left_over,) = site.people.get_many([left.id, right.id]).values()
    expected = replace(ZOE, first_name="Zoe", phone_number="+46 31 555", tags=("speaker", "host 2026"))
    assert (left_over.id, left_over.profile) == (right.id, expected)
    assert differences(site) == []


def test_sending_the_form_twice_leads_to_the_same_person(sign_in: SignIn, site: Store) -> None:
    left, right = two(site)
    client = sign_in("Editor")
    client.post(address(left, right), form(left, right))

    for answer in (client.post(address(left, right), form(left, right)), client.get(address(right, left))):
        assert (answer.status_code, answer["Location"]) == (302, f"/people/{left.id}/")


def test_somebody_who_saved_meanwhile_is_shown_and_the_choices_are_kept(sign_in: SignIn, site: Store) -> None:
    left, right = two(site)
    people.edit(site, right.id, replace(right.profile, city="Lund"), version=right.version, now=NOW)

    answer = sign_in("Editor").post(address(left, right), form(left, right, keep="right", phoneNumber="left", tag=["speaker"]))

    text = answer.content.decode()
    assert answer.status_code == 409
    assert "changed by someone else meanwhile" in text
    assert [ticked(text, field) for field in ("keep", "phoneNumber", "city")] == ["right", "left", "right"]
    assert re.findall(r'name="tag" value="([^"]+)" checked', text) == ["speaker"]
    assert f'name="version-right" value="{right.version + 1}"' in text
    assert len(site.people.get_many([left.id, right.id])) == 2


def test_too_many_tags_are_refused_with_what_to_do(sign_in: SignIn, site: Store) -> None:
    left, right = two(
        site,
        replace(ZOE, tags=tuple(f"a{number}" for number in range(15))),
        replace(TWIN, tags=tuple(f"b{number}" for number in range(15))),
    )

    answer = sign_in("Editor").post(address(left, right), form(left, right, tag=[*left.profile.tags, *right.profile.tags]))

    assert answer.status_code == 422
    assert "A person can have 20 tags; these are 30." in answer.content.decode()
    assert len(site.people.get_many([left.id, right.id])) == 2


def test_a_merge_that_goes_on_already_is_said_and_nothing_is_doubled(sign_in: SignIn, site: Store) -> None:
    left, right = two(site)
    site.merges.begin(site.people.get(right.id), site.people.get(left.id), [])

    answer = sign_in("Editor").post(address(left, right), form(left, right))

    assert answer.status_code == 409
    assert "just being merged or deleted" in answer.content.decode()


def test_two_rows_of_the_list_lead_to_the_page_and_any_other_number_says_so(sign_in: SignIn, site: Store) -> None:
    left, right = two(site)
    client = sign_in("Editor")

    found = client.get("/people/merge/", {"id": [left.id, right.id]})

    assert found["Location"] == address(left, right)
    for ids in ([], [left.id], [left.id, right.id, "third"], [left.id, left.id]):
        refused = client.get("/people/merge/", {"id": ids})
        assert refused.status_code == 400
        assert "Choose two people" in refused.content.decode()
    assert client.get(address(left, left)).status_code == 422


@pytest.mark.parametrize("htmx", [False, True])
def test_somebody_else_is_not_suggested_again(sign_in: SignIn, site: Store, *, htmx: bool) -> None:
    left, right = two(site)
    client = sign_in("Editor")
    headers = {"HX-Request": "true", "HX-Target": "duplicates"} if htmx else {}

    answer = client.post(f"/people/{left.id}/apart/{right.id}/", headers=headers)

    assert answer.status_code == (200 if htmx else 302)
    assert "angstrom" not in answer.content.decode().lower()
    assert merge.likely_same(site, site.people.get(left.id)) == []
    assert merge.likely_same(site, site.people.get(right.id)) == []


def test_a_person_without_a_double_has_an_empty_part(sign_in: SignIn, site: Store) -> None:
    left, right = two(site)
    merged(site, left, right)

    part = sign_in("Editor").get(f"/people/{left.id}/duplicates/", headers={"HX-Request": "true", "HX-Target": "duplicates"})

    assert re.sub(r"\s+", " ", part.content.decode()).strip() == '<div class="likely" id="duplicates"> </div>'


def test_an_old_link_to_who_is_gone_leads_to_who_is_left(sign_in: SignIn, site: Store) -> None:
    left, right = two(site)
    third = site.people.create(make_person())
    merged(site, left, right)
    merged(site, third, left)

    answer = sign_in("Viewer").get(f"/people/{right.id}/")

    assert (answer.status_code, answer["Location"]) == (302, f"/people/{third.id}/")
