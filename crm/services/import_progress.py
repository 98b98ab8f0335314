"""How far an import is, and the rows that failed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from crm.domain.imports import Import, Kind, Undone
from crm.services.audit import note
from crm.services.files import Files
from crm.services.import_columns import headings_of
from crm.services.import_jobs import UNDO, job_key, job_of
from crm.services.import_opening import columns_of, opened
from crm.services.import_parts import Failure, failures, widened
from crm.services.import_text import DELIMITERS
from crm.store import Store
from crm.store.jobs import Breakdown, Job
from crm.store.keys import moment


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProgress:
    """How far it is. `total` is 0 until the file is read; `seconds_left` and `rows_a_second` are None while that is not known.

    `done` and `total` are rows of a dry run or an import, people of an undo; `undone` counts only the latter. `late`: no worker
    has taken it, though it is due; `quiet`: the one that has it has not written for a while; `rests`:
    a step of it broke, and it is tried again after a pause. Then how fast it goes is not known.
    """

    imported: Import
    done: int = 0
    total: int = 0
    counts: Mapping[Kind, int]
    undone: Mapping[Undone, int]
    rows_a_second: float | None = None
    seconds_left: float | None = None
    late: bool = False
    quiet: bool = False
    rests: Breakdown | None = None

    @property
    def failed(self) -> int:
        """How many rows failed so far."""
        return self.counts.get(Kind.INVALID, 0)

    @property
    def at_work(self) -> bool:
        """Whether something is being done."""
        return job_of(self.imported) is not None

    @property
    def percent(self) -> int:
        """How much of it is done, 0 to 100; 100 only when nothing is at work any more."""
        if not self.at_work:
            return 100
        return min(99, self.done * 100 // self.total) if self.total else 0


def progress(store: Store, import_id: str) -> ImportProgress:
    """Return how far the dry run, the import or the undo is. Two reads; raises NotFound."""
    imported = store.imports.get(import_id)
    done = sum(imported.counts.values())
    resting = ImportProgress(
        imported=imported, done=done, total=imported.rows or done, counts=imported.counts, undone=imported.undo_counts
    )
    kind = job_of(imported)
    if kind is None:
        return resting
    job = store.jobs.get(job_key(import_id, kind))
    state = job.state if job else {}
    done, total = int(state.get("done", 0)), int(state.get("total", 0))
    now = store.table.clock()
    late, quiet = bool(job and job.is_late(now)), bool(job and job.is_quiet(now))
    rests = job.rests(now) if job else None
    speed = None if late or quiet or rests else _speed(job, done, now)
    counts = state.get("counts", {})
    return ImportProgress(
        imported=imported,
        done=done,
        total=total,
        counts=imported.counts if kind == UNDO else {Kind(one): number for one, number in counts.items()},
        undone={Undone(one): number for one, number in counts.items()} if kind == UNDO else {},
        rows_a_second=speed,
        seconds_left=(total - done) / speed if speed and total else None,
        late=late,
        quiet=quiet,
        rests=rests,
    )


def failed_rows(files: Files, imported: Import) -> tuple[list[str], Iterator[list[str]]]:
    """Return headings and rows of what failed: the columns as they came, then the reason. Raises NotFound once they are deleted.

    Of the dry run until the import begins, then of the import.
    """
    headers, found = failures(files, imported)
    if headers is None:
        headers = list(_headers(files, imported))
        widest = max((len(cells) for _, cells, _ in found), default=0)
        headers, found = widened(headers, widest), failures(files, imported)[1]
    width = len(headers)
    return [*headers, "reason"], ([*widened(cells, width), reason] for _, cells, reason in found)


def separator_of(imported: Import) -> str:
    """Return what stands between the cells of the rows that failed: what stood there in the file, a comma for a sheet."""
    return imported.delimiter if imported.delimiter in DELIMITERS else ","


def take_failed(
    store: Store, files: Files, imported: Import, *, actor: str, now: datetime
) -> tuple[list[str], Iterator[list[str]]]:
    """Note who takes the rows that failed away, and return them as `failed_rows` does."""
    rows = failed_rows(files, imported)
    note(store, "people.failed_rows_exported", imported.id, actor=actor, now=now)
    return rows


def shown_failures(files: Files, imported: Import, limit: int) -> list[Failure]:
    """Return the first failed rows: number, cells, reason. Raises NotFound once they are deleted."""
    _, found = failures(files, imported)
    return list(islice(found, limit))


def _headers(files: Files, imported: Import) -> tuple[str, ...]:
    source = opened(files, imported)
    return headings_of(source, columns_of(source, imported))


def _speed(job: Job | None, done: int, now: datetime) -> float | None:
    """Rows a second since the worker that is at it took the job."""
    if job is None or "since" not in job.state:
        return None
    seconds = (now - moment(job.state["since"])).total_seconds()
    since = done - int(job.state.get("sinceDone", 0))
    return since / seconds if seconds >= 1 and since > 0 else None
