"""verify sees what is broken, says nothing about what is not, and mends what can be derived."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from crm.domain.campaigns import CampaignStatus
from crm.domain.emails import EmailState
from crm.domain.ids import email_id
from crm.domain.people import EmailStatus, Person
from crm.services.verify import differences, repair
from crm.store import Store, schema
from crm.store.chunks import new_chunk
from crm.store.deltas import BEHIND
from crm.store.email_items import item_of as email_item
from crm.store.email_items import new_email
from crm.store.event_items import host_item
from crm.store.expressions import exists
from crm.store.jobs import Job, JobKey
from crm.store.jobs import item_of as job_item
from crm.store.outcomes import email_changes, email_labels
from crm.store.people_items import claim_of, status_change, tag_items, token_items
from crm.store.requests import Delete, Put, Update
from crm.store.stats import Counter
from tests.factories import NOW, make_campaign, make_event, make_person


def fill(store: Store) -> tuple[Person, str]:
    """Some people, one of them a host, and an event that all attend; return her and the event's id."""
    made = [make_person(company="Acme", city="Ulm", state="BW", tags=("vip",)) for _ in range(4)]
    store.people.create_many(made)
    event = store.events.create(make_event(max_capacity=10), [made[0].id], [], now=NOW)
    store.events.seat(event.id, [person.id for person in made], now=NOW)
    store.stats.fold_all()
    return store.people.get(made[0].id), event.id


def user_key(person: Person) -> dict[str, str]:
    return schema.key("user", id=person.id)


def without(item: dict[str, str]) -> Delete:
    return Delete(key={"PK": item["PK"], "SK": item["SK"]})


def miscount(store: Store, person: Person, event_id: str) -> None:
    store.table.write(store.stats.delta({Counter("COMPANY", "acme"): 3}, now=NOW))


def miscount_folded(store: Store, person: Person, event_id: str) -> None:
    key = schema.key("counter", what="PEOPLE", key="TOTAL")
    store.table.write([Update(key=key, increments={"n": -1}, expect=[exists()])])


def lose_a_counter(store: Store, person: Person, event_id: str) -> None:
    store.table.write([Delete(key=schema.key("counter", what="EVENTS", key="2026"))])


def lose_the_claim(store: Store, person: Person, event_id: str) -> None:
    store.table.write([without(claim_of(person))])


def leave_a_claim(store: Store, person: Person, event_id: str) -> None:
    nobody = make_person()
    store.table.write([Put(item=claim_of(nobody))])


def lose_a_token(store: Store, person: Person, event_id: str) -> None:
    store.table.write([without(token_items(person)["ada"])])


def leave_a_token(store: Store, person: Person, event_id: str) -> None:
    item = schema.keyed("searchToken", {"id": person.id, "token": "zebra", "userId": person.id})
    store.table.write([Put(item=item)])


def lose_a_tag(store: Store, person: Person, event_id: str) -> None:
    store.table.write([without(tag_items(person)["vip"])])


def bend_a_copy(store: Store, person: Person, event_id: str) -> None:
    store.table.write([Put(item=tag_items(replace(person, attended_event_count=7))["vip"])])


def hold_no_copy(store: Store, person: Person, event_id: str) -> None:
    """A member as it was before there were copies."""
    item = tag_items(person)["vip"]
    bare = {name: item[name] for name in ("PK", "entityType", "id", "tag", "userId")} | {"SK": f"USER#{person.id}"}
    store.table.write([Put(item=bare), without(item)])


def miscount_attended(store: Store, person: Person, event_id: str) -> None:
    item = store.table.get(user_key(person))
    assert item is not None
    made = schema.keyed("user", {**item, "attendedEventCount": 7})
    store.table.write([Put(item={**item, **made})])
    numbers = {Counter("ATTENDED", "000001"): -1, Counter("ATTENDED", "000007"): 1}
    store.table.write(store.stats.delta(numbers, now=NOW))


def miscount_seats(store: Store, person: Person, event_id: str) -> None:
    store.table.write([Update(key=schema.key("event", id=event_id), changes={"registeredCount": 2}, expect=[exists()])])


def lose_the_slug(store: Store, person: Person, event_id: str) -> None:
    store.table.write([Delete(key=schema.key("slugClaim", slug=store.events.get(event_id).slug))])


def attend_nothing(store: Store, person: Person, event_id: str) -> None:
    attributes = {
        "id": f"{event_id}:x",
        "eventId": event_id,
        "userId": "x",
        "status": "registered",
        "since": "2026-05-04T09:00:00.000Z",
    }
    store.table.write([Put(item=schema.keyed("attendance", attributes))])


def host_of_no_event(store: Store, person: Person, event_id: str) -> None:
    store.table.write([Put(item=host_item(make_event(), person.id))])


def misdate_a_host(store: Store, person: Person, event_id: str) -> None:
    attributes = {
        "id": f"{event_id}:{person.id}",
        "eventId": event_id,
        "userId": person.id,
        "startAt": "2020-05-04T09:00:00.000Z",
    }
    store.table.write([Put(item=schema.keyed("host", attributes))])


def bend_an_index_key(store: Store, person: Person, event_id: str) -> None:
    store.table.write([Update(key=user_key(person), changes={"GSI1PK": "COMPANY#other"}, expect=[exists()])])


def bend_the_search_text(store: Store, person: Person, event_id: str) -> None:
    store.table.write([Update(key=user_key(person), changes={"search": " nothing"}, expect=[exists()])])


def forget_a_suppression(store: Store, person: Person, event_id: str) -> None:
    store.table.write([Update(key=user_key(person), changes={"emailStatus": "bounced"}, expect=[exists()])])
    numbers = {Counter("EMAILSTATUS", "mailable"): -1, Counter("EMAILSTATUS", "bounced"): 1}
    store.table.write(store.stats.delta(numbers, now=NOW))


def suppress_behind_the_profile(store: Store, person: Person, event_id: str) -> None:
    store.table.write(store.suppressions.actions(person.profile.email, EmailStatus.COMPLAINED, now=NOW, source="test"))


MENDABLE: list[Callable[[Store, Person, str], None]] = [
    miscount,
    miscount_folded,
    lose_a_counter,
    lose_the_claim,
    leave_a_claim,
    lose_a_token,
    leave_a_token,
    lose_a_tag,
    bend_a_copy,
    hold_no_copy,
    miscount_attended,
    miscount_seats,
    lose_the_slug,
    attend_nothing,
    host_of_no_event,
    misdate_a_host,
    bend_an_index_key,
    bend_the_search_text,
    forget_a_suppression,
    suppress_behind_the_profile,
]


@pytest.mark.parametrize("breaking", MENDABLE, ids=lambda breaking: breaking.__name__)
def test_what_is_broken_is_named_and_mended(store: Store, breaking: Callable[[Store, Person, str], None]) -> None:
    person, event_id = fill(store)
    assert differences(store) == []
    breaking(store, person, event_id)

    named = differences(store)
    mended = repair(store)

    assert named
    assert mended.mended
    assert mended.left == []
    assert differences(store) == []
    store.stats.fold_all()
    assert differences(store) == []
    assert {item["attendedEventCount"] for item in store.table.scan() if item["entityType"] == "tagMember"} == {1}


def test_a_copy_that_the_next_fold_brings_up_to_date_is_no_difference(store: Store) -> None:
    person, _ = fill(store)
    update, changes = status_change(person, EmailStatus.BOUNCED, now=NOW)
    remembered = store.suppressions.actions(person.profile.email, EmailStatus.BOUNCED, now=NOW, source="test")

    store.table.write([update, *remembered, *store.stats.delta(changes, now=NOW)])

    assert store.stats.behind() == {person.id}
    assert differences(store) == []


@pytest.mark.parametrize("named", [(True, False), (False, True)], ids=["before", "after"])
def test_a_copy_of_somebody_who_was_named_meanwhile_is_no_difference(
    store: Store, monkeypatch: pytest.MonkeyPatch, named: tuple[bool, bool]
) -> None:
    """The fold may take the name away, or a change put it there, while the copy is looked at."""
    person, event_id = fill(store)
    bend_a_copy(store, person, event_id)
    answers = itertools.cycle([frozenset({person.id}) if one else frozenset() for one in named])
    monkeypatch.setattr(store.stats, "behind", lambda *, relieve: next(answers))

    assert differences(store) == []


def test_a_member_that_was_missing_is_named_so_that_the_fold_copies(store: Store) -> None:
    person, event_id = fill(store)
    lose_a_tag(store, person, event_id)

    repair(store)

    assert store.stats.behind() == {person.id}


def test_names_that_an_older_version_folded_count_nothing(store: Store) -> None:
    person, _ = fill(store)
    attributes = {"id": BEHIND[1], "what": BEHIND[0], "key": BEHIND[1], person.id: 3}
    store.table.write([Put(item=schema.keyed("counter", attributes))])

    assert differences(store) == []


def test_no_address_stands_in_what_is_named(store: Store) -> None:
    person, event_id = fill(store)
    lose_the_claim(store, person, event_id)
    leave_a_claim(store, person, event_id)

    named = " ".join(str(difference) for difference in differences(store))

    assert person.id in named
    assert "@" not in named


def test_a_table_that_is_written_to_has_no_differences(store: Store) -> None:
    fill(store)
    event = store.events.create(make_event(), [], [], now=NOW)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            made = [make_person(company="Busy", tags=("vip", "busy")) for _ in range(6)]
            store.people.create_many(made)
            store.events.seat(event.id, [person.id for person in made], now=NOW)
            store.stats.fold_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        found = [differences(store) for _ in range(3)]
    finally:
        stop.set()
        worker.join()

    assert [difference for one in found for difference in one if difference.kind != "counter"] == []
    assert differences(store) == []


def mail(store: Store, status: CampaignStatus, *, chunks: int, state: EmailState = EmailState.QUEUED) -> str:
    """A campaign with one e-mail that stands in so many chunks; return its id."""
    campaign = store.campaigns.create(replace(make_campaign(), status=status))
    person = store.people.create(make_person())
    made = new_email(
        email_id(campaign.id, person.id),
        campaign_id=campaign.id,
        user_id=person.id,
        address=person.profile.email,
        utm=campaign.utm,
        now=NOW,
    )
    made = replace(made, status=state)
    puts = [new_chunk(campaign.id, 0, NOW + timedelta(seconds=number), [made.id]).put for number in range(chunks)]
    counts = store.stats.delta(email_changes([(None, made)]), labels=email_labels([made]), now=NOW)
    store.table.write([Put(item=email_item(made)), *puts, *counts])
    return campaign.id


def test_an_email_that_is_sent_and_waits_nowhere_is_as_it_should_be(store: Store) -> None:
    mail(store, CampaignStatus.DONE, chunks=0, state=EmailState.SENT)

    assert differences(store) == []


def test_a_queued_email_in_no_chunk_is_named(store: Store) -> None:
    mail(store, CampaignStatus.PAUSED, chunks=0)

    named = differences(store)

    assert ["stands in 0 chunks" in one.says for one in named] == [True]


def test_a_queued_email_in_two_chunks_is_named(store: Store) -> None:
    mail(store, CampaignStatus.PAUSED, chunks=2)

    named = differences(store)

    assert ["stands in 2 chunks" in one.says for one in named] == [True]


def test_a_queued_email_in_one_chunk_of_a_paused_campaign_is_as_it_should_be(store: Store) -> None:
    mail(store, CampaignStatus.PAUSED, chunks=1)

    assert differences(store) == []


def test_a_queued_email_of_a_campaign_that_is_done_is_named(store: Store) -> None:
    mail(store, CampaignStatus.DONE, chunks=1)

    named = differences(store)

    assert [one.says for one in named] == ["it is done, but has 1 queued e-mails and chunks"]


def test_a_running_campaign_that_nobody_works_on_is_named(store: Store) -> None:
    mail(store, CampaignStatus.SENDING, chunks=1)

    named = differences(store)

    assert [one.says for one in named] == ["it is sending with 1 queued e-mails, but no job is due"]


def test_a_window_that_nobody_would_settle_is_named_and_gets_its_lane_back(store: Store) -> None:
    campaign_id = mail(store, CampaignStatus.PAUSED, chunks=1)
    key = JobKey(owner=f"CAMPAIGN#{campaign_id}", name="LANE0")
    job = Job(key=key, due_at=None, fence=3, worker="gone", state={"window": "CHUNK#0#x"})
    store.table.write([Put(item=job_item(job))])

    named = differences(store)
    mended = repair(store)

    assert [one.says for one in named] == ["LANE0 has a window open, but is not due"]
    assert mended.left == []
    assert store.jobs.due(store.table.clock()) == [key]


def test_an_event_that_nobody_finishes_is_named_and_gets_its_job(store: Store) -> None:
    person, _ = fill(store)
    store.events.create(make_event(), [], [person.id], now=NOW)

    named = differences(store)
    mended = repair(store)

    assert [one.says for one in named] == ["it is being created, but no job is due"]
    assert mended.left == []


def test_a_message_that_counts_twice_is_mended_in_its_hour_and_its_campaign(store: Store) -> None:
    campaign_id = mail(store, CampaignStatus.DONE, chunks=0, state=EmailState.SENT)
    store.table.write(store.stats.delta({Counter(f"CAMPAIGN#{campaign_id}", "TOTAL", "sent"): 1}, now=NOW))

    mended = repair(store)

    assert mended.left == []
    assert store.campaigns.figures(campaign_id).sent == 1
