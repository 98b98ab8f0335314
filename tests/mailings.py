"""E-mails for tests, kept as sending keeps them: items and counters in one transaction."""

from collections.abc import Sequence
from typing import Any

from crm.domain.emails import Email, EmailState
from crm.domain.ids import new_id
from crm.store import Store
from crm.store.email_items import item_of
from crm.store.outcomes import email_changes, email_labels
from crm.store.requests import Put
from tests.factories import NOW

PART = 50


def make_email(**values: Any) -> Email:
    """An e-mail that was sent."""
    given: dict[str, Any] = {
        "id": new_id(),
        "campaign_id": "c" * 32,
        "user_id": new_id(),
        "email": "ada@example.org",
        "status": EmailState.SENT,
        "created_at": NOW,
    }
    return Email(**given | values)


def keep_emails(store: Store, emails: Sequence[Email]) -> None:
    """Write them with their counts."""
    for start in range(0, len(emails), PART):
        part = emails[start : start + PART]
        changes = email_changes([(None, email) for email in part])
        store.table.write(
            [*[Put(item=item_of(email)) for email in part], *store.stats.delta(changes, labels=email_labels(part), now=NOW)]
        )
