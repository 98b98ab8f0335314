"""filter + order + counts -> Plan: where the people of a filter are read, and in which order. Pure.

Every person is in GSI_ByName, so a plan never has to scan while people are counted; what a source's keys do not decide is
left to a DynamoDB filter expression (crm/store/people_where.py), and only what that can't say to Python.
"""

from dataclasses import replace

from crm.domain.errors import BadToken
from crm.domain.filters import Order, PeopleFilter
from crm.store.people_counts import Counts
from crm.store.people_sources import candidates, cost, whole_cost
from crm.store.plan import Plan

SORTED_AT_MOST = 2000
"""Matches that are read and sorted for an order that no key gives."""
SORTED_AGAIN = 2
"""What is sorted is read whole for each page: a source that has the order may hold so many times as many people."""
WIDE = 10
"""A plan is wide when it reads more than this many times what it returns."""


def plan(wanted: PeopleFilter, order: Order, counts: Counts, *, pinned: str | None = None) -> Plan:
    """Return the cheapest plan whose order is `order`; with SOURCE the cheapest of all.

    `pinned` is the source of the page before, so that counts that change in between can't mix two orders. Raises BadToken
    when this filter has no such source.
    """
    found = list(candidates(wanted, order, counts))
    if order is Order.SOURCE:
        found = [candidate for candidate in found if pinned is None or _same(candidate.source, pinned)]
        if not found:
            raise BadToken("This page link is of an older list; start again from the first page.")
        return _noted(min(found, key=cost))
    cheapest = min(found, key=cost)
    in_order = [candidate for candidate in found if candidate.order == order.value]
    best = min(in_order, key=cost, default=None)
    if best is not None and (cheapest.estimate > SORTED_AT_MOST or best.estimate <= SORTED_AGAIN * cheapest.estimate):
        return _noted(best)
    return replace(cheapest, order=order.value, in_memory=True, note=cheapest.note or "sorted")


def plan_whole(wanted: PeopleFilter, counts: Counts) -> Plan:
    """Return the cheapest plan to read everybody who matches, in whatever order."""
    return min(candidates(wanted, Order.SOURCE, counts, whole=True), key=whole_cost)


def _same(source: str, pinned: str) -> bool:
    """Whether both give the same order for one filter: a scan sorts by name."""
    return source == pinned or {source, pinned} == {"scan", "name"}


def _noted(chosen: Plan) -> Plan:
    """The plan, saying what staff should know about it."""
    wide = chosen.estimate > SORTED_AT_MOST and chosen.estimate > WIDE * max(1, chosen.matches)
    return replace(chosen, note="wide") if wide and not chosen.note else chosen
