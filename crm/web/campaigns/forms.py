"""The form in which a campaign is written, and the one in which it is sent."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.conf import settings

from crm.domain.campaigns import MAX_BODY_BYTES, MAX_SUBJECT, Campaign, Utm
from crm.jobs.render import TemplateProblem
from crm.web.forms import CrmForm

MAX_NUMBER = 10**9
"""More than any version or audience: a number from a browser has an end."""


class ComposeForm(CrmForm):
    """Subject, letter and UTM tags of a draft, which may be unfinished. `version` is the one that was loaded."""

    subject = forms.CharField(
        max_length=MAX_SUBJECT,
        required=False,
        label="Subject",
        help_text="One line; phones show about 40 characters. Fields in braces work here too.",
    )
    body = forms.CharField(
        required=False,
        label="Letter",
        strip=False,
        widget=forms.Textarea(attrs={"class": "letter", "rows": 16, "spellcheck": "true"}),
        help_text="Markdown, with fields in braces. A link to unsubscribe and who we are is added below.",
    )
    utmCampaign = forms.CharField(max_length=100, required=False, label="UTM campaign")
    utmSource = forms.CharField(max_length=100, required=False, label="UTM source")
    utmMedium = forms.CharField(max_length=100, required=False, label="UTM medium")
    version = forms.IntegerField(required=False, min_value=0, max_value=MAX_NUMBER, widget=forms.HiddenInput)

    @classmethod
    def of(cls, campaign: Campaign, *, copy: bool = False) -> "ComposeForm":
        """The form as a stored campaign fills it; a copy has no version, as it is not stored yet."""
        return cls(
            initial={
                "subject": campaign.subject,
                "body": campaign.body,
                "utmCampaign": campaign.utm.campaign,
                "utmSource": campaign.utm.source,
                "utmMedium": campaign.utm.medium,
                "version": None if copy else campaign.version,
            }
        )

    def clean_body(self) -> str:
        """The letter, if it can be kept: nothing looks at one that is far too long."""
        body: str = self.cleaned_data["body"]
        if len(body.replace("\r\n", "\n").strip().encode()) > MAX_BODY_BYTES:
            raise forms.ValidationError(f"The text is too long; {MAX_BODY_BYTES:,} bytes are the most.")
        return body

    @property
    def refused(self) -> list[TemplateProblem]:
        """What is wrong with fields that a letter is made of."""
        made_of = [name for name in self.errors if name in self.fields and name != "version"]
        return [
            TemplateProblem(field=str(self[name].label), message=str(words)) for name in made_of for words in self.errors[name]
        ]

    def replaces(self, version: int) -> None:
        """Let the form, sent again as it is shown, replace this version of the draft."""
        self.data = {**{name: self[name].value() for name in self.fields}, "version": version}

    @property
    def typed(self) -> Mapping[str, Any]:
        """What stands in the fields, right or wrong."""
        return {name: self[name].value() or "" for name in self.fields}

    @property
    def utm(self) -> Utm:
        """The tags as typed."""
        return Utm(**{name: str(self.typed[f"utm{name.title()}"]).strip() for name in ("campaign", "source", "medium")})


class SendForm(CrmForm):
    """When a campaign goes out, and how many were promised to get it."""

    when = forms.ChoiceField(choices=[("now", "Now"), ("at", "At a time")], initial="now", widget=forms.RadioSelect, label="When")
    sendAt = forms.DateTimeField(
        required=False,
        label="Date and time",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )
    expected = forms.IntegerField(required=False, min_value=0, max_value=MAX_NUMBER, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """A time must be given where it is wanted, and must be to come."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("when") == "at" and "sendAt" not in self.errors:
            if not cleaned.get("sendAt"):
                self.add_error("sendAt", "Say when, or choose “Now”.")
            elif cleaned["sendAt"] <= datetime.now(UTC):
                self.add_error("sendAt", f"That time is past (times are of {settings.CRM_TIME_ZONE}).")
        return cleaned

    @property
    def send_at(self) -> datetime | None:
        """The time that was chosen, None for now."""
        if self.cleaned_data["when"] != "at":
            return None
        moment: datetime = self.cleaned_data["sendAt"]
        return moment
