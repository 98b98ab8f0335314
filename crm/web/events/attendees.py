"""The list of an event as a file, and the values that its people can be filtered by."""

from dataclasses import replace

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.domain.errors import RuleViolation
from crm.domain.events import STATUS_WORDS
from crm.domain.filters import parse_filter
from crm.services import attendees
from crm.services.attendees import AttendeeFilter
from crm.web.csv import csv_response
from crm.web.events.attendee_bar import PANELS, AttendeeBar
from crm.web.http import CrmRequest, error_answer, permission_required


@require_safe
@permission_required("crm.export_people")
def attendees_csv(request: CrmRequest, event_id: str) -> HttpResponseBase:
    """What the list shows as CSV: its status, conditions and order; all statuses without one, and of ticked rows only those."""
    event = request.store.events.get(event_id)
    bar = AttendeeBar(request.GET, event_id)
    if bar.wanted is None:
        return error_answer(request, 400, bar.error)
    wanted = _wanted(request, bar.wanted)
    now = timezone.now()
    headings, rows = attendees.export(request.store, event, wanted, actor=request.user.get_username(), now=now)
    return csv_response(f"{event.slug or 'event'}-attendees.csv", headings, rows if request.method == "GET" else ())


@require_safe
@permission_required("crm.view_events")
def values(request: CrmRequest, event_id: str) -> HttpResponse:
    """What those on the list have in one field, most frequent first, as options to tick."""
    field = request.GET.get("field", "")
    bar = AttendeeBar(request.GET, event_id)
    if field not in PANELS or bar.wanted is None:
        return error_answer(request, 404)
    panel = bar.panel(field, attendees.values(request.store, bar.wanted, field), loaded=True)
    return render(request, "events/_attendee_values.html", {"panel": panel, "bar": bar})


def _wanted(request: CrmRequest, listed: AttendeeFilter) -> AttendeeFilter:
    """Who goes into the file. RuleViolation for ticked rows that can't be."""
    given = request.GET
    if "status" not in given:
        listed = replace(listed, statuses=tuple(STATUS_WORDS))
    if "id" not in given or "all" in given:
        return listed
    ids = parse_filter({"id": given.getlist("id")}).ids
    if not ids:
        raise RuleViolation("Tick the people you mean, and press again.", field="id")
    return replace(listed, people=replace(listed.people, ids=ids))
