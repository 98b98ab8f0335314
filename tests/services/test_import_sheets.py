"""Sheets of Excel: what one sees in them is what is read; what they unpack to is looked at before."""

import io
import tracemalloc
import zipfile
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook

from crm.domain.errors import RuleViolation
from crm.services import import_sheet, import_source
from crm.services.import_columns import recognise
from crm.services.import_source import Source
from crm.services.import_text import MAX_COLUMNS

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
TYPES = "[Content_Types].xml"
MANY_RUNS = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si>' + b"<r/>" * 300_000 + b"</si></sst>"


def book_of(*sheets: list[list[Any]]) -> Workbook:
    book = Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for number, row in enumerate(rows, 1):
            for place, value in enumerate(row, 1):
                sheet.cell(number, place, value)
    return book


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def read(data: bytes) -> Source:
    return import_source.read(lambda: io.BytesIO(data))


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    """The same file with another content of one part."""
    file = io.BytesIO()
    with ZipFile(io.BytesIO(data)) as old, ZipFile(file, "w", ZIP_DEFLATED) as new:
        for part in old.infolist():
            if part.filename != name:
                new.writestr(part, old.read(part))
        new.writestr(name, content)
    return file.getvalue()


def sheet_xml(rows: str) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<?xml version="1.0"?><worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'.encode()


def with_strings(data: bytes, content: bytes) -> bytes:
    """The same file with texts that cells share."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    with ZipFile(io.BytesIO(data)) as archive:
        parts = archive.read(TYPES).decode()
    named = parts.replace("</Types>", f'<Override PartName="/{STRINGS}" ContentType="{kind}"/></Types>')
    return with_part(with_part(data, TYPES, named.encode()), STRINGS, content)


PEOPLE = [["Name", "E-Mail", "Telefon"], ["Ada King", "a@x.example", 46701234567]]


def test_a_sheet_is_read_with_the_numbers_of_its_rows() -> None:
    source = read(saved(book_of([[], PEOPLE[0], [], ["Ada King", "a@x.example"], [None, " "], ["Bo Li", "b@x.example"]])))

    assert (source.kind, source.headers, source.encoding) == ("xlsx", ("Name", "E-Mail", "Telefon"), "")
    assert [(row.number, row.cells[:2]) for row in source.rows()] == [
        (4, ("Ada King", "a@x.example")),
        (6, ("Bo Li", "b@x.example")),
    ]
    assert [column.field for column in recognise(source)] == ["name", "email", "phoneNumber"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (46701234567, "46701234567"),
        (46701234567.0, "46701234567"),
        (2.5, "2.5"),
        (True, "TRUE"),
        (date(2026, 5, 4), "2026-05-04"),
        (datetime.fromisoformat("2026-05-04T09:30"), "2026-05-04 09:30"),
        (time(9, 30), "09:30"),
        ("Zoë 🎉", "Zoë 🎉"),
        ("007", "007"),
    ],
)
def test_a_cell_is_read_as_one_sees_it(value: object, text: str) -> None:
    source = read(saved(book_of([["Name", "E-Mail"], [value, "a@x.example"]])))

    assert next(source.rows()).cells == (text, "a@x.example")


def test_a_number_that_is_shown_with_zeros_keeps_them() -> None:
    book = book_of([["Plz", "E-Mail"], [1067, "a@x.example"]])
    book.active.cell(2, 1).number_format = "00000"

    assert next(read(saved(book)).rows()).cells[0] == "01067"


def test_a_formula_is_read_as_its_value() -> None:
    cells = '<c r="A1" t="str"><v>Email</v></c>', '<c r="A2" t="str"><f>"a"&amp;"@x.example"</f><v>a@x.example</v></c>'
    data = with_part(saved(book_of(PEOPLE)), SHEET, sheet_xml(f'<row r="1">{cells[0]}</row><row r="2">{cells[1]}</row>'))

    assert next(read(data).rows()).cells == ("a@x.example",)


def test_the_first_sheet_that_has_rows_and_can_be_seen_counts() -> None:
    book = book_of([["Hidden"], ["h"]], [], PEOPLE, [["Other"], ["o"]])
    book.worksheets[0].sheet_state = "hidden"
    book.active = 1

    assert read(saved(book)).headers == ("Name", "E-Mail", "Telefon")


def test_thousands_of_rows_and_texts_are_all_read() -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["Name", "E-Mail"])
    for number in range(5_000):
        sheet.append([f"Ada {number}", f"a{number}@x.example"])

    rows = list(read(saved(book)).rows())

    assert (len(rows), rows[-1].number, rows[-1].cells) == (5_000, 5_001, ("Ada 4999", "a4999@x.example"))


def test_a_text_far_beside_the_list_is_kept_close_to_it() -> None:
    cells = "".join(f'<c r="{place}" t="str"><v>{text}</v></c>' for place, text in (("A2", "a@x.example"), ("XFD2", "far")))
    head = '<row r="1"><c r="A1" t="str"><v>Email</v></c></row>'
    data = with_part(saved(book_of(PEOPLE)), SHEET, sheet_xml(f'{head}<row r="2">{cells}</row>'))

    (row,) = read(data).rows()

    assert (row.cells[0], row.cells[-1], len(row.cells)) == ("a@x.example", "far", MAX_COLUMNS + 1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (SHEET, sheet_xml('<row r="1"><c t="str"><v>Email</v></c></row><row r="2">' + "<c/>" * 300_000 + "</row>")),
        (SHEET, sheet_xml('<row r="1"><c t="inlineStr"><is>' + "<r/>" * 300_000 + "</is></c></row>")),
        (STRINGS, MANY_RUNS),
        ("xl/styles.xml", b"<styleSheet><cellXfs>" + b"<xf/>" * 200_000 + b"</cellXfs></styleSheet>"),
    ],
    ids=["cells", "runs", "texts", "styles"],
)
def test_many_things_in_few_bytes_are_never_in_memory_at_once(name: str, content: bytes) -> None:
    people = saved(book_of(PEOPLE))
    data = with_strings(people, content) if name == STRINGS else with_part(people, name, content)
    tracemalloc.start()

    with suppress(RuleViolation):
        list(read(data).rows())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 12_000_000


# --- refused


LONG = '<c t="str"><v>' + "x" * 90_000 + "</v></c>"


def bomb(name: str, size: int) -> bytes:
    """A workbook of which one part unpacks to so many bytes of blanks."""
    return with_part(saved(book_of(PEOPLE)), name, b"<a>" + b" " * size + b"</a>")


def lying(data: bytes, name: str) -> bytes:
    """The same file, whose directory says that a part unpacks to ten bytes."""
    with ZipFile(io.BytesIO(data)) as archive:
        size = archive.getinfo(name).file_size
    return data.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04rest", "Excel"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel file"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\n\xff\xfe,\x01", "a picture"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF,\n1,2", "a picture"),
        (b"GIF89a,b\n1,2", "a picture"),
        (b"RIFF\x24\x00\x00\x00WEBP\n\x01\x00\x00\x02" * 9, "other than text"),
        (b"a,b\n\x00\x00\x00\x01\x00\x00" * 99, "other than text"),
        (b'\xef\xbb\xbf\n[{"email": "a@x.example"},\n{"email": "b@x.example"}]', "JSON"),
        (b'{\n"email": "a@x.example"}', "JSON"),
        (b"<!doctype html>\n<p>Email,Name\n", "a web page"),
        (b"\n<HTML><table>\n<tr><td>Email", "a web page"),
        (b"<?xml version='1.0'?>\n<a/>", "an XML file"),
        (b"BEGIN:VCARD\nFN:Ada King\n", "address cards"),
        (bomb(SHEET, 30_000_000), "unpacks to"),
        (bomb(SHEET, 2_000_000), "more than a list of people needs"),
        (with_part(saved(book_of(PEOPLE)), "xl/styles.xml", b"<a>" + b"<b/>" * 13_000_000), "unpacks"),
        (lying(bomb(SHEET, 900_001), SHEET), "damaged"),
        (with_part(saved(book_of(PEOPLE)), SHEET, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "damaged"),
        (with_part(saved(book_of(PEOPLE)), SHEET, b"<worksheet><sheetData><row>"), "damaged"),
        (with_part(saved(book_of(PEOPLE)), SHEET, sheet_xml('<row r="99999999999"><c t="str"><v>x</v></c></row>')), "damaged"),
        (with_part(saved(book_of(PEOPLE)), SHEET, sheet_xml('<row r="1"><c r="ZZZ1" t="str"><v>x</v></c></row>')), "damaged"),
        (with_part(saved(book_of(PEOPLE)), SHEET, sheet_xml('<row r="1"><c t="s"><v>99</v></c></row>')), "damaged"),
        (with_part(saved(book_of(PEOPLE)), "[Content_Types].xml", b"<a/>"), "damaged"),
        (with_part(saved(book_of(PEOPLE)), SHEET, sheet_xml('<row r="2"/><row r="2"/>')), "damaged"),
        (
            with_part(saved(book_of(PEOPLE)), SHEET, sheet_xml('<row r="1"><c><is>' + "<r/>" * 30_000 + "</is></c></row>")),
            "unpacks",
        ),
        (with_part(saved(book_of(PEOPLE)), "xl/styles.xml", b"<a>" + b"<b/>" * 200_000 + b"</a>"), "unpacks"),
        (with_part(saved(book_of(PEOPLE)), SHEET, sheet_xml('<row r="1">' + LONG * 6 + "</row>")), "Row 1 has more than"),
        (saved(book_of([["x"] * 301])), "more than 300 columns"),
        (saved(book_of([])), "nothing in it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_a_list_of_people_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(RuleViolation, match=words):
        read(data)


def test_a_zip_file_of_something_else_is_named() -> None:
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("people.csv", "name,email\n")

    with pytest.raises(RuleViolation, match="a zip file"):
        read(file.getvalue())


def test_a_part_that_unpacks_to_more_than_was_declared_is_not_followed() -> None:
    data = lying(bomb(SHEET, 900_001), SHEET)

    with ZipFile(io.BytesIO(data)) as archive, pytest.raises(zipfile.BadZipFile):
        archive.read(SHEET)
    with pytest.raises(RuleViolation):
        import_sheet.examine(io.BytesIO(data))
