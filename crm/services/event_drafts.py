"""Planning an event: each step is kept as it is typed; at the end it is looked at as a whole, and published once."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from crm.domain.draft_people import Source
from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.event_drafts import EMPTY, EventDraft, Step, copied, slug_of
from crm.domain.event_filters import MAX_TEXT, EventFilter
from crm.domain.events import Event, EventStatus
from crm.domain.ids import email_id
from crm.domain.tasks import Task, TaskAction
from crm.services import events
from crm.services.audit import noted
from crm.services.draft_checks import Review, review
from crm.services.draft_people import filter_of
from crm.services.events import NewEvent
from crm.services.tasks import begun_with, job_of
from crm.store import Store
from crm.store.event_drafts import GONE, STALE
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)
SLUGS = 30
"""Numbers that are tried behind a slug that is taken."""
AT_ONCE = 5.0
"""Seconds for which whoever publishes waits while people get their seats; a worker goes on after that."""
PATIENCE = timedelta(minutes=5)
"""After this time at the latest people of large filters are added, should whoever published have died meanwhile."""


def save_step(
    store: Store,
    draft_id: str,
    step: Step,
    fields: Mapping[str, str],
    *,
    host_ids: Sequence[str] | None = None,
    seen: int,
    actor: str,
    now: datetime,
    copy_of: str = "",
    sources: Sequence[Source] = (),
    zone: str = "UTC",
) -> EventDraft:
    """Keep one step as it is typed, right or wrong, and return the draft. The first save makes the draft.

    `seen` is how often the step had been saved when it was opened; Conflict when somebody saved it since and it says something
    else now. `copy_of` is an event whose other steps a new draft takes over, `sources` whom it begins with, `zone` the time zone
    unless it is a copy. Without a slug it gets a free one. Raises NotFound when the draft is gone, RuleViolation for more text
    than is kept.
    """
    stored = store.drafts.find(draft_id)
    if stored is None and seen:
        raise NotFound(GONE)
    old = stored or _begun(store, draft_id, copy_of, zone, actor, now)
    if step is Step.BASICS and not fields.get("slug", "").strip():
        fields = {**fields, "slug": free_slug(store, fields.get("title", ""), draft_id)}
    new = old.with_step(step, fields, host_ids).saved_once_more(step, by=actor, now=now)
    if stored is None:
        kept = store.drafts.create(new, sources, also=[noted(store, "event.draft_begun", draft_id, actor=actor, now=now)])
    elif old.saved.get(step, 0) != seen:
        if not stored.same_step(step, new):
            raise Conflict(STALE)
        return stored
    else:
        kept = store.drafts.save(stored, new, [step])
    logger.info("draft of an event saved", extra={"event_id": draft_id, "step": step.value, "version": kept.version})
    return kept


def free_slug(store: Store, title: str, draft_id: str = "") -> str:
    """Return the slug that a title suggests, with a number where it is taken; empty without a title. One request."""
    if not title.strip():
        return ""
    base = slug_of(title) or "event"
    tried = [base, *[f"{base}-{number}" for number in range(2, SLUGS)]]
    taken = store.drafts.slug_owners(tried)
    return next((slug for slug in tried if taken.get(slug, draft_id) == draft_id), f"{base}-{draft_id[:8]}")


def to_copy(store: Store, text: str, *, now: datetime, limit: int) -> list[Event]:
    """Return events to copy, those nearest to `now` first, over or ahead; with a text, those whose title has words that begin so.

    Costs two pages of a list of events.
    """
    q, years = text.strip()[:MAX_TEXT], store.events.by_year()
    over = store.events.list(EventFilter(q=q, ended_by=now), limit=limit, newest_first=True, years=years)
    ahead = store.events.list(EventFilter(q=q, start=now), limit=limit, years=years)
    return sorted([*over.items, *ahead.items], key=lambda event: abs(event.start_at - now))[:limit]


def publish(store: Store, draft_id: str, *, version: int, actor: str, now: datetime) -> Event:
    """Make the draft an event, with its people, and return it; a repeat gives the event that is there.

    It is `creating` while many people still get their seats.

    `version` is that of the draft as it was reviewed. Raises RuleViolation while something blocks, Conflict when the draft was
    changed since, or the slug was taken in this moment; nothing is written then. NotFound when it is gone.
    """
    draft = store.drafts.find(draft_id)
    if draft is None:
        return store.events.get(draft_id)
    if draft.version != version:
        raise Conflict("This draft was changed since you looked at it. Look at it as it is now, then publish.")
    looked = review(store, draft, now=now)
    if looked.blocking or looked.event is None:
        raise RuleViolation(" ".join(f"{one.strong} {one.text}".strip() for one in looked.blocking))
    tasks = _tasks(looked, actor, now)
    also = [action for task in tasks for action in begun_with(store, task, due_at=now + PATIENCE)]
    try:
        event = events.create(
            store,
            _new(looked),
            now=now,
            also=[*also, store.drafts.without_people(draft_id)],
            actor=actor,
            replaces_draft=draft.version,
            patience=AT_ONCE,
        )
    except Conflict as error:
        if error.field is None and store.drafts.find(draft_id) is None:
            return store.events.get(draft_id)
        raise
    if event.status is EventStatus.PUBLISHED:
        for task in tasks:
            _wake(store, task, now)
    logger.info("draft of an event published", extra={"event_id": draft_id, "actor": actor, "tasks": len(tasks)})
    return event


def discard(store: Store, draft_id: str, *, actor: str, now: datetime) -> EventDraft:
    """Remove a draft for good, and return what it was. Raises NotFound."""
    draft = store.drafts.get(draft_id)
    store.drafts.discard(draft, noted(store, "event.draft_discarded", draft_id, actor=actor, now=now))
    logger.info("draft of an event discarded", extra={"event_id": draft_id, "actor": actor})
    return draft


def _begun(store: Store, draft_id: str, copy_of: str, zone: str, actor: str, now: datetime) -> EventDraft:
    """A draft that nobody has saved yet: empty, or a copy of an event that is still there."""
    blank = EventDraft(id=draft_id, fields={**EMPTY, "timezone": zone}, created_by=actor, created_at=now, updated_at=now)
    model = store.events.get_many([copy_of]).get(copy_of) if copy_of else None
    return blank if model is None else replace(blank, fields=copy_fields(model, now), host_ids=model.host_ids)


def copy_fields(model: Event, now: datetime) -> dict[str, str]:
    """What a draft takes over from an event beside its hosts: its texts, on the first such day ahead in its own zone."""
    return copied(model, today=now.astimezone(model.zone).date())


def _new(looked: Review) -> NewEvent:
    """The event with its people: those who would wait as well, but nobody who would be turned away."""
    event, people = looked.event, looked.gathered
    assert event is not None  # noqa: S101  # nothing blocks
    return NewEvent(
        id=event.id,
        slug=event.slug,
        title=event.title,
        description=event.description,
        start_at=event.start_at,
        end_at=event.end_at,
        owner=event.owner,
        venue=event.venue,
        city=event.city,
        online_url=event.online_url,
        timezone=event.timezone,
        max_capacity=event.max_capacity,
        waitlist=event.waitlist,
        auto_no_show=event.auto_no_show,
        host_ids=[host.id for host in looked.hosts],
        attendee_ids=people.ids if event.waitlist else people.ids[: event.max_capacity],
        overflow=True,
    )


def _tasks(looked: Review, actor: str, now: datetime) -> list[Task]:
    """The tasks that add people of filters which are too large for the creation."""
    event, gathered = looked.event, looked.gathered
    assert event is not None  # noqa: S101  # nothing blocks
    return [
        Task(
            id=email_id(event.id, source.id),
            action=TaskAction.REGISTER,
            subject=event.id,
            name=event.title,
            wanted=filter_of(source),
            actor=actor,
            matched=gathered.found[source.id],
            created_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
        )
        for source in gathered.later
    ]


def _wake(store: Store, task: Task, now: datetime) -> None:
    """Let a worker begin at once, now that everybody who was named has a seat."""
    job = store.jobs.get(job_of(task.id))
    if job is not None:
        try:
            store.table.write([store.jobs.wake(job, now)])
        except ConditionFailed:
            logger.info("task taken over", extra={"task_id": task.id})
