"""What somebody was mailed goes over to another person; what still waits to be sent stays behind."""

from collections.abc import Sequence
from dataclasses import replace

from crm.domain.emails import Email, EmailState
from crm.store.email_items import email_of, item_of
from crm.store.expressions import equals, exists
from crm.store.keys import render
from crm.store.requests import Query, Update, changed
from crm.store.schema import BY_DATE, Item
from crm.store.table import ConditionFailed, Table

PART = 50


class EmailHandover:
    """E-mails are found by an index, which may be behind: whoever needs all of them looks again later."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def hand_over(self, old_id: str, new_id: str) -> list[Email]:
        """Give all that does not wait any more to `new_id`, and return what waits; safe to repeat. No count changes.

        One query, and per 50 e-mails one read and one transaction.
        """
        waiting: list[Email] = []
        keys = self._keys(old_id)
        for start in range(0, len(keys), PART):
            waiting += self._part(keys[start : start + PART], old_id, new_id)
        return waiting

    def forget(self, emails: Sequence[Email]) -> None:
        """Take the address out of e-mails that wait for somebody who is gone; the sender skips them."""
        for email in emails:
            before = item_of(email)
            expect = [exists("email"), equals("status", email.status.value)]
            try:
                self._table.write(
                    [
                        Update(
                            key={"PK": before["PK"], "SK": before["SK"]},
                            changes={"email": None, "domain": email.domain},
                            expect=expect,
                        )
                    ]
                )
            except ConditionFailed:
                continue

    def _keys(self, user_id: str) -> list[Item]:
        partition = render(BY_DATE.entry("email").partition, {"userId": user_id}) or ""
        rows = self._table.walk(Query(partition=partition, index=BY_DATE, forward=False))
        return [{"PK": row["PK"], "SK": row["SK"]} for row in rows]

    def _part(self, keys: Sequence[Item], old_id: str, new_id: str) -> list[Email]:
        """Read and write; where the sender or a retry was faster, once more."""
        while True:
            found = [email_of(item) for item in self._table.batch_get(keys, consistent=True) if item is not None]
            mine = [email for email in found if email.user_id == old_id]
            moving = [email for email in mine if email.status is not EmailState.QUEUED]
            try:
                self._table.write([_moved(email, new_id) for email in moving])
            except ConditionFailed:
                continue
            return [email for email in mine if email.status is EmailState.QUEUED]


def _moved(email: Email, new_id: str) -> Update:
    expect = [equals("userId", email.user_id), equals("status", email.status.value)]
    return changed(item_of(email), item_of(replace(email, user_id=new_id)), expect=expect)
