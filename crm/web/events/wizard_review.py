"""The last step of the wizard: everything in words, what blocks and what one should look at, and the button that publishes."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from crm.domain.errors import Conflict, RuleViolation
from crm.domain.event_drafts import EventDraft, Step
from crm.domain.events import EventStatus
from crm.services import event_drafts
from crm.services.draft_checks import Review, review
from crm.web.events.description import description_html
from crm.web.events.shown import shown
from crm.web.events.wizard_forms import FORMS
from crm.web.events.wizard_page import address, around, local_words
from crm.web.events.wizard_people import shown_sources
from crm.web.forms import number_in
from crm.web.http import CrmRequest, tell

PLACES: dict[str, str] = {
    **{name: str(field.label) for form in FORMS.values() for name, field in form.base_fields.items()},
    "owner": "Owner",
    "hostIds": "Hosts",
    "unknown": "Addresses of nobody",
    "sources": "Who would come",
}
"""What staff call the place where a check is mended."""
DESCRIPTION_SHOWN = 600
"""Characters of the description that the review shows."""


def review_page(request: CrmRequest, draft: EventDraft) -> HttpResponse:
    """Show it, or publish it as it was looked at; what came in between is said, and nothing is published then."""
    if request.method != "POST":
        return _page(request, draft)
    try:
        event = event_drafts.publish(
            request.store,
            draft.id,
            version=number_in(request.POST.get("version", "")),
            actor=request.user.get_username(),
            now=timezone.now(),
        )
    except Conflict as error:
        if error.field == "slug":
            tell(request, "Not published yet", error.message, level=messages.ERROR)
            return redirect(address(draft.id, Step.BASICS, check=True))
        return _page(request, request.store.drafts.get(draft.id), problem=error.message, status=409)
    except RuleViolation as error:
        return _page(request, request.store.drafts.get(draft.id), problem=error.message, status=422)
    if event.status is EventStatus.CREATING:
        tell(request, f"“{event.title}” is being published", "Its people get their seats; that takes a little while.")
    else:
        tell(request, f"“{event.title}” is published", "It stands in the list of events and in the calendars.")
    return redirect("events:event", event.id)


def _page(request: CrmRequest, draft: EventDraft, *, problem: str = "", status: int = 200) -> HttpResponse:
    looked = review(request.store, draft, now=timezone.now())
    people = {person.id: person for person in (looked.owner, *looked.hosts) if person}
    event, text = looked.event, draft.text("description")
    context = {
        **around(draft, Step.REVIEW, people, stored=True),
        "review": looked,
        "problem": problem,
        "when": shown(event, timezone.now()).when if event else "",
        "starts": local_words(draft, "start"),
        "ends": local_words(draft, "end"),
        "faulty": {fault.field for fault in looked.planned.faults},
        "description": description_html(text[:DESCRIPTION_SHOWN]),
        "cut": len(text) > DESCRIPTION_SHOWN,
        "links": [(check, _link(draft, check.step, check.field), PLACES.get(check.field, "")) for check in looked.checks],
        "sources": shown_sources(request, looked.sources, looked.gathered, {}),
        "why": _why(looked),
    }
    return render(request, "events/wizard_review.html", context, status=status)


def _link(draft: EventDraft, step: Step | None, field: str) -> str:
    """The way to where a check is mended; with its field in focus."""
    if step is None:
        return ""
    own = {"owner": "owner", "hostIds": "id_findHost", "unknown": "unknown", "sources": "sources"}
    return address(draft.id, step, check=step is not Step.ATTENDEES, at=own.get(field, f"id_{field}"))


def _why(looked: Review) -> str:
    """Why it can't be published, in one sentence; empty where it can."""
    number = len(looked.blocking)
    if not number:
        return ""
    warnings = " The warnings don’t hold it back." if len(looked.checks) > number else ""
    return f"Possible when {'what is marked above is' if number == 1 else f'these {number} things are'} mended.{warnings}"
