"""What commands write to the audit log where it can be written: the first accounts are made before there is a table."""

from datetime import UTC, datetime

from crm.domain.errors import CrmError
from crm.services import audit
from crm.wiring import get_store


def note_done(action: str, subject: str, **facts: str | int) -> str:
    """Write one entry in nobody's name, for what is done already. Returns why it could not be written; empty where it was.

    A table that is away is not waited for.
    """
    store = get_store()
    try:
        store.table.ping()
        audit.note(store, action, subject, actor="", now=datetime.now(UTC), **facts)
    except CrmError as error:
        return f"This is not in the audit log: {error.message}"
    return ""
