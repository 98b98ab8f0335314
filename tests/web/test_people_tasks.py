"""Doing something to many people: chosen in the list, asked once, told afterwards, and followed on a page."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.domain.events import EventStatus
from crm.domain.filters import PeopleFilter
from crm.domain.people import Person
from crm.domain.tasks import Task, TaskAction, TaskStatus
from crm.jobs.work import Held
from crm.services import tasks
from crm.services.people import remove as remove_person
from crm.store import Store, schema
from crm.store.requests import Update
from tests.factories import make_event, make_person
from tests.jobs.mailing import ToldMailer, make_work

SignIn = Callable[[str], Client]
ASK = "/people/tasks/new/"


def crowd(store: Store, number: int, company: str = "Acme") -> list[Person]:
    made = store.people.create_many([make_person(company=company, last_name=f"N{place:03}") for place in range(number)])
    return [one for one in made if isinstance(one, Person)]


def ids(people: list[Person]) -> list[str]:
    return [person.id for person in people]


def tagged(store: Store, tag: str = "VIP") -> set[str]:
    return {person.id for person in store.people.walk(PeopleFilter(tag=(tag,)))}


def published(store: Store, **values: object) -> str:
    owner = store.people.create(make_person(company="Hosts"))
    event = make_event(owner=owner.id, start_at=timezone.now() + timedelta(days=3), **values)
    return store.events.create(event, [], [], now=timezone.now()).id


@pytest.fixture
def waiting(site: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Task]:
    """A task that no worker has taken yet."""
    monkeypatch.setattr(tasks, "AT_ONCE", 0)

    def begun(action: TaskAction = TaskAction.TAG, subject: str = "VIP") -> Task:
        wanted = PeopleFilter(company=("Acme",))
        return tasks.start(site, action, wanted, subject=subject, actor="grace", now=timezone.now())

    return begun


# choosing


def test_each_row_has_a_box_and_leads_to_the_person_at_their_place_in_the_list(site: Store, sign_in: SignIn) -> None:
    people = crowd(site, 60)

    html = sign_in("Viewer").get("/people/", {"company": "Acme", "order": "name"}).content.decode()

    first = people[0]
    assert f'name="id" value="{first.id}" aria-label="Select N000, Ada"' in html
    assert f'href="/people/{first.id}/?company=Acme&amp;order=name&amp;at=1"' in html
    assert html.count('name="id"') == 50
    assert "Select all 60" in html


def test_a_page_that_is_the_whole_list_offers_no_more_than_its_rows(site: Store, sign_in: SignIn) -> None:
    crowd(site, 3)

    html = sign_in("Editor").get("/people/").content.decode()

    assert "Select the 3 on this page" in html
    assert "data-select-all" not in html


def test_ticked_rows_are_written_to_and_exported_as_a_filter(site: Store, sign_in: SignIn) -> None:
    first, second, _ = crowd(site, 3)
    client = sign_in("Admin")
    sent = {"list": "company=Acme", "id": ids([first, second])}

    written = client.get(ASK, sent | {"action": "write"})
    exported = client.get(ASK, sent | {"action": "export"})

    assert written.headers["Location"] == f"/campaigns/new/?id={first.id}&id={second.id}"
    assert exported.headers["Location"] == f"/people/export.csv?id={first.id}&id={second.id}"


def test_all_who_match_means_the_filter_whatever_is_ticked(site: Store, sign_in: SignIn) -> None:
    people = crowd(site, 60)
    crowd(site, 2, "Other")
    client = sign_in("Admin")

    response = client.get(ASK, {"list": "company=Acme&order=name", "id": ids(people[:50]), "all": "1", "action": "export"})
    lines = b"".join(client.get(response.headers["Location"]).streaming_content).decode().splitlines()  # type: ignore[attr-defined]

    assert response.headers["Location"] == "/people/export.csv?company=Acme&order=name"
    assert len(lines) == 61


def test_all_of_a_segment_are_the_people_of_its_filter(site: Store, sign_in: SignIn) -> None:
    crowd(site, 3)
    crowd(site, 2, "Other")
    client = sign_in("Editor")
    client.post("/segments/new/", {"name": "Acme people", "shared": "on", "company": "Acme"})
    [segment] = site.segments.visible("whoever")
    page = client.get("/people/", {"segment": segment.id}).content.decode()
    listed = re.search(r'name="list" value="([^"]*)"', page)
    assert listed is not None

    client.post(ASK, {"action": "tag", "list": listed.group(1).replace("&amp;", "&"), "all": "1", "subject": "VIP"})

    assert len(tagged(site)) == 3


def page_behind(client: Client, address: str) -> str:
    """The address of the page that a list leads on to."""
    following = re.search(r'rel="next" href="([^"]+)"', client.get(address).content.decode())
    assert following is not None
    return f"/people/{unescape(following[1])}"


def test_what_is_done_on_a_page_of_the_list_leads_back_to_that_page(site: Store, sign_in: SignIn) -> None:
    people, client = crowd(site, 60), sign_in("Admin")
    second = page_behind(client, "/people/?company=Acme&order=name")
    listed = re.search(r'name="list" value="([^"]*)"', client.get(second).content.decode())
    assert listed is not None
    sent = {"list": unescape(listed[1])}

    nobody = client.get(ASK, {**sent, "action": "tag"})
    tag = client.post(ASK, {**sent, "action": "tag", "id": people[59].id, "subject": "VIP"}, follow=True)

    for back in (nobody.headers["Location"], tag.redirect_chain[-1][0]):
        assert QueryDict(back.partition("?")[2]) == QueryDict(second.partition("?")[2])
    assert "51–60 of 60" in tag.content.decode()


def test_a_page_of_the_list_that_everybody_left_leads_to_the_first(site: Store, sign_in: SignIn) -> None:
    people, client = crowd(site, 51), sign_in("Admin")
    second = page_behind(client, "/people/?company=Acme&order=name")
    remove_person(site, people[50].id, now=timezone.now())

    answer = client.get(second, follow=True)

    assert answer.redirect_chain == [("/people/?company=Acme&order=name", 302)]
    assert "1–50 of 50" in answer.content.decode()


def test_nobody_ticked_is_told_in_the_list_and_nothing_is_done(site: Store, sign_in: SignIn) -> None:
    crowd(site, 2)
    client = sign_in("Admin")

    page = client.get(ASK, {"list": "company=Acme", "action": "delete"}, follow=True)
    toast = client.get(ASK, {"list": "", "action": "delete"}, headers={"HX-Request": "true", "HX-Target": "bulk"})

    assert page.redirect_chain == [("/people/?company=Acme", 302)]
    assert "Nobody is chosen" in page.content.decode()
    assert (toast.status_code, toast.headers["HX-Retarget"]) == (422, "#toasts")


@pytest.mark.parametrize(
    ("role", "action"),
    [
        ("Viewer", "tag"),
        ("Viewer", "untag"),
        ("Marketer", "register"),
        ("Marketer", "delete"),
        ("Viewer", "export"),
        ("Editor", "write"),
    ],
)
def test_what_one_may_not_do_is_shown_says_why_and_is_refused(site: Store, sign_in: SignIn, role: str, action: str) -> None:
    [person] = crowd(site, 1)
    client = sign_in(role)

    button = re.search(rf'<button[^>]*value="{action}"[^>]*>', client.get("/people/").content.decode())
    answers = [method(ASK, {"action": action, "id": person.id}) for method in (client.get, client.post)]

    assert button is not None
    assert f'aria-disabled="true" title="Your role, {role}, may not' in button.group()
    assert [answer.status_code for answer in answers] == [403, 403]
    assert site.tasks.recent() == []


def test_an_unknown_action_is_a_clear_error(sign_in: SignIn) -> None:
    response = sign_in("Admin").get(ASK, {"action": "explode"})

    assert response.status_code == 400
    assert "Choose people in the list first" in response.content.decode()


def test_two_who_are_ticked_are_led_to_their_merge_and_others_told_that_it_takes_two(site: Store, sign_in: SignIn) -> None:
    first, second, third = crowd(site, 3)
    client = sign_in("Editor")

    two = client.get(ASK, {"action": "merge", "id": ids([first, second])})
    three = client.get(ASK, {"action": "merge", "id": ids([first, second, third])}, follow=True)

    assert two.headers["Location"] == f"/people/merge/?id={first.id}&id={second.id}"
    assert "Two people can be merged" in three.content.decode()


def test_a_filter_that_cant_be_is_refused(site: Store, sign_in: SignIn) -> None:
    response = sign_in("Admin").get(ASK, {"action": "tag", "all": "1", "list": "attendedEventCountMin=many"})

    assert response.status_code == 422
    assert site.tasks.recent() == []


# asking


def test_in_the_list_the_question_is_the_inside_of_a_dialog(site: Store, sign_in: SignIn) -> None:
    [person] = crowd(site, 1)
    headers = {"HX-Request": "true", "HX-Target": "bulk"}

    html = sign_in("Editor").get(ASK, {"action": "tag", "id": person.id}, headers=headers).content.decode()

    assert '<h2 class="mb-3" id="bulk-title">' in html
    assert "<html" not in html
    assert 'command="close"' in html


def test_tags_that_exist_are_suggested_with_their_counts(site: Store, sign_in: SignIn) -> None:
    site.people.create_many([make_person(tags=("speaker",)) for _ in range(3)])
    [person] = crowd(site, 1)

    html = sign_in("Editor").get(ASK, {"action": "tag", "id": person.id}).content.decode()

    assert '<option value="speaker">3 people</option>' in html


def test_of_ticked_people_only_the_tags_they_have_can_be_taken(site: Store, sign_in: SignIn) -> None:
    person = site.people.create(make_person(tags=("mine",)))
    site.people.create(make_person(tags=("other",)))

    html = sign_in("Editor").get(ASK, {"action": "untag", "id": person.id}).content.decode()

    assert '<option value="mine">1 person</option>' in html
    assert "other</option>" not in html


def test_before_deleting_it_is_said_how_many_leave_events(site: Store, sign_in: SignIn) -> None:
    people = crowd(site, 5)
    event_id = published(site)
    site.events.seat(event_id, ids(people[:2]), now=timezone.now())

    html = sign_in("Editor").get(ASK, {"action": "delete", "list": "company=Acme", "all": "1"}).content.decode()

    assert "Delete 5 people?" in html
    assert "2 people leave events" in html
    assert "can’t be undone" in html


@pytest.mark.parametrize("action", ["delete", "tag", "untag", "register"])
def test_nobody_who_matches_is_told_instead_of_asked_about(site: Store, sign_in: SignIn, action: str) -> None:
    published(site)
    asked = {"action": action, "list": "company=Nobody", "all": "1"}

    alone = sign_in("Admin").get(ASK, asked)
    inside = sign_in("Admin").get(ASK, asked, headers={"HX-Request": "true", "HX-Target": "bulk"})

    assert (alone.status_code, alone.headers["Location"]) == (302, "/people/?company=Nobody")
    assert inside.status_code == 422
    assert "Nobody is there to do this to" in inside.content.decode()
    assert "0 people" not in inside.content.decode()


def test_choosing_an_event_tells_who_gets_a_seat(site: Store, sign_in: SignIn) -> None:
    people = crowd(site, 10)
    event_id = published(site, max_capacity=5)
    site.events.seat(event_id, ids(people[:2]), now=timezone.now())
    client = sign_in("Editor")

    asked = client.get(ASK, {"action": "register", "list": "company=Acme", "all": "1"}).content.decode()
    chosen = client.get(ASK, {"action": "register", "list": "company=Acme", "all": "1", "subject": event_id}).content.decode()

    assert "3 seats left" in asked
    assert "would be" not in asked
    words = re.sub(r"<[^>]+>|\s+", " ", chosen)
    assert re.search(r"3 +would be registered, +5 +put on the waitlist, as 3 seats are left, +2 +are on the list already", words)


def test_events_that_take_nobody_are_not_offered(site: Store, sign_in: SignIn) -> None:
    [person] = crowd(site, 1)
    published(site, title="Spring meetup")
    cancelled = published(site, title="Called off")
    change = Update(key=schema.key("event", id=cancelled), changes={"status": EventStatus.CANCELLED.value})
    site.table.write([change])

    offered = sign_in("Editor").get(ASK, {"action": "register", "id": person.id}).content.decode()

    assert "Spring meetup" in offered
    assert "Called off" not in offered


# doing


def test_a_few_are_done_at_once_and_told_in_the_list(site: Store, sign_in: SignIn) -> None:
    first, second, third = crowd(site, 3)

    page = sign_in("Editor").post(
        ASK, {"action": "tag", "list": "company=Acme", "id": ids([first, second]), "subject": " VIP "}, follow=True
    )

    [task] = site.tasks.recent()
    html = page.content.decode()
    assert page.redirect_chain == [("/people/?company=Acme", 302)]
    assert "2 people tagged “VIP”" in html
    assert f'<a href="/people/?selected={task.id}">Show them</a> · <a href="/people/tasks/{task.id}/">' in html
    assert tagged(site) == {first.id, second.id}
    assert third.id not in tagged(site)


def test_a_tag_that_cant_be_keeps_what_was_typed_and_who_was_chosen(site: Store, sign_in: SignIn) -> None:
    [person] = crowd(site, 1)

    response = sign_in("Editor").post(ASK, {"action": "tag", "id": person.id, "subject": "x" * 101})

    html = response.content.decode()
    assert response.status_code == 422
    assert f'name="id" value="{person.id}"' in html
    assert "x" * 101 in html
    assert "can’t be used" in html or "can&#x27;t be used" in html
    assert site.tasks.recent() == []


def test_the_same_form_sent_twice_does_it_once(site: Store, sign_in: SignIn) -> None:
    [person] = crowd(site, 1)
    client = sign_in("Editor")
    question = client.get(ASK, {"action": "tag", "id": person.id}).content.decode()
    task_id = re.search(r'name="task" value="([0-9a-f]{32})"', question)
    assert task_id is not None
    sent = {"action": "tag", "id": person.id, "subject": "VIP", "task": task_id.group(1)}

    client.post(ASK, sent)
    client.post(ASK, sent)

    assert [task.id for task in site.tasks.recent()] == [task_id.group(1)]


def test_who_joined_the_list_since_the_question_is_not_deleted_unseen(site: Store, sign_in: SignIn) -> None:
    crowd(site, 3)
    client = sign_in("Editor")
    sent = {"action": "delete", "list": "company=Acme", "all": "1", "shown": "2"}

    refused = client.post(ASK, sent)
    done = client.post(ASK, sent | {"shown": "3"}, follow=True)

    assert refused.status_code == 422
    assert "By now 3 people match" in refused.content.decode()
    assert "3 people deleted" in done.content.decode()
    assert site.people.totals().total == 0


def test_people_are_added_to_an_event_from_the_list(site: Store, sign_in: SignIn) -> None:
    people = crowd(site, 3)
    event_id = published(site, max_capacity=2, title="Spring meetup")

    page = sign_in("Editor").post(ASK, {"action": "register", "id": ids(people), "subject": event_id}, follow=True)

    html = page.content.decode()
    assert "2 people registered for Spring meetup" in html
    assert "1 on the waitlist" in html
    assert site.events.get(event_id).registered_count == 2


def test_adding_without_an_event_says_what_is_missing(site: Store, sign_in: SignIn) -> None:
    [person] = crowd(site, 1)
    published(site)

    response = sign_in("Editor").post(ASK, {"action": "register", "id": person.id, "subject": ""})

    assert response.status_code == 422
    assert "Choose an event." in response.content.decode()


def test_many_have_a_page_of_their_own(site: Store, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    crowd(site, 3)

    response = sign_in("Editor").post(ASK, {"action": "tag", "list": "company=Acme", "all": "1", "subject": "VIP"})

    [task] = site.tasks.recent()
    assert response.headers["Location"] == f"/people/tasks/{task.id}/"
    assert (task.status, task.matched) == (TaskStatus.NOTING, 3)
    assert tagged(site) == set()


# following


def test_the_page_of_a_task_that_works_asks_for_itself_again(site: Store, sign_in: SignIn, waiting: Callable[..., Task]) -> None:
    crowd(site, 3)
    task = waiting()
    client = sign_in("Viewer")

    page = client.get(f"/people/tasks/{task.id}/").content.decode()
    part = client.get(f"/people/tasks/{task.id}/", headers={"HX-Request": "true", "HX-Target": "task"}).content.decode()

    assert 'hx-trigger="every 1s"' in page
    assert part.lstrip().startswith('<div id="task"')
    assert "Your role, Viewer, may not add and change people" in page
    assert f'<a class="btn btn-s" href="/people/tasks/{task.id}/">' in page


def test_a_task_that_rests_after_a_breakdown_says_so_and_when_it_is_tried_again(
    site: Store, sign_in: SignIn, waiting: Callable[..., Task]
) -> None:
    crowd(site, 1)
    task = waiting()
    held = Held.take(make_work(site, ToldMailer()), tasks.job_of(task.id), "one")
    assert held is not None
    held.break_down("KeyError", "crm/jobs/tasks.py:7")

    pages = [sign_in(role).get(f"/people/tasks/{task.id}/").content.decode() for role in ("Viewer", "Admin")]

    assert all("It broke (KeyError at crm/jobs/tasks.py:7) and is tried again at " in page for page in pages)
    assert ['<a href="/settings/jobs/">Background work</a> tells more' in page for page in pages] == [False, True]


def test_a_task_that_is_over_says_what_became_of_them_and_leads_to_them(site: Store, sign_in: SignIn) -> None:
    crowd(site, 2)
    site.people.create(make_person(company="Acme", tags=tuple(f"t{number}" for number in range(20))))
    client = sign_in("Editor")
    client.post(ASK, {"action": "tag", "list": "company=Acme", "all": "1", "subject": "VIP"})
    [task] = site.tasks.recent()

    html = client.get(f"/people/tasks/{task.id}/").content.decode()
    shown = client.get("/people/", {"selected": task.id}).content.decode()
    left_out = client.get("/people/", {"selected": task.id, "tagNot": "VIP"}).content.decode()

    assert "2 people tagged “VIP”" in html
    assert "They have 20 tags already" in html
    assert "hx-trigger" not in html
    assert f'href="/people/?selected={task.id}"' in html
    assert f'href="/people/?selected={task.id}&amp;tagNot=VIP"' in html
    assert "3 people</span>" in shown
    assert "1 person</span>" in left_out


def test_cancelling_stops_it_and_says_what_was_done(site: Store, sign_in: SignIn, waiting: Callable[..., Task]) -> None:
    crowd(site, 3)
    task = waiting()

    page = sign_in("Editor").post(f"/people/tasks/{task.id}/cancel/", follow=True)

    assert "Nobody was touched" in page.content.decode()
    assert site.tasks.get(task.id).status is TaskStatus.CANCELLED


def test_cancelling_needs_the_right_to_do_it(site: Store, sign_in: SignIn, waiting: Callable[..., Task]) -> None:
    crowd(site, 1)
    task = waiting(TaskAction.DELETE, "")

    response = sign_in("Marketer").post(f"/people/tasks/{task.id}/cancel/")

    assert response.status_code == 403
    assert not site.tasks.get(task.id).ended


def test_cancelling_what_is_done_says_so(site: Store, sign_in: SignIn) -> None:
    crowd(site, 1)
    client = sign_in("Editor")
    client.post(ASK, {"action": "tag", "list": "", "all": "1", "subject": "VIP"})
    [task] = site.tasks.recent()

    page = client.post(f"/people/tasks/{task.id}/cancel/", follow=True)

    assert "There is nothing left to cancel" in page.content.decode()


def test_recent_tasks_are_listed(site: Store, sign_in: SignIn) -> None:
    crowd(site, 1)
    client = sign_in("Editor")
    client.post(ASK, {"action": "tag", "list": "", "all": "1", "subject": "VIP"})

    html = client.get(reverse("people:tasks")).content.decode()

    assert "Tag 1 person “VIP”" in html
    assert reverse("people:tasks") in client.get("/people/").content.decode()
