"""The audit log: what staff did is written down here, and read by who may."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crm.domain.audit import AuditEntry
from crm.domain.audit_actions import Subject, deed_of
from crm.domain.audit_filter import AuditFilter
from crm.domain.ids import new_id
from crm.store import Store
from crm.store.audit import AuditPage
from crm.store.audit_names import About, Named, names
from crm.store.requests import Put

FACT_SUBJECTS: Mapping[str, Subject] = {
    "person": Subject.PERSON,
    "userId": Subject.PERSON,
    "otherId": Subject.PERSON,
    "gone": Subject.PERSON,
    "eventId": Subject.EVENT,
    "campaignId": Subject.CAMPAIGN,
}
"""Facts that are ids, and of what."""
PATIENCE = 1.0
"""Seconds for which an entry is tried that others wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page of the log, and what the things are called that it speaks of, as far as they are still there."""

    page: AuditPage
    names: Mapping[About, Named]


def note(store: Store, action: str, subject: str = "", *, actor: str, now: datetime, **facts: str | int) -> None:
    """Write one entry, as `AuditEntry` says; one request.

    Where the table is changed as well, its transaction takes the entry along instead.
    """
    store.audit.note(AuditEntry(id=new_id(), at=now, actor=actor, action=action, subject=subject, facts=facts))


def note_at_once(store: Store, action: str, subject: str = "", *, actor: str, now: datetime, **facts: str | int) -> None:
    """As `note`, for what others wait for meanwhile: where the table does not answer within a second, StoreUnavailable."""
    entry = AuditEntry(id=new_id(), at=now, actor=actor, action=action, subject=subject, facts=facts)
    store.audit.note(entry, patience=PATIENCE)


def noted(store: Store, action: str, subject: str = "", *, actor: str, now: datetime, **facts: str | int) -> Put:
    """Return the action that writes one entry, for the transaction of what it tells of."""
    return store.audit.put(AuditEntry(id=new_id(), at=now, actor=actor, action=action, subject=subject, facts=facts))


def page(store: Store, wanted: AuditFilter, *, limit: int, token: str | None = None) -> Shown:
    """Return entries that a filter finds, newest first, with names; a request more than the page. Raises BadToken."""
    found = store.audit.page(wanted, limit=limit, token=token)
    return Shown(page=found, names=names(store.table, {about for entry in found.items for about in abouts(entry)}))


def abouts(entry: AuditEntry) -> list[About]:
    """Return what an entry speaks of: what it was done to, then what else its facts name."""
    subject = [(deed_of(entry.action).subject, entry.subject)] if entry.subject else []
    facts = [(FACT_SUBJECTS[name], str(value)) for name, value in entry.facts.items() if name in FACT_SUBJECTS and value]
    return list(dict.fromkeys([*subject, *facts]))


def export(store: Store, wanted: AuditFilter, *, actor: str, now: datetime) -> Iterator[AuditEntry]:
    """Note who takes what a filter finds until now, and return that, newest first; the note itself is not among it."""
    asked = {"who": wanted.who, "what": wanted.what, "object": wanted.about, "via": wanted.via}
    spans = {"from": wanted.start, "to": wanted.end}
    given = [name for name, value in {**asked, **spans}.items() if value]
    entries = store.audit.walk(replace(wanted, end=min(wanted.end or now, now)))
    first = next(entries, None)
    note(store, "audit.exported", actor=actor, now=now, filter=" ".join(given))
    return _with(first, entries)


def _with(first: AuditEntry | None, rest: Iterator[AuditEntry]) -> Iterator[AuditEntry]:
    if first is not None:
        yield first
        yield from rest


def facts_in_words(facts: Mapping[str, str | int]) -> Sequence[tuple[str, str]]:
    """Return the facts of an entry that are no ids of things, as (name, value) in plain words, by name.

    >>> facts_in_words({"matched": 1284, "eventId": "e1", "sendAt": "now"})
    [('matched', '1,284'), ('send at', 'now')]
    """
    return [
        (_spaced(name), f"{value:,}" if isinstance(value, int) else str(value).replace("_", " "))
        for name, value in sorted(facts.items())
        if name not in FACT_SUBJECTS and value != ""
    ]


def _spaced(name: str) -> str:
    return "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in name).replace("_", " ")
