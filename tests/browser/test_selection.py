"""People ticked in the list and what is done with them, in a real browser; with and without JavaScript."""

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from crm.domain.filters import PeopleFilter
from crm.domain.tasks import TaskAction
from crm.services import task_steps, tasks
from crm.store import Store
from tests.factories import make_event, make_person
from tests.jobs.mailing import ToldMailer, drive, make_work

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]
ACME = "/people/?company=Acme&order=name"


@pytest.fixture
def acme(site: Store) -> Store:
    """70 people of Acme, more than a page, and a few others."""
    people = [
        make_person(last_name=f"Name{number:02}", email=f"n{number:02}@acme.example", company="Acme") for number in range(70)
    ]
    site.people.create_many([*people, *(make_person(company="Other") for _ in range(5))])
    site.stats.fold_all()
    return site


def rows(page: Page) -> Locator:
    return page.locator("tbody input[type=checkbox]")


def bar(page: Page, action: str) -> Locator:
    return page.locator(f".selection button[value={action}]")


def tagged(store: Store, tag: str = "VIP") -> list[str]:
    return sorted(person.profile.last_name for person in store.people.walk(PeopleFilter(tag=(tag,))))


def downloaded(page: Page, tmp_path: Path) -> list[str]:
    """The addresses in the file that the bar's CSV button gives."""
    with page.expect_download() as download:
        bar(page, "export").click()
    file = tmp_path / "people.csv"
    download.value.save_as(file)
    with file.open(encoding="utf-8-sig", newline="") as text:
        return sorted(row["Email"] for row in csv.DictReader(text))


def test_the_bar_comes_with_the_first_tick_and_goes_when_all_is_cleared(open_page: OPEN, acme: Store) -> None:
    page = open_page(ACME)
    expect(page.locator(".selection")).to_be_hidden()

    rows(page).nth(3).click()
    expect(page.locator(".selection")).to_contain_text("1 selected")
    page.locator("[data-select-page]").click()
    expect(page.locator(".selection")).to_contain_text("50 selected")
    page.get_by_role("button", name="Clear the selection").click()

    expect(page.locator(".selection")).to_be_hidden()
    expect(page.locator("tr.picked")).to_have_count(0)


def test_shift_click_takes_the_range(open_page: OPEN, acme: Store) -> None:
    page = open_page(ACME)

    rows(page).nth(2).click()
    rows(page).nth(6).click(modifiers=["Shift"])

    expect(page.locator(".selection")).to_contain_text("5 selected")
    expect(page.locator("tr.picked")).to_have_count(5)
    expect(rows(page).nth(1)).not_to_be_checked()
    expect(rows(page).nth(4)).to_be_checked()


def test_select_all_means_the_filter_and_its_file_is_not_page_one(open_page: OPEN, acme: Store, tmp_path: Path) -> None:
    page = open_page(ACME)
    rows(page).nth(0).click()

    page.get_by_label("Select all 70").check()
    expect(page.locator(".selection")).to_contain_text("All 70 who match are selected")

    assert downloaded(page, tmp_path) == [f"n{number:02}@acme.example" for number in range(70)]


def test_only_the_page_again_and_unticking_a_row_end_the_selection_of_all(open_page: OPEN, acme: Store, tmp_path: Path) -> None:
    page = open_page(ACME)
    rows(page).nth(0).click()
    page.get_by_label("Select all 70").check()

    page.get_by_role("button", name="Only the 50 on this page").click()
    expect(page.locator(".selection")).to_contain_text("50 selected")
    expect(page.get_by_label("Select all 70")).to_be_focused()
    page.get_by_label("Select all 70").check()
    rows(page).nth(7).click()
    expect(page.locator(".selection")).to_contain_text("49 selected")

    expected = [f"n{number:02}@acme.example" for number in range(50) if number != 7]
    assert downloaded(page, tmp_path) == expected


def test_writing_to_ticked_rows_leads_to_a_letter_to_them(open_page: OPEN, acme: Store) -> None:
    page = open_page(ACME)
    rows(page).nth(0).click()
    rows(page).nth(1).click()

    bar(page, "write").click()

    expect(page).to_have_url(re.compile(r"/campaigns/new/\?id=[0-9a-f]{32}&id=[0-9a-f]{32}$"))


def test_two_who_are_ticked_can_be_merged(open_page: OPEN, acme: Store) -> None:
    page = open_page(ACME)
    rows(page).nth(0).click()
    expect(bar(page, "merge")).to_be_hidden()
    rows(page).nth(2).click(modifiers=["Shift"])
    expect(bar(page, "merge")).to_be_hidden()
    rows(page).nth(1).click()

    bar(page, "merge").click()

    expect(page).to_have_url(re.compile(r"/people/[0-9a-f]{32}/merge/[0-9a-f]{32}/$"))


def test_tagging_through_the_dialog_comes_back_to_the_list_and_says_what_was_done(open_page: OPEN, acme: Store) -> None:
    page = open_page(ACME)
    rows(page).nth(0).click()
    rows(page).nth(2).click(modifiers=["Shift"])

    bar(page, "tag").click()
    expect(page.get_by_role("dialog")).to_contain_text("Tag 3 people")
    expect(page.locator("#bulk-tag")).to_be_focused()
    page.locator("#bulk-tag").fill("VIP")
    page.get_by_role("button", name="Tag 3 people").click()

    expect(page.locator(".toast-s")).to_contain_text("3 people tagged “VIP”")
    expect(page).to_have_url(re.compile(r"/people/\?company=Acme&order=name$"))
    assert tagged(acme) == ["Name00", "Name01", "Name02"]
    page.locator(".toast-s").get_by_role("link", name="Show them").click()
    expect(page.locator(".total")).to_have_text("3 people")


def test_deleting_says_what_will_happen_and_escape_keeps_them(open_page: OPEN, acme: Store) -> None:
    page = open_page(ACME)
    rows(page).nth(0).click()

    bar(page, "delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("Delete 1 person?")
    expect(page.get_by_role("button", name="Keep them")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert acme.people.totals().total == 75
    bar(page, "delete").click()
    page.get_by_role("button", name="Delete 1 person").click()

    expect(page.locator(".toast-s")).to_contain_text("1 person deleted")
    expect(page.locator(".total")).to_have_text("69 people")


def test_choosing_an_event_in_the_dialog_shows_who_gets_a_seat(open_page: OPEN, acme: Store) -> None:
    owner = acme.people.create(make_person(company="Hosts"))
    event = make_event(title="Spring meetup", owner=owner.id, max_capacity=2, start_at=timezone.now() + timedelta(days=2))
    acme.events.create(event, [], [], now=timezone.now())
    page = open_page(ACME)
    rows(page).nth(0).click()
    rows(page).nth(2).click(modifiers=["Shift"])

    bar(page, "register").click()
    page.locator("#bulk-event").select_option(event.id)
    expect(page.get_by_role("dialog")).to_contain_text("2 would be registered, 1 put on the waitlist")
    page.get_by_role("button", name="Add 3 people").click()

    expect(page.locator(".toast-s")).to_contain_text("2 people registered for Spring meetup")
    assert acme.events.get(event.id).registered_count == 2


def test_many_go_on_by_themselves_on_a_page_that_shows_how_far_they_are(
    open_page: OPEN, acme: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    monkeypatch.setitem(task_steps.PART, TaskAction.TAG, 10)
    page = open_page(ACME)
    page.locator("[data-select-page]").click()
    page.get_by_label("Select all 70").check()
    bar(page, "tag").click()
    page.locator("#bulk-tag").fill("VIP")
    page.get_by_role("button", name="Tag 70 people").click()
    expect(page.locator("h1")).to_contain_text("Tag 70 people “VIP”")
    work = make_work(acme, ToldMailer(), lease_seconds=2)

    drive(work, until=lambda: acme.tasks.recent()[0].reached >= 20)
    expect(page.locator("#task")).to_contain_text("20 of 70")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "20")
    page.reload()
    expect(page.locator("#task")).to_contain_text("20 of 70")
    page.get_by_role("button", name="Cancel …").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    drive(work, worker="another")

    expect(page.locator("#task")).to_contain_text("What was done stays: 20 people tagged “VIP”")
    assert len(tagged(acme)) == 20


# without JavaScript


def test_without_javascript_ticked_rows_are_tagged(open_page: OPEN, acme: Store) -> None:
    page = open_page(ACME, scripts=False)
    expect(page.locator(".selection")).to_be_visible()
    rows(page).nth(1).check()
    rows(page).nth(3).check()

    bar(page, "tag").click()
    expect(page.locator("h1")).to_have_text("Tag 2 people")
    page.locator("#bulk-tag").fill("VIP")
    page.get_by_role("button", name="Tag 2 people").click()

    expect(page.locator(".toast-s")).to_contain_text("2 people tagged “VIP”")
    expect(page.locator(".total")).to_have_text("70 people")
    assert tagged(acme) == ["Name01", "Name03"]


def test_without_javascript_all_who_match_are_exported(open_page: OPEN, acme: Store, tmp_path: Path) -> None:
    page = open_page(ACME, scripts=False)

    page.get_by_label("Select all 70").check()

    assert downloaded(page, tmp_path) == [f"n{number:02}@acme.example" for number in range(70)]


def test_without_javascript_who_gets_a_seat_is_shown_before(open_page: OPEN, acme: Store) -> None:
    owner = acme.people.create(make_person(company="Hosts"))
    event = make_event(title="Spring meetup", owner=owner.id, max_capacity=60, start_at=timezone.now() + timedelta(days=2))
    acme.events.create(event, [], [], now=timezone.now())
    page = open_page(ACME, scripts=False)
    page.get_by_label("Select all 70").check()

    bar(page, "register").click()
    page.locator("#bulk-event").select_option(event.id)
    page.get_by_role("button", name="See what would happen").click()
    expect(page.locator("main")).to_contain_text("60 would be registered, 10 put on the waitlist")
    page.get_by_role("button", name="Add 70 people").click()

    expect(page.locator(".toast-s")).to_contain_text("60 people registered for Spring meetup")


def test_without_javascript_deleting_asks_on_a_page(open_page: OPEN, acme: Store) -> None:
    page = open_page(ACME, scripts=False)
    page.get_by_label("Select all 70").check()

    bar(page, "delete").click()
    expect(page.locator("h1")).to_have_text("Delete 70 people?")
    page.get_by_role("button", name="Delete 70 people").click()

    expect(page.locator(".toast-s")).to_contain_text("70 people deleted")
    assert acme.people.totals().total == 5


def test_without_javascript_a_task_is_looked_at_again_and_stopped(
    open_page: OPEN, acme: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    page = open_page(ACME, scripts=False)
    page.get_by_label("Select all 70").check()
    bar(page, "tag").click()
    page.locator("#bulk-tag").fill("VIP")
    page.get_by_role("button", name="Tag 70 people").click()

    page.get_by_role("link", name="Look again").click()
    expect(page.locator("#task")).to_contain_text("0 of 70")
    page.get_by_role("button", name="Stop here").click()

    expect(page.locator("#task")).to_contain_text("Nobody was touched")
    assert tagged(acme) == []
