"""A people filter in words: the same on the list of people, in a segment and over a campaign's audience."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from crm.domain.filters import NUMBERS

FACETS = {"company": "Company", "jobTitle": "Job title", "city": "City", "state": "State", "tag": "Tag"}
TITLED = {"attends": "Event", "mailed": "Campaign"}
"""Fields whose values are ids of things with a title."""
RANGES = {"attendedEventCount": "Attended", "hostedEventCount": "Hosted"}
WORDS = {
    "q": "Begins with",
    "attends": "Attends",
    "mailed": "Was mailed",
    "emailStatus": "E-mail",
    "selected": "From",
    "id": "Only",
    "within": "Group",
    "without": "Left out",
}
GONE = {
    "attends": "an event that is gone",
    "mailed": "a campaign that is gone",
    "selected": "a selection that is gone",
    "id": "somebody who is gone",
}
UNKNOWN = "in a group"
"""What stands for a group that nobody looked up."""
PANELS = {**FACETS, **TITLED}
GROUPS = (
    "q",
    *[name for field in PANELS for name in (field, f"{field}Not")],
    *RANGES,
    "emailStatus",
    "selected",
    "id",
    "within",
    "without",
)
"""What a filter says, in the order in which it is said; the two ends of a range are one group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One condition in words; `exclude` means that it must not hold, which the label of an `out` one says itself.

    `values` are those of the query string it stands for.
    """

    label: str
    value: str
    exclude: bool = False
    values: tuple[str, ...] = ()
    out: bool = False


def said(group: str, values: Mapping[str, Sequence[str]], names: Mapping[str, str] | None = None) -> list[Said]:
    """Return what a filter (`{contract name: values}`) says in one group: one condition per value, people chosen by id as one.

    `names` are those of events, campaigns, tasks, imports and people by id; what is not in it is gone. None: nobody looked.
    """
    exclude, given = group.endswith("Not"), tuple(values.get(group, ()))
    if group in RANGES:
        words = range_words(*(_first(values, f"{group}{end}") for end in ("Min", "Max")))
        return [Said(label=label_of(group), value=words)] if words else []
    if group == "q" and given:
        return [Said(label=label_of(group), value=" ".join(given), values=given)]
    if group == "id" and len(given) > 1:
        return [Said(label=label_of(group), value=f"{len(given):,} selected people", values=given)]
    if group in {"within", "without"}:
        return [_group(value, (names or {}).get(value, UNKNOWN), out=group == "without") for value in given]
    gone = GONE.get(group.removesuffix("Not"))
    return [
        _by_outcome(value, names[f"mailed:{value}"], exclude=exclude, more=place > 0)
        if names is not None and f"mailed:{value}" in names and group.startswith("mailed")
        else Said(
            label="or" if place and not exclude else label_of(group),
            value=value if gone is None or names is None else names.get(value, gone),
            exclude=exclude,
            values=(value,),
        )
        for place, value in enumerate(given)
    ]


def _by_outcome(value: str, phrase: str, *, exclude: bool, more: bool) -> Said:
    """A campaign by what became of it, of which several mean either.

    >>> _by_outcome("c:opened", "opened “Spring”", exclude=False, more=False).label
    'Opened'
    """
    one = _group(value, phrase, out=exclude)
    return replace(one, label=f"or {one.label.lower()}") if more and not exclude else one


def _group(value: str, phrase: str, *, out: bool) -> Said:
    """One value of `within` or `without`, of which all hold.

    >>> _group("days:14", "mailed in the last 14 days", out=True).label, _group("c", "opened “Spring”", out=False).label
    ('Not mailed', 'Opened')
    """
    first, _, rest = phrase.partition(" ")
    label = f"Not {first}" if out else f"{first[:1].upper()}{first[1:]}"
    return Said(label=label, value=rest, values=(value,), out=out)


def filter_words(values: Mapping[str, Sequence[str]], names: Mapping[str, str] | None = None) -> list[Said]:
    """Return all that a filter says, in order."""
    return [one for group in GROUPS for one in said(group, values, names)]


def label_of(group: str) -> str:
    """The word before a value."""
    plain = group.removesuffix("Not")
    return {**FACETS, **RANGES, **WORDS}[plain]


def field_words(name: str) -> str:
    """A field of the filter as its form calls it.

    >>> field_words("attendedEventCountMin"), field_words("companyNot"), field_words("attends"), field_words("order")
    ('“from” of Attended', 'Company', 'Event', 'order')
    """
    for field, label in RANGES.items():
        if name in fields_of(field):
            return f"“{'from' if name.endswith('Min') else 'to'}” of {label}"
    return {**WORDS, **PANELS}.get(name.removesuffix("Not"), name)


def fields_of(group: str) -> tuple[str, ...]:
    """The fields of the query string that a group stands for."""
    return (f"{group}Min", f"{group}Max") if f"{group}Min" in NUMBERS else (group,)


def range_words(low: str, high: str) -> str:
    """A range as one says it.

    >>> range_words("3", ""), range_words("", "5"), range_words("2", "5"), range_words("2", "2"), range_words("", "")
    ('3 or more', 'at most 5', '2 to 5', 'exactly 2', '')
    """
    if low and high:
        return f"exactly {low}" if low == high else f"{low} to {high}"
    return f"{low} or more" if low else f"at most {high}" if high else ""


def _first(values: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(values.get(name, ())), "")
