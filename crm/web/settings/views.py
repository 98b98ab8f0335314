"""API tokens, and the list of staff."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.models import ApiToken
from crm.staff import PERMISSIONS, ROLES, create_token, revoke_token, role_of
from crm.web.http import CrmRequest, permission_required, tell
from crm.web.settings.forms import TokenForm


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.manage_tokens")
@never_cache
def tokens(request: CrmRequest) -> HttpResponse:
    """One's tokens and the form for a new one. The answer to the form shows the secret, this once, so it is never kept."""
    form = TokenForm(request.POST or None)
    context: dict[str, Any] = {"form": form, "tab": "tokens", "now": timezone.now()}
    status = 200
    if request.method == "POST":
        if form.is_valid():
            days = form.cleaned_data["days"]
            expires_at = timezone.now() + timedelta(days=days) if days else None
            wanted, name = form.cleaned_data["scopes"], form.cleaned_data["name"]
            made, secret = create_token(request.user, wanted, name, expires_at=expires_at)
            context |= {"form": TokenForm(), "made": made, "secret": secret}
        else:
            status = 422
    context["tokens"] = _visible(request.user)
    return render(request, "settings/tokens.html", context, status=status)


@require_POST
@permission_required("crm.manage_tokens")
def revoke(request: CrmRequest, token_id: int) -> HttpResponse:
    """End a token; those who manage staff may end anybody's."""
    token = get_object_or_404(_visible(request.user), pk=token_id)
    revoke_token(token)
    tell(request, "Token revoked", f"{token.name} opens nothing any more.")
    return redirect("settings:tokens")


@require_safe
@permission_required("crm.manage_staff")
def staff(request: CrmRequest) -> HttpResponse:
    """Everybody with an account, and what each role may do."""
    people = [(user, role_of(user)) for user in User.objects.order_by("username").prefetch_related("groups")]
    roles = [(role, [PERMISSIONS[codename] for codename in codenames]) for role, codenames in ROLES.items()]
    return render(request, "settings/staff.html", {"staff": people, "roles": roles, "tab": "staff"})


def _visible(user: User) -> Any:
    """The tokens that `user` sees: their own, or all for those who manage staff."""
    every = ApiToken.objects.select_related("owner")
    return every if user.has_perm("crm.manage_staff") else every.filter(owner=user)
