"""What somebody attends and hosts goes over to another person: each step one transaction with seats and counts in step."""

from dataclasses import replace

from crm.domain.errors import NotFound
from crm.domain.events import Event
from crm.domain.merging import stronger
from crm.store import schema
from crm.store.attendances import Move, staying
from crm.store.event_items import attendance_of, event_item, host_item
from crm.store.event_leaving import hosts_change
from crm.store.event_reads import hosted_by
from crm.store.events import EventRepository
from crm.store.expressions import absent, equals, exists
from crm.store.keys import stamp
from crm.store.people_items import count_change, person_of
from crm.store.requests import Action, Check, Delete, Put
from crm.store.schema import Item
from crm.store.stats import Counter, StatsRepository
from crm.store.table import ConditionFailed, Table


class EventHandover:
    """One event at a time. Each method decides from what stands in the table; ConditionFailed: somebody was faster, try again."""

    def __init__(self, table: Table, stats: StatsRepository, events: EventRepository) -> None:
        self._table = table
        self._stats = stats
        self._events = events

    def attended(self, user_id: str) -> list[str]:
        """Return the events on whose list a person stands, at this moment."""
        return [attendance.event_id for attendance in self._events.attendances_of(user_id)]

    def hosted(self, user_id: str) -> list[str]:
        """Return the events that a person hosts; from an index, which may be behind."""
        return [str(item["eventId"]) for item in self._table.walk(hosted_by(user_id))]

    def attend(self, event_id: str, old_id: str, new_id: str) -> None:
        """Let `new_id` stand on the list where `old_id` does, with the stronger status where both do. Never takes a seat more."""
        keys = [schema.key("attendance", userId=user_id, eventId=event_id) for user_id in (old_id, new_id)]
        old, new = self._table.batch_get(keys, consistent=True)
        if old is None:
            return
        theirs, mine = attendance_of(old), attendance_of(new) if new is not None else None
        held = stronger(mine, theirs)
        moves = [Move(old=theirs, new=None)]
        if mine is None or held is not mine:
            moves.append(Move(old=mine, new=replace(held, user_id=new_id)))
        event, profiles = self._event(event_id), self._profiles(old_id, new_id)
        self._events.hand_over(event, moves, profiles, now=self._table.clock())

    def host(self, event_id: str, old_id: str, new_id: str) -> None:
        """Let `new_id` host what `old_id` does, and own it where `old_id` did; who hosts it already is not counted twice."""
        keys = [schema.key("host", eventId=event_id, userId=user_id) for user_id in (old_id, new_id)]
        old, new = self._table.batch_get(keys, consistent=True)
        if old is None:
            return
        event, profiles = self._event(event_id), self._profiles(old_id, new_id)
        left, counted = count_change(person_of(profiles[old_id]), hosted=-1)
        changes: dict[Counter, int] = dict(counted)
        actions: list[Action] = [Delete(key=keys[0], expect=[exists()]), left]
        if new is None:
            came, more = count_change(person_of(profiles[new_id]), hosted=1)
            changes = {one: changes.get(one, 0) + more.get(one, 0) for one in {*changes, *more}}
            actions += [Put(item=host_item(event, new_id), expect=[absent()]), staying(came)]
        else:
            actions.append(Check(key=keys[1], expect=[exists()]))
        update = hosts_change(event_item(event), {old_id: new_id})
        owner = {"owner": new_id} if event.owner == old_id else {}
        expect = [*update.expect, equals("owner", event.owner or None), equals("startAt", stamp(event.start_at))]
        actions.append(replace(update, changes={**update.changes, **owner}, expect=expect))
        self._table.write([*actions, *self._stats.delta(changes, now=self._table.clock())])

    def _event(self, event_id: str) -> Event:
        """The event at this moment. Where it is just gone, so is what was read of its list: ConditionFailed."""
        try:
            return self._events.get(event_id)
        except NotFound as gone:
            raise ConditionFailed(()) from gone

    def _profiles(self, *user_ids: str) -> dict[str, Item]:
        """Both profiles at this moment. Where one is gone somebody else was faster: ConditionFailed."""
        items = self._table.batch_get([schema.key("user", id=user_id) for user_id in user_ids], consistent=True)
        found = {item["id"]: item for item in items if item is not None}
        if len(found) < len(user_ids):
            raise ConditionFailed(())
        return found
