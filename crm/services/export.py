"""People as CSV, for pages and commands alike: exactly a filter, all of it, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from crm.domain.filters import Order, PeopleFilter
from crm.domain.people import Person
from crm.store import Store

BOM = "\ufeff"  # by which Excel knows UTF-8
COLUMNS = (
    "First name",
    "Last name",
    "Email",
    "Phone",
    "Company",
    "Job title",
    "City",
    "State",
    "Tags",
    "Events hosted",
    "Events attended",
    "Email status",
    "Added",
    "Changed",
    "ID",
)
"""Headings that the import recognises again."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    """A file that gives back what is written, one line at a time."""

    def write(self, text: str) -> str:
        return text


def safe_cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection); numbers and None stay as they are.

    >>> safe_cell("=1+1"), safe_cell("+46 31 555"), safe_cell(-3), safe_cell("Ångström")
    ("'=1+1", "'+46 31 555", -3, 'Ångström')
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def plain_cell(text: str) -> str:
    """The cell as it was before `safe_cell`, trimmed: what an import reads.

    >>> plain_cell(" '+46 31 555 "), plain_cell("'tis")
    ('+46 31 555', "'tis")
    """
    trimmed = text.strip()
    return trimmed[1:] if trimmed.startswith("'") and trimmed[1:].startswith(_FORMULA) else trimmed


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]], *, mark: str = BOM) -> Iterator[str]:
    """The lines of the file, header first; rows are read as the lines are taken. `mark` stands before all of it."""
    writer = csv.writer(_Line())
    yield mark + str(writer.writerow([safe_cell(value) for value in header]))
    for row in rows:
        yield str(writer.writerow([safe_cell(value) for value in row]))


def people_rows(store: Store, wanted: PeopleFilter, *, order: Order = Order.SOURCE) -> Iterator[tuple[object, ...]]:
    """A row under COLUMNS for everybody who matches, read page by page as the rows are taken.

    The first page is read before this returns, so that an error is still an error and not half a file.
    """
    people = store.people.walk(wanted, order=order)
    first = next(people, None)
    return _rows(first, people)


def _rows(first: Person | None, rest: Iterator[Person]) -> Iterator[tuple[object, ...]]:
    if first is not None:
        yield row_of(first)
        yield from map(row_of, rest)


def row_of(person: Person) -> tuple[object, ...]:
    """One person under COLUMNS."""
    profile = person.profile
    return (
        profile.first_name,
        profile.last_name,
        profile.email,
        profile.phone_number,
        profile.company,
        profile.job_title,
        profile.city,
        profile.state,
        "; ".join(profile.tags),
        person.hosted_event_count,
        person.attended_event_count,
        person.email_status.value,
        _stamp(person.created_at),
        _stamp(person.updated_at),
        person.id,
    )


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
