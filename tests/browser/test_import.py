"""A file of people in a real browser: upload, match, import, report, undo; with and without JavaScript."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.domain.imports import ImportStatus
from crm.store import Store
from tests.factories import make_person
from tests.uploads import work_off

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]


@pytest.fixture(autouse=True)
def _storage(settings: Any, tmp_path: Path) -> None:
    """Uploads of a test stay with the test."""
    options = {"location": tmp_path / "files"}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}


def members(folder: Path, number: int = 300) -> Path:
    """A list in Swedish: so many new people, one who is known, one who has no address; and a column that says nothing."""
    lines = [f"Åsa,Berg{number},b{number}@example.org,Malmö,vegan" for number in range(number)]
    known, bad = "Ada,Lovelace,known@example.org,Malmö,", "Nobody,,oops,,"
    file = folder / "members-2026-05.csv"
    file.write_text("\n".join(["Förnamn,Efternamn,E-post,Ort,Mat", *lines, known, bad]))
    return file


def figure(page: Page, label: str) -> Any:
    return page.locator(".fig", has=page.locator(".fig-label", has_text=label)).locator(".fig-value").first


@pytest.mark.parametrize("scripts", [True, False])
def test_from_a_file_to_its_people_and_back(open_page: OPEN, site: Store, tmp_path: Path, scripts: bool) -> None:
    site.people.create(make_person(email="known@example.org", city="Lund"))
    page = open_page("/people/import/", role="Marketer", scripts=scripts)
    page.locator("#file").set_input_files(members(tmp_path))
    page.get_by_role("button", name="Look at the file").click()
    expect(page.get_by_label("Förnamn becomes")).to_have_value("firstName")
    expect(page.get_by_label("Tag all of them")).to_have_value("members 2026-05")
    expect(figure(page, "New people")).to_have_text("300")

    page.get_by_label("Mat becomes").select_option("tags")
    page.get_by_role("button", name="Import 301 people").click()
    expect(page.locator("#toasts")).to_contain_text("Checked again")
    assert site.people.totals().total == 1
    page.get_by_role("button", name="Import 301 people").click()
    expect(page.locator(".giant")).to_have_text("0%")
    work_off(site)
    if not scripts:
        page.get_by_role("link", name="Look how far it is").click()

    expect(page.locator("h1")).to_contain_text("301 people added or updated")
    expect(page.locator("main")).to_contain_text("“oops” is not an e-mail address")
    found = site.people.find_by_email("b7@example.org")
    assert found is not None
    assert found.profile.tags == ("vegan", "members 2026-05")
    page.get_by_role("link", name="Show these people").click()
    expect(page.locator(".total")).to_have_text("301 people")
    page.go_back()
    page.get_by_role("link", name="Undo …").click()
    expect(page.locator("dialog[open], main").last).to_contain_text("The 300 people it added are deleted")
    page.get_by_role("button", name="Undo the import").last.click()
    expect(page.locator("h1")).to_have_text("Undoing an import")
    work_off(site)
    if not scripts:
        page.get_by_role("link", name="Look how far it is").click()

    expect(figure(page, "Deleted")).to_have_text("300")
    expect(figure(page, "Restored")).to_have_text("1")
    assert site.people.totals().total == 1
    known = site.people.find_by_email("known@example.org")
    assert known is not None
    assert (known.profile.city, known.profile.tags) == ("Lund", ())


@pytest.mark.parametrize("scripts", [True, False])
def test_a_first_row_that_is_a_person_after_all_is_chosen_mapped_and_imported(
    open_page: OPEN, site: Store, tmp_path: Path, scripts: bool
) -> None:
    (tmp_path / "list.csv").write_text("Ada;King;ada at example.org\nBo;Li;bo@example.org\nCy;Lee;cy@example.org\n")
    page = open_page("/people/import/", role="Marketer", scripts=scripts)
    page.locator("#file").set_input_files(tmp_path / "list.csv")
    page.get_by_role("button", name="Look at the file").click()
    page.get_by_text("Not right?").first.click()

    page.get_by_label("The first row").select_option("no")
    page.get_by_role("button", name="Read again").click()
    expect(page.locator("main")).to_contain_text("This file has no headings.")
    expect(page.get_by_label("Column 3 becomes")).to_have_value("email")
    page.get_by_label("Column 1 becomes").select_option("firstName")
    page.get_by_label("Column 2 becomes").select_option("lastName")
    page.get_by_role("button", name="Try again").click()
    expect(figure(page, "New people")).to_have_text("2")
    expect(figure(page, "Can’t be read")).to_have_text("1")
    page.get_by_role("button", name="Import 2 people").click()
    expect(page.locator(".giant")).to_have_text("0%")
    work_off(site)
    if not scripts:
        page.get_by_role("link", name="Look how far it is").click()

    expect(page.locator("h1")).to_contain_text("2 people added or updated")


def test_a_large_file_is_tried_while_one_chooses_and_choosing_is_not_disturbed(
    open_page: OPEN, site: Store, tmp_path: Path
) -> None:
    page = open_page("/people/import/", role="Editor")
    page.locator("#file").set_input_files(members(tmp_path, 2_100))
    page.get_by_role("button", name="Look at the file").click()
    expect(page.locator("#import-dry progress")).to_be_visible()
    expect(page.locator("#import")).to_have_attribute("aria-disabled", "true")
    page.get_by_label("Mat becomes").select_option("jobTitle")

    work_off(site)

    expect(figure(page, "New people")).to_have_text("2,101")
    expect(page.get_by_label("Mat becomes")).to_have_value("jobTitle")
    page.get_by_role("button", name="Import 2,101 people").click()
    expect(page.locator("#toasts")).to_contain_text("Checked again")
    expect(page.get_by_label("Mat becomes")).to_have_value("jobTitle")
    page.get_by_role("button", name="Stop trying").click()
    expect(page.locator("#import-dry")).to_contain_text("Not tried yet.")
    assert site.people.totals().total == 0


@pytest.mark.parametrize("width", [1440, 390])
def test_what_is_said_does_not_cover_the_bar(open_page: OPEN, tmp_path: Path, width: int) -> None:
    page = open_page("/people/import/", role="Editor", width=width)
    page.locator("#file").set_input_files(members(tmp_path, 3))
    page.get_by_role("button", name="Look at the file").click()
    page.get_by_label("Mat becomes").select_option("jobTitle")
    page.get_by_role("button", name="Import 4 people").click()
    expect(page.locator("#toasts")).to_contain_text("Checked again")

    for place in (0, 9999):
        page.evaluate("place => scrollTo(0, place)", place)
        toast, bar = (page.locator(css).evaluate("one => one.getBoundingClientRect()") for css in (".toast-s", ".selection"))
        assert toast["top"] > 0
        assert toast["bottom"] <= bar["top"]


def test_going_back_after_the_import_has_begun_does_no_harm(open_page: OPEN, site: Store, tmp_path: Path) -> None:
    page = open_page("/people/import/", role="Editor", scripts=False)
    page.locator("#file").set_input_files(members(tmp_path, 3))
    page.get_by_role("button", name="Look at the file").click()
    page.get_by_role("button", name="Import 4 people").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()

    page.go_back()
    again = page.get_by_role("button", name="Import 4 people")
    if again.count():
        again.click()
    work_off(site)
    page.goto("/people/import/")

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("Imported")
    (only,) = site.imports.recent()
    assert (only.status, site.people.totals().total) == (ImportStatus.DONE, 4)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_file_of_the_list_has_the_columns_one_ticks(open_page: OPEN, site: Store, scripts: bool) -> None:
    site.people.create_many([make_person(first_name="Ada", company="Tech Corp"), make_person(company="Other")])
    site.stats.fold_all()
    page = open_page("/people/?company=Tech+Corp", role="Editor", scripts=scripts)

    page.locator("#file-menu summary").click()
    for box in page.locator("#file-menu input[type=checkbox]").all()[1:]:
        box.uncheck()
    with page.expect_download() as got:
        page.get_by_role("button", name="Download CSV").click()
    if scripts:
        expect(page.locator("#file-menu summary")).to_have_text("1 column")
    with page.expect_download() as plain:
        page.get_by_role("link", name="CSV of this one").click()

    assert Path(got.value.path()).read_text("utf-8-sig") == "First name\nAda\n"
    assert Path(plain.value.path()).read_text("utf-8-sig") == "First name\nAda\n"
