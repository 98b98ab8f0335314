"""From a filter to mail that is out, in a real browser: write, preview, send, undo, watch, unsubscribe."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from crm.domain.people import EmailStatus
from crm.jobs.work import SendSettings, Work
from crm.jobs.worker import Worker
from crm.mail.files import FilesMailer, Outbox
from crm.store import Store
from tests.browser.server import Site
from tests.conftest import Clock
from tests.factories import make_person
from tests.jobs.mailing import LINKS, ToldMailer, accepted, crowd, drive, make_work

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]


def community(store: Store) -> None:
    """Five people of one company, one of another."""
    people = [
        make_person(first_name=name, last_name="Engine", company="Tech Corp") for name in ("Ada", "Bea", "Cleo", "Dora", "Eva")
    ]
    store.people.create_many([*people, make_person(first_name="Other", company="Elsewhere")])
    store.stats.fold_all()


def work_once(store: Store, folder: Path) -> None:
    """What `worker --once` does, two minutes later."""
    later = Clock(datetime.now(UTC) + timedelta(minutes=2))
    settings = SendSettings(rate=0.0, links=LINKS, sender="Crew <crew@example.org>")
    Worker(Work(store=store, mailer=FilesMailer(folder), settings=settings, clock=later, stopping=threading.Event())).run_once()


def test_from_a_filter_to_mail_that_is_out(open_page: OPEN, site: Store, tmp_path: Path) -> None:
    community(site)
    page = open_page("/people/?company=Tech+Corp", role="Marketer")

    page.get_by_role("link", name=re.compile("Write to")).first.click()
    expect(page.locator(".sum .result b")).to_have_text("5")
    page.get_by_label("Subject").fill("Hello {{ firstName }}")
    page.get_by_label("Letter").fill("Hi , **come** along.\n\n[I am coming](https://community.example/spring)")
    page.get_by_label("Letter").evaluate("(field) => field.setSelectionRange(3, 3)")
    page.locator("summary", has_text="Insert a field").click()
    page.get_by_role("button", name="{{ firstName }}").click()
    expect(page.get_by_label("Letter")).to_have_value(re.compile(r"^Hi \{\{ firstName \}\}, "))
    expect(page.locator(".preview-head .strong").last).to_have_text("Hello Ada")
    expect(page.frame_locator(".preview iframe").locator("strong")).to_have_text("come")
    page.get_by_role("button", name="Preview as the next person").click()
    expect(page.locator(".preview-head")).to_contain_text("2 of 5")
    expect(page.locator(".preview-head .strong").last).to_have_text("Hello Bea")

    page.get_by_role("button", name="Send to 5 people").click()
    expect(page.locator("h1")).to_have_text("Send to 5 people?")
    page.get_by_role("button", name="Send to 5 people").click()
    expect(page.locator(".giant")).to_have_text(re.compile(r"^\d+$"))
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Taken back")
    page.get_by_role("button", name="Send to 5 people").click()
    page.get_by_role("button", name="Send to 5 people").click()
    expect(page.locator(".badge-state")).to_have_text("Scheduled")
    work_once(site, tmp_path)

    expect(page.locator(".badge-state")).to_have_text("Done")
    expect(page.locator(".fig", has_text="Sent").locator(".fig-value")).to_have_text("5")
    assert Outbox(tmp_path).count() == 5
    page.locator(".fig", has_text="Sent").click()
    expect(page.locator(".total")).to_have_text("5 e-mails")


def test_the_link_in_the_mail_takes_its_reader_off(open_page: OPEN, site: Store, site_in_browser: Site, tmp_path: Path) -> None:
    (person,) = crowd(site, 1)
    clock = Clock(datetime.now(UTC))
    accepted(site, clock.now)
    drive(make_work(site, FilesMailer(tmp_path), clock))  # type: ignore[arg-type]
    message = Outbox(tmp_path).read(Outbox(tmp_path).newest()[0].name)
    link = re.search(r"/u/[\w-]+/", message.text)
    assert link

    page = open_page(link.group(0), role="Viewer")
    page.get_by_role("button", name="Unsubscribe").click()

    expect(page.locator("h1")).to_have_text("You get no more e-mails")
    assert site.people.get(person.id).email_status is EmailStatus.UNSUBSCRIBED


def test_a_campaign_can_be_written_sent_and_cancelled_without_javascript(open_page: OPEN, site: Store) -> None:
    community(site)
    page = open_page("/campaigns/new/?company=Tech+Corp", role="Marketer", scripts=False)

    page.get_by_label("Subject").fill("Hello {{ firstName }}")
    page.get_by_label("Letter").fill("Hi {{ firstName }}")
    page.get_by_role("button", name="Show what I typed").click()
    expect(page.locator(".preview-head .strong").last).to_have_text("Hello Ada")
    expect(page.get_by_label("Letter")).to_have_value("Hi {{ firstName }}")
    page.get_by_role("button", name="Send to 5 people").click()
    page.get_by_role("button", name="Send to 5 people").click()

    expect(page.locator(".badge-state")).to_have_text("Scheduled")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".badge-state")).to_have_text("Draft")


def test_cancelling_asks_once(open_page: OPEN, site: Store) -> None:
    crowd(site, 3)
    clock = Clock(datetime.now(UTC))
    campaign = accepted(site, clock.now)
    drive(make_work(site, ToldMailer(down=True), clock))
    page = open_page(f"/campaigns/{campaign.id}/", role="Marketer")
    expect(page.locator(".notice-bad")).to_contain_text("The mail server takes nothing just now")

    page.get_by_role("button", name="Cancel …").click()
    expect(page.get_by_role("dialog")).to_contain_text("can’t be undone")
    expect(page.get_by_role("button", name="Keep sending")).to_be_focused()
    page.get_by_role("button", name="Cancel the campaign").click()

    expect(page.locator(".badge-state")).to_have_text("Cancelled")


def test_leaving_a_letter_that_was_not_saved_is_asked_about(open_page: OPEN, site: Store) -> None:
    community(site)
    page = open_page("/campaigns/new/", role="Marketer")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))

    page.get_by_label("Subject").fill("Half a thought")
    page.locator(".back").click()

    expect(page.get_by_label("Subject")).to_have_value("Half a thought")
    assert asked == ["beforeunload"]
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator("#toasts")).to_contain_text("Draft saved")
