"""Events that were created, and what is done to them: shared by the tests of their life."""

from datetime import datetime, timedelta
from typing import Any

from crm.domain.audit import AuditEntry
from crm.domain.events import Event
from crm.services import event_changes, events
from crm.services.event_changes import EventChanges
from crm.services.event_jobs import NO_SHOW, job_key
from crm.store import Store
from tests.factories import NOW
from tests.services.test_events import new_event, people

LATER = NOW + timedelta(minutes=5)


def created(store: Store, **values: Any) -> tuple[Event, list[str]]:
    """An event in three days, and the ids of eight people of whom the first is its owner."""
    ids = people(store, 8)
    given = {name: value(ids) if callable(value) else value for name, value in values.items()}
    return events.create(store, new_event(ids[0], **given), now=NOW, actor="ada"), ids


def edit(store: Store, event: Event, **changes: Any) -> Event:
    return event_changes.edit(store, event.id, EventChanges(**changes), version=event.version, actor="grace", now=LATER)  # type: ignore[typeddict-item]


def audit(store: Store) -> list[AuditEntry]:
    return list(store.audit.of_month("2026-05"))


def due(store: Store, event: Event) -> datetime | None:
    """When the no-shows of an event are marked; None when they are not."""
    job = store.jobs.get(job_key(event.id, NO_SHOW))
    return job.due_at if job else None


def statuses(store: Store, event: Event) -> dict[str, str]:
    return {one.user_id: one.status.value for one in store.events.walk_attendees(event.id)}
