"""The list of campaigns: tabs, search, figures, the archive, copies, deleted drafts, CSV; without JavaScript."""

import csv
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from crm.domain.campaigns import CampaignStatus
from crm.services import campaign_shelf
from crm.store import Store
from crm.store.cost import metered
from tests.conftest import Clock
from tests.factories import NOW, make_campaign
from tests.jobs.mailing import REFUSED, ToldMailer, accepted, crowd, drive, make_work

SignIn = Callable[[str], Client]
MOST = 11
"""Requests of a page of the list, while campaigns are of two years at most."""


@pytest.fixture
def marketer(sign_in: SignIn) -> Client:
    return sign_in("Marketer")


def page_of(client: Client, query: str = "") -> str:
    return client.get(f"/campaigns/{query}").content.decode()


def subjects(page: str) -> list[str]:
    return re.findall(r'class="who" href="/campaigns/\w+/"><bdi>([^<]*)</bdi>', page)


def tabs(page: str) -> dict[str, int]:
    found = re.findall(r'<a id="tab-\w+"[^>]*>(\w+) <span class="count">([\d,]+)</span>', page)
    return {label: int(number.replace(",", "")) for label, number in found}


def test_tabs_say_exactly_how_many_stand_where_and_lead_there(marketer: Client, site: Store) -> None:
    for number, status in enumerate([*CampaignStatus, CampaignStatus.DONE]):
        site.campaigns.create(make_campaign(subject=f"Letter {number}", status=status))
    site.campaigns.create(make_campaign(subject="Old", status=CampaignStatus.DONE, archived_at=NOW))

    page, done, away = page_of(marketer), page_of(marketer, "?status=done&status=cancelled"), page_of(marketer, "?archived=true")

    counts = {"All": 8, "Drafts": 1, "Scheduled": 1, "Running": 2, "Paused": 1, "Done": 3, "Archived": 1}
    assert tabs(page) == tabs(done) == counts
    assert (len(subjects(page)), len(subjects(done)), subjects(away)) == (8, 3, ["Old"])
    assert 'id="tab-done" href="?status=done&amp;status=cancelled" aria-current="page"' in done


def test_words_of_the_subject_find_campaigns_in_every_tab(marketer: Client, site: Store) -> None:
    site.campaigns.create(make_campaign(subject="Spring <b>party</b>"))
    site.campaigns.create(make_campaign(subject="Spring clean", status=CampaignStatus.DONE))
    site.campaigns.create(make_campaign(subject="Autumn"))

    page = page_of(marketer, "?q=spr")
    none = page_of(marketer, "?q=winter")

    assert sorted(subjects(page)) == ["Spring &lt;b&gt;party&lt;/b&gt;", "Spring clean"]
    assert (tabs(page)["All"], tabs(page)["Drafts"], tabs(page)["Done"]) == (2, 1, 1)
    assert "2 campaigns" in page
    assert "has “<bdi>winter</bdi>”" in none
    assert "No campaign yet" not in none


def test_an_empty_list_says_what_to_do_first(marketer: Client) -> None:
    page = page_of(marketer)

    assert "No campaign yet" in page
    assert 'name="q"' not in page


@pytest.mark.parametrize(
    ("query", "words"), [("?status=finished", "status “finished” is unknown"), ("?archived=maybe", "archived is true or false")]
)
def test_a_filter_that_can_not_be_is_told_and_led_out_of(marketer: Client, site: Store, query: str, words: str) -> None:
    site.campaigns.create(make_campaign())

    page = page_of(marketer, query)

    assert words in page
    assert "Show all campaigns" in page


def test_figures_stand_in_the_row_each_a_link_to_its_list(marketer: Client, site: Store) -> None:
    people, mailer, clock = crowd(site, 4), ToldMailer(), Clock(datetime.now(UTC))
    mailer.tell(people[0].profile.email, REFUSED)
    campaign = accepted(site, clock.now)
    drive(make_work(site, mailer, clock))

    page = page_of(marketer)

    assert f'href="/campaigns/{campaign.id}/recipients/?status=sent">3</a>' in page
    assert f'href="/campaigns/{campaign.id}/recipients/?status=failed">1</a>' in page


def test_a_page_costs_few_requests_however_many_campaigns_there_are(marketer: Client, site: Store) -> None:
    for number in range(60):
        site.campaigns.create(make_campaign(created_at=NOW + timedelta(minutes=number)))

    with metered() as first:
        page = page_of(marketer)
    following = re.search(r'href="(\?nextToken=[^"]+)"', page)
    assert following
    with metered() as second:
        rest = page_of(marketer, following.group(1).replace("&amp;", "&"))

    assert (len(subjects(page)), len(subjects(rest))) == (50, 10)
    assert "51–60" in rest
    assert max(first.requests, second.requests) <= MOST


def test_the_file_has_exactly_what_the_list_shows(marketer: Client, site: Store) -> None:
    for number in range(3):
        site.campaigns.create(make_campaign(subject=f"=Spring {number}", status=CampaignStatus.DONE))
    site.campaigns.create(make_campaign(subject="Spring draft"))

    link = re.search(
        r'href="(/campaigns/export\.csv[^"]*)" download', page_of(marketer, "?q=spring&status=done&status=cancelled")
    )
    assert link
    text = b"".join(marketer.get(link.group(1).replace("&amp;", "&"))).decode("utf-8-sig")  # type: ignore[arg-type]
    rows = list(csv.DictReader(text.splitlines()))

    assert sorted(row["Subject"] for row in rows) == ["'=Spring 0", "'=Spring 1", "'=Spring 2"]
    assert {row["State"] for row in rows} == {"done"}


def test_htmx_gets_the_list_alone_with_the_state_for_the_search(marketer: Client, site: Store) -> None:
    site.campaigns.create(make_campaign())

    part = marketer.get("/campaigns/?status=draft", headers={"HX-Request": "true", "HX-Target": "campaigns"}).content.decode()

    assert part.lstrip().startswith('<div id="campaigns">')
    assert '<span id="campaign-state" hx-swap-oob="true"><input type="hidden" name="status" value="draft">' in part


def test_archiving_from_a_tab_comes_back_to_it_and_can_be_taken_back(marketer: Client, site: Store) -> None:
    campaign = site.campaigns.create(make_campaign(status=CampaignStatus.DONE))
    back = {"back": "list?status=done&status=cancelled"}

    archived = marketer.post(f"/campaigns/{campaign.id}/archive/", back)
    page = page_of(marketer, "?status=done&status=cancelled")
    undo = re.search(r'action="(/campaigns/\w+/unarchive/[^"]*)"', page)
    assert undo
    restored = marketer.post(undo.group(1).replace("&amp;", "&"))

    assert archived.headers["Location"] == restored.headers["Location"] == "/campaigns/?status=done&status=cancelled"
    assert subjects(page) == []
    assert subjects(page_of(marketer)) == ["Spring"]


def test_nothing_leads_away_from_the_site(marketer: Client, site: Store) -> None:
    campaign = site.campaigns.create(make_campaign(status=CampaignStatus.DONE))

    answer = marketer.post(f"/campaigns/{campaign.id}/archive/", {"back": "//elsewhere.example/"})

    assert answer.headers["Location"] == f"/campaigns/{campaign.id}/"


def test_what_runs_is_not_archived_and_says_why(marketer: Client, site: Store) -> None:
    campaign = site.campaigns.create(make_campaign(status=CampaignStatus.PAUSED))

    page = marketer.post(f"/campaigns/{campaign.id}/archive/", {"back": "list"}, follow=True).content.decode()

    assert "Cancel it first" in page
    assert site.campaigns.state(campaign.id).archived_at is None


def test_a_copy_is_made_once_however_often_the_button_is_pressed(marketer: Client, site: Store) -> None:
    campaign = site.campaigns.create(make_campaign(subject="Again", status=CampaignStatus.DONE))
    found = re.search(r'name="copy" value="(\w{32})"', page_of(marketer))
    assert found

    answers = [marketer.post(f"/campaigns/{campaign.id}/duplicate/", {"copy": found.group(1)}) for _ in range(2)]

    assert {answer.headers["Location"] for answer in answers} == {f"/campaigns/{found.group(1)}/"}
    assert subjects(page_of(marketer, "?status=draft")) == ["Again"]


def test_a_draft_is_deleted_after_one_question(marketer: Client, site: Store) -> None:
    draft = site.campaigns.create(make_campaign(subject="Never mind"))

    question = marketer.get(f"/campaigns/{draft.id}/delete/?back=list%3Fstatus%3Ddraft").content.decode()
    answer = marketer.post(f"/campaigns/{draft.id}/delete/", {"back": "list?status=draft"})

    assert "Delete “<bdi>Never mind</bdi>”?" in question
    assert answer.headers["Location"] == "/campaigns/?status=draft"
    assert site.campaigns.rows() == []


def test_what_was_sent_is_not_deleted(marketer: Client, site: Store) -> None:
    campaign = site.campaigns.create(make_campaign(status=CampaignStatus.DONE))

    question = marketer.get(f"/campaigns/{campaign.id}/delete/")
    page = marketer.post(f"/campaigns/{campaign.id}/delete/", follow=True).content.decode()

    assert question.headers["Location"] == f"/campaigns/{campaign.id}/"
    assert "Only a draft can be deleted" in page


def test_those_who_may_only_look_see_what_they_may_not_do(sign_in: SignIn, site: Store) -> None:
    draft = site.campaigns.create(make_campaign())
    campaign_shelf.archive(site, site.campaigns.create(make_campaign()).id, now=NOW)
    viewer = sign_in("Viewer")

    page = page_of(viewer)
    answers = [viewer.post(f"/campaigns/{draft.id}/{action}/").status_code for action in ("archive", "duplicate", "delete")]

    assert "Your role, Viewer, may not write campaigns" in page
    assert answers == [403, 403, 403]
    assert viewer.get("/campaigns/export.csv").status_code == 403
