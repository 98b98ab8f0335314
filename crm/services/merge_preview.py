"""What staff see before they make one of two entries: what is with either, and what becomes of doubles."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm.domain.emails import EmailState
from crm.domain.events import Attendance, Event
from crm.domain.merging import stronger
from crm.domain.people import Person
from crm.store import Store
from crm.store.event_reads import PersonEvents

MOST_EMAILS = 200
"""E-mails of one person that are looked at: the newest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two, and how much is with them. `emails` counts the newest `MOST_EMAILS`; `waiting` are not sent yet."""

    person: Person
    lists: int
    hosted: int
    emails: int
    waiting: int
    entries: int
    campaigns: frozenset[str]

    @property
    def has_more(self) -> bool:
        """Whether there may be more e-mails than were counted."""
        return self.emails == MOST_EMAILS


@dataclass(frozen=True, slots=True, kw_only=True)
class Double:
    """An event on whose list both stand: who stays does so as `holds`."""

    event: Event
    left: Attendance
    right: Attendance
    holds: Attendance

    @property
    def words(self) -> list[str]:
        """The statuses left, right, and the one that holds, as words."""
        return [one.status.value.replace("_", "-") for one in (self.left, self.right, self.holds)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both sides; the lists on which both stand, latest first; the events that both host, and the campaigns that both got."""

    left: Side
    right: Side
    doubles: Sequence[Double]
    hosted_by_both: Sequence[Event]
    campaigns: int


def compare(store: Store, left: Person, right: Person) -> Comparison:
    """Return what a merge of the two would bring together; about fourteen requests."""
    events = {person.id: store.events.of_person(person.id) for person in (left, right)}
    mine, theirs = (_side(store, person, events[person.id]) for person in (left, right))
    lists = {attendance.event_id: attendance for _, attendance in events[right.id].attended}
    hosted = {event.id for event in events[right.id].hosted}
    return Comparison(
        left=mine,
        right=theirs,
        doubles=[
            Double(event=event, left=one, right=lists[event.id], holds=stronger(one, lists[event.id]))
            for event, one in events[left.id].attended
            if event.id in lists
        ],
        hosted_by_both=[event for event in events[left.id].hosted if event.id in hosted],
        campaigns=len(mine.campaigns & theirs.campaigns),
    )


def _side(store: Store, person: Person, events: PersonEvents) -> Side:
    emails = store.emails.of_person(person.id, limit=MOST_EMAILS)
    return Side(
        person=person,
        lists=len(events.attended),
        hosted=len(events.hosted),
        emails=len(emails),
        waiting=sum(email.status is EmailState.QUEUED for email in emails),
        entries=len(store.log.of(person.id)),
        campaigns=frozenset(email.campaign_id for email in emails),
    )
