"""Who is on the list of a made-up event, and how they came there: signed up, from the line, by the door, or not at all."""

from datetime import datetime, timedelta
from random import Random

from crm.domain.events import Attendance, AttendanceStatus, Event
from crm.domain.people import Person
from crm.services.demo.logs import STAFF

MOST = 400
"""Names on one list."""
BEFORE = (
    (AttendanceStatus.ATTENDED, 66),
    (AttendanceStatus.NO_SHOW, 14),
    (AttendanceStatus.CANCELLED, 8),
    (AttendanceStatus.INVITED, 12),
)
AHEAD = ((AttendanceStatus.REGISTERED, 62), (AttendanceStatus.INVITED, 31), (AttendanceStatus.CANCELLED, 7))
WALK_INS = 0.06
"""Of those who came, the share that had not signed up, where there was room for them."""


def make_list(random: Random, event: Event, known: list[Person], present: datetime) -> list[Attendance]:
    """Return who is on the list, in the order in which they came to it; people wait in line only where it is full.

    Until `present` people sign up; an event that is over has had its no-shows marked.
    """
    over = event.no_show_at is not None
    wanted = min(len(known), MOST, int((event.max_capacity or 150) * random.uniform(0.5, 1.9)) + 3)
    names = sorted(_regulars(random, known, wanted), key=lambda person: person.id)
    random.shuffle(names)
    last = min(event.start_at, present)
    opened = max(event.created_at, last - timedelta(days=60))
    moments = sorted(random.betavariate(1.2, 1.6) * (last - opened).total_seconds() for _ in names)
    made = _Making(random, event, last, len(names) if event.max_capacity is None else event.max_capacity)
    statuses = BEFORE if over else AHEAD
    for person, seconds in zip(names, moments, strict=True):
        status = random.choices([one for one, _ in statuses], [weight for _, weight in statuses])[0]
        made.add(person.id, status, opened + timedelta(seconds=int(seconds)))
    if over:
        made.walk_in([person.id for person in known if person.id not in {one.user_id for one in made.attendances}])
    return made.attendances


class _Making:
    """One list while it grows. `seats` are those nobody will hold at the end; `given_up` held one for a while."""

    def __init__(self, random: Random, event: Event, last: datetime, seats: int) -> None:
        self.random, self.event, self.last, self.seats = random, event, last, seats
        self.given_up = 0
        self.attendances: list[Attendance] = []

    def add(self, user_id: str, status: AttendanceStatus, came: datetime) -> None:
        """Somebody signs up, or is invited; without a seat they wait in line, or are refused where there is none."""
        event = self.event
        if status is AttendanceStatus.INVITED:
            self.attendances.append(Attendance.new(event, user_id, status, now=came, by=STAFF[0]))
        elif self.seats == 0 and status is not AttendanceStatus.CANCELLED:
            if event.waitlist:
                self.attendances.append(Attendance.new(event, user_id, AttendanceStatus.WAITLISTED, now=came))
        else:
            self.attendances.append(self._seated(user_id, status, came))

    def _seated(self, user_id: str, status: AttendanceStatus, came: datetime) -> Attendance:
        """Somebody who had a seat, from the line where it was another's at first, and what became of it."""
        event = self.event
        waited = event.waitlist and status is not AttendanceStatus.CANCELLED and 0 < self.seats <= self.given_up
        if waited:
            self.given_up -= 1
            first = Attendance.new(event, user_id, AttendanceStatus.WAITLISTED, now=came)
            came = self._later(came)
            signed = first.moved(event, AttendanceStatus.REGISTERED, now=came)
        else:
            signed = Attendance.new(event, user_id, AttendanceStatus.REGISTERED, now=came)
        if status is AttendanceStatus.CANCELLED:
            self.given_up += 1
            return signed.moved(event, status, now=self._later(came), by=self.random.choice(("", *STAFF)))
        self.seats -= 1
        if status is AttendanceStatus.ATTENDED:
            return signed.moved(event, status, now=self._at_the_door(), by=self.random.choice(STAFF))
        if status is AttendanceStatus.NO_SHOW and event.no_show_at is not None:
            return signed.moved(event, status, now=event.no_show_at)
        return signed

    def walk_in(self, others: list[str]) -> None:
        """Some come to the door without having signed up."""
        came = sum(one.status is AttendanceStatus.ATTENDED for one in self.attendances)
        for user_id in others[: min(self.seats, round(came * WALK_INS))]:
            self.seats -= 1
            at, by = self._at_the_door(), self.random.choice(STAFF)
            self.attendances.append(Attendance.new(self.event, user_id, AttendanceStatus.ATTENDED, now=at, by=by, walk_in=True))

    def _later(self, moment: datetime) -> datetime:
        span = (self.last - moment).total_seconds()
        return moment + timedelta(seconds=int(span * self.random.uniform(0.1, 0.9)))

    def _at_the_door(self) -> datetime:
        return self.event.start_at + timedelta(minutes=self.random.randrange(-20, 40), seconds=self.random.randrange(60))


def _regulars(random: Random, known: list[Person], wanted: int) -> list[Person]:
    """Different people, of whom some come again and again."""
    chosen = {person.id: person for person in random.sample(known, wanted // 2)}
    while len(chosen) < wanted:
        person = known[int(len(known) * random.random() ** 2.5)]
        chosen.setdefault(person.id, person)
    return list(chosen.values())
