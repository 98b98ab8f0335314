"""Inviting somebody: the form, one invitation with its link, sending it again, withdrawing it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import accounts, invitations
from crm.domain.errors import DeliveryFailed, RuleViolation
from crm.models import Invitation
from crm.services import mail_settings
from crm.web.http import CrmRequest, password_again, permission_required, tell
from crm.web.settings.inviting import mail_invitation
from crm.web.settings.staff_forms import InviteForm
from crm.web.staff_names import name_of, staff_names
from crm.wiring import send_settings


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.manage_staff")
def invite(request: CrmRequest) -> HttpResponse:
    """Open an invitation and mail its link; one that makes an administrator asks for the password once more."""
    form = InviteForm(request.POST if request.method == "POST" else None, initial={"role": "Viewer"})
    if not form.is_valid():
        return render(request, "settings/invite.html", {"form": form, "tab": "staff"}, status=422 if form.is_bound else 200)
    begin = password_again(_begin) if form.cleaned_data["role"] == accounts.MANAGES else _begin
    return begin(request, form)


def _begin(request: CrmRequest, form: InviteForm) -> HttpResponse:
    typed, now = form.cleaned_data, timezone.now()
    try:
        invitation = invitations.invite(request.store, typed["address"], typed["role"], actor=request.user, now=now)
    except RuleViolation as error:
        form.add_crm_error(error)
        return render(request, "settings/invite.html", {"form": form, "tab": "staff"}, status=422)
    return _mailed(request, invitation)


@require_safe
@permission_required("crm.manage_staff")
@never_cache
def page(request: CrmRequest, invitation_id: int) -> HttpResponse:
    """One invitation, with its link: where no mail goes, it is handed over by hand. One of an administrator is shown to who gives
    the password once more.
    """
    invitation = invitations.open_invitation(invitation_id)
    show = password_again(_shown, to_look=True) if invitation.role == accounts.MANAGES else _shown
    return show(request, invitation)


def _shown(request: CrmRequest, invitation: Invitation) -> HttpResponse:
    names = staff_names({invitation.invited_by})
    context = {
        "invitation": invitation,
        "inviter": names.get(invitation.invited_by, invitation.invited_by),
        "holds": invitation.holds(timezone.now()),
        "url": invitations.url_of(invitation),
        "tab": "staff",
    }
    return render(request, "settings/invitation.html", context)


@require_POST
@permission_required("crm.manage_staff")
def send(request: CrmRequest, invitation_id: int) -> HttpResponse:
    """Let it hold for a week from now, and mail the link once more; one of an administrator asks for the password."""
    makes_one = invitations.open_invitation(invitation_id).role == accounts.MANAGES
    again = password_again(_again) if makes_one else _again
    return again(request, invitation_id)


def _again(request: CrmRequest, invitation_id: int) -> HttpResponse:
    invitation = invitations.invite_again(request.store, invitation_id, actor=request.user, now=timezone.now())
    return _mailed(request, invitation)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.manage_staff")
def withdraw(request: CrmRequest, invitation_id: int) -> HttpResponse:
    """Ask once, then make the link worthless."""
    if request.method != "POST":
        return render(request, "settings/withdraw.html", {"invitation": invitations.open_invitation(invitation_id)})
    gone = invitations.withdraw(request.store, invitation_id, actor=request.user, now=timezone.now())
    tell(request, "The invitation is withdrawn", f"The link that {gone.address} got opens nothing any more.")
    return redirect("settings:staff")


def _mailed(request: CrmRequest, invitation: Invitation) -> HttpResponse:
    """Mail the link and say what became of it; the invitation stays open either way."""
    letterhead = mail_settings.letterhead(request.store, send_settings().letterhead)
    try:
        mail_invitation(invitation, organisation=letterhead.organisation, inviter=name_of(request.user), now=timezone.now())
    except DeliveryFailed as error:
        note = f"{error.message} The invitation is open: hand over the link below, or send it again later."
        tell(request, f"The link was not sent to {invitation.address}", note, level=messages.ERROR)
        return redirect("settings:invitation", invitation.pk)
    tell(request, f"A link is on its way to {invitation.address}", "It works once, for a week.")
    return redirect("settings:staff")
