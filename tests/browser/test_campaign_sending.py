"""Watching campaigns go out, in a real browser: the bar, pause and resume, a retry, the lists behind the numbers, the archive."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from crm.domain.campaigns import CampaignStatus
from crm.jobs.work import SendSettings, Work
from crm.jobs.worker import Worker
from crm.mail.files import FilesMailer, Outbox
from crm.mail.port import Delivery, OutgoingMessage
from crm.store import Store
from crm.store.calls import utc_now
from tests.conftest import Clock
from tests.factories import make_campaign
from tests.jobs.mailing import LINKS, REFUSED, ToldMailer, accepted, crowd, drive, make_work

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]


class GatedMailer(FilesMailer):
    """Writes messages to files, each after it was let through."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.gate = threading.Semaphore(0)

    def send(self, message: OutgoingMessage, *, deadline: float) -> Delivery:
        assert self.gate.acquire(timeout=30)
        return super().send(message, deadline=deadline)


@pytest.fixture
def mailer(tmp_path: Path) -> GatedMailer:
    return GatedMailer(tmp_path)


@pytest.fixture
def work_on(site: Store, mailer: GatedMailer) -> Iterator[Callable[[], threading.Thread]]:
    """Let a worker do what is due, in a thread of its own: two messages in hand in each lane."""
    at_work: list[threading.Thread] = []

    def begin() -> threading.Thread:
        settings = SendSettings(rate=0.0, window=2, links=LINKS, sender="Crew <crew@example.org>")
        work = Work(store=site, mailer=mailer, settings=settings, clock=utc_now, stopping=threading.Event())
        at_work.append(threading.Thread(target=Worker(work).run_once))
        at_work[-1].start()
        return at_work[-1]

    yield begin
    mailer.gate.release(100)
    for thread in at_work:
        thread.join(timeout=30)


def percent(page: Page) -> int:
    return int(page.locator(".giant").inner_text().rstrip("%"))


def test_the_bar_fills_while_one_watches_and_pause_and_resume_do_what_they_say(
    open_page: OPEN, site: Store, mailer: GatedMailer, tmp_path: Path, work_on: Callable[[], threading.Thread]
) -> None:
    crowd(site, 20)
    campaign = accepted(site, datetime.now(UTC))
    worker = work_on()
    page = open_page(f"/campaigns/{campaign.id}/", role="Marketer")
    expect(page.locator(".badge-state")).to_have_text(re.compile("Sending|Making e-mails"))

    page.locator("#more").click()
    mailer.gate.release(8)
    expect(page.locator(".giant")).to_have_text(re.compile(r"^[1-9]\d?%$"))
    expect(page.get_by_role("button", name="Duplicate")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".badge-state")).to_have_text("Paused")
    mailer.gate.release(8)
    worker.join(timeout=20)
    before = Outbox(tmp_path).count()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".badge-state")).not_to_have_text("Paused")
    mailer.gate.release(20)
    work_on()

    expect(page.locator(".badge-state")).to_have_text("Done", timeout=15_000)
    expect(page.locator(".fig", has_text="Sent").locator(".fig-value")).to_have_text("20")
    assert before < 20
    assert Outbox(tmp_path).count() == 20


@pytest.mark.parametrize("scripts", [True, False])
def test_what_failed_is_tried_again_from_its_page(open_page: OPEN, site: Store, scripts: bool) -> None:
    people, mailer, clock = crowd(site, 3), ToldMailer(), Clock(datetime.now(UTC) - timedelta(minutes=5))
    mailer.tell(people[0].profile.email, REFUSED)
    campaign = accepted(site, clock.now)
    drive(make_work(site, mailer, clock))
    page = open_page(f"/campaigns/{campaign.id}/", role="Marketer", scripts=scripts)
    expect(page.locator("#failures").locator("..").locator("..")).to_contain_text("550 no such mailbox")

    page.get_by_role("button", name="Retry failed (1)").click()
    expect(page.locator("#toasts")).to_contain_text("1 e-mail queued again")
    drive(make_work(site, mailer, Clock(datetime.now(UTC) + timedelta(seconds=1))))
    if not scripts:
        page.reload()

    expect(page.locator(".badge-state")).to_have_text("Done")
    expect(page.locator(".fig", has_text="Failed").locator(".fig-value")).to_have_text("0")
    assert sorted(mailer.sent) == sorted(person.profile.email for person in people)


def test_from_a_number_to_its_list_and_its_file(open_page: OPEN, site: Store) -> None:
    people, mailer, clock = crowd(site, 3), ToldMailer(), Clock(datetime.now(UTC))
    mailer.tell(people[0].profile.email, REFUSED)
    campaign = accepted(site, clock.now)
    drive(make_work(site, mailer, clock))
    page = open_page(f"/campaigns/{campaign.id}/", role="Marketer")

    page.locator("section", has=page.locator("#failures")).get_by_role("link", name="1", exact=True).click()
    expect(page.locator(".total")).to_have_text("1 e-mail")
    expect(page.locator("tbody tr")).to_contain_text(people[0].profile.email)
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV of this one").click()

    text = Path(saved.value.path()).read_text(encoding="utf-8-sig")
    assert saved.value.suggested_filename == f"campaign-failed-refused-550-{campaign.id[:8]}.csv"
    assert [line.split(",")[3] for line in text.splitlines()[1:]] == [people[0].profile.email]


def test_campaigns_are_found_put_away_and_taken_out_again(open_page: OPEN, site: Store) -> None:
    for subject in ("Spring party", "Spring clean", "Autumn walk"):
        site.campaigns.create(make_campaign(subject=subject, status=CampaignStatus.DONE))
    page = open_page("/campaigns/", role="Marketer")

    page.keyboard.press("/")
    page.keyboard.type("spr")
    expect(page.locator("#campaigns .total")).to_have_text("2 campaigns")
    expect(page).to_have_url(re.compile(r"\?q=spr$"))
    page.get_by_role("link", name="Done").click()
    expect(page).to_have_url(re.compile("status=done"))
    page.get_by_label("What to do with Spring clean").click()
    page.get_by_role("button", name="Archive").click()
    expect(page.locator("#campaigns .total")).to_have_text("1 campaign")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#campaigns .total")).to_have_text("2 campaigns")
    expect(page.locator("#tab-archived .count")).to_have_text("0")


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_lists_fit(open_page: OPEN, site: Store, width: int) -> None:
    long = "A very long subject that nobody would want to write but somebody will, again and again"
    site.campaigns.create(make_campaign(subject=long, status=CampaignStatus.SENDING))
    page = open_page("/campaigns/", role="Viewer", width=width)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    page.locator(".who").click()
    expect(page.locator("h1")).to_contain_text(long)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    page.get_by_role("link", name="Recipients").click()
    expect(page.locator("h1")).to_have_text("Recipients")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
