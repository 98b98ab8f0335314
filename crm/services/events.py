"""What staff do with events."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from crm.domain.errors import Conflict, FieldError, RuleViolation
from crm.domain.event_log import EventLogEntry, EventLogKind
from crm.domain.events import MAX_HOSTS, Event, EventStatus
from crm.domain.ids import new_id
from crm.services.audit import noted
from crm.services.event_jobs import CREATING, GRACE, job_key, no_show_actions
from crm.store import Store
from crm.store.events import MAX_ATTENDEES
from crm.store.jobs import JobKey
from crm.store.requests import Action, Delete
from crm.store.table import ConditionFailed

__all__ = ["CREATING", "GRACE", "NewEvent", "check_known", "create"]

logger = logging.getLogger(__name__)

NAMED = 20
"""Unknown ids that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """What an event is created from. Times are aware; `max_capacity` None means no limit.

    `owner` is the person who answers for it. The owner is a host only if `host_ids` says so as well. `overflow`: those of
    `attendee_ids` who find no seat go to the waitlist; else more of them than seats are refused.
    """

    id: str = field(default_factory=new_id)
    slug: str
    title: str
    start_at: datetime
    end_at: datetime
    owner: str
    description: str = ""
    venue: str = ""
    city: str = ""
    online_url: str = ""
    timezone: str = "UTC"
    max_capacity: int | None = None
    waitlist: bool = True
    auto_no_show: bool = True
    host_ids: Sequence[str] = ()
    attendee_ids: Sequence[str] = ()
    overflow: bool = False


def create(
    store: Store,
    new: NewEvent,
    *,
    now: datetime,
    also: Sequence[Action] = (),
    actor: str = "",
    replaces_draft: int | None = None,
    patience: float = math.inf,
) -> Event:
    """Create and publish an event with its hosts and registered attendees, and return it. `also` joins the first transaction.

    All ids are checked first. Raises RuleViolation, which names unknown ids, and Conflict for a taken slug or more attendees
    than seats; nothing is written then. A process that dies half-way leaves it `creating`, and a job goes on. Where the end
    lies ahead, another job marks who did not come. `replaces_draft` is the version of the draft that the event was until now;
    Conflict when that has moved on. After `patience` seconds the rest of the attendees is left to the job, and the event returned
    is `creating`.
    """
    event = _event(new, now).cleaned()
    hosts, attendees = list(dict.fromkeys(new.host_ids)), list(dict.fromkeys(new.attendee_ids))
    _check_lists(store, event, hosts, attendees, overflow=new.overflow)
    job = job_key(event.id, CREATING)
    jobs = [store.jobs.put(job, due_at=now + GRACE)] if attendees else []
    noted = [*_noted(store, event, actor), *no_show_actions(store, None, event, now)]
    created = store.events.create(event, hosts, attendees, now=now, also=[*also, *jobs, *noted], replaces_draft=replaces_draft)
    if attendees:
        until = time.monotonic() + patience
        while store.events.fill(event.id, now=now, at_the_end=[Delete(key=job.key)]):
            store.stats.keep_up()
            if time.monotonic() > until:
                _leave_to_the_job(store, job, now)
                break
        created = store.events.get(event.id)
    logger.info("event created", extra={"event_id": event.id, "hosts": len(hosts), "attendees": len(attendees)})
    return created


def _leave_to_the_job(store: Store, key: JobKey, now: datetime) -> None:
    """Let a worker go on at once."""
    job = store.jobs.get(key)
    if job is not None:
        try:
            store.table.write([store.jobs.wake(job, now)])
        except ConditionFailed:
            logger.info("creation taken over", extra={"owner": key.owner})


def _event(new: NewEvent, now: datetime) -> Event:
    return Event(
        id=new.id,
        slug=new.slug,
        title=new.title,
        start_at=new.start_at,
        end_at=new.end_at,
        owner=new.owner,
        description=new.description,
        venue=new.venue,
        city=new.city,
        online_url=new.online_url,
        timezone=new.timezone,
        max_capacity=new.max_capacity,
        waitlist=new.waitlist,
        auto_no_show=new.auto_no_show,
        status=EventStatus.PUBLISHED,
        created_at=now,
        updated_at=now,
    )


def _noted(store: Store, event: Event, actor: str) -> list[Action]:
    """That it was created, in its history and in the audit log."""
    entry = EventLogEntry(id=new_id(), event_id=event.id, at=event.created_at, kind=EventLogKind.CREATED, actor=actor)
    return [store.event_log.put(entry), noted(store, "event.created", event.id, actor=actor, now=event.created_at)]


def _check_lists(store: Store, event: Event, hosts: Sequence[str], attendees: Sequence[str], *, overflow: bool) -> None:
    if len(hosts) > MAX_HOSTS:
        raise RuleViolation(f"An event can have {MAX_HOSTS} hosts; these are {len(hosts)}.", field="hostIds")
    if len(attendees) > MAX_ATTENDEES:
        limit = f"An event can be created with {MAX_ATTENDEES:,} attendees; these are {len(attendees):,}."
        raise RuleViolation(f"{limit} Add the others afterwards.", field="attendeeIds")
    if event.max_capacity is not None and len(attendees) > event.max_capacity and not (overflow and event.waitlist):
        raise Conflict(f"There are {event.max_capacity:,} seats for {len(attendees):,} attendees.", field="attendeeIds")
    check_known(store, {"owner": [event.owner], "hostIds": hosts, "attendeeIds": attendees})


def check_known(store: Store, given: Mapping[str, Sequence[str]]) -> None:
    """RuleViolation that names, field by field, the ids that are nobody's."""
    known = store.people.get_many(list(dict.fromkeys(user_id for ids in given.values() for user_id in ids if user_id)))
    errors = []
    for name, ids in given.items():
        if unknown := [user_id for user_id in ids if user_id not in known]:
            shown = ", ".join(user_id[:40] or "“”" for user_id in unknown[:NAMED])
            more = f" and {len(unknown) - NAMED:,} more" if len(unknown) > NAMED else ""
            errors.append(FieldError(field=name, message=f"{name}: there is no person with the id {shown}{more}."))
    if errors:
        raise RuleViolation(" ".join(error.message for error in errors), errors=errors)
