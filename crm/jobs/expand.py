"""Making the e-mails of a campaign: page after page of its audience, each person once."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import Email
from crm.domain.errors import BadToken
from crm.domain.filters import Order
from crm.domain.ids import email_id
from crm.domain.mail_domains import MOST_NAMED, SAMPLE, most_frequent, with_room
from crm.domain.people import Person
from crm.jobs.work import Held, Work
from crm.services.campaign_jobs import jobs_of, lanes_among, lanes_put, woken
from crm.services.copies import copies_put
from crm.services.exclusions import gone
from crm.store.chunks import new_chunk
from crm.store.email_items import item_of, new_email
from crm.store.expressions import absent, equals
from crm.store.jobs import CLOCK_GRACE
from crm.store.keys import LANES
from crm.store.moment import Readings, one_reading
from crm.store.outcomes import email_changes, email_labels
from crm.store.people import PeoplePage
from crm.store.requests import Action, Put
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)
FIRST, SECOND, CLOSING = 1, 2, 3
"""The audience is read twice, for those who moved behind the cursor meanwhile; then the list is closed."""
READINGS = Readings(seconds=60)
"""Who attends and was mailed, for the pages of one reading of an audience: a set of 10,000 costs more than 100 pages.

Whoever pauses and resumes, which raises the version, finds what they changed meanwhile.
"""


def step(work: Work, held: Held) -> None:
    """Do one step: begin, make the e-mails of one page, or close the list."""
    campaign = work.store.campaigns.get(held.job.key.owner_id)
    try:
        if campaign.status is CampaignStatus.SCHEDULED:
            _begin(work, held, campaign)
        elif campaign.status is CampaignStatus.EXPANDING and held.job.state.get("round") == CLOSING:
            _close(work, held, campaign)
        elif campaign.status is CampaignStatus.EXPANDING:
            _page(work, held, campaign)
        else:
            held.release(None, work.store.campaigns.unmoved(campaign))
    except ConditionFailed:
        held.look_again()


def _begin(work: Work, held: Held, campaign: Campaign) -> None:
    now = work.clock()
    if campaign.send_at and campaign.send_at > now + timedelta(seconds=1):
        held.release(campaign.send_at, work.store.campaigns.unmoved(campaign))
        return
    if gone(work.store, campaign.audience_filter):
        _stop(work, held, campaign)
        return
    begun = replace(campaign, status=CampaignStatus.EXPANDING, started_at=now, updated_at=now, left_out={})
    lanes = lanes_put(work.store, campaign.id, jobs_of(work.store, campaign.id), now)
    held.save({"round": FIRST}, work.store.campaigns.move(campaign, begun), *lanes)
    logger.info("campaign begun", extra={"campaign_id": campaign.id})


def _stop(work: Work, held: Held, campaign: Campaign) -> None:
    """Pause a campaign for which something is gone that tells who is left out: it would go to more people than were meant."""
    held.release(None, work.store.campaigns.move(campaign, campaign.paused(now=work.clock())))
    logger.warning("campaign paused, what leaves people out is gone", extra={"campaign_id": campaign.id})


def _close(work: Work, held: Held, campaign: Campaign) -> None:
    """Say that everybody has an e-mail, and let the lanes find out whether anything is left to do."""
    now = work.clock()
    closed = replace(campaign, status=CampaignStatus.SENDING, expanded=True, updated_at=now)
    jobs = jobs_of(work.store, campaign.id)
    lanes, copies = woken(work.store, lanes_among(jobs), now), copies_put(work.store, campaign.id, jobs, now)
    held.release(None, work.store.campaigns.move(campaign, closed), *lanes, *copies, state={})
    logger.info("campaign expanded", extra={"campaign_id": campaign.id})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Who is to get an e-mail, how many of a page may not be mailed, by reason, and all named domains where some are new."""

    emails: list[Email]
    left_out: Mapping[str, int]
    newly_named: frozenset[str] | None = None


def _page(work: Work, held: Held, campaign: Campaign) -> None:
    if not campaign.keeps_all(work.clock()):  # who had one already is not known any more
        _stop(work, held, campaign)
        return
    state = held.state
    try:
        with one_reading(READINGS.of((campaign.id, campaign.version, state.get("round")))):
            page = work.store.people.page(
                campaign.audience_filter, order=Order.SOURCE, limit=work.settings.window, token=state.get("cursor")
            )
    except BadToken:  # the key that signs page tokens was changed: begin again, and look who has an e-mail already
        logger.warning("expansion begins again", extra={"campaign_id": campaign.id})
        held.save({**state, "cursor": None, "checks": True})
        return
    if gone(work.store, campaign.audience_filter):  # looked at last: before that, nobody was taken off the list of an event
        _stop(work, held, campaign)
        return
    checks = bool(state.get("checks")) or state.get("round") == SECOND
    found = _found(work, campaign, page, checks=checks)
    following = _following(state, page)
    while True:
        try:
            held.save(following, *_actions(work, campaign, found, lane=int(state.get("number", 0)) % LANES), still=["number"])
        except ConditionFailed as error:
            if not error.failed <= set(range(len(found.emails))):
                raise
            found = replace(found, emails=[email for place, email in enumerate(found.emails) if place not in error.failed])
        else:
            return


def _following(state: Mapping[str, Any], page: PeoplePage) -> dict[str, Any]:
    """What the job remembers once this page is written."""
    number = int(state.get("number", 0)) + 1
    if page.next_token is not None:
        return {**state, "cursor": page.next_token, "number": number}
    return {**state, "cursor": None, "number": number, "round": int(state.get("round", FIRST)) + 1}


def _found(work: Work, campaign: Campaign, page: PeoplePage, *, checks: bool) -> _Found:
    people = _as_stored(work, [person for person in page.items if not _came_later(work, campaign, person)])
    mailable = {email_id(campaign.id, person.id): person for person in people if person.mailable}
    there = work.store.emails.get_many(list(mailable)) if checks and mailable else {}
    missing = {id_: person for id_, person in mailable.items() if id_ not in there}
    before, named = _named(work, campaign, [person.profile.email for person in missing.values()])
    now = work.clock()
    emails = [
        new_email(
            id_,
            campaign_id=campaign.id,
            user_id=person.id,
            address=person.profile.email,
            utm=campaign.utm,
            now=now,
            named=named,
            keeping=campaign.keeping,
        )
        for id_, person in missing.items()
    ]
    left_out: dict[str, int] = {}
    for person in people:
        if not person.mailable and not checks:
            left_out[person.email_status.value] = left_out.get(person.email_status.value, 0) + 1
    return _Found(emails=emails, left_out=left_out, newly_named=named if named != before else None)


def _named(work: Work, campaign: Campaign, addresses: list[str]) -> tuple[frozenset[str] | None, frozenset[str]]:
    """Return the domains that are kept as named, and those together with what these addresses add.

    Before the first e-mail of a large audience a sample of it tells which domains are frequent.
    """
    kept = work.store.named_domains.of(campaign.id)
    named = kept or frozenset()
    if kept is None and campaign.audience.will_receive > MOST_NAMED:
        sample = work.store.people.page(campaign.audience_filter, order=Order.SOURCE, limit=SAMPLE).items
        named = most_frequent([person.profile.email for person in sample])
    return kept, with_room(named, addresses)


def _came_later(work: Work, campaign: Campaign, person: Person) -> bool:
    """Whether somebody was added after sending began: they may be who was removed and added again, and was mailed already.

    Clocks may differ, so whoever was added about then belongs to the audience.
    """
    grace = timedelta(seconds=work.settings.lease_seconds * CLOCK_GRACE)
    return campaign.started_at is not None and person.created_at > campaign.started_at + grace


def _as_stored(work: Work, people: list[Person]) -> list[Person]:
    """The same people; those who seem not to be mailable as they are now, because the index may be behind."""
    doubtful = [person.id for person in people if not person.mailable]
    stored = work.store.people.get_many(doubtful) if doubtful else {}
    return [stored.get(person.id, person) for person in people]


def _actions(work: Work, campaign: Campaign, found: _Found, *, lane: int) -> list[Action]:
    """E-mails, their chunk and their counts; the e-mails come first, so that a failed condition tells whose it was."""
    now = work.clock()
    actions: list[Action] = [Put(item=item_of(email), expect=[absent()]) for email in found.emails]
    if found.emails:
        actions.append(new_chunk(campaign.id, lane, now, [email.id for email in found.emails]).put)
        changes = email_changes((None, email) for email in found.emails)
        actions += work.store.stats.delta(changes, labels=email_labels(found.emails), now=now)
        actions += [work.store.named_domains.put(campaign.id, found.newly_named)] if found.newly_named is not None else []
    if found.emails or found.left_out:
        queueing = work.store.campaigns.queueing(
            campaign.id,
            chunks=1 if found.emails else 0,
            expect=[equals("status", CampaignStatus.EXPANDING.value)],
            left_out=found.left_out,
        )
        actions.append(queueing)
    return actions
