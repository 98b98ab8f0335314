"""The calls about who is on the list of an event."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crm.domain.event_drafts import EventDraft
from crm.domain.ids import new_id
from crm.services import verify
from crm.store import Store
from crm.store.table import Table
from tests.api.conftest import Script
from tests.factories import NOW, make_event


@pytest.fixture
def publish(script: Script, ids: list[str]) -> Callable[..., str]:
    """Publish an event of a month ahead and give its id."""

    def published(**members: Any) -> str:
        start = timezone.now() + timedelta(days=30)
        times = {"startAt": start.isoformat(), "endAt": (start + timedelta(hours=2)).isoformat()}
        status, event = script.post("/events", {"slug": "party", "title": "Party", "owner": ids[0], **times, **members})
        assert status == 201, event
        return str(event["id"])

    return published


def standing(script: Script, event_id: str) -> dict[str, str]:
    """Who stands where."""
    return {one["userId"]: one["status"] for one in script.get(f"/events/{event_id}/attendees?limit=200")[1]["items"]}


def counts(answer: dict[str, Any]) -> tuple[int, int, int, int]:
    return answer["registered"], answer["waitlisted"], answer["alreadyThere"], answer["refused"]


def test_people_get_the_seats_in_the_order_in_which_they_are_given_and_the_others_wait(
    script: Script, store: Store, ids: list[str], publish: Callable[..., str]
) -> None:
    event_id = publish(maxCapacity=2, attendeeIds=ids[:1])

    status, answer = script.post(f"/events/{event_id}/attendees", {"userIds": [*ids[3:], ids[0], ids[1]]})

    assert (status, counts(answer), answer["finished"]) == (200, (1, 2, 1, 0), True)
    assert standing(script, event_id) == dict(
        zip([ids[0], ids[3], ids[4], ids[1]], ["registered"] * 2 + ["waitlisted"] * 2, strict=True)
    )
    event = script.get(f"/events/{event_id}")[1]
    assert (event["registeredCount"], event["waitlistedCount"]) == (2, 2)
    assert verify.differences(store) == []


def test_an_unknown_id_is_named_and_nobody_is_added(
    script: Script, store: Store, ids: list[str], publish: Callable[..., str]
) -> None:
    event_id = publish()

    status, answer = script.post(f"/events/{event_id}/attendees", {"userIds": [*ids, "ghost"]}, Idempotency_Key="k")
    mended, _ = script.post(f"/events/{event_id}/attendees", {"userIds": ids}, Idempotency_Key="k")

    assert (status, answer["errors"][0]["field"]) == (422, "userIds")
    assert "ghost" in answer["detail"]
    assert mended == 200
    assert len(standing(script, event_id)) == 5


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "userIds"),
        ({"company": " "}, "userIds"),
        ({"userIds": ["a"], "company": "Acme"}, "not both"),
        ({"company": "nobody there"}, "Nobody matches"),
        ({"compnay": "Acme"}, "compnay"),
        ({"userIds": [""]}, "userIds.0"),
        ({"segment": "none"}, "segment"),
    ],
)
def test_whoever_says_nobody_or_everybody_by_mistake_adds_nobody(
    script: Script, publish: Callable[..., str], body: dict[str, Any], words: str
) -> None:
    event_id = publish()

    status, answer = script.post(f"/events/{event_id}/attendees", body)

    assert status in {404, 422}
    assert words in answer["detail"]
    assert standing(script, event_id) == {}


def test_a_filter_adds_whoever_matches_and_a_segment_may_stand_for_it(
    script: Script, store: Store, ids: list[str], publish: Callable[..., str]
) -> None:
    event_id = publish(maxCapacity=2)
    segment = script.post("/segments", {"name": "Acme", "filter": {"company": "Acme"}})[1]["id"]

    first = script.post(f"/events/{event_id}/attendees", {"segment": segment})[1]
    everybody = script.post(f"/events/{event_id}/attendees", {"q": "q"})[1]

    assert counts(first) == (2, 1, 0, 0)
    assert counts(everybody) == (0, 2, 3, 0)
    assert verify.differences(store) == []


@pytest.mark.parametrize("body", [{"userIds": "all"}, {"company": "Acme"}])
def test_a_repeat_under_one_key_answers_as_the_first_time_and_adds_nobody_again(
    script: Script, store: Store, ids: list[str], publish: Callable[..., str], body: dict[str, Any]
) -> None:
    event_id = publish(maxCapacity=2, attendeeIds=ids[:1])
    body = {name: ids[:3] if value == "all" else value for name, value in body.items()}

    first = script.post(f"/events/{event_id}/attendees", body, Idempotency_Key="once")
    script.call("DELETE", f"/events/{event_id}/attendees/{ids[0]}")
    again = script.post(f"/events/{event_id}/attendees", body, Idempotency_Key="once")
    other = script.post(f"/events/{event_id}/attendees", {"userIds": ids[4:]}, Idempotency_Key="once")

    assert counts(first[1]) == (1, 1, 1, 0)
    assert again == first
    assert standing(script, event_id)[ids[0]] == "cancelled"
    assert other[0] == 422
    assert verify.differences(store) == []


class Died(Exception):
    """The process is gone."""


def dying(store: Store, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """Let the process die once it has written so many transactions with more than one attendance."""
    write, left = Table.write, [after]

    def counted(self: Table, actions: Any) -> Any:
        if sum("ATTENDS" in str(getattr(action, "item", getattr(action, "key", ""))) for action in actions) > 1:
            if not left[0]:
                raise Died
            left[0] -= 1
        return write(self, actions)

    monkeypatch.setattr(Table, "write", counted)


def test_a_call_that_was_cut_off_goes_on_where_it_is_repeated_and_counts_as_if_it_had_not_been(
    script: Script, store: Store, publish: Callable[..., str], monkeypatch: pytest.MonkeyPatch, more_ids: list[str]
) -> None:
    event_id = publish(maxCapacity=50)
    body = {"userIds": more_ids}

    with monkeypatch.context() as patch:
        dying(store, patch, after=2)
        broken, _ = script.post(f"/events/{event_id}/attendees", body, Idempotency_Key="once")
    half = standing(script, event_id)
    gone, waited = (next(user_id for user_id, one in half.items() if one == status) for status in ("registered", "waitlisted"))
    for user_id in (gone, waited):  # the seat of one is the other's, who gives it up as well
        script.call("DELETE", f"/events/{event_id}/attendees/{user_id}")
    status, answer = script.post(f"/events/{event_id}/attendees", body, Idempotency_Key="once")
    again = script.post(f"/events/{event_id}/attendees", body, Idempotency_Key="once")

    assert (broken, len(half)) == (500, 60)
    assert (status, counts(answer)) == (200, (50, 20, 0, 0))
    assert again == (status, answer)
    assert [standing(script, event_id)[user_id] for user_id in (gone, waited)] == ["cancelled"] * 2
    assert verify.differences(store) == []


def test_a_filter_that_was_cut_off_goes_on_where_it_is_repeated(
    script: Script, store: Store, publish: Callable[..., str], monkeypatch: pytest.MonkeyPatch, more_ids: list[str]
) -> None:
    event_id = publish(maxCapacity=50)

    with monkeypatch.context() as patch:
        dying(store, patch, after=1)
        broken, _ = script.post(f"/events/{event_id}/attendees", {"company": "Many"}, Idempotency_Key="once")
    half = standing(script, event_id)
    gone = next(iter(half))
    script.call("DELETE", f"/events/{event_id}/attendees/{gone}")
    status, answer = script.post(f"/events/{event_id}/attendees", {"company": "Many"}, Idempotency_Key="once")

    assert (broken, len(half)) == (500, 30)
    assert standing(script, event_id)[gone] == "cancelled"
    assert (status, counts(answer), answer["finished"]) == (200, (51, 19, 0, 0), True)
    assert verify.differences(store) == []


def test_a_filter_too_large_to_wait_for_is_told_as_unfinished(
    script: Script, publish: Callable[..., str], monkeypatch: pytest.MonkeyPatch, ids: list[str]
) -> None:
    event_id = publish()
    monkeypatch.setattr("crm.api.attendees.AT_ONCE", 2)

    status, answer = script.post(f"/events/{event_id}/attendees", {"company": "Acme"}, Idempotency_Key="once")
    later = script.post(f"/events/{event_id}/attendees", {"company": "Acme"}, Idempotency_Key="once")

    assert (status, answer["finished"], counts(answer)) == (202, False, (0, 0, 0, 0))
    assert (later[0], later[1]["finished"], counts(later[1])) == (200, True, (3, 0, 0, 0))


def test_the_list_can_be_narrowed_to_some_statuses_and_paged(script: Script, publish: Callable[..., str], ids: list[str]) -> None:
    event_id = publish(maxCapacity=2, attendeeIds=ids[:2])
    script.post(f"/events/{event_id}/attendees", {"userIds": ids[2:4]})
    script.call("DELETE", f"/events/{event_id}/attendees/{ids[0]}")

    cancelled = script.get(f"/events/{event_id}/attendees?status=cancelled")[1]
    first = script.get(f"/events/{event_id}/attendees?status=waitlisted&status=cancelled&limit=1")[1]
    second = script.get(
        f"/events/{event_id}/attendees?status=waitlisted&status=cancelled&limit=1&nextToken={first['nextToken']}"
    )[1]

    assert [one["userId"] for one in cancelled["items"]] == ids[:1]
    assert [one["userId"] for one in first["items"] + second["items"]] == [ids[3], ids[0]]
    assert script.get(f"/events/{event_id}/attendees?status=lost")[1]["errors"][0]["field"] == "status"


def test_a_seat_that_is_cancelled_goes_to_the_first_in_line_and_a_repeat_changes_nothing(
    script: Script, store: Store, publish: Callable[..., str], ids: list[str]
) -> None:
    event_id = publish(maxCapacity=1, attendeeIds=ids[:1])
    for user_id in (ids[3], ids[1]):
        script.post(f"/events/{event_id}/attendees", {"userIds": [user_id]})

    answers = [script.call("DELETE", f"/events/{event_id}/attendees/{ids[0]}") for _ in range(2)]

    assert answers == [(204, None)] * 2
    assert standing(script, event_id) == {ids[0]: "cancelled", ids[3]: "registered", ids[1]: "waitlisted"}
    assert script.get(f"/events/{event_id}")[1]["waitlistedCount"] == 1
    assert verify.differences(store) == []


def test_people_of_one_call_stand_in_line_in_the_order_in_which_they_were_given(
    script: Script, store: Store, publish: Callable[..., str], more_ids: list[str], ids: list[str]
) -> None:
    event_id = publish(maxCapacity=3, attendeeIds=ids[:3])
    given = sorted(more_ids, reverse=True)[:40]

    script.post(f"/events/{event_id}/attendees", {"userIds": given})
    for user_id in ids[:3]:
        script.call("DELETE", f"/events/{event_id}/attendees/{user_id}")

    line = [one.user_id for one in store.events.waiting(event_id, 50)]
    assert line == given[3:]
    assert script.get(f"/events/{event_id}/attendees?status=registered")[1]["items"][0]["userId"] == given[0]


def test_somebody_who_is_not_on_the_list_or_no_event_is_404(script: Script, publish: Callable[..., str], ids: list[str]) -> None:
    event_id = publish()

    assert script.call("DELETE", f"/events/{event_id}/attendees/{ids[0]}")[0] == 404
    assert script.call("DELETE", f"/events/none/attendees/{ids[0]}")[0] == 404
    assert script.get("/events/none/attendees")[0] == 404
    assert script.post("/events/none/attendees", {"userIds": ids})[0] == 404


def test_a_full_event_without_a_waitlist_refuses_and_says_so(
    script: Script, store: Store, publish: Callable[..., str], ids: list[str]
) -> None:
    event_id = publish(maxCapacity=2, waitlist=False)

    some = script.post(f"/events/{event_id}/attendees", {"userIds": ids[:3]})
    none = script.post(f"/events/{event_id}/attendees", {"userIds": ids[3:]}, Idempotency_Key="k")
    script.call("PATCH", f"/events/{event_id}", {"version": 1, "maxCapacity": 4})
    again = script.post(f"/events/{event_id}/attendees", {"userIds": ids[3:]}, Idempotency_Key="k")
    at_last = script.post(f"/events/{event_id}/attendees", {"userIds": ids[3:]}, Idempotency_Key="another")

    assert (some[0], counts(some[1])) == (200, (2, 0, 0, 1))
    assert none[0] == 409
    assert again == none
    assert (at_last[0], counts(at_last[1])) == (200, (2, 0, 0, 0))
    assert verify.differences(store) == []


@pytest.mark.parametrize("body", [{"userIds": "all"}, {"company": "Acme"}])
def test_nobody_is_added_to_an_event_that_is_not_open(
    script: Script, store: Store, publish: Callable[..., str], ids: list[str], body: dict[str, Any]
) -> None:
    cancelled = publish()
    script.call("PATCH", f"/events/{cancelled}", {"version": 1, "status": "cancelled"})
    draft = EventDraft(id=new_id(), created_by="ingrid", created_at=NOW, updated_at=NOW)
    store.drafts.create(draft)
    creating = make_event(owner=ids[0])
    store.events.create(creating, [], ids[:1], now=NOW)
    body = {name: ids if value == "all" else value for name, value in body.items()}

    answers = [script.post(f"/events/{event_id}/attendees", body) for event_id in (cancelled, draft.id, creating.id)]

    assert [status for status, _ in answers] == [409] * 3
    assert [answer["detail"].partition(";")[0] for _, answer in answers] == [
        "The event was cancelled",
        "The event is still a draft",
        "The event is just being created",
    ]
    assert standing(script, cancelled) == {}


def test_whoever_may_only_read_events_adds_and_removes_nobody(
    script_for: Callable[..., Script], publish: Callable[..., str], ids: list[str]
) -> None:
    event_id = publish(attendeeIds=ids[:1])
    reader, door = script_for("events:read", "people:write"), script_for(role="Door")

    for one in (reader, door):
        assert one.post(f"/events/{event_id}/attendees", {"userIds": ids})[0] == 403
        assert one.call("DELETE", f"/events/{event_id}/attendees/{ids[0]}")[0] == 403
        assert one.get(f"/events/{event_id}/attendees")[0] == 200


def test_a_wrong_method_is_told_which_ones_there_are(script: Script) -> None:
    status, answer = script.call("PUT", "/events/one/attendees")

    assert (status, answer["title"]) == (405, "Method not allowed")
    assert script.call("GET", "/events/one/attendees/two")[0] == 405


def test_an_event_that_is_cancelled_in_the_middle_of_a_call_counts_the_rest_as_refused(
    script: Script, store: Store, publish: Callable[..., str], monkeypatch: pytest.MonkeyPatch, more_ids: list[str]
) -> None:
    event_id = publish()
    with monkeypatch.context() as patch:
        dying(store, patch, after=1)
        script.post(f"/events/{event_id}/attendees", {"userIds": more_ids}, Idempotency_Key="once")
    script.call("PATCH", f"/events/{event_id}", {"version": 1, "status": "cancelled"})

    status, answer = script.post(f"/events/{event_id}/attendees", {"userIds": more_ids}, Idempotency_Key="once")

    assert (status, counts(answer)) == (200, (30, 0, 0, 40))
    assert len(standing(script, event_id)) == 30
    assert verify.differences(store) == []
