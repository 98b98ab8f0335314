"""Everybody with an account, found by name or role, who is invited, and what each role may do."""

from dataclasses import dataclass, replace

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm import second_factor
from crm.models import Invitation
from crm.staff import PERMISSIONS, ROLES, role_of
from crm.web.forms import number_in
from crm.web.http import CrmRequest, permission_required, render_part
from crm.web.paging import PAGE_SIZE, Pager
from crm.web.staff_names import staff_names

MOST_WORDS = 8
"""Of what was typed, so many words count: each is looked for in four columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """A page of accounts. Its tokens are numbers: how many stand before the page."""

    items: list[User]
    next_token: str | None
    prev_token: str | None


@require_safe
@permission_required("crm.manage_staff")
def page(request: CrmRequest) -> HttpResponse:
    """Those accounts that were looked for; htmx re-renders #accounts alone. Closed ones come last."""
    q, role = _words(request), request.GET.get("role", "")
    found = _found(q, role)
    total = found.count()
    accounts, pager = _page_of(request, found, total)
    holders = second_factor.holders()
    invited = list(Invitation.objects.all())
    names = staff_names({one.invited_by for one in invited})
    context = {
        "q": q,
        "wanted": role,
        "total": total,
        "everybody": User.objects.count(),
        "pager": pager,
        "staff": [(user, role_of(user), user.pk in holders) for user in accounts.items],
        "invited": [(one, names.get(one.invited_by, one.invited_by), one.holds(timezone.now())) for one in invited],
        "roles": [(name, [PERMISSIONS[codename] for codename in codenames]) for name, codenames in ROLES.items()],
        "tab": "staff",
    }
    return render_part(request, "settings/staff.html", context, part="accounts")


def _words(request: HttpRequest) -> str:
    """What was typed into the box, without what no name holds."""
    return " ".join("".join(one if one.isprintable() else " " for one in request.GET.get("q", "")[:300]).split())


def _found(q: str, role: str) -> QuerySet[User]:
    """Accounts that have each word in a name or the address, of that role; all of them where nothing was asked."""
    users = User.objects.order_by("-is_active", "username").prefetch_related("groups")
    for word in q.split()[:MOST_WORDS]:
        users = users.filter(
            Q(username__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email__icontains=word)
        )
    if not role:
        return users
    wanted = {user.pk for user in users if role_of(user) == role}
    return users.filter(pk__in=wanted)


def _page_of(request: HttpRequest, found: QuerySet[User], total: int) -> tuple[Accounts, Pager]:
    """Return the page that the address asks for, the last one where there is none so far behind."""
    token = request.GET.get("nextToken") or request.GET.get("prevToken") or ""
    asked = number_in(token, 0)
    start = min(asked, max(0, total - 1) // PAGE_SIZE * PAGE_SIZE)
    accounts = Accounts(
        items=list(found[start : start + PAGE_SIZE]),
        next_token=str(start + PAGE_SIZE) if start + PAGE_SIZE < total else None,
        prev_token=str(max(0, start - PAGE_SIZE)) if start else None,
    )
    pager = Pager.of(request, accounts, total=total)
    return accounts, replace(pager, first=start + 1, last=start + len(accounts.items)) if accounts.items else pager
