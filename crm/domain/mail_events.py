"""What a provider tells of an e-mail after it took it over, and what that makes of the e-mail."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from crm.domain.emails import Email, EmailState, FailReason
from crm.domain.people import EmailStatus

REJECTED_LATE = timedelta(minutes=1)
"""So far clocks differ: a rejection that is older than the hand-over by more is about one before, and it was sent again since."""


class MailEventKind(StrEnum):
    """What happened. `REJECTED`: the provider took it and then did not send it; `DEFERRED`: it is still trying."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    REJECTED = "rejected"
    COMPLAINED = "complained"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"


HITS = frozenset({MailEventKind.OPENED, MailEventKind.CLICKED})
ARRIVED = frozenset({MailEventKind.DELIVERED, MailEventKind.BOUNCED, MailEventKind.COMPLAINED, MailEventKind.UNSUBSCRIBED})
"""Someone else had it in hand, if only to send it back; `ACCEPTED` and `DEFERRED` say no more than that the provider has it."""
TIMES = {
    MailEventKind.DELIVERED: "delivered_at",
    MailEventKind.BOUNCED: "bounced_at",
    MailEventKind.COMPLAINED: "complained_at",
    MailEventKind.UNSUBSCRIBED: "unsubscribed_at",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEvent:
    """One event of a provider's. `id` is what it calls the event, the same when it repeats it; `at` is aware.

    `reason` is in its words and names no address; `link` and `user_agent` are of opens and clicks. `hard`: a bounce that says
    that nobody can be reached there. `address` is where the e-mail went: it is never kept, but hashed where ours was taken out.
    """

    provider: str
    id: str
    kind: MailEventKind
    at: datetime
    email_id: str
    reason: str = ""
    link: str = ""
    user_agent: str = ""
    hard: bool = False
    address: str = ""

    @property
    def suppresses(self) -> EmailStatus | None:
        """What nobody with that address may be mailed for from now on, or None."""
        if self.kind is MailEventKind.COMPLAINED:
            return EmailStatus.COMPLAINED
        if self.kind is MailEventKind.UNSUBSCRIBED:
            return EmailStatus.UNSUBSCRIBED
        return EmailStatus.BOUNCED if self.kind is MailEventKind.BOUNCED and self.hard else None


def happened(email: Email, event: MailEvent) -> Email:
    """Return the e-mail after an event other than an open or click. Its status and times don't depend on the order of events.

    Of each thing the first time holds. Only a lane changes that an e-mail is queued. Any event but a rejection proves that one
    of which we were uncertain was handed over; that it arrived somewhere, that one which we thought had failed went out.
    """
    at = max(event.at, email.created_at)
    if event.kind is MailEventKind.REJECTED:
        return _rejected(email, event, at)
    new = _proven(email, at, arrived=event.kind in ARRIVED)
    if name := TIMES.get(event.kind):
        first: dict[str, Any] = {name: min(at, getattr(new, name) or at)}
        new = replace(new, **first)
    if new.status is not EmailState.SENT:
        return new
    if event.kind is MailEventKind.BOUNCED:
        return replace(new, error=event.reason or new.error)
    if event.kind is MailEventKind.DELIVERED and new.bounced_at is None:
        return replace(new, error="")
    if event.kind is MailEventKind.DEFERRED and new.delivered_at is None and new.bounced_at is None:
        return replace(new, error=event.reason or new.error)
    return new


def _proven(email: Email, at: datetime, *, arrived: bool) -> Email:
    """The e-mail as one that went out, where that was in doubt."""
    if email.status is not EmailState.UNCERTAIN and not (arrived and email.status is EmailState.FAILED):
        return email
    sent_at = email.uncertain_at or min(at, email.failed_at or at)
    return replace(
        email, status=EmailState.SENT, sent_at=sent_at, uncertain_at=None, failed_at=None, fail_reason=None, attempts=0, error=""
    )


def _rejected(email: Email, event: MailEvent, at: datetime) -> Email:
    """The e-mail as one that failed, unless something else proves that it arrived somewhere, or it was sent again since."""
    handed_over = email.sent_at or email.uncertain_at
    told = (email.delivered_at, email.bounced_at, email.complained_at, email.unsubscribed_at, email.opened_any_at)
    if email.status not in {EmailState.SENT, EmailState.UNCERTAIN} or any(told) or email.clicked_any_at:
        return email
    if handed_over is not None and event.at < handed_over - REJECTED_LATE:
        return email
    return replace(
        email,
        status=EmailState.FAILED,
        fail_reason=FailReason.REFUSED,
        failed_at=at,
        sent_at=None,
        uncertain_at=None,
        error=event.reason or "The mail provider did not send it.",
    )
