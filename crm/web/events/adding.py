"""Adding one person to the list of an event by name or address: one clear match is added, several are offered to choose from."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from crm.domain.errors import CrmError
from crm.domain.events import STATUS_WORDS, Attendance, AttendanceStatus, Event
from crm.domain.ids import checked_id
from crm.domain.people import Person
from crm.services import attendees
from crm.web.events.moves import EARLY, TOLD
from crm.web.events.moving import back_to, promoted_words, undo_address
from crm.web.events.picking import find_people
from crm.web.http import CrmRequest, permission_required, tell

OFFERED = 6
TYPED = 300
"""Characters of a name or an address that are looked at."""
TYPED_NAME, AS = "add", "as"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody whom the typed text may mean; `stands` is where they stand with the event already, in a word."""

    person: Person
    stands: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adding:
    """What was typed, who may be meant (`more`: others too), and as what people can come: value, word, and whether it is chosen.

    `fresh`: something was just added, so the field is to be empty again. `email` is the text where it is an address.
    """

    typed: str
    candidates: list[Candidate]
    more: bool
    choices: list[tuple[str, str, bool]]
    fresh: bool

    @property
    def new_person(self) -> str:
        """The query for the form of a new person, filled in with what was typed."""
        if "@" in self.typed:
            return urlencode({"email": self.typed})
        first, _, last = self.typed.partition(" ")
        return urlencode({"firstName": first, "lastName": last.strip()})


def adding_of(request: CrmRequest, event: Event, now: datetime) -> Adding:
    """Return what the page shows of it: with `add` in the address, who may be meant."""
    typed = request.GET.get(TYPED_NAME, "").strip()[:TYPED]
    found = find_people(request.store, typed, OFFERED + 1)
    there = request.store.events.attendances(event.id, [one.id for one in found]) if found else {}
    chosen = _as(request.GET.get(AS, ""), event, now)
    candidates = [Candidate(person=one, stands=_stands(there.get(one.id))) for one in found[:OFFERED]]
    return Adding(
        typed=typed,
        candidates=sorted(candidates, key=lambda one: bool(one.stands)),
        more=len(found) > OFFERED,
        choices=[(status.value, STATUS_WORDS[status], status is chosen) for status in _can_come_as(event, now)],
        fresh=TYPED_NAME in request.GET,
    )


@require_POST
@permission_required("crm.edit_events")
def add(request: CrmRequest, event_id: str) -> HttpResponse:
    """Add whom the text means, or who was chosen (`user`); else come back and offer those who may be meant."""
    store, now = request.store, timezone.now()
    event = store.events.get(event_id)
    typed, chosen = request.POST.get(TYPED_NAME, "").strip()[:TYPED], checked_id(request.POST.get("user", ""))
    status = _as(request.POST.get(AS, ""), event, now)
    found = [store.people.get(chosen)] if chosen else find_people(store, typed, 2)
    if len(found) == 1:
        return _added(request, event, found[0], status, now)
    return HttpResponseRedirect(back_to(event_id, request.POST.get("list", ""), add=typed, **{AS: status.value}))


def _added(request: CrmRequest, event: Event, person: Person, status: AttendanceStatus, now: datetime) -> HttpResponse:
    """Add one person and say where they stand then."""
    listed, by = request.POST.get("list", ""), request.user.get_username()
    try:
        moved = attendees.add(request.store, event.id, person.id, status, now=now, by=by)
    except CrmError as error:
        tell(request, f"{person.name} was not added", error.message, level=messages.ERROR)
        return HttpResponseRedirect(back_to(event.id, listed, add=""))
    came = moved.attendance.status if moved.attendance else status
    if not moved.changed:
        tell(request, f"{person.name} is on the list already", f"{STATUS_WORDS[came]}.", level=messages.INFO)
    else:
        note = "No seat is free for them yet." if came is AttendanceStatus.WAITLISTED is not status else ""
        note = " ".join(filter(None, [note, promoted_words(request.store, moved.promoted)]))
        tell(request, TOLD[came].format(name=person.name), note, undo=undo_address(event.id, person.id, came, listed))
    return HttpResponseRedirect(back_to(event.id, listed, add=""))


def _can_come_as(event: Event, now: datetime) -> list[AttendanceStatus]:
    """What somebody can be added as; first what is usual at this moment."""
    usual = [AttendanceStatus.REGISTERED, AttendanceStatus.INVITED]
    if now >= event.end_at:
        return [AttendanceStatus.ATTENDED, *usual]
    return [*usual, AttendanceStatus.ATTENDED] if now >= event.start_at - EARLY else usual


def _as(typed: str, event: Event, now: datetime) -> AttendanceStatus:
    """The status that was chosen, or the usual one."""
    choices = _can_come_as(event, now)
    return next((status for status in choices if status.value == typed), choices[0])


def _stands(one: Attendance | None) -> str:
    return STATUS_WORDS[one.status] if one else ""
