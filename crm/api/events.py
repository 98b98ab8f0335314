"""Calls about events and who attends them."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from crm.api.auth import Scope
from crm.api.repeats import once
from crm.api.wire import (
    PAGING,
    PROBLEMS,
    Id,
    In,
    Page,
    Time,
    cut,
    in_range,
    known_only,
    listed,
    now,
    paging_parameters,
    typed,
    utc,
)
from crm.domain.errors import RuleViolation
from crm.domain.events import Attendance, Event
from crm.domain.ids import new_id
from crm.services import events

router = Router(tags=["events"])


class EventIn(In):
    """An event to publish. `owner`, `hostIds` and `attendeeIds` are ids of people."""

    slug: str
    title: str
    description: str | None = None
    startAt: Time
    endAt: Time
    venue: str | None = None
    maxCapacity: int | None = Field(None, description="Seats; left out for no limit.")
    timezone: str | None = Field(None, description="A name such as Europe/Stockholm, in which staff see its times.")
    owner: Id
    hostIds: list[Id] = Field(default_factory=list, max_length=20)
    attendeeIds: list[Id] = Field(default_factory=list, max_length=10_000)


class EventOut(Schema):
    """An event. Times are UTC."""

    id: str
    slug: str
    title: str
    description: str
    startAt: str
    endAt: str
    venue: str
    timezone: str
    maxCapacity: int | None
    owner: str
    hostIds: list[str]
    status: str
    registeredCount: int
    version: int
    createdAt: str
    updatedAt: str


class AttendeeOut(Schema):
    """One person at the event; `since` is when the status began."""

    userId: str
    status: str
    since: str


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
        timezone=event.timezone,
        maxCapacity=event.max_capacity,
        owner=event.owner,
        hostIds=list(event.host_ids),
        status=event.status.value,
        registeredCount=event.registered_count,
        version=event.version,
        createdAt=utc(event.created_at) or "",
        updatedAt=utc(event.updated_at) or "",
    )


def attendee_out(attendance: Attendance) -> AttendeeOut:
    """Return where somebody stands as the API shows it."""
    return AttendeeOut(userId=attendance.user_id, status=attendance.status.value, since=utc(attendance.since) or "")


@router.post("", auth=Scope("events:write", "crm.edit_events"), response={201: EventOut, **PROBLEMS}, summary="Publish an event")
def create_event(request: HttpRequest, data: EventIn) -> Status[EventOut]:
    """With its hosts and attendees. An unknown person is 422 and names the ids; more attendees than seats, or a taken slug, is
    409; nothing is written in these cases."""
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
        max_capacity=data.maxCapacity,
        timezone=data.timezone or "UTC",
        owner=data.owner,
        host_ids=tuple(data.hostIds),
        attendee_ids=tuple(data.attendeeIds),
    )
    event = once(
        request,
        {"id": event_id},
        make=lambda also: events.create(store, wanted, now=now(), also=also),
        again=lambda made: store.events.get(made["id"]),
    )
    return Status(201, event_out(event))


@router.get(
    "",
    auth=Scope("events:read"),
    response={200: Page[EventOut], **PROBLEMS},
    summary="List events",
    openapi_extra={
        "parameters": [
            {"name": "from", "in": "query", "schema": {"type": "string", "format": "date-time"}},
            {"name": "to", "in": "query", "schema": {"type": "string", "format": "date-time"}},
            *paging_parameters(default=50),
        ]
    },
)
def list_events(request: HttpRequest) -> Page[EventOut]:
    """In order of startAt; both ends of the range belong to it."""
    given = known_only(request, PAGING | {"from", "to"})
    store = typed(request).store
    start, end = _moment("from", given.get("from")), _moment("to", given.get("to"))
    return listed(store.events.page(start=start, end=end, **cut(given)), event_out)


@router.get("/{event_id}", auth=Scope("events:read"), response={200: EventOut, **PROBLEMS}, summary="Read an event")
def read_event(request: HttpRequest, event_id: str) -> EventOut:
    """One event with the ids of its hosts."""
    return event_out(typed(request).store.events.get(event_id))


@router.get(
    "/{event_id}/attendees",
    auth=Scope("events:read"),
    response={200: Page[AttendeeOut], **PROBLEMS},
    summary="List who attends",
    openapi_extra={"parameters": paging_parameters(default=50)},
)
def list_attendees(request: HttpRequest, event_id: str) -> Page[AttendeeOut]:
    """By status, in order of arrival."""
    given = known_only(request, PAGING)
    store = typed(request).store
    store.events.get(event_id)
    return listed(store.events.attendees(event_id, **cut(given)), attendee_out)


def _moment(name: str, values: list[str] | None) -> datetime | None:
    text = (values or [""])[-1]
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return in_range(moment)
    except ValueError:
        pass
    raise RuleViolation(f"{name} must be a time with its zone, such as 2026-05-01T00:00:00Z.", field=name)
