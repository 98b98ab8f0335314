"""The file of people: its columns, and what spreadsheets make of its cells."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crm.domain.errors import RuleViolation, StoreUnavailable
from crm.domain.filters import PeopleFilter
from crm.services.export import BROKEN, COLUMNS, columns_named, csv_lines, export_people, headings, plain_cell, row_of, safe_cell
from crm.store import Store
from tests.factories import make_person, make_profile

FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
TEXTS = st.text(alphabet=st.sampled_from("'=+-@＝0123456789aÅ \t,;\"\n"), max_size=16).map(str.strip)


@given(TEXTS)
@example("''=1")
@example("'90s club")
@settings(max_examples=50, deadline=None)
def test_a_cell_is_no_formula_in_the_file_and_itself_again_when_it_is_read(text: str) -> None:
    cell = str(safe_cell(text))

    assert not cell.startswith(FORMULAS)
    assert plain_cell(cell) == text


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("0701555019", "'0701555019"),  # the zero would go
        ("123456789012345678", "'123456789012345678"),  # the last digits would become zeros
        ("+46315550142", "'+46315550142"),  # the plus would go
        ("+46-31-555", "'+46-31-555"),  # it would be worked out
        ("0701-555 019", "0701-555 019"),
        ("24", "24"),
        ("0", "0"),
        ("3M", "3M"),
    ],
)
def test_digits_that_a_spreadsheet_would_make_another_number_of_stay_text(text: str, cell: str) -> None:
    assert safe_cell(text) == cell
    assert plain_cell(cell) == text


def test_cells_with_separators_quotes_and_line_breaks_come_back_as_one() -> None:
    cells = ["a,b;c", 'say "hi"', "two\r\nlines", "two\nlines", "", "Åsa"]

    for separator in (",", ";"):
        text = "".join(csv_lines([*"abcdef"], [cells], separator=separator))
        assert list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator))[1] == cells
        assert text.endswith("\r\n")


def test_numbers_are_numbers_and_times_are_the_organisations() -> None:
    person = make_person(profile=make_profile(), created_at=datetime(2026, 3, 29, 23, 30, 5, tzinfo=UTC), attended_event_count=3)

    row = row_of(person, ("attendedEventCount", "createdAt"), ZoneInfo("Europe/Stockholm"))

    assert row == (3, "2026-03-30 01:30:05")


def test_columns_come_in_the_order_of_their_names_each_once_and_all_where_none_is_named() -> None:
    assert columns_named(["company", "email", "company", ""]) == ("company", "email")
    assert columns_named([]) == tuple(COLUMNS)
    assert headings(["id", "phoneNumber"]) == ["ID", "Phone"]


def test_a_column_that_is_none_is_told_with_those_there_are() -> None:
    with pytest.raises(RuleViolation, match="There is no column “password”; use some of firstName, lastName, email,"):
        columns_named(["email", "password"])


def test_a_file_that_breaks_off_says_so_in_its_last_line_and_fails() -> None:
    def rows() -> Iterator[tuple[str]]:
        yield ("Ada",)
        raise StoreUnavailable("gone")

    taken = csv_lines(["Name"], rows())
    lines = [next(taken), next(taken), next(taken)]

    assert lines[-1] == f"{BROKEN}\r\n"
    with pytest.raises(StoreUnavailable):
        next(taken)


def test_an_export_is_noted_with_the_fields_of_its_filter_and_nobodys_data(store: Store) -> None:
    store.people.create(make_person(company="Tech Corp"))

    rows = export_people(
        store,
        PeopleFilter(company=("Tech Corp",), q="ada"),
        columns=("email",),
        actor="zoe",
        now=datetime(2026, 5, 4, tzinfo=UTC),
    )

    assert len(list(rows)) == 1
    (entry,) = store.audit.of_month("2026-05")
    assert (entry.action, entry.actor, dict(entry.facts)) == ("people.exported", "zoe", {"filter": "company q", "columns": 1})
