"""What goes along with everybody who is signed in: their time zone, where they were seen last, and what is asked of them.

Only on pages that need sign-in. A page costs one query of the staff database for it, and one for the rule of second factors.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, cast
from zoneinfo import ZoneInfo

from allauth.account.signals import user_logged_in
from allauth.usersessions.models import UserSession
from allauth.usersessions.signals import on_user_logged_in
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from crm import second_factor
from crm.domain.local_times import ZONES
from crm.models import Profile
from crm.web.http import CrmRequest, client_address, error_answer
from crm.web.waiting import WAITING

SEEN_EVERY = 300.0
"""Seconds between two notes of where a session was seen last, in each process."""
MOST_SESSIONS = 10_000
PASSING = 600
"""Seconds for which the session of a stranger lasts who has asked for a passkey; who signs in has one that stays."""
SETTING_UP = {"second_factor_needed", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate"}
"""Names of the pages that stay open to somebody who has to set up a second factor first; so does signing out."""
ASKED, FIRST = "A second factor is asked of you now.", "Set yours up in another tab."


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
        if not second_factor.is_missing(user):
            return None
        request.session.pop(WAITING, None)  # a form that waits for the password would be done past this
        return None if here in SETTING_UP else _ask(cast(CrmRequest, request))


def _ask(request: CrmRequest) -> HttpResponseBase:
    """Lead to where a second factor is set up; what was typed meanwhile is not thrown away for it."""
    if request.method not in {"GET", "HEAD"}:
        return error_answer(request, 403, ASKED, title="One more thing first", first=FIRST)
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


def sessions_of(user: User) -> list[UserSession]:
    """Return where somebody is signed in, last seen first, and forget what is over. Two queries, and a third that forgets.

    It looks into sessions without taking them up: Django would give those from before a new SECRET_KEY keys that no browser has.
    """
    noted = list(UserSession.objects.filter(user=user).order_by("-last_seen_at"))
    rows = Session.objects.filter(session_key__in=[one.session_key for one in noted], expire_date__gt=timezone.now())
    held = {row.session_key: row.get_decoded() for row in rows}
    UserSession.objects.filter(pk__in=[one.pk for one in noted if one.session_key not in held]).delete()
    passwords = {user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()}
    return [one for one in noted if _is_of(user, held.get(one.session_key, {}), passwords)]


def _is_of(user: User, held: Mapping[str, object], passwords: set[str]) -> bool:
    """Whether a session lets somebody in: theirs, and begun with the password of now."""
    return held.get(SESSION_KEY) == str(user.pk) and held.get(HASH_SESSION_KEY) in passwords


def _begin(request: HttpRequest, user: User, **_signal: object) -> None:
    """Note the session that begins, and forget those that are over."""
    if request.session.get("_session_expiry") == PASSING:
        request.session.set_expiry(None)
    sessions_of(user)
    UserSession.objects.create_from_request(request)


def connect() -> None:
    """Note sessions that begin, in place of allauth, which would take up the others; called once, at the start."""
    user_logged_in.disconnect(on_user_logged_in)
    user_logged_in.connect(_begin, dispatch_uid="crm.sessions.begin")
