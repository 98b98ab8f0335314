"""The forms of the wizard: texts as typed, with what is wrong beside them. What can be is for the domain to say."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.forms.utils import ErrorDict

from crm.domain.errors import FieldError
from crm.domain.event_drafts import YES, Step
from crm.web.forms import CrmForm


def _line(label: str, help_text: str = "", *, kind: str = "text", required: bool = False, **attrs: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"type": kind, "autocomplete": "off", **attrs})
    return forms.CharField(label=label, help_text=help_text, required=required, widget=widget)


def _switch(label: str, help_text: str) -> forms.BooleanField:
    widget = forms.CheckboxInput(attrs={"value": YES, "role": "switch"})
    return forms.BooleanField(label=label, help_text=help_text, required=False, widget=widget)


class DraftForm(CrmForm):
    """One step as it stands, whether right or wrong; it is shown, never validated: `faults` are what the domain found."""

    use_required_attribute = False
    elsewhere: ClassVar[Mapping[str, str]] = {}
    """Where faults of fields are shown that have none of their own."""
    first_field = ""
    """In which one begins to type, so it has the focus; empty where there is something to read before."""

    def __init__(self, texts: Mapping[str, str], faults: Sequence[FieldError] = (), *, problem: str = "") -> None:
        super().__init__(data=dict(texts))
        self._faults, self._problem = faults, problem
        if self.first_field and not faults:
            self.fields[self.first_field].widget.attrs["autofocus"] = True

    def full_clean(self) -> None:
        """Put each fault beside its field, and the problem above all."""
        self._errors = ErrorDict(renderer=self.renderer)
        self.cleaned_data = {}
        if self._problem:
            self._add("__all__", self._problem)
        for fault in self._faults:
            name = self.elsewhere.get(fault.field, fault.field)
            self._add(name if name in self.fields else "__all__", fault.message)

    def _add(self, name: str, message: str) -> None:
        errors = self._errors
        assert errors is not None  # noqa: S101  # full_clean has just made it
        kind = "nonfield" if name == "__all__" else None
        errors.setdefault(name, self.error_class(error_class=kind, renderer=self.renderer)).append(message)


class BasicsForm(DraftForm):
    """What it is called, and what it is about."""

    first_field = "title"
    title = _line("Title", required=True, maxlength=300)
    slug = _line(
        "Slug",
        "Its short name in addresses: small letters, digits and hyphens.",
        spellcheck="false",
        placeholder="Left empty, it is made from the title",
    )
    description = forms.CharField(
        label="Description",
        required=False,
        widget=forms.Textarea(attrs={"rows": 9, "spellcheck": "true"}),
        help_text="Markdown: an empty line begins a paragraph, **bold**, [words](https://…).",
    )


class WhenForm(DraftForm):
    """When it begins and ends, by the clocks of a place, and where."""

    first_field = "startDate"
    startDate = _line("Starts on", kind="date", required=True)
    startTime = _line("Starts at", kind="time", required=True)
    endDate = _line("Ends on", "Empty: the same day.", kind="date")
    endTime = _line("Ends at", kind="time", required=True)
    timezone = forms.CharField(
        label="Time zone",
        required=True,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text="The clocks of the place it is at, such as Europe/Stockholm.",
    )
    venue = _line("Venue", maxlength=300)
    city = _line("City", maxlength=200)
    onlineUrl = _line("Online link", "Where people join who are not there.", kind="url", placeholder="https://")


class HostsForm(DraftForm):
    """Who answers for it, who hosts it, and how many people it has room for."""

    elsewhere: ClassVar[Mapping[str, str]] = {"owner": "findOwner", "hostIds": "findHost"}

    findOwner = _line("Owner", "Answers for the event: gets the questions of attendees.", placeholder="Name or address")
    findHost = _line("Hosts", placeholder="Add a host: name or address")
    maxCapacity = _line("Seats", "Hosts need no seat. Empty: no limit.", inputmode="numeric")
    waitlist = _switch(
        "Waitlist when it is full",
        "First come, first served: who waits longest gets the seat that frees. Without it, who finds no seat is turned away.",
    )
    autoNoShow = _switch(
        "Mark who did not come",
        "Three hours after the end, who is registered and was not checked in becomes a no-show. It can be undone.",
    )

    def __init__(self, texts: Mapping[str, str], faults: Sequence[FieldError] = (), *, problem: str = "") -> None:
        self.first_field = "findHost" if texts.get("owner") else "findOwner"
        super().__init__(texts, faults, problem=problem)


class AttendeesForm(DraftForm):
    """Where its people come from."""

    filter = _line("A filter of people", "Filter people in their list, then copy its address from the browser to here.")
    findPerson = _line("One person", placeholder="Name or address")
    pasted = forms.CharField(
        label="Addresses",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One on each line, or parted by commas. Names beside them don’t matter.",
    )
    file = forms.FileField(
        label="A file of addresses",
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
        help_text="CSV or text, in any columns.",
    )


FORMS: Mapping[Step, type[DraftForm]] = {
    Step.BASICS: BasicsForm,
    Step.WHEN: WhenForm,
    Step.HOSTS: HostsForm,
    Step.ATTENDEES: AttendeesForm,
}
