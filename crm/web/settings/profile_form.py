"""The form of one's own profile."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User

from crm.domain.local_times import ZONES
from crm.models import Invitation, Profile
from crm.web.forms import CrmForm

LONGEST_NAME = 150


class ProfileForm(CrmForm):
    """What one is called, one's address, and the zone of one's clock (empty: the organisation's)."""

    fullName = forms.CharField(
        label="Full name",
        required=False,
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text="Stands where others see what you did.",
    )
    email = forms.EmailField(
        label="E-mail",
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text="You can sign in with it; a link for a new password goes there.",
    )
    timeZone = forms.ChoiceField(
        label="Time zone", required=False, error_messages={"invalid_choice": "Choose a zone from the list."}
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        self.profile = Profile.objects.filter(user=user).first() or Profile(user=user)
        initial = {"fullName": user.get_full_name(), "email": user.email, "timeZone": self.profile.time_zone}
        super().__init__(*args, **{"initial": initial, **kwargs})
        zone, default = self.fields["timeZone"], settings.CRM_TIME_ZONE.replace("_", " ")
        assert isinstance(zone, forms.ChoiceField)  # noqa: S101  # as it stands above
        zone.choices = [("", f"{default}, as the organisation"), *((name, name.replace("_", " ")) for name in sorted(ZONES))]
        zone.help_text = (
            f"Moments are shown in it. Events stay in their own zone; days that are counted or filtered stay those of {default}."
        )

    def clean_fullName(self) -> str:
        """The name with single spaces."""
        return " ".join(self.cleaned_data["fullName"].split())

    def clean_email(self) -> str:
        """An address that no other account has, nor will have by an invitation: one signs in with it."""
        email: str = self.cleaned_data["email"]
        if not email and self.user.email:
            raise forms.ValidationError(
                "Your account needs an address: without one, nobody can send you a link for a new password."
            )
        if email and User.objects.filter(email__iexact=email).exclude(pk=self.user.pk).exists():
            raise forms.ValidationError("Another account has this address.")
        if email.lower() != self.user.email.lower() and Invitation.objects.filter(address__iexact=email).exists():
            raise forms.ValidationError("Somebody is invited by this address: an administrator can withdraw that.")
        return email

    def keep(self) -> None:
        """Keep what was typed; the last word of a name counts as the family's, which shows nowhere by itself."""
        user, typed = self.user, self.cleaned_data
        first, _, last = typed["fullName"].rpartition(" ")
        user.first_name, user.last_name = (first, last) if first else (last, "")
        user.email = typed["email"]
        user.save(update_fields=["first_name", "last_name", "email"])
        Profile.objects.update_or_create(user=user, defaults={"time_zone": typed["timeZone"]})
