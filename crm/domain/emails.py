"""One e-mail of a campaign to a person, and what became of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crm.domain.campaigns import Utm


class EmailState(StrEnum):
    """What became of an e-mail. `UNCERTAIN`: handed over, but the answer was lost; never repeated by itself."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"


class SkipReason(StrEnum):
    """Why a queued e-mail was not handed over."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """One e-mail; its subject and body stand on the campaign. Times are aware UTC, None where it has not happened.

    `attempts` counts hand-overs that were tried; `error` holds the provider's last words without addresses.
    """

    id: str
    campaign_id: str
    user_id: str
    email: str
    status: EmailState
    utm: Utm = field(default_factory=Utm)
    skip_reason: SkipReason | None = None
    error: str = ""
    attempts: int = 0
    created_at: datetime
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    opened_at: datetime | None = None
    clicked_at: datetime | None = None
