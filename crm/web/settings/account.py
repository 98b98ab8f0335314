"""One's own account: what one is called, where one's clock is, where one is signed in, and what one may do here."""

from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import capfirst
from django.views.decorators.http import require_http_methods, require_POST

from crm.accounts import one_at_a_time
from crm.services.audit import note, note_at_once
from crm.staff import PERMISSIONS, subject
from crm.web.browsers import browser_words
from crm.web.forms import number_in
from crm.web.http import CrmRequest, tell
from crm.web.presence import sessions_of
from crm.web.settings.profile_form import ProfileForm


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: CrmRequest) -> HttpResponse:
    """The account; the form changes name, address and zone. Another address asks for the password once more."""
    if request.method != "POST":
        return _shown(request, ProfileForm(user=request.user))
    form = ProfileForm(request.POST, user=request.user)
    if not form.is_valid():
        return _shown(request, form, status=422)
    save = _save_with_address if "email" in form.changed_data else _save
    return cast(HttpResponse, save(request, form))


def _save(request: CrmRequest, form: ProfileForm) -> HttpResponse:
    """Note what is changed, then change it; a former address is told. Who was first with an address has it."""
    user, former = request.user, request.user.email
    if form.changed_data:
        changed, actor = " ".join(sorted(form.changed_data)), user.get_username()
        with one_at_a_time(request.store):
            form.full_clean()
            if not form.is_valid():
                return _shown(request, form, status=422)
            note_at_once(request.store, "staff.profile_edited", subject(user), actor=actor, now=timezone.now(), changed=changed)
            form.keep()
        if "email" in form.changed_data and former:
            get_adapter().send_notification_mail("account/email/email_changed", user, email=former)
    tell(request, "Saved", "" if form.changed_data else "Nothing was changed.")
    return redirect("settings:home")


_save_with_address = reauthentication_required(_save, app="crm.profile")


@require_POST
def end_sessions(request: CrmRequest) -> HttpResponse:
    """Sign out one of one's other sessions, or all of them; this one stays."""
    user, wanted, now = request.user, request.POST.get("session", ""), timezone.now()
    others = UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key)
    ended = list(others if wanted == "others" else others.filter(pk=number_in(wanted)))
    if ended:
        note(request.store, "staff.sessions_ended", subject(user), actor=user.get_username(), now=now, sessions=len(ended))
    for session in ended:
        session.end()
    if ended:
        tell(request, "Signed out there", "Whoever used it needs your password to come back.")
    else:
        tell(request, "Nobody to sign out", "That session is over already.")
    return redirect("settings:home")


def _shown(request: CrmRequest, form: ProfileForm, *, status: int = 200) -> HttpResponse:
    rights = [(words, request.user.has_perm(f"crm.{codename}")) for codename, words in PERMISSIONS.items()]
    context = {
        "form": form,
        "rights": rights,
        "sessions": _sessions(request),
        "factors": _factors(request.user),
        "organisation_zone": settings.CRM_TIME_ZONE.replace("_", " "),
        "tab": "account",
    }
    return render(request, "settings/account.html", context, status=status)


def _sessions(request: CrmRequest) -> list[dict[str, Any]]:
    """Where one is signed in: this session first, then by when they were seen last."""
    here = request.session.session_key
    found = sorted(sessions_of(request.user), key=lambda one: one.session_key != here)
    return [
        {"session": one, "browser": capfirst(browser_words(one.user_agent)), "here": one.session_key == here} for one in found
    ]


def _factors(user: User) -> dict[str, Any]:
    """What stands beside the password, in a line: whether there is an app, and how many passkeys."""
    kinds = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    return {"app": Authenticator.Type.TOTP in kinds, "passkeys": kinds.count(Authenticator.Type.WEBAUTHN)}
