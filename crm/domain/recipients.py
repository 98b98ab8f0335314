"""Which e-mails of a campaign are asked for: where they stand, what became of them, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from crm.domain.emails import EmailState, FailReason, SkipReason
from crm.domain.errors import FieldError, RuleViolation
from crm.domain.outcomes import Outcome

NAMES = ("status", "outcome", "reason")
"""What it is called in a query string."""
Reason = SkipReason | FailReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    """E-mails of any of some statuses (none: of all), with one outcome and one reason where they are given."""

    statuses: tuple[EmailState, ...] = ()
    outcome: Outcome | None = None
    reason: Reason | None = None


def parse_recipients(given: Mapping[str, Sequence[str]]) -> Recipients:
    """Return what a query string asks for; other names are left alone. RuleViolation names each bad field."""
    errors: list[FieldError] = []
    values = {name: [value.strip() for value in given.get(name, ()) if value.strip()] for name in NAMES}
    words: dict[str, list[type[StrEnum]]] = {"status": [EmailState], "outcome": [Outcome], "reason": [FailReason, SkipReason]}
    for name, kinds in words.items():
        known = [word.value for kind in kinds for word in kind]
        if unknown := [value for value in values[name] if value not in known]:
            message = f"{name} “{unknown[0][:40]}” is unknown; use {', '.join(known)}."
            errors.append(FieldError(field=name, message=message))
        elif name != "status" and len(values[name]) > 1:
            errors.append(FieldError(field=name, message=f"Only one {name} can be asked for."))
    if errors:
        raise RuleViolation(" ".join(error.message for error in errors), errors=errors)
    reason = values["reason"][0] if values["reason"] else None
    return Recipients(
        statuses=tuple(EmailState(value) for value in dict.fromkeys(values["status"])),
        outcome=Outcome(values["outcome"][0]) if values["outcome"] else None,
        reason=(SkipReason(reason) if reason in set(SkipReason) else FailReason(reason)) if reason else None,
    )


def recipients_values(wanted: Recipients) -> dict[str, list[str]]:
    """Return it under its names, the inverse of `parse_recipients`; only what is set."""
    given = {
        "status": [status.value for status in wanted.statuses],
        "outcome": [wanted.outcome.value] if wanted.outcome else [],
        "reason": [wanted.reason.value] if wanted.reason else [],
    }
    return {name: values for name, values in given.items() if values}
