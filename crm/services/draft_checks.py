"""A draft of an event, looked at as a whole before it is published: what blocks, what one should look at, what is fine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from crm.domain.draft_people import Source
from crm.domain.errors import FieldError
from crm.domain.event_drafts import STEP_OF, EventDraft, Planned, Step
from crm.domain.events import MAX_DAYS, Event, EventStatus
from crm.domain.people import Person
from crm.services.draft_people import LATER_MOST, Gathered, gather, staffed
from crm.store import Store

NAMED = 3
"""Texts or events that one check names."""
LOOKED_AT = 200
"""Events at that time that are looked at for who is busy."""


class Level(StrEnum):
    """How much a check matters."""

    BLOCKING = "bad"
    WARNING = "warn"
    FINE = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One sentence about a draft, its beginning `strong`, with the step and field where it is mended and a word for the link."""

    level: Level
    strong: str = ""
    text: str = ""
    step: Step | None = None
    field: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A draft at its last step. `event` is what it becomes, None while something can't be; `owner` None when they are gone."""

    draft: EventDraft
    planned: Planned
    owner: Person | None
    hosts: Sequence[Person]
    sources: Sequence[Source]
    gathered: Gathered
    checks: Sequence[Check]

    @property
    def event(self) -> Event | None:
        """What the draft becomes."""
        return self.planned.event

    @property
    def blocking(self) -> list[Check]:
        """What keeps it from being published."""
        return [one for one in self.checks if one.level is Level.BLOCKING]


def faults_of(store: Store, draft: EventDraft, step: Step, *, now: datetime) -> list[FieldError]:
    """Return what is wrong with one step, what only the table knows included: the slug that is taken, the owner who is gone."""
    faults = draft.planned(now=now).faults_of(step)
    named = {fault.field for fault in faults}
    if step is Step.BASICS and "slug" not in named and (taken := _taken(store, draft)):
        faults.append(FieldError(field="slug", message=taken))
    if step is Step.HOSTS and "owner" not in named and not _has_owner(*staffed(store, draft)):
        faults.append(FieldError(field="owner", message="The owner is no longer here. Choose somebody else."))
    return faults


def review(store: Store, draft: EventDraft, *, now: datetime) -> Review:
    """Return the draft looked at as a whole; the people of its sources, and three requests more."""
    draft, known = staffed(store, draft)
    planned = draft.planned(now=now)
    hosts = [known[id_] for id_ in draft.host_ids if id_ in known]
    sources = store.drafts.sources(draft.id)
    gathered = gather(store, sources)
    blocking = [_blocking(fault.field, fault.message) for fault in planned.faults]
    if draft.text("owner") and draft.text("owner") not in known:
        blocking.append(_blocking("owner", "The owner is no longer here. Choose somebody else."))
    if not any(fault.field == "slug" for fault in planned.faults) and (taken := _taken(store, draft)):
        blocking.append(_blocking("slug", taken))
    owner = known.get(draft.text("owner"))
    rest = [*_about_event(draft, planned, now), *_about_hosts(store, planned, owner, hosts, len(draft.host_ids))]
    people = list(_about_people(draft, planned, gathered))
    checks = sorted([*blocking, *rest, *people], key=lambda check: list(Level).index(check.level))
    return Review(draft=draft, planned=planned, owner=owner, hosts=hosts, sources=sources, gathered=gathered, checks=checks)


def _has_owner(draft: EventDraft, people: Mapping[str, Person]) -> bool:
    return draft.text("owner") in people


def _blocking(name: str, message: str) -> Check:
    first, dot, rest = message.partition(". ")
    strong = f"{first}." if dot else first
    return Check(level=Level.BLOCKING, strong=strong, text=rest, step=STEP_OF.get(name, Step.BASICS), field=name, link="Mend")


def _taken(store: Store, draft: EventDraft) -> str:
    """Who has the slug already, in a sentence; empty where it is free."""
    slug = draft.text("slug").strip()
    holder = store.drafts.slug_owners([slug]).get(slug) if slug else None
    if holder is None or holder == draft.id:
        return ""
    event = store.events.get_many([holder]).get(holder)
    named = f"“{event.title}”" if event else "another event"
    return f"The slug {slug} is taken by {named}. Choose another one."


def _about_event(draft: EventDraft, planned: Planned, now: datetime) -> Iterator[Check]:
    event = planned.event
    if event is not None and event.end_at <= now:
        yield _warning("It is over already.", "Whoever is on its list counts as registered.", "startDate", "Day")
    elif event is not None and event.start_at <= now:
        yield _warning("It has begun already.", "", "startDate", "Day")
    for name in planned.twice:
        text = f"{draft.text(name)} comes twice that night, when clocks go back."
        which = "the first of the two is meant." if name == "startTime" else "the first of the two after the start is meant."
        yield _warning("", f"{text} As it stands, {which}", name, "Look")
    if not draft.text("description").strip():
        yield _warning("", "There is no description.", "description", "Write")
    if not (draft.text("venue").strip() or draft.text("city").strip() or draft.text("onlineUrl").strip()):
        yield _warning("", "There is no place and no link: nobody knows where it is.", "venue", "Write")


def _about_hosts(store: Store, planned: Planned, owner: Person | None, hosts: Sequence[Person], named: int) -> Iterator[Check]:
    if missing := named - len(hosts):
        words = "One host is" if missing == 1 else f"{missing} hosts are"
        yield _warning("", f"{words} no longer here and would be left out.", "findHost", "Look")
    if not hosts:
        yield _warning("", "Nobody hosts it.", "findHost", "Choose")
    if planned.event is None or owner is None:
        return
    staff = {person.id: person for person in (owner, *hosts)}
    busy = _busy(store, planned.event, staff)
    for person, other in busy[:NAMED]:
        zone = planned.event.zone
        at = f"{other.start_at.astimezone(zone):%H:%M}–{other.end_at.astimezone(zone):%H:%M}"
        name = "owner" if person is owner else "findHost"
        yield _warning("", f"{person.name} is with “{other.title}” at that time ({at}).", name, "Look")
    if not busy:
        free = "The owner is free then." if len(staff) == 1 else "The owner and the hosts are free then."
        yield Check(level=Level.FINE, text=free)


def _busy(store: Store, event: Event, staff: dict[str, Person]) -> list[tuple[Person, Event]]:
    """Who of these owns or hosts what else goes on at that time, as far as a page of the calendar shows it."""
    page = store.events.page(
        start=event.start_at - timedelta(days=MAX_DAYS), end=event.end_at, limit=LOOKED_AT, newest_first=True
    )
    return [
        (staff[id_], other)
        for other in page.items
        if other.id != event.id
        and other.status is not EventStatus.CANCELLED
        and other.start_at < event.end_at
        and other.end_at > event.start_at
        for id_ in dict.fromkeys((other.owner, *other.host_ids))
        if id_ in staff
    ]


def _about_people(draft: EventDraft, planned: Planned, gathered: Gathered) -> Iterator[Check]:
    seats = planned.seats
    if seats is not None and gathered.people > seats:
        more = gathered.people - seats
        where = "would go to the waitlist" if draft.text("waitlist") else "would be left out, as there is no waitlist"
        room = "1 seat" if seats == 1 else f"{seats:,} seats"
        yield _warning("", f"{gathered.people:,} people for {room}: {more:,} {where}.", "maxCapacity", "Seats")
    if texts := gathered.unknowns:
        first = ", ".join(texts[:NAMED])
        more_of_them = f" and {len(texts) - NAMED:,} more are" if len(texts) > NAMED else (" is" if len(texts) == 1 else " are")
        words = f"{first}{more_of_them} nobody’s address here and would be left out."
        yield _warning("", words, "unknown", "Look")
    if gathered.gone:
        words = "One person who was named is" if gathered.gone == 1 else f"{gathered.gone:,} people who were named are"
        yield _warning("", f"{words} no longer here and would be left out.", "sources", "Look")
    if len(gathered.later) > LATER_MOST:
        yield Check(
            level=Level.BLOCKING,
            strong=f"{len(gathered.later)} filters have very many people; {LATER_MOST} such are the most.",
            text="Publish with some of them, and add the others to the event afterwards.",
            step=Step.ATTENDEES,
            field="sources",
            link="Mend",
        )
    elif gathered.later:
        number = sum(gathered.found[one.id] for one in gathered.later)
        yield _warning(
            "", f"{number:,} people are too many to be added at once: they are added right after publishing.", "sources", "Look"
        )
    if not gathered.people and not gathered.unknowns:
        yield Check(level=Level.FINE, text="Nobody is on its list yet; people can be added later.")


def _warning(strong: str, text: str, name: str, link: str) -> Check:
    step = STEP_OF.get(name, Step.ATTENDEES)
    return Check(level=Level.WARNING, strong=strong, text=text, step=step, field=name, link=link)
