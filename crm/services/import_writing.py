"""One step of an import: what its rows would do, or doing it. A step that is done again proves what it did already."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from crm.domain.errors import Conflict, CrmError
from crm.domain.imports import Import, Kind
from crm.domain.log import LogEntry, LogKind, changes_between
from crm.domain.people import ATTRIBUTES, Person, Profile
from crm.services.import_decide import Decision, Outcome, decide, failed
from crm.services.import_rows import Entry
from crm.services.import_staging import Part
from crm.services.import_threads import together
from crm.store import Store
from crm.store.expressions import absent
from crm.store.people_writes import Write

TRIES = 3
Wanted = tuple[Entry, Decision]
Proofs = Mapping[str, LogEntry]


def foreseen(store: Store, imported: Import, part: Part) -> list[Outcome]:
    """Return what the rows of a part would do; two batch reads, nothing is written."""
    known = store.people.find_by_emails([entry.address for entry in part.entries])
    outcomes = failed(part.unusable)
    for entry in part.entries:
        outcomes += decide(entry, known.get(entry.address), imported.mode, imported.tag).outcomes
    return outcomes


def written(store: Store, imported: Import, part: Part, *, now: datetime, again: bool) -> list[Outcome]:
    """Write the people of a part, several per transaction, and return what became of all its rows.

    `again`: it may have been done before, wholly or partly; what its entries in the logs prove is not done once more. Who was
    added or changed by others meanwhile is decided anew.
    """
    outcomes = failed(part.unusable)
    left = list(part.entries)
    for attempt in range(TRIES):
        known = store.people.find_by_emails([entry.address for entry in left])
        if again or attempt:
            proofs = _proofs(store, imported, left, known)
            outcomes += [one for entry in left if entry.address in proofs for one in _proven(entry, known, proofs, imported)]
            left = [entry for entry in left if entry.address not in proofs]
        wanted = [(entry, decide(entry, known.get(entry.address), imported.mode, imported.tag)) for entry in left]
        left = []
        for (entry, decision), result in _write(store, imported, wanted, now):
            if isinstance(result, Conflict):
                left.append(entry)
            elif isinstance(result, CrmError):
                outcomes += decision.refused(result.message)
            else:
                outcomes += decision.done(result.id) if result else decision.outcomes
        if not left:
            return outcomes
    reason = "Somebody else keeps changing this person; import the row again."
    return outcomes + [Outcome(row=row, kind=Kind.INVALID, reason=reason) for entry in left for row, _ in entry.rows]


def settled(store: Store, imported: Import, part: Part) -> list[Outcome]:
    """Return what a part that was broken off did already: the outcomes of those whose logs prove it; nothing is written."""
    known = store.people.find_by_emails([entry.address for entry in part.entries])
    proofs = _proofs(store, imported, part.entries, known)
    return [one for entry in part.entries if entry.address in proofs for one in _proven(entry, known, proofs, imported)]


def entry_key(imported: Import, person_id: str) -> LogEntry:
    """Return the entry by whose key one finds what an import wrote of a person."""
    if imported.started_at is None:
        raise ValueError("an import that has not begun wrote nothing")
    return LogEntry(
        id=imported.id,
        user_id=person_id,
        at=imported.started_at,
        kind=LogKind.IMPORTED,
        actor=imported.owner,
        source=imported.id,
    )


def as_before(profile: Profile, entry: LogEntry) -> Profile:
    """Return the profile with the values that it had before what the entry tells of."""
    before = {name: pair[0] for name, pair in entry.changes.items()}
    texts = {ATTRIBUTES[name]: value for name, value in before.items() if name in ATTRIBUTES}
    tags = tuple(before["tags"].split("\n")) if before.get("tags") else () if "tags" in before else profile.tags
    return replace(profile, **texts, tags=tags)


def new_person_id(store: Store, imported: Import, address: str) -> str:
    """Return the id under which an import adds somebody: the same whenever it is asked for.

    It is made from a keyed hash of the address: an id outlives an erased person, and must not tell who it was to those who guess.
    """
    return uuid.uuid5(uuid.UUID(imported.id), store.suppressions.hashes(address)[0]).hex


def _write(
    store: Store, imported: Import, wanted: Sequence[Wanted], now: datetime
) -> Iterator[tuple[Wanted, Person | CrmError | None]]:
    """Write what is to be written; give for each what came of it, None where there was nothing to write."""
    fresh: list[tuple[Wanted, Person]] = []
    changed: list[tuple[Wanted, tuple[Person, Person]]] = []
    also: dict[str, list[Write]] = {}
    for one in wanted:
        entry, decision = one
        if decision.profile is None:
            yield one, None
        elif decision.existing is None:
            person_id = new_person_id(store, imported, entry.address)
            person = Person(id=person_id, profile=decision.profile, created_at=now, updated_at=now)
            fresh.append((one, person))
            also[person.id] = _logged(store, imported, decision, person)
        else:
            new = decision.existing.edited(decision.profile, now=now)
            changed.append((one, (decision.existing, new)))
            also[new.id] = _logged(store, imported, decision, new)
    results = together(lambda some: store.people.create_many(some, also), [person for _, person in fresh])
    results += together(lambda some: store.people.save_many(some, also), [pair for _, pair in changed])
    yield from zip([one for one, _ in [*fresh, *changed]], results, strict=True)


def _logged(store: Store, imported: Import, decision: Decision, person: Person) -> list[Write]:
    """The entry that goes with the write; it is written once, so that it proves what was there before."""
    old = decision.existing
    entry = replace(
        entry_key(imported, person.id),
        text=f"row {decision.row}",
        changes=changes_between(old.profile, person.profile) if old else {},
        created=old is None,
        version=old.version + 1 if old else 1,
    )
    return [replace(store.log.put(entry), expect=[absent()])]


def _proofs(store: Store, imported: Import, entries: Sequence[Entry], known: Mapping[str, Person]) -> dict[str, LogEntry]:
    """By address, what this import wrote already."""
    candidates = [
        (entry.address, person_id)
        for entry in entries
        for person_id in {new_person_id(store, imported, entry.address), *_id_of(known.get(entry.address))}
    ]
    found = store.log.get_many([entry_key(imported, person_id) for _, person_id in candidates])
    return {address: proof for (address, _), proof in zip(candidates, found, strict=True) if proof is not None}


def _proven(entry: Entry, known: Mapping[str, Person], proofs: Proofs, imported: Import) -> list[Outcome]:
    """The outcomes of rows that were written before: as they were then, counted as what they were."""
    proof = proofs[entry.address]
    person = known.get(entry.address)
    before = None if proof.created or person is None else replace(person, profile=as_before(person.profile, proof))
    decision = decide(entry, before, imported.mode, imported.tag)
    return decision.done(proof.user_id, as_kind=Kind.NEW if proof.created else Kind.UPDATE)


def _id_of(person: Person | None) -> list[str]:
    return [person.id] if person else []
