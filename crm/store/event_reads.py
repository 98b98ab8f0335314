"""What is read of events beside lists of them: who hosts and attends one, and what a person takes part in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from crm.domain.events import Attendance, AttendanceStatus, Event
from crm.store import ranges, schema
from crm.store.attendances import WALK_IN
from crm.store.event_items import attendance_of
from crm.store.event_lists import EventLists
from crm.store.keys import behind_prefix, moment, render
from crm.store.requests import Key, Query
from crm.store.schema import EVENT_ATTENDEES, Item
from crm.store.stats import CounterRange


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendeePage:
    """Some attendances of an event, by status and then in order of arrival, and the tokens of the pages beside."""

    items: list[Attendance]
    next_token: str | None
    prev_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonEvents:
    """What a person hosts, and where they stand with other events; latest first."""

    hosted: list[Event]
    attended: list[tuple[Event, Attendance]]


class EventReads(EventLists):
    """Reading; EventRepository adds the writes."""

    def host_ids(self, event_id: str) -> list[str]:
        """Return who hosts the event, at this moment: ids of people, in no order that means something."""
        partition, low = schema.prefix("host", eventId=event_id)
        query = Query(partition=partition, low=low, high=behind_prefix(low), consistent=True)
        return [item["userId"] for item in self._table.walk(query)]

    def attendees(
        self, event_id: str, *, limit: int = 50, token: str | None = None, statuses: Sequence[AttendanceStatus] = ()
    ) -> AttendeePage:
        """Return who is on the list of the event with one of `statuses` (none given: all), in order of arrival in each.

        One query per status. Raises BadToken. An index answers: a moment may pass until a change is seen here.
        """
        purpose = f"attendees {event_id} {','.join(statuses)}"
        position = self._signer.read(purpose, token) if token else None
        found = ranges.read(self._table, _by_status(event_id, statuses), limit=limit, position=position)
        return AttendeePage(
            items=[attendance_of(item) for item in found.items],
            next_token=self._signer.sign(purpose, found.next) if found.next else None,
            prev_token=self._signer.sign(purpose, found.prev) if found.prev else None,
        )

    def walk_attendees(self, event_id: str, *, statuses: Sequence[AttendanceStatus] = ()) -> Iterator[Attendance]:
        """Give everybody on the list, page after page, in the order of `attendees`."""
        for query in _by_status(event_id, statuses):
            yield from (attendance_of(item) for item in self._table.walk(query))

    def attendee_counts(self, event_id: str) -> dict[AttendanceStatus, int]:
        """Return how many people stand on the list with each status; from the counters, whatever the length of the list."""
        what = f"ATTENDEES#{event_id}"
        snapshot = self._stats.snapshot(ranges=[CounterRange(what)])
        return {status: snapshot.value(what, status.value) for status in AttendanceStatus}

    def walk_ins(self, event_id: str) -> int:
        """Return how many of those who attended came to the door without being on the list; from the counters."""
        what = f"ATTENDEES#{event_id}"
        return self._stats.snapshot([(what, WALK_IN)]).value(what, WALK_IN)

    def signups(self, event_id: str) -> dict[date, int]:
        """Return how many signed up on each day, in the event's zone, and did not take it back; from the counters, in order.

        Days on which nobody did are left out.
        """
        what = f"SIGNUPS#{event_id}"
        rows = self._stats.snapshot(ranges=[CounterRange(what)]).rows(what)
        days = {date.fromisoformat(f"{month}-{name[1:]}"): int(n) for month, row in rows.items() for name, n in row.items()}
        return {day: number for day, number in sorted(days.items()) if number}

    def waiting(self, event_id: str, limit: int) -> list[Attendance]:
        """Return the first `limit` people in line, at this moment, in order; of each only who it is and since when they wait."""
        return [_waiting(item) for item in self._table.query(line_of(event_id, limit=limit)).items]

    def attendances_of(self, user_id: str) -> list[Attendance]:
        """Return where a person stands with events, at this moment, by event id."""
        partition, low = schema.prefix("attendance", userId=user_id)
        query = Query(partition=partition, low=low, high=behind_prefix(low), consistent=True)
        return [attendance_of(item) for item in self._table.walk(query)]

    def attendances(self, event_id: str, user_ids: Sequence[str]) -> dict[str, Attendance]:
        """Return where these people stand with an event, at this moment, of those on its list; one request per 100."""
        keys = [schema.key("attendance", userId=user_id, eventId=event_id) for user_id in user_ids]
        items = self._table.batch_get(keys, consistent=True)
        return {item["userId"]: attendance_of(item) for item in items if item is not None}

    def of_person(self, user_id: str) -> PersonEvents:
        """Return what a person hosts and where they stand with other events, latest first; two queries and their events."""
        hosted = [item["eventId"] for item in self._table.walk(hosted_by(user_id))]
        attendances = self.attendances_of(user_id)
        events = self.get_many([*hosted, *[attendance.event_id for attendance in attendances]])
        pairs = [(events[attendance.event_id], attendance) for attendance in attendances if attendance.event_id in events]
        return PersonEvents(
            hosted=sorted((events[event_id] for event_id in hosted if event_id in events), key=_start, reverse=True),
            attended=sorted(pairs, key=lambda pair: _start(pair[0]), reverse=True),
        )


def line_of(event_id: str, *, limit: int | None = None, start: Key | None = None) -> Query:
    """The places in line of one event, first come first, read consistently."""
    partition, low = schema.prefix("waiting", eventId=event_id)
    return Query(partition=partition, low=low, high=behind_prefix(low), limit=limit, start=start, consistent=True)


def _waiting(item: Item) -> Attendance:
    return Attendance(
        event_id=item["eventId"], user_id=item["userId"], status=AttendanceStatus.WAITLISTED, since=moment(item["since"])
    )


def hosted_by(user_id: str) -> Query:
    """The hosts' items of one person, by the start of the event; from an index."""
    entry = EVENT_ATTENDEES.entry("host")
    return Query(partition=str(render(entry.partition, {"userId": user_id})), index=EVENT_ATTENDEES)


def _by_status(event_id: str, statuses: Sequence[AttendanceStatus]) -> list[Query]:
    """One range of the index per status, the whole partition where none is given."""
    entry = EVENT_ATTENDEES.entry("attendance")
    partition = str(render(entry.partition, {"eventId": event_id}))
    if not statuses:
        return [Query(partition=partition, index=EVENT_ATTENDEES)]
    head = entry.sort[: entry.sort.index("{since")]
    lows = [str(render(head, {"status": status.value})) for status in dict.fromkeys(statuses)]
    return [Query(partition=partition, index=EVENT_ATTENDEES, low=low, high=behind_prefix(low)) for low in lows]


def _start(event: Event) -> datetime:
    return event.start_at
