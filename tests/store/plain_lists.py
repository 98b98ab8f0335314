"""Lists of events as plain Python has them: what the table must say after any sequence of steps, one after the other."""

from collections import Counter as Tally
from dataclasses import dataclass, field
from datetime import date, datetime

from crm.domain.events import MOVES, SEATED, SIGNED_UP, AttendanceStatus, Event

REGISTERED, WAITLISTED, ATTENDED = AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED, AttendanceStatus.ATTENDED
WAITS = {None, AttendanceStatus.INVITED, AttendanceStatus.CANCELLED}


class Refused(Exception):
    """The step can't be."""


@dataclass
class Entry:
    """One person on one list."""

    status: AttendanceStatus
    since: datetime
    was: AttendanceStatus | None = None
    was_since: datetime | None = None
    day: date | None = None
    walk_in: bool = False
    erased: bool = False


@dataclass
class PlainEvent:
    """One list. `known` are the people who are there, shared by all lists."""

    event: Event
    known: set[str]
    seats: int | None
    entries: dict[str, Entry] = field(default_factory=dict)

    def before(self, now: datetime) -> bool:
        return now < self.event.start_at

    def free(self) -> int:
        taken = sum(entry.status in SEATED for entry in self.entries.values())
        return 1000 if self.seats is None else self.seats - taken

    def line(self) -> list[str]:
        waits = [(one.since, id_) for id_, one in self.entries.items() if one.status is WAITLISTED and not one.erased]
        return [id_ for _, id_ in sorted(waits)]

    def signups(self) -> dict[date, int]:
        return dict(sorted(Tally(one.day for one in self.entries.values() if one.day is not None).items()))

    def walk_ins(self) -> int:
        return sum(one.walk_in for one in self.entries.values())

    def seat(self, ids: list[str], now: datetime) -> None:
        coming = [one for one in dict.fromkeys(ids) if one in self.known and self._status(one) not in {*SEATED, WAITLISTED}]
        free = 0 if self.before(now) and self.line() else self.free()
        for number, id_ in enumerate(coming):
            if number < free:
                self._put(id_, REGISTERED, now)
            elif self.event.waitlist and self._status(id_) in WAITS:
                self._put(id_, WAITLISTED, now)

    def move(self, id_: str, status: AttendanceStatus, now: datetime, *, walk_in: bool = False) -> None:
        there = self._status(id_)
        if there is status:
            return
        if id_ not in self.known or (there is None and status not in {*SEATED, WAITLISTED, AttendanceStatus.INVITED}):
            raise Refused
        if there is not None and status not in MOVES[there]:
            raise Refused
        self._check(id_, status, now)
        self._put(id_, status, now, walk_in=walk_in)
        self._serve(id_, there, status, now)

    def undo(self, id_: str, was: AttendanceStatus, now: datetime) -> None:
        entry = self.entries.get(id_)
        if entry is None or entry.status is not was or entry.was is entry.status:
            return
        if id_ not in self.known:
            raise Refused
        if entry.was is None:
            del self.entries[id_]
        else:
            self._check(id_, entry.was, now)
            since = entry.was_since or entry.since
            self.entries[id_] = Entry(entry.was, since, entry.was, since, self._day(entry.was, entry.day, since))
        self._serve(id_, was, entry.was, now)

    def remove(self, id_: str, now: datetime) -> None:
        entry = self.entries.pop(id_, None)
        if entry is not None:
            self._serve(id_, entry.status, None, now)

    def more_seats(self, seats: int | None, now: datetime) -> None:
        self.seats = seats
        if not self.event.start_at <= now < self.event.end_at:
            self._promote(self.free(), set(), now)

    def _check(self, id_: str, status: AttendanceStatus, now: datetime) -> None:
        there = self._status(id_)
        seated, others = there in SEATED, [one for one in self.line() if one != id_]
        if status in SEATED and not seated and self.free() <= 0:
            raise Refused
        if status is not WAITLISTED:
            return
        if not self.event.waitlist and self.entries.get(id_, Entry(status, now)).was is not WAITLISTED:
            raise Refused
        if self.before(now) and not others and (seated or self.free() > 0):
            raise Refused

    def _serve(self, id_: str, there: AttendanceStatus | None, status: AttendanceStatus | None, now: datetime) -> None:
        """Before it starts everybody in line for whom there is a seat; after the end one, if somebody has cancelled."""
        freed = there in SEATED and status not in SEATED
        if self.before(now):
            self._promote(self.free(), {id_}, now)
        elif now >= self.event.end_at and freed and status is not AttendanceStatus.NO_SHOW:
            self._promote(min(1, self.free()), {id_}, now)

    def _promote(self, number: int, without: set[str], now: datetime) -> None:
        able = [one for one in self.line() if one not in without]
        for id_ in able[: max(0, number)]:
            self._put(id_, REGISTERED, now)

    def _put(self, id_: str, status: AttendanceStatus, now: datetime, *, walk_in: bool = False) -> None:
        old = self.entries.get(id_)
        day = self._day(status, old.day if old else None, now)
        new = Entry(status, now, old.status if old else None, old.since if old else None, day)
        new.walk_in = walk_in and old is None
        self.entries[id_] = new

    def _day(self, status: AttendanceStatus, kept: date | None, now: datetime) -> date | None:
        return (kept or now.astimezone(self.event.zone).date()) if status in SIGNED_UP else None

    def _status(self, id_: str) -> AttendanceStatus | None:
        return self.entries[id_].status if id_ in self.entries else None
