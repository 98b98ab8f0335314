"""Files of people to import, a worker that imports them, and what must hold afterwards."""

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from crm.domain.filters import PeopleFilter
from crm.domain.imports import Choices, Import, ImportStatus
from crm.domain.people import EmailStatus, Profile
from crm.jobs.work import SendSettings, Work
from crm.jobs.worker import Worker
from crm.mail.null import NullMailer
from crm.services import imports
from crm.services.files import Files, FolderFiles
from crm.services.verify import differences
from crm.store import Store
from crm.store.calls import utc_now
from tests.jobs.mailing import LINKS

Crowd = Mapping[str, tuple[Profile, EmailStatus]]


def work_on(store: Store, files: Files) -> Work:
    """The parts of a worker in this process."""
    return Work(store=store, mailer=NullMailer(), settings=SendSettings(links=LINKS), files=files)


def work_off(store: Store, files: Files) -> None:
    """Do what is due, in this process."""
    Worker(work_on(store, files)).run_once()


def uploaded(store: Store, files: Files, data: bytes | str, *, name: str = "people.csv", now: datetime | None = None) -> Import:
    """A file that was taken in."""
    content = data.encode() if isinstance(data, str) else data
    return imports.upload(
        store, files, name=name, content=io.BytesIO(content), size=len(content), owner="zoe", now=now or utc_now()
    )


def checked(store: Store, files: Files, data: bytes | str, **chosen: object) -> Import:
    """A file whose dry run is done, by a worker if need be."""
    imported = uploaded(store, files, data)
    columns = {column.index: column.field for column in imports.look(files, imported).columns}
    choices = Choices(**{"columns": columns, **chosen})  # type: ignore[arg-type]
    imports.choose(store, files, imported.id, choices, version=imported.version, now=utc_now())
    if store.imports.get(imported.id).status is ImportStatus.CHECKING:
        work_off(store, files)
    return store.imports.get(imported.id)


def begun(store: Store, files: Files, data: bytes | str, **chosen: object) -> Import:
    """An import that waits for a worker."""
    imported = checked(store, files, data, **chosen)
    assert imported.status is ImportStatus.CHECKED, imported.problem
    return imports.begin(store, imported.id, version=imported.version, actor="zoe", now=utc_now())


def done(store: Store, files: Files, data: bytes | str, **chosen: object) -> Import:
    """An import that a worker of this process did."""
    imported = begun(store, files, data, **chosen)
    work_off(store, files)
    return store.imports.get(imported.id)


def undone(store: Store, files: Files, imported: Import) -> Import:
    """The same, taken back."""
    imports.undo(store, imported.id, actor="zoe", now=utc_now())
    work_off(store, files)
    return store.imports.get(imported.id)


def crowd_of(store: Store) -> Crowd:
    """Everybody there is, by id: what staff typed, and whether they may be mailed."""
    return {person.id: (person.profile, person.email_status) for person in store.people.walk(PeopleFilter())}


def assert_sound(store: Store) -> None:
    """Nothing is counted wrong, nothing lies about."""
    store.stats.fold_all()
    assert differences(store) == []


def failed_of(folder: Path, imported: Import) -> list[list[str]]:
    """The failed rows, without their headings."""
    _, rows = imports.failed_rows(FolderFiles(folder), imported)
    return list(rows)


def csv_of(rows: list[list[str]]) -> str:
    """A file of those rows."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
