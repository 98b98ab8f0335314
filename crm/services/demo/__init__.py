"""Demo data: a made-up community with a history that makes every page look alive and leaves nothing to be sent."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from crm.domain.campaigns import Campaign
from crm.domain.emails import Email
from crm.domain.errors import Conflict, CrmError, NotFound, RuleViolation
from crm.domain.event_drafts import EventDraft
from crm.domain.events import Event, EventStatus
from crm.domain.hits import Hit
from crm.domain.log import LogEntry
from crm.domain.people import Person
from crm.services.demo.campaigns import Mailings, make_mailings
from crm.services.demo.events import PlannedEvent, make_events
from crm.services.demo.histories import make_drafts
from crm.services.demo.logs import logs_of
from crm.services.demo.mail import write_mail
from crm.services.demo.people import HISTORY, Crowd, demo_id, make_crowd
from crm.services.event_jobs import no_show_actions
from crm.store import Store
from crm.store.attendances import STEP
from crm.store.email_items import item_of as email_item
from crm.store.expressions import absent
from crm.store.hits import hit_changes
from crm.store.hits import item_of as hit_item
from crm.store.outcomes import email_changes, email_labels
from crm.store.requests import Action, Put
from crm.store.table import ConditionFailed

__all__ = ["Sizes", "load"]

logger = logging.getLogger(__name__)
AT_ONCE = 96
"""People handed over at once."""
WRITERS = 3
"""Threads: while the engine writes for one, the next prepares its request."""
EMAILS = 95
"""E-mails or hits of one transaction, with their delta."""
LOOKED_AT = 90
"""Of each kind of things: how many tell whether what is there is the same demo."""

Progress = Callable[[str, int, int], None]
"""Told what is being written, how many are, and how many there will be."""
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is made up."""

    people: int = 2000
    events: int = 40
    campaigns: int = 12


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will be written."""

    crowd: Crowd
    logs: Mapping[str, list[LogEntry]]
    events: list[PlannedEvent]
    drafts: list[EventDraft]
    mailings: Mailings


def load(
    store: Store,
    sizes: Sizes,
    *,
    seed: int,
    now: datetime,
    sender: str,
    force: bool = False,
    progress: Progress = lambda what, done, total: None,
) -> Plan:
    """Fill the table and return what was planned. The same seed gives the same data, ids too, with times relative to `now`.

    A repeat adds what an interrupted load has not written, and nothing else. Raises Conflict where the table holds people
    who are not of this demo, unless `force` says to add it to them, or this demo in other sizes; RuleViolation for sizes that
    can't be.
    """
    _check(sizes)
    plan = make_plan(sizes, seed, _present(store, seed, now, force=force), sender)
    _check_alike(store, plan, seed)
    _write_people(store, plan, now, progress)
    _write_events(store, plan, now, progress)
    _write_campaigns(store, plan, now, progress)
    write_mail(store, seed, now)
    store.stats.fold_all()
    logger.info("demo data loaded", extra={"people": len(plan.crowd.people), "events": len(plan.events), "seed": seed})
    return plan


def make_plan(sizes: Sizes, seed: int, present: datetime, sender: str) -> Plan:
    """Return the made-up community as it will be written; pure."""
    crowd = make_crowd(seed, sizes.people, present)
    events = make_events(seed, sizes.events, crowd, present)
    mailings = make_mailings(seed, sizes.campaigns, crowd, present, sender)
    drafts = make_drafts(seed, crowd, present) if sizes.events >= 6 else []
    return Plan(crowd, logs_of(crowd.people, seed, present), events, drafts, mailings)


def _check(sizes: Sizes) -> None:
    for name, number, most in (
        ("people", sizes.people, 2_000_000),
        ("events", sizes.events, 20_000),
        ("campaigns", sizes.campaigns, 1_000),
    ):
        if not 0 <= number <= most:
            raise RuleViolation(f"{name} can be 0 to {most:,}.", field=name)


def _present(store: Store, seed: int, now: datetime, *, force: bool) -> datetime:
    """The moment that the data are relative to: that of the load which is repeated, else the full hour."""
    try:
        first = store.people.get(demo_id(seed, "person", 0))
    except NotFound:
        if store.people.totals().total and not force:
            raise Conflict(
                "There are people in the table already, and not from this demo. Say --force to add made-up ones to them."
            ) from None
        return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return first.created_at + HISTORY


def _check_alike(store: Store, plan: Plan, seed: int) -> None:
    """Conflict where the table has this demo in other sizes: then it has more things, or the same ones from other moments."""
    events = [planned.event for planned in plan.events]
    campaigns = [planned.campaign for planned in plan.mailings.campaigns]
    made: dict[str, datetime | None] = {demo_id(seed, "person", len(plan.crowd.people)): None}
    made |= {demo_id(seed, "event", len(events)): None, demo_id(seed, "campaign", len(campaigns)): None}
    if plan.crowd.people:  # without anybody, nothing says what the moments of a load before were relative to
        some: list[Person | Event | Campaign] = [*_some(plan.crowd.people), *_some(events), *_some(campaigns)]
        made |= {thing.id: thing.created_at for thing in some}
    ids = list(made)
    there: list[Person | Event | Campaign] = [*store.people.get_many(ids).values(), *store.events.get_many(ids).values()]
    there += [store.campaigns.get(campaign_id) for campaign_id in store.campaigns.subjects(ids)]
    for thing in there:
        moment = made[thing.id]
        if moment is None or abs(thing.created_at - moment) > timedelta(seconds=1):
            raise Conflict(
                f"The demo of seed {seed} is in the table already, in other sizes; nothing was written. Say the numbers of "
                "people, events and campaigns that it was loaded with, or --force with another --seed to add another one."
            )


def _some(things: Sequence[Thing]) -> Sequence[Thing]:
    """Things from all over, the last one among them."""
    return things[:: -max(1, len(things) // LOOKED_AT)]


def _write_people(store: Store, plan: Plan, now: datetime, progress: Progress) -> None:
    """Suppressions first, so that each person is written with the right e-mail status."""
    suppressed = plan.mailings.suppressed
    people = plan.crowd.people
    actions: list[Action] = []
    for person in people:
        if person.id in suppressed:
            why, when = suppressed[person.id]
            actions += store.suppressions.actions(person.profile.email, why, now=when, source="demo")
    for part in _parts(actions, EMAILS):
        store.table.write(part)
    done = 0
    with ThreadPoolExecutor(WRITERS) as pool:
        for written in pool.map(lambda part: _create(store, plan, part), _parts(people, AT_ONCE)):
            done += len(written)
            progress("people", done, len(people))


def _create(store: Store, plan: Plan, people: Sequence[Person]) -> list[Person | CrmError]:
    """Write some people, each with their log."""
    logs = {person.id: [store.log.put(entry) for entry in plan.logs.get(person.id, ())] for person in people}
    return store.people.create_many(people, also=logs)


def _write_events(store: Store, plan: Plan, now: datetime, progress: Progress) -> None:
    """An event after the other: `record` leaves out who is on the list already. Those ahead have the job of every event."""
    for draft in plan.drafts:
        with suppress(Conflict):
            store.drafts.create(draft)
    for done, planned in enumerate(plan.events, 1):
        noted = [store.event_log.put(entry) for entry in planned.log]
        with suppress(Conflict):
            also = [*noted, *no_show_actions(store, None, planned.event, now)]
            store.events.create(planned.event, planned.host_ids, [], now=now, also=also)
        for part in _parts(planned.attendances, STEP):
            store.events.record(planned.event.id, part, now=now)
            store.stats.keep_up()
        _call_off(store, planned, now)
        progress("events", done, len(plan.events))


def _call_off(store: Store, planned: PlannedEvent, now: datetime) -> None:
    """Cancel an event that is called off, once: one that staff have published again since stays as it is."""
    if planned.off is None:
        return
    event, (told, entry) = store.events.get(planned.event.id), planned.off
    if any(one.id == entry.id for one in store.event_log.of(event.id)):
        return
    cancelled = replace(event, status=EventStatus.CANCELLED)
    also = [*no_show_actions(store, event, cancelled, now), store.event_log.put(entry)]
    store.events.cancel(event, told, also=also)


def _write_campaigns(store: Store, plan: Plan, now: datetime, progress: Progress) -> None:
    for done, planned in enumerate(plan.mailings.campaigns, 1):
        with suppress(ConditionFailed):
            store.campaigns.create(planned.campaign)
        if planned.named:
            store.table.write([store.named_domains.put(planned.campaign.id, planned.named)])
        with ThreadPoolExecutor(WRITERS) as pool:
            for _ in pool.map(lambda part: _write_emails(store, part, now), _parts(planned.emails, EMAILS)):
                pass
            for part in _parts([email for email in planned.emails if email.unsubscribed_at], EMAILS):
                store.table.write([put for email in part for put in store.leavers.note(None, email)])
            campaign_id = planned.campaign.id
            for _ in pool.map(lambda part, id_=campaign_id: _write_hits(store, id_, part, now), _parts(planned.hits, EMAILS)):
                pass
        progress("campaigns", done, len(plan.mailings.campaigns))


def _write_emails(store: Store, emails: Sequence[Email], now: datetime) -> None:
    """Write them with their counts, or leave them as they are."""
    with suppress(ConditionFailed):
        store.table.write([*_puts(emails), *_counts(store, emails, now)])
    store.stats.keep_up()


def _write_hits(store: Store, campaign_id: str, hits: Sequence[Hit], now: datetime) -> None:
    """Write them with their counts, or leave them as they are."""
    puts = [Put(item=hit_item(hit, campaign_id), expect=[absent()]) for hit in hits]
    with suppress(ConditionFailed):
        store.table.write([*puts, *store.stats.delta(hit_changes(campaign_id, [], hits), now=now)])
    store.stats.keep_up()


def _puts(emails: Sequence[Email]) -> list[Action]:
    return [Put(item=email_item(email), expect=[absent()]) for email in emails]


def _counts(store: Store, emails: Sequence[Email], now: datetime) -> list[Put]:
    changes = email_changes((None, email) for email in emails)
    return store.stats.delta(changes, labels=email_labels(emails), now=now)


def _parts(things: Sequence[Thing], size: int) -> Iterator[Sequence[Thing]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]
