"""Who stands for somebody who was merged, or is just being merged, into another person."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from crm.store import schema
from crm.store.people_items import LEAVING, MERGING
from crm.store.people_merge import FARTHEST
from crm.store.requests import Query
from crm.store.table import Table


def all_merges(table: Table) -> dict[str, str]:
    """Return into whom each person was merged, or just is; one consistent query, a read unit per 25 merges there ever were."""
    partition, _ = schema.prefix("merge")
    items = table.walk(Query(partition=partition, attributes=("id", "into"), consistent=True))
    return {str(item["id"]): str(item["into"]) for item in items}


def heirs_among(user_ids: AbstractSet[str], merges: Mapping[str, str]) -> frozenset[str]:
    """Return who is meant by these ids because somebody of them was merged into them, and is not one of the ids."""
    found: set[str] = set()
    latest = {merges[one] for one in merges.keys() & user_ids}
    while latest:
        found |= latest
        latest = {merges[one] for one in merges.keys() & latest} - found
    return frozenset(found - user_ids)


def with_heirs(table: Table, user_ids: Sequence[str], sought: Sequence[str]) -> list[str]:
    """Return these ids in their order, each once, with whom they became in the end instead of those who are `sought`.

    Who was not merged keeps their id. Requests as of `heirs_of`.
    """
    heirs = heirs_of(table, sought)
    return list(dict.fromkeys(heirs.get(one, one) for one in user_ids))


def heirs_of(table: Table, sought: Sequence[str]) -> dict[str, str]:
    """Return whom these became in the end, of those who were merged or just are. Whoever that is may have been removed since.

    Two requests per 100 sought, and as many for each merge in a row.
    """
    heirs: dict[str, str] = {}
    last = {one: one for one in sought}
    for _ in range(FARTHEST):
        into = _into(table, sorted(set(last.values())))
        last = {first: into[one] for first, one in last.items() if one in into}
        if not last:
            break
        heirs |= last
    return heirs


def _into(table: Table, user_ids: Sequence[str]) -> dict[str, str]:
    """Who of these goes into whom; profiles are read first, for the trace of a merge is written as the profile goes."""
    found = table.batch_get([schema.key("user", id=one) for one in user_ids], consistent=True)
    profiles = {item["id"]: item for item in found if item is not None}
    gone = [one for one in user_ids if one not in profiles]
    traces = table.batch_get([schema.key("merged", id=one) for one in gone], consistent=True) if gone else []
    merged = {one: str(trace["into"]) for one, trace in zip(gone, traces, strict=True) if trace is not None}
    going = {id_: str(item[MERGING]) for id_, item in profiles.items() if LEAVING in item and MERGING in item}
    return merged | going
