"""Import in the browser: upload, match and check, import, report, undo; and what is refused on the way."""

import csv
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm.domain.filters import PeopleFilter
from crm.domain.imports import Import, ImportStatus
from crm.jobs.work import Held
from crm.services import people
from crm.services.files import remove_folder
from crm.services.import_jobs import CHECK, WRITE, job_key
from crm.services.verify import differences
from crm.store import Store
from crm.wiring import get_files
from tests.factories import make_person
from tests.jobs.mailing import ToldMailer, make_work
from tests.uploads import upload, work_off, workbook

SignIn = Callable[[str], Client]
MEMBERS = (Path(__file__).parent.parent / "data" / "members.csv").read_bytes()
ADA = b"First name,Last name,Email,City\nAda,King,ada@x.example,Lund\n"
PART = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _storage(settings: Any, tmp_path: Path) -> None:
    """Uploads of a test stay with the test."""
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}}


@pytest.fixture
def editor(sign_in: SignIn) -> Client:
    return sign_in("Editor")


def address_after(response: Any) -> str:
    assert response.status_code == 302, response.content.decode()
    return str(response.headers["Location"])


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def form_on(page: str) -> dict[str, str]:
    """What the form of the second step holds."""
    held = {}
    for name, options in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        selected = re.search(r'value="([^"]*)" selected', options)
        held[name] = selected[1] if selected else ""
    for name in ("tag", "seen", "version"):
        found = re.search(rf'name="{name}" value="([^"]*)"', page)
        held[name] = unescape(found[1]) if found else ""
    mode = re.search(r'name="mode" value="(\w+)" checked', page)
    return {**held, "mode": mode[1] if mode else ""}


def figures_on(page: str) -> dict[str, int]:
    found = re.findall(r'fig-label">([^<]+)</span><span class="fig-value [^"]*">([\d,]+)<', page)
    return {label: int(value.replace(",", "")) for label, value in found}


def told_on(page: str) -> str:
    """The toasts and what stands at the top of the form."""
    return " ".join(re.findall(r'class="(?:toast-s|errors).*?</div>', page, re.DOTALL))


def imported(client: Client, store: Store, data: bytes, **choices: str) -> str:
    """The whole way; gives the address of the report."""
    address = address_after(upload(client, data))
    if choices:
        client.post(address, {**form_on(text_of(client, address)), **choices, "check": "1"})
    client.post(address, {**form_on(text_of(client, address)), "import": "1"})
    work_off(store)
    return address


def of(store: Store, address: str) -> Import:
    return store.imports.get(address.split("/")[3])


# --- the whole way


def test_a_file_is_checked_then_imported_then_reported(editor: Client, site: Store) -> None:
    site.people.create(make_person(first_name="Old", email="hash@example.org"))
    address = address_after(upload(editor, MEMBERS))
    page = text_of(editor, address)
    expected = {"New people": 4, "Updated": 1, "Unchanged": 0, "Twice in the file": 1, "Can’t be read": 2}
    assert figures_on(page) == expected
    assert "Import 5 people" in page
    assert site.people.totals().total == 1

    editor.post(address, {**form_on(page), "import": "1"})
    waiting = text_of(editor, address)
    work_off(site)

    report = text_of(editor, address)
    assert "Waiting for its turn" in waiting
    assert figures_on(report) == expected
    assert "5 people added or updated" in report
    assert "There is no address." in report
    assert site.people.totals().total == 5
    assert differences(site) == []


def test_every_failed_row_can_be_had_with_its_reason(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, MEMBERS))
    tried: Any = editor.get(f"{address}failed.csv")
    before = b"".join(tried.streaming_content).decode("utf-8-sig")
    editor.post(address, {**form_on(text_of(editor, address)), "import": "1"})
    work_off(site)

    response: Any = editor.get(f"{address}failed.csv")

    after = b"".join(response.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(after), delimiter=";"))
    assert response.headers["Content-Disposition"] == 'attachment; filename="members-failed-rows.csv"'
    assert before == after
    assert rows[0][:3] == ["Förnamn", "Efternamn", "E-post"]
    assert rows[0][-1] == "reason"
    assert [row[2] for row in rows[1:]] == ["mariajose@", ""]


def test_failed_rows_have_between_cells_what_the_file_has_and_go_in_again(editor: Client, site: Store) -> None:
    data = b"Vorname;Nachname;E-Mail\nAda;King;ada\nBo;Li;bo@x.example\n"
    failed: Any = editor.get(f"{imported(editor, site, data)}failed.csv")
    text = b"".join(failed.streaming_content).decode("utf-8-sig")

    again = imported(editor, site, text.replace(";ada;", ";ada@x.example;").encode())

    assert text.splitlines()[0] == "Vorname;Nachname;E-Mail;reason"
    assert figures_on(text_of(editor, again))["New people"] == 1
    assert site.people.find_by_email("ada@x.example") is not None


@pytest.mark.parametrize("delimiter", ["\t", "|", ","])
def test_failed_rows_of_other_files_have_their_delimiter(editor: Client, site: Store, delimiter: str) -> None:
    data = "Name,Email,City\nAda King,ada,Lund\n".replace(",", delimiter).encode()

    response: Any = editor.get(f"{address_after(upload(editor, data))}failed.csv")

    assert b"".join(response.streaming_content).decode("utf-8-sig").startswith(f"Name{delimiter}Email{delimiter}City")


@pytest.mark.parametrize(
    ("data", "name"),
    [(workbook([["Name", "Email"], ["Ada King", "ada"]]), "people.xlsx"), (b"sep=~\nName~Email\nAda King~ada\n", "people.csv")],
)
def test_failed_rows_of_a_sheet_or_of_cells_between_odd_signs_have_commas(
    editor: Client, site: Store, data: bytes, name: str
) -> None:
    response: Any = editor.get(f"{address_after(upload(editor, data, name))}failed.csv")

    assert b"".join(response.streaming_content).decode("utf-8-sig").startswith("Name,Email,reason")


def test_the_report_leads_to_these_people_and_to_a_letter_to_them(sign_in: SignIn, site: Store) -> None:
    marketer = sign_in("Marketer")
    site.people.create(make_person(email="somebody@x.example"))

    address = imported(marketer, site, ADA, tag="May & June")

    report, import_id = text_of(marketer, address), address.split("/")[3]
    shown = text_of(marketer, f"/people/?selected={import_id}")
    assert f'href="/people/?selected={import_id}"' in report
    assert f'href="/campaigns/new/?selected={import_id}"' in report
    assert 'href="/people/?tag=May%20%26%20June"' in report
    assert "ada@x.example" in shown
    assert "somebody@x.example" not in shown


def test_an_import_can_be_undone_after_one_question_and_tells_whom_it_left(editor: Client, site: Store) -> None:
    old = site.people.create(make_person(first_name="Ada", last_name="Old", email="ada@x.example", city="Ystad"))
    address = imported(
        editor, site, b"First name,Last name,Email,City\nAda,Old,ada@x.example,Lund\nBea,B,bea@x.example,\nCy,C,cy@x.example,\n"
    )
    touched = site.people.find_by_email("cy@x.example")
    assert touched is not None
    people.edit(site, touched.id, replace(touched.profile, city="Umeå"), version=touched.version, now=timezone.now())
    question = text_of(editor, f"{address}undo/")

    editor.post(f"{address}undo/")
    work_off(site)

    report = text_of(editor, address)
    assert "The 2 people it added are deleted, and the 1 person it changed becomes what that one was before." in question
    assert {name: figures_on(report)[name] for name in ("Deleted", "Restored", "Left as they are")} == {
        "Deleted": 1,
        "Restored": 1,
        "Left as they are": 1,
    }
    assert f'href="/people/{touched.id}/"' in report
    assert site.people.get(old.id).profile.city == "Ystad"
    assert site.people.find_by_email("bea@x.example") is None
    assert site.people.find_by_email("cy@x.example") is not None
    assert "Undo …" not in report
    assert differences(site) == []


def test_undoing_twice_undoes_once(editor: Client, site: Store) -> None:
    address = imported(editor, site, ADA)

    editor.post(f"{address}undo/")
    again = editor.post(f"{address}undo/", follow=True).content.decode()
    work_off(site)

    assert "Only an import that is finished can be undone." in again
    assert of(site, address).status is ImportStatus.UNDONE
    assert editor.get(f"{address}undo/").status_code == 302


def test_after_thirty_days_an_import_stays_and_says_why_it_can_not_be_undone(editor: Client, site: Store) -> None:
    address = imported(editor, site, MEMBERS)
    done = of(site, address)
    then = timezone.now() - timedelta(days=31)
    site.imports.save(replace(done, created_at=then, started_at=then, finished_at=then), done)
    remove_folder(get_files(), f"imports/{done.id}")

    report = text_of(editor, address)
    refused = editor.post(f"{address}undo/", follow=True).content.decode()

    assert "An import can be undone for 30 days; this one is older." in report
    assert "were kept for 30 days" in report
    assert "An import can be undone for 30 days; this one is older." in told_on(refused)
    assert editor.get(f"{address}failed.csv").status_code == 404


# --- choosing


def test_the_mapping_can_be_changed_and_is_checked_again_before_anything_is_written(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, b"name,email,x\nAda King,ada@x.example,Lund\n"))
    held = form_on(text_of(editor, address))
    assert held["map-2"] == ""

    page = editor.post(address, {**held, "map-2": "city", "import": "1"}, follow=True).content.decode()

    assert "Checked again" in told_on(page)
    assert site.people.totals().total == 0
    assert form_on(page)["map-2"] == "city"
    editor.post(address, {**form_on(page), "import": "1"})
    work_off(site)
    found = site.people.find_by_email("ada@x.example")
    assert found is not None
    assert found.profile.city == "Lund"


def test_a_choice_of_columns_is_remembered_for_files_with_the_same_headings(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, b"name,email,x\nAda King,ada@x.example,Lund\n"))
    editor.post(address, {**form_on(text_of(editor, address)), "map-2": "city", "check": "1"})

    same = text_of(editor, address_after(upload(editor, b"NAME,E-mail,x\nBea King,bea@x.example,Lund\n")))
    another = text_of(editor, address_after(upload(editor, b"name,email,y\nBea King,bea@x.example,Lund\n")))

    assert form_on(same)["map-2"] == "city"
    assert f"remembered from {timezone.localdate():%-d %B}" in same
    assert form_on(another)["map-2"] == ""


def test_what_was_remembered_stays_remembered_when_nothing_is_changed(editor: Client, site: Store) -> None:
    first = address_after(upload(editor, b"name,email,x\nAda King,ada@x.example,Lund\n"))
    editor.post(first, {**form_on(text_of(editor, first)), "map-2": "city", "check": "1"})
    address = address_after(upload(editor, b"name,email,x\nBea King,bea@x.example,Lund\n"))

    page = editor.post(address, {**form_on(text_of(editor, address)), "tag": "", "check": "1"}, follow=True).content.decode()

    assert "remembered from" in page


@pytest.mark.parametrize(
    ("name", "tag"),
    [("members-2026-05.csv", "members 2026-05"), ("Board_members (2).csv", "Board members {month}"), ("---.csv", "{month}")],
)
def test_a_tag_is_suggested_from_the_files_name_and_the_month(editor: Client, site: Store, name: str, tag: str) -> None:
    page = text_of(editor, address_after(upload(editor, ADA, name)))

    assert form_on(page)["tag"] == tag.format(month=f"{timezone.localdate():%Y-%m}")


def test_a_tag_may_be_left_out(editor: Client, site: Store) -> None:
    imported(editor, site, ADA, tag=" ")

    found = site.people.find_by_email("ada@x.example")
    assert found is not None
    assert found.profile.tags == ()


def test_a_tag_that_can_not_be_one_is_told_and_kept_as_typed(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, ADA))

    response = editor.post(address, {**form_on(text_of(editor, address)), "tag": "x" * 101, "check": "1"})

    page = response.content.decode()
    assert response.status_code == 422
    assert "can&#x27;t be used: it is too long" in told_on(page)
    assert form_on(page)["tag"] == "x" * 101


def test_only_known_people_can_be_updated(editor: Client, site: Store) -> None:
    site.people.create(make_person(email="ada@x.example"))
    address = address_after(upload(editor, ADA + b"Bea,B,bea@x.example,\n"))

    page = editor.post(
        address, {**form_on(text_of(editor, address)), "mode": "update", "check": "1"}, follow=True
    ).content.decode()

    assert {name: figures_on(page)[name] for name in ("New people", "Updated", "Left alone")} == {
        "New people": 0,
        "Updated": 1,
        "Left alone": 1,
    }


# --- files of all kinds


def test_a_wrong_guess_of_the_encoding_can_be_put_right(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, "Vorname,Nachname,Email\nJürgen,Müller,j@x.example\n".encode("mac_roman")))
    page = text_of(editor, address)
    assert "(a guess)" in page
    assert "The letters are a guess: look at the first rows." in page
    assert "menu-start" in page
    assert 'menu-start" open' not in page  # it would lie over those rows

    editor.post(address, {**form_on(page), "encoding": "mac_roman"})

    page = text_of(editor, address)
    assert "Jürgen" in page
    assert form_on(page)["encoding"] == "mac_roman"


def test_an_encoding_that_can_not_be_is_told_and_changes_nothing(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, "Vorname,Nachname,Email\nJürgen,Müller,j@x.example\n".encode("latin-1")))

    response = editor.post(address, {**form_on(text_of(editor, address)), "encoding": "utf-8"})

    page = response.content.decode()
    assert response.status_code == 422
    assert "can’t be read as UTF-8" in told_on(page)
    assert "Say how it is written" in page
    assert 'menu-start" open' not in page
    assert form_on(page)["encoding"] == "utf-8"
    assert "Jürgen" in text_of(editor, address)


def test_latin_1_and_semicolons_arrive_as_they_were_written(editor: Client, site: Store) -> None:
    imported(editor, site, "Förnamn;Efternamn;E-post\nZoë;Ångström;zoe@x.example\n".encode("latin-1"))

    found = site.people.find_by_email("zoe@x.example")
    assert found is not None
    assert found.name == "Zoë Ångström"


def test_a_sheet_of_excel_is_read(editor: Client, site: Store) -> None:
    data = workbook([["Förnamn", "Efternamn", "E-post", "Mobil"], ["Zoë", "Ångström", "zoe@x.example", 46315550142]])
    address = address_after(upload(editor, data, "Members.xlsx"))

    page = text_of(editor, address)
    editor.post(address, {**form_on(page), "import": "1"})
    work_off(site)

    found = site.people.find_by_email("zoe@x.example")
    assert "an Excel sheet" in page
    assert 'name="encoding"' not in page
    assert found is not None
    assert (found.name, found.profile.phone_number) == ("Zoë Ångström", "46315550142")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"name,email\n", "no row under them"),
        (b"PK\x03\x04", "it is damaged, or has a password"),
        (b"%PDF-1.7", "a PDF"),
        (b'name,email\n"' + b"x" * 150_000, "quotation mark"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_on_the_page(editor: Client, site: Store, data: bytes, words: str) -> None:
    response = upload(editor, data)

    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert 'aria-invalid="true" autofocus' in page
    assert get_files().list("imports") == []
    assert site.imports.recent() == []


def zip_of(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "nonsense")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"this is no sheet", "no Excel sheet, though it is named like one"),
        (b"this is no sheet\nat all\n", "no Excel sheet, though it is named like one"),
        (b"a,b\n1,2\n", "save it as an Excel sheet (.xlsx) or as “CSV UTF-8”"),
        (zip_of("nonsense.txt"), "This is a zip file, not a CSV file or an Excel sheet. Save the sheet as “CSV UTF-8”"),
        (zip_of("[Content_Types].xml")[:60], "it is damaged, or has a password. Open it in Excel"),
        (b"\x00\x01\x02\x00" * 99, "something other than text"),
    ],
    ids=["a line", "two lines", "a table", "a zip", "half a sheet", "bytes"],
)
def test_what_is_only_named_like_a_sheet_of_excel_says_so_and_what_to_do(
    editor: Client, site: Store, data: bytes, words: str
) -> None:
    response = upload(editor, data, "Members.XLSX")

    assert response.status_code == 422
    assert words in response.content.decode()
    assert site.imports.recent() == []


def test_a_list_that_is_only_named_like_a_sheet_of_excel_is_read_as_what_it_is(editor: Client, site: Store) -> None:
    page = text_of(editor, address_after(upload(editor, ADA, "members.xlsx")))

    assert "UTF-8, commas, names in the first row" in page
    assert figures_on(page)["New people"] == 1


def test_no_file_is_told_too(editor: Client) -> None:
    response = editor.post("/people/import/")

    assert response.status_code == 422
    assert "Choose a file first" in response.content.decode()


def test_what_is_wrong_further_down_is_told_instead_of_counts(editor: Client, site: Store) -> None:
    rows = b"".join(b"Ada King,a%d@x.example\n" % number for number in range(300))

    page = text_of(editor, address_after(upload(editor, b"name,email\n" + rows + b'"Bob B,b@x.example\nCarl C,c@x.example\n')))

    assert "opens in row 302" in told_on(page)
    assert figures_on(page) == {}
    assert 'name="import"' not in page


def test_a_file_without_addresses_names_its_headings_and_lets_one_choose(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, b"First name,Last name,Contact\nAda,King,ada at x\n"))

    page = text_of(editor, address)

    assert "“First name”, “Last name”, “Contact”" in told_on(page)
    assert 'name="import"' not in page
    refused = editor.post(address, {**form_on(page), "import": "1"})
    assert refused.status_code == 422
    assert site.people.totals().total == 0
    chosen = editor.post(address, {**form_on(page), "map-2": "email", "check": "1"}, follow=True).content.decode()
    assert figures_on(chosen)["Can’t be read"] == 1


def test_of_a_wide_file_the_columns_with_a_use_stand_first_and_the_others_are_folded(editor: Client, site: Store) -> None:
    unknown = [f"Question {number}" for number in range(30)]
    data = "\n".join([",".join([*unknown, "First name", "Email"]), ",".join([*["yes"] * 30, "Ada", "ada@x.example"])]).encode()
    address = address_after(upload(editor, data))

    page = text_of(editor, address)
    editor.post(address, {**form_on(page), "map-3": "city", "check": "1"})
    chosen = text_of(editor, address)

    first, folded = page.split('<details class="fold', 1)
    order = [name for name in form_on(page) if name.startswith("map-")]
    assert order == ["map-30", "map-31", *(f"map-{place}" for place in range(30))]
    assert "30 columns are left out" in folded
    assert first.count('name="map-') == 2
    assert chosen.split('<details class="fold', 1)[0].count('name="map-') == 3


def test_a_wide_file_without_a_use_shows_all_its_columns(editor: Client, site: Store) -> None:
    data = ",".join(f"Question {number}" for number in range(30)) + "\n" + ",".join(["yes"] * 30)

    page = text_of(editor, address_after(upload(editor, data.encode())))

    assert '<details class="fold' not in page
    assert page.count('name="map-') == 30


def test_two_columns_for_one_field_are_refused_and_kept_as_chosen(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, b"name,email,x\nAda King,ada@x.example,Lund\n"))

    response = editor.post(address, {**form_on(text_of(editor, address)), "map-2": "email", "check": "1"})

    page = response.content.decode()
    assert response.status_code == 422
    assert "can’t both be e-mail" in told_on(page)
    assert form_on(page)["map-2"] == "email"


@pytest.mark.parametrize("name", ["map-" + "9" * 500, "map-x", "map-1"])
def test_a_column_that_makes_no_sense_does_no_harm(editor: Client, site: Store, name: str) -> None:
    address = address_after(upload(editor, ADA))

    response = editor.post(address, {**form_on(text_of(editor, address)), name: "fly", "check": "1"})

    assert response.status_code in {302, 422}
    assert editor.get(address).status_code == 200


# --- large files


def large() -> bytes:
    """More rows than are checked in passing."""
    return b"name,email\n" + b"".join(b"Ada King,a%d@x.example\n" % number for number in range(2_100)) + b"broken,\n"


def test_a_large_file_is_tried_by_a_job_and_the_page_looks_again_by_itself(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, large()))

    page = text_of(editor, address)
    part = editor.get(address, headers={**PART, "HX-Target": "import-dry"}).content.decode()
    held = form_on(page)
    work_off(site)
    tried = editor.get(address, headers={**PART, "HX-Target": "import-dry"}).content.decode()

    assert 'hx-trigger="every 1s"' in page
    assert "Look how far it is" in page
    assert part.lstrip().startswith('<div id="import-dry" hx-get')
    assert 'name="import"' not in part
    assert figures_on(tried)["New people"] == 2_100
    assert "hx-get" not in tried
    assert site.people.totals().total == 0
    response = editor.post(address, {**held, "version": form_on(tried)["version"], "import": "1"})
    assert of(site, address_after(response)).status is ImportStatus.RUNNING


def test_trying_can_be_stopped_and_begun_again_with_the_same_page(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, large()))
    held = form_on(text_of(editor, address))

    editor.post(f"{address}cancel/")
    stopped = text_of(editor, address)
    editor.post(address, {**held, "check": "1"})
    work_off(site)

    assert "Not tried yet." in stopped
    assert figures_on(text_of(editor, address))["Can’t be read"] == 1


def test_an_import_shows_how_far_it_is_and_its_end_by_itself(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, ADA))
    editor.post(address, {**form_on(text_of(editor, address)), "import": "1"})

    part = editor.get(address, headers={**PART, "HX-Target": "import-progress"}).content.decode()
    listed = text_of(editor, "/people/import/")
    work_off(site)
    end = editor.get(address, headers={**PART, "HX-Target": "import-progress"})

    assert part.lstrip().startswith('<div id="import-progress"')
    assert 'action="' + address + 'cancel/"' in part
    assert "Importing" in listed
    assert end.headers["HX-Redirect"] == address


def test_an_import_can_be_stopped_and_says_so(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, ADA))
    editor.post(address, {**form_on(text_of(editor, address)), "import": "1"})

    editor.post(f"{address}cancel/")
    work_off(site)

    report = text_of(editor, address)
    assert "It was stopped before its end." in report
    assert "0 people added or updated" in report
    assert site.people.count(PeopleFilter()) == 0
    again = editor.post(f"{address}cancel/", follow=True).content.decode()
    assert "This import is not running." in told_on(again)


@pytest.mark.parametrize(("button", "kind"), [("check", CHECK), ("import", WRITE)])
def test_an_import_that_rests_after_a_breakdown_says_so_and_when_it_is_tried_again(
    editor: Client, site: Store, button: str, kind: str
) -> None:
    address = address_after(upload(editor, large() if button == "check" else ADA))
    if button == "import":
        editor.post(address, {**form_on(text_of(editor, address)), "import": "1"})
    held = Held.take(make_work(site, ToldMailer()), job_key(of(site, address).id, kind), "one")
    assert held is not None
    held.break_down("OSError", "crm/jobs/imports.py:7")

    page = text_of(editor, address)

    assert "It broke (OSError at crm/jobs/imports.py:7) and is tried again at " in page


# --- twice, at once, afterwards


def test_pressing_import_twice_imports_once(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, MEMBERS))
    held = {**form_on(text_of(editor, address)), "import": "1"}

    editor.post(address, held)
    again = editor.post(address, held, follow=True)
    work_off(site)
    late = editor.post(address, held, follow=True).content.decode()

    assert again.status_code == 200
    assert "This import has begun" in told_on(late)
    assert site.people.totals().total == 5
    assert figures_on(late)["New people"] == 5


def test_what_was_changed_in_another_window_is_told_and_nothing_typed_is_lost(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, ADA))
    one, other = form_on(text_of(editor, address)), form_on(text_of(editor, address))
    editor.post(address, {**one, "tag": "one", "check": "1"})

    response = editor.post(address, {**other, "tag": "other", "check": "1"})

    page = response.content.decode()
    assert response.status_code == 409
    assert "changed meanwhile" in told_on(page)
    assert form_on(page)["tag"] == "other"
    assert of(site, address).tag == "one"
    assert editor.post(address, {**form_on(page), "check": "1"}).status_code == 302
    assert of(site, address).tag == "other"


def test_counts_that_were_counted_again_elsewhere_are_looked_at_before_the_import(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, ADA))
    held = form_on(text_of(editor, address))
    editor.post(address, {**held, "check": "1"})

    page = editor.post(address, {**held, "import": "1"}, follow=True).content.decode()

    assert "Not imported yet" in told_on(page)
    assert of(site, address).status is ImportStatus.CHECKED


def test_a_file_can_be_thrown_away_until_it_is_imported(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, ADA))
    kept = imported(editor, site, ADA)

    gone = editor.post(f"{address}discard/", follow=True).content.decode()
    refused = editor.post(f"{kept}discard/", follow=True).content.decode()

    assert "is thrown away" in told_on(gone)
    assert editor.get(address).status_code == 404
    assert "This import has begun; undo it instead." in told_on(refused)
    assert editor.get(kept).status_code == 200


def test_a_file_that_is_not_there_any_more_is_said(editor: Client, site: Store) -> None:
    address = address_after(upload(editor, ADA))
    held = form_on(text_of(editor, address))
    remove_folder(get_files(), f"imports/{of(site, address).id}")

    response = editor.get(address)

    assert response.status_code == 404
    assert "files are kept for 30 days" in response.content.decode()
    assert editor.post(address, {**held, "check": "1"}).status_code == 404
    assert "members.csv" in text_of(editor, "/people/import/")


# --- who


def test_all_who_may_import_see_all_imports(editor: Client, sign_in: SignIn, site: Store) -> None:
    address = imported(editor, site, MEMBERS)
    other = sign_in("Marketer")

    listed = text_of(other, "/people/import/")

    assert f'href="{address}"' in listed
    assert "editor-" in listed
    assert "Imported" in listed
    assert "5 people added or updated" in text_of(other, address)
    assert other.get(f"{address}failed.csv").status_code == 200


def test_who_may_not_import_gets_nothing_of_it(editor: Client, sign_in: SignIn, site: Store) -> None:
    address = imported(editor, site, ADA)
    viewer = sign_in("Viewer")

    answers = [viewer.get(path).status_code for path in ("/people/import/", address, f"{address}failed.csv", f"{address}undo/")]
    posts = [upload(viewer, MEMBERS), *(viewer.post(f"{address}{name}/") for name in ("undo", "cancel", "discard"))]

    assert answers == [403, 403, 403, 403]
    assert [one.status_code for one in posts] == [403, 403, 403, 403]


@pytest.mark.parametrize("name", ["x" * 32, "..", "0" * 32, "a%23b", "å", "x" * 3000])
def test_a_wrong_id_is_a_404(editor: Client, site: Store, name: str) -> None:
    assert editor.get(f"/people/import/{name}/").status_code == 404


def test_an_empty_list_says_what_will_stand_there(editor: Client, site: Store) -> None:
    assert "Nothing was imported yet." in text_of(editor, "/people/import/")


def test_an_undone_import_of_new_people_only_leads_to_nobody(editor: Client, site: Store) -> None:
    address = imported(editor, site, ADA)
    editor.post(f"{address}undo/")
    undoing = text_of(editor, address)
    work_off(site)

    report = text_of(editor, address)

    assert "Undoing an import" in undoing
    assert "<h1>This import is undone" in report
    assert "added or updated" not in report
    assert "?selected=" not in report
    assert "Another file" in report
