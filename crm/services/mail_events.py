"""What providers tell of e-mails: taken once each, in any order, with all that follows from it in one transaction."""

import logging
from dataclasses import replace
from datetime import datetime

from crm.domain.emails import Email, EmailState
from crm.domain.errors import Conflict, NotFound
from crm.domain.hits import HitKind, classify
from crm.domain.mail_events import HITS, REJECTED_LATE, MailEvent, MailEventKind, happened
from crm.domain.people import EmailStatus, Person
from crm.services import hits
from crm.services.campaign_jobs import in_hand
from crm.services.suppressing import Reason, add, suppress
from crm.store import Store, schema
from crm.store.expressions import equals
from crm.store.outcomes import email_changes, outcome
from crm.store.people import until_won
from crm.store.requests import Action, Check
from crm.store.seen import SeenAlready, seen
from crm.store.stats import Counter

logger = logging.getLogger(__name__)
SOURCES = {
    EmailStatus.BOUNCED: "bounce",
    EmailStatus.COMPLAINED: "complaint",
    EmailStatus.UNSUBSCRIBED: "provider",
}
"""Where it came from, in suppressions and logs."""


def take(store: Store, event: MailEvent, *, now: datetime) -> bool:
    """Take an event; False, and nothing is written, where it was taken before, is of no e-mail of ours, or tells nothing new.

    The mark that it was taken, the e-mail, its counters, the suppression of its address and the status and log of who has that
    address are one transaction, written again when a lane, an unsubscribe link or a merge was faster: two to four reads and a
    write. A clock ahead of ours makes nothing happen in the future. Raises Conflict while others are always faster, and where an
    e-mail was rejected of which the lane has not yet written that it went out: the provider must tell it again.
    """
    event = replace(event, at=min(event.at, now))
    try:
        taken = _hit(store, event, now) if event.kind in HITS else until_won(lambda: _attempt(store, event, now))
    except SeenAlready:
        taken = False
    logger.info(
        "mail event taken" if taken else "mail event without effect",
        extra={"provider": event.provider, "event_id": event.id, "kind": event.kind.value, "email_id": event.email_id},
    )
    return taken


def _hit(store: Store, event: MailEvent, now: datetime) -> bool:
    """An open or a click; which of the letter's links it was, a provider does not say by our number."""
    return hits.record(
        store,
        event.email_id,
        kind=HitKind.OPEN if event.kind is MailEventKind.OPENED else HitKind.CLICK,
        hit_class=classify(user_agent=event.user_agent),
        at=event.at,
        now=now,
        judge=True,
        also=[seen(event.provider, event.id, now=now)],
    )


def _attempt(store: Store, event: MailEvent, now: datetime) -> bool:
    try:
        email = store.emails.get(event.email_id)
    except NotFound:
        return False
    if event.kind is MailEventKind.REJECTED and email.status is EmailState.QUEUED:
        return _rejected_while_queued(store, event, email, now)
    actions, changes = _suppressed(store, event, email, now)
    new = happened(email, event)
    if event.kind is MailEventKind.ACCEPTED and new == email:
        return False
    if new != email:
        actions += [outcome(email, new), *store.leavers.note(email, new)]
        add(changes, email_changes([(email, new)]))
    store.table.write([seen(event.provider, event.id, now=now), *actions, *store.stats.delta(changes, now=now)])
    return True


def _rejected_while_queued(store: Store, event: MailEvent, email: Email, now: datetime) -> bool:
    """Note that it was taken, for it is about an earlier hand-over; of one that is just being made only the outcome can fail."""
    window = in_hand(store, email)
    if window is not None and event.at >= window.due_at - REJECTED_LATE:
        raise Conflict("The outcome of this e-mail is not written yet. Tell it again.")
    still = Check(key=schema.key("email", id=email.id), expect=[equals("status", EmailState.QUEUED.value)])
    store.table.write([seen(event.provider, event.id, now=now), still])
    return True


def _suppressed(store: Store, event: MailEvent, email: Email, now: datetime) -> tuple[list[Action], dict[Counter, int]]:
    """What suppresses the address that was mailed, and takes off who has it by now.

    Who has another one since is left alone, unless it was they who asked for no more e-mails.
    """
    if (status := event.suppresses) is None:
        return [], {}
    addresses, people = [email.email or event.address], list[Person]()
    if status is EmailStatus.UNSUBSCRIBED and (person := store.people.get_many([email.user_id]).get(email.user_id)):
        addresses, people = [*addresses, person.profile.email], [person]
    reason = Reason(status=status, source=SOURCES[status], email=email)
    return suppress(store, reason, addresses=addresses, people=people, now=now)
