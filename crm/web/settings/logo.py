"""The logo at the head of letters: chosen, replaced, taken off."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from crm.domain.errors import RuleViolation
from crm.domain.logo import FIELD, MAX_BYTES
from crm.services import mail_settings
from crm.services.files import Readable
from crm.web.http import CrmRequest, permission_required, tell
from crm.web.settings.forms import LogoForm
from crm.web.settings.mail import shown
from crm.wiring import get_files


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.manage_mail")
def choose(request: CrmRequest) -> HttpResponse:
    """Take the file that was chosen; by itself this address leads back to the settings."""
    if request.method != "POST":
        return redirect("settings:mail")
    form = LogoForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            data = _read(form.cleaned_data[FIELD])
            actor, now = request.user.get_username(), timezone.now()
            mail_settings.set_logo(request.store, get_files(), data, actor=actor, now=now)
        except RuleViolation as error:
            form.add_crm_error(error)
    if form.errors:
        return shown(request, logo_form=form, status=422)
    tell(request, "The logo is changed", "Letters that go out from now on have it at their head.")
    return redirect("settings:mail")


@require_POST
@permission_required("crm.manage_mail")
def remove(request: CrmRequest) -> HttpResponse:
    """Take the logo off; what went out keeps it, and the file can be chosen again."""
    mail_settings.remove_logo(request.store, actor=request.user.get_username(), now=timezone.now())
    tell(request, "The logo is removed", "Letters that go out from now on have the organisation’s name at their head.")
    return redirect("settings:mail")


def _read(file: Readable) -> bytes:
    """The bytes of a file, one more than there may be at the most."""
    return file.read(MAX_BYTES + 1)
