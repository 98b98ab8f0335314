"""Cancelling, publishing again, deleting, and taking no-shows back: asked once, as a browser without JavaScript sees it."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from crm.domain.campaigns import CampaignStatus, Letter
from crm.domain.event_drafts import EventDraft
from crm.domain.events import AttendanceStatus, Event, EventStatus
from crm.domain.filters import PeopleFilter
from crm.domain.mail_settings import Letterhead
from crm.domain.people import Person
from crm.jobs.render import Content, check_template, merge_fields, render
from crm.services import audiences, campaigns, event_changes, events
from crm.services.event_jobs import DELETE, job_key
from crm.services.events import NewEvent
from crm.services.verify import differences
from crm.store import Store
from tests.factories import make_person
from tests.jobs.mailing import accepted
from tests.web.filled import filled, text_of

SignIn = Callable[..., Client]
GOING = {"HX-Request": "true", "HX-Target": "deleting"}


@pytest.fixture
def crowd(site: Store) -> list[Person]:
    return [site.people.create(make_person()) for _ in range(4)]


@pytest.fixture
def meetup(site: Store, crowd: list[Person]) -> Event:
    """An evening next week with two seats: two are registered, one waits, one is its host."""
    start = timezone.now() + timedelta(days=7)
    new = NewEvent(
        slug="spring",
        title="Spring *fair* {{ x }}",
        start_at=start,
        end_at=start + timedelta(hours=2),
        owner=crowd[3].id,
        host_ids=[crowd[3].id],
        max_capacity=2,
    )
    event = events.create(site, new, now=timezone.now(), actor="ingrid")
    for one in crowd[:3]:
        site.events.seat(event.id, [one.id], now=timezone.now())
    return site.events.get(event.id)


def ask(client: Client, url: str, **typed: str | None) -> dict[str, list[str]]:
    """What the form of a question would send."""
    return filled(client.get(url).content.decode(), **typed)


def toast(answer: object) -> str:
    """What the answer tells on the next page."""
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))  # type: ignore[attr-defined]


# --- cancelling


def test_the_question_says_how_many_are_on_the_list_and_has_the_letter_ticked(sign_in: SignIn, meetup: Event) -> None:
    html = sign_in("Admin").get(f"/events/{meetup.id}/cancel/").content

    assert "2 registered , 1 waitlisted" in text_of(html)
    assert "Write a campaign draft to the 2 registered and 1 waitlisted" in text_of(html)
    assert filled(html.decode())["letter"] == ["on"]


def test_cancelling_keeps_the_list_and_leads_to_the_event_with_a_link_to_the_draft(
    sign_in: SignIn, site: Store, meetup: Event, crowd: list[Person]
) -> None:
    client, url = sign_in("Admin"), f"/events/{meetup.id}/cancel/"

    answer = client.post(url, ask(client, url, reason="The hall\nis _wet_."))
    draft = site.campaigns.get(next(iter(re.findall(r"/campaigns/([0-9a-f]{32})/", toast(answer)))))
    letter = render(
        Content.of(draft, Letterhead(sender="", organisation="We")), merge_fields(crowd[0]), unsubscribe_url="https://x.example/u"
    )

    assert answer.headers["Location"] == f"/events/{meetup.id}/"
    assert site.events.get(meetup.id).status is EventStatus.CANCELLED
    assert site.events.cancellation(meetup.id).reason == "The hall\nis _wet_."  # type: ignore[union-attr]
    assert draft.status is CampaignStatus.DRAFT
    assert audiences.audience(site, draft.audience_filter).matched == 3
    assert check_template(draft.subject, draft.body) == []
    assert "Spring *fair* { { x } }" in letter.text
    assert "is _wet_." in letter.text
    assert crowd[0].profile.first_name in letter.text
    assert differences(site) == []


def test_the_same_form_sent_twice_makes_one_draft_and_leaves_what_staff_have_changed(
    sign_in: SignIn, site: Store, meetup: Event
) -> None:
    client, url = sign_in("Admin"), f"/events/{meetup.id}/cancel/"
    form = ask(client, url, reason="Ill.")
    client.post(url, form)
    draft = site.campaigns.page().items[0]
    campaigns.save_draft(
        site,
        draft.id,
        Letter(subject="Mine", body="Text", utm=draft.utm),
        wanted=draft.audience_filter,
        actor="",
        now=timezone.now(),
    )

    again = client.post(url, form)

    assert [one.subject for one in site.campaigns.page().items] == ["Mine"]
    assert f"/campaigns/{draft.id}/" in toast(again)
    assert "cancelled already" in toast(again)


def test_without_the_tick_nothing_is_written(sign_in: SignIn, site: Store, meetup: Event) -> None:
    client, url = sign_in("Admin"), f"/events/{meetup.id}/cancel/"

    client.post(url, ask(client, url, letter=None))

    assert site.campaigns.page().items == []
    assert site.events.get(meetup.id).status is EventStatus.CANCELLED


def test_who_may_not_write_campaigns_keeps_the_box_and_reads_why(sign_in: SignIn, site: Store, meetup: Event) -> None:
    client, url = sign_in("Editor"), f"/events/{meetup.id}/cancel/"

    page = client.get(url).content
    client.post(url, {"reason": "", "letter": "on"})

    assert "Your role, Editor, may not write campaigns." in text_of(page)
    assert re.search(rb'name="letter"[^>]* disabled', page)
    assert site.campaigns.page().items == []
    assert site.events.get(meetup.id).status is EventStatus.CANCELLED


def test_a_reason_that_is_too_long_stays_typed_and_nothing_is_cancelled(sign_in: SignIn, site: Store, meetup: Event) -> None:
    client, url = sign_in("Editor"), f"/events/{meetup.id}/cancel/"

    refused = client.post(url, ask(client, url, reason="x" * 1001))

    assert refused.status_code == 422
    assert filled(refused.content.decode())["reason"] == ["x" * 1001]
    assert site.events.get(meetup.id) == meetup


def test_an_event_with_nobody_on_its_list_offers_no_letter(sign_in: SignIn, site: Store, crowd: list[Person]) -> None:
    start = timezone.now() + timedelta(days=7)
    new = NewEvent(slug="empty", title="Empty", start_at=start, end_at=start + timedelta(hours=2), owner=crowd[0].id)
    event = events.create(site, new, now=timezone.now())

    page = text_of(sign_in("Admin").get(f"/events/{event.id}/cancel/").content)

    assert "Nobody is on its list" in page
    assert "campaign draft" not in page


# --- publishing again


def test_a_cancelled_event_is_published_again_with_everybody_on_its_list(sign_in: SignIn, site: Store, meetup: Event) -> None:
    client, url = sign_in("Editor"), f"/events/{meetup.id}/reinstate/"
    event_changes.cancel(site, meetup.id, reason="Ill.", actor="jonas", now=timezone.now())

    page = client.get(url).content
    answer = client.post(url, filled(page.decode()))

    assert "Ill." in text_of(page)
    assert "2 registered, 1 waitlisted" in text_of(page)
    assert answer.headers["Location"] == f"/events/{meetup.id}/"
    assert site.events.get(meetup.id).status is EventStatus.PUBLISHED
    assert site.events.attendee_counts(meetup.id)[AttendanceStatus.REGISTERED] == 2


def test_what_is_published_is_not_asked_about(sign_in: SignIn, meetup: Event) -> None:
    answer = sign_in("Editor").get(f"/events/{meetup.id}/reinstate/")

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/events/{meetup.id}/")


# --- deleting


def test_deleting_asks_with_the_numbers_and_then_leaves_nothing(
    sign_in: SignIn, site: Store, meetup: Event, crowd: list[Person]
) -> None:
    client, url = sign_in("Editor"), f"/events/{meetup.id}/delete/"

    page = client.get(url).content
    answer = client.post(url, filled(page.decode()))

    assert "3 names , 2 registered, 1 waitlisted" in text_of(page)
    assert "1 person is no longer its host" in text_of(page)
    assert answer.headers["Location"] == "/events/"
    assert "is deleted" in toast(answer)
    assert client.get(f"/events/{meetup.id}/").status_code == 404
    assert site.people.get(crowd[0].id).attended_event_count == 0
    assert site.people.get(crowd[3].id).hosted_event_count == 0
    assert differences(site) == []


def test_more_names_than_the_question_said_are_asked_about_again(sign_in: SignIn, site: Store, meetup: Event) -> None:
    client, url = sign_in("Editor"), f"/events/{meetup.id}/delete/"
    form = ask(client, url)
    site.events.seat(meetup.id, [site.people.create(make_person()).id], now=timezone.now())

    again = client.post(url, form)

    assert again.status_code == 409
    assert "Meanwhile there are more on its list: 4" in text_of(again.content)
    assert filled(again.content.decode())["listed"] == ["4"]
    assert not site.events.get(meetup.id).deleting


def test_a_campaign_that_waits_and_leaves_people_out_by_the_event_keeps_it_from_being_deleted(
    sign_in: SignIn, site: Store, meetup: Event
) -> None:
    client, url, now = sign_in("Editor"), f"/events/{meetup.id}/delete/", timezone.now()
    wanted = PeopleFilter(attends_not=(meetup.id,))
    campaign = accepted(site, now, wanted=wanted, send_at=now + timedelta(days=1))

    page = client.get(url).content.decode()
    answer = client.post(url, filled(page))

    assert "1 campaign that is not sent yet chooses people by its list" in page
    assert f'href="/campaigns/{campaign.id}/"' in page
    assert answer.status_code == 409
    assert "The campaign “Spring” leaves people out by this event" in text_of(answer.content)
    assert not site.events.get(meetup.id).deleting


def test_a_long_list_is_emptied_by_a_worker_and_the_page_says_how_far_it_is(
    sign_in: SignIn, site: Store, meetup: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_changes, "AT_ONCE", 2)
    client, url = sign_in("Editor"), f"/events/{meetup.id}/delete/"

    answer = client.post(url, ask(client, url))
    going = client.get(url)
    part = client.get(url, headers=GOING)
    while site.events.get_many([meetup.id]):
        site.events.delete_some(meetup.id, now=timezone.now(), job=job_key(meetup.id, DELETE).key)
    gone = client.get(url, headers=GOING)

    assert answer.headers["Location"] == url
    assert "3 names are still on its list" in text_of(going.content)
    assert part.content.decode().strip().startswith("<section")
    assert gone.headers["HX-Redirect"] == "/events/"


def test_deleting_a_draft_leads_to_where_drafts_are_discarded(sign_in: SignIn, site: Store) -> None:
    now = timezone.now()
    draft = site.drafts.create(EventDraft(id="d" * 32, created_at=now, updated_at=now))

    answer = sign_in("Editor").get(f"/events/{draft.id}/delete/")

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/events/new/{draft.id}/discard/")


# --- no-shows


def test_no_shows_of_the_end_are_taken_back_after_a_question(
    sign_in: SignIn, site: Store, meetup: Event, crowd: list[Person]
) -> None:
    after = meetup.end_at + timedelta(hours=3)
    event = site.events.begin_no_shows(site.events.get(meetup.id), at=after)
    site.events.mark_no_shows(event.id, now=after, fence=tuple)
    client, url = sign_in("Editor"), f"/events/{meetup.id}/no-shows/undo/"

    page = client.get(url).content
    answer = client.post(url, filled(page.decode()))

    assert "2 people did not come" in text_of(page)
    assert answer.headers["Location"] == f"/events/{meetup.id}/"
    assert site.events.attendee_counts(meetup.id)[AttendanceStatus.REGISTERED] == 2


def test_without_a_run_there_is_nothing_to_take_back(sign_in: SignIn, meetup: Event) -> None:
    client = sign_in("Editor")

    asked = client.get(f"/events/{meetup.id}/no-shows/undo/")
    refused = client.post(f"/events/{meetup.id}/no-shows/undo/")

    assert asked.headers["Location"] == f"/events/{meetup.id}/"
    assert "There are no no-shows to take back" in toast(asked)
    assert refused.status_code == 422
    assert "Nobody became a no-show of this event by itself" in text_of(refused.content)


@pytest.mark.parametrize("page", ["edit", "cancel", "reinstate", "delete", "no-shows/undo"])
def test_who_may_not_edit_events_is_told_so(sign_in: SignIn, meetup: Event, page: str) -> None:
    answer = sign_in("Viewer").get(f"/events/{meetup.id}/{page}/")

    assert answer.status_code == 403
    assert b"may not add and change events" in answer.content
