"""What a person leaves behind when they go: opaque ids, and nothing that tells who it was. Everything here is safe to repeat."""

from collections.abc import Iterator
from itertools import islice

from crm.domain.campaign_filters import EVERYTHING
from crm.domain.erasing import without_person
from crm.domain.filters import filter_values
from crm.domain.people import Profile
from crm.store import schema
from crm.store.campaigns import CampaignRepository
from crm.store.email_items import email_of
from crm.store.expressions import AnyOf, absent, equals, exists
from crm.store.keys import behind_prefix, render
from crm.store.requests import Action, Delete, Query, Update
from crm.store.schema import BY_DATE, Item
from crm.store.table import ConditionFailed, Table

AT_ONCE = 50
"""Items of one transaction."""
HIT_KEEPS = frozenset(
    {"PK", "SK", "id", "entityType", "emailId", "campaignId", "at", "kind", "class", "link", "counts", "expiresAt"}
)
"""What stays of an open or click: that it happened, not from where."""


def forget_emails(table: Table, user_id: str, *, erased: bool = False) -> int:
    """Take the address, and errors, which may quote it, out of everything the person was mailed; return how many had some.

    With `erased` they are marked so, and hits lose what tells where they came from. One query, and a read and a write per
    e-mail. The index may lag behind: what it does not show yet, a repeat finds. The domain that an e-mail counts under stays.
    """
    partition = render(BY_DATE.entry("email").partition, {"userId": user_id})
    changes = {"email": None, "error": None, "erased": True if erased else None}
    left = [exists("email"), exists("error"), *([absent("erased")] if erased else [])]
    forgotten = 0
    for row in table.walk(Query(partition=partition or "", index=BY_DATE)):
        key = {"PK": row["PK"], "SK": row["SK"]}
        if erased:
            _forget_hits(table, row["PK"])
        kept = {name: value for name, value in changes.items() if erased or name != "erased"} | _domain(table.get(key))
        try:
            table.write([Update(key=key, changes=kept, expect=[exists(), AnyOf(tuple(left))])])
        except ConditionFailed:
            continue
        forgotten += 1
    return forgotten


def forget_beside(table: Table, user_id: str) -> None:
    """Remove what stands beside a profile: its log, and with whom it is not to be confused, on both sides; two queries."""
    actions: list[Action] = [Delete(key=_key(item)) for item in _of(table, "log", userId=user_id)]
    for item in _of(table, "distinct", userId=user_id):
        other = schema.key("distinct", userId=item["otherId"], otherId=user_id)
        actions += [Delete(key=_key(item)), Delete(key=other)]
    left = iter(actions)
    while some := list(islice(left, AT_ONCE)):
        table.write(some)


def forget_in_campaigns(table: Table, campaigns: CampaignRepository, user_id: str, profile: Profile) -> int:
    """Put the person's id in place of their address or name where a campaign's audience asks for it; return in how many.

    It goes through all campaigns, archived ones too; a draft may go meanwhile. The version of the campaign is raised with it,
    so that nobody who has the old filter before their eyes writes it back.
    """
    changed = 0
    for campaign in campaigns.walk(EVERYTHING):
        wanted = without_person(campaign.audience_filter, user_id, profile)
        while wanted != campaign.audience_filter:
            state, content = schema.key("campaign", id=campaign.id), schema.key("content", campaignId=campaign.id)
            raised = Update(key=state, changes={"version": campaign.version + 1}, expect=[equals("version", campaign.version)])
            put = Update(key=content, changes={"filter": filter_values(wanted)}, expect=[exists()])
            try:
                table.write([raised, put])
                changed += 1
            except ConditionFailed:
                pass
            if (found := campaigns.get_many([campaign.id]).get(campaign.id)) is None:
                break
            campaign = found
            wanted = without_person(campaign.audience_filter, user_id, profile)
    return changed


def _domain(item: Item | None) -> dict[str, str]:
    """What an e-mail goes on to count under when its address is gone."""
    return {"domain": email_of(item).domain} if item is not None and item.get("email") else {}


def _forget_hits(table: Table, email_partition: str) -> None:
    low = schema.BY_NAME["hit"].sk.partition("{")[0]
    query = Query(partition=email_partition, low=low, high=behind_prefix(low), consistent=True)
    for item in table.walk(query):
        if telling := {name: None for name in item if name not in HIT_KEEPS}:
            table.write([Update(key=_key(item), changes=telling, expect=[exists()])])


def _of(table: Table, entity: str, **attributes: str) -> Iterator[Item]:
    partition, low = schema.prefix(entity, **attributes)
    return table.walk(Query(partition=partition, low=low, high=behind_prefix(low), consistent=True))


def _key(item: Item) -> dict[str, str]:
    return {"PK": item["PK"], "SK": item["SK"]}
