"""The report on a campaign's page: what it shows, where its numbers lead, and its tables as files."""

import csv
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import EmailState, FailReason
from crm.domain.hits import HitClass, HitKind
from crm.services import hits
from crm.services.unsubscribe import unsubscribe
from crm.store import Store
from crm.store.cost import metered
from crm.store.emails import EmailRepository
from tests.factories import make_campaign, make_person
from tests.mailings import keep_emails, make_email

SignIn = Callable[[str], Client]
STARTED = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=6)
BODY = "Hello, [one](https://a.example/one?a=1&b=2) or [two](https://a.example/two)"


def campaign_of(store: Store, **values: object) -> Campaign:
    given = {
        "status": CampaignStatus.DONE,
        "created_at": STARTED,
        "started_at": STARTED,
        "finished_at": STARTED,
        "tracking": True,
    }
    return store.campaigns.create(make_campaign(**{"body": BODY, "expanded": True, **given, **values}))


@pytest.fixture
def campaign(site: Store) -> Campaign:
    """To eight at three domains: three failed for two reasons, three opened, two of them clicked, a program too; one left."""
    campaign = campaign_of(site, subject="Spring")
    ada = site.people.create(make_person(email="ada@mail.example", created_at=STARTED))
    sent = [
        make_email(campaign_id=campaign.id, email=address, created_at=STARTED, user_id=user_id)
        for address, user_id in [
            ("ada@mail.example", ada.id),
            *[(f"p{number}@mail.example", f"u{number}") for number in range(3)],
            ("p@post.example", "u9"),
        ]
    ]
    failed = [
        make_email(campaign_id=campaign.id, email="x@post.example", created_at=STARTED, status=EmailState.FAILED, **why)
        for why in (
            {"fail_reason": FailReason.REFUSED, "error": "550 5.1.1 no such mailbox"},
            {"fail_reason": FailReason.REFUSED, "error": "550 5.1.1 unknown"},
            {"fail_reason": FailReason.REFUSED, "error": "No such person"},
        )
    ]
    keep_emails(site, [*sent, *failed])
    for email, kind, hit_class, link, hour in (
        (sent[0], HitKind.CLICK, HitClass.PERSON, 1, 1),
        (sent[1], HitKind.OPEN, HitClass.PERSON, None, 1),
        (sent[2], HitKind.CLICK, HitClass.PERSON, 1, 4),
        (sent[3], HitKind.CLICK, HitClass.SCANNER, 0, 4),
    ):
        at = STARTED + timedelta(hours=hour)
        hits.record(site, email.id, kind=kind, hit_class=hit_class, link=link, at=at, now=at)
    unsubscribe(site, sent[0].id, ada.id, now=STARTED + timedelta(hours=2))
    return campaign


def lists_behind(page: str) -> set[tuple[str, int]]:
    """Every number with the list of recipients that it leads to."""
    found = re.findall(r'href="(/campaigns/\w+/recipients/\?[^"]+)">([\d,]+)</a>', page)
    return {(unescape(link), int(number)) for link, number in found}


def total(page: str) -> int:
    found = re.search(r'class="total" role="status">([\d,]+) ', page)
    return int(found.group(1)) if found else 0


def file_of(browser: Client, campaign: Campaign, part: str, query: str = "") -> list[dict[str, str]]:
    answer = browser.get(f"/campaigns/{campaign.id}/report/{part}.csv{query}")
    return list(csv.DictReader(b"".join(answer).decode("utf-8-sig").splitlines()))


@pytest.mark.parametrize("query", ["", "?hits=all", "?over=day"])
def test_every_number_of_the_report_leads_to_just_so_many(sign_in: SignIn, campaign: Campaign, query: str) -> None:
    browser = sign_in("Marketer")

    behind = lists_behind(browser.get(f"/campaigns/{campaign.id}/{query}").content.decode())

    assert {"link=1", "domain=mail.example", "code=550%205.1.1"} <= {
        word for link, _ in behind for word in re.split(r"[?&]", link)
    }
    for link, number in behind:
        page = browser.get(link).content.decode()
        assert (link, total(page)) == (link, number)


def test_failures_are_told_apart_by_what_servers_said(sign_in: SignIn, campaign: Campaign) -> None:
    page = sign_in("Viewer").get(f"/campaigns/{campaign.id}/").content.decode()

    rows = re.findall(
        r'<th scope="row">([^<]+)((?:<span class="sub">[^<]*</span>)*)</th><td class="num"><a [^>]*reason=[^>]*>(\d+)<', page
    )
    assert [(words, number) for words, _, number in rows] == [
        ("Address does not exist", "2"),
        ("Refused for good by the receiving server", "1"),
    ]
    assert "550 5.1.1 unknown" in rows[0][1]


def test_who_left_is_named_and_leads_to_them(sign_in: SignIn, campaign: Campaign, site: Store) -> None:
    page = sign_in("Viewer").get(f"/campaigns/{campaign.id}/").content.decode()

    section = page[page.index('id="left"') :]
    assert re.search(r'href="/people/\w+/"><bdi>Ada Lovelace</bdi></a><span class="sub">ada@mail.example</span>', section)
    assert "outcome=unsubscribed" in section


def test_opens_and_clicks_stand_in_chart_table_and_file_alike(sign_in: SignIn, campaign: Campaign) -> None:
    browser = sign_in("Marketer")

    page = browser.get(f"/campaigns/{campaign.id}/").content.decode()
    section = page[page.index('id="over-time"') : page.index('id="links"')]
    rows = file_of(browser, campaign, "over-time")

    table = re.findall(r'<td class="num[^"]*">(\d+)</td><td class="num[^"]*">(\d+)</td>', section)
    assert table == [("1", "1"), ("0", "1")]
    assert [(row["opens"], row["clicks"]) for row in rows if (row["opens"], row["clicks"]) != ("0", "0")] == table
    assert len(rows) == 7, "hours without any stand in the file"
    assert section.count('class="f-') >= 3


def test_the_files_say_what_the_tables_say(sign_in: SignIn, campaign: Campaign) -> None:
    browser = sign_in("Marketer")
    campaign_before_it = file_of(browser, campaign, "comparison")

    links, domains, failures = (file_of(browser, campaign, part) for part in ("links", "domains", "failures"))
    programs = file_of(browser, campaign, "domains", "?hits=all")

    assert [(row["address"], row["people"], row["anybody"]) for row in links] == [
        ("https://a.example/one?a=1&b=2", "0", "1"),
        ("https://a.example/two", "2", "2"),
    ]
    assert [(row["domain"], row["sent"], row["opened"], row["failed"]) for row in domains] == [
        ("mail.example", "4", "3", "0"),
        ("post.example", "1", "0", "3"),
    ]
    assert programs[0]["clicked_any"] == "3"
    assert [(row["reason"], row["code"], row["emails"]) for row in failures] == [
        ("refused", "550 5.1.1", "2"),
        ("refused", "", "1"),
    ]
    assert [(row["subject"], row["sent"], row["opened"]) for row in campaign_before_it] == [("Spring", "5", "3")]


def test_what_a_provider_calls_none_is_not_what_has_no_code(sign_in: SignIn, site: Store) -> None:
    campaign = campaign_of(site)
    said = ["The mail provider refused the message: none of it", "No such person", "Nobody there"]
    failed = {"campaign_id": campaign.id, "status": EmailState.FAILED, "fail_reason": FailReason.REFUSED}
    keep_emails(site, [make_email(error=error, created_at=STARTED, **failed) for error in said])
    browser = sign_in("Marketer")

    page = browser.get(f"/campaigns/{campaign.id}/").content.decode()
    links = {unescape(link) for link in re.findall(r'href="(/campaigns/[^"]+[?&;]code=[^"]+)"', page)}
    lists = [browser.get(link).content.decode() for link in links]

    assert sorted(re.findall(r'role="status">(\d) e-mail', text)[0] for text in lists) == ["1", "2"]
    assert sorted(text.count('<th scope="row" class="name">') for text in lists) == [1, 2]
    assert sorted(row["code"] for row in file_of(browser, campaign, "failures")) == ["", "none"]


@pytest.mark.parametrize("place", ["", "report/over-time.csv"])
@pytest.mark.parametrize(("query", "words"), [("hits=most", "people, all"), ("over=year", "hour, day")])
def test_what_can_not_be_shown_is_refused_with_what_can(
    sign_in: SignIn, campaign: Campaign, place: str, query: str, words: str
) -> None:
    answer = sign_in("Marketer").get(f"/campaigns/{campaign.id}/{place}?{query}")

    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_who_matched_is_said_to_lead_to_who_does_by_now(sign_in: SignIn, campaign: Campaign) -> None:
    page = sign_in("Viewer").get(f"/campaigns/{campaign.id}/").content.decode()

    matched = re.search(r'<th scope="row">Matched(.*?)</tr>', page)
    assert matched
    assert "leads to who matches by now" in matched[1]
    assert page.count("matches by now") == 1


def test_a_file_that_is_none_is_not_found(sign_in: SignIn, campaign: Campaign) -> None:
    assert sign_in("Marketer").get(f"/campaigns/{campaign.id}/report/secrets.csv").status_code == 404


def test_a_campaign_stands_beside_the_one_before_it(sign_in: SignIn, campaign: Campaign, site: Store) -> None:
    day_before = STARTED - timedelta(days=1)
    before = campaign_of(site, subject="Winter", created_at=day_before, started_at=day_before)
    keep_emails(site, [make_email(campaign_id=before.id, created_at=day_before, opened_at=STARTED) for _ in range(2)])

    page = sign_in("Viewer").get(f"/campaigns/{campaign.id}/").content.decode()

    section = page[page.index('id="compared"') :]
    assert f'href="/campaigns/{before.id}/"><bdi>Winter</bdi>' in section
    assert re.findall(r">(\d+\.\d%)<", section)[:1] == ["60.0%"]
    assert "Middle of the 1 before it" in section
    assert "100.0%" in section


def test_a_list_of_a_part_says_which_and_leaves_it_out_at_will(sign_in: SignIn, campaign: Campaign) -> None:
    browser = sign_in("Marketer")

    page = browser.get(f"/campaigns/{campaign.id}/recipients/?link=1&hits=all&domain=MAIL.example").content.decode()

    assert "https://a.example/two" in page
    assert 'href="?domain=mail.example"' in page
    assert 'href="?link=1&amp;hits=all"' in page
    assert page.count("@mail.example") == 2
    link = re.search(r'href="([^"]+recipients\.csv[^"]*)" download', page)
    assert link
    assert len(b"".join(browser.get(unescape(link.group(1)))).decode().splitlines()) == 3


@pytest.mark.parametrize("query", ["domain=nope.example", "domain=mail.example&status=failed", "link=7", "reason=refused&code=9"])
def test_of_what_counters_know_there_is_none_no_list_is_read(
    sign_in: SignIn, campaign: Campaign, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("a list was read")

    monkeypatch.setattr(EmailRepository, "_merged", read)

    page = sign_in("Viewer").get(f"/campaigns/{campaign.id}/recipients/?{query}").content.decode()

    assert "None of these" in page


@pytest.mark.parametrize(
    "query", ["link=x", "link=-1", "link=1000", "link=1&hits=most", "domain=a&domain=b", f"code={'x' * 101}"]
)
def test_a_part_that_can_not_be_is_refused_with_what_can(sign_in: SignIn, campaign: Campaign, query: str) -> None:
    answer = sign_in("Viewer").get(f"/campaigns/{campaign.id}/recipients/?{query}")

    assert answer.status_code == 422
    assert re.search(r"from 0 to 999|people, all|Only one domain|100 characters", answer.content.decode())


def test_before_it_is_sent_there_is_nothing_to_report(sign_in: SignIn, site: Store) -> None:
    values = {"status": CampaignStatus.SCHEDULED, "started_at": None, "finished_at": None, "send_at": STARTED + timedelta(days=9)}
    campaign = campaign_of(site, **values)

    page = sign_in("Viewer").get(f"/campaigns/{campaign.id}/").content.decode()

    assert 'id="over-time"' not in page


def test_without_tracking_it_says_so(sign_in: SignIn, site: Store) -> None:
    campaign = campaign_of(site, tracking=False)
    keep_emails(site, [make_email(campaign_id=campaign.id, created_at=STARTED)])

    page = sign_in("Viewer").get(f"/campaigns/{campaign.id}/").content.decode()

    assert "nothing tells when it was opened" in page


def test_the_part_that_looks_again_reads_no_report(sign_in: SignIn, campaign: Campaign) -> None:
    browser = sign_in("Viewer")
    costs = []
    for headers in ({"HX-Request": "true", "HX-Target": "campaign"}, {}):
        with metered() as cost:
            page = browser.get(f"/campaigns/{campaign.id}/", headers=headers).content.decode()
        costs.append(cost.requests)
        assert ('id="over-time"' in page) is (not headers)

    assert costs[0] <= 11
    assert costs[1] <= 30
