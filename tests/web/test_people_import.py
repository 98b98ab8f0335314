"""Import in the browser: upload, match and check, steps, report; and what is refused on the way."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from crm.services.verify import differences
from crm.store import Store
from crm.web.people import drafts, importing
from tests.factories import make_person

SignIn = Callable[[str], Client]
MEMBERS = (Path(__file__).parent.parent / "data" / "members.csv").read_bytes()


@pytest.fixture(autouse=True)
def _storage(settings: Any, tmp_path: Path) -> None:
    """Uploads of a test stay with the test."""
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}}


@pytest.fixture
def editor(sign_in: SignIn) -> Client:
    return sign_in("Editor")


def upload(client: Client, data: bytes, name: str = "members.csv") -> Any:
    return client.post("/people/import/", {"file": SimpleUploadedFile(name, data)})


def address_after(response: Any) -> str:
    assert response.status_code == 302, response.content.decode()
    return str(response.headers["Location"])


def choices_on(page: str) -> dict[str, str]:
    """What the form of the second step holds."""
    chosen = {}
    for name, options in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        selected = re.search(r'value="([^"]*)" selected', options)
        chosen[name] = selected[1] if selected else ""
    mode = re.search(r'name="mode" value="(\w+)" checked', page)
    tag = re.search(r'name="tag" value="([^"]*)"', page)
    return {**chosen, "mode": mode[1] if mode else "", "tag": tag[1] if tag else ""}


def figures_on(page: str) -> dict[str, int]:
    found = re.findall(r'fig-label">([^<]+)</span><span class="fig-value [^"]*">([\d,]+)<', page)
    return {label: int(value.replace(",", "")) for label, value in found}


def test_a_file_is_checked_then_imported_then_reported(editor: Client, site: Store) -> None:
    site.people.create(make_person(first_name="Old", email="hash@example.org"))
    address = address_after(upload(editor, MEMBERS))
    page = editor.get(address).content.decode()
    expected = {"New people": 4, "Updated": 1, "Unchanged": 0, "Twice in the file": 1, "Can’t be read": 2}
    assert figures_on(page) == expected
    assert site.people.totals().total == 1

    report = editor.post(address, {**choices_on(page), "tag": "", "import": "1"}, follow=True).content.decode()

    assert figures_on(report) == expected
    assert "5 people added or updated" in report
    assert "There is no address." in report
    assert site.people.totals().total == 5
    assert differences(site) == []


def test_every_failed_row_can_be_had_with_its_reason(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, MEMBERS))
    before = b"".join(editor.get(f"{address}failed.csv").streaming_content).decode("utf-8-sig")
    editor.post(address, {**choices_on(editor.get(address).content.decode()), "import": "1"})

    after = b"".join(editor.get(f"{address}failed.csv").streaming_content).decode("utf-8-sig")

    rows = list(csv.reader(io.StringIO(after)))
    assert before == after
    assert rows[0][:3] == ["Förnamn", "Efternamn", "E-post"]
    assert rows[0][-1] == "reason"
    assert [row[2] for row in rows[1:]] == ["mariajose@", ""]


def test_the_mapping_can_be_changed_and_is_checked_again_before_anything_is_written(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, b"name,email,x\nAda King,ada@x.example,Lund\n"))
    choices = choices_on(editor.get(address).content.decode())
    assert choices["map-2"] == ""

    response = editor.post(address, {**choices, "map-2": "city", "import": "1"}, follow=True)

    page = response.content.decode()
    assert "Checked again" in page
    assert site.people.totals().total == 0
    assert choices_on(page)["map-2"] == "city"
    editor.post(address, {**choices_on(page), "import": "1"})
    found = site.people.find_by_email("ada@x.example")
    assert found is not None
    assert found.profile.city == "Lund"


def test_a_tag_for_all_leads_to_these_people(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, b"name,email\nAda King,ada@x.example\n"))
    choices = choices_on(editor.get(address).content.decode())
    editor.post(address, {**choices, "tag": "May & June", "check": "1"})

    report = editor.post(address, {**choices, "tag": "May & June", "import": "1"}, follow=True).content.decode()

    link = re.search(r'href="(/people/\?tag=[^"]+)"', report)
    assert link
    assert "ada@x.example" in editor.get(link[1]).content.decode()


def test_a_wrong_guess_of_the_encoding_can_be_put_right(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, "Vorname,Nachname,Email\nJürgen,Müller,j@x.example\n".encode("mac_roman")))
    page = editor.get(address).content.decode()
    assert "(a guess)" in page

    editor.post(address, {**choices_on(page), "encoding": "mac_roman"})

    assert "Jürgen" in editor.get(address).content.decode()


def test_latin_1_arrives_as_it_was_written(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, "Förnamn;Efternamn;E-post\nZoë;Ångström;zoe@x.example\n".encode("latin-1")))

    editor.post(address, {**choices_on(editor.get(address).content.decode()), "import": "1"})

    found = site.people.find_by_email("zoe@x.example")
    assert found is not None
    assert found.name == "Zoë Ångström"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"name,email\n", "no row under them"),
        (b"PK\x03\x04", "Excel"),
        (b"a\0b,c\n1,2\n", "NUL"),
        (b'name,email\n"' + b"x" * 150_000, "quotation mark"),
        (
            b'name,email\nAda A,a@x.example\n"Bob B,b@x.example\nCarl C,c@x.example\n',
            "opens in row 3 (line 3 of the file) is never closed",
        ),
        (b"name,email\n" + b"x,y@x.example\n" * 10_001, "10,000 are the most for this page; python manage.py import_people FILE"),
        (b"name,email\n" + b"x" * 5_000_000, "larger than 5 MB"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_on_the_page(editor: Client, site: Store, data: bytes, words: str) -> None:
    response = upload(editor, data)

    assert response.status_code == 422
    assert words in response.content.decode()
    assert not default_storage.exists(drafts.FOLDER)


def test_no_file_is_told_too(editor: Client) -> None:
    response = editor.post("/people/import/")

    assert response.status_code == 422
    assert "Choose a file first" in response.content.decode()


def test_a_file_without_addresses_names_its_headings_and_lets_one_choose(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, b"First name,Contact\nAda,call me\n"))

    response = editor.get(address)

    page = response.content.decode()
    assert response.status_code == 422
    assert "“First name”, “Contact”" in page
    assert 'name="map-1"' in page
    assert 'name="import"' not in page
    assert editor.post(address, {**choices_on(page), "import": "1"}).status_code == 422
    assert site.people.totals().total == 0


def test_two_columns_for_one_field_are_refused_and_kept_as_chosen(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, b"name,email,x\nAda King,ada@x.example,Lund\n"))

    response = editor.post(address, {**choices_on(editor.get(address).content.decode()), "map-2": "email", "check": "1"})

    page = response.content.decode()
    assert response.status_code == 422
    assert "can’t both be e-mail" in page
    assert choices_on(page)["map-2"] == "email"


def test_an_import_is_only_its_owners(editor: Client, sign_in: SignIn, site: Store) -> None:
    address = address_after(upload(editor, MEMBERS))
    other = sign_in("Editor")

    assert [other.get(address).status_code, other.get(f"{address}failed.csv").status_code] == [404, 404]
    assert other.post(address, {"import": "1"}).status_code == 404
    assert other.post(f"{address}run/").status_code == 404
    assert [editor.get(f"/people/import/{name}/").status_code for name in ("x" * 32, "..", "0" * 32)] == [404, 404, 404]


def test_an_import_is_forgotten_after_a_week(editor: Client, site: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    address = address_after(upload(editor, MEMBERS))
    now = timezone.now()

    monkeypatch.setattr("crm.web.people.drafts.timezone.now", lambda: now + timedelta(days=8))

    assert editor.get(address).status_code == 404
    upload(editor, b"name,email\nAda King,ada@x.example\n")
    assert len(default_storage.listdir(drafts.FOLDER)[0]) == 1


def test_an_import_goes_in_steps_that_are_kept(editor: Client, site: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "STEP_SECONDS", 0.0)
    rows = "".join(f"Ada King,a{number}@x.example\n" for number in range(200))
    address = address_after(upload(editor, f"name,email\n{rows}broken,\n".encode()))

    address_after(editor.post(address, {**choices_on(editor.get(address).content.decode()), "import": "1"}))
    halfway = editor.get(address).content.decode()
    part = editor.post(f"{address}run/", headers={"HX-Request": "true", "HX-Target": "import-progress"})
    end = editor.post(f"{address}run/", headers={"HX-Request": "true", "HX-Target": "import-progress"})

    assert "96 of 200 addresses" in halfway
    assert part.content.decode().lstrip().startswith('<section class="panel" id="import-progress"')
    assert end.headers["HX-Redirect"] == address
    assert figures_on(editor.get(address).content.decode())["New people"] == 200
    assert site.people.totals().total == 200
    assert "members.csv" in editor.get("/people/import/").content.decode()


def test_pressing_import_twice_imports_once(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, MEMBERS))
    choices = {**choices_on(editor.get(address).content.decode()), "import": "1"}

    editor.post(address, choices)
    again = editor.post(address, choices)

    assert figures_on(again.content.decode())["New people"] == 5
    assert site.people.totals().total == 5


def test_a_step_that_broke_off_is_done_again_without_a_double(
    editor: Client, site: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = address_after(upload(editor, MEMBERS))
    choices = {**choices_on(editor.get(address).content.decode()), "import": "1"}
    real = drafts.save

    def dies_after_writing(draft: drafts.Draft) -> drafts.Draft:
        if draft.counts:
            raise KeyboardInterrupt
        return real(draft)

    monkeypatch.setattr(drafts, "save", dies_after_writing)
    with pytest.raises(KeyboardInterrupt):
        editor.post(address, choices)
    monkeypatch.setattr(drafts, "save", real)

    editor.post(f"{address}run/")

    assert figures_on(editor.get(address).content.decode())["Unchanged"] == 5
    assert site.people.totals().total == 5


def test_importing_needs_its_permission(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Viewer")

    assert (client.get("/people/import/").status_code, upload(client, MEMBERS).status_code) == (403, 403)


def test_a_column_with_a_number_of_thousands_of_digits_is_none(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, b"First name,Last name,Email\nAda,King,ada@x.example\n"))

    editor.post(address, {f"map-{'9' * 5000}": "email"})
    response = editor.get(address)

    assert response.status_code == 200
