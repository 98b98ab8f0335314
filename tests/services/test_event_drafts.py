"""Publishing drafts of events: once, with everybody, whoever else is at it; and what it takes over from whom."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from crm.domain.draft_people import SourceKind
from crm.domain.errors import Conflict, CrmError, NotFound
from crm.domain.event_drafts import EventDraft, Step
from crm.domain.events import EventStatus
from crm.domain.filters import PeopleFilter
from crm.domain.ids import new_id
from crm.domain.people import Person
from crm.domain.tasks import TaskStatus
from crm.services import draft_checks, draft_people, erasure, event_drafts, merge, tasks, verify
from crm.services.event_jobs import CREATING, job_key
from crm.store import Store
from tests.factories import NOW, make_event, make_person

ACTOR = {"actor": "ingrid", "now": NOW}
TEXTS = {
    "title": "Autumn kick-off",
    "description": "Talks",
    "startDate": "2026-09-03",
    "startTime": "18:00",
    "endTime": "21:00",
    "timezone": "Europe/Stockholm",
    "venue": "Hall",
    "waitlist": "yes",
    "autoNoShow": "yes",
}


def people(store: Store, number: int, **values: object) -> list[Person]:
    made = store.people.create_many([make_person(**values) for _ in range(number)])
    store.stats.fold_all()
    return [one for one in made if isinstance(one, Person)]


def drafted(store: Store, owner: str, hosts: list[str] | None = None, **fields: str) -> EventDraft:
    """A draft whose first three steps were saved."""
    draft_id, texts = new_id(), {**TEXTS, "owner": owner, **fields}
    for step in (Step.BASICS, Step.WHEN, Step.HOSTS):
        host_ids = hosts if step is Step.HOSTS else None
        event_drafts.save_step(store, draft_id, step, texts, host_ids=host_ids, seen=0, **ACTOR)
    return store.drafts.get(draft_id)


def publish(store: Store, draft_id: str) -> None:
    event_drafts.publish(store, draft_id, version=store.drafts.get(draft_id).version, **ACTOR)


def clean(store: Store) -> bool:
    store.stats.fold_all()
    return verify.differences(store) == []


def test_people_of_all_sources_come_once_and_who_is_too_many_waits_in_their_order(store: Store) -> None:
    ada, *others = people(store, 5, company="Acme")
    draft = drafted(store, ada.id, maxCapacity="2")
    pasted = draft_people.address_source(store, "s1", SourceKind.PASTED, [others[3].profile.email, "nils@nowhere.example"])
    draft_people.add(store, draft.id, pasted, **ACTOR)
    draft_people.add(store, draft.id, draft_people.filter_source("s2", PeopleFilter(company=("acme",))), **ACTOR)

    publish(store, draft.id)

    event = store.events.get(draft.id)
    assert (event.status, event.registered_count, event.waitlisted_count) == (EventStatus.PUBLISHED, 2, 3)
    assert others[3].id in store.events.attendances(draft.id, [others[3].id])
    assert store.events.attendances(draft.id, [others[3].id])[others[3].id].seated
    assert clean(store)


def test_without_a_waitlist_who_finds_no_seat_is_left_out(store: Store) -> None:
    three = people(store, 3, company="Acme")
    draft = drafted(store, three[0].id, maxCapacity="1", waitlist="")
    draft_people.add(store, draft.id, draft_people.filter_source("s1", PeopleFilter(company=("Acme",))), **ACTOR)

    looked = draft_checks.review(store, store.drafts.get(draft.id), now=NOW)
    publish(store, draft.id)

    assert any("2 would be left out, as there is no waitlist" in check.text for check in looked.checks)
    event = store.events.get(draft.id)
    assert (event.registered_count, event.waitlisted_count) == (1, 0)
    assert clean(store)


def test_ten_who_publish_at_once_publish_one_event(store: Store) -> None:
    (ada,) = people(store, 1)
    draft = drafted(store, ada.id, [ada.id])
    told: list[str] = []

    def attempt() -> None:
        try:
            told.append(event_drafts.publish(store, draft.id, version=draft.version, **ACTOR).id)
        except CrmError as error:
            told.append(error.message)

    threads = [threading.Thread(target=attempt) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(told) == {draft.id}
    assert store.people.get(ada.id).hosted_event_count == 1
    assert clean(store)


def test_of_two_drafts_with_one_slug_the_second_is_told_at_its_field(store: Store) -> None:
    (ada,) = people(store, 1)
    first, second = drafted(store, ada.id, slug="autumn"), drafted(store, ada.id, slug="autumn")
    publish(store, first.id)

    faults = draft_checks.faults_of(store, second, Step.BASICS, now=NOW)
    with pytest.raises(CrmError, match="The slug autumn is taken by “Autumn kick-off”"):
        publish(store, second.id)

    assert [fault.field for fault in faults] == ["slug"]
    assert store.drafts.get(second.id) == second
    assert event_drafts.free_slug(store, "Autumn", second.id) == "autumn-2"


def test_what_was_changed_while_somebody_looked_is_not_published(store: Store) -> None:
    (ada,) = people(store, 1)
    draft = drafted(store, ada.id)
    draft_people.choose(store, draft.id, ada.id, **ACTOR)

    with pytest.raises(Conflict, match="changed since you looked"):
        event_drafts.publish(store, draft.id, version=draft.version, **ACTOR)

    assert store.drafts.find(draft.id) is not None


def test_large_filters_are_added_by_tasks_that_begin_with_the_event(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft_people, "MAX_ATTENDEES", 4)
    monkeypatch.setattr(draft_people, "MAX_PEOPLE", 3)
    crowd, few = people(store, 6, company="Acme"), people(store, 2, company="Other")
    draft = drafted(store, crowd[0].id)
    draft_people.choose(store, draft.id, few[0].id, **ACTOR)
    draft_people.add(store, draft.id, draft_people.filter_source("s1", PeopleFilter(company=("Other",))), **ACTOR)
    draft_people.add(store, draft.id, draft_people.filter_source("s2", PeopleFilter(company=("Acme",))), **ACTOR)

    publish(store, draft.id)
    event = store.events.get(draft.id)
    (task,) = store.tasks.recent()
    waiting = store.jobs.get(tasks.job_of(task.id))
    tasks.go_on(store, task.id, now=NOW + timedelta(minutes=1))

    assert event.registered_count == 2
    assert waiting is not None
    assert waiting.due_at == NOW
    assert store.tasks.get(task.id).status is TaskStatus.DONE
    assert store.events.get(draft.id).registered_count == 8


def test_what_takes_long_is_finished_by_a_worker(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_drafts, "AT_ONCE", 0.0)
    crowd = people(store, 70, company="Acme")
    draft = drafted(store, crowd[0].id)
    draft_people.add(store, draft.id, draft_people.filter_source("s1", PeopleFilter(company=("Acme",))), **ACTOR)

    publish(store, draft.id)
    begun, job = store.events.get(draft.id), store.jobs.get(job_key(draft.id, CREATING))
    while store.events.fill(draft.id, now=NOW):
        pass

    assert (begun.status, 0 < begun.registered_count < 70) == (EventStatus.CREATING, True)
    assert job is not None
    assert job.due_at == NOW
    assert store.events.get(draft.id).registered_count == 70


def test_the_largest_draft_fits_into_one_transaction(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = people(store, 20)
    monkeypatch.setattr(draft_people, "MAX_ATTENDEES", 0)
    monkeypatch.setattr(draft_people, "MAX_PEOPLE", draft_people.MAX_PEOPLE)
    draft = drafted(store, crowd[0].id, [one.id for one in crowd])
    for number in range(draft_people.LATER_MOST):
        wanted = PeopleFilter(q=crowd[number].profile.email)
        draft_people.add(store, draft.id, draft_people.filter_source(f"s{number}", wanted), **ACTOR)
    gathered = draft_people.Gathered(
        ids=tuple(f"{number:032x}" for number in range(draft_people.MAX_PEOPLE)),
        later=store.drafts.sources(draft.id),
        found={f"s{number}": 1 for number in range(draft_people.LATER_MOST)},
    )
    monkeypatch.setattr(draft_checks, "gather", lambda *_: gathered)
    monkeypatch.setattr("crm.services.events.check_known", lambda *_: None)
    monkeypatch.setattr(store.events, "fill", lambda *_, **__: False)

    publish(store, draft.id)

    assert store.events.get(draft.id).status is EventStatus.CREATING
    assert len(store.tasks.recent()) == draft_people.LATER_MOST


def test_who_is_gone_is_left_out_and_an_owner_who_is_gone_blocks(store: Store) -> None:
    ada, bob = people(store, 2)
    draft = drafted(store, ada.id, [bob.id])
    draft_people.choose(store, draft.id, bob.id, **ACTOR)
    for one in (ada, bob):
        store.events.leave_all(one.id, now=NOW)
        store.people.delete(store.people.get(one.id))

    looked = draft_checks.review(store, store.drafts.get(draft.id), now=NOW)

    assert [check.field for check in looked.blocking] == ["owner"]
    said = " ".join(check.text for check in looked.checks)
    assert "One host is no longer here" in said
    assert "One person who was named is no longer here" in said
    assert looked.gathered.ids == ()


def test_whoever_somebody_was_merged_into_takes_their_place(store: Store) -> None:
    ada, twin, other = people(store, 3)
    draft = drafted(store, twin.id, [twin.id, ada.id, other.id])
    draft_people.choose(store, draft.id, twin.id, **ACTOR)
    merge.merge(store, ada.id, twin.id, ada.profile, versions=(ada.version, twin.version), **ACTOR)

    publish(store, draft.id)

    event = store.events.get(draft.id)
    assert (event.owner, event.host_ids) == (ada.id, (ada.id, other.id))
    assert store.events.attendances(draft.id, [ada.id])[ada.id].seated
    assert clean(store)


def test_an_address_that_becomes_somebodys_comes_along(store: Store) -> None:
    (ada,) = people(store, 1)
    draft = drafted(store, ada.id)
    draft_people.add(store, draft.id, draft_people.address_source(store, "s1", SourceKind.PASTED, ["new@example.org"]), **ACTOR)
    came = store.people.create(make_person(email="new@example.org"))

    gathered = draft_people.gather(store, store.drafts.sources(draft.id))

    assert (gathered.ids, gathered.unknowns) == ((came.id,), [])


def test_two_who_add_people_at_once_both_add_them(store: Store) -> None:
    ada, bob = people(store, 2)
    draft = drafted(store, ada.id)
    threads = [
        threading.Thread(
            target=draft_people.add,
            args=(store, draft.id, draft_people.address_source(store, one.id, SourceKind.PASTED, [one.profile.email])),
            kwargs=ACTOR,
        )
        for one in (ada, bob)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {id_ for source in store.drafts.sources(draft.id) for id_ in source.ids} == {ada.id, bob.id}


def test_a_copy_of_an_event_that_is_gone_begins_empty(store: Store) -> None:
    draft = event_drafts.save_step(store, new_id(), Step.BASICS, {"title": "New"}, seen=0, copy_of=new_id(), **ACTOR)

    assert (draft.title, draft.text("startDate"), draft.text("waitlist")) == ("New", "", "yes")


def test_a_save_for_a_draft_that_is_gone_says_so(store: Store) -> None:
    with pytest.raises(NotFound):
        event_drafts.save_step(store, new_id(), Step.BASICS, {"title": "Old"}, seen=3, **ACTOR)


def test_who_is_busy_at_that_time_is_named(store: Store) -> None:
    ada, bob, free = people(store, 3)
    draft = drafted(store, ada.id, [bob.id, free.id])
    event = draft.planned(now=NOW).event
    assert event is not None
    other = make_event(title="Board", start_at=event.start_at - timedelta(days=2), end_at=event.start_at + timedelta(minutes=1))
    store.events.create(other, [bob.id], [], now=NOW)
    touching = make_event(start_at=event.end_at, owner=free.id)
    store.events.create(touching, [], [], now=NOW)

    looked = draft_checks.review(store, draft, now=NOW)

    assert [check.text for check in looked.checks if "is with" in check.text] == [
        f"{bob.name} is with “Board” at that time (18:00–18:01)."
    ]


def test_erasing_somebody_takes_them_out_of_drafts(store: Store) -> None:
    (owner,) = people(store, 1)
    bo = store.people.create(make_person(first_name="Bo", last_name="Li", email="bo@example.org"))
    draft = drafted(store, owner.id, findHost="bo li")
    draft_people.choose(store, draft.id, bo.id, **ACTOR)
    unknown = draft_people.address_source(store, "s1", SourceKind.PASTED, ["nobody@example.org"])
    draft_people.add(store, draft.id, replace(unknown, unknown=("bo@example.org", "nobody@example.org")), **ACTOR)
    draft_people.add(store, draft.id, draft_people.filter_source("s2", PeopleFilter(q="bo@example.org")), **ACTOR)

    erasure.erase(store, bo.id, **ACTOR)

    sources = {one.id: one for one in store.drafts.sources(draft.id)}
    assert sources.keys() == {"s1", "s2"}
    assert sources["s1"].unknown == ("nobody@example.org",)
    assert dict(sources["s2"].values) == {"id": [bo.id]}
    assert store.drafts.get(draft.id).text("findHost") == ""
