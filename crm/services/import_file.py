"""A file of people as text: which encoding, which delimiter, which rows. Nothing here knows what a column means."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from charset_normalizer import from_bytes

from crm.domain.errors import RuleViolation
from crm.services.import_text import Row

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Western European (Windows-1252, Latin-1)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Cyrillic (Windows-1251)",
    "cp1253": "Greek (Windows-1253)",
    "mac_roman": "Western European (Macintosh)",
    "shift_jis": "Japanese (Shift JIS)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Chinese (Big5)",
    "euc_kr": "Korean (EUC-KR)",
}
MAX_CELL = 100_000
SAMPLE_ROWS = 50
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_NOT_TEXT = (
    (b"PK\x03\x04", "an Excel or zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a compressed file"),
)
_LATIN = {"cp1250", "cp1252", "mac_roman"}
_SIGN_IN_WORD = re.compile(
    r"(?<=[^\W\d_])[^\w\s\x00-\x7f’‘´–—·](?=[^\W\d_])|(?<=[^\W\d_])[³¹¿£¯¶¼¾](?!\w)|(?<!\w)[£¯¶¿¼¾](?=[^\W\d_])"
)
_SEPARATOR_HINT = re.compile(r'sep=([^\r\n"])\r?\n', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+" *+')


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file that was read: its headings and what stands under them, without blank rows. `guessed`: the encoding may be wrong."""

    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str
    delimiter: str
    guessed: bool = False

    @property
    def sample(self) -> tuple[Row, ...]:
        """Its first rows."""
        return self.rows[:200]

    @property
    def described(self) -> str:
        """How it was read, in words."""
        name = ENCODINGS.get(self.encoding, self.encoding)
        return f"{name}{' (a guess)' if self.guessed else ''}, {DELIMITERS.get(self.delimiter, repr(self.delimiter))}"


def read(data: bytes, *, encoding: str = "", delimiter: str = "") -> SourceFile:
    """Return the file that `data` holds; what is not given is found out.

    RuleViolation with a sentence for staff where it can't be used: empty, not text, another encoding, a runaway quotation mark.
    """
    if not data.strip():
        raise RuleViolation("The file is empty.")
    for mark, what in _NOT_TEXT:
        if data.startswith(mark):
            raise RuleViolation(f"This is {what}, not a CSV file. Save the sheet as “CSV UTF-8”, then try again.")
    text, used, guessed = _decode(data, encoding)
    if hint := _SEPARATOR_HINT.match(text):
        delimiter = delimiter or hint[1]
        text = f"\n{text[hint.end() :]}"  # a blank row in its place, so that the rows keep their numbers
    delimiter = delimiter or _delimiter(text)
    records = (row for row in _records(text, delimiter) if not row.is_blank)
    head = next(records, None)
    if head is None:
        raise RuleViolation("The file has nothing in it but blank rows.")
    if any("\0" in cell for cell in head.cells):
        raise RuleViolation(
            "The file has NUL characters in its headings: it is damaged, or not text. Save it again as “CSV UTF-8”."
        )
    headers = tuple(cell.strip() for cell in head.cells)
    return SourceFile(headers=headers, rows=tuple(records), encoding=used, delimiter=delimiter, guessed=guessed)


def _decode(data: bytes, wanted: str) -> tuple[str, str, bool]:
    """The text, the encoding's name, and whether that was a guess."""
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    if wanted:
        if wanted not in ENCODINGS:
            raise RuleViolation(f"The encoding {wanted[:40]} is not one of: {', '.join(ENCODINGS)}.", field="encoding")
        codec = marked if marked.startswith(wanted) else _sixteen_bits(data) or "utf-16-le" if wanted == "utf-16" else wanted
        return _decoded(data, codec), wanted, False
    if marked:
        return _decoded(data, marked), "utf-16" if marked == "utf-16" else "utf-8", False
    if codec := _sixteen_bits(data):
        return _decoded(data, codec), "utf-16", False
    try:
        return data.decode("utf-8"), "utf-8", False
    except UnicodeDecodeError:
        guess = _guess(data)
        return _decoded(data, guess), guess, True


def _decoded(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        if codec == "cp1252":  # five of its places are empty; Latin-1 has something in each
            return data.decode("latin-1")
        name = ENCODINGS.get(codec.removesuffix("-sig").removesuffix("-le").removesuffix("-be"), codec)
        raise RuleViolation(f"The file can’t be read as {name}. Choose another encoding.", field="encoding") from None


def _sixteen_bits(data: bytes) -> str:
    """UTF-16 without a mark shows itself by NULs at every other place."""
    sample = data[:4000]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) < len(sample) / 5:
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


def _guess(data: bytes) -> str:
    """The most likely encoding of text that is not UTF-8.

    The statistics tell scripts apart but not the Latin encodings, which differ in few letters. Those are Western European unless
    that puts signs into words (Pawe³ for Paweł), as it does with Central European text.
    """
    sample = b"\n".join([line for line in data.split(b"\n") if not line.isascii()][:300])[:50_000]
    best = from_bytes(sample, cp_isolation=[name for name in ENCODINGS if not name.startswith("utf")]).best()
    if best is not None and best.encoding not in _LATIN and not _mixed(sample.decode(best.encoding, "replace")):
        return best.encoding
    western, central = (_signs_in_words(sample.decode(name, "replace")) for name in ("cp1252", "cp1250"))
    return "cp1250" if western > 1 and central < western / 2 else "cp1252"


def _mixed(text: str) -> bool:
    """Whether words mix Latin letters with others, as only a wrong guess makes them (Josй for José)."""
    foreign = len(re.findall(r"[^\W\x00-\x7f]+", text))
    return 3 * len(re.findall(r"[A-Za-z][^\W\x00-\x7f]|[^\W\x00-\x7f][A-Za-z]", text)) >= foreign


def _signs_in_words(text: str) -> int:
    return len(_SIGN_IN_WORD.findall(text))


def _delimiter(text: str) -> str:
    """The delimiter that cuts the first rows into the same number of cells; more cells win."""

    def fit(delimiter: str) -> float:
        rows = [row for row, _ in zip(_lenient(text, delimiter), range(SAMPLE_ROWS), strict=False) if any(row)]
        if not rows or len(rows[0]) < 2:
            return 0.0
        return len(rows[0]) * sum(len(row) == len(rows[0]) for row in rows) / len(rows)

    return max(DELIMITERS, key=fit)


def _lenient(text: str, delimiter: str) -> Iterator[Sequence[str]]:
    try:
        yield from csv.reader(io.StringIO(text[:200_000], newline=""), delimiter=delimiter)
    except csv.Error:
        return


def _records(text: str, delimiter: str) -> Iterator[Row]:
    """Each record with its number; RuleViolation where a quotation mark is missing, which would swallow the rows behind it."""
    csv.field_size_limit(MAX_CELL)
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter)
    number = 0
    while True:
        before, place, number = reader.line_num, lines.tell(), number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise RuleViolation(
                f"A cell that begins in row {number} (line {before + 1} of the file) has more than {MAX_CELL:,} characters. "
                "Perhaps a quotation mark is missing there. Nothing was read."
            ) from None
        end = lines.tell()
        ends_with_its_line = reader.line_num == before + 1 and end < len(text)  # so no mark in it is left open
        if not ends_with_its_line and _runs_on(text[place:end], delimiter):
            raise RuleViolation(
                f"A quotation mark that opens in row {number} (line {before + 1} of the file) is never closed, so one can’t "
                "tell where the row ends. Close or remove it. Nothing was read."
            )
        yield Row(number=number, cells=tuple(cells))


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
