"""What staff did to a made-up event: made it, changed it, called it off; and events that are still being planned."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from crm.domain.event_drafts import YES, EventDraft, Step
from crm.domain.event_log import Cancellation, EventLogEntry, EventLogKind, changes_between
from crm.domain.events import Event
from crm.services.demo.logs import STAFF
from crm.services.demo.people import Crowd, demo_id

REASONS = (
    "The hall has a water damage, and nothing else is free that week.",
    "Both speakers are ill. We look for another date in the spring.",
)


def history_of(event: Event, random: Random, present: datetime, no_shows: int) -> list[EventLogEntry]:
    """Return what was done to the event until now, the oldest first; its end by itself."""
    made = EventLogEntry(
        id=demo_id_of(event, 0), event_id=event.id, at=event.created_at, kind=EventLogKind.CREATED, actor=random.choice(STAFF)
    )
    log = [made]
    before = _before(event, random)
    changes = changes_between(before, event)
    if changes:
        last = min(event.start_at, present)
        at = event.created_at + (last - event.created_at) * random.uniform(0.05, 0.4)
        actor = random.choice(STAFF)
        entry = EventLogEntry(
            id=demo_id_of(event, 1), event_id=event.id, at=at, kind=EventLogKind.EDITED, actor=actor, changes=changes
        )
        log.append(entry)
    if event.no_show_at is not None and no_shows:
        log.append(
            EventLogEntry(
                id=demo_id_of(event, 2), event_id=event.id, at=event.no_show_at, kind=EventLogKind.NO_SHOWS, text=str(no_shows)
            )
        )
    return log


def _before(event: Event, random: Random) -> Event:
    """The event as it was before somebody changed it; itself where nobody did."""
    choice = random.randrange(5)
    if choice == 0 and event.max_capacity is not None and event.max_capacity > 12:
        return replace(event, max_capacity=event.max_capacity // 4 * 3)
    if choice == 1 and event.online_url == "":
        return replace(event, venue="To be announced")
    if choice == 2:
        earlier = timedelta(minutes=30)
        return replace(event, start_at=event.start_at - earlier, end_at=event.end_at - earlier)
    return event


def called_off(event: Event, number: int, present: datetime) -> tuple[Cancellation, EventLogEntry]:
    """Return why and when the event was cancelled, and the line of its history that says so."""
    at = min(event.start_at, present) - timedelta(days=2, hours=3)
    reason, by = REASONS[number % len(REASONS)], STAFF[number % len(STAFF)]
    told = Cancellation(event_id=event.id, start_at=event.start_at, reason=reason, by=by, at=at)
    entry = EventLogEntry(id=demo_id_of(event, 3), event_id=event.id, at=at, kind=EventLogKind.CANCELLED, actor=by, text=reason)
    return told, entry


def demo_id_of(event: Event, number: int) -> str:
    """The id of a line of an event's history: the same whenever it is made up."""
    return demo_id(0, f"history of {event.id}", number)


def make_drafts(seed: int, crowd: Crowd, present: datetime) -> list[EventDraft]:
    """Return two events that are being planned: one nearly ready, one just begun."""
    if not crowd.people:
        return []
    host = crowd.people[0]
    day = f"{(present + timedelta(days=40)).date():%Y-%m-%d}"
    nearly = {
        "title": "Spring Clean-up of the Docs",
        "slug": "spring-clean-up-of-the-docs",
        "description": "Bring a laptop.\n",
        "startDate": day,
        "startTime": "10:00",
        "endDate": day,
        "endTime": "16:00",
        "timezone": "Europe/Stockholm",
        "venue": "City Library",
        "city": "Göteborg",
        "owner": host.id,
        "maxCapacity": "24",
        "waitlist": YES,
        "autoNoShow": YES,
    }
    begun = {"title": "A talk about sourdough", "waitlist": YES, "autoNoShow": YES}
    saved = dict.fromkeys((Step.BASICS, Step.WHEN, Step.HOSTS), 1)
    return [
        _draft(demo_id(seed, "draft", 0), nearly, (host.id,), saved, present - timedelta(days=1)),
        _draft(demo_id(seed, "draft", 1), begun, (), {Step.BASICS: 1}, present - timedelta(hours=5)),
    ]


def _draft(draft_id: str, fields: dict[str, str], host_ids: tuple[str, ...], saved: dict[Step, int], at: datetime) -> EventDraft:
    return EventDraft(
        id=draft_id,
        fields=fields,
        host_ids=host_ids,
        saved=saved,
        saved_by=dict.fromkeys(saved, STAFF[0]),
        created_by=STAFF[0],
        created_at=at - timedelta(hours=1),
        updated_at=at,
    )
