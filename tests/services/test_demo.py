"""Demo data: the same for the same seed, whole after an interruption, with nothing left to be sent."""

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from crm.domain.emails import EmailState
from crm.domain.errors import Conflict, RuleViolation
from crm.domain.event_drafts import Step
from crm.domain.event_log import EventLogKind
from crm.domain.events import SEATED, SIGNED_UP, AttendanceStatus
from crm.domain.hits import HitClass
from crm.domain.people import EmailStatus
from crm.jobs.render import check_template
from crm.services import event_changes
from crm.services.demo import Sizes, load, make_plan
from crm.services.demo.names import LETTERS
from crm.services.event_jobs import NO_SHOW_AFTER
from crm.services.verify import differences
from crm.store import Store
from crm.store.requests import Action
from crm.store.table import Table
from tests.factories import make_person

NOW = datetime(2026, 11, 14, 15, 20, tzinfo=UTC)
SENDER = "crew@community.example"
SMALL = Sizes(people=150, events=8, campaigns=7)
LARGE = make_plan(Sizes(), 1, NOW, SENDER)


def test_the_same_seed_gives_the_same_data_ids_too() -> None:
    assert make_plan(SMALL, 7, NOW, SENDER) == make_plan(SMALL, 7, NOW, SENDER)


def test_another_seed_gives_others() -> None:
    mine, yours = make_plan(SMALL, 1, NOW, SENDER), make_plan(SMALL, 2, NOW, SENDER)

    assert not {person.id for person in mine.crowd.people} & {person.id for person in yours.crowd.people}


def test_more_people_change_nothing_about_the_first() -> None:
    few, many = make_plan(SMALL, 1, NOW, SENDER), make_plan(Sizes(people=300, events=0, campaigns=0), 1, NOW, SENDER)

    assert [one.profile for one in few.crowd.people] == [one.profile for one in many.crowd.people[:150]]


def test_all_addresses_are_in_the_domain_for_examples_and_different() -> None:
    addresses = [person.profile.email for person in LARGE.crowd.people]

    assert all(address.endswith(".example") for address in addresses)
    assert len(set(addresses)) == len(addresses)


def test_every_profile_is_one_that_staff_could_have_typed() -> None:
    for person in LARGE.crowd.people:
        assert person.profile.cleaned() == person.profile


def test_every_letter_can_be_sent() -> None:
    campaigns = [planned.campaign for planned in LARGE.mailings.campaigns]

    assert [check_template(campaign.subject, campaign.body) for campaign in campaigns] == [[]] * len(LETTERS)


def test_nobody_is_mailed_after_they_left() -> None:
    left = LARGE.mailings.suppressed

    late = [
        email
        for planned in LARGE.mailings.campaigns
        for email in planned.emails
        if email.status is EmailState.SENT and email.user_id in left and planned.campaign.started_at > left[email.user_id][1]
    ]

    assert late == []


def test_nothing_has_happened_after_the_present_and_no_event_is_overfull() -> None:
    moments = [planned.campaign.finished_at for planned in LARGE.mailings.campaigns]
    moments += [
        moment
        for planned in LARGE.mailings.campaigns
        for email in planned.emails
        for moment in (email.created_at, email.sent_at, email.failed_at, email.opened_at, email.clicked_at, email.unsubscribed_at)
    ]
    attendances = [one for planned in LARGE.events for one in planned.attendances]
    moments += [moment for one in attendances for moment in (one.since, one.was_since, one.registered_at)]

    assert max(moment for moment in moments if moment) <= NOW
    for planned in LARGE.events:
        seated = sum(one.status in SEATED for one in planned.attendances)
        assert planned.event.max_capacity is None or seated <= planned.event.max_capacity
        assert planned.event.cleaned() == planned.event
        waiting = any(one.status is AttendanceStatus.WAITLISTED for one in planned.attendances)
        assert not waiting or sum(one.status in SIGNED_UP for one in planned.attendances) == planned.event.max_capacity


def test_every_page_has_something_to_show() -> None:
    statuses = {one.status for planned in LARGE.events for one in planned.attendances}
    states = {email.status for planned in LARGE.mailings.campaigns for email in planned.emails}
    days = {email.created_at.date() for planned in LARGE.mailings.campaigns for email in planned.emails}

    assert statuses == set(AttendanceStatus)
    assert states == set(EmailState) - {EmailState.QUEUED}
    assert {why for why, _ in LARGE.mailings.suppressed.values()} == set(EmailStatus) - {EmailStatus.MAILABLE}
    assert any(planned.event.start_at > NOW for planned in LARGE.events)
    assert any(planned.event.end_at - planned.event.start_at > timedelta(days=1) for planned in LARGE.events)
    assert any(planned.event.online_url for planned in LARGE.events)
    assert any(one.walk_in for planned in LARGE.events for one in planned.attendances)
    assert any(one.was is AttendanceStatus.WAITLISTED for planned in LARGE.events for one in planned.attendances)
    campaigns = [planned.campaign for planned in LARGE.mailings.campaigns]
    assert [bool(one.archived_at) for one in campaigns].count(True) == 1
    assert any(one.audience.excluded.get(value) for one in campaigns for value in one.audience_filter.without)
    assert all(one.preheader and one.tracking for one in campaigns)
    assert {one.utm.content for one in campaigns} > {""} < {one.utm.term for one in campaigns}
    assert {hit.hit_class for planned in LARGE.mailings.campaigns for hit in planned.hits} == set(HitClass)
    assert len({email.error for planned in LARGE.mailings.campaigns for email in planned.emails if email.fail_reason}) == 5
    assert NOW.date() - min(days) >= timedelta(days=55)
    assert NOW.date() - max(days) <= timedelta(days=2)


def test_what_is_loaded_adds_up_and_waits_for_nothing(store: Store) -> None:
    plan = load(store, SMALL, seed=1, now=NOW, sender=SENDER)

    assert store.people.totals().total == 150
    assert store.people.totals().by_email_status[EmailStatus.MAILABLE] == 150 - len(plan.mailings.suppressed)
    assert store.events.total() == 8
    assert (len(store.campaigns.page().items), store.campaigns.archived_count()) == (6, 1)
    assert {draft.id for draft in store.drafts.page().items} == {draft.id for draft in plan.drafts}
    ahead = [one.event for one in plan.events if one.event.end_at > NOW and one.off is None]
    assert store.jobs.next_due() == min(event.end_at for event in ahead) + NO_SHOW_AFTER
    assert differences(store) == []


def test_lists_seats_and_lines_are_those_that_were_made_up(store: Store) -> None:
    plan = load(store, SMALL, seed=1, now=NOW, sender=SENDER)

    for planned in plan.events:
        event, statuses = store.events.get(planned.event.id), Tally(one.status for one in planned.attendances)
        days = Tally(date.fromisoformat(one.signed_up_on) for one in planned.attendances if one.signed_up_on)
        assert event.registered_count == sum(statuses[status] for status in SEATED)
        assert event.waitlisted_count == statuses[AttendanceStatus.WAITLISTED]
        assert store.events.signups(event.id) == days
        assert store.events.walk_ins(event.id) == sum(one.walk_in for one in planned.attendances)
        assert event.host_ids == planned.host_ids


def test_an_event_that_was_called_off_says_why_and_stays_so_only_until_staff_publish_it_again(store: Store) -> None:
    plan = load(store, SMALL, seed=1, now=NOW, sender=SENDER)
    off = [planned for planned in plan.events if planned.off is not None]

    event_changes.reinstate(store, off[0].event.id, actor="ingrid", now=NOW)
    load(store, SMALL, seed=1, now=NOW + timedelta(hours=1), sender=SENDER)

    assert [store.events.get(one.event.id).status.value for one in off] == ["published", "cancelled"]
    assert store.events.cancellation(off[1].event.id) == off[1].off[0]  # type: ignore[index]


def test_drafts_can_be_gone_on_with() -> None:
    nearly, begun = LARGE.drafts

    assert [nearly.next_step, begun.next_step] == [Step.ATTENDEES, Step.WHEN]
    assert nearly.planned(now=NOW).faults == ()


def test_what_was_written_down_of_events_is_in_order_and_not_after_the_present() -> None:
    for planned in LARGE.events:
        log = planned.log + ([planned.off[1]] if planned.off else [])
        assert [entry.at for entry in planned.log] == sorted(entry.at for entry in planned.log)
        assert all(planned.event.created_at <= entry.at <= NOW for entry in log)
    off = [one.status for planned in LARGE.events if planned.off for one in planned.attendances]
    assert not {AttendanceStatus.ATTENDED, AttendanceStatus.NO_SHOW} & set(off)
    assert {entry.kind for planned in LARGE.events for entry in planned.log} == {
        EventLogKind.CREATED,
        EventLogKind.EDITED,
        EventLogKind.NO_SHOWS,
    }


def test_figures_of_a_campaign_are_those_of_its_emails(store: Store) -> None:
    plan = load(store, SMALL, seed=1, now=NOW, sender=SENDER)

    for planned in plan.mailings.campaigns:
        figures, links = store.campaigns.figures_with_links(planned.campaign.id)
        assert figures.total == len(planned.emails)
        assert figures.sent == sum(email.status is EmailState.SENT for email in planned.emails)
        assert figures.opened == sum(email.opened_at is not None for email in planned.emails)
        assert figures.opened_any == sum(email.opened_any_at is not None for email in planned.emails)
        assert figures.opened <= figures.opened_any <= figures.delivered
        assert sum(one.persons for one in links.values()) == figures.clicked


def test_domains_that_a_campaign_counts_by_name_are_those_of_its_audience(store: Store) -> None:
    plan = load(store, SMALL, seed=1, now=NOW, sender=SENDER)

    planned = plan.mailings.campaigns[0]
    domains = {email.email.partition("@")[2] for email in planned.emails}
    assert len(domains) > 20
    assert store.named_domains.of(planned.campaign.id) == domains
    assert {email.domain for email in planned.emails} == domains


def test_a_repeat_changes_nothing_though_time_has_passed(store: Store) -> None:
    load(store, SMALL, seed=1, now=NOW, sender=SENDER)
    before = sorted(store.table.scan(), key=lambda item: (item["PK"], item["SK"]))

    load(store, SMALL, seed=1, now=NOW + timedelta(days=3), sender=SENDER)
    after = sorted(store.table.scan(), key=lambda item: (item["PK"], item["SK"]))

    assert [item for item in after if item["PK"].startswith("STATS#FOLD")] != []
    assert [item for item in after if item["SK"] != "HEAD"] == [item for item in before if item["SK"] != "HEAD"]


class Died(Exception):
    """The process is gone."""


@pytest.mark.parametrize("writes", [1, 9, 25, 40])
def test_a_load_that_was_interrupted_is_finished_by_a_repeat(store: Store, table: Table, writes: int) -> None:
    write, left = table.write, [writes]

    def dying(actions: Sequence[Action]) -> None:
        if left[0] == 0:
            raise Died
        left[0] -= 1
        write(actions)

    table.write = dying  # type: ignore[method-assign]
    with pytest.raises(Died):
        load(store, SMALL, seed=1, now=NOW, sender=SENDER)
    table.write = write  # type: ignore[method-assign]

    plan = load(store, SMALL, seed=1, now=NOW + timedelta(hours=2), sender=SENDER)

    assert store.people.totals().total == 150
    assert [store.events.get(planned.event.id).registered_count for planned in plan.events] == [
        sum(one.status in SEATED for one in planned.attendances) for planned in plan.events
    ]
    assert differences(store) == []


def test_people_who_are_there_already_are_left_alone_unless_forced(store: Store) -> None:
    store.people.create(make_person())

    with pytest.raises(Conflict, match="--force"):
        load(store, SMALL, seed=1, now=NOW, sender=SENDER)
    load(store, SMALL, seed=1, now=NOW, sender=SENDER, force=True)

    assert store.people.totals().total == 151


def test_the_same_demo_in_other_sizes_is_refused_before_anything_is_written(store: Store) -> None:
    load(store, SMALL, seed=1, now=NOW, sender=SENDER)
    before = sorted(store.table.scan(), key=lambda item: (item["PK"], item["SK"]))
    others = [{"people": number} for number in (0, 1, 5, 149, 151)]
    others += [{"events": number} for number in (0, 7, 9)] + [{"campaigns": number} for number in (0, 6, 8)]

    for other in others:
        for force in (False, True):
            with pytest.raises(Conflict, match="demo of seed 1 is in the table already, in other sizes"):
                load(store, replace(SMALL, **other), seed=1, now=NOW + timedelta(hours=3), sender=SENDER, force=force)

    assert sorted(store.table.scan(), key=lambda item: (item["PK"], item["SK"])) == before


def test_sizes_that_can_not_be_are_refused(store: Store) -> None:
    with pytest.raises(RuleViolation, match="people"):
        load(store, Sizes(people=-1), seed=1, now=NOW, sender=SENDER)


@pytest.mark.parametrize("people", [0, 1, 3])
def test_a_tiny_community_is_no_trouble(store: Store, people: int) -> None:
    load(store, Sizes(people=people, events=3, campaigns=2), seed=3, now=NOW, sender=SENDER)

    assert store.people.totals().total == people
    assert differences(store) == []
