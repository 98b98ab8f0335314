"""What a change of an event will do beside changing it: said before it is saved."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from crm.domain.event_times import lasts
from crm.domain.events import Event


def effects(old: Event, new: Event, now: datetime) -> list[str]:
    """Return it in sentences, none where nobody would be surprised."""
    return [*_of_seats(old, new, now), *_of_line(old, new), *_of_time(old, new, now)]


def mark_of(told: Sequence[str]) -> str:
    """What a form says back, so that it is known which effects were agreed to.

    >>> mark_of([]), mark_of(["It moves."]) == mark_of(["It moves."]) != mark_of(["It stays."])
    ('', True)
    """
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16] if told else ""


def too_few(old: Event, seats: int) -> str:
    """Why there can't be so few seats; empty where there can, and where it is as it was."""
    if seats == old.max_capacity or seats >= old.registered_count:
        return ""
    taken = f"{old.registered_count:,} seats are taken" if old.registered_count != 1 else "1 seat is taken"
    return f"{taken}, so {seats:,} {'is' if seats == 1 else 'are'} too few. Free some first."


def _of_seats(old: Event, new: Event, now: datetime) -> list[str]:
    if new.max_capacity == old.max_capacity:
        return []
    left, waiting = new.seats_left, old.waitlisted_count
    getting = waiting if left is None else min(waiting, left)
    if not getting:
        return []
    if not new.promotes(now):
        return [f"{_people(waiting)} in line stay there, because it has begun: give seats to those who stand at the door."]
    if getting == waiting:
        return [f"Everybody in line gets a seat: {_people(waiting)}."]
    first = "The first in line gets a seat" if getting == 1 else f"The first {getting:,} in line get one"
    return [f"{first}; {waiting - getting:,} {'goes' if waiting - getting == 1 else 'go'} on waiting."]


def _of_line(old: Event, new: Event) -> list[str]:
    if old.waitlist and not new.waitlist and old.waitlisted_count:
        return [
            f"{_people(old.waitlisted_count)} in line keep their place. Whoever comes after them and finds no seat is refused."
        ]
    return []


def _of_time(old: Event, new: Event, now: datetime) -> list[str]:
    if (old.start_at, old.end_at, old.timezone) == (new.start_at, new.end_at, new.timezone):
        return []
    told = [f"It moves from {lasts(old)} to {lasts(new)}."]
    if (old.start_at, old.end_at) == (new.start_at, new.end_at):
        told = [f"It stays at the same moment, told as {lasts(new)} instead of {lasts(old)}."]
    told.append(f"Calendars that follow it, {_hosts(new)}, show that when they look again. Nobody is written to.")
    if new.end_at <= now < old.end_at and new.auto_no_show and old.registered_count:
        told.append("It is over then: whoever is registered and was not checked in becomes a no-show.")
    return told


def _hosts(event: Event) -> str:
    number = len(event.host_ids)
    return "also that of its host" if number == 1 else f"also those of its {number} hosts" if number else "where there are some"


def _people(number: int) -> str:
    return f"{number:,} {'person' if number == 1 else 'people'}"
