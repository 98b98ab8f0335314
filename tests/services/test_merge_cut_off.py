"""A merge that was cut off, at every one of its writes; a job finishes it, and nothing needs repair."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from crm.domain.campaigns import CampaignStatus
from crm.domain.errors import Conflict
from crm.domain.folding import fold
from crm.domain.log import LogKind
from crm.domain.people import EmailStatus
from crm.jobs import merging
from crm.jobs.work import Held
from crm.jobs.worker import Worker
from crm.services import merge_steps, people
from crm.services.erasure import erase
from crm.services.unsubscribe import unsubscribe
from crm.services.verify import differences
from crm.store import Store, schema
from crm.store.requests import Delete
from crm.store.table import Table
from tests.conftest import Clock, store_over
from tests.factories import NOW, make_campaign, make_event
from tests.jobs.mailing import ToldMailer, make_work
from tests.mailings import keep_emails
from tests.services.merging import TWIN, ZOE, Died, dying, mailed, merged, two, with_everything
from tests.store.late import LateTable

MOST_WRITES = 40
"""More than a merge with everything needs."""


def work_on(store: Store, clock: Clock) -> None:
    """Let a worker do what is due, until the last look is over."""
    for _ in range(3):
        clock.pass_(minutes=2)
        Worker(make_work(store, ToldMailer(), clock)).run_once()


def merge_and_die(store: Store, clock: Clock, writes: int) -> tuple[str, bool]:
    """Merge two with everything, and die after so many writes, one at least: who is left, and whether it got through."""
    kept, gone = with_everything(store)
    chosen = replace(ZOE, email=TWIN.email, tags=("speaker", "host 2026"))
    through = True
    try:
        with dying(store, writes):
            merged(store, kept, gone, chosen, now=clock())
    except Died:
        through = False
    assert differences(store) == []
    assert store.jobs.next_due() is not None

    work_on(store, clock)

    left = store.people.get_many([kept.id, gone.id])
    assert list(left) == [kept.id]
    assert left[kept.id].profile == chosen
    assert store.jobs.get(merge_steps.merge_job(gone.id)) is None
    return kept.id, through


def test_whatever_write_the_process_dies_before_a_job_finishes_the_merge(store: Store, clock: Clock) -> None:
    for writes in range(1, MOST_WRITES):
        kept, through = merge_and_die(store, clock, writes)

        left = store.people.get(kept)
        assert (left.hosted_event_count, left.attended_event_count) == (2, 2)
        assert len(store.emails.of_person(kept)) == 2
        assert sum(entry.kind is LogKind.MERGED for entry in store.log.of(kept)) == 1
        assert differences(store) == []
        if through:
            assert writes >= 9
            return
        people.remove(store, kept, now=clock())

    raise AssertionError("the merge never gets through")


def test_the_job_that_dies_as_well_is_followed_by_another(store: Store, clock: Clock) -> None:
    kept, gone = with_everything(store)
    with pytest.raises(Died), dying(store, 2):
        merged(store, kept, gone, now=clock())
    order = merge_steps.order_of(store.jobs.of(merge_steps.merge_job(gone.id).owner)[merge_steps.MERGE])

    for _ in range(10):
        try:
            with dying(store, 1):
                merge_steps.advance(store, order, now=clock.pass_(seconds=1))
        except Died:
            assert differences(store) == []
    work_on(store, clock)

    assert list(store.people.get_many([kept.id, gone.id])) == [kept.id]
    assert differences(store) == []


def test_while_it_lasts_neither_is_deleted_merged_again_or_edited_away(store: Store, clock: Clock) -> None:
    kept, gone = with_everything(store)
    third, _ = two(store, replace(ZOE, email="third@example.org"), replace(TWIN, email="fourth@example.org"))
    with pytest.raises(Died), dying(store, 3):
        merged(store, kept, gone, now=clock())

    for one in (kept, gone):
        with pytest.raises(Conflict, match="being merged"):
            people.remove(store, one.id, now=clock())
        for pair in ((one, third), (third, one)):
            with pytest.raises(Conflict, match="just being merged"):
                merged(store, *pair, now=clock())
    with pytest.raises(Conflict):
        people.edit(store, gone.id, replace(TWIN, city="Lund"), version=store.people.get(gone.id).version, now=clock())
    event = store.events.create(make_event(), [], [], now=NOW)
    assert store.events.seat(event.id, [gone.id], now=NOW).unknown == (gone.id,)

    work_on(store, clock)
    assert store.people.get(kept.id).attended_event_count == 2
    assert differences(store) == []


def test_what_is_edited_meanwhile_stays_as_it_was_edited(store: Store, clock: Clock) -> None:
    kept, gone = with_everything(store)
    chosen = replace(ZOE, phone_number=TWIN.phone_number, city="Malmö", tags=("speaker", "host 2026"))
    with pytest.raises(Died), dying(store, 3):
        merged(store, kept, gone, chosen, now=clock())
    now = store.people.get(kept.id)
    people.edit(
        store, kept.id, replace(now.profile, city="Lund", email="new@example.org", tags=()), version=now.version, now=clock()
    )

    work_on(store, clock)

    left = store.people.get(kept.id).profile
    assert left == replace(chosen, city="Lund", email="new@example.org", tags=("host 2026",))
    assert differences(store) == []


def test_who_unsubscribes_meanwhile_is_unsubscribed_afterwards(store: Store, clock: Clock) -> None:
    kept, gone = with_everything(store)
    email = store.emails.of_person(gone.id)[0]
    with pytest.raises(Died), dying(store, 3):
        merged(store, kept, gone, now=clock())
    unsubscribe(store, email.id, gone.id, now=clock())

    work_on(store, clock)

    assert store.people.get(kept.id).email_status is EmailStatus.UNSUBSCRIBED
    assert store.suppressions.lookup(ZOE.email) is EmailStatus.UNSUBSCRIBED
    assert differences(store) == []


def test_a_host_whom_the_index_does_not_show_yet_is_waited_for(store: Store, table: Table, clock: Clock) -> None:
    behind = store_over(LateTable(table.client, table.name, lag=0.4))
    kept, gone = two(behind)
    assert behind.events.of_person(gone.id).hosted == []
    event = behind.events.create(make_event(), [gone.id], [], now=NOW)

    result = merged(behind, kept, gone, now=clock())

    assert not result.finished
    assert store.people.get(gone.id).hosted_event_count == 1
    behind.table.sleep(0.5)
    assert store.jobs.due(clock() + timedelta(seconds=4)) == [merge_steps.merge_job(gone.id)]
    work_on(store, clock)
    assert store.events.host_ids(event.id) == [kept.id]
    assert differences(store) == []


def test_an_email_that_the_index_showed_too_late_goes_over_at_the_last_look(store: Store, table: Table, clock: Clock) -> None:
    behind = store_over(LateTable(table.client, table.name, lag=60))
    kept, gone = two(store)
    assert behind.emails.of_person(gone.id) == []
    campaign = store.campaigns.create(make_campaign(status=CampaignStatus.DONE))
    email = mailed(campaign.id, gone)
    keep_emails(store, [email])

    result = merged(behind, kept, gone, now=clock())

    assert result.finished
    assert store.emails.get(email.id).user_id == gone.id
    work_on(store, clock)
    assert store.emails.get(email.id).user_id == kept.id
    assert differences(store) == []


def test_a_job_that_dies_right_after_the_merge_remembers_nothing_of_who_was_merged(store: Store, clock: Clock) -> None:
    kept, gone = two(store)
    with pytest.raises(Died), dying(store, 1):
        merged(store, kept, gone, now=clock())
    clock.pass_(minutes=2)
    held = Held.take(make_work(store, ToldMailer(), clock), merge_steps.merge_job(gone.id), "someone")
    assert held is not None
    while store.people.get_many([gone.id]):
        with suppress(Died), dying(store, 1):
            merging.step(make_work(store, ToldMailer(), clock), held)

    job = store.jobs.get(merge_steps.merge_job(gone.id))
    erase(store, kept.id, actor="grace", now=clock())
    work_on(store, clock)

    assert job is not None
    assert job.state == {"into": kept.id, "after": True}
    assert not [item for item in store.table.scan(consistent=True) if "angstrom" in fold(str(item))]
    assert differences(store) == []


def test_where_who_should_stay_is_gone_the_other_one_stays_as_they_were(store: Store, clock: Clock) -> None:
    kept, gone = two(store)
    with pytest.raises(Died), dying(store, 1):
        merged(store, kept, gone, now=clock())
    lose_profile(store, kept.id)

    work_on(store, clock)

    left = store.people.get(gone.id)
    assert not left.merging
    assert not left.leaving
    assert store.jobs.get(merge_steps.merge_job(gone.id)) is None
    people.remove(store, gone.id, now=clock())


def test_where_both_are_gone_the_job_goes_as_well(store: Store, clock: Clock) -> None:
    kept, gone = two(store)
    with pytest.raises(Died), dying(store, 1):
        merged(store, kept, gone, now=clock())
    lose_profile(store, kept.id)
    lose_profile(store, gone.id)

    work_on(store, clock)

    assert store.jobs.get(merge_steps.merge_job(gone.id)) is None


def test_what_can_not_be_together_with_what_was_edited_meanwhile_is_not_taken_and_named(store: Store, clock: Clock) -> None:
    long = "#" * 190
    kept, gone = two(store, replace(ZOE, last_name="A"), replace(TWIN, last_name=long, tags=("host",)))
    chosen = replace(ZOE, last_name=long, phone_number=TWIN.phone_number, tags=("speaker", "host"))
    with pytest.raises(Died), dying(store, 1):
        merged(store, kept, gone, chosen, now=clock())
    edited = replace(store.people.get(kept.id).profile, city=long)
    people.edit(store, kept.id, edited, version=kept.version, now=clock())

    work_on(store, clock)

    assert store.people.get_many([kept.id, gone.id]).keys() == {kept.id}
    left = store.people.get(kept.id).profile
    assert (left.last_name, left.city) == ("A", long)
    told = next(entry.text for entry in store.log.of(kept.id) if entry.kind is LogKind.MERGED)
    assert {f"Last name: {long}", f"Phone: {TWIN.phone_number}"} <= set(told.splitlines())
    assert set(left.tags) == {"speaker", "host"}
    assert differences(store) == []


def lose_profile(store: Store, person_id: str) -> None:
    """Let a profile vanish, as a table that was restored from an old copy may have it."""
    store.table.write([Delete(key=schema.key("user", id=person_id))])
