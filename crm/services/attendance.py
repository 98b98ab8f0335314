"""Where one person stands with an event: checked in at the door, moved on its list, taken back. Every call may be repeated."""

import logging
from datetime import datetime

from crm.domain.errors import Conflict
from crm.domain.events import AttendanceStatus, EventStatus
from crm.domain.folding import fold
from crm.domain.ids import new_id
from crm.domain.people import Person, Profile
from crm.services import people
from crm.services.audit import noted
from crm.store import Store
from crm.store.events import NOT_OPEN, Moved

logger = logging.getLogger(__name__)


def check_in(store: Store, event_id: str, user_id: str, *, now: datetime, by: str) -> Moved:
    """Let somebody who exists be there; who is in already stays as they are, who was not on the list is a walk-in.

    A free seat is theirs whoever waits in line. Raises NotFound, and Conflict where there is none or the event is not open.
    """
    moved = store.events.move(event_id, user_id, AttendanceStatus.ATTENDED, now=now, by=by, walk_in=True)
    if moved.changed:
        logger.info("checked in", extra={"event_id": event_id, "user_id": user_id, "promoted": len(moved.promoted)})
    return moved


def undo_check_in(store: Store, event_id: str, user_id: str, *, now: datetime, by: str) -> Moved:
    """Let somebody be where they were before they were checked in; who came without being on the list leaves it.

    Nothing changes where they are not in by now. Raises NotFound, and Conflict where they can't go back.
    """
    moved = store.events.undo(event_id, user_id, was=AttendanceStatus.ATTENDED, now=now, by=by)
    if moved.changed:
        logger.info("check-in taken back", extra={"event_id": event_id, "user_id": user_id, "promoted": len(moved.promoted)})
    return moved


def set_status(store: Store, event_id: str, user_id: str, status: AttendanceStatus, *, now: datetime, by: str) -> Moved:
    """Give somebody a status, and a seat that frees to the first in line. Raises NotFound, RuleViolation and Conflict."""
    audit = noted(store, "attendee.moved", event_id, actor=by, now=now, userId=user_id, status=status.value)
    moved = store.events.move(event_id, user_id, status, now=now, by=by, also=[audit])
    if moved.changed:
        facts = {"event_id": event_id, "user_id": user_id, "status": status.value, "promoted": len(moved.promoted)}
        logger.info("attendance changed", extra=facts)
    return moved


def take_back(store: Store, event_id: str, user_id: str, *, was: AttendanceStatus, now: datetime, by: str) -> Moved:
    """Take somebody's last change back if it led to `was` and they still stand there; else tell where they stand.

    Raises NotFound, and Conflict where the seat they had is somebody else's by now.
    """
    audit = noted(store, "attendee.taken_back", event_id, actor=by, now=now, userId=user_id, status=was.value)
    moved = store.events.undo(event_id, user_id, was=was, now=now, by=by, also=[audit])
    if moved.changed:
        facts = {"event_id": event_id, "user_id": user_id, "status": was.value, "promoted": len(moved.promoted)}
        logger.info("attendance taken back", extra=facts)
    return moved


def remove_seat(store: Store, event_id: str, user_id: str, *, now: datetime, by: str) -> Moved:
    """Cancel somebody's place, and give their seat to the first in line. Raises NotFound, RuleViolation and Conflict."""
    return set_status(store, event_id, user_id, AttendanceStatus.CANCELLED, now=now, by=by)


def walk_in(
    store: Store,
    event_id: str,
    *,
    first_name: str,
    last_name: str,
    email: str,
    now: datetime,
    by: str,
    user_id: str | None = None,
) -> tuple[Person, Moved]:
    """Check in who came to the door and is not on the list: who has that address, else a person who is new.

    With the same `user_id`, which a new person gets, a call may be repeated. Raises NotFound, RuleViolation on a field, and
    Conflict where there is no seat; nobody new is written then, unless the last seat goes in this very moment.
    """
    profile = Profile(first_name=first_name, last_name=last_name, email=email).cleaned()
    person = _known(store, profile, user_id) or _new(store, event_id, profile, user_id, now=now, by=by)
    moved = store.events.move(event_id, person.id, AttendanceStatus.ATTENDED, now=now, by=by, walk_in=True)
    logger.info("walk-in checked in", extra={"event_id": event_id, "user_id": person.id, "changed": moved.changed})
    return person, moved


def _known(store: Store, profile: Profile, user_id: str | None) -> Person | None:
    """Who has the address, else who was written under this id by an earlier call. Conflict where that is somebody else."""
    written = store.people.get_many([user_id]).get(user_id) if user_id else None
    if (person := store.people.find_by_email(profile.email)) is not None:
        return person
    if written is not None and fold(written.profile.email) != fold(profile.email):
        raise Conflict("This form was sent before, with another address. Open it again for somebody else.")
    return written


def _new(store: Store, event_id: str, profile: Profile, user_id: str | None, *, now: datetime, by: str) -> Person:
    event = store.events.get(event_id)
    if event.status is not EventStatus.PUBLISHED:
        raise Conflict(NOT_OPEN[event.status])
    if event.seats_left == 0:
        raise Conflict("The event is full.")
    try:
        return people.add(store, profile, now=now, actor=by, person_id=user_id or new_id())
    except Conflict:  # somebody else has just written them down
        if (person := _known(store, profile, user_id)) is None:
            raise
        return person
