"""Import of people: deciding the same in the dry run and in earnest, writing, and out again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from crm.domain.errors import Conflict, CrmError
from crm.domain.filters import PeopleFilter
from crm.domain.imports import Import, Kind, Mode
from crm.domain.people import EmailStatus, Person
from crm.services import imports
from crm.services.export import COLUMNS, csv_lines, headings, people_rows, row_of
from crm.services.files import FolderFiles
from crm.store import Store
from crm.store.people import NOTHING, Also
from tests.factories import make_person, make_profile
from tests.jobs.importing import checked, done

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MEMBERS = (Path(__file__).parent.parent / "data" / "members.csv").read_bytes()


@dataclass(frozen=True)
class Report:
    """What became of a file: its counts, and number and reason of each row that failed."""

    counts: dict[Kind, int]
    failed: list[tuple[int, str]]
    header: list[str]
    rows: list[list[str]]


def run(store: Store, data: str | bytes, *, dry: bool = False, **chosen: object) -> Report:
    """Import a file, or see what that would do."""
    with TemporaryDirectory() as folder:
        files = FolderFiles(Path(folder))
        imported: Import = (checked if dry else done)(store, files, data, **chosen)
        failed = [(number, reason) for number, _, reason in imports.shown_failures(files, imported, 1000)]
        header, rows = imports.failed_rows(files, imported)
        return Report(dict(imported.counts), failed, header, list(rows))


def person_at(store: Store, address: str) -> Person:
    found = store.people.find_by_email(address)
    assert found is not None
    return found


def test_quotation_marks_within_cells_and_line_breaks_within_quoted_ones_stay(store: Store) -> None:
    report = run(
        store,
        "First name,Last name,Email,Company\r\n"
        'Ada "X" Y,A,a@x.example,5" disks\r\n'
        '"Bob",B,b@x.example,"Acme, ""the"" Inc\r\nof Lund" \r\n'
        '"Carl" C,"C",c@x.example,\r\n'
        'Dora,D,d@x.example,12"',
    )

    assert report.counts == {Kind.NEW: 3, Kind.INVALID: 1}
    assert "control character" in report.failed[0][1]
    assert person_at(store, "a@x.example").profile.first_name == 'Ada "X" Y'
    assert person_at(store, "c@x.example").profile.first_name == "Carl C"
    assert person_at(store, "d@x.example").profile.company == '12"'


def test_the_dry_run_tells_what_the_import_then_does(store: Store) -> None:
    store.people.create(make_person(first_name="Åke", last_name="Old", email="hash@example.org", city="Lund"))
    planned = run(store, MEMBERS, dry=True)
    assert store.people.totals().total == 1

    written = run(store, MEMBERS)

    assert planned.counts == written.counts == {Kind.NEW: 4, Kind.UPDATE: 1, Kind.DUPLICATE: 1, Kind.INVALID: 2}
    assert planned.failed == written.failed
    assert [number for number, _ in written.failed] == [4, 5]
    assert store.people.totals().total == 5


def test_names_stay_as_they_are_written(store: Store) -> None:
    run(store, MEMBERS)

    names = {person_at(store, address).name for address in ("zoe@example.org", "hash@example.org", "mohamed@example.org")}

    assert names == {"Zoë Ångström", "#1 100% O'Brien", "محمد الفيومي"}
    assert person_at(store, "oluwaseun@example.org").profile.job_title == "Developer; advocate"


def test_a_row_with_a_name_of_accents_alone_fails_alone(store: Store) -> None:
    report = run(store, "First name,Last name,Email\n\u0301,\u0308,odd@x.example\nAda,King,ada@x.example\n")

    assert report.counts == {Kind.NEW: 1, Kind.INVALID: 1}
    assert "only accents" in report.failed[0][1]


def test_importing_a_file_again_changes_nothing(store: Store) -> None:
    run(store, MEMBERS)
    before = {person.id: person for person in store.people.walk(_everybody())}

    report = run(store, MEMBERS)

    assert report.counts == {Kind.UNCHANGED: 5, Kind.DUPLICATE: 1, Kind.INVALID: 2}
    assert {person.id: person for person in store.people.walk(_everybody())} == before


def test_the_same_person_twice_in_a_file_is_one_person(store: Store) -> None:
    report = run(store, "name,email,company,city\nAda King,ADA@x.example,One,Lund\nAda King,ada@x.example,Two,\n")

    found = person_at(store, "ada@x.example")
    assert report.counts == {Kind.NEW: 1, Kind.DUPLICATE: 1}
    assert (found.profile.company, found.profile.city, found.profile.email) == ("Two", "Lund", "ADA@x.example")
    assert store.people.totals().total == 1


def test_known_people_get_what_the_file_says_and_keep_the_rest(store: Store) -> None:
    store.people.create(make_person(email="ada@x.example", company="Old", city="Lund", phone_number="1", tags=("speaker",)))

    report = run(store, "Email,Company,City,Tags\nADA@x.example,New,,host; Speaker\n")

    profile = person_at(store, "ada@x.example").profile
    assert report.counts == {Kind.UPDATE: 1}
    assert (profile.first_name, profile.company, profile.city, profile.phone_number) == ("Ada", "New", "Lund", "1")
    assert profile.tags == ("speaker", "host")
    assert profile.email == "ada@x.example"


@pytest.mark.parametrize(
    ("mode", "counts"),
    [(Mode.CREATE, {Kind.NEW: 1, Kind.SKIPPED: 1}), (Mode.UPDATE, {Kind.UPDATE: 1, Kind.SKIPPED: 1})],
)
def test_only_new_or_only_known_people_can_be_written(store: Store, mode: Mode, counts: dict[Kind, int]) -> None:
    store.people.create(make_person(email="ada@x.example", company="Old"))

    report = run(store, "name,email,company\nAda King,ada@x.example,New\nBo Li,bo@x.example,New\n", mode=mode)

    assert report.counts == counts


def test_a_tag_for_all_is_added_to_each(store: Store) -> None:
    store.people.create(make_person(email="ada@x.example", tags=("speaker",)))

    run(store, "name,email\nAda Lovelace,ada@x.example\nBo Li,bo@x.example\n", tag="members 2026")

    assert person_at(store, "ada@x.example").profile.tags == ("speaker", "members 2026")
    assert person_at(store, "bo@x.example").profile.tags == ("members 2026",)


def test_a_tenth_of_broken_rows_stops_nobody_else(store: Store) -> None:
    broken = ["Ada,King,not an address", "Ada,King,", "Ada,,no-name@x.example", f"{'x' * 300},King,long@x.example"]
    broken += ["Ada,King,many@x.example,Lund,more", "A\x00da,King,nul@x.example", '"A\nda",King,line@x.example']
    lines = [
        broken[number // 10] if number % 10 == 3 and number < 70 else f"Ada,King,a{number}@x.example" for number in range(100)
    ]

    report = run(store, "\n".join(["First name,Last name,Email,City", *lines]))

    assert report.counts == {Kind.NEW: 93, Kind.INVALID: 7}
    assert [number for number, _ in report.failed] == [5, 15, 25, 35, 45, 55, 65]
    assert all(reason for _, reason in report.failed)
    assert store.people.totals().total == 93


def test_failed_rows_can_be_mended_and_imported_again(store: Store) -> None:
    report = run(store, b"First name,Last name,Email\nAda,King,ada\nBo,Li,bo@x.example\n")

    text = "".join(csv_lines(report.header, report.rows))
    again = run(store, text.replace(",ada,", ",ada@x.example,"))

    assert report.header == ["First name", "Last name", "Email", "reason"]
    assert report.rows == [["Ada", "King", "ada", "“ada” is not an e-mail address; it should look like name@example.org."]]
    assert again.counts == {Kind.NEW: 1}


def test_a_row_with_too_many_cells_keeps_its_reason_in_the_last_column(store: Store) -> None:
    report = run(store, "First name,Last name,Email\nAda,King,ada\nBo,Li,bo@x.example,Lund,x\n")

    assert report.header == ["First name", "Last name", "Email", "", "", "reason"]
    assert [len(row) for row in report.rows] == [6, 6]
    assert report.rows[1][:5] == ["Bo", "Li", "bo@x.example", "Lund", "x"]


def test_whoever_was_added_meanwhile_is_updated_instead(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = store.people.create_many

    def overtaken(people: list[Person], also: Also = NOTHING, **named: Any) -> list[Person | CrmError]:
        monkeypatch.setattr(store.people, "create_many", real)
        store.people.create(make_person(email="ADA@x.example", city="Lund"))
        return real(people, also)

    monkeypatch.setattr(store.people, "create_many", overtaken)

    report = run(store, "name,email,company\nAda Lovelace,ada@x.example,New\n")

    profile = person_at(store, "ada@x.example").profile
    assert report.counts == {Kind.UPDATE: 1}
    assert (profile.company, profile.city) == ("New", "Lund")


def test_whoever_keeps_changing_is_told_as_failed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.people.create(make_person(email="ada@x.example"))
    monkeypatch.setattr(store.people, "save_many", lambda pairs, also, **_: [Conflict("changed") for _ in pairs])

    report = run(store, "name,email,company\nAda Lovelace,ada@x.example,New\n")

    assert report.counts == {Kind.INVALID: 1}
    assert "import the row again" in report.failed[0][1]


def test_who_unsubscribed_before_stays_unsubscribed(store: Store) -> None:
    store.table.write(store.suppressions.actions("ada@x.example", EmailStatus.UNSUBSCRIBED, now=NOW, source="link"))

    run(store, "name,email\nAda King,ada@x.example\n")

    assert person_at(store, "ada@x.example").email_status is EmailStatus.UNSUBSCRIBED


# --- and out again


def test_an_export_can_be_imported_again_without_a_change(store: Store) -> None:
    store.people.create(
        make_person(email="a@x.example", phone_number="+46 31 555", company="=1+1", tags=("host, 2026", "speaker"), city="Malmö")
    )
    for number, tags in enumerate([("host, 2026",), ("x|y",), ("x|y", "host, 2026", "z"), ()]):
        store.people.create(make_person(email=f"b{number}@x.example", tags=tags))
    text = "".join(csv_lines(headings(COLUMNS), people_rows(store, _everybody())))

    report = run(store, text)

    assert "'+46 31 555" in text
    assert "'=1+1" in text
    assert report.counts == {Kind.UNCHANGED: 5}


def test_a_tag_with_a_comma_or_bar_is_one_tag_where_a_semicolon_is_behind_it(store: Store) -> None:
    run(store, 'Name,Email,Tags\nAda King,ada@x.example,"host, 2026;"\nBo Ek,bo@x.example,x|y;\nCy Li,cy@x.example,x|y\n')

    found = [person_at(store, f"{name}@x.example").profile.tags for name in ("ada", "bo", "cy")]

    assert found == [("host, 2026",), ("x|y",), ("x", "y")]


def test_a_row_of_the_export_has_a_cell_for_each_column() -> None:
    person = make_person(profile=make_profile(tags=("a", "b")), created_at=NOW, updated_at=NOW + timedelta(hours=1))

    row = dict(zip(headings(COLUMNS), row_of(person), strict=True))

    assert (row["Tags"], row["Added"], row["Changed"]) == ("a; b", "2026-05-04 12:00:00", "2026-05-04 13:00:00")


def _everybody() -> PeopleFilter:
    return PeopleFilter()
