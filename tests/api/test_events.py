"""The calls about events."""

from collections.abc import Callable
from typing import Any

import pytest

from crm.api import repeats
from crm.services import event_changes, verify
from crm.services.event_jobs import NO_SHOW_AFTER
from crm.store import Store
from crm.store.cost import metered
from tests.api.conftest import Script
from tests.factories import NOW

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
        ({"startAt": 1234567890}, 422, "startAt: must be a time"),
        ({"startAt": "1234567890"}, 422, "startAt: must be a time"),
        ({"startAt": None}, 422, "startAt: must be a time"),
        ({"maxCapacity": True}, 422, "maxCapacity"),
        ({"maxCapacity": "5"}, 422, "maxCapacity"),
        ({"maxCapacity": 5.0}, 422, "maxCapacity"),
        ({"waitlist": "no"}, 422, "waitlist"),
        ({"autoNoShow": 0}, 422, "autoNoShow"),
        ({"timezone": "localtime"}, 422, "localtime"),
        ({"title": "a\u2028b"}, 422, "one line"),
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


@pytest.mark.parametrize(
    ("query", "field", "told"),
    [
        ("from=9999-12-31T23:59:59-14:00", "from", "must lie in the years 1970 to 9998"),
        ("to=0001-01-01T00:00:00%2B14:00", "to", "must lie in the years 1970 to 9998"),
        ("from=0001-01-01T00:00:00Z", "from", "must lie in the years 1970 to 9998"),
        ("from=2026-05-01T00:00:00", "from", "must be a time with its zone"),
        ("from=2026-05-01T00:00:00+02:00", "from", "+ is written as %2B"),
        ("from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z", "from", "from is later than to"),
    ],
)
def test_a_range_that_can_not_be_is_refused_and_says_why(script: Script, query: str, field: str, told: str) -> None:
    status, answer = script.get(f"/events?{query}")

    assert (status, answer["errors"][0]["field"]) == (422, field)
    assert told in answer["detail"]
    assert ("%2B" in told) == ("%2B" in answer["detail"])


def test_a_version_that_is_not_the_stored_one_says_what_a_script_can_do(script: Script, ids: list[str]) -> None:
    event = script.post("/events", {**EVENT, "owner": ids[0]})[1]

    answers = [
        script.call("PATCH", address, {"version": 99, name: "T"})[1]
        for address, name in ((f"/events/{event['id']}", "title"), (f"/users/{ids[0]}", "city"))
    ]

    assert all("then repeat your change" in answer["detail"] and "page" not in answer["detail"] for answer in answers)


@pytest.mark.parametrize("address", ["/users/{}", "/events/{}", "/events/{}/attendees", "/campaigns/{}", "/users?attends={}"])
def test_an_id_longer_than_any_key_is_of_nothing(script: Script, address: str) -> None:
    assert script.get(address.format("x" * 3000))[0] in {404, 422}


def test_what_an_event_has_besides_is_kept_and_has_sensible_defaults(script: Script, ids: list[str]) -> None:
    more = {"city": " Malmö ", "onlineUrl": "https://example.org/live", "waitlist": False, "autoNoShow": False}

    full = script.post("/events", {**EVENT, "owner": ids[0], **more})[1]
    plain = script.post("/events", {**EVENT, "slug": "plain", "owner": ids[0]})[1]

    assert [full[name] for name in more] == ["Malmö", "https://example.org/live", False, False]
    assert [plain[name] for name in more] == ["", "", True, True]
    assert (plain["waitlistedCount"], plain["timezone"], plain["maxCapacity"]) == (0, "UTC", None)
    assert script.get(f"/events/{full['id']}")[1] == full


def test_some_fields_are_changed_and_the_others_stay(script: Script, store: Store, ids: list[str]) -> None:
    event = script.post("/events", {**EVENT, "owner": ids[0], "hostIds": ids[:2], "venue": "Hall", "maxCapacity": 5})[1]
    change = {"title": "Summer meetup", "slug": "summer", "startAt": "2027-06-01T18:00:00+02:00", "endAt": "2027-06-02T00:00:00Z"}
    change |= {"city": "Lund", "onlineUrl": "https://example.org", "waitlist": False, "autoNoShow": False, "maxCapacity": None}
    change |= {"hostIds": ids[1:3], "owner": ids[3], "timezone": "Europe/Stockholm", "venue": None}

    status, changed = script.call("PATCH", f"/events/{event['id']}", {"version": event["version"], **change})

    wanted = {**change, "startAt": "2027-06-01T16:00:00.000Z", "endAt": "2027-06-02T00:00:00.000Z", "venue": ""}
    kept = {name: event[name] for name in ("id", "description", "status", "registeredCount", "createdAt")}
    assert status == 200
    assert {name: changed[name] for name in {**wanted, **kept}} == {**wanted, **kept}
    assert changed["version"] == event["version"] + 1
    assert [script.get(f"/users/{one}")[1]["hostedEventCount"] for one in ids[:4]] == [0, 1, 1, 0]
    assert script.post("/events", {**EVENT, "owner": ids[0]})[0] == 201
    assert verify.differences(store) == []


@pytest.mark.parametrize(
    ("change", "expected", "field"),
    [
        ({"version": 99, "title": "T"}, 409, None),
        ({"title": "T"}, 422, "version"),
        ({"version": 1, "slug": "taken"}, 409, "slug"),
        ({"version": 1, "slug": "No Slug"}, 422, "slug"),
        ({"version": 1, "title": None}, 422, "title"),
        ({"version": 1, "title": " "}, 422, "title"),
        ({"version": 1, "endAt": "2026-06-01T18:00:00Z"}, 422, "endAt"),
        ({"version": 1, "startAt": "2026-06-01T18:00:00"}, 422, "startAt"),
        ({"version": 1, "maxCapacity": 1}, 409, "maxCapacity"),
        ({"version": 1, "hostIds": ["ghost"]}, 422, "hostIds"),
        ({"version": 1, "owner": "spectre"}, 422, "owner"),
        ({"version": 1, "onlineUrl": "javascript:alert(1)"}, 422, "onlineUrl"),
        ({"version": 1, "timezone": "Mars/Olympus"}, 422, "timezone"),
        ({"version": 1, "waitlist": None}, 422, "waitlist"),
        ({"version": 1, "tilte": "T"}, 422, "tilte"),
        ({"version": 1, "status": "draft"}, 422, "status"),
        ({"version": 1, "status": "cancelled", "title": "T"}, 422, "status"),
        ({"version": True, "title": "T"}, 422, "version"),
        ({"version": "1", "title": "T"}, 422, "version"),
        ({"version": 1, "maxCapacity": "5"}, 422, "maxCapacity"),
        ({"version": 1, "waitlist": "no"}, 422, "waitlist"),
        ({"version": 99, "status": "cancelled"}, 409, None),
        ({"version": 1, "reason": "Rain"}, 422, "reason"),
        ({"version": 1, "status": "cancelled", "reason": "x" * 5_000}, 422, "reason"),
    ],
)
def test_a_change_that_cannot_be_names_the_field_and_writes_nothing(
    script: Script, store: Store, ids: list[str], change: dict[str, Any], expected: int, field: str | None
) -> None:
    script.post("/events", {**EVENT, "slug": "taken", "owner": ids[0]})
    event = script.post("/events", {**EVENT, "owner": ids[0], "attendeeIds": ids[:2], "maxCapacity": 4})[1]
    change = {**change, "version": event["version"]} if change.get("version") == 1 and change["version"] is not True else change

    status, answer = script.call("PATCH", f"/events/{event['id']}", change)

    assert status == expected, answer
    assert field is None or field in {error["field"] for error in answer["errors"]}
    assert answer["detail"]
    assert script.get(f"/events/{event['id']}")[1] == event
    assert verify.differences(store) == []


def test_a_change_of_nothing_is_no_change(script: Script, ids: list[str]) -> None:
    event = script.post("/events", {**EVENT, "owner": ids[0]})[1]

    answers = [
        script.call("PATCH", f"/events/{event['id']}", {"version": 1, **same})
        for same in ({}, {"title": event["title"]}, {"status": "published"})
    ]

    assert answers == [(200, event)] * 3


def test_an_event_is_cancelled_stays_in_the_list_and_is_reinstated(script: Script, store: Store, ids: list[str]) -> None:
    event = script.post("/events", {**EVENT, "owner": ids[0], "attendeeIds": ids[:2]})[1]
    address = f"/events/{event['id']}"

    cancelled = script.call("PATCH", address, {"version": event["version"], "status": "cancelled", "reason": "Rain"})[1]
    edited = script.call("PATCH", address, {"version": cancelled["version"], "title": "Other"})
    listed = script.get("/events")[1]["items"]
    reinstated = script.call("PATCH", address, {"version": cancelled["version"], "status": "published"})[1]

    assert (cancelled["status"], cancelled["registeredCount"]) == ("cancelled", 2)
    assert edited[0] == 409
    assert listed == [cancelled]
    assert (reinstated["status"], reinstated["registeredCount"]) == ("published", 2)
    assert verify.differences(store) == []


def test_more_seats_go_to_the_people_in_line(script: Script, store: Store, ids: list[str]) -> None:
    future = {"startAt": "2100-06-01T18:00:00Z", "endAt": "2100-06-01T20:00:00Z"}
    event = script.post("/events", {**EVENT, **future, "owner": ids[0], "maxCapacity": 1})[1]
    script.post(f"/events/{event['id']}/attendees", {"userIds": ids})

    status, changed = script.call("PATCH", f"/events/{event['id']}", {"version": event["version"], "maxCapacity": 3})

    registered = script.get(f"/events/{event['id']}/attendees?status=registered")[1]["items"]
    assert (status, changed["maxCapacity"]) == (200, 3)
    assert (changed["registeredCount"], changed["waitlistedCount"]) == (3, 2)
    assert {one["userId"] for one in registered} == set(ids[:3])
    assert verify.differences(store) == []


def test_an_end_with_no_shows_is_not_put_off_by_a_script(script: Script, store: Store, ids: list[str]) -> None:
    future = {"startAt": "2100-06-01T18:00:00Z", "endAt": "2100-06-01T20:00:00Z"}
    event = script.post("/events", {**EVENT, **future, "owner": ids[0], "attendeeIds": ids[1:3]})[1]
    run = store.events.get(event["id"]).end_at + NO_SHOW_AFTER
    store.events.begin_no_shows(store.events.get(event["id"]), at=run)
    store.events.mark_no_shows(event["id"], now=run, fence=tuple)
    moved = {"version": event["version"], "endAt": "2100-06-02T20:00:00Z"}

    status, answer = script.call("PATCH", f"/events/{event['id']}", moved)

    assert (status, answer["errors"][0]["field"]) == (409, "endAt")
    assert "Take them back first" in answer["detail"]
    assert script.get(f"/events/{event['id']}")[1] == {**event, "registeredCount": 0}


def test_a_repeat_under_one_key_publishes_one_event(script: Script, ids: list[str]) -> None:
    first = script.post("/events", {**EVENT, "owner": ids[0]}, Idempotency_Key="once")
    again = script.post("/events", {**EVENT, "owner": ids[0]}, Idempotency_Key="once")

    assert first[0] == 201
    assert again == first
    assert len(script.get("/events")[1]["items"]) == 1


def test_a_repeat_is_answered_as_the_first_time_also_once_the_event_is_another_or_gone(
    script: Script, site: Store, ids: list[str]
) -> None:
    body = {**EVENT, "owner": ids[0], "hostIds": ids[:2], "attendeeIds": ids[2:], "description": "\x01" * 50_000}
    first = script.post("/events", body, Idempotency_Key="once")
    address = f"/events/{first[1]['id']}"

    script.call("PATCH", address, {"version": first[1]["version"], "title": "Other", "owner": ids[1]})
    edited = script.post("/events", body, Idempotency_Key="once")
    event_changes.delete(site, first[1]["id"], actor="ingrid", now=NOW)
    deleted = script.post("/events", body, Idempotency_Key="once")

    assert (first[0], first[1]["registeredCount"]) == (201, 3)
    assert edited == deleted == first
    assert script.get(address)[0] == 404
    assert verify.differences(site) == []


def test_a_repeat_of_a_call_that_was_cut_off_before_its_answer_was_kept_shows_the_event(
    script: Script, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {**EVENT, "owner": ids[0]}
    monkeypatch.setattr(repeats, "settle", lambda *given: None)
    first = script.post("/events", body, Idempotency_Key="once")
    monkeypatch.undo()

    assert script.post("/events", body, Idempotency_Key="once") == first


def test_changing_events_takes_the_scope_and_the_right(script_for: Callable[..., Script], script: Script, ids: list[str]) -> None:
    event = script.post("/events", {**EVENT, "owner": ids[0]})[1]

    for one in (script_for("events:read"), script_for(role="Marketer"), script_for(role="Door")):
        assert one.call("PATCH", f"/events/{event['id']}", {"version": 1, "title": "T"})[0] == 403
    assert script.call("PATCH", "/events/none", {"version": 1, "title": "T"})[0] == 404
    assert script.call("DELETE", f"/events/{event['id']}")[0] == 405


def test_a_list_of_events_costs_no_request_for_each_of_them(script: Script, store: Store, ids: list[str]) -> None:
    def requests(limit: int) -> int:
        with metered() as cost:
            assert len(script.get(f"/events?from=2026-01-01T00:00:00Z&limit={limit}")[1]["items"]) == limit
        return cost.requests

    for number in range(12):
        script.post("/events", {**EVENT, "slug": f"e-{number}", "owner": ids[0], "hostIds": ids[:3]})

    assert requests(12) <= requests(2) <= 10
