"""What every page of the wizard shows around its step: the steps, what is kept, and what stands in it so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from crm.domain.errors import RuleViolation
from crm.domain.event_drafts import EventDraft, Step
from crm.domain.event_times import zone_name
from crm.domain.local_times import parse_day, parse_time
from crm.domain.people import Person
from crm.web.http import CrmRequest, tell


@dataclass(frozen=True, slots=True)
class StepShown:
    """One step of the bar: `state` is `here`, `done`, or empty for what is still to come; `url` empty where one can't go yet."""

    step: Step
    state: str
    url: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what stands in the draft so far."""

    label: str
    value: str


def around(draft: EventDraft, step: Step, people: Mapping[str, Person], *, stored: bool) -> dict[str, Any]:
    """Return what the frame of the wizard needs. `people` are owner and hosts by id; `stored`: the draft stands in the table."""
    return {
        "draft": draft,
        "step": step,
        "stored": stored,
        "kept_title": draft.title,
        "steps": steps(draft, step, stored=stored),
        "so_far": so_far(draft, people),
        "today": timezone.localtime(draft.updated_at).date() == timezone.localdate(),
        "back": address(draft.id, step.before) if stored and step is not Step.BASICS else "",
        "seen": draft.saved.get(step, 0),
    }


def steps(draft: EventDraft, here: Step, *, stored: bool) -> list[StepShown]:
    """The bar of steps: what was saved once is a link, and the review is, once every other step was."""
    shown = []
    for step in Step:
        open_ = draft.next_step is Step.REVIEW if step is Step.REVIEW else bool(draft.saved.get(step))
        done = open_ and step is not Step.REVIEW
        url = address(draft.id, step) if stored and open_ and step is not here else ""
        shown.append(StepShown(step, "here" if step is here else "done" if done else "", url))
    return shown


def address(draft_id: str, step: Step, *, check: bool = False, at: str = "") -> str:
    """The address of a step; with `check` it shows what is wrong, and `at` is the part of the page that is meant."""
    url = reverse("events:draft", args=[draft_id, step.value])
    return f"{url}{'?check=1' if check else ''}{f'#{at}' if at else ''}"


def so_far(draft: EventDraft, people: Mapping[str, Person]) -> list[Fact]:
    """What stands in the draft, in words; nothing for what is empty or can't be read yet."""
    hosts = [people[id_].name for id_ in draft.host_ids if id_ in people]
    owner = people.get(draft.text("owner"))
    place = ", ".join(part for part in (draft.text("venue").strip(), draft.text("city").strip()) if part)
    seats = draft.text("maxCapacity").strip()
    facts = [
        ("Title", draft.text("title").strip()),
        ("Starts", local_words(draft, "start")),
        ("Ends", local_words(draft, "end")),
        ("Zone", zone_name(draft.text("timezone").strip()) if draft.text("startDate") else ""),
        ("Place", place),
        ("Link", draft.text("onlineUrl").strip()),
        ("Owner", owner.name if owner else ""),
        ("Hosts", ", ".join(hosts)),
        ("Seats", f"{seats}, {'with a waitlist' if draft.text('waitlist') else 'no waitlist'}" if seats else ""),
    ]
    return [Fact(label, value) for label, value in facts if value]


def way(sent: str, step: Step) -> Step | None:
    """The step that a button asks for: the one before (`back`), or any (`go-when`); None where it asks for something else."""
    if sent == "back":
        return step.before
    name = sent.removeprefix("go-") if sent.startswith("go-") else ""
    return Step(name) if name in set(Step) else None


def local_words(draft: EventDraft, which: str) -> str:
    """Day and time as typed, in words; as typed where it can't be read; empty without either."""
    day_text = draft.text(f"{which}Date").strip() or (
        draft.text("startDate").strip() if draft.text(f"{which}Time").strip() else ""
    )
    time_text = draft.text(f"{which}Time").strip()
    try:
        day = parse_day(day_text)
        words = f"{day:%a} {day.day} {day:%b %Y}"
        return f"{words}, {parse_time(time_text):%H:%M}" if time_text else words
    except RuleViolation:
        return " ".join(part for part in (day_text, time_text) if part)


def left(request: CrmRequest, kept: EventDraft) -> HttpResponse:
    """The way out of a draft that stays."""
    tell(request, f"“{kept.title}” is kept as a draft", "Nobody sees it until it is published.")
    return redirect(f"{reverse('events:list')}?when=drafts")
