"""An address that must not be mailed: remembered, and whoever has it taken off, in one transaction with what it came of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.domain.emails import Email
from crm.domain.ids import new_id
from crm.domain.log import LogEntry, LogKind
from crm.domain.people import EmailStatus, Person, folded_address
from crm.store import Store
from crm.store.people import status_change
from crm.store.requests import Action
from crm.store.stats import Counter

STRENGTH = (EmailStatus.MAILABLE, EmailStatus.BOUNCED, EmailStatus.UNSUBSCRIBED, EmailStatus.COMPLAINED)
"""From weak to strong: what people want outweighs what their mailbox did, and a complaint is the louder wish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an address is suppressed, and what that came of: `source` in a word, with the e-mail that it was about, if known.

    `actor` is who of staff did it, empty for the person themselves or a provider.
    """

    status: EmailStatus
    source: str
    email: Email | None
    actor: str = ""


def stronger(one: EmailStatus, other: EmailStatus) -> EmailStatus:
    """Return which of two holds."""
    return max(one, other, key=STRENGTH.index)


def suppress(
    store: Store, reason: Reason, *, addresses: Iterable[str], people: Sequence[Person] = (), now: datetime
) -> tuple[list[Action], dict[Counter, int]]:
    """Return what remembers these addresses and takes off `people` and whoever has one of the addresses, and what that counts.

    A stronger reason that is known already stays. That nobody has an address is a condition: someone may just be getting it.
    Two requests.
    """
    folded = list(dict.fromkeys(folded_address(address) for address in addresses if address))
    if not folded and not people:
        return [], {}
    known, owners = store.suppressions.lookup_many(folded), store.people.find_by_emails(folded)
    actions: list[Action] = []
    for address in folded:
        holds = stronger(known[address], reason.status)
        if holds is not known[address]:
            actions += store.suppressions.actions(address, holds, now=now, source=reason.source, known=known[address])
            actions += [] if address in owners else [store.people.unclaimed(address)]
    changes: dict[Counter, int] = {}
    for one in {one.id: one for one in (*people, *owners.values())}.values():
        holds = stronger(known.get(folded_address(one.profile.email), EmailStatus.MAILABLE), reason.status)
        if stronger(one.email_status, holds) is one.email_status:
            continue
        update, changed = status_change(one, holds, now=now)
        actions += [update, store.log.put(_entry(one, holds, reason, now))]
        add(changes, changed)
    return actions, changes


def add(changes: dict[Counter, int], more: Mapping[Counter, int]) -> None:
    """Add what else changes in the counters."""
    for counter, change in more.items():
        changes[counter] = changes.get(counter, 0) + change


def _entry(person: Person, status: EmailStatus, reason: Reason, now: datetime) -> LogEntry:
    """What the person's log says of it: by what, and with the e-mail of which campaign."""
    changes = {"emailStatus": (person.email_status.value, status.value)}
    source = reason.email.campaign_id if reason.email is not None else ""
    return LogEntry(
        id=new_id(),
        user_id=person.id,
        at=now,
        kind=LogKind.STATUS,
        actor=reason.actor,
        text=reason.source,
        changes=changes,
        source=source,
    )
