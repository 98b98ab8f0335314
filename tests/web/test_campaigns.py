"""Writing a campaign, sending it once, watching it, and settling what went wrong; without JavaScript."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from crm.domain.campaigns import CampaignStatus
from crm.domain.filters import PeopleFilter
from crm.mail.port import Uncertain
from crm.services import campaigns, event_changes
from crm.store import Store
from tests.conftest import Clock
from tests.factories import make_event
from tests.jobs.mailing import COMPANY, REFUSED, ToldMailer, accepted, crowd, drive, make_work
from tests.web.letters import LETTER, id_of, written

SignIn = Callable[[str], Client]


@pytest.fixture
def marketer(sign_in: SignIn) -> Client:
    return sign_in("Marketer")


def sum_of(page: str) -> list[str]:
    return re.findall(r"<li data-op=.*?<b>([\d,]+)</b>", page)


def test_the_audience_is_a_sum_and_each_number_a_link_to_its_people(marketer: Client, site: Store) -> None:
    crowd(site, 5)
    gone = crowd(site, 2)
    for person in gone:
        unsubscribe(site, person.id)

    page = marketer.get(f"/campaigns/new/?company={COMPANY}").content.decode()

    assert sum_of(page) == ["7", "2", "0", "0", "5"]
    assert 'href="/people/?company=Analytical+Engines&amp;emailStatus=unsubscribed"' in page
    assert "Send to 5 people" in page


def unsubscribe(store: Store, user_id: str) -> None:
    campaigns.unsubscribe(store, "no-such-mail", user_id, now=datetime.now(UTC))


def test_a_filter_that_can_not_be_is_refused_in_words(marketer: Client) -> None:
    response = marketer.get("/campaigns/new/?attendedEventCountMin=many")

    assert response.status_code == 422
    assert "must be one whole number" in response.content.decode()


def test_sending_asks_first_and_then_can_be_undone(marketer: Client, site: Store) -> None:
    crowd(site, 3)
    address = written(marketer)

    question = marketer.get(f"{address}send/").content.decode()
    sent = marketer.post(f"{address}send/", {"when": "now", "expected": "3"}, follow=True).content.decode()
    undone = marketer.post(f"{address}undo/", follow=True).content.decode()

    assert "Send to 3 people?" in question
    assert "60 seconds to undo" in question
    assert "seconds until it goes out to 3 people" in sent
    assert "it is a draft again" in undone
    assert site.campaigns.get(id_of(address)).status is CampaignStatus.DRAFT
    assert site.jobs.due(datetime.now(UTC) + timedelta(days=1)) == []


def test_sending_at_once_from_two_browsers_sends_once(marketer: Client, site: Store) -> None:
    people = crowd(site, 4)
    address = written(marketer)
    clients = [marketer, Client()]
    clients[1].cookies = marketer.cookies

    answers = [client.post(f"{address}send/", {"when": "now", "expected": "4"}).status_code for client in clients]
    mailer = ToldMailer()
    drive(make_work(site, mailer, Clock(datetime.now(UTC) + timedelta(minutes=2))))

    assert answers == [302, 302]
    assert sorted(mailer.sent) == sorted(person.profile.email for person in people)


def test_more_people_than_promised_are_asked_about_again(marketer: Client, site: Store) -> None:
    crowd(site, 3)
    address = written(marketer)

    response = marketer.post(f"{address}send/", {"when": "now", "expected": "2"})

    assert response.status_code == 422
    assert "Meanwhile it is 3 people, not 2" in response.content.decode()
    assert site.campaigns.get(id_of(address)).status is CampaignStatus.DRAFT


def test_a_campaign_to_nobody_is_refused(marketer: Client, site: Store) -> None:
    address = written(marketer)

    page = marketer.get(address).content.decode()
    response = marketer.post(f"{address}send/", {"when": "now"})

    assert "Nobody matches." in page
    assert response.status_code == 422
    assert "Nobody matches this audience" in response.content.decode()


def test_a_letter_with_a_mistake_can_not_be_sent(marketer: Client, site: Store) -> None:
    crowd(site, 1)
    address = written(marketer, body="Hi {{ first_name }}")

    response = marketer.post(f"{address}send/", {"when": "now", "expected": "1"})

    assert response.status_code == 422
    assert "There is no field “first_name”" in response.content.decode()
    assert site.campaigns.get(id_of(address)).status is CampaignStatus.DRAFT


@pytest.mark.parametrize(("when", "words"), [("", "Say when"), ("2001-01-01T10:00", "That time is past")])
def test_a_time_that_can_not_be_is_refused(marketer: Client, site: Store, when: str, words: str) -> None:
    crowd(site, 1)
    address = written(marketer)

    response = marketer.post(f"{address}send/", {"when": "at", "sendAt": when, "expected": "1"})

    assert response.status_code == 422
    assert words in response.content.decode()


def test_a_campaign_can_wait_for_its_time(marketer: Client, site: Store) -> None:
    crowd(site, 1)
    address = written(marketer)

    page = marketer.post(f"{address}send/", {"when": "at", "sendAt": "2099-05-01T10:00", "expected": "1"}, follow=True)

    assert "Goes out" in page.content.decode()
    assert site.campaigns.get(id_of(address)).send_at == datetime(2099, 5, 1, 10, tzinfo=UTC)


def test_figures_lists_and_csv_of_a_sent_campaign_agree(marketer: Client, site: Store) -> None:
    people = crowd(site, 6)
    mailer, clock = ToldMailer(), Clock(datetime.now(UTC))
    campaign = accepted(site, clock.now)
    mailer.tell(people[0].profile.email, REFUSED)
    mailer.tell(people[1].profile.email, Uncertain("lost"))
    drive(make_work(site, mailer, clock))

    page = marketer.get(f"/campaigns/{campaign.id}/").content.decode()
    failed = marketer.get(f"/campaigns/{campaign.id}/recipients/?status=failed").content.decode()
    csv = b"".join(marketer.get(f"/campaigns/{campaign.id}/recipients.csv")).decode()  # type: ignore[arg-type]

    assert figures(page) == {"Queued": 0, "Sent": 4, "Failed": 1, "Uncertain": 1, "Skipped": 0}
    assert people[0].profile.email in failed
    assert people[1].profile.email not in failed
    assert "Retry failed (1)" in page
    assert "1 e-mail is uncertain" in page
    assert csv.count("\r\n") == 7


def figures(page: str) -> dict[str, int]:
    found = re.findall(r'fig-label">(\w+)</span><span class="fig-value[^"]*">([\d,]+)<', page)
    return {name: int(number.replace(",", "")) for name, number in found}


def test_the_page_asks_again_while_it_runs_and_stops_when_it_is_done(marketer: Client, site: Store) -> None:
    crowd(site, 2)
    clock = Clock(datetime.now(UTC))
    campaign = accepted(site, clock.now)
    address = f"/campaigns/{campaign.id}/"

    waiting = marketer.get(address).content.decode()
    drive(make_work(site, ToldMailer(), clock))
    part = marketer.get(address, headers={"HX-Request": "true", "HX-Target": "campaign"}).content.decode()

    assert 'hx-trigger="every 1s"' in waiting
    assert part.lstrip().startswith('<div id="campaign">')
    assert "hx-trigger" not in part


def test_pause_go_on_and_cancel_do_what_they_say(marketer: Client, site: Store) -> None:
    crowd(site, 2)
    clock = Clock(datetime.now(UTC))
    campaign = accepted(site, clock.now)

    states = []
    for action in ("pause", "resume", "cancel"):
        marketer.post(f"/campaigns/{campaign.id}/{action}/")
        states.append(site.campaigns.state(campaign.id).status.value)
    late = marketer.post(f"/campaigns/{campaign.id}/resume/", follow=True).content.decode()

    assert states == ["paused", "scheduled", "cancelled"]
    assert "Only a paused campaign can go on" in late


def test_a_mail_server_that_is_down_is_told_and_the_mail_goes_out_when_it_is_back(marketer: Client, site: Store) -> None:
    crowd(site, 2)
    clock, mailer = Clock(datetime.now(UTC)), ToldMailer(down=True)
    campaign = accepted(site, clock.now)
    drive(make_work(site, mailer, clock))

    page = marketer.get(f"/campaigns/{campaign.id}/").content.decode()
    mailer.down = False
    clock.pass_(hours=2)
    drive(make_work(site, mailer, clock))
    after = marketer.get(f"/campaigns/{campaign.id}/").content.decode()

    assert "The mail server takes nothing just now" in page
    assert figures(after)["Sent"] == 2
    assert "takes nothing" not in after


def test_failed_ones_can_be_tried_again(marketer: Client, site: Store) -> None:
    (person,) = crowd(site, 1)
    clock, mailer = Clock(datetime.now(UTC)), ToldMailer()
    mailer.tell(person.profile.email, REFUSED)
    campaign = accepted(site, clock.now)
    drive(make_work(site, mailer, clock))

    page = marketer.post(f"/campaigns/{campaign.id}/retry-failed/", follow=True).content.decode()
    clock.now = datetime.now(UTC) + timedelta(seconds=1)
    drive(make_work(site, mailer, clock))

    assert "1 e-mail queued again" in page
    assert mailer.sent == [person.profile.email]


def test_uncertain_ones_wait_a_quarter_of_an_hour_before_staff_may_settle_them(marketer: Client, site: Store) -> None:
    (person,) = crowd(site, 1)
    clock, mailer = Clock(datetime.now(UTC)), ToldMailer()
    mailer.tell(person.profile.email, Uncertain("lost"))
    campaign = accepted(site, clock.now)
    drive(make_work(site, mailer, clock))
    address = f"/campaigns/{campaign.id}/"

    page = marketer.get(address).content.decode()
    early = marketer.post(f"{address}settle-uncertain/", follow=True).content.decode()

    assert 'id="settle" aria-disabled="true"' in page
    assert "That was not done" in early
    assert site.campaigns.figures(campaign.id).uncertain == 1


def test_uncertain_ones_that_are_old_can_be_settled_or_sent_again(marketer: Client, site: Store) -> None:
    first, second = crowd(site, 2)
    clock, mailer = Clock(datetime.now(UTC) - timedelta(hours=1)), ToldMailer()
    done = []
    for person, action in ((first, "settle-uncertain"), (second, "resend-uncertain")):
        mailer.tell(person.profile.email, Uncertain("lost"))
        wanted = PeopleFilter(q=person.profile.email)
        campaign = accepted(site, clock.now, wanted=wanted)
        drive(make_work(site, mailer, clock))
        done.append(marketer.post(f"/campaigns/{campaign.id}/{action}/", follow=True).content.decode())
    drive(make_work(site, mailer, Clock(datetime.now(UTC) + timedelta(seconds=1))))

    assert "1 e-mail settled as sent" in done[0]
    assert "1 e-mail queued again" in done[1]
    assert mailer.sent[2:] == [second.profile.email]
    assert [site.campaigns.figures(one.id).sent for one in site.campaigns.page().items] == [1, 1]


def test_those_who_may_only_look_find_the_buttons_locked_and_the_doors_too(sign_in: SignIn, site: Store) -> None:
    crowd(site, 1)
    address = written(sign_in("Marketer"))
    viewer = sign_in("Viewer")

    page = viewer.get(address).content.decode()
    answers = {
        path: viewer.post(f"{address}{path}", LETTER | {"do": "save"}).status_code for path in ("", "send/", "cancel/", "undo/")
    }

    assert "Your role, Viewer, may not send campaigns" in page
    assert answers == {"": 403, "send/": 403, "cancel/": 403, "undo/": 403}
    assert viewer.get("/campaigns/").status_code == 200
    assert viewer.get(f"{address}recipients.csv").status_code == 403


def test_the_list_shows_each_campaign_with_its_figures(marketer: Client, site: Store) -> None:
    crowd(site, 3)
    clock = Clock(datetime.now(UTC))
    accepted(site, clock.now, subject="Spring <b>party</b>")
    drive(make_work(site, ToldMailer(), clock))

    page = marketer.get("/campaigns/").content.decode()

    assert "Spring &lt;b&gt;party&lt;/b&gt;" in page
    assert re.search(r"\?status=sent\">3</a>", page)


def test_a_copy_is_a_new_draft_with_the_same_letter(marketer: Client, site: Store) -> None:
    crowd(site, 1)
    address = written(marketer, subject="Again and again")

    page = marketer.get(f"/campaigns/new/?company={COMPANY}&copy={id_of(address)}").content.decode()

    assert 'value="Again and again"' in page
    assert address not in page


def test_a_status_that_is_none_is_refused(marketer: Client, site: Store) -> None:
    address = written(marketer)

    response = marketer.get(f"{address}recipients/?status=opened")

    assert response.status_code == 422
    assert "status “opened” is unknown" in response.content.decode()


def test_an_audience_that_leaves_people_out_by_nothing_says_so_and_is_not_sent_to(marketer: Client, site: Store) -> None:
    crowd(site, 2)

    page = marketer.get("/campaigns/new/?attendsNot=nonsense").content.decode()
    address = written(marketer, company="", attendsNot="nonsense")
    look = marketer.get(f"{address}send/").content.decode()
    answer = marketer.post(f"{address}send/", {"when": "now", "expected": "2"})

    assert "This audience names an event, a campaign, a segment or a list that is gone." in page
    assert 'title="What it leaves people out by is gone."' in page
    assert "What it leaves people out by is gone" in look
    assert answer.status_code == 422
    assert "There is no event “nonsense” to leave people out by" in answer.content.decode()
    assert site.campaigns.get(id_of(address)).status is CampaignStatus.DRAFT


def test_a_campaign_that_was_stopped_because_an_exclusion_is_gone_says_why(
    marketer: Client, site: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(site, 2)
    now = datetime.now(UTC)
    event = site.events.create(make_event(), [], [], now=now)
    campaign = accepted(site, now, wanted=PeopleFilter(attends_not=(event.id,)))
    before = marketer.get(f"/campaigns/{campaign.id}/").content.decode()
    monkeypatch.setattr("crm.services.event_changes.check_unused", lambda store, event_id: None)
    event_changes.delete(site, event.id, actor="grace", now=now)

    drive(make_work(site, ToldMailer()))
    page = marketer.get(f"/campaigns/{campaign.id}/").content.decode()
    marketer.post(f"/campaigns/{campaign.id}/resume/")

    words = "It leaves people out by something that is gone,"
    assert words not in before
    assert words in page
    assert 'id="resume" aria-disabled="true"' in page
    assert site.campaigns.get(campaign.id).status is CampaignStatus.PAUSED
