"""People who go: off the lists of events, out of their lines, and no longer their hosts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from crm.domain.errors import Conflict, NotFound
from crm.domain.events import Attendance, AttendanceStatus
from crm.store import schema
from crm.store.attendances import LEAVING, STEP, Move, attendance_as_read
from crm.store.event_items import attendance_item, attendance_of, waiting_item
from crm.store.event_reads import hosted_by
from crm.store.event_seats import EventSeats
from crm.store.expressions import absent, equals, exists
from crm.store.keys import stamp
from crm.store.people_items import MERGING, count_change, person_of
from crm.store.requests import Action, Delete, Update, changed
from crm.store.schema import Item
from crm.store.stats import Counter
from crm.store.table import ConditionFailed

HOST_TRIES = 7
"""How often the index is asked for what somebody hosts until it shows as much as is counted: three seconds in all."""


class EventLeaving(EventSeats):
    """What becomes of events when somebody is deleted or erased; every step may be repeated."""

    def leave_all(self, user_id: str, *, now: datetime | None = None) -> None:
        """Take a person who is being deleted out of all events: seats freed, counts in step; a repeat goes on.

        First the profile is marked, so that nobody can put them on a list any more. What they host is found by an index; until
        it shows as much as the profile counts, this waits. Raises NotFound, and Conflict when the index stays behind, or while
        the person is being merged.
        """
        at = now or self._table.clock()
        self._mark(user_id)
        for attendance in self.attendances_of(user_id):
            self._deciding(partial(self._leave, attendance.event_id, user_id, at))
        self._host_nothing(user_id, at)

    def erase_all(self, user_id: str, *, now: datetime) -> None:
        """Let a person who is being erased host nothing any more, and mark where they stand with events; a repeat goes on.

        Status, seats and the counts of events stay; the person's own count goes down with each mark. Raises as `leave_all`.
        """
        self._mark(user_id)
        ids = [attendance.event_id for attendance in self.attendances_of(user_id) if not attendance.erased]
        for start in range(0, len(ids), STEP):
            self._deciding(partial(self._mark_erased, user_id, ids[start : start + STEP], now))
        self._host_nothing(user_id, now)

    def _mark_erased(self, user_id: str, event_ids: Sequence[str], now: datetime) -> None:
        keys = [schema.key("attendance", userId=user_id, eventId=event_id) for event_id in event_ids]
        items = self._table.batch_get(keys, consistent=True)
        standing = [attendance_of(item) for item in items if item is not None and "erased" not in item]
        profile = self._profiles([user_id]).get(user_id)
        if not standing or profile is None:
            return
        actions: list[Action] = [
            changed(attendance_item(one), attendance_item(replace(one, erased=True)), expect=attendance_as_read(one))
            for one in standing
        ]
        actions += [action for one in standing for action in self._out_of_line(one)]
        counters: Mapping[Counter, int] = {}
        if seats := sum(one.seated for one in standing):
            update, counters = count_change(person_of(profile), attended=-seats)
            actions.append(update)
        self._table.write([*actions, *self._stats.delta(counters, now=now)])

    def _out_of_line(self, waits: Attendance) -> list[Action]:
        """What takes somebody out of the line who keeps the status: nothing where they have no place in it."""
        if waits.status is not AttendanceStatus.WAITLISTED:
            return []
        place = waiting_item(waits)
        key = {"PK": place["PK"], "SK": place["SK"]}
        if self._table.get(key) is None:
            return []
        event = schema.key("event", id=waits.event_id)
        return [Delete(key=key, expect=[exists()]), Update(key=event, increments={"waitlistedCount": -1}, expect=[exists()])]

    def _host_nothing(self, user_id: str, at: datetime) -> None:
        """Take somebody off as host of everything, as far as the index shows it in three seconds; else Conflict."""
        for attempt in range(HOST_TRIES):
            for item in list(self._table.walk(hosted_by(user_id))):
                self._deciding(partial(self._stop_hosting, item["eventId"], user_id, at))
            if not self._profiles([user_id]).get(user_id, {}).get("hostedEventCount"):
                return
            self._table.sleep(0.05 * 2**attempt)
        raise Conflict("The events this person hosts can't all be found yet. Try again in a minute.")

    def _mark(self, user_id: str) -> None:
        expect = [exists(), absent(MERGING)]
        marks = {LEAVING: stamp(self._table.clock())}
        try:
            self._table.write([Update(key=schema.key("user", id=user_id), changes=marks, expect=expect)])
        except ConditionFailed as failed:
            if user_id in self._profiles([user_id]):
                raise Conflict("This person is just being merged with another one. Try again in a minute.") from failed
            raise NotFound("There is no such person; they may have been deleted.") from failed

    def _leave(self, event_id: str, user_id: str, now: datetime) -> None:
        item = self._table.get(schema.key("attendance", userId=user_id, eventId=event_id))
        if item is None:
            return
        try:
            event = self.get(event_id)
        except NotFound as gone:  # just now, and so is their place on its list
            raise ConditionFailed(()) from gone
        self._rewrite(event, [Move(old=attendance_of(item), new=None)], self._profiles([user_id]), now=now)

    def _stop_hosting(self, event_id: str, user_id: str, now: datetime) -> None:
        key, event = schema.key("host", eventId=event_id, userId=user_id), schema.key("event", id=event_id)
        host, hosted = self._table.batch_get([key, event], consistent=True)
        if host is None:
            return
        profile = self._profiles([user_id]).get(user_id)
        if profile is None:  # somebody else has just deleted them, and so they host nothing any more
            raise ConditionFailed(())
        update, counters = count_change(person_of(profile), hosted=-1)
        actions: list[Action] = [Delete(key=key, expect=[exists()]), update]
        if hosted is not None:
            actions.append(hosts_change(hosted, {user_id: None}))
        self._table.write([*actions, *self._stats.delta(counters, now=now)])


def hosts_change(event: Item, others: Mapping[str, str | None]) -> Update:
    """Return the action by which an event names others, or nobody, instead of some of its hosts: `{id: id or None}`."""
    before = list(event.get("hostIds", ()))
    after = list(dict.fromkeys(new for one in before if (new := others.get(one, one)) is not None))
    key = {"PK": event["PK"], "SK": event["SK"]}
    changes = {"hostIds": after or None} if after != before else {}
    return Update(key=key, changes=changes, expect=[exists(), equals("hostIds", before or None)])
