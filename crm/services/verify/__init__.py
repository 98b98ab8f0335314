"""Recounts everything from the items, names what differs, and mends what can be derived."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from crm.services.verify.difference import Difference
from crm.services.verify.facts import judge_facts
from crm.services.verify.items import Look
from crm.services.verify.judge import judge
from crm.services.verify.ledger import Group, Ledger
from crm.store import Store
from crm.store.table import ConditionFailed

__all__ = ["Difference", "Findings", "Mended", "differences", "findings", "repair"]

logger = logging.getLogger(__name__)
SEGMENTS = 4
ROUNDS = 3
"""What is mended can show something else: an attendance of nobody is removed, then its seat is counted anew."""

Report = Callable[[int], None]
"""Told every thousand items how many were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What `repair` did: the differences it mended, and those that are left for people; `lost` as in Findings."""

    mended: list[Difference]
    left: list[Difference]
    lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is not as it should be. `lost` rows of counters were left out: what they counted is no longer kept one by one."""

    differences: list[Difference]
    lost: int


def differences(store: Store, *, report: Report = lambda _: None) -> list[Difference]:
    """Return everything that is not as it should be; see `findings`."""
    return findings(store, report=report).differences


def findings(store: Store, *, report: Report = lambda _: None) -> Findings:
    """Return everything that is not as it should be; nothing is written. Memory grows with people, not with their e-mails.

    The whole table is read once. Where something does not add up it is read twice more, item by item, and what both of these
    looks say alike is returned: work that went on during one of them is no difference. Counters of e-mails and hits of which
    some are no longer kept are never named, nor mended.
    """
    first = _look(store, None, report)
    now = store.table.clock()
    lost = first.kept.lost(now)
    number = sum(lost.holds(group) for group in first.ledger.sums)
    suspects = frozenset(group for group in first.ledger.suspects() if not lost.holds(group))
    if not suspects and not any(judge_facts(store, first.facts, now)):
        return Findings(differences=[], lost=number)
    named = _named(store, suspects, report)
    found = [difference for difference in _named(store, suspects, report) if difference in named] if named else []
    return Findings(differences=found, lost=number)


def repair(store: Store, *, report: Report = lambda _: None) -> Mended:
    """Mend what can be derived from the items, each on condition that it still is as it was read, and return what was done."""
    mended: list[Difference] = []
    found = findings(store, report=report)
    for _ in range(ROUNDS):
        if not any(difference.mendable for difference in found.differences):
            break
        mended += [difference for difference in found.differences if difference.mendable and _mend(store, difference)]
        found = findings(store, report=report)
    logger.info("table repaired", extra={"mended": len(mended), "left": len(found.differences), "lost": found.lost})
    return Mended(mended=mended, left=found.differences, lost=found.lost)


def _look(store: Store, only: frozenset[Group] | None, report: Report) -> Look:
    look = Look(ledger=Ledger(only=only), hashes=store.suppressions.hashes)
    read = 0
    for segment in range(SEGMENTS):
        for item in store.table.scan(segments=SEGMENTS, segment=segment, consistent=True):
            look.see(item)
            read += 1
            if read % 1000 == 0:
                report(read)
    report(read)
    return look


def _named(store: Store, suspects: frozenset[Group], report: Report) -> list[Difference]:
    look = _look(store, suspects, report)
    now: datetime = store.table.clock()
    return [*judge(store, look, now), *judge_facts(store, look.facts, now)]


def _mend(store: Store, difference: Difference) -> bool:
    """Write what mends it; False where it has changed since."""
    try:
        store.table.write([*difference.mend, *store.stats.delta(difference.counters, now=store.table.clock())])
    except ConditionFailed:
        return False
    return True
