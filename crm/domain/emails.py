"""One e-mail of a campaign to a person, and what became of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crm.domain.campaigns import Utm
from crm.domain.keeping import HIT_DAYS
from crm.domain.mail_domains import domain_of
from crm.domain.outcomes import EmailState as EmailState
from crm.domain.outcomes import Outcome


class SkipReason(StrEnum):
    """Why a queued e-mail was not handed over. `MERGED`: the same person had this campaign already, before they were merged, or
    nobody can tell any more; or it was for the entry that is gone.
    """

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
    CANCELLED = "cancelled"
    MERGED = "merged"


class FailReason(StrEnum):
    """Why an e-mail failed: `REFUSED` for good, `GAVE_UP` after temporary refusals, or its text could not be made."""

    REFUSED = "refused"
    GAVE_UP = "gave_up"
    NOT_RENDERED = "not_rendered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """One e-mail; its subject and body stand on the campaign. Times are aware UTC, None where it has not happened.

    `attempts` counts refused hand-overs since it was queued; `error` holds the provider's last words without addresses.
    `opened_at` and `clicked_at` are of a person, `opened_any_at` and `clicked_any_at` of whatever came first, a program too: they
    are there where the others are.
    `hits` rises whenever an open or click counts in something, so that two at one moment don't both count.
    `email` is empty once the person was deleted or erased; of the latter `erased` remains. `domain` is what it counts under for
    ever: that of its address where it is named, else OTHER. `links` are the numbers of the links in its letter that a person
    followed, `links_any` those that anything did.
    `kept_until`: when it goes by itself once it waits no longer, None for never. `hit_days`: how long its hits are kept.
    """

    id: str
    campaign_id: str
    user_id: str
    email: str
    domain: str = ""
    status: EmailState
    utm: Utm = field(default_factory=Utm)
    skip_reason: SkipReason | None = None
    fail_reason: FailReason | None = None
    error: str = ""
    attempts: int = 0
    hits: int = 0
    links: frozenset[int] = frozenset()
    links_any: frozenset[int] = frozenset()
    erased: bool = False
    created_at: datetime
    first_tried_at: datetime | None = None
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    uncertain_at: datetime | None = None
    delivered_at: datetime | None = None
    opened_at: datetime | None = None
    clicked_at: datetime | None = None
    opened_any_at: datetime | None = None
    clicked_any_at: datetime | None = None
    bounced_at: datetime | None = None
    complained_at: datetime | None = None
    unsubscribed_at: datetime | None = None
    kept_until: datetime | None = None
    hit_days: int = HIT_DAYS

    def __post_init__(self) -> None:
        if not self.domain:
            object.__setattr__(self, "domain", domain_of(self.email))
        if not self.links <= self.links_any:
            object.__setattr__(self, "links_any", self.links | self.links_any)
        for person, anything in (("opened_at", "opened_any_at"), ("clicked_at", "clicked_any_at")):
            if getattr(self, anything) is None and getattr(self, person) is not None:
                object.__setattr__(self, anything, getattr(self, person))

    def became(self, outcome: Outcome) -> bool:
        """Tell whether this is what became of it."""
        return (
            self.status in outcome.states
            and (not outcome.has or getattr(self, outcome.has) is not None)
            and (not outcome.lacks or getattr(self, outcome.lacks) is None)
        )
