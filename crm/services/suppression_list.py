"""The suppression list by hand: what is known of an address, and staff putting it there or taking it off.

The list holds no addresses, so it can be asked but not read through.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from crm.domain.errors import Conflict, RuleViolation
from crm.domain.ids import new_id
from crm.domain.log import LogEntry, LogKind
from crm.domain.people import EmailStatus, Person, well_formed_address
from crm.services.audit import noted
from crm.services.suppressing import Reason, suppress
from crm.store import Store
from crm.store.people import status_change, until_won
from crm.store.requests import Action
from crm.store.stats import Counter
from crm.store.suppression import Suppression

logger = logging.getLogger(__name__)
STAFF = "staff"
"""Where it came from, in suppressions and logs: somebody of staff put it there."""


class Why(StrEnum):
    """Why an address is taken off the list."""

    ASKED = "asked"
    WORKS_AGAIN = "works_again"
    MISTAKE = "mistake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is known of one address: who has it, and why it must not be mailed; None where nobody, or nothing, is."""

    address: str
    person: Person | None
    suppression: Suppression | None


def look_up(store: Store, address: str) -> Found:
    """Return what is known of an address at this moment; three requests. RuleViolation where it is none."""
    address = _checked(address)
    return Found(address=address, person=store.people.find_by_email(address), suppression=store.suppressions.reason(address))


def put_on(store: Store, address: str, status: EmailStatus, *, actor: str, now: datetime) -> Found:
    """Put an address on the list, and whoever has it off all mailings; a stronger reason that holds already stays.

    RuleViolation where it is no address, or the reason none. A repeat changes nothing.
    """
    address = _checked(address)
    if status is EmailStatus.MAILABLE:
        raise RuleViolation("Say why it must not be mailed.")

    def attempt() -> bool:
        reason = Reason(status=status, source=STAFF, email=None, actor=actor)
        actions, changes = suppress(store, reason, addresses=[address], now=now)
        if actions:
            whose = _whose(store.people.find_by_email(address))
            entry = noted(store, "suppression.added", actor=actor, now=now, status=status.value, **whose)
            store.table.write([*actions, *store.stats.delta(changes, now=now), entry])
        return bool(actions)

    changed = until_won(attempt)
    logger.info("address suppressed by staff", extra={"changed": changed, "status": status.value})
    return look_up(store, address)


def take_off(store: Store, address: str, status: EmailStatus, since: datetime, why: Why, *, actor: str, now: datetime) -> Found:
    """Take an address off the list, where it stands for the reason, and since the moment, that were shown.

    Whoever has it may be mailed again. Conflict where it stands there for another reason by now, or once more for the same: that
    is a wish that nobody saw yet. A repeat changes nothing.
    """
    address = _checked(address)

    def attempt() -> bool:
        found = look_up(store, address)
        if found.suppression is None:
            return False
        if found.suppression.status is not status:
            raise Conflict("Meanwhile this address is suppressed for another reason; look at it again before you take it off.")
        if found.suppression.created_at != since:
            raise Conflict("Meanwhile this address was put on the list once more; look at it again before you take it off.")
        actions: list[Action] = list(store.suppressions.lifting(address, found.suppression))
        changes: dict[Counter, int] = {}
        if found.person is None:
            actions.append(store.people.unclaimed(address))
        elif not found.person.mailable:
            update, changes = status_change(found.person, EmailStatus.MAILABLE, now=now)
            actions += [update, store.log.put(_entry(found.person, actor, now))]
        facts = {"status": status.value, "why": why.value, **_whose(found.person)}
        entry = noted(store, "suppression.removed", actor=actor, now=now, **facts)
        store.table.write([*actions, *store.stats.delta(changes, now=now), entry])
        return True

    changed = until_won(attempt)
    logger.info("suppression lifted by staff", extra={"changed": changed, "why": why.value})
    return look_up(store, address)


def _whose(person: Person | None) -> dict[str, str]:
    return {"person": person.id} if person is not None else {}


def _entry(person: Person, actor: str, now: datetime) -> LogEntry:
    changes = {"emailStatus": (person.email_status.value, EmailStatus.MAILABLE.value)}
    return LogEntry(id=new_id(), user_id=person.id, at=now, kind=LogKind.STATUS, actor=actor, text=STAFF, changes=changes)


def _checked(address: str) -> str:
    address = address.strip()
    if not address:
        raise RuleViolation("Type the address to look up.", field="address")
    if not well_formed_address(address):
        raise RuleViolation(f"“{address[:80]}” is not one plain address; it should look like ada@example.org.", field="address")
    return address
