"""Workers are killed in the middle of an import and of its undoing: nobody is doubled, nobody is lost, the counts are right."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from crm.domain.imports import Import, ImportStatus, Kind, Undone
from crm.services import imports
from crm.services.files import FolderFiles
from crm.store import Store
from crm.store.calls import utc_now
from tests.engine import Engine
from tests.factories import make_person
from tests.jobs.importing import assert_sound, begun, crowd_of, csv_of, failed_of
from tests.jobs.processes import WorkerProcess, wait_for, worker_environment

pytestmark = pytest.mark.slow
ROWS = 2000
KNOWN = 200
HEADINGS = ["First name", "Last name", "Email", "Company", "City", "Tags"]


def row_of(number: int) -> list[str]:
    """5 in 100 are broken, each in another way; 2 in 100 are the row before once more, with another city."""
    if number % 20 == 7:
        broken = [["Ada", "King", "", "Acme", "", ""], ["Ada", "", f"a{number}@x.example", "Acme", "", ""]]
        broken += [
            ["Ada", "King", f"a{number} at x.example", "Acme", "Lund", ""],
            ["Ada", "King", f"a{number}@x.example", *"1234"],
        ]
        return broken[number // 20 % 4]
    if number % 50 == 9:
        return [*row_of(number - 1)[:4], "Malmö", ""]
    return [f"Ada{number % 7}", f"King{number % 11}", f"a{number}@x.example", f"Acme {number % 5}", "Lund", "member; vip"]


def known_people(store: Store) -> None:
    """Every tenth row is somebody who is there already; half of those have nothing new in the file."""
    same = [row_of(number) for number in range(0, 10 * KNOWN, 10)]
    people = [
        make_person(
            first_name=first,
            last_name=last,
            email=email,
            company=company if place % 2 else "Before",
            city=city,
            tags=("member", "vip") if place % 2 else ("before",),
        )
        for place, (first, last, email, company, city, _) in enumerate(same)
    ]
    store.people.create_many(people)


def kill_in_the_middle(environment: dict[str, str], folder: Path, is_due: Callable[[], bool]) -> None:
    """A worker that is killed when so much is done, most likely in the middle of the step behind that."""
    worker = WorkerProcess(environment, log=folder / "worker.log")
    wait_for(is_due, 120, every=0.05)
    time.sleep(0.15)
    worker.kill()


def finish(store: Store, environment: dict[str, str], folder: Path, imported: Import, status: ImportStatus) -> Import:
    """A worker that is let be until it is done."""
    worker = WorkerProcess(environment, log=folder / "worker.log")
    wait_for(lambda: store.imports.get(imported.id).status is status, 120)
    assert worker.terminate() == 0
    return store.imports.get(imported.id)


def test_an_import_and_its_undoing_outlive_their_workers(engine: Engine, store: Store, tmp_path: Path) -> None:
    known_people(store)
    before = crowd_of(store)
    rows = [row_of(number) for number in range(ROWS)]
    bad = [row for number, row in enumerate(rows) if number % 20 == 7]
    files = FolderFiles(tmp_path / "files")
    environment = worker_environment(engine.url, store.table.name, "null:", LEASE_SECONDS="2", FILES=str(tmp_path / "files"))
    imported = begun(store, files, csv_of([HEADINGS, *rows]))

    for target in (1, ROWS // 2):
        kill_in_the_middle(environment, tmp_path, lambda target=target: imports.progress(store, imported.id).done >= target)  # type: ignore[misc]
        assert store.imports.get(imported.id).status is ImportStatus.RUNNING
    imported = finish(store, environment, tmp_path, imported, ImportStatus.DONE)

    expected = {Kind.INVALID: 100, Kind.DUPLICATE: 40, Kind.UPDATE: 100, Kind.UNCHANGED: 100, Kind.NEW: 1660}
    assert imported.counts == expected
    assert sum(imported.counts.values()) == imported.rows == ROWS
    failed = failed_of(tmp_path / "files", imported)
    assert [[cell for cell in row[:-1] if cell] for row in failed] == [[cell for cell in row if cell] for row in bad]
    assert all(row[-1] for row in failed)
    written = list(store.selections.walk(imported.id))
    assert len(written) == len(set(written)) == 1760
    people = crowd_of(store)
    assert len(people) == KNOWN + 1660
    assert max(Counter(profile.email for profile, _ in people.values()).values()) == 1
    assert {entry.created for entry in store.log.of(written[0])} == {written[0] not in before}
    assert_sound(store)

    imports.undo(store, imported.id, actor="zoe", now=utc_now())
    kill_in_the_middle(environment, tmp_path, lambda: imports.progress(store, imported.id).done >= 500)
    imported = finish(store, environment, tmp_path, imported, ImportStatus.UNDONE)

    assert imported.undo_counts == {Undone.DELETED: 1660, Undone.RESTORED: 100}
    assert crowd_of(store) == before
    assert_sound(store)
