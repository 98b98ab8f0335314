"""What a person leaves behind in e-mails when they are erased: the opaque id, and no address."""

from crm.store.expressions import exists
from crm.store.keys import render
from crm.store.requests import Query, Update
from crm.store.schema import BY_DATE
from crm.store.table import ConditionFailed, Table


def forget_address(table: Table, user_id: str) -> int:
    """Take the address out of everything the person was mailed, and return how many e-mails had one; safe to repeat.

    One query, and one write per e-mail. The index may lag behind: what it does not show yet, a repeat finds.
    """
    partition = render(BY_DATE.entry("email").partition, {"userId": user_id})
    forgotten = 0
    for row in table.walk(Query(partition=partition or "", index=BY_DATE)):
        key = {"PK": row["PK"], "SK": row["SK"]}
        try:
            table.write([Update(key=key, changes={"email": None}, expect=[exists("email")])])
        except ConditionFailed:
            continue
        forgotten += 1
    return forgotten
