"""Calls about events; who attends them is in attendees.py."""

import re
from datetime import datetime
from typing import Any, Literal, cast

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from crm.api.auth import Scope
from crm.api.repeats import answered
from crm.api.wire import (
    PAGING,
    PROBLEMS,
    Flag,
    Id,
    In,
    Page,
    Time,
    Whole,
    cut,
    in_range,
    known_only,
    listed,
    now,
    paging_parameters,
    typed,
    utc,
    viewer_of,
)
from crm.domain.errors import RuleViolation
from crm.domain.events import Event, EventStatus
from crm.domain.ids import new_id
from crm.services import event_changes, events
from crm.services.event_changes import EventChanges

router = Router(tags=["events"])
ZONE = "A name such as Europe/Stockholm, in which staff see its times."
WAITLIST = "Who finds no seat waits in line, and gets one when it frees; else they are refused."
NO_SHOW = "Who is registered and was not checked in becomes a no-show some hours after the end."
ONLINE = "Where to take part from elsewhere, with https://."
NAMES = {
    "startAt": "start_at",
    "endAt": "end_at",
    "onlineUrl": "online_url",
    "maxCapacity": "max_capacity",
    "autoNoShow": "auto_no_show",
    "hostIds": "host_ids",
}
"""What members of a body are called inside, where that differs."""
PLUS_LOST = re.compile(r":[0-9.]+ [0-9]{2}:?[0-9]{2}$")
"""A time whose zone begins with a space: what an address makes of +."""
RANGE = "Events that go on at some moment of the range, both ends included; what ends as it begins is over by then."


MOMENT = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "const": ""}]}
"""A time in a query string; empty is left out."""


def _left_out(**described: Any) -> Any:
    """A member that may be left out, but can't be null."""
    return Field(default_factory=lambda: None, **described)


class EventIn(In):
    """An event to publish. `owner`, `hostIds` and `attendeeIds` are ids of people."""

    slug: str
    title: str
    description: str | None = Field(None, description="Markdown.")
    startAt: Time
    endAt: Time
    venue: str | None = None
    city: str | None = None
    onlineUrl: str | None = Field(None, description=ONLINE)
    maxCapacity: Whole | None = Field(None, description="Seats; left out for no limit.")
    waitlist: Flag = Field(True, description=WAITLIST)
    autoNoShow: Flag = Field(True, description=NO_SHOW)
    timezone: str | None = Field(None, description=ZONE)
    owner: Id
    hostIds: list[Id] = Field(default_factory=list, max_length=20)
    attendeeIds: list[Id] = Field(default_factory=list, max_length=10_000)


class EventPatch(In):
    """Some fields of an event, and the version they were read at. Null or empty text takes a text or the limit away.

    A change of `status` is sent alone: `cancelled` cancels the event, perhaps with a `reason`, `published` reinstates it.
    """

    version: Whole
    slug: str = _left_out()
    title: str = _left_out()
    description: str | None = Field(None, description="Markdown.")
    startAt: Time = _left_out()
    endAt: Time = _left_out()
    venue: str | None = None
    city: str | None = None
    onlineUrl: str | None = Field(None, description=ONLINE)
    maxCapacity: Whole | None = Field(None, description="Seats, as many as are taken at least; null for no limit.")
    waitlist: Flag = _left_out(description=WAITLIST)
    autoNoShow: Flag = _left_out(description=NO_SHOW)
    timezone: str | None = Field(None, description=ZONE)
    owner: Id = _left_out()
    hostIds: list[Id] = _left_out(max_length=20, description="All who are to host it.")
    status: Literal["published", "cancelled"] = _left_out()
    reason: str | None = Field(None, description="Why it is cancelled: for its history, nobody is written to.")


class EventOut(Schema):
    """An event. Times are UTC. `version` goes up with each edit; `PATCH` wants the one that was read."""

    id: str
    slug: str
    title: str
    description: str
    startAt: str
    endAt: str
    venue: str
    city: str
    onlineUrl: str
    timezone: str
    maxCapacity: int | None
    waitlist: bool
    autoNoShow: bool
    owner: str
    hostIds: list[str]
    status: str = Field(json_schema_extra={"enum": ["creating", "published", "cancelled"]})
    registeredCount: int = Field(description="Seats taken: who is registered, or has attended.")
    waitlistedCount: int = Field(description="People in line.")
    version: int
    createdAt: str
    updatedAt: str


def event_out(event: Event) -> EventOut:
    """Return an event as the API shows it."""
    return EventOut(
        id=event.id,
        slug=event.slug,
        title=event.title,
        description=event.description,
        startAt=utc(event.start_at) or "",
        endAt=utc(event.end_at) or "",
        venue=event.venue,
        city=event.city,
        onlineUrl=event.online_url,
        timezone=event.timezone,
        maxCapacity=event.max_capacity,
        waitlist=event.waitlist,
        autoNoShow=event.auto_no_show,
        owner=event.owner,
        hostIds=list(event.host_ids),
        status=event.status.value,
        registeredCount=event.registered_count,
        waitlistedCount=event.waitlisted_count,
        version=event.version,
        createdAt=utc(event.created_at) or "",
        updatedAt=utc(event.updated_at) or "",
    )


@router.post("", auth=Scope("events:write", "crm.edit_events"), response={201: EventOut, **PROBLEMS}, summary="Publish an event")
def create_event(request: HttpRequest, data: EventIn) -> Status[EventOut]:
    """With its hosts and attendees. An unknown person is 422 and names the ids; more attendees than seats, or a taken slug, is
    409; nothing is written in these cases. Repeat safely with an Idempotency-Key."""
    store = typed(request).store
    event_id = new_id()
    wanted = events.NewEvent(
        id=event_id,
        slug=data.slug,
        title=data.title,
        description=data.description or "",
        start_at=data.startAt,
        end_at=data.endAt,
        venue=data.venue or "",
        city=data.city or "",
        online_url=data.onlineUrl or "",
        max_capacity=data.maxCapacity,
        waitlist=data.waitlist,
        auto_no_show=data.autoNoShow,
        timezone=data.timezone or "UTC",
        owner=data.owner,
        host_ids=tuple(data.hostIds),
        attendee_ids=tuple(data.attendeeIds),
    )
    answer = answered(
        request,
        {"id": event_id},
        EventOut,
        make=lambda also: event_out(events.create(store, wanted, now=now(), also=also, actor=viewer_of(request))),
        again=lambda made: event_out(store.events.get(made["id"])),
    )
    return Status(201, answer)


@router.get(
    "",
    auth=Scope("events:read"),
    response={200: Page[EventOut], **PROBLEMS},
    summary="List events",
    openapi_extra={
        "parameters": [
            {"name": "from", "in": "query", "schema": MOMENT, "description": RANGE},
            {"name": "to", "in": "query", "schema": MOMENT},
            *paging_parameters(default=50),
        ]
    },
)
def list_events(request: HttpRequest) -> Page[EventOut]:
    """In order of startAt, the cancelled ones among them. An event of several days is on each of them: it is in a range that
    begins after it has."""
    given = known_only(request, PAGING | {"from", "to"})
    start, end = _moment("from", given.get("from")), _moment("to", given.get("to"))
    if start is not None and end is not None and end < start:
        raise RuleViolation("from is later than to, so no event can be in the range.", field="from")
    return listed(typed(request).store.events.page(start=start, end=end, **cut(given)), event_out)


@router.get("/{event_id}", auth=Scope("events:read"), response={200: EventOut, **PROBLEMS}, summary="Read an event")
def read_event(request: HttpRequest, event_id: str) -> EventOut:
    """One event with the ids of its hosts."""
    return event_out(typed(request).store.events.get(event_id))


@router.patch(
    "/{event_id}", auth=Scope("events:write", "crm.edit_events"), response={200: EventOut, **PROBLEMS}, summary="Change an event"
)
def change_event(request: HttpRequest, event_id: str, data: EventPatch) -> EventOut:
    """Changes what is given. A `version` that is not the stored one, a taken slug, fewer seats than are taken, an end that is to
    lie ahead again while there are no-shows that were marked after it (staff take those back first), or an event that is
    cancelled is 409, and nothing is written. More seats go to the people in line."""
    store, actor = typed(request).store, viewer_of(request)
    given = data.model_dump(exclude_unset=True)
    version, status, reason = given.pop("version"), given.pop("status", None), given.pop("reason", None)
    stored = store.events.get(event_id)
    if status is None or status == stored.status.value:
        if reason is not None:
            raise RuleViolation("A reason can be given where the status becomes cancelled.", field="reason")
        changes = cast(EventChanges, {NAMES.get(name, name): _plain(name, value) for name, value in given.items()})
        return event_out(event_changes.edit(store, event_id, changes, version=version, actor=actor, now=now()))
    if given:
        raise RuleViolation("Send a change of the status alone, without other fields.", field="status")
    if status == EventStatus.CANCELLED.value:
        reason = reason or ""
        return event_out(event_changes.cancel(store, event_id, reason=reason, version=version, actor=actor, now=now()))
    return event_out(event_changes.reinstate(store, event_id, version=version, actor=actor, now=now()))


def _plain(name: str, value: Any) -> Any:
    """Null as what it means: no text, the zone UTC; for seats it is no limit."""
    return value if value is not None or name == "maxCapacity" else "UTC" if name == "timezone" else ""


def _moment(name: str, values: list[str] | None) -> datetime | None:
    text = (values or [""])[-1]
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        hint = " In an address, + is written as %2B." if PLUS_LOST.search(text) else ""
        raise RuleViolation(f"{name} must be a time with its zone, such as 2026-05-01T00:00:00Z.{hint}", field=name)
    try:
        return in_range(moment)
    except ValueError as error:
        raise RuleViolation(f"{name} {error}.", field=name) from None
