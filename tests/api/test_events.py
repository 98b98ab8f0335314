"""The calls about events."""

from typing import Any

import pytest

from crm.services import verify
from crm.store import Store
from tests.api.conftest import Script

EVENT = {
    "slug": "spring-meetup",
    "title": "Spring meetup",
    "startAt": "2026-06-01T18:00:00Z",
    "endAt": "2026-06-01T21:00:00+02:00",
}


def test_an_event_is_published_with_hosts_and_attendees_and_counts_in_step(script: Script, store: Store, ids: list[str]) -> None:
    status, event = script.post(
        "/events", {**EVENT, "owner": ids[0], "hostIds": ids[:1], "attendeeIds": ids[1:4], "maxCapacity": 3}
    )

    attendees = script.get(f"/events/{event['id']}/attendees?limit=2")[1]
    rest = script.get(f"/events/{event['id']}/attendees?limit=2&nextToken={attendees['nextToken']}")[1]

    assert (status, event["status"], event["registeredCount"]) == (201, "published", 3)
    assert event["endAt"] == "2026-06-01T19:00:00.000Z"
    assert {a["userId"] for a in attendees["items"] + rest["items"]} == set(ids[1:4])
    assert {a["status"] for a in attendees["items"]} == {"registered"}
    assert script.get(f"/users/{ids[0]}")[1]["hostedEventCount"] == 1
    assert script.get("/users/count?attendedEventCountMin=1") == (200, {"count": 3})
    assert verify.differences(store) == []


@pytest.mark.parametrize(
    ("change", "expected", "words"),
    [
        ({"attendeeIds": ["ghost"]}, 422, "ghost"),
        ({"hostIds": ["phantom"]}, 422, "phantom"),
        ({"owner": "spectre"}, 422, "spectre"),
        ({"maxCapacity": 1, "attendeeIds": "all"}, 409, "seat"),
        ({"endAt": "2026-05-01T00:00:00Z"}, 422, "ends before"),
        ({"slug": "No Slug!"}, 422, "slug"),
        ({"timezone": "Mars/Olympus"}, 422, "Mars/Olympus"),
        ({"startAt": "2026-06-01T18:00:00"}, 422, "startAt"),
        ({"startAt": "9999-12-31T23:59:59-14:00"}, 422, "1970 to 9998"),
        ({"attendeeIds": [""]}, 422, "attendeeIds.0"),
        ({"attendeeIds": ["x" * 3000]}, 422, "attendeeIds.0"),
        ({"owner": "#../%"}, 422, "#../%"),
    ],
)
def test_an_event_that_cannot_be_writes_nothing(
    script: Script, store: Store, ids: list[str], change: dict[str, Any], expected: int, words: str
) -> None:
    change = {name: ids if value == "all" else value for name, value in change.items()}

    status, answer = script.post("/events", {**EVENT, "owner": ids[0], **change})

    assert status == expected
    assert words in answer["detail"]
    assert script.post("/events", {**EVENT, "owner": ids[0]})[0] == 201
    assert verify.differences(store) == []


def test_a_taken_slug_is_a_conflict(script: Script, ids: list[str]) -> None:
    script.post("/events", {**EVENT, "owner": ids[0]})

    status, answer = script.post("/events", {**EVENT, "owner": ids[0]})

    assert (status, answer["errors"][0]["field"]) == (409, "slug")


@pytest.mark.parametrize("address", ["/events?from=9999-12-31T23:59:59-14:00", "/events?to=0001-01-01T00:00:00%2B14:00"])
def test_a_range_that_no_calendar_holds_is_refused(script: Script, address: str) -> None:
    assert script.get(address)[0] == 422


@pytest.mark.parametrize("address", ["/users/{}", "/events/{}", "/events/{}/attendees", "/campaigns/{}", "/users?attends={}"])
def test_an_id_longer_than_any_key_is_of_nothing(script: Script, address: str) -> None:
    assert script.get(address.format("x" * 3000))[0] in {404, 422}
