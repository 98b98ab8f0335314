"""An event while it is being planned: texts as typed, step by step, and what is still wrong with them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from crm.domain.errors import FieldError, RuleViolation
from crm.domain.events import Event, EventStatus
from crm.domain.folding import fold
from crm.domain.local_times import ZONES, comes_twice, moment_of, next_such_day, parse_day, parse_time
from crm.domain.seats import parse_seats

MAX_TYPED = 90_000
"""Bytes of the texts of one step that are kept; more would not fit into an item beside the others."""
UNTITLED = "Event without a title"
YES = "yes"


class Step(StrEnum):
    """The steps of planning an event, in order."""

    BASICS = "basics"
    WHEN = "when"
    HOSTS = "hosts"
    ATTENDEES = "attendees"
    REVIEW = "review"

    @property
    def words(self) -> str:
        """What staff call it."""
        return _WORDS[self]

    @property
    def next(self) -> "Step":
        """The step after this one; the last one stays."""
        every = list(Step)
        return every[min(every.index(self) + 1, len(every) - 1)]

    @property
    def before(self) -> "Step":
        """The step before this one; the first one stays."""
        every = list(Step)
        return every[max(every.index(self) - 1, 0)]


_WORDS = {
    Step.BASICS: "Basics",
    Step.WHEN: "When and where",
    Step.HOSTS: "Hosts and capacity",
    Step.ATTENDEES: "Attendees",
    Step.REVIEW: "Review",
}
FIELDS: Mapping[Step, tuple[str, ...]] = {
    Step.BASICS: ("title", "slug", "description"),
    Step.WHEN: ("startDate", "startTime", "endDate", "endTime", "timezone", "venue", "city", "onlineUrl"),
    Step.HOSTS: ("owner", "findOwner", "findHost", "maxCapacity", "waitlist", "autoNoShow"),
    Step.ATTENDEES: ("filter", "findPerson", "pasted"),
    Step.REVIEW: (),
}
"""The texts of each step. `owner` is an id; what begins with `find` is what somebody is looked for by."""
STEP_OF = {name: step for step, names in FIELDS.items() for name in names} | {"hostIds": Step.HOSTS}
EMPTY: Mapping[str, str] = {"waitlist": YES, "autoNoShow": YES}
"""What a draft begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDraft:
    """An event that nobody sees yet. `fields` are texts as typed, right or wrong; `saved` tells how often a step was saved.

    `saved_by` is who saved a step last: a username. `version` goes up with every save
    of any step.
    """

    id: str
    fields: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    host_ids: tuple[str, ...] = ()
    saved: Mapping[Step, int] = field(default_factory=dict)
    saved_by: Mapping[Step, str] = field(default_factory=dict)
    created_by: str = ""
    created_at: datetime
    updated_at: datetime
    version: int = 0

    def text(self, name: str) -> str:
        """The text of a field, empty where nothing was typed."""
        return self.fields.get(name, "")

    @property
    def title(self) -> str:
        """The title as it is shown, also where there is none yet."""
        return " ".join(self.text("title").split()) or UNTITLED

    @property
    def next_step(self) -> Step:
        """Where one goes on: the first step that was never saved, else the review."""
        return next((step for step in Step if step is not Step.REVIEW and not self.saved.get(step)), Step.REVIEW)

    def with_step(self, step: Step, fields: Mapping[str, str], host_ids: Sequence[str] | None = None) -> "EventDraft":
        """Return the draft with other texts in one step; RuleViolation for more than is kept."""
        typed = {name: fields.get(name, "") for name in FIELDS[step]}
        if sum(len(text.encode()) for text in typed.values()) > MAX_TYPED:
            raise RuleViolation(f"This is too long to be kept; {MAX_TYPED:,} bytes are the most for one step.")
        hosts = self.host_ids if host_ids is None else tuple(dict.fromkeys(host_ids))
        return replace(self, fields={**self.fields, **typed}, host_ids=hosts)

    def saved_once_more(self, step: Step, *, by: str, now: datetime) -> "EventDraft":
        """Return the draft with one save of a step more."""
        saved = {**self.saved, step: self.saved.get(step, 0) + 1}
        return replace(self, saved=saved, saved_by={**self.saved_by, step: by}, updated_at=now)

    def handed_over(self, heirs: Mapping[str, str]) -> "EventDraft":
        """Return the draft with others as owner and hosts: who somebody was merged into, by id."""
        hosts = tuple(dict.fromkeys(heirs.get(id_, id_) for id_ in self.host_ids))
        owner = heirs.get(self.text("owner"), self.text("owner"))
        return replace(self, fields={**self.fields, "owner": owner}, host_ids=hosts) if heirs else self

    def same_step(self, step: Step, other: "EventDraft") -> bool:
        """Whether a step says the same in both."""
        hosts = step is not Step.HOSTS or self.host_ids == other.host_ids
        return hosts and all(self.text(name) == other.text(name) for name in FIELDS[step])

    def planned(self, *, now: datetime) -> "Planned":
        """Return the event that it would become, or what is wrong with it."""
        return _Reading(self).planned(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a draft comes to: the event, None while something is wrong; what is wrong; and times that come twice that night.

    `seats` are known before the rest is: None where there is no limit, or what was typed can't be.
    """

    event: Event | None
    seats: int | None = None
    faults: tuple[FieldError, ...]
    twice: tuple[str, ...] = ()

    def faults_of(self, step: Step) -> list[FieldError]:
        """What is wrong in one step."""
        return [fault for fault in self.faults if STEP_OF.get(fault.field) is step]


class _Reading:
    """Reads the texts of a draft, and notes what can't be read."""

    def __init__(self, draft: EventDraft) -> None:
        self.draft = draft
        self.faults: list[FieldError] = []
        self.twice: list[str] = []

    def planned(self, now: datetime) -> Planned:
        """Read everything once; the domain's own rules of an event come after what can't be read at all."""
        draft = self.draft
        zone = draft.text("timezone").strip()
        start, end = self._times(ZoneInfo(zone) if zone in ZONES else None)
        seats = self._seats()
        self._require("timezone", "Choose a time zone.")
        self._require("owner", "Choose who answers for the event.")
        one_day = not draft.text("endDate").strip() or draft.text("endDate").strip() == draft.text("startDate").strip()
        event = Event(
            id=draft.id,
            slug=draft.text("slug") or slug_of(draft.text("title")),
            title=draft.text("title"),
            description=draft.text("description").replace("\r\n", "\n").strip(),
            start_at=start or now,
            end_at=end if start and end else (start or now) + timedelta(hours=1),
            timezone=zone,
            venue=draft.text("venue"),
            city=draft.text("city"),
            online_url=draft.text("onlineUrl"),
            owner=draft.text("owner"),
            host_ids=draft.host_ids,
            max_capacity=seats,
            waitlist=bool(draft.text("waitlist")),
            auto_no_show=bool(draft.text("autoNoShow")),
            status=EventStatus.DRAFT,
            created_at=now,
            updated_at=now,
        )
        try:
            event = event.cleaned()
        except RuleViolation as error:
            known = {fault.field for fault in self.faults}
            made = not draft.text("slug").strip() and any(one.field == "title" for one in error.errors)
            told = [one for one in error.errors if one.field != "slug" or not made]  # it is made from the title
            renamed = [replace(one, field=_here(one.field, one_day)) for one in told]
            self.faults += [fault for fault in renamed if fault.field not in known]
        order = list(STEP_OF)
        self.faults.sort(key=lambda fault: order.index(fault.field) if fault.field in order else len(order))
        return Planned(event=None if self.faults else event, seats=seats, faults=tuple(self.faults), twice=tuple(self.twice))

    def _times(self, zone: ZoneInfo | None) -> tuple[datetime | None, datetime | None]:
        """Start and end; None for what is missing or can't be. Without a day of its own it ends on the day it starts."""
        day = self._day("startDate", "Choose the day on which it starts.")
        last = self._day("endDate", "") if self.draft.text("endDate").strip() else day
        start = self._moment("startTime", day, zone, "Choose when it starts.")
        return start, self._moment("endTime", last, zone, "Choose when it ends.", after=start)

    def _day(self, name: str, missing: str) -> date | None:
        if not self.draft.text(name).strip():
            self._fault(name, missing)
            return None
        try:
            return parse_day(self.draft.text(name))
        except RuleViolation as error:
            self._fault(name, error.message)
            return None

    def _moment(
        self, name: str, day: date | None, zone: ZoneInfo | None, missing: str, after: datetime | None = None
    ) -> datetime | None:
        if not self.draft.text(name).strip():
            self._fault(name, missing)
            return None
        try:
            at = parse_time(self.draft.text(name))
            if day is None or zone is None:
                return None
            if comes_twice(day, at, zone):
                self.twice.append(name)
            return moment_of(day, at, zone, after=after)
        except RuleViolation as error:
            self._fault(name, error.message)
            return None

    def _seats(self) -> int | None:
        try:
            return parse_seats(self.draft.text("maxCapacity"))
        except RuleViolation as error:
            self._fault("maxCapacity", error.message)
            return None

    def _require(self, name: str, message: str) -> None:
        if not self.draft.text(name).strip():
            self._fault(name, message)

    def _fault(self, name: str, message: str) -> None:
        self.faults.append(FieldError(field=name, message=message))


def _here(name: str, one_day: bool) -> str:
    """The field of the draft that a fault of the event is about."""
    return ("endTime" if one_day else "endDate") if name == "endAt" else name


LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i", "’": "", "'": "", "&": " and "}
)
"""What stands for letters that have no plain one inside."""


def slug_of(title: str) -> str:
    """Return the slug that a title suggests: small plain letters, digits and hyphens, 80 at most; empty where it has none.

    >>> slug_of("Ångström & friends: Autumn kick-off!"), slug_of("春のミートアップ 2026"), slug_of("…")
    ('angstrom-and-friends-autumn-kick-off', '2026', '')
    """
    words = re.findall(r"[a-z0-9]+", fold(title).translate(LETTERS))
    slug = "-".join(words)
    return slug if len(slug) <= 80 else slug[:81].rpartition("-")[0] or slug[:80]


def copied(event: Event, *, today: date) -> dict[str, str]:
    """Return the texts of a draft that is a copy of an event, but for its slug; hosts stand beside the texts.

    It is whole weeks later, on the first such day after `today`: the same times of day, whatever summer time did meanwhile.
    """
    start, end = event.start_at.astimezone(event.zone), event.end_at.astimezone(event.zone)
    day = next_such_day(start.date(), today=today)
    last = day + (end.date() - start.date())
    return {
        **EMPTY,
        "title": event.title,
        "description": event.description,
        "startDate": f"{day:%Y-%m-%d}",
        "startTime": f"{start:%H:%M}",
        "endDate": f"{last:%Y-%m-%d}",
        "endTime": f"{end:%H:%M}",
        "timezone": event.timezone,
        "venue": event.venue,
        "city": event.city,
        "onlineUrl": event.online_url,
        "owner": event.owner,
        "maxCapacity": "" if event.max_capacity is None else str(event.max_capacity),
        "waitlist": YES if event.waitlist else "",
        "autoNoShow": YES if event.auto_no_show else "",
    }
