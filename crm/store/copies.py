"""Colleagues' copies of campaigns, beside the campaign."""

from crm.domain.copies import Copy, CopyStatus
from crm.store import schema
from crm.store.expressions import absent, equals
from crm.store.keys import behind_prefix, moment, stamp
from crm.store.requests import Put, Query, Update, changed
from crm.store.schema import Item
from crm.store.table import Table


class CopyRepository:
    """Written under the fence of the job that hands them over."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, campaign_id: str) -> list[Copy]:
        """Return a campaign's copies as they are at this moment, by address; one consistent query.

        The address of a copy that is settled is cut short, see `Copy.as_kept`.
        """
        pk, low = schema.prefix("copy", campaignId=campaign_id)
        items = self._table.walk(Query(partition=pk, low=low, high=behind_prefix(low), consistent=True))
        return sorted((copy_of(item) for item in items), key=lambda copy: (copy.address, copy.hash))

    def new(self, copy: Copy) -> Put:
        """Return the action that writes a copy which is not there yet; ConditionFailed where it is."""
        return Put(item=item_of(copy), expect=[absent()])

    def change(self, old: Copy, new: Copy) -> Update:
        """Return the action that turns `old` into `new`; ConditionFailed where its status is another one by now."""
        return changed(item_of(old), item_of(new), expect=[equals("status", old.status.value)])


def item_of(copy: Copy) -> Item:
    """Return the item of a copy, as it is to be kept."""
    copy = copy.as_kept()
    attributes = {
        "id": copy.hash,
        "campaignId": copy.campaign_id,
        "hash": copy.hash,
        "email": copy.address,
        "status": copy.status.value,
        "reason": copy.reason,
        "attempts": copy.attempts,
        "firstTriedAt": stamp(copy.first_tried_at) if copy.first_tried_at else None,
        "dueAt": stamp(copy.due_at) if copy.due_at else None,
        "settledAt": stamp(copy.settled_at) if copy.settled_at else None,
    }
    return schema.keyed("copy", attributes)


def copy_of(item: Item) -> Copy:
    """Return the copy that an item holds."""
    times = {
        name: moment(item[attribute]) if attribute in item else None
        for name, attribute in {"first_tried_at": "firstTriedAt", "due_at": "dueAt", "settled_at": "settledAt"}.items()
    }
    return Copy(
        campaign_id=item["campaignId"],
        hash=item["hash"],
        address=item["email"],
        status=CopyStatus(item["status"]),
        reason=item.get("reason", ""),
        attempts=item.get("attempts", 0),
        **times,
    )
