"""How staff sign in: accounts are made by an administrator, never by a visitor."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm
from django.http import HttpRequest


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's ways, with the door for sign-up closed."""

    # The same words whether the account, the password or both are wrong: nobody learns who has an account.
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "That name and password don’t fit together.",
        "email_password_mismatch": "That name and password don’t fit together.",
        "too_many_login_attempts": "Too many tries. Wait five minutes, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account for themselves."""
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing of coming and going: the page one lands on says enough."""


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth has no types
    """Name or address, and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login, password, remember = (self.fields[name] for name in ("login", "password", "remember"))
        login.label, password.label, remember.label = "User name or e-mail", "Password", "Stay signed in on this computer"
        login.widget.attrs = {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        password.widget.attrs = {"autocomplete": "current-password"}
        password.help_text = ""  # the way to a new password stands below the form
