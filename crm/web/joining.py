"""Joining by the link of an invitation: open to whoever has it, once."""

from datetime import UTC, datetime
from typing import cast

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from crm import invitations
from crm.domain.errors import Conflict, RuleViolation
from crm.invitations import Newcomer
from crm.models import Invitation
from crm.web.forms import CrmForm
from crm.web.http import CrmRequest, error_answer, public


class JoinForm(CrmForm):
    """What somebody types who joins."""

    refused = "The account is not made yet"

    fullName = forms.CharField(
        label="Your name",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text="What others see here.",
    )
    username = forms.CharField(
        label="User name",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
        help_text="Letters, digits and . + - _; with it, or with your address, you sign in.",
    )
    password = forms.CharField(
        label="Password",
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters, and not one that many others have.",
    )
    again = forms.CharField(
        label="Password again", max_length=1000, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def clean_again(self) -> str:
        """The same as the first."""
        again: str = self.cleaned_data["again"]
        if self.cleaned_data.get("password") not in (None, again):
            raise forms.ValidationError("The two passwords differ.")
        return again


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password", "again")
@never_cache
@public
def join(request: HttpRequest, key: str) -> HttpResponse:
    """Who has the link chooses a name and a password, and is signed in with the account that is made of them."""
    invitation = Invitation.of_key(key)
    if invitation is None:
        return error_answer(request, 404, invitations.CLOSED, title="This link opens nothing any more")
    if not invitation.holds(datetime.now(UTC)):
        return error_answer(request, 404, invitations.OVER, title="This invitation is over")
    if request.user.is_authenticated:
        return _shown(request, invitation, None, status=409 if request.method == "POST" else 200)
    form = JoinForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _shown(request, invitation, form, status=422 if form.is_bound else 200)
    typed = form.cleaned_data
    newcomer = Newcomer(username=typed["username"], full_name=typed["fullName"], password=typed["password"])
    try:
        user = invitations.join(cast(CrmRequest, request).store, key, newcomer, now=datetime.now(UTC))
    except (RuleViolation, Conflict) as error:
        form.add_crm_error(error)
        return _shown(request, invitation, form, status=409 if isinstance(error, Conflict) else 422)
    signed_in = perform_password_login(request, {"username": user.username}, Login(user=user, email_verification="none"))
    return cast(HttpResponse, signed_in)


def _shown(request: HttpRequest, invitation: Invitation, form: JoinForm | None, *, status: int = 200) -> HttpResponse:
    """The page; without a form it says that somebody is signed in already."""
    return render(request, "account/join.html", {"invitation": invitation, "form": form}, status=status)
