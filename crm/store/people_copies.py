"""Copies of profiles that stand in a person's tags, so that a page by tag shows people without looking each of them up.

Whatever changes a profile names its person in the delta of the same transaction (`behind` in people_items.py); the fold brings
the copies up to date before it takes that delta away. So a copy says what the profile does, unless a delta names its person: then
the profile is asked. Only new people and folds write copies: docs/decisions/0107-pointers-and-the-people-they-lead-to.md
"""

import logging
from collections.abc import Sequence

from crm.domain.errors import RuleViolation
from crm.store import schema
from crm.store.expressions import equals, exists
from crm.store.people_items import person_of, tag_copies
from crm.store.requests import Put
from crm.store.schema import Item
from crm.store.table import Table

logger = logging.getLogger(__name__)


def catching_up(table: Table, ids: Sequence[str]) -> list[Put]:
    """Return what brings the copies of these people up to date; a request for each 100 of them, and one for each 100 copies.

    A member that is not there is none, and neither is that of somebody who came under the same id meanwhile.
    """
    profiles = table.batch_get([schema.key("user", id=id_) for id_ in ids], consistent=True)
    wanted = [item for profile in profiles if profile is not None for item in _copies_of(profile)]
    there = table.batch_get([{"PK": item["PK"], "SK": item["SK"]} for item in wanted], consistent=True)
    return [
        Put(item=item, expect=[exists(), equals("createdAt", member.get("createdAt"))])
        for item, member in zip(wanted, there, strict=True)
        if member is not None and member != item
    ]


def _copies_of(profile: Item) -> list[Item]:
    """None of a profile that can't be read: one bad item must not hold up the counts of all."""
    try:
        return list(tag_copies(person_of(profile)).values())
    except (KeyError, ValueError, TypeError, RuleViolation):
        logger.exception("profile can't be copied into its tags", extra={"person_id": profile.get("id")})
        return []
