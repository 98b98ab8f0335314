"""The first page: its figures, what needs somebody, for whom, and what it costs."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from crm.domain.campaigns import Audience, Campaign, CampaignStatus
from crm.domain.emails import EmailState, FailReason
from crm.domain.event_log import Cancellation
from crm.domain.events import Event
from crm.domain.ids import new_id
from crm.domain.imports import Import, ImportStatus, Kind
from crm.jobs.work import Held
from crm.services.campaign_jobs import expand_job
from crm.store import Store
from crm.store.cost import metered
from crm.store.jobs import JobKey
from tests.conftest import Clock
from tests.factories import make_campaign, make_event, make_person
from tests.jobs.mailing import REFUSED, ToldMailer, accepted, crowd, drive, make_work
from tests.mailings import keep_emails, make_email
from tests.web.filled import text_of

SignIn = Callable[[str], Client]


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def admin(sign_in: SignIn) -> Client:
    return sign_in("Admin")


def figures(page: bytes) -> dict[str, str]:
    """What the tiles show, by their label."""
    return dict(re.findall(r'fig-label">([^<]+)</span><span class="fig-value[^"]*">([^<]+)<', page.decode()))


def notes(page: bytes) -> dict[str, str]:
    """What stands under the tiles, by their label."""
    found = re.findall(r'fig-label">([^<]+)</span>.*?fig-note">([^<]+)<', page.decode(), flags=re.DOTALL)
    return dict(found)


def attention(page: bytes) -> list[tuple[str, str]]:
    """What needs somebody: the words, and where they lead."""
    part = page.decode().partition('id="attention"')[2].partition("</section>")[0]
    found = re.findall(r'<a class="who" href="([^"]+)"><bdi>(.*?)</bdi>', part)
    return [(words.replace("&amp;", "&"), url.replace("&amp;", "&")) for url, words in found]


def campaign_with(store: Store, now: datetime, counts: dict[EmailState, int], **values: Any) -> Campaign:
    """A campaign, done unless told otherwise, and its e-mails."""
    given = {"status": CampaignStatus.DONE, "created_at": now, "started_at": now, "finished_at": now, **values}
    campaign = store.campaigns.create(make_campaign(**given))
    reason = {EmailState.FAILED: FailReason.REFUSED}
    keep_emails(
        store,
        [
            make_email(campaign_id=campaign.id, created_at=now, status=state, fail_reason=reason.get(state))
            for state, number in counts.items()
            for _ in range(number)
        ],
    )
    return campaign


def upcoming(store: Store, now: datetime, **values: Any) -> Event:
    return store.events.create(make_event(**{"start_at": now + timedelta(days=3), **values}), [], [], now=now)


def test_the_figures_are_those_of_what_was_sent(admin: Client, site: Store, now: datetime) -> None:
    people = crowd(site, 4)
    clock, mailer = Clock(now), ToldMailer()
    mailer.tell(people[0].profile.email, REFUSED)
    accepted(site, clock.now, subject="Spring")
    drive(make_work(site, mailer, clock))
    accepted(site, clock.now, subject="Autumn", send_at=clock.now + timedelta(days=1))

    page = admin.get("/").content

    assert figures(page) == {"People": "4", "Mailable": "4", "Sent, 30 days": "3", "Opened": "0.0%", "Seats taken": "–"}
    assert [words for words, _ in attention(page)] == ["1 e-mail failed in “Spring”"]
    assert "Autumn Scheduled 0 of 4" in text_of(page)
    assert "The same as a table" in text_of(page)


def test_figures_have_a_trend(admin: Client, site: Store, now: datetime) -> None:
    site.people.create(make_person(created_at=now - timedelta(days=3)))
    site.people.create(make_person(created_at=now - timedelta(days=300)))
    sent = [make_email(created_at=now - timedelta(days=days)) for days in (0, 2, 3, 40, 41)]
    opened = [make_email(created_at=now - timedelta(days=days), opened_at=now) for days in (1, 42, 42, 42, 42, 42)]
    keep_emails(site, [*sent, *opened])

    page = admin.get("/").content

    assert notes(page) == {
        "People": "+1 in the last 30 days",
        "Mailable": "100.0% of all people",
        "Sent, 30 days": "42.9% less than the 30 before",
        "Opened": "46.4 points less · people only",
        "Seats taken": "no seats to count in the next 30 days",
    }


def test_each_figure_leads_to_just_so_many(admin: Client, site: Store, now: datetime) -> None:
    site.people.create(make_person())
    keep_emails(site, [make_email(created_at=now), make_email(created_at=now, opened_at=now)])
    keep_emails(site, [make_email(created_at=now - timedelta(days=31), opened_at=now)])

    links = re.findall(r'class="fig" href="([^"]+)"', admin.get("/").content.decode())
    answers = [admin.get(link.replace("&amp;", "&")) for link in links]

    assert [answer.status_code for answer in answers] == [200] * 5
    lists = [text_of(answer.content) for answer in answers]
    assert "1 person" in lists[0]
    assert "1–2 of 2" in lists[2]


def test_seats_are_those_of_events_of_the_next_thirty_days(admin: Client, site: Store, now: datetime) -> None:
    people = [site.people.create(make_person()) for _ in range(3)]
    for days, seats in ((3, 10), (29, 20), (40, 70)):
        event = upcoming(site, now, start_at=now + timedelta(days=days), max_capacity=seats)
        site.events.seat(event.id, [person.id for person in people], now=now)
    upcoming(site, now, title="No limit")

    page = admin.get("/").content

    assert figures(page)["Seats taken"] == "20.0%"
    assert notes(page)["Seats taken"] == "6 of 30, next 30 days"


def test_events_come_in_order_and_cancelled_ones_do_not(admin: Client, site: Store, now: datetime) -> None:
    site.people.create(make_person())
    for title, days in (("Later", 50), ("Sooner & soonest", 2), ("In a year", 200)):
        upcoming(site, now, title=title, start_at=now + timedelta(days=days))
    gone = upcoming(site, now, title="Called off")
    site.events.cancel(gone, Cancellation(event_id=gone.id, start_at=gone.start_at, reason="", by="", at=now))

    text = text_of(admin.get("/").content)

    shown = text.partition("Next events")[2]
    assert shown.index("Sooner &amp; soonest") < shown.index("Later")
    assert "Called off" not in text
    assert "In a year" not in text


def test_a_campaign_that_goes_out_can_be_paused_and_let_go_on(admin: Client, site: Store, now: datetime) -> None:
    campaign = campaign_with(
        site,
        now - timedelta(minutes=1),
        {EmailState.SENT: 30, EmailState.QUEUED: 70},
        status=CampaignStatus.SENDING,
        subject="Spring",
        audience=Audience(matched=100),
    )

    page = text_of(admin.get("/").content)
    admin.post(f"/campaigns/{campaign.id}/pause/")
    paused = text_of(admin.get("/").content)

    assert "Spring Sending Pause : Spring 30 of 100" in page
    assert "left" in page
    assert "Spring Paused Go on : Spring 30 of 100" in paused


def test_a_campaign_of_which_there_are_jobs_is_found_behind_many_newer_ones(admin: Client, site: Store, now: datetime) -> None:
    old = site.campaigns.create(
        make_campaign(subject="Waits long", status=CampaignStatus.SCHEDULED, created_at=now - timedelta(days=5), send_at=now)
    )
    job = JobKey(owner=f"CAMPAIGN#{old.id}", name="EXPAND")
    site.table.write([site.jobs.put(job, due_at=now + timedelta(days=3))])
    for number in range(20):
        site.campaigns.create(make_campaign(subject=f"Draft {number}", created_at=now))

    assert "Waits long" in text_of(admin.get("/").content)


def test_a_paused_campaign_is_not_forgotten_behind_many_newer_ones(admin: Client, site: Store, now: datetime) -> None:
    old = campaign_with(
        site, now - timedelta(days=40), {EmailState.QUEUED: 3}, status=CampaignStatus.PAUSED, subject="Rests", updated_at=now
    )
    for number in range(20):
        site.campaigns.create(make_campaign(subject=f"Draft {number}", created_at=now))

    assert attention(admin.get("/").content) == [("“Rests” is paused", f"/campaigns/{old.id}/")]


def test_what_was_sent_last_has_its_rates_and_each_leads_to_its_recipients(admin: Client, site: Store, now: datetime) -> None:
    campaign = campaign_with(site, now, {}, subject="Autumn")
    keep_emails(
        site,
        [
            make_email(campaign_id=campaign.id, created_at=now, opened_at=now, clicked_at=now),
            make_email(campaign_id=campaign.id, created_at=now, opened_at=now),
            *[make_email(campaign_id=campaign.id, created_at=now) for _ in range(2)],
        ],
    )

    page = admin.get("/").content
    opened = admin.get(f"/campaigns/{campaign.id}/recipients/?outcome=opened").content

    assert "Autumn 4 sent · 50.0% opened · 25.0% clicked" in text_of(page)
    assert f'/campaigns/{campaign.id}/recipients/?outcome=opened"' in page.decode()
    assert "1–2" in text_of(opened)


def test_what_went_wrong_and_can_be_mended_stands_by_itself_and_the_rest_together(
    admin: Client, site: Store, now: datetime
) -> None:
    campaign_with(site, now, {EmailState.SENT: 50, EmailState.FAILED: 1}, subject="Hardly any")
    campaign_with(site, now, {EmailState.SENT: 50, EmailState.FAILED: 2}, subject="A few")
    campaign_with(site, now, {EmailState.SENT: 5, EmailState.FAILED: 3}, subject="Many")
    lost = campaign_with(site, now, {EmailState.SENT: 50, EmailState.UNCERTAIN: 2}, subject="Lost")
    campaign_with(site, now - timedelta(days=45), {EmailState.FAILED: 9}, subject="Long ago")

    found = attention(admin.get("/").content)
    rest = text_of(admin.get(found[-1][1]).content)

    assert [words for words, _ in found] == [
        "3 e-mails failed in “Many”",
        "2 e-mails uncertain in “Lost”",
        "3 e-mails did not arrive, a few in each of 2 campaigns",
    ]
    assert found[1][1] == f"/campaigns/{lost.id}/"
    assert "1–3 of 3" in rest


def test_bounces_are_those_of_e_mails_of_the_last_seven_days(admin: Client, site: Store, now: datetime) -> None:
    keep_emails(site, [make_email(created_at=now - timedelta(days=days), bounced_at=now) for days in (0, 6, 8)])
    site.people.create(make_person())

    found = dict(attention(admin.get("/").content))

    url = found["2 e-mails of the last seven days bounced"]
    assert "outcome=bounced" in url
    assert admin.get(url).status_code == 200


@pytest.mark.parametrize(
    ("role", "seats", "taken", "words"),
    [
        ("Admin", 10, 9, ["Meetup is nearly full"]),
        ("Door", 9, 11, ["Meetup is full"]),
        ("Admin", 10, 8, []),
        ("Admin", None, 9, []),
    ],
)
def test_events_that_fill_up_need_somebody(
    sign_in: SignIn, site: Store, now: datetime, role: str, seats: int | None, taken: int, words: list[str]
) -> None:
    people = [site.people.create(make_person()) for _ in range(taken)]
    event = upcoming(site, now, title="Meetup", max_capacity=seats)
    site.events.seat(event.id, [person.id for person in people], now=now)
    client = sign_in(role)

    found = attention(client.get("/").content)

    assert [one for one, _ in found] == words
    assert [client.get(url).status_code for _, url in found] == [200] * len(words)


def test_rows_that_could_not_be_read_are_told_to_those_who_import(sign_in: SignIn, site: Store, now: datetime) -> None:
    site.people.create(make_person())
    begun: dict[str, Any] = {"owner": "", "size": 1, "kind": "csv", "started_at": now, "counts": {Kind.NEW: 5, Kind.INVALID: 41}}
    for name, days, status in (
        ("may.csv", 1, ImportStatus.DONE),
        ("old.csv", 9, ImportStatus.DONE),
        ("dry.csv", 1, ImportStatus.CHECKED),
    ):
        site.imports.save(Import(id=new_id(), name=name, status=status, created_at=now - timedelta(days=days), **begun))

    told, untold = (attention(sign_in(role).get("/").content) for role in ("Admin", "Viewer"))

    assert [words for words, _ in told] == ["41 rows of may.csv could not be read"]
    assert untold == []


def test_work_that_broke_is_told_to_those_who_may_see_the_background_work(sign_in: SignIn, site: Store, now: datetime) -> None:
    crowd(site, 1)
    campaign = accepted(site, now - timedelta(minutes=1))
    held = Held.take(make_work(site, ToldMailer()), expand_job(campaign.id), "one")
    assert held is not None
    held.break_down("KeyError", "crm/jobs/expand.py:7")

    pages = [attention(sign_in(role).get("/").content) for role in ("Viewer", "Admin")]
    site.table.write([site.jobs.restart(job, now) for job in site.jobs.of(held.job.key.owner).values()])
    after = attention(sign_in("Admin").get("/").content)

    assert pages == [[], [("1 job failed and is tried again", "/settings/jobs/")]]
    assert after == []


def test_work_that_nobody_takes_is_told_after_ten_minutes(admin: Client, site: Store, now: datetime) -> None:
    site.people.create(make_person())
    campaign = campaign_with(site, now, {EmailState.QUEUED: 1}, status=CampaignStatus.SENDING)
    job = JobKey(owner=f"CAMPAIGN#{campaign.id}", name="LANE0")
    site.table.write([site.jobs.put(job, due_at=now - timedelta(minutes=9))])
    early = attention(admin.get("/").content)
    site.table.write([site.jobs.put(job, due_at=now - timedelta(minutes=12), old=site.jobs.get(job))])

    page = admin.get("/").content
    late = attention(page)
    site.jobs.lease(job, "worker", seconds=60, now=now)

    assert early == []
    assert "0 of 1 waits for a worker" in text_of(page)
    assert late == [("1 job is due and nobody is at it", f"/campaigns/{campaign.id}/")]
    assert attention(admin.get("/").content) == []


@pytest.mark.parametrize(
    ("owner", "words", "url"),
    [
        ("EVENT#e1", "An event", "/events/e1/"),
        ("IMPORT#i1", "An import", "/people/import/i1/"),
        ("TASK#t1", "A task", "/people/tasks/t1/"),
        ("USER#u1", "A person being merged", "/people/u1/"),
        ("ERASURE#u1", "A person being erased", "/people/tasks/"),
        ("SOMETHING#x1", "Something else", "/people/tasks/"),
    ],
)
def test_whatever_waits_is_named_with_a_page_to_look_at(
    admin: Client, site: Store, now: datetime, owner: str, words: str, url: str
) -> None:
    site.people.create(make_person())
    site.table.write([site.jobs.put(JobKey(owner=owner, name="ANY"), due_at=now - timedelta(hours=3))])

    page = admin.get("/").content

    assert attention(page) == [("1 job is due and nobody is at it", url)]
    assert f"{words}, due 3 hours ago" in text_of(page)


def test_the_table_behind_the_chart_has_the_days_that_hold_something(admin: Client, site: Store, now: datetime) -> None:
    site.people.create(make_person())
    keep_emails(site, [make_email(created_at=now - timedelta(days=days), opened_at=now) for days in (0, 3)])
    keep_emails(site, [make_email(created_at=now, status=EmailState.FAILED, fail_reason=FailReason.REFUSED)])

    page = admin.get("/").content.decode()

    table = page.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = [re.findall(r'<td[^>]*>(?:<a href="([^"]+)">)?([\d,]+)', row) for row in re.findall(r"<tr>.*?</tr>", table)]
    assert [[number for _, number in row] for row in rows] == [
        ["1", "0", "0", "0", "1", "1", "0"],
        ["1", "0", "0", "0", "0", "1", "0"],
    ]
    lists = [url.replace("&amp;", "&") for row in rows for url, _ in row if url]
    assert len(lists) == 5
    assert all("1–1 of 1" in text_of(admin.get(url).content) for url in lists)


def test_an_empty_community_is_told_where_to_begin(admin: Client) -> None:
    page = admin.get("/").content.decode()

    assert "Nobody is here yet" in page
    assert 'href="/people/import/"' in page


def test_who_sees_events_alone_sees_no_more(sign_in: SignIn, site: Store) -> None:
    crowd(site, 2)

    with metered() as cost:
        page = sign_in("Door").get("/").content

    assert list(figures(page)) == ["Seats taken"]
    assert "Next events" in text_of(page)
    assert "Needs attention" not in text_of(page)
    assert cost.requests <= 8


@pytest.mark.parametrize("role", ["Viewer", "Editor", "Marketer", "Admin"])
def test_who_may_not_do_a_thing_is_told_why(sign_in: SignIn, site: Store, role: str) -> None:
    crowd(site, 1)

    page = sign_in(role).get("/").content.decode()

    new_event = page.partition("New event")[0].rpartition("<a ")[2]
    assert ("aria-disabled" in new_event) is (role in {"Viewer", "Marketer"})


def test_it_costs_the_same_however_many_people_and_e_mails_there_are(admin: Client, site: Store, now: datetime) -> None:
    costs = []
    for number in (20, 120):
        crowd(site, number)
        keep_emails(site, [make_email(created_at=now) for _ in range(number)])
        site.stats.fold_all()
        with metered() as cost:
            admin.get("/")
        costs.append((cost.requests, cost.items_read))

    assert costs[0] == costs[1]


def test_a_campaign_more_costs_its_hour_and_no_request(admin: Client, site: Store, now: datetime) -> None:
    costs = []
    for number in (20, 20):
        for _ in range(number):
            campaign_with(site, now, {EmailState.SENT: 1})
        site.stats.fold_all()
        with metered() as cost:
            admin.get("/")
        costs.append(cost)

    assert costs[1].requests == costs[0].requests <= 18
    assert costs[1].items_read - costs[0].items_read == 20
