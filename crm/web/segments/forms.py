"""The form of a segment."""

from typing import Any

from django import forms
from django.contrib.auth.models import User

from crm.domain.segments import MAX_NAME
from crm.staff import why_not
from crm.web.forms import CrmForm, FormIdField

SHARED_HELP = "All staff see it; whoever may change people may change it."


class SegmentForm(CrmForm):
    """Its name, and for whom it is. `version` is that of the segment read; `segmentId` the id of a new one."""

    name = forms.CharField(max_length=MAX_NAME, widget=forms.TextInput({"autocomplete": "off"}))
    shared = forms.BooleanField(required=False, label="For everybody", help_text=SHARED_HELP)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    segmentId = FormIdField()

    def __init__(self, *arguments: Any, user: User, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if not user.has_perm("crm.edit_people"):
            self.fields["shared"].disabled = True
            self.fields["shared"].help_text = why_not(user, "crm.edit_people")
