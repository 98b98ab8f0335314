"""Import in the browser of files whose first row is a person: told, mapped, imported; where it was found out wrong, chosen."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from crm.store import Store
from tests.uploads import upload, work_off, workbook
from tests.web.test_people_import import SignIn, address_after, figures_on, form_on, of, text_of, told_on

PEOPLE = b"Ada;King;ada@x.example\nBo;Li;bo@x.example\nCy;Lee;nobody\n"
NAMES = {"map-0": "firstName", "map-1": "lastName", "check": "1"}
NOTICE = "This file has no headings."
UNSURE = "Is the first row a person?"


@pytest.fixture(autouse=True)
def _storage(settings: Any, tmp_path: Path) -> None:
    """Uploads of a test stay with the test."""
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}}


@pytest.fixture
def editor(sign_in: SignIn) -> Client:
    return sign_in("Editor")


@pytest.mark.parametrize(
    ("data", "name"),
    [(PEOPLE, "members.csv"), (workbook([row.split(";") for row in PEOPLE.decode().splitlines()]), "members.xlsx")],
)
def test_a_file_without_headings_is_taken_told_and_imported(editor: Client, site: Store, data: bytes, name: str) -> None:
    address = address_after(upload(editor, data, name))
    page = text_of(editor, address)
    assert NOTICE in page
    assert "names in the first row" not in page
    assert "is remembered for files" not in page
    assert [form_on(page)[f"map-{place}"] for place in range(3)] == ["", "", "email"]

    chosen = editor.post(address, {**form_on(page), **NAMES}, follow=True).content.decode()
    editor.post(address, {**form_on(chosen), "import": "1"})
    work_off(site)

    report = text_of(editor, address)
    assert "Tried on all 3 rows" in chosen
    assert figures_on(chosen) == figures_on(report)
    assert (figures_on(report)["New people"], figures_on(report)["Can’t be read"]) == (2, 1)
    assert '<td class="num">3</td>' in report
    assert sorted(person.name for person in site.people.get_many(site.selections.walk(of(site, address).id)).values()) == [
        "Ada King",
        "Bo Li",
    ]


def test_one_person_without_headings_is_taken(editor: Client, site: Store) -> None:
    page = text_of(editor, address_after(upload(editor, b"Ada;King;ada@x.example")))

    assert NOTICE in page
    assert "Tried on all 1 row;" in page


def test_rows_that_failed_of_such_a_file_go_in_again(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, PEOPLE))
    editor.post(address, {**form_on(text_of(editor, address)), **NAMES})
    failed: Any = editor.get(f"{address}failed.csv")
    text = b"".join(failed.streaming_content).decode("utf-8-sig")

    again = text_of(editor, address_after(upload(editor, text.replace("nobody", "cy@x.example", 1).encode())))

    assert text.splitlines()[0] == "First name;Last name;E-mail;reason"
    assert NOTICE not in again
    assert figures_on(again)["New people"] == 1


def test_whether_the_first_row_is_headings_can_be_chosen_and_chosen_back(editor: Client, site: Store) -> None:
    data = b"Ada,King,ada at x.example\nBo,Li,bo@x.example\nCy,Lee,cy@x.example\n"
    address = address_after(upload(editor, data))
    page = text_of(editor, address)
    assert form_on(page)["headed"] == "yes"
    assert UNSURE in page
    assert "Tried on all 2 rows" in page

    person = editor.post(address, {**form_on(page), "headed": "no"}, follow=True).content.decode()
    headings = editor.post(address, {**form_on(person), "headed": "yes"}, follow=True).content.decode()

    assert NOTICE in person
    assert (form_on(person)["headed"], form_on(person)["map-2"]) == ("no", "email")
    assert "Tried on all 3 rows" in person
    assert "Tried on all 2 rows" in headings
    assert of(site, address).headed


def test_who_has_chosen_what_unknown_headings_are_is_not_asked_again(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, b"Wer,Womit\nAda King,ada@x.example\n"))
    page = text_of(editor, address)

    chosen = editor.post(address, {**form_on(page), "map-0": "name", "check": "1"}, follow=True).content.decode()
    known = text_of(editor, address_after(upload(editor, b"Name,Womit\nAda King,ada@x.example\n")))

    assert [UNSURE in one for one in (page, chosen, known)] == [True, False, False]


def test_a_person_who_is_taken_for_headings_is_told(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, PEOPLE))

    refused = editor.post(address, {**form_on(text_of(editor, address)), "headed": "yes", "check": "1"})

    assert refused.status_code == 422
    assert "The first row is read as headings, but is a person." in told_on(refused.content.decode())
    assert form_on(refused.content.decode())["headed"] == "yes"
    assert of(site, address).headed is False


def test_what_was_chosen_counts_for_the_import_and_a_changed_choice_is_looked_at_first(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, PEOPLE))
    page = editor.post(address, {**form_on(text_of(editor, address)), **NAMES}, follow=True).content.decode()

    editor.post(address, {**form_on(page), "headed": "yes", "import": "1"})

    assert of(site, address).started_at is None
    assert site.people.totals().total == 0


def test_another_delimiter_finds_out_anew_whether_the_first_row_is_headings(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, b"a,b,c,1;ada@x.example;King\na,b,c,2;bo@x.example;Li\n"))
    before = form_on(text_of(editor, address))

    after = form_on(editor.post(address, {**before, "delimiter": ";"}, follow=True).content.decode())

    assert (before["delimiter"], before["headed"], after["delimiter"]) == (",", "yes", ";")
    assert after["headed"] == "no"


def test_a_form_from_before_there_was_this_choice_keeps_what_was_found(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, PEOPLE))
    form = form_on(text_of(editor, address))
    del form["headed"]

    editor.post(address, {**form, **NAMES})

    assert of(site, address).headed is False
    assert of(site, address).written == 2
