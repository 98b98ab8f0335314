"""One action on many people: what it does, what it counts, and what a step counts that is done again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.events import AttendanceStatus, EventStatus
from crm.domain.filters import PeopleFilter
from crm.domain.log import LogKind
from crm.domain.people import Person
from crm.domain.tasks import Outcome, Task, TaskAction, TaskStatus
from crm.services import erasure, task_steps, tasks
from crm.services import people as people_service
from crm.services.sign_ups import sign_up
from crm.services.verify import differences, repair
from crm.store import Store, schema
from crm.store.jobs import Breakdown
from crm.store.requests import Delete, Update
from tests.factories import NOW, make_event, make_person
from tests.services.merging import Died, dying, merged

LATER = NOW + timedelta(hours=1)
COMPANY = "Analytical Engines"
EVERYBODY = PeopleFilter(company=(COMPANY,))


def crowd(store: Store, number: int, **values: Any) -> list[Person]:
    made = store.people.create_many([make_person(**{"company": COMPANY, **values}) for _ in range(number)])
    return [one for one in made if isinstance(one, Person)]


def ids_of(people: Sequence[Person]) -> tuple[str, ...]:
    return tuple(person.id for person in people)


def start(store: Store, action: TaskAction, wanted: PeopleFilter = EVERYBODY, **values: Any) -> Task:
    return tasks.start(store, action, wanted, **{"actor": "grace", "now": LATER, **values})


def tagged(store: Store, tag: str) -> set[str]:
    return {person.id for person in store.people.walk(PeopleFilter(tag=(tag,)))}


def published(store: Store, **values: Any) -> str:
    owner = store.people.create(make_person())
    event = make_event(owner=owner.id, status=EventStatus.PUBLISHED, **values)
    return store.events.create(event, [], [], now=NOW).id


def begun_and_left(store: Store, action: TaskAction, monkeypatch: pytest.MonkeyPatch, **values: Any) -> Task:
    """A task as it stands when whoever does it dies before the first step."""
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "_work_now", lambda store, task, now: task)
        return start(store, action, **values)


def step(store: Store, task: Task) -> Task:
    """Do one step and write it."""
    moved, actions = task_steps.advance(store, task, now=LATER, keep=lambda: None)
    store.table.write([*actions, store.tasks.move(task, moved)])
    return store.tasks.get(task.id)


def unwritten_step(store: Store, task: Task) -> None:
    """Do one step and die before it is written."""
    task_steps.advance(store, task, now=LATER, keep=lambda: None)


def to_the_end(store: Store, task: Task) -> Task:
    while not task.ended:
        task = step(store, task)
    return task


def noted(store: Store, task: Task) -> Task:
    while task.status is TaskStatus.NOTING:
        task = step(store, task)
    return task


# tags


def test_tagging_reaches_everybody_who_matches_and_nobody_else(store: Store) -> None:
    people = crowd(store, 130)
    store.people.create(make_person(company="Other"))

    task = start(store, TaskAction.TAG, subject=" VIP ")

    assert (task.status, task.counts) == (TaskStatus.DONE, {Outcome.DONE: 130})
    assert tagged(store, "vip") == set(ids_of(people))
    assert task.title == "Tag 130 people “VIP”"
    assert differences(store) == []


def test_a_tag_that_somebody_has_is_left_as_it_is_typed(store: Store) -> None:
    [person] = crowd(store, 1, tags=("Vip",))

    task = start(store, TaskAction.TAG, subject="VIP")

    assert task.counts == {Outcome.UNCHANGED: 1}
    assert store.people.get(person.id) == person
    assert store.log.of(person.id) == []


def test_whoever_was_taken_over_and_is_still_at_it_does_not_make_people_count_as_unchanged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(store, 5)
    task = noted(store, begun_and_left(store, TaskAction.TAG, monkeypatch, subject="VIP"))
    slow_one = iter([lambda: unwritten_step(store, task)])

    moved, _ = task_steps.advance(store, task, now=LATER, keep=lambda: next(slow_one, lambda: None)())

    assert moved.counts == {Outcome.DONE: 5}


def test_tagging_writes_who_did_it_into_the_log_of_each(store: Store) -> None:
    [person] = crowd(store, 1, tags=("old",))

    task = start(store, TaskAction.TAG, subject="VIP")

    [entry] = store.log.of(person.id)
    assert (entry.kind, entry.actor, entry.source, entry.source_name) == (LogKind.EDITED, "grace", task.id, task.title)
    assert entry.changes == {"tags": ("old", "old\nVIP")}


def test_whoever_has_twenty_tags_is_counted_with_the_reason(store: Store) -> None:
    crowd(store, 1, tags=tuple(f"tag {number}" for number in range(20)))
    crowd(store, 2)

    task = start(store, TaskAction.TAG, subject="VIP")

    assert task.counts == {Outcome.DONE: 2, Outcome.TOO_MANY_TAGS: 1}
    assert task.failed == 1


def test_taking_a_tag_away_leaves_the_other_tags(store: Store) -> None:
    [with_tag] = crowd(store, 1, tags=("speaker", "Vip"))
    crowd(store, 1, tags=("speaker",))

    task = start(store, TaskAction.UNTAG, subject="VIP")

    assert task.counts == {Outcome.DONE: 1, Outcome.UNCHANGED: 1}
    assert store.people.get(with_tag.id).profile.tags == ("speaker",)
    assert differences(store) == []


@pytest.mark.parametrize("tag", ["", "  ", "\u0301", "x" * 101, "a\tb"])
def test_a_tag_that_cant_be_is_refused_before_anything_is_written(store: Store, tag: str) -> None:
    crowd(store, 1)

    with pytest.raises(RuleViolation) as refused:
        start(store, TaskAction.TAG, subject=tag)

    assert refused.value.field == "tag"
    assert store.tasks.recent() == []


def test_a_step_of_tagging_that_was_done_but_not_written_counts_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(store, 5)
    crowd(store, 3, tags=("VIP",))
    task = noted(store, begun_and_left(store, TaskAction.TAG, monkeypatch, subject="VIP"))
    unwritten_step(store, task)

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 5, Outcome.UNCHANGED: 3}
    assert [len(store.log.of(person.id)) for person in store.people.walk(EVERYBODY)].count(1) == 5
    assert differences(store) == []


def test_whoever_was_tagged_by_an_unwritten_step_and_merged_then_counts_as_tagged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, tagged_then_merged, *_ = crowd(store, 5)
    heir, last = (store.people.create(make_person(company="Other")) for _ in range(2))
    task = noted(store, begun_and_left(store, TaskAction.TAG, monkeypatch, subject="VIP"))
    merged(store, heir, before, now=LATER)
    unwritten_step(store, task)
    merged(store, heir, tagged_then_merged, now=LATER)
    merged(store, last, heir, now=LATER)

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 4, Outcome.GONE: 1}


def test_whoever_is_edited_at_the_same_moment_keeps_the_edit_and_gets_the_tag(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    [person] = crowd(store, 1)
    get_many, edits = store.people.get_many, iter([True])

    def then_somebody_edits(ids: Sequence[str]) -> dict[str, Person]:
        found = get_many(ids)
        if next(edits, False):
            profile = make_person(company=COMPANY, last_name="King", email=person.profile.email).profile
            people_service.edit(store, person.id, profile, version=person.version, now=LATER)
        return found

    task = noted(store, begun_and_left(store, TaskAction.TAG, monkeypatch, subject="VIP"))
    monkeypatch.setattr(store.people, "get_many", then_somebody_edits)
    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 1}
    assert store.people.get(person.id).profile.last_name == "King"
    assert store.people.get(person.id).profile.tags == ("VIP",)


# who


def test_who_was_added_after_the_task_began_is_not_touched(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = crowd(store, 2)
    task = begun_and_left(store, TaskAction.TAG, monkeypatch, subject="VIP")
    crowd(store, 1, created_at=LATER + timedelta(seconds=1))

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 2}
    assert tagged(store, "VIP") == set(ids_of(before))


def test_who_was_deleted_meanwhile_is_skipped_and_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, *_ = crowd(store, 3)
    task = noted(store, begun_and_left(store, TaskAction.TAG, monkeypatch, subject="VIP"))
    people_service.remove(store, gone.id, now=LATER)

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 2, Outcome.GONE: 1}


def test_who_no_longer_matches_once_they_are_noted_down_is_done_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = crowd(store, 3)
    task = noted(store, begun_and_left(store, TaskAction.TAG, monkeypatch, subject="VIP"))
    moved = make_person(company="Other", email=people[0].profile.email).profile
    people_service.edit(store, people[0].id, moved, version=1, now=LATER)

    to_the_end(store, task)

    assert tagged(store, "VIP") == set(ids_of(people))


def test_many_are_noted_down_step_by_step_each_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_steps, "AT_ONCE", 60)
    monkeypatch.setitem(task_steps.PART, TaskAction.TAG, 25)
    people = crowd(store, 150)

    task = start(store, TaskAction.TAG, subject="VIP")

    assert (task.noted, task.parts, task.counts) == (150, 8, {Outcome.DONE: 150})
    assert sorted(store.selections.walk(task.id)) == sorted(ids_of(people))
    assert store.people.count(PeopleFilter(selected=(task.id,))) == 150


def test_whoever_moves_in_the_list_while_it_is_noted_down_is_noted_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_steps, "AT_ONCE", 10)
    monkeypatch.setitem(task_steps.PART, TaskAction.TAG, 4)
    people = [crowd(store, 1, last_name=f"M{number:02}")[0] for number in range(30)]
    task = step(store, begun_and_left(store, TaskAction.TAG, monkeypatch, subject="VIP"))
    for person, last_name in ((people[-1], "Aa"), (people[0], "Zz")):
        renamed = replace(person.profile, last_name=last_name)
        people_service.edit(store, person.id, renamed, version=1, now=LATER + timedelta(seconds=1))

    done = to_the_end(store, task)

    assert (done.noted, done.counts) == (30, {Outcome.DONE: 30})
    assert tagged(store, "VIP") == set(ids_of(people))


def test_whoever_moves_in_a_list_by_a_count_is_noted_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_steps, "AT_ONCE", 10)
    people = crowd(store, 30)
    first, second = published(store), published(store)
    sign_up(store, first, ids_of(people), now=NOW)
    often = PeopleFilter(attended_min=1)
    task = step(store, begun_and_left(store, TaskAction.TAG, monkeypatch, subject="VIP", wanted=often))
    noted_first, *_ = store.selections.walk(task.id)
    sign_up(store, second, [noted_first, *[one.id for one in people if one.id != noted_first][:25]], now=LATER)

    done = to_the_end(store, task)

    assert (done.noted, done.counts) == (30, {Outcome.DONE: 30})
    assert tagged(store, "VIP") == set(ids_of(people))


def test_ticked_rows_are_a_filter_too(store: Store) -> None:
    first, _, third = crowd(store, 3)

    task = start(store, TaskAction.TAG, PeopleFilter(ids=(first.id, third.id)), subject="VIP")

    assert task.title == "Tag 2 people “VIP”"
    assert tagged(store, "VIP") == {first.id, third.id}


def test_the_filter_is_forgotten_once_all_are_noted_down(store: Store) -> None:
    crowd(store, 1, last_name="Secretive")

    task = start(store, TaskAction.TAG, PeopleFilter(q="secretive"), subject="VIP")

    item = next(item for item in store.table.scan() if item["entityType"] == "task")
    assert task.counts == {Outcome.DONE: 1}
    assert "ecretive" not in str(item)


def test_nobody_to_do_it_to_is_said(store: Store) -> None:
    with pytest.raises(RuleViolation, match="nobody matches any more"):
        start(store, TaskAction.TAG, subject="VIP")

    assert list(store.table.scan()) == []


# events


def test_people_are_registered_while_there_are_seats_then_put_on_the_waitlist(store: Store) -> None:
    people = crowd(store, 50)
    event_id = published(store, max_capacity=40)
    sign_up(store, event_id, ids_of(people[:5]), now=NOW)

    task = start(store, TaskAction.REGISTER, subject=event_id)

    assert task.counts == {Outcome.DONE: 35, Outcome.WAITLISTED: 10, Outcome.UNCHANGED: 5}
    counts = store.events.attendee_counts(event_id)
    assert (counts[AttendanceStatus.REGISTERED], counts[AttendanceStatus.WAITLISTED]) == (40, 10)
    assert differences(store) == []


def test_a_step_of_registering_that_was_done_but_not_written_counts_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = crowd(store, 50)
    event_id = published(store, max_capacity=40)
    sign_up(store, event_id, ids_of(people[:5]), now=NOW)
    task = noted(store, begun_and_left(store, TaskAction.REGISTER, monkeypatch, subject=event_id))
    unwritten_step(store, task)

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 35, Outcome.WAITLISTED: 10, Outcome.UNCHANGED: 5}
    assert differences(store) == []


def test_for_who_is_merged_before_their_turn_who_is_left_is_registered(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, half, twin, stays, *_ = crowd(store, 10)
    kept, other = (store.people.create(make_person(company="Other")) for _ in range(2))
    event_id = published(store, max_capacity=9)
    task = noted(store, begun_and_left(store, TaskAction.REGISTER, monkeypatch, subject=event_id))
    merged(store, kept, gone)
    merged(store, stays, twin)
    with pytest.raises(Died), dying(store, 1):
        merged(store, other, half)

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 9, Outcome.UNCHANGED: 1}
    assert len(store.events.attendances(event_id, [kept.id, other.id, stays.id])) == 3
    assert differences(store) == []


def test_an_event_that_is_cancelled_in_the_middle_keeps_who_is_registered_and_counts_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(task_steps.PART, TaskAction.REGISTER, 10)
    crowd(store, 25)
    event_id = published(store)
    task = step(store, noted(store, begun_and_left(store, TaskAction.REGISTER, monkeypatch, subject=event_id)))
    store.table.write([Update(key=schema.key("event", id=event_id), changes={"status": EventStatus.CANCELLED.value})])

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 10, Outcome.CLOSED: 15}


def test_an_event_that_does_not_exist_or_is_not_named_is_refused(store: Store) -> None:
    crowd(store, 1)

    with pytest.raises(NotFound):
        start(store, TaskAction.REGISTER, subject="nothing")
    with pytest.raises(RuleViolation, match="Choose an event"):
        start(store, TaskAction.REGISTER)

    assert store.tasks.recent() == []


# deleting


def test_deleting_frees_the_seats_and_leaves_nothing(store: Store) -> None:
    people = crowd(store, 30)
    event_id = published(store, max_capacity=30)
    sign_up(store, event_id, ids_of(people), now=NOW)

    task = start(store, TaskAction.DELETE)

    assert task.counts == {Outcome.DONE: 30}
    assert store.people.count(EVERYBODY) == 0
    assert store.events.get(event_id).registered_count == 0
    assert differences(store) == []


def test_a_step_of_deleting_that_broke_off_counts_whom_it_had_deleted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    people = crowd(store, 20)
    task = noted(store, begun_and_left(store, TaskAction.DELETE, monkeypatch))
    for gone in people[:3]:
        people_service.remove(store, gone.id, now=LATER)
    task = step(store, task)
    for deleted_by_the_step in people[3:9]:
        people_service.remove(store, deleted_by_the_step.id, now=LATER)

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 17, Outcome.GONE: 3}


def test_whoever_was_merged_or_erased_meanwhile_is_not_counted_as_deleted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before, meanwhile, erased, *_ = crowd(store, 20)
    other = store.people.create(make_person(company="Other"))
    task = noted(store, begun_and_left(store, TaskAction.DELETE, monkeypatch))
    merged(store, other, before, now=LATER)
    task = step(store, task)
    merged(store, other, meanwhile, now=LATER)
    erasure.erase(store, erased.id, actor="grace", now=LATER)

    done = to_the_end(store, task)

    assert done.counts == {Outcome.DONE: 17, Outcome.GONE: 3}


def test_who_is_still_there_after_all_is_not_left_out_of_the_count(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(store, 3)
    task = noted(store, begun_and_left(store, TaskAction.DELETE, monkeypatch))

    def lost(*_: Any, **__: Any) -> None:
        raise NotFound("What they stand on is gone.")

    monkeypatch.setattr(people_service, "remove_one_of_many", lost)
    done = to_the_end(store, task)

    assert done.counts == {Outcome.BUSY: 3}


# around


def test_a_delete_sent_twice_is_the_one_that_is_there(store: Store) -> None:
    crowd(store, 3)
    first = start(store, TaskAction.DELETE, task_id="one")

    second = start(store, TaskAction.DELETE, task_id="one")

    assert first == second
    assert second.counts == {Outcome.DONE: 3}


def test_the_same_form_sent_twice_begins_one_task(store: Store) -> None:
    crowd(store, 1)

    first = start(store, TaskAction.TAG, subject="VIP", task_id="one")
    second = start(store, TaskAction.UNTAG, subject="VIP", task_id="one")

    assert first == second
    assert len(store.tasks.recent()) == 1
    assert len(tagged(store, "VIP")) == 1


def test_each_task_is_one_entry_of_the_audit_log_without_personal_data(store: Store) -> None:
    crowd(store, 3)

    task = start(store, TaskAction.TAG, subject="VIP")

    [entry] = store.audit.of_month("2026-05")
    assert (entry.action, entry.actor, entry.subject, entry.facts) == ("people.tagged", "grace", task.id, {"matched": 3})


def test_more_than_a_browser_waits_for_is_left_to_a_worker(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    crowd(store, 3)

    task = start(store, TaskAction.TAG, subject="VIP")

    assert (task.status, task.matched) == (TaskStatus.NOTING, 3)
    assert tagged(store, "VIP") == set()
    assert store.jobs.due(LATER) == [tasks.job_of(task.id)]


def test_what_takes_too_long_at_once_goes_to_a_worker_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PATIENCE", 0.0)
    crowd(store, 3)

    task = start(store, TaskAction.TAG, subject="VIP")

    assert not task.ended
    assert store.jobs.due(LATER) == [tasks.job_of(task.id)]


def test_what_is_done_at_once_leaves_no_job_behind(store: Store) -> None:
    crowd(store, 3)

    task = start(store, TaskAction.TAG, subject="VIP")

    assert store.jobs.get(tasks.job_of(task.id)) is None


def test_the_newest_tasks_come_first(store: Store) -> None:
    crowd(store, 1)
    older = start(store, TaskAction.TAG, subject="VIP")
    newer = start(store, TaskAction.UNTAG, subject="VIP", now=LATER + timedelta(minutes=1))

    assert [task.id for task in store.tasks.recent()] == [newer.id, older.id]
    assert [task.id for task in store.tasks.recent(limit=1)] == [newer.id]


def test_a_task_that_nobody_works_on_is_named_and_gets_its_job(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(store, 3)
    task = begun_and_left(store, TaskAction.TAG, monkeypatch, subject="VIP")
    assert differences(store) == []
    store.table.write([Delete(key=tasks.job_of(task.id).key)])

    named = differences(store)
    mended = repair(store)

    assert [(one.kind, one.says) for one in named] == [("task", "it is not over, but no job is due")]
    assert mended.left == []
    assert store.jobs.get(tasks.job_of(task.id)) is not None


# cancelling


def test_cancelling_a_task_that_waits_for_a_worker_ends_it_and_says_what_was_done(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    monkeypatch.setitem(task_steps.PART, TaskAction.TAG, 10)
    crowd(store, 25)
    task = step(store, noted(store, start(store, TaskAction.TAG, subject="VIP")))
    unwritten_step(store, task)

    cancelled = tasks.cancel(store, task.id, actor="grace", now=LATER)

    assert cancelled.status is TaskStatus.CANCELLED
    assert cancelled.counts == {Outcome.DONE: 20}
    assert len(tagged(store, "VIP")) == 20
    assert store.jobs.due(LATER + timedelta(days=1)) == []


@pytest.mark.parametrize("action", [TaskAction.DELETE, TaskAction.REGISTER])
def test_cancelling_counts_what_a_broken_off_step_had_done(
    store: Store, monkeypatch: pytest.MonkeyPatch, action: TaskAction
) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    crowd(store, 6)
    task = noted(store, start(store, action, subject=published(store) if action is TaskAction.REGISTER else ""))
    task = step(store, task) if action is TaskAction.DELETE else task
    unwritten_step(store, task)

    cancelled = tasks.cancel(store, task.id, actor="grace", now=LATER)

    assert cancelled.counts == {Outcome.DONE: 6}


def test_cancelling_a_delete_leaves_nobody_deleted_by_half(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    people = crowd(store, 6)
    event_id = published(store)
    sign_up(store, event_id, ids_of(people), now=NOW)
    task = step(store, noted(store, start(store, TaskAction.DELETE)))
    with pytest.raises(Died), dying(store, 2):
        unwritten_step(store, task)

    cancelled = tasks.cancel(store, task.id, actor="grace", now=LATER)

    left = list(store.people.walk(EVERYBODY))
    assert [person for person in left if person.leaving] == []
    assert (cancelled.status, cancelled.counts) == (TaskStatus.CANCELLED, {Outcome.DONE: 1})
    assert len(left) == 5
    assert differences(store) == []


def test_cancelling_a_delete_leaves_alone_who_is_taken_back_with_an_import(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    people = crowd(store, 3)
    task = step(store, noted(store, start(store, TaskAction.DELETE)))
    store.table.write([*store.traces.leaving(people[:1], "undo:one")])

    cancelled = tasks.cancel(store, task.id, actor="grace", now=LATER)

    assert cancelled.counts == {}
    assert store.people.count(EVERYBODY) == 3


def test_whoever_is_being_deleted_cant_be_edited_and_that_is_said(store: Store) -> None:
    [person] = crowd(store, 1)
    with pytest.raises(Died), dying(store, 1):
        people_service.remove(store, person.id, now=LATER)

    with pytest.raises(Conflict, match="being deleted"):
        people_service.edit(store, person.id, replace(person.profile, city="Lund"), version=1, now=LATER)


def test_a_task_that_is_done_at_once_stops_when_it_is_cancelled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(task_steps.PART, TaskAction.TAG, 10)
    crowd(store, 50)
    advance, steps = task_steps.advance, iter(range(100))

    def and_somebody_cancels(*args: Any, **values: Any) -> Any:
        moved = advance(*args, **values)
        if next(steps) == 2:
            assert tasks.cancel(store, "one", actor="ada", now=LATER).stopping
        return moved

    monkeypatch.setattr(tasks, "advance", and_somebody_cancels)

    task = start(store, TaskAction.TAG, subject="VIP", task_id="one")

    assert (task.status, task.counts) == (TaskStatus.CANCELLED, {Outcome.DONE: 20})
    assert store.tasks.get("one") == task
    assert len(tagged(store, "VIP")) == 20
    assert store.jobs.get(tasks.job_of("one")) is None


def test_what_is_over_cant_be_cancelled(store: Store) -> None:
    crowd(store, 1)
    task = start(store, TaskAction.TAG, subject="VIP")

    with pytest.raises(RuleViolation, match="nothing left to cancel"):
        tasks.cancel(store, task.id, actor="grace", now=LATER)


def test_a_task_that_a_worker_holds_is_asked_to_stop(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    crowd(store, 3)
    task = start(store, TaskAction.TAG, subject="VIP")
    assert store.jobs.lease(tasks.job_of(task.id), "a worker", seconds=60, now=LATER) is not None

    asked = tasks.cancel(store, task.id, actor="grace", now=LATER)

    assert (asked.stopping, asked.ended) == (True, False)
    assert step(store, asked).status is TaskStatus.CANCELLED
    assert tagged(store, "VIP") == set()


def resting(store: Store, monkeypatch: pytest.MonkeyPatch) -> Task:
    """A task whose second step broke: it is tried again in an hour."""
    monkeypatch.setitem(task_steps.PART, TaskAction.TAG, 10)
    task = step(store, noted(store, begun_and_left(store, TaskAction.TAG, monkeypatch, subject="VIP")))
    taken = store.jobs.lease(tasks.job_of(task.id), "a worker", seconds=60, now=LATER + tasks.GRACE)
    assert taken is not None
    until = LATER + timedelta(hours=1)
    broke = Breakdown(times=3, at=LATER, until=until, error="KeyError", place="crm/services/task_steps.py:7")
    store.jobs.save(taken, replace(taken, due_at=until, worker=None, seen_at=None, taken_at=None, broke=broke))
    return task


def test_cancelling_a_task_that_rests_after_a_breakdown_makes_it_due_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(store, 30)
    task = resting(store, monkeypatch)
    moment = LATER + timedelta(minutes=2)

    asked = tasks.cancel(store, task.id, actor="grace", now=moment)

    assert asked.stopping
    assert store.jobs.due(moment) == [tasks.job_of(task.id)]


# progress


def test_progress_tells_the_rate_and_the_time_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(task_steps.PART, TaskAction.TAG, 10)
    crowd(store, 40)
    task = step(store, noted(store, begun_and_left(store, TaskAction.TAG, monkeypatch, subject="VIP")))

    progress = tasks.progress(store, task.id, now=LATER + timedelta(seconds=5))

    assert (progress.task.percent, progress.rate, progress.seconds_left) == (25, 2.0, 15.0)


def test_a_task_that_no_worker_takes_is_late(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 0)
    crowd(store, 1)
    task = start(store, TaskAction.TAG, subject="VIP")

    assert not tasks.progress(store, task.id, now=LATER + timedelta(seconds=5)).late
    assert tasks.progress(store, task.id, now=LATER + timedelta(minutes=1)).late


def test_a_task_that_rests_after_a_breakdown_says_so_instead_of_a_rate(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(store, 30)
    task = resting(store, monkeypatch)

    progress = tasks.progress(store, task.id, now=LATER + timedelta(minutes=2))

    assert progress.rests is not None
    assert (progress.rests.error, progress.rests.times) == ("KeyError", 3)
    assert (progress.rate, progress.seconds_left) == (None, None)
    assert tasks.progress(store, task.id, now=LATER + timedelta(hours=2)).rests is None


def test_two_who_do_the_same_step_count_it_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(store, 5)
    task = noted(store, begun_and_left(store, TaskAction.TAG, monkeypatch, subject="VIP"))
    slower = task_steps.advance(store, task, now=LATER, keep=lambda: None)
    done = step(store, task)

    with pytest.raises(Conflict):
        store.table.write([*slower[1], store.tasks.move(task, slower[0])])

    assert done.counts == {Outcome.DONE: 5}
    assert store.tasks.get(task.id) == done
