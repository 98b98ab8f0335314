"""Calls about the list of an event: who is on it, adding people, taking one off."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from crm.api.auth import Scope
from crm.api.repeats import once, settle
from crm.api.wire import (
    FILTER_NAMES,
    PAGING,
    PROBLEMS,
    AudienceMembers,
    Id,
    Page,
    cut,
    filter_members,
    filter_of,
    known_only,
    listed,
    now,
    paging_parameters,
    typed,
    utc,
    viewer_of,
)
from crm.domain.errors import Conflict, RuleViolation
from crm.domain.events import Attendance, AttendanceStatus
from crm.domain.ids import new_id
from crm.domain.tasks import Task, TaskAction
from crm.services import attendance, tasks
from crm.services.sign_ups import SignedUp, check_takes_people, sign_up, signed_up_by
from crm.store.requests import Action

router = Router(tags=["events"])
AT_ONCE = 2_000
"""So many people of a filter are added while the script waits; more are left to a worker."""
STATUSES: Any = [status.value for status in AttendanceStatus]


class AttendeesIn(AudienceMembers):
    """Whom to add: `userIds`, or everybody whom the segment and the filter members match."""

    userIds: list[Id] | None = Field(None, max_length=10_000, description="Registered in this order.")


class AttendeesAdded(Schema):
    """How many were registered and waitlisted by this call, stood on the list before it, and could not be added."""

    registered: int
    waitlisted: int
    alreadyThere: int
    refused: int = Field(description="There was neither a seat nor a waitlist, or they were gone in the meantime.")
    finished: bool = Field(description="False while the rest of a large filter is still being added.")


class AttendeeOut(Schema):
    """One person at the event; `since` is when the status began."""

    userId: str
    status: str = Field(json_schema_extra={"enum": STATUSES})
    since: str


def attendee_out(attendance: Attendance) -> AttendeeOut:
    """Return where somebody stands as the API shows it."""
    return AttendeeOut(userId=attendance.user_id, status=attendance.status.value, since=utc(attendance.since) or "")


@router.get(
    "/{event_id}/attendees",
    auth=Scope("events:read"),
    response={200: Page[AttendeeOut], **PROBLEMS},
    summary="List who attends",
    openapi_extra={
        "parameters": [
            {"name": "status", "in": "query", "schema": {"type": "array", "items": {"type": "string", "enum": STATUSES}}},
            *paging_parameters(default=50),
        ]
    },
)
def list_attendees(request: HttpRequest, event_id: str) -> Page[AttendeeOut]:
    """By status, in order of arrival; `status` given twice means either."""
    given = known_only(request, PAGING | {"status"})
    store = typed(request).store
    store.events.get(event_id)
    statuses = [_status(text) for text in given.get("status", []) if text]
    return listed(store.events.attendees(event_id, statuses=statuses, **cut(given)), attendee_out)


@router.post(
    "/{event_id}/attendees",
    auth=Scope("events:write", "crm.edit_events"),
    response={200: AttendeesAdded, 202: AttendeesAdded, **PROBLEMS},
    summary="Add people to an event",
)
def add_attendees(request: HttpRequest, event_id: str, data: AttendeesIn) -> Status[AttendeesAdded]:
    """Registered while there are seats, then waitlisted, then refused. An unknown id is 422 and names it; an event that takes
    nobody, or is full without a waitlist, is 409; nothing is written in these cases. 202: a large filter is still worked
    through. Repeat safely with an Idempotency-Key, which also tells how far it is; that an event was full is told again too."""
    wanted = filter_members(data.model_dump(), FILTER_NAMES)
    if (data.userIds is None) is not any(value.strip() for values in wanted.values() for value in values):
        raise RuleViolation("Give userIds, or the people filter that says whom to add, and not both.", field="userIds")
    done = _by_filter(request, event_id, wanted) if data.userIds is None else _by_ids(request, event_id, data.userIds)
    if done.in_vain:
        raise Conflict("The event is full and has no waitlist; nobody was added.")
    answer = AttendeesAdded(
        registered=done.registered,
        waitlisted=done.waitlisted,
        alreadyThere=done.already,
        refused=done.refused + done.missed,
        finished=done.finished,
    )
    return Status(200 if done.finished else 202, answer)


@router.delete(
    "/{event_id}/attendees/{user_id}",
    auth=Scope("events:write", "crm.edit_events"),
    response={204: None, **PROBLEMS},
    summary="Cancel somebody's attendance",
)
def cancel_attendance(request: HttpRequest, event_id: str, user_id: str) -> Status[None]:
    """They stay on the list as cancelled, and the first in line gets the seat. A repeat changes nothing."""
    store = typed(request).store
    attendance.remove_seat(store, event_id, user_id, now=now(), by=viewer_of(request))
    return Status(204, None)


def _by_ids(request: HttpRequest, event_id: str, user_ids: Sequence[str]) -> SignedUp:
    """Add these people; once for an Idempotency-Key, under which a call that was cut off goes on."""
    store = typed(request).store

    def add(call: str, also: Sequence[Action] = (), *, again: bool = False) -> SignedUp:
        done = sign_up(store, event_id, user_ids, now=now(), by=viewer_of(request), also=also, call=call, again=again)
        settle(request, {"call": call, "done": json.dumps(asdict(done))})
        return done

    call = new_id()
    return once(
        request,
        {"call": call},
        make=lambda also: add(call if also else "", also),
        again=lambda made: SignedUp(**json.loads(made["done"])) if "done" in made else add(made["call"], again=True),
    )


def _by_filter(request: HttpRequest, event_id: str, values: Mapping[str, Sequence[str]]) -> SignedUp:
    """Add whoever matches, by a task: under an Idempotency-Key it is one and the same, and a repeat works on it."""
    store = typed(request).store

    def add(task_id: str, also: Sequence[Action]) -> Task:
        wanted = filter_of(request, values)
        check_takes_people(store, event_id)
        if not store.people.count(wanted):
            raise RuleViolation("Nobody matches the filter; nobody was added.")
        return tasks.start(
            store,
            TaskAction.REGISTER,
            wanted,
            subject=event_id,
            actor=viewer_of(request),
            now=now(),
            task_id=task_id,
            at_once=AT_ONCE,
            also=also,
        )

    task_id = new_id()
    return signed_up_by(
        once(
            request,
            {"task": task_id},
            make=lambda also: add(task_id, also),
            again=lambda made: tasks.go_on(store, made["task"], now=now()),
        )
    )


def _status(text: str) -> AttendanceStatus:
    if text not in STATUSES:
        raise RuleViolation(f"status can be {', '.join(STATUSES)}.", field="status")
    return AttendanceStatus(text)
