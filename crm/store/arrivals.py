"""Who has come through the door of an event: the newest of them, and how many."""

from dataclasses import dataclass

from crm.domain.events import Attendance, AttendanceStatus
from crm.store.attendances import WALK_IN
from crm.store.event_items import attendance_of
from crm.store.keys import behind_prefix, render
from crm.store.requests import Query
from crm.store.schema import EVENT_ATTENDEES
from crm.store.stats import CounterRange, StatsRepository
from crm.store.table import Table

CAME = AttendanceStatus.ATTENDED.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """How many are in; `walk_ins` of them were not on the list before."""

    came: int
    walk_ins: int


def arrivals(stats: StatsRepository, event_id: str) -> Arrivals:
    """Return how many are in at this moment, from the counters: seven requests, whatever their number."""
    what = f"ATTENDEES#{event_id}"
    snapshot = stats.snapshot(ranges=[CounterRange(what)])
    return Arrivals(came=snapshot.value(what, CAME), walk_ins=snapshot.value(what, WALK_IN))


def arrivals_lately(table: Table, event_id: str) -> Arrivals:
    """Return how many are in, from the index, which may be a moment behind; one request per MB, some 2,000 people."""
    walked = [bool(item.get("walkIn")) for item in table.walk(_in(event_id, attributes=("walkIn",)))]
    return Arrivals(came=len(walked), walk_ins=sum(walked))


def newest_arrivals(table: Table, event_id: str, limit: int) -> list[Attendance]:
    """Return who came last, the last one first; one request of an index."""
    found = table.query(_in(event_id, forward=False, limit=limit))
    return [attendance_of(item) for item in found.items]


def _in(event_id: str, *, forward: bool = True, limit: int | None = None, attributes: tuple[str, ...] | None = None) -> Query:
    """The part of the index that has who attended, in order of arrival."""
    partition = render(EVENT_ATTENDEES.entry("attendance").partition, {"eventId": event_id}) or ""
    low, high = f"{CAME}#", behind_prefix(f"{CAME}#")
    return Query(
        partition=partition, index=EVENT_ATTENDEES, low=low, high=high, forward=forward, limit=limit, attributes=attributes
    )
