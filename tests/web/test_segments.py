"""Segments on pages: saved from the list, opened again, changed, shared, deleted; who may do what."""

import html
import re
from collections.abc import Callable

import pytest
from django.test import Client

from crm.domain.filters import Order, PeopleFilter
from crm.domain.ids import new_id
from crm.domain.segments import Segment
from crm.services import segments
from crm.store import Store
from tests.factories import NOW, make_campaign, make_event, make_person

SignIn = Callable[[str], Client]
PART = {"HX-Request": "true", "HX-Target": "people-table"}


@pytest.fixture
def crowd(site: Store) -> Store:
    places = [("Acme", "Lund"), ("Acme", "Malmö"), ("Acme", "Ystad"), ("Other", "Lund")]
    site.people.create_many([make_person(last_name=f"{company}{city}", company=company, city=city) for company, city in places])
    site.stats.fold_all()
    return site


def _name_of(client: Client) -> str:
    """The username of whoever is signed in."""
    found = re.search(r'href="/settings/">([^<]+)</a>', client.get("/settings/").content.decode())
    assert found
    return html.unescape(found[1])


def _segment(store: Store, owner: str, name: str = "Acme", *, shared: bool = False, **wanted: object) -> Segment:
    given = PeopleFilter(**(wanted or {"company": ("Acme",)}))  # type: ignore[arg-type]
    return segments.save(store, name, given, owner=owner, shared=shared, now=NOW)


def _text(client: Client, address: str, **options: object) -> str:
    return html.unescape(client.get(address, **options).content.decode())  # type: ignore[arg-type]


def _current_tab(text: str) -> str:
    nav = text[text.index('<nav aria-label="Segments"') :]
    found = re.search(r'<a [^>]*aria-current="page"[^>]*>(.*?)</a>', nav[: nav.index("</nav>")])
    return re.sub("<[^>]+>", "", found[1]).strip() if found else ""


# --- saving


def test_a_filter_is_saved_under_a_name_and_opened_as_the_list_of_its_people(sign_in: SignIn, crowd: Store) -> None:
    client = sign_in("Editor")

    sent = {"company": ["Acme", "Other"], "city": "Lund", "order": "name", "name": " In  Lund ", "shared": "on"}
    answer = client.post("/segments/new/", sent)
    page = _text(client, answer.headers["Location"])

    saved = crowd.segments.visible(_name_of(client))[0]
    assert answer.headers["Location"] == f"/people/?segment={saved.id}"
    assert (saved.name, saved.shared, saved.order) == ("In Lund", True, Order.NAME)
    assert saved.filter == PeopleFilter(company=("Acme", "Other"), city=("Lund",))
    assert "2 people</span>" in page
    assert _current_tab(page) == "In Lund"
    assert "“In Lund” is saved" in page


def test_the_form_sent_twice_saves_one_segment(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Editor")
    form = _text(client, "/segments/new/?company=Acme")
    sent = {"company": "Acme", "name": "Acme", "segmentId": re.search(r'name="segmentId" value="([^"]+)"', form)[1]}  # type: ignore[index]

    answers = [client.post("/segments/new/", sent) for _ in range(2)]

    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert len(site.segments.visible(_name_of(client))) == 1


@pytest.mark.parametrize("name", ["", "x" * 81, "a\x07b", "\u200b"])
def test_a_name_that_cant_be_is_said_and_the_filter_is_kept(sign_in: SignIn, site: Store, name: str) -> None:
    answer = sign_in("Editor").post("/segments/new/", {"company": "Acme", "cityNot": "Lund", "name": name})

    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in text
    assert '<input type="hidden" name="company" value="Acme">' in text
    assert '<input type="hidden" name="cityNot" value="Lund">' in text


def test_a_taken_name_is_said_at_the_field(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Editor")
    _segment(site, "tom", shared=True)

    answer = client.post("/segments/new/", {"city": "Lund", "name": "ACME"})

    assert answer.status_code == 422
    assert "There is a segment “ACME” already" in answer.content.decode()
    assert 'value="ACME"' in answer.content.decode()


def test_nothing_is_saved_without_a_filter(sign_in: SignIn, crowd: Store) -> None:
    client = sign_in("Editor")

    asked, sent = client.get("/segments/new/"), client.post("/segments/new/", {"name": "All"})

    assert (asked.headers["Location"], sent.headers["Location"]) == ("/people/", "/people/")
    assert "Filter the people first" in _text(client, "/people/")
    assert crowd.segments.visible(_name_of(client)) == []


def test_a_filter_that_cant_be_is_refused(sign_in: SignIn, site: Store) -> None:
    assert sign_in("Editor").get("/segments/new/?hostedEventCountMin=many").status_code == 422


# --- who may do what


def test_a_viewer_saves_for_themselves_alone(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Viewer")

    own = client.post("/segments/new/", {"company": "Acme", "name": "Mine"})
    form = _text(client, "/segments/new/?company=Acme")
    shared = client.post("/segments/new/", {"city": "Lund", "name": "Ours", "shared": "on"})

    assert own.status_code == 302
    assert "Your role, Viewer, may not add and change people" in form
    assert re.search(r'name="shared"[^>]*disabled', form)
    assert shared.status_code == 302
    assert [(one.name, one.shared) for one in site.segments.visible(_name_of(client))] == [("Mine", False), ("Ours", False)]


def test_somebody_elses_own_segment_is_not_there(sign_in: SignIn, crowd: Store) -> None:
    theirs = _segment(crowd, "tom")
    client = sign_in("Admin")

    addresses = [
        f"/people/?segment={theirs.id}",
        f"/campaigns/new/?segment={theirs.id}",
        f"/people/export.csv?segment={theirs.id}",
    ]
    addresses += [f"/segments/{theirs.id}/", f"/segments/{theirs.id}/delete/"]

    assert {client.get(address).status_code for address in addresses} == {404}
    assert client.post(f"/segments/{theirs.id}/filter/", {"city": "Lund"}).status_code == 404
    assert "Acme</bdi>" not in _text(client, "/segments/")


def test_a_shared_segment_is_changed_by_who_edits_people_and_by_no_other(sign_in: SignIn, crowd: Store) -> None:
    shared = _segment(crowd, "tom", shared=True)
    viewer, editor = sign_in("Viewer"), sign_in("Editor")

    refused = [
        viewer.get(f"/segments/{shared.id}/"),
        viewer.post(f"/segments/{shared.id}/", {"name": "x", "version": 1}),
        viewer.post(f"/segments/{shared.id}/filter/", {"city": "Lund", "version": 1}),
        viewer.post(f"/segments/{shared.id}/delete/"),
    ]
    listed = _text(viewer, "/segments/")
    changed = editor.post(f"/segments/{shared.id}/", {"name": "Acme people", "shared": "on", "version": 1})

    assert {answer.status_code for answer in refused} == {403}
    assert b"Editor, Marketer and Admin may" in refused[0].content
    assert f"/segments/{shared.id}/delete/" not in listed
    assert "Your role, Viewer, may not add and change people" in listed
    assert changed.status_code == 302
    assert crowd.segments.get(shared.id).name == "Acme people"


def test_owners_without_that_right_rename_their_own_and_leave_it_shared(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Viewer")
    shared = _segment(site, _name_of(client), shared=True)

    client.post(f"/segments/{shared.id}/", {"name": "Renamed", "version": 1})

    left = site.segments.get(shared.id)
    assert (left.name, left.shared) == ("Renamed", True)


# --- the page of segments


def test_the_page_lists_each_segment_in_words_with_its_count(sign_in: SignIn, crowd: Store) -> None:
    client = sign_in("Admin")
    event = crowd.events.create(make_event(title="Spring meet-up"), [], [], now=NOW)
    campaign = crowd.campaigns.create(make_campaign(subject="Hello there"))
    ids = tuple(person.id for person in crowd.people.page(PeopleFilter(), limit=3).items)
    _segment(crowd, "tom", "Ours", shared=True, company=("Acme", "Other"), city_not=("Lund",), hosted_max=2)
    _segment(crowd, _name_of(client), "Guests", attends=(event.id,), mailed_not=(campaign.id,))
    _segment(crowd, _name_of(client), "Gone", attends=("nothing",), mailed=("nothing",))
    _segment(crowd, _name_of(client), "Three", ids=ids)

    text = _text(client, "/segments/")

    rows = dict(re.findall(r'<tr id="segment-\w+">.*?<bdi>([^<]+)</bdi>(.*?)</tr>', text, re.DOTALL))
    said = {name: re.findall(r'<li class="tag-s[^"]*">(.*?)</li>', row) for name, row in rows.items()}
    plain = {name: [re.sub("<[^>]+>", "", one) for one in words] for name, words in said.items()}
    counts = {name: re.search(r'<td class="num[^"]*">(\d+)</td>', row)[1] for name, row in rows.items()}  # type: ignore[index]
    assert plain == {
        "Gone": ["Attends an event that is gone", "Was mailed a campaign that is gone"],
        "Guests": ["Attends Spring meet-up", "Was mailed not Hello there"],
        "Ours": ["Company Acme", "or Other", "City not Lund", "Hosted at most 2"],
        "Three": ["Only 3 selected people"],
    }
    assert counts == {"Gone": "0", "Guests": "0", "Ours": "2", "Three": "3"}
    assert "4 segments" in text
    assert "Previous" not in text
    assert "by tom" in rows["Ours"]
    assert f'href="/campaigns/new/?segment={crowd.segments.visible("tom")[0].id}"' in rows["Ours"]


def test_without_segments_the_page_says_how_to_make_one(sign_in: SignIn, site: Store) -> None:
    assert "No segment yet" in _text(sign_in("Viewer"), "/segments/")


def test_many_segments_come_page_by_page(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Viewer")
    for number in range(23):
        _segment(site, "tom", f"Segment {number:02}", shared=True)

    first = _text(client, "/segments/")
    following = re.search(r'rel="next" href="([^"]+)"', first)
    second = _text(client, f"/segments/{following[1]}") if following else ""

    assert first.count('<tr id="segment-') == 20
    assert "1–20 of 23" in first
    assert "21–23 of 23" in second
    assert re.findall(r"<bdi>(Segment \d+)</bdi></a>", second) == ["Segment 20", "Segment 21", "Segment 22"]


def test_renaming_over_a_newer_version_says_so_and_the_next_save_replaces_it(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Editor")
    shared = _segment(site, "tom", shared=True)
    segments.edit(site, shared.id, viewer="tom", version=1, name="Tom’s name", now=NOW)

    late = client.post(f"/segments/{shared.id}/", {"name": "My name", "shared": "on", "version": 1})
    text = html.unescape(late.content.decode())
    version = re.search(r'name="version" value="(\d+)"', text)
    again = client.post(f"/segments/{shared.id}/", {"name": "My name", "shared": "on", "version": version[1] if version else ""})

    assert late.status_code == 409
    assert "Meanwhile somebody made it “Tom’s name”" in text
    assert 'value="My name"' in text
    assert again.status_code == 302
    assert site.segments.get(shared.id).name == "My name"


def test_deleting_asks_on_a_page_and_campaigns_keep_their_filter(sign_in: SignIn, crowd: Store) -> None:
    client = sign_in("Editor")
    own = _segment(crowd, _name_of(client))
    campaign = crowd.campaigns.create(make_campaign(audience_filter=own.filter))

    asked = client.get(f"/segments/{own.id}/delete/")
    done = client.post(f"/segments/{own.id}/delete/")

    assert "campaigns keep the filter they were given" in asked.content.decode()
    assert done.headers["Location"] == "/segments/"
    assert crowd.segments.find(own.id) is None
    assert crowd.campaigns.get(campaign.id).audience_filter == own.filter


# --- above the list of people


def test_tabs_say_where_one_is(sign_in: SignIn, crowd: Store) -> None:
    client = sign_in("Viewer")
    acme = _segment(crowd, "tom", shared=True)
    _segment(crowd, "tom", "Tom’s own")

    everyone, opened = _text(client, "/people/"), _text(client, f"/people/?segment={acme.id}")
    same, other = _text(client, "/people/?company=ACME"), _text(client, "/people/?company=Other")

    assert [_current_tab(text) for text in (everyone, opened, same, other)] == ["Everyone", "Acme", "Acme", "Unsaved filter"]
    assert "Tom’s own" not in everyone
    assert "<title>People: Acme ·" in opened


def test_five_tabs_at_most_are_shown_and_the_open_segment_is_one_of_them(sign_in: SignIn, crowd: Store) -> None:
    for number in range(7):
        last = _segment(crowd, "tom", f"Segment {number}", shared=True, company=("Acme",), city=(f"City {number}",))

    text = _text(sign_in("Viewer"), f"/people/?segment={last.id}")

    tabs = re.findall(r"<bdi>(Segment \d)</bdi> <span class=\"count\"", text)
    assert tabs == ["Segment 0", "Segment 1", "Segment 2", "Segment 3", "Segment 6"]
    assert 'aria-label="All 7 segments">All 7</a>' in text


def test_an_opened_segment_is_a_filter_that_can_be_changed_and_saved_again(sign_in: SignIn, crowd: Store) -> None:
    client = sign_in("Editor")
    acme = _segment(crowd, "tom", shared=True)

    opened = _text(client, f"/people/?segment={acme.id}")
    narrowed = _text(client, f"/people/?company=Acme&city=Lund&base={acme.id}")
    sent = dict(
        re.findall(
            r'<input type="hidden" name="(\w+)" value="([^"]*)">',
            narrowed[narrowed.index(f"/segments/{acme.id}/filter/") :][:900],
        )
    )
    saved = client.post(f"/segments/{acme.id}/filter/", sent)

    assert f'<input type="hidden" name="base" value="{acme.id}">' in opened
    assert f'href="?base={acme.id}" aria-label="Remove Company Acme"' in opened
    assert "Save changes to" not in opened
    assert "Save changes to “Acme”" in narrowed
    assert "Save as new" in narrowed
    assert saved.headers["Location"] == f"/people/?segment={acme.id}"
    assert crowd.segments.get(acme.id).filter == PeopleFilter(company=("Acme",), city=("Lund",))


def test_who_may_not_change_a_segment_sees_why(sign_in: SignIn, crowd: Store) -> None:
    acme = _segment(crowd, "tom", shared=True)

    text = _text(sign_in("Viewer"), f"/people/?company=Other&base={acme.id}")

    button = re.search(r"<button[^>]*>(?:(?!</button>).)*Save changes to", text, re.DOTALL)
    assert button
    assert 'aria-disabled="true"' in button[0]
    assert "Your role, Viewer, may not" in button[0]


def test_a_filter_saved_over_a_newer_version_is_not_saved_and_nothing_typed_is_lost(sign_in: SignIn, crowd: Store) -> None:
    client = sign_in("Editor")
    acme = _segment(crowd, "tom", shared=True)
    segments.edit(crowd, acme.id, viewer="tom", version=1, wanted=PeopleFilter(city=("Lund",)), now=NOW)

    answer = client.post(f"/segments/{acme.id}/filter/", {"company": "Other", "version": "1"})
    back = _text(client, answer.headers["Location"])

    assert answer.headers["Location"] == f"/people/?company=Other&base={acme.id}"
    assert "“Acme” is not saved" in back
    assert '<input type="hidden" name="version" value="2">' in back
    assert crowd.segments.get(acme.id).filter == PeopleFilter(city=("Lund",))


def test_a_field_beside_the_segment_that_has_it_is_said_in_words(sign_in: SignIn, crowd: Store) -> None:
    acme = _segment(crowd, "tom", shared=True)
    client = sign_in("Viewer")

    narrowed = _text(client, f"/people/?segment={acme.id}&city=Lund")
    twice = _text(client, f"/people/?segment={acme.id}&company=Other")

    assert '<span class="total" role="status">1 person</span>' in narrowed
    assert "Company stands in the segment already; leave it out here." in twice


def test_sorting_and_paging_stay_in_the_segment(sign_in: SignIn, site: Store) -> None:
    site.people.create_many([make_person(last_name=f"Name{number:02}", company="Acme") for number in range(60)])
    acme = _segment(site, "tom", shared=True)
    client = sign_in("Viewer")

    first = _text(client, f"/people/?segment={acme.id}&order=name")
    following = re.search(r'rel="next" href="([^"]+)"', first)
    second = _text(client, f"/people/{following[1]}") if following else ""

    assert f"segment={acme.id}" in (following[1] if following else "")
    assert "51–60" in second
    assert _current_tab(second) == "Acme"


def test_the_tabs_are_counted_behind_the_list(sign_in: SignIn, crowd: Store) -> None:
    client = sign_in("Viewer")
    acme, lund = _segment(crowd, "tom", shared=True), _segment(crowd, "tom", "Lund", shared=True, city=("Lund",))
    theirs = _segment(crowd, "tom", "Tom’s own")

    page = _text(client, "/people/")
    asked = re.search(r'<nav aria-label="Segments" hx-get="([^"]+)" hx-trigger="load"', page)
    counted = _text(client, asked[1] if asked else "", headers={"HX-Request": "true"})
    hidden = _text(client, f"/segments/counts/?id={theirs.id}", headers={"HX-Request": "true"})

    found = re.findall(r'<span class="count" id="count-(\w+)" hx-swap-oob="true">(\d+)</span>', counted)
    assert found == [(acme.id, "3"), (lund.id, "2")]
    assert "count-" not in hidden
    assert client.get("/segments/counts/").status_code == 400


def test_htmx_gets_the_tabs_without_counting_again(sign_in: SignIn, crowd: Store) -> None:
    acme = _segment(crowd, "tom", shared=True)

    text = _text(sign_in("Viewer"), "/people/?company=Other", headers=PART)

    assert '<div id="people-segments" hx-swap-oob="true">' in text
    assert f'<span class="count" id="count-{acme.id}" hx-preserve="true"></span>' in text
    assert "/segments/counts/" not in text
    assert _current_tab(text) == "Unsaved filter"


def test_file_and_audience_take_a_segment(sign_in: SignIn, crowd: Store) -> None:
    client = sign_in("Admin")
    own = _segment(crowd, _name_of(client))

    file = b"".join(client.get(f"/people/export.csv?segment={own.id}").streaming_content).decode()  # type: ignore[attr-defined]
    opened = _text(client, f"/people/?segment={own.id}")
    letter = _text(client, f"/campaigns/new/?segment={own.id}")

    assert file.count("\n") == 4
    assert 'href="/people/export.csv?company=Acme"' in opened
    assert 'href="/campaigns/new/?company=Acme"' in opened
    assert "Write to these 3 people" in letter
    assert '<input type="hidden" form="letter" name="company" value="Acme">' in letter


def test_a_letter_names_no_segment_of_somebody_elses_own(sign_in: SignIn, crowd: Store) -> None:
    own = _segment(crowd, "tom", "Secret")
    client, letter = sign_in("Admin"), f"/campaigns/{new_id()}/"

    asked = _text(client, f"/campaigns/new/?within=segment:{own.id}")
    sent = client.post(letter, {"subject": "Hello", "body": "Text", "within": f"segment:{own.id}", "do": "preview"})

    assert "There is no such segment" in asked
    assert sent.status_code == 422
    assert own.name not in asked + sent.content.decode()
