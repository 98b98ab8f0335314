"""Pages about two entries of one person: who may be one, both side by side, and making one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.folding import fold
from crm.domain.merging import newer, proposed
from crm.domain.people import ATTRIBUTES, LABELS, Person, Profile, distinct
from crm.services import merge
from crm.services.merge_preview import compare
from crm.web.forms import number_in
from crm.web.http import CrmRequest, error_answer, permission_required, render_part, tell

LEFT, RIGHT = "left", "right"
PROPOSE, PROPOSED = "propose", "proposed"
"""In the form: that only values are to be proposed for the entry chosen to stay, and for which one those shown were proposed."""


@dataclass(frozen=True, slots=True)
class Row:
    """One field of both sides. `chosen` is the side that is ticked, empty where both say the same."""

    field: str
    label: str
    left: str
    right: str
    chosen: str


@require_safe
@permission_required("crm.view_people")
def duplicates(request: CrmRequest, person_id: str) -> HttpResponse:
    """Who may be the same person: as a part of their page, or by itself."""
    person = request.store.people.get(person_id)
    opened = request.htmx.target != "duplicates"
    context = {"person": person, "likely": merge.likely_same(request.store, person), "opened": opened}
    return render_part(request, "people/duplicates.html", context, part="duplicates")


@require_POST
@permission_required("crm.edit_people")
def tell_apart(request: CrmRequest, person_id: str, other_id: str) -> HttpResponse:
    """Write down that these are two people; they are not suggested for each other again."""
    merge.tell_apart(request.store, person_id, other_id, actor=request.user.get_username(), now=timezone.now())
    if request.htmx:
        person = request.store.people.get(person_id)
        context = {"person": person, "likely": merge.likely_same(request.store, person), "opened": True}
        return render_part(request, "people/duplicates.html", context, part="duplicates")
    tell(request, "Noted: two people", "They are not suggested for each other again.")
    return redirect("people:person", person_id)


@require_safe
@permission_required("crm.delete_people")
def chosen(request: CrmRequest) -> HttpResponse:
    """The way from two rows of the list (`id` given twice) to both side by side."""
    ids = list(dict.fromkeys(request.GET.getlist("id")))
    if len(ids) != 2:
        return error_answer(request, 400, "Choose two people in the list, no more and no fewer, then merge them.")
    return redirect("people:merge", *ids)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.delete_people")
@permission_required("crm.edit_people")
def merging(request: CrmRequest, person_id: str, other_id: str) -> HttpResponse:
    """Both side by side; one chooses who stays and what holds, then makes one of them."""
    try:
        left, right = request.store.people.get(person_id), request.store.people.get(other_id)
    except NotFound:
        heirs = [request.store.merges.heir(id_) for id_ in (other_id, person_id)]
        if (heir := next(filter(None, heirs), None)) is None:
            raise
        return redirect("people:person", heir)
    if left.id == right.id:
        raise RuleViolation("These are one person already; choose two.")
    if request.method != "POST":
        return _page(request, left, right, {})
    if PROPOSE in request.POST:
        return _page(request, left, right, request.POST)
    try:
        return _merged(request, left, right)
    except Conflict as error:
        left, right = request.store.people.get(person_id), request.store.people.get(other_id)
        return _page(request, left, right, request.POST, problem=error.message, status=409)
    except RuleViolation as error:
        return _page(request, left, right, request.POST, problem=error.message, status=422)


def _merged(request: CrmRequest, left: Person, right: Person) -> HttpResponse:
    kept, gone = (right, left) if _staying(left, right, request.POST) == RIGHT else (left, right)
    versions = {left.id: _version(request.POST, LEFT), right.id: _version(request.POST, RIGHT)}
    actor, now = request.user.get_username(), timezone.now()
    wanted = _profile(left, right, request.POST)
    done = merge.merge(
        request.store, kept.id, gone.id, wanted, versions=(versions[kept.id], versions[gone.id]), actor=actor, now=now
    )
    if done.finished:
        tell(request, f"{done.person.name} is one person now", "All that was with the other entry is here.")
    else:
        tell(request, f"{done.person.name} is being merged", "Some of it is still going over; it takes a few seconds more.")
    return redirect("people:person", kept.id)


def _page(
    request: CrmRequest,
    left: Person,
    right: Person,
    ticked: QueryDict | Mapping[str, str],
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """The page, with what was ticked, or what is proposed."""
    rows, both = _rows(left, right, ticked), compare(request.store, left, right)
    keep = _staying(left, right, ticked)
    every = distinct((*left.profile.tags, *right.profile.tags))
    kept_tags = {fold(tag) for tag in (ticked.getlist("tag") if isinstance(ticked, QueryDict) else every)}
    context: dict[str, Any] = {
        "left": left,
        "sides": [(LEFT, both.left), (RIGHT, both.right)],
        "keep": keep,
        "proposed": keep if PROPOSE in ticked else ticked.get(PROPOSED, keep),
        "rows": [row for row in rows if row.chosen],
        "same": [row for row in rows if not row.chosen and row.left],
        "tags": [(tag, fold(tag) in kept_tags) for tag in every],
        "both": both,
        "unwanted": [one for one in (left, right) if one.email_status.value in {"unsubscribed", "complained"}],
        "problem": problem,
    }
    return render(request, "people/merge.html", context, status=status)


def _staying(left: Person, right: Person, ticked: Mapping[str, Any]) -> str:
    """The side whose entry stays: as ticked, or as is proposed."""
    return ticked.get("keep") or (LEFT if newer(left, right) else RIGHT)


def _rows(left: Person, right: Person, ticked: Mapping[str, Any]) -> list[Row]:
    """Each field. Where values are to be proposed anew, what was ticked otherwise than proposed before stays as it is."""
    keep = _staying(left, right, ticked)
    now = _proposals(left, right, keep)
    before = _proposals(left, right, ticked.get(PROPOSED, keep)) if PROPOSE in ticked else {}
    rows = []
    for name, attribute in ATTRIBUTES.items():
        mine, theirs = getattr(left.profile, attribute), getattr(right.profile, attribute)
        side = ticked.get(name)
        if not side or side == before.get(name):
            side = now[name]
        rows.append(Row(name, LABELS[name], mine, theirs, side if mine != theirs else ""))
    return rows


def _proposals(left: Person, right: Person, keep: str) -> dict[str, str]:
    """For each field the side whose value is proposed if the entry of `keep` stays."""
    if keep == RIGHT:
        return {name: RIGHT if own else LEFT for name, own in proposed(right, left).items()}
    return {name: LEFT if own else RIGHT for name, own in proposed(left, right).items()}


def _profile(left: Person, right: Person, ticked: QueryDict) -> Profile:
    """What was chosen, field by field; only what one of the two has can be."""
    sides = {row.field: row.chosen for row in _rows(left, right, ticked)}
    values = {
        attribute: getattr((right if sides[name] == RIGHT else left).profile, attribute) for name, attribute in ATTRIBUTES.items()
    }
    wanted = {fold(tag) for tag in ticked.getlist("tag")}
    tags = tuple(tag for tag in distinct((*left.profile.tags, *right.profile.tags)) if fold(tag) in wanted)
    return Profile(**values, tags=tags)


def _version(ticked: QueryDict, side: str) -> int:
    return number_in(ticked.get(f"version-{side}", ""))
