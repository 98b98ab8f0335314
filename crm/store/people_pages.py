"""Pages of people: a plan, carried out until the page is full, and the tokens that lead on from there."""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from crm.domain.errors import BadToken
from crm.domain.filters import Order, PeopleFilter
from crm.domain.people import EmailStatus, Person
from crm.store import schema
from crm.store.cost import Cost, metered, unmetered
from crm.store.email_lists import EmailLists
from crm.store.keys import AFTER, unescape
from crm.store.membership import Memberships
from crm.store.moment import one_reading
from crm.store.people_asked import Asked, Asking
from crm.store.people_counts import (
    Counts,
    asks_nothing,
    asks_one_tag,
    asks_one_word,
    counted,
    decides_places,
    has_other_sources,
    needed,
    search_word,
)
from crm.store.people_items import person_of
from crm.store.people_pace import EVERYBODY
from crm.store.people_positions import DESCENDING, Position, just_before, place_of
from crm.store.people_reading import Found, PeopleReader
from crm.store.people_shares import Seen, Shares, exclusions_of, shared_out
from crm.store.people_sources import LOOKED_UP, MOST_COUNTED, search_strand
from crm.store.plan import Plan
from crm.store.planner import plan, plan_whole
from crm.store.requests import Query
from crm.store.stats import CounterRange, RowKey, StatsRepository
from crm.store.table import Table
from crm.store.tokens import TokenSigner

NEXT, PREVIOUS = "next", "previous"
MAILABLE = (EmailStatus.MAILABLE,)
EVERYONE = ("PEOPLE", "TOTAL")
"""The counter of all people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain:
    """How an answer was found and what it cost, without the reading of counters. `note`: sorted, wide, scan, or nothing.

    `people_read` leaves out of `items_read` what only leads to people: search tokens, members of events and campaigns.
    """

    index: str
    requests: int
    items_read: int
    items_returned: int
    read_units: float
    people_read: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage:
    """Some people in order; tokens are None at the ends. `order`: name, attended, hosted, city, search or id."""

    items: list[Person]
    next_token: str | None
    prev_token: str | None
    order: str
    explain: Explain


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Ids of those before and behind somebody in a list, None at its ends; both None when they are not in it."""

    previous: str | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What a token says: the source that the order comes from, which way to go, and from where."""

    source: str
    back: bool
    position: Position


class PeoplePages:
    """Answers filters. A token is good for the same filter and order only."""

    def __init__(self, table: Table, stats: StatsRepository, signer: TokenSigner) -> None:
        self._table = table
        self._stats = stats
        self._signer = signer
        self._asking = Asking(table, Memberships(table, EmailLists(table, stats, signer)))

    def page(self, wanted: PeopleFilter, *, order: Order, limit: int, token: str | None) -> PeoplePage:
        """Return up to `limit` people; one more match is looked for, to know whether the page is the last."""
        purpose = f"people {order.value} {wanted.fingerprint()}"
        place = self._read(purpose, token) if token else None
        back = place is not None and place.back
        with metered() as cost:
            asked = self._asking.of(wanted)
            counts = self._counts(asked, order)
            chosen = plan(asked.wanted, order, counts, pinned=place.source if place else None)
            reader = self._reader(chosen, asked)
            stream = reader.people(place.position if place else None, backwards=back, many=limit + 1)
            found = list(islice(stream, limit + 1))
        more = len(found) > limit
        found = found[:limit][::-1] if back else found[:limit]
        ahead, behind = (more, place is not None) if not back else (True, more)
        first, last = (found[0][0], found[-1][0]) if found else _around(place, chosen)
        return PeoplePage(
            items=[person for _, person in found],
            next_token=self._token(purpose, chosen, NEXT, last) if ahead else None,
            prev_token=self._token(purpose, chosen, PREVIOUS, first) if behind else None,
            order=chosen.order,
            explain=_explain(chosen, cost, reader.people_read, found),
        )

    def beside(self, wanted: PeopleFilter, person: Person, *, order: Order) -> Beside:
        """Return the neighbours of a person: one match each way from where they stand."""
        if not wanted.matches(person):
            return Beside()
        asked = self._asking.of(wanted)
        if not asked.matches(person):
            return Beside()
        chosen = plan(asked.wanted, order, self._counts(asked, order))
        reader = self._reader(chosen, asked)
        place = place_of(chosen, person)

        def nearest(backwards: bool) -> str | None:
            others = (other.id for _, other in reader.people(place, backwards=backwards, many=1) if other.id != person.id)
            return next(others, None)

        return Beside(previous=nearest(True), next=nearest(False))

    def walk(self, wanted: PeopleFilter, *, order: Order) -> Iterator[Person]:
        """Give everybody who matches, in order; the plan is made once."""
        asked = self._asking.of(wanted)
        chosen = plan(asked.wanted, order, self._counts(asked, order))
        reader = self._reader(chosen, asked)
        return (person for _, person in reader.people(None, backwards=False, many=EVERYBODY))

    def counters(self, wanted: PeopleFilter, order: Order) -> tuple[list[RowKey], list[CounterRange]]:
        """Return what a page of the filter and its count will ask of the counters."""
        asked = self._asking.of(wanted).wanted
        for_page = for_count = needed(asked, order)
        if not (asks_nothing(asked) or asks_one_word(wanted)):
            for_count = needed(asked, Order.SOURCE, whole=True)
        return list(dict.fromkeys(for_page[0] + for_count[0])), list(dict.fromkeys(for_page[1] + for_count[1]))

    def count(self, wanted: PeopleFilter) -> int:
        """Return how many match: from counters where they tell, else from whatever costs least to read whole."""
        if asks_one_word(wanted):
            return len({token["userId"] for token in self._table.walk(replace(_searching(wanted), attributes=("userId",)))})
        asked = self._asking.of(wanted)
        if asks_nothing(asked.wanted):
            with unmetered():
                snapshot = self._stats.snapshot([EVERYONE])
            if snapshot.has(*EVERYONE):
                return snapshot.value(*EVERYONE)
        counts = self._counts(asked, Order.SOURCE, exact=True, whole=True)
        told = counted(asked.wanted, counts)
        if told is not None:
            return told
        chosen = plan_whole(asked.wanted, counts)
        among = counted(replace(asked.wanted, without=()), counts) if not asked.members.apart else None
        if among is not None and len(asked.members.unwanted) * LOOKED_UP < chosen.estimate:
            return among - self._there(asked.members.unwanted, asked.wanted)
        if chosen.complete:
            return sum(self._table.count(query) for query in self._reader(chosen, asked).queries())
        return sum(1 for _ in self._seen(chosen, asked))

    def count_by_status(self, wanted: PeopleFilter) -> dict[EmailStatus, int]:
        """Return how many match, by e-mail status, from one reading of the matches."""
        asked = self._asking.of(wanted)
        counts = self._counts(asked, Order.SOURCE, whole=True)
        return Tally(status for _, status, _ in self._seen(plan_whole(asked.wanted, counts), asked))

    def shares(self, wanted: PeopleFilter, *, sample: int) -> Shares:
        """Share out who matches but for the exclusions, from one reading of them, and one of what each exclusion names."""
        with one_reading():
            exclusions = exclusions_of(self._asking, wanted)
            asked = self._asking.of(replace(wanted, without=()))
            chosen = plan_whole(asked.wanted, self._counts(asked, Order.SOURCE, whole=True))
            people = self._seen(chosen, asked, profiles=any(one.needs_profile for one in exclusions))
            return shared_out(people, exclusions, sample)

    def shares_of_all(self, wanted: PeopleFilter, by_status: Mapping[EmailStatus, int], *, sample: int) -> Shares:
        """Likewise for a filter of exclusions alone, where counters tell `by_status`: who is left out is read, not everybody."""
        with one_reading():
            gone: set[str] = set()
            left_out: list[int] = []
            for value in wanted.without:
                before = len(gone)
                gone.update(
                    person.id for person in self.walk(PeopleFilter(within=(value,), email_status=MAILABLE), order=Order.SOURCE)
                )
                left_out.append(len(gone) - before)
            return Shares(by_status=by_status, left_out=tuple(left_out), sample=self._spread(wanted, sample) if sample else ())

    def _spread(self, wanted: PeopleFilter, number: int) -> tuple[str, ...]:
        """Ids of some mailable people of a filter that asks for nobody in particular: the first of letters far apart."""
        names = [CounterRange("NAME")]
        letters = Counts.of(self._stats.estimate((), names)).letters() or Counts.of(self._stats.snapshot((), names)).letters()
        chosen = letters if len(letters) <= number else [letters[place * len(letters) // number] for place in range(number)]
        each = -(-number // len(chosen)) if chosen else 0
        among = (replace(wanted, q=unescape(letter), email_status=MAILABLE) for letter in chosen)
        found = [person.id for one in among for person in self.page(one, order=Order.SOURCE, limit=each, token=None).items]
        return tuple(found[:number])

    def _reader(self, chosen: Plan, asked: Asked) -> PeopleReader:
        return PeopleReader(self._table, chosen, asked, self._behind)

    def _behind(self) -> frozenset[str]:
        with unmetered():
            return self._stats.behind()

    def _seen(self, chosen: Plan, asked: Asked, *, profiles: bool = False) -> Iterator[Seen]:
        """Everybody who matches, without profiles where keys and expressions say all of them and they are not asked for."""
        reader = self._reader(chosen, asked)
        if chosen.source == "tag" and asks_one_tag(asked.wanted) and not profiles:
            allowed = asked.wanted.email_status or tuple(EmailStatus)
            return ((id_, status, None) for id_, status in reader.statuses() if status in allowed)
        if profiles or not chosen.expressed or asked.members.apart:
            people = (person for _, person in reader.people(None, backwards=False, many=EVERYBODY))
            return ((person.id, person.email_status, person) for person in people)
        queries = (replace(query, attributes=("id", "emailStatus")) for query in reader.queries())
        items = (item for query in queries for item in self._table.walk(query))
        return ((item["id"], EmailStatus(item["emailStatus"]), None) for item in items if asked.members.hold(item["id"]))

    def _there(self, ids: Iterable[str], wanted: PeopleFilter) -> int:
        """How many of these people are there, with a profile that matches."""
        items = self._table.batch_get([schema.key("user", id=id_) for id_ in ids])
        return sum(1 for item in items if item is not None and wanted.matches(person_of(item)))

    def _counts(self, asked: Asked, order: Order, *, exact: bool = False, whole: bool = False) -> Counts:
        """What a plan must know; where numbers are only weighed up, and `exact` does not ask for more, an estimate does."""
        wanted = asked.wanted
        keys, ranges = needed(wanted, order, whole=whole)
        with unmetered():
            exact = exact or decides_places(ranges)
            snapshot = self._stats.snapshot(keys, ranges) if exact else self._stats.estimate(keys, ranges)
            if not exact and not snapshot.has("PEOPLE", "TOTAL"):
                snapshot = self._stats.snapshot(keys, ranges)
        counts = Counts.of(snapshot, members=len(asked.members), unwanted=len(asked.members.unwanted))
        if search_word(wanted) and (whole or order is not Order.SOURCE or has_other_sources(wanted)):
            most = max(MOST_COUNTED, (counts.total or 0) // LOOKED_UP + 1 if whole else 0)
            counts = replace(counts, search=self._table.count(_searching(wanted), most=most))
        return counts

    def _token(self, purpose: str, chosen: Plan, way: str, position: Position | None) -> str | None:
        if position is None:
            return None
        return self._signer.sign(purpose, [chosen.source, way, position.rank, position.key])

    def _read(self, purpose: str, token: str) -> Place:
        match self._signer.read(purpose, token):
            case [str(source), str(way), int(rank), str(key)] if key:
                return Place(source, way == PREVIOUS, Position(rank, key))
        raise BadToken("This page link is of an older list; start again from the first page.")


def _searching(wanted: PeopleFilter) -> Query:
    """The search tokens that begin with the longest word."""
    strand = search_strand(search_word(wanted))
    return Query(partition=strand.partition, low=strand.low, high=strand.high)


def _around(place: Place | None, chosen: Plan) -> tuple[Position | None, Position | None]:
    """Where an empty page leads: back to where it came from, with the person who stood there."""
    if place is None:
        return None, None
    rank, key = place.position
    falling = rank in DESCENDING.get(chosen.order, ())
    beside = just_before(key) if falling != place.back else key + AFTER
    return Position(rank, beside), Position(rank, beside)


def _explain(chosen: Plan, cost: Cost, people_read: int, found: Sequence[Found]) -> Explain:
    return Explain(
        index=chosen.index,
        requests=cost.requests,
        items_read=cost.items_read,
        items_returned=len(found),
        read_units=cost.read_units,
        people_read=people_read,
        note=chosen.note,
    )
