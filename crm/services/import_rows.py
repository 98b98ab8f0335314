"""What the rows of a file say about whom: the filled cells of each, by address. No reads, no writes."""

from collections.abc import Mapping
from dataclasses import dataclass

from crm.domain.errors import RuleViolation
from crm.domain.people import ADDRESS, TAGS_APART
from crm.services.export import ALSO_APART, plain_cell, tags_cell
from crm.services.import_columns import FULL_NAME
from crm.services.import_text import Row

PARTICLES = frozenset(
    {"af", "al", "av", "bin", "da", "das", "de", "dei", "del", "della", "den", "der", "di", "do"}
    | {"dos", "du", "el", "la", "le", "los", "ten", "ter", "van", "von", "zu"}
)
"""Small words that belong to the last name behind them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The rows of one address in the order of the file, each with the cells that are filled, by field."""

    address: str
    rows: list[tuple[Row, dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Unusable:
    """A row that says nothing about anybody, and why."""

    row: Row
    reason: str


def values_of(row: Row, fields: Mapping[int, str], width: int) -> dict[str, str]:
    """The filled cells of a row by field, an address among them; RuleViolation says why the row is of no use."""
    if any(cell.strip() for cell in row.cells[width:]):
        raise RuleViolation(
            f"The row has {len(row.cells)} cells, the headings are {width}; "
            "perhaps a text with the delimiter in it is not in quotation marks."
        )
    if any("\0" in cell for cell in row.cells):
        raise RuleViolation("The row has NUL characters in it: it is damaged.")
    cells = [(field, plain_cell(row.cells[index])) for index, field in fields.items() if index < len(row.cells)]
    values = {field: cell for field, cell in cells if cell and field != "tags"}
    if tags := [tag for field, cell in cells if field == "tags" for tag in split_tags(cell)]:
        values["tags"] = tags_cell(tags)
    address = values.get("email", "")
    if not address:
        raise RuleViolation("There is no address.")
    if not ADDRESS.fullmatch(address):
        raise RuleViolation(f"“{address[:80]}” is not an e-mail address; it should look like name@example.org.")
    if whole := values.pop(FULL_NAME, ""):
        values["firstName"], values["lastName"] = split_name(whole)
        if not values["lastName"]:
            raise RuleViolation(f"“{whole[:80]}” is one word; first and last name are needed.")
    return values


def split_name(whole: str) -> tuple[str, str]:
    """Cut a name into first and last: at a comma, else before the last word and the small words that belong to it.

    >>> split_name("Ada King Lovelace"), split_name("Lovelace, Ada"), split_name("Ludwig van Beethoven"), split_name("Cher")
    (('Ada King', 'Lovelace'), ('Ada', 'Lovelace'), ('Ludwig', 'van Beethoven'), ('Cher', ''))
    """
    if "," in whole:
        last, _, first = whole.partition(",")
        return (first.strip(), last.strip()) if first.strip() else (last.strip(), "")
    words = whole.split()
    cut = len(words) - 1
    while cut > 1 and words[cut - 1] in PARTICLES:
        cut -= 1
    return (" ".join(words[:cut]), " ".join(words[cut:])) if cut > 0 else (whole.strip(), "")


def split_tags(cell: str) -> tuple[str, ...]:
    """The tags in a cell: between semicolons, else between commas or bars.

    >>> split_tags("speaker; host, 2026"), split_tags("speaker, host"), split_tags("")
    (('speaker', 'host, 2026'), ('speaker', 'host'), ())
    """
    between = next((sign for sign in (TAGS_APART, *ALSO_APART) if sign in cell), TAGS_APART)
    return tuple(tag.strip() for tag in cell.split(between) if tag.strip())
