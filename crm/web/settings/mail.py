"""What the organisation says of its mail: who it is, from whom letters come, who gets a copy of each."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from crm.domain.errors import BadToken, Conflict, DeliveryFailed, RuleViolation
from crm.domain.mail_settings import MailSettings, Sender
from crm.services import mail_settings
from crm.web.http import CrmRequest, error_answer, permission_required, tell
from crm.web.settings.confirming import mail_link
from crm.web.settings.forms import LogoForm, MailSettingsForm, SenderForm
from crm.web.staff_names import staff_names
from crm.wiring import get_links, send_settings


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.manage_mail")
def page(request: CrmRequest) -> HttpResponse:
    """The settings, their form, and the senders; whoever saves after somebody else sees both, and may save again."""
    if request.method != "POST":
        return shown(request)
    form = MailSettingsForm(request.POST)
    if not form.is_valid():
        return shown(request, form=form, status=422)
    try:
        mail_settings.edit(request.store, **form.given, actor=request.user.get_username(), now=timezone.now())
    except RuleViolation as error:
        form.add_crm_error(error)
        return shown(request, form=form, status=422)
    except Conflict:
        form = form.over(request.store.mail_settings.get().version)
        form.add_crm_error(
            Conflict("Meanwhile these settings were changed. What you typed stands below; save again to replace that.")
        )
        return shown(request, form=form, status=409)
    tell(request, "Mail settings saved", "They hold for every letter that goes out from now on.")
    return redirect("settings:mail")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.manage_mail")
def add(request: CrmRequest) -> HttpResponse:
    """Put an address into the list and mail it the link; by itself this address leads back to the settings."""
    if request.method != "POST":
        return redirect("settings:mail")
    form = SenderForm(request.POST)
    if not form.is_valid():
        return shown(request, sender_form=form, status=422)
    typed, now = form.cleaned_data, timezone.now()
    try:
        sender = mail_settings.add_sender(
            request.store, typed["name"], typed["address"], actor=request.user.get_username(), now=now
        )
    except RuleViolation as error:
        form.add_crm_error(error)
        return shown(request, sender_form=form, status=422)
    _asked(request, sender)
    return redirect("settings:mail")


@require_POST
@permission_required("crm.manage_mail")
def resend(request: CrmRequest, mark: str) -> HttpResponse:
    """Mail the link once more; the first one stays valid."""
    sender = request.store.mail_settings.get().sender(mark)
    if sender.verified_at:
        tell(request, f"{sender.address} is verified already")
    else:
        _asked(request, sender)
    return redirect("settings:mail")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.manage_mail")
def remove(request: CrmRequest, mark: str) -> HttpResponse:
    """Ask once, then take a sender off the list."""
    if request.method != "POST":
        return render(request, "settings/remove_sender.html", {"sender": request.store.mail_settings.get().sender(mark)})
    gone = mail_settings.remove_sender(request.store, mark, actor=request.user.get_username(), now=timezone.now())
    tell(request, f"{gone.address} is removed", "Letters that were accepted for sending keep it; drafts need another sender.")
    return redirect("settings:mail")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.view_campaigns")
@never_cache
def verify(request: CrmRequest, token: str) -> HttpResponse:
    """Behind the link: GET shows which sender it is about, POST confirms it. Whoever has the link reads the sender's mail."""
    now = timezone.now()
    try:
        mark = get_links().read_sender(token, now=now)
    except BadToken as error:
        return error_answer(request, 404, error.message)
    if request.method != "POST":
        return render(request, "settings/verify_sender.html", {"sender": request.store.mail_settings.get().sender(mark)})
    sender = mail_settings.verify_sender(request.store, mark, actor=request.user.get_username(), now=now)
    tell(request, f"{sender.address} is verified", "Letters can be from it now.")
    return redirect("settings:mail" if request.user.has_perm("crm.manage_mail") else "settings:home")


def shown(
    request: CrmRequest,
    *,
    form: MailSettingsForm | None = None,
    sender_form: SenderForm | None = None,
    logo_form: LogoForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page with one of its forms as it was sent."""
    stored = request.store.mail_settings.get()
    form = form or MailSettingsForm.of(stored)
    form.fields["organisation"].widget.attrs["placeholder"] = settings.CRM_ORGANISATION
    context: dict[str, Any] = {
        "form": form,
        "sender_form": sender_form or SenderForm(),
        "logo_form": logo_form or LogoForm(),
        "logo": stored.logo,
        "senders": _rows(stored),
        "default_sender": settings.DEFAULT_FROM_EMAIL,
        "letterhead": mail_settings.headed(stored, send_settings().letterhead),
        "tab": "mail",
    }
    return render(request, "settings/mail.html", context, status=status)


def _rows(stored: MailSettings) -> list[tuple[Sender, str]]:
    """Each sender, and what the one is called who added it."""
    names = staff_names({sender.added_by for sender in stored.senders})
    return [(sender, names.get(sender.added_by, sender.added_by)) for sender in stored.senders]


def _asked(request: CrmRequest, sender: Sender) -> None:
    """Mail the link and say what became of it; the sender stays in the list either way."""
    letterhead = mail_settings.letterhead(request.store, send_settings().letterhead)
    try:
        mail_link(sender, organisation=letterhead.organisation, now=timezone.now())
    except DeliveryFailed as error:
        note = f"{error.message} The address stays in the list; “Send the link again” tries once more."
        tell(request, f"The link was not sent to {sender.address}", note, level=messages.ERROR)
    else:
        tell(
            request, f"A link is on its way to {sender.address}", "Letters can be from it once the link was opened and confirmed."
        )
