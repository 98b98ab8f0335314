"""What staff do with a campaign as a thing they have: put it away and take it out again, copy it, throw a draft away."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.errors import NotFound, RuleViolation
from crm.domain.ids import new_id
from crm.services.audit import noted
from crm.services.campaign_jobs import jobs_of
from crm.store import Store
from crm.store.expressions import equals
from crm.store.people import until_won
from crm.store.requests import Action, Delete
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)


def archive(store: Store, campaign_id: str, *, now: datetime, actor: str = "") -> Campaign:
    """Put a campaign away: lists show it among the archived ones alone.

    Raises NotFound, and RuleViolation while it waits or runs.
    """
    entry = noted(store, "campaign.archived", campaign_id, actor=actor, now=now)
    return _moved(store, campaign_id, "campaign archived", lambda old: old.put_away(now=now), entry)


def unarchive(store: Store, campaign_id: str, *, now: datetime, actor: str = "") -> Campaign:
    """Put a campaign back among the others. Raises NotFound."""
    entry = noted(store, "campaign.unarchived", campaign_id, actor=actor, now=now)
    return _moved(store, campaign_id, "campaign unarchived", lambda old: old.taken_out(now=now), entry)


def duplicate(store: Store, campaign_id: str, *, actor: str, now: datetime, new: str | None = None) -> Campaign:
    """Make a draft with the letter and the audience of a campaign, whatever became of that, and return it as stored.

    `new` is the id that the draft gets: asked for once more with the same, the draft that is there is returned. Raises NotFound.
    """
    if new is not None and (there := store.campaigns.get_many([new]).get(new)) is not None:
        return there
    model = store.campaigns.get(campaign_id)
    draft = Campaign(
        id=new or new_id(),
        audience_filter=model.audience_filter,
        created_by=actor,
        edited_by=actor,
        created_at=now,
        updated_at=now,
    ).written(model.letter)
    try:
        audit = noted(store, "campaign.duplicated", draft.id, actor=actor, now=now, campaignId=campaign_id)
        made = store.campaigns.create(draft, audit)
    except ConditionFailed:  # the same was asked for at the same moment
        return store.campaigns.get(draft.id)
    logger.info("campaign duplicated", extra={"campaign_id": campaign_id, "copy_id": made.id})
    return made


def delete_draft(store: Store, campaign_id: str, *, now: datetime, actor: str = "") -> None:
    """Delete a draft, with what an undone sending has left of it; one that is gone stays gone.

    Raises RuleViolation for what is no draft: what people got stays on record.
    """
    entry = noted(store, "campaign.deleted", campaign_id, actor=actor, now=now)

    def attempt() -> None:
        draft = store.campaigns.state(campaign_id)
        if draft.status is not CampaignStatus.DRAFT:
            raise RuleViolation("Only a draft can be deleted. What was sent can be archived: its figures stay.")
        jobs = jobs_of(store, campaign_id).values()
        parked = [Delete(key=job.key.key, expect=[equals("fence", job.fence)]) for job in jobs]
        store.table.write([*store.campaigns.removal(draft), *parked, entry])

    try:
        until_won(attempt)
    except NotFound:
        return
    logger.info("campaign draft deleted", extra={"campaign_id": campaign_id})


def _moved(store: Store, campaign_id: str, done: str, decide: Callable[[Campaign], Campaign], entry: Action) -> Campaign:
    def attempt() -> Campaign:
        old = store.campaigns.get(campaign_id)
        new = decide(old)
        if new is old:
            return old
        store.table.write([store.campaigns.move(old, new), entry])
        return replace(new, version=old.version + 1)

    moved = until_won(attempt)
    logger.info(done, extra={"campaign_id": campaign_id})
    return moved
