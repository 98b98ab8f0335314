"""Letters about an event that are begun by what happens to it."""

import re
import uuid
from datetime import datetime

from crm.domain.campaigns import Campaign, Letter, Utm
from crm.domain.errors import Conflict, NotFound
from crm.domain.event_log import Cancellation
from crm.domain.event_times import lasts
from crm.domain.events import AttendanceStatus, Event
from crm.domain.filters import PeopleFilter
from crm.services import campaigns
from crm.store import Store
from crm.store.keys import stamp

TOLD = (AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED)
"""Who reads that an event is cancelled."""
BRACES = re.compile(r"(\{(?=[{%])|[}%](?=\}))")
MARKS = re.compile(r"([\\`*_\[\]<>#~|!&])")


def draft_cancelled(
    store: Store, event: Event, cancellation: Cancellation, *, actor: str, sender: str, now: datetime
) -> Campaign:
    """Keep the draft of a letter to those registered and in line that says that the event is cancelled; return it as stored.

    There is one for each cancellation, however often this is called: one that staff have changed, or sent, stays as it is.
    """
    draft_id = uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_OID, event.id), stamp(cancellation.at)).hex
    try:
        return store.campaigns.get(draft_id)
    except NotFound:
        pass
    try:
        return campaigns.save_draft(
            store,
            draft_id,
            Letter(
                subject=_safe(f"Cancelled: {event.title}")[:300],
                body=_body(event, cancellation.reason),
                sender=sender,
                utm=Utm(campaign=f"{event.slug}-cancelled"[:100], source="crm", medium="email"),
            ),
            wanted=PeopleFilter(attends=tuple(f"{event.id}:{status.value}" for status in TOLD)),
            actor=actor,
            now=now,
        )
    except Conflict:
        return store.campaigns.get(draft_id)


def _body(event: Event, reason: str) -> str:
    """The letter in Markdown, with fields for each reader; what staff typed stands in it as plain text."""
    place = ", ".join(_plain(part) for part in (event.venue, event.city) if part)
    why = "\n\n".join(_plain(line) for line in reason.splitlines() if line.strip())
    parts = [
        "Dear {{ firstName }},",
        f"**{_plain(event.title)}** on {lasts(event)}{f' ({place})' if place else ''} will not take place.",
        why,
        "There is nothing you need to do. We are sorry, and hope to see you at another event.",
    ]
    return "\n\n".join(part for part in parts if part)


def _plain(text: str) -> str:
    """Text as Markdown that shows it as it is: `*` becomes `\\*`."""
    return MARKS.sub(r"\\\1", _safe(text))


def _safe(text: str) -> str:
    """Text in which no merge field begins or ends.

    >>> _safe("{{ x }} {% y %}")
    '{ { x } } { % y % }'
    """
    return BRACES.sub(r"\1 ", text)
