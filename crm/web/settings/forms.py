"""The forms for a new API token, for what the organisation says of its mail, and for an address on the suppression list."""

import re
from typing import Any

from django import forms

from crm.domain.keeping import FEWEST_HIT_DAYS, HIT_DAYS, YEARS, Keeping
from crm.domain.mail_settings import MAX_NAME, MAX_POSTAL_ADDRESS, MAX_QUIET_DAYS, MailSettings
from crm.staff import SCOPES
from crm.web.forms import CrmForm, FormIdField

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "A year", "": "Until it is revoked"}

KEPT = {"": "for ever", **{str(years): f"for {years} years" if years > 1 else "for a year" for years in YEARS}}

WORDS = {
    "people:read": "See people",
    "people:write": "Add, change and delete people",
    "people:export": "Download people",
    "events:read": "See events",
    "events:write": "Add and change events",
    "emails:read": "See campaigns and analytics",
    "emails:send": "Send campaigns",
}


class TokenForm(CrmForm):
    """A token's name, what it may do, and how long it holds."""

    name = forms.CharField(label="Name", max_length=100, help_text="What will use it, like “Website sign-up form”.")
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope, f"{WORDS[scope]} ({scope})") for scope in SCOPES],
        widget=forms.CheckboxSelectMultiple,
        help_text="Never more than you may yourself, now or later.",
        error_messages={"required": "Choose at least one."},
    )
    days = forms.TypedChoiceField(
        label="It holds", choices=LIFETIMES, coerce=int, empty_value=None, required=False, initial="365"
    )
    form = FormIdField()


class MailSettingsForm(CrmForm):
    """Who letters say they are from, who gets copies, what a new letter begins with, and how long what is kept of it.

    `version` is the one that was read.
    """

    organisation = forms.CharField(
        max_length=MAX_NAME, required=False, label="Organisation", help_text="Stands at the head and foot of each letter."
    )
    postalAddress = forms.CharField(
        max_length=MAX_POSTAL_ADDRESS,
        required=False,
        label="Postal address",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Many countries ask for one in mailings. Lines are put one behind the other in the foot.",
    )
    colleagues = forms.CharField(
        required=False,
        label="Copies for colleagues",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="Addresses, one to a line. Each gets one marked copy of every campaign that begins from now on.",
    )
    tracking = forms.BooleanField(
        required=False,
        label="New letters tell of opens and clicks",
        help_text="Each letter can be set otherwise while it is written.",
    )
    quietDays = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_QUIET_DAYS,
        label="Quiet days",
        help_text="New letters leave out whoever was mailed within so many days. Empty: nobody is left out.",
    )
    keepYears = forms.TypedChoiceField(
        label="Keep e-mails one by one",
        choices=KEPT,
        coerce=int,
        empty_value=None,
        required=False,
        error_messages={"invalid_choice": "Choose one of the spans in the list."},
        help_text="After that, who got each e-mail and what became of it is deleted. All counts stay, in every chart and report.",
    )
    keepHitDays = forms.IntegerField(
        required=False,
        min_value=FEWEST_HIT_DAYS,
        max_value=HIT_DAYS,
        label="Days to keep single opens and clicks",
        help_text=f"From {FEWEST_HIT_DAYS} to {HIT_DAYS}; empty: {HIT_DAYS}. Never longer than their e-mail.",
    )
    version = forms.IntegerField(required=False, min_value=0, max_value=10**9, widget=forms.HiddenInput)

    @classmethod
    def of(cls, settings: MailSettings) -> "MailSettingsForm":
        """The form as the stored settings fill it."""
        return cls(
            initial={
                "organisation": settings.organisation,
                "postalAddress": settings.postal_address,
                "colleagues": "\n".join(settings.colleagues),
                "tracking": settings.tracking,
                "quietDays": settings.quiet_days,
                "keepYears": settings.keeping.years,
                "keepHitDays": settings.keeping.hit_days,
                "version": settings.version,
            }
        )

    def over(self, version: int) -> "MailSettingsForm":
        """The form as typed; sent again, it replaces this version."""
        typed = {name: self.data.get(name, "") for name in self.fields if name in self.data}
        form = MailSettingsForm({**typed, "version": str(version)})
        form.is_valid()
        return form

    @property
    def given(self) -> dict[str, Any]:
        """What was typed, as the service takes it."""
        typed = self.cleaned_data
        return {
            "organisation": typed["organisation"],
            "postal_address": typed["postalAddress"],
            "colleagues": tuple(one for one in re.split(r"[\s,;]+", typed["colleagues"]) if one),
            "tracking": typed["tracking"],
            "quiet_days": typed["quietDays"],
            "keeping": Keeping(years=typed["keepYears"], hit_days=typed["keepHitDays"] or HIT_DAYS),
            "version": typed["version"] if typed["version"] is not None else -1,
        }


class LogoForm(CrmForm):
    """The file of a logo; what it must be the domain says."""

    logo = forms.FileField(
        label="Picture",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"}),
        help_text="PNG, JPEG, GIF or WebP, up to 200 KB and 1,200 points wide or high. Shown up to 240 by 80 points.",
        error_messages={"required": "Choose a file.", "empty": "The file is empty. Choose another."},
    )


class SenderForm(CrmForm):
    """A sender more."""

    name = forms.CharField(max_length=MAX_NAME, required=False, label="Name", help_text="What readers see, like “Ada of Acme”.")
    address = forms.CharField(
        max_length=254,
        label="Address",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text="A link is mailed to it; letters can be from it once somebody who is signed in has opened the link.",
    )


class AddressForm(CrmForm):
    """One address to look up on the suppression list; what it must look like the domain says."""

    refused = "Nothing was done"
    """What is said above what is wrong: a look-up saves nothing."""

    address = forms.CharField(
        label="Address",
        required=False,
        max_length=320,
        widget=forms.TextInput(attrs={"type": "email", "autocomplete": "off", "placeholder": "ada@example.org"}),
        help_text="The list keeps fingerprints, no addresses: it can tell about one that you type, but not name those it holds.",
    )
