"""Which entries of the audit log a page shows: who did what to what, when and from where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from crm.domain.audit import AuditEntry
from crm.domain.audit_actions import actions_of
from crm.domain.errors import FieldError, RuleViolation
from crm.domain.event_filters import day_begins
from crm.domain.folding import control_characters
from crm.domain.local_times import parse_day

NAMES = ("who", "what", "object", "via", "from", "to")
"""What a filter is called in a query string, in the order in which it is said."""
ORIGINS = {"page": "a page", "api": "the API", "command": "a command"}
"""Where an action can come from, in words."""
LONGEST = {"who": 150, "object": 200}
"""Characters of a user name (Django's limit), and of an id with its prefix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries; None and empty texts ask for nothing. `start` belongs to the span, `end` does not; both are aware.

    `who` is a user name, `what` a group of actions or one action, `about` the subject of an entry, `via` one of ORIGINS.
    """

    who: str = ""
    what: str = ""
    about: str = ""
    via: str = ""
    start: datetime | None = None
    end: datetime | None = None

    @property
    def actions(self) -> frozenset[str]:
        """The actions that are asked for; empty: any."""
        return actions_of(self.what)

    @property
    def every_one_fits(self) -> bool:
        """Whether each entry of the span is one of them."""
        return not (self.who or self.what or self.about or self.via)

    def matches(self, entry: AuditEntry) -> bool:
        """Tell whether it is one of them."""
        return (
            (not self.who or entry.actor == self.who)
            and (not self.what or entry.action in self.actions)
            and (not self.about or entry.subject == self.about)
            and (not self.via or entry.origin.via == self.via)
            and (self.start is None or entry.at >= self.start)
            and (self.end is None or entry.at < self.end)
        )


def parse_audit_filter(given: Mapping[str, Sequence[str]], zone: ZoneInfo) -> AuditFilter:
    """Return the filter of a query string: `from` and `to` are days in `zone`, both included. RuleViolation by field."""
    texts = {name: " ".join(" ".join(given.get(name, ())).split()) for name in NAMES}
    errors = [
        FieldError(field=name, message=f"A text of up to {most} characters can be looked for.")
        for name, most in LONGEST.items()
        if len(texts[name]) > most or control_characters(texts[name])
    ]
    if texts["what"] and not actions_of(texts["what"]):
        errors.append(FieldError(field="what", message="There is no such action. Choose one of the list."))
    if texts["via"] and texts["via"] not in ORIGINS:
        errors.append(FieldError(field="via", message="Choose a page, the API, or a command."))
    first, last = _day(texts["from"], "from", errors), _day(texts["to"], "to", errors)
    if first and last and last < first:
        errors.append(FieldError(field="to", message="The last day is before the first one."))
    if errors:
        raise RuleViolation(" ".join(error.message for error in errors), errors=errors)
    return AuditFilter(
        who=texts["who"],
        what=texts["what"],
        about=texts["object"],
        via=texts["via"],
        start=day_begins(first, zone) if first else None,
        end=day_begins(last + timedelta(days=1), zone) if last else None,
    )


def _day(text: str, name: str, errors: list[FieldError]) -> date | None:
    try:
        return parse_day(text) if text else None
    except RuleViolation as error:
        errors.append(FieldError(field=name, message=error.message))
        return None
