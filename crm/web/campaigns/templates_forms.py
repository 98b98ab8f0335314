"""The form of a template."""

from typing import Any

from django import forms

from crm.domain.campaigns import MAX_BODY_BYTES, MAX_SUBJECT
from crm.domain.templates import MAX_NAME, Template
from crm.web.forms import CrmForm, FormIdField


class TemplateForm(CrmForm):
    """A name, and the texts that letters start from. `version` is that of the template read; `templateId` the id of a new one."""

    name = forms.CharField(max_length=MAX_NAME, widget=forms.TextInput({"autocomplete": "off"}), help_text="For staff alone.")
    subject = forms.CharField(max_length=MAX_SUBJECT, required=False, help_text="One line; it may stay empty.")
    preheader = forms.CharField(
        max_length=MAX_SUBJECT,
        required=False,
        help_text="What many mail programs show behind the subject.",
    )
    body = forms.CharField(
        label="Letter",
        strip=False,
        max_length=MAX_BODY_BYTES,
        widget=forms.Textarea(attrs={"class": "letter", "rows": 18, "spellcheck": "true"}),
        help_text="Markdown, with fields in braces such as {{ firstName }}.",
    )
    version = forms.IntegerField(required=False, min_value=0, max_value=10**9, widget=forms.HiddenInput)
    templateId = FormIdField()

    @classmethod
    def of(cls, template: Template, **changes: Any) -> "TemplateForm":
        """The form as a template fills it, with some values of their own."""
        names = ("name", "subject", "preheader", "body", "version")
        return cls(initial={name: getattr(template, name) for name in names} | changes)

    def over(self, version: int) -> "TemplateForm":
        """The form as typed; sent again, it replaces this version."""
        form = TemplateForm({**{name: self.data.get(name, "") for name in self.fields}, "version": str(version)})
        form.is_valid()
        return form

    def template(self, template_id: str) -> Template:
        """What was typed, under that id."""
        typed = self.cleaned_data
        return Template(
            id=template_id,
            name=typed["name"],
            subject=typed["subject"],
            preheader=typed["preheader"],
            body=typed["body"],
            version=typed["version"] if typed["version"] is not None else -1,
        )
