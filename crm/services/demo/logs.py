"""What staff wrote down about some of the made-up people: notes, and a change of job."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from crm.domain.log import LogEntry, LogKind
from crm.domain.people import Person
from crm.services.demo.people import chance, demo_id

EVERY = 16
"""Of so many people one has a log."""
STAFF = ("ingrid.sjoberg", "jonas.lindqvist")
NOTES = (
    "Would host again in the autumn if somebody else does the food. Prefers Tuesdays.",
    "Met at the spring conference; knows everybody who runs a reading group.",
    "Vegetarian, and allergic to nuts. Needs a seat near the door.",
    "Asked for slides of the last talk.\nSent them the same evening.",
    "Could speak about accessibility. Ask before the summer.",
    "Prefers to be called in the morning.",
)
BEFORE = ("Volunteer", "Intern", "Community manager", "Organiser", "Consultant")


def logs_of(people: Sequence[Person], seed: int, present: datetime) -> dict[str, list[LogEntry]]:
    """Return `{id of a person: their log}`; nobody has one from before they came."""
    logs = {}
    for number, person in enumerate(people):
        if number % EVERY == 0 and person.created_at < present:
            logs[person.id] = _log(person, seed, number, present)
    return logs


def _log(person: Person, seed: int, number: int, present: datetime) -> list[LogEntry]:
    random = chance(seed, "log", number)
    times = sorted(
        person.created_at + (present - person.created_at) * random.random() for _ in range(random.choice((1, 1, 2, 3)))
    )
    log = [
        LogEntry(
            id=demo_id(seed, f"note {number}", place),
            user_id=person.id,
            at=at,
            kind=LogKind.NOTE,
            actor=random.choice(STAFF),
            text=random.choice(NOTES),
        )
        for place, at in enumerate(times)
    ]
    was = random.choice([title for title in BEFORE if title != person.profile.job_title])
    if person.profile.job_title and random.random() < 0.5:
        at = min(times[-1] + timedelta(hours=1), present)
        changes = {"jobTitle": (was, person.profile.job_title)}
        edit = LogEntry(
            id=demo_id(seed, "edit", number),
            user_id=person.id,
            at=at,
            kind=LogKind.EDITED,
            actor=random.choice(STAFF),
            changes=changes,
        )
        log.append(edit)
    return log
