"""What goes along with everybody who is signed in: their time zone, where they were seen last, and what is asked of them.

Only on pages that need sign-in. A page costs one query of the staff database for it, and one for the rule of second factors.
"""

import time
from collections.abc import Callable
from typing import Any, cast
from zoneinfo import ZoneInfo

from allauth.usersessions.models import UserSession
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from crm import second_factor
from crm.domain.local_times import ZONES
from crm.models import Profile
from crm.web.http import CrmRequest, client_address, error_answer

SEEN_EVERY = 300.0
"""Seconds between two notes of where a session was seen last, in each process."""
MOST_SESSIONS = 10_000
SETTING_UP = {"second_factor_needed", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate"}
"""Names of the pages that stay open to somebody who has to set up a second factor first; so does signing out."""
ASKED = "A second factor is asked of you now. Set yours up in another tab; what you typed is still here, then send it again."


class PresenceMiddleware:
    """Around every page of somebody who is signed in; after the middleware that asks for sign-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *given: Any) -> HttpResponseBase | None:
        """None, or the way to the second factor for who has to set one up."""
        if not getattr(view, "login_required", True) or not request.user.is_authenticated:
            return None
        user = request.user
        zone = Profile.objects.filter(pk=user.pk).values_list("time_zone", flat=True).first()
        if zone in ZONES:
            timezone.activate(ZoneInfo(zone))
        _note_seen(request)
        here = request.resolver_match.url_name if request.resolver_match else ""
        if here not in SETTING_UP and second_factor.is_missing(user):
            return _ask(cast(CrmRequest, request))
        return None


def _ask(request: CrmRequest) -> HttpResponseBase:
    """Lead to where a second factor is set up; what was typed meanwhile is not thrown away for it."""
    if request.method not in {"GET", "HEAD"}:
        return error_answer(request, 403, ASKED, title="One more thing first")
    if request.htmx and not request.htmx.boosted:
        return HttpResponseClientRedirect(reverse("second_factor_needed"))
    return redirect("second_factor_needed")


_seen: dict[str, float] = {}


def _note_seen(request: HttpRequest) -> None:
    """Note from where the session is used and when, every few minutes: each page would be a write."""
    key, now = request.session.session_key or "", time.monotonic()
    if now - _seen.get(key, -SEEN_EVERY) < SEEN_EVERY or not client_address(request):
        return
    if len(_seen) >= MOST_SESSIONS:
        _seen.clear()
    _seen[key] = now
    UserSession.objects.create_from_request(request)
