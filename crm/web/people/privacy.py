"""What the law gives a person: all that is held of them, and that it goes."""

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from crm.services import erasure
from crm.services.personal import personal_data
from crm.web.http import CrmRequest, permission_required, tell
from crm.web.people.place import kept_query, list_of


@require_safe
@permission_required("crm.erase_people")
def data(request: CrmRequest, person_id: str) -> HttpResponse:
    """Everything that is held of one person, as a file; that it was handed out stands in the audit log.

    HEAD hands nothing out, so it is not noted: it says whether there is somebody, and what would come.
    """
    if request.method == "HEAD":
        request.store.people.get(person_id)
        held = {}
    else:
        held = personal_data(request.store, person_id, actor=request.user.get_username(), now=timezone.now())
    response = JsonResponse(held, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response.headers["Content-Disposition"] = f'attachment; filename="personal-data-{person_id[:8]}.json"'
    response.headers["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.erase_people")
def erase(request: CrmRequest, person_id: str) -> HttpResponse:
    """Ask once, saying what goes and what stays; then erase, and go back to the list that one came from."""
    found = request.store.people.get(person_id)
    if request.method != "POST":
        mailed = request.store.emails.count_of_person(person_id)
        context = {"person": found, "mailed": mailed, "kept": kept_query(request)}
        return render(request, "people/erase.html", context)
    if erasure.erase(request.store, person_id, actor=request.user.get_username(), now=timezone.now()):
        tell(request, "One person is erased", "What they took part in stays counted, without a name.")
    else:
        note = "Something still leads to them; it is gone through in the background, within minutes."
        tell(request, "The erasure has begun", note, level=messages.WARNING)
    return redirect(list_of(request.GET))
