"""People as CSV, for pages and commands alike: exactly a filter, all of it, safe and right in a spreadsheet."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo

from crm.domain.errors import RuleViolation
from crm.domain.filters import Order, PeopleFilter, filter_values
from crm.domain.people import TAGS_APART, Person
from crm.services.audit import note
from crm.store import Store

ALSO_APART = (",", "|")
"""What stands between tags in a cell without a semicolon, as other programs write it."""
BOM = "\ufeff"  # by which Excel knows UTF-8
COLUMNS = {
    "firstName": "First name",
    "lastName": "Last name",
    "email": "Email",
    "phoneNumber": "Phone",
    "company": "Company",
    "jobTitle": "Job title",
    "city": "City",
    "state": "State",
    "tags": "Tags",
    "hostedEventCount": "Events hosted",
    "attendedEventCount": "Events attended",
    "emailStatus": "Email status",
    "createdAt": "Added",
    "updatedAt": "Changed",
    "id": "ID",
}
"""What a file can hold, by the API's names, with headings that the import recognises again."""
SEPARATORS = {"comma": ",", "semicolon": ";"}
"""What may stand between cells: Excel takes semicolons where the comma is the decimal sign (Germany, Sweden, France …)."""
BROKEN = "THIS FILE IS NOT COMPLETE: reading broke off here. Download it again."

# A formula (OWASP, CSV injection, with the full-width signs of East Asian keyboards), or digits that are shown as another number:
# without their zeros, or rounded.
_TURNED = re.compile(r"'*(?:[=+\-@\t\r\n＝＋－＠]|(?:0[0-9]+|[0-9]{12,})\Z)")


class _Line:
    """A file that gives back what is written, one line at a time."""

    def write(self, text: str) -> str:
        return text


def safe_cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula or turns into another number; numbers and None stay as they are.

    >>> safe_cell("=1+1"), safe_cell("+46 31 555"), safe_cell("0701555019"), safe_cell(-3), safe_cell("Ångström")
    ("'=1+1", "'+46 31 555", "'0701555019", -3, 'Ångström')
    """
    return f"'{value}" if isinstance(value, str) and _TURNED.match(value) else value


def plain_cell(text: str) -> str:
    """The cell as it was before `safe_cell`, trimmed: what an import reads.

    >>> plain_cell(" '+46 31 555 "), plain_cell("'0701555019"), plain_cell("'tis"), plain_cell("''=1")
    ('+46 31 555', '0701555019', "'tis", "'=1")
    """
    trimmed = text.strip()
    return trimmed[1:] if trimmed.startswith("'") and _TURNED.match(trimmed[1:]) else trimmed


def tags_cell(tags: Sequence[str]) -> str:
    """Tags as one cell, between semicolons; one tag with a comma or bar in it has a semicolon behind it, so that it stays one.

    >>> tags_cell(["speaker", "host, 2026"]), tags_cell(["host, 2026"]), tags_cell(["speaker"])
    ('speaker; host, 2026', 'host, 2026;', 'speaker')
    """
    alone = len(tags) == 1 and any(sign in tags[0] for sign in ALSO_APART)
    return f"{TAGS_APART} ".join(tags) + (TAGS_APART if alone else "")


def csv_lines(header: Iterable[str], rows: Iterable[Sequence[object]], *, mark: str = BOM, separator: str = ",") -> Iterator[str]:
    """The lines of the file, header first; rows are read as the lines are taken. `mark` stands before all of it.

    Where reading the rows fails, the last line says so and the error goes on, so that the connection breaks off too.
    """
    writer = csv.writer(_Line(), delimiter=separator)
    yield mark + str(writer.writerow([safe_cell(value) for value in header]))
    try:
        for row in rows:
            yield str(writer.writerow([safe_cell(value) for value in row]))
    except Exception:
        yield str(writer.writerow([BROKEN]))
        raise


def columns_named(names: Iterable[str]) -> tuple[str, ...]:
    """The columns of these names in this order, each once; all where none is named. RuleViolation for a name that is none."""
    chosen = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if unknown := [name for name in chosen if name not in COLUMNS]:
        raise RuleViolation(f"There is no column “{unknown[0][:40]}”; use some of {', '.join(COLUMNS)}.", field="column")
    return chosen or tuple(COLUMNS)


def headings(columns: Iterable[str]) -> list[str]:
    """The first line of the file."""
    return [COLUMNS[name] for name in columns]


def export_people(
    store: Store,
    wanted: PeopleFilter,
    *,
    order: Order = Order.SOURCE,
    columns: Sequence[str] = tuple(COLUMNS),
    zone: tzinfo = UTC,
    actor: str,
    now: datetime,
) -> Iterator[tuple[object, ...]]:
    """Note in the audit log who takes which columns of which fields' filter, and return the rows as `people_rows` does."""
    rows = people_rows(store, wanted, order=order, columns=columns, zone=zone)
    fields = " ".join(sorted(filter_values(wanted)))
    note(store, "people.exported", actor=actor, now=now, filter=fields, columns=len(columns))
    return rows


def people_rows(
    store: Store,
    wanted: PeopleFilter,
    *,
    order: Order = Order.SOURCE,
    columns: Sequence[str] = tuple(COLUMNS),
    zone: tzinfo = UTC,
) -> Iterator[tuple[object, ...]]:
    """A row under `columns` for everybody who matches, read page by page as the rows are taken; times in `zone`.

    The first page is read before this returns, so that an error is still an error and not half a file.
    """
    people = store.people.walk(wanted, order=order)
    first = next(people, None)
    return _rows(first, people, columns, zone)


def _rows(first: Person | None, rest: Iterator[Person], columns: Sequence[str], zone: tzinfo) -> Iterator[tuple[object, ...]]:
    if first is not None:
        yield row_of(first, columns, zone)
        for person in rest:
            yield row_of(person, columns, zone)


_CELLS: dict[str, Callable[[Person], object]] = {
    "firstName": lambda person: person.profile.first_name,
    "lastName": lambda person: person.profile.last_name,
    "email": lambda person: person.profile.email,
    "phoneNumber": lambda person: person.profile.phone_number,
    "company": lambda person: person.profile.company,
    "jobTitle": lambda person: person.profile.job_title,
    "city": lambda person: person.profile.city,
    "state": lambda person: person.profile.state,
    "tags": lambda person: tags_cell(person.profile.tags),
    "hostedEventCount": lambda person: person.hosted_event_count,
    "attendedEventCount": lambda person: person.attended_event_count,
    "emailStatus": lambda person: person.email_status.value,
    "createdAt": lambda person: person.created_at,
    "updatedAt": lambda person: person.updated_at,
    "id": lambda person: person.id,
}


def row_of(person: Person, columns: Sequence[str] = tuple(COLUMNS), zone: tzinfo = UTC) -> tuple[object, ...]:
    """One person under these columns; a time is written as spreadsheets in every language take it for one, in `zone`."""
    values = (_CELLS[name](person) for name in columns)
    return tuple(f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value for value in values)
