"""E-mails: one item per campaign and person, and the lists of them."""

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice, product

from crm.domain.emails import Email, EmailState, FailReason, SkipReason
from crm.domain.errors import BadToken, NotFound
from crm.domain.keeping import SHORTEST
from crm.domain.mail_domains import OTHER
from crm.domain.outcomes import Hits, Outcome
from crm.domain.recipients import EVERYBODY, NO_CODE, Part
from crm.store import schema
from crm.store.email_items import ATTRIBUTE, SAME, email_of
from crm.store.expressions import AnyOf, Clause, Where, absent, equals, exists
from crm.store.keys import LANES, behind_prefix, escape, render, stamp
from crm.store.link_marks import mark
from crm.store.requests import Query
from crm.store.schema import BY_CAMPAIGN, BY_DATE, Item
from crm.store.stats import StatsRepository
from crm.store.table import Table
from crm.store.tokens import TokenSigner

Reason = SkipReason | FailReason
FEW = 10
"""One in so many e-mails is thought to be of a domain that is asked for: how many are, only the counters of its hours tell."""
MOST_AT_ONCE = 1400
"""E-mails that one request can read: 1 MB of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailPage:
    """Some e-mails, newest first, and the tokens of the pages beside; None where there is none."""

    items: list[Email]
    next_token: str | None
    prev_token: str | None


class EmailRepository:
    """E-mails by id, by campaign and status, by person."""

    def __init__(self, table: Table, stats: StatsRepository, signer: TokenSigner) -> None:
        self._table = table
        self._stats = stats
        self._signer = signer

    def get(self, email_id: str) -> Email:
        """Return the e-mail as it is at this moment. Raises NotFound."""
        item = self._table.get(schema.key("email", id=email_id))
        if item is None:
            raise NotFound("There is no such e-mail.")
        return email_of(item)

    def get_many(self, email_ids: Sequence[str], *, consistent: bool = True) -> dict[str, Email]:
        """Return `{id: e-mail}` of those that exist; one request per 100."""
        keys = [schema.key("email", id=email_id) for email_id in email_ids]
        return {item["id"]: email_of(item) for item in self._table.batch_get(keys, consistent=consistent) if item is not None}

    def page(
        self,
        *,
        campaign_id: str,
        statuses: Sequence[EmailState] = (),
        outcome: Outcome | None = None,
        reason: Reason | None = None,
        part: Part = EVERYBODY,
        likely: int | None = None,
        counted: Collection[EmailState] = tuple(EmailState),
        limit: int = 50,
        token: str | None = None,
    ) -> EmailPage:
        """Return a campaign's e-mails of some statuses (all by default), an outcome, a reason and a part, newest first.

        One query or a few per status and lane; what is read does not grow with the campaign. With an outcome that is a matter of
        times, a reason or a part, what is read grows with those passed over, in steps that one more request chooses by what was
        counted: `likely` is how many there are of what is asked for, where the caller knows it; nothing is read for 0. `counted`
        are the statuses that any can be in, as far as the caller knows: of others nothing is read. Raises BadToken.
        """
        wanted = _Wanted.of(campaign_id, statuses, outcome, reason, part)
        purpose = f"emails of {campaign_id} {' '.join(sorted(wanted.statuses))} {outcome or ''} {reason or ''}".rstrip()
        purpose += f" {part}" if part != EVERYBODY else ""
        back, edge = self._read(purpose, token)
        looked = replace(wanted, statuses=tuple(one for one in wanted.statuses if one in counted))
        some = self._merged(looked, limit + 1, back=back, edge=edge, likely=likely) if likely != 0 else iter(())
        found = list(islice(some, limit + 1))
        items, more = found[:limit], len(found) > limit
        if back:
            items.reverse()
        before, after = (more, True) if back else (token is not None, more)
        return EmailPage(
            items=[email_of(item) for item in items],
            next_token=self._signer.sign(purpose, [False, items[-1][BY_CAMPAIGN.sk]]) if items and after else None,
            prev_token=self._signer.sign(purpose, [True, items[0][BY_CAMPAIGN.sk]]) if items and before else None,
        )

    def walk(
        self,
        campaign_id: str,
        statuses: Sequence[EmailState] = (),
        *,
        outcome: Outcome | None = None,
        reason: Reason | None = None,
        part: Part = EVERYBODY,
    ) -> Iterator[Email]:
        """Give all of a campaign's e-mails as `page` does, newest first: for lists in CSV and for retries, which check."""
        found = self._merged(_Wanted.of(campaign_id, statuses, outcome, reason, part), 400, back=False, edge=None)
        return (email_of(item) for item in found)

    def of_person(self, user_id: str, *, limit: int = 50, until: datetime | None = None) -> list[Email]:
        """Return what a person was mailed, newest first, from `until` back (itself too); a query, and a batch per 100.

        The index also has those that have expired and are not yet deleted: as many more are looked at.
        """
        query = _mailed(user_id, until)
        found: list[Email] = []
        while query is not None and len(found) < limit:
            rows = self._table.query(replace(query, limit=limit - len(found)))
            found += self._there(rows.items)
            query = replace(query, start=rows.next) if rows.next is not None else None
        return found

    def walk_person(self, user_id: str) -> Iterator[Email]:
        """Give all that a person was mailed, newest first; a batch per 100."""
        query = _mailed(user_id, None)
        rows = list(self._table.walk(query)) if query is not None else []
        for start in range(0, len(rows), 100):
            yield from self._there(rows[start : start + 100])

    def count_of_person(self, user_id: str, *, until: datetime | None = None) -> int:
        """Return how many e-mails a person has, from `until` back; of those from the last year keys alone are read."""
        query = _mailed(user_id, until)
        rows = list(self._table.walk(query)) if query is not None else []
        edge = stamp(self._table.clock() - SHORTEST)
        old = [row for row in rows if row[BY_DATE.sk] < edge]
        return len(rows) - len(old) + len(self._there(old))

    def _there(self, rows: Sequence[Item]) -> list[Email]:
        """The e-mails of those rows of the index, but for those that are gone."""
        items = self._table.batch_get([{"PK": row["PK"], "SK": row["SK"]} for row in rows])
        return [email_of(item) for item in items if item is not None]

    def _read(self, purpose: str, token: str | None) -> tuple[bool, str | None]:
        if token is None:
            return False, None
        position = self._signer.read(purpose, token)
        if not isinstance(position, list) or len(position) != 2:
            raise BadToken("This page link is not valid for this list. Start again from the first page.")
        return bool(position[0]), str(position[1])

    def _merged(
        self, wanted: "_Wanted", limit: int, *, back: bool, edge: str | None, likely: int | None = None
    ) -> Iterator[Item]:
        """Give the items of all partitions in order, reading each no further than needed."""
        size = min(MOST_AT_ONCE, round(max(10, limit // LANES + 5) * self._passed_over(wanted, likely)))
        low, high = (edge, None) if back else (None, edge)
        queries = [
            Query(partition=partition, index=BY_CAMPAIGN, low=low, high=high, forward=back, limit=size, where=wanted.where)
            for partition in partitions(wanted.campaign_id, wanted.statuses)
        ]
        streams: list[Iterable[Item]] = [
            (item for item in self._table.walk(query) if item[BY_CAMPAIGN.sk] != edge and wanted.holds(item)) for query in queries
        ]
        return heapq.merge(*streams, key=lambda item: str(item[BY_CAMPAIGN.sk]), reverse=not back)

    def _passed_over(self, wanted: "_Wanted", likely: int | None) -> float:
        """How many e-mails are looked at for one that is found, roughly: 1 where the partition decides alone."""
        if not wanted.where:
            return 1.0
        what = f"CAMPAIGN#{escape(wanted.campaign_id)}"
        row, why, link = (what, "TOTAL"), (what, f"REASON#{wanted.reason}"), (what, f"LINK#{wanted.part.link}")
        counts = self._stats.estimate(keys=[row, why, link])
        there = sum(counts.value(*row, status) for status in wanted.statuses)
        if likely is not None:
            found = likely
        elif wanted.part.link is not None:
            found = counts.value(*link, "persons" if wanted.part.hits is Hits.PEOPLE else "any")
        elif wanted.part.domain:
            found = there // FEW
        elif wanted.reason is not None:
            found = sum(counts.value(*why, status) for status in wanted.statuses)
        else:
            timed = counts.value(*row, wanted.word)
            found = there - timed if wanted.outcome and wanted.outcome.lacks else timed
        return max(1.0, 1.3 * there / max(1, found))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """Which e-mails of a campaign: in which partitions they are, and which of these pass."""

    campaign_id: str
    statuses: tuple[EmailState, ...]
    outcome: Outcome | None = None
    reason: Reason | None = None
    part: Part = EVERYBODY

    @classmethod
    def of(
        cls, campaign_id: str, statuses: Sequence[EmailState], outcome: Outcome | None, reason: Reason | None, part: Part
    ) -> "_Wanted":
        """What all of them ask for; no status means all. A reason is of one state alone."""
        possible = outcome.states if outcome is not None else tuple(EmailState)
        own = {type(None): None, SkipReason: EmailState.SKIPPED, FailReason: EmailState.FAILED}[type(reason)]
        kept = tuple(sorted(one for one in possible if (not statuses or one in statuses) and own in {None, one}))
        return cls(campaign_id=campaign_id, statuses=kept, outcome=outcome, reason=reason, part=part)

    @property
    def where(self) -> Where:
        """What the time of the outcome must be, there or not; the reason; and what of a part can be asked of an item."""
        name = "skipReason" if isinstance(self.reason, SkipReason) else "failReason"
        why = [equals(name, self.reason.value)] if self.reason is not None else []
        return (*why, *(became(self.outcome) if self.outcome is not None else []), *_of_part(self.part))

    def holds(self, item: Item) -> bool:
        """Tell whether an item that passed is of the part: its domain, and the code of its error, are not kept as such."""
        return self.part == EVERYBODY or self.part.holds(email_of(item))

    @property
    def word(self) -> str:
        """The counter of that time."""
        return (self.outcome.has or self.outcome.lacks).removesuffix("_at") if self.outcome is not None else ""


def became(outcome: Outcome) -> list[Clause | AnyOf]:
    """Return what holds for the items of e-mails of which that became, besides their status."""
    has, lacks = ([name, SAME.get(name)] if (name := ATTRIBUTE.get(time)) else [] for time in (outcome.has, outcome.lacks))
    present = tuple(exists(name) for name in has if name)
    return [*([AnyOf(present)] if present else []), *[absent(name) for name in lacks if name]]


def _of_part(part: Part) -> list[Clause | AnyOf]:
    """What holds for the items of such e-mails, as far as it can be asked: a code stands in a longer text, or in none."""
    names = ("links",) if part.hits is Hits.PEOPLE else ("links", "linksAny")
    link = [] if part.link is None else [AnyOf(tuple(Clause(name, "contains", (mark(part.link),)) for name in names))]
    known = part.code and part.code != NO_CODE
    code = [Clause("error", "contains", (part.code.partition(" ")[0],))] if known else []
    failed = [exists("failReason")] if part.code else []
    return [*of_domains([part.domain] if part.domain else []), *link, *failed, *code]


def of_domains(domains: Sequence[str]) -> list[AnyOf]:
    """Return what the engine can tell of e-mails that count under one of these folded domains, all of them where there is none.

    An e-mail keeps its domain apart where its address does not end just so. One from before domains were counted has none.
    """
    either = [clause for one in domains for clause in (equals("domain", one), Clause("email", "contains", (f"@{one}",)))]
    either += [absent("domain")] if OTHER in domains else []
    return [AnyOf(tuple(either))] if either else []


def _mailed(user_id: str, until: datetime | None) -> Query | None:
    """What a person was mailed, newest first, from the index; None for an id that can't be."""
    partition = render(BY_DATE.entry("email").partition, {"userId": user_id})
    if partition is None:
        return None
    return Query(partition=partition, index=BY_DATE, high=behind_prefix(stamp(until)) if until else None, forward=False)


def partitions(campaign_id: str, statuses: Iterable[EmailState]) -> list[str]:
    """Return the index partitions that hold a campaign's e-mails of those statuses.

    >>> partitions("c1", [EmailState.SENT])[:2]
    ['CAMPAIGN#c1#sent#0', 'CAMPAIGN#c1#sent#1']
    """
    head, _, _ = BY_CAMPAIGN.entry("email").partition.partition("{id:lane}")
    heads = [render(head, {"campaignId": campaign_id, "status": status.value}) for status in statuses]
    return [f"{text}{lane}" for text, lane in product(heads, range(LANES))]
