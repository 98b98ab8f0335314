"""Which e-mails of a campaign are asked for: where they stand, what became of them, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from crm.domain.emails import Email, EmailState, FailReason, SkipReason
from crm.domain.errors import FieldError, RuleViolation
from crm.domain.failures import code_of
from crm.domain.outcomes import Hits, Outcome
from crm.domain.people import folded_address

NAMES = ("status", "outcome", "reason", "domain", "link", "hits", "code")
"""What it is called in a query string."""
Reason = SkipReason | FailReason
MAX_TEXT = 100
MAX_LINK = 999
NO_CODE = "(none)"
"""What stands for failures of which no code is known: no code has such characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some of a campaign's e-mails: of a domain as they are counted; whose link of that number was followed, by a person or
    (`hits`) by anything; with that code in what was said of a failure. What is not given means all.
    """

    domain: str = ""
    link: int | None = None
    hits: Hits = Hits.PEOPLE
    code: str = ""

    def holds(self, email: Email) -> bool:
        """Tell whether an e-mail is one of them."""
        followed = email.links if self.hits is Hits.PEOPLE else email.links_any
        return (
            (not self.domain or email.domain == self.domain)
            and (self.link is None or self.link in followed)
            and (not self.code or (email.fail_reason is not None and (code_of(email.error) or NO_CODE) == self.code))
        )


EVERYBODY = Part()
WORDS: Mapping[str, tuple[type[StrEnum], ...]] = {
    "status": (EmailState,),
    "outcome": (Outcome,),
    "reason": (FailReason, SkipReason),
    "hits": (Hits,),
}
"""What has a fixed set of values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    """E-mails of any of some statuses (none: of all), with one outcome and one reason where they are given, of one part."""

    statuses: tuple[EmailState, ...] = ()
    outcome: Outcome | None = None
    reason: Reason | None = None
    part: Part = EVERYBODY


def parse_recipients(given: Mapping[str, Sequence[str]]) -> Recipients:
    """Return what a query string asks for; other names are left alone. RuleViolation names each bad field."""
    errors: list[FieldError] = []
    values = {name: [value.strip() for value in given.get(name, ()) if value.strip()] for name in NAMES}
    for name in NAMES:
        known = [word.value for kind in WORDS.get(name, ()) for word in kind]
        if known and (unknown := [value for value in values[name] if value not in known]):
            message = f"{name} “{unknown[0][:40]}” is unknown; use {', '.join(known)}."
            errors.append(FieldError(field=name, message=message))
        elif name != "status" and len(values[name]) > 1:
            errors.append(FieldError(field=name, message=f"Only one {name} can be asked for."))
    errors += _faults(values)
    if errors:
        raise RuleViolation(" ".join(error.message for error in errors), errors=errors)
    reason = values["reason"][0] if values["reason"] else None
    return Recipients(
        statuses=tuple(EmailState(value) for value in dict.fromkeys(values["status"])),
        outcome=Outcome(values["outcome"][0]) if values["outcome"] else None,
        reason=(SkipReason(reason) if reason in set(SkipReason) else FailReason(reason)) if reason else None,
        part=_part({name: found[0] for name, found in values.items() if found}),
    )


def _faults(values: Mapping[str, Sequence[str]]) -> list[FieldError]:
    """What can't be a domain, a code or the number of a link."""
    faults = [
        FieldError(field=name, message=f"{name} can have {MAX_TEXT} characters.")
        for name in ("domain", "code")
        if any(len(value) > MAX_TEXT for value in values[name])
    ]
    if not all(value.isascii() and value.isdigit() and int(value[:9]) <= MAX_LINK and len(value) < 9 for value in values["link"]):
        message = f"link is the number of a link in the letter, from 0 to {MAX_LINK}."
        faults.append(FieldError(field="link", message=message))
    return faults


def _part(given: Mapping[str, str]) -> Part:
    return Part(
        domain=folded_address(given.get("domain", "")),
        link=int(given["link"]) if "link" in given else None,
        hits=Hits(given["hits"]) if "hits" in given and "link" in given else Hits.PEOPLE,
        code=given.get("code", ""),
    )


def recipients_values(wanted: Recipients) -> dict[str, list[str]]:
    """Return it under its names, the inverse of `parse_recipients`; only what is set."""
    part = wanted.part
    given = {
        "status": [status.value for status in wanted.statuses],
        "outcome": [wanted.outcome.value] if wanted.outcome else [],
        "reason": [wanted.reason.value] if wanted.reason else [],
        "domain": [part.domain] if part.domain else [],
        "link": [str(part.link)] if part.link is not None else [],
        "hits": [part.hits.value] if part.hits is not Hits.PEOPLE else [],
        "code": [part.code] if part.code else [],
    }
    return {name: values for name, values in given.items() if values}
