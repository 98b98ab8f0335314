"""Notes about one person: added beside their story, removed by whoever wrote them."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from crm.domain.errors import RuleViolation
from crm.services import notes
from crm.web.http import CrmRequest, permission_required, tell
from crm.web.people.forms import NoteForm
from crm.web.people.person import show


@require_POST
@permission_required("crm.edit_people")
def add(request: CrmRequest, person_id: str) -> HttpResponse:
    """Write a note; htmx gets the story with it. What can't be kept stays in its field, and why stands beside it."""
    found = request.store.people.get(person_id)
    form = NoteForm(request.POST)
    if form.is_valid():
        text, key = form.cleaned_data["text"], form.cleaned_data["key"]
        try:
            notes.add(request.store, person_id, text, actor=request.user.get_username(), now=timezone.now(), key=key)
        except RuleViolation as error:
            form.add_crm_error(error)
        else:
            return _shown(request, person_id, "Note added")
    return show(request, found, form=form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_people")
def remove(request: CrmRequest, person_id: str, note_id: str) -> HttpResponse:
    """Ask once, then delete one's own note."""
    found = request.store.people.get(person_id)
    actor = request.user.get_username()
    if request.method != "POST":
        note = notes.find(request.store, person_id, note_id, actor=actor)
        return render(request, "people/note_delete.html", {"person": found, "note": note, "query": request.GET.urlencode()})
    notes.remove(request.store, person_id, note_id, actor=actor, now=timezone.now())
    return _shown(request, person_id, "Note deleted")


def _shown(request: CrmRequest, person_id: str, done: str) -> HttpResponse:
    """The story as it is now, for htmx; else the way back to the page."""
    tell(request, done)
    if request.htmx:
        return show(request, request.store.people.get(person_id), fresh=True)
    query = request.GET.urlencode()
    return redirect(reverse("people:person", args=[person_id]) + (f"?{query}" if query else ""))
