"""What staff do about e-mails that failed, or of which nobody knows whether they were sent."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from crm.domain.emails import Email, EmailState, FailReason
from crm.domain.errors import RuleViolation
from crm.services.campaign_jobs import jobs_of, lanes_put
from crm.store import Store
from crm.store.chunks import new_chunk
from crm.store.keys import LANES
from crm.store.outcomes import email_changes, outcome, requeued
from crm.store.people import until_won
from crm.store.requests import Action

logger = logging.getLogger(__name__)
SETTLE_AFTER = timedelta(minutes=15)
"""How long an uncertain e-mail is left for a delivery, bounce, open or click to tell."""
PART = 45
"""E-mails per transaction, beside their chunk, four lanes, delta and campaign."""

Fits = Callable[[Email], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Which e-mails are queued again in one transaction, in which lane, and what else is written with them."""

    ids: list[str]
    lane: int
    status: EmailState
    fits: Fits
    also: Sequence[Action]


def retry_failed(
    store: Store,
    campaign_id: str,
    *,
    now: datetime,
    reasons: Collection[FailReason] = tuple(FailReason),
    also: Sequence[Action] = (),
) -> int:
    """Queue again what failed for one of `reasons`, and return how many; what is queued is never queued twice.

    `also` is written in the first transaction, alone when there is nothing to queue.
    Raises NotFound, and RuleViolation unless the campaign sends or is done.
    """
    store.campaigns.state(campaign_id).reopened(now=now)
    number = _requeue(
        store, campaign_id, EmailState.FAILED, lambda email: (email.fail_reason or FailReason.REFUSED) in reasons, now, also
    )
    logger.info("failed e-mails queued again", extra={"campaign_id": campaign_id, "emails": number})
    return number


def resend_uncertain(
    store: Store, campaign_id: str, *, now: datetime, after: timedelta = SETTLE_AFTER, also: Sequence[Action] = ()
) -> int:
    """Queue again what is uncertain for at least `after`, and return how many: staff accept that some may get it twice.

    `also` is written in the first transaction, alone when there is nothing to queue.
    Raises NotFound, and RuleViolation unless the campaign sends or is done, or while all of it is too fresh.
    """
    store.campaigns.state(campaign_id).reopened(now=now)
    _check_age(store, campaign_id, now, after)
    number = _requeue(store, campaign_id, EmailState.UNCERTAIN, lambda email: _old_enough(email, now, after), now, also)
    logger.info("uncertain e-mails queued again", extra={"campaign_id": campaign_id, "emails": number})
    return number


def settle_uncertain(
    store: Store, campaign_id: str, *, now: datetime, after: timedelta = SETTLE_AFTER, also: Sequence[Action] = ()
) -> int:
    """Call sent what is uncertain for at least `after`, and return how many. Raises NotFound, RuleViolation as above.

    `also` is written in the first transaction, alone when there is nothing to settle.
    """
    store.campaigns.state(campaign_id)
    _check_age(store, campaign_id, now, after)
    number = 0
    for ids in _parts(store.emails.walk(campaign_id, [EmailState.UNCERTAIN])):
        first = () if number else also
        number += until_won(lambda ids=ids, first=first: _settle(store, ids, now, after, first))  # type: ignore[misc]
    if not number:
        store.table.write(also)
    logger.info("uncertain e-mails called sent", extra={"campaign_id": campaign_id, "emails": number})
    return number


def _check_age(store: Store, campaign_id: str, now: datetime, after: timedelta) -> None:
    ages = [email.uncertain_at or email.created_at for email in store.emails.walk(campaign_id, [EmailState.UNCERTAIN])]
    if ages and min(ages) + after > now:
        minutes = int((min(ages) + after - now).total_seconds() // 60) + 1
        raise RuleViolation(
            f"A delivery report may still tell what became of these e-mails. Try again in {minutes} minutes, when it is unlikely."
        )


def _old_enough(email: Email, now: datetime, after: timedelta) -> bool:
    return (email.uncertain_at or email.created_at) + after <= now


def _parts(emails: Iterable[Email]) -> Iterator[list[str]]:
    """Cut into lists of ids; all are read first, because what is changed leaves the partition that is being read."""
    ids = iter([email.id for email in emails])
    while part := list(islice(ids, PART)):
        yield part


def _requeue(store: Store, campaign_id: str, status: EmailState, fits: Fits, now: datetime, also: Sequence[Action]) -> int:
    """Queue part after part, `also` with the first that is not empty."""
    number = 0
    for place, ids in enumerate(_parts(store.emails.walk(campaign_id, [status]))):
        lane, first = place % LANES, () if number else also
        number += until_won(
            lambda ids=ids, lane=lane, first=first: _requeue_part(  # type: ignore[misc]
                store, campaign_id, _Part(ids=ids, lane=lane, status=status, fits=fits, also=first), now
            )
        )
    if not number:
        store.table.write(also)
    return number


def _requeue_part(store: Store, campaign_id: str, part: _Part, now: datetime) -> int:
    """Queue those that are still as they were, with their chunk, in one transaction that makes the lanes due."""
    emails = [email for email in store.emails.get_many(part.ids).values() if email.status is part.status and part.fits(email)]
    if not emails:
        return 0
    pairs = [(email, requeued(email)) for email in emails]
    campaign = store.campaigns.state(campaign_id)
    chunk = new_chunk(campaign_id, part.lane, now, [email.id for email in emails])
    store.table.write(
        [
            *[outcome(old, new) for old, new in pairs],
            chunk.put,
            store.campaigns.move(campaign, campaign.reopened(now=now), chunks=1),
            *lanes_put(store, campaign_id, jobs_of(store, campaign_id), now),
            *store.stats.delta(email_changes(pairs), now=now),
            *part.also,
        ]
    )
    return len(emails)


def _settle(store: Store, ids: list[str], now: datetime, after: timedelta, also: Sequence[Action]) -> int:
    emails = [
        email
        for email in store.emails.get_many(ids).values()
        if email.status is EmailState.UNCERTAIN and _old_enough(email, now, after)
    ]
    pairs = [
        (email, replace(email, status=EmailState.SENT, sent_at=email.uncertain_at or now, uncertain_at=None, error=""))
        for email in emails
    ]
    if pairs:
        actions = [outcome(old, new) for old, new in pairs]
        store.table.write([*actions, *store.stats.delta(email_changes(pairs), now=now), *also])
    return len(pairs)
