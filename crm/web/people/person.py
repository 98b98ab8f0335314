"""One person: their page, and what staff do with them."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from crm.domain.emails import EmailState
from crm.domain.errors import Conflict, CrmError, RuleViolation
from crm.domain.people import Person, Profile
from crm.services import people
from crm.web.http import CrmRequest, permission_required, tell
from crm.web.people.forms import ProfileForm, differences, typed_of
from crm.web.people.story import coming, story_of


@require_safe
@permission_required("crm.view_people")
def person(request: CrmRequest, person_id: str) -> HttpResponse:
    """What is known about one person."""
    found = request.store.people.get(person_id)
    events = request.store.events.of_person(person_id)
    emails = request.store.emails.of_person(person_id)
    subjects = request.store.campaigns.subjects({email.campaign_id for email in emails}) if emails else {}
    context = {
        "person": found,
        "story": story_of(events, emails, subjects, timezone.now()),
        "ahead": coming(events, timezone.now()),
        "emails": emails,
        "sent": sum(email.status is EmailState.SENT for email in emails),
        "write_query": urlencode({"q": found.profile.email}),
        "back": _list_before(request),
    }
    return render(request, "people/person.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_people")
def create(request: CrmRequest) -> HttpResponse:
    """Add somebody. The address makes it safe to send the form twice."""
    form = ProfileForm(request.POST or None)
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
    """Change somebody; whoever saves second sees both versions."""
    stored = request.store.people.get(person_id)
    form = ProfileForm(request.POST or None, initial=typed_of(stored.profile))
    context: dict[str, Any] = {"form": form, "person": stored, "was": _before(request, stored), "version": stored.version}
    if request.method != "POST":
        return render(request, "people/edit.html", context)
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
    return render(request, "people/edit.html", context, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.delete_people")
def delete(request: CrmRequest, person_id: str) -> HttpResponse:
    """Ask once, then remove somebody."""
    found = request.store.people.get(person_id)
    if request.method == "POST":
        people.remove(request.store, person_id, now=timezone.now(), actor=request.user.get_username())
        tell(request, f"{found.name} is deleted", "Their seats at events are free again.")
        return redirect("people:list")
    return render(request, "people/delete.html", {"person": found})


def _saved(request: CrmRequest, person_id: str, profile: Profile) -> HttpResponse:
    actor = request.user.get_username()
    changed = people.edit(request.store, person_id, profile, version=_version(request), now=timezone.now(), actor=actor)
    tell(request, f"{changed.name} saved")
    return redirect("people:person", person_id)


def _conflict(request: CrmRequest, person_id: str, yours: Profile) -> HttpResponse:
    """Both versions side by side; a save that says the same as the stored one is no conflict."""
    theirs = request.store.people.get(person_id)
    rows, same = differences(yours, theirs, request.POST.dict())
    if not rows:
        tell(request, f"{theirs.name} saved", "Somebody else had just written the same.")
        return redirect("people:person", person_id)
    context = {"person": theirs, "rows": rows, "same": same, "was": typed_of(theirs.profile), "yours": _version(request)}
    return render(request, "people/conflict.html", context, status=409)


def _before(request: CrmRequest, stored: Person) -> dict[str, str]:
    """What the form showed first: from the form itself once it was sent."""
    return {name: request.POST.get(f"was-{name}", value) for name, value in typed_of(stored.profile).items()}


def _version(request: CrmRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _list_before(request: CrmRequest) -> str:
    """The list that one came from, so that going back keeps the place; the whole list where one came from elsewhere."""
    came_from, everybody = urlsplit(request.headers.get("Referer", "")), reverse("people:list")
    here = came_from.netloc == request.get_host() and came_from.path == everybody
    return f"{everybody}?{came_from.query}" if here and came_from.query else everybody
