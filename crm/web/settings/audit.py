"""The audit log: who did what to what, from where; newest first, filtered, and as CSV."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.http import HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from crm.domain.audit import AuditEntry
from crm.domain.audit_actions import DEEDS, GROUP_NAMES, GROUPS, deed_of
from crm.domain.audit_filter import NAMES, ORIGINS, AuditFilter, parse_audit_filter
from crm.domain.errors import BadToken, RuleViolation
from crm.services import audit
from crm.web.chips import Chip
from crm.web.csv import csv_response
from crm.web.http import CrmRequest, error_answer, permission_required, render_part
from crm.web.paging import PAGE_SIZE, Pager
from crm.web.settings.audit_rows import rows_of
from crm.web.staff_names import name_of

CSV_COLUMNS = (
    *("At (UTC)", "By", "Action", "What", "Kind of object", "Object", "Facts", "By way of", "IP address", "Token", "ID"),
)
LABELS = {"who": "By", "what": "What", "object": "Object", "via": "By way of", "from": "From", "to": "To"}


@require_safe
@permission_required("crm.view_audit")
def page(request: CrmRequest) -> HttpResponseBase:
    """A page of the log; htmx turns its pages alone. The address is made plain first."""
    plain = _plain(request.GET)
    if plain.urlencode() != request.GET.urlencode():
        return HttpResponseRedirect(f"{request.path}?{plain.urlencode()}" if plain else request.path)
    context = _frame(request)
    try:
        wanted = _wanted(request)
    except RuleViolation as error:
        return render_part(request, "settings/audit.html", context | {"errors": error.errors}, part="audit", status=422)
    token = request.GET.get("nextToken") or request.GET.get("prevToken")
    try:
        shown = audit.page(request.store, wanted, limit=PAGE_SIZE, token=token)
    except BadToken:
        return HttpResponseRedirect(f"{request.path}{_query(request)}")
    context |= {
        "rows": rows_of(request, shown),
        "pager": Pager.of(request, shown.page),
        "looked_to": shown.page.looked_to,
        "first_page": token is None,
    }
    return render_part(request, "settings/audit.html", context, part="audit")


@require_safe
@permission_required("crm.view_audit")
def export(request: CrmRequest) -> HttpResponseBase:
    """All that the filter finds as CSV, newest first; who takes it stands in the log itself."""
    try:
        wanted = _wanted(request)
    except RuleViolation as error:
        return error_answer(request, 400, error.message)
    if request.method == "HEAD":
        return csv_response("audit.csv", CSV_COLUMNS, ())
    found = audit.export(request.store, wanted, actor=request.user.get_username(), now=timezone.now())
    return csv_response("audit.csv", CSV_COLUMNS, (_csv_row(entry) for entry in found))


def _csv_row(entry: AuditEntry) -> tuple[object, ...]:
    deed, origin = deed_of(entry.action), entry.origin
    return (
        entry.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        *(entry.actor, entry.action, deed.words, deed.subject.value, entry.subject),
        "; ".join(f"{name}={value}" for name, value in sorted(entry.facts.items())),
        *(origin.via, origin.address, origin.token if origin.token is not None else "", entry.id),
    )


def _wanted(request: CrmRequest) -> AuditFilter:
    """What the address asks for; days are those of the zone in which the page shows times."""
    given = {name: request.GET.getlist(name) for name in NAMES if name in request.GET}
    return parse_audit_filter(given, ZoneInfo(timezone.get_current_timezone_name()))


def _frame(request: CrmRequest) -> dict[str, Any]:
    """What the page has whatever is asked for: the form as it is filled in, and what one may choose."""
    staff = {user.username: name_of(user) for user in User.objects.order_by("username")}
    return {
        "tab": "audit",
        "zone": timezone.get_current_timezone_name(),
        "staff": list(staff.items()),
        "groups": [(name, GROUP_NAMES[name], [(one, deed.words) for one, deed in GROUPS[name].items()]) for name in GROUPS],
        "origins": list(ORIGINS.items()),
        "unknown": bool(request.GET.get("who")) and request.GET["who"] not in staff,
        "given": {name: request.GET.get(name, "") for name in NAMES},
        "chips": [
            Chip(label=LABELS[name], value=_said(name, value, staff), query=_query(request, name))
            for name, value in _active(request)
        ],
        "csv_query": _query(request),
    }


def _said(name: str, value: str, staff: Mapping[str, str]) -> str:
    """A value of the filter in words."""
    if name == "who":
        return staff.get(value, value)
    if name == "what":
        return GROUP_NAMES.get(value) or (DEEDS[value].words if value in DEEDS else value)
    return ORIGINS.get(value, value) if name == "via" else value


def _active(request: CrmRequest) -> list[tuple[str, str]]:
    return [(name, request.GET[name]) for name in NAMES if request.GET.get(name, "").strip()]


def _query(request: CrmRequest, without: str = "") -> str:
    """The query string of the filter, less one of its fields."""
    left = [(name, value) for name, value in _active(request) if name != without]
    return f"?{urlencode(left)}" if left else "" if not without else "?"


def _plain(query: QueryDict) -> QueryDict:
    """The query string without empty values, and without what is no business of the log."""
    plain = QueryDict(mutable=True)
    for name, values in query.lists():
        given = [value for value in values if value.strip()]
        if given and name in (*NAMES, "nextToken", "prevToken", "at"):
            plain[name] = _username(given[-1]) if name == "who" else given[-1]
    return plain


def _username(typed: str) -> str:
    """The user name of the only account that is called so, in whatever case; as typed where there is none, or more than one."""
    accounts = {user.username: user.get_full_name() for user in User.objects.all()}
    wanted = typed.strip().casefold()
    near = [username for username, name in accounts.items() if wanted in (username.casefold(), name.casefold())]
    return near[0] if len(near) == 1 and typed not in accounts else typed
