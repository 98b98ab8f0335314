"""Numbers while two workers send, letters are opened and providers tell: those of one page always agree, and they end exact."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from crm.domain.campaigns import Campaign, CampaignStatus, Utm
from crm.domain.emails import Email, EmailState
from crm.domain.errors import Conflict
from crm.domain.hits import HitClass, HitKind
from crm.domain.ids import email_id, new_id
from crm.domain.mail_events import MailEvent, MailEventKind
from crm.domain.metrics import EmailQuery
from crm.domain.people import Person
from crm.jobs.worker import Worker
from crm.mail.port import Delivery, OutgoingMessage
from crm.services import hits, mail_events
from crm.services.analytics import Overview, overview
from crm.services.dashboard import Sight, dashboard
from crm.store import Store
from crm.store.calls import utc_now
from crm.store.outcomes import LATER, email_changes, outcome
from crm.store.stats import Snapshot
from crm.store.table import Table
from tests.conftest import store_over
from tests.factories import make_campaign, make_person
from tests.jobs.mailing import COMPANY, REFUSED, ToldMailer, accepted, assert_sound, emails_of, make_work
from tests.mailings import keep_emails, make_email

PEOPLE, READINGS = 40, 9
UTMS = [Utm(campaign=name, source="crm", medium="email") for name in ("spring", "summer")]
SIGHT = Sight(people=True, events=True, campaigns=True, analytics=True, imports=True)
ZONE = ZoneInfo("UTC")
KINDS = [MailEventKind.DELIVERED] * 12 + [MailEventKind.BOUNCED, MailEventKind.COMPLAINED, MailEventKind.UNSUBSCRIBED]
CLASSES = [HitClass.PERSON, HitClass.PERSON, HitClass.SCANNER]


def contradictions(found: Overview) -> list[str]:
    """What of one overview does not fit the rest of it."""
    totals, told = Counter(found.summary.totals), []
    parts = {
        "days": [Counter({word: day[word] for word in totals}) for day in found.summary.series],
        **{name: [Counter(row.counts) for row in rows] for name, rows in found.breakdowns.items()},
    }
    for name, some in parts.items():
        if sum(some, Counter[str]()) != +totals:
            told.append(f"{name} do not add up to {dict(totals)}")
    for name, choices in found.choices.items():
        if sum(choice.count for choice in choices) != found.summary.emails:
            told.append(f"choices of {name} do not add up to {found.summary.emails}")
    fewer = [("clicked", "opened"), ("opened", "opened_any"), ("clicked", "clicked_any")]
    told += [f"{less} > {more} in {dict(totals)}" for less, more in fewer if totals[less] > totals[more]]
    may_be = found.summary.emails - totals["failed"] - totals["skipped"]
    return told + [f"{word} > {may_be} in {dict(totals)}" for word in LATER if totals[word] > may_be]


def assert_rising(seen: Sequence[dict[str, int]]) -> None:
    """What can only become more does: e-mails, those that are settled, and what else happens to them."""
    for words in ([*EmailState], ["sent", "failed", "skipped"], *[[word] for word in LATER]):
        numbers = [sum(totals[word] for word in words) for totals in seen]
        assert numbers == sorted(numbers), words


def recount(emails: Iterable[Email]) -> Counter[str]:
    """What the items say, without any counter."""
    words = Counter[str]()
    for email in emails:
        words[email.status.value] += 1
        words.update(word for word, attribute in LATER.items() if getattr(email, attribute) is not None)
    return words


def contradictions_of_first_page(store: Store, now: datetime) -> list[str]:
    """Where the campaigns on the first page do not add up to its e-mails of the last days."""
    seen = dashboard(store, SIGHT, zone=ZONE, now=now)
    assert seen.mailings is not None
    assert seen.campaigns is not None
    totals = seen.mailings.lately.totals
    figures = [one.figures for one in [*seen.campaigns.going, *seen.campaigns.done]]
    sums = {state.value: sum(getattr(one, state.value) for one in figures) for state in EmailState}
    days = {state.value: sum(int(day[state.value]) for day in seen.mailings.lately.series) for state in EmailState}
    return [
        f"{name}: {some} against {totals}"
        for name, some in (("campaigns", sums), ("days", days))
        if not some.items() <= totals.items()
    ]


def contradictions_of_page(browser: Client) -> list[str]:
    """Where tiles, funnel, breakdown and table of the analytics do not say the same."""
    shown = browser.get("/analytics/?by=domain").context
    tiles = {tile.name: tile.shown.number for tile in shown["tiles"]}
    lines, columns = shown["breakdown"].lines, [column for column, _ in shown["chart"].table]
    said = {
        "total": [shown["total"], sum(tiles[state.capitalize()] for state in EmailState), shown["funnel"][0].shown.number],
        "sent": [tiles["Sent"], sum(line.sent.number for line in lines), sum(one.values.get("sent", 0) for one in columns)],
        "failed": [
            tiles["Failed"],
            sum(line.failed.number for line in lines),
            sum(one.values.get("failed", 0) for one in columns),
        ],
        "opened": [tiles["Opened"], sum(line.opened.number for line in lines), shown["funnel"][-2].shown.number],
        "clicked": [tiles["Clicked"], sum(line.clicked.number for line in lines), shown["funnel"][-1].shown.number],
    }
    return [f"{name}: {numbers}" for name, numbers in said.items() if len(set(numbers)) > 1]


@dataclass
class Mailing:
    """Two campaigns to the same people, and what is told of their letters as they are handed over."""

    store: Store
    campaigns: list[Campaign]
    user_ids: list[str]
    handed_over: list[str]
    over: threading.Event = field(default_factory=threading.Event)
    broken: list[BaseException] = field(default_factory=list)

    def made(self) -> int:
        """How many e-mails there are at this moment, by their items."""
        ids = [email_id(campaign.id, user_id) for campaign in self.campaigns for user_id in self.user_ids]
        return len(self.store.emails.get_many(ids))

    def is_done(self) -> bool:
        return all(self.store.campaigns.state(one.id).status is CampaignStatus.DONE for one in self.campaigns)

    def tell(self, store: Store, seed: int, told: Callable[[Store, Random, str], None]) -> None:
        """Tell something of each letter that goes out, and of those before once more, until it is over."""
        chance, place = Random(seed), 0
        try:
            while not self.over.is_set():
                if place < len(self.handed_over):
                    told(store, chance, self.handed_over[place])
                    place += 1
                elif place:
                    told(store, chance, chance.choice(self.handed_over))
                time.sleep(0.005)
        except BaseException as error:  # a thread of its own: the test tells of it
            self.broken.append(error)


@dataclass
class ListeningMailer(ToldMailer):
    """Takes its time, and says which letters it took."""

    taken: list[str] = field(default_factory=list)

    def send(self, message: OutgoingMessage, *, deadline: float) -> Delivery:
        time.sleep(0.03)
        answer = super().send(message, deadline=deadline)
        self.taken.append(message.email_id)
        return answer


def _hit(store: Store, chance: Random, letter: str) -> None:
    kind, link = chance.choice([(HitKind.OPEN, None), (HitKind.OPEN, None), (HitKind.CLICK, 0)])
    hits.record(store, letter, kind=kind, hit_class=chance.choice(CLASSES), at=utc_now(), now=utc_now(), link=link)


def _event(store: Store, chance: Random, letter: str) -> None:
    event = MailEvent(provider="ses", id=new_id(), kind=chance.choice(KINDS), at=utc_now(), email_id=letter, hard=True)
    try:
        mail_events.take(store, event, now=utc_now())
    except Conflict:  # a provider tells it again
        return


@contextmanager
def under_way(table: Table) -> Iterator[Mailing]:
    """Two workers send two campaigns; hits and webhooks arrive meanwhile, each from a client of its own."""
    store, mailer = store_over(table), ListeningMailer()
    made = [make_person(company=COMPANY, email=f"ada{number}@x{number % 7}.example") for number in range(PEOPLE)]
    user_ids = [person.id for person in store.people.create_many(made) if isinstance(person, Person)]
    for number in range(0, PEOPLE, 10):
        mailer.tell(f"ada{number}@x{number % 7}.example", REFUSED, REFUSED)
    campaigns = [accepted(store, utc_now(), subject=utm.campaign, utm=utm) for utm in UTMS]
    mailing = Mailing(store, campaigns, user_ids, mailer.taken)
    works = [make_work(store_over(table), mailer, window=10) for _ in range(2)]
    threads = [threading.Thread(target=Worker(work).run) for work in works]
    threads += [
        threading.Thread(target=mailing.tell, args=(store_over(table), seed, told)) for seed, told in enumerate((_hit, _event))
    ]
    with ExitStack() as running:
        for thread in threads:
            thread.start()
            running.callback(thread.join)
        running.callback(mailing.over.set)
        for work in works:
            running.callback(work.stopping.set)
        yield mailing


def test_the_tiles_of_a_page_agree_while_two_workers_send_and_hits_arrive_and_end_exact(
    site: Store, table: Table, sign_in: Callable[[str], Client]
) -> None:
    browser, everything, seen = sign_in("Admin"), EmailQuery(), list[dict[str, int]]()
    assert contradictions_of_page(browser) == []

    with under_way(table) as mailing:
        while len(seen) < READINGS or not mailing.is_done():
            before = mailing.made()
            found = overview(site, everything, by_domain=True)
            after = mailing.made()
            assert contradictions(found) == []
            assert before <= found.summary.emails <= after
            if len(seen) % 3 == 0:
                assert contradictions_of_first_page(site, utc_now()) == []
                assert contradictions_of_page(browser) == []
            seen.append(found.summary.totals)

    assert mailing.broken == []
    assert_rising(seen)
    assert len({str(totals) for totals in seen}) >= READINGS / 3
    recounted = recount([email for campaign in mailing.campaigns for email in emails_of(site, campaign)])
    end = overview(site, everything, by_domain=True)
    assert +Counter(end.summary.totals) == recounted
    assert recounted["queued"] == 0
    assert min(recounted[word] for word in ("sent", "failed", "delivered", "opened", "opened_any", "clicked_any")) > 0
    assert contradictions(end) == contradictions_of_first_page(site, utc_now()) == contradictions_of_page(browser) == []
    assert_sound(site)


def test_the_numbers_of_a_page_are_of_one_moment_whatever_is_written_as_soon_as_one_was_read(
    site: Store, sign_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, now = sign_in("Admin"), utc_now()
    campaign = site.campaigns.create(make_campaign(status=CampaignStatus.SENDING, created_at=now, updated_at=now))
    queued = {"campaign_id": campaign.id, "status": EmailState.QUEUED, "created_at": now, "utm": UTMS[0]}
    waiting = [make_email(**queued, email=f"ada@x{number}.example") for number in range(30)]
    keep_emails(site, waiting)
    read = site.stats.snapshot

    def overtaken(*wanted: Any, **named: Any) -> Snapshot:
        """The counters, and by when one has them, one e-mail more was sent and opened."""
        found, old = read(*wanted, **named), waiting.pop()
        new = replace(old, status=EmailState.SENT, sent_at=now, opened_at=now, opened_any_at=now)
        site.table.write([outcome(old, new), *site.stats.delta(email_changes([(old, new)]), now=now)])
        return found

    monkeypatch.setattr(site.stats, "snapshot", overtaken)

    assert contradictions(overview(site, EmailQuery(), by_domain=True)) == []
    assert contradictions_of_first_page(site, now) == []
    assert contradictions_of_page(browser) == []
    assert len(waiting) < 27
