"""Events in order of time: which ones a filter finds, page by page, all of them, or how many."""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from crm.domain.errors import NotFound
from crm.domain.event_filters import EventFilter
from crm.domain.events import Event, EventStatus
from crm.store import ranges, schema
from crm.store.event_items import event_of
from crm.store.event_rows import Row, can_hold, carries, earliest, earliest_start, id_of, place_behind, row_of
from crm.store.expressions import AnyOf, Clause, absent
from crm.store.keys import behind_prefix, render, stamp
from crm.store.requests import Query
from crm.store.schema import BY_DATE, EVENT_ATTENDEES, Index, Item
from crm.store.stats import CounterRange, StatsRepository
from crm.store.table import BATCH, Table
from crm.store.tokens import TokenSigner

YEARS_TRIED = 3
"""So many years are read without asking first which of them have events."""
EVERYTHING = EventFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Some events by date, and the tokens of the pages beside."""

    items: list[Event]
    next_token: str | None
    prev_token: str | None


class EventLists:
    """Lists of events; EventReads adds what is read of one of them.

    An index answers, so a moment may pass until a change is seen. What it carries of an event is chosen by; a table that was
    made before it carried anything is read event by event instead, which is slower and as right.
    """

    def __init__(self, table: Table, stats: StatsRepository, signer: TokenSigner) -> None:
        self._table = table
        self._stats = stats
        self._signer = signer

    def get(self, event_id: str) -> Event:
        """Return the event as it is at this moment. Raises NotFound, also for what is a draft yet."""
        item = self._table.get(schema.key("event", id=event_id))
        if item is None or _is_draft(item):
            raise NotFound("There is no such event; it may have been deleted.")
        return event_of(item)

    def get_many(self, event_ids: Sequence[str], *, consistent: bool = False) -> dict[str, Event]:
        """Return those that exist, by id, drafts left out; one request per 100."""
        items = self._table.batch_get([schema.key("event", id=event_id) for event_id in event_ids], consistent=consistent)
        return {item["id"]: event_of(item) for item in items if item is not None and not _is_draft(item)}

    def page(
        self,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int = 50,
        token: str | None = None,
        newest_first: bool = False,
    ) -> EventPage:
        """Return events, drafts left out, that go on at some moment from `start` to `end`, both inclusive; None is no bound.

        In order of their start: what began up to 31 days before `start` and lasts comes first. Costs as `list`. Raises BadToken.
        """
        wanted = EventFilter(start=start, end=end)
        return self.list(wanted, limit=limit, token=token, newest_first=newest_first)

    def list(
        self,
        wanted: EventFilter,
        *,
        limit: int = 50,
        token: str | None = None,
        newest_first: bool = False,
        purpose: str = "",
        years: Iterable[str] | None = None,
        cancelled: Container[str] | None = None,
    ) -> EventPage:
        """Return some of the events of a filter, by their start. Raises BadToken.

        One query per year that has events until the page is full, one for the 31 days before `start`, and one batch. Five more
        to learn which `years` have some, unless the filter names few or they are given; one more where cancelled ones are told
        apart and their ids are not given. `purpose` binds the tokens where the filter holds the present time: it names what
        stays the same from page to page.
        """
        purpose = f"events {purpose or wanted} {newest_first}"
        position = self._signer.read(purpose, token) if token else None
        queries = self._queries(wanted, newest_first=newest_first, years=years)
        keep, at_once = self._keeping(wanted, limit + 1, cancelled), wanted.reads_all or bool(wanted.host)
        spare = limit // 2 if wanted.ended_by is not None or wanted.cancelled is False else 0
        found = ranges.read(self._table, queries, limit=limit, position=position, keep=keep, at_once=at_once, spare=spare)
        events = self.get_many([id_of(item) for item in found.items])
        return EventPage(
            items=[events[event_id] for item in found.items if (event_id := id_of(item)) in events],
            next_token=self._signer.sign(purpose, found.next) if found.next else None,
            prev_token=self._signer.sign(purpose, found.prev) if found.prev else None,
        )

    def walk_list(self, wanted: EventFilter, *, newest_first: bool = False) -> Iterator[Event]:
        """Give every event of a filter, in the order of `list`; one batch per 100 beside the queries."""
        queries = self._queries(wanted, newest_first=newest_first, joined=True)
        rows = self._keeping(wanted, BATCH)(item for query in queries for item in self._table.walk(query))
        while part := [id_of(item) for item in islice(rows, BATCH)]:
            events = self.get_many(part)
            yield from (events[event_id] for event_id in part if event_id in events)

    def chosen(self, wanted: EventFilter, *, years: Iterable[str] | None = None) -> Sequence[Row | Event]:
        """Return what is known of all events of a filter, whatever it says of cancelled ones; thousands per request.

        In a Row, texts that the filter does not ask for are left out: most of the time goes into reading an answer.
        """
        queries = self._queries(wanted, newest_first=False, years=years, joined=True)
        if carries(wanted):
            asked = [*(("title",) if wanted.q else ()), *(("venue", "city") if wanted.place else ())]
            queries = [replace(query, attributes=("PK", BY_DATE.sk, "endAt", *asked)) for query in queries]
        items = (item for query in queries for item in self._table.walk(query))
        found: list[Row | Event] = []
        while part := list(islice(items, BATCH)):
            known = self._known(part, carried=carries(wanted))
            rows = (known.get(id_of(item)) for item in part)
            found += [row for row in rows if row is not None and wanted.matches(row)]
        return found

    def cut(
        self, rows: Sequence[Row | Event], *, limit: int, token: str | None, purpose: str, newest_first: bool = False
    ) -> EventPage:
        """Return some of those rows, which are in order, as events, and the tokens of the pages beside; one batch.

        A token leads on behind the place where it was made, whatever came or went meanwhile. Raises BadToken.
        """
        purpose = f"some events {purpose} {newest_first}"
        back, edge = self._signer.read(purpose, token) if token else (False, None)
        places = [(stamp(row.start_at), row.id) for row in rows]
        if newest_first:
            rows, places = rows[::-1], places[::-1]
        start = place_behind(places, edge, back=back, newest_first=newest_first) if edge is not None else 0
        begin, end = (max(0, start - limit), start) if back else (start, start + limit)
        if begin >= min(end, len(rows)):
            begin, end = (0, limit) if back else (max(0, len(rows) - limit), len(rows))
        shown = rows[begin:end]
        events = {row.id: row for row in shown if isinstance(row, Event)}
        if lacking := [row.id for row in shown if row.id not in events]:
            events |= self.get_many(lacking)
        return EventPage(
            items=[events[row.id] for row in shown if row.id in events],
            next_token=self._signer.sign(purpose, [False, places[end - 1]]) if shown and end < len(rows) else None,
            prev_token=self._signer.sign(purpose, [True, places[begin]]) if shown and begin else None,
        )

    def cancelled_ids(self, wanted: EventFilter = EVERYTHING) -> set[str]:
        """Return the ids of cancelled events that can be in a filter's range of time; thousands per request."""
        within = EventFilter(start=wanted.start, end=wanted.end, ended_by=wanted.ended_by, cancelled=True)
        queries = self._queries(within, newest_first=False, joined=True)
        return {id_of(item) for query in queries for item in self._table.walk(query)}

    def count_of(self, wanted: EventFilter) -> int:
        """Return how many events a filter finds; without counting one by one where keys alone tell it."""
        if wanted.reads_all or wanted.host or wanted.ended_by is not None or wanted.cancelled is False:
            hidden = self.cancelled_ids(wanted) if wanted.cancelled is not None else set()
            rows = self.chosen(wanted)
            return sum(1 for row in rows if wanted.cancelled is None or (row.id in hidden) is wanted.cancelled)
        total = 0
        keep = self._keeping(wanted, BATCH)
        for query in self._queries(wanted, newest_first=False):
            total += sum(1 for _ in keep(self._table.walk(query))) if query.where else self._table.count(query)
        return total

    def count(self, *, start: datetime | None = None, end: datetime | None = None) -> int:
        """Return how many events, drafts left out, go on in that range, as `page` has it."""
        return self.count_of(EventFilter(start=start, end=end))

    def by_year(self) -> dict[str, int]:
        """Return how many events begin in each year that ever had some, drafts left out; from the counters, seven requests."""
        rows = self._stats.snapshot(ranges=[CounterRange("EVENTS")]).rows("EVENTS")
        return {year: int(row.get("n", 0)) for year, row in rows.items()}

    def total(self) -> int:
        """Return how many events there are, drafts left out; from the counters."""
        return sum(self.by_year().values())

    # how a filter is read

    def _queries(
        self, wanted: EventFilter, *, newest_first: bool, years: Iterable[str] | None = None, joined: bool = False
    ) -> Sequence[Query]:
        """One range per partition, in order; before `start` one more, of what began in the 31 days before and lasts.

        `joined` makes one of these two, for who reads to the end.
        """
        index, partitions = self._partitions(wanted, years)
        start, high = wanted.start, earliest(wanted.end, wanted.ended_by)
        top = behind_prefix(stamp(high)) if high is not None else None
        queries = []
        for partition in reversed(partitions) if newest_first else partitions:
            every = Query(partition=partition, index=index, high=top, forward=not newest_first)
            if start is None:
                queries.append(every)
                continue
            lasting = AnyOf((Clause("endAt", "more", (stamp(start),)), absent("endAt")))
            lead = replace(every, low=stamp(earliest_start(start)), where=(lasting,))
            parts = [lead] if joined else [replace(lead, high=stamp(start)), replace(every, low=stamp(start))]
            queries += parts[::-1] if newest_first else parts
        return [query for query in queries if can_hold(query)]

    def _partitions(self, wanted: EventFilter, years: Iterable[str] | None) -> tuple[Index, Sequence[str]]:
        """The index that leads to the events, and the partitions in it, in order of time."""
        if wanted.host:
            return EVENT_ATTENDEES, [str(render(EVENT_ATTENDEES.entry("host").partition, {"userId": wanted.host}))]
        if wanted.cancelled:
            return BY_DATE, [str(render(BY_DATE.entry("cancellation").partition, {}))]
        entry = next(entry for entry in BY_DATE.entries if entry.entity == "event" and entry.only is None)
        return BY_DATE, [str(render(entry.partition, {"startAt": year})) for year in self._years(wanted, years)]

    def _years(self, wanted: EventFilter, years: Iterable[str] | None) -> Sequence[str]:
        """The years in which events of the filter can begin, those that have some; the counters tell which these are."""
        high = earliest(wanted.end, wanted.ended_by)
        first = earliest_start(wanted.start).year if wanted.start is not None else None
        last = high.astimezone(UTC).year if high is not None else None
        if years is None and first is not None and last is not None and last - first < YEARS_TRIED:
            return [f"{year:04d}" for year in range(first, last + 1)]
        known = sorted(self._stats.known("EVENTS") if years is None else years)
        return [y for y in known if (first is None or y >= f"{first:04d}") and (last is None or y <= f"{last:04d}")]

    def _keeping(
        self, wanted: EventFilter, size: int, cancelled: Container[str] | None = None
    ) -> Callable[[Iterable[Item]], Iterator[Item]]:
        """A sieve that lets through the items whose events match; where the index tells too little, `size` are read at a time."""
        told = wanted.cancelled is None or (wanted.cancelled and not wanted.host)
        ids = cancelled if told or cancelled is not None else self.cancelled_ids(wanted)

        def keep(items: Iterable[Item]) -> Iterator[Item]:
            items = iter(items)
            while part := [*islice(items, size)]:
                known = self._known(part, carried=carries(wanted))
                for item in part:
                    row = known.get(id_of(item))
                    fits = row is not None and wanted.matches(row)
                    if fits and (told or ids is None or (id_of(item) in ids) is wanted.cancelled):
                        yield item

        return keep

    def _known(self, items: Sequence[Item], *, carried: bool) -> dict[str, Row | Event]:
        """What is known of the events behind items of an index: what it carries of them, else the events themselves."""
        known: dict[str, Row | Event] = {id_of(item): row_of(item) for item in items if carried and "endAt" in item}
        if lacking := [event_id for item in items if (event_id := id_of(item)) not in known]:
            known |= self.get_many(lacking)
        return known


def _is_draft(item: Item) -> bool:
    """Whether it is what the wizard keeps, which has no times yet."""
    return bool(item["status"] == EventStatus.DRAFT.value)
