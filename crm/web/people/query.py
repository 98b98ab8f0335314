"""The people filter as a query string: what the form sends made plain; what is active, each with the way to leave it out."""

from collections.abc import Callable, Mapping, Sequence

from django.http import QueryDict

from crm.domain.filters import NAMES
from crm.services.segments import SEGMENT
from crm.web.chips import Chip
from crm.web.filter_words import GROUPS, PANELS, TITLED, Said, fields_of, label_of, said
from crm.web.paging import POSITION

BASE = "base"
"""In the query string: the segment that was opened before its filter was changed."""
OPEN, FIND = "open", "find"
"""In the query string: the field whose panel is open, and what was typed there, for pages without JavaScript."""
KEPT = frozenset({"order", "limit"})
TOKENS = ("nextToken", "prevToken")
HELPERS = ("typed", "looked", "exclude", "outcome")
MIXED = "mixed"
"""What the choice of an outcome says where the campaigns that are ticked have several: each keeps its own."""


def plain_query(sent: QueryDict, known: Callable[[str, str], bool] = lambda field, text: True) -> QueryDict:
    """What the form sent, in the contract's names alone: each value once, nothing empty.

    Beside `company`, the panel of a field sends `company-typed`, what stands in its search box; `company-looked`, what its
    suggestions were last looked up for; `company-exclude`, the switch; and that of campaigns `mailed-outcome`, what became of
    those ticked. A typed text is a value of its own unless it served to look something up and that was ticked; what is none, as
    part of a title, or a text that is not `known` for the field, opens the panel with what it finds.
    """
    plain = QueryDict(mutable=True)
    for name in sent:
        field, _, helper = name.partition("-")
        if field in PANELS and helper in HELPERS:
            continue
        values = [value for value in dict.fromkeys(sent.getlist(name)) if value.strip() or name not in NAMES | KEPT]
        if values:
            plain.setlist(name, values)
    for field in PANELS:
        typed, looked = (sent.get(f"{field}-{helper}", "").strip() for helper in ("typed", "looked"))
        values = plain.getlist(field)
        if typed and (typed != looked or not values):
            if field in TITLED or not known(field, typed):
                plain[OPEN], plain[FIND] = field, typed
            else:
                values = list(dict.fromkeys([*values, typed]))
        if (outcome := sent.get(f"{field}-outcome", MIXED)) != MIXED:
            values = [_with_outcome(value, outcome) for value in values]
        if f"{field}-exclude" in sent:
            plain.setlist(f"{field}Not", list(dict.fromkeys([*plain.getlist(f"{field}Not"), *values])))
            values = []
        _set(plain, field, values)
        _set(plain, f"{field}Not", plain.getlist(f"{field}Not"))
    return plain


def _with_outcome(value: str, outcome: str) -> str:
    """A campaign with another outcome, "" for the one that needs no word.

    >>> _with_outcome("c1:opened", "clicked"), _with_outcome("c1:opened", "")
    ('c1:clicked', 'c1')
    """
    return f"{value.partition(':')[0]}:{outcome}".rstrip(":")


def filter_query(query: QueryDict) -> QueryDict:
    """Only the filter of it: for the audience of a campaign."""
    return _chosen(query, NAMES | {SEGMENT})


def list_query(query: QueryDict) -> QueryDict:
    """The filter and the order, without the place in the list: for the file of it."""
    return _chosen(query, NAMES | KEPT | {SEGMENT})


def state_query(query: QueryDict) -> QueryDict:
    """The filter, the order and the segment it came from: for links that lead to another filter."""
    return _chosen(query, NAMES | KEPT | {SEGMENT, BASE})


def page_query(query: QueryDict, first: str = POSITION) -> QueryDict:
    """The same and the page of the list, whose first number stands under `first`: for the way back to that page."""
    page = state_query(query)
    for name in TOKENS:
        if token := query.get(name, ""):
            page[name], page[POSITION] = token, query.get(first, "")
    return page


def values_of(query: QueryDict) -> dict[str, list[str]]:
    """The filter's fields as `parse_filter` takes them."""
    return {name: query.getlist(name) for name in query if name in NAMES}


def chips_of(query: QueryDict, names: Mapping[str, str] | None) -> list[Chip]:
    """What is active, in words. `names` are those of what it mentions by id; None where nobody looked."""
    values, chips = values_of(query), []
    for group in GROUPS:
        for one in said(group, values, names):
            without = state_query(query)
            for field in fields_of(group):
                _set(without, field, [value for value in query.getlist(field) if one.values and value not in one.values])
            left = f"?{without.urlencode()}"
            chips.append(Chip(label=one.label, value=one.value, query=left, exclude=one.exclude, out=one.out))
    return chips


def active_groups(query: QueryDict, names: Mapping[str, str] | None) -> list[tuple[str, QueryDict]]:
    """Each active group in words, with the list that leaves it out."""
    values, found = values_of(query), []
    for group in GROUPS:
        if conditions := said(group, values, names):
            without = state_query(query)
            for field in fields_of(group):
                without.pop(field, None)
            found.append((_words(group, conditions), without))
    return found


def _words(group: str, conditions: Sequence[Said]) -> str:
    """A group in words, as something that can be left out. What has a phrase of its own is said by that."""
    if any(one.label not in {label_of(group), "or"} for one in conditions):
        return ", ".join(f"{one.label} {one.value}" for one in conditions)
    no = "not " if group.endswith("Not") else ""
    texts = [one.value for one in conditions]
    return f"“{texts[0]}”" if group == "q" else f"{label_of(group)} {no}{_either(texts)}"


def _chosen(query: QueryDict, names: frozenset[str]) -> QueryDict:
    chosen = QueryDict(mutable=True)
    for name in query:
        if name in names:
            chosen.setlist(name, query.getlist(name))
    return chosen


def _set(query: QueryDict, name: str, values: Sequence[str]) -> None:
    if values:
        query.setlist(name, list(values))
    else:
        query.pop(name, None)


def _either(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"
