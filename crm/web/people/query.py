"""The people filter as a query string: what the filter form sends made plain, and what is active said in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from crm.domain.filters import NAMES, NUMBERS

FACETS = {"company": "Company", "jobTitle": "Job title", "city": "City", "state": "State", "tag": "Tag"}
RANGES = {"attendedEventCount": "Attended", "hostedEventCount": "Hosted"}
WORDS = {
    "q": "Begins with",
    "emailStatus": "E-mail",
    "attends": "Attends",
    "attendsNot": "Attends",
    "mailed": "Was mailed",
    "mailedNot": "Was mailed",
    "selected": "Selection",
    "id": "Person",
}
GROUPS = ("q", *[name for facet in FACETS for name in (facet, f"{facet}Not")], *RANGES, *[name for name in WORDS if name != "q"])
"""What is active, in the order of its chips; the two ends of a range are one group."""
KEPT = frozenset({"order", "limit"})
HELPERS = ("typed", "looked", "exclude")


@dataclass(frozen=True, slots=True)
class Chip:
    """One active value: `query` is the list without it."""

    label: str
    value: str
    exclude: bool
    query: str


def plain_query(sent: QueryDict) -> QueryDict:
    """What the form sent, in the contract's names alone: each value once, nothing empty.

    Beside `company`, the panel of a field sends `company-typed`, what stands in its search box; `company-looked`, what its
    suggestions were last looked up for; and `company-exclude`, the switch. A typed text is a value of its own unless it served to
    look something up and that was ticked.
    """
    plain = QueryDict(mutable=True)
    for name in sent:
        field, _, helper = name.partition("-")
        if field in FACETS and helper in HELPERS:
            continue
        values = [value for value in dict.fromkeys(sent.getlist(name)) if value.strip() or name not in NAMES | KEPT]
        if values:
            plain.setlist(name, values)
    for field in FACETS:
        typed, looked = (sent.get(f"{field}-{helper}", "").strip() for helper in ("typed", "looked"))
        values = plain.getlist(field)
        if typed and (typed != looked or not values):
            values = list(dict.fromkeys([*values, typed]))
        if f"{field}-exclude" in sent:
            plain.setlist(f"{field}Not", list(dict.fromkeys([*plain.getlist(f"{field}Not"), *values])))
            values = []
        _set(plain, field, values)
        _set(plain, f"{field}Not", plain.getlist(f"{field}Not"))
    return plain


def filter_query(query: QueryDict) -> QueryDict:
    """Only the filter of it: for the CSV link and the audience of a campaign."""
    return _chosen(query, NAMES)


def list_query(query: QueryDict) -> QueryDict:
    """The filter and the order, without the place in the list."""
    return _chosen(query, NAMES | KEPT)


def values_of(query: QueryDict) -> dict[str, list[str]]:
    """The filter's fields as `parse_filter` takes them."""
    return {name: query.getlist(name) for name in query if name in NAMES}


def chips_of(query: QueryDict, titles: Mapping[str, str]) -> list[Chip]:
    """What is active, in words. `titles` are names for ids of events and campaigns."""
    chips = []
    for group in GROUPS:
        for place, (value, without) in enumerate(_active(query, group)):
            label = "or" if place and not group.endswith("Not") else label_of(group)
            chips.append(Chip(label, titles.get(value, value), group.endswith("Not"), f"?{without.urlencode()}"))
    return chips


def active_groups(query: QueryDict) -> list[tuple[str, QueryDict]]:
    """Each active group in words, with the list that leaves it out."""
    found = []
    for group in GROUPS:
        values = [value for value, _ in _active(query, group)]
        if values:
            no = "not " if group.endswith("Not") else ""
            words = f"“{values[0]}”" if group == "q" else f"{label_of(group)} {no}{_either(values)}"
            found.append((words, _without(query, _fields(group))))
    return found


def label_of(group: str) -> str:
    """The word on a chip."""
    return {**FACETS, **RANGES, **WORDS}.get(group) or FACETS[group.removesuffix("Not")]


def field_words(name: str) -> str:
    """A field of the filter as its form calls it.

    >>> field_words("attendedEventCountMin"), field_words("companyNot"), field_words("order")
    ('“from” of Attended', 'Company', 'order')
    """
    for field, label in RANGES.items():
        if name in _fields(field):
            return f"“{'from' if name.endswith('Min') else 'to'}” of {label}"
    return {**FACETS, **WORDS}.get(name.removesuffix("Not"), name)


def range_words(low: str, high: str) -> str:
    """A range as one says it.

    >>> range_words("3", ""), range_words("", "5"), range_words("2", "5"), range_words("2", "2"), range_words("", "")
    ('3 or more', 'at most 5', '2 to 5', 'exactly 2', '')
    """
    if low and high:
        return f"exactly {low}" if low == high else f"{low} to {high}"
    return f"{low} or more" if low else f"at most {high}" if high else ""


def _active(query: QueryDict, group: str) -> list[tuple[str, QueryDict]]:
    """The values of a group in words, each with the query that leaves it out."""
    listed = list_query(query)
    if group in RANGES:
        words = range_words(query.get(f"{group}Min", ""), query.get(f"{group}Max", ""))
        return [(words, _without(listed, _fields(group)))] if words else []
    out = []
    for value in query.getlist(group):
        without = listed.copy()
        _set(without, group, [one for one in query.getlist(group) if one != value])
        out.append((value, without))
    return out


def _fields(group: str) -> tuple[str, ...]:
    return (f"{group}Min", f"{group}Max") if f"{group}Min" in NUMBERS else (group,)


def _without(query: QueryDict, names: Sequence[str]) -> QueryDict:
    left = list_query(query)
    for name in names:
        left.pop(name, None)
    return left


def _chosen(query: QueryDict, names: frozenset[str]) -> QueryDict:
    chosen = QueryDict(mutable=True)
    for name in query:
        if name in names:
            chosen.setlist(name, query.getlist(name))
    return chosen


def _set(query: QueryDict, name: str, values: list[str]) -> None:
    if values:
        query.setlist(name, values)
    else:
        query.pop(name, None)


def _either(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"
