"""Writing a campaign: its audience, its letter, drafts that keep themselves, a preview, and tests."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from crm.domain.campaigns import Campaign, Letter, Utm
from crm.domain.errors import RuleViolation
from crm.domain.filters import NAMES, PeopleFilter, parse_filter
from crm.jobs.render import FIELDS
from crm.services import templates
from crm.services.audit import note
from crm.services.mail_settings import check_sender, senders
from crm.services.segments import SEGMENT, check_seen, expanded
from crm.store.moment import one_reading
from crm.store.stats import one_moment
from crm.web.campaigns.audience import audience_context
from crm.web.campaigns.audience_edit import Choosing, asked, change, choosing_context, still
from crm.web.campaigns.drafts import Kept, keep, stored_draft
from crm.web.campaigns.forms import ComposeForm
from crm.web.campaigns.preview import Look, content_of, found_in, preview, reader
from crm.web.campaigns.proofs import LOOKED_AT, proofread
from crm.web.campaigns.trial import Trial, addresses, send_tests
from crm.web.forms import number_in
from crm.web.http import CrmRequest, permission_required, render_part, tell
from crm.web.staff_names import name_of

PARTS = ("preview", "found")
"""What htmx may ask for alone: the letter as somebody gets it, and who was found in the audience."""


@require_safe
@permission_required("crm.edit_campaigns")
def new(request: CrmRequest) -> HttpResponse:
    """A letter to the people of the filter or segment in the query string, empty or begun. Its id is made here: one draft."""
    given = {name: request.GET.getlist(name) for name in (*NAMES, SEGMENT)}
    wanted = parse_filter(expanded(request.store, given, viewer=request.user.get_username()))
    mail = request.store.mail_settings.get()
    letter = Letter(sender=settings.DEFAULT_FROM_EMAIL, utm=Utm(medium="email"), tracking=mail.tracking)
    if model := request.GET.get("copy"):
        letter = request.store.campaigns.get(model).letter
    elif template_id := request.GET.get("template"):
        letter = templates.opened(request.store, template_id).put_into(letter)
    form = ComposeForm.of(letter, senders=_senders(request))
    return compose(request, uuid.uuid4().hex, form, _rested(wanted, mail.quiet_days))


def _rested(wanted: PeopleFilter, days: int | None) -> PeopleFilter:
    """The audience without whom was mailed within so many days, unless it says itself who was mailed."""
    groups = (*wanted.within, *wanted.without)
    asks = wanted.mailed or wanted.mailed_not or any(one.startswith(("days:", "mailed:")) for one in groups)
    return wanted if not days or asks else replace(wanted, without=(*wanted.without, f"days:{days}"))


def edit(request: CrmRequest, draft: Campaign) -> HttpResponse:
    """A stored draft, to be gone on with."""
    form = ComposeForm.of(draft.letter, senders=_senders(request), version=draft.version)
    return compose(request, draft.id, form, draft.audience_filter, kept=Kept(draft=draft))


@one_moment()
@one_reading()
def compose(
    request: CrmRequest,
    campaign_id: str,
    form: ComposeForm,
    wanted: PeopleFilter,
    *,
    kept: Kept | None = None,
    choosing: Choosing | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page with a letter as typed or stored; htmx asks for PARTS of it.

    `kept` says what became of saving. A part brings that, and what to look at, along where something was saved; the page of a
    new letter then gets the address under which it was.
    """
    store, look = request.store, Look.of_request(request)
    part = request.htmx.target if request.htmx.target in PARTS else ""
    context: dict[str, Any] = {"campaign_id": campaign_id, "form": form, "look": look, "of": look.of}
    context["found"] = found_in(store, wanted, look.find)
    if part == "found":
        return render_part(request, "campaigns/compose.html", context, part=part)
    content = content_of(store, form.letter)
    looked_over = bool(kept) or not part
    shown = preview(store, content, wanted, look.place, refused=form.refused, many=LOOKED_AT if looked_over else 1)
    context |= {"shown": shown, "sender": form.letter.sender or settings.DEFAULT_FROM_EMAIL}
    if looked_over:
        context["proof"] = proofread(store, form.letter, wanted, shown, content, senders=form.senders)
    if not part:
        context |= _whole(request, wanted, choosing or still(request))
        kept = kept or Kept(draft=stored_draft(request, campaign_id))
    context |= {"kept": kept, "alongside": bool(part and kept)}
    response = render_part(request, "campaigns/compose.html", context, part=part or "preview", status=status)
    if request.htmx and kept and kept.now:
        response.headers["HX-Trigger"] = "kept"
        response.headers["HX-Replace-Url"] = reverse("campaigns:one", args=[campaign_id])
    return response


def _whole(request: CrmRequest, wanted: PeopleFilter, choosing: Choosing) -> dict[str, Any]:
    """What only the whole page shows: who gets it, and what one may write."""
    audience = audience_context(request.store, wanted, viewer=request.user.get_username())
    return {
        **audience,
        **choosing_context(request, wanted, audience["names"], choosing),
        "of": audience["audience"].will_receive,
        "fields": [f"{{{{ {name} }}}}" for name in FIELDS],
    }


def write(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """Take what was typed: show it, keep it, test it, or go on to sending, as the button said."""
    form = ComposeForm(request.POST, senders=_senders(request))
    wanted = _sent_filter(request, campaign_id)
    over = number_in(request.POST.get("over", ""))
    todo = request.POST.get("do") or ("save" if over >= 0 else "preview")
    if todo == "autosave":
        return _autosaved(request, campaign_id, form, wanted)
    if asked(request):
        return _chosen(request, campaign_id, form, wanted)
    if not form.is_valid():
        return compose(request, campaign_id, form, wanted, status=200 if todo == "preview" else 422)
    if todo == "preview":
        return compose(request, campaign_id, form, wanted)
    kept = keep(request, campaign_id, form, wanted, over=over if over >= 0 else None)
    if kept.trouble:
        wrong = 422 if form.errors else 409
        return compose(request, campaign_id, form, wanted, kept=kept, status=200 if request.htmx else wrong)
    if todo == "send":
        return redirect("campaigns:send", campaign_id)
    if todo == "test":
        return _tested(request, campaign_id, form, wanted, kept)
    tell(request, "Draft saved")
    return _to_letter(request, campaign_id)


def _sent_filter(request: CrmRequest, campaign_id: str) -> PeopleFilter:
    """The audience as the form has it, with no segment of somebody else's but those that the draft names."""
    wanted = parse_filter({name: request.POST.getlist(name) for name in NAMES})
    if wanted.segment_ids:
        draft = stored_draft(request, campaign_id)
        known = draft.audience_filter if draft else None
        check_seen(request.store, wanted, viewer=request.user.get_username(), known=known)
    return wanted


def _autosaved(request: CrmRequest, campaign_id: str, form: ComposeForm, wanted: PeopleFilter) -> HttpResponse:
    """The preview after a pause in typing, with what became of saving beside it. A page of a new letter gets its address."""
    if form.is_valid():
        kept = keep(request, campaign_id, form, wanted)
    else:
        kept = Kept(draft=stored_draft(request, campaign_id), trouble=form.refused[0].message if form.refused else "")
    return compose(request, campaign_id, form, wanted, kept=kept)


def _chosen(request: CrmRequest, campaign_id: str, form: ComposeForm, wanted: PeopleFilter) -> HttpResponse:
    """Another audience, as a button of its choice says; kept with the letter where there is one."""
    stored = stored_draft(request, campaign_id)
    new, choosing = change(request, wanted)
    kept = None
    if new != wanted and form.is_valid() and (stored or form.letter.body or form.letter.subject):
        kept = keep(request, campaign_id, form, new)
    return compose(request, campaign_id, form, new, kept=kept or Kept(draft=stored), choosing=choosing)


def _tested(request: CrmRequest, campaign_id: str, form: ComposeForm, wanted: PeopleFilter, kept: Kept) -> HttpResponse:
    """Send the tests, say what became of each, and stay where one was."""
    letter, user = form.letter, request.user
    try:
        to = addresses(form.cleaned_data["testTo"], own=user.email, others=user.has_perm("crm.send_campaigns"))
        check_sender(request.store, settings.DEFAULT_FROM_EMAIL, letter.sender)
        person = reader(request.store, wanted, Look.of_request(request).place).person
        if person is None:
            raise RuleViolation("Nobody of this audience can be mailed, so there is nobody to show it as.")
        trials = send_tests(
            content_of(request.store, letter),
            person,
            to,
            campaign_id=campaign_id,
            sender=letter.sender,
            reply_to=letter.reply_to,
            names={user.email: name_of(user)},
        )
        sent = sum(not trial.trouble for trial in trials)
        note(request.store, "campaign.tested", campaign_id, actor=user.get_username(), now=datetime.now(UTC), sent=sent)
    except RuleViolation as error:
        if "testTo" in {one.field for one in error.errors}:
            form.add_crm_error(error)
        tell(request, "No test was sent", error.message, level=messages.ERROR)
        return compose(request, campaign_id, form, wanted, kept=kept, status=200 if request.htmx else 422)
    _tell(request, trials, person.name)
    return compose(request, campaign_id, form, wanted, kept=kept) if request.htmx else _to_letter(request, campaign_id)


def _tell(request: CrmRequest, trials: list[Trial], name: str) -> None:
    if gone := [trial.to for trial in trials if not trial.trouble]:
        tell(request, f"Test sent to {', '.join(gone)}", f"As {name} gets it.")
    for trial in trials:
        if trial.trouble:
            tell(request, f"The test to {trial.to} was not sent", trial.trouble, level=messages.ERROR)


def _to_letter(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """Back to the letter, with the preview as it was."""
    address = reverse("campaigns:one", args=[campaign_id])
    return HttpResponseRedirect(f"{address}{Look.of_request(request).query}#letter")


def _senders(request: CrmRequest) -> list[str]:
    return senders(request.store, settings.DEFAULT_FROM_EMAIL)
