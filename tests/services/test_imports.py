"""Import of people: reading files as they come, matching columns, deciding the same in the dry run and in earnest."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crm.domain.errors import Conflict, CrmError, RuleViolation
from crm.domain.filters import PeopleFilter
from crm.domain.people import EmailStatus, Person
from crm.services import import_whole as imports
from crm.services.export import COLUMNS, csv_lines, headings, people_rows, row_of
from crm.services.import_columns import FIELDS, choose, name_columns, recognise
from crm.services.import_file import SourceFile, read
from crm.services.import_headings import HEADINGS
from crm.services.import_whole import Kind, Mode, Options, Report
from crm.store import Store
from tests.factories import make_person, make_profile

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MEMBERS = (Path(__file__).parent.parent / "data" / "members.csv").read_bytes()


def run(store: Store, data: str | bytes, **chosen: object) -> Report:
    source = read(data if isinstance(data, bytes) else data.encode())
    report = Report()
    for step in imports.commit(store, source, options_of(source, **chosen), now=NOW):
        report.add(step.outcomes)
    return report


def options_of(source: SourceFile, **chosen: object) -> Options:
    return Options(columns=recognise(source), **chosen)  # type: ignore[arg-type]


def person_at(store: Store, address: str) -> Person:
    found = store.people.find_by_email(address)
    assert found is not None
    return found


# --- reading


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16"), ("utf-16-be", "utf-16")],
)
def test_unicode_files_are_read_for_sure(encoding: str, expected: str) -> None:
    source = read("Vorname;E-Mail\nJürgen;j@x.example\n".encode(encoding))

    assert (source.encoding, source.guessed, source.delimiter) == (expected, False, ";")
    assert source.headers == ("Vorname", "E-Mail")
    assert source.rows[0].cells == ("Jürgen", "j@x.example")


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


def test_latin_1_is_not_read_as_garbage(store: Store) -> None:
    report = run(store, "Förnamn;Efternamn;E-post\nZoë;Ångström;zoe@x.example\n".encode("latin-1"))

    assert report.counts == {Kind.NEW: 1}
    assert person_at(store, "zoe@x.example").name == "Zoë Ångström"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_beside_others_in_the_text(delimiter: str) -> None:
    rows = [
        ["First name", "Last name", "Email", "Company"],
        ["Ann", "Lee", "a@x.example", '"A, B; C | D"'],
        ["Bo", "Li", "b@x.example", ""],
    ]

    source = read("\n".join(delimiter.join(row) for row in rows).encode())

    assert source.delimiter == delimiter
    assert source.rows[0].cells[3] == "A, B; C | D"


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
    assert "control character" in report.failed[0].reason
    assert person_at(store, "a@x.example").profile.first_name == 'Ada "X" Y'
    assert person_at(store, "c@x.example").profile.first_name == "Carl C"
    assert person_at(store, "d@x.example").profile.company == '12"'


def test_a_wrong_choice_of_encoding_is_told() -> None:
    with pytest.raises(RuleViolation, match="Japanese"):
        read("Förnamn\nÅÄÖ é\n".encode("latin-1"), encoding="shift_jis")


def test_blank_rows_and_a_separator_hint_keep_the_numbers_of_the_sheet() -> None:
    source = read(b"sep=;\r\nName;Email\r\n;\r\nAnn Lee;a@x.example\r\n")

    assert source.headers == ("Name", "Email")
    assert [row.number for row in source.rows] == [4]


# --- columns


@pytest.mark.parametrize(
    ("headings", "fields"),
    [
        (
            "First name,Last name,Email,Phone,Company,Job title,City,State",
            "firstName lastName email phoneNumber company jobTitle city state",
        ),
        ("Given Name,Family Name,E-mail 1 - Value,Organization 1 - Name", "firstName lastName email company"),
        (
            "Förnamn,Efternamn,E-post,Mobil,Organisation,Titel,Ort,Län,Mat",
            "firstName lastName email phoneNumber company jobTitle city state -",
        ),
        ("Vorname,Name,E-Mail", "firstName lastName email"),
        ("Prénom,Nom,Courriel", "firstName lastName email"),
        ("Full name,E-mail address", "name email"),
        ("Full name,First name,Last name,Email", "- firstName lastName email"),
        ("姓,名,メールアドレス", "lastName firstName email"),
        ("Email,Work email", "email -"),
    ],
)
def test_columns_are_known_by_their_headings(headings: str, fields: str) -> None:
    source = read(f"{headings}\n".encode() + b"x,y\n")

    assert " ".join(column.field or "-" for column in recognise(source)) == fields


def test_no_heading_means_two_fields() -> None:
    meant = [heading.strip().casefold() for headings in HEADINGS.values() for heading in headings.split(",")]

    assert [heading for heading, times in Counter(meant).items() if times > 1] == []
    assert set(HEADINGS) == set(FIELDS)


def test_a_column_of_addresses_is_known_without_its_heading() -> None:
    source = read(b"who,where\nAnn Lee,a@x.example\nBo Li,b@x.example\n")

    assert [column.field for column in recognise(source)] == ["", "email"]


def test_a_file_without_addresses_names_its_headings(store: Store) -> None:
    with pytest.raises(RuleViolation, match="“First name”, “Shoe size”"):
        run(store, "First name,Shoe size\nAda,37\n")


def test_a_file_without_headings_is_told_to_have_some(store: Store) -> None:
    with pytest.raises(RuleViolation, match="The first row is a person"):
        run(store, "Ada,Lovelace,ada@example.org\nBo,Li,bo@example.org\n")


def test_two_columns_cannot_be_one_field() -> None:
    source = read(b"a,b\n1,2\n")

    with pytest.raises(RuleViolation, match="“a” and “b” can’t both be city"):
        choose(source, {0: "city", 1: "city"})


def test_columns_can_be_named_from_outside() -> None:
    source = read(b"Kontakt,Wo\nx@x.example,Berlin\n")

    assert [column.field for column in name_columns(source, {"email": "kontakt", "city": "Wo"})] == ["email", "city"]
    with pytest.raises(RuleViolation, match="There is no column “Nirgends”"):
        name_columns(source, {"city": "Nirgends"})


# --- deciding and doing


def test_the_dry_run_tells_what_the_import_then_does(store: Store) -> None:
    store.people.create(make_person(first_name="Åke", last_name="Old", email="hash@example.org", city="Lund"))
    source = read(MEMBERS)
    planned = imports.plan(store, source, options_of(source))
    assert store.people.totals().total == 1

    done = run(store, MEMBERS)

    assert planned.counts == done.counts == {Kind.NEW: 4, Kind.UPDATE: 1, Kind.DUPLICATE: 1, Kind.INVALID: 2}
    assert [(one.row.number, one.reason) for one in planned.failed] == [(one.row.number, one.reason) for one in done.failed]
    assert [one.row.number for one in done.failed] == [4, 5]
    assert store.people.totals().total == 5


def test_names_stay_as_they_are_written(store: Store) -> None:
    run(store, MEMBERS)

    names = {person_at(store, address).name for address in ("zoe@example.org", "hash@example.org", "mohamed@example.org")}

    assert names == {"Zoë Ångström", "#1 100% O'Brien", "محمد الفيومي"}
    assert person_at(store, "oluwaseun@example.org").profile.job_title == "Developer; advocate"


def test_a_row_with_a_name_of_accents_alone_fails_alone(store: Store) -> None:
    report = run(store, "First name,Last name,Email\n\u0301,\u0308,odd@x.example\nAda,King,ada@x.example\n")

    assert report.counts == {Kind.NEW: 1, Kind.INVALID: 1}
    assert "only accents" in report.failed[0].reason


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
    assert [one.row.number for one in report.failed] == [5, 15, 25, 35, 45, 55, 65]
    assert all(one.reason for one in report.failed)
    assert store.people.totals().total == 93


def test_failed_rows_can_be_mended_and_imported_again(store: Store) -> None:
    source = read(b"First name,Last name,Email\nAda,King,ada\nBo,Li,bo@x.example\n")
    report = run(store, b"First name,Last name,Email\nAda,King,ada\nBo,Li,bo@x.example\n")

    header, rows = imports.failed_rows(source, report.failed)
    text = "".join(csv_lines(header, rows))
    again = run(store, text.replace(",ada,", ",ada@x.example,"))

    assert header == ["First name", "Last name", "Email", "reason"]
    assert rows == [["Ada", "King", "ada", "“ada” is not an e-mail address; it should look like name@example.org."]]
    assert again.counts == {Kind.NEW: 1}


def test_an_import_can_go_on_where_it_was_left(store: Store) -> None:
    lines = [f"Ada King,a{number}@x.example" for number in range(250)]
    source = read("\n".join(["name,email", *lines, "broken,"]).encode())
    options = options_of(source)

    first = next(imports.commit(store, source, options, now=NOW))
    assert first.next is not None
    report = Report()
    report.add(first.outcomes)
    for step in imports.commit(store, source, options, now=NOW, start=first.next):
        report.add(step.outcomes)

    assert report.counts == {Kind.NEW: 250, Kind.INVALID: 1}
    assert store.people.totals().total == 250


def test_whoever_was_added_meanwhile_is_updated_instead(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = store.people.create_many

    def overtaken(people: list[Person]) -> list[Person | CrmError]:
        monkeypatch.setattr(store.people, "create_many", real)
        store.people.create(make_person(email="ADA@x.example", city="Lund"))
        return real(people)

    monkeypatch.setattr(store.people, "create_many", overtaken)

    report = run(store, "name,email,company\nAda Lovelace,ada@x.example,New\n")

    profile = person_at(store, "ada@x.example").profile
    assert report.counts == {Kind.UPDATE: 1}
    assert (profile.company, profile.city) == ("New", "Lund")


def test_whoever_keeps_changing_is_told_as_failed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.people.create(make_person(email="ada@x.example"))
    monkeypatch.setattr(store.people, "save_many", lambda pairs: [Conflict("changed") for _ in pairs])

    report = run(store, "name,email,company\nAda Lovelace,ada@x.example,New\n")

    assert report.counts == {Kind.INVALID: 1}
    assert "import the row again" in report.failed[0].reason


def test_who_unsubscribed_before_stays_unsubscribed(store: Store) -> None:
    store.table.write(store.suppressions.actions("ada@x.example", EmailStatus.UNSUBSCRIBED, now=NOW, source="link"))

    run(store, "name,email\nAda King,ada@x.example\n")

    assert person_at(store, "ada@x.example").email_status is EmailStatus.UNSUBSCRIBED


# --- and out again


def test_an_export_can_be_imported_again_without_a_change(store: Store) -> None:
    store.people.create(
        make_person(email="a@x.example", phone_number="+46 31 555", company="=1+1", tags=("host, 2026", "speaker"), city="Malmö")
    )
    text = "".join(csv_lines(headings(COLUMNS), people_rows(store, _everybody())))

    report = run(store, text)

    assert "'+46 31 555" in text
    assert "'=1+1" in text
    assert report.counts == {Kind.UNCHANGED: 1}


def test_a_row_of_the_export_has_a_cell_for_each_column() -> None:
    person = make_person(profile=make_profile(tags=("a", "b")), created_at=NOW, updated_at=NOW + timedelta(hours=1))

    row = dict(zip(headings(COLUMNS), row_of(person), strict=True))

    assert (row["Tags"], row["Added"], row["Changed"]) == ("a; b", "2026-05-04 12:00:00", "2026-05-04 13:00:00")


def _everybody() -> PeopleFilter:
    return PeopleFilter()
