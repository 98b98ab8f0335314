"""Who signed in, signed out, or failed to: noted in the audit log as well as that can be, for nobody is kept out by it."""

import logging
from collections.abc import Mapping

from allauth.account.signals import user_logged_in
from allauth.mfa.signals import authentication_failed
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from crm.domain.audit import AuditEntry
from crm.domain.ids import new_id
from crm.staff import subject

logger = logging.getLogger(__name__)


def connect() -> None:
    """Listen for sign-ins; called once, at the start."""
    user_logged_in.connect(_came, dispatch_uid="crm.audit.signed_in")
    user_logged_out.connect(_went, dispatch_uid="crm.audit.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="crm.audit.sign_in_failed")
    authentication_failed.connect(_wrong_code, dispatch_uid="crm.audit.wrong_code")


def _came(request: HttpRequest, user: User, **_signal: object) -> None:
    _note("staff.signed_in", user, user.get_username())


def _went(request: HttpRequest, user: User | None, **_signal: object) -> None:
    if isinstance(user, User):
        _note("staff.signed_out", user, user.get_username())


def _failed(credentials: Mapping[str, object], request: HttpRequest | None = None, **_signal: object) -> None:
    """Somebody who may be anybody: what was typed is noted only where it is the name or address of an account, as its number."""
    typed = str(credentials.get("username") or credentials.get("email") or "")
    user = User.objects.filter(Q(username__iexact=typed) | Q(email__iexact=typed)).first() if typed else None
    if user is not None:
        _note("staff.sign_in_failed", user, "")


def _wrong_code(user: User, **_signal: object) -> None:
    """Somebody with the password of the account, and a code that is not right."""
    _note("staff.sign_in_failed", user, "")


def _note(action: str, user: User, actor: str) -> None:
    from crm.wiring import get_store  # here, so that the pages that only sign in don't wait for boto3

    entry = AuditEntry(id=new_id(), at=timezone.now(), actor=actor, action=action, subject=subject(user))
    if not get_store().audit.try_to_note(entry):
        logger.warning("sign-in not in the audit log", extra={"action": action, "user_id": user.pk})
