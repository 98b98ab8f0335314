"""The door of an event in words: whether anybody can come in, and each name with the one button it has."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from crm.domain.events import SEATED, AttendanceStatus, Event, EventStatus
from crm.domain.folding import fold
from crm.services.door import Guest
from crm.staff import ROLES
from crm.web.events.shown import shown

CLOSED = {
    EventStatus.CREATING: "This event is just being created: its attendees are still being written. Reload the page in a moment.",
    EventStatus.CANCELLED: "This event was cancelled, so nobody can be checked in.",
}
NOT_YET = {
    AttendanceStatus.INVITED: "Invited",
    AttendanceStatus.CANCELLED: "Cancelled",
    AttendanceStatus.NO_SHOW: "Marked as a no-show",
}
JUST_NOW = timedelta(minutes=1)
ORDINALS = {1: "st", 2: "nd", 3: "rd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorRow:
    """One name at the door. `button` is what can be done, `do` its name in the form, `why` says why it can't be now.

    `came` is when they came in, in words, empty for who is not in. `alike`: somebody else beside it has the same name.
    """

    guest: Guest
    button: str
    do: str
    why: str = ""
    came: str = ""
    by: str = ""
    notes: tuple[str, ...] = ()
    alike: bool = False

    @property
    def name(self) -> str:
        """First and last name."""
        return self.guest.person.name

    @property
    def id(self) -> str:
        """Whose row it is."""
        return self.guest.person.id

    @property
    def waits(self) -> bool:
        """Whether they stand in line."""
        return self.guest.status is AttendanceStatus.WAITLISTED

    @property
    def label(self) -> str:
        """The button in words for who does not see the row."""
        if self.do == "undo":
            return f"Undo: {self.name} is not in"
        return f"Give {self.name} a seat" if self.waits else f"Check in {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The door of one event at one moment, for one user."""

    event: Event
    now: datetime
    username: str

    @property
    def closed(self) -> str:
        """Why nobody can be checked in or out, empty where they can."""
        if self.event.deleting:
            return "This event is just being deleted."
        return CLOSED.get(self.event.status, "")

    @property
    def when(self) -> str:
        """When the event is, with its zone."""
        return shown(self.event, self.now).when

    @property
    def early(self) -> bool:
        """Whether it has not begun."""
        return self.now < self.event.start_at

    @property
    def begins(self) -> str:
        """When it begins, in the event's zone."""
        return self.clock(self.event.start_at)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.now >= self.event.end_at

    @property
    def full(self) -> str:
        """Why nobody gets a seat who has none, empty where there is one."""
        if self.event.seats_left != 0:
            return ""
        seats = self.event.max_capacity or 0
        return f"All {seats:,} seats are taken." if seats != 1 else "The only seat is taken."

    @property
    def line_goes_first(self) -> str:
        """Why nobody who waits is given a seat by hand, empty where they can be."""
        first = "Until it begins, a seat that frees goes to the first in line by itself."
        return first if self.early and self.event.promotes(self.now) else ""

    @property
    def who_adds_seats(self) -> str:
        """The roles that can add seats, in words."""
        names = [f"{role}s" for role, codenames in ROLES.items() if "edit_events" in codenames]
        return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]

    @property
    def marked(self) -> str:
        """When those who had not come were marked as no-shows, in words; empty where they were not."""
        return self.clock(self.event.no_show_at) if self.event.no_show_at else ""

    def clock(self, moment: datetime) -> str:
        """The time in the event's zone, with the day unless that is today.

        Names of days and months are English, as the pages are.
        """
        local, today = moment.astimezone(self.event.zone), self.now.astimezone(self.event.zone)
        return f"{local:%H:%M}" if local.date() == today.date() else f"{local:%a} {local.day} {local:%b, %H:%M}"

    def fresh(self, guest: Guest) -> bool:
        """Whether this user has checked them in just now."""
        there = guest.attendance
        return there is not None and there.by == self.username and self.now - there.since < JUST_NOW

    def rows(self, guests: Iterable[Guest]) -> list[DoorRow]:
        """The guests as rows; who has a namesake among them shows a bit of the address."""
        guests = list(guests)
        names = Counter(fold(one.person.name) for one in guests)
        return [self.row(one, alike=names[fold(one.person.name)] > 1) for one in guests]

    def row(self, guest: Guest, *, alike: bool = False) -> DoorRow:
        """One guest as a row."""
        row = partial(DoorRow, guest=guest, alike=alike, notes=self._notes(guest, alike))
        there = guest.attendance
        if there is not None and there.status is AttendanceStatus.ATTENDED:
            by = "" if not there.by else "by you" if there.by == self.username else f"by {there.by}"
            return row(button="Undo", do="undo", why=self.closed, came=self.clock(there.since), by=by)
        if guest.status is AttendanceStatus.REGISTERED:
            return row(button="Check in", do="in", why=self.closed)
        waits = guest.status is AttendanceStatus.WAITLISTED
        why = self.closed or self.full or (self.line_goes_first if waits else "")
        return row(button="Give a seat" if waits else "Check in", do="in", why=why)

    def _notes(self, guest: Guest, alike: bool) -> tuple[str, ...]:
        """What tells them apart, and where they stand unless they are expected."""
        person, words = guest.person, ""
        if guest.status is AttendanceStatus.WAITLISTED:
            words = f"Waitlist, {_ordinal(guest.place)} in line" if guest.place else "Waitlist"
        elif guest.status is not None:
            words = NOT_YET.get(guest.status, "")
        company = person.profile.company or ("First time here" if person.attended_event_count == (guest.status in SEATED) else "")
        host = "host" if person.id in self.event.host_ids else ""
        return tuple(note for note in (words, company, host, _masked(person.profile.email) if alike else "") if note)


def _ordinal(number: int) -> str:
    """The number as a place.

    >>> [_ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21, 103, 112)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '103rd', '112th']
    """
    return f"{number}{'th' if 10 < number % 100 < 14 else ORDINALS.get(number % 10, 'th')}"


def _masked(address: str) -> str:
    """As much of an address as tells two namesakes apart.

    >>> _masked("zoe.angstrom@example.org")
    'z…m@example.org'
    """
    local, _, host = address.rpartition("@")
    return f"{local[:1]}…{local[-1:] if len(local) > 1 else ''}@{host}"
