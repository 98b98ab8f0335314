"""E-mails of counted hours in the order of paging: which partitions are read, how far, and how many at a time."""

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from crm.domain.emails import Email, EmailState
from crm.domain.metrics import EmailQuery
from crm.domain.people import folded_address
from crm.store.email_items import email_of
from crm.store.emails import MOST_AT_ONCE, became, of_domains, partitions
from crm.store.expressions import Where
from crm.store.keys import LANES, behind_prefix, render, stamp
from crm.store.requests import Query
from crm.store.schema import BY_CAMPAIGN
from crm.store.table import Table

Place = tuple[str, str]
"""Where an e-mail stands in a list: when it was created, as a stamp, and its id."""
ENTRY = BY_CAMPAIGN.entry("email")
MARGIN = 1.5
"""How much more than the likely number is read at first where some are passed over."""
ORDER = (EmailState.QUEUED, EmailState.UNCERTAIN, EmailState.FAILED, EmailState.SKIPPED, EmailState.SENT)
"""The order of reading: states that e-mails leave come before those they stay in, so that one that moves meanwhile is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What is looked for among the e-mails of one campaign that were created in one UTC hour.

    As it was counted, `there` e-mails are in these states, of which `likely` pass: some may be kept no longer.
    """

    hour: datetime
    campaign_id: str
    statuses: tuple[EmailState, ...]
    there: int
    likely: int


def emails_in(
    table: Table, hours: Iterable[Hour], query: EmailQuery, *, wanted: int, start: Place | None = None, back: bool = False
) -> Iterator[Email]:
    """Give the e-mails of these hours that pass, each once, newest first, or oldest first with `back`; from behind `start` on.

    Hours are read in runs that hold `wanted` each; a run that holds fewer by now is followed by the next one. Four queries for
    each campaign and status of a run, and more only where more than expected had to be passed over.
    """
    edge = None if start is None else render(ENTRY.sort, {"createdAt": start[0], "id": start[1]})
    for run in _runs(hours, edge, wanted, back=back):
        low, high = stamp(run[0].hour), behind_prefix(stamp(run[-1].hour)[:14])
        if edge is not None:
            low, high = (max(low, edge), high) if back else (low, min(high, edge))
        streams = [table.walk(one) for one in _queries(run, query, wanted, low=low, high=high, forward=back)]
        last = edge
        for item in heapq.merge(*streams, key=lambda item: str(item[BY_CAMPAIGN.sk]), reverse=not back):
            if (place := str(item[BY_CAMPAIGN.sk])) != last:
                last = place
                if query.matches(email := email_of(item)):
                    yield email


def _queries(run: Sequence[Hour], query: EmailQuery, wanted: int, *, low: str, high: str, forward: bool) -> Iterator[Query]:
    """The queries of all partitions of a run, in the order in which they are to be sent."""
    where = _where(query)
    mine: dict[str, list[Hour]] = {}
    for hour in run:
        mine.setdefault(hour.campaign_id, []).append(hour)
    for status in ORDER:
        for campaign_id, hours in sorted(mine.items()):
            if any(status in hour.statuses for hour in hours):
                limit = _at_once(hours, wanted) if where else _page(wanted)
                for partition in partitions(campaign_id, [status]):
                    yield Query(
                        partition=partition, index=BY_CAMPAIGN, low=low, high=high, forward=forward, limit=limit, where=where
                    )


def _page(wanted: int) -> int:
    """E-mails to read of one lane, so that a second request is very rarely needed where none is passed over."""
    return min(wanted + 1, wanted // LANES + 2 * math.isqrt(wanted) + 2)


def _at_once(hours: Sequence[Hour], wanted: int) -> int:
    """The same where some are passed over: by how many of this campaign's pass, roughly."""
    there, likely = sum(hour.there for hour in hours), sum(hour.likely for hour in hours)
    looked_at = MARGIN * there / max(1, likely)
    return min(MOST_AT_ONCE, max(10, math.ceil(looked_at * min(wanted, max(1, likely)) / LANES)))


def _where(query: EmailQuery) -> Where:
    """What the engine can tell of the outcome and the domain; the rest is looked at here."""
    domains = [folded_address(domain) for domain in query.domains]
    return (*(became(query.outcome) if query.outcome is not None else []), *of_domains(domains))


def _runs(hours: Iterable[Hour], edge: str | None, wanted: int, *, back: bool) -> Iterator[list[Hour]]:
    """Cut hours into runs, in the order of paging, each of which likely holds enough; in a run the oldest comes first.

    The hour that `edge` stands in is a run of its own: how much of it is left, counters don't tell.
    """
    ordered = sorted(hours, key=attrgetter("hour"), reverse=not back)
    run: list[Hour] = []
    held = 0
    for number, one in enumerate(ordered):
        hour = stamp(one.hour)[:13]
        if edge is not None and (hour < edge[:13] if back else hour > edge[:13]):
            continue
        run.append(one)
        held += one.likely
        following = ordered[number + 1].hour if number + 1 < len(ordered) else None
        if following != one.hour and (held >= wanted or following is None or (edge is not None and hour == edge[:13])):
            yield sorted(run, key=attrgetter("hour"))
            run, held = [], 0
