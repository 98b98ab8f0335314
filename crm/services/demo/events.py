"""Made-up events, past and to come, with hosts and attendees."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from crm.domain.events import SEATED, Attendance, AttendanceStatus, Event, EventStatus
from crm.domain.folding import fold
from crm.domain.people import Person
from crm.services.demo.names import TOPICS, VENUES
from crm.services.demo.people import Crowd, chance, demo_id

PAST, FUTURE = 330, 75
"""Days before and after the present over which events are spread."""
SHARE_PAST = 0.65
MOST = 400
"""Names on one list."""
ROOMS = (12, 20, 30, 40, 60, 80, 120, 200, 400)
"""Seats; nobody rents a hall for more people than there are."""
BEFORE = (
    (AttendanceStatus.ATTENDED, 66),
    (AttendanceStatus.NO_SHOW, 14),
    (AttendanceStatus.CANCELLED, 8),
    (AttendanceStatus.INVITED, 12),
)
AHEAD = ((AttendanceStatus.REGISTERED, 62), (AttendanceStatus.INVITED, 31), (AttendanceStatus.CANCELLED, 7))


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An event, who hosts it, and who is on its list, in order of arrival."""

    event: Event
    host_ids: tuple[str, ...]
    attendances: list[Attendance]


def make_events(seed: int, number: int, crowd: Crowd, present: datetime) -> list[PlannedEvent]:
    """Return `number` events, the oldest first; about two thirds are over."""
    return [_event(seed, place, number, crowd, present) for place in range(number)] if crowd.people else []


def _event(seed: int, place: int, number: int, crowd: Crowd, present: datetime) -> PlannedEvent:
    random = chance(seed, "event", place)
    zone = random.choices(list(crowd.zones), [len(places) for places in crowd.zones.values()])[0]
    start = _start(random, place, number, zone, present)
    known = [one for one in (crowd.people[place] for place in crowd.zones[zone]) if one.created_at < min(start, present)]
    known = known or crowd.people[:1]
    hosts = _hosts(random, known)
    online = random.random() < 0.15
    city = random.choice([one.profile.city for one in known if one.profile.city] or [""])
    capacity = None if online else random.choice([seats for seats in ROOMS if seats <= max(ROOMS[1], len(known) * 2 // 3)])
    created = min(start, present) - timedelta(days=random.randrange(25, 70))
    event = Event(
        id=demo_id(seed, "event", place),
        slug=_slug(_topic(place), place),
        title=f"{_topic(place)}{'' if online or not city else ' ' + city}",
        start_at=start,
        end_at=start + timedelta(minutes=random.choice((60, 90, 120, 180, 210))),
        owner=hosts[0].id,
        description="An evening of the community: a talk or two, something to eat, and time for each other.",
        venue="Online" if online else f"{random.choice(VENUES[:-1])}{', ' + city if city else ''}",
        timezone=zone,
        max_capacity=capacity,
        status=EventStatus.PUBLISHED,
        created_at=created,
        updated_at=created,
    )
    return PlannedEvent(event, tuple(host.id for host in hosts), _attendances(random, event, known, present))


def _topic(place: int) -> str:
    return TOPICS[place % len(TOPICS)]


def _slug(topic: str, place: int) -> str:
    """
    >>> _slug("Product Walk & Talk", 3)
    'product-walk-talk-4'
    """
    words = "".join(c if c.isalnum() else " " for c in fold(topic)).split()
    return "-".join([*words, str(place + 1)])


def _start(random: Random, place: int, number: int, zone: str, present: datetime) -> datetime:
    """An evening, or the start of a working day; never within a day of the present, so that past stays past for a while."""
    share = (place + 0.5) / number
    if share < SHARE_PAST:
        days = -PAST * (1 - share / SHARE_PAST) - 1.5
    else:
        days = FUTURE * ((share - SHARE_PAST) / (1 - SHARE_PAST)) + 1.5
    day = (present + timedelta(days=days)).date()
    hour = random.choice((time(9, 0), time(17, 30), time(18, 0), time(18, 30), time(19, 0)))
    return datetime.combine(day, hour, ZoneInfo(zone)).astimezone(UTC)


def _hosts(random: Random, known: list[Person]) -> list[Person]:
    """One to three, mostly from the few who host often."""
    few = known[: max(3, len(known) // 40)]
    wanted = random.choice((1, 1, 2, 2, 3))
    return random.sample(few, min(wanted, len(few)))


def _attendances(random: Random, event: Event, known: list[Person], present: datetime) -> list[Attendance]:
    over = event.start_at < present
    wanted = min(len(known), MOST, int((event.max_capacity or 150) * random.uniform(0.5, 1.9)) + 3)
    names = sorted(_regulars(random, known, wanted), key=lambda person: person.id)
    random.shuffle(names)
    opened = max(event.created_at, min(event.start_at, present) - timedelta(days=60))
    span = (min(event.start_at, present) - opened).total_seconds()
    moments = sorted(random.betavariate(1.2, 1.6) * span for _ in names)
    seats = event.max_capacity if event.max_capacity is not None else len(names)
    attendances = []
    for person, seconds in zip(names, moments, strict=True):
        since = opened + timedelta(seconds=int(seconds))
        statuses = BEFORE if over else AHEAD
        status = random.choices([one for one, _ in statuses], [weight for _, weight in statuses])[0]
        if status in SEATED and seats == 0:
            status = AttendanceStatus.WAITLISTED
        seats -= status in SEATED
        if status in {AttendanceStatus.ATTENDED, AttendanceStatus.NO_SHOW}:
            since = event.start_at + timedelta(minutes=random.randrange(-20, 40))
        attendances.append(Attendance(event_id=event.id, user_id=person.id, status=status, since=since))
    return attendances


def _regulars(random: Random, known: list[Person], wanted: int) -> list[Person]:
    """Different people, of whom some come again and again."""
    chosen = {person.id: person for person in random.sample(known, wanted // 2)}
    while len(chosen) < wanted:
        person = known[int(len(known) * random.random() ** 2.5)]
        chosen.setdefault(person.id, person)
    return list(chosen.values())
