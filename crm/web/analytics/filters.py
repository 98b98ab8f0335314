"""The filter bar of the analytics: what is chosen, what can be, and the ranges one wants most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.http import QueryDict

from crm.domain.emails import EmailState
from crm.domain.errors import FieldError, RuleViolation
from crm.domain.mail_domains import OTHER
from crm.domain.metrics import NONE, QUERY_NAMES, EmailQuery, parse_email_query
from crm.domain.outcomes import Hits, Outcome
from crm.services.analytics import Choice
from crm.web.analytics.links import Links
from crm.web.chips import Chip

LABELS = {
    "status": "Status",
    "campaign_id": "Campaign",
    "utm_campaign": "UTM campaign",
    "utm_source": "UTM source",
    "utm_medium": "UTM medium",
    "domain": "Domain",
}
LISTED = {
    Outcome.SENT: "sent or uncertain",
    Outcome.DELIVERED: "delivered",
    Outcome.OPENED: "opened by people",
    Outcome.NOT_OPENED: "not opened by people",
    Outcome.CLICKED: "clicked by people",
    Outcome.NOT_CLICKED: "not clicked by people",
    Outcome.OPENED_ANY: "opened, programs too",
    Outcome.CLICKED_ANY: "clicked, programs too",
    Outcome.BOUNCED: "bounced",
    Outcome.COMPLAINED: "complained about",
    Outcome.UNSUBSCRIBED: "unsubscribed from",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "skipped",
    Outcome.UNCERTAIN: "uncertain",
}
"""What e-mails of a list have in common, behind their number."""
OTHERS = {("domain", OTHER): "all others", **{(name, NONE): "none" for name in ("utm_campaign", "utm_source", "utm_medium")}}
"""Values that are not what they say."""
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
class Preset:
    """A range that one wants often; `days` says which days these are, `here` that one sees them."""

    name: str
    days: str
    query: str
    here: bool


def chosen(given: QueryDict, zone: str) -> EmailQuery:
    """Return what the address asks for. RuleViolation names bad values."""
    return parse_email_query({name: given.getlist(name) for name in QUERY_NAMES}, zone=zone)


def hits_of(given: QueryDict) -> Hits:
    """Return whose hits count. The switch sends `all`, and `people` behind it when it is on. RuleViolation for other words."""
    word = given.get("hits") or Hits.PEOPLE.value
    if word not in set(Hits):
        message = f"hits must be one of {', '.join(Hits)}."
        raise RuleViolation(message, errors=[FieldError(field="hits", message=message)])
    return Hits(word)


def fields(given: QueryDict, choices: Mapping[str, Sequence[Choice]], subjects: Mapping[str, str]) -> list[Field]:
    """Return the fields as the address fills them, with what the range offers."""
    out = []
    for name, label in LABELS.items():
        values = [value for value in given.getlist(name) if value]
        options = [_option(choice, subjects if name == "campaign_id" else {}) for choice in choices.get(name, ())[:OFFERED]]
        if name == "status":
            options = [Option(value=state.value, words=state.value.capitalize()) for state in EmailState]
        missing = [value for value in values[:1] if value not in {option.value for option in options}]
        options = [*(Option(value=value, words=subjects.get(value, value)) for value in missing), *options]
        out.append(Field(name=name, label=label, value=values[0] if values else "", more=values[1:], options=options))
    return out


def _option(choice: Choice, subjects: Mapping[str, str]) -> Option:
    return Option(
        value=choice.value, words=f"{subjects.get(choice.value, choice.value) or 'Without a subject'} · {choice.count:,}"
    )


def chips(given: QueryDict, links: Links, subjects: Mapping[str, str]) -> list[Chip]:
    """Return what is active, each with the way to leave it out."""
    out = []
    for name, label in LABELS.items():
        for value in dict.fromkeys(one for one in given.getlist(name) if one):
            left = [one for one in given.getlist(name) if one and one != value]
            words = OTHERS.get((name, value)) or subjects.get(value, value)
            out.append(Chip(label=label, value=words, query=links.page(**{name: left})))
    return out


def presets(given: QueryDict, links: Links, today: date) -> list[Preset]:
    """Return the usual ranges: they end today, the last one holds everything."""
    here = (given.get("start_date", ""), given.get("end_date", ""))
    begins = {
        "7 days": today - timedelta(days=6),
        "30 days": today - timedelta(days=29),
        "Quarter": today.replace(month=today.month - (today.month - 1) % 3, day=1),
        "This year": today.replace(month=1, day=1),
    }
    out = []
    for name, begin in begins.items():
        ends = (begin.isoformat(), today.isoformat())
        query = links.page(start_date=[ends[0]], end_date=[ends[1]])
        out.append(Preset(name=name, days=f"{ends[0]} to {ends[1]}", query=query, here=here == ends))
    query = links.page(start_date=[], end_date=[])
    return [*out, Preset(name="All", days="from the first e-mail on", query=query, here=here == ("", ""))]
