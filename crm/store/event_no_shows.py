"""After an event: who was registered and not checked in becomes a no-show, in one run that can be taken back."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from crm.domain.events import Attendance, AttendanceStatus, Event, EventStatus
from crm.store import schema
from crm.store.attendances import LEAVING, STEP, Move, write_moves
from crm.store.event_items import event_item
from crm.store.event_sweep import EventSweep, Left
from crm.store.expressions import absent, equals
from crm.store.keys import stamp
from crm.store.people import until_won
from crm.store.requests import Action, Check, Update, changed

AT_ONCE = 10 * STEP
"""People of one step of a run."""
MARK = "noShowAt"

Fence = Callable[[], Sequence[Action]]
"""Gives what is written with each part of a run: that whoever is at it may still be."""


class EventNoShows(EventSweep):
    """A run has one stamp: `no_show_at` of the event, and `since` of everybody it marks. Nobody else is taken back with it."""

    def begin_no_shows(self, event: Event, *, at: datetime, also: Sequence[Action] = ()) -> Event:
        """Write that a run began, with `also`, and return the event: from then on no seat that frees goes to anybody.

        ConditionFailed when the event was changed since it was read, or a run has begun.
        """
        new = replace(event, no_show_at=at)
        expect = [equals("version", event.version), equals("status", event.status.value), absent(MARK)]
        self._table.write([*also, changed(event_item(event), event_item(new), expect=expect)])
        return new

    def mark_no_shows(self, event_id: str, *, now: datetime, fence: Fence) -> Left:
        """Mark the next people of the run that has begun, 300 at most. Safe to repeat.

        `LATER`: the index does not show everybody yet, or somebody is just being deleted or merged.
        """
        event = self.get(event_id)
        if event.no_show_at is None or event.status is not EventStatus.PUBLISHED:
            return Left.NOTHING
        due: list[Attendance] = []
        seen = 0
        for some in self._batches(event_id, (AttendanceStatus.REGISTERED,)):
            seen += len(some)
            due += [one for one in some if _stayed_away(one, event)]
            if len(due) >= AT_ONCE:
                break
        marked = sum(self._step(event_id, due[start : start + STEP], _no_show, now, fence) for start in range(0, len(due), STEP))
        if len(due) >= AT_ONCE and marked:
            return Left.MORE
        left = self.attendee_counts(event_id)[AttendanceStatus.REGISTERED]
        return Left.NOTHING if marked == len(due) and left == seen - marked else Left.LATER

    def no_shows_of(self, event: Event, run: datetime) -> list[Attendance] | None:
        """Return whom that run has marked and who still stands so, first those who signed up first; None: not all seen yet."""
        found = self.standing(event.id, AttendanceStatus.NO_SHOW)
        if found is None:
            return None
        marked = [one for one in found if _marked_by(one, run)]
        return sorted(marked, key=lambda one: (one.registered_at or run, one.user_id))

    def has_no_shows(self, event: Event) -> bool:
        """Tell whether somebody stands as the run of that event left them, or may: the index does not show everybody yet.

        Few requests, and none where there was no run.
        """
        if event.no_show_at is None:
            return False
        seen = 0
        for some in self._batches(event.id, (AttendanceStatus.NO_SHOW,)):
            seen += len(some)
            if any(_marked_by(one, event.no_show_at) for one in some):
                return True
        return seen != self.attendee_counts(event.id)[AttendanceStatus.NO_SHOW]

    def unmark_no_shows(self, event_id: str, run: datetime, *, by: str, now: datetime) -> Left:
        """Register the next people again whom that run has marked, 300 at most and while there are seats. Safe to repeat."""

        def registered(event: Event, old: Attendance) -> Attendance | None:
            return old.undone(event, by=by) if old.status is AttendanceStatus.NO_SHOW and old.since == run else None

        event = self.get(event_id)
        marked = self._next_marked(event, run)
        if marked is None:
            return Left.LATER
        done = 0
        for start in range(0, min(len(marked), AT_ONCE), STEP):
            part = marked[start : start + STEP]
            done += self._step(event_id, part, registered, now, tuple)
        return Left.MORE if len(marked) > AT_ONCE and done else Left.NOTHING

    def still_marked(self, event: Event) -> Action:
        """Return the condition that the event, and its run, stand as they were read."""
        run = stamp(event.no_show_at) if event.no_show_at else None
        expect = [equals("version", event.version), equals("status", event.status.value), equals(MARK, run)]
        return Check(key=schema.key("event", id=event.id), expect=expect)

    def end_no_shows(self, event_id: str, run: datetime) -> Action:
        """Return the action with which a run that was taken back is forgotten."""
        return Update(key=schema.key("event", id=event_id), changes={MARK: None}, expect=[equals(MARK, stamp(run))])

    def _next_marked(self, event: Event, run: datetime) -> list[Attendance] | None:
        """The next people whom that run has marked, more than `AT_ONCE` where there are more; None: not all seen yet.

        Only where seats are short it matters who comes first, and only then all of them are read.
        """
        number = self.attendee_counts(event.id)[AttendanceStatus.NO_SHOW]
        if event.seats_left is not None and event.seats_left < number:
            return self.no_shows_of(event, run)
        found: list[Attendance] = []
        seen = 0
        for some in self._batches(event.id, (AttendanceStatus.NO_SHOW,)):
            seen += len(some)
            found += [one for one in some if _marked_by(one, run)]
            if len(found) > AT_ONCE:
                return found
        return found if seen == number else None

    def _step(
        self,
        event_id: str,
        attendances: Sequence[Attendance],
        move: Callable[[Event, Attendance], Attendance | None],
        now: datetime,
        fence: Fence,
    ) -> int:
        """Move those of these who still are where they should be, as far as there are seats; return how many."""
        ids = [one.user_id for one in attendances]
        also = fence()

        def attempt() -> int:
            event, there = self.get(event_id), self.attendances(event_id, ids)
            people = {user_id: item for user_id, item in self._people(ids).items() if LEAVING not in item}
            pairs = [(there[one], move(event, there[one])) for one in ids if one in there and one in people]
            moves = [Move(old=old, new=new) for old, new in pairs if new is not None]
            if moves and moves[0].seats > 0 and event.seats_left is not None:
                moves = moves[: event.seats_left]
            if moves:
                write_moves(self._table, self._stats, event, moves, people, now=now, also=also)
            return len(moves)

        return until_won(attempt)


def _stayed_away(one: Attendance, event: Event) -> bool:
    """Whether somebody had a seat and did not come.

    Not who was erased, who got the seat from the line after the end, or whom staff registered after the run had begun.
    """
    promoted_late = one.was is AttendanceStatus.WAITLISTED and one.since >= event.end_at
    moved_since = event.no_show_at is not None and one.since > event.no_show_at
    return one.status is AttendanceStatus.REGISTERED and not (one.erased or promoted_late or moved_since)


def _marked_by(one: Attendance, run: datetime) -> bool:
    """Whether that run made them a no-show, and nobody has moved them since."""
    return one.since == run and one.was is AttendanceStatus.REGISTERED and not one.erased


def _no_show(event: Event, old: Attendance) -> Attendance | None:
    """The attendance as the run leaves it; None where there is nothing to mark."""
    if event.no_show_at is None or not _stayed_away(old, event):
        return None
    return old.moved(event, AttendanceStatus.NO_SHOW, now=event.no_show_at)
