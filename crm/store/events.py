"""Events: creating them, with the people who come with them."""

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from crm.domain.errors import Conflict
from crm.domain.events import Attendance, Event, EventStatus
from crm.domain.people import Person
from crm.store import schema
from crm.store.attendances import LEAVING, STEP, Move, staying
from crm.store.event_items import PENDING, host_item, new_event_actions, next_part
from crm.store.event_leaving import EventLeaving
from crm.store.event_lifecycle import EventLifecycle
from crm.store.event_moves import NOT_OPEN, ON_THE_LIST, Moved, MovedMany, Seated
from crm.store.expressions import absent
from crm.store.heirs import with_heirs
from crm.store.keys import behind_prefix
from crm.store.people_items import count_change, person_of
from crm.store.requests import Action, Put, Query
from crm.store.stats import Counter

__all__ = ["MAX_ATTENDEES", "NOT_OPEN", "ON_THE_LIST", "EventRepository", "Moved", "MovedMany", "Seated"]

MAX_ATTENDEES = 50 * PENDING
"""Attendees one event can be created with: their ids must fit into its first transaction."""


class EventRepository(EventLeaving, EventLifecycle):
    """Events. Every change of a seat or a count is conditioned on what it was decided from, and decided anew if that moved."""

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
        who are deleted in this moment are left out, and for those who are merged comes who is left. Raises Conflict when the
        slug is taken, or what `also` raises, or when the event is a draft until now (`replaces_draft` is its version) and that
        has moved on.
        """
        status = EventStatus.CREATING if attendee_ids else EventStatus.PUBLISHED
        written = replace(event, status=status, registered_count=0, waitlisted_count=0, version=1)

        def attempt() -> Event:
            hosts = self._hosting(host_ids)
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

        With the last of them it is published, and `at_the_end` is written. Who was deleted meanwhile is left out, for who was
        merged comes who is left; who finds no seat goes to the waitlist.
        """

        def attempt() -> bool:
            event = self.get(event_id)
            if event.status is not EventStatus.CREATING:
                return False
            partition, low = schema.prefix("pending", eventId=event_id)
            rows = self._table.query(Query(partition=partition, low=low, high=behind_prefix(low), limit=2, consistent=True))
            part = next_part(rows.items, STEP)
            changes = {} if part.more else {"status": EventStatus.PUBLISHED.value, "version": event.version + 1}
            moves, profiles, _ = self._seating_merged(event, part.user_ids, now)
            also = [*part.actions, *(() if part.more else at_the_end)]
            self._rewrite(event, moves, profiles, now=now, changes=changes, also=also)
            return part.more

        return self._deciding(attempt)

    def _hosting(self, host_ids: Sequence[str]) -> list[Person]:
        """Those of these who can host, at this moment, or whom they became."""
        profiles = self._profiles(host_ids)
        if sought := [one for one in host_ids if one not in profiles or LEAVING in profiles[one]]:
            profiles = self._profiles(with_heirs(self._table, host_ids, sought))
        return [person_of(profile) for profile in profiles.values() if LEAVING not in profile]

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
                self._rewrite(event, moves, profiles, now=now)

        self._deciding(attempt)
