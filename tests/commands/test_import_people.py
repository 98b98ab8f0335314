"""`manage.py import_people` and `export_people`: what they print, write and leave behind."""

import csv
import io
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from crm.domain.filters import PeopleFilter
from crm.domain.imports import ImportStatus
from crm.store import Store
from tests.factories import make_person

MEMBERS = Path(__file__).parent.parent / "data" / "members.csv"
CONGRESS = Path(__file__).parents[3] / "shared" / "data" / "people.csv"


@pytest.fixture(autouse=True)
def storage(settings: Any, tmp_path: Path) -> Path:
    """Where the uploaded files of a test are."""
    folder = tmp_path / "storage"
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": folder}}}
    return folder


@pytest.fixture
def members(tmp_path: Path) -> Path:
    """A copy whose folder can be written to."""
    file = tmp_path / "members.csv"
    file.write_bytes(MEMBERS.read_bytes())
    return file


def counts_in(text: str) -> dict[str, int]:
    lines = [line.split() for line in text.splitlines()]
    kinds = ("new", "update", "unchanged", "duplicate", "invalid")
    return {words[0]: int(words[1].replace(",", "")) for words in lines if len(words) == 2 and words[0] in kinds}


def test_it_imports_prints_counts_and_writes_failed_rows_beside_the_file(
    site: Store, members: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("import_people", str(members))

    out = capsys.readouterr().out
    assert counts_in(out) == {"new": 5, "update": 0, "unchanged": 0, "duplicate": 1, "invalid": 2}
    failed = members.with_name("members.failed.csv")
    assert f"Failed rows: {failed}" in out
    rows = list(csv.reader(io.StringIO(failed.read_text("utf-8-sig")), delimiter=";"))
    assert rows[0] == ["Förnamn", "Efternamn", "E-post", "Mobil", "Organisation", "Titel", "Ort", "Län", "Mat", "reason"]
    assert [row[-1] for row in rows[1:]] == [
        "“mariajose@” is not an e-mail address; it should look like name@example.org.",
        "There is no address.",
    ]
    assert site.people.totals().total == 5


def test_failed_rows_have_between_cells_what_the_file_has(site: Store, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("Vorname;Nachname;E-Mail\nAda;King;ada\n")

    call_command("import_people", str(file))

    assert file.with_name("people.failed.csv").read_text("utf-8-sig").startswith("Vorname;Nachname;E-Mail;reason")


def test_failed_rows_of_an_import_before_are_left_alone(site: Store, members: Path, capsys: pytest.CaptureFixture[str]) -> None:
    members.with_name("members.failed.csv").write_text("being mended")

    for number in (2, 3):
        call_command("import_people", str(members))

        failed = members.with_name(f"members.failed-{number}.csv")
        assert f"Failed rows: {failed}" in capsys.readouterr().out
        assert len(list(csv.reader(io.StringIO(failed.read_text("utf-8-sig"))))) == 3

    assert members.with_name("members.failed.csv").read_text() == "being mended"


def test_a_dry_run_writes_nothing(site: Store, members: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_people", str(members), "--dry-run")

    assert counts_in(capsys.readouterr().out) == {"new": 5, "update": 0, "unchanged": 0, "duplicate": 1, "invalid": 2}
    assert site.people.totals().total == 0
    assert not members.with_name("members.failed.csv").exists()


def test_columns_can_be_mapped(site: Store, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("Who,Where to,Plot\nAda King,ada@x.example,Lund\n")

    call_command("import_people", str(file), "--map", "name=Who", "email=Where to", "city=plot")

    found = site.people.find_by_email("ada@x.example")
    assert found is not None
    assert (found.name, found.profile.city) == ("Ada King", "Lund")


def test_columns_of_a_file_without_headings_are_numbered(site: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "list.csv"
    file.write_text("Ada King;ada@x.example;Lund\nBo Li;bo@x.example;\n")

    call_command("import_people", str(file), "--map", "name=Column 1", "city=column 3")

    out = capsys.readouterr().out
    assert "UTF-8, semicolons, no headings" in out
    assert "Column 2 -> E-mail" in out
    assert counts_in(out)["new"] == 2


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        ("", [], "empty"),
        ("First name,Shoe size\nAda,37\n", [], "“Shoe size”"),
        ("name,email\nAda King,a@x.example\n", ["--map", "shoe=name"], "--map takes field=Column"),
        ("name,email\nAda King,a@x.example\n", ["--map", "city=Ort"], "no column “Ort”"),
    ],
)
def test_a_file_that_cannot_be_used_ends_with_a_sentence_and_an_error(
    site: Store, tmp_path: Path, text: str, arguments: list[str], words: str
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text)

    with pytest.raises(CommandError, match=words) as caught:
        call_command("import_people", str(file), *arguments)

    assert caught.value.returncode == 1
    assert site.people.totals().total == 0


def test_a_missing_file_is_told(site: Store, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_people", str(tmp_path / "nowhere.csv"))


def test_an_excel_sheet_of_thousands_of_rows_comes_in_and_can_be_undone_in_the_browser(
    site: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["First name", "Last name", "Email", "Phone"])
    for number in range(2_050):
        sheet.append(["Ada", "King", f"a{number}@x.example" if number % 10 == 0 else "nobody", 46701234567])
    book.save(tmp_path / "people.xlsx")

    call_command("import_people", str(tmp_path / "people.xlsx"))

    out = capsys.readouterr().out
    assert counts_in(out) == {"new": 205, "update": 0, "unchanged": 0, "duplicate": 0, "invalid": 1_845}
    assert "an Excel sheet" in out
    ada = site.people.find_by_email("a10@x.example")
    assert ada is not None
    assert ada.profile.phone_number == "46701234567"
    (imported,) = site.imports.recent()
    assert (imported.status, imported.name) == (ImportStatus.DONE, "people.xlsx")
    assert site.people.count(PeopleFilter(selected=(imported.id,))) == 205


def test_an_import_that_is_interrupted_stops_after_its_step(
    site: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("\n".join(["name,email", *[f"Ada King,a{number}@x.example" for number in range(300)]]))
    real = site.selections.put

    def interrupted(*part: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return real(*part)

    monkeypatch.setattr(site.selections, "put", interrupted)

    call_command("import_people", str(file))

    out = capsys.readouterr().out
    assert "Stopped: 96 people were written until then." in out
    assert site.people.totals().total == 96
    assert site.imports.recent()[0].status is ImportStatus.CANCELLED


def test_a_dry_run_leaves_no_file_and_no_import_behind(site: Store, members: Path, storage: Path) -> None:
    call_command("import_people", str(members), "--dry-run")

    assert site.imports.recent() == []
    assert [path.name for path in storage.rglob("*")] == ["imports"]


def test_real_people_come_in_in_one_go_and_a_filter_gives_the_same_as_the_file(
    site: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not CONGRESS.exists():
        pytest.skip(f"the list of real people is not here: {CONGRESS}")

    call_command("import_people", str(CONGRESS))

    assert counts_in(capsys.readouterr().out) == {"new": 323, "update": 0, "unchanged": 0, "duplicate": 0, "invalid": 0}
    call_command("export_people", "--company", "u.s. senate", "--state", "WA", "--state", "CA")
    found = {row["Email"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    with CONGRESS.open(encoding="utf-8") as file:
        wanted = {
            row["Email"] for row in csv.DictReader(file) if row["Company"] == "U.S. Senate" and row["State"] in {"WA", "CA"}
        }
    assert found == wanted
    assert len(wanted) > 1


def test_the_export_is_exactly_the_filter(site: Store, capsys: pytest.CaptureFixture[str]) -> None:
    site.people.create_many([make_person(company=f"C{number % 2}", last_name=f"N{number:03}") for number in range(130)])

    call_command("export_people", "--companyNot", "c1", "--order", "name")

    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    wanted = [person.profile.last_name for person in site.people.walk(PeopleFilter()) if person.profile.company == "C0"]
    assert [row["Last name"] for row in rows] == sorted(wanted)
    assert len(rows) == 65


def test_the_export_refuses_a_bad_filter(site: Store) -> None:
    with pytest.raises(CommandError, match="attendedEventCountMin"):
        call_command("export_people", "--attendedEventCountMin", "many")
