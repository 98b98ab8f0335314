"""Campaigns: what is sent, to whom, and where it stands."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from crm.domain.errors import FieldError, RuleViolation
from crm.domain.filters import PeopleFilter
from crm.domain.folding import control_characters

MAX_SUBJECT = 300
MAX_BODY_BYTES = 100_000


class CampaignStatus(StrEnum):
    """Where a campaign stands. `SCHEDULED`: accepted, its time (or the minute to undo) has not come."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    EXPANDING = "expanding"
    SENDING = "sending"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


RUNNING = frozenset({CampaignStatus.SCHEDULED, CampaignStatus.EXPANDING, CampaignStatus.SENDING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Utm:
    """Tags that are added to each link, so that a web statistic can tell where a visitor came from."""

    campaign: str = ""
    source: str = ""
    medium: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """What was counted when a campaign was accepted: who matched, and who of them may not be mailed, by reason."""

    matched: int = 0
    suppressed: dict[str, int] = field(default_factory=dict)

    @property
    def will_receive(self) -> int:
        """Matched less suppressed."""
        return self.matched - sum(self.suppressed.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One campaign. Times are aware UTC; None means it has not happened. `chunks_put` counts what was ever queued to lanes.

    `resume_to` is the status a paused campaign goes back to. `expanded` says that everybody of the audience has an e-mail.
    """

    id: str
    subject: str = ""
    body: str = ""
    sender: str = ""
    utm: Utm = field(default_factory=Utm)
    audience_filter: PeopleFilter = field(default_factory=PeopleFilter)
    audience: Audience = field(default_factory=Audience)
    status: CampaignStatus = CampaignStatus.DRAFT
    resume_to: CampaignStatus | None = None
    expanded: bool = False
    chunks_put: int = 0
    created_by: str = ""
    created_at: datetime
    updated_at: datetime
    send_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    version: int = 0

    def cleaned(self) -> "Campaign":
        """Return the campaign trimmed; RuleViolation names what can't be sent. Merge fields are checked by the renderer."""
        campaign = replace(self, subject=self.subject.strip(), body=self.body.strip())
        utms = {"utmCampaign": self.utm.campaign, "utmSource": self.utm.source, "utmMedium": self.utm.medium}
        faults = {
            "subject": (not campaign.subject and "A subject is required.")
            or (control_characters(campaign.subject) and "The subject must be one line without control characters.")
            or (len(campaign.subject) > MAX_SUBJECT and f"The subject can have {MAX_SUBJECT} characters."),
            "body": (not campaign.body and "A text is required.")
            or (len(campaign.body.encode()) > MAX_BODY_BYTES and f"The text is too long; {MAX_BODY_BYTES:,} bytes are the most."),
        } | {
            name: (len(value) > 100 or control_characters(value)) and f"{name} can have 100 characters on one line."
            for name, value in utms.items()
        }
        if errors := [FieldError(field=name, message=message) for name, message in faults.items() if message]:
            raise RuleViolation("; ".join(error.message for error in errors), errors=errors)
        return campaign
