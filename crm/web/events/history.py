"""What staff did to an event, newest first, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.domain.event_log import FIELDS, EventLogEntry, EventLogKind
from crm.domain.event_times import spoken, zone_name
from crm.domain.events import Event
from crm.web.events.edit_form import LABELS
from crm.web.events.shown import shown
from crm.web.http import CrmRequest, permission_required
from crm.web.staff_names import staff_names

WORDS = {
    EventLogKind.CREATED: ("Created", "calendar-plus", "dot-good"),
    EventLogKind.EDITED: ("", "pencil", ""),
    EventLogKind.CANCELLED: ("Cancelled", "circle-x", "dot-bad"),
    EventLogKind.REINSTATED: ("Published again", "rotate-cw", "dot-good"),
    EventLogKind.NO_SHOWS: ("No-shows marked", "user-x", ""),
    EventLogKind.NO_SHOWS_UNDONE: ("No-shows taken back", "undo", ""),
}
NAMES = {**LABELS, "startAt": "Start", "endAt": "End"}
PEOPLE = ("owner", "hostIds")
SHOWN = 200
"""Lines of a history that are shown, the newest."""
SHORT = 300
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One line of the history; `changes` are (label, before, after) in words."""

    entry: EventLogEntry
    words: str
    icon: str
    dot: str
    by: str
    text: str
    changes: list[tuple[str, str, str]]


@require_safe
@permission_required("crm.view_events")
def history(request: CrmRequest, event_id: str) -> HttpResponse:
    """Who did what to the event, and when; what it was before and what it became."""
    event = request.store.events.get(event_id)
    entries = request.store.event_log.of(event_id, limit=SHOWN)
    people = request.store.people.get_many(sorted(_people_in(entries)))
    names = {one.id: one.name for one in people.values()}
    staff = staff_names({entry.actor for entry in entries if entry.actor})
    lines = [_told(event, entry, names, staff) for entry in entries]
    context = {
        "shown": shown(event, timezone.now()),
        "lines": lines,
        "shortened": len(entries) == SHOWN,
        "unwritten": all(entry.kind is not EventLogKind.CREATED for entry in entries),
        "most": SHOWN,
    }
    return render(request, "events/history.html", context)


def _people_in(entries: Sequence[EventLogEntry]) -> set[str]:
    values = [value for entry in entries for name in PEOPLE for value in entry.changes.get(name, ())]
    return {one for value in values for one in value.split("\n") if one}


def _told(event: Event, entry: EventLogEntry, names: Mapping[str, str], staff: Mapping[str, str]) -> Told:
    words, icon, dot = WORDS[entry.kind]
    changed = [name for name in FIELDS if name in entry.changes]
    if entry.kind is EventLogKind.EDITED:
        words = f"{NAMES[changed[0]]} changed" if len(changed) == 1 else f"{len(changed)} fields changed"
    text = entry.text
    if entry.kind is EventLogKind.NO_SHOWS and text.isdigit():
        words, text = f"{int(text):,} {'no-show' if text == '1' else 'no-shows'} marked", ""
    nobody = "by itself" if entry.kind is EventLogKind.NO_SHOWS else "by the API"
    return Told(
        entry=entry,
        words=words,
        icon=icon,
        dot=dot,
        by=f"by {staff.get(entry.actor, entry.actor)}" if entry.actor else nobody,
        text=text,
        changes=[_change(event, name, entry.changes[name], names) for name in changed],
    )


def _change(event: Event, name: str, pair: tuple[str, str], names: Mapping[str, str]) -> tuple[str, str, str]:
    before, after = pair
    return NAMES[name], _value(event, name, before, names), _value(event, name, after, names)


def _value(event: Event, name: str, value: str, names: Mapping[str, str]) -> str:
    """A value of the log as one reads it."""
    if name in PEOPLE:
        return ", ".join(names.get(one, "somebody no longer here") for one in value.split("\n") if one) or "nobody"
    if name in ("startAt", "endAt") and value:
        return f"{spoken(datetime.fromisoformat(value), event.zone)} {zone_name(event.timezone)}"
    if name == "timezone":
        return zone_name(value)
    if name == "maxCapacity":
        return value or "no limit"
    return value if len(value) <= SHORT else f"{value[:SHORT]}…"
