"""The form of the last look: when a campaign goes out, by which clocks, and how many were promised to get it."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings

from crm.domain.errors import RuleViolation
from crm.domain.local_times import ZONES, comes_twice, moment_of, parse_day, parse_time
from crm.web.campaigns.forms import MAX_NUMBER
from crm.web.forms import CrmForm

TURNS = [("first", "The first time"), ("second", "The second time, an hour later")]


class SendForm(CrmForm):
    """When a campaign goes out. `turn` says which one is meant of a time that clocks show twice; `twice` that this is asked."""

    when = forms.ChoiceField(
        choices=[("now", "Now"), ("at", "At a time")],
        initial="now",
        widget=forms.RadioSelect,
        label="When",
        error_messages={"required": "Choose “Now” or “At a time”.", "invalid_choice": "Choose “Now” or “At a time”."},
    )
    sendAt = forms.CharField(
        required=False,
        max_length=40,
        label="Date and time",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "class": "w-auto"}),
    )
    zone = forms.CharField(
        required=False,
        max_length=100,
        label="Time zone",
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "class": "w-auto"}),
    )
    turn = forms.ChoiceField(choices=TURNS, required=False, widget=forms.RadioSelect, label="Which of the two")
    expected = forms.IntegerField(required=False, min_value=0, max_value=MAX_NUMBER, widget=forms.HiddenInput)

    twice = False
    send_at: datetime | None = None
    """The moment that was chosen, in UTC; None for now, and while something is wrong."""

    def clean(self) -> dict[str, Any]:
        """A time must be given where it is wanted, must exist there, once, and must be to come."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("when") == "at" and not {"sendAt", "zone"} & set(self.errors):
            name = cleaned["zone"].strip() or settings.CRM_TIME_ZONE
            if name not in ZONES:
                self.add_error("zone", "Use the name of a zone, such as Europe/Stockholm.")
            elif not cleaned["sendAt"].strip():
                self.add_error("sendAt", "Say when, or choose “Now”.")
            else:
                self._read(cleaned["sendAt"].strip(), ZoneInfo(name), cleaned.get("turn") or "")
        return cleaned

    def _read(self, text: str, zone: ZoneInfo, turn: str) -> None:
        """Find the moment that is meant, or say why there is none."""
        try:
            day, at = parse_day(text[:10]), parse_time(text[11:])
            moment = moment_of(day, at, zone)
            if comes_twice(day, at, zone):
                self.twice = True
                if not turn:
                    raise RuleViolation(f"Clocks go back then, so {at:%H:%M} comes twice in {zone.key}. Say which is meant.")
                moment = moment_of(day, at, zone, after=moment) if turn == "second" else moment
        except RuleViolation as error:
            self.add_error("sendAt", error.message)
            return
        now = datetime.now(UTC)
        if moment <= now:
            self.add_error("sendAt", f"That time is past: in {zone.key} it is {now.astimezone(zone):%H:%M on %-d %B %Y} now.")
            return
        self.send_at = moment
