"""What went wrong with e-mails of a campaign, by reason, and what may be done about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crm.domain.emails import EmailState, FailReason, SkipReason
from crm.domain.failures import code_of, meaning
from crm.domain.recipients import NO_CODE
from crm.services.progress import Progress
from crm.services.retries import RETRYABLE, SETTLE_AFTER, failures
from crm.services.retry_parts import Outlook, Remedy
from crm.store import Store
from crm.store.campaigns import CampaignFigures

REASONS: Mapping[FailReason | SkipReason, str] = {
    FailReason.REFUSED: "Refused for good by the receiving server",
    FailReason.GAVE_UP: "Refused for the time being, until we gave up",
    FailReason.NOT_RENDERED: "The letter could not be made for this person",
    SkipReason.UNSUBSCRIBED: "Unsubscribed meanwhile",
    SkipReason.BOUNCED: "Address bounced",
    SkipReason.COMPLAINED: "Complained",
    SkipReason.ERASED: "Person was deleted",
    SkipReason.CANCELLED: "Campaign was cancelled",
    SkipReason.MERGED: "Merged with another entry, which had it, may have had it, has its own, or was not in the audience",
}
"""What went wrong in words."""
OUTLOOKS = {
    Outlook.LIKELY: "may help",
    Outlook.ONCE_MENDED: "helps once the person or the letter is mended",
    Outlook.SELDOM: "seldom helps",
}
"""What a retry would do."""
AT_WORK = {
    Remedy.RETRY: "Failed e-mails are being queued again",
    Remedy.RESEND: "Uncertain e-mails are being queued again",
    Remedy.SETTLE: "Uncertain e-mails are being settled as sent",
}
LEFT_OUT = {"unsubscribed": "unsubscribed", "bounced": "bounced", "complained": "complained", "erased": "deleted"}
SAMPLE = 20
"""So many failed e-mails are looked at for what the server said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One reason, or of failures one code of one: in words, how many, what a retry does, and some of what the servers said."""

    reason: str
    words: str
    number: int
    code: str = ""
    retry: str = ""
    said: list[str] = field(default_factory=list)


def troubles(store: Store, progress: Progress, *, whole: bool) -> dict[str, Any]:
    """What failed and was skipped, by reason, and from when on what is uncertain may be settled.

    With `whole` also what servers said: four requests where something failed, and four where something is uncertain.
    """
    figures, campaign = progress.figures, progress.campaign
    return {
        "failures": failure_rows(figures, _said(store, campaign.id) if whole and figures.failed else {}),
        "skips": _skips(figures),
        "worth_a_retry": sum(figures.by_reason.get(reason.value, 0) for reason in RETRYABLE),
        "left_out": [(LEFT_OUT.get(reason, reason), number) for reason, number in sorted(campaign.left_out.items()) if number],
        "left_out_number": sum(campaign.left_out.values()),
        "settle_from": _settle_from(store, campaign.id) if figures.uncertain else None,
        "at_work": AT_WORK[progress.at_work.remedy] if progress.at_work else "",
    }


def failure_rows(figures: CampaignFigures, said: Mapping[tuple[str, str], list[str]]) -> list[Trouble]:
    """Why e-mails failed, by reason and by the code in what was said; the most frequent first.

    What was counted before codes were is left to the reason alone, and so is what has no code.
    """
    rows = []
    for reason, number, outlook in failures(figures):
        codes = {code: n for (why, code), n in figures.by_code.items() if why == reason.value}
        codes[""] = codes.get("", 0) + number - sum(codes.values())
        whole = len([n for n in codes.values() if n > 0]) == 1
        rows += [
            Trouble(
                reason=reason.value,
                words=meaning(code) or REASONS[reason],
                number=n,
                code=code or ("" if whole else NO_CODE),
                retry=OUTLOOKS[outlook],
                said=[*([REASONS[reason]] if meaning(code) else []), *said.get((reason.value, code), [])],
            )
            for code, n in codes.items()
            if n > 0
        ]
    return sorted(rows, key=lambda row: -row.number)


def _skips(figures: CampaignFigures) -> list[Trouble]:
    """Likewise."""
    found = [(one, figures.by_reason.get(one.value, 0)) for one in SkipReason]
    rows = [Trouble(reason=one.value, words=REASONS[one], number=number) for one, number in found if number]
    return sorted(rows, key=lambda row: -row.number)


def _said(store: Store, campaign_id: str) -> dict[tuple[str, str], list[str]]:
    """`{(reason, code): some of what servers said, each once}`, from the newest that failed."""
    said: dict[tuple[str, str], list[str]] = {}
    for email in store.emails.page(campaign_id=campaign_id, statuses=[EmailState.FAILED], limit=SAMPLE).items:
        words = said.setdefault(((email.fail_reason or FailReason.REFUSED).value, code_of(email.error)), [])
        if email.error and email.error not in words and len(words) < 2:
            words.append(email.error)
    return said


def _settle_from(store: Store, campaign_id: str) -> datetime | None:
    """When the first of the uncertain ones may be settled by hand."""
    some = store.emails.page(campaign_id=campaign_id, statuses=[EmailState.UNCERTAIN]).items
    return min(((email.uncertain_at or email.created_at) + SETTLE_AFTER for email in some), default=None)
