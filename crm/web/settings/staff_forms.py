"""The forms for who works here: a role, and an invitation."""

from django import forms

from crm.staff import ROLES
from crm.web.forms import CrmForm

ROLE_WORDS = {
    "Viewer": "sees everything, changes nothing",
    "Editor": "keeps people and events",
    "Marketer": "writes and sends campaigns",
    "Door": "checks people in at events",
    "Admin": "may do everything, staff and settings too",
}
"""What a role is for, in a line; what it may do exactly stands on the page of staff."""


class RoleForm(CrmForm):
    """Which role."""

    role = forms.ChoiceField(
        label="Role",
        choices=[(role, f"{role}: {ROLE_WORDS[role]}") for role in ROLES],
        error_messages={"required": "Choose a role.", "invalid_choice": "Choose one of the roles in the list."},
    )


class InviteForm(RoleForm):
    """Whom to invite, and as what."""

    refused = "Nobody is invited yet"

    address = forms.CharField(
        label="Address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "placeholder": "ada@example.org"}),
        help_text="A link is mailed to it. Whoever opens it chooses a user name and a password.",
    )
    field_order = ("address", "role")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["role"].help_text = "It can be changed at any time."
