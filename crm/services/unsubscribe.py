"""Taking people off, by the link that every e-mail carries."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from crm.domain.emails import Email
from crm.domain.errors import NotFound
from crm.domain.people import EmailStatus, Person
from crm.services.suppressing import Reason, add, suppress
from crm.store import Store
from crm.store.outcomes import email_changes, outcome
from crm.store.people import until_won
from crm.store.requests import Action
from crm.store.stats import Counter

logger = logging.getLogger(__name__)
LINK = "link"
"""Where it came from, in suppressions and logs: the link that every e-mail carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who an unsubscribe link is about: their address (empty when nothing is known of them any more), and what holds for it."""

    address: str
    status: EmailStatus


def subscription(store: Store, email_id: str, user_id: str) -> Subscription:
    """Return what the page of an unsubscribe link shows; nothing is changed."""
    person, email = _found(store, email_id, user_id)
    address = person.profile.email if person else email.email if email else ""
    status = store.suppressions.lookup(address) if address else EmailStatus.UNSUBSCRIBED
    if status is EmailStatus.MAILABLE and person is not None:
        status = person.email_status
    return Subscription(address=address, status=status)


def unsubscribe(store: Store, email_id: str, user_id: str, *, now: datetime) -> Subscription:
    """Take the person of that e-mail off, and return what holds now. Doing it again changes nothing.

    Suppression, the profile's status, and the figures of the e-mail are one transaction. Works when person or e-mail are gone.
    """

    def attempt() -> None:
        person, email = _found(store, email_id, user_id)
        actions, changes = _suppressed(store, person, email, now)
        if email is not None and email.unsubscribed_at is None:
            new = replace(email, unsubscribed_at=now)
            actions += [outcome(email, new), *store.leavers.note(email, new)]
            add(changes, email_changes([(email, new)]))
        store.table.write([*actions, *store.stats.delta(changes, now=now)])

    until_won(attempt)
    logger.info("unsubscribed", extra={"email_id": email_id, "user_id": user_id})
    return subscription(store, email_id, user_id)


def _suppressed(
    store: Store, person: Person | None, email: Email | None, now: datetime
) -> tuple[list[Action], dict[Counter, int]]:
    """What remembers the person's address, and the one that was mailed, and takes off whoever has them by now."""
    addresses = (person.profile.email if person else "", email.email if email else "")
    reason = Reason(status=EmailStatus.UNSUBSCRIBED, source=LINK, email=email)
    return suppress(store, reason, addresses=addresses, people=[person] if person else [], now=now)


def _found(store: Store, email_id: str, user_id: str) -> tuple[Person | None, Email | None]:
    """Who was mailed, or into whom they were merged since; and the e-mail."""
    person = store.people.get_many([user_id]).get(user_id)
    if person is None and (heir := store.merges.heir(user_id)) is not None:
        person = store.people.get_many([heir]).get(heir)
    try:
        return person, store.emails.get(email_id)
    except NotFound:
        return person, None
