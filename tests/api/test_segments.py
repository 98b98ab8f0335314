"""Segments by the API: saved, listed with counts, changed, and taken wherever a people filter is taken."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User

from crm.domain.filters import PeopleFilter
from crm.services import segments
from crm.staff import create_token
from crm.store import Store
from tests.api.conftest import Script
from tests.factories import NOW, make_event, make_person

BODY = {"name": "Acme in Lund", "filter": {"company": "Acme", "city": ["Lund", "Malmö"]}, "order": "name"}


@pytest.fixture
def crowd(site: Store) -> None:
    people = [("Acme", "Lund"), ("Acme", "Malmö"), ("Acme", "Ystad"), ("Other", "Lund")]
    site.people.create_many([make_person(last_name=city, company=company, city=city) for company, city in people])
    site.stats.fold_all()


def _own_of_tom(site: Store) -> str:
    return segments.save(site, "Tom’s own", PeopleFilter(company=("Acme",)), owner="tom", now=NOW).id


def test_a_segment_is_saved_read_changed_and_deleted(script: Script, crowd: None) -> None:
    status, made = script.post("/segments", BODY)
    path = f"/segments/{made['id']}"

    changed = script.call("PATCH", path, {"version": 1, "name": "Acme", "filter": {"company": "Acme"}, "shared": True})
    read = script.get(path)
    deleted = script.call("DELETE", path)

    assert (status, made["filter"], made["count"]) == (201, {"company": ["Acme"], "city": ["Lund", "Malmö"]}, 2)
    assert (made["order"], made["shared"], made["version"]) == ("name", False, 1)
    assert changed[0] == 200
    assert read == (200, changed[1])
    assert (read[1]["name"], read[1]["filter"], read[1]["count"], read[1]["shared"]) == ("Acme", {"company": ["Acme"]}, 3, True)
    assert read[1]["order"] == "name"
    assert deleted == (204, None)
    assert script.get(path)[0] == 404


def test_the_list_goes_page_by_page_and_leaves_out_what_others_keep_for_themselves(script: Script, site: Store) -> None:
    _own_of_tom(site)
    for number in range(3):
        script.post("/segments", {**BODY, "name": f"Segment {number}"})

    _, first = script.get("/segments?limit=2")
    _, second = script.get(f"/segments?limit=2&nextToken={first['nextToken']}")

    assert [one["name"] for one in first["items"] + second["items"]] == ["Segment 0", "Segment 1", "Segment 2"]
    assert second["nextToken"] is None
    assert script.get(f"/segments?limit=2&prevToken={second['prevToken']}")[1]["items"] == first["items"]


def test_a_change_that_changes_nothing_keeps_the_version(script: Script, crowd: None) -> None:
    made = script.post("/segments", BODY)[1]

    status, same = script.call("PATCH", f"/segments/{made['id']}", {"version": made["version"], "name": made["name"]})

    assert (status, same) == (200, made)


def test_somebody_elses_own_segment_is_not_there(script: Script, site: Store) -> None:
    theirs = _own_of_tom(site)
    send = {"subject": "Hello", "body": "Text", "segment": theirs}

    assert script.get(f"/segments/{theirs}")[0] == 404
    assert script.call("PATCH", f"/segments/{theirs}", {"version": 1, "name": "x"})[0] == 404
    assert script.call("DELETE", f"/segments/{theirs}")[0] == 404
    assert script.get(f"/users?segment={theirs}")[0] == 404
    assert script.get(f"/users/count?segment={theirs}")[0] == 404
    assert script.post("/emails/send", send)[0] == 404


@pytest.mark.parametrize("field", ["within", "without"])
def test_somebody_elses_own_segment_is_as_gone_as_none_in_a_group(script: Script, site: Store, crowd: None, field: str) -> None:
    answers = []

    for segment_id in (_own_of_tom(site), "nothing"):
        query, send = f"{field}=segment:{segment_id}", {"subject": "S", "body": "B", field: [f"segment:{segment_id}"]}
        found = [script.get(f"/users?{query}"), script.get(f"/users/count?{query}"), script.post("/emails/send", send)]
        answers.append([(status, problem["detail"], problem["errors"]) for status, problem in found])

    assert answers[0] == answers[1]
    assert {status for status, _, _ in answers[0]} == {422}
    assert site.campaigns.page().items == []


def test_a_segment_that_leans_on_another_is_refused(script: Script, crowd: None) -> None:
    made = script.post("/segments", BODY)[1]

    status, problem = script.post("/segments", {"name": "Others", "filter": {"without": f"segment:{made['id']}"}})

    assert (status, problem["errors"][0]["field"]) == (422, "filter")


def test_a_segment_stands_for_its_filter_in_every_call_that_takes_one(script: Script, crowd: None, site: Store) -> None:
    segment = script.post("/segments", BODY)[1]["id"]

    users = script.get(f"/users?segment={segment}")[1]["items"]
    ordered = script.get(f"/users?segment={segment}&emailStatus=mailable&limit=1")[1]
    count = script.get(f"/users/count?segment={segment}")[1]
    sent = script.post("/emails/send", {"subject": "Hello", "body": "Text", "segment": segment})

    assert [user["city"] for user in users] == ["Lund", "Malmö"]
    assert [user["city"] for user in ordered["items"]] == ["Lund"]
    assert count == {"count": 2}
    assert (sent[0], sent[1]["matched"]) == (202, 2)
    assert site.campaigns.get(sent[1]["campaignId"]).audience_filter == PeopleFilter(company=("Acme",), city=("Lund", "Malmö"))


def test_a_field_given_beside_a_segment_that_has_it_is_422(script: Script, crowd: None) -> None:
    segment = script.post("/segments", BODY)[1]["id"]

    status, problem = script.get(f"/users?segment={segment}&company=Other")

    assert (status, problem["errors"][0]["field"]) == (422, "company")


def test_a_campaign_outlives_the_segment_it_was_sent_to(script: Script, crowd: None, site: Store) -> None:
    segment = script.post("/segments", BODY)[1]["id"]
    body = {"subject": "Hello", "body": "Text", "segment": segment}
    first = script.post("/emails/send", body, Idempotency_Key="k1")
    script.call("DELETE", f"/segments/{segment}")

    again = script.post("/emails/send", body, Idempotency_Key="k1")

    assert again == first
    assert site.campaigns.get(first[1]["campaignId"]).audience_filter.company == ("Acme",)


def test_a_repeated_post_saves_one_segment(script: Script, site: Store) -> None:
    first = script.post("/segments", BODY, Idempotency_Key="k1")

    again = script.post("/segments", BODY, Idempotency_Key="k1")
    other = script.post("/segments", {**BODY, "name": "Other"}, Idempotency_Key="k1")

    assert again == first
    assert other[0] == 422
    assert len(script.get("/segments")[1]["items"]) == 1


def test_an_older_version_is_409_and_changes_nothing(script: Script) -> None:
    path = f"/segments/{script.post('/segments', BODY)[1]['id']}"
    script.call("PATCH", path, {"version": 1, "name": "First"})

    status, problem = script.call("PATCH", path, {"version": 1, "name": "Second"})

    assert (status, problem["status"]) == (409, 409)
    assert script.get(path)[1]["name"] == "First"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({**BODY, "name": ""}, 422, "name"),
        ({**BODY, "filter": {}}, 422, "filter"),
        ({**BODY, "filter": {"compnay": "Acme"}}, 422, "filter"),
        ({**BODY, "filter": {"segment": "x"}}, 422, "filter"),
        ({**BODY, "filter": {"hostedEventCountMin": -1}}, 422, "hostedEventCountMin"),
        ({**BODY, "filter": {"hostedEventCountMin": True}}, 422, "filter"),
        ({**BODY, "filter": {"hostedEventCountMin": "1"}}, 422, "filter"),
        ({**BODY, "shared": "no"}, 422, "shared"),
        ({**BODY, "order": "age"}, 422, "order"),
        ({"name": "x"}, 422, "filter"),
        ({**BODY, "owner": "tom"}, 422, "owner"),
    ],
)
def test_what_cant_be_is_422_and_names_the_field(script: Script, body: dict[str, object], status: int, field: str) -> None:
    answered, problem = script.post("/segments", body)

    assert (answered, problem["errors"][0]["field"]) == (status, field)
    assert script.get("/segments")[1]["items"] == []


def test_a_name_that_is_taken_is_409(script: Script) -> None:
    script.post("/segments", BODY)

    status, problem = script.post("/segments", {**BODY, "name": "ACME in lund"})

    assert (status, problem["errors"][0]["field"]) == (409, "name")


def test_reading_and_writing_need_their_scopes(script_for: Callable[..., Script]) -> None:
    reader = script_for("people:read")
    viewer = script_for("people:read", "people:write", role="Viewer")

    assert reader.get("/segments")[0] == 200
    assert reader.post("/segments", BODY)[0] == 403
    assert viewer.post("/segments", BODY)[0] == 403
    assert script_for("events:read").get("/segments")[0] == 403


def test_a_token_sees_its_owners_segments(site: Store, db: None) -> None:
    user = User.objects.create_user("tom")
    user.groups.add(Group.objects.get(name="Viewer"))
    own = _own_of_tom(site)

    assert Script(create_token(user, ["people:read"], "test")[1]).get(f"/segments/{own}")[0] == 200


def test_a_segment_of_an_event_that_is_gone_still_opens(script: Script, site: Store) -> None:
    event = make_event()
    segment = script.post("/segments", {"name": "Guests", "filter": {"attends": event.id}})[1]

    assert segment["count"] == 0
    assert script.get(f"/users?segment={segment['id']}")[1]["items"] == []
