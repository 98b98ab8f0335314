"""What a person leaves behind when they go: opaque ids, and nothing that tells who it was. Everything here is safe to repeat."""

from collections.abc import Iterator
from itertools import islice

from crm.domain.campaign_filters import EVERYTHING
from crm.domain.erasing import without_person
from crm.domain.failures import code_alone
from crm.domain.filters import filter_values
from crm.domain.people import Profile
from crm.store import schema
from crm.store.campaigns import CampaignRepository
from crm.store.email_items import email_of
from crm.store.expressions import equals, exists
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
    e-mail. The index may lag behind: what it does not show yet, a repeat finds. What an e-mail goes on to count under stays:
    its domain, and the code of the error with which it failed.
    """
    partition = render(BY_DATE.entry("email").partition, {"userId": user_id})
    forgotten = 0
    for row in table.walk(Query(partition=partition or "", index=BY_DATE)):
        if erased:
            _forget_hits(table, row["PK"])
        forgotten += _forget_email(table, {"PK": row["PK"], "SK": row["SK"]}, erased=erased)
    return forgotten


def _forget_email(table: Table, key: Item, *, erased: bool) -> bool:
    """Whether there was anything to take out; read and written again where somebody else was faster."""
    while (item := table.get(key)) is not None:
        email = email_of(item)
        code = code_alone(email.error) if email.fail_reason else ""
        changes = {"email": None, "error": code or None, **({"erased": True} if erased else {})}
        if all(item.get(name) == value for name, value in changes.items()):
            return False
        read = [equals(name, item.get(name)) for name in ("email", "error", "failReason")]
        domain = {"domain": email.domain} if email.email else {}
        try:
            table.write([Update(key=key, changes=changes | domain, expect=[exists(), *read])])
        except ConditionFailed:
            continue
        return True
    return False


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
