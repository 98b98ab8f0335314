"""Deleting an event in steps: who is on its list goes with counts in step, then hosts, history and jobs, then the event."""

from collections import Counter as Tally
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from crm.domain.events import Attendance, Event
from crm.store import schema
from crm.store.attendances import STEP, Move, write_moves
from crm.store.event_items import event_of
from crm.store.event_sweep import EventSweep, Left
from crm.store.expressions import equals, exists
from crm.store.people import until_won
from crm.store.people_items import count_change, person_of
from crm.store.requests import Action, Delete, Key, Query, Update
from crm.store.stats import OWN, Counter
from crm.store.table import ConditionFailed

DELETING = "deleting"
AT_ONCE = 90
"""Items removed in one transaction."""
FOLDS = 10
"""How often deltas are folded, so that the counters of a list can be removed with it: about as many as there ever are."""


class EventRemoval(EventSweep):
    """The steps of a deletion. The event is marked first, so that nobody comes to its list any more."""

    def delete_some(self, event_id: str, *, now: datetime, job: Key) -> Left:
        """Remove the next part of an event that is marked as being deleted; with the last one `job` goes as well.

        Up to 100 attendances are one part. Safe to repeat and to race. `LATER`: the index does not show everybody yet.
        """
        item = self._table.get(schema.key("event", id=event_id))
        if item is None or DELETING not in item:
            return Left.NOTHING
        event = event_of(item)
        some = next((some for some in self._batches(event_id) if some), [])
        for start in range(0, len(some), STEP):
            self._take_off(event, some[start : start + STEP], now)
        if some:
            return Left.MORE
        if any(self.attendee_counts(event_id).values()):
            return Left.LATER
        until_won(lambda: self._let_hosts_go(event, now))
        if others := self._others(event_id, job):
            self._table.write([Delete(key=key) for key in others[:AT_ONCE]])
            return Left.MORE
        self._forget_counts(event_id)
        try:
            self._delete_last(event, now, job)
        except ConditionFailed:  # somebody else was faster
            return Left.LATER if self._table.get(schema.key("event", id=event_id)) else Left.NOTHING
        return Left.NOTHING

    def _take_off(self, event: Event, attendances: Sequence[Attendance], now: datetime) -> None:
        ids = [one.user_id for one in attendances]

        def attempt() -> None:
            moves = [Move(old=one, new=None) for one in self.attendances(event.id, ids).values()]
            if moves:
                write_moves(self._table, self._stats, event, moves, self._people(ids), now=now)

        until_won(attempt)

    def _let_hosts_go(self, event: Event, now: datetime) -> None:
        hosts = self.host_ids(event.id)
        if not hosts:
            return
        counted: Tally[Counter] = Tally()
        key = schema.key("event", id=event.id)
        actions: list[Action] = [Update(key=key, changes={"hostIds": None}, expect=[exists(DELETING)])]
        people = self._people(hosts)
        for user_id in hosts:
            actions.append(Delete(key=schema.key("host", eventId=event.id, userId=user_id), expect=[exists()]))
            if user_id in people:
                update, counters = count_change(person_of(people[user_id]), hosted=-1)
                counted.update(counters)
                actions.append(update)
        self._table.write([*actions, *self._stats.delta(counted, now=now)])

    def _others(self, event_id: str, job: Key) -> list[Key]:
        """What stands beside the event and goes before it: history, other jobs, ids that were still to be seated."""
        detail = schema.key("event", id=event_id)
        rows = self._table.query(Query(partition=detail["PK"], consistent=True, attributes=("PK", "SK")))
        keys: list[Key] = [{"PK": item["PK"], "SK": item["SK"]} for item in rows.items]
        return [key for key in keys if key not in (detail, job, schema.key("cancellation", eventId=event_id))]

    def _forget_counts(self, event_id: str) -> None:
        """Remove the counters of its list that are 0 by now; what is not folded yet leaves one behind, which is 0 then."""
        for _ in range(FOLDS):
            if not self._stats.fold():
                break
        for what in (f"ATTENDEES#{event_id}", f"SIGNUPS#{event_id}"):
            partition, _ = schema.prefix("counter", what=what)
            for row in list(self._table.walk(Query(partition=partition, consistent=True))):
                numbers = {name: number for name, number in row.items() if name not in OWN}
                if not any(numbers.values()):
                    expect = [equals(name, number) for name, number in numbers.items()]
                    with suppress(ConditionFailed):
                        self._table.write([Delete(key={"PK": row["PK"], "SK": row["SK"]}, expect=expect)])

    def _delete_last(self, event: Event, now: datetime, job: Key) -> None:
        year = Counter("EVENTS", f"{event.start_at.astimezone(UTC):%Y}")
        actions: list[Action] = [
            Delete(key=schema.key("event", id=event.id), expect=[exists(DELETING)]),
            Delete(key=schema.key("slugClaim", slug=event.slug), expect=[equals("id", event.id)]),
            Delete(key=schema.key("cancellation", eventId=event.id)),
            Delete(key=job),
        ]
        self._table.write([*actions, *self._stats.delta({year: -1}, now=now)])
