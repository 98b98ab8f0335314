"""Of whom a second factor is asked: for those who manage staff."""

from django import forms
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from crm import second_factor
from crm.second_factor import Who
from crm.services.audit import note
from crm.web.forms import CrmForm
from crm.web.http import CrmRequest, password_again, permission_required, tell

WORDS = {
    Who.NOBODY: "Nobody: everyone decides for themselves",
    Who.ADMINISTRATORS: "Administrators",
    Who.EVERYBODY: "Everybody",
}
OWN_FIRST = "Set up your own second factor first: else you would be the first who can do nothing else."


class AskingForm(CrmForm):
    """Who must have one."""

    who = forms.ChoiceField(
        label="Must have one",
        choices=[(who.value, words) for who, words in WORDS.items()],
        widget=forms.RadioSelect,
        help_text="Whoever has none is led to set it up with their next page, and can do nothing else but sign out.",
        error_messages={"required": "Choose one of them.", "invalid_choice": "Choose one of them."},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.manage_staff")
def page(request: CrmRequest) -> HttpResponse:
    """The choice, and who has no second factor yet."""
    before = second_factor.asked_of()
    form = AskingForm(request.POST if request.method == "POST" else None, initial={"who": before.value})
    if form.is_bound and form.is_valid():
        wanted = Who(form.cleaned_data["who"])
        if wanted is Who.NOBODY or second_factor.has_one(request.user):
            return _ask(request, before, wanted)
        form.add_error("who", OWN_FIRST)
    holders = second_factor.holders()
    lacking = [user for user in User.objects.filter(is_active=True).order_by("username") if user.pk not in holders]
    context = {"form": form, "lacking": lacking, "own": request.user.pk in holders, "tab": "staff"}
    return render(request, "settings/asking.html", context, status=422 if form.errors else 200)


@password_again
def _ask(request: CrmRequest, before: Who, wanted: Who) -> HttpResponse:
    """Note it, then ask it; the password first, once more."""
    if wanted is not before:
        action = "staff.second_factor_not_required" if wanted is Who.NOBODY else "staff.second_factor_required"
        note(request.store, action, actor=request.user.get_username(), now=timezone.now(), who=wanted.value)
        second_factor.ask(wanted)
    tell(request, "Saved", f"Must have a second factor: {WORDS[wanted].partition(':')[0].lower()}.")
    return redirect("settings:second-factor")
