"""Writing a campaign: its audience, its letter, a preview, a test to oneself, and the last look before it is sent."""

import logging
import uuid
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from crm.domain.campaigns import Audience, Campaign, CampaignStatus, Letter
from crm.domain.errors import Conflict, CrmError, DeliveryFailed, NotFound, RuleViolation
from crm.domain.filters import NAMES, PeopleFilter, filter_values, parse_filter
from crm.jobs.render import FIELDS, check_template
from crm.services import campaigns
from crm.services.exclusions import gone
from crm.services.segments import SEGMENT, expanded
from crm.web.campaigns.audience import chips, people_query, terms
from crm.web.campaigns.forms import ComposeForm, SendForm
from crm.web.campaigns.preview import content_of, preview, reader
from crm.web.campaigns.trial import send_test
from crm.web.durations import in_words
from crm.web.http import CrmRequest, permission_required, render_part, tell

logger = logging.getLogger(__name__)


@require_safe
@permission_required("crm.edit_campaigns")
def new(request: CrmRequest) -> HttpResponse:
    """A letter to the people of the filter or segment in the query string, empty or a copy. Its id is made here: one draft."""
    given = {name: request.GET.getlist(name) for name in (*NAMES, SEGMENT)}
    wanted = parse_filter(expanded(request.store, given, viewer=request.user.get_username()))
    model = request.GET.get("copy")
    form = ComposeForm.of(request.store.campaigns.get(model), copy=True) if model else ComposeForm(initial={"utmMedium": "email"})
    return compose(request, uuid.uuid4().hex, form, wanted)


def compose(
    request: CrmRequest,
    campaign_id: str,
    form: ComposeForm,
    wanted: PeopleFilter,
    *,
    draft: Campaign | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page with a letter as typed or stored; htmx asks for the preview alone."""
    store = request.store
    content = content_of(request.store, Letter(subject=form.typed["subject"], body=form.typed["body"], utm=form.utm))
    shown = preview(store, content, wanted, request.POST.get("go", ""), refused=form.refused)
    context: dict[str, Any] = {
        "campaign_id": campaign_id,
        "draft": draft,
        "form": form,
        "shown": shown,
        "kind": "text" if (request.POST.get("show") or request.POST.get("as")) == "text" else "html",
        "fields": [f"{{{{ {name} }}}}" for name in FIELDS],
        "sender": settings.DEFAULT_FROM_EMAIL,
        "of": int(of) if (of := request.POST.get("of", "")).isascii() and of.isdigit() and len(of) < 10 else 0,
    }
    if request.htmx.target != "preview":
        audience = campaigns.estimate(store, wanted)
        context |= {
            "of": audience.will_receive,
            "audience": audience,
            "terms": terms(wanted, audience),
            "chips": chips(store, wanted),
            "missing": bool(gone(store, wanted)),
            "people_query": people_query(wanted),
            "filter_values": filter_values(wanted),
        }
    return render_part(request, "campaigns/compose.html", context, part="preview", status=status)


def write(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """Take what was typed: show it, keep it, test it, or go on to sending, as the button said."""
    form = ComposeForm(request.POST)
    wanted = parse_filter({name: request.POST.getlist(name) for name in NAMES})
    todo = request.POST.get("do", "preview")
    if not form.is_valid():
        return compose(request, campaign_id, form, wanted, status=200 if todo == "preview" else 422)
    if todo == "preview":
        return compose(request, campaign_id, form, wanted, draft=_stored(request, campaign_id))
    try:
        draft = _saved(request, campaign_id, form, wanted)
    except RuleViolation as error:
        form.add_crm_error(error)
        return compose(request, campaign_id, form, wanted, draft=_stored(request, campaign_id), status=422)
    except Conflict as error:
        return _changed_meanwhile(request, campaign_id, form, wanted, error)
    if todo == "send":
        return redirect("campaigns:send", draft.id)
    if todo == "test":
        _tested(request, draft)
    else:
        tell(request, "Draft saved")
    return HttpResponseRedirect(f"{reverse('campaigns:one', args=[draft.id])}#letter")


def _changed_meanwhile(
    request: CrmRequest, campaign_id: str, form: ComposeForm, wanted: PeopleFilter, error: Conflict
) -> HttpResponse:
    """What was typed, over a draft that is another one by now: the same button pressed again replaces that."""
    stored = _stored(request, campaign_id)
    if stored is not None and stored.status is CampaignStatus.DRAFT:
        form.replaces(stored.version)
        error = Conflict("This letter was saved since you opened it. What you typed stands below; save again to replace that.")
    form.add_crm_error(error)
    return compose(request, campaign_id, form, wanted, draft=stored, status=409)


def _place(request: CrmRequest) -> str:
    """Where in the audience the preview stands: where a button leads, else where it was."""
    return request.POST.get("go") or request.POST.get("at", "")


def _stored(request: CrmRequest, campaign_id: str) -> Campaign | None:
    try:
        return request.store.campaigns.get(campaign_id)
    except NotFound:
        return None


def _saved(request: CrmRequest, campaign_id: str, form: ComposeForm, wanted: PeopleFilter) -> Campaign:
    """Keep the draft. The same form sent twice finds its own work, which is no conflict."""
    typed = form.cleaned_data
    if not _is_id(campaign_id):
        raise Http404
    content = {"subject": typed["subject"].strip(), "body": typed["body"].replace("\r\n", "\n").strip(), "utm": form.utm}

    def own_work(stored: Campaign | None) -> bool:
        same = stored and all(getattr(stored, name) == value for name, value in content.items())
        return bool(stored and same and stored.status is CampaignStatus.DRAFT and stored.audience_filter == wanted)

    stored = _stored(request, campaign_id) if typed["version"] is None else None
    if stored is not None:
        if own_work(stored):
            return stored
        raise Conflict("This letter was saved before.")
    try:
        return campaigns.save_draft(
            request.store,
            campaign_id,
            Letter(**content, sender=settings.DEFAULT_FROM_EMAIL),
            wanted=wanted,
            actor=request.user.get_username(),
            now=datetime.now(UTC),
            version=typed["version"],
        )
    except Conflict:
        stored = _stored(request, campaign_id)
        if stored is not None and own_work(stored):
            return stored
        raise


def _is_id(text: str) -> bool:
    return len(text) == 32 and text.isascii() and text.isalnum()


def _tested(request: CrmRequest, draft: Campaign) -> None:
    """Send the test and say what became of it."""
    if not request.user.email:
        tell(request, "Not sent", "Your account has no e-mail address; an administrator can give it one.", level=messages.ERROR)
        return
    person = reader(request.store, draft.audience_filter, _place(request))[0]
    if person is None:
        tell(
            request, "Not sent", "Nobody of this audience can be mailed, so there is nobody to show it as.", level=messages.ERROR
        )
        return
    content = content_of(request.store, draft)
    name = request.user.get_full_name() or request.user.get_username()
    try:
        send_test(content, person, campaign_id=draft.id, to=request.user.email, to_name=name)
    except (DeliveryFailed, RuleViolation) as error:
        tell(request, "The test was not sent", error.message, level=messages.ERROR)
    else:
        tell(request, f"Test sent to {request.user.email}", f"As {person.name} gets it.")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.send_campaigns")
def send(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """The last look: how many, when, and what happens; then send, once, however often the button is pressed."""
    draft = request.store.campaigns.get(campaign_id)
    if draft.status is not CampaignStatus.DRAFT:
        return redirect("campaigns:one", campaign_id)
    audience = campaigns.estimate(request.store, draft.audience_filter)
    form = SendForm(request.POST or None, initial={"expected": audience.will_receive})
    problems = check_template(draft.subject, draft.body)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid() and not problems:
            promised = form.cleaned_data["expected"]
            if promised is not None and promised != audience.will_receive:
                form = _asking_again(form, promised, audience.will_receive)
            elif _sent(request, form, campaign_id):
                return redirect("campaigns:one", campaign_id)
    context = {"draft": draft, "form": form, "problems": problems, **_last_look(request, draft, audience)}
    return render(request, "campaigns/send.html", context, status=status)


def _last_look(request: CrmRequest, draft: Campaign, audience: Audience) -> dict[str, Any]:
    """To whom, how quickly, and how long it can be undone."""
    rate = settings.CRM_SEND_RATE
    return {
        "audience": audience,
        "terms": terms(draft.audience_filter, audience),
        "chips": chips(request.store, draft.audience_filter),
        "missing": bool(gone(request.store, draft.audience_filter)),
        "undo_seconds": round(settings.CRM_UNDO_SECONDS),
        "takes": in_words(audience.will_receive / rate) if rate else "",
        "rate": rate,
        "zone": settings.CRM_TIME_ZONE,
    }


def _asking_again(form: SendForm, promised: int, now: int) -> SendForm:
    again = SendForm({**{name: form.data.get(name, "") for name in form.fields}, "expected": str(now)})
    again.is_valid()
    again.add_error(None, f"Meanwhile it is {now:,} people, not {promised:,}. Look once more, then send.")
    return again


def _sent(request: CrmRequest, form: SendForm, campaign_id: str) -> bool:
    """Send it; what keeps it from being sent is put into the form. Somebody who was quicker has sent it: that is as good."""
    try:
        campaigns.send(
            request.store,
            campaign_id,
            now=datetime.now(UTC),
            undo_seconds=settings.CRM_UNDO_SECONDS,
            send_at=form.send_at,
            default_sender=settings.DEFAULT_FROM_EMAIL,
        )
    except CrmError as error:
        if isinstance(error, RuleViolation | Conflict):
            if request.store.campaigns.get(campaign_id).status is not CampaignStatus.DRAFT:
                return True
            form.add_crm_error(error)
            return False
        raise
    return True
