"""allauth's forms for second factors, in our words; and each code works once, and no browser sends surprises."""

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError

LONGEST_NAME = 60
LONGEST_CREDENTIAL = 20_000
"""Characters of what a browser sends of a passkey; it is one or two thousand."""
MOST_NESTS, DEEPEST = 20, 4
NOT_FITTING = "That passkey could not be used. Try again; if it was removed here, sign in with your password."
CODE_WIDGET = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false", "maxlength": 20}


class OnceForm(forms.Form):
    """A code of the app opens one door once: allauth forgets it sooner than the app's clock may."""

    refused = "Not yet"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code"
        self.fields["code"].help_text = "From your app, or one of your recovery codes."
        self.fields["code"].widget.attrs = {**CODE_WIDGET, "autofocus": True}

    def clean_code(self) -> str:
        """The code, used up by this; ValidationError for one that is wrong or was used."""
        code: str = super().clean_code()  # type: ignore[misc]  # of the form beside it
        kind, user = self.authenticator.type, self.authenticator.user_id  # type: ignore[attr-defined]
        if kind == Authenticator.Type.TOTP and not _use_up(user, code):
            raise ValidationError("That code was used already. Wait for the next one.")
        return code


def _use_up(user_id: int, code: str) -> bool:
    """Let a code of the app open nothing more for as long as it could be right. False: it was used up before."""
    lasts = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
    return bool(cache.add(f"crm.code:{user_id}:{re.sub('[^0-9]', '', code)}", 1, lasts))


class CodeForm(OnceForm, AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The second step of signing in."""


class CodeAgainForm(OnceForm, ReauthenticateForm):  # type: ignore[misc]
    """A code before something that matters."""


class AppForm(ActivateTOTPForm):  # type: ignore[misc]
    """The first code of an app, which shows that it has the secret."""

    refused = "Not set up yet"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "The six digits that it shows"
        self.fields["code"].widget.attrs = dict(CODE_WIDGET)

    def clean_code(self) -> str:
        """The code, used up by this: it opens no sign-in afterwards."""
        code: str = super().clean_code()
        _use_up(self.user.pk, code)
        return code


class CredentialField(forms.JSONField):
    """What a browser says of a passkey: texts alone. A number where a text belongs could ask for a lot of memory."""

    widget = forms.HiddenInput

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Nothing: an answer is good once, so it is not handed back."""
        return None

    def prepare_value(self, value: Any) -> str:
        """Empty, until the browser has asked for a passkey."""
        return ""

    def to_python(self, value: Any) -> Any:
        """The answer as a dict; ValidationError for all that no browser sends."""
        if isinstance(value, str) and (len(value) > LONGEST_CREDENTIAL or value.count("{") + value.count("[") > MOST_NESTS):
            raise ValidationError(NOT_FITTING)
        try:
            read = super().to_python(value)
        except ValidationError:
            raise ValidationError(NOT_FITTING) from None
        if read is not None and not (isinstance(read, dict) and _is_plain(read)):
            raise ValidationError(NOT_FITTING)
        return read


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether it consists of texts and truths, nested no deeper than `DEEPEST`."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return depth < DEEPEST and all(_is_plain(one, depth + 1) for one in inner)
    return value is None or isinstance(value, str | bool)


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Let every way in which a passkey is wrong end in the same words; too many tries keep theirs."""
    try:
        yield
    except ValidationError as error:
        raise ValidationError(NOT_FITTING) if getattr(error, "code", "") == "incorrect_code" else error from None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, struct.error, ArithmeticError):
        raise ValidationError(NOT_FITTING) from None  # what a forged answer is made of


class PasskeyForm(forms.Form):
    """A passkey that answers: for each of allauth's three forms."""

    credential = CredentialField()

    def clean_credential(self) -> Authenticator:
        """The passkey it is."""
        with _said_plainly():
            return super().clean_credential()  # type: ignore[misc]


class PasskeySecondForm(PasskeyForm, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """As the second step of signing in."""

    def full_clean(self) -> None:
        """Say what is wrong at the top: nobody sees the field."""
        super().full_clean()
        wrong = self._errors.pop("credential", None) if self._errors else None
        if wrong:
            self.add_error(None, wrong.as_data())


class PasskeyAloneForm(PasskeyForm, LoginWebAuthnForm):  # type: ignore[misc]
    """Instead of name and password."""


class PasskeyAgainForm(PasskeyForm, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Before something that matters."""


class NewPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A passkey that is made now, and its name. All of them can stand alone, so that is not asked."""

    credential = CredentialField()
    passwordless = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = _name_field()

    def clean(self) -> dict[str, Any]:
        """Name and credential, looked through."""
        with _said_plainly():
            cleaned: dict[str, Any] = super().clean()
            return cleaned


class PasskeyNameForm(EditWebAuthnForm):  # type: ignore[misc]
    """Another name for a passkey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = _name_field(required=True)


def _name_field(*, required: bool = False) -> forms.CharField:
    return forms.CharField(
        label="Name",
        max_length=LONGEST_NAME,
        required=required,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="By which you know it again, like “Blue key” or “Ada’s phone”.",
    )
