"""One step of an import: what its rows would do, or doing it. A step that is done again proves what it did already."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from crm.domain.errors import Conflict, CrmError
from crm.domain.imports import Import, Kind
from crm.domain.log import LogEntry, LogKind, changes_between
from crm.domain.people import ATTRIBUTES, Person, Profile
from crm.services.import_decide import Decision, Outcome, decide, failed
from crm.services.import_rows import Entry
from crm.services.import_staging import Part
from crm.services.import_threads import together_numbered
from crm.store import Store
from crm.store.expressions import absent
from crm.store.people_writes import Write
from crm.store.requests import Check

TRIES = 3
Wanted = tuple[Entry, Decision]
ROW = "row "
"""How the text of an entry in a log begins: behind it stands by which row that was written."""


def foreseen(store: Store, imported: Import, part: Part) -> list[Outcome]:
    """Return what the rows of a part would do; two batch reads, nothing is written."""
    known = store.people.find_by_emails([entry.address for entry in part.entries])
    outcomes = failed(part.unusable)
    for entry in part.entries:
        outcomes += decide(entry, known.get(entry.address), imported.mode, imported.tag).outcomes
    return outcomes


def written(
    store: Store, imported: Import, part: Part, *, now: datetime, again: bool, gates: Sequence[Check] = ()
) -> list[Outcome]:
    """Write the people of a part, several per transaction, and return what became of all its rows.

    `again`: it may have been done before, wholly or partly; what its entries in the logs prove is not done once more. Who was
    added or changed by others meanwhile is decided anew. `gates`: a condition for the transactions of each thread.
    """
    outcomes = failed(part.unusable)
    left = list(part.entries)
    for attempt in range(TRIES):
        known = store.people.find_by_emails([entry.address for entry in left])
        if again or attempt:
            before = _done_before(store, imported, left, known)
            outcomes += [one for some in before.values() for one in some]
            left = [entry for entry in left if entry.address not in before]
        wanted = [(entry, decide(entry, known.get(entry.address), imported.mode, imported.tag)) for entry in left]
        left = []
        for (entry, decision), result in _write(store, imported, wanted, now, gates):
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
    return [one for some in _done_before(store, imported, part.entries, known).values() for one in some]


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
    store: Store, imported: Import, wanted: Sequence[Wanted], now: datetime, gates: Sequence[Check]
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

    def gate(number: int) -> Sequence[Check]:
        return [gates[number % len(gates)]] if gates else []

    results = together_numbered(
        lambda some, number: store.people.create_many(some, also, gate=gate(number)), [person for _, person in fresh]
    )
    results += together_numbered(
        lambda some, number: store.people.save_many(some, also, gate=gate(number)), [pair for _, pair in changed]
    )
    yield from zip([one for one, _ in [*fresh, *changed]], results, strict=True)


def _logged(store: Store, imported: Import, decision: Decision, person: Person) -> list[Write]:
    """The entry that goes with the write; it is written once, so that it proves what was there before."""
    old = decision.existing
    entry = replace(
        entry_key(imported, person.id),
        text=f"{ROW}{decision.row}",
        changes=changes_between(old.profile, person.profile) if old else {},
        created=old is None,
        version=old.version + 1 if old else 1,
    )
    return [replace(store.log.put(entry), expect=[absent()])]


def _done_before(
    store: Store, imported: Import, entries: Sequence[Entry], known: Mapping[str, Person]
) -> dict[str, list[Outcome]]:
    """By address, what became of rows that this import was at before: the logs prove it, or what is left of who is gone.

    Nobody whom it added is added again under the same id after they were erased or merged.
    """
    added = {entry.address: new_person_id(store, imported, entry.address) for entry in entries}
    proofs = _proofs(store, imported, [*added.values(), *(person.id for person in known.values())])
    gone = store.tasks.gone_elsewhere([id_ for id_ in added.values() if id_ not in proofs])
    done: dict[str, list[Outcome]] = {}
    for entry in entries:
        person, id_ = known.get(entry.address), added[entry.address]
        if proof := proofs.get(id_):
            done[entry.address] = _proven(entry, person, proof, imported)
        elif id_ in gone:
            done[entry.address] = _of_who_is_gone(entry, id_, imported, merged=store.merges.heir(id_) is not None)
        elif person and (proof := proofs.get(person.id)):
            done[entry.address] = _proven(entry, person, proof, imported)
    return done


def _proofs(store: Store, imported: Import, person_ids: Iterable[str]) -> dict[str, LogEntry]:
    """By the id of a person, what this import wrote of them."""
    ids = list(dict.fromkeys(person_ids))
    found = store.log.get_many([entry_key(imported, person_id) for person_id in ids])
    return {person_id: proof for person_id, proof in zip(ids, found, strict=True) if proof is not None}


def _proven(entry: Entry, person: Person | None, proof: LogEntry, imported: Import) -> list[Outcome]:
    """The outcomes of rows that were written before: as they were then, counted as what they were."""
    wrote = int(proof.text.removeprefix(ROW).partition(",")[0])
    if wrote not in {row.number for row, _ in entry.rows}:
        reason = f"This person was written by row {wrote} already, under another address."
        return [Outcome(row=row, kind=Kind.INVALID, reason=reason) for row, _ in entry.rows]
    before = None if proof.created or person is None else replace(person, profile=as_before(person.profile, proof))
    decision = decide(entry, before, imported.mode, imported.tag)
    return decision.done_by(wrote, proof.user_id, Kind.NEW if proof.created else Kind.UPDATE)


def _of_who_is_gone(entry: Entry, person_id: str, imported: Import, *, merged: bool) -> list[Outcome]:
    """The outcomes of rows by which somebody was added who was merged into another person since, or erased."""
    if merged:
        return decide(entry, None, imported.mode, imported.tag).done(person_id)
    reason = "This person was added by the import, and erased since."
    return [Outcome(row=row, kind=Kind.SKIPPED, reason=reason) for row, _ in entry.rows]
