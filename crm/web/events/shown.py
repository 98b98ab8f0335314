"""Events in words: when they are, in their own zone, and where they stand."""

from dataclasses import dataclass
from datetime import datetime

from crm.domain.events import Event, EventStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One event as a page shows it: its state as a word and a colour, its time in words, and whether it is over."""

    event: Event
    state: str
    css: str
    when: str
    day: str
    over: bool

    @property
    def is_full(self) -> bool:
        """Whether no seat is left."""
        return self.event.seats_left == 0


def shown(event: Event, now: datetime) -> Shown:
    """Return the event as it is shown at `now`."""
    over = event.end_at <= now
    state, css = _state(event, now)
    return Shown(event=event, state=state, css=css, when=_when(event), day=_day(event), over=over)


def _state(event: Event, now: datetime) -> tuple[str, str]:
    if event.deleting:
        return "Being deleted", "live"
    if event.status is EventStatus.CANCELLED:
        return "Cancelled", "bad"
    if event.status is EventStatus.CREATING:
        return "Being created", "live"
    if event.status is EventStatus.DRAFT:
        return "Draft", "idle"
    if event.end_at <= now:
        return "Over", "idle"
    return ("On now", "live") if event.start_at <= now else ("Published", "good")


def _when(event: Event) -> str:
    """Both times in the event's zone, the day once where it is the same.

    Names of days and months are English, as the pages are.
    """
    start, end = event.start_at.astimezone(event.zone), event.end_at.astimezone(event.zone)
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%a} {end.day} {end:%b %Y, %H:%M}"
    return f"{start:%a} {start.day} {start:%b %Y, %H:%M}–{until} {event.timezone.replace('_', ' ')}"


def _day(event: Event) -> str:
    start = event.start_at.astimezone(event.zone)
    return f"{start:%a} {start.day} {start:%b %Y, %H:%M}"
