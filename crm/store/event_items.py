"""Events, hosts and attendances as items."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm.domain.errors import Conflict
from crm.domain.events import Attendance, AttendanceStatus, Event, EventStatus
from crm.store import schema
from crm.store.expressions import Where, absent, equals
from crm.store.keys import moment, stamp
from crm.store.requests import Action, Delete, Put, Update
from crm.store.schema import Item

PENDING = 90
"""Ids in one `pending` item: fifty of them, with hosts and the rest, fit into a first transaction."""


def event_item(event: Event) -> Item:
    """Return the item of an event."""
    return schema.keyed(
        "event",
        {
            "id": event.id,
            "slug": event.slug,
            "title": event.title,
            "startAt": stamp(event.start_at),
            "endAt": stamp(event.end_at),
            "owner": event.owner,
            "hostIds": list(event.host_ids),
            "description": event.description,
            "venue": event.venue,
            "city": event.city,
            "onlineUrl": event.online_url,
            "timezone": event.timezone,
            "maxCapacity": event.max_capacity,
            "waitlist": event.waitlist,
            "autoNoShow": event.auto_no_show,
            "status": event.status.value,
            "registeredCount": event.registered_count,
            "waitlistedCount": event.waitlisted_count,
            "noShowAt": stamp(event.no_show_at) if event.no_show_at else None,
            "deleting": event.deleting or None,
            "version": event.version,
            "createdAt": stamp(event.created_at),
            "updatedAt": stamp(event.updated_at),
        },
    )


def event_of(item: Mapping[str, Any]) -> Event:
    """Return the event of an item."""
    return Event(
        id=item["id"],
        slug=item.get("slug", ""),
        title=item.get("title", ""),
        start_at=moment(item["startAt"]),
        end_at=moment(item["endAt"]),
        owner=item.get("owner", ""),
        host_ids=tuple(item.get("hostIds", ())),
        description=item.get("description", ""),
        venue=item.get("venue", ""),
        city=item.get("city", ""),
        online_url=item.get("onlineUrl", ""),
        timezone=item.get("timezone", "UTC"),
        max_capacity=item.get("maxCapacity"),
        waitlist=item.get("waitlist", True),
        auto_no_show=item.get("autoNoShow", True),
        status=EventStatus(item["status"]),
        registered_count=item.get("registeredCount", 0),
        waitlisted_count=item.get("waitlistedCount", 0),
        no_show_at=moment(item["noShowAt"]) if "noShowAt" in item else None,
        deleting=item.get("deleting", False),
        version=item.get("version", 0),
        created_at=moment(item["createdAt"]),
        updated_at=moment(item["updatedAt"]),
    )


def attendance_item(attendance: Attendance) -> Item:
    """Return the item of an attendance; its id is that of event and person, since there is one for both."""
    return schema.keyed(
        "attendance",
        {
            "id": f"{attendance.event_id}:{attendance.user_id}",
            "eventId": attendance.event_id,
            "userId": attendance.user_id,
            "status": attendance.status.value,
            "since": stamp(attendance.since),
            "was": attendance.was.value if attendance.was else None,
            "wasSince": stamp(attendance.was_since) if attendance.was_since else None,
            "registeredAt": stamp(attendance.registered_at) if attendance.registered_at else None,
            "signedUpOn": attendance.signed_up_on,
            "by": attendance.by,
            "walkIn": attendance.walk_in or None,
            "erased": attendance.erased or None,
        },
    )


def attendance_of(item: Mapping[str, Any]) -> Attendance:
    """Return the attendance of an item of the table or of the index."""
    return Attendance(
        event_id=item["eventId"],
        user_id=item["userId"],
        status=AttendanceStatus(item["status"]),
        since=moment(item["since"]),
        was=AttendanceStatus(item["was"]) if "was" in item else None,
        was_since=moment(item["wasSince"]) if "wasSince" in item else None,
        registered_at=moment(item["registeredAt"]) if "registeredAt" in item else None,
        signed_up_on=item.get("signedUpOn", ""),
        by=item.get("by", ""),
        walk_in=item.get("walkIn", False),
        erased=item.get("erased", False),
    )


def waiting_item(attendance: Attendance) -> Item:
    """Return the place in line of somebody who is waitlisted: read consistently, in order of arrival."""
    attributes = {
        "id": f"{attendance.event_id}:{attendance.user_id}",
        "eventId": attendance.event_id,
        "userId": attendance.user_id,
        "since": stamp(attendance.since),
    }
    return schema.keyed("waiting", attributes)


def host_item(event: Event, user_id: str) -> Item:
    """Return the item that makes a person a host; it carries the event's start, by which a person's events are sorted."""
    attributes = {"id": f"{event.id}:{user_id}", "eventId": event.id, "userId": user_id, "startAt": stamp(event.start_at)}
    return schema.keyed("host", attributes)


def new_event_actions(event: Event, attendee_ids: Sequence[str], replaces_draft: int | None = None) -> Iterator[Action]:
    """Give the writes of a new event: itself, the claim on its slug, and the ids that are still to be seated.

    `replaces_draft` is the version of the draft that it was until now: nobody may have changed or published that meanwhile.
    """
    twice = Conflict("There is an event with this id already.")
    new: Where = [absent()]
    if replaces_draft is not None:
        twice = Conflict("This draft was changed or published since you opened it.")
        new = [equals("status", EventStatus.DRAFT.value), equals("version", replaces_draft)]
    taken = Conflict(f"The slug {event.slug} is taken by another event; choose another one.", field="slug")
    claim = schema.keyed("slugClaim", {"id": event.id, "slug": event.slug})
    yield Put(item=event_item(event), expect=new, error=twice)
    yield Put(item=claim, expect=[absent()], error=taken)
    for seq, start in enumerate(range(0, len(attendee_ids), PENDING)):
        ids = list(attendee_ids[start : start + PENDING])
        attributes = {"id": f"{event.id}:{seq}", "eventId": event.id, "seq": seq, "userIds": ids, "done": 0}
        yield Put(item=schema.keyed("pending", attributes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The next ids to seat, the write that takes them off the list, and whether others remain after them."""

    user_ids: Sequence[str]
    actions: Sequence[Action]
    more: bool


def next_part(pending: Sequence[Item], size: int) -> Part:
    """Return the first `size` ids of an event's first `pending` items; nothing, and no more, where there are none."""
    if not pending:
        return Part(user_ids=(), actions=(), more=False)
    item = pending[0]
    done, ids = item["done"], item["userIds"]
    taken = ids[done : done + size]
    key = {"PK": item["PK"], "SK": item["SK"]}
    left = done + len(taken) < len(ids)
    action: Action = Delete(key=key, expect=[equals("done", done)])
    if left:
        action = Update(key=key, changes={"done": done + len(taken)}, expect=[equals("done", done)])
    return Part(user_ids=taken, actions=(action,), more=left or len(pending) > 1)
