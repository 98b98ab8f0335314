"""Which campaigns a list shows: where they stand, what they are called, put away or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from crm.domain.campaigns import CampaignStatus
from crm.domain.errors import FieldError, RuleViolation
from crm.domain.event_filters import titled
from crm.domain.folding import control_characters

NAMES = ("q", "status", "archived")
"""What a filter is called in a query string."""
MAX_TEXT = 300
TRUTHS = {"true": True, "false": False}


class Listable(Protocol):
    """What a filter looks at of a campaign."""

    @property
    def subject(self) -> str: ...
    @property
    def status(self) -> CampaignStatus: ...
    @property
    def archived(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFilter:
    """Which campaigns. No status means any; `q` are words that words of the subject begin with, all of them.

    `archived`: only what staff have put away, only the rest, or (None) both.
    """

    statuses: tuple[CampaignStatus, ...] = ()
    archived: bool | None = False
    q: str = ""

    def matches(self, campaign: Listable) -> bool:
        """Tell whether it is one of them."""
        return (
            (not self.statuses or campaign.status in self.statuses)
            and (self.archived is None or campaign.archived is self.archived)
            and (not self.q or titled(campaign.subject, self.q))
        )


EVERYTHING = CampaignFilter(archived=None)


def parse_campaign_filter(given: Mapping[str, Sequence[str]]) -> CampaignFilter:
    """Return the filter of a query string; other names are left alone. RuleViolation names each bad field."""
    errors: list[FieldError] = []
    words = " ".join(" ".join(given.get("q", ())).split())
    if len(words) > MAX_TEXT or control_characters(words):
        errors.append(FieldError(field="q", message=f"A text of up to {MAX_TEXT} characters can be looked for."))
    statuses = [value.strip() for value in given.get("status", ()) if value.strip()]
    if unknown := [value for value in statuses if value not in set(CampaignStatus)]:
        message = f"status “{unknown[0][:40]}” is unknown; use {', '.join(CampaignStatus)}."
        errors.append(FieldError(field="status", message=message))
    archived = [value.strip() for value in given.get("archived", ()) if value.strip()]
    if len(archived) > 1 or not set(archived) <= set(TRUTHS):
        errors.append(FieldError(field="archived", message="archived is true or false."))
    if errors:
        raise RuleViolation(" ".join(error.message for error in errors), errors=errors)
    return CampaignFilter(
        statuses=tuple(status for status in CampaignStatus if status.value in statuses),
        archived=TRUTHS[archived[0]] if archived else False,
        q=words,
    )


def campaign_filter_values(wanted: CampaignFilter) -> dict[str, list[str]]:
    """Return the filter under its names, the inverse of `parse_campaign_filter`; only what is set."""
    given = {
        "q": [wanted.q] if wanted.q else [],
        "status": [status.value for status in wanted.statuses],
        "archived": ["true"] if wanted.archived else [],
    }
    return {name: values for name, values in given.items() if values}
