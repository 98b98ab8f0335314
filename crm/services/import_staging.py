"""The rows of a file sorted by address, in a temporary database on disk: so memory stays flat whatever the size of the file.

It is made from the stored file, the same each time, so whoever takes over an import makes it again.
"""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crm.domain.errors import RuleViolation
from crm.domain.people import folded_address
from crm.services.import_columns import Column, check_usable, headings_of
from crm.services.import_rows import Entry, Unusable, values_of
from crm.services.import_source import Source
from crm.services.import_text import Row

MAX_ROWS = 1_000_000
MAX_CHARACTERS = 2_000_000_000
"""Characters of all rows as they are kept: a sheet may say a long text a million times in few bytes."""
MOST_OF_ONE, MOST_CHARACTERS_OF_ONE = 1_000, 1_000_000
"""Rows, and characters, of one address: more are no person."""
PART_ADDRESSES, PART_ROWS, PART_CHARACTERS = 96, 1_000, 4_000_000
"""What one step takes: as many addresses as a selection keeps in a part; rows of one address stay together."""
BEAT = 1_000
"""Rows between two signs of life while the file is read."""
_TABLES = """
    CREATE TABLE rows (number INTEGER PRIMARY KEY, first INTEGER, reason TEXT, cells TEXT, fields TEXT);
    CREATE TABLE addresses (address TEXT PRIMARY KEY, first INTEGER, rows INTEGER, characters INTEGER) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one step works on, in the order of the file. `next` is where the next step begins, None: this is the last one."""

    entries: Sequence[Entry]
    unusable: Sequence[Unusable]
    rows: int
    next: int | None


class Staging:
    """The rows of one file as they were chosen to be read. Used by one thread at a time; `close` gives its room back."""

    def __init__(self, source: Source, columns: Sequence[Column], *, alive: Callable[[], None] = lambda: None) -> None:
        """Read the whole file; `alive` is called every thousand rows, and may raise.

        RuleViolation where the file can't be used as a whole: then nothing is kept.
        """
        check_usable(source, columns)
        self.headers = headings_of(source, columns)
        self._headed = source.headed
        self._fields = {column.index: column.field for column in columns if column.field}
        self._characters = 0
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        try:
            self._database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLES)
            self.rows = self._fill(source, alive)
            self._database.execute("CREATE INDEX rows_by_first ON rows (first, number)")
            self._database.execute("DROP TABLE addresses")
        except BaseException:
            self.close()
            raise

    def part(self, place: int) -> Part:
        """Return what a step that begins at `place` works on, 0 for the first one."""
        found = self._database.execute(
            "SELECT number, first, reason, cells, fields FROM rows WHERE first >= ? ORDER BY first, number", [place]
        )
        entries: dict[int, Entry] = {}
        unusable: list[Unusable] = []
        rows, characters, last = 0, 0, -1
        for number, first, reason, cells, fields in found:
            full = len(entries) >= PART_ADDRESSES or rows >= PART_ROWS or characters >= PART_CHARACTERS
            if full and first != last:
                return Part(entries=list(entries.values()), unusable=unusable, rows=rows, next=first)
            row = Row(number=number, cells=tuple(json.loads(cells)))
            if reason is not None:
                unusable.append(Unusable(row, reason))
            else:
                values = json.loads(fields)
                entries.setdefault(first, Entry(folded_address(values["email"]), [])).rows.append((row, values))
            rows, characters, last = rows + 1, characters + len(cells), first
        return Part(entries=list(entries.values()), unusable=unusable, rows=rows, next=None)

    def close(self) -> None:
        """Give the room on disk back."""
        self._database.close()

    def _fill(self, source: Source, alive: Callable[[], None]) -> int:
        total = 0
        self._database.execute("BEGIN")
        for total, row in enumerate(source.rows(), 1):
            if total > MAX_ROWS:
                raise RuleViolation(
                    f"The file has more than {MAX_ROWS:,} rows, the most for one import. Cut it into smaller ones."
                )
            self._add(row, len(source.headers))
            if total % BEAT == 0:
                alive()
        self._database.execute("COMMIT")
        return total

    def _add(self, row: Row, width: int) -> None:
        cells = json.dumps(row.cells, ensure_ascii=False)
        self._characters += len(cells)
        if self._characters > MAX_CHARACTERS:
            raise RuleViolation("The file has more text than a list of people needs. Cut it into smaller ones.")
        try:
            if not self._headed and any(cell.strip() for cell in row.cells[width:]):
                raise RuleViolation(
                    f"The row has {len(row.cells)} cells, most rows have {width}; "
                    "perhaps a text with the delimiter in it is not in quotation marks."
                )
            values = values_of(row, self._fields, width)
            first = self._first(folded_address(values["email"]), row.number, len(cells))
        except RuleViolation as error:
            self._insert((row.number, row.number, error.message, cells, None))
        else:
            self._insert((row.number, first, None, cells, json.dumps(values, ensure_ascii=False)))

    def _first(self, address: str, number: int, characters: int) -> int:
        """The row in which the address stands first."""
        query = "SELECT first, rows, characters FROM addresses WHERE address = ?"
        known = self._database.execute(query, [address]).fetchone()
        first, rows, had = known or (number, 0, 0)
        if rows >= MOST_OF_ONE or (rows and had + characters > MOST_CHARACTERS_OF_ONE):
            raise RuleViolation(f"The address stands in too many rows; the first of them is row {first}.")
        self._database.execute(
            "INSERT OR REPLACE INTO addresses VALUES (?, ?, ?, ?)", [address, first, rows + 1, had + characters]
        )
        return int(first)

    def _insert(self, row: tuple[object, ...]) -> None:
        self._database.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", row)
