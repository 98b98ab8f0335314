"""The list of events: upcoming, past, drafts and cancelled, under a filter; who could be chosen as host; all of it as CSV."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.domain.errors import BadToken
from crm.domain.event_drafts import EventDraft, Step
from crm.domain.event_times import zone_name
from crm.domain.events import Event
from crm.services import event_board
from crm.services.event_board import Board, Tab
from crm.store import Store
from crm.store.event_drafts import DraftPage
from crm.web.csv import csv_response
from crm.web.events.filter_bar import TYPED, EventBar, day_words, local_zone, plain_query
from crm.web.events.shown import Shown, shown
from crm.web.http import CrmRequest, error_answer, permission_required, render_part
from crm.web.paging import PAGE_SIZE, Pager
from crm.web.staff_names import staff_names

CSV_COLUMNS = (
    *("Title", "Starts", "Ends", "Time zone", "Venue", "City", "Online link", "Status", "Seats", "Taken", "Waitlisted"),
    *("Hosts", "Slug", "Starts (UTC)", "Ends (UTC)", "ID"),
)
CSV_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One event of the list. `until` is the day on which it ends, where that is another one; `zone` is that of its times."""

    shown: Shown
    until: str
    zone: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRow:
    """One draft: who began it, the day that was typed, how many of its steps are filled in, and with which one goes on."""

    id: str
    title: str
    by: str
    day: str
    done: int
    next_step: Step
    updated_at: datetime


@require_safe
@permission_required("crm.view_events")
def event_list(request: CrmRequest) -> HttpResponseBase:
    """One of the lists; htmx re-renders #events alone when a filter changes. What the form sends is made plain first."""
    plain = plain_query(request.GET)
    if plain.urlencode() != request.GET.urlencode():
        return HttpResponseRedirect(f"{request.path}?{plain.urlencode()}" if plain else request.path)
    bar, now = EventBar(request.GET, request.store), timezone.now()
    context: dict[str, Any] = {"bar": bar, "tab": bar.tab, "tabs": bar.tabs({}), "zone": zone_name(local_zone().key)}
    if bar.wanted is not None:
        token = request.GET.get("nextToken") or request.GET.get("prevToken")
        try:
            found = event_board.board(request.store, bar.wanted, bar.tab, now=now, limit=PAGE_SIZE, token=token)
        except BadToken:
            return HttpResponseRedirect(f"{request.path}?{bar.list_string}" if bar.list_string else request.path)
        context |= _context(request, bar, found, now)
    return render_part(request, "events/list.html", context, part="events")


def _context(request: CrmRequest, bar: EventBar, found: Board, now: datetime) -> dict[str, Any]:
    total = found.counts[found.tab]
    context: dict[str, Any] = {
        "counts": found.counts,
        "tabs": bar.tabs(found.counts),
        "elsewhere": [link for link in bar.tabs(found.counts) if link.count and link.tab is not found.tab],
        "total": total,
        "nothing_yet": not bar.is_active and not any(found.counts.values()),
        "pager": Pager.of(request, found.page, total=total),
    }
    if isinstance(found.page, DraftPage):
        return context | {"drafts": _draft_rows(found.page.items)}
    return context | {"rows": [_row(event, now) for event in found.page.items]}


def _row(event: Event, now: datetime) -> Row:
    start, end = event.start_at.astimezone(event.zone), event.end_at.astimezone(event.zone)
    until = "" if start.date() == end.date() else f"{end:%a} {end.day} {end:%b}, {end:%H:%M}"
    where = ", ".join(part for part in (event.venue, event.city) if part)
    where = where or ("Online" if event.online_url else "")
    return Row(shown=shown(event, now), until=until, zone=zone_name(event.timezone), where=where)


def _draft_rows(drafts: list[EventDraft]) -> list[DraftRow]:
    names = staff_names({draft.created_by for draft in drafts})
    return [
        DraftRow(
            id=draft.id,
            title=draft.title,
            by=names.get(draft.created_by, draft.created_by),
            day=day_words(draft.fields.get("startDate", "").strip()),
            done=len(draft.saved),
            next_step=draft.next_step,
            updated_at=draft.updated_at,
        )
        for draft in drafts
    ]


@require_safe
@permission_required("crm.view_events")
def suggest_hosts(request: CrmRequest) -> HttpResponseBase:
    """Whom to choose from as host, as options: for the filter bar. Without htmx it leads to the list, which shows them."""
    typed = request.GET.get(TYPED, "").strip()
    if not request.htmx:
        return HttpResponseRedirect(f"{reverse('events:list')}?{plain_query(request.GET).urlencode()}")
    bar = EventBar(request.GET, request.store)
    return render(request, "events/_host_options.html", {"bar": bar, "people": bar.hosts(typed), "typed": typed, "looked": True})


@require_safe
@permission_required("crm.export_people")
def export(request: CrmRequest) -> HttpResponseBase:
    """All events of one list under a filter, as CSV; it names hosts, so who may download people may download it."""
    bar, now = EventBar(request.GET, request.store), timezone.now()
    if bar.wanted is None:
        return error_answer(request, 400, " ".join(bar.errors.values()))
    if bar.tab is Tab.DRAFTS:
        return error_answer(request, 400, "Drafts are not events yet; choose upcoming, past or cancelled ones.")
    if request.method == "HEAD":
        return csv_response("events.csv", CSV_COLUMNS, ())
    fields = " ".join(name for name, _ in bar.pairs)
    actor = request.user.get_username()
    events = event_board.export(request.store, bar.wanted, bar.tab, fields=fields, actor=actor, now=now)
    return csv_response("events.csv", CSV_COLUMNS, _csv_rows(request.store, events))


def _csv_rows(store: Store, events: Iterator[Event]) -> Iterator[tuple[object, ...]]:
    """A row per event; hosts are read in one batch per hundred events."""
    while some := list(islice(events, CSV_AT_ONCE)):
        people = store.people.get_many(list({host for event in some for host in event.host_ids}))
        for event in some:
            yield _csv_row(event, "; ".join(people[host].name for host in event.host_ids if host in people))


def _csv_row(event: Event, hosts: str) -> tuple[object, ...]:
    start, end = event.start_at.astimezone(event.zone), event.end_at.astimezone(event.zone)
    return (
        *(event.title, f"{start:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M}", event.timezone, event.venue, event.city),
        *(event.online_url, event.status.value, event.max_capacity, event.registered_count, event.waitlisted_count),
        *(hosts, event.slug, _utc(event.start_at), _utc(event.end_at), event.id),
    )


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
