"""Pages about e-mails that are no longer kept one by one: nothing breaks, and what is missing is said."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import Email
from crm.domain.keeping import Keeping
from crm.domain.people import EmailStatus, Person
from crm.store import Store
from crm.store.cost import metered
from crm.wiring import get_links
from tests.factories import make_campaign, make_person
from tests.mailings import keep_emails, make_email

SignIn = Callable[..., Client]


def long_ago() -> datetime:
    return timezone.now() - timedelta(days=500)


def sent(site: Store, keeping: Keeping) -> tuple[Campaign, Person, Email]:
    """A campaign that was sent long ago to two people, one of whom exists."""
    made = long_ago()
    campaign = site.campaigns.create(
        make_campaign(
            status=CampaignStatus.DONE, created_at=made, started_at=made, finished_at=made, expanded=True, keeping=keeping
        )
    )
    person = site.people.create(make_person(created_at=made))
    to_them, other = (
        make_email(campaign_id=campaign.id, user_id=user_id, created_at=made, sent_at=made, kept_until=keeping.until(made))
        for user_id in (person.id, "f" * 32)
    )
    keep_emails(site, [to_them, other])
    return campaign, person, to_them


def path(url: str) -> str:
    return url.removeprefix(get_links().public_url)


def test_the_list_of_recipients_says_how_many_it_lacks(sign_in: SignIn, site: Store) -> None:
    campaign, _, _ = sent(site, Keeping(years=1))

    page = sign_in("Viewer").get(f"/campaigns/{campaign.id}/recipients/").content.decode()

    assert "2 e-mails of this campaign are no longer kept one by one." in page
    assert "None of these" in page


def test_a_campaign_that_keeps_everything_is_not_looked_through_for_it(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Viewer")
    kept, gone = (sent(site, keeping)[0] for keeping in (Keeping(), Keeping(years=1)))
    site.stats.fold_all()
    costs = []

    for campaign in (kept, gone):
        with metered() as cost:
            page = client.get(f"/campaigns/{campaign.id}/recipients/").content.decode()
        costs.append(cost.requests)

    assert "no longer kept" in page
    assert costs[0] < costs[1]


def test_the_page_of_who_was_mailed_long_ago_is_whole(sign_in: SignIn, site: Store) -> None:
    _, person, _ = sent(site, Keeping(years=1))
    client = sign_in("Admin")

    pages = [client.get(f"/people/{person.id}/{part}") for part in ("", "?show=emails", "erase/", "personal-data.json")]

    assert [page.status_code for page in pages] == [200] * 4
    assert pages[3].json()["emails"] == []


def test_the_page_of_such_a_campaign_still_has_its_numbers(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Viewer")
    campaign, _, _ = sent(site, Keeping(years=1))

    page = client.get(f"/campaigns/{campaign.id}/")

    found = re.findall(
        r'href="/campaigns/\w+/recipients/\?(?:status|outcome)=sent"[^>]*>(.*?)</a>', page.content.decode(), re.DOTALL
    )
    assert page.status_code == 200
    assert any(re.search(r"\b2\b", words) for words in found)


@pytest.mark.django_db
def test_a_link_of_such_an_e_mail_says_that_it_leads_nowhere(client: Client, site: Store) -> None:
    _, _, email = sent(site, Keeping(years=1))
    links = get_links()

    clicked, opened = client.get(path(links.click_url(email.id, 0))), client.get(path(links.open_url(email.id)))
    opened.close()

    assert (clicked.status_code, opened.status_code) == (404, 200)
    assert "the e-mail is years old" in clicked.content.decode()
    assert site.hits.of(email.id) == []


@pytest.mark.django_db
def test_its_link_to_unsubscribe_works(client: Client, site: Store) -> None:
    _, person, email = sent(site, Keeping(years=1))
    address = path(get_links().unsubscribe_url(email.id, person.id))

    asked, done = client.get(address), client.post(address)

    assert (asked.status_code, done.status_code) == (200, 200)
    assert site.people.get(person.id).email_status is EmailStatus.UNSUBSCRIBED


def test_verify_says_what_it_left_out(site: Store, capsys: pytest.CaptureFixture[str]) -> None:
    sent(site, Keeping(years=1))
    site.stats.fold_all()

    call_command("verify")

    assert capsys.readouterr().out.splitlines() == [
        "Left out: 4 rows of counters, of e-mails or hits that are no longer kept one by one.",
        "Everything adds up.",
    ]
