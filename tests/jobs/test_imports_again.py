"""Steps of an import that are done again when people were changed, merged or erased meanwhile, or under another worker."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crm.domain.errors import StoreUnavailable
from crm.domain.imports import Import, Kind
from crm.domain.people import Person
from crm.jobs import imports as import_jobs
from crm.services import erasure, import_writing, imports, merge, people
from crm.services.files import FolderFiles
from crm.store import Store
from crm.store.calls import utc_now
from crm.store.jobs import LeaseLost
from tests.factories import make_person
from tests.jobs.importing import assert_sound, begun, undone, work_on
from tests.jobs.test_imports import lines, person_at, step_of


@pytest.fixture
def files(tmp_path: Path) -> FolderFiles:
    return FolderFiles(tmp_path)


def cut_off(store: Store, files: FolderFiles, imported: Import) -> None:
    """The worker writes the people of a step, and dies before it says so."""
    held = step_of(store, files, imported)

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    held.save = away  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        import_jobs.write_step(work_on(store, files), held)


def done_again(store: Store, files: FolderFiles, imported: Import) -> Import:
    """Another worker does the import from there."""
    held = step_of(store, files, imported)
    while not held.over:
        import_jobs.write_step(work_on(store, files), held)
    return store.imports.get(imported.id)


def erased(store: Store, person: Person) -> None:
    erasure.erase(store, person.id, actor="zoe", now=utc_now())


def merged(store: Store, person: Person) -> None:
    kept = people.add(store, replace(person.profile, email="other@x.example"), now=utc_now())
    versions = (kept.version, person.version)
    merge.merge(store, kept.id, person.id, person.profile, versions=versions, actor="zoe", now=utc_now())


@pytest.mark.parametrize(("meanwhile", "counts"), [(erased, {Kind.NEW: 1, Kind.SKIPPED: 1}), (merged, {Kind.NEW: 2})])
def test_who_was_added_and_is_gone_since_does_not_come_back_under_the_same_id(
    store: Store, files: FolderFiles, meanwhile: Callable[[Store, Person], None], counts: dict[Kind, int]
) -> None:
    imported = begun(store, files, lines("Ada King,ada@x.example,Acme", "Bo Li,bo@x.example,Acme"))
    cut_off(store, files, imported)
    ada = person_at(store, "ada@x.example")
    meanwhile(store, ada)

    found = done_again(store, files, imported)

    assert found.counts == counts
    assert ada.id not in store.people.get_many([ada.id])
    assert_sound(store)


def test_a_person_whom_another_row_wrote_under_another_address_is_a_failure_that_names_that_row(
    store: Store, files: FolderFiles
) -> None:
    ada = store.people.create(make_person(email="a@x.example", first_name="Ada", last_name="King"))
    others = [f"Bo Li,b{number}@x.example,Acme" for number in range(96)]
    imported = begun(store, files, lines("Ada King,a@x.example,First", *others, "Ada King,moved@x.example,Second"))
    held = step_of(store, files, imported)
    import_jobs.write_step(work_on(store, files), held)
    written = store.people.get(ada.id)
    moved = replace(written.profile, email="moved@x.example")
    people.edit(store, ada.id, moved, version=written.version, now=utc_now())

    while not held.over:
        import_jobs.write_step(work_on(store, files), held)

    found = store.imports.get(imported.id)
    assert found.counts == {Kind.UPDATE: 1, Kind.NEW: 96, Kind.INVALID: 1}
    ((number, _, reason),) = imports.shown_failures(files, found, 9)
    assert (number, reason) == (99, "This person was written by row 2 already, under another address.")
    assert len(list(store.selections.walk(imported.id))) == 97


def test_a_row_that_was_written_counts_as_that_whatever_others_made_of_the_person_since(store: Store, files: FolderFiles) -> None:
    ada = store.people.create(make_person(email="a@x.example", last_name="King", tags=("one",), company="Before"))
    imported = begun(store, files, lines("Ada King,a@x.example,Acme"), tag="one")
    cut_off(store, files, imported)
    written = store.people.get(ada.id)
    full = tuple(f"tag {number}" for number in range(20))
    people.edit(store, ada.id, replace(written.profile, tags=full), version=written.version, now=utc_now())

    found = done_again(store, files, imported)

    assert found.counts == {Kind.UPDATE: 1}
    assert list(store.selections.walk(imported.id)) == [ada.id]


def test_a_worker_that_slept_through_the_end_and_the_undo_of_its_import_writes_nobody(
    store: Store, files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = begun(store, files, lines("Ada King,ada@x.example,Acme"))
    asleep = step_of(store, files, imported)
    write = import_writing._write

    def slept(*given: Any) -> Any:
        monkeypatch.undo()
        undone(store, files, done_again(store, files, imported))
        return write(*given)

    monkeypatch.setattr(import_writing, "_write", slept)
    with pytest.raises(LeaseLost):
        import_jobs.write_step(work_on(store, files), asleep)

    assert store.people.totals().total == 0
    assert_sound(store)
