"""Events of providers that were taken: each once, however often it is told."""

from datetime import datetime, timedelta

from crm.domain.errors import Conflict
from crm.store import schema
from crm.store.expressions import absent
from crm.store.requests import Put

KEPT_FOR = timedelta(days=30)
"""Far longer than any provider repeats an event."""


class SeenAlready(Conflict):
    """The event was taken before."""


def seen(provider: str, event_id: str, *, now: datetime) -> Put:
    """Return the Put that belongs into the transaction in which the event is taken; SeenAlready where it was taken before."""
    attributes = {
        "id": event_id,
        "provider": provider,
        "eventId": event_id,
        "expiresAt": int((now + KEPT_FOR).timestamp()),
    }
    return Put(item=schema.keyed("seen", attributes), expect=[absent()], error=SeenAlready("This event was taken already."))
