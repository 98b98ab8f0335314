"""The filter bar of the analytics: what is chosen, what can be, and the ranges one wants most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpRequest, QueryDict

from crm.domain.emails import EmailState
from crm.domain.metrics import QUERY_NAMES, EmailQuery, parse_email_query
from crm.services.analytics import Choice

LABELS = {
    "status": "Status",
    "campaign_id": "Campaign",
    "utm_campaign": "UTM campaign",
    "utm_source": "UTM source",
    "utm_medium": "UTM medium",
}
RANGES = (("7 days", 7), ("30 days", 30), ("Quarter", 91), ("Year", 365))
OFFERED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One value of a select or a list of suggestions."""

    value: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the bar: its first value stands in it, more than one (from an address) are kept as hidden ones."""

    name: str
    label: str
    value: str
    more: Sequence[str]
    options: Sequence[Option]

    @property
    def select(self) -> bool:
        """Whether only what is offered makes sense."""
        return self.name in {"status", "campaign_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One active value; `query` is the page without it."""

    label: str
    value: str
    query: str
    exclude: bool = False


def chosen(request: HttpRequest, zone: str) -> EmailQuery:
    """Return what the address asks for. RuleViolation names bad values."""
    return parse_email_query({name: request.GET.getlist(name) for name in QUERY_NAMES}, zone=zone)


def fields(request: HttpRequest, choices: Mapping[str, Sequence[Choice]], subjects: Mapping[str, str]) -> list[Field]:
    """Return the fields as the address fills them, with what the range offers."""
    out = []
    for name, label in LABELS.items():
        given = [value for value in request.GET.getlist(name) if value]
        options = [_option(choice, subjects if name == "campaign_id" else {}) for choice in choices.get(name, ())[:OFFERED]]
        if name == "status":
            options = [Option(value=state.value, words=state.value.capitalize()) for state in EmailState]
        missing = [value for value in given[:1] if value not in {option.value for option in options}]
        options = [*(Option(value=value, words=subjects.get(value, value)) for value in missing), *options]
        out.append(Field(name=name, label=label, value=given[0] if given else "", more=given[1:], options=options))
    return out


def _option(choice: Choice, subjects: Mapping[str, str]) -> Option:
    return Option(
        value=choice.value, words=f"{subjects.get(choice.value, choice.value) or 'Without a subject'} · {choice.count:,}"
    )


def chips(request: HttpRequest, subjects: Mapping[str, str]) -> list[Chip]:
    """Return what is active, each with the way to leave it out."""
    out = []
    for name, label in LABELS.items():
        for value in dict.fromkeys(one for one in request.GET.getlist(name) if one):
            left = [one for one in request.GET.getlist(name) if one and one != value]
            out.append(Chip(label=label, value=subjects.get(value, value), query=_query(request.GET, **{name: left})))
    return out


def ranges(request: HttpRequest, today: date) -> list[tuple[str, str, bool]]:
    """Return (words, query string, whether it is what one sees) of the usual ranges."""
    here = (request.GET.get("start_date", ""), request.GET.get("end_date", ""))
    out = []
    for words, days in RANGES:
        ends = ((today - timedelta(days=days - 1)).isoformat(), today.isoformat())
        out.append((words, _query(request.GET, start_date=[ends[0]], end_date=[ends[1]]), here == ends))
    return [*out, ("All", _query(request.GET, start_date=[], end_date=[]), here == ("", ""))]


def address(request: HttpRequest, first: date, last: date, status: str) -> str:
    """Return the query string of the e-mails of some days with one status."""
    return _query(request.GET, start_date=[first.isoformat()], end_date=[last.isoformat()], status=[status])


def _query(query: QueryDict, **changes: list[str]) -> str:
    """The address with some fields changed; the place in the list is lost, a step stays."""
    changed = QueryDict(mutable=True)
    for name in (*sorted(QUERY_NAMES), "step"):
        values = changes.get(name, [value for value in query.getlist(name) if value])
        changed.setlist(name, values)
    return f"?{changed.urlencode()}"
