"""A file of people, text or sheet: its headings, its first rows, and all of them as a stream."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from crm.domain.errors import RuleViolation
from crm.domain.people import ADDRESS
from crm.services.export import plain_cell
from crm.services.import_encoding import ENCODINGS, Encoding, chosen_encoding, find_encoding
from crm.services.import_sheet import examine, is_workbook, sheet_rows
from crm.services.import_text import DELIMITERS, MAX_COLUMNS, Open, Row, find_delimiter, records

CSV, XLSX = "csv", "xlsx"
SAMPLE_ROWS = 200
_ZIP = b"PK\x03\x04"
_NOT_TEXT = (
    (b"\xd0\xcf\x11\xe0", "an old Excel file, or one with a password"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a compressed file"),
    (b"PK", "a zip file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
)
_OTHER_TEXT = (
    (re.compile(rb"\{\s*(?:\"|\})|\[\s*[\[{]"), "JSON"),
    (re.compile(rb"(?i)<(?:!doctype html|html|head|body|table)\b"), "a web page"),
    (re.compile(rb"<\?xml\b"), "an XML file"),
    (re.compile(rb"(?i)BEGIN:VCARD\b"), "a file of address cards"),
)
"""How text begins that is no table, behind a mark and blanks."""
_HEAD = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file as it was found or chosen to be. `sample`: its first rows; `guessed`: the encoding may be wrong.

    `encoding` and `delimiter` are empty for a sheet. Rows are without the headings and without blank ones. Where it is not
    `headed`, the first row is one like the others, and `headers` are "Column 1", "Column 2" ….
    """

    kind: str
    headers: tuple[str, ...]
    sample: tuple[Row, ...]
    encoding: str = ""
    delimiter: str = ""
    guessed: bool = False
    headed: bool = True
    open: Open = field(repr=False)
    read: Callable[[], Iterator[Row]] = field(repr=False)

    def rows(self) -> Iterator[Row]:
        """Give all rows from the first one on, reading the file as they are taken.

        RuleViolation at the row behind which nothing can be read.
        """
        rows = (row for row in self.read() if not row.is_blank)
        return islice(rows, 1 if self.headed else 0, None)

    @property
    def described(self) -> str:
        """How it was read, in words."""
        headings = "" if self.headed else ", no headings"
        if self.kind == XLSX:
            return f"an Excel sheet{headings}"
        name = ENCODINGS.get(self.encoding, self.encoding)
        delimiter = DELIMITERS.get(self.delimiter, repr(self.delimiter))
        return f"{name}{' (a guess)' if self.guessed else ''}, {delimiter}{headings}"


def find_kind(open_: Open) -> str:
    """Return "csv" or "xlsx"; RuleViolation in words for what is neither, or is empty."""
    with open_() as file:
        head = file.read(_HEAD)
        if head.startswith(_ZIP):
            file.seek(0)
            if is_workbook(file):
                file.seek(0)
                examine(file)
                return XLSX
    if what := _no_table(head):
        raise RuleViolation(f"This is {what}, not a CSV file or an Excel sheet. Save the sheet as “CSV UTF-8”, then try again.")
    with open_() as file:
        while piece := file.read(1 << 16):
            if piece.strip():
                return CSV
    raise RuleViolation("The file is empty.")


def _no_table(head: bytes) -> str:
    """What a file is that can't be a table, by how it begins; empty where it may be one."""
    for mark, what in _NOT_TEXT:
        if head.startswith(mark):
            return what
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for sign, what in _OTHER_TEXT:
        if sign.match(text):
            return what
    return "something other than text" if _is_binary(head) else ""


def _is_binary(head: bytes) -> bool:
    """Whether NULs stand all over it; those of UTF-16 stand at every other place."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    return min(even, odd) > len(head) / 20 and not head.startswith((b"\xff\xfe", b"\xfe\xff"))


def read(
    open_: Open,
    *,
    kind: str = "",
    encoding: str = "",
    delimiter: str = "",
    guessed: bool = False,
    headed: bool | None = None,
) -> Source:
    """Return the file that `open_` opens; what is not given is found out. Only its beginning is kept.

    RuleViolation with a sentence for staff where it can't be used: empty, not text, another encoding, nothing in it. What is
    wrong further down, `rows` tells.
    """
    if (kind or find_kind(open_)) == XLSX:
        return _begun(open_, XLSX, lambda: sheet_rows(open_), None, "", headed)
    used = chosen_encoding(open_, encoding, guessed=guessed) if encoding else find_encoding(open_)
    between = delimiter or find_delimiter(open_, used)
    return _begun(open_, CSV, lambda: records(open_, used, between), used, between, headed)


def _begun(
    open_: Open,
    kind: str,
    rows: Callable[[], Iterator[Row]],
    encoding: Encoding | None,
    delimiter: str,
    headed: bool | None,
) -> Source:
    """The source with its headings, if it has any, and first rows."""
    filled = (row for row in rows() if not row.is_blank)
    head = next(filled, None)
    if head is None:
        raise RuleViolation("The file has nothing in it but blank rows.")
    if len(head.cells) > MAX_COLUMNS:
        raise RuleViolation(f"The file has more than {MAX_COLUMNS} columns, the most for one import. Take out some.")
    if any("\0" in cell for cell in head.cells):
        raise RuleViolation(
            "The file has NUL characters in its first row: it is damaged, or not text. Save it again as “CSV UTF-8”."
        )
    below = tuple(islice(filled, SAMPLE_ROWS))
    headed = not _is_person(head) if headed is None else headed
    if headed and not below:
        raise RuleViolation("The file has headings, but no row under them.")
    return Source(
        kind=kind,
        headers=tuple(cell.strip() for cell in head.cells) if headed else _numbered(kind, (head, *below)),
        sample=below if headed else (head, *below)[:SAMPLE_ROWS],
        encoding=encoding.name if encoding else "",
        delimiter=delimiter,
        guessed=encoding.guessed if encoding else False,
        headed=headed,
        open=open_,
        read=rows,
    )


def _is_person(row: Row) -> bool:
    """Whether there is an address in it: no heading is one."""
    return any(ADDRESS.fullmatch(plain_cell(cell)) for cell in row.cells)


def _numbered(kind: str, rows: Iterable[Row]) -> tuple[str, ...]:
    """Names for the columns of a file without headings. In text most rows have as many cells as there are columns: one that has
    more is not in quotation marks, perhaps. A sheet has no cells behind the last one that is filled.
    """
    widths = Counter(len(row.cells) for row in rows if len(row.cells) <= MAX_COLUMNS)
    width = max(widths) if kind == XLSX else max(widths, key=lambda cells: (widths[cells], cells))
    return tuple(f"Column {place}" for place in range(1, width + 1))
