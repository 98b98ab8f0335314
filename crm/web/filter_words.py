"""A people filter in words: the same on the list of people, in a segment and over a campaign's audience."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
}
GONE = {
    "attends": "an event that is gone",
    "mailed": "a campaign that is gone",
    "selected": "a selection that is gone",
    "id": "somebody who is gone",
}
PANELS = {**FACETS, **TITLED}
GROUPS = ("q", *[name for field in PANELS for name in (field, f"{field}Not")], *RANGES, "emailStatus", "selected", "id")
"""What a filter says, in the order in which it is said; the two ends of a range are one group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One condition in words; `exclude` means that it must not hold. `values` are those of the query string it stands for."""

    label: str
    value: str
    exclude: bool = False
    values: tuple[str, ...] = ()


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
    gone = GONE.get(group.removesuffix("Not"))
    return [
        Said(
            label="or" if place and not exclude else label_of(group),
            value=value if gone is None or names is None else names.get(value, gone),
            exclude=exclude,
            values=(value,),
        )
        for place, value in enumerate(given)
    ]


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
