"""Templates: the list, one with its form and how it looks, making, changing and deleting one."""

from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from crm.domain.campaigns import Letter
from crm.domain.errors import Conflict, RuleViolation
from crm.domain.filters import NAMES
from crm.domain.links import TEST_LINK
from crm.domain.people import Person, Profile
from crm.domain.starters import STARTERS
from crm.domain.templates import MAX_NAME, Template
from crm.jobs.render import check_template, merge_fields
from crm.jobs.render import render as rendered_for
from crm.services import templates
from crm.services.segments import SEGMENT
from crm.web.campaigns.preview import FRAME_POLICY, content_of
from crm.web.campaigns.templates_forms import TemplateForm
from crm.web.http import CrmRequest, content_policy, permission_required, tell
from crm.web.staff_names import staff_names
from crm.wiring import get_links

KINDS = {"html": "text/html", "text": "text/plain"}
ADA = Profile(first_name="Ada", last_name="Example", email="ada@example.org", company="Example", city="Exampleville")


@require_safe
@permission_required("crm.view_campaigns")
def template_list(request: CrmRequest) -> HttpResponse:
    """All of them, by name; while there is none, what comes with the program. A filter of the address goes on to the letter."""
    own = request.store.templates.all()
    names = staff_names({template.created_by for template in own})
    asked = [(name, value) for name in (*NAMES, SEGMENT) for value in request.GET.getlist(name) if value]
    context = {
        "rows": [(template, names.get(template.created_by, template.created_by)) for template in own or STARTERS],
        "own": bool(own),
        "filter_query": f"&{urlencode(asked)}" if asked else "",
    }
    return render(request, "campaigns/templates/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_campaigns")
def template_new(request: CrmRequest) -> HttpResponse:
    """An empty one, a copy (`from`), or the texts of a letter (`campaign`); the form sent twice makes one."""
    if request.method != "POST":
        return _shown(request, _begun(request), None)
    form = TemplateForm(request.POST)
    if form.is_valid():
        wanted = form.template(form.cleaned_data["templateId"])
        try:
            made = templates.save(request.store, wanted, actor=request.user.get_username(), now=datetime.now(UTC))
        except (Conflict, RuleViolation) as error:
            form.add_crm_error(error)
        else:
            tell(request, f"“{made.name}” is saved", "Letters can start from it now.")
            return redirect("campaigns:template", made.id)
    return _shown(request, form, None, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.view_campaigns")
def template(request: CrmRequest, template_id: str) -> HttpResponse:
    """One template: its form, and how it looks as it is stored."""
    if request.method == "POST":
        return _edited(request, template_id)
    stored = templates.opened(request.store, template_id)
    return _shown(request, TemplateForm.of(stored), stored)


@permission_required("crm.edit_campaigns")
def _edited(request: CrmRequest, template_id: str) -> HttpResponse:
    stored = templates.opened(request.store, template_id)
    if stored.is_starter:
        raise Http404
    form, status = TemplateForm(request.POST), 422
    if form.is_valid():
        try:
            wanted = form.template(stored.id)
            saved = templates.edit(request.store, wanted, actor=request.user.get_username(), now=datetime.now(UTC))
        except RuleViolation as error:
            form.add_crm_error(error)
        except Conflict as error:
            form, status = _over_another(form, stored, error), 409
        else:
            tell(request, f"“{saved.name}” is saved", "Letters that started from it before keep their text.")
            return redirect("campaigns:template", saved.id)
    return _shown(request, form, stored, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_campaigns")
def template_delete(request: CrmRequest, template_id: str) -> HttpResponse:
    """Ask once, then delete it."""
    stored = request.store.templates.get(template_id)
    if request.method != "POST":
        return render(request, "campaigns/templates/delete.html", {"template": stored})
    templates.delete(request.store, template_id, actor=request.user.get_username(), now=datetime.now(UTC))
    tell(request, f"“{stored.name}” is deleted", "Letters that started from it keep their text.")
    return redirect("campaigns:templates")


@require_safe
@permission_required("crm.view_campaigns")
@content_policy(FRAME_POLICY, framed=True)
def template_frame(request: CrmRequest, template_id: str, kind: str) -> HttpResponse:
    """How it looks as a letter to somebody made up, for the frame: as html or as text, and nothing of ours around it."""
    stored = templates.opened(request.store, template_id)
    if kind not in KINDS:
        raise Http404
    made_up = Person(id="example", profile=ADA, created_at=datetime.now(UTC), updated_at=datetime.now(UTC))
    content = content_of(request.store, stored.put_into(Letter()))
    letter = rendered_for(content, merge_fields(made_up), unsubscribe_url=get_links().unsubscribe_url(*TEST_LINK))
    return HttpResponse(getattr(letter, kind), content_type=f"{KINDS[kind]}; charset=utf-8")


def _begun(request: CrmRequest) -> TemplateForm:
    """The form of a new template, as the address says what it begins with."""
    if campaign_id := request.GET.get("campaign"):
        letter = request.store.campaigns.get(campaign_id)
        texts = {"subject": letter.subject, "preheader": letter.preheader, "body": letter.body}
        return TemplateForm(initial={"name": letter.subject[:MAX_NAME], **texts})
    if template_id := request.GET.get("from"):
        first = templates.opened(request.store, template_id)
        name = first.name if first.is_starter else f"{first.name[: MAX_NAME - 7]} (copy)"
        return TemplateForm.of(first, name=name, version=None)
    return TemplateForm()


def _shown(request: CrmRequest, form: TemplateForm, stored: Template | None, *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "template": stored}
    if stored is not None:
        context["problems"] = check_template(stored.subject, stored.body, stored.preheader)
        context["kind"] = "text" if request.GET.get("as") == "text" else "html"
    return render(request, "campaigns/templates/one.html", context, status=status)


def _over_another(form: TemplateForm, stored: Template, error: Conflict) -> TemplateForm:
    """The form as typed, with what went wrong; where somebody was quicker, saving it again replaces theirs."""
    if error.field is None:
        form = form.over(stored.version)
        error = Conflict(f"Meanwhile somebody changed “{stored.name}”. What you typed stands below; save again to replace that.")
    form.add_crm_error(error)
    return form
