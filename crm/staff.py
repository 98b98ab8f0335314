"""Who may do what: permissions by action, roles as Django groups, and API tokens with scopes.

The three tables below are the only place that says it. Permissions are Django's, so `user.has_perm("crm.edit_people")` works;
they are made after each migration, and a role's group is given exactly the permissions of its row.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.utils import timezone

from crm.models import ApiToken

PERMISSIONS = {
    "view_people": "see people",
    "edit_people": "add and change people",
    "import_people": "import people",
    "export_people": "download people",
    "delete_people": "delete people",
    "erase_people": "hand out and erase personal data",
    "view_events": "see events",
    "edit_events": "add and change events",
    "check_in": "check people in at the door",
    "view_campaigns": "see campaigns",
    "edit_campaigns": "write campaigns",
    "send_campaigns": "send campaigns",
    "view_analytics": "see analytics",
    "export_analytics": "download analytics",
    "manage_mail": "say who letters are from",
    "manage_suppression": "keep the suppression list",
    "manage_tokens": "make API tokens",
    "view_jobs": "see what is done in the background",
    "manage_jobs": "start again what failed in the background",
    "view_audit": "read the audit log",
    "manage_staff": "manage staff",
}

_SEE = ("view_people", "view_events", "view_campaigns", "view_analytics")
_KEEP = (
    *("edit_people", "import_people", "export_people", "delete_people", "erase_people"),
    *("edit_events", "check_in", "manage_tokens", "view_jobs"),
)
_MAIL = (
    *("edit_people", "import_people", "export_people", "edit_campaigns", "send_campaigns", "export_analytics"),
    *("manage_suppression", "manage_tokens", "view_jobs"),
)

ROLES = {
    "Viewer": _SEE,
    "Editor": _SEE + _KEEP,
    "Marketer": _SEE + _MAIL,
    "Door": ("view_events", "check_in"),
    "Admin": tuple(PERMISSIONS),
}

# The first permission of a scope is the one that its owner must hold for the scope to count at all.
SCOPES = {
    "people:read": ("view_people",),
    "people:write": ("edit_people", "import_people", "delete_people"),
    "people:export": ("export_people",),
    "events:read": ("view_events",),
    "events:write": ("edit_events", "check_in"),
    "emails:read": ("view_campaigns", "view_analytics", "export_analytics"),
    "emails:send": ("send_campaigns", "edit_campaigns"),
}

Staff = AbstractBaseUser | AnonymousUser


def sync_roles(**_signal: object) -> None:
    """Make permissions and groups in the database what the tables say; permissions that are gone there go here too."""
    holder = ContentType.objects.get_for_model(ApiToken)
    for codename, words in PERMISSIONS.items():
        Permission.objects.update_or_create(content_type=holder, codename=codename, defaults={"name": words})
    Permission.objects.filter(content_type=holder).exclude(codename__in=PERMISSIONS).delete()
    for role, codenames in ROLES.items():
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set(Permission.objects.filter(content_type=holder, codename__in=codenames))


def subject(user: User) -> str:
    """What the audit log calls an account."""
    return f"staff:{user.pk}"


def lower_address(instance: User, **_: object) -> None:
    """Keep the address of an account in small letters, as it is looked for when somebody signs in or wants a new password."""
    instance.email = instance.email.lower()


def role_of(user: Staff) -> str | None:
    """The user's role, the one that may most where there are several; None for somebody without one."""
    if not isinstance(user, User):
        return None
    if user.is_superuser:
        return "Admin"
    names = {group.name for group in user.groups.all()}  # which are at hand where they were prefetched
    return max((role for role in ROLES if role in names), key=lambda role: len(ROLES[role]), default=None)


def set_role(user: User, role: str) -> None:
    """Give `user` this role and no other."""
    user.groups.set([Group.objects.get(name=role)])


def why_not(user: Staff, permission: str) -> str:
    """A sentence that says why `user` may not do it, and who may. `permission` is like `crm.edit_people`."""
    codename = permission.removeprefix("crm.")
    role = role_of(user)
    who = f"Your role, {role}, may not" if role else "Without a role you may not"
    may = [name for name, codenames in ROLES.items() if codename in codenames]
    return f"{who} {PERMISSIONS[codename]}. {' and '.join(filter(None, [', '.join(may[:-1]), may[-1]]))} may."


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUse:
    """A token that was shown with a request: whose it is, and what it may do at this moment."""

    token_id: int
    owner: User
    scopes: frozenset[str]
    permissions: frozenset[str]

    def can(self, permission: str) -> bool:
        """Whether it may do this; `permission` is like `crm.edit_people`."""
        return permission in self.permissions


def create_token(
    user: User, scopes: Iterable[str], name: str, *, expires_at: datetime | None = None, form_id: UUID | None = None
) -> tuple[ApiToken, str]:
    """Make a token and return it with its secret, which can't be had again. ValueError for a scope that does not exist."""
    wanted = sorted(set(scopes), key=list(SCOPES).index)
    secret = f"crm_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        owner=user, name=name, prefix=secret[:12], digest=_digest(secret), scopes=wanted, expires_at=expires_at, form_id=form_id
    )
    return token, secret


def revoke_token(token: ApiToken) -> None:
    """Make the token worthless from the next request on; a second time changes nothing."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def authenticate_token(secret: str) -> TokenUse | None:
    """What the holder of `secret` may do: the token's scopes and, of those, what its owner may do now.

    None where the token is unknown, revoked or expired, or its owner's account is closed. Writes the time of use at most once
    a minute, so that a busy script does not turn every read into a write.
    """
    token = ApiToken.objects.select_related("owner").filter(digest=_digest(secret)).first()
    now = timezone.now()
    if token is None or not token.holds(now) or not token.owner.is_active:
        return None
    if token.last_used_at is None or token.last_used_at < now - timedelta(minutes=1):
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - timedelta(minutes=1))
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    held = token.owner.get_all_permissions()
    scopes = frozenset(scope for scope in token.scopes if scope in SCOPES and f"crm.{SCOPES[scope][0]}" in held)
    granted = frozenset(f"crm.{codename}" for scope in scopes for codename in SCOPES[scope])
    return TokenUse(token_id=token.pk, owner=token.owner, scopes=scopes, permissions=granted & held)


def _digest(secret: str) -> str:
    """The form in which a secret is kept and looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()
