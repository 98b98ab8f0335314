"""What staff do with campaigns: write, send, undo, pause, go on, cancel. What went wrong is settled in `retries`."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from crm.domain.campaigns import Campaign, Letter
from crm.domain.errors import NotFound
from crm.domain.filters import PeopleFilter
from crm.domain.ids import new_id
from crm.services.audiences import audience
from crm.services.audit import noted
from crm.services.campaign_jobs import EXPAND, copies_among, expand_job, jobs_of, lanes_among, woken
from crm.services.exclusions import check_exclusions
from crm.services.mail_settings import check_sender
from crm.services.progress import Progress, progress
from crm.services.retries import resend_uncertain, retry_failed, settle_uncertain
from crm.services.unsubscribe import unsubscribe
from crm.store import Store
from crm.store.jobs import Job
from crm.store.keys import stamp
from crm.store.people import until_won
from crm.store.requests import Action

__all__ = [
    "Progress",
    "cancel",
    "create_and_send",
    "pause",
    "progress",
    "resend_uncertain",
    "resume",
    "retry_failed",
    "save_draft",
    "send",
    "settle_uncertain",
    "undo",
    "unsubscribe",
]

logger = logging.getLogger(__name__)
SITTING = timedelta(minutes=30)
"""Who saves a draft again within so long is still at it: the audit log has one entry for that."""


def save_draft(
    store: Store,
    campaign_id: str | None,
    letter: Letter,
    *,
    wanted: PeopleFilter,
    actor: str,
    now: datetime,
    version: int | None = None,
) -> Campaign:
    """Keep a draft and return it as stored. `version` is the one that was edited; without it, an id that is free makes a new one,
    so that a form which brings its own id makes one draft however often it is sent.

    Raises RuleViolation, NotFound, and Conflict when it was changed meanwhile or is being sent.
    """
    stored = _stored(store, campaign_id, needed=version is not None)
    old = stored or Campaign(id=campaign_id or new_id(), created_by=actor, created_at=now, updated_at=now)
    edited = replace(
        old.written(letter),
        audience_filter=wanted,
        edited_by=actor,
        updated_at=now,
        version=old.version if version is None else version,
    ).cleaned(draft=True)
    audit = _sitting(store, edited.id, stored, actor, now)
    saved = store.campaigns.save(edited, *audit) if stored else store.campaigns.create(edited, *audit)
    logger.info("campaign saved", extra={"campaign_id": saved.id, "version": saved.version})
    return saved


def _sitting(store: Store, campaign_id: str, stored: Campaign | None, actor: str, now: datetime) -> list[Action]:
    """The entry of a draft that is saved: one for each sitting, for a draft keeps itself again and again while it is written."""
    if stored is None:
        return [noted(store, "campaign.created", campaign_id, actor=actor, now=now)]
    still_at_it = stored.edited_by == actor and now - stored.updated_at < SITTING
    return [] if still_at_it else [noted(store, "campaign.edited", campaign_id, actor=actor, now=now)]


def _stored(store: Store, campaign_id: str | None, *, needed: bool) -> Campaign | None:
    try:
        return store.campaigns.get(campaign_id) if campaign_id else None
    except NotFound:
        if needed:
            raise
        return None


def send(
    store: Store,
    campaign_id: str,
    *,
    now: datetime,
    undo_seconds: float,
    send_at: datetime | None = None,
    default_sender: str = "",
    actor: str = "",
) -> Campaign:
    """Accept a draft for sending: at `send_at`, but never before the time to undo has passed. Return it as stored.

    It is from `default_sender` or a sender that was verified. Raises NotFound, and RuleViolation when it is no draft, from
    somebody else, to nobody, or leaves people out by something that is not there. Merge fields are the caller's to check.
    """
    due = max(now + timedelta(seconds=undo_seconds), send_at or now)
    later = send_at is not None and send_at >= due

    def attempt() -> Campaign:
        old = store.campaigns.get(campaign_id)
        check_sender(store, default_sender, old.sender)
        check_exclusions(store, old.audience_filter)
        keeping = store.mail_settings.get().keeping
        new = old.accepted(audience=audience(store, old.audience_filter), now=now, due=due, keeping=keeping)
        key = expand_job(campaign_id)
        job = store.jobs.put(key, due_at=due, old=store.jobs.get(key))
        store.table.write([store.campaigns.move(old, new), job, _accepted(store, new, later, actor=actor, now=now)])
        return replace(new, version=old.version + 1)

    accepted = until_won(attempt)
    logger.info("campaign accepted", extra={"campaign_id": campaign_id, "matched": accepted.audience.matched})
    return accepted


def create_and_send(
    store: Store,
    letter: Letter,
    *,
    wanted: PeopleFilter,
    send_at: datetime | None,
    actor: str,
    now: datetime,
    campaign_id: str | None = None,
    also: Sequence[Action] = (),
    default_sender: str = "",
) -> Campaign:
    """Make a campaign that is accepted at once, without time to undo; `also` is written in the same transaction.

    It is from `default_sender` or a sender that was verified. Raises RuleViolation when it can't be sent, is from somebody
    else, to nobody, or leaves people out by something that is not there.
    """
    draft = Campaign(id=campaign_id or new_id(), audience_filter=wanted, created_by=actor, created_at=now, updated_at=now)
    draft = draft.written(letter).cleaned()
    check_sender(store, default_sender, draft.sender)
    check_exclusions(store, wanted)
    due = max(now, send_at or now)
    keeping = store.mail_settings.get().keeping
    accepted = draft.accepted(audience=audience(store, wanted), now=now, due=due, keeping=keeping)
    job = store.jobs.put(expand_job(accepted.id), due_at=due)
    saved = store.campaigns.create(accepted, job, _accepted(store, accepted, due > now, actor=actor, now=now), *also)
    logger.info("campaign accepted", extra={"campaign_id": saved.id, "matched": saved.audience.matched})
    return saved


def _accepted(store: Store, campaign: Campaign, later: bool, *, actor: str, now: datetime) -> Action:
    """The entry of a campaign that was accepted: to how many, and when if not at once."""
    facts: dict[str, str | int] = {"matched": campaign.audience.matched, "willReceive": campaign.audience.will_receive}
    if later and campaign.send_at is not None:
        return noted(store, "campaign.scheduled", campaign.id, actor=actor, now=now, **facts, sendAt=stamp(campaign.send_at))
    return noted(store, "campaign.sent", campaign.id, actor=actor, now=now, **facts)


def undo(store: Store, campaign_id: str, *, now: datetime, actor: str = "") -> Campaign:
    """Make a campaign a draft again whose sending has not begun. Raises NotFound, and RuleViolation when it is too late."""
    return _move(
        store,
        campaign_id,
        "campaign taken back",
        lambda old: old.undone(now=now),
        lambda new, jobs: [store.jobs.park(job) for job in jobs.values()],
        noted(store, "campaign.taken_back", campaign_id, actor=actor, now=now),
    )


def pause(store: Store, campaign_id: str, *, now: datetime, actor: str = "", also: Sequence[Action] = ()) -> Campaign:
    """Stop a campaign within a window of messages, and write `also` with it.

    Raises NotFound, and RuleViolation unless it waits or runs.
    """
    entry = noted(store, "campaign.paused", campaign_id, actor=actor, now=now)
    return _move(store, campaign_id, "campaign paused", lambda old: old.paused(now=now), lambda new, jobs: [], entry, also)


def resume(store: Store, campaign_id: str, *, now: datetime, actor: str = "", also: Sequence[Action] = ()) -> Campaign:
    """Let a paused campaign go on, and write `also` with it.

    Raises NotFound, and RuleViolation unless it is paused, or where it would leave people out by something that is gone.
    """

    def go_on(old: Campaign) -> Campaign:
        new = old.resumed(now=now)
        if new is not old and not old.expanded:
            check_exclusions(store, old.audience_filter)
        return new

    def wake(new: Campaign, jobs: dict[str, Job]) -> list[Action]:
        lanes = lanes_among(jobs)
        actions = woken(store, [*lanes, *copies_among(jobs)], now)
        if EXPAND in jobs and not new.expanded:
            due = now if lanes else max(now, new.send_at or now)
            actions += woken(store, [jobs[EXPAND]], due)
        return actions

    entry = noted(store, "campaign.resumed", campaign_id, actor=actor, now=now)
    return _move(store, campaign_id, "campaign resumed", go_on, wake, entry, also)


def cancel(store: Store, campaign_id: str, *, now: datetime, actor: str = "", also: Sequence[Action] = ()) -> Campaign:
    """End a campaign: what was not handed over yet is skipped. Raises NotFound, and RuleViolation for a draft or a done one.

    The lanes go through what is still queued; where there are none yet, nothing is. `also` is written in the same transaction.
    """

    def stop(new: Campaign, jobs: dict[str, Job]) -> list[Action]:
        parked = [store.jobs.park(jobs[EXPAND])] if EXPAND in jobs else []
        return [*woken(store, [*lanes_among(jobs), *copies_among(jobs)], now), *parked]

    entry = noted(store, "campaign.cancelled", campaign_id, actor=actor, now=now)
    return _move(store, campaign_id, "campaign cancelled", lambda old: old.cancelled(now=now), stop, entry, also)


def _move(
    store: Store,
    campaign_id: str,
    done: str,
    decide: Callable[[Campaign], Campaign],
    effects: Callable[[Campaign, dict[str, Job]], Iterable[Action]],
    entry: Action,
    also: Sequence[Action] = (),
) -> Campaign:
    """Change a campaign's state and its jobs in one transaction, with its `entry`, decided anew while others are quicker.

    `also` is written with it, and alone where nothing changes.
    """

    def attempt() -> Campaign:
        old = store.campaigns.get(campaign_id)
        new = decide(old)
        if new is old:
            store.table.write(also)
            return old
        store.table.write([store.campaigns.move(old, new), *effects(new, jobs_of(store, campaign_id)), entry, *also])
        return replace(new, version=old.version + 1)

    moved = until_won(attempt)
    logger.info(done, extra={"campaign_id": campaign_id})
    return moved
