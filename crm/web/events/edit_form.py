"""The form of one event: its fields as typed, what they mean, and where two versions differ."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict

from crm.domain.errors import CrmError, FieldError, RuleViolation
from crm.domain.event_times import zone_name
from crm.domain.events import Event
from crm.domain.local_times import ZONES, moment_of, parse_day, parse_time
from crm.domain.seats import parse_seats
from crm.web.events.edit_effects import too_few
from crm.web.forms import CrmForm

AT_FIELDS = {"startAt": "startTime", "endAt": "endTime"}
TIMES = {"startDate", "startTime", "endDate", "endTime"}
"""While one of these means nothing, start and end can't be compared."""

Part = TypeVar("Part", date, time)


def typed_of(event: Event) -> dict[str, str]:
    """An event as the form shows it: times as the clocks of its zone show them."""
    start, end = event.start_at.astimezone(event.zone), event.end_at.astimezone(event.zone)
    return {
        "title": event.title,
        "slug": event.slug,
        "description": _unix(event.description),
        "startDate": f"{start:%Y-%m-%d}",
        "startTime": f"{start:%H:%M}",
        "endDate": f"{end:%Y-%m-%d}",
        "endTime": f"{end:%H:%M}",
        "timezone": event.timezone,
        "venue": event.venue,
        "city": event.city,
        "onlineUrl": event.online_url,
        "owner": event.owner,
        "hostIds": ",".join(event.host_ids),
        "maxCapacity": "" if event.max_capacity is None else str(event.max_capacity),
        "waitlist": "on" if event.waitlist else "",
        "autoNoShow": "on" if event.auto_no_show else "",
    }


class Typed(forms.CharField):
    """A text that is marked as required; what is missing is told with everything else that is wrong."""

    def validate(self, value: Any) -> None:
        """Take it as it is."""


def _line(label: str, *, kind: str = "text", help_text: str = "", required: bool = False, **attrs: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"type": kind, "autocomplete": "off", **attrs})
    return Typed(label=label, required=required, widget=widget, help_text=help_text)


class EventForm(CrmForm):
    """What staff type about an event. Owner and hosts are ids, chosen beside it; several hosts come as several values."""

    title = _line("Title", required=True)
    slug = _line(
        "Slug",
        required=True,
        autocapitalize="none",
        spellcheck="false",
        help_text="Its short name in addresses. With another one, links to it change.",
    )
    description = forms.CharField(
        label="Description", required=False, strip=False, widget=forms.Textarea(attrs={"rows": 8}), help_text="Markdown."
    )
    startDate = _line("Starts on", kind="date", required=True)
    startTime = _line("Starts at", kind="time", required=True)
    endDate = _line("Ends on", kind="date", required=True)
    endTime = _line("Ends at", kind="time", required=True)
    timezone = _line("Time zone", required=True, list="zones", help_text="Both times are those of clocks there.")
    venue = _line("Venue")
    city = _line("City")
    onlineUrl = _line("Online link", kind="url", inputmode="url", help_text="Where to join, if it is online.")
    owner = forms.CharField(label="Owner", required=False)
    hostIds = forms.CharField(label="Hosts", required=False)
    maxCapacity = _line("Seats", inputmode="numeric")
    waitlist = forms.BooleanField(
        label="Waitlist when it is full",
        required=False,
        widget=forms.CheckboxInput(attrs={"role": "switch"}),
        help_text="First come, first served: who waits longest gets the seat that frees.",
    )
    autoNoShow = forms.BooleanField(
        label="Mark who did not come",
        required=False,
        widget=forms.CheckboxInput(attrs={"role": "switch"}),
        help_text="Three hours after the end, who is registered and was not checked in becomes a no-show. It can be undone.",
    )

    def clean_hostIds(self) -> tuple[str, ...]:
        """The ids of all values, each once, in order."""
        return split_ids(cast(QueryDict, self.data).getlist("hostIds"))

    def edited(self, old: Event) -> Event:
        """Return `old` with what was typed; RuleViolation names all that can't be. Times left alone stay to the second."""
        typed, faults = self.cleaned_data, list[FieldError]()
        text = _unix(typed["description"])
        zone = _zone(typed["timezone"].strip(), old.zone, faults)
        start = _moment(typed, "start", zone, faults, old.start_at, typed_of(old))
        end = _moment(typed, "end", zone, faults, old.end_at, typed_of(old), after=start)
        new = replace(
            old,
            title=typed["title"],
            slug=typed["slug"],
            description=old.description if text == _unix(old.description) else text,
            start_at=start,
            end_at=end,
            timezone=zone.key,
            venue=typed["venue"],
            city=typed["city"],
            online_url=typed["onlineUrl"],
            owner=typed["owner"],
            host_ids=typed["hostIds"],
            max_capacity=_seats(typed["maxCapacity"], old, faults),
            waitlist=typed["waitlist"],
            auto_no_show=typed["autoNoShow"],
        )
        if not new.owner:
            faults.append(FieldError(field="owner", message="Choose who answers for the event."))
        told = {fault.field for fault in faults}
        if told & TIMES:
            told |= {"startAt", "endAt"}
        try:
            new = new.cleaned()
        except RuleViolation as error:
            faults += [fault for fault in error.errors if fault.field not in told]
        if faults:
            raise RuleViolation(" ".join(fault.message for fault in faults), errors=faults)
        return new

    def add_fault(self, error: CrmError) -> None:
        """Show what is wrong at the fields of the form: a time has two of them."""
        moved = [replace(one, field=AT_FIELDS.get(one.field, one.field)) for one in error.errors]
        self.add_crm_error(RuleViolation(error.message, errors=moved))


def split_ids(values: list[str]) -> tuple[str, ...]:
    """
    >>> split_ids(["a,b", "b", ""])
    ('a', 'b')
    """
    return tuple(dict.fromkeys(one for value in values for one in value.replace(" ", "").split(",") if one))


def _zone(name: str, stored: ZoneInfo, faults: list[FieldError]) -> ZoneInfo:
    if name in ZONES:
        return ZoneInfo(name)
    faults.append(FieldError(field="timezone", message="Use the name of a zone, such as Europe/Stockholm."))
    return stored


def _seats(text: str, old: Event, faults: list[FieldError]) -> int | None:
    """The seats that are meant; those there were, with a fault, where that can't be or fewer than are taken."""
    try:
        number = parse_seats(text)
    except RuleViolation as error:
        faults += error.errors
        return old.max_capacity
    wrong = too_few(old, number) if number is not None else ""
    if wrong:
        faults.append(FieldError(field="maxCapacity", message=wrong))
    return old.max_capacity if wrong else number


def _moment(
    typed: Mapping[str, Any],
    name: str,
    zone: ZoneInfo,
    faults: list[FieldError],
    stored: datetime,
    shown: Mapping[str, str],
    after: datetime | None = None,
) -> datetime:
    """The moment that day and time of `name` mean; `stored` where they were left alone, and where they mean nothing."""
    day, at = _part(typed, f"{name}Date", parse_day, faults), _part(typed, f"{name}Time", parse_time, faults)
    if day is None or at is None:
        return stored
    same = (f"{day:%Y-%m-%d}", f"{at:%H:%M}", zone.key) == (shown[f"{name}Date"], shown[f"{name}Time"], shown["timezone"])
    if same:
        return stored
    try:
        return moment_of(day, at, zone, after=after)
    except RuleViolation as error:
        faults.append(FieldError(field=f"{name}Time", message=error.message))
        return stored


def _part(typed: Mapping[str, Any], field: str, parse: Callable[[str], Part], faults: list[FieldError]) -> Part | None:
    if not typed[field].strip():
        faults.append(FieldError(field=field, message=f"Choose the {'day' if field.endswith('Date') else 'time'}."))
        return None
    try:
        return parse(typed[field])
    except RuleViolation as error:
        faults.append(FieldError(field=field, message=error.message))
        return None


def _unix(text: str) -> str:
    """A text as it is kept: browsers send other line ends, and leave out a first empty line."""
    return text.replace("\r\n", "\n").strip("\n")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that two people wrote differently, as values and in words. `mine`: what one did change oneself is proposed."""

    field: str
    label: str
    yours: str
    theirs: str
    yours_words: str
    theirs_words: str
    before_words: str
    mine: bool


def differences(
    typed: Mapping[str, str], stored: Event, before: Mapping[str, str], names: Mapping[str, str]
) -> tuple[list[Difference], dict[str, str]]:
    """Where two versions differ, and the values of all other fields. `before`: what the form showed at first, as `was-…`."""
    theirs, rows, same = typed_of(stored), list[Difference](), {}
    for name, value in theirs.items():
        if typed[name] == value:
            same[name] = value
            continue
        was = before.get(f"was-{name}")
        texts = [words_of(name, text, names) for text in (typed[name], value)]
        told = "–" if was is None else words_of(name, was, names)
        mine = was is None or typed[name] != was
        rows.append(Difference(name, LABELS[name], typed[name], value, texts[0], texts[1], told, mine))
    return rows, same


LABELS = {name: str(field.label) for name, field in EventForm.base_fields.items()}


def words_of(name: str, value: str, names: Mapping[str, str]) -> str:
    """A value of the form as one reads it; `names` are those of people, by id."""
    if name in ("waitlist", "autoNoShow"):
        return "on" if value else "off"
    if name in ("owner", "hostIds"):
        return ", ".join(names.get(one, "no longer here") for one in split_ids([value])) or "(nobody)"
    if name == "maxCapacity":
        return value or "no limit"
    if name == "timezone":
        return zone_name(value)
    return value or "(emptied)"
