"""One person: their page, and what staff write about them."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from crm.domain.errors import Conflict, CrmError, NotFound, RuleViolation
from crm.domain.filters import PeopleFilter
from crm.domain.people import Person, Profile
from crm.services import people
from crm.store import Store
from crm.web.forms import number_in
from crm.web.http import CrmRequest, permission_required, render_part, tell
from crm.web.people.consent import consent_of
from crm.web.people.forms import NoteForm, ProfileForm, differences, typed_of
from crm.web.people.place import kept_query, list_of, place_of
from crm.web.people.story import Life, coming, figures_of, story_of

STORY, EARLIER, ABOUT = "person-story", "story-end", "about"
"""What htmx swaps alone: the story with its tabs, what is older than was shown, and what is known."""


@require_safe
@permission_required("crm.view_people")
def person(request: CrmRequest, person_id: str) -> HttpResponse:
    """What is known about one person, and what happened with them; who was merged into another is found there."""
    try:
        found = request.store.people.get(person_id)
    except NotFound:
        if (heir := request.store.merges.heir(person_id)) is None:
            raise
        return redirect("people:person", heir)
    return show(request, found)


def show(
    request: CrmRequest, found: Person, *, form: NoteForm | None = None, fresh: bool = False, status: int = 200
) -> HttpResponse:
    """The page, or the part of it that htmx asks for. `form` is a note that could not be kept, `fresh` says that one just was."""
    life = Life.of(request.store, found)
    told = story_of(request.store, life, timezone.now(), show=request.GET.get("show", ""), before=request.GET.get("before", ""))
    kept = kept_query(request)
    here = "&".join(part for part in (kept, f"show={told.show}" if told.show else "") if part)
    context = {"person": found, "kept": kept, "here": here, "story": told, "note_form": form or NoteForm(), "fresh": fresh}
    if _target(request) in (STORY, EARLIER):
        return render_part(request, "people/person.html", context, part=_target(request), status=status)
    context |= _around(request, found, life)
    if _target(request) == ABOUT and request.method == "POST":
        return render(request, "people/person.html#saved", {**context, "saved": True})
    context["cancelled"] = _target(request) == ABOUT
    return render_part(request, "people/person.html", context, part=ABOUT, status=status)


def _around(request: CrmRequest, found: Person, life: Life) -> dict[str, Any]:
    """What stands around the story."""
    return {
        "place": place_of(request, found),
        "figures": figures_of(life, timezone.now()),
        "mailed": life.mailed,
        "consent": consent_of(request.store, found, life.log),
        "ahead": coming(life.events, timezone.now()),
        "company_count": _company_count(request.store, found),
    }


def _company_count(store: Store, found: Person) -> int:
    """How many people are at the same company; from a counter."""
    company = found.profile.company
    return store.people.count(PeopleFilter(company=(company,))) if company else 0


def _target(request: CrmRequest) -> str:
    """The part that htmx will put the answer into; empty where it is a page."""
    return (request.htmx.target or "") if request.htmx and not request.htmx.boosted else ""


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_people")
def create(request: CrmRequest) -> HttpResponse:
    """Add somebody; what the address has of them is filled in. Their own address makes it safe to send the form twice."""
    form = ProfileForm(request.POST or None, initial=request.GET.dict())
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        typed = form.profile()
        try:
            added = people.add(request.store, typed, now=timezone.now(), actor=request.user.get_username())
        except Conflict as error:
            taken = request.store.people.find_by_email(typed.email)
            if taken and taken.profile == typed.cleaned():
                tell(request, f"{taken.name} is here already", "Everything is as you typed it.")
                return redirect("people:person", taken.id)
            form.add_crm_error(error)
            context["taken"] = taken
        except RuleViolation as error:
            form.add_crm_error(error)
        else:
            tell(request, f"{added.name} added")
            return redirect("people:person", added.id)
    return render(request, "people/new.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_people")
def edit(request: CrmRequest, person_id: str) -> HttpResponse:
    """Change somebody, on a page or in place; whoever saves second sees both versions."""
    stored = request.store.people.get(person_id)
    form = ProfileForm(request.POST or None, initial=typed_of(stored.profile))
    context: dict[str, Any] = {"form": form, "person": stored, "was": _before(request, stored), "version": stored.version}
    context["kept"] = kept_query(request)
    if request.method != "POST":
        form.fields["firstName"].widget.attrs["autofocus"] = _target(request) == ABOUT
        return render_part(request, "people/edit.html", context, part=ABOUT)
    context["version"] = _version(request)
    if form.is_valid():
        typed = form.profile()
        try:
            return _saved(request, person_id, typed)
        except Conflict as error:
            if error.field != "email":
                return _conflict(request, person_id, typed)
            form.add_crm_error(error)
            context["taken"] = request.store.people.find_by_email(typed.email)
        except CrmError as error:
            form.add_crm_error(error)
    return render_part(request, "people/edit.html", context, part=ABOUT, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.delete_people")
def delete(request: CrmRequest, person_id: str) -> HttpResponse:
    """Ask once, then remove somebody, and go back to the list that one came from."""
    found = request.store.people.get(person_id)
    if request.method == "POST":
        people.remove(request.store, person_id, now=timezone.now(), actor=request.user.get_username())
        tell(request, f"{found.name} is deleted", "Their seats at events are free again.")
        return redirect(list_of(request.GET))
    return render(request, "people/delete.html", {"person": found, "kept": kept_query(request)})


def _saved(request: CrmRequest, person_id: str, profile: Profile) -> HttpResponse:
    actor = request.user.get_username()
    changed = people.edit(request.store, person_id, profile, version=_version(request), now=timezone.now(), actor=actor)
    return _as_it_is_now(request, changed, f"{changed.name} saved")


def _as_it_is_now(request: CrmRequest, found: Person, done: str, note: str = "") -> HttpResponse:
    """The page with what was saved; where that was done in place, all that shows it is put in its place."""
    tell(request, done, note)
    if _target(request) == ABOUT:
        return show(request, found)
    kept = kept_query(request)
    return redirect(reverse("people:person", args=[found.id]) + (f"?{kept}" if kept else ""))


def _conflict(request: CrmRequest, person_id: str, yours: Profile) -> HttpResponse:
    """Both versions side by side; a save that says the same as the stored one is no conflict."""
    theirs = request.store.people.get(person_id)
    rows, same = differences(yours, theirs, request.POST.dict())
    if not rows:
        return _as_it_is_now(request, theirs, f"{theirs.name} saved", "Somebody else had just written the same.")
    context = {"person": theirs, "rows": rows, "same": same, "was": typed_of(theirs.profile)}
    response = render(request, "people/conflict.html", {**context, "kept": kept_query(request)}, status=409)
    if request.htmx:
        for name, value in {"Retarget": "#main", "Reselect": "#main", "Reswap": "outerHTML show:top"}.items():
            response.headers[f"HX-{name}"] = value
    return response


def _before(request: CrmRequest, stored: Person) -> dict[str, str]:
    """What the form showed first: from the form itself once it was sent."""
    return {name: request.POST.get(f"was-{name}", value) for name, value in typed_of(stored.profile).items()}


def _version(request: CrmRequest) -> int:
    return number_in(request.POST.get("version", ""))
