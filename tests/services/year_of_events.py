"""Three years of made-up events for the tests of lists, and filters to ask them by."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from crm.domain.event_filters import EventFilter
from crm.domain.events import Event
from crm.domain.folding import fold
from crm.services import event_changes
from crm.store import Store
from tests.factories import make_event, make_person

NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
WORDS = ("Spring", "meet-up", "Évening", "Gödel", "C++", "workshop")
PLACES = (("Hall 2", "Göteborg"), ("", "GÖTEBORG"), ("Town hall", "Malmö"), ("", ""))
EDGES = (
    *(datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC) for year in (2024, 2025, 2026)),
    *(datetime(year, 1, 1, tzinfo=UTC) for year in (2025, 2026, 2027)),
    *(datetime(2026, month, day, hour, tzinfo=UTC) for month, day, hour in ((3, 29, 1), (10, 25, 1), (2, 28, 0), (3, 1, 0))),
)


@dataclass(frozen=True)
class Years:
    """What stands in the table: events in order of their start, who was cancelled, and who hosts some."""

    events: Sequence[Event]
    cancelled: frozenset[str]
    hosts: Sequence[str]

    def matching(self, wanted: EventFilter) -> list[str]:
        """The ids of those a filter means, in order, by plain Python."""
        return [event.id for event in self.events if self._means(wanted, event)]

    def _means(self, wanted: EventFilter, event: Event) -> bool:
        words = fold(event.title).replace("-", " ").replace("+", " ").split()
        return all(
            [
                wanted.start is None or event.end_at > wanted.start,
                wanted.end is None or event.start_at <= wanted.end,
                wanted.ended_by is None or event.end_at <= wanted.ended_by,
                not wanted.host or wanted.host in event.host_ids,
                fold(wanted.place) in fold(event.venue) or fold(wanted.place) in fold(event.city),
                all(any(word.startswith(fold(typed)) for word in words) for typed in wanted.q.split()),
                wanted.cancelled is None or wanted.cancelled == (event.id in self.cancelled),
            ]
        )


def make_years(store: Store, number: int) -> Years:
    """Write so many events with hosts; some end or begin where years, months and summer time do, some last for weeks."""
    chance = random.Random(20260329)
    people = [make_person() for _ in range(3)]
    store.people.create_many(people)
    made, cancelled = [], set()
    for place in range(number):
        start = EDGES[place] if place < len(EDGES) else NOW + timedelta(minutes=chance.randrange(-700_000, 900_000))
        lasts = chance.choice([timedelta(minutes=30), timedelta(hours=3), timedelta(days=3), timedelta(days=31)])
        venue, city = chance.choice(PLACES)
        title = " ".join(chance.sample(WORDS, 2))
        event = make_event(start_at=start, end_at=start + lasts, title=title, venue=venue, city=city)
        hosts = [person.id for person in people if chance.random() < 0.2]
        made.append(store.events.create(event, hosts, [], now=NOW))
        if chance.random() < 0.2:
            event_changes.cancel(store, event.id, reason="", actor="ingrid", now=NOW)
            cancelled.add(event.id)
    return Years(
        events=sorted(made, key=lambda event: (event.start_at, event.id)),
        cancelled=frozenset(cancelled),
        hosts=[person.id for person in people],
    )


def moments(years: Years) -> st.SearchStrategy[datetime | None]:
    """No bound; the very start or end of an event, or close to it; or any time."""
    exact = st.sampled_from([moment for event in years.events for moment in (event.start_at, event.end_at)])
    near = st.builds(lambda moment, off: moment + timedelta(milliseconds=off), exact, st.sampled_from([-1, 0, 1]))
    any_time = st.datetimes(datetime(2024, 6, 1), datetime(2028, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001
    return st.none() | near | any_time


@st.composite
def filters(draw: st.DrawFn, years: Years) -> EventFilter:
    """A filter of one list or of all."""
    low, high = draw(moments(years)), draw(moments(years))
    if low is not None and high is not None and high < low:
        low, high = high, low
    return EventFilter(
        start=low,
        end=high,
        host=draw(st.sampled_from(["", "", *years.hosts, "nobody"])),
        place=draw(st.sampled_from(["", "", "göte", "HALL", "Oslo"])),
        q=draw(st.sampled_from(["", "", "spr", "evening", "god meet", "c", "zzz"])),
        cancelled=draw(st.sampled_from([None, None, True, False])),
    )
