"""An audience in words: the filter as chips, and the sum from who matches to who will receive it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.http import urlencode

from crm.domain.campaigns import Audience
from crm.domain.filters import PeopleFilter, filter_values
from crm.domain.people import EmailStatus
from crm.store import Store

LABELS = {
    "company": "Company",
    "jobTitle": "Job title",
    "city": "City",
    "state": "State",
    "tag": "Tag",
    "attends": "Attends",
    "mailed": "Got",
    "q": "Search",
    "emailStatus": "E-mail status",
}
COUNTS = {"hostedEventCount": "Hosted", "attendedEventCount": "Attended"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One condition in words; `exclude` means that it must not hold."""

    label: str
    value: str
    exclude: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One number of the sum, with the query string that leads to exactly those people; empty where there can be none."""

    sign: str
    number: int
    words: str
    query: str


def chips(store: Store, wanted: PeopleFilter) -> list[Chip]:
    """Return the filter in words, with the names of events and campaigns; two requests where it has any."""
    values = filter_values(wanted)
    names = _names(store, values)
    out = []
    for name, typed in values.items():
        plain = name.removesuffix("Not")
        if plain in LABELS:
            out += [Chip(label=LABELS[plain], value=names.get(value, value), exclude=name != plain) for value in typed]
    return out + [chip for name, label in COUNTS.items() if (chip := _range(values, name, label))]


def _range(values: Mapping[str, Sequence[str]], name: str, label: str) -> Chip | None:
    low, high = (values.get(f"{name}{end}", [""])[0] for end in ("Min", "Max"))
    if not low and not high:
        return None
    words = low if low == high else f"{low} or more" if not high else f"{low or 0} to {high}"
    return Chip(label=label, value=f"{words} events")


def _names(store: Store, values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    events = [*values.get("attends", ()), *values.get("attendsNot", ())]
    campaigns = [*values.get("mailed", ()), *values.get("mailedNot", ())]
    names = {event.id: event.title for event in store.events.get_many(events).values()} if events else {}
    return names | (store.campaigns.subjects(campaigns) if campaigns else {})


def terms(wanted: PeopleFilter, audience: Audience) -> list[Term]:
    """Return matched − unsubscribed − bounced − complained = will receive."""
    out = [Term(sign="", number=audience.matched, words="match the filter", query=people_query(wanted))]
    for status in (EmailStatus.UNSUBSCRIBED, EmailStatus.BOUNCED, EmailStatus.COMPLAINED):
        query = people_query(wanted, status) if not wanted.email_status or status in wanted.email_status else ""
        out.append(Term(sign="−", number=audience.suppressed.get(status.value, 0), words=status.value, query=query))
    will = people_query(wanted, EmailStatus.MAILABLE)
    return [*out, Term(sign="=", number=audience.will_receive, words="will receive it", query=will)]


def people_query(wanted: PeopleFilter, status: EmailStatus | None = None, **more: str) -> str:
    """Return the query string of the list of these people, of those with one e-mail status where it is given."""
    values = filter_values(wanted) | {name: [value] for name, value in more.items()}
    if status is not None:
        values["emailStatus"] = [status.value]
    return f"?{urlencode(values, doseq=True)}"
