"""What went wrong with e-mails of a campaign, by reason, and what may be done about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.domain.emails import EmailState, FailReason, SkipReason
from crm.services.progress import Progress
from crm.services.retries import SETTLE_AFTER
from crm.store import Store

REASONS: Mapping[FailReason | SkipReason, tuple[str, str]] = {
    FailReason.REFUSED: ("Refused for good by the receiving server", "seldom helps"),
    FailReason.GAVE_UP: ("Refused for the time being, until we gave up", "may help"),
    FailReason.NOT_RENDERED: ("The letter could not be made for this person", "helps once the person is mended"),
    SkipReason.UNSUBSCRIBED: ("Unsubscribed meanwhile", ""),
    SkipReason.BOUNCED: ("Address bounced", ""),
    SkipReason.COMPLAINED: ("Complained", ""),
    SkipReason.ERASED: ("Person was deleted", ""),
    SkipReason.CANCELLED: ("Campaign was cancelled", ""),
    SkipReason.MERGED: ("Had it already, before two entries were merged", ""),
}
"""What went wrong in words, and what a retry would do."""
LEFT_OUT = {"unsubscribed": "unsubscribed", "bounced": "bounced", "complained": "complained", "erased": "deleted"}
SAMPLE = 20
"""So many failed e-mails are looked at for what the server said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One reason: in words, how many, what a retry does, and some of what the servers said."""

    reason: str
    words: str
    number: int
    retry: str
    said: list[str]


def troubles(store: Store, progress: Progress, *, whole: bool) -> dict[str, Any]:
    """What failed and was skipped, by reason, and from when on what is uncertain may be settled.

    With `whole` also what servers said: four requests where something failed, and four where something is uncertain.
    """
    figures, campaign = progress.figures, progress.campaign
    said = _said(store, campaign.id) if whole and figures.failed else {}
    return {
        "failures": _reasons(figures.by_reason, FailReason, said),
        "skips": _reasons(figures.by_reason, SkipReason, {}),
        "worth_a_retry": sum(figures.by_reason.get(reason.value, 0) for reason in (FailReason.GAVE_UP, FailReason.NOT_RENDERED)),
        "left_out": [(LEFT_OUT.get(reason, reason), number) for reason, number in sorted(campaign.left_out.items()) if number],
        "left_out_number": sum(campaign.left_out.values()),
        "settle_from": _settle_from(store, campaign.id) if figures.uncertain else None,
    }


def _reasons(
    by_reason: Mapping[str, int], kinds: Iterable[FailReason] | Iterable[SkipReason], said: Mapping[str, list[str]]
) -> list[Trouble]:
    """The most frequent first."""
    found = [
        Trouble(
            reason=kind.value,
            words=REASONS[kind][0],
            number=by_reason[kind.value],
            retry=REASONS[kind][1],
            said=said.get(kind.value, []),
        )
        for kind in kinds
        if by_reason.get(kind.value)
    ]
    return sorted(found, key=lambda one: -one.number)


def _said(store: Store, campaign_id: str) -> dict[str, list[str]]:
    """`{reason: some of what servers said, each once}`, from the newest that failed."""
    said: dict[str, list[str]] = {}
    for email in store.emails.page(campaign_id=campaign_id, statuses=[EmailState.FAILED], limit=SAMPLE).items:
        words = said.setdefault((email.fail_reason or FailReason.REFUSED).value, [])
        if email.error and email.error not in words and len(words) < 2:
            words.append(email.error)
    return said


def _settle_from(store: Store, campaign_id: str) -> datetime | None:
    """When the first of the uncertain ones may be settled by hand."""
    some = store.emails.page(campaign_id=campaign_id, statuses=[EmailState.UNCERTAIN]).items
    return min(((email.uncertain_at or email.created_at) + SETTLE_AFTER for email in some), default=None)
