"""What would happen if people were added to an event, before anybody is."""

from dataclasses import dataclass, replace
from datetime import datetime

from crm.domain.events import Event
from crm.domain.filters import PeopleFilter
from crm.store import Store
from crm.store.events import ON_THE_LIST

MOST = 5_000
"""People on a list who are looked at to tell whom of them a filter means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """How many would be registered, waitlisted or refused, or are on the list already; None where the list is too long to tell.

    `queued`: the seats that are free belong to people who wait already.
    """

    event: Event
    already: int | None
    registered: int | None
    waitlisted: int | None
    refused: int | None
    queued: bool = False


def foreseen(store: Store, wanted: PeopleFilter, number: int, event_id: str, *, now: datetime) -> Foreseen:
    """Return what would become of the `number` people who match, were they added to an event at this moment. NotFound.

    Costs the list of the event, and one reading of those on it.
    """
    event = store.events.get(event_id)
    counts = store.events.attendee_counts(event_id)
    if sum(counts[status] for status in ON_THE_LIST) > MOST:
        return Foreseen(event=event, already=None, registered=None, waitlisted=None, refused=None)
    listed = {one.user_id for one in store.events.walk_attendees(event_id, statuses=sorted(ON_THE_LIST))}
    if wanted.ids:
        listed &= set(wanted.ids)
    already = store.people.count(replace(wanted, ids=tuple(sorted(listed)))) if listed else 0
    coming = max(0, number - already)
    queued = event.seats_left != 0 and event.is_full_for(now)
    free = 0 if queued else event.seats_left
    registered = coming if free is None else min(coming, free)
    others = coming - registered
    return Foreseen(
        event=event,
        already=already,
        registered=registered,
        waitlisted=others if event.waitlist else 0,
        refused=0 if event.waitlist else others,
        queued=queued,
    )
