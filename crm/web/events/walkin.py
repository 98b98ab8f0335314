"""Somebody at the door who is not on the list: found among those who are known, or written down, and checked in."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from crm.domain.errors import Conflict, RuleViolation
from crm.domain.folding import fold
from crm.domain.people import LABELS
from crm.services import attendance
from crm.web.events.checkin import SEARCHED, door_address, door_of, event_at_the_door, found_by
from crm.web.forms import CrmForm, FormIdField
from crm.web.http import CrmRequest, permission_required, tell

HINTS: dict[str, dict[str, Any]] = {
    "firstName": {"autocapitalize": "words", "enterkeyhint": "next"},
    "lastName": {"autocapitalize": "words", "enterkeyhint": "next"},
    "email": {"inputmode": "email", "autocapitalize": "none", "spellcheck": "false", "enterkeyhint": "done"},
}


class WalkInForm(CrmForm):
    """Who stands at the door. Its `key` becomes the person's id, so that the form can be sent twice."""

    key = FormIdField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, hints in HINTS.items():
            widget = forms.TextInput(attrs={"autocomplete": "off", **hints})
            self.fields[name] = forms.CharField(label=LABELS[name], widget=widget)

    @staticmethod
    def guessed(text: str) -> dict[str, str]:
        """What a search that found nobody says about them: an address, or a name of which the last word is the last name.

        >>> WalkInForm.guessed("bo erik jansson"), WalkInForm.guessed("bo@example.org")
        ({'firstName': 'Bo Erik', 'lastName': 'Jansson'}, {'email': 'bo@example.org'})
        """
        if "@" in text:
            return {"email": text}
        words = [word[:1].upper() + word[1:] if text.islower() else word for word in text.split()]
        return {"firstName": " ".join(words[:-1] or words), "lastName": words[-1] if len(words) > 1 else ""} if words else {}


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.check_in")
def walk_in(request: CrmRequest, event_id: str) -> HttpResponse:
    """Whom a search finds, and a form for who is new; what was typed stays where it can't be."""
    event = event_at_the_door(request, event_id)
    text = " ".join(request.GET.get("q", "").split())[:SEARCHED]
    form = WalkInForm(request.POST if request.method == "POST" else None, initial=WalkInForm.guessed(text))
    if request.method == "POST" and form.is_valid():
        try:
            return _let_in(request, event_id, form)
        except (Conflict, RuleViolation) as error:
            form.add_crm_error(error)
            event = event_at_the_door(request, event_id)
    here = door_of(request, event)
    context = {"door": here, "event": event, "q": text, "form": form, **(found_by(request, here, text) if text else {})}
    return render(request, "events/walk_in.html", context, status=422 if form.is_bound else 200)


def _let_in(request: CrmRequest, event_id: str, form: WalkInForm) -> HttpResponse:
    """Check in who has that address, or else is new, and go back to the door. Raises Conflict where there is no seat."""
    typed = form.cleaned_data
    person, _ = attendance.walk_in(
        request.store,
        event_id,
        first_name=typed["firstName"],
        last_name=typed["lastName"],
        email=typed["email"],
        now=timezone.now(),
        by=request.user.get_username(),
        user_id=typed["key"],
    )
    if fold(person.name) != fold(f"{typed['firstName']} {typed['lastName']}"):
        note = f"{person.name} was checked in. If that is somebody else, undo it and ask for another address."
        tell(request, f"That address belongs to {person.name}", note, level=messages.WARNING)
    return HttpResponseRedirect(door_address(event_id, last=person.id))
