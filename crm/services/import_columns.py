"""Which column of a file is what: found by its heading in many languages, else by what stands in it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from crm.domain.errors import RuleViolation
from crm.domain.folding import fold
from crm.domain.people import ADDRESS, LABELS
from crm.services.import_headings import HEADINGS
from crm.services.import_text import Row

FULL_NAME = "name"
FIELDS = {
    "firstName": LABELS["firstName"],
    "lastName": LABELS["lastName"],
    FULL_NAME: "Full name",
    **{field: label for field, label in LABELS.items() if field not in ("firstName", "lastName")},
}
"""What a column can become, with its label: the fields of a profile, and a name in one piece."""


class Headed(Protocol):
    """A file with its headings, or names for its columns, and some first rows."""

    @property
    def headers(self) -> tuple[str, ...]:
        """The headings, trimmed; "Column 1" and so on where there are none."""

    @property
    def headed(self) -> bool:
        """Whether it has headings."""

    @property
    def sample(self) -> tuple[Row, ...]:
        """The first rows."""


def bare(heading: str) -> str:
    """A heading as it is compared: folded, letters and digits alone.

    >>> bare("E-Mail Address "), bare("Förnamn")
    ('emailaddress', 'fornamn')
    """
    return "".join(c for c in fold(heading) if c.isalnum())


_KNOWN = {bare(heading): field for field, headings in HEADINGS.items() for heading in headings.split(",")}
_KNOWN |= {bare(name): name for name in FIELDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its place, its heading, what it becomes ("" is left out), and why."""

    index: int
    header: str
    field: str = ""
    why: str = ""

    @property
    def title(self) -> str:
        """The heading, or where the column stands if it has none."""
        return self.header or f"Column {self.index + 1}"


def knows_any(headers: Sequence[str]) -> bool:
    """Return whether any of the headings is known; where none is, the first row may be a person."""
    return any(bare(header) in _KNOWN for header in headers)


def headings_key(headers: Sequence[str]) -> str:
    """Return a hash of the headings as they compare: what is remembered for files that have the same ones."""
    return hashlib.sha256("\n".join(bare(header) for header in headers).encode(errors="replace")).hexdigest()


def headings_of(source: Headed, columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the headings; of a file without, such by which the columns are known if its rows are imported under them."""
    if source.headed:
        return source.headers
    return tuple(FIELDS[column.field] if column.field else column.title for column in columns)


def recognise(source: Headed) -> tuple[Column, ...]:
    """Return every column of the file with what it most likely becomes. Each field is given once, tags excepted."""
    columns: list[Column] = []
    taken: set[str] = set()
    for index, header in enumerate(source.headers):
        field = _KNOWN.get(bare(header), "")
        if field and field in taken and field != "tags":
            columns.append(Column(index=index, header=header, why=f"another column is {FIELDS[field].lower()} already"))
            continue
        taken.add(field)
        columns.append(Column(index=index, header=header, field=field, why=f"same as “{FIELDS[field].lower()}”" if field else ""))
    columns = _with_name_settled(columns)
    return tuple(columns if "email" in taken else _by_content(source, columns))


def choose(source: Headed, chosen: Mapping[int, str]) -> tuple[Column, ...]:
    """Return the columns as somebody chose them; RuleViolation where that can't be."""
    columns = named(source, chosen)
    if unknown := next((column.field for column in columns if column.field and column.field not in FIELDS), None):
        raise RuleViolation(f"There is no field “{unknown[:40]}”; use one of {', '.join(FIELDS)}.")
    for field in {column.field for column in columns} - {"", "tags"}:
        titles = [f"“{column.title}”" for column in columns if column.field == field]
        if len(titles) > 1:
            raise RuleViolation(f"{' and '.join(titles)} can’t both be {FIELDS[field].lower()}; leave one of them out.")
    return columns


def named(source: Headed, chosen: Mapping[int, str]) -> tuple[Column, ...]:
    """Return the columns as chosen, whether or not that can be."""
    return tuple(
        column
        if chosen.get(column.index, "") == column.field
        else replace(column, field=chosen.get(column.index, ""), why="chosen" if chosen.get(column.index) else "left out by you")
        for column in recognise(source)
    )


def name_columns(source: Headed, wanted: Mapping[str, str]) -> tuple[Column, ...]:
    """Return the columns: those in `{field: heading}` as told, the rest as recognised; RuleViolation for an unknown heading."""
    places = {bare(header): index for index, header in reversed(list(enumerate(source.headers)))}
    chosen = {column.index: column.field for column in recognise(source) if column.field not in wanted}
    for field, heading in wanted.items():
        if bare(heading) not in places:
            raise RuleViolation(f"There is no column “{heading[:80]}” for {field}. The file has: {listed(source.headers)}.")
        chosen[places[bare(heading)]] = field
    return choose(source, chosen)


def check_usable(source: Headed, columns: Sequence[Column]) -> None:
    """RuleViolation unless one column holds addresses; it names the headings that were found."""
    if any(column.field == "email" for column in columns):
        return
    if not source.headed:
        raise RuleViolation("No column holds e-mail addresses. Say which one it is.")
    if any(ADDRESS.fullmatch(header) for header in source.headers):
        raise RuleViolation("The first row is read as headings, but is a person. Say so under “Not right?”.")
    raise RuleViolation(
        f"No column holds e-mail addresses. The file has: {listed(source.headers)}. Say which one it is, or name it “Email”."
    )


def listed(headers: Sequence[str]) -> str:
    """The headings in a sentence, shortened where there are many or they are long."""
    shown = [f"“{header[:60]}”" if header else "(no heading)" for header in headers[:12]]
    return ", ".join(shown) + (f" and {len(headers) - 12} more" if len(headers) > 12 else "")


def _with_name_settled(columns: list[Column]) -> list[Column]:
    """Decide what a column for the whole name is: that, or beside one part the other part, or beside both nothing."""
    parts = {column.field for column in columns} & {"firstName", "lastName"}
    settled = []
    for column in columns:
        if column.field == FULL_NAME:
            missing = {"firstName", "lastName"} - parts
            if not parts:
                column = replace(column, why="split: the last word is the last name")
            elif len(missing) == 1 and " " not in column.header.strip():
                other = "last" if missing == {"firstName"} else "first"
                column = replace(column, field=missing.pop(), why=f"the {other} name has a column of its own")
            else:
                column = replace(column, field="", why="the name has columns of its own")
        settled.append(column)
    return settled


def _by_content(source: Headed, columns: list[Column]) -> list[Column]:
    """Take the unnamed column in which most cells look like addresses for the address."""
    for column in columns:
        cells = [row.cells[column.index].strip() for row in source.sample if column.index < len(row.cells)]
        filled = [cell for cell in cells if cell]
        alike = sum(bool(ADDRESS.fullmatch(cell)) for cell in filled)
        if not column.field and not ADDRESS.fullmatch(column.header) and filled and alike > len(filled) / 2:
            found = replace(column, field="email", why="looks like addresses")
            return [found if one.index == column.index else one for one in columns]
    return columns
