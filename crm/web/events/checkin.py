"""The door of an event, on a phone: find somebody, check them in, take it back."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.events import AttendanceStatus, Event
from crm.services import attendance, door
from crm.web.events.door import Door, DoorRow
from crm.web.http import CrmRequest, error_answer, permission_required, render_part, tell

PAGE = "events/check_in.html"
COUNT, NAMES = "door-count", "door-names"
"""What htmx swaps alone: how many are in, and the names."""
SEARCHED = 300
"""Characters of a search that are looked at."""
TAPS = {"in": attendance.check_in, "undo": attendance.undo_check_in}
BACK_TO = {
    AttendanceStatus.REGISTERED: "is expected again",
    AttendanceStatus.WAITLISTED: "waits in line again",
    AttendanceStatus.INVITED: "is only invited again",
    AttendanceStatus.CANCELLED: "is cancelled again",
    AttendanceStatus.NO_SHOW: "is a no-show again",
    None: "is not on the list any more",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """What was done last, as it stands now: whose row, and the words behind the name."""

    row: DoorRow
    words: str


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.check_in")
def check_in(request: CrmRequest, event_id: str) -> HttpResponse:
    """The door: figures, search and names; a tap checks somebody in, or takes that back."""
    if request.method == "POST":
        return _tapped(request, event_id)
    event = event_at_the_door(request, event_id)
    target = request.htmx.target or ""
    if target == COUNT:
        return _counted(request, event)
    context = _context(request, event, lately=target == NAMES)
    if target != NAMES and (last := request.GET.get("last")):
        context["last"] = _last(request, context["door"], last)
    return render_part(request, PAGE, context, part=NAMES)


def event_at_the_door(request: CrmRequest, event_id: str) -> Event:
    """The event. Raises NotFound, which says so where it is a draft."""
    try:
        return request.store.events.get(event_id)
    except NotFound:
        if request.store.drafts.find(event_id) is None:
            raise
        raise NotFound("This event is still a draft. People can be checked in once it is published.") from None


def door_of(request: CrmRequest, event: Event) -> Door:
    """The door as this user sees it now."""
    return Door(event=event, now=timezone.now(), username=request.user.get_username())


def found_by(request: CrmRequest, here: Door, text: str) -> dict[str, Any]:
    """Whom the words find, those on the list apart; or why nobody can be searched by them."""
    try:
        found = door.search(request.store, here.event, text)
    except RuleViolation as error:
        return {"unclear": error.message}
    rows = here.rows([*found.listed, *found.others])
    return {"found": found, "listed": rows[: len(found.listed)], "others": rows[len(found.listed) :]}


def _context(request: CrmRequest, event: Event, *, lately: bool = False) -> dict[str, Any]:
    """What the door shows: of a search whom it finds, else who came last, who is expected and who is next in line.

    `lately`: for a part that is swapped; the figures go along, as an index has them.
    """
    here, text = door_of(request, event), _searched(request)
    figures = door.figures(request.store, event, lately=lately)
    context = {"door": here, "event": event, "q": text, "alongside": lately, "figures": figures}
    if text:
        return {**context, **found_by(request, here, text)}
    names = door.overview(request.store, event)
    parts = {"newest": names.newest, "expected": names.expected, "waiting": names.waiting}
    return {**context, **{part: here.rows(guests) for part, guests in parts.items()}, "every": names.every}


def _searched(request: CrmRequest) -> str:
    """What is searched for: of a form the field itself, which htmx sends along, before what the form kept."""
    typed = request.POST.get("q", request.POST.get("kept", "")) if request.method == "POST" else request.GET.get("q", "")
    return " ".join(typed.split())[:SEARCHED]


def _counted(request: CrmRequest, event: Event) -> HttpResponse:
    """How many are in, asked for every few seconds: two requests, and nothing to swap where nothing has changed."""
    figures = door.figures(request.store, event, lately=True)
    if request.GET.get("had") == figures.key:
        return HttpResponse(status=204)
    return render_part(request, PAGE, {"door": door_of(request, event), "event": event, "figures": figures}, part=COUNT)


def _tapped(request: CrmRequest, event_id: str) -> HttpResponse:
    """Check somebody in, or take that back; a repeat changes nothing. What can't be is told, and the row shows how it is."""
    user_id, do = request.POST.get("user", ""), request.POST.get("do", "")
    if not user_id or do not in TAPS:
        return error_answer(request, 422, "Say who it is and what is to be done: go back, reload the page and tap again.")
    changed: bool | None = None
    try:
        moved = TAPS[do](request.store, event_id, user_id, now=timezone.now(), by=request.user.get_username())
        changed = moved.changed
        if moved.promoted:
            tell(request, "The seat went to the first in line")
    except (Conflict, RuleViolation, NotFound) as error:
        tell(request, "Nothing was changed" if do == "undo" else "Not checked in", error.message, level=messages.ERROR)
    if not request.htmx:
        last = {"last": user_id} if changed is not None else {}
        return HttpResponseRedirect(door_address(event_id, q=_searched(request), **last))
    return _swapped(request, event_id, user_id, changed)


def _swapped(request: CrmRequest, event_id: str, user_id: str, changed: bool | None) -> HttpResponse:
    """The row that was tapped, or all names, as they are now; with the figures, and what was done."""
    event = request.store.events.get(event_id)
    here = door_of(request, event)
    guest = door.guest(request.store, event, user_id)
    if guest is None:
        raise NotFound("This person is no longer here; they were deleted or merged.")
    row = here.row(guest, alike=bool(request.POST.get("alike")))
    if request.htmx.target == NAMES:
        context = {**_context(request, event), "alongside": True}
    else:
        figures = door.figures(request.store, event)
        context = {"door": here, "event": event, "figures": figures, "alongside": True, "row": row}
    last = Last(row=row, words=_words(row, fresh=changed)) if changed is not None else None
    return render(request, "events/_tapped.html", {**context, "last": last, "q": _searched(request)})


def _last(request: CrmRequest, here: Door, user_id: str) -> Last | None:
    """What was done last, without htmx: how they stand now tells it."""
    guest = door.guest(request.store, here.event, user_id)
    if guest is None:
        return None
    row = here.row(guest)
    return Last(row=row, words=_words(row, fresh=here.fresh(guest)))


def _words(row: DoorRow, *, fresh: bool) -> str:
    if not row.came:
        return BACK_TO.get(row.guest.status, "is not in")
    return f"is in, {row.came}" if fresh else f"is in since {row.came}{', ' if row.by else ''}{row.by}"


def door_address(event_id: str, **query: str) -> str:
    """The address of the door with what is set of a query."""
    kept = {name: value for name, value in query.items() if value}
    return reverse("events:check-in", args=[event_id]) + (f"?{urlencode(kept)}" if kept else "")
