"""The jobs of an import: the dry run, the import itself, its undoing."""

from crm.store import schema
from crm.store.jobs import JobKey

CHECK, WRITE, UNDO = "IMPORTCHECK", "IMPORT", "IMPORTUNDO"


def job_key(import_id: str, kind: str) -> JobKey:
    """Return which job that is."""
    return JobKey(owner=schema.key("import", id=import_id)["PK"], name=kind)
