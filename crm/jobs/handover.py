"""One e-mail to one person: made, handed over, and what the answer means."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from crm.domain.campaigns import Campaign
from crm.domain.emails import Email, EmailState, FailReason
from crm.domain.errors import DeliveryFailed, RuleViolation
from crm.domain.mail_settings import Letterhead
from crm.domain.people import Person
from crm.jobs.message import build
from crm.jobs.render import Content, Tracking, merge_fields, render
from crm.jobs.work import Work, back_off
from crm.mail.port import Accepted, OutgoingMessage, spoken

logger = logging.getLogger(__name__)
MAX_TRIES = 6
LONGEST_TRYING = timedelta(hours=24)
LONGEST_PAUSE = timedelta(hours=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The e-mail has its outcome."""

    email: Email


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Refused for now: the e-mail stays queued and is tried again at `due_at`."""

    email: Email
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """The provider takes nothing from us just now; this e-mail was not tried. `reason` names no address."""

    reason: str


Answer = Settled | Again | Halt


def hand_over(work: Work, campaign: Campaign, letterhead: Letterhead, email: Email, person: Person) -> Answer:
    """Make the message and hand it over; whatever happens ends as an answer, so that no outcome is lost."""
    email = replace(email, email=person.profile.email)
    try:
        message = _message(work, campaign, letterhead, email, person)
    except DeliveryFailed as error:
        return Settled(email=_failed(email, error.message, FailReason.REFUSED, work.clock()))
    except (RuleViolation, UnicodeError) as error:
        return Settled(email=_failed(email, str(error), FailReason.NOT_RENDERED, work.clock()))
    except ValueError as error:
        return Halt(reason=spoken(f"The campaign's sender can't be used: {error}"))
    except Exception:
        logger.exception("message broke", extra={"email_id": email.id, "campaign_id": campaign.id})
        return Settled(email=_failed(email, "This message could not be made.", FailReason.NOT_RENDERED, work.clock()))
    return _delivered(work, email, message)


def _message(work: Work, campaign: Campaign, letterhead: Letterhead, email: Email, person: Person) -> OutgoingMessage:
    settings = work.settings
    content = Content.of(campaign, letterhead)
    links = settings.links
    url = links.unsubscribe_url(email.id, person.id)
    told = Tracking(open_url=links.open_url(email.id), click_url=partial(links.click_url, email.id))
    return build(
        render(content, merge_fields(person), unsubscribe_url=url, tracking=told if campaign.tracking else None),
        email_id=email.id,
        campaign_id=campaign.id,
        to=person.profile.email,
        to_name=person.name,
        sender=campaign.sender or letterhead.sender,
        unsubscribe_url=url,
        list_id=settings.list_id,
        date=work.clock(),
        reply_to=campaign.reply_to,
    )


def _delivered(work: Work, email: Email, message: OutgoingMessage) -> Answer:
    try:
        delivery = work.mailer.send(message, deadline=work.settings.handover_seconds)
    except DeliveryFailed as error:
        return _refused(work, email, error)
    except Exception:
        logger.exception("mailer broke", extra={"email_id": email.id, "campaign_id": email.campaign_id})
        return Settled(email=_uncertain(email, "The hand-over broke in a way that tells nothing.", work.clock()))
    work.tally.count(work.clock())
    if isinstance(delivery, Accepted):
        return Settled(email=replace(email, status=EmailState.SENT, sent_at=work.clock(), error=""))
    return Settled(email=_uncertain(email, delivery.reason, work.clock()))


def _refused(work: Work, email: Email, error: DeliveryFailed) -> Answer:
    now = work.clock()
    if error.whole_provider:
        return Halt(reason=error.message)
    if error.permanent:
        return Settled(email=_failed(email, error.message, FailReason.REFUSED, now))
    tried = replace(email, attempts=email.attempts + 1, first_tried_at=email.first_tried_at or now, error=error.message)
    due_at = now + back_off(work.settings.retry_seconds, email.attempts, LONGEST_PAUSE)
    if tried.attempts >= MAX_TRIES or (tried.first_tried_at and now - tried.first_tried_at >= LONGEST_TRYING):
        return Settled(email=replace(_failed(tried, error.message, FailReason.GAVE_UP, now), attempts=tried.attempts))
    return Again(email=tried, due_at=due_at)


def _failed(email: Email, error: str, reason: FailReason, now: datetime) -> Email:
    return replace(email, status=EmailState.FAILED, fail_reason=reason, failed_at=now, error=spoken(error))


def _uncertain(email: Email, error: str, now: datetime) -> Email:
    return replace(email, status=EmailState.UNCERTAIN, uncertain_at=now, error=spoken(error))
