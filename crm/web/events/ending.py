"""An event is cancelled, published again or deleted, or its no-shows are taken back: each asked once, with what will happen."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.messages import INFO
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from crm.domain.errors import Conflict, CrmError, NotFound, RuleViolation
from crm.domain.event_log import LONGEST_TEXT
from crm.domain.events import AttendanceStatus, Event, EventStatus
from crm.services import event_changes, event_letters
from crm.services.event_letters import TOLD
from crm.services.exclusions import campaigns_using
from crm.web.events.shown import shown
from crm.web.forms import CrmForm, number_in
from crm.web.http import CrmRequest, permission_required, render_part, tell

GOING = "deleting"
"""The part that htmx asks for while an event is being deleted."""


class CancelForm(CrmForm):
    """Why, and whether those on the list are to be written to."""

    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Stands on its page and in its history, and in the letter.",
    )
    letter = forms.BooleanField(required=False)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_events")
def cancel(request: CrmRequest, event_id: str) -> HttpResponse:
    """Ask once, then cancel the event and begin the letter to those who had signed up."""
    event = request.store.events.get(event_id)
    if event.status is EventStatus.CANCELLED and request.method != "POST":
        return redirect("events:event", event_id)
    form = CancelForm(request.POST or None, initial={"letter": True})
    if request.method == "POST" and form.is_valid():
        try:
            return _cancelled(request, event, form)
        except (RuleViolation, Conflict) as error:
            form.add_crm_error(error)
    context = {**_standing(request, event), "form": form, "may_write": request.user.has_perm("crm.edit_campaigns")}
    return render(request, "events/cancel.html", context, status=422 if form.is_bound else 200)


def _cancelled(request: CrmRequest, event: Event, form: CancelForm) -> HttpResponse:
    actor, now, words = request.user.get_username(), timezone.now(), f"{event.title} is cancelled"
    if event.status is EventStatus.CANCELLED:
        words = f"{event.title} was cancelled already"
    else:
        event = event_changes.cancel(request.store, event.id, reason=form.cleaned_data["reason"], actor=actor, now=now)
    note, told = "", request.store.events.cancellation(event.id)
    if told and form.cleaned_data["letter"] and request.user.has_perm("crm.edit_campaigns"):
        sender = settings.DEFAULT_FROM_EMAIL
        draft = event_letters.draft_cancelled(request.store, event, told, actor=actor, sender=sender, now=now)
        url = reverse("campaigns:one", args=[draft.id])
        note = format_html('Nobody is told yet: <a href="{}">look at the draft and send it</a>.', url)
    tell(request, words, note)
    return redirect("events:event", event.id)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_events")
def reinstate(request: CrmRequest, event_id: str) -> HttpResponse:
    """Ask once, then let a cancelled event take place after all."""
    event = request.store.events.get(event_id)
    if event.status is EventStatus.PUBLISHED:
        return redirect("events:event", event_id)
    error = None
    if request.method == "POST":
        try:
            event_changes.reinstate(request.store, event_id, actor=request.user.get_username(), now=timezone.now())
        except (RuleViolation, Conflict) as refused:
            error = refused
        else:
            tell(request, f"{event.title} is published again", "Nobody was told; write to those on its list if they should know.")
            return redirect("events:event", event_id)
    context = {**_standing(request, event), "error": error, "cancellation": request.store.events.cancellation(event_id)}
    return render(request, "events/reinstate.html", context, status=422 if error else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_events")
def delete(request: CrmRequest, event_id: str) -> HttpResponse:
    """Ask once, then delete the event; while that goes on, say how many are left."""
    try:
        event = request.store.events.get(event_id)
    except NotFound:
        return _no_event(request, event_id)
    context = _standing(request, event)
    if event.deleting:
        return render_part(request, "events/deleting.html", context, part=GOING)
    error: CrmError | None = None
    if request.method == "POST":
        try:
            if context["listed"] <= number_in(request.POST.get("listed", "")):
                return _deleted(request, event)
            error = Conflict(f"Meanwhile there are more on its list: {context['listed']:,}. Look once more, then delete.")
        except Conflict as refused:
            error = refused
    context |= {"error": error, "campaigns": campaigns_using(request.store, event_id)}
    return render(request, "events/delete.html", context, status=409 if error else 200)


def _deleted(request: CrmRequest, event: Event) -> HttpResponse:
    """Delete it, and lead to the list; or to where one sees how far it is, as long as many have to be taken off its list."""
    event_changes.delete(request.store, event.id, actor=request.user.get_username(), now=timezone.now())
    try:
        request.store.events.get(event.id)
    except NotFound:
        tell(request, f"{event.title} is deleted")
        return redirect("events:list")
    return redirect("events:delete", event.id)


def _no_event(request: CrmRequest, event_id: str) -> HttpResponse:
    """Where a draft is discarded; the way out for who watched an event being deleted. Else NotFound."""
    if request.htmx and request.htmx.target == GOING:
        tell(request, "The event is deleted")
        return HttpResponseClientRedirect(reverse("events:list"))
    request.store.drafts.get(event_id)
    return redirect("events:discard", event_id)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_events")
def no_show_undo(request: CrmRequest, event_id: str) -> HttpResponse:
    """Ask once, then make those registered again whom the end of the event made no-shows."""
    event = request.store.events.get(event_id)
    error = None
    if request.method == "POST":
        try:
            event_changes.undo_no_shows(request.store, event_id, actor=request.user.get_username(), now=timezone.now())
        except (RuleViolation, Conflict) as refused:
            error = refused
        else:
            tell(request, "The no-shows are registered again", "Where there are many, it takes a moment until all of them are.")
            return redirect("events:event", event_id)
    elif event.no_show_at is None:
        tell(
            request,
            "There are no no-shows to take back",
            "Nobody became one by itself, or it was taken back already.",
            level=INFO,
        )
        return redirect("events:event", event_id)
    return render(
        request, "events/no_show_undo.html", {**_standing(request, event), "error": error}, status=422 if error else 200
    )


def _standing(request: CrmRequest, event: Event) -> dict[str, Any]:
    """The event and how many stand where; from counters."""
    counts = request.store.events.attendee_counts(event.id)
    return {
        "shown": shown(event, timezone.now()),
        "counts": {status.value: number for status, number in counts.items()},
        "listed": sum(counts.values()),
        "told": sum(counts[status] for status in TOLD),
        "seated": counts[AttendanceStatus.REGISTERED] + counts[AttendanceStatus.ATTENDED],
    }
