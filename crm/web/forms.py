"""Forms that look like ours and lose nothing: fields with help and errors beside them, errors summed up at the top."""

import uuid
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting

from crm.domain.errors import CrmError


def number_in(text: str, default: int = -1) -> int:
    """Return the whole number that a form sent along, such as a version or how many were seen; `default` for what is none.

    >>> number_in("12"), number_in(""), number_in("-3"), number_in("²"), number_in("0" * 5000, 0)
    (12, -1, -1, -1, 0)
    """
    return int(text) if len(text) < 10 and text.isascii() and text.isdigit() else default


class CrmBoundField(BoundField):
    """A field that wears our class, and has the focus if it is the first that is wrong."""

    CLASSES = {"checkbox": "form-check-input", "radio": "form-check-input", "select": "form-select"}

    def build_widget_attrs(self, attrs: dict[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        """Django's attributes and ours; `class` adds to what the widget has."""
        built = super().build_widget_attrs(attrs, widget)
        widget = widget or self.field.widget
        if not widget.is_hidden:
            own = self.CLASSES.get(getattr(widget, "input_type", ""), "form-control")
            built["class"] = f"{own} {widget.attrs.get('class', '')}".strip()
        if self.errors and next((name for name in self.form.fields if name in self.form.errors), None) == self.name:
            built["autofocus"] = True
        return built


class Renderer(TemplatesSetting):
    """Django's widgets, in our templates and with our classes; for the forms of other applications too."""

    form_template_name = "_form.html"
    field_template_name = "_field.html"
    bound_field_class = CrmBoundField


class CrmForm(forms.Form):
    """The base of our forms. Fields have the API's camelCase names, so that errors of the domain find them."""

    def add_crm_error(self, error: CrmError) -> None:
        """Show what the domain or the store said: at the field it names, else at the top. What was typed stays."""
        for one in error.errors:
            self.add_error(one.field if one.field in self.fields else None, one.message)
        if not error.errors:
            self.add_error(None, error.message)


class FormIdField(forms.UUIDField):
    """A hidden id made with the empty form. What is created takes it as its own, so the same form sent twice makes one thing."""

    widget = forms.HiddenInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(initial=uuid.uuid4, required=False, **kwargs)

    def clean(self, value: Any) -> str:
        """The id as text; a new one where the form came without."""
        return (super().clean(value) or uuid.uuid4()).hex
