"""The list of people, and what is suggested for its filters."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from crm.domain.errors import BadToken, RuleViolation
from crm.domain.filters import Order, parse_filter
from crm.web.filter_words import PANELS
from crm.web.http import CrmRequest, error_answer, permission_required, render_part
from crm.web.paging import PAGE_SIZE, Pager
from crm.web.people.exporting import file_menu
from crm.web.people.filters import FilterBar
from crm.web.people.query import plain_query

HEADINGS: tuple[tuple[str, str, Order | None], ...] = (
    ("Name", "", Order.NAME),
    ("Company", "wide", None),
    ("City", "wide wider", None),
    ("Hosted", "num wide", Order.HOSTED),
    ("Attended", "num", Order.ATTENDED),
    ("E-mail", "wide", None),
    ("Added", "wide wider", None),
)


@require_safe
@permission_required("crm.view_people")
def person_list(request: CrmRequest) -> HttpResponseBase:
    """The list; htmx re-renders #people-table alone when a filter changes. What the form sends is made plain first."""
    plain = plain_query(request.GET, lambda field, text: _somebody_has(request, field, text))
    if plain.urlencode() != request.GET.urlencode():
        return HttpResponseRedirect(f"{request.path}?{plain.urlencode()}" if plain else request.path)
    bar = FilterBar(request.GET, request.store, request.user.get_username())
    context: dict[str, Any] = {"bar": bar, "totals": bar.totals, "headings": HEADINGS}
    if bar.wanted is not None:
        token = request.GET.get("nextToken") or request.GET.get("prevToken")
        try:
            page = request.store.people.page(bar.wanted, order=bar.order, limit=PAGE_SIZE, token=token)
        except BadToken as error:
            if request.htmx:
                raise
            lost = {"message": error.message, "back": bar.state_string}
            return render(request, "people/lost.html", lost, status=400)
        if token and not page.items:  # whoever stood on this page is gone
            return HttpResponseRedirect(f"{request.path}?{bar.state_string}" if bar.state_string else request.path)
        total = request.store.people.count(bar.wanted)
        context |= {"page": page, "total": total, "pager": Pager.of(request, page, total=total), "order": page.order or bar.order}
        context["file"] = file_menu(request)
    return render_part(request, "people/list.html", context, part="people-table")


def _somebody_has(request: CrmRequest, field: str, text: str) -> bool:
    """Whether a text is a value of somebody, from a counter. What can't be one passes, so that the list says what is wrong."""
    try:
        return request.store.people.count(parse_filter({field: [text]})) > 0
    except RuleViolation:
        return True


@require_safe
@permission_required("crm.view_people")
def ways_out(request: CrmRequest) -> HttpResponseBase:
    """What an empty list could leave out, counted: as a part of the list, which comes later by itself."""
    bar = FilterBar(request.GET, request.store, request.user.get_username())
    if not request.htmx or bar.wanted is None:
        return HttpResponseRedirect(f"{reverse('people:list')}?{request.GET.urlencode()}")
    return render(request, "people/_ways_out.html", {"bar": bar, "alternatives": bar.alternatives(), "counted": True})


@require_safe
@permission_required("crm.view_people")
def suggest(request: CrmRequest) -> HttpResponse:
    """The values of one field that what was typed finds, those of most people or the newest first, as options to tick."""
    field = request.GET.get("field", "")
    if field not in PANELS:
        return error_answer(request, 404)
    typed = request.GET.get(f"{field}-typed", "").strip()
    bar = FilterBar(request.GET, request.store, request.user.get_username())
    return render(request, "people/_options.html", {"panel": bar.panel(field, typed, load=True)})
