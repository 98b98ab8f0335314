"""Choosing a person by name or address: the owner, hosts, whoever is added to a list."""

from collections.abc import Collection

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from crm.domain.errors import RuleViolation
from crm.domain.filters import PeopleFilter, parse_filter
from crm.domain.folding import fold
from crm.domain.people import Person
from crm.store import Store
from crm.web.http import CrmRequest, permission_required

SHOWN = 8
"""People that one search offers; more words find fewer."""
PICKS = {"owner": "findOwner", "host": "findHost", "person": "findPerson"}
"""What somebody can be chosen for, with the field in which they are looked for."""


def find_people(store: Store, text: str, limit: int = SHOWN, *, but: Collection[str] = ()) -> list[Person]:
    """Return some whose names or address begin with the words of `text`, by name, without those in `but`; nobody without a word.

    An address that somebody has finds that person alone. Costs what a page of the people list costs.
    """
    if not text.strip():
        return []
    if "@" in text and (owner := store.people.find_by_email(text)) is not None:
        return [] if owner.id in but else [owner]
    try:
        wanted: PeopleFilter = parse_filter({"q": [text]})
    except RuleViolation:
        return []
    found = [person for person in store.people.page(wanted, limit=limit + len(but)).items if person.id not in but]
    return sorted(found[:limit], key=lambda person: fold(person.listed_name))


@require_safe
@permission_required("crm.edit_events")
def pick(request: CrmRequest) -> HttpResponse:
    """Who is found by what was typed so far, as buttons of the form that it stands in; for htmx alone."""
    kind = request.GET.get("for", "")
    if not request.htmx or kind not in PICKS:
        return redirect("events:new")
    text = request.GET.get(PICKS[kind], "")
    but = set(request.GET.getlist("hostIds")) if kind == "host" else set()
    context = {"kind": kind, "text": text.strip(), "found": find_people(request.store, text, but=but)}
    response = render(request, "events/_pick_found.html", context)
    patch_vary_headers(response, ("HX-Request",))
    return response
