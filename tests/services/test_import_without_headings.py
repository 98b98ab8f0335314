"""Files whose first row is a person: found out or chosen, and then read, decided and given back like any other."""

import io

import pytest

from crm.domain.errors import RuleViolation
from crm.domain.imports import Kind
from crm.services import import_source
from crm.services.export import csv_lines
from crm.services.import_columns import FIELDS, Column, check_usable, choose, headings_of, name_columns, recognise
from crm.services.import_source import Source
from crm.services.import_staging import Staging
from crm.store import Store
from tests.services.test_import_sheets import book_of, saved
from tests.services.test_imports import person_at, run

PEOPLE = b"Ada,King,ada@x.example\nBo,Li,bo@x.example\n"
NAMED = {0: "firstName", 1: "lastName", 2: "email"}


def read(data: bytes, headed: bool | None = None) -> Source:
    return import_source.read(lambda: io.BytesIO(data), headed=headed)


@pytest.mark.parametrize(
    ("data", "headed"),
    [
        (PEOPLE, False),
        (b"Ada,King,'ada@x.example\n", False),
        (b"\n;;\nAda;King; ada@x.example \nBo;Li;bo@x.example\n", False),
        (b"ada@x.example\nbo@x.example\n", False),
        (saved(book_of([["Ada", "ada@x.example"], ["Bo", "bo@x.example"]])), False),
        (b"Name,E-Mail\nAda King,ada@x.example\n", True),
        (b"Name,E-Mail (like ada@x.example)\nAda King,ada@x.example\n", True),
        (saved(book_of([["Name", "Email"], ["Bo Li", "bo@x.example"]])), True),
    ],
)
def test_a_first_row_with_an_address_is_a_person(data: bytes, headed: bool) -> None:
    source = read(data)

    assert source.headed is headed
    assert ("no headings" in source.described) is not headed


def test_the_first_row_is_a_row_and_the_columns_are_numbered() -> None:
    source = read(PEOPLE)

    assert source.headers == ("Column 1", "Column 2", "Column 3")
    assert [(row.number, row.cells[0]) for row in source.rows()] == [(1, "Ada"), (2, "Bo")]
    assert list(source.rows()) == list(source.sample)
    assert [(column.title, column.field) for column in recognise(source)] == [
        ("Column 1", ""),
        ("Column 2", ""),
        ("Column 3", "email"),
    ]


def test_one_person_is_a_file() -> None:
    source = read(b"Ada,King,ada@x.example")

    assert [column.field for column in recognise(source)] == ["", "", "email"]
    with pytest.raises(RuleViolation, match="headings, but no row under them"):
        read(b"Ada,King,ada@x.example", headed=True)


def test_it_can_be_said_otherwise() -> None:
    heading = read(b"Ask ada@x.example,Name\nbo@x.example,Bo Li\n", headed=False)
    person = read(PEOPLE, headed=True)

    assert (heading.headers, len(list(heading.rows()))) == (("Column 1", "Column 2"), 2)
    assert (person.headers, len(list(person.rows()))) == (("Ada", "King", "ada@x.example"), 1)


def test_a_sheet_is_as_wide_as_its_widest_row_and_text_as_most_rows() -> None:
    sheet = read(saved(book_of([["Ada", "ada@x.example"], ["Bo", "bo@x.example", None, "Lund"]])))
    text = read(b"Ada,ada@x.example,Acme\nBo,bo@x.example,Acme, Inc\nCarl,carl@x.example,Tech\n")

    assert len(sheet.headers) == 4
    assert len(text.headers) == 3
    staging = Staging(text, recognise(text))
    assert [one.reason for one in staging.part(0).unusable] == [
        "The row has 4 cells, most rows have 3; perhaps a text with the delimiter in it is not in quotation marks."
    ]


def test_columns_without_headings_can_be_named_from_outside() -> None:
    source = read(PEOPLE)

    assert [column.field for column in name_columns(source, {"firstName": "column 1"})] == ["firstName", "", "email"]


def test_where_no_column_is_for_addresses_that_is_told() -> None:
    source = read(PEOPLE)

    with pytest.raises(RuleViolation, match="Say which one it is"):
        check_usable(source, choose(source, {0: "firstName"}))


@pytest.mark.parametrize(
    ("one", "other"), [("email", field) for field in FIELDS if field != "email"] + [("tags", "tags"), ("name", "")]
)
def test_headings_for_rows_that_failed_are_known_again(one: str, other: str) -> None:
    source = read(PEOPLE)
    columns = [Column(index=place, header="x", field=field) for place, field in enumerate((one, other))]
    headings = headings_of(source, columns)

    again = recognise(read(f"{','.join(headings)},reason\na,b,c\n".encode()))

    assert [column.field for column in again] == [one, other, ""]


@pytest.mark.parametrize("dry", [True, False])
def test_every_row_counts_the_first_one_too(store: Store, dry: bool) -> None:
    data = "Ada,King,ada@x.example\n,,\nBo,,bo@x.example\nCy,Lee,nobody\nAda,King,ADA@x.example\n"

    report = run(store, data, dry=dry, columns=NAMED)

    assert report.counts == {Kind.NEW: 1, Kind.DUPLICATE: 1, Kind.INVALID: 2}
    assert [number for number, _ in report.failed] == [3, 4]
    assert store.people.totals().total == (0 if dry else 1)


def test_a_first_row_that_fails_is_row_1(store: Store) -> None:
    report = run(store, "Ada,,ada@x.example\nBo,Li,bo@x.example\n", columns=NAMED)

    assert report.failed == [(1, "Last name is required.")]
    assert person_at(store, "bo@x.example").name == "Bo Li"


def test_rows_that_failed_can_be_mended_and_imported_again(store: Store) -> None:
    columns = {**NAMED, 4: "tags"}
    report = run(store, "Ada,King,ada,x,vip\nBo,Li,bo@x.example,x,\nCy,Lee,cy@x.example,x,\n", columns=columns, headed=False)
    text = "".join(csv_lines(report.header, report.rows))

    again = run(store, text.replace(",ada,", ",ada@x.example,"))

    assert report.header == ["First name", "Last name", "E-mail", "Column 4", "Tags", "reason"]
    assert [row[:3] for row in report.rows] == [["Ada", "King", "ada"]]
    assert again.counts == {Kind.NEW: 1}
    assert person_at(store, "ada@x.example").profile.tags == ("vip",)
