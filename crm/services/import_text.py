"""A text file of people as a stream: which encoding, which delimiter, record after record. It is never in memory whole."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, TextIO

from crm.domain.errors import RuleViolation
from crm.services.import_encoding import Encoding, decode_error

Open = Callable[[], BinaryIO]
"""Opens the file anew, at its beginning."""

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
MAX_COLUMNS = 300
MAX_CELL = 100_000
MAX_RECORD = 500_000
"""Characters of one record with all its lines."""
SAMPLE_ROWS = 50
SAMPLE = 200_000
"""Characters of the beginning in which the delimiter is looked for."""
_SEPARATOR_HINT = re.compile(r'sep=([^\r\n"])\r?\n', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+" *+')


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record. `number` is the spreadsheet's: the first record of the file is 1, headings included."""

    number: int
    cells: tuple[str, ...]

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing in any cell."""
        return not any(cell.strip() for cell in self.cells)


def find_delimiter(open_: Open, encoding: Encoding) -> str:
    """Return the delimiter that the file names itself, else the one that cuts its first rows into the same number of cells."""
    with _text(open_, encoding, errors="replace") as text:
        sample = text.read(SAMPLE)
    if hint := _SEPARATOR_HINT.match(sample):
        return hint[1]

    def fit(delimiter: str) -> float:
        rows = [row for row, _ in zip(_lenient(sample, delimiter), range(SAMPLE_ROWS), strict=False) if any(row)]
        if not rows or len(rows[0]) < 2:
            return 0.0
        return len(rows[0]) * sum(len(row) == len(rows[0]) for row in rows) / len(rows)

    return max(DELIMITERS, key=fit)


def records(open_: Open, encoding: Encoding, delimiter: str) -> Iterator[Row]:
    """Give each record with its number, blank ones too.

    RuleViolation where a quotation mark is missing, which would swallow the rows behind it, where a record is too long to be one,
    and where the file is not in that encoding.
    """
    csv.field_size_limit(MAX_CELL)
    with _text(open_, encoding) as text:
        lines = _Lines(text)
        reader = csv.reader(lines, delimiter=delimiter)
        number = 0
        while True:
            before, number = reader.line_num, number + 1
            lines.record.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except UnicodeDecodeError:
                raise decode_error(encoding) from None
            except csv.Error as error:
                raise _too_long(number, before + 1, error) from None
            ends_with_its_line = reader.line_num == before + 1 and lines.more  # so no mark in it is left open
            if not ends_with_its_line and _runs_on("".join(lines.record), delimiter):
                raise RuleViolation(
                    f"A quotation mark that opens in row {number} (line {before + 1} of the file) is never closed, so one can’t "
                    "tell where the row ends. Close or remove it. Nothing was read."
                )
            yield Row(number=number, cells=tuple(cells))


def _too_long(number: int, line: int, error: csv.Error) -> RuleViolation:
    whole = isinstance(error, _RecordTooLong)
    what = f"Row {number}, which begins" if whole else f"A cell that begins in row {number}"
    where = f"in line {line} of the file," if whole else f"(line {line} of the file)"
    most = MAX_RECORD if whole else MAX_CELL
    return RuleViolation(
        f"{what} {where} has more than {most:,} characters. Perhaps a quotation mark is missing there. Nothing was read."
    )


class _RecordTooLong(csv.Error):
    """A record has more characters than any row of people."""


@dataclass(slots=True)
class _Lines:
    """The lines of a text, one ahead of the reader. `record` has those of the record in hand; `more`: there is another line."""

    text: TextIO
    record: list[str] = field(default_factory=list)
    more: bool = True
    _next: str | None = None
    _length: int = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._read(first=True) if self._next is None else self._next
        if not line:
            raise StopIteration
        if not self.record:
            self._length = 0
        self._length += len(line)
        if self._length > MAX_RECORD:
            raise _RecordTooLong
        self.record.append(line)
        self._next = self._read()
        self.more = bool(self._next)
        return line

    def _read(self, *, first: bool = False) -> str:
        line = self.text.readline(MAX_RECORD + 1)
        return "\n" if first and _SEPARATOR_HINT.fullmatch(line) else line  # a blank row, so that the rows keep their numbers


def _text(open_: Open, encoding: Encoding, errors: str = "strict") -> io.TextIOWrapper:
    return io.TextIOWrapper(open_(), encoding=encoding.codec, errors=errors, newline="")


def _lenient(text: str, delimiter: str) -> Iterator[Sequence[str]]:
    csv.field_size_limit(MAX_CELL)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error:
        return


def _runs_on(record: str, delimiter: str) -> bool:
    """Whether a cell of it opens with a quotation mark that is not closed, or only lines later and in the midst of a cell.

    >>> _runs_on('"Bob,b@x', ","), _runs_on('"Bob,b@x\\nCarl,"Acme, Inc"', ","), _runs_on('Ada "X" Y,"a\\nb"', ",")
    (True, True, False)
    """
    place = 0
    while True:
        if record.startswith('"', place):
            cell = _QUOTED.match(record, place)
            if cell is None:
                return True
            ended = record[cell.end() : cell.end() + 1] in {"", delimiter, "\r", "\n"}
            if not ended and ("\n" in cell[0] or "\r" in cell[0]):
                return True
            place = cell.end()
        place = record.find(delimiter, place) + 1
        if not place:
            return False
