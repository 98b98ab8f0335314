"""Events as an index knows them, and where in it they can stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crm.domain.event_filters import EventFilter
from crm.domain.events import MAX_DAYS
from crm.store.keys import moment, unescape
from crm.store.requests import Query
from crm.store.schema import BY_DATE, Item

LEAD = timedelta(days=MAX_DAYS)
"""How long before a moment an event can have begun that still goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the index knows of an event: enough to choose it by."""

    id: str
    title: str
    venue: str
    city: str
    host_ids: tuple[str, ...]
    start_at: datetime
    end_at: datetime


def row_of(item: Item) -> Row:
    """Return what an item of the index tells of its event."""
    return Row(
        id=id_of(item),
        title=item.get("title", ""),
        venue=item.get("venue", ""),
        city=item.get("city", ""),
        host_ids=tuple(item.get("hostIds", ())),
        start_at=moment(str(item[BY_DATE.sk]).partition("#")[0]),
        end_at=moment(item["endAt"]),
    )


def carries(wanted: EventFilter) -> bool:
    """Whether the items that lead to the events are the events' own, so that the index carries what they are chosen by."""
    return not wanted.host and not wanted.cancelled


def id_of(item: Item) -> str:
    """Return the event's id from an item of an index."""
    return unescape(str(item["PK"]).partition("#")[2])


def earliest_start(start: datetime) -> datetime:
    """Return the earliest time at which something can have begun that still goes on at `start`, in UTC."""
    try:
        return start.astimezone(UTC) - LEAD
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def place_behind(places: Sequence[tuple[str, str]], edge: Sequence[str], *, back: bool, newest_first: bool) -> int:
    """How many places come before the edge (before and at it, where one goes on behind it)."""
    mark = (edge[0], edge[1])
    if newest_first:
        return sum(1 for place in places if (place > mark if back else place >= mark))
    return sum(1 for place in places if (place < mark if back else place <= mark))


def can_hold(query: Query) -> bool:
    """Whether there can be something in the range: its bounds are in order, and reach the year of its partition."""
    if query.low is not None and query.high is not None and query.low > query.high:
        return False
    year = query.partition.partition("#")[2]
    if query.index is not BY_DATE or not year.isdigit():
        return True
    return (query.low is None or query.low[:4] <= year) and (query.high is None or query.high[:4] >= year)


def earliest(*moments: datetime | None) -> datetime | None:
    """Return the first of those that are given, None where none is."""
    return min((one for one in moments if one is not None), default=None)
