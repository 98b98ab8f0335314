"""An uploaded file, opened as it was found or chosen to be read: its beginning, and what its columns become."""

from dataclasses import dataclass

from crm.domain.errors import RuleViolation
from crm.domain.imports import Import
from crm.services.files import Files
from crm.services.import_columns import Column, check_usable, knows_any, named, recognise
from crm.services.import_columns import choose as chosen_columns
from crm.services.import_parts import source_of
from crm.services.import_source import XLSX, Source, find_kind, read
from crm.services.import_text import Open

SAMPLES = 3
SHEETS = (".xlsx", ".xlsm", ".xls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The beginning of a file: its headings, what each column becomes, and its first `SAMPLES` cells.

    The encoding of a sheet is "". Where it is not `headed`, the headings are "Column 1" and so on; `unsure`: the first row may
    be a person, for no heading is known, and nobody has chosen yet what the columns are.
    """

    headers: tuple[str, ...]
    columns: tuple[Column, ...]
    samples: tuple[tuple[str, ...], ...]
    encoding: str
    delimiter: str
    guessed: bool
    headed: bool
    unsure: bool
    described: str


def found(open_: Open, name: str) -> Source:
    """Return an uploaded file as it is found to be. RuleViolation where it can't be used, also for text that is called a sheet
    of Excel and is no list of people; one that is, is read as what it is.
    """
    kind = find_kind(open_)
    if kind == XLSX or not name.lower().endswith(SHEETS):
        return read(open_, kind=kind)
    try:
        source = read(open_, kind=kind)
        check_usable(source, recognise(source))
    except RuleViolation:
        raise RuleViolation(
            "This is no Excel sheet, though it is named like one, and no list of people is found in it. Open it in the program "
            "it comes from, save it as an Excel sheet (.xlsx) or as “CSV UTF-8”, then try again."
        ) from None
    return source


def opened(files: Files, imported: Import) -> Source:
    """Return the file as it was chosen to be read. Raises NotFound once it is deleted, RuleViolation where that can't be."""
    return read(
        lambda: files.open(source_of(imported.id)),
        kind=imported.kind,
        encoding=imported.encoding,
        delimiter=imported.delimiter,
        guessed=imported.guessed,
        headed=imported.headed,
    )


def columns_of(source: Source, imported: Import) -> tuple[Column, ...]:
    """Return what the columns are: as chosen, else as recognised. RuleViolation where that can't be."""
    return recognise(source) if imported.columns is None else chosen_columns(source, imported.columns)


def look(files: Files, imported: Import) -> Look:
    """Return the beginning of the file, with the columns as chosen, also where that can't be. Raises NotFound, RuleViolation."""
    source = opened(files, imported)
    columns = recognise(source) if imported.columns is None else named(source, imported.columns)
    return Look(
        headers=source.headers,
        columns=columns,
        samples=tuple(_samples(source, column) for column in columns),
        encoding=source.encoding,
        delimiter=source.delimiter,
        guessed=source.guessed,
        headed=source.headed,
        unsure=source.headed and imported.columns is None and not knows_any(source.headers),
        described=source.described,
    )


def _samples(source: Source, column: Column) -> tuple[str, ...]:
    return tuple(row.cells[column.index].strip() if column.index < len(row.cells) else "" for row in source.sample[:SAMPLES])
