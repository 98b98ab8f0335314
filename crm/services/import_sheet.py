"""A sheet of Excel as a stream of rows, as one sees them in it; what it unpacks to is looked at before anything is believed."""

import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import iterparse
from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader, _find_workbook_part
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.worksheet._reader import WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from crm.domain.errors import RuleViolation
from crm.services.import_text import MAX_CELL, MAX_COLUMNS, MAX_RECORD, Row

MAX_UNPACKED = 2_000_000_000
MAX_STRINGS = 500_000_000
MAX_OTHER = 50_000_000
MAX_WHOLE, MAX_TAGS = 10_000_000, 100_000
"""Bytes unpacked: all of it, the shared strings, every other part; and bytes and tags of what is read into memory as a whole."""
MAX_ALIVE = 20_000
"""Elements in memory at once: those of one cell, or before the first row, or of one shared text."""
MAX_CELLS = 50_000_000
"""Cells of a sheet, empty ones too."""
MAX_RATIO = 400
SMALL = 20_000_000
"""Bytes of which the ratio does not matter."""
MAX_RUN = 1_000_000
"""Bytes without a tag between them."""
MAX_ROW, MAX_COLUMN = 1_048_576, 16_384
"""What Excel itself has."""
PIECE = 1 << 18
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, ParseError, EOFError, OSError),
    *(ValueError, KeyError, IndexError, TypeError, AttributeError, RuntimeError, NotImplementedError, OverflowError),
)
"""What reading a broken or hostile workbook raises, in openpyxl, zipfile and the XML parser."""


def is_workbook(file: BinaryIO) -> bool:
    """Tell whether a zip file is a workbook of Excel; RuleViolation where it can't be opened."""
    try:
        with zipfile.ZipFile(file) as archive:
            return "[Content_Types].xml" in archive.namelist() and any(name.startswith("xl/") for name in archive.namelist())
    except _DAMAGED:
        raise _broken() from None


def examine(file: BinaryIO) -> None:
    """RuleViolation unless the workbook unpacks to a reasonable size, without entities. Unpacks it once, in pieces."""
    with _told(), zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        packed, unpacked = sum(part.compress_size for part in parts), sum(part.file_size for part in parts)
        if unpacked > MAX_UNPACKED or (unpacked > SMALL and unpacked > MAX_RATIO * max(packed, 1)):
            raise RuleViolation(
                f"The file unpacks to {unpacked // 1_000_000:,} MB, which no list of people needs. "
                "Copy the sheet into a new file, or save it as “CSV UTF-8”."
            )
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                _examine_part(archive, part)


def sheet_rows(open_: Callable[[], BinaryIO]) -> Iterator[Row]:
    """Give the rows of the first sheet that has any, with Excel's numbers; blank ones are left out."""
    with _told(), open_() as file:
        reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
        reader.read_manifest()
        if not _read_whole(_find_workbook_part(reader.package).PartName):
            raise ValueError
        reader.read_workbook()
        apply_stylesheet(reader.archive, reader.wb)
        with _Strings(reader) as strings:
            for sheet, rel in reader.parser.find_sheets():
                if "worksheet" not in rel.Type or sheet.state != "visible" or rel.target not in reader.valid_files:
                    continue
                any_row = False
                for row in _rows(reader, rel.target, strings):
                    if not row.is_blank:
                        any_row = True
                        yield row
                if any_row:
                    return


def _rows(reader: Any, path: str, strings: "_Strings") -> Iterator[Row]:
    """The rows of one sheet. openpyxl's own loop keeps something of each row; this one nothing."""
    book = reader.wb
    with reader.archive.open(path) as source:
        parser = WorkSheetParser(
            source,
            strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        for number, cells in _cells(source, parser):
            yield Row(number=number, cells=_texts(book, number, cells))


def _cells(source: BinaryIO, parser: Any) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The cells of each row that have a value. Each is forgotten once it is read: a row may have millions."""
    inside: list[Any] = []
    cells: list[dict[str, Any]] = []
    alive = read = 0
    for event, element in iterparse(source, events=("start", "end"), forbid_dtd=True):
        name = element.tag.rpartition("}")[2]
        if event == "start":
            alive += 1
            if alive > MAX_ALIVE:
                raise _too_much()
            if name == "sheetData" or (name == "row" and inside):
                inside.append(element)
            if name == "row":
                number = int(element.get("r") or parser.row_counter + 1)
                if not parser.row_counter < number <= MAX_ROW or len(inside) != 2:
                    raise ValueError
                parser.row_counter, parser.col_counter, cells = number, 0, []
        elif name == "c" and len(inside) == 2:
            cell, read = parser.parse_cell(element), read + 1
            if not 1 <= cell["column"] <= MAX_COLUMN or len(cells) > MAX_COLUMN:
                raise ValueError
            if read > MAX_CELLS:
                raise _too_much()
            if cell["value"] is not None:
                cells.append(cell)
            inside[-1].clear()
            alive = 0
        elif name == "row":
            yield parser.row_counter, cells
            inside.pop()
            inside[-1].clear()
            alive = 0
        elif name == "sheetData":
            return


def _texts(book: Any, number: int, cells: list[dict[str, Any]]) -> tuple[str, ...]:
    """The texts of a row, empty ones where there is no cell; what stands farther out than any list has columns comes last."""
    texts: dict[int, str] = {}
    length = 0
    for cell in cells:
        text = _text(cell["value"], _format(book, cell))[: MAX_CELL + 1]
        texts[min(cell["column"], MAX_COLUMNS + 1)] = text
        length += len(text)
        if length > MAX_RECORD:
            raise RuleViolation(f"Row {number} has more than {MAX_RECORD:,} characters, which is no person. Nothing was read.")
    return tuple(texts.get(column, "") for column in range(1, max(texts, default=0) + 1))


def _format(book: Any, cell: dict[str, Any]) -> str:
    """The number format of a cell of digits: some write zeros before them."""
    if not cell["style_id"] or not isinstance(cell["value"], int) or isinstance(cell["value"], bool):
        return ""
    number = book._cell_styles[cell["style_id"]].numFmtId
    if number < BUILTIN_FORMATS_MAX_SIZE:
        return str(BUILTIN_FORMATS.get(number, ""))
    return str(book._number_formats[number - BUILTIN_FORMATS_MAX_SIZE])


def _text(value: object, shown: str = "") -> str:
    """A value as one sees it: no telephone number as 4.6E+10, no midnight behind a date.

    >>> _text(46701234567.0), _text(datetime(2026, 5, 4)), _text(True), _text(2.5), _text(7, "00000")
    ('46701234567', '2026-05-04', 'TRUE', '2.5', '00007')
    """
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value).zfill(len(shown)) if shown and set(shown) == {"0"} else str(value)
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
        case datetime():
            return value.date().isoformat() if value.time() == time.min else value.isoformat(" ", "minutes")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("minutes")
        case timedelta():
            return str(value)
        case _:
            return str(value)


class _Strings:
    """The texts that cells share, by number: in a temporary database on disk, for there may be as many as cells."""

    def __init__(self, reader: Any) -> None:
        self._kept = sqlite3.connect("")
        self._kept.execute("CREATE TABLE shared (number INTEGER PRIMARY KEY, text TEXT)")
        part = reader.package.find(SHARED_STRINGS)
        if part is not None:
            with reader.archive.open(part.PartName[1:]) as source:
                self._kept.executemany("INSERT INTO shared VALUES (?, ?)", enumerate(_shared(source)))

    def __getitem__(self, number: int) -> str:
        found = self._kept.execute("SELECT text FROM shared WHERE number = ?", [number]).fetchone()
        if found is None:
            raise IndexError(number)
        return str(found[0])

    def __enter__(self) -> "_Strings":
        return self

    def __exit__(self, *error: object) -> None:
        self._kept.close()


def _shared(source: BinaryIO) -> Iterator[str]:
    root, alive = None, 0
    for event, element in iterparse(source, events=("start", "end"), forbid_dtd=True):
        if event == "start":
            root = element if root is None else root
            alive += 1
            if alive > MAX_ALIVE:
                raise _too_much()
        elif element.tag == f"{{{SHEET_MAIN_NS}}}si":
            yield str(Text.from_tree(element).content).replace("x005F_", "")
            alive = 0
            if root is not None:
                root.clear()


def _examine_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Unpack one part in pieces: no more than its kind may have, no declarations of entities, no endless text."""
    most = _most(part.filename)
    most_tags = MAX_TAGS if _read_whole(part.filename) else most
    size, run, tags, tail = 0, 0, 0, b""
    with archive.open(part) as source:
        while piece := source.read(PIECE):
            size += len(piece)
            tags += piece.count(b"<")
            last = piece.rfind(b"<")
            run = run + len(piece) if last < 0 else len(piece) - last
            if size > most or run > MAX_RUN or tags > most_tags:
                raise _too_much()
            if b"<!" in tail + piece and any(word in tail + piece for word in (b"<!DOCTYPE", b"<!ENTITY")):
                raise _broken()
            tail = piece[-10:]


def _most(name: str) -> int:
    """How many bytes a part may unpack to."""
    if _read_whole(name):
        return MAX_WHOLE
    return MAX_UNPACKED if "worksheets/" in name else MAX_STRINGS if "sharedStrings" in name else MAX_OTHER


def _read_whole(name: str) -> bool:
    """Whether a part is read into memory: the lists of parts and sheets, and the styles."""
    last = name.rpartition("/")[2]
    return last.endswith(".rels") or last.startswith("workbook") or last in {"[Content_Types].xml", "styles.xml"}


@contextmanager
def _told() -> Iterator[None]:
    """Whatever a broken workbook raises becomes one sentence."""
    try:
        yield
    except _DAMAGED:
        raise _broken() from None


def _broken() -> RuleViolation:
    return RuleViolation(
        "This Excel file can’t be read: it is damaged, or has a password. Open it in Excel and save the sheet as “CSV UTF-8”."
    )


def _too_much() -> RuleViolation:
    return RuleViolation(
        "The file unpacks to more than a list of people needs. Copy the sheet into a new file, or save it as “CSV UTF-8”."
    )
