"""What the API says of itself."""

from collections.abc import Callable

import pytest
from django.test import Client

from tests.api.conftest import Script

CALLS = {
    ("post", "/api/users"),
    ("get", "/api/users"),
    ("get", "/api/users/count"),
    ("get", "/api/users/{user_id}"),
    ("post", "/api/events"),
    ("get", "/api/events"),
    ("get", "/api/events/{event_id}"),
    ("patch", "/api/events/{event_id}"),
    ("get", "/api/events/{event_id}/attendees"),
    ("post", "/api/events/{event_id}/attendees"),
    ("delete", "/api/events/{event_id}/attendees/{user_id}"),
    ("post", "/api/emails/send"),
    ("get", "/api/campaigns/{campaign_id}"),
    ("get", "/api/emails/analytics"),
    ("get", "/api/segments"),
    ("patch", "/api/segments/{segment_id}"),
}


def test_every_promised_call_is_described(script: Script) -> None:
    status, schema = script.get("/openapi.json")

    described = {(method, path) for path, operations in schema["paths"].items() for method in operations}
    assert status == 200
    assert described >= CALLS


def test_what_a_value_can_be_is_described_in_bodies_as_in_addresses(script: Script) -> None:
    schema = script.get("/openapi.json")[1]

    shapes = {name: shape["properties"] for name, shape in schema["components"]["schemas"].items() if "properties" in shape}
    listed = {one["name"]: one["schema"] for one in schema["paths"]["/api/users"]["get"]["parameters"]}
    statuses = ["mailable", "unsubscribed", "bounced", "complained"]
    assert shapes["UserOut"]["emailStatus"]["enum"] == listed["emailStatus"]["items"]["enum"] == statuses
    assert shapes["PeopleFilterMembers"]["emailStatus"]["anyOf"][0]["enum"] == statuses
    assert shapes["PeopleFilterMembers"]["attendedEventCountMax"]["maximum"] == 999_999
    assert {shapes[name]["order"]["enum"][1] for name in ("SegmentIn", "SegmentPatch", "SegmentOut")} == {"name"}


def test_the_calls_about_events_say_what_they_take_and_what_else_they_may_answer(script: Script) -> None:
    schema = script.get("/openapi.json")[1]

    shapes = schema["components"]["schemas"]
    add = schema["paths"]["/api/events/{event_id}/attendees"]["post"]
    listed = {one["name"] for one in schema["paths"]["/api/events"]["get"]["parameters"]}
    assert listed == {"from", "to", "limit", "nextToken", "prevToken"}
    assert shapes["EventPatch"]["required"] == ["version"]
    assert shapes["EventPatch"]["properties"]["status"]["enum"] == ["published", "cancelled"]
    assert {"userIds", "company", "segment", "attends"} <= set(shapes["AttendeesIn"]["properties"])
    assert set(shapes["AttendeesAdded"]["properties"]) == {"registered", "waitlisted", "alreadyThere", "refused", "finished"}
    assert {"200", "202", "409", "422"} <= set(add["responses"])
    assert shapes["AttendeeOut"]["properties"]["status"]["enum"][0] == "invited"


def test_the_description_page_lists_the_calls_and_needs_a_sign_in(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("Viewer").get("/api/docs")

    assert page.status_code == 200
    assert all(path in page.content.decode() for _, path in CALLS)
    assert Client().get("/api/docs").status_code == 302
    assert Client().get("/api/openapi.json").status_code == 401


@pytest.mark.parametrize(("kind", "status"), [("Bearer ", 200), ("bearer ", 200), ("Basic ", 401), ("", 401)])
def test_the_description_is_for_any_bearer_token(script: Script, kind: str, status: int) -> None:
    answer = Client().get("/api/openapi.json", headers={"Authorization": f"{kind}{script.secret}"})

    assert answer.status_code == status
