"""One person on the list of an event moved to another status, and that taken back."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from crm.domain.errors import CrmError
from crm.domain.events import STATUS_WORDS, AttendanceStatus
from crm.domain.ids import checked_id
from crm.services import attendance
from crm.store import Store
from crm.web.events.attendee_bar import CONDITIONS
from crm.web.events.moves import TOLD
from crm.web.http import CrmRequest, error_answer, permission_required, tell

LIST_FIELDS = frozenset({"status", "order", "nextToken", "prevToken", "at", *CONDITIONS})
NAMED = 3
"""People who moved up that a toast names."""


@require_POST
@permission_required("crm.edit_events")
def move(request: CrmRequest, event_id: str) -> HttpResponse:
    """Give one person another status (`move`: "cancelled:<id>"), or take the last change back (`undo` in the address)."""
    request.store.events.get(event_id)
    undone = request.GET.get("undo", "")
    word, _, user = (undone or request.POST.get("move", "")).partition(":")
    user_id = checked_id(user)
    if word not in set(AttendanceStatus) or user_id is None:
        return error_answer(request, 400, "Choose somebody on the list, and what is to become of them.")
    listed = request.GET.get("list", "") if undone else request.POST.get("list", "")
    place = ""
    try:
        if undone:
            place = _take_back(request, event_id, user_id, AttendanceStatus(word))
        else:
            _give(request, event_id, user_id, AttendanceStatus(word), listed)
    except CrmError as error:
        tell(request, "That was not done", error.message, level=messages.ERROR)
    return HttpResponseRedirect(back_to(event_id, listed) + place)


def back_to(event_id: str, listed: str, **more: str) -> str:
    """The page of an event with its list as it was; `listed` is a query string, of which only what a list has is taken."""
    kept = QueryDict(mutable=True)
    given = QueryDict(listed)
    for name in given:
        if name in LIST_FIELDS:
            kept.setlist(name, given.getlist(name))
    for name, value in more.items():
        kept[name] = value
    address = reverse("events:event", args=[event_id])
    return f"{address}?{kept.urlencode()}" if kept else address


def undo_address(event_id: str, user_id: str, status: AttendanceStatus, listed: str) -> str:
    """Where a change to `status` is taken back."""
    return f"{reverse('events:move', args=[event_id])}?{urlencode({'undo': f'{status}:{user_id}', 'list': listed})}"


def promoted_words(store: Store, user_ids: Sequence[str]) -> str:
    """Who got a seat from the waitlist by it, in a sentence; empty for nobody."""
    if not user_ids:
        return ""
    people = store.people.get_many(user_ids[:NAMED])
    names = [people[user_id].name for user_id in user_ids[:NAMED] if user_id in people]
    others = len(user_ids) - len(names)
    more = [f"{others:,} more"] if others else []
    return f"{', '.join([*names, *more])} moved up from the waitlist."


def _give(request: CrmRequest, event_id: str, user_id: str, status: AttendanceStatus, listed: str) -> None:
    by, name = request.user.get_username(), _name(request.store, user_id)
    moved = attendance.set_status(request.store, event_id, user_id, status, now=timezone.now(), by=by)
    if not moved.changed:
        tell(request, f"{name}: {STATUS_WORDS[status].lower()} already", level=messages.INFO)
        return
    note = promoted_words(request.store, moved.promoted)
    tell(request, TOLD[status].format(name=name), note, undo=undo_address(event_id, user_id, status, listed))


def _take_back(request: CrmRequest, event_id: str, user_id: str, status: AttendanceStatus) -> str:
    """Take the change back and say so; return where on the page the focus goes: to their row, or where one adds people."""
    by, name = request.user.get_username(), _name(request.store, user_id)
    moved = attendance.take_back(request.store, event_id, user_id, was=status, now=timezone.now(), by=by)
    there = f"{STATUS_WORDS[moved.attendance.status].lower()} now" if moved.attendance else "not on the list any more"
    if moved.changed:
        tell(request, f"Taken back: {name} is {there}", promoted_words(request.store, moved.promoted))
    else:
        tell(request, f"{name} was moved since", f"They are {there}; nothing was changed.", level=messages.WARNING)
    return f"#pick-{user_id}" if moved.attendance else "#add"


def _name(store: Store, user_id: str) -> str:
    person = store.people.get_many([user_id]).get(user_id)
    return person.name if person else "This person"
