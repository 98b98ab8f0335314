"""The list as a file: which columns, in what order, remembered; and what an export that fails looks like."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm.domain.errors import StoreUnavailable
from crm.domain.people import Person
from crm.services.export import BROKEN, COLUMNS
from crm.store import Store
from crm.store.people import PeopleRepository
from tests.factories import make_person

SignIn = Callable[[str], Client]
FILE = "/people/export.csv"


@pytest.fixture
def editor(sign_in: SignIn) -> Client:
    return sign_in("Editor")


@pytest.fixture(autouse=True)
def _people(site: Store) -> None:
    site.people.create_many(
        [
            make_person(first_name="Ada", email="ada@x.example", company="Tech Corp", city="Lund"),
            make_person(first_name="Bea", email="bea@x.example", company="Other"),
        ]
    )
    site.stats.fold_all()


def table_in(response: Any, delimiter: str = ",") -> list[list[str]]:
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_a_file_has_the_chosen_columns_in_the_chosen_order_and_the_filters_people(editor: Client) -> None:
    rows = table_in(editor.get(f"{FILE}?company=Tech+Corp&column=email&column=firstName"))

    assert rows == [["Email", "First name"], ["ada@x.example", "Ada"]]


def test_a_file_has_all_columns_where_none_is_chosen(editor: Client) -> None:
    assert table_in(editor.get(FILE))[0] == list(COLUMNS.values())


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("column=email&column=secret", "There is no column “secret”; use some of firstName, lastName, email,"),
        ("separator=pipe", "separator can be comma or semicolon."),
    ],
)
def test_what_can_not_be_is_told(editor: Client, query: str, words: str) -> None:
    response = editor.get(f"{FILE}?{query}")

    assert response.status_code == 400
    assert words in response.content.decode()


def test_what_the_menu_chose_is_what_the_plain_link_gives_from_then_on(editor: Client, sign_in: SignIn) -> None:
    table_in(editor.get(f"{FILE}?column=city&column=email&separator=semicolon"), ";")

    plain = table_in(editor.get(f"{FILE}?company=Tech+Corp"), ";")
    page = editor.get("/people/?company=Tech+Corp").content.decode()

    assert plain == [["City", "Email"], ["Lund", "ada@x.example"]]
    assert "2 columns" in page
    assert 'value="semicolon" selected' in page
    assert '<input type="hidden" name="company" value="Tech Corp">' in page
    assert table_in(sign_in("Editor").get(FILE))[0] == list(COLUMNS.values())


def test_ticking_nothing_in_the_menu_is_all_columns_again(editor: Client) -> None:
    editor.get(f"{FILE}?column=city&separator=semicolon")

    assert table_in(editor.get(f"{FILE}?separator=comma"))[0] == list(COLUMNS.values())
    assert "All columns" in editor.get("/people/").content.decode()


def test_a_column_in_an_address_by_hand_changes_nothing_for_next_time(editor: Client) -> None:
    editor.get(f"{FILE}?column=city")

    assert len(table_in(editor.get(FILE))[0]) == len(COLUMNS)


def test_times_are_the_organisations(editor: Client, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Stockholm"

    rows = table_in(editor.get(f"{FILE}?column=createdAt&company=Other"))

    assert rows == [["Added"], ["2026-05-04 11:00:00"]]


def test_each_file_is_noted_once_and_only_looking_is_not(editor: Client, site: Store) -> None:
    editor.head(f"{FILE}?company=Tech+Corp")
    editor.get(f"{FILE}?company=Nobody+Inc&column=secret")
    editor.get(f"{FILE}?company=Tech+Corp&column=email")

    (entry,) = site.audit.of_month(f"{timezone.now():%Y-%m}")
    assert (entry.action, dict(entry.facts)) == ("people.exported", {"filter": "company", "columns": 1})
    assert entry.actor.startswith("editor-")


def test_a_file_that_breaks_off_says_so_and_breaks_the_connection(
    editor: Client, site: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = PeopleRepository.walk

    def breaks(self: PeopleRepository, *args: Any, **how: Any) -> Iterator[Person]:
        yield from list(real(self, *args, **how))[:1]
        raise StoreUnavailable("The data store can't be reached just now.")

    monkeypatch.setattr(PeopleRepository, "walk", breaks)
    response: Any = editor.get(FILE)
    taken = iter(response.streaming_content)

    lines = [next(taken).decode() for _ in range(3)]

    assert lines[-1] == f"{BROKEN}\r\n"
    with pytest.raises(StoreUnavailable):
        next(taken)


def test_a_store_that_is_away_from_the_start_is_an_error_page_and_no_file(
    editor: Client, site: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **how: Any) -> Iterator[Person]:
        raise StoreUnavailable("The data store can't be reached just now.")

    monkeypatch.setattr(PeopleRepository, "walk", away)

    response = editor.get(FILE)

    assert response.status_code == 503
    assert "Content-Disposition" not in response.headers


def test_who_may_not_export_sees_the_link_and_why(sign_in: SignIn) -> None:
    page = sign_in("Viewer").get("/people/").content.decode()

    assert "CSV of all 2" in page
    assert "Your role, Viewer, may not download people." in page
    assert 'name="column"' not in page
