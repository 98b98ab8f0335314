"""Everybody on the list of an event, found by an index that may be behind, and read from the table."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from crm.domain.events import Attendance, AttendanceStatus
from crm.store import schema
from crm.store.event_reads import EventReads
from crm.store.schema import Item
from crm.store.table import BATCH


class Left(StrEnum):
    """What is left of a piece of work on a list: nothing, more to do at once, or what the index does not show yet."""

    NOTHING = "nothing"
    MORE = "more"
    LATER = "later"


class EventSweep(EventReads):
    """Reading lists for what has to reach everybody: the index tells whom to look at, the counters how many there must be."""

    def standing(self, event_id: str, status: AttendanceStatus) -> list[Attendance] | None:
        """Return everybody with that status at this moment, by when it began; None while the index hides somebody.

        A query, and a batch per 100 people.
        """
        found = [one for some in self._batches(event_id, (status,)) for one in some]
        return found if len(found) == self.attendee_counts(event_id)[status] else None

    def _batches(self, event_id: str, statuses: Sequence[AttendanceStatus] = ()) -> Iterator[list[Attendance]]:
        """Up to 100 at a time of those whom the index shows: who stands there now, with one of `statuses` (none given: any)."""
        ids: list[str] = []
        for attendance in self.walk_attendees(event_id, statuses=statuses):
            ids.append(attendance.user_id)
            if len(ids) == BATCH:
                yield self._now(event_id, ids, statuses)
                ids = []
        if ids:
            yield self._now(event_id, ids, statuses)

    def _now(self, event_id: str, ids: Sequence[str], statuses: Sequence[AttendanceStatus]) -> list[Attendance]:
        there = self.attendances(event_id, ids)
        return [one for one in there.values() if not statuses or one.status in statuses]

    def _people(self, user_ids: Sequence[str]) -> dict[str, Item]:
        """The profiles' items at this moment, of those who exist."""
        items = self._table.batch_get([schema.key("user", id=user_id) for user_id in user_ids], consistent=True)
        return {item["id"]: item for item in items if item is not None}
