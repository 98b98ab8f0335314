"""Events: creating them, and moving people on and off their lists."""

import random
from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from crm.domain.errors import Conflict, NotFound
from crm.domain.events import Attendance, AttendanceStatus, Event, EventStatus
from crm.store import schema
from crm.store.attendances import LEAVING, STEP, Move, staying, write_moves
from crm.store.event_items import PENDING, attendance_item, attendance_of, host_item, new_event_actions, next_part
from crm.store.event_lifecycle import EventLifecycle
from crm.store.event_reads import hosted_by
from crm.store.expressions import absent, equals, exists
from crm.store.keys import behind_prefix, stamp
from crm.store.people_items import MERGING, count_change, person_of
from crm.store.requests import Action, Delete, Put, Query, Update, changed
from crm.store.schema import Item
from crm.store.stats import Counter
from crm.store.table import ConditionFailed

TRIES = 50
"""How often a step is decided anew when others were faster, before it gives up with a Conflict."""
HOST_TRIES = 7
"""How often the index is asked for what somebody hosts until it shows as much as is counted: three seconds in all."""
MAX_ATTENDEES = 50 * PENDING
"""Attendees one event can be created with: their ids must fit into its first transaction."""
ON_THE_LIST = frozenset({AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED, AttendanceStatus.ATTENDED})
NOT_OPEN = {
    EventStatus.DRAFT: "The event is still a draft; publish it first.",
    EventStatus.CREATING: "The event is just being created; try again in a moment.",
    EventStatus.CANCELLED: "The event was cancelled; nobody can be added.",
}

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seated:
    """What became of people who were to be registered: their ids. `unknown` are not people, or are being deleted.

    `refused` found neither a seat nor a waitlist.
    """

    registered: tuple[str, ...] = ()
    waitlisted: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class EventRepository(EventLifecycle):
    """Events. Every change of a seat or a count is conditioned on what it was decided from, and decided anew if that moved."""

    # creating

    def create(
        self,
        event: Event,
        host_ids: Sequence[str],
        attendee_ids: Sequence[str],
        *,
        now: datetime,
        also: Sequence[Action] = (),
        replaces_draft: int | None = None,
    ) -> Event:
        """Write a new event with its hosts and return it; with attendees it is `creating` until `fill` has seated the last.

        One transaction, with the slug's claim and the ids that still have to be seated. Hosts must exist; those of them
        who are deleted in this moment are left out. Raises Conflict when the slug is taken, or what `also` raises, or when the
        event is a draft until now (`replaces_draft` is its version) and that has moved on.
        """
        status = EventStatus.CREATING if attendee_ids else EventStatus.PUBLISHED
        written = replace(event, status=status, registered_count=0, version=1)

        def attempt() -> Event:
            profiles = self._profiles(host_ids)
            hosts = [person_of(profile) for profile in profiles.values() if LEAVING not in profile]
            hosted = replace(written, host_ids=tuple(host.id for host in hosts))
            counted = Tally({Counter("EVENTS", written.start_at.astimezone(UTC).strftime("%Y")): 1})
            actions = [*also, *new_event_actions(hosted, attendee_ids, replaces_draft)]
            for host in hosts:
                update, counters = count_change(host, hosted=1)
                counted.update(counters)
                actions += [Put(item=host_item(written, host.id), expect=[absent()]), staying(update)]
            self._table.write([*actions, *self._stats.delta(counted, now=now)])
            return hosted

        return self._deciding(attempt)

    def fill(self, event_id: str, *, now: datetime, at_the_end: Sequence[Action] = ()) -> bool:
        """Seat the next people of an event that is being created; tell whether more remain. Safe to repeat and to race.

        With the last of them it is published, and `at_the_end` is written. Who was deleted meanwhile is left out; who finds
        no seat goes to the waitlist.
        """

        def attempt() -> bool:
            event = self.get(event_id)
            if event.status is not EventStatus.CREATING:
                return False
            partition, low = schema.prefix("pending", eventId=event_id)
            rows = self._table.query(Query(partition=partition, low=low, high=behind_prefix(low), limit=2, consistent=True))
            part = next_part(rows.items, STEP)
            changes = {} if part.more else {"status": EventStatus.PUBLISHED.value, "version": event.version + 1}
            moves, profiles, _ = self._seating(event, part.user_ids, now)
            also = [*part.actions, *(() if part.more else at_the_end)]
            write_moves(self._table, self._stats, event, moves, profiles, now=now, changes=changes, also=also)
            return part.more

        return self._deciding(attempt)

    # moving people

    def seat(self, event_id: str, user_ids: Sequence[str], *, now: datetime, also: Sequence[Action] = ()) -> Seated:
        """Register up to `STEP` people in this order while there are seats, put the others on the waitlist; one transaction.

        Who is on the list as invited or cancelled moves up as well. Raises NotFound, and Conflict unless it is published.
        """
        distinct = list(dict.fromkeys(user_ids))
        if len(distinct) > STEP:
            raise ValueError(f"{len(distinct)} people in one step")

        def attempt() -> Seated:
            event = self.get(event_id)
            if event.status is not EventStatus.PUBLISHED:
                raise Conflict(NOT_OPEN[event.status])
            moves, profiles, seated = self._seating(event, distinct, now)
            if moves or also:
                write_moves(self._table, self._stats, event, moves, profiles, now=now, also=also)
            return seated

        return self._deciding(attempt)

    def record(self, event_id: str, attendances: Sequence[Attendance], *, now: datetime) -> None:
        """Write up to `STEP` attendances of one event as they are, from another source; one transaction. Safe to repeat.

        Who is on the list already, or does not exist, is left out. Raises NotFound, and Conflict for more than there are seats.
        """

        def attempt() -> None:
            event = self.get(event_id)
            there, profiles = self._standing(event_id, [one.user_id for one in attendances])
            moves = [Move(old=None, new=one) for one in attendances if one.user_id in profiles and one.user_id not in there]
            if event.seats_left is not None and sum(move.seats for move in moves) > event.seats_left:
                raise Conflict("There are not enough seats.")
            if moves:
                write_moves(self._table, self._stats, event, moves, profiles, now=now)

        self._deciding(attempt)

    def set_status(self, event_id: str, user_id: str, status: AttendanceStatus, *, now: datetime) -> Attendance:
        """Give somebody on the list another status, seat and counts in step, and return the attendance.

        Raises NotFound, and Conflict when it takes a seat and there is none.
        """

        def attempt() -> Attendance:
            event = self.get(event_id)
            item = self._table.get(schema.key("attendance", userId=user_id, eventId=event_id))
            if item is None:
                raise NotFound("This person is not on the list of the event.")
            old = attendance_of(item)
            if old.erased:
                raise Conflict("This person was erased; where they stood can't be changed any more.")
            move = Move(old=old, new=replace(old, status=status, since=now))
            if status is old.status:
                return old
            if move.seats > 0 and event.seats_left == 0:
                raise Conflict("The event is full.")
            write_moves(self._table, self._stats, event, [move], self._profiles([user_id]), now=now)
            return replace(old, status=status, since=now)

        return self._deciding(attempt)

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
            changed(attendance_item(one), attendance_item(replace(one, erased=True)), expect=[equals("status", one.status.value)])
            for one in standing
        ]
        counters: Mapping[Counter, int] = {}
        if seats := sum(one.seated for one in standing):
            update, counters = count_change(person_of(profile), attended=-seats)
            actions.append(update)
        self._table.write([*actions, *self._stats.delta(counters, now=now)])

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
        if item is not None:
            move = Move(old=attendance_of(item), new=None)
            write_moves(self._table, self._stats, self.get(event_id), [move], self._profiles([user_id]), now=now)

    def _stop_hosting(self, event_id: str, user_id: str, now: datetime) -> None:
        key = schema.key("host", eventId=event_id, userId=user_id)
        if self._table.get(key) is None:
            return
        update, counters = count_change(person_of(self._profiles([user_id])[user_id]), hosted=-1)
        self._table.write([Delete(key=key, expect=[exists()]), update, *self._stats.delta(counters, now=now)])

    def _seating(self, event: Event, user_ids: Sequence[str], now: datetime) -> tuple[list[Move], dict[str, Item], Seated]:
        """Decide who gets a seat, from what stands in the table at this moment."""
        old, profiles = self._standing(event.id, user_ids)
        already = tuple(user_id for user_id in user_ids if user_id in old and old[user_id].status in ON_THE_LIST)
        coming = [user_id for user_id in user_ids if user_id in profiles and user_id not in already]
        seats = len(coming) if event.seats_left is None else event.seats_left
        moves = []
        for number, user_id in enumerate(coming):
            status = AttendanceStatus.REGISTERED if number < seats else AttendanceStatus.WAITLISTED
            new = Attendance(event_id=event.id, user_id=user_id, status=status, since=now)
            moves.append(Move(old=old.get(user_id), new=new))
        seated = Seated(
            registered=tuple(coming[:seats]),
            waitlisted=tuple(coming[seats:]),
            already=already,
            unknown=tuple(user_id for user_id in user_ids if user_id not in profiles and user_id not in already),
        )
        return moves, profiles, seated

    def _standing(self, event_id: str, user_ids: Sequence[str]) -> tuple[dict[str, Attendance], dict[str, Item]]:
        """Who of these is on the list, and the profiles of those who can be: at this moment, by id."""
        keys = [schema.key("attendance", userId=user_id, eventId=event_id) for user_id in user_ids]
        items = self._table.batch_get(keys, consistent=True)
        profiles = {user_id: item for user_id, item in self._profiles(user_ids).items() if LEAVING not in item}
        return {item["userId"]: attendance_of(item) for item in items if item is not None}, profiles

    def _profiles(self, user_ids: Sequence[str]) -> dict[str, Item]:
        """The profiles' items at this moment, of those who exist."""
        items = self._table.batch_get([schema.key("user", id=user_id) for user_id in user_ids], consistent=True)
        return {item["id"]: item for item in items if item is not None}

    def _deciding(self, attempt: Callable[[], Result]) -> Result:
        """Return what `attempt` returns; where somebody was faster it reads and decides again."""
        for number in range(TRIES):
            try:
                return attempt()
            except ConditionFailed:
                self._table.sleep(random.uniform(0, 0.002 * number))
        raise Conflict("Too many people change this at the same moment. Try again in a minute.")
