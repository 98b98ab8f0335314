"""The seats of an event and the line in front of them: pure, from the event as it was read."""

from dataclasses import replace
from datetime import datetime

from crm.domain.events import Event, EventStatus


def keeps_line(event: Event, now: datetime) -> bool:
    """Whether free seats belong to the people in line: as `Event.promotes`, and also while it is being created."""
    creating = event.status is EventStatus.CREATING
    return (replace(event, status=EventStatus.PUBLISHED) if creating else event).promotes(now)


def seats_for_new(event: Event, now: datetime) -> int | None:
    """Return how many seats people who come now may take, None without limit: until it starts none while others wait."""
    return 0 if event.waitlisted_count > 0 and keeps_line(event, now) and now < event.start_at else event.seats_left


def after_moves(event: Event, seats: int, places: int) -> Event:
    """Return the event with so many more seats taken, and places in line."""
    return replace(
        event, registered_count=event.registered_count + seats, waitlisted_count=max(0, event.waitlisted_count + places)
    )


def owed(event: Event, now: datetime) -> int:
    """Return how many people in line have a seat waiting for them.

    >>> from datetime import UTC, timedelta
    >>> now = datetime(2026, 5, 1, 9, tzinfo=UTC)
    >>> start, end = now + timedelta(days=1), now + timedelta(days=2)
    >>> event = Event(id="e", slug="e", title="E", start_at=start, end_at=end, owner="", created_at=now, updated_at=now)
    >>> event = replace(event, status=EventStatus.PUBLISHED, max_capacity=5, registered_count=3, waitlisted_count=4)
    >>> owed(event, now), owed(replace(event, max_capacity=None), now), owed(event, start)
    (2, 4, 0)
    """
    if not keeps_line(event, now):
        return 0
    return event.waitlisted_count if event.seats_left is None else min(event.seats_left, event.waitlisted_count)


def unsettled(event: Event, now: datetime) -> bool:
    """Whether a job must see to it that people in line get the seats that are free: only before it starts."""
    return now < event.start_at and owed(event, now) > 0
