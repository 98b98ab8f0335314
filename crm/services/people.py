"""What staff do with one person: add, edit, remove."""

import logging
from collections.abc import Sequence
from datetime import datetime

from crm.domain.errors import Conflict
from crm.domain.ids import new_id
from crm.domain.log import LogEntry, LogKind, changes_between
from crm.domain.people import Person, Profile
from crm.services.audit import noted
from crm.store import Store
from crm.store.erasure import forget_emails
from crm.store.people_writes import Write

logger = logging.getLogger(__name__)
TRIES = 5
LEAVING = "This person is just being deleted or merged, so nothing can be changed any more."
STALE = "This person was changed by someone else meanwhile. Look at them as they are now, then repeat your change."


def add(
    store: Store, profile: Profile, *, now: datetime, actor: str = "", person_id: str | None = None, also: Sequence[Write] = ()
) -> Person:
    """Write a new person, with `also`, and return them as stored. Raises RuleViolation, or Conflict on the address.

    Their log begins with it; `actor` is a username, also that of a token's owner; empty where nobody was signed in.
    """
    person = Person(id=person_id or new_id(), profile=profile.cleaned(), created_at=now, updated_at=now)
    entry = LogEntry(id=new_id(), user_id=person.id, at=now, kind=LogKind.ADDED, actor=actor, created=True)
    audit = noted(store, "person.added", person.id, actor=actor, now=now)
    added = store.people.create(person, [*also, store.log.put(entry), audit])
    logger.info("person added", extra={"person_id": added.id, "actor": actor})
    return added


def edit(store: Store, person_id: str, profile: Profile, *, version: int, now: datetime, actor: str = "") -> Person:
    """Write another profile over the one read at `version`; return the person as saved. NotFound, RuleViolation or Conflict.

    What changed stands in their log, written with it; where nothing did, nothing is written.
    """
    old = store.people.get(person_id)
    if old.version != version:
        raise Conflict(STALE)
    if old.leaving:
        raise Conflict(LEAVING)
    new = old.edited(profile, now=now)
    changes = changes_between(old.profile, new.profile)
    if not changes:
        return old
    entry = LogEntry(id=new_id(), user_id=person_id, at=now, kind=LogKind.EDITED, actor=actor, changes=changes)
    audit = noted(store, "person.edited", person_id, actor=actor, now=now, fields=", ".join(changes))
    saved = store.people.save(old, new, [store.log.put(entry), audit])
    logger.info("person edited", extra={"person_id": person_id, "version": saved.version, "actor": actor})
    return saved


def remove(store: Store, person_id: str, *, now: datetime, actor: str = "") -> None:
    """Take a person out of all events, seats freed, and their address out of e-mails, then delete them. Raises NotFound.

    E-mails stay counted under the opaque id; those still queued are skipped. A repeat goes on where a crash stopped.
    """
    remove_one_of_many(store, person_id, now=now, also=[noted(store, "person.deleted", person_id, actor=actor, now=now)])
    logger.info("person removed", extra={"person_id": person_id, "actor": actor})


def remove_one_of_many(store: Store, person_id: str, *, now: datetime, also: Sequence[Write] = ()) -> None:
    """Remove a person as `remove` does, without a word in the audit log; `also` is written when they go. Raises NotFound."""
    store.events.leave_all(person_id, now=now)
    forget_emails(store.table, person_id)
    delete_profile(store, person_id, also)
    forget_emails(store.table, person_id)


def delete_profile(store: Store, person_id: str, also: Sequence[Write] = ()) -> None:
    """Delete the person as they are by now: someone may unsubscribe at the same moment. Raises NotFound."""
    for _ in range(TRIES - 1):
        try:
            return store.people.delete(store.people.get(person_id), also)
        except Conflict:
            continue
    store.people.delete(store.people.get(person_id), also)
