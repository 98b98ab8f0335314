"""API tokens: the list, a new one, whose secret is shown this once, and the end of one."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from crm.models import ApiToken
from crm.services import audit
from crm.staff import create_token, revoke_token
from crm.web.http import CrmRequest, permission_required, tell
from crm.web.settings.forms import TokenForm

TWICE = "This form has made its token already, and the secret was shown then. If it is lost, revoke that token and make another."


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.manage_tokens")
@never_cache
def page(request: CrmRequest) -> HttpResponse:
    """One's tokens and the form for a new one. The answer to the form shows the secret, this once, so it is never kept."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    if not form.is_bound:
        return _shown(request, form)
    if not form.is_valid():
        return _shown(request, form, status=422)
    try:
        token, secret = _make(request, form.cleaned_data)
    except IntegrityError:
        return _shown(request, TokenForm(), said=TWICE, status=409)
    return _shown(request, TokenForm(), made=token, secret=secret)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.manage_tokens")
def revoke(request: CrmRequest, token_id: int) -> HttpResponse:
    """Ask once, then end a token; those who manage staff may end anybody's."""
    token = get_object_or_404(_visible(request.user), pk=token_id)
    if request.method != "POST":
        return render(request, "settings/revoke.html", {"token": token})
    if token.revoked_at is None:
        request.store.table.ping()  # before the staff database is locked: others sign in meanwhile
        with transaction.atomic():
            revoke_token(token)
            _note(request, "token.revoked", token, timezone.now())
    tell(request, "Token revoked", f"{token.name} opens nothing any more.")
    return redirect("settings:tokens")


def _make(request: CrmRequest, typed: dict[str, Any]) -> tuple[ApiToken, str]:
    """The token and its secret; none where the audit log can't be written. IntegrityError: this form has made one already."""
    now, days = timezone.now(), typed["days"]
    request.store.table.ping()
    with transaction.atomic():
        token, secret = create_token(
            request.user,
            typed["scopes"],
            typed["name"],
            expires_at=now + timedelta(days=days) if days else None,
            form_id=UUID(typed["form"]),
        )
        _note(request, "token.created", token, now, scopes=" ".join(token.scopes), days=days or "until revoked")
    return token, secret


def _note(request: CrmRequest, action: str, token: ApiToken, now: datetime, **facts: str | int) -> None:
    audit.note_at_once(request.store, action, f"token:{token.pk}", actor=request.user.get_username(), now=now, **facts)


def _shown(request: CrmRequest, form: TokenForm, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {"form": form, "tokens": list(_visible(request.user)), "now": timezone.now(), "tab": "tokens", **more}
    return render(request, "settings/tokens.html", context, status=status)


def _visible(user: User) -> Any:
    """The tokens that `user` sees: their own, or all for those who manage staff."""
    every = ApiToken.objects.select_related("owner")
    return every if user.has_perm("crm.manage_staff") else every.filter(owner=user)
