"""An audience in words: the filter as chips, and the sum from who matches to who will receive it, each number a link."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.http import urlencode

from crm.domain.campaigns import Audience
from crm.domain.errors import RuleViolation
from crm.domain.filters import PeopleFilter, filter_values, parse_filter
from crm.domain.people import EmailStatus
from crm.services import audiences, filter_names
from crm.services.exclusions import gone
from crm.services.group_names import opens
from crm.store import Store
from crm.web.filter_words import filter_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One number of the sum, with the query string that leads to exactly those people; empty where no list shows them."""

    sign: str
    number: int
    words: str
    query: str


def audience_context(store: Store, wanted: PeopleFilter, *, viewer: str = "") -> dict[str, Any]:
    """What campaigns/_audience.html shows of a filter, counted now. `audience` has the numbers, `people_query` leads to all."""
    names = filter_names.names(store, [wanted], viewer=viewer)
    equation = audiences.equation(store, wanted, names)
    return {
        "audience": equation.audience,
        "terms": _shown(equation.terms, names),
        "sample": audiences.people_of(store, equation.sample),
        "chips": filter_words(filter_values(wanted), names),
        "missing": bool(gone(store, wanted)),
        "left_out": sum(equation.audience.excluded.values()),
        "people_query": people_query(wanted),
        "names": names,
    }


def accepted_terms(wanted: PeopleFilter, audience: Audience, names: Mapping[str, str]) -> list[Term]:
    """The sum as it was when a campaign was accepted; the links lead to who stands where by now. No request."""
    return _shown(audiences.terms(wanted, audience, names), names)


def people_query(wanted: PeopleFilter, status: EmailStatus | None = None, **more: str) -> str:
    """Return the query string of the list of these people, of those with one e-mail status where it is given."""
    values = filter_values(wanted) | {name: [value] for name, value in more.items()}
    if status is not None:
        values["emailStatus"] = [status.value]
    return f"?{urlencode(values, doseq=True)}"


def people_link(wanted: PeopleFilter, names: Mapping[str, str]) -> str:
    """Return the query string of the list of these people; empty where no address holds it, or where it would not open for
    whom `names` are.
    """
    if not opens(wanted, names):
        return ""
    try:
        parse_filter(filter_values(wanted))
    except RuleViolation:
        return ""
    return people_query(wanted)


def _shown(terms: tuple[audiences.Term, ...], names: Mapping[str, str]) -> list[Term]:
    return [
        Term(sign=term.sign, number=term.number, words=term.words, query=people_link(term.wanted, names) if term.wanted else "")
        for term in terms
    ]
