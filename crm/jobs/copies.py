"""Handing colleagues their copies of a campaign: one to each, at most once, whatever fails."""

import logging
from dataclasses import replace
from datetime import datetime

from crm.domain.campaigns import Campaign, CampaignStatus, Utm
from crm.domain.copies import Copy, CopyStatus
from crm.domain.errors import DeliveryFailed, RuleViolation
from crm.domain.links import TEST_LINK
from crm.domain.people import Person, Profile
from crm.jobs.handover import LONGEST_PAUSE, LONGEST_TRYING, MAX_TRIES
from crm.jobs.message import build
from crm.jobs.pace import Pace
from crm.jobs.render import Content, merge_fields, render
from crm.jobs.work import Held, Work, back_off
from crm.mail.port import Accepted, OutgoingMessage, spoken
from crm.services import mail_settings
from crm.services.copies import listed
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)
MARK = "*Copy for colleagues: this letter goes to {number}, see [the campaign]({url}). It is shown as for nobody in particular.*"
LOST = "The worker that had this copy in hand stopped; it may have been sent."
CANCELLED = "The campaign was cancelled."


def step(work: Work, held: Held) -> None:
    """Do one step: list who gets a copy, settle one that was left behind, hand one over, or wait."""
    campaign = work.store.campaigns.get(held.job.key.owner_id)
    try:
        if campaign.status is CampaignStatus.PAUSED:
            held.release(None, work.store.campaigns.unmoved(campaign))
        elif campaign.status is CampaignStatus.CANCELLED:
            _end(work, held, campaign)
        elif not held.state.get("listed"):
            copies = listed(work.store, campaign, now=work.clock())
            held.save({**held.state, "listed": True}, *[work.store.copies.new(copy) for copy in copies])
        else:
            _next(work, held, campaign)
    except ConditionFailed:
        held.look_again()


def _end(work: Work, held: Held, campaign: Campaign) -> None:
    """Skip what has not gone of a cancelled campaign."""
    now, ended = work.clock(), []
    for copy in work.store.copies.of(campaign.id):
        if copy.status is CopyStatus.WAITING:
            ended.append((copy, replace(copy, status=CopyStatus.SKIPPED, reason=CANCELLED, due_at=None, settled_at=now)))
        elif copy.status is CopyStatus.HANDING:
            ended.append((copy, _left_behind(copy, now)))
    held.release(None, *[work.store.copies.change(old, new) for old, new in ended])


def _next(work: Work, held: Held, campaign: Campaign) -> None:
    now = work.clock()
    copies = work.store.copies.of(campaign.id)
    lost = [copy for copy in copies if copy.status is CopyStatus.HANDING]
    waiting = [copy for copy in copies if copy.status is CopyStatus.WAITING]
    ready = next((copy for copy in waiting if copy.is_ready(now)), None)
    if lost:
        held.save(held.state, *[work.store.copies.change(copy, _left_behind(copy, now)) for copy in lost])
        logger.warning("copies left behind", extra={"campaign_id": campaign.id, "copies": len(lost)})
    elif ready is not None:
        _in_turn(work, held, campaign, ready)
    else:
        held.release(min((copy.due_at or now for copy in waiting), default=None))


def _in_turn(work: Work, held: Held, campaign: Campaign, copy: Copy) -> None:
    """Wait for a permit, as the lanes do, and hand over."""
    permit, soon = Pace(work).next(1)
    if not soon:
        held.release(permit)
        return
    wait = (permit - work.clock()).total_seconds()
    if work.stopping.wait(wait) if wait > 0 else work.stopping.is_set():
        held.release(work.clock())
        return
    try:
        message = _message(work, campaign, copy)
    except (DeliveryFailed, RuleViolation, ValueError) as error:
        failed = replace(copy, status=CopyStatus.FAILED, reason=spoken(str(error)), due_at=None, settled_at=work.clock())
        held.save(held.state, work.store.copies.change(copy, failed))
        return
    _hand_over(work, held, campaign, copy, message)


def _message(work: Work, campaign: Campaign, copy: Copy) -> OutgoingMessage:
    """The letter as somebody made up would get it, marked, without tags or tracking; its unsubscribe link is nobody's."""
    settings = work.settings
    letterhead = mail_settings.letterhead(work.store, settings.letterhead)
    will_receive = campaign.audience.will_receive
    number = f"{will_receive:,} people" if will_receive != 1 else "1 person"
    mark = MARK.format(number=number, url=settings.links.campaign_url(campaign.id))
    content = Content.of(campaign, letterhead)
    marked = replace(content, subject=f"[Copy] {content.subject}", body=f"{mark}\n\n---\n\n{content.body}", utm=Utm())
    url = settings.links.unsubscribe_url(*TEST_LINK)
    return build(
        render(marked, merge_fields(_nobody(copy.address, work.clock())), unsubscribe_url=url),
        email_id=f"copy-{campaign.id}-{copy.hash}",
        campaign_id=campaign.id,
        to=copy.address,
        to_name="",
        sender=campaign.sender or letterhead.sender,
        unsubscribe_url=url,
        list_id=settings.list_id,
        date=work.clock(),
        reply_to=campaign.reply_to,
    )


def _nobody(address: str, now: datetime) -> Person:
    profile = Profile(first_name="Colleague", last_name="", email=address)
    return Person(id="colleague", profile=profile, created_at=now, updated_at=now)


def _hand_over(work: Work, held: Held, campaign: Campaign, copy: Copy, message: OutgoingMessage) -> None:
    """Write down that it is being handed over, while the campaign still runs; then do so, and write what came of it."""
    needed = work.settings.handover_seconds
    if held.left < needed * 1.3:
        held.renew()
    handing = replace(copy, status=CopyStatus.HANDING)
    held.save(held.state, work.store.copies.change(copy, handing), work.store.campaigns.unmoved(campaign))
    if held.left <= needed:  # the machine slept meanwhile: nothing went out, and nothing will
        held.save(held.state, work.store.copies.change(handing, copy))
        return
    try:
        settled = _delivered(work, copy, message)
    except DeliveryFailed as error:  # the provider takes nothing: what is left waits with it
        setbacks = int(held.state.get("setbacks", 0))
        until = work.clock() + back_off(work.settings.retry_seconds, setbacks, LONGEST_PAUSE)
        waits = replace(copy, reason=error.message)
        held.release(until, work.store.copies.change(handing, waits), state={**held.state, "setbacks": setbacks + 1})
        return
    held.save({**held.state, "setbacks": None}, work.store.copies.change(handing, settled))
    logger.info("copy handed over", extra={"campaign_id": campaign.id, "copy": copy.hash, "status": settled.status.value})


def _delivered(work: Work, copy: Copy, message: OutgoingMessage) -> Copy:
    """Hand it over and return what became of it; DeliveryFailed where the refusal is not about this copy."""
    try:
        delivery = work.mailer.send(message, deadline=work.settings.handover_seconds)
    except DeliveryFailed as error:
        if error.whole_provider:
            raise
        return _refused(work, copy, error)
    except Exception:
        logger.exception("mailer broke", extra={"campaign_id": copy.campaign_id, "copy": copy.hash})
        return _uncertain(copy, "The hand-over broke in a way that tells nothing.", work.clock())
    work.tally.count(work.clock())
    if isinstance(delivery, Accepted):
        return replace(copy, status=CopyStatus.SENT, reason="", due_at=None, settled_at=work.clock())
    return _uncertain(copy, delivery.reason, work.clock())


def _refused(work: Work, copy: Copy, error: DeliveryFailed) -> Copy:
    """For good, or for now: then it waits longer each time, as an e-mail does, and fails in the end."""
    now = work.clock()
    tried = replace(copy, attempts=copy.attempts + 1, first_tried_at=copy.first_tried_at or now, reason=spoken(error.message))
    gave_up = tried.attempts >= MAX_TRIES or now - (tried.first_tried_at or now) >= LONGEST_TRYING
    if error.permanent or gave_up:
        return replace(tried, status=CopyStatus.FAILED, due_at=None, settled_at=now)
    return replace(tried, due_at=now + back_off(work.settings.retry_seconds, copy.attempts, LONGEST_PAUSE))


def _left_behind(copy: Copy, now: datetime) -> Copy:
    return _uncertain(copy, LOST, now)


def _uncertain(copy: Copy, reason: str, now: datetime) -> Copy:
    return replace(copy, status=CopyStatus.UNCERTAIN, reason=spoken(reason), due_at=None, settled_at=now)
