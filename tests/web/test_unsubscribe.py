"""The link in every e-mail: looking changes nothing, one click takes off, and it works for ever."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from crm.domain.filters import PeopleFilter
from crm.domain.people import EmailStatus, Person
from crm.services import audiences, people
from crm.store import Store
from crm.wiring import get_links
from tests.conftest import Clock
from tests.jobs.mailing import ToldMailer, accepted, assert_sound, crowd, drive, emails_of, make_work

pytestmark = pytest.mark.django_db


def link_of(store: Store, person: Person, email_id: str = "0" * 32) -> str:
    return f"/u/{get_links().unsubscribe_token(email_id, person.id)}/"


def mailed(store: Store) -> tuple[Person, str]:
    """Somebody who was mailed, and the link of that e-mail."""
    (person,) = crowd(store, 1, email="zoe@example.org")
    clock = Clock(datetime.now(UTC))
    campaign = accepted(store, clock.now)
    drive(make_work(store, ToldMailer(), clock))
    return person, link_of(store, person, emails_of(store, campaign)[0].id)


def test_looking_at_the_page_changes_nothing(site: Store, client: Client) -> None:
    person, link = mailed(site)

    pages = [client.get(link), client.head(link)]

    assert [page.status_code for page in pages] == [200, 200]
    assert "z…@example.org" in pages[0].content.decode()
    assert "zoe@" not in pages[0].content.decode()
    assert site.people.get(person.id).email_status is EmailStatus.MAILABLE


def test_one_click_takes_the_person_off_and_says_so_without_a_redirect(site: Store) -> None:
    person, link = mailed(site)
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post(link, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 200
    assert "You get no more e-mails" in answer.content.decode()
    assert site.people.get(person.id).email_status is EmailStatus.UNSUBSCRIBED
    assert_sound(site)


def test_a_link_that_lost_its_last_slash_works_without_a_redirect(site: Store) -> None:
    person, link = mailed(site)
    strict = Client(enforce_csrf_checks=True)

    looked = strict.get(link.rstrip("/"))
    answer = strict.post(link.rstrip("/"), "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")

    assert (looked.status_code, answer.status_code) == (200, 200)
    assert site.people.get(person.id).email_status is EmailStatus.UNSUBSCRIBED
    assert_sound(site)


def test_a_second_click_changes_nothing_more(site: Store, client: Client) -> None:
    person, link = mailed(site)
    client.post(link)
    version = site.people.get(person.id).version

    again = client.post(link)

    assert again.status_code == 200
    assert "You get no more e-mails" in client.get(link).content.decode()
    assert site.people.get(person.id).version == version
    assert_sound(site)


def test_who_is_off_gets_no_more_of_any_campaign(site: Store, client: Client) -> None:
    _, link = mailed(site)
    crowd(site, 1)
    clock, mailer = Clock(datetime.now(UTC)), ToldMailer()

    client.post(link)
    accepted(site, clock.now)
    drive(make_work(site, mailer, clock))

    assert len(mailer.sent) == 1
    assert "zoe@example.org" not in mailer.sent


def test_it_works_when_the_person_is_gone(site: Store, client: Client) -> None:
    person, link = mailed(site)
    people.remove(site, person.id, now=datetime.now(UTC))

    answer = client.post(link)

    assert answer.status_code == 200
    assert "You get no more e-mails" in answer.content.decode()
    assert_sound(site)


def test_it_holds_for_who_was_deleted_and_comes_back(site: Store, client: Client) -> None:
    person, link = mailed(site)
    client.post(link)
    people.remove(site, person.id, now=datetime.now(UTC))

    (back,) = crowd(site, 1, email="Zoe@Example.org")

    assert back.email_status is EmailStatus.UNSUBSCRIBED


@pytest.mark.parametrize(
    "change",
    [lambda token: token[:-1], lambda token: token[:-1] + ("A" if token[-1] != "A" else "Q"), lambda token: "x" + token[1:]],
)
def test_a_link_that_was_cut_or_changed_is_told_so(site: Store, client: Client, change: object) -> None:
    person, link = mailed(site)
    token = link.split("/")[2]

    answer = client.post(f"/u/{change(token)}/")  # type: ignore[operator]

    assert answer.status_code == 400
    assert "This link does not work" in answer.content.decode()
    assert site.people.get(person.id).email_status is EmailStatus.MAILABLE


def test_the_link_in_a_test_takes_nobody_off(site: Store, client: Client) -> None:
    answer = client.post(f"/u/{get_links().unsubscribe_token('test', 'test')}/")

    assert answer.status_code == 200
    assert "This was a test" in answer.content.decode()


def test_a_person_without_an_e_mail_item_can_still_leave(site: Store, client: Client) -> None:
    (person,) = crowd(site, 1)

    client.post(link_of(site, person))

    assert site.people.get(person.id).email_status is EmailStatus.UNSUBSCRIBED
    assert audiences.audience(site, PeopleFilter(q=person.profile.email)).will_receive == 0


@pytest.mark.parametrize("body", [{"data": {"List-Unsubscribe": "One-Click"}}, {}])
def test_one_click_counts_however_its_form_is_sent_without_a_cookie(site: Store, body: dict[str, object]) -> None:
    person, link = mailed(site)
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post(link, **body)  # type: ignore[arg-type]  # multipart, as RFC 8058 allows

    assert answer.status_code == 200
    assert site.people.get(person.id).email_status is EmailStatus.UNSUBSCRIBED
