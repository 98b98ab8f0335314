"""Tasks: one action on many people who were noted down when it began."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from crm.domain.errors import RuleViolation
from crm.domain.events import AttendanceStatus
from crm.domain.filters import PeopleFilter


class TaskStatus(StrEnum):
    """Where a task stands. `NOTING`: the ids of those who match are being noted down; nobody is touched yet."""

    NOTING = "noting"
    WORKING = "working"
    DONE = "done"
    CANCELLED = "cancelled"


ENDED = frozenset({TaskStatus.DONE, TaskStatus.CANCELLED})


class TaskAction(StrEnum):
    """What is done to each of them. `STATUS`: they get another status on the list of an event."""

    TAG = "tag"
    UNTAG = "untag"
    REGISTER = "register"
    STATUS = "status"
    DELETE = "delete"


class Outcome(StrEnum):
    """What became of one person. `DONE`: tagged, untagged, registered, moved or deleted by this task."""

    DONE = "done"
    WAITLISTED = "waitlisted"
    UNCHANGED = "unchanged"
    GONE = "gone"
    TOO_MANY_TAGS = "too_many_tags"
    UNSOUND = "unsound"
    BUSY = "busy"
    CLOSED = "closed"
    FULL = "full"
    NO_WAY = "no_way"
    NOT_LISTED = "not_listed"


FAILURES: Mapping[Outcome, str] = {
    Outcome.TOO_MANY_TAGS: "They have 20 tags already, the most there can be.",
    Outcome.UNSOUND: "Something in their profile can’t be saved as it is; open and mend it.",
    Outcome.BUSY: "Others changed them again and again at the same moment.",
    Outcome.CLOSED: "The event takes nobody: it was cancelled or deleted.",
    Outcome.FULL: "No seat was left for them, or the event has no line to wait in.",
    Outcome.NO_WAY: "From where they stand with the event there is no way there; a no-show, say, must have been registered.",
    Outcome.NOT_LISTED: "They are not on the list of the event any more.",
}
"""Outcomes that are failures, with the reason in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One action in words: what is done and what was, with `{people}` and `{name}`; what became of one; its audit name."""

    title: str
    told: str
    done: str
    unchanged: str
    audit: str


WORDS: Mapping[TaskAction, Words] = {
    TaskAction.TAG: Words(
        title="Tag {people} “{name}”",
        told="{people} tagged “{name}”",
        done="tagged",
        unchanged="had the tag already",
        audit="people.tagged",
    ),
    TaskAction.UNTAG: Words(
        title="Take the tag “{name}” from {people}",
        told="Tag “{name}” taken from {people}",
        done="untagged",
        unchanged="did not have the tag",
        audit="people.untagged",
    ),
    TaskAction.REGISTER: Words(
        title="Add {people} to {name}",
        told="{people} registered for {name}",
        done="registered",
        unchanged="on the list already",
        audit="people.registered",
    ),
    TaskAction.DELETE: Words(
        title="Delete {people}", told="{people} deleted", done="deleted", unchanged="left alone", audit="people.deleted"
    ),
}
MOVED = "attendees.moved"
STATUS_TASK_WORDS: Mapping[AttendanceStatus, Words] = {
    AttendanceStatus.REGISTERED: Words(
        title="Register {people} for {name}",
        told="{people} registered for {name}",
        done="registered",
        unchanged="registered already",
        audit=MOVED,
    ),
    AttendanceStatus.WAITLISTED: Words(
        title="Put {people} on the waitlist of {name}",
        told="{people} put on the waitlist of {name}",
        done="put on the waitlist",
        unchanged="on the waitlist already",
        audit=MOVED,
    ),
    AttendanceStatus.INVITED: Words(
        title="Note {people} as invited to {name}",
        told="{people} noted as invited to {name}",
        done="invited",
        unchanged="invited already",
        audit=MOVED,
    ),
    AttendanceStatus.ATTENDED: Words(
        title="Note {people} as attended: {name}",
        told="{people} noted as attended: {name}",
        done="attended",
        unchanged="noted so already",
        audit=MOVED,
    ),
    AttendanceStatus.NO_SHOW: Words(
        title="Note {people} as no-show: {name}",
        told="{people} noted as no-show: {name}",
        done="no-show",
        unchanged="noted so already",
        audit=MOVED,
    ),
    AttendanceStatus.CANCELLED: Words(
        title="Cancel the places of {people}: {name}",
        told="Places of {people} cancelled: {name}",
        done="cancelled",
        unchanged="cancelled already",
        audit=MOVED,
    ),
}
"""What a task says that gives people another status."""


def standing(subject: str) -> tuple[str, AttendanceStatus]:
    """Return event and status that the subject of a `STATUS` task names; RuleViolation where it names none.

    >>> standing("e1:waitlisted")
    ('e1', <AttendanceStatus.WAITLISTED: 'waitlisted'>)
    """
    event_id, _, status = subject.partition(":")
    if not event_id or status not in set(AttendanceStatus):
        raise RuleViolation("Choose what is to become of them in the list of an event.", field="subject")
    return event_id, AttendanceStatus(status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One action on many people. Times are aware UTC, to the millisecond; None means it has not happened.

    `subject` is the tag, the event's id, or that with a status, as in `e1:waitlisted`; `name` is what staff call tag or event.
    `matched` was counted at the start, `noted` are the ids noted down so far, in `parts` numbered parts, of which those before
    `position` are worked through. `wanted` and `cursor` serve to note them down and are forgotten then; `again`: the list is
    gone through a second time, for those who moved in it. `missing`: how many of the part in hand were gone when it was begun,
    those aside whose going is told elsewhere (merged, erased); None where that is not counted. `stopping`: somebody has
    cancelled it, and what was done is being counted.
    """

    id: str
    action: TaskAction
    subject: str = ""
    name: str = ""
    wanted: PeopleFilter = field(default_factory=PeopleFilter)
    actor: str = ""
    status: TaskStatus = TaskStatus.NOTING
    matched: int = 0
    noted: int = 0
    parts: int = 0
    position: int = 0
    cursor: str | None = None
    again: bool = False
    missing: int | None = None
    counts: Mapping[Outcome, int] = field(default_factory=dict)
    stopping: bool = False
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def words(self) -> Words:
        """How one speaks of it."""
        return STATUS_TASK_WORDS[standing(self.subject)[1]] if self.action is TaskAction.STATUS else WORDS[self.action]

    @property
    def event_id(self) -> str:
        """The event whose list it changes, empty where it changes none."""
        about_event = self.action in {TaskAction.REGISTER, TaskAction.STATUS}
        return self.subject.partition(":")[0] if about_event else ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDED

    @property
    def total(self) -> int:
        """How many people it is about: those noted down, or while that goes on those who matched."""
        return max(self.matched, self.noted) if self.status is TaskStatus.NOTING else self.noted

    @property
    def reached(self) -> int:
        """How many of them were worked through, whatever came of it."""
        return sum(self.counts.values())

    @property
    def failed(self) -> int:
        """How many it could not be done to, for a reason that staff can do something about."""
        return sum(self.counts.get(outcome, 0) for outcome in FAILURES)

    @property
    def percent(self) -> int:
        """How far it is, 0 to 100; 100 only when everybody was reached."""
        return self.reached * 100 // self.total if self.total else 100 if self.ended else 0

    @property
    def title(self) -> str:
        """What is done to how many, as a heading.

        >>> from datetime import UTC
        >>> at = datetime(2026, 5, 4, tzinfo=UTC)
        >>> Task(id="1", action=TaskAction.TAG, name="VIP", matched=1284, created_at=at).title
        'Tag 1,284 people “VIP”'
        """
        return self.words.title.format(people=people(self.total), name=self.name)

    def noting(self, more: int, *, parts: int, cursor: str | None, now: datetime) -> "Task":
        """Return the task with `more` ids noted down in `parts` parts; `cursor` is the place in the list, None at its end.

        A list of several pages is gone through again then; behind that the work begins.
        """
        noted = replace(self, noted=self.noted + more, parts=self.parts + parts, cursor=cursor)
        if cursor is not None:
            return noted
        if self.cursor is not None and not self.again:
            return replace(noted, again=True)
        return replace(noted, status=TaskStatus.WORKING, again=False, wanted=PeopleFilter(), started_at=now)

    def counted(self, outcomes: Mapping[Outcome, int]) -> "Task":
        """Return the task with what became of the part in hand, ready for the next one."""
        sums = {one: self.counts.get(one, 0) + outcomes.get(one, 0) for one in Outcome}
        counts = {one: number for one, number in sums.items() if number}
        return replace(self, counts=counts, position=self.position + 1, missing=None)

    def finished(self, status: TaskStatus, *, now: datetime) -> "Task":
        """Return the task at its end."""
        return replace(self, status=status, wanted=PeopleFilter(), cursor=None, again=False, finished_at=now)

    def check_can_be_cancelled(self) -> None:
        """RuleViolation when it is over already."""
        if self.ended:
            over = "was cancelled" if self.status is TaskStatus.CANCELLED else "is done"
            raise RuleViolation(f"There is nothing left to cancel: it {over} already.")


def people(number: int) -> str:
    """So many people, in words.

    >>> people(1), people(1284)
    ('1 person', '1,284 people')
    """
    return f"{number:,} {'person' if number == 1 else 'people'}"
