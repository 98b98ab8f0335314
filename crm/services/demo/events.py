"""Made-up events, past and to come, with hosts and attendees."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from crm.domain.event_log import Cancellation, EventLogEntry
from crm.domain.events import Attendance, AttendanceStatus, Event, EventStatus
from crm.domain.folding import fold
from crm.domain.people import Person
from crm.services.demo.histories import called_off, history_of
from crm.services.demo.lists import make_list
from crm.services.demo.names import TOPICS, VENUES
from crm.services.demo.people import Crowd, chance, demo_id
from crm.services.event_jobs import NO_SHOW_AFTER

PAST, FUTURE = 330, 75
"""Days before and after the present over which events are spread."""
SHARE_PAST = 0.65
ROOMS = (12, 20, 30, 40, 60, 80, 120, 200, 400)
"""Seats; nobody rents a hall for more people than there are."""
ABOUT = """An evening of the community: **a talk or two**, something to eat, and time for each other.

- Doors open half an hour before
- Bring somebody who has never been here"""
SEVERAL_DAYS = 9
"""One of so many events lasts two or three days."""


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An event, who hosts it, and who is on its list, in order of arrival; what staff did to it, and that they called it off."""

    event: Event
    host_ids: tuple[str, ...]
    attendances: list[Attendance]
    log: list[EventLogEntry]
    off: tuple[Cancellation, EventLogEntry] | None = None


def make_events(seed: int, number: int, crowd: Crowd, present: datetime) -> list[PlannedEvent]:
    """Return `number` events, the oldest first; about two thirds are over. One of each part is called off."""
    if not crowd.people:
        return []
    ahead = next((place for place in range(number) if _share(place, number) >= SHARE_PAST), number)
    off = {ahead - 4: 0, ahead + 1: 1}
    return [_event(seed, place, number, crowd, present, off.get(place)) for place in range(number)]


def _share(place: int, number: int) -> float:
    return (place + 0.5) / number


def _event(seed: int, place: int, number: int, crowd: Crowd, present: datetime, off: int | None) -> PlannedEvent:
    """One event; `off` is which of those it is that were called off, None for one that was not."""
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
    end = start + timedelta(minutes=random.choice((60, 90, 120, 180, 210)), days=_more_days(random, place, start, present))
    slug = _slug(_topic(place), place)
    event = Event(
        id=demo_id(seed, "event", place),
        slug=slug,
        title=f"{_topic(place)}{'' if online or not city else ' ' + city}",
        start_at=start,
        end_at=end,
        owner=hosts[0].id,
        host_ids=tuple(host.id for host in hosts),
        description=ABOUT,
        venue="" if online else random.choice(VENUES),
        city="" if online else city,
        online_url=f"https://meet.example/{slug}" if online else "",
        timezone=zone,
        max_capacity=capacity,
        waitlist=place % 7 != 3,
        status=EventStatus.PUBLISHED,
        no_show_at=end + NO_SHOW_AFTER if start < present and off is None else None,
        created_at=created,
        updated_at=created,
    )
    called = called_off(event, off, present) if off is not None else None
    attendances = make_list(random, event, known, called[0].at if called else present)
    no_shows = sum(one.status is AttendanceStatus.NO_SHOW for one in attendances)
    return PlannedEvent(event, event.host_ids, attendances, history_of(event, random, present, no_shows), called)


def _more_days(random: Random, place: int, start: datetime, present: datetime) -> int:
    """How many days more than one it lasts; never so many that it would go on now."""
    days = random.choice((1, 2)) if place % SEVERAL_DAYS == 4 else 0
    return days if start > present or start + timedelta(days=days + 1) < present else 0


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
    share = _share(place, number)
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
