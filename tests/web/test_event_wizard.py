"""Planning an event, as a browser without JavaScript and htmx see it."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from crm.domain.event_drafts import EventDraft, Step
from crm.domain.events import Event, EventStatus
from crm.domain.filters import PeopleFilter
from crm.domain.ids import new_id
from crm.domain.people import Person
from crm.services import event_drafts, segments, verify
from crm.store import Store
from crm.store.cost import metered
from crm.web.events.edit_form import EventForm
from crm.web.events.wizard_forms import FORMS
from tests.factories import NOW, make_event, make_person

SignIn = Callable[..., Client]
WHEN = {"startDate": "2031-09-04", "startTime": "18:00", "endTime": "21:00", "timezone": "Europe/Stockholm", "venue": "Hall"}


def person(store: Store, **values: object) -> Person:
    """One person as stored."""
    return store.people.create(make_person(**values))


def planned(store: Store, owner: str = "", **fields: str) -> EventDraft:
    """A draft that could be published, if it has an owner."""
    draft_id, texts = new_id(), {"title": "Autumn kick-off", "description": "Talks", **WHEN, **fields}
    for step in (Step.BASICS, Step.WHEN, Step.HOSTS):
        given = {"waitlist": "yes", "autoNoShow": "yes", "owner": owner} | texts
        event_drafts.save_step(store, draft_id, step, given, seen=0, actor="ingrid", now=NOW)
    return store.drafts.get(draft_id)


def begun(client: Client, **typed: str) -> str:
    """Send the first step as the page gives it; return the id of the draft."""
    page = client.get("/events/new/").content.decode()
    found = re.search(r'action="/events/new/(\w{32})/basics/"', page)
    assert found
    answer = client.post(f"/events/new/{found[1]}/basics/", {"seen": "0", "do": "next", **typed})
    assert answer.status_code in {302, 422}
    return found[1]


def at(draft_id: str, step: str) -> str:
    return f"/events/new/{draft_id}/{step}/"


def test_nothing_is_kept_by_looking_and_the_first_step_makes_the_draft(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Editor")

    client.get("/events/new/")
    assert site.drafts.count() == 0
    draft_id = begun(client, title="Autumn kick-off")

    draft = site.drafts.get(draft_id)
    assert (draft.title, draft.text("slug"), draft.text("timezone")) == ("Autumn kick-off", "autumn-kick-off", "UTC")
    assert draft.next_step is Step.WHEN


def test_every_step_leads_to_the_next_and_publishing_to_the_event(site: Store, sign_in: SignIn) -> None:
    client, ada, bob = sign_in("Editor"), person(site, first_name="Ada"), person(site, first_name="Bob")
    draft_id = begun(client, title="Autumn kick-off", description="**Talks**")

    when = client.post(at(draft_id, "when"), {"seen": "0", "do": "next", **WHEN})
    hosts = client.post(
        at(draft_id, "hosts"),
        {"seen": "0", "do": "next", "owner": ada.id, "hostIds": [ada.id, bob.id], "maxCapacity": "40", "waitlist": "yes"},
    )
    people = client.post(at(draft_id, "attendees"), {"do": "next", "pasted": bob.profile.email})
    review = client.get(at(draft_id, "review")).content.decode()
    version = re.search(r'name="version" value="(\d+)"', review)
    assert version
    published = client.post(at(draft_id, "review"), {"version": version[1]})

    assert [one.headers["Location"] for one in (when, hosts, people)] == [
        at(draft_id, "hosts"),
        at(draft_id, "attendees"),
        at(draft_id, "review"),
    ]
    assert "Publish with 1 person" in review
    assert published.headers["Location"] == f"/events/{draft_id}/"
    event = site.events.get(draft_id)
    assert (event.status, event.slug, event.max_capacity) == (EventStatus.PUBLISHED, "autumn-kick-off", 40)
    assert event.start_at.isoformat() == "2031-09-04T16:00:00+00:00"
    assert (event.host_ids, event.registered_count, event.auto_no_show) == ((ada.id, bob.id), 1, False)
    assert site.drafts.count() == 0
    assert site.drafts.sources(draft_id) == ()
    site.stats.fold_all()
    assert verify.differences(site) == []


def test_what_is_wrong_is_kept_and_said_at_its_field(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Editor")
    draft_id = begun(client, title="Autumn")

    answer = client.post(at(draft_id, "when"), {"seen": "0", "do": "next", **WHEN, "endTime": "17:00", "onlineUrl": "zoom"})

    text = answer.content.decode()
    assert answer.status_code == 422
    assert "The event ends before it starts." in text
    assert "The online link must begin with https://" in text
    assert site.drafts.get(draft_id).text("onlineUrl") == "zoom"
    assert 'value="zoom"' in client.get(at(draft_id, "when")).content.decode()


def test_a_time_that_clocks_leave_out_is_refused_with_the_one_that_comes_after(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Editor")
    draft_id = begun(client, title="Night")

    answer = client.post(
        at(draft_id, "when"),
        {"seen": "0", "do": "next", **WHEN, "startDate": "2026-03-29", "startTime": "02:30", "endTime": "05:00"},
    )

    assert "02:30 does not exist on 29 March 2026 in Europe/Stockholm" in answer.content.decode()
    assert "Write 03:30" in answer.content.decode()


def test_back_and_leave_keep_what_was_typed_however_half_it_is(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Editor")
    draft_id = begun(client, title="Autumn")

    back = client.post(at(draft_id, "when"), {"seen": "0", "do": "back", "venue": "Hal"})
    leave = client.post(at(draft_id, "basics"), {"seen": "1", "do": "leave", "title": "", "slug": "NOT a slug"})

    draft = site.drafts.get(draft_id)
    assert back.headers["Location"] == at(draft_id, "basics")
    assert leave.headers["Location"] == "/events/?when=drafts"
    assert (draft.text("venue"), draft.text("title"), draft.text("slug")) == ("Hal", "", "NOT a slug")


def test_every_way_from_a_step_to_another_keeps_what_was_typed(site: Store, sign_in: SignIn) -> None:
    client, draft = sign_in("Editor"), planned(site)

    page = client.get(at(draft.id, "when")).content.decode()
    to_basics = client.post(at(draft.id, "when"), {"seen": "1", "do": "go-basics", "venue": "Hal"})
    to_hosts = client.post(at(draft.id, "attendees"), {"do": "go-hosts", "pasted": "nils"})

    assert re.findall(rf'href="/events/new/{draft.id}/(\w+)', page) == ["discard"]
    assert re.findall(r'form="step" name="do" value="([\w-]+)"', page) == ["enter", "leave", "go-basics", "go-hosts"]
    assert to_basics.headers["Location"] == at(draft.id, "basics")
    assert to_hosts.headers["Location"] == at(draft.id, "hosts")
    assert site.drafts.get(draft.id).text("venue") == "Hal"
    assert [one.unknown for one in site.drafts.sources(draft.id)] == [("nils",)]


def test_two_tabs_at_one_step_tell_each_other_and_nothing_typed_is_lost(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Editor")
    draft_id = begun(client, title="Autumn")
    client.post(at(draft_id, "basics"), {"seen": "1", "do": "leave", "title": "From the first tab"})

    second = client.post(at(draft_id, "basics"), {"seen": "1", "do": "next", "title": "From the second tab"})
    text = second.content.decode()

    assert second.status_code == 409
    assert "since you opened it" in text
    assert 'value="From the second tab"' in text
    assert "“<bdi>From the first tab</bdi>” is kept as a draft" in text
    assert "From the first tab" in text
    assert site.drafts.get(draft_id).title == "From the first tab"
    seen = re.search(r'name="seen" value="(\d+)"', text)
    assert seen
    client.post(at(draft_id, "basics"), {"seen": seen[1], "do": "next", "title": "From the second tab"})
    assert site.drafts.get(draft_id).title == "From the second tab"


def test_the_same_form_sent_twice_is_no_conflict(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Editor")
    draft_id = begun(client, title="Autumn", slug="autumn")

    again = client.post(at(draft_id, "basics"), {"seen": "0", "do": "next", "title": "Autumn", "slug": "autumn"})

    assert again.headers["Location"] == at(draft_id, "when")
    assert site.drafts.count() == 1


def test_what_was_typed_for_a_draft_that_is_gone_can_be_kept_as_a_new_one(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Editor")
    draft_id = begun(client, title="Autumn")
    client.post(f"/events/new/{draft_id}/discard/")

    answer = client.post(at(draft_id, "basics"), {"seen": "1", "do": "next", "title": "Still mine"})

    assert answer.status_code == 409
    assert "discarded meanwhile" in answer.content.decode()
    assert 'value="Still mine"' in answer.content.decode()
    assert site.drafts.count() == 0
    client.post(at(draft_id, "basics"), {"seen": "0", "do": "next", "title": "Still mine"})
    assert site.drafts.get(draft_id).title == "Still mine"


def test_owner_and_hosts_are_found_chosen_and_removed_without_javascript(site: Store, sign_in: SignIn) -> None:
    client, zoe, bob = sign_in("Editor"), person(site, first_name="Zoë", last_name="Ångström"), person(site, first_name="Bob")
    draft_id = begun(client, title="Autumn")

    found = client.post(at(draft_id, "hosts"), {"seen": "0", "do": "enter", "findOwner": "zoe ang"}, follow=True)
    chosen = client.post(at(draft_id, "hosts"), {"seen": "1", "choose-owner": zoe.id, "findOwner": "zoe ang"}, follow=True)
    client.post(at(draft_id, "hosts"), {"seen": "2", "owner": zoe.id, "add-host": bob.id})
    client.post(at(draft_id, "hosts"), {"seen": "3", "owner": zoe.id, "hostIds": [bob.id], "add-host": zoe.id})
    both = site.drafts.get(draft_id).host_ids
    client.post(at(draft_id, "hosts"), {"seen": "4", "owner": zoe.id, "hostIds": [bob.id, zoe.id], "drop-host": bob.id})

    assert f'name="choose-owner" value="{zoe.id}"' in found.content.decode()
    assert "Choose another owner than Zoë Ångström" in chosen.content.decode()
    assert both == (bob.id, zoe.id)
    assert site.drafts.get(draft_id).host_ids == (zoe.id,)


def test_a_name_that_was_typed_and_not_chosen_keeps_one_at_the_step(site: Store, sign_in: SignIn) -> None:
    client, zoe = sign_in("Editor"), person(site, first_name="Zoë")
    draft_id = begun(client, title="Autumn")

    answer = client.post(
        at(draft_id, "hosts"), {"seen": "0", "do": "next", "findOwner": "zoe", "findHost": "zo", "maxCapacity": "0"}
    )

    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Choose who answers for the event." in text
    assert "Choose who is meant of those found" in text
    assert "0 is not possible. Write 1 to 1,000,000" in text
    assert f'name="add-host" value="{zoe.id}"' in text


def test_an_address_typed_for_the_owner_chooses_them(site: Store, sign_in: SignIn) -> None:
    client, ada = sign_in("Editor"), person(site, email="ada@example.org")
    draft_id = begun(client, title="Autumn")

    answer = client.post(at(draft_id, "hosts"), {"seen": "0", "do": "next", "findOwner": " ADA@example.org"})

    assert answer.headers["Location"] == at(draft_id, "attendees")
    assert site.drafts.get(draft_id).text("owner") == ada.id


def test_people_come_from_many_sources_and_are_counted_once(site: Store, sign_in: SignIn) -> None:
    client, actor = sign_in("Editor"), "tom"
    acme = [person(site, company="Acme") for _ in range(3)]
    other = person(site, company="Other", first_name="Olga")
    segment = segments.save(site, "All of Acme", PeopleFilter(company=("Acme",)), owner=actor, shared=True, now=NOW)
    draft_id = planned(site, owner=other.id, maxCapacity="3").id
    file = SimpleUploadedFile("list.csv", f"Name;Mail\nx;{acme[0].profile.email}\n".encode())

    client.post(at(draft_id, "attendees"), {"do": "add", "filter": "http://crm.example/people/?company=Acme&order=name"})
    client.post(at(draft_id, "attendees"), {"do": "add", "segment": segment.id})
    client.post(at(draft_id, "attendees"), {"do": "add", "pasted": f"Olga <{other.profile.email}>, nils@nowhere.example"})
    client.post(at(draft_id, "attendees"), {"do": "add", "file": file})
    page = client.post(at(draft_id, "attendees"), {"choose-person": other.id}, follow=True).content.decode()

    numbers = re.findall(r"<b>(?:up to )?(\d+)</b><span>(.*?)</span>", page)
    assert [(number, words[:16]) for number, words in numbers] == [
        ("3", "would be registe"),
        ("1", "would be waitlis"),
        ("5", "named twice, cou"),
        ("1", "unknown, left ou"),
    ]
    assert "nils@nowhere.example" in page
    assert "All of Acme" in page
    assert "Company" in page


def test_unknown_addresses_are_mended_or_left_out(site: Store, sign_in: SignIn) -> None:
    client, ada = sign_in("Editor"), person(site, email="ada@example.org")
    draft_id = planned(site, owner=ada.id).id
    client.post(at(draft_id, "attendees"), {"do": "add", "pasted": "adda@example.org\nnils"})
    source = site.drafts.sources(draft_id)[0]

    client.post(at(draft_id, "attendees"), {"do": "add", f"mend-{source.id}": "ada@example.org\nnils"})
    assert (site.drafts.sources(draft_id)[0].ids, site.drafts.sources(draft_id)[0].unknown) == ((ada.id,), ("nils",))
    client.post(at(draft_id, "attendees"), {"do": "add", f"mend-{source.id}": ""})

    assert site.drafts.sources(draft_id)[0].unknown == ()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"filter": "https://crm.example/people/"}, "There is no filter in it."),
        ({"filter": "?attendedEventCountMin=many"}, "must be one whole number"),
        ({"file": SimpleUploadedFile("a.csv", b"no address")}, "There is no e-mail address in this file."),
        ({"file": SimpleUploadedFile("a.xlsx", b"PK\x03\x04")}, "save it as CSV"),
        ({"segment": "0" * 32}, "There is no such segment"),
        ({"choose-person": "0" * 32}, "There is no such person"),
    ],
)
def test_what_can_not_be_added_is_said_and_kept(site: Store, sign_in: SignIn, sent: dict[str, str], said: str) -> None:
    client, draft_id = sign_in("Editor"), planned(site).id

    answer = client.post(at(draft_id, "attendees"), {"do": "add", **sent})

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert site.drafts.sources(draft_id) == ()
    assert site.drafts.get(draft_id).text("filter") == sent.get("filter", "")


def test_the_review_names_what_blocks_with_a_link_to_its_field_and_does_not_publish(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Editor")
    draft = planned(site, endTime="17:00", maxCapacity="0", description="")

    page = client.get(at(draft.id, "review")).content.decode()
    answer = client.post(at(draft.id, "review"), {"version": str(draft.version)})

    assert "The event ends before it starts." in page
    assert f'href="{at(draft.id, "when")}?check=1#id_endTime"' in page
    assert f'href="{at(draft.id, "hosts")}?check=1#owner">Mend<span class="visually-hidden">: Owner</span>' in page
    assert '?check=1#id_endTime">Mend<span class="visually-hidden">: Ends at</span>' in page
    assert "There is no description." in page
    assert 'aria-disabled="true" aria-describedby="why"' in page
    assert answer.status_code == 422
    assert site.drafts.find(draft.id) is not None
    assert "The event ends before it starts." in client.get(f"{at(draft.id, 'when')}?check=1").content.decode()


def test_a_field_is_called_the_same_where_an_event_is_planned_and_where_it_is_changed() -> None:
    planning = {name: field.label for form in FORMS.values() for name, field in form.base_fields.items()}
    changing = {name: field.label for name, field in EventForm.base_fields.items()}

    both = planning.keys() & changing.keys()

    assert "startDate" in both
    assert {name: planning[name] for name in both} == {name: changing[name] for name in both}


def test_warnings_do_not_hold_it_back(site: Store, sign_in: SignIn) -> None:
    client, ada = sign_in("Editor"), person(site, first_name="Ada")
    start = site.drafts.get(planned(site, owner=ada.id).id).planned(now=NOW).event
    assert start is not None
    other = make_event(title="Board", owner=ada.id, start_at=start.start_at + timedelta(hours=1))
    site.events.create(other, [], [], now=NOW)
    draft = planned(site, owner=ada.id, slug="other", venue="", maxCapacity="1")
    client.post(at(draft.id, "attendees"), {"do": "add", "pasted": f"{ada.profile.email} {person(site).profile.email} nils"})

    page = client.get(at(draft.id, "review")).content.decode()
    answer = client.post(at(draft.id, "review"), {"version": str(site.drafts.get(draft.id).version)})

    busy = page[page.index("Ada Lovelace is with “Board” at that time (19:00–21:00).") :]
    assert busy.index(f'{at(draft.id, "hosts")}?check=1#owner"') < busy.index("</li>")
    assert "Seats</a>" in page
    assert "2 people for 1 seat: 1 would go to the waitlist." in page
    assert "no place and no link" in page
    assert answer.headers["Location"] == f"/events/{draft.id}/"
    assert (site.events.get(draft.id).registered_count, site.events.get(draft.id).waitlisted_count) == (1, 1)


def test_publishing_twice_publishes_once(site: Store, sign_in: SignIn) -> None:
    client, draft = sign_in("Editor"), planned(site, owner=person(site).id)

    answers = [client.post(at(draft.id, "review"), {"version": str(draft.version)}) for _ in range(2)]
    later = client.get(at(draft.id, "when"))

    assert {one.headers["Location"] for one in [*answers, later]} == {f"/events/{draft.id}/"}
    assert site.events.get(draft.id).version == 1
    assert site.events.total() == 1


def test_what_is_typed_for_a_draft_that_was_published_meanwhile_is_not_lost_in_silence(site: Store, sign_in: SignIn) -> None:
    client, draft = sign_in("Editor"), planned(site, owner=person(site).id)
    client.post(at(draft.id, "review"), {"version": str(draft.version)})

    answer = client.post(at(draft.id, "when"), {"seen": "1", "do": "next", **WHEN, "venue": "Elsewhere"}, follow=True)

    assert answer.redirect_chain == [(f"/events/{draft.id}/", 302)]
    assert "What you typed just now was not kept" in answer.content.decode()
    assert site.events.get(draft.id).venue == "Hall"


def test_more_addresses_than_a_draft_holds_are_refused_and_stay_in_the_field(site: Store, sign_in: SignIn) -> None:
    client, draft = sign_in("Editor"), planned(site)
    pasted = "\n".join(f"nobody{number}@nowhere.example" for number in range(1001))

    answer = client.post(at(draft.id, "attendees"), {"do": "next", "pasted": pasted})

    assert answer.status_code == 422
    assert "1,001 of these addresses are nobody’s" in answer.content.decode()
    assert "nobody1000@nowhere.example</textarea>" in answer.content.decode()
    assert site.drafts.sources(draft.id) == ()


def test_a_slug_taken_meanwhile_leads_back_to_its_field(site: Store, sign_in: SignIn) -> None:
    client, draft = sign_in("Editor"), planned(site, owner=person(site).id, slug="autumn")
    site.events.create(make_event(slug="autumn", title="Quicker"), [], [], now=NOW)

    answer = client.post(at(draft.id, "review"), {"version": str(draft.version)}, follow=True)
    page = client.get(f"{at(draft.id, 'basics')}?check=1").content.decode()

    assert answer.status_code == 422
    assert "The slug autumn is taken by “Quicker”." in answer.content.decode()
    assert f'href="{at(draft.id, "basics")}?check=1#id_slug"' in answer.content.decode()
    assert "The slug autumn is taken by “Quicker”." in page
    assert 'aria-invalid="true"' in page


def test_a_draft_changed_since_the_review_is_looked_at_again(site: Store, sign_in: SignIn) -> None:
    client, draft = sign_in("Editor"), planned(site, owner=person(site).id)
    event_drafts.save_step(site, draft.id, Step.BASICS, {"title": "Another"}, seen=1, actor="tom", now=NOW)

    answer = client.post(at(draft.id, "review"), {"version": str(draft.version)})

    assert answer.status_code == 409
    assert "changed since you looked at it" in answer.content.decode()
    assert site.drafts.get(draft.id).title == "Another"


def test_a_copy_takes_all_but_people_and_slug_and_keeps_local_times(site: Store, sign_in: SignIn) -> None:
    client, ada = sign_in("Editor"), person(site)
    start = timezone.now().replace(hour=16, minute=0, second=0, microsecond=0) - timedelta(days=30)
    model = make_event(
        title="Meetup", slug="meetup", city="Malmö", start_at=start, owner=ada.id, max_capacity=12, waitlist=False, timezone="UTC"
    )
    made: Event = site.events.create(model, [ada.id], [ada.id], now=NOW)

    page = client.get(f"/events/new/?from={made.id}").content.decode()
    found = re.search(r'action="/events/new/(\w{32})/basics/"', page)
    assert found
    client.post(at(found[1], "basics"), {"seen": "0", "do": "next", "from": made.id, "title": "Meetup again", "slug": "meetup-2"})

    draft = site.drafts.get(found[1])
    assert 'value="Meetup"' in page
    assert 'value="meetup-2"' in page
    assert (draft.text("city"), draft.text("maxCapacity"), draft.text("waitlist"), draft.host_ids) == (
        "Malmö",
        "12",
        "",
        (ada.id,),
    )
    assert (draft.text("startTime"), draft.text("title")) == ("16:00", "Meetup again")
    assert site.drafts.sources(draft.id) == ()


def test_events_to_copy_are_those_nearest_to_now_by_the_clocks_of_their_zone(site: Store, sign_in: SignIn) -> None:
    client, now = sign_in("Editor"), timezone.now().replace(hour=10, minute=0, second=0, microsecond=0)
    for days, title in ((400, "Far fair"), (-500, "Old fair"), (9, "Next fair"), (-2, "Last fair"), (-4, "Ball")):
        start = now + timedelta(days=days)
        event = make_event(title=title, slug=title.replace(" ", "-").lower(), start_at=start, timezone="Asia/Kolkata")
        site.events.create(event, [], [], now=NOW)

    nearest = client.get("/events/new/").content.decode()
    found = client.get("/events/new/?find=fai").content.decode()

    assert re.findall(r'aria-label="Copy ([^"]+)"', nearest) == ["Last fair", "Ball", "Next fair", "Far fair", "Old fair"]
    assert re.findall(r'aria-label="Copy ([^"]+)"', found) == ["Last fair", "Next fair", "Far fair", "Old fair"]
    assert ", 15:30–" in nearest
    assert "Asia/Kolkata" in nearest


def test_a_filter_in_the_address_comes_along(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Editor")
    person(site, company="Acme")

    page = client.get("/events/new/?company=Acme&city=Ulm").content.decode()
    found = re.search(r'action="/events/new/(\w{32})/basics/"', page)
    assert found
    client.post(at(found[1], "basics"), {"seen": "0", "do": "next", "title": "For Acme", "company": "Acme", "city": "Ulm"})

    assert [dict(one.values) for one in site.drafts.sources(found[1])] == [{"company": ["Acme"], "city": ["Ulm"]}]


def test_the_slug_is_suggested_from_the_title_until_somebody_writes_one(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Editor")
    site.events.create(make_event(slug="spring"), [], [], now=NOW)
    htmx = {"HX-Request": "true", "HX-Target": "slug-field"}

    suggested = client.get("/events/new/slug/?title=Spring&slug=&suggested=", headers=htmx).content.decode()
    own = client.get("/events/new/slug/?title=Summer&slug=mine&suggested=spring-2", headers=htmx).content.decode()
    taken = client.get("/events/new/slug/?slug=spring", headers={"HX-Request": "true", "HX-Target": "slug-note"}).content.decode()

    assert re.search('<input[^>]*name="slug"[^>]*value="spring-2"|<input[^>]*value="spring-2"[^>]*name="slug"', suggested)
    assert 'value="mine"' in own
    assert "It is taken by another event." in taken
    assert "<html" not in taken


def test_a_number_that_no_form_sends_counts_as_none(site: Store, sign_in: SignIn) -> None:
    client, draft_id = sign_in("Editor"), new_id()

    answer = client.post(at(draft_id, "basics"), {"seen": "0" * 5000, "do": "next", "title": "Autumn"})

    assert answer.headers["Location"] == at(draft_id, "when")


def test_discarding_asks_once(site: Store, sign_in: SignIn) -> None:
    client, draft = sign_in("Editor"), planned(site)

    asked = client.get(f"/events/new/{draft.id}/discard/").content.decode()
    assert site.drafts.find(draft.id) is not None
    done = client.post(f"/events/new/{draft.id}/discard/")

    assert "Discard “<bdi>Autumn kick-off</bdi>”?" in asked
    assert done.headers["Location"] == "/events/?when=drafts"
    assert site.drafts.count() == 0


def test_only_who_may_change_events_plans_one(site: Store, sign_in: SignIn) -> None:
    assert sign_in("Door").get("/events/new/").status_code == 403
    assert sign_in("Marketer").get("/events/new/").status_code == 403


def test_what_a_description_says_is_shown_without_its_html(site: Store, sign_in: SignIn) -> None:
    client, draft = sign_in("Editor"), planned(site, description="**Bold** <script>alert(1)</script> [x](javascript:alert(1))")

    page = client.get(at(draft.id, "review")).content.decode()

    assert "<strong>Bold</strong>" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page


def test_headings_of_a_description_stand_below_one_of_the_page(site: Store, sign_in: SignIn) -> None:
    client, draft = sign_in("Editor"), planned(site, description="# Programme")

    page = client.get(at(draft.id, "basics")).content.decode()

    levels = re.findall(r"<h(\d)", page[: page.index("Programme</h3>")])
    assert levels == ["1", "2", "3"]


def test_a_step_costs_few_requests(site: Store, sign_in: SignIn) -> None:
    client, ada = sign_in("Editor"), person(site)
    draft = planned(site, owner=ada.id)
    client.post(at(draft.id, "attendees"), {"do": "add", "pasted": ada.profile.email})

    spent = {}
    for step in Step:
        with metered() as cost:
            client.get(at(draft.id, step.value))
        spent[step.value] = cost.requests

    with metered() as new:
        client.get("/events/new/")
    assert new.requests <= 10
    assert spent["basics"] <= 4
    assert spent["when"] <= 3
    assert spent["hosts"] <= 4
    assert spent["attendees"] <= 8
    assert spent["review"] <= 12
