"""The form for a new API token."""

from django import forms

from crm.staff import SCOPES
from crm.web.forms import CrmForm

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "A year", "": "Until it is revoked"}

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
