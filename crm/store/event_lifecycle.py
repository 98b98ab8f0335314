"""The life of an event in the table: edited, cancelled, reinstated. Each is one transaction."""

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from crm.domain.errors import Conflict, RuleViolation
from crm.domain.event_log import Cancellation
from crm.domain.events import Event, EventStatus
from crm.store import schema
from crm.store.attendances import LEAVING, staying
from crm.store.event_items import event_item, host_item
from crm.store.event_no_shows import MARK, EventNoShows
from crm.store.event_removal import DELETING, EventRemoval
from crm.store.expressions import Clause, absent, equals, exists
from crm.store.keys import moment, stamp
from crm.store.people_items import count_change, person_of
from crm.store.requests import Action, Delete, Put, Update, changed
from crm.store.schema import Item
from crm.store.stats import Counter

STALE = "This event was changed by someone else meanwhile. Look at it as it is now, then repeat your change."
GOING = "The event is just being deleted, so nothing can be changed any more."
CLOSED = {
    EventStatus.DRAFT: "The event is still a draft; publish it first.",
    EventStatus.CREATING: "The event is just being created; try again in a moment.",
    EventStatus.CANCELLED: "The event was cancelled; reinstate it first.",
}


class EventLifecycle(EventNoShows, EventRemoval):
    """What becomes of an event once it is published. ConditionFailed: what was decided from has moved on, decide anew."""

    def save(self, old: Event, new: Event, *, now: datetime, also: Sequence[Action] = ()) -> Event:
        """Write what differs between `old`, as it was read, and `new`, with `also`; return it one version up.

        A new slug is claimed and the old one let go; a new start moves with all hosts, and to another year's count; hosts who
        come or go have their counts changed. Seats and the line stay as they are. Raises NotFound; Conflict when the version has
        moved on, the slug is taken, or more people are registered than there would be seats; RuleViolation for an unknown
        host; ConditionFailed, as for the whole class.
        """
        stored = self.get(old.id)
        if (stored.version, stored.status) != (old.version, old.status):
            raise Conflict(STALE)
        check_open(stored)
        _check_seats(stored, new)
        saved = replace(
            new,
            registered_count=stored.registered_count,
            waitlisted_count=stored.waitlisted_count,
            version=old.version + 1,
            updated_at=now,
        )
        run = equals(MARK, stamp(old.no_show_at) if old.no_show_at else None)
        expect = [*_as_read(old), run, equals("owner", stored.owner), equals("hostIds", list(stored.host_ids) or None)]
        if saved.max_capacity is not None and saved.max_capacity != stored.max_capacity:
            expect.append(Clause("registeredCount", "at most", (saved.max_capacity,)))
        counted: Tally[Counter] = Tally()
        actions = [*also, changed(event_item(stored), event_item(saved), expect=expect)]
        actions += [*_claims(stored, saved), *self._hosts(stored, saved, counted)]
        for event, step in ((stored, -1), (saved, 1)):
            counted[Counter("EVENTS", f"{event.start_at.astimezone(UTC):%Y}")] += step
        self._table.write([*actions, *self._stats.delta(counted, now=now)])
        return saved

    def cancel(self, event: Event, cancellation: Cancellation, *, also: Sequence[Action] = ()) -> Event:
        """Write that a published event is cancelled, why, and `also`; return it one version up. Everybody stays on the list."""
        new = replace(event, status=EventStatus.CANCELLED, version=event.version + 1, updated_at=cancellation.at)
        update = changed(event_item(event), event_item(new), expect=_as_read(event))
        self._table.write([*also, update, Put(item=_cancellation_item(cancellation), expect=[absent()])])
        return new

    def reinstate(self, event: Event, *, now: datetime, also: Sequence[Action] = ()) -> Event:
        """Write that a cancelled event takes place after all, and `also`; return it one version up."""
        new = replace(event, status=EventStatus.PUBLISHED, version=event.version + 1, updated_at=now)
        update = changed(event_item(event), event_item(new), expect=_as_read(event))
        self._table.write([*also, update, Delete(key=schema.key("cancellation", eventId=event.id))])
        return new

    def begin_deleting(self, event: Event, cancellation: Cancellation, *, also: Sequence[Action] = ()) -> Event:
        """Mark an event as being deleted, with `also`, and return it: from then on it is cancelled and nobody comes to its list.

        `cancellation` is written unless it is cancelled already.
        """
        new = replace(event, status=EventStatus.CANCELLED, deleting=True, version=event.version + 1, updated_at=cancellation.at)
        actions = [*also, changed(event_item(event), event_item(new), expect=_as_read(event))]
        if event.status is not EventStatus.CANCELLED:
            actions.append(Put(item=_cancellation_item(cancellation), expect=[absent()]))
        self._table.write(actions)
        return new

    def cancellation(self, event_id: str) -> Cancellation | None:
        """Return why, when and by whom an event was cancelled; None where it was not."""
        item = self._table.get(schema.key("cancellation", eventId=event_id))
        if item is None:
            return None
        return Cancellation(
            event_id=event_id,
            start_at=moment(item["startAt"]),
            reason=item.get("reason", ""),
            by=item.get("by", ""),
            at=moment(item["at"]),
        )

    def _hosts(self, old: Event, new: Event, counted: Tally[Counter]) -> list[Action]:
        """The writes for hosts who come, go, or stay at another time; what is to count goes into `counted`."""
        if (old.host_ids, old.start_at) == (new.host_ids, new.start_at):
            return []
        there = self.host_ids(old.id)
        wanted = new.host_ids if new.host_ids != old.host_ids else tuple(there)
        items = self._table.batch_get([schema.key("user", id=one) for one in {*there, *wanted}], consistent=True)
        profiles = {item["id"]: item for item in items if item is not None}
        actions: list[Action] = []
        for user_id in there:
            if user_id not in wanted:
                actions.append(Delete(key=schema.key("host", eventId=old.id, userId=user_id), expect=[exists()]))
                if user_id in profiles:
                    actions.append(_counted_host(profiles[user_id], -1, counted))
            elif old.start_at != new.start_at:
                actions.append(changed(host_item(old, user_id), host_item(new, user_id), expect=[exists()]))
        for user_id in wanted:
            if user_id not in there:
                if user_id not in profiles or LEAVING in profiles[user_id]:
                    raise RuleViolation(f"hostIds: there is no person with the id {user_id[:40]}.", field="hostIds")
                actions.append(Put(item=host_item(new, user_id), expect=[absent()]))
                actions.append(staying(_counted_host(profiles[user_id], 1, counted)))
        return actions


def check_open(event: Event) -> None:
    """Conflict that says why, where an event can't be changed now."""
    if event.deleting:
        raise Conflict(GOING)
    if event.status is not EventStatus.PUBLISHED:
        raise Conflict(CLOSED[event.status])


def _check_seats(old: Event, new: Event) -> None:
    taken, seats = old.registered_count, new.max_capacity
    if seats is not None and seats != old.max_capacity and taken > seats:
        people = "1 person is" if taken == 1 else f"{taken:,} people are"
        left = f"{people} registered, so there can’t be {seats:,} seats. Take {taken - seats:,} off the list first."
        raise Conflict(left, field="maxCapacity")


def _as_read(event: Event) -> list[Clause]:
    return [equals("version", event.version), equals("status", event.status.value), absent(DELETING)]


def _claims(old: Event, new: Event) -> list[Action]:
    """A new slug is claimed, the old one let go."""
    if old.slug == new.slug:
        return []
    taken = Conflict(f"The slug {new.slug} is taken by another event; choose another one.", field="slug")
    claim = schema.keyed("slugClaim", {"id": new.id, "slug": new.slug})
    return [
        Put(item=claim, expect=[absent()], error=taken),
        Delete(key=schema.key("slugClaim", slug=old.slug), expect=[equals("id", old.id)]),
    ]


def _counted_host(profile: Item, step: int, counted: Tally[Counter]) -> Update:
    update, counters = count_change(person_of(profile), hosted=step)
    counted.update(counters)
    return update


def _cancellation_item(cancellation: Cancellation) -> Item:
    attributes = {
        "id": cancellation.event_id,
        "eventId": cancellation.event_id,
        "startAt": stamp(cancellation.start_at),
        "reason": cancellation.reason,
        "by": cancellation.by,
        "at": stamp(cancellation.at),
    }
    return schema.keyed("cancellation", attributes)
