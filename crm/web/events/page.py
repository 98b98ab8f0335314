"""One event: its seats and figures, who is on its list, who waits, when they signed up, and what can be done."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.domain.errors import BadToken
from crm.domain.events import STATUS_WORDS, Attendance, AttendanceStatus, Event, EventStatus
from crm.domain.people import Person
from crm.services import attendees
from crm.store import Store
from crm.store.event_figures import EventFigures, event_figures
from crm.web.events.adding import adding_of
from crm.web.events.attendee_bar import OPEN, PANELS, AttendeeBar
from crm.web.events.attendee_rows import WHEN, moment_in, rows_of
from crm.web.events.description import description_html
from crm.web.events.moves import steps
from crm.web.events.shown import shown
from crm.web.events.signups import signups_of
from crm.web.http import CrmRequest, permission_required, render_part
from crm.web.paging import PAGE_SIZE, Pager
from crm.web.staff_names import staff_names

WAITING_SHOWN = 5
PART = "attendees"
"""What htmx swaps alone; what changes with it comes along."""
WRITES = {
    AttendanceStatus.REGISTERED: "registered",
    AttendanceStatus.ATTENDED: "who attended",
    AttendanceStatus.NO_SHOW: "no-shows",
    AttendanceStatus.WAITLISTED: "waitlisted",
    AttendanceStatus.INVITED: "invited",
}
"""Who can be written to from here: Write to the 118 …"""


@require_safe
@permission_required("crm.view_events")
def event(request: CrmRequest, event_id: str) -> HttpResponse:
    """The page of an event; htmx re-renders #attendees alone, and beside it what changes with the list."""
    store, now = request.store, timezone.now()
    one = shown(store.events.get(event_id), now)
    figures = event_figures(store.stats, event_id)
    bar = AttendeeBar(request.GET, event_id, first=_first_tab(figures.counts, over=one.over))
    waiting, beside = _beside(store, one.event)
    try:
        listed, people = _listed(request, one.event, bar, figures.counts, beside, now)
    except BadToken:
        return redirect(f"{reverse('events:event', args=[event_id])}?{bar.string}")
    context = {
        "shown": one,
        "bar": bar,
        "figures": figures,
        "tabs": [(status, words, figures.counts[status]) for status, words in STATUS_WORDS.items()],
        "is_open": one.event.status is EventStatus.PUBLISHED and not one.event.deleting,
        "adding": adding_of(request, one.event, now),
        "waiting": _line(one.event, waiting, people, now),
        **_writing(figures.counts, over=one.over),
        **listed,
    }
    if request.htmx.target != PART:
        context |= _around(one.event, people, figures, now) | _cancelled(store, one.event)
    return render_part(request, "events/event.html", context, part=PART)


def _beside(store: Store, event: Event) -> tuple[list[Attendance], list[str]]:
    """Who is first in line, and the ids of all who are named beside the list."""
    waiting = store.events.waiting(event.id, WAITING_SHOWN) if event.waitlisted_count else []
    return waiting, [event.owner, *event.host_ids, *(one.user_id for one in waiting)]


def _first_tab(counts: Mapping[AttendanceStatus, int], *, over: bool) -> AttendanceStatus:
    """Without a status: whoever came to what is over, or the first tab with somebody on it."""
    first = [AttendanceStatus.ATTENDED] if over else []
    return next((status for status in [*first, *STATUS_WORDS] if counts[status]), AttendanceStatus.REGISTERED)


def _listed(
    request: CrmRequest,
    event: Event,
    bar: AttendeeBar,
    counts: Mapping[AttendanceStatus, int],
    beside: list[str],
    now: datetime,
) -> tuple[dict[str, Any], dict[str, Person]]:
    """The list as asked for, and by id the people of it and those beside it. Raises BadToken."""
    store = request.store
    if bar.wanted is None:
        return {"rows": [], "total": 0}, store.people.get_many(beside)
    token = request.GET.get("nextToken") or request.GET.get("prevToken")
    page = attendees.page(store, bar.wanted, limit=PAGE_SIZE, token=token, also=beside)
    total = store.people.count(bar.wanted.of_people) if bar.is_filtered else counts[bar.status]
    pager = Pager.of(request, page, total=total)
    in_line = bar.status is AttendanceStatus.WAITLISTED and bar.wanted.by_arrival
    return {
        "rows": rows_of(event, page.items, now, first_place=pager.first if in_line else 0),
        "total": total,
        "pager": pager,
        "when": WHEN[bar.status],
        "steps": steps(event, bar.status, now),
        "panels": [_panel(store, bar, field) for field in PANELS],
        "here": request.get_full_path(),
    }, page.people


def _panel(store: Store, bar: AttendeeBar, field: str) -> object:
    """One field of the filter; what can be ticked is looked up only where it is open."""
    if bar.query.get(OPEN) != field or bar.wanted is None:
        return bar.panel(field)
    return bar.panel(field, attendees.values(store, bar.wanted, field), loaded=True)


def _line(event: Event, waiting: list[Attendance], people: Mapping[str, Person], now: datetime) -> list[tuple[Person, object]]:
    """Who is next in line, and since when."""
    return [(people[one.user_id], moment_in(event, one.since, now)) for one in waiting if one.user_id in people]


def _writing(counts: Mapping[AttendanceStatus, int], *, over: bool) -> dict[str, Any]:
    """Whom one would write to first, and the others."""
    writes = [(status, counts[status], words) for status, words in WRITES.items()]
    first = AttendanceStatus.ATTENDED if over and counts[AttendanceStatus.ATTENDED] else AttendanceStatus.REGISTERED
    return {
        "write_first": next(one for one in writes if one[0] is first),
        "writes": [one for one in writes if one[0] is not first],
    }


def _around(event: Event, people: Mapping[str, Person], figures: EventFigures, now: datetime) -> dict[str, Any]:
    """What stands beside the list and does not change with it."""
    return {
        "hosts": sorted((people[host] for host in event.host_ids if host in people), key=lambda person: person.name),
        "owner": people.get(event.owner),
        "sign_ups": signups_of(event, figures.sign_ups, now),
        "description": description_html(event.description),
    }


def _cancelled(store: Store, event: Event) -> dict[str, Any]:
    """Why, by whom and when it was cancelled; nothing where it was not."""
    told = store.events.cancellation(event.id) if event.status is EventStatus.CANCELLED else None
    return {"cancellation": told, "cancelled_by": staff_names({told.by}).get(told.by, told.by) if told else ""}
