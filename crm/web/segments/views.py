"""Segments: the list with counts, saving a filter as one, changing and deleting one."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.domain.errors import Conflict, RuleViolation
from crm.domain.filters import NAMES, Order, PeopleFilter, filter_values, parse_filter, parse_order
from crm.domain.segments import Segment
from crm.services import filter_names, segments
from crm.staff import why_not
from crm.web.filter_words import Said, filter_words
from crm.web.forms import number_in
from crm.web.http import CrmRequest, error_answer, permission_required, render_part, tell
from crm.web.paging import Pager
from crm.web.segments.forms import SegmentForm

PAGE_SIZE = 20
"""Segments of a page: each is counted."""
COUNTED = 5
"""Tabs that are counted at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One segment of the list, counted at this moment."""

    segment: Segment
    words: list[Said]
    count: int
    own: bool
    may_change: bool


@require_safe
@permission_required("crm.view_people")
def segment_list(request: CrmRequest) -> HttpResponse:
    """Shared segments and one's own, by name."""
    store, viewer = request.store, request.user.get_username()
    token = request.GET.get("nextToken") or request.GET.get("prevToken")
    page = store.segments.page(viewer, limit=PAGE_SIZE, token=token)
    names = filter_names.names(store, [segment.filter for segment in page.items], viewer=viewer)
    rows = [
        Row(
            segment=segment,
            words=filter_words(filter_values(segment.filter), names),
            count=store.people.count(segment.filter),
            own=segment.owner == viewer,
            may_change=_may_change(request, segment),
        )
        for segment in page.items
    ]
    context = {"rows": rows, "pager": Pager.of(request, page, total=page.total, limit=PAGE_SIZE)}
    return render_part(request, "segments/list.html", context, part="segments")


@require_safe
@permission_required("crm.view_people")
def counts(request: CrmRequest) -> HttpResponse:
    """How many people are in the segments that the tabs of a list show, at this moment: behind the list, which need not wait."""
    asked = request.GET.getlist("id")[:COUNTED]
    if not asked or not request.htmx:
        return error_answer(request, 400, "This address only serves the tabs above the list of people.")
    seen = [segment for segment in request.store.segments.visible(request.user.get_username()) if segment.id in asked]
    found = [(segment, request.store.people.count(segment.filter)) for segment in seen]
    return render(request, "segments/_counts.html", {"counts": found})


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.view_people")
def create(request: CrmRequest) -> HttpResponse:
    """Save the filter of the address (or, sent, of the form) under a name."""
    given = request.POST if request.method == "POST" else request.GET
    wanted, order = _asked(given)
    if wanted.is_empty:
        tell(request, "Filter the people first", "A segment without a filter would be everybody.", level=messages.WARNING)
        return redirect("people:list")
    form = SegmentForm(request.POST or None, user=request.user)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid() and (saved := _saved(request, form, wanted, order)) is not None:
            return saved
    context = {"form": form, "words": _words(request, wanted), "pairs": _pairs(given), "back": _pairs_query(given)}
    return render(request, "segments/new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.view_people")
def edit(request: CrmRequest, segment_id: str) -> HttpResponse:
    """Rename a segment, share it or keep it for oneself."""
    segment = _changeable(request, segment_id)
    initial = {"name": segment.name, "shared": segment.shared, "version": segment.version}
    form = SegmentForm(request.POST or None, initial=initial, user=request.user)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                changed = _edited(request, segment_id, form)
            except RuleViolation as error:
                form.add_crm_error(error)
            except Conflict as error:
                form, status = _over_another(request, form, segment, error), 409
            else:
                tell(request, f"“{changed.name}” is saved")
                return redirect("segments:list")
    context = {"form": form, "segment": segment, "words": _words(request, segment.filter)}
    return render(request, "segments/edit.html", context, status=status)


@require_POST
@permission_required("crm.view_people")
def refilter(request: CrmRequest, segment_id: str) -> HttpResponse:
    """Put the filter that was sent in place of the segment's; whoever was slower sees it as it is, and may press again."""
    segment = _changeable(request, segment_id)
    wanted, order = _asked(request.POST)
    try:
        segments.edit(
            request.store,
            segment_id,
            viewer=request.user.get_username(),
            version=number_in(request.POST.get("version", "")),
            wanted=wanted,
            order=order,
            now=datetime.now(UTC),
        )
    except (Conflict, RuleViolation) as error:
        tell(request, f"“{segment.name}” is not saved", error.message, level=messages.ERROR)
        return HttpResponseRedirect(f"{reverse('people:list')}?{_pairs_query(request.POST, base=segment_id)}")
    tell(request, f"“{segment.name}” is saved", "It means these people from now on. Campaigns written to it before keep theirs.")
    return HttpResponseRedirect(f"{reverse('people:list')}?{urlencode({'segment': segment_id})}")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.view_people")
def delete(request: CrmRequest, segment_id: str) -> HttpResponse:
    """Ask once, then delete it."""
    segment = _changeable(request, segment_id)
    if request.method != "POST":
        return render(request, "segments/delete.html", {"segment": segment, "words": _words(request, segment.filter)})
    segments.delete(request.store, segment_id, viewer=request.user.get_username(), now=datetime.now(UTC))
    tell(request, f"“{segment.name}” is deleted", "The people are still here, and campaigns keep the filter they were given.")
    return redirect("segments:list")


def _saved(request: CrmRequest, form: SegmentForm, wanted: PeopleFilter, order: Order) -> HttpResponse | None:
    """Save the new segment and lead to its people; None where the form says by now why it can't be."""
    typed = form.cleaned_data
    try:
        segment = segments.save(
            request.store,
            typed["name"],
            wanted,
            order=order,
            shared=typed["shared"],
            owner=request.user.get_username(),
            segment_id=typed["segmentId"],
            now=datetime.now(UTC),
        )
    except (Conflict, RuleViolation) as error:
        form.add_crm_error(error)
        return None
    tell(request, f"“{segment.name}” is saved", "For everybody." if segment.shared else "For you alone.")
    return HttpResponseRedirect(f"{reverse('people:list')}?{urlencode({'segment': segment.id})}")


def _edited(request: CrmRequest, segment_id: str, form: SegmentForm) -> Segment:
    typed = form.cleaned_data
    return segments.edit(
        request.store,
        segment_id,
        viewer=request.user.get_username(),
        version=typed["version"] if typed["version"] is not None else -1,
        name=typed["name"],
        shared=typed["shared"],
        now=datetime.now(UTC),
    )


def _over_another(request: CrmRequest, form: SegmentForm, segment: Segment, error: Conflict) -> SegmentForm:
    """The form as typed, with what went wrong; where somebody was quicker, saving it again replaces theirs."""
    if error.field is None:
        typed = {**{name: form.data.get(name, "") for name in form.fields}, "version": str(segment.version)}
        form = SegmentForm(typed, user=request.user)
        form.is_valid()
        error = Conflict(f"Meanwhile somebody made it “{segment.name}”. What you typed stands below; save again to replace that.")
    form.add_crm_error(error)
    return form


def _changeable(request: CrmRequest, segment_id: str) -> Segment:
    """The segment, for who may change it; NotFound for what one does not see, PermissionDenied for what is not one's own."""
    segment = segments.opened(request.store, segment_id, request.user.get_username())
    if not _may_change(request, segment):
        raise PermissionDenied(why_not(request.user, "crm.edit_people"))
    return segment


def _may_change(request: CrmRequest, segment: Segment) -> bool:
    return segment.changed_by(request.user.get_username(), edits_people=request.user.has_perm("crm.edit_people"))


def _asked(given: QueryDict) -> tuple[PeopleFilter, Order]:
    """The filter and the order that were sent. Raises RuleViolation."""
    return parse_filter({name: given.getlist(name) for name in NAMES}), parse_order(given.get("order", ""))


def _pairs(given: QueryDict) -> list[tuple[str, str]]:
    """The filter and the order as pairs, for hidden fields and links."""
    return [(name, value) for name in given if name in NAMES | {"order"} for value in given.getlist(name)]


def _pairs_query(given: QueryDict, **more: str) -> str:
    return urlencode([*_pairs(given), *more.items()])


def _words(request: CrmRequest, wanted: PeopleFilter) -> list[Said]:
    return filter_words(filter_values(wanted), filter_names.names(request.store, [wanted], viewer=request.user.get_username()))
