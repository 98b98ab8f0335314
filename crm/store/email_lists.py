"""E-mails by what is asked of them, newest first: counters tell where there are any, so nothing else is read."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from crm.domain.campaigns import Utm
from crm.domain.emails import Email, EmailState
from crm.domain.errors import BadToken
from crm.domain.metrics import EmailQuery
from crm.store.email_runs import Hour, Place, emails_in
from crm.store.emails import EmailPage
from crm.store.keys import stamp
from crm.store.months import bounds, hour_of, months_between
from crm.store.outcomes import DOMAINS, EXPIRES_LAST, LATER
from crm.store.stats import CounterRange, Snapshot, StatsRepository
from crm.store.table import Table
from crm.store.tokens import TokenSigner

PART = 1000
"""E-mails that are looked for at a time where all are wanted."""
MONTHS = "EMAILS"
QUEUED = EmailState.QUEUED


@dataclass(frozen=True, slots=True, kw_only=True)
class HourRow:
    """What became of the e-mails of one campaign that were created in the UTC hour that begins at `hour`.

    `statuses` are those in which e-mails of the row are to be looked for: while some are queued, all that are asked for; `there`
    is how many are in them, whatever their domain. `domains` are the same counts by domain, where these were read. From
    `kept_until` on, None for never, they are counted but no longer kept one by one; those that are queued then still are.
    """

    hour: datetime
    campaign_id: str
    utm: Utm
    counts: dict[str, int]
    statuses: tuple[EmailState, ...]
    there: int = 0
    domains: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    kept_until: datetime | None = None

    def has_ended(self, now: datetime) -> bool:
        """Tell whether what has become of these e-mails is kept no longer at `now`."""
        return self.kept_until is not None and self.kept_until <= now


class EmailLists:
    """Reads e-mails over campaigns: how many from counters, which ones from GSI_EmailsByCampaign. Never a scan."""

    def __init__(self, table: Table, stats: StatsRepository, signer: TokenSigner) -> None:
        self._table = table
        self._stats = stats
        self._signer = signer

    def rows(self, query: EmailQuery, *, by_domain: bool = False) -> list[HourRow]:
        """Return the counted hours that pass, oldest first, each with the counts of the statuses that are asked for.

        Seven requests and one per month; for a range that is open or longer than a year, seven more tell which months hold any.
        `by_domain`, or a query that asks for domains, reads their counters at the same moment: one request more per month.
        """
        months = self._months(query.first_hour, query.last_hour)
        if not (ranges := self._ranges_of(months, query, by_domain=by_domain or bool(query.domains))):
            return []
        return self.passing(_hour_rows(self._stats.snapshot(ranges=ranges), months), query)

    def ranges(self, query: EmailQuery) -> list[CounterRange]:
        """Return what to ask a snapshot for, so that `rows_in` finds the hours of a query in it; both its ends are needed."""
        return self._ranges_of(_months_of(query), query, by_domain=bool(query.domains))

    def rows_in(self, snapshot: Snapshot, query: EmailQuery) -> list[HourRow]:
        """Return what `rows` does, out of a snapshot that was asked for `ranges` among others; nothing is read."""
        return self.passing(_hour_rows(snapshot, _months_of(query)), query)

    def passing(self, rows: Iterable[HourRow], query: EmailQuery) -> list[HourRow]:
        """Return those of `rows` that pass, with the counts that are asked for; nothing is read."""
        words = _words(query)
        return [
            kept
            for row in rows
            if query.covers(row.hour) and query.wants_campaign(row.campaign_id, row.utm) and (kept := _asked(row, query, words))
        ]

    def find(
        self, query: EmailQuery, *, limit: int = 25, token: str | None = None, rows: Sequence[HourRow] | None = None
    ) -> EmailPage:
        """Return one page of e-mails, newest first, those of one moment by id, the greatest first. Raises BadToken.

        Beside what `rows` costs, only partitions are read that hold something in the hours of the page, four for each campaign
        and status. With an outcome or a domain, what is read grows with those passed over, in steps that the counters choose.
        Where the rows of the query were just read for something else, they need not be read again. A page of which everything
        is gone meanwhile is empty, and the last.
        """
        purpose = f"emails {query.fingerprint()}"
        back, start = _position(self._signer.read(purpose, token)) if token else (False, None)
        hours = self._hours(query, rows)
        found = list(islice(emails_in(self._table, hours, query, wanted=limit + 1, start=start, back=back), limit + 1))
        if not found and back:
            return self.find(query, limit=limit, rows=rows)
        items, more = found[:limit], len(found) > limit
        if back:
            items.reverse()
        before, after = (more, True) if back else (start is not None, more)
        return EmailPage(
            items=items,
            next_token=self._signer.sign(purpose, [False, *_place(items[-1])]) if items and after else None,
            prev_token=self._signer.sign(purpose, [True, *_place(items[0])]) if items and before else None,
        )

    def walk(self, query: EmailQuery) -> Iterator[Email]:
        """Give every e-mail that passes, newest first; its hours are counted once, at the start, and each is read once."""
        yield from emails_in(self._table, self._hours(query), query, wanted=PART)

    def _hours(self, query: EmailQuery, rows: Sequence[HourRow] | None = None) -> list[Hour]:
        now = self._table.clock()
        kept = [row for row in (self.rows(query) if rows is None else rows) if row.counts.get(QUEUED) or not row.has_ended(now)]
        return [hour for row in kept if (hour := _sought(row, query)) is not None]

    def _ranges_of(self, months: Sequence[str], query: EmailQuery, *, by_domain: bool) -> list[CounterRange]:
        kinds = [f"{MONTHS}#", *([DOMAINS] if by_domain else [])]
        edges = {month: bounds(month, query.first_hour, query.last_hour) for month in months}
        return [CounterRange(f"{kind}{month}", *edges[month]) for month in months for kind in kinds]

    def _months(self, first: datetime | None, last: datetime | None) -> list[str]:
        if first is not None and last is not None and first > last:
            return []
        if first is not None and last is not None and last - first < timedelta(days=366):
            return months_between(first, last)
        wanted = CounterRange(MONTHS, f"{first:%Y-%m}" if first else None, f"{last:%Y-%m}" if last else None)
        return [month for month, row in self._stats.snapshot(ranges=[wanted]).rows(MONTHS).items() if row.get("n")]


def gone(rows: Iterable[HourRow], query: EmailQuery, now: datetime) -> int:
    """Return how many e-mails were counted in `rows` that pass, and are no longer kept one by one: a list lacks them."""
    ended = [row.counts for row in rows if row.has_ended(now)]
    return sum(_passed({word: number for word, number in counts.items() if word != QUEUED}, query) for counts in ended)


def _passed(counts: Mapping[str, int], query: EmailQuery) -> int:
    possible = query.outcome.states if query.outcome is not None else tuple(EmailState)
    there = sum(counts.get(status, 0) for status in possible)
    if query.outcome is None or not (query.outcome.has or query.outcome.lacks):
        return there
    timed = counts.get((query.outcome.has or query.outcome.lacks).removesuffix("_at"), 0)
    return timed if query.outcome.has else max(0, there - timed)


def _months_of(query: EmailQuery) -> list[str]:
    """The months of a query that has both its ends."""
    first, last = query.first_hour, query.last_hour
    if first is None or last is None:
        raise ValueError("a range that is open does not tell which months to read")
    return months_between(first, last)


def _hour_rows(snapshot: Snapshot, months: Sequence[str]) -> Iterator[HourRow]:
    for month in months:
        domains = _by_domain(snapshot.rows(f"{DOMAINS}{month}"))
        for key, row in snapshot.rows(f"{MONTHS}#{month}").items():
            yield replace(_hour_row(month, key, row), domains=domains.get(key, {}))


def _hour_row(month: str, key: str, row: dict[str, int | str]) -> HourRow:
    hour, _, campaign_id = key.partition("#")
    until = row.get(EXPIRES_LAST)
    return HourRow(
        hour=hour_of(month, hour),
        campaign_id=campaign_id,
        utm=Utm(**{name: str(row.get(f"utm{name.title()}", "")) for name in ("campaign", "source", "medium")}),
        counts={name: number for name, number in row.items() if isinstance(number, int) and number > 0},
        statuses=(),
        kept_until=datetime.fromtimestamp(until, UTC) if isinstance(until, int) else None,
    )


def _asked(row: HourRow, query: EmailQuery, words: frozenset[str]) -> HourRow | None:
    """The row with the counts that are asked for, None where there are none; what was opened or clicked counts as sent."""
    moving = bool(row.counts.get(EmailState.QUEUED))
    domains = {
        domain: kept for domain, counts in row.domains.items() if query.wants_domain(domain) and (kept := _only(counts, words))
    }
    counts = _only(_sum(domains.values()) if query.domains else row.counts, words)
    statuses = tuple(status for status in EmailState if query.wants_status(status) and (moving or status in counts))
    if not statuses and not counts:
        return None
    there = sum(row.counts.get(status, 0) for status in statuses)
    return replace(row, counts=counts, statuses=statuses, there=there, domains=domains)


def _words(query: EmailQuery) -> frozenset[str]:
    """What is counted for a query: what happened later belongs to what was sent."""
    states = {state.value for state in EmailState if query.wants_status(state)}
    return frozenset({*states, *(LATER if EmailState.SENT in states else [])})


def _only(counts: Mapping[str, int], words: frozenset[str]) -> dict[str, int]:
    return {word: number for word, number in counts.items() if word in words}


def _sum(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for some in counts:
        total.update(some)
    return total


def _by_domain(rows: Mapping[str, Mapping[str, int | str]]) -> dict[str, dict[str, dict[str, int]]]:
    """`{key of the hour's row: {domain: {outcome: n}}}` from rows that stand under the key and an outcome."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for key, row in rows.items():
        hour, _, word = key.rpartition("#")
        for domain, number in row.items():
            if isinstance(number, int) and number > 0:
                found.setdefault(hour, {}).setdefault(domain, {})[word] = number
    return found


def _sought(row: HourRow, query: EmailQuery) -> Hour | None:
    """What to look for among the e-mails of a row, None where no list of this query can have one of them.

    An uncertain one may be a sent one by now, so it is looked for there too.
    """
    possible = query.outcome.states if query.outcome is not None else tuple(EmailState)
    settled = [EmailState.SENT] if EmailState.UNCERTAIN in row.statuses and query.wants_status(EmailState.SENT) else []
    statuses = tuple(status for status in EmailState if status in {*row.statuses, *settled} and status in possible)
    in_these = sum(row.counts.get(status, 0) for status in statuses)
    likely = _likely(row, in_these, query)
    if not statuses or (not likely and (query.outcome is not None or query.domains)):
        return None
    there = row.there if query.domains else in_these
    return Hour(hour=row.hour, campaign_id=row.campaign_id, statuses=statuses, there=there, likely=likely)


def _likely(row: HourRow, there: int, query: EmailQuery) -> int:
    """How many e-mails of the row pass, of those in the states that can: 0 only where there is none."""
    if query.outcome is None or not query.wants_status(EmailState.SENT):
        return there
    if query.outcome.has:
        return row.counts.get(query.outcome.has.removesuffix("_at"), 0)
    timed = row.counts.get(query.outcome.lacks.removesuffix("_at"), 0)
    return max(1, there - timed) if there else 0


def _place(email: Email) -> Place:
    return stamp(email.created_at), email.id


def _position(position: object) -> tuple[bool, Place]:
    match position:
        case [bool(back), str(created_at), str(email_id)]:
            return back, (created_at, email_id)
    raise BadToken(f"This page link is not valid for this list: {json.dumps(position)[:40]}.")
