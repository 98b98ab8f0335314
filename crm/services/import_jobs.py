"""The jobs of an import: the dry run, the import itself, its undoing."""

from crm.domain.imports import Import, ImportStatus
from crm.store import schema
from crm.store.jobs import JobKey

CHECK, WRITE, UNDO = "IMPORTCHECK", "IMPORT", "IMPORTUNDO"
_JOBS = {
    ImportStatus.CHECKING: CHECK,
    ImportStatus.RUNNING: WRITE,
    ImportStatus.CANCELLED: WRITE,
    ImportStatus.UNDOING: UNDO,
}


def job_key(import_id: str, kind: str) -> JobKey:
    """Return which job that is."""
    return JobKey(owner=schema.key("import", id=import_id)["PK"], name=kind)


def job_of(imported: Import) -> str | None:
    """Return which of the jobs is at work, None when nothing is; one that was stopped still finishes its last step."""
    if imported.status is ImportStatus.CANCELLED and imported.finished_at is not None:
        return None
    return _JOBS.get(imported.status)
