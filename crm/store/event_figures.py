"""The figures of one event, from the counters: how many stand where on its list, and how many signed up on which day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from crm.domain.events import SIGNED_UP, AttendanceStatus
from crm.store.attendances import WALK_IN
from crm.store.stats import CounterRange, StatsRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFigures:
    """Of one moment. `counts` are people by status, `walk_ins` those of them who came without being on the list.

    `sign_ups` are people by the day, in the event's zone, on which they signed up, of those who did not take it back.
    """

    counts: Mapping[AttendanceStatus, int]
    walk_ins: int
    sign_ups: Mapping[date, int]

    @property
    def signed_up(self) -> int:
        """How many signed up and did not take it back: those registered, those who came, and the no-shows."""
        return sum(self.counts[status] for status in SIGNED_UP)

    @property
    def on_the_list(self) -> int:
        """How many names the list has."""
        return sum(self.counts.values())


def event_figures(stats: StatsRepository, event_id: str) -> EventFigures:
    """Return the figures of an event whatever the length of its list; nine requests."""
    people, days = f"ATTENDEES#{event_id}", f"SIGNUPS#{event_id}"
    snapshot = stats.snapshot(ranges=[CounterRange(people), CounterRange(days)])
    by_day = {
        date.fromisoformat(f"{month}-{name[1:]}"): int(number)
        for month, row in snapshot.rows(days).items()
        for name, number in row.items()
        if name.startswith("d") and name[1:].isdigit() and number
    }
    return EventFigures(
        counts={status: snapshot.value(people, status.value) for status in AttendanceStatus},
        walk_ins=snapshot.value(people, WALK_IN),
        sign_ups=by_day,
    )
