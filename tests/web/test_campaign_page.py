"""The page of a campaign that was sent, and the lists behind its numbers; without JavaScript."""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client

from crm.domain.campaigns import Campaign
from crm.domain.copies import Copy, CopyStatus
from crm.domain.hits import HitClass, HitKind
from crm.domain.mail_settings import mark_of
from crm.domain.outcomes import Outcome
from crm.domain.people import EmailStatus
from crm.jobs.work import Held
from crm.mail.port import Uncertain
from crm.services import hits
from crm.services.campaign_jobs import expand_job
from crm.services.unsubscribe import unsubscribe
from crm.store import Store
from crm.store.cost import metered
from tests.conftest import Clock
from tests.jobs.mailing import BUSY, REFUSED, ToldMailer, accepted, crowd, drive, emails_of, make_work, suppress

SignIn = Callable[[str], Client]
BODY = "Hello {{ firstName }}, [one](https://a.example/one) or [two](https://a.example/two)"


@dataclass
class Sent:
    """A campaign that is done, and the browser of a marketer."""

    browser: Client
    campaign: Campaign

    def page(self, path: str = "") -> str:
        return self.browser.get(f"/campaigns/{self.campaign.id}/{path}").content.decode()


@pytest.fixture
def sent(sign_in: SignIn, site: Store) -> Sent:
    """To nine: one refused, one uncertain, seven sent; two opened, one of them clicked, one opened by a program; one left."""
    people, mailer, clock = crowd(site, 9), ToldMailer(), Clock(datetime.now(UTC) - timedelta(hours=1))
    suppress(site, crowd(site, 1)[0], EmailStatus.BOUNCED, clock.now)
    mailer.tell(people[0].profile.email, REFUSED)
    mailer.tell(people[1].profile.email, Uncertain("lost"))
    campaign = accepted(site, clock.now, body=BODY, tracking=True)
    drive(make_work(site, mailer, clock))
    out = [email for email in emails_of(site, campaign) if email.sent_at]
    for email, kind, hit_class, link in (
        (out[0], HitKind.OPEN, HitClass.PERSON, None),
        (out[1], HitKind.CLICK, HitClass.PERSON, 1),
        (out[2], HitKind.OPEN, HitClass.PREFETCH, None),
    ):
        hits.record(site, email.id, kind=kind, hit_class=hit_class, link=link, at=clock.now, now=clock.now)
    unsubscribe(site, out[1].id, out[1].user_id, now=clock.now)
    return Sent(sign_in("Marketer"), site.campaigns.get(campaign.id))


def stages(page: str) -> dict[str, int]:
    bar = r"(?:<progress.*?</progress>|of those sent)"
    name = r'<th scope="row">([\w ]+)(?:<span class="sub">[^<]*</span>)?</th>'
    found = re.findall(rf'{name}<td[^>]*>{bar}</td><td class="num"><a [^>]*>([\d,]+)<', page)
    return {stage: int(number) for stage, number in found}


def total(page: str) -> int:
    found = re.search(r'class="total" role="status">([\d,]+) ', page)
    return int(found.group(1)) if found else 0


def test_the_funnel_counts_people_or_programs_too(sent: Sent) -> None:
    people, programs = sent.page(), sent.page("?hits=all")

    assert stages(people) == {
        "Matched": 10,
        "In the audience": 9,
        "Sent": 7,
        "Opened": 2,
        "Clicked": 1,
        "Unsubscribed": 1,
    }
    assert stages(programs)["Opened"] == 3


def test_every_number_leads_to_a_list_of_just_so_many(sent: Sent) -> None:
    pages = sent.page() + sent.page("?hits=all")
    links = re.findall(
        r'href="(/campaigns/\w+/recipients/[^"]*)"[^>]*>(?:<span[^>]*>\w+</span><span[^>]*>)?([\d,]+)[^\d<]*<', pages
    )

    shown = {(unescape(link), int(number)) for link, number in links}
    found = {(link, total(sent.browser.get(link).content.decode())) for link, _ in shown}

    assert len(shown) >= 9
    assert found == shown
    assert total(sent.browser.get(f"/people/?mailed={sent.campaign.id}:unsubscribed").content.decode()) == 1


def test_the_audience_stands_there_as_it_was_accepted(sent: Sent) -> None:
    page = sent.page()

    terms = re.findall(r"<li data-op=.*?<b>([\d,]+)</b><span><bdi>([^<]*)</bdi>", page)
    assert [(int(number), words) for number, words in terms if int(number)] == [
        (10, "match the filter"),
        (1, "bounced"),
        (9, "will receive it"),
    ]
    assert "1 person of it could not be mailed: 1 bounced" in page


def test_links_tell_people_from_programs(sent: Sent, site: Store) -> None:
    email = next(one for one in emails_of(site, sent.campaign) if one.sent_at and not one.clicked_at)
    hits.record(
        site, email.id, kind=HitKind.CLICK, hit_class=HitClass.SCANNER, link=0, at=datetime.now(UTC), now=datetime.now(UTC)
    )

    page = sent.page()

    number = r'<td class="num[^>]*><[^>]*>(\d+)</[^>]*></td>'
    plain = r"<td[^>]*>(?:<a[^>]*>)?(\d+)(?:</a>)?</td>"
    rows = re.findall(rf'<span class="sub">(https://[^<]+)</span></th><td.*?</td>{number}{plain}', page)
    assert rows == [("https://a.example/one", "0", "1"), ("https://a.example/two", "1", "1")]


def test_writing_again_to_those_who_did_not_open_begins_with_exactly_them(sent: Sent) -> None:
    link = re.search(r'id="again" href="([^"]+)"', sent.page())
    assert link

    page = sent.browser.get(unescape(link.group(1))).content.decode()

    assert "Write again to the 6 who did not open" in sent.page()
    assert "hello {{ firstname }}" in page.lower()
    assert 'data-op="=" class="result"' in page
    assert re.search(r'data-op="" .*?<b>6</b>', page, re.DOTALL)


def test_what_servers_said_stands_at_the_reason_that_leads_to_its_list(sent: Sent) -> None:
    page = sent.page()
    failed = sent.page("recipients/?status=failed&reason=refused")

    assert "550 no such mailbox" in page
    assert "seldom helps" in page
    assert total(failed) == 1
    assert "Refused for good by the receiving server" in failed


def test_only_what_a_retry_may_help_is_tried_again_where_that_is_asked_for(sign_in: SignIn, site: Store) -> None:
    people, mailer, clock = crowd(site, 2), ToldMailer(), Clock(datetime.now(UTC) - timedelta(days=2))
    mailer.tell(people[0].profile.email, REFUSED)
    mailer.tell(people[1].profile.email, *[BUSY] * 6)
    campaign = accepted(site, clock.now)
    for _ in range(8):
        drive(make_work(site, mailer, clock))
        clock.pass_(hours=5)
    browser = sign_in("Marketer")

    page = browser.get(f"/campaigns/{campaign.id}/").content.decode()
    browser.post(f"/campaigns/{campaign.id}/retry-worthwhile/")

    assert "Retry the 1 it may help" in page
    figures = site.campaigns.figures(campaign.id)
    assert (figures.queued, figures.failed, figures.by_reason) == (1, 1, {"refused": 1})


def test_a_retry_of_many_goes_on_by_itself_and_tells_how_far_it_is(sign_in: SignIn, site: Store) -> None:
    mailer, clock = ToldMailer(), Clock(datetime.now(UTC) - timedelta(minutes=5))
    for person in crowd(site, 50):
        mailer.tell(person.profile.email, REFUSED)
    campaign = accepted(site, clock.now)
    drive(make_work(site, mailer, clock))
    browser = sign_in("Marketer")

    page = browser.post(f"/campaigns/{campaign.id}/retry-failed/", follow=True).content.decode()
    drive(make_work(site, mailer, Clock(datetime.now(UTC) + timedelta(seconds=1))))
    after = browser.get(f"/campaigns/{campaign.id}/").content.decode()

    assert "50 e-mails queued again" in page
    assert "Failed e-mails are being queued again: 45 of 50" in page
    assert 'id="retry"' not in page
    assert "being queued" not in after
    assert len(mailer.sent) == 50


def test_that_no_worker_is_at_it_is_told_once_it_is_late(sign_in: SignIn, site: Store) -> None:
    crowd(site, 1)
    late = accepted(site, datetime.now(UTC) - timedelta(minutes=1))
    fresh = accepted(site, datetime.now(UTC))
    browser = sign_in("Viewer")

    pages = [browser.get(f"/campaigns/{one.id}/").content.decode() for one in (late, fresh)]

    assert ["No worker is at it" in page for page in pages] == [True, False]


def test_that_its_work_broke_is_told_with_when_it_is_tried_again(sign_in: SignIn, site: Store) -> None:
    crowd(site, 1)
    campaign = accepted(site, datetime.now(UTC) - timedelta(minutes=1))
    held = Held.take(make_work(site, ToldMailer()), expand_job(campaign.id), "one")
    assert held is not None
    held.break_down("KeyError", "crm/jobs/expand.py:7")

    page = sign_in("Viewer").get(f"/campaigns/{campaign.id}/").content.decode()

    assert "It broke (KeyError at crm/jobs/expand.py:7) and is tried again at " in page


def test_colleagues_copies_are_told_with_what_became_of_them(sent: Sent, site: Store) -> None:
    failed = Copy(campaign_id=sent.campaign.id, hash=mark_of("boss@staff.example"), address="boss@staff.example", reason="550 no")
    left = replace(failed, hash=mark_of("left@staff.example"), address="left@staff.example")
    site.table.write([site.copies.new(replace(copy, status=CopyStatus.FAILED)) for copy in (failed, left)])
    site.mail_settings.save(replace(site.mail_settings.get(), colleagues=("boss@staff.example",)))

    page = sent.page()

    assert "boss@staff.example" in page
    assert "550 no" in page
    assert "l…@staff.example" in page
    assert "left@staff.example" not in page


def test_a_campaign_that_was_not_tracked_says_so_and_counts_no_opens(sign_in: SignIn, site: Store) -> None:
    crowd(site, 1)
    clock = Clock(datetime.now(UTC))
    campaign = accepted(site, clock.now)
    drive(make_work(site, ToldMailer(), clock))

    page = sign_in("Viewer").get(f"/campaigns/{campaign.id}/").content.decode()

    assert "Tracking was off" in page
    assert "Opened" not in stages(page)
    assert 'id="again"' not in page


def test_the_file_of_recipients_has_exactly_those_of_the_list(sent: Sent) -> None:
    wanted = {
        "": 9,
        "?status=sent": 7,
        "?outcome=opened": 2,
        "?outcome=opened_any": 3,
        "?outcome=not_opened": 6,
        "?outcome=unsubscribed": 1,
        "?status=failed&reason=refused": 1,
    }

    shown, files = {}, {}
    for query in wanted:
        page = sent.page(f"recipients/{query}")
        link = re.search(r'href="([^"]+recipients\.csv[^"]*)" download', page)
        assert link
        text = b"".join(sent.browser.get(unescape(link.group(1)))).decode("utf-8-sig")  # type: ignore[arg-type]
        rows = list(csv.DictReader(text.splitlines()))
        shown[query], files[query] = total(page), len(rows)
        assert all(row["email"] in page for row in rows)

    assert shown == files == wanted


def test_a_choice_that_has_nothing_says_so(sent: Sent) -> None:
    page = sent.page(f"recipients/?outcome={Outcome.COMPLAINED}")

    assert "None of these" in page


def test_looking_again_and_again_costs_few_requests(sign_in: SignIn, site: Store) -> None:
    crowd(site, 1)
    campaign = accepted(site, datetime.now(UTC))
    browser = sign_in("Viewer")

    with metered() as cost:
        part = browser.get(f"/campaigns/{campaign.id}/", headers={"HX-Request": "true", "HX-Target": "campaign"})

    assert part.status_code == 200
    assert cost.requests <= 11
