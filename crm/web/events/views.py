"""The list of events, one event with its hosts and attendees, and those as CSV."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.domain.errors import BadToken
from crm.domain.events import MAX_DAYS, STATUS_WORDS, Attendance, AttendanceStatus
from crm.domain.people import Person
from crm.store import Store
from crm.web.csv import csv_response
from crm.web.events.shown import Shown, shown
from crm.web.http import CrmRequest, permission_required, render_part
from crm.web.paging import PAGE_SIZE, Pager

CSV_COLUMNS = ("First name", "Last name", "Email", "Company", "Status", "Since", "Events attended", "ID")
CSV_AT_ONCE = 100
WAITING_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Attendee:
    """One name of the list; `person` is None once they were deleted."""

    attendance: Attendance
    person: Person | None
    hosts: bool


@require_safe
@permission_required("crm.view_events")
def event_list(request: CrmRequest) -> HttpResponse:
    """Events of today and later, the next one first; or those before, the latest first."""
    past = request.GET.get("when") == "past"
    now = timezone.now()
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    bounds: dict[str, Any] = {"end": today - timedelta(milliseconds=1), "newest_first": True} if past else {"start": today}
    token = request.GET.get("nextToken") or request.GET.get("prevToken")
    try:
        page = request.store.events.page(**bounds, limit=PAGE_SIZE, token=token)
    except BadToken:
        return redirect(f"{reverse('events:list')}{'?when=past' if past else ''}")
    total, ahead = request.store.events.total(), request.store.events.count(start=today)
    context = {
        "past": past,
        "rows": [shown(event, now) for event in page.items],
        "running": [] if past or token else _running(request.store, today, now),
        "counts": {"ahead": ahead, "past": total - ahead},
        "pager": Pager.of(request, page, total=total - ahead if past else ahead),
    }
    return render_part(request, "events/list.html", context, part="events")


def _running(store: Store, today: datetime, now: datetime) -> list[Shown]:
    """What began before today and still goes on."""
    begun = store.events.page(start=today - timedelta(days=MAX_DAYS), end=today - timedelta(milliseconds=1), newest_first=True)
    return [shown(event, now) for event in begun.items if event.end_at > now]


@require_safe
@permission_required("crm.view_events")
def event(request: CrmRequest, event_id: str) -> HttpResponse:
    """One event: seats, hosts, and who is on its list with one status, in order of arrival."""
    store, one = request.store, shown(request.store.events.get(event_id), timezone.now())
    counts = store.events.attendee_counts(event_id)
    status = _status(request.GET.get("status", ""), counts, over=one.over)
    token = request.GET.get("nextToken") or request.GET.get("prevToken")
    page = store.events.attendees(event_id, limit=PAGE_SIZE, token=token, statuses=[status])
    hosts = store.events.host_ids(event_id)
    waiting = _first_waiting(store, event_id, counts, status)
    people = store.people.get_many(list({*[one.user_id for one in page.items], *waiting, *hosts, one.event.owner}))
    context = {
        "shown": one,
        "tabs": [(other, words, counts[other]) for other, words in STATUS_WORDS.items()],
        "status": status,
        "words": STATUS_WORDS[status],
        "total": counts[status],
        "counts": counts,
        "attendees": [Attendee(one, people.get(one.user_id), one.user_id in hosts) for one in page.items],
        "pager": Pager.of(request, page, total=counts[status]),
        "hosts": sorted((people[host] for host in hosts if host in people), key=lambda person: person.name),
        "owner": people.get(one.event.owner),
        "waiting": [people[user_id] for user_id in waiting if user_id in people],
        "everybody": sum(counts.values()),
    }
    return render_part(request, "events/event.html", context, part="attendees")


def _status(typed: str, counts: Mapping[AttendanceStatus, int], *, over: bool) -> AttendanceStatus:
    """The tab that was asked for; else whoever came to what is over, or the first tab with somebody on it."""
    if typed in set(AttendanceStatus):
        return AttendanceStatus(typed)
    first = [AttendanceStatus.ATTENDED] if over else []
    return next((status for status in [*first, *STATUS_WORDS] if counts[status]), AttendanceStatus.REGISTERED)


def _first_waiting(store: Store, event_id: str, counts: Mapping[AttendanceStatus, int], status: AttendanceStatus) -> list[str]:
    """Who is next in line, for the side of the page; nobody where the list itself shows it."""
    if not counts[AttendanceStatus.WAITLISTED] or status is AttendanceStatus.WAITLISTED:
        return []
    page = store.events.attendees(event_id, limit=WAITING_SHOWN, statuses=[AttendanceStatus.WAITLISTED])
    return [attendance.user_id for attendance in page.items]


@require_safe
@permission_required("crm.export_people")
def attendees_csv(request: CrmRequest, event_id: str) -> StreamingHttpResponse:
    """Everybody on the list of an event, or those with one `status`, as CSV."""
    found = request.store.events.get(event_id)
    typed = request.GET.get("status", "")
    statuses = [AttendanceStatus(typed)] if typed in set(AttendanceStatus) else list(STATUS_WORDS)
    attendances = request.store.events.walk_attendees(event_id, statuses=statuses)
    return csv_response(f"{found.slug or 'event'}-attendees.csv", CSV_COLUMNS, _csv_rows(request.store, attendances))


def _csv_rows(store: Store, attendances: Iterator[Attendance]) -> Iterator[tuple[object, ...]]:
    while some := list(islice(attendances, CSV_AT_ONCE)):
        people = store.people.get_many([attendance.user_id for attendance in some])
        for attendance in some:
            yield _csv_row(attendance, people.get(attendance.user_id))


def _csv_row(attendance: Attendance, person: Person | None) -> tuple[object, ...]:
    since = attendance.since.isoformat(timespec="seconds").replace("+00:00", "Z")
    status = STATUS_WORDS[attendance.status]
    if person is None:
        return ("", "", "", "", status, since, None, attendance.user_id)
    profile = person.profile
    return (
        profile.first_name,
        profile.last_name,
        profile.email,
        profile.company,
        status,
        since,
        person.attended_event_count,
        person.id,
    )
