"""The pages of passwords and second factors: allauth's, with an entry in the audit log before what they change."""

from datetime import UTC, datetime
from typing import Any, cast

from allauth.account import views as account
from allauth.core.internal import ratelimit
from allauth.mfa.base import views as base
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.mfa.webauthn.internal.auth import begin_registration
from django.contrib.auth.models import User
from django.contrib.messages import ERROR
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from crm import second_factor
from crm.services.audit import note
from crm.staff import subject
from crm.web.http import CrmRequest, tell
from crm.web.presence import PASSING
from crm.web.waiting import resume


class Noted:
    """Writes to the audit log what a form is about to do; where the log can't be written, nothing is done."""

    request: CrmRequest
    action = ""
    kind = ""

    def form_valid(self, form: Any) -> HttpResponse:
        """Note it, then do it."""
        facts = {"kind": self.kind} if self.kind else {}
        actor = self.request.user.get_username()
        note(self.request.store, self.action, subject(self.owner()), actor=actor, now=datetime.now(UTC), **facts)
        return super().form_valid(form)  # type: ignore[misc, no-any-return]  # of the view beside it

    def owner(self) -> User:
        """Whose account it is about."""
        return self.request.user


class AddApp(Noted, totp.ActivateTOTPView):  # type: ignore[misc]  # allauth has no types
    """Set up an app that shows codes."""

    action, kind = "staff.second_factor_added", "app"

    def form_valid(self, form: Any) -> HttpResponse:
        """Set it up; sent twice at once, it is set up once."""
        try:
            return super().form_valid(form)
        except IntegrityError:
            return redirect("mfa_index")


class RemoveApp(Noted, totp.DeactivateTOTPView):  # type: ignore[misc]
    """Ask for its codes no more."""

    action, kind = "staff.second_factor_removed", "app"


class NewCodes(Noted, recovery_codes.GenerateRecoveryCodesView):  # type: ignore[misc]
    """New codes on paper; the old ones open nothing any more."""

    action, kind = "staff.second_factor_added", "codes"


class AddPasskey(Noted, webauthn.AddWebAuthnView):  # type: ignore[misc]
    """Make a passkey that can stand alone: kept on the device, and used with its finger, face or PIN."""

    action, kind = "staff.second_factor_added", "passkey"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """allauth's, with what the browser is asked for."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["js_data"] = {"creation_options": begin_registration(self.request.user, True)}
        return context


class RemovePasskey(Noted, webauthn.RemoveWebAuthnView):  # type: ignore[misc]
    """Forget a passkey."""

    action, kind = "staff.second_factor_removed", "passkey"


class SignInByPasskey(webauthn.LoginWebAuthnView):  # type: ignore[misc]
    """A passkey instead of name and password; to ask for one counts as a try, as each keeps a session, for minutes."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What the browser is asked for."""
        limited = ratelimit.consume_or_429(request, app="allauth.mfa", action="webauthn_login", limit_get=True)
        if not limited and request.session.is_empty():
            request.session.set_expiry(PASSING)
        return cast(HttpResponse, limited or super().get(request, *args, **kwargs))


class Resuming:
    """Does what waited, once it was said who it is."""

    request: CrmRequest

    def form_valid(self, form: Any) -> HttpResponseBase:
        """Remember it, and go on."""
        answer: HttpResponse = super().form_valid(form)  # type: ignore[misc]  # of the view beside it
        return resume(self.request) or answer


class PasswordAgain(Resuming, account.ReauthenticateView):  # type: ignore[misc]
    """Ask for the password before something that matters."""


class CodeAgain(Resuming, base.ReauthenticateView):  # type: ignore[misc]
    """Ask for a code before something that matters."""


class PasskeyAgain(Resuming, webauthn.ReauthenticateWebAuthnView):  # type: ignore[misc]
    """Ask for a passkey before something that matters."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """Say it on the same page, from which one can try again or go another way."""
        tell(self.request, "That did not work", " ".join(form.errors.get("credential", [])), level=ERROR)
        return redirect(self.passthrough_next_url(self.request.path))


class ChangePassword(Noted, account.PasswordChangeView):  # type: ignore[misc]
    """Another password; all other sessions of the account end by it."""

    action = "staff.password_changed"


class SetPassword(Noted, account.PasswordSetView):  # type: ignore[misc]
    """A password where the account has none."""

    action = "staff.password_changed"


class ResetPassword(Noted, account.PasswordResetFromKeyView):  # type: ignore[misc]
    """Another password for who has the link of a letter; who that is nobody knows, so it is noted as somebody's."""

    action = "staff.password_reset"

    def owner(self) -> User:
        """Whose link it is."""
        return cast(User, self.reset_user)


class Overview(base.IndexView):  # type: ignore[misc]
    """What one has beside the password."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """allauth's, and whether one could do without."""
        user = self.request.user
        must = second_factor.must_have(user, second_factor.asked_of())
        left = second_factor.codes_left(user)
        return {**super().get_context_data(**kwargs), "tab": "account", "must": must, "left": left}


@require_safe
def needed(request: CrmRequest) -> HttpResponse:
    """For somebody of whom a second factor is asked and who has none: the ways to one, and the way out."""
    if not second_factor.is_missing(request.user):
        return redirect("mfa_index")
    return render(request, "mfa/needed.html")
