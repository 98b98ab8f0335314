"""Importing a file of people with broken rows by worker processes, one of which is killed, and taking it back."""

import csv
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.crowd import write_people
from bench.import_file import is_bad, is_known, is_twice, rows_of, write_file
from bench.import_worker import LEASE_SECONDS
from bench.place import Place, tell
from bench.processes import ROOT
from bench.report import Bound, Grid, Result
from crm.domain.filters import PeopleFilter
from crm.domain.imports import Choices, Import, Kind, Undone
from crm.domain.people import Person
from crm.services import imports
from crm.services.export import csv_lines, plain_cell
from crm.services.files import FolderFiles
from crm.services.verify import differences
from crm.store import Store
from crm.store.calls import utc_now

ROWS = (10_000, 100_000)
PATIENCE = 3_600.0
GROWTH = 1.25
"""How much more memory ten times the rows may take."""
COLUMNS = ("step", "rows", "seconds", "a second", "read units", "write units", "peak MB")
NOTES = (
    "By worker processes, as in production: dry run, import, undo. Units are for each row, or person of an undo.",
    "The import of the larger file is killed (kill -9) in the middle; a second worker goes on with it.",
)


@dataclass(slots=True)
class Trial:
    """One file in one fresh table: what was measured, and what did not come out as it should."""

    store: Store
    folder: Path
    url: str
    rows: list[tuple[str | int | float, ...]] = field(default_factory=list)
    peak: float = 0.0
    wrong: dict[str, int] = field(default_factory=dict)


def run(place: Place, sizes: Sequence[int]) -> Result:
    """Import 10,000 and 100,000 rows; where all sizes are smaller than 1,000, files of those sizes."""
    files = ROWS if max(sizes) >= 1_000 else tuple(sorted(sizes)[-2:])
    grids, bounds, peaks = [], [], []
    for rows in files:
        tell(f"importing {rows:,} rows")
        with place.store() as store, tempfile.TemporaryDirectory() as folder:
            trial = Trial(store=store, folder=Path(folder), url=place.url)
            _try(trial, rows, killed=rows == files[-1])
        grids.append(Grid(title=f"Import of {rows:,} rows, 5% of them broken", columns=COLUMNS, rows=trial.rows, notes=NOTES))
        bounds += [Bound(promise=f"{what}, {rows:,} rows", measured=number, most=0) for what, number in trial.wrong.items()]
        peaks.append(trial.peak)
    grown = Bound(promise=f"memory of a worker, {files[-1]:,} rows to {files[0]:,}", measured=peaks[-1] / peaks[0], most=GROWTH)
    return Result(grids, [*bounds, grown])


def _try(trial: Trial, rows: int, *, killed: bool) -> None:
    """Check, import, look, take back, look again."""
    people = write_file(trial.folder / "people.csv", rows)
    write_people(trial.store, [_before(person) for number, person in enumerate(people) if is_known(number)])
    before = _crowd(trial.store)
    imported = _chosen(trial)
    _work(trial, "dry run", imported)
    imported = imports.begin(trial.store, imported.id, version=_now(trial, imported).version, actor="bench", now=utc_now())
    if killed:
        _killed(trial, imported, rows // 2)
    _work(trial, "import, second half" if killed else "import", imported)
    _look(trial, _now(trial, imported), people, before)
    imports.undo(trial.store, imported.id, actor="bench", now=utc_now())
    _work(trial, "undo", imported)
    _look_again(trial, _now(trial, imported), before)


def _chosen(trial: Trial) -> Import:
    files, file = _files(trial), trial.folder / "people.csv"
    with file.open("rb") as content:
        size = file.stat().st_size
        imported = imports.upload(trial.store, files, name=file.name, content=content, size=size, owner="bench", now=utc_now())
    return imports.choose(trial.store, files, imported.id, Choices(), version=imported.version, now=utc_now())


def _work(trial: Trial, step: str, imported: Import) -> None:
    """Let a worker work until nothing is due, and note what that took."""
    begun = imports.progress(trial.store, imported.id)
    if not begun.at_work:  # a small file was checked at once
        return
    with _worker(trial) as process:
        output, _ = process.communicate("go\n", timeout=PATIENCE)
    if process.returncode:
        raise RuntimeError(f"the worker ended with status {process.returncode}")
    told: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    ended = imports.progress(trial.store, imported.id)
    if ended.at_work:
        raise RuntimeError(f"{step}: the worker left work behind")
    undone = sum(ended.undone.values())
    number = undone or ended.done - begun.done
    _note(trial, step, number, told["seconds"], told["peak"], told["read_units"], told["write_units"])


def _killed(trial: Trial, imported: Import, until: int) -> None:
    """A worker that is killed when so many rows are done, and the time after which another one may take over."""
    began = time.monotonic()
    with _worker(trial) as process:
        stream = process.stdin
        assert stream is not None
        stream.write("go\n")
        stream.flush()
        while (done := imports.progress(trial.store, imported.id).done) < until:
            if process.poll() is not None or time.monotonic() - began > PATIENCE:
                raise RuntimeError("the worker ended before it was killed")
            time.sleep(0.2)
        peak = _peak_of(process.pid)
        process.kill()
        process.wait()
    _note(trial, "import, until killed", done, time.monotonic() - began, peak)
    time.sleep(LEASE_SECONDS * 1.2)


def _note(
    trial: Trial, step: str, number: int, seconds: float, peak: int, reads: float | None = None, writes: float | None = None
) -> None:
    each = [round(units / max(number, 1), 2) if units is not None else "" for units in (reads, writes)]
    trial.rows.append((step, number, round(seconds, 1), round(number / seconds), *each, round(peak / 1e6, 1)))
    trial.peak = max(trial.peak, peak)


def _look(trial: Trial, imported: Import, people: list[Person], before: dict[str, object]) -> None:
    """What is wrong after the import: counts, failed rows, doubles, what verify finds."""
    numbers = range(len(people))
    wanted = {
        Kind.INVALID: sum(map(is_bad, numbers)),
        Kind.DUPLICATE: sum(is_twice(number) and not is_bad(number) for number in numbers),
        Kind.UPDATE: sum(is_known(number) for number in numbers),
    }
    wanted[Kind.NEW] = len(people) - sum(wanted.values())
    trial.wrong["rows counted wrong"] = sum(abs(imported.counts.get(kind, 0) - wanted.get(kind, 0)) for kind in Kind)
    header, rows = imports.failed_rows(_files(trial), imported)
    found = [
        [plain_cell(cell) for cell in row[:-1]] for row in csv.reader(io.StringIO("".join(csv_lines(header, rows, mark=""))))
    ][1:]
    bad = [row for number, row in enumerate(rows_of(people)) if is_bad(number)]
    trial.wrong["failed rows that are not right"] = sum(one != other for one, other in zip(found, bad, strict=False))
    trial.wrong["failed rows that are not right"] += abs(len(found) - len(bad))
    there = _crowd(trial.store)
    trial.wrong["people doubled or lost"] = abs(len(there) - len(before) - wanted[Kind.NEW])
    trial.wrong["people doubled or lost"] += len(there) - len({str(one) for one in there.values()})
    _verify(trial, "after the import")


def _look_again(trial: Trial, imported: Import, before: dict[str, object]) -> None:
    """What is wrong after the undo: who is not as before, what verify finds."""
    after = _crowd(trial.store)
    trial.wrong["people not as before"] = sum(before.get(one) != after.get(one) for one in {*before, *after})
    trial.wrong["people the undo left"] = sum(
        imported.undo_counts.get(kind, 0) for kind in Undone if kind not in {Undone.DELETED, Undone.RESTORED}
    )
    _verify(trial, "after the undo")


def _verify(trial: Trial, when: str) -> None:
    began = time.monotonic()
    trial.wrong[f"differences {when}"] = len(differences(trial.store))
    seconds = time.monotonic() - began
    trial.rows.append((f"verify {when}", trial.store.people.totals().total, round(seconds, 1), "", "", "", ""))


def _before(person: Person) -> Person:
    """The person as they were before the file, who has been to no event: the counts of the crowd have no events behind them."""
    profile = replace(person.profile, first_name="Before", company="Before", tags=("before",))
    return replace(person, profile=profile, attended_event_count=0, hosted_event_count=0)


def _crowd(store: Store) -> dict[str, object]:
    """Everybody, by id: what staff typed and whether they may be mailed."""
    return {person.id: (person.profile, person.email_status) for person in store.people.walk(PeopleFilter())}


def _files(trial: Trial) -> FolderFiles:
    return FolderFiles(trial.folder / "files")


def _now(trial: Trial, imported: Import) -> Import:
    return trial.store.imports.get(imported.id)


@contextmanager
def _worker(trial: Trial) -> Iterator["subprocess.Popen[str]"]:
    words = [sys.executable, "-m", "bench.import_worker", trial.url, trial.store.table.name, str(trial.folder / "files")]
    process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _peak_of(pid: int) -> int:
    """The most memory that a process had so far, in bytes; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
