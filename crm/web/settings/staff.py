"""One account of staff, with what can be done to it."""

from collections.abc import Callable

from allauth.account.adapter import get_adapter
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from crm import accounts, second_factor
from crm.domain.errors import NotFound, RuleViolation
from crm.models import ApiToken, Invitation
from crm.staff import role_of
from crm.web.forms import CrmForm
from crm.web.http import CrmRequest, password_again, permission_required, tell
from crm.web.settings.staff_forms import RoleForm
from crm.web.staff_names import name_of

METHODS = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@permission_required("crm.manage_staff")
def member(request: CrmRequest, user_id: int) -> HttpResponse:
    """One account: its role, its second factor, its tokens, and how to put it out."""
    return _shown(request, _found(user_id))


@METHODS
@permission_required("crm.manage_staff")
def role(request: CrmRequest, user_id: int) -> HttpResponse:
    """Give another role; by itself this address leads to the account. Admin asks for the password once more."""
    user = _found(user_id)
    if request.method != "POST":
        return redirect("settings:member", user_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _shown(request, user, form, status=422)
    give = password_again(_give_role) if form.cleaned_data["role"] == accounts.MANAGES else _give_role
    return give(request, user, form)


def _give_role(request: CrmRequest, user: User, form: RoleForm) -> HttpResponse:
    wanted = form.cleaned_data["role"]
    try:
        changed = accounts.change_role(request.store, user.pk, wanted, actor=request.user, now=timezone.now())
    except RuleViolation as error:
        form.add_crm_error(error)
        return _shown(request, user, form, status=422)
    tell(request, f"{name_of(changed)} is {wanted}", "It holds from their next page on.")
    return redirect("settings:member", user.pk)


@METHODS
@permission_required("crm.manage_staff")
def close(request: CrmRequest, user_id: int) -> HttpResponse:
    """Ask once, then let nobody in with the account."""

    def closed(user: User) -> None:
        managed = role_of(user) == accounts.MANAGES
        accounts.close(request.store, user.pk, actor=request.user, now=timezone.now())
        note = "They are signed out everywhere, and their tokens open nothing."
        if managed and Invitation.objects.exists():
            note += " Open invitations have new links, for they may know the old ones: send these again."
        tell(request, f"The account of {name_of(user)} is closed", note)

    return _asked(request, user_id, "close", closed)


@METHODS
@permission_required("crm.manage_staff")
def reopen(request: CrmRequest, user_id: int) -> HttpResponse:
    """Ask once, then let the account in again; that of an administrator asks for the password as well."""

    def opened(user: User) -> None:
        accounts.reopen(request.store, user.pk, actor=request.user, now=timezone.now())
        tell(request, f"The account of {name_of(user)} is open again", "They sign in as before.")

    ask = password_again(_asked) if role_of(_found(user_id)) == accounts.MANAGES else _asked
    return ask(request, user_id, "reopen", opened)


@METHODS
@permission_required("crm.manage_staff")
def sign_out(request: CrmRequest, user_id: int) -> HttpResponse:
    """Ask once, then end the account's sessions; of one's own, this one stays."""

    def ended(user: User) -> None:
        here = request.session.session_key or ""
        _, count = accounts.sign_out(request.store, user.pk, actor=request.user, now=timezone.now(), but=here)
        title = "You are signed out everywhere but here" if user == request.user else f"{name_of(user)} is signed out everywhere"
        tell(request, title, f"Sessions that ended: {count}.")

    return _asked(request, user_id, "sign-out", ended)


@METHODS
@permission_required("crm.manage_staff")
@password_again
def reset_factor(request: CrmRequest, user_id: int) -> HttpResponse:
    """Ask once, then take the account's second factors away, for somebody who lost them; they are told by mail."""

    def taken(user: User) -> None:
        if accounts.reset_factor(request.store, user.pk, actor=request.user, now=timezone.now()):
            get_adapter().send_notification_mail("crm/email/second_factor_reset", user, {"by": name_of(request.user)})
        tell(
            request,
            f"{name_of(user)} has no second factor any more",
            "They sign in with the password alone, and can set up a new one.",
        )

    return _asked(request, user_id, "second-factor", taken)


def _asked(request: CrmRequest, user_id: int, what: str, do: Callable[[User], None]) -> HttpResponse:
    """The question as a page; once it is answered, what was asked is done. What can't be done is said there."""
    user = _found(user_id)
    if request.method != "POST":
        context = {"member": user, "what": what, "name": name_of(user), "role_now": role_of(user)}
        return render(request, "settings/staff_ask.html", context)
    try:
        do(user)
    except RuleViolation as error:
        return _shown(request, user, said=error.message, status=422)
    return redirect("settings:member", user_id)


def _shown(request: CrmRequest, user: User, form: CrmForm | None = None, *, said: str = "", status: int = 200) -> HttpResponse:
    """The page of an account. `said` is why something was not done."""
    current, own = role_of(user), user == request.user
    context = {
        "member": user,
        "name": name_of(user),
        "own": own,
        "role_now": current,
        "form": form or RoleForm(initial={"role": current}),
        "has_factor": second_factor.has_one(user),
        "tokens": ApiToken.objects.filter(owner=user),
        "now": timezone.now(),
        "said": said,
        "tab": "staff",
    }
    return render(request, "settings/staff_member.html", context, status=status)


def _found(user_id: int) -> User:
    user = User.objects.filter(pk=user_id).prefetch_related("groups").first()
    if user is None:
        raise NotFound("There is no such account.")
    return user
