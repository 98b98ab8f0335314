"""The audit log: what staff did is written down here where nothing of the table was changed with it."""

from datetime import datetime

from crm.domain.audit import AuditEntry
from crm.domain.ids import new_id
from crm.store import Store


def note(store: Store, action: str, subject: str = "", *, actor: str, now: datetime, **facts: str | int) -> None:
    """Write one entry, as `AuditEntry` says; one request.

    Where the table is changed as well, its transaction takes the entry along instead.
    """
    store.audit.note(AuditEntry(id=new_id(), at=now, actor=actor, action=action, subject=subject, facts=facts))
