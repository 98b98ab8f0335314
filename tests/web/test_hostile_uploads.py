"""Files made to do harm end on the page they were sent to: in words, with nothing kept, and without growing the process."""

import tracemalloc
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from crm.store import Store
from crm.wiring import get_files
from tests.services.test_import_sheets import PEOPLE, SHEET, bomb, book_of, saved, sheet_xml, with_part

DEEP = b"<worksheet><sheetData>" + b"<row>" * 200_000
ENTITIES = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;&c;&c;</a>'


@pytest.fixture
def admin(sign_in: Callable[[str], Client]) -> Client:
    return sign_in("Admin")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("bomb.xlsx", bomb(SHEET, 60_000_000), "unpacks to"),
        ("deep.xlsx", with_part(saved(book_of(PEOPLE)), SHEET, DEEP), "damaged"),
        ("laughs.xlsx", with_part(saved(book_of(PEOPLE)), SHEET, ENTITIES), "damaged"),
        (
            "far.xlsx",
            with_part(saved(book_of(PEOPLE)), SHEET, sheet_xml('<row r="1"><c r="ZZZ1" t="str"><v>x</v></c></row>')),
            "damaged",
        ),
        ("nothing.csv", b"Email,Name\n" + b"\x00" * 5_000_000, "other than text"),
        ("wide.csv", b",".join(b"c%d" % number for number in range(5_000)) + b"\nx\n", "300 columns"),
        ("line.csv", b"Email,Name\n" + b"x" * 5_000_000, "500,000 characters"),
        ("quote.csv", b'Email,Name\n"' + b"x\n" * 2_000_000, "quotation mark"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_a_hostile_file_is_refused_in_words_and_not_kept(admin: Client, site: Store, name: str, data: bytes, words: str) -> None:
    admin.get("/people/import/")
    tracemalloc.start()

    answer = admin.post("/people/import/", {"file": SimpleUploadedFile(name, data)})
    most = tracemalloc.get_traced_memory()[1] - 3 * len(data)  # the file itself, as the browser of the test holds it
    tracemalloc.stop()

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert most < 25_000_000
    assert get_files().list("imports") == []
    assert site.imports.recent() == []


def test_a_formula_is_shown_as_the_text_that_it_is(admin: Client, site: Store) -> None:
    formula = '=HYPERLINK("http://evil.example","Click")'
    file = SimpleUploadedFile(
        "people.csv", f'First name,Last name,Email\n"{formula.replace(chr(34), chr(34) * 2)}",King,a@x.example\n'.encode()
    )

    address = admin.post("/people/import/", {"file": file}).headers["Location"]
    shown = admin.get(address).content.decode()

    assert "=HYPERLINK(&quot;http://evil.example&quot;" in shown
    assert '<a href="http://evil.example' not in shown
