"""Taking an import back, part by part: who was added goes, who was changed gets the former values, where untouched since.

Before anybody is deleted the job writes down who is to be, so that after a break it is known who is gone by the undo.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from crm.domain.campaigns import ENDED, CampaignStatus
from crm.domain.errors import Conflict, CrmError
from crm.domain.ids import email_id
from crm.domain.imports import Import, Undone
from crm.domain.log import LogEntry
from crm.domain.people import Person
from crm.services.import_threads import together
from crm.services.import_writing import as_before, entry_key
from crm.store import Store
from crm.store.erasure import forget_emails
from crm.store.people_writes import Write

logger = logging.getLogger(__name__)
TAKEN_BACK = ", taken back"
CHANGED = "changed since"
UNKNOWN = "there is no record of what the import did"
MERGING = "just being merged"
LEAVING = "just being deleted"
MARK = "undo:"
"""Beginning of what stands on the profile of whom an undo is about to delete; the id of its import follows."""
TRACES = {"attendance": "on the list of an event", "log": "has notes or other changes", "distinct": "compared with somebody else"}


@dataclass(slots=True)
class Undoing:
    """What becomes of the people of one part, by id: who is to go, whose values come back, and who stays as they are, and why."""

    going: dict[str, tuple[Person, LogEntry]] = field(default_factory=dict)
    restored: dict[str, tuple[Person, LogEntry]] = field(default_factory=dict)
    done: dict[str, Undone] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def leave(self, person_id: str, reason: str) -> None:
        """Leave a person alone."""
        self.left[person_id] = reason
        self.done[person_id] = Undone.LEFT

    def counts(self, before: Mapping[Undone, int]) -> dict[Undone, int]:
        """Return how many there are of each kind, those before among them."""
        counts = dict(before)
        for kind in self.done.values():
            counts[kind] = counts.get(kind, 0) + 1
        return counts


def sorted_out(store: Store, imported: Import, ids: Sequence[str], *, marked: Iterable[str] = ()) -> Undoing:
    """Return what is to become of people whom the import wrote; two batch reads.

    `marked` were to be deleted when this was looked at before: who of them is gone is gone by that.
    """
    gone_by_us = set(marked)
    people = store.people.get_many(ids)
    entries = store.log.get_many([entry_key(imported, person_id) for person_id in ids])
    undoing = Undoing()
    for person_id, entry in zip(ids, entries, strict=True):
        person = people.get(person_id)
        if person is None:
            undoing.done[person_id] = Undone.DELETED if person_id in gone_by_us else Undone.GONE
        elif entry is None:
            undoing.leave(person_id, UNKNOWN)
        elif entry.text.endswith(TAKEN_BACK):
            undoing.done[person_id] = Undone.RESTORED
        elif person.version != entry.version:
            undoing.leave(person_id, CHANGED)
        elif person.merging:
            undoing.leave(person_id, MERGING)
        elif person.leaving and person_id not in gone_by_us:
            undoing.leave(person_id, LEAVING)
        elif not entry.created:
            undoing.restored[person_id] = (person, entry)
        elif person.attended_event_count or person.hosted_event_count:
            undoing.leave(person_id, TRACES["attendance"])
        else:
            undoing.going[person_id] = (person, entry)
    return undoing


def taken_back(store: Store, imported: Import, undoing: Undoing, *, marked: Iterable[str], now: datetime) -> Undoing:
    """Delete who was added and bring former values back; return what became of each. `marked` can't join an event meanwhile."""
    going = list(undoing.going.values())
    mailing = _mailings_since(store, imported)
    mailed = _mailed(store, mailing, list(undoing.going))
    reasons = together(lambda some: [_reason_to_stay(store, *one, mailing=mailing, mailed=mailed) for one in some], going)
    for (person, _), reason in zip(going, reasons, strict=True):
        if reason:
            del undoing.going[person.id]
            undoing.leave(person.id, reason)
    _delete(store, undoing)
    if _mailings_since(store, imported):
        gone = [person_id for person_id, kind in undoing.done.items() if kind is Undone.DELETED]
        together(lambda some: [forget_emails(store.table, person_id) for person_id in some], gone)
    _restore(store, undoing, now)
    for person_id in marked:
        if person_id in undoing.left:
            store.traces.stay(person_id, mark_of(imported))
    return undoing


def mark_of(imported: Import) -> str:
    """What stands on the profile of whom this undo is about to delete: nobody else's mark, so that it takes off its own alone."""
    return f"{MARK}{imported.id}"


def _delete(store: Store, undoing: Undoing) -> None:
    going = list(undoing.going.values())
    also: dict[str, list[Write]] = {person.id: [store.log.delete(entry)] for person, entry in going}
    results = together(lambda some: store.people.delete_many(some, also), [person for person, _ in going])
    for (person, _), result in zip(going, results, strict=True):
        if isinstance(result, CrmError):
            undoing.leave(person.id, CHANGED)
        else:
            undoing.done[person.id] = Undone.DELETED


def _restore(store: Store, undoing: Undoing, now: datetime) -> None:
    pairs: list[tuple[Person, Person]] = []
    also: dict[str, list[Write]] = {}
    for person, entry in undoing.restored.values():
        try:
            pairs.append((person, person.edited(as_before(person.profile, entry), now=now)))
        except CrmError as error:
            undoing.leave(person.id, error.message)
        else:
            also[person.id] = [store.log.put(replace(entry, text=f"{entry.text}{TAKEN_BACK}"))]
    results = together(lambda some: store.people.save_many(some, also), pairs)
    for (person, _), result in zip(pairs, results, strict=True):
        if isinstance(result, Conflict):
            undoing.leave(person.id, CHANGED)
        elif isinstance(result, CrmError):
            undoing.leave(person.id, result.message)
        else:
            undoing.done[person.id] = Undone.RESTORED


def _reason_to_stay(store: Store, person: Person, entry: LogEntry, *, mailing: Sequence[str], mailed: frozenset[str]) -> str:
    """Why somebody who was added is not deleted; "" where nothing was done with them since."""
    traces = store.traces.of(person.id)
    others = traces.kinds - ({"log"} if traces.entries == {entry.id} else set())
    if others:
        return TRACES.get(min(others), "used elsewhere")
    if person.id in mailed or (mailing and store.traces.was_mailed(person.id)):
        return "was sent e-mails"
    return ""


def _mailings_since(store: Store, imported: Import) -> list[str]:
    """The campaigns that may have reached people of the import: those that were not over when it began."""
    return [
        campaign.id
        for campaign in store.campaigns.states()
        if campaign.status is not CampaignStatus.DRAFT
        and not (
            campaign.status in ENDED
            and campaign.finished_at is not None
            and imported.started_at is not None
            and campaign.finished_at < imported.started_at
        )
    ]


def _mailed(store: Store, mailing: Sequence[str], person_ids: Sequence[str]) -> frozenset[str]:
    """Whom of these the campaigns have an e-mail for at this moment; a batch read for each campaign and 100 people."""
    ids = [email_id(campaign_id, person_id) for campaign_id in mailing for person_id in person_ids]
    return frozenset(email.user_id for email in store.emails.get_many(ids).values())
