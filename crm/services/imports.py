"""What staff do with a file of people: upload it, look at it, choose, have it checked, import it, stop it, undo it.

The file and the rows that fail are in storage, for 30 days; of the people in it nothing stands in the table until they are
imported. The dry run and the import decide by the same code, in jobs that go on where they were broken off.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime

from crm.domain.errors import Conflict, RuleViolation
from crm.domain.ids import new_id
from crm.domain.imports import Choices, Import, ImportStatus, Kind, Mode, Undone
from crm.domain.people import Profile
from crm.services.audit import noted
from crm.services.files import Files, Readable
from crm.services.import_columns import Column, check_usable, headings_key
from crm.services.import_decide import counted
from crm.services.import_jobs import CHECK, UNDO, WRITE, job_key
from crm.services.import_opening import Look, columns_of, found, look, opened
from crm.services.import_parts import LeftAlone, checking, drop_parts, forget, join_parts, left_alone, put_part, source_of
from crm.services.import_progress import ImportProgress, failed_rows, progress, separator_of, shown_failures, take_failed
from crm.services.import_source import XLSX, Source, read
from crm.services.import_staging import Staging
from crm.services.import_writing import foreseen
from crm.store import Store
from crm.store.imports import Remembered
from crm.store.people import until_won
from crm.store.requests import Action, Delete

__all__ = [
    "Choices",
    "Import",
    "ImportProgress",
    "ImportStatus",
    "Kind",
    "LeftAlone",
    "Look",
    "Mode",
    "Undone",
    "begin",
    "cancel",
    "choose",
    "columns_of",
    "discard",
    "failed_rows",
    "left_alone",
    "look",
    "opened",
    "progress",
    "recent",
    "separator_of",
    "shown_failures",
    "take_failed",
    "undo",
    "upload",
]

logger = logging.getLogger(__name__)
MAX_CSV, MAX_SHEET = 500_000_000, 100_000_000
"""Bytes of an upload."""
SMALL_FILE, SMALL_ROWS = 1_000_000, 2_000
"""Bytes, and rows, of what is checked at once instead of by a job."""
PIECE = 1 << 20
Kinds = dict[Kind, int]


def upload(store: Store, files: Files, *, name: str, content: Readable, size: int, owner: str, now: datetime) -> Import:
    """Keep a file for an import, and return that with what is found out about it; `size` is in bytes.

    What columns of files with the same headings became the last time is taken over. RuleViolation where the file can't be used:
    empty, neither text nor a sheet, too large, a zip bomb, no rows. Streams; memory stays flat.
    """
    import_id = new_id()
    files.save(source_of(import_id), _limited(content))
    try:
        source = found(lambda: files.open(source_of(import_id)), name)
        if source.kind == XLSX and size > MAX_SHEET:
            raise _too_large(MAX_SHEET)
        remembered = _remembered(store, source)
        imported = Import(
            id=import_id,
            name=name[:200] or "people",
            owner=owner,
            size=size,
            kind=source.kind,
            encoding=source.encoding,
            delimiter=source.delimiter,
            guessed=source.guessed,
            headed=source.headed,
            columns=remembered.columns if remembered else None,
            remembered_at=remembered.at if remembered else None,
            created_at=now,
        )
        saved, action = store.imports.put(imported)
        store.table.write([action, noted(store, "people.file_uploaded", import_id, actor=owner, now=now)])
    except BaseException:
        forget(files, import_id)
        raise
    logger.info("file of people uploaded", extra={"import_id": import_id, "size": size, "kind": source.kind})
    return saved


def choose(store: Store, files: Files, import_id: str, choices: Choices, *, version: int, now: datetime) -> Import:
    """Save what staff chose, remember the columns for files with these headings, and start the dry run; return the import.

    A small file is checked before this returns (CHECKED, or OPEN with a `problem` further down in the file), others by a job
    (CHECKING). RuleViolation, and nothing is saved, for choices that can't be; Conflict when it was changed meanwhile.
    """
    old = store.imports.get(import_id)
    old.must_be(version)
    _check_tag(choices.tag)
    source = read(
        lambda: files.open(source_of(import_id)),
        kind=old.kind,
        encoding=choices.encoding,
        delimiter=choices.delimiter,
        guessed=old.guessed and choices.encoding == old.encoding,
        headed=choices.headed,
    )
    kept = _remembered(store, source) if choices.columns is None else None
    read_as = Choices(
        encoding=source.encoding,
        delimiter=source.delimiter,
        headed=source.headed,
        columns=kept.columns if kept else choices.columns,
        mode=choices.mode,
        tag=choices.tag.strip(),
    )
    new = old.chosen(read_as, dry_run=new_id()[:12], guessed=source.guessed, remembered_at=kept.at if kept else None)
    columns = columns_of(source, new)
    check_usable(source, columns)
    also: list[Action] = []
    if choices.columns is not None and source.headed:
        also.append(store.imports.remember(headings_key(source.headers), choices.columns, now=now))
    checked = _checked_at_once(store, files, new, source, columns)
    job = store.jobs.get(job_key(import_id, CHECK))
    if checked is not None:
        saved, action = store.imports.put(checked, old)
        also += [store.jobs.park(job)] if job else []
    else:
        saved, action = store.imports.put(new.checking(), old)
        also.append(store.jobs.put(job_key(import_id, CHECK), due_at=now, old=job))
    store.table.write([action, *also])
    logger.info("import chosen", extra={"import_id": import_id, "status": saved.status.value})
    return saved


def begin(store: Store, import_id: str, *, version: int, actor: str, now: datetime) -> Import:
    """Start the import that was checked, as a job, and return it. Conflict when its choices were not checked, or changed."""
    old = store.imports.get(import_id)
    old.must_be(version)
    saved, action = store.imports.put(old.begun(now=now), old)
    job = store.jobs.put(job_key(import_id, WRITE), due_at=now)
    facts = {"rows": old.rows or 0, "expected": old.written}
    store.table.write([action, job, noted(store, "people.imported", import_id, actor=actor, now=now, **facts)])
    logger.info("import begun", extra={"import_id": import_id, "rows": old.rows})
    return saved


def cancel(store: Store, import_id: str, *, actor: str, now: datetime) -> Import:
    """Stop a dry run, or an import after the step in hand, and return it. What is written stays, and can be undone.

    The import has `finished_at` when nothing more is written. Conflict when it is not running.
    """

    def attempt() -> Import:
        old = store.imports.get(import_id)
        new, trying = old.cancelled(), old.status is ImportStatus.CHECKING
        job = store.jobs.get(job_key(import_id, CHECK if trying else WRITE))
        parked = job is not None and (trying or job.untouched)
        also = [store.jobs.park(job) if parked else store.jobs.wake(job, now)] if job else []
        saved, action = store.imports.put(new.ended(now=now) if parked and not trying else new, old)
        store.table.write([action, *also, noted(store, "people.import_stopped", import_id, actor=actor, now=now)])
        return saved

    saved = until_won(attempt)
    logger.info("import stopped", extra={"import_id": import_id, "actor": actor})
    return saved


def undo(store: Store, import_id: str, *, actor: str, now: datetime) -> Import:
    """Start to take an import back, as a job, and return it: who was added is deleted, who was changed gets the former values,
    where untouched since. Conflict unless it is finished; RuleViolation when that is longer ago than 30 days.
    """
    old = store.imports.get(import_id)
    saved, action = store.imports.put(old.undoing(now=now), old)
    job = store.jobs.put(job_key(import_id, UNDO), due_at=now)
    store.table.write([action, job, noted(store, "people.import_undone", import_id, actor=actor, now=now, written=old.written)])
    logger.info("import being undone", extra={"import_id": import_id, "actor": actor})
    return saved


def recent(store: Store, limit: int = 50) -> list[Import]:
    """Return the imports, newest first."""
    return store.imports.recent(limit)


def discard(store: Store, files: Files, imported: Import, *, actor: str, now: datetime) -> None:
    """Throw away a file that was not imported. Conflict once its import has begun."""
    if imported.started_at is not None:
        raise Conflict("This import has begun; undo it instead.")
    job = job_key(imported.id, CHECK)
    audit = noted(store, "people.file_discarded", imported.id, actor=actor, now=now)
    store.imports.delete(imported, Delete(key=job.key), audit)
    forget(files, imported.id)


def _limited(content: Readable) -> Iterator[bytes]:
    """The pieces of an upload; RuleViolation when there are too many."""
    size = 0
    while piece := content.read(PIECE):
        size += len(piece)
        if size > MAX_CSV:
            raise _too_large(MAX_CSV)
        yield piece


def _too_large(most: int) -> RuleViolation:
    return RuleViolation(f"The file is larger than {most // 1_000_000} MB, the most for one import. Cut it into smaller ones.")


def _remembered(store: Store, source: Source) -> Remembered | None:
    """What the columns of a file with these headings became the last time; nothing for one without headings."""
    return store.imports.remembered(headings_key(source.headers)) if source.headed else None


def _check_tag(tag: str) -> None:
    """RuleViolation where nobody could have that tag: better once than for each row."""
    try:
        Profile(first_name="Ada", last_name="King", email="ada@example.org", tags=(tag,)).cleaned()
    except RuleViolation as error:
        raise RuleViolation(error.message, field="tag") from None


def _checked_at_once(store: Store, files: Files, imported: Import, source: Source, columns: Sequence[Column]) -> Import | None:
    """The import with the outcome of its dry run; None where the file is too large to do that in passing."""
    if imported.size > SMALL_FILE:
        return None
    try:
        staging = Staging(source, columns)
    except RuleViolation as error:
        return imported.unusable(error.message)
    with closing(staging):
        if staging.rows > SMALL_ROWS:
            return None
        counts: Kinds = {}
        place: int | None = 0
        step = 0
        while place is not None:
            part = staging.part(place)
            outcomes = foreseen(store, imported, part)
            put_part(files, imported, checking(imported), step=step, fence=0, outcomes=outcomes)
            counts, place, step = counted(outcomes, counts), part.next, step + 1
        join_parts(files, imported, checking(imported), staging.headers, steps=step)
        drop_parts(files, imported, checking(imported))
        return imported.checked(staging.rows, counts)
