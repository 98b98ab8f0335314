"""The story on a person's page, notes, edits in place, the place in the list, personal data and erasing."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from crm.domain.emails import EmailState
from crm.domain.events import EventStatus
from crm.domain.ids import new_id
from crm.domain.imports import Import
from crm.domain.log import LogEntry, LogKind
from crm.domain.mail_events import MailEvent, MailEventKind
from crm.domain.people import Person
from crm.services import notes, people
from crm.services.mail_events import take
from crm.services.unsubscribe import unsubscribe
from crm.services.verify import differences
from crm.store import Store
from tests.factories import NOW, make_campaign, make_event, make_person, make_profile
from tests.mailings import keep_emails, make_email
from tests.services.erasing import where_she_stands, with_everything

SignIn = Callable[[str], Client]
STORY = {"HX-Request": "true", "HX-Target": "person-story"}
EARLIER = {"HX-Request": "true", "HX-Target": "story-end"}
ABOUT = {"HX-Request": "true", "HX-Target": "about"}


@pytest.fixture
def zoe(site: Store) -> Person:
    return people.add(site, make_profile(first_name="Zoë", last_name="Ångström", company="Tech Corp"), now=NOW, actor="ingrid")


def page(client: Client, person: Person, query: str = "") -> str:
    """The text of somebody's page."""
    return client.get(f"/people/{person.id}/{query}").content.decode()


def told(text: str) -> list[str]:
    """What happened, line by line, without marks."""
    lines = re.findall(r'<li id="happened-.*?</time>', text, re.DOTALL)
    return [" ".join(re.sub(r"<svg.*?</svg>|<dialog.*?</dialog>|<[^>]+>", " ", line, flags=re.DOTALL).split()) for line in lines]


def signed_in_as(username: str, sign_in: SignIn) -> Client:
    """Somebody of that name, who may edit."""
    client = sign_in("Editor")
    user = User.objects.get(pk=client.session["_auth_user_id"])
    user.username, user.first_name, user.last_name = username, username.title(), "Berg"
    user.save()
    return client


# --- the story


def test_everything_that_happened_stands_in_one_line_of_time(sign_in: SignIn, site: Store, zoe: Person) -> None:
    signed_in_as("ingrid", sign_in)
    people.edit(site, zoe.id, replace(zoe.profile, job_title="Host"), version=1, now=NOW + timedelta(hours=1), actor="jonas")
    notes.add(site, zoe.id, "Likes <b>tea</b>.\nAnd cake.", actor="jonas", now=NOW + timedelta(hours=2))
    event = site.events.create(make_event(title="Spring", owner=zoe.id), [], [], now=NOW)
    site.events.seat(event.id, [zoe.id], now=NOW + timedelta(hours=3))
    campaign = site.campaigns.create(make_campaign(subject="Letter"))
    at = NOW + timedelta(hours=4)
    sent = make_email(campaign_id=campaign.id, user_id=zoe.id, created_at=at, sent_at=at, opened_at=at + timedelta(minutes=5))
    keep_emails(site, [sent])
    unsubscribe(site, sent.id, zoe.id, now=NOW + timedelta(hours=5))

    lines = told(page(sign_in("Viewer"), zoe))

    assert [re.sub(r" (\d+|yesterday|in) ?(\w+ )?(ago|\w+)?$", "", line) for line in lines][:1]
    starts = ["Unsubscribed by the link in Letter", "Letter Sent 13:00, opened 13:05", "Registered for Spring Tue 5 May 2026"]
    starts += ["Note by jonas Likes &lt;b&gt;tea&lt;/b&gt;.", "Job title changed by jonas (empty) → Host", "Added by Ingrid Berg"]
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts


def test_an_event_has_one_time_everywhere_and_names_its_zone(sign_in: SignIn, site: Store, zoe: Person) -> None:
    start = datetime(2035, 1, 3, 17, 30, tzinfo=UTC)
    event = site.events.create(
        make_event(owner=zoe.id, start_at=start, timezone="America/New_York", status=EventStatus.PUBLISHED), [], [], now=NOW
    )
    site.events.seat(event.id, [zoe.id], now=NOW)

    text = page(sign_in("Viewer"), zoe)

    assert len(re.findall(r">Wed 3 Jan 2035, 12:30 America/New York<", text)) == 2
    assert "17:30 UTC" not in text


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("You are invited, {{ firstName }}", "You are invited, Zoë"),
        ("{% if city %}Near you{% else %}Hej{% endif %} <b>", "Hej &lt;b&gt;"),
        ("Dear {{ nobody.knows | this }} friend", "Dear friend"),
        ("{{ city }}", "(no subject)"),
    ],
)
def test_the_subject_of_an_email_reads_as_the_person_got_it(
    sign_in: SignIn, site: Store, zoe: Person, subject: str, shown: str
) -> None:
    campaign = site.campaigns.create(make_campaign(subject=subject))
    sent = make_email(campaign_id=campaign.id, user_id=zoe.id, created_at=NOW, sent_at=NOW)
    keep_emails(site, [sent])
    unsubscribe(site, sent.id, zoe.id, now=NOW + timedelta(hours=5))

    text = page(sign_in("Viewer"), zoe)

    assert text.count(f"<bdi>{shown}</bdi>") == 3
    assert "{{" not in text


@pytest.mark.parametrize(
    ("show", "count"), [("events", 'Events <span class="count">1<'), ("notes", 'Notes <span class="count">2<')]
)
def test_a_tab_shows_its_kind_alone_and_all_are_counted(sign_in: SignIn, site: Store, zoe: Person, show: str, count: str) -> None:
    event = site.events.create(make_event(owner=zoe.id), [], [], now=NOW)
    site.events.seat(event.id, [zoe.id], now=NOW)
    for text in ("one", "two"):
        notes.add(site, zoe.id, text, actor="x", now=NOW)
    client = sign_in("Viewer")

    text = page(client, zoe, f"?show={show}")
    part = client.get(f"/people/{zoe.id}/?show={show}", headers=STORY)

    assert count in text
    assert len(told(text)) == {"events": 1, "notes": 2}[show]
    assert told(part.content.decode()) == told(text)
    assert part.content.decode().strip().startswith('<div id="person-story"')
    assert "HX-Target" in part.headers["Vary"]


def test_turning_to_what_is_earlier_tells_everything_once(sign_in: SignIn, site: Store, zoe: Person) -> None:
    campaign = site.campaigns.create(make_campaign())
    emails = [
        make_email(campaign_id=campaign.id, user_id=zoe.id, created_at=NOW + timedelta(minutes=number // 2), sent_at=NOW)
        for number in range(70)
    ]
    keep_emails(site, emails)
    for number in range(40):
        notes.add(site, zoe.id, f"note {number}", actor="x", now=NOW + timedelta(seconds=45 * number))
    client = sign_in("Viewer")

    keys, left, address = [], [], f"/people/{zoe.id}/?company=Tech+Corp"
    while address:
        text = client.get(address, headers=EARLIER if keys else {}).content.decode()
        keys += re.findall(r'id="happened-([^"]+)"', text)
        following = re.search(r'id="story-earlier" href="([^"]+)".*?Earlier than that \((\d+)\)', text)
        address = following[1].replace("&amp;", "&") if following else ""
        left += [int(following[2])] if following else []

    assert len(keys) == len(set(keys)) == 70 + 40 + 1
    assert left == [61, 11]


def test_e_mails_beyond_those_that_are_counted_are_told_too(
    sign_in: SignIn, site: Store, zoe: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.web.people.story.COUNTED", 60)
    campaign = site.campaigns.create(make_campaign())
    made = [make_email(campaign_id=campaign.id, user_id=zoe.id, created_at=NOW + timedelta(minutes=n)) for n in range(130)]
    keep_emails(site, made)
    client = sign_in("Viewer")

    keys, address = [], f"/people/{zoe.id}/?show=emails"
    while address:
        text = page(client, zoe, "?" + address.partition("?")[2])
        keys += re.findall(r'id="happened-e([^"]+)"', text)
        following = re.search(r'id="story-earlier" href="([^"]+)".*?\((\d+)\)', text)
        assert following is None or int(following[2]) == 130 - len(keys)
        address = following[1].replace("&amp;", "&") if following else ""

    assert keys == [email.id for email in reversed(made)]
    assert '<span class="fig-value">60+</span>' in text


def test_a_place_in_the_story_that_is_none_is_told(sign_in: SignIn, zoe: Person) -> None:
    assert sign_in("Viewer").get(f"/people/{zoe.id}/?before=yesterday").status_code == 400


def test_figures_say_what_came_of_events_and_e_mails(sign_in: SignIn, site: Store, zoe: Person) -> None:
    campaign = site.campaigns.create(make_campaign())
    keep_emails(
        site,
        [
            make_email(campaign_id=campaign.id, user_id=zoe.id, sent_at=NOW, opened_at=NOW, clicked_at=NOW),
            make_email(campaign_id=campaign.id, user_id=zoe.id, sent_at=NOW),
            make_email(campaign_id=campaign.id, user_id=zoe.id, status=EmailState.FAILED, failed_at=NOW),
        ],
    )

    text = page(sign_in("Viewer"), zoe)

    figures = re.findall(r'fig-label">([^<]+)</span><span class="fig-value">([^<]+)</span><span class="fig-note">([^<]+)<', text)
    assert figures[3:] == [("E-mails sent", "2", "1 failed"), ("Opened", "1", "50.0%"), ("Clicked", "1", "50.0%")]


# --- whether one may write


def test_consent_says_since_when_and_by_what(sign_in: SignIn, site: Store, zoe: Person) -> None:
    client = sign_in("Viewer")
    before = page(client, zoe)
    campaign = site.campaigns.create(make_campaign(subject="Letter"))
    email = make_email(campaign_id=campaign.id, user_id=zoe.id)
    keep_emails(site, [email])
    unsubscribe(site, email.id, zoe.id, now=NOW + timedelta(days=3))

    after = page(client, zoe)

    assert re.search(r"Yes, mailable.*?since <time [^>]+>4 May 2026</time>, added by ingrid", before, re.DOTALL)
    assert re.search(
        r"No, unsubscribed.*?since <time [^>]+>7 May 2026</time>, by the link in <a [^>]+><bdi>Letter", after, re.DOTALL
    )


@pytest.mark.parametrize(
    ("kind", "consent", "story"),
    [
        (MailEventKind.BOUNCED, "No, bounced.*?by a bounce of <a [^>]+><bdi>Letter", "Mail came back after Letter"),
        (
            MailEventKind.COMPLAINED,
            "No, complained.*?by a complaint about <a [^>]+><bdi>Letter",
            "Marked our mail as spam after Letter",
        ),
    ],
)
def test_a_bounce_or_complaint_names_the_letter_that_it_is_about(
    sign_in: SignIn, site: Store, zoe: Person, kind: MailEventKind, consent: str, story: str
) -> None:
    campaign = site.campaigns.create(make_campaign(subject="Letter"))
    email = make_email(campaign_id=campaign.id, user_id=zoe.id, email=zoe.profile.email)
    keep_emails(site, [email])
    event = MailEvent(provider="ses", id="1", kind=kind, at=NOW, email_id=email.id, hard=True)
    take(site, event, now=NOW + timedelta(days=3))

    text = page(sign_in("Viewer"), zoe)

    assert re.search(consent, text, re.DOTALL)
    assert [line for line in told(text) if line.startswith(story)]


def test_who_came_by_an_import_has_its_name_and_a_link_for_those_who_may(sign_in: SignIn, site: Store) -> None:
    person = make_person()
    imported = Import(id="i" * 32, name="members.csv", owner="grace", size=1, kind="csv", created_at=NOW)
    site.imports.save(imported)
    entry = LogEntry(id=new_id(), user_id=person.id, at=NOW, kind=LogKind.IMPORTED, source=imported.id, created=True)
    site.people.create(person, [site.log.put(entry)])

    may, may_not = page(sign_in("Editor"), person), page(sign_in("Viewer"), person)

    assert f'Came in with <a href="/people/import/{"i" * 32}/"><bdi>members.csv</bdi></a>' in may
    assert "Came in with <bdi>members.csv</bdi>" in may_not
    assert "by import of" in may_not


def test_writing_to_somebody_names_no_address(sign_in: SignIn, zoe: Person) -> None:
    text = page(sign_in("Marketer"), zoe)

    assert f'href="/campaigns/new/?id={zoe.id}"' in text


# --- notes


def test_a_note_is_added_by_htmx_and_without(sign_in: SignIn, site: Store, zoe: Person) -> None:
    client = sign_in("Editor")

    plain = client.post(f"/people/{zoe.id}/notes/?company=Tech+Corp&at=3", {"text": "First"})
    part = client.post(f"/people/{zoe.id}/notes/", {"text": " Second\r\nline "}, headers=STORY)

    assert (plain.status_code, plain.headers["Location"]) == (302, f"/people/{zoe.id}/?company=Tech+Corp&at=3")
    assert [entry.text for entry in site.log.of(zoe.id) if entry.kind is LogKind.NOTE] == ["Second\nline", "First"]
    text = part.content.decode()
    assert "Second<br>line" in text
    assert "Note added" in text
    assert "hx-preserve" not in text
    assert "<html" not in text


def test_a_form_that_is_sent_twice_makes_one_note(sign_in: SignIn, site: Store, zoe: Person) -> None:
    client = sign_in("Editor")
    key = re.search(r'name="key" value="([^"]+)"', page(client, zoe))
    assert key

    for _ in range(2):
        client.post(f"/people/{zoe.id}/notes/", {"text": "Once", "key": key[1]})

    assert [entry.text for entry in site.log.of(zoe.id) if entry.kind is LogKind.NOTE] == ["Once"]


@pytest.mark.parametrize(
    ("typed", "why"), [("   ", "Write something first"), ("x" * 4001, "4,001 characters"), ("a\x07b", "control")]
)
def test_a_note_that_can_not_be_kept_stays_in_its_field(sign_in: SignIn, site: Store, zoe: Person, typed: str, why: str) -> None:
    client = sign_in("Editor")

    whole = client.post(f"/people/{zoe.id}/notes/", {"text": typed})
    part = client.post(f"/people/{zoe.id}/notes/", {"text": typed}, headers=STORY)

    for response in (whole, part):
        text = response.content.decode()
        assert response.status_code == 422
        assert why in text
        assert f">{typed}</textarea>" in text
    assert len(site.log.of(zoe.id)) == 1


def test_one_deletes_ones_own_note_alone_and_is_asked(sign_in: SignIn, site: Store, zoe: Person) -> None:
    client = signed_in_as("grace", sign_in)
    mine = notes.add(site, zoe.id, "Mine", actor="grace", now=NOW)
    theirs = notes.add(site, zoe.id, "Theirs", actor="jonas", now=NOW)

    text = page(client, zoe)
    asked = client.get(f"/people/{zoe.id}/notes/{mine.id}/delete/").content.decode()
    refused = client.post(f"/people/{zoe.id}/notes/{theirs.id}/delete/")
    done = client.post(f"/people/{zoe.id}/notes/{mine.id}/delete/", headers=STORY)

    assert re.findall(r'commandfor="note-(\w+)" command="show-modal"', text) == [mine.id]
    assert "Delete this note?" in asked
    assert refused.status_code == 409
    assert [entry.id for entry in site.log.of(zoe.id) if entry.kind is LogKind.NOTE] == [theirs.id]
    assert "Mine" not in done.content.decode().replace("Note deleted", "")


def test_who_may_not_edit_sees_why_there_is_no_note_to_write(sign_in: SignIn, zoe: Person) -> None:
    client = sign_in("Viewer")

    text = page(client, zoe)

    assert re.search(r'<button class="btn btn-s" id="note-add" aria-disabled="true" title="Your role, Viewer, may not', text)
    assert client.post(f"/people/{zoe.id}/notes/", {"text": "x"}).status_code == 403


# --- edits in place


def test_what_is_known_is_edited_in_place(sign_in: SignIn, site: Store, zoe: Person) -> None:
    client = sign_in("Editor")
    form = client.get(f"/people/{zoe.id}/edit/?at=7", headers=ABOUT).content.decode()
    fields = dict(re.findall(r'name="([\w-]+)" value="([^"]*)"', form)) | {"jobTitle": "Host", "city": "Lund"}

    saved = client.post(f"/people/{zoe.id}/edit/?at=7", fields, headers=ABOUT)

    assert '<form id="about-form"' in form
    assert "<html" not in form
    assert site.people.get(zoe.id).profile.city == "Lund"
    text = saved.content.decode()
    assert re.findall(
        r'id="(person-head|person-story|person-consent)" hx-swap-oob="true"|(<section class="section" id="about")', text
    )
    assert 'id="person-head" hx-swap-oob="true"' in text
    assert 'id="person-story" hx-swap-oob="true"' in text
    assert "Host at <bdi>Tech Corp" in re.sub("</?bdi>(?=Host| at)", "", text).replace("</bdi> at", " at")
    assert "2 fields changed" in text
    assert "Zoë Ångström saved" in text


def test_an_edit_in_place_that_can_not_be_keeps_what_was_typed(sign_in: SignIn, site: Store, zoe: Person) -> None:
    client = sign_in("Editor")
    values = {"firstName": "Zoë", "lastName": "", "email": "nowhere", "city": "Lund", "version": "1"}

    response = client.post(f"/people/{zoe.id}/edit/", values, headers=ABOUT)

    text = response.content.decode()
    assert response.status_code == 422
    assert "<html" not in text
    assert 'value="nowhere"' in text
    assert "Last name</a>: This field is required." in text
    assert "E-mail</a>: “nowhere” is not an e-mail address" in text
    assert 'value="Lund"' in text
    assert site.people.get(zoe.id) == zoe


def test_two_who_edit_in_place_see_both_versions(sign_in: SignIn, site: Store, zoe: Person) -> None:
    client = sign_in("Editor")
    form = client.get(f"/people/{zoe.id}/edit/", headers=ABOUT).content.decode()
    fields = dict(re.findall(r'name="([\w-]+)" value="([^"]*)"', form)) | {"city": "Lund"}
    people.edit(site, zoe.id, replace(zoe.profile, city="Ulm"), version=1, now=NOW)

    response = client.post(f"/people/{zoe.id}/edit/", fields, headers=ABOUT)

    assert response.status_code == 409
    assert (response.headers["HX-Retarget"], response.headers["HX-Reselect"]) == ("#main", "#main")
    assert "Somebody saved first" in response.content.decode()
    assert not re.search(r"409|version \d", response.content.decode())
    assert site.people.get(zoe.id).profile.city == "Ulm"


def test_an_edit_is_logged_with_who_made_it_and_one_of_nothing_is_not(site: Store, zoe: Person) -> None:
    same = people.edit(site, zoe.id, zoe.profile, version=1, now=NOW, actor="jonas")

    people.edit(site, zoe.id, replace(zoe.profile, city="Lund"), version=same.version, now=NOW, actor="jonas")

    entries = [(entry.kind, entry.actor, dict(entry.changes)) for entry in site.log.of(zoe.id)]
    assert sorted(entries) == [(LogKind.ADDED, "ingrid", {}), (LogKind.EDITED, "jonas", {"city": ("", "Lund")})]


# --- where one is in the list


def test_the_page_knows_who_stands_beside_in_the_list(sign_in: SignIn, site: Store) -> None:
    made = [site.people.create(make_person(first_name=name, last_name="Ng", company="Acme Ltd")) for name in ("Ann", "Bo", "Cy")]
    site.people.create(make_person(first_name="Abe", last_name="Ng"))
    query = "company=Acme+Ltd&order=name"

    text = page(sign_in("Viewer"), made[1], f"?{query}&at=2")

    assert (
        f'rel="prev" href="/people/{made[0].id}/?company=Acme+Ltd&amp;order=name&amp;at=1" aria-label="Previous: Ann Ng"' in text
    )
    assert f'rel="next" href="/people/{made[2].id}/?company=Acme+Ltd&amp;order=name&amp;at=3" aria-label="Next: Cy Ng"' in text
    assert "2 of 3" in text
    assert 'href="/people/?company=Acme+Ltd&amp;order=name"' in text
    assert "People: <bdi>Acme Ltd</bdi>" in text
    assert f"/people/{made[1].id}/?company=Acme+Ltd&amp;order=name&amp;at=2&amp;show=notes" in text


def test_at_the_ends_of_the_list_and_without_one_there_is_nobody_beside(sign_in: SignIn, site: Store, zoe: Person) -> None:
    client = sign_in("Viewer")

    alone, elsewhere = page(client, zoe, "?company=Tech+Corp&at=1"), page(client, zoe)

    assert 'aria-label="Previous: nobody"' in alone
    assert 'aria-label="Next: nobody"' in alone
    assert "1 of 1" in alone
    assert 'aria-label="In this list"' not in elsewhere


@pytest.mark.parametrize(
    "query", ["?attendedEventCountMin=x&at=2", "?segment=gone&at=2", "?at=0", "?company=Other&at=5", "?at=9999999999999"]
)
def test_a_list_that_can_not_be_is_no_fault_of_the_page(sign_in: SignIn, zoe: Person, query: str) -> None:
    assert sign_in("Viewer").get(f"/people/{zoe.id}/{query}").status_code == 200


# --- personal data, erasing


def test_personal_data_hold_everything_and_the_audit_log_says_so(sign_in: SignIn, site: Store) -> None:
    zoe = with_everything(site)

    response = sign_in("Editor").get(f"/people/{zoe.id}/personal-data.json")

    held = json.loads(response.content)
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert held["person"]["email"] == zoe.profile.email
    assert (len(held["eventsHosted"]), len(held["eventsAttended"]), len(held["emails"])) == (2, 3, 3)
    assert held["mayBeWrittenTo"]["status"] == "unsubscribed"
    assert {entry["kind"] for entry in held["log"]} == {"added", "edited", "note", "imported", "merged", "status"}
    assert [hit["kind"] for email in held["emails"] for hit in email.get("opensAndClicks", ())] == ["open"]
    assert {email["subject"] for email in held["emails"]} == {"To one address", "To one name", "As she was called"}
    assert zoe.profile.email.encode() in response.content
    month = f"{site.table.clock():%Y-%m}"
    assert [entry.action for entry in site.audit.of_month(month)] == ["people.personal_data"]


def test_asking_for_the_headers_of_personal_data_hands_nothing_out(sign_in: SignIn, site: Store, zoe: Person) -> None:
    client = sign_in("Editor")

    response = client.head(f"/people/{zoe.id}/personal-data.json")
    gone = client.head("/people/nobody/personal-data.json")

    assert (response.status_code, gone.status_code) == (200, 404)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert list(site.audit.of_month(f"{site.table.clock():%Y-%m}")) == []


def test_erasing_asks_first_and_says_what_goes_and_what_stays(sign_in: SignIn, site: Store) -> None:
    zoe = with_everything(site)
    client = sign_in("Editor")

    asked = client.get(f"/people/{zoe.id}/erase/").content.decode()
    assert site.people.get(zoe.id)
    done = client.post(f"/people/{zoe.id}/erase/", follow=True)

    assert "What goes" in asked
    assert "3 e-mails" in asked
    assert "What stays, without a name" in asked
    assert "One person is erased" in done.content.decode()
    assert where_she_stands(site) == []
    assert client.get(f"/people/{zoe.id}/").status_code == 404
    assert differences(site) == []


def test_lists_show_an_erased_person_decently(sign_in: SignIn, site: Store) -> None:
    zoe = with_everything(site)
    stood = site.events.attendances_of(zoe.id)[0]
    [email, *_] = site.emails.of_person(zoe.id)
    client = sign_in("Admin")
    client.post(f"/people/{zoe.id}/erase/")

    event = f"/events/{stood.event_id}/?status={stood.status.value}"
    emails = f"/analytics/?campaign_id={email.campaign_id}&start_date=2026-05-01&end_date=2026-05-31"
    for address in (event, f"/campaigns/{email.campaign_id}/recipients/", emails):
        response = client.get(address)
        assert response.status_code == 200
        assert "Erased person" in response.content.decode(), address


@pytest.mark.parametrize(("role", "may"), [("Viewer", False), ("Marketer", False), ("Editor", True), ("Admin", True)])
def test_handing_out_and_erasing_need_their_permission(sign_in: SignIn, zoe: Person, role: str, *, may: bool) -> None:
    client = sign_in(role)

    status = {client.get(f"/people/{zoe.id}/{name}").status_code for name in ("erase/", "personal-data.json")}

    assert status == {200 if may else 403}
    menu = page(client, zoe).partition('class="menu-list"')[2]
    assert (f'href="/people/{zoe.id}/erase/"' in menu) is may
