"""What happened with one person, in one line of time: events, e-mails, notes, edits and imports; newest first, in pieces."""

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.domain.emails import Email, EmailState
from crm.domain.errors import BadToken
from crm.domain.event_times import begins
from crm.domain.events import STATUS_WORDS, AttendanceStatus, Event, EventStatus
from crm.domain.log import LogEntry, LogKind
from crm.domain.people import Person
from crm.store import Store
from crm.store.event_reads import PersonEvents
from crm.store.keys import moment, stamp
from crm.web.people.moments import Moment, added_here, attended, hosted, logged, mailed, name_all

SHOWN = 50
"""What happened, at once."""
COUNTED = 500
"""E-mails that the figures are worked out from: the newest ones."""
TABS = {"events": "Events", "emails": "E-mails", "notes": "Notes", "edits": "Edits"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A piece of it. `counts` are those of the tabs, `left` how many are older, `before` the way to them; None at the end."""

    moments: list[Moment]
    counts: dict[str, int]
    show: str
    left: int
    before: str | None
    earlier: bool

    @property
    def tabs(self) -> list[tuple[str, str, int]]:
        """Name, words and count of each tab."""
        return [(name, words, self.counts[name]) for name, words in TABS.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Everything that is read of a person but the older e-mails: `emails` are the newest, of `mailed` in all."""

    person: Person
    events: PersonEvents
    log: list[LogEntry]
    emails: list[Email]
    mailed: int

    @classmethod
    def of(cls, store: Store, person: Person) -> "Life":
        """Read it: four queries, the events, and a batch per 100 e-mails, five at most."""
        emails = store.emails.of_person(person.id, limit=COUNTED)
        return cls(
            person=person,
            events=store.events.of_person(person.id),
            log=store.log.of(person.id),
            emails=emails,
            mailed=len(emails) if len(emails) < COUNTED else store.emails.count_of_person(person.id),
        )


def story_of(store: Store, life: Life, now: datetime, *, show: str = "", before: str = "") -> Story:
    """Return the newest of it, or what is older than `before`; of one tab where `show` names it. BadToken for a bad `before`."""
    edge = _place(before) if before else None
    show = show if show in TABS else ""
    emails = _emails_before(store, life, edge) if show in ("", "emails") else []
    everything = [one for one in _without_emails(life, now) if show in ("", one.kind)] + [mailed(email) for email in emails]
    told = sorted((one for one in everything if edge is None or _at(one) < edge), key=_at, reverse=True)
    moments = told[:SHOWN]
    left = len(told) - len(moments) + (_unread(store, life, emails) if show in ("", "emails") else 0)
    name_all(store, life.person, moments)
    return Story(
        moments=moments,
        counts=_counts(life, now),
        show=show,
        left=left,
        before="~".join(_at(moments[-1])) if left and moments else None,
        earlier=edge is not None,
    )


def coming(events: PersonEvents, now: datetime) -> list[tuple[Event, str, str, str]]:
    """Events ahead with when they begin, where the person stands and its colour, the next one first."""
    ahead = [(event, begins(event), *_standing(event, "Hosts", seated=True)) for event in events.hosted if event.end_at > now]
    for event, attendance in events.attended:
        if event.end_at > now and attendance.status is not AttendanceStatus.CANCELLED:
            stands = _standing(event, STATUS_WORDS[attendance.status], seated=attendance.seated)
            ahead.append((event, begins(event), *stands))
    return sorted(ahead, key=lambda one: one[0].start_at)


def _standing(event: Event, words: str, *, seated: bool) -> tuple[str, str]:
    """Where a person stands with an event to come, and its colour; that it was cancelled counts more."""
    return ("Event cancelled", "bad") if event.status is EventStatus.CANCELLED else (words, "good" if seated else "idle")


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers above the story; `some` where there are more e-mails than were counted."""

    came: datetime | None
    hosted: datetime | None
    no_shows: int
    registered: int
    sent: int
    failed: int
    opened: int
    clicked: int
    some: bool


def figures_of(life: Life, now: datetime) -> Figures:
    """Work them out."""
    statuses = [attendance.status for _, attendance in life.events.attended]
    no_shows = statuses.count(AttendanceStatus.NO_SHOW)
    return Figures(
        came=next((event.start_at for event, one in life.events.attended if one.status is AttendanceStatus.ATTENDED), None),
        hosted=next((event.start_at for event in life.events.hosted if _took_place(event, now)), None),
        no_shows=no_shows,
        registered=no_shows + sum(one.seated for _, one in life.events.attended),
        sent=sum(email.status is EmailState.SENT for email in life.emails),
        failed=sum(email.status is EmailState.FAILED for email in life.emails),
        opened=sum(email.opened_at is not None for email in life.emails),
        clicked=sum(email.clicked_at is not None for email in life.emails),
        some=life.mailed > len(life.emails),
    )


def _took_place(event: Event, now: datetime) -> bool:
    return event.start_at <= now and event.status is not EventStatus.CANCELLED


def _without_emails(life: Life, now: datetime) -> Iterator[Moment]:
    yield from (hosted(event, now) for event in life.events.hosted)
    for event, attendance in life.events.attended:
        yield from attended(event, attendance)
    yield from (logged(entry) for entry in life.log)
    if _unwritten(life.log):
        yield added_here(life.person)


def _unwritten(log: Sequence[LogEntry]) -> bool:
    """Whether nothing in the log says how they came here."""
    return not any(entry.created or entry.kind is LogKind.ADDED for entry in log)


def _counts(life: Life, now: datetime) -> dict[str, int]:
    kinds = Tally(one.kind for one in _without_emails(life, now))
    return {name: life.mailed if name == "emails" else kinds[name] for name in TABS}


def _emails_before(store: Store, life: Life, edge: tuple[str, str] | None) -> list[Email]:
    """The newest e-mails from there back, one more than are shown; those that are read already, as far as they reach."""
    if edge is None:
        return life.emails[: SHOWN + 1]
    older = [email for email in life.emails if stamp(email.created_at) <= edge[0]]
    if len(older) > SHOWN or len(life.emails) >= life.mailed:
        return older[: SHOWN + 1]
    return store.emails.of_person(life.person.id, limit=SHOWN + 2, until=moment(edge[0]))


def _unread(store: Store, life: Life, emails: Sequence[Email]) -> int:
    """How many e-mails are older than those."""
    if not emails:
        return 0
    if life.mailed <= len(life.emails):
        return life.mailed - 1 - life.emails.index(emails[-1])
    last = emails[-1].created_at
    return store.emails.count_of_person(life.person.id, until=last) - sum(email.created_at == last for email in emails)


def _at(told: Moment) -> tuple[str, str]:
    return stamp(told.when), told.key


def _place(before: str) -> tuple[str, str]:
    when, _, key = before.partition("~")
    try:
        if stamp(moment(when)) == when:
            return when, key
    except (ValueError, TypeError):
        pass
    raise BadToken("This address does not lead to a place in the story. Start again from the newest.")
