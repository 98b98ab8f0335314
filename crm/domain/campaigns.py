"""Campaigns: what is sent, to whom, and where it stands."""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum

from crm.domain.errors import FieldError, RuleViolation
from crm.domain.filters import PeopleFilter
from crm.domain.folding import one_line
from crm.domain.keeping import FOR_EVER, Keeping
from crm.domain.people import well_formed_address

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
ENDED = frozenset({CampaignStatus.DONE, CampaignStatus.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Utm:
    """Tags that are added to each link, so that a web statistic can tell where a visitor came from."""

    campaign: str = ""
    source: str = ""
    medium: str = ""
    content: str = ""
    term: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What staff write. `sender` is `Name <address>`, `reply_to` an address; empty ones mean the organisation's own.

    `tracking` adds a picture and redirects to the HTML part, which tell of opens and clicks.
    """

    subject: str = ""
    preheader: str = ""
    sender: str = ""
    reply_to: str = ""
    body: str = ""
    utm: Utm = field(default_factory=Utm)
    tracking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """What was counted when a campaign was accepted: who matched, who of them may not be mailed, by reason, and who is left out.

    `excluded` counts those of the others whom the `without` of the filter leaves out: `{value: people}`, each person once, with
    the first value that holds for them.
    """

    matched: int = 0
    suppressed: dict[str, int] = field(default_factory=dict)
    excluded: dict[str, int] = field(default_factory=dict)

    @property
    def will_receive(self) -> int:
        """Matched less suppressed and excluded."""
        return self.matched - sum(self.suppressed.values()) - sum(self.excluded.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One campaign. Times are aware UTC; None means it has not happened. `chunks_put` counts what was ever queued to lanes.

    Subject, preheader, sender, reply_to, body, utm and tracking are its letter (see Letter). `archived_at`: staff put it away.
    `audience` was counted when it was accepted; `left_out` counts, by reason, who of those found while the e-mails were made
    may not be mailed. `resume_to` is the status a paused campaign goes back to. `expanded` says that everybody of the audience
    has an e-mail. `keeping`: how long its e-mails are kept one by one. `edited_by` is who of staff saved its draft last.
    """

    id: str
    subject: str = ""
    preheader: str = ""
    sender: str = ""
    reply_to: str = ""
    body: str = ""
    utm: Utm = field(default_factory=Utm)
    tracking: bool = False
    audience_filter: PeopleFilter = field(default_factory=PeopleFilter)
    audience: Audience = field(default_factory=Audience)
    left_out: dict[str, int] = field(default_factory=dict)
    status: CampaignStatus = CampaignStatus.DRAFT
    resume_to: CampaignStatus | None = None
    expanded: bool = False
    chunks_put: int = 0
    created_by: str = ""
    edited_by: str = ""
    created_at: datetime
    updated_at: datetime
    send_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    archived_at: datetime | None = None
    keeping: Keeping = FOR_EVER
    version: int = 0

    def keeps_all(self, now: datetime) -> bool:
        """Tell whether every e-mail that was made is still kept, so that who got one is known."""
        until = self.keeping.until(self.started_at) if self.started_at is not None else None
        return until is None or now < until

    @property
    def letter(self) -> Letter:
        """What staff wrote."""
        return Letter(**{one.name: getattr(self, one.name) for one in fields(Letter)})

    def written(self, letter: Letter) -> "Campaign":
        """Return the campaign with this letter."""
        return replace(self, **{one.name: getattr(letter, one.name) for one in fields(Letter)})

    def cleaned(self, *, draft: bool = False) -> "Campaign":
        """Return the campaign trimmed; RuleViolation names what can't be sent, or in a draft what can't be kept.

        Merge fields are checked by the renderer.
        """
        campaign = replace(
            self,
            subject=self.subject.strip(),
            preheader=self.preheader.strip(),
            sender=self.sender.strip(),
            reply_to=self.reply_to.strip(),
            body=self.body.strip(),
        )
        utms = {f"utm{one.name.title()}": getattr(self.utm, one.name) for one in fields(Utm)}
        faults = {
            "subject": (not draft and not campaign.subject and "A subject is required.")
            or (not one_line(campaign.subject) and "The subject must be one line without control characters.")
            or (len(campaign.subject) > MAX_SUBJECT and f"The subject can have {MAX_SUBJECT} characters."),
            "preheader": (not one_line(campaign.preheader) and "The preheader must be one line without control characters.")
            or (len(campaign.preheader) > MAX_SUBJECT and f"The preheader can have {MAX_SUBJECT} characters."),
            "replyTo": bool(campaign.reply_to)
            and not well_formed_address(campaign.reply_to)
            and "Replies need one plain address, such as team@example.org.",
            "body": (not draft and not campaign.body and "A text is required.")
            or (_broken(campaign.body) and "The text has a character that can't be written; remove it.")
            or (len(campaign.body.encode()) > MAX_BODY_BYTES and f"The text is too long; {MAX_BODY_BYTES:,} bytes are the most."),
        } | {
            name: (len(value) > 100 or not one_line(value)) and f"{name} can have 100 characters on one line."
            for name, value in utms.items()
        }
        if errors := [FieldError(field=name, message=message) for name, message in faults.items() if message]:
            raise RuleViolation("; ".join(error.message for error in errors), errors=errors)
        return campaign

    def accepted(self, *, audience: Audience, now: datetime, due: datetime, keeping: Keeping = FOR_EVER) -> "Campaign":
        """Return the campaign as it waits for its time; RuleViolation unless it is a draft that can be sent to somebody."""
        if self.status is not CampaignStatus.DRAFT:
            raise RuleViolation("This campaign was sent already.")
        if not audience.matched:
            raise RuleViolation("Nobody matches this audience, so nothing can be sent. Widen the filter.", field="audience")
        if audience.will_receive <= 0 and any(audience.excluded.values()):
            raise RuleViolation(
                "Everybody of this audience who may be mailed is left out by the exclusions. Take one of them out.",
                field="audience",
            )
        if audience.will_receive <= 0:
            raise RuleViolation(
                "Nobody of this audience may be mailed: all have unsubscribed, bounced or complained.", field="audience"
            )
        return replace(
            self.cleaned(),
            audience=audience,
            status=CampaignStatus.SCHEDULED,
            send_at=due,
            archived_at=None,
            keeping=keeping,
            updated_at=now,
        )

    def undone(self, *, now: datetime) -> "Campaign":
        """Return the campaign as a draft again; RuleViolation once the first e-mails are made."""
        if self.status is not CampaignStatus.SCHEDULED:
            raise RuleViolation("It is too late to undo: sending has begun. You can pause or cancel it.")
        return replace(self, status=CampaignStatus.DRAFT, audience=Audience(), send_at=None, keeping=FOR_EVER, updated_at=now)

    def paused(self, *, now: datetime) -> "Campaign":
        """Return the campaign paused, or itself where it is already; RuleViolation unless it runs."""
        if self.status is CampaignStatus.PAUSED:
            return self
        if self.status not in RUNNING:
            raise RuleViolation(f"Only a running campaign can be paused; this one is {_words(self.status)}.")
        return replace(self, status=CampaignStatus.PAUSED, resume_to=self.status, updated_at=now)

    def resumed(self, *, now: datetime) -> "Campaign":
        """Return the campaign running again, or itself where it runs; RuleViolation unless it is paused."""
        if self.status in RUNNING:
            return self
        if self.status is not CampaignStatus.PAUSED or self.resume_to is None:
            raise RuleViolation(f"Only a paused campaign can go on; this one is {_words(self.status)}.")
        if not self.expanded and not self.keeps_all(now):
            raise RuleViolation(
                "Its first e-mails are no longer kept, so nobody can tell who had one already. Cancel it, and send a new one."
            )
        return replace(self, status=self.resume_to, resume_to=None, updated_at=now)

    def cancelled(self, *, now: datetime) -> "Campaign":
        """Return the campaign cancelled, or itself where it is already; RuleViolation for a draft or a finished one.

        It has ended at once if it had not begun, else when the lanes have skipped what was queued.
        """
        if self.status is CampaignStatus.CANCELLED:
            return self
        if self.status not in RUNNING and self.status is not CampaignStatus.PAUSED:
            raise RuleViolation(f"Only a campaign that waits or runs can be cancelled; this one is {_words(self.status)}.")
        not_begun = CampaignStatus.SCHEDULED in {self.status, self.resume_to}
        ended = now if not_begun else None
        return replace(self, status=CampaignStatus.CANCELLED, resume_to=None, finished_at=ended, updated_at=now)

    def reopened(self, *, now: datetime) -> "Campaign":
        """Return the campaign sending, for e-mails to be tried once more; RuleViolation unless it sends or is done."""
        if self.status not in {CampaignStatus.SENDING, CampaignStatus.DONE}:
            raise RuleViolation(f"Only what is sending or done can be tried again; this campaign is {_words(self.status)}.")
        return replace(self, status=CampaignStatus.SENDING, finished_at=None, archived_at=None, updated_at=now)

    def put_away(self, *, now: datetime) -> "Campaign":
        """Return the campaign archived, or itself where it is already; RuleViolation for one that waits or runs."""
        if self.archived_at is not None:
            return self
        if self.status not in ENDED and self.status is not CampaignStatus.DRAFT:
            raise RuleViolation(
                f"Only a draft, or a campaign that is over, can be archived; this one is {_words(self.status)}. Cancel it first."
            )
        return replace(self, archived_at=now, updated_at=now)

    def taken_out(self, *, now: datetime) -> "Campaign":
        """Return the campaign among the others again, or itself where it is."""
        return replace(self, archived_at=None, updated_at=now) if self.archived_at is not None else self


def _words(status: CampaignStatus) -> str:
    return {CampaignStatus.DRAFT: "a draft", CampaignStatus.PAUSED: "paused"}.get(status, status.value)


def _broken(text: str) -> bool:
    """Tell whether there is half a character in it, as bad software leaves behind."""
    return any("\ud800" <= c <= "\udfff" for c in text)
