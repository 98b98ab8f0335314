"""A letter before it is sent: what its short texts become for one reader, and which gaps it leaves for others."""

from collections import Counter
from collections.abc import Iterable, Mapping

from liquid import BoundTemplate

from crm.domain.campaigns import Letter
from crm.jobs.merge import MERGE_ERRORS, NOTHING, PLAIN, TEXT_FIELDS, Nothing, values

MARKS = {name: chr(0xE000 + place) for place, name in enumerate(TEXT_FIELDS)}
"""A character of nobody's alphabet for each field: an empty one prints it where it is printed at all."""


def merged(text: str, fields: Mapping[str, str | int]) -> str:
    """Return a short text merged on one line; as it was typed where it can't be merged."""
    try:
        return " ".join(PLAIN.from_string(text).render(values(fields, "")).split())
    except MERGE_ERRORS:
        return text


def blanks(letter: Letter, people: Iterable[Mapping[str, str | int]]) -> dict[str, int]:
    """Return `{field: people}`: for how many a field is empty and printed nevertheless, without a default or a condition.

    Empty for a letter that can't be merged.
    """
    try:
        templates = [PLAIN.from_string(text) for text in (letter.subject, letter.preheader, letter.body)]
    except MERGE_ERRORS:
        return {}
    found = Counter(name for fields in people for name in _printed_empty(templates, fields))
    return {name: found[name] for name in TEXT_FIELDS if found[name]}


def _printed_empty(templates: Iterable[BoundTemplate], fields: Mapping[str, str | int]) -> set[str]:
    marked = {
        name: Nothing(MARKS[name]) if value is NOTHING else value
        for name, value in values(fields, "https://example.org/").items()
    }
    try:
        text = "".join(template.render(marked) for template in templates)
    except MERGE_ERRORS:
        return set()
    return {name for name, mark in MARKS.items() if mark in text}
