"""What is done with e-mails that failed or are uncertain: which ones an order is about, and one part of them at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import Email, EmailState, FailReason
from crm.domain.errors import BadToken
from crm.services.campaign_jobs import lanes_put
from crm.store import Store
from crm.store.chunks import new_chunk
from crm.store.jobs import Job
from crm.store.keys import moment, stamp
from crm.store.outcomes import email_changes, outcome, requeued
from crm.store.requests import Action

PART = 45
"""E-mails per transaction, beside their chunk, four lanes, delta, campaign and job."""


class Remedy(StrEnum):
    """What is done: failed ones are queued again, uncertain ones are queued again, or called sent."""

    RETRY = "retry"
    RESEND = "resend"
    SETTLE = "settle"


class Outlook(StrEnum):
    """What a retry does: it helps often, once the person or the text is mended, or seldom."""

    LIKELY = "likely"
    ONCE_MENDED = "once_mended"
    SELDOM = "seldom"


WORDS = {
    Remedy.RETRY: "failed e-mails queued again",
    Remedy.RESEND: "uncertain e-mails queued again",
    Remedy.SETTLE: "uncertain e-mails called sent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What staff asked for, and when: what goes wrong after that is not meant.

    `reasons` are those of failures; `after` is how long an uncertain e-mail is left alone.
    """

    remedy: Remedy
    asked_at: datetime
    reasons: frozenset[FailReason] = frozenset()
    after: timedelta = timedelta()

    @property
    def status(self) -> EmailState:
        """The status of the e-mails that it is about."""
        return EmailState.FAILED if self.remedy is Remedy.RETRY else EmailState.UNCERTAIN

    @property
    def words(self) -> str:
        """What is done, for the log."""
        return WORDS[self.remedy]

    def fits(self, email: Email) -> bool:
        """Whether it is about this e-mail, as it is."""
        if email.status is not self.status:
            return False
        if self.remedy is Remedy.RETRY:
            failed_at = email.failed_at or email.created_at
            return (email.fail_reason or FailReason.REFUSED) in self.reasons and failed_at <= self.asked_at
        return (email.uncertain_at or email.created_at) + self.after <= self.asked_at

    def same_as(self, state: Mapping[str, Any]) -> bool:
        """Whether a job with this state does what is asked for."""
        return state.get("remedy") == self.remedy.value and state.get("reasons", []) == sorted(self.reasons)

    def state(self, *, cursor: str | None, done: int, total: int, number: int) -> dict[str, Any]:
        """Return what the job remembers of it: where the list goes on, how many of how many are done, and which part is next."""
        return {
            "remedy": self.remedy.value,
            "askedAt": stamp(self.asked_at),
            "reasons": sorted(self.reasons),
            "after": int(self.after.total_seconds()),
            "cursor": cursor,
            "done": done,
            "total": total,
            "number": number,
        }


def order_of(state: Mapping[str, Any]) -> Order | None:
    """Return the order that a job remembers, None where it has done all of it."""
    if "remedy" not in state:
        return None
    return Order(
        remedy=Remedy(state["remedy"]),
        asked_at=moment(state["askedAt"]),
        reasons=frozenset(FailReason(reason) for reason in state.get("reasons", ())),
        after=timedelta(seconds=int(state.get("after", 0))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some e-mails that an order is about, as they are at this moment, and where the list goes on; None at its end."""

    emails: list[Email]
    next_token: str | None


def find_part(store: Store, campaign_id: str, order: Order, *, cursor: str | None = None, most: int = PART) -> Part:
    """Return the next part: who is on it is told by an index, which may be behind, and then read as it is.

    A place in the list that can't be read any more, because the key that signs it was changed, is the beginning: whoever was
    done is not on the list any more.
    """
    try:
        page = store.emails.page(campaign_id=campaign_id, statuses=[order.status], limit=most, token=cursor)
    except BadToken:
        return find_part(store, campaign_id, order, most=most)
    stored = store.emails.get_many([email.id for email in page.items])
    return Part(emails=[email for email in stored.values() if order.fits(email)], next_token=page.next_token)


def part_actions(
    store: Store, campaign_id: str, order: Order, part: Part, jobs: Mapping[str, Job], *, now: datetime, lane: int
) -> list[Action]:
    """Return the actions that do what was asked for with one part, on condition that each e-mail still is as it was read.

    Raises RuleViolation where nothing can be queued, because the campaign neither sends nor is paused nor done.
    """
    if not part.emails:
        return []
    pairs = [(email, _after(email, order, now)) for email in part.emails]
    actions = [*[outcome(old, new) for old, new in pairs], *store.stats.delta(email_changes(pairs), now=now)]
    if order.remedy is Remedy.SETTLE:
        return actions
    campaign = store.campaigns.state(campaign_id)
    chunk = new_chunk(campaign_id, lane, now, [email.id for email in part.emails])
    moved = store.campaigns.move(campaign, _open(campaign, now), chunks=1)
    return [*actions, chunk.put, moved, *lanes_put(store, campaign_id, dict(jobs), now)]


def _after(email: Email, order: Order, now: datetime) -> Email:
    if order.remedy is not Remedy.SETTLE:
        return requeued(email)
    return replace(email, status=EmailState.SENT, sent_at=email.uncertain_at or now, uncertain_at=None, error="")


def _open(campaign: Campaign, now: datetime) -> Campaign:
    """The campaign as it sends what is queued; one that was paused meanwhile stays so, and sends it when it is resumed."""
    return replace(campaign, updated_at=now) if campaign.status is CampaignStatus.PAUSED else campaign.reopened(now=now)
