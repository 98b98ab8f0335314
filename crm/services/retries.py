"""What staff do about e-mails that failed, or of which nobody knows whether they were sent.

The first part is done while somebody waits; where there is more, a job goes on with the rest, part by part.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from crm.domain.emails import EmailState, FailReason
from crm.domain.errors import Conflict, RuleViolation
from crm.services.audit import noted
from crm.services.campaign_jobs import jobs_of, retry_at_work, retry_job
from crm.services.retry_parts import Order, Outlook, Remedy, find_part, part_actions
from crm.store import Store
from crm.store.campaigns import CampaignFigures
from crm.store.people import until_won
from crm.store.requests import Action

logger = logging.getLogger(__name__)
SETTLE_AFTER = timedelta(minutes=15)
"""How long an uncertain e-mail is left for a delivery, bounce, open or click to tell."""
OUTLOOKS: Mapping[FailReason, Outlook] = {
    FailReason.REFUSED: Outlook.SELDOM,
    FailReason.GAVE_UP: Outlook.LIKELY,
    FailReason.NOT_RENDERED: Outlook.ONCE_MENDED,
}
"""What a retry does for e-mails that failed so: it helps where the refusal was one for the time being, or the text is mended."""
DEEDS: Mapping[Remedy, str] = {
    Remedy.RETRY: "campaign.failed_retried",
    Remedy.RESEND: "campaign.uncertain_resent",
    Remedy.SETTLE: "campaign.uncertain_settled",
}
"""What each is called in the audit log."""
RETRYABLE = tuple(reason for reason, outlook in OUTLOOKS.items() if outlook is not Outlook.SELDOM)
"""What a retry can help. The rest was refused for good, and will most likely be once more."""


def failures(figures: CampaignFigures) -> list[tuple[FailReason, int, Outlook]]:
    """Return why e-mails failed, how many each, and what a retry would do; the most frequent reason first."""
    found = [(reason, figures.by_reason.get(reason.value, 0), OUTLOOKS[reason]) for reason in FailReason]
    return sorted((row for row in found if row[1]), key=lambda row: -row[1])


def retry_failed(
    store: Store,
    campaign_id: str,
    *,
    now: datetime,
    reasons: Collection[FailReason] = tuple(FailReason),
    actor: str = "",
    also: Sequence[Action] = (),
) -> int:
    """Queue again what failed until now for one of `reasons`, and return how many; what is queued is never queued twice.

    0 while the same is being done already. `also` is written in the first transaction, alone when there is nothing to queue.
    Raises NotFound, RuleViolation unless the campaign sends or is done, and Conflict while something else is being done.
    """
    store.campaigns.state(campaign_id).reopened(now=now)
    return _begin(store, campaign_id, Order(remedy=Remedy.RETRY, asked_at=now, reasons=frozenset(reasons)), actor, also)


def resend_uncertain(
    store: Store,
    campaign_id: str,
    *,
    now: datetime,
    after: timedelta = SETTLE_AFTER,
    actor: str = "",
    also: Sequence[Action] = (),
) -> int:
    """Queue again what is uncertain for at least `after`, and return how many: staff accept that some may get it twice.

    `also` is written in the first transaction, alone when there is nothing to queue. Raises as `retry_failed` does, and
    RuleViolation while all of it is too fresh.
    """
    store.campaigns.state(campaign_id).reopened(now=now)
    order = Order(remedy=Remedy.RESEND, asked_at=now, after=after)
    _check_age(store, campaign_id, order)
    return _begin(store, campaign_id, order, actor, also)


def settle_uncertain(
    store: Store,
    campaign_id: str,
    *,
    now: datetime,
    after: timedelta = SETTLE_AFTER,
    actor: str = "",
    also: Sequence[Action] = (),
) -> int:
    """Call sent what is uncertain for at least `after`, and return how many.

    Raises NotFound, RuleViolation while all of it is too fresh, and Conflict as above.
    """
    store.campaigns.state(campaign_id)
    order = Order(remedy=Remedy.SETTLE, asked_at=now, after=after)
    _check_age(store, campaign_id, order)
    return _begin(store, campaign_id, order, actor, also)


def _check_age(store: Store, campaign_id: str, order: Order) -> None:
    youngest: datetime | None = None
    for email in store.emails.walk(campaign_id, [EmailState.UNCERTAIN]):
        if order.fits(email):
            return
        since = email.uncertain_at or email.created_at
        youngest = min(youngest or since, since)
    if youngest is not None:
        minutes = int((youngest + order.after - order.asked_at).total_seconds() // 60) + 1
        raise RuleViolation(
            f"A delivery report may still tell what became of these e-mails. Try again in {minutes} minutes, when it is unlikely."
        )


def _begin(store: Store, campaign_id: str, order: Order, actor: str, also: Sequence[Action]) -> int:
    """Do the first part, and leave the rest to a job; return how many e-mails are concerned in all."""
    number = until_won(lambda: _first(store, campaign_id, order, actor, also))
    logger.info(order.words, extra={"campaign_id": campaign_id, "emails": number})
    return number


def _first(store: Store, campaign_id: str, order: Order, actor: str, also: Sequence[Action]) -> int:
    jobs = jobs_of(store, campaign_id)
    key = retry_job(campaign_id)
    running = retry_at_work(jobs)
    if running is not None and order.same_as(running.state):
        store.table.write(also)
        return 0
    if running is not None:
        raise Conflict("Something else is being done with many e-mails of this campaign. Wait until that is finished.")
    part = find_part(store, campaign_id, order)
    if not part.emails and part.next_token is None and not store.campaigns.state(campaign_id).keeps_all(order.asked_at):
        raise RuleViolation("There is nothing left to do: e-mails of this campaign are no longer kept one by one.")
    actions = part_actions(store, campaign_id, order, part, jobs, now=order.asked_at, lane=0)
    number = len(part.emails)
    if part.next_token is None:
        store.table.write([*actions, *_noted(store, campaign_id, order, number, actor), *also])
        return number
    total = max(number, _expected(store.campaigns.figures(campaign_id), order))
    state = order.state(cursor=part.next_token, done=number, total=total, number=1)
    job = store.jobs.put(key, due_at=order.asked_at, state=state, old=jobs.get(key.name))
    store.table.write([*actions, job, *_noted(store, campaign_id, order, total, actor), *also])
    return total


def _noted(store: Store, campaign_id: str, order: Order, number: int, actor: str) -> list[Action]:
    """The entry of an order for the audit log; none where there is nothing to do."""
    return [noted(store, DEEDS[order.remedy], campaign_id, actor=actor, now=order.asked_at, emails=number)] if number else []


def _expected(figures: CampaignFigures, order: Order) -> int:
    if order.remedy is Remedy.RETRY:
        return sum(figures.by_reason.get(reason.value, 0) for reason in order.reasons)
    return figures.uncertain
