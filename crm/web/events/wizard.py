"""Planning an event in five steps. Each step is a form that is kept as it is typed, whichever button sends it."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.domain.errors import Conflict, CrmError, NotFound, RuleViolation
from crm.domain.event_drafts import EMPTY, FIELDS, EventDraft, Step
from crm.domain.filters import NAMES, PeopleFilter, filter_values, parse_filter
from crm.domain.ids import checked_id, new_id
from crm.domain.local_times import zone_names
from crm.services import event_drafts
from crm.services.draft_checks import faults_of
from crm.services.draft_people import filter_source, staffed
from crm.services.segments import SEGMENT, expanded
from crm.web.events import wizard_hosts, wizard_people, wizard_review
from crm.web.events.description import description_html
from crm.web.events.shown import shown
from crm.web.events.wizard_forms import FORMS, BasicsForm, DraftForm
from crm.web.events.wizard_page import address, around, left, way
from crm.web.forms import number_in
from crm.web.http import CrmRequest, permission_required, render_part, tell
from crm.web.staff_names import staff_names

OFFERED = 6
"""Events that are offered to be copied."""


@require_safe
@permission_required("crm.edit_events")
def new(request: CrmRequest) -> HttpResponse:
    """The first step of a draft that is not kept yet: empty, or a copy (`from`), for the people of a filter, if one is given."""
    now = timezone.now()
    draft = EventDraft(id=new_id(), fields={**EMPTY, "timezone": settings.CRM_TIME_ZONE}, created_at=now, updated_at=now)
    model = request.store.events.get(given) if (given := request.GET.get("from", "")) else None
    if model is not None:
        fields = event_drafts.copy_fields(model, now)
        fields["slug"] = event_drafts.free_slug(request.store, model.title, draft.id)
        draft = EventDraft(id=draft.id, fields=fields, host_ids=model.host_ids, created_at=now, updated_at=now)
    find = request.GET.get("find", "")
    wanted = _filter_given(request)
    context = {
        "copied": model,
        "find": find,
        "offered": [shown(one, now) for one in event_drafts.to_copy(request.store, find, now=now, limit=OFFERED)],
        "filter_values": filter_values(wanted) if wanted else {},
    }
    return show(request, draft, Step.BASICS, stored=False, context=context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_events")
def draft(request: CrmRequest, event_id: str, step: str) -> HttpResponse:
    """One step of a draft. What was published meanwhile leads to the event."""
    if step not in set(Step) or checked_id(event_id) is None:
        raise Http404
    here = Step(step)
    found = request.store.drafts.find(event_id)
    if found is None and request.store.events.get_many([event_id]):
        if request.method == "POST" and here is not Step.REVIEW:
            note = "What you typed just now was not kept: change the event itself."
            tell(request, "It was published meanwhile", note, level=messages.WARNING)
        return redirect("events:event", event_id)
    if request.method == "POST" and here in (Step.BASICS, Step.WHEN, Step.HOSTS):
        return save(request, event_id, here)
    if found is None:
        raise NotFound("There is no such draft; it may have been discarded.")
    if here is Step.ATTENDEES:
        return wizard_people.attendees(request, found)
    if here is Step.REVIEW:
        return wizard_review.review_page(request, found)
    proposed = wizard_hosts.proposed(request, found) if here is Step.HOSTS else found
    return show(request, proposed, here, checked="check" in request.GET)


def save(request: CrmRequest, event_id: str, step: Step) -> HttpResponse:
    """Keep what was typed, then go where the button says; what is wrong keeps one here, if one wanted to go on."""
    todo, typed = wizard_hosts.todo(request, step), wizard_hosts.typed(request, step)
    hosts = wizard_hosts.hosts(request) if step is Step.HOSTS else None
    seen = number_in(request.POST.get("seen", ""), 0)
    try:
        wanted = _filter_given(request) if step is Step.BASICS and not seen else None
        kept = event_drafts.save_step(
            request.store,
            event_id,
            step,
            typed,
            host_ids=hosts,
            seen=seen,
            actor=request.user.get_username(),
            now=timezone.now(),
            copy_of=request.POST.get("from", ""),
            sources=[filter_source("first", wanted)] if wanted else [],
            zone=settings.CRM_TIME_ZONE,
        )
    except (Conflict, NotFound, RuleViolation) as error:
        return _not_kept(request, event_id, step, typed, hosts, error)
    if todo == "leave":
        return left(request, kept)
    if elsewhere := way(todo, step):
        return redirect(address(event_id, elsewhere))
    if todo != "next":
        return redirect(address(event_id, step, at=wizard_hosts.place(kept, todo)))
    if faults_of(request.store, kept, step, now=timezone.now()) or wizard_hosts.undecided(kept, step):
        return show(request, kept, step, checked=True, status=422)
    return redirect(address(event_id, step.next))


def show(
    request: CrmRequest,
    draft: EventDraft,
    step: Step,
    *,
    stored: bool = True,
    checked: bool = False,
    problem: str = "",
    theirs: EventDraft | None = None,
    context: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of one of the first three steps. `checked` shows what is wrong; `theirs` is what is stored, where that differs."""
    store = request.store
    faults = [*faults_of(store, draft, step, now=timezone.now()), *wizard_hosts.undecided(draft, step)] if checked else []
    draft, people = staffed(store, draft)
    form = FORMS[step](draft.fields, faults, problem=problem)
    page: dict[str, Any] = {
        **around(draft, step, people, stored=stored),
        "form": form,
        "differing": _differing(draft, theirs, step, form) if theirs else [],
        **(context or {}),
    }
    if theirs is not None:
        page |= {"seen": theirs.saved.get(step, 0), "kept_title": theirs.title}
    if step is Step.BASICS:
        page["preview"] = description_html(draft.text("description"))
        page["slug_note"] = _slug_note(request, draft.id, draft.text("slug").strip()) if stored and not form.errors else ""
    if step is Step.WHEN:
        page["zones"] = zone_names()
    if step is Step.HOSTS:
        page |= wizard_hosts.choices(request, draft, people)
    return render(request, f"events/wizard_{step.value}.html", page, status=status)


@require_safe
@permission_required("crm.edit_events")
def slug(request: CrmRequest) -> HttpResponse:
    """The field of the slug, with whether it is free; suggested from the title until somebody writes one. For htmx alone."""
    if not request.htmx:
        return redirect("events:new")
    typed = {name: request.GET.get(name, "").strip() for name in ("title", "slug", "suggested", "draft")}
    suggested = typed["suggested"]
    if request.htmx.target == "slug-field" and typed["slug"] in ("", suggested):
        suggested = typed["slug"] = event_drafts.free_slug(request.store, typed["title"], typed["draft"])
    form = BasicsForm({"slug": typed["slug"]})
    note = _slug_note(request, typed["draft"], typed["slug"])
    context = {"form": form, "suggested": suggested, "slug_note": note, "draft": {"id": typed["draft"]}}
    part = "slug-note" if request.htmx.target == "slug-note" else "slug-field"
    return render_part(request, "events/wizard_basics.html", context, part=part)


@require_POST
@permission_required("crm.edit_events")
def preview(request: CrmRequest) -> HttpResponse:
    """The description as a page will show it. For htmx alone."""
    if not request.htmx:
        return redirect("events:new")
    page = {"preview": description_html(request.POST.get("description", "")[:60_000])}
    return render_part(request, "events/wizard_basics.html", page, part="description-preview")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_events")
def discard(request: CrmRequest, event_id: str) -> HttpResponse:
    """Ask once, then remove a draft for good."""
    found = request.store.drafts.get(event_id)
    if request.method != "POST":
        return render(request, "events/wizard_discard.html", {"draft": found, "step": found.next_step})
    event_drafts.discard(request.store, event_id, actor=request.user.get_username(), now=timezone.now())
    tell(request, "Draft discarded", f"“{found.title}” is gone.")
    return redirect(f"{reverse('events:list')}?when=drafts")


def _not_kept(
    request: CrmRequest, event_id: str, step: Step, typed: Mapping[str, str], hosts: list[str] | None, error: CrmError
) -> HttpResponse:
    """What was typed, over a draft that is another one by now, or gone: the same button pressed again replaces that."""
    now = timezone.now()
    stored = request.store.drafts.find(event_id)
    base = stored or EventDraft(id=event_id, fields=EMPTY, created_at=now, updated_at=now)
    mine = EventDraft(
        id=event_id,
        fields={**base.fields, **typed},
        host_ids=base.host_ids if hosts is None else tuple(hosts),
        saved=base.saved,
        created_by=base.created_by,
        created_at=base.created_at,
        updated_at=base.updated_at,
        version=base.version,
    )
    if isinstance(error, RuleViolation):
        kept = {"kept_title": base.title}
        return show(request, mine, step, stored=stored is not None, problem=error.message, context=kept, status=422)
    problem = "This draft was discarded meanwhile. What you typed stands below; save it again, and it is a new draft."
    if stored is not None:
        by = stored.saved_by.get(step, "")
        who = staff_names({by}).get(by, by) or "somebody"
        problem = f"This step was saved by {who} since you opened it. What you typed stands below; save again to replace that."
    return show(request, mine, step, stored=stored is not None, problem=problem, theirs=stored, status=409)


def _differing(mine: EventDraft, theirs: EventDraft, step: Step, form: DraftForm) -> list[tuple[str, str]]:
    """Label and stored text of the fields in which what is stored is something else."""
    return [
        (str(form.fields[name].label), theirs.text(name))
        for name in FIELDS[step]
        if name in form.fields and mine.text(name) != theirs.text(name) and not name.startswith("find")
    ]


def _slug_note(request: CrmRequest, draft_id: str, text: str) -> str:
    """Whether the slug is free, in a sentence; empty without one."""
    if not text:
        return ""
    holder = request.store.drafts.slug_owners([text]).get(text)
    if holder is None or holder == draft_id:
        return "It is free."
    return "It is taken by another event."


def _filter_given(request: CrmRequest) -> PeopleFilter | None:
    """The people filter that came along in the query string or the form; None where there is none."""
    sent = request.POST if request.method == "POST" else request.GET
    given = {name: sent.getlist(name) for name in (*NAMES, SEGMENT) if any(sent.getlist(name))}
    wanted = parse_filter(expanded(request.store, given, viewer=request.user.get_username()))
    return None if wanted.is_empty else wanted
