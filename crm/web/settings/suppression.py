"""The suppression list: one address is looked up, put on, or taken off. Addresses travel in forms, never in that of a page."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from crm.domain.errors import Conflict, CrmError, RuleViolation
from crm.domain.people import EmailStatus
from crm.services import suppression_list
from crm.services.suppression_list import Found, Why
from crm.web.http import CrmRequest, permission_required
from crm.web.settings.forms import AddressForm

Choice = TypeVar("Choice", bound=StrEnum)
REASONS = {
    EmailStatus.UNSUBSCRIBED: "They asked for no more e-mail",
    EmailStatus.BOUNCED: "The address does not work",
    EmailStatus.COMPLAINED: "They complained",
}
WHYS = {
    Why.ASKED: "They asked to get e-mail again",
    Why.WORKS_AGAIN: "The address works again",
    Why.MISTAKE: "It was put on the list by mistake",
}
LOOK_AGAIN = "Look the address up again."
SOURCES = {
    "link": "by the link in an e-mail",
    "bounce": "by a bounce",
    "complaint": "by a complaint",
    "provider": "at the mail provider",
    "import": "by an import",
    suppression_list.STAFF: "by staff",
}


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.manage_suppression")
@never_cache
def page(request: CrmRequest) -> HttpResponse:
    """The form, and what is known of the address that was typed."""
    if request.method != "POST":
        return _shown(request, AddressForm())
    form = AddressForm(request.POST)
    try:
        found = suppression_list.look_up(request.store, request.POST.get("address", ""))
    except RuleViolation as error:
        return _refused(request, error)
    return _shown(request, form, found)


@require_POST
@permission_required("crm.manage_suppression")
@never_cache
def add(request: CrmRequest) -> HttpResponse:
    """Put the address on the list for the reason that was chosen."""
    typed, given = request.POST.get("address", ""), request.POST.get("status", "")
    try:
        status = _chosen(given, REASONS, "Choose why it must not be mailed.")
        found = suppression_list.put_on(request.store, typed, status, actor=request.user.get_username(), now=timezone.now())
    except (RuleViolation, Conflict) as error:
        return _refused(request, error)
    return _shown(request, AddressForm({"address": found.address}), found, done="It is on the list: nothing goes there any more.")


@require_POST
@permission_required("crm.manage_suppression")
@never_cache
def lift(request: CrmRequest) -> HttpResponse:
    """Take the address off, where it still stands there for what the page showed."""
    typed, given = request.POST.get("address", ""), request.POST.get("why", "")
    try:
        why = _chosen(given, WHYS, "Choose why it is taken off.")
        status = _chosen(request.POST.get("status", ""), REASONS, LOOK_AGAIN)
        since = _moment(request.POST.get("since", ""))
        found = suppression_list.take_off(
            request.store, typed, status, since, why, actor=request.user.get_username(), now=timezone.now()
        )
    except (RuleViolation, Conflict) as error:
        return _refused(request, error)
    return _shown(request, AddressForm({"address": found.address}), found, done="It is off the list and may be mailed again.")


def _chosen(given: str, offered: Mapping[Choice, str], message: str) -> Choice:
    for one in offered:
        if one.value == given:
            return one
    raise RuleViolation(message)


def _moment(given: str) -> datetime:
    """Since when the page said that it is on the list."""
    try:
        return datetime.fromisoformat(given)
    except ValueError:
        raise RuleViolation(LOOK_AGAIN) from None


def _refused(request: CrmRequest, error: CrmError) -> HttpResponse:
    """The page with what was typed, what is wrong, and what is known of the address where it is one."""
    form, found = AddressForm(request.POST), None
    try:
        found = suppression_list.look_up(request.store, request.POST.get("address", ""))
    except RuleViolation as no_address:
        error = no_address
    if not form.errors:  # else the form says it already
        form.add_crm_error(error)
    return _shown(request, form, found, status=409 if isinstance(error, Conflict) else 422)


def _shown(
    request: CrmRequest, form: AddressForm, found: Found | None = None, *, done: str = "", status: int = 200
) -> HttpResponse:
    suppression = found.suppression if found else None
    context = {
        "form": form,
        "found": found,
        "done": done,
        "since": suppression.created_at.isoformat() if suppression else "",
        "how": SOURCES.get(suppression.source, "") if suppression else "",
        "words": REASONS.get(suppression.status, "") if suppression else "",
        "reasons": [(one.value, words) for one, words in REASONS.items()],
        "whys": [(one.value, words) for one, words in WHYS.items()],
        "tab": "suppression",
    }
    return render(request, "settings/suppression.html", context, status=status)
