"""Groups of people that a filter names: who stands with an event, what became of a campaign, a segment, a list, recent mail."""

from dataclasses import dataclass
from enum import StrEnum

from crm.domain.errors import RuleViolation
from crm.domain.events import SEATED, AttendanceStatus
from crm.domain.outcomes import Outcome

MAX_DAYS = 365


class GroupKind(StrEnum):
    """What a value of `within` or `without` names, before its colon."""

    SEGMENT = "segment"
    LIST = "list"
    ATTENDS = "attends"
    MAILED = "mailed"
    DAYS = "days"


EXAMPLES = "segment:<id>, list:<id>, attends:<eventId>[:<status>], mailed:<campaignId>[:<outcome>] or days:<1–365>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One value of `within` or `without`. `id` is of what it names, or the number of days; `rest` a status or outcome, or ""."""

    kind: GroupKind
    id: str
    rest: str = ""

    @property
    def named(self) -> str:
        """What stands behind the kind: as in `attends` or `mailed`, an id with perhaps a status or outcome."""
        return f"{self.id}:{self.rest}" if self.rest else self.id

    @property
    def days(self) -> int:
        """Within how many days, 0 for another kind."""
        return int(self.id) if self.kind is GroupKind.DAYS else 0


def attending(value: str) -> tuple[str, frozenset[AttendanceStatus]]:
    """Return event id and statuses that a value of `attends` means; RuleViolation for a status that does not exist.

    >>> attending("e1:no_show")
    ('e1', frozenset({<AttendanceStatus.NO_SHOW: 'no_show'>}))
    >>> attending("e1") == ("e1", SEATED)
    True
    """
    event_id, colon, status = value.partition(":")
    if not colon:
        return event_id, SEATED
    if status not in set(AttendanceStatus):
        allowed = ", ".join(AttendanceStatus)
        raise RuleViolation(f"“{status[:40]}” is not where somebody can stand with an event; use {allowed}.", field="attends")
    return event_id, frozenset({AttendanceStatus(status)})


def mailing(value: str) -> tuple[str, Outcome]:
    """Return campaign id and outcome that a value of `mailed` means; RuleViolation for an outcome that does not exist.

    >>> mailing("c1:not_opened"), mailing("c1")
    (('c1', <Outcome.NOT_OPENED: 'not_opened'>), ('c1', <Outcome.SENT: 'sent'>))
    """
    campaign_id, colon, outcome = value.partition(":")
    if not colon:
        return campaign_id, Outcome.SENT
    if outcome not in set(Outcome):
        allowed = ", ".join(Outcome)
        raise RuleViolation(f"“{outcome[:40]}” is not what can become of an e-mail; use {allowed}.", field="mailed")
    return campaign_id, Outcome(outcome)


def group(value: str) -> Group:
    """Return what a value of `within` or `without` names; RuleViolation for what can't be.

    >>> group("mailed:c1:opened"), group("days:14").days
    (Group(kind=<GroupKind.MAILED: 'mailed'>, id='c1', rest='opened'), 14)
    """
    word, _, named = value.partition(":")
    if word not in set(GroupKind) or not named:
        raise RuleViolation(f"“{value[:40]}” names no people; write {EXAMPLES}.", field="within")
    kind = GroupKind(word)
    if kind is GroupKind.DAYS and not (named.isascii() and named.isdigit() and len(named) <= 3 and 1 <= int(named) <= MAX_DAYS):
        raise RuleViolation(f"“{named[:40]}” is no number of days; write one from 1 to {MAX_DAYS}.", field="within")
    if kind is GroupKind.ATTENDS:
        attending(named)
    if kind is GroupKind.MAILED:
        mailing(named)
    id_, _, rest = named.partition(":")
    if not id_:
        raise RuleViolation(f"“{value[:40]}” names no people; write {EXAMPLES}.", field="within")
    if kind in {GroupKind.SEGMENT, GroupKind.LIST}:
        return Group(kind=kind, id=named)
    return Group(kind=kind, id=id_, rest=rest)
