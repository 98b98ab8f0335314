"""Files of people as text: encodings, delimiters, rows; as a stream that says where it can't go on."""

import io
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from crm.domain.errors import RuleViolation
from crm.services import import_source
from crm.services.import_source import Source
from crm.services.import_text import MAX_CELL, MAX_RECORD


def read(data: bytes, **chosen: str) -> Source:
    """A file, read to its end once, so that it is known to be usable."""
    source = import_source.read(lambda: io.BytesIO(data), **chosen)
    assert sum(1 for _ in source.rows()) >= 0
    return source


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16"), ("utf-16-be", "utf-16")],
)
def test_unicode_files_are_read_for_sure(encoding: str, expected: str) -> None:
    source = read("Vorname;E-Mail\nJürgen;j@x.example\n".encode(encoding))

    assert (source.encoding, source.guessed, source.delimiter) == (expected, False, ";")
    assert source.headers == ("Vorname", "E-Mail")
    assert next(source.rows()).cells == ("Jürgen", "j@x.example")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Förnamn;Efternamn;E-post\nZoë;Ångström;zoe@x.example\n", "cp1252"),
        ("First name,Last name,Email\nJosé,García,jose@x.example\n", "cp1252"),
        ("First name,Email,Company\nAnn,a@x.example,“Smart” – €uro\nRené,r@x.example,L’Oréal\n", "cp1252"),
        ("Imię;Nazwisko;E-mail\nŻaneta;Kowalska;z@x.example\nPaweł;Dąbrowski;p@x.example\nŁukasz;Śliwa;l@x.example\n", "cp1250"),
        ("Имя;Фамилия;Почта\nИван;Петров;i@x.example\nОльга;Смирнова;o@x.example\n", "cp1251"),
        ("名,姓,メール\n太郎,山田,t@x.example\n花子,鈴木,h@x.example\n", "shift_jis"),
    ],
)
def test_other_encodings_are_guessed_and_the_guess_is_told(text: str, encoding: str) -> None:
    source = read(text.encode(encoding))

    assert (source.encoding, source.guessed) == (encoding, True)
    assert "(a guess)" in source.described
    assert source.headers == tuple(text.split("\n")[0].replace(";", ",").split(","))


def test_latin_1_is_not_read_as_garbage() -> None:
    source = read("Förnamn;Efternamn;E-post\nZoë;Ångström;zoe@x.example\n\x81;x;y@x.example\n".encode("latin-1"))

    assert [row.cells[:2] for row in source.rows()] == [("Zoë", "Ångström"), ("\x81", "x")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_beside_others_in_the_text(delimiter: str) -> None:
    rows = [
        ["First name", "Last name", "Email", "Company"],
        ["Ann", "Lee", "a@x.example", '"A, B; C | D"'],
        ["Bo", "Li", "b@x.example", ""],
    ]

    source = read("\n".join(delimiter.join(row) for row in rows).encode())

    assert source.delimiter == delimiter
    assert next(source.rows()).cells[3] == "A, B; C | D"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \r\n\r\n", "empty"),
        (b",,\r\n,,\r\n", "blank rows"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        (b"a\0b,Email\nx,y@x.example", "NUL"),
        (b'Email,Name\n"' + b"x" * 200_000, "quotation mark"),
        (b"x" * 300_000, "quotation mark"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(data: bytes, words: str) -> None:
    with pytest.raises(RuleViolation, match=words):
        read(data)


@pytest.mark.parametrize(
    "second",
    [
        '"Bob,B,b@x.example',
        'Bob,"B,b@x.example',
        '"Bob,B,b@x.example\nBea,"Lee, Jr.",bea@x.example',
        '"Bob,B,b@x.example\nBea,"",bea@x.example',
        '"Bob ""B"" Bo,B,b@x.example',
    ],
)
@pytest.mark.parametrize("after", ["", "\n", "\nCarl,C,c@x.example\nDora,D,d@x.example\n"])
def test_a_quotation_mark_that_is_never_closed_is_told_with_its_row_and_swallows_nobody(second: str, after: str) -> None:
    with pytest.raises(RuleViolation, match=r"opens in row 3 \(line 3 of the file\) is never closed"):
        read(f"First name,Last name,Email\nAda,A,a@x.example\n{second}{after}".encode())


def test_a_wrong_choice_of_encoding_is_told() -> None:
    with pytest.raises(RuleViolation, match="Japanese"):
        read("Förnamn\nÅÄÖ é\n".encode("latin-1"), encoding="shift_jis")


def test_blank_rows_and_a_separator_hint_keep_the_numbers_of_the_sheet() -> None:
    source = read(b"sep=;\r\nName;Email\r\n;\r\nAnn Lee;a@x.example\r\n")

    assert source.headers == ("Name", "Email")
    assert [row.number for row in source.rows()] == [4]


class Endless(io.RawIOBase):
    """A file that goes on for ever with the same byte, and tells how much of it was read."""

    def __init__(self, beginning: bytes, byte: bytes) -> None:
        self.given = 0
        self._beginning, self._byte = beginning, byte

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece = (self._beginning[self.given :] + self._byte * size)[:size]
        self.given += len(piece)
        return piece

    read1 = read

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize(
    ("beginning", "byte", "words"),
    [(b"a,b\n", b"x", "quotation mark"), (b"a,b\n", b",", f"{MAX_RECORD:,} characters"), (b'a,b\n"', b"\n", "quotation mark")],
)
def test_a_record_without_end_is_refused_after_its_beginning(beginning: bytes, byte: bytes, words: str) -> None:
    endless = Endless(beginning, byte)
    encoding = import_source.Encoding(name="utf-8", codec="utf-8")

    with pytest.raises(RuleViolation, match=words):
        list(import_source.records(lambda: _binary(endless), encoding, ","))

    assert endless.given < 10 * MAX_CELL + MAX_RECORD


def _binary(file: io.RawIOBase) -> BinaryIO:
    return io.BufferedReader(file)  # type: ignore[return-value]


def test_rows_come_as_the_file_is_read() -> None:
    file = io.BytesIO(b"Name,Email\n" + b"Ada King,a@x.example\n" * 100_000)
    rows: Iterator[object] = import_source.read(lambda: _again(file), encoding="utf-8", delimiter=",").rows()

    next(rows)

    assert file.tell() < 100_000


def _again(file: io.BytesIO) -> BinaryIO:
    file.seek(0)
    file.close = lambda: None  # type: ignore[method-assign]
    return file


def test_a_character_that_is_cut_by_a_piece_is_read_whole() -> None:
    data = b"Name,Email\n" + b"x" * ((1 << 20) - 12) + "é,a@x.example\n".encode()

    with pytest.raises(RuleViolation, match="more than"):
        read(data)

    short = b"Name,Email\n" + b"Ada,a@x.example\n" * 65536 + "Zoë,z@x.example\n".encode()
    assert read(short).encoding == "utf-8"
