"""The rows that failed: written step by step as files, one file at the end, and read again. The table has none of them.

A part is named by its step and the fence under which it was done. A step that was broken off and done again leaves two parts;
the one of the highest fence is the one that counts.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any, BinaryIO, NamedTuple

from crm.domain.errors import NotFound
from crm.domain.imports import CHOOSING, KEPT_FOR, Import, ImportStatus, Kind
from crm.services.files import Files, remove_folder
from crm.services.import_decide import Outcome

FOLDER = "imports"
SOURCE = "source"
Failure = tuple[int, list[str], str]
"""Row number, cells as they came, reason."""


def folder_of(import_id: str) -> str:
    """Return where the files of an import are."""
    return f"{FOLDER}/{import_id}"


def source_of(import_id: str) -> str:
    """Return the name of the uploaded file."""
    return f"{folder_of(import_id)}/{SOURCE}"


def checking(imported: Import) -> str:
    """Return the name of the present dry run: each choice makes a new one."""
    return f"check{imported.dry_run}"


WRITING = "import"
UNDOING = "undo"
"""The names of the import itself, and of its undoing."""


class LeftAlone(NamedTuple):
    """A person whom an undo left as they are, and why."""

    person_id: str
    reason: str


def forget(files: Files, import_id: str) -> None:
    """Delete all files of an import, the uploaded one last; a repeat goes on."""
    remove_folder(files, folder_of(import_id), last=SOURCE)


def sweep(files: Files, *, now: datetime) -> int:
    """Delete the files of imports that were uploaded more than 30 days ago, and return of how many imports."""
    gone = 0
    for import_id in files.list(FOLDER):
        at = files.written_at(source_of(import_id))
        if at is None or at < now - KEPT_FOR:
            forget(files, import_id)
            gone += 1
    return gone


def put_part(
    files: Files, imported: Import, run: str, *, step: int, fence: int, outcomes: Iterable[Outcome], again: bool = False
) -> None:
    """Keep the failed rows of one step, if there are any; also none where the step may be done `again`, and had some before."""
    bad = sorted((one.row.number, list(one.row.cells), one.reason) for one in outcomes if one.kind is Kind.INVALID)
    _put(files, f"{folder_of(imported.id)}/{run}-{step:06}-{fence:06}", bad, always=again)


def put_left(
    files: Files, imported: Import, run: str, *, step: int, fence: int, left: Mapping[str, str], again: bool = False
) -> None:
    """Keep whom one step of an undo left alone, and why; ids alone. `again` as in `put_part`."""
    _put(files, f"{folder_of(imported.id)}/{run}-{step:06}-{fence:06}", list(left.items()), always=again)


def left_alone(files: Files, imported: Import, limit: int) -> list[LeftAlone]:
    """Return whom the undo left alone, and why, in the order of the import: the first `limit`."""
    return [LeftAlone(*pair) for pair in islice(_lines(files, imported, UNDOING, None), limit)]


def join_parts(files: Files, imported: Import, run: str, headers: Sequence[str], *, steps: int) -> None:
    """Make one file of the parts of the first `steps` steps, in the order of the uploaded file. Repeatable: the parts stay."""
    whole = f"{folder_of(imported.id)}/{run}-all"
    files.delete(whole)
    sorted_rows = sqlite3.connect("")
    try:
        sorted_rows.execute("CREATE TABLE failed (number INTEGER, width INTEGER, line BLOB)")
        rows = ((failure[0], len(failure[1]), _line(failure)) for failure in _parts(files, imported, run, steps))
        sorted_rows.executemany("INSERT INTO failed VALUES (?, ?, ?)", rows)
        (widest,) = sorted_rows.execute("SELECT max(width) FROM failed").fetchone()
        found = sorted_rows.execute("SELECT line FROM failed ORDER BY number")
        head = f"{json.dumps(widened(headers, widest or 0), ensure_ascii=False)}\n".encode(errors="replace")
        files.save(whole, chain([head], (line for (line,) in found)))
    finally:
        sorted_rows.close()


def drop_parts(files: Files, imported: Import, run: str) -> None:
    """Delete the parts of which one file was made, once it is written down that the run is over."""
    for name in _part_names(files, imported, run):
        files.delete(f"{folder_of(imported.id)}/{name}")


def failures(files: Files, imported: Import, *, steps: int | None = None) -> tuple[list[str] | None, Iterator[Failure]]:
    """Return the headings, as many as the widest row has cells, and what failed row by row: of the dry run until the import
    begins, then of the import.

    While that is at work the headings are None, and the rows are those of the steps that are done.
    """
    run = checking(imported) if imported.status in CHOOSING else WRITING
    if imported.status is not ImportStatus.CHECKED and imported.finished_at is None:
        return None, _parts(files, imported, run, steps)  # the one file may be half written
    try:
        file = files.open(f"{folder_of(imported.id)}/{run}-all")
    except NotFound:
        return None, _parts(files, imported, run, steps)
    return json.loads(next(file)), _closing(file)


def widened(cells: Sequence[str], width: int) -> list[str]:
    """Return the cells with empty ones behind them, so that they are as many as `width`."""
    return [*cells, *[""] * (width - len(cells))]


def _closing(file: BinaryIO) -> Iterator[Failure]:
    with file:
        yield from map(_failure, file)


def _put(files: Files, name: str, lines: Sequence[object], *, always: bool) -> None:
    """Write a part anew; none where there are no lines, unless `always`."""
    files.delete(name)
    if lines or always:
        files.save(name, map(_line, lines))


def _parts(files: Files, imported: Import, run: str, steps: int | None) -> Iterator[Failure]:
    return ((number, cells, reason) for number, cells, reason in _lines(files, imported, run, steps))


def _lines(files: Files, imported: Import, run: str, steps: int | None) -> Iterator[Any]:
    newest = {name.split("-")[1]: name for name in _part_names(files, imported, run)}
    for step, name in sorted(newest.items()):
        if steps is None or int(step) < steps:
            with files.open(f"{folder_of(imported.id)}/{name}") as file:
                yield from map(json.loads, file)


def _part_names(files: Files, imported: Import, run: str) -> list[str]:
    """The parts in the order of their steps, those of one step by fence."""
    names = files.list(folder_of(imported.id))
    return sorted(name for name in names if name.startswith(f"{run}-") and name != f"{run}-all")


def _line(values: object) -> bytes:
    return f"{json.dumps(values, ensure_ascii=False)}\n".encode(errors="replace")


def _failure(line: bytes) -> Failure:
    number, cells, reason = json.loads(line)
    return number, cells, reason
