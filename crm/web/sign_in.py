"""How staff sign in, as allauth asks it: accounts are made by an administrator, never by a visitor."""

import base64
import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Thread
from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.forms import LoginForm
from allauth.account.internal.stagekit import clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from anymail.exceptions import AnymailError
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.messages import ERROR
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.text import capfirst

from crm import second_factor
from crm.web.browsers import browser_words
from crm.web.http import client_address, tell
from crm.web.staff_names import name_of

logger = logging.getLogger(__name__)
CAME_WITH = "crm.came_with"
"""Where a session keeps, until its sign-in is complete, a hash of the password that it began with."""
MAILING = "mailing"
"""Name of the threads in which links for new passwords are sent."""
JUST_NOW = 300
"""Seconds after signing in during which the password is not asked for again before a first second factor is set up."""
UNKNOWN_ADDRESS = (
    "It can’t be told from which network address this comes: fewer proxies passed it on than the site has, says TRUSTED_PROXIES."
)
SAID = {
    "account/messages/password_changed.txt": "Password changed",
    "account/messages/password_set.txt": "Password set",
    "mfa/messages/totp_activated.txt": "The app is set up",
    "mfa/messages/totp_deactivated.txt": "The app is no longer asked for",
    "mfa/messages/webauthn_added.txt": "Passkey added",
    "mfa/messages/webauthn_removed.txt": "Passkey removed",
}
"""What a toast says of what allauth has done; of the rest, the page one lands on says enough."""
MAILED = {
    "account/email/password_changed": "The password was changed",
    "account/email/password_set": "A password was set",
    "account/email/password_reset": "The password was set anew, by a link that was mailed",
    "account/email/email_changed": "The e-mail address was changed",
    "mfa/email/totp_activated": "An app that shows codes was set up as second factor",
    "mfa/email/totp_deactivated": "The app that shows codes was removed",
    "mfa/email/recovery_codes_generated": "New recovery codes were made",
    "mfa/email/webauthn_added": "A passkey was added",
    "mfa/email/webauthn_removed": "A passkey was removed",
    "crm/email/second_factor_reset": "The second factor was taken away by an administrator",
}
"""What is mailed to the owner of an account, who may not have done it."""


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's ways, with the door for sign-up closed, and in our words."""

    # The same words whether the account, the password or both are wrong: nobody learns who has an account.
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "That name and password don’t fit together.",
        "email_password_mismatch": "That name and password don’t fit together.",
        "too_many_login_attempts": "Too many tries. Wait five minutes, then try again.",
        "rate_limited": "Too many tries. Wait five minutes, then try again.",
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        """Where a request comes from; PermissionDenied where that can't be told, as behind fewer proxies than were said."""
        try:
            return str(super().get_client_ip(request))
        except (ImproperlyConfigured, PermissionDenied):
            raise PermissionDenied(UNKNOWN_ADDRESS) from None

    def is_safe_url(self, url: str) -> bool:
        """Whether one may be led there: within the site, and an address at all."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account for themselves."""
        return False

    def add_message(
        self, request: HttpRequest, level: int, message_template: str = "", *_: Any, message: str = "", **__: Any
    ) -> None:
        """Say what went wrong, and the few things in `SAID`."""
        if level == ERROR and message:
            tell(request, "That did not work", message, level=ERROR)
        elif message_template in SAID:
            tell(request, SAID[message_template])

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to one's account."""
        return reverse("settings:home")

    def is_reauthentication_required(self, *, app: str, **more: Any) -> bool:
        """Whether the password is asked for once more: not for a first second factor, just after one came with the password."""
        user = self.request.user
        records = get_authentication_records(self.request, user)
        if app == "allauth.mfa" and records and time.time() - records[-1]["at"] < JUST_NOW:
            return second_factor.has_one(user, before=datetime.fromtimestamp(records[-1]["at"], UTC))
        return bool(super().is_reauthentication_required(app=app, **more))

    def pre_login(self, request: HttpRequest, user: User, **how: Any) -> HttpResponse | None:
        """Remember which password opened the door: the code that follows counts for that one."""
        request.session[CAME_WITH] = user.get_session_auth_hash()
        return cast(HttpResponse | None, super().pre_login(request, user, **how))

    def login(self, request: HttpRequest, user: User) -> None:
        """Let them in; back to the sign-in where the password was changed between it and the code."""
        came_with = request.session.pop(CAME_WITH, "")
        if came_with and not constant_time_compare(came_with, user.get_session_auth_hash()):
            clear_login(request)
            tell(request, "Sign in again", "The password of this account was changed a moment ago.", level=ERROR)
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try, over all addresses too; ValidationError where there were too many."""
        super().pre_authenticate(request, **credentials)
        whose = _login(**credentials)
        anywhere = ratelimit.consume(request, app="allauth.account", action="login_failed_anywhere", key=whose)
        if not anywhere:
            self._rollback_login_failed_rl_usage()
            raise self.validation_error("too_many_login_attempts")
        self._login_failed_rl_usage.usage += anywhere.usage  # a right password takes all of them back

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Of the account, and of where it is tried from: nobody keeps somebody out from elsewhere."""
        return f"{_login(**credentials)}:{ratelimit.get_ip(request)}"

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Forget the tries of who has set a new password."""
        super()._delete_login_attempts_cached_email(request, **credentials)
        ratelimit.clear(request, app="allauth.account", action="login_failed_anywhere", key=_login(**credentials))

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Tell the owner of the account what was changed about it; the change itself never waits for a mail server to be up.

        `context` may have `by`: who did it, where that was not somebody signed in to this account.
        """
        to = email or user.email
        if template_prefix not in MAILED or not to or not settings.MAIL_LEAVES:
            return
        said = {
            "what": MAILED[template_prefix],
            "who": user.get_username(),
            "by": (context or {}).get("by", ""),
            "at": timezone.now(),
            "address": client_address(self.request),
            "browser": browser_words(self.request.headers.get("User-Agent", "")),
            "organisation": settings.CRM_ORGANISATION,
        }
        _try(lambda: self.send_mail("account/email/notice", to, said), "notice of a changed account not mailed", user)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link for a new password, at the address of the site and not at the one that the request came to."""
        owner, _, secret = key.partition("-")
        return settings.PUBLIC_URL + reverse("account_reset_password_from_key", kwargs={"uidb36": owner, "key": secret})

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Send the link beside the request: the answer is as quick, and the same, where there is no account or no mail server."""
        message = self.render_mail("account/email/password_reset_key", email, context)
        Thread(target=_try, args=(message.send, "link for a new password not mailed", user), name=MAILING).start()


def _login(*, email: str = "", username: str = "", **_: Any) -> str:
    """Whose tries are counted together: the address or name as typed, however it is spelled, under whatever Host was sent.

    A name and the address of its account are counted apart: else one could learn that they belong together.
    """
    return (email or username).upper().casefold()


def _try(send: Callable[[], object], failed: str, user: User) -> None:
    """Send what nobody waits for; a mail server or provider that does not take it is a warning in the log."""
    try:
        send()
    except (OSError, AnymailError) as error:
        logger.warning(failed, extra={"user_id": user.pk, "error": type(error).__name__})


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """What second factors are called and how their secrets are kept: encrypted under LINK_KEY, which is kept for years."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That code is not right. Those of an app hold for half a minute: take the one it shows now.",
        "cannot_generate_recovery_codes": "Set up an app or a passkey first; the codes stand in for those.",
    }

    def get_totp_issuer(self) -> str:
        """The organisation, as the app on the phone lists it."""
        return settings.CRM_ORGANISATION.replace(":", " ")

    def get_totp_label(self, user: User) -> str:
        """The user name: addresses change."""
        return f"{self.get_totp_issuer()}:{user.get_username()}"

    def generate_authenticator_name(self, user: User, type: str) -> str:
        """Where it was made: that is how one knows it again."""
        return str(capfirst(browser_words(self.request.headers.get("User-Agent", "")).removeprefix("a ")))

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The site, as the device names it when it asks for a finger or a face."""
        return {"id": self.request.get_host().partition(":")[0], "name": settings.CRM_ORGANISATION}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        """The account, as the device lists it among its passkeys: by what somebody is called here."""
        entity = super().get_public_key_credential_user_entity(user)
        return {**entity, "display_name": name_of(user), "name": user.get_username()}

    def encrypt(self, text: str) -> str:
        """Keep a secret under the newest key."""
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The secret; one that nothing fits where its key is gone, so that the account asks its administrator for a reset."""
        try:
            return _fernet().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            logger.error("second factor can't be read: its LINK_KEY is gone")
            return base64.b32encode(secrets.token_bytes(20)).decode()


def _fernet() -> MultiFernet:
    """Keys for secrets of second factors, made of each LINK_KEY; the first encrypts."""
    digests = (hashlib.sha256(b"second factor\0" + key.encode()).digest() for key in settings.LINK_KEYS)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth has no types
    """Name or address, and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login, password, remember = (self.fields[name] for name in ("login", "password", "remember"))
        login.label, password.label, remember.label = "User name or e-mail", "Password", "Stay signed in on this computer"
        login.validators.append(MaxLengthValidator(254))  # SQLite compares no text of any length
        login.widget.attrs = {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        password.widget.attrs = {"autocomplete": "current-password"}
        password.help_text = ""  # the way to a new password stands below the form
