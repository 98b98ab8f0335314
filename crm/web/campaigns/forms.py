"""The form in which a campaign is written."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from django import forms

from crm.domain.campaigns import MAX_BODY_BYTES, MAX_SUBJECT, Letter, Utm
from crm.jobs.render import TemplateProblem
from crm.web.forms import CrmForm

MAX_NUMBER = 10**9
"""More than any version or audience: a number from a browser has an end."""
MAX_ADDRESSES = 2_000
OF_THE_FORM = ("version", "testTo")
"""Fields that a letter is not made of."""
FOLDED = ("sender", "replyTo", "utmCampaign", "utmSource", "utmMedium", "utmContent", "utmTerm", "tracking")


def _tag(label: str) -> forms.CharField:
    return forms.CharField(max_length=100, required=False, label=label, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class ComposeForm(CrmForm):
    """A letter, which may be unfinished, from one of `senders`. `version` is the one that was loaded, `testTo` where a test goes.

    Another sender is kept too, and told: a draft is not lost because an address is gone from the list.
    """

    subject = forms.CharField(
        max_length=MAX_SUBJECT,
        required=False,
        label="Subject",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "true"}),
        help_text="One line; phones show about 40 characters. Fields in braces work here too.",
    )
    preheader = forms.CharField(
        max_length=MAX_SUBJECT,
        required=False,
        label="Preheader",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "true"}),
        help_text="Shown after the subject in most mail programs.",
    )
    body = forms.CharField(
        required=False,
        label="Letter",
        strip=False,
        widget=forms.Textarea(attrs={"class": "letter", "rows": 16, "spellcheck": "true"}),
        help_text="Markdown, with fields in braces. A link to unsubscribe and who we are is added below.",
    )
    sender = forms.CharField(max_length=400, required=False, label="From", widget=forms.Select)
    replyTo = forms.CharField(
        max_length=300,
        required=False,
        label="Replies go to",
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off", "placeholder": "The same address"}),
    )
    utmCampaign = _tag("UTM campaign")
    utmSource = _tag("UTM source")
    utmMedium = _tag("UTM medium")
    utmContent = _tag("UTM content")
    utmTerm = _tag("UTM term")
    tracking = forms.BooleanField(
        required=False,
        label="Tell who opens and clicks",
        widget=forms.CheckboxInput(attrs={"role": "switch"}),
        help_text="Adds a picture that can’t be seen, and leads links over this site.",
    )
    testTo = forms.CharField(
        max_length=MAX_ADDRESSES,
        required=False,
        label="Send a test to",
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off"}),
        help_text="Up to five addresses with commas between; none means your own.",
    )
    version = forms.IntegerField(required=False, min_value=0, max_value=MAX_NUMBER, widget=forms.HiddenInput)

    def __init__(self, *args: Any, senders: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.senders = tuple(senders)
        chosen = str(self["sender"].value() or "")
        offered = [(one, one) for one in senders]
        if chosen and chosen not in senders:
            offered.append((chosen, f"{chosen} (not verified)"))
        self.fields["sender"].widget.choices = offered

    @classmethod
    def of(cls, letter: Letter, *, senders: Sequence[str], version: int | None = None) -> "ComposeForm":
        """The form as a letter fills it; one that is not stored yet has no version."""
        texts = {"subject": letter.subject, "preheader": letter.preheader, "body": letter.body, "sender": letter.sender}
        tags = {f"utm{one.name.title()}": getattr(letter.utm, one.name) for one in fields(Utm)}
        more = {"replyTo": letter.reply_to, "tracking": letter.tracking, "version": version}
        return cls(initial=texts | tags | more, senders=senders)

    def clean_body(self) -> str:
        """The letter, if it can be kept: nothing looks at one that is far too long."""
        body: str = self.cleaned_data["body"]
        if len(body.replace("\r\n", "\n").strip().encode(errors="replace")) > MAX_BODY_BYTES:
            raise forms.ValidationError(f"The text is too long; {MAX_BODY_BYTES:,} bytes are the most.")
        return body

    @property
    def refused(self) -> list[TemplateProblem]:
        """What is wrong with fields that a letter is made of."""
        made_of = [name for name in self.errors if name in self.fields and name not in OF_THE_FORM]
        return [TemplateProblem(field=name, message=str(words)) for name in made_of for words in self.errors[name]]

    @property
    def details_wrong(self) -> bool:
        """Whether something is wrong in what is folded away."""
        return any(name in self.errors for name in FOLDED)

    @property
    def typed(self) -> Mapping[str, Any]:
        """What stands in the fields, right or wrong."""
        return {name: self[name].value() or "" for name in self.fields}

    @property
    def letter(self) -> Letter:
        """The letter as typed, right or wrong."""
        typed = self.typed
        return Letter(
            subject=str(typed["subject"]).strip(),
            preheader=str(typed["preheader"]).strip(),
            sender=str(typed["sender"]).strip(),
            reply_to=str(typed["replyTo"]).strip(),
            body=str(typed["body"]).replace("\r\n", "\n").strip(),
            utm=Utm(**{one.name: str(typed[f"utm{one.name.title()}"]).strip() for one in fields(Utm)}),
            tracking=bool(typed["tracking"]) and typed["tracking"] not in ("false", "False", "0"),
        )
