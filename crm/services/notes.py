"""What staff write down about a person: added and removed, never changed."""

import logging
import re
import unicodedata
from datetime import datetime

from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.folding import nothing_visible
from crm.domain.ids import new_id
from crm.domain.log import LogEntry, LogKind
from crm.services.audit import noted
from crm.store import Store, schema
from crm.store.attendances import LEAVING
from crm.store.expressions import absent, exists
from crm.store.requests import Check

logger = logging.getLogger(__name__)
MAX_NOTE = 4_000
"""Characters of one note."""
KEY = re.compile(r"[0-9a-f]{32}")


def add(store: Store, person_id: str, text: str, *, actor: str, now: datetime, key: str = "") -> LogEntry:
    """Write a note and return it. The same `key` (32 hex digits) again, from a form that was sent twice, writes nothing more.

    Raises RuleViolation for a text that can't be, NotFound for who is gone or just going.
    """
    cleaned = text.replace("\r\n", "\n").strip()
    if fault := _fault(cleaned):
        raise RuleViolation(fault, field="text")
    store.people.get(person_id)
    if KEY.fullmatch(key) and (there := _find(store, person_id, key)) is not None:
        return there
    note_id = key if KEY.fullmatch(key) else new_id()
    note = LogEntry(id=note_id, user_id=person_id, at=now, kind=LogKind.NOTE, actor=actor, text=cleaned)
    gone = NotFound("This person was just deleted, so the note has nowhere to stand.")
    stays = Check(key=schema.key("user", id=person_id), expect=[exists(), absent(LEAVING)], error=gone)
    store.table.write([stays, store.log.put(note), noted(store, "person.note_added", person_id, actor=actor, now=now)])
    logger.info("note added", extra={"person_id": person_id, "note_id": note.id, "actor": actor})
    return note


def find(store: Store, person_id: str, note_id: str, *, actor: str) -> LogEntry:
    """Return a note that `actor` wrote. Raises NotFound, or Conflict for somebody else's."""
    note = _find(store, person_id, note_id)
    if note is None or note.kind is not LogKind.NOTE:
        raise NotFound("There is no such note; perhaps it was deleted.")
    if note.actor != actor:
        raise Conflict("This note is somebody else’s; who wrote a note can delete it.")
    return note


def remove(store: Store, person_id: str, note_id: str, *, actor: str, now: datetime) -> None:
    """Delete a note that `actor` wrote. Raises as `find` does."""
    note = find(store, person_id, note_id, actor=actor)
    store.table.write([store.log.delete(note), noted(store, "person.note_deleted", person_id, actor=actor, now=now)])
    logger.info("note deleted", extra={"person_id": person_id, "note_id": note_id, "actor": actor})


def _find(store: Store, person_id: str, note_id: str) -> LogEntry | None:
    return next((entry for entry in store.log.of(person_id) if entry.id == note_id), None)


def _fault(text: str) -> str | None:
    if not text or nothing_visible(text):
        return "Write something first; an empty note helps nobody."
    if len(text) > MAX_NOTE:
        return f"The note is too long: {len(text):,} characters, and {MAX_NOTE:,} are the most. Make two of it."
    if any(unicodedata.category(sign) == "Cc" and sign not in "\n\t" for sign in text):
        return "The note has a control character in it that can’t be kept; remove it."
    return None
