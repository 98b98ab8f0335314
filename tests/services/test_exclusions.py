"""Audiences that leave people out by something: it has to be there, or everybody would be mailed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.errors import Conflict, RuleViolation
from crm.domain.events import Event
from crm.domain.filters import PeopleFilter
from crm.domain.ids import new_id
from crm.services import campaigns, event_changes, exclusions, segments
from crm.services.exclusions import campaigns_using
from crm.store import Store
from tests.conftest import Clock
from tests.factories import NOW, make_event
from tests.jobs.mailing import COMPANY, ToldMailer, accepted, assert_sound, crowd, drive, make_work
from tests.services.test_campaigns import draft

LATER = timedelta(days=1)


def held(store: Store) -> Event:
    """An event with nobody on its list."""
    return store.events.create(make_event(), [], [], now=make_event().created_at)


def all_but(event_id: str) -> PeopleFilter:
    return PeopleFilter(company=(COMPANY,), attends_not=(event_id,))


def waiting(store: Store, clock: Clock, event: Event) -> Campaign:
    """A campaign for tomorrow, to everybody but those of the event."""
    return accepted(store, clock(), wanted=all_but(event.id), send_at=clock() + LATER)


@pytest.mark.parametrize("field", ["attends_not", "mailed_not"])
def test_an_audience_that_leaves_people_out_by_nothing_is_refused(store: Store, clock: Clock, field: str) -> None:
    crowd(store, 2)
    kept = draft(store, clock, wanted=PeopleFilter(**{field: ("nonsense",)}))  # type: ignore[arg-type]

    with pytest.raises(RuleViolation, match="“nonsense” to leave people out by") as at_once:
        accepted(store, clock(), wanted=kept.audience_filter)
    with pytest.raises(RuleViolation, match="“nonsense” to leave people out by"):
        campaigns.send(store, kept.id, now=clock(), undo_seconds=0)

    assert at_once.value.errors[0].field == {"attends_not": "attendsNot", "mailed_not": "mailedNot"}[field]
    assert [one.status for one in store.campaigns.page().items] == [CampaignStatus.DRAFT]


def test_what_is_there_can_be_left_out_by_with_a_status_too(store: Store, clock: Clock) -> None:
    people, event = crowd(store, 3), held(store)
    store.events.seat(event.id, [people[0].id], now=clock())
    first = accepted(store, clock(), wanted=all_but(event.id))

    second = accepted(store, clock(), wanted=PeopleFilter(attends_not=(f"{event.id}:no_show",), mailed_not=(first.id,)))

    assert (first.audience.matched, second.audience.matched) == (2, 3)


def test_an_event_is_not_deleted_while_a_campaign_that_waits_leaves_people_out_by_it(store: Store, clock: Clock) -> None:
    crowd(store, 2)
    event = held(store)
    campaign = waiting(store, clock, event)
    letter = draft(store, clock, wanted=all_but(f"{event.id}:no_show"))

    with pytest.raises(Conflict, match="The campaign “Spring” leaves people out by this event"):
        event_changes.delete(store, event.id, actor="grace", now=clock())
    kept = store.events.get(event.id)
    using = campaigns_using(store, event.id)
    campaigns.cancel(store, campaign.id, now=clock())
    gone = event_changes.delete(store, event.id, actor="grace", now=clock())

    assert not kept.deleting
    assert {one.id for one in using} == {campaign.id, letter.id}
    assert gone


def test_an_event_can_go_once_all_the_emails_of_the_campaign_are_made(store: Store, clock: Clock) -> None:
    crowd(store, 2)
    event = held(store)
    accepted(store, clock(), wanted=all_but(event.id))
    drive(make_work(store, ToldMailer(), clock))

    assert campaigns_using(store, event.id) == []
    assert event_changes.delete(store, event.id, actor="grace", now=clock())


def test_a_campaign_that_was_stopped_goes_on_only_where_nobody_more_would_be_mailed(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(store, 2)
    event = held(store)
    campaign = waiting(store, clock, event)
    campaigns.pause(store, campaign.id, now=clock())
    monkeypatch.setattr(event_changes, "check_unused", lambda store, event_id: None)
    event_changes.delete(store, event.id, actor="grace", now=clock())

    with pytest.raises(RuleViolation, match="to leave people out by"):
        campaigns.resume(store, campaign.id, now=clock())
    campaigns.cancel(store, campaign.id, now=clock())

    assert store.campaigns.get(campaign.id).status is CampaignStatus.CANCELLED
    assert_sound(store)


def saved(store: Store, wanted: PeopleFilter, *, owner: str = "grace") -> str:
    """A segment; returns the value that names it."""
    return f"segment:{segments.save(store, new_id(), wanted, owner=owner, now=NOW).id}"


def test_every_kind_of_group_has_to_be_there_to_leave_people_out(store: Store, clock: Clock) -> None:
    people, event = crowd(store, 3), held(store)
    first = accepted(store, clock(), wanted=all_but(event.id))
    store.table.write([store.selections.put("pasted", 0, [people[0].id], pasted=1)])
    there = (
        saved(store, PeopleFilter(city=("Ulm",))),
        "list:pasted",
        f"attends:{event.id}",
        f"mailed:{first.id}:opened",
        "days:3",
    )

    gone = exclusions.gone(store, PeopleFilter(without=(*there, "segment:s9", "list:l9", "attends:e9:invited", "mailed:c9")))

    assert gone == {"without": ["segment:s9", "list:l9", "attends:e9:invited", "mailed:c9"]}


def test_a_segment_that_leans_on_something_gone_so_that_more_would_be_mailed_is_refused(store: Store) -> None:
    guests, strangers = (saved(store, wanted) for wanted in (PeopleFilter(attends=("e9",)), PeopleFilter(attends_not=("e9",))))
    readers = saved(store, PeopleFilter(city=("Ulm",), within=("mailed:c9:opened",)))
    rested = saved(store, PeopleFilter(city=("Ulm",), without=("list:l9",)))

    more = exclusions.gone(store, PeopleFilter(without=(guests, readers), within=(strangers, rested)))
    fewer = exclusions.gone(store, PeopleFilter(within=(guests, readers), without=(strangers, rested)))

    assert more == {"without": [guests, readers], "within": [strangers, rested]}
    assert fewer == {}


def test_an_audience_that_leaves_people_out_by_a_segment_that_is_gone_is_refused_in_words(store: Store, clock: Clock) -> None:
    crowd(store, 2)

    with pytest.raises(RuleViolation, match="“in a segment that is gone”") as refused:
        accepted(store, clock(), wanted=PeopleFilter(company=(COMPANY,), without=("segment:s9",)))

    assert refused.value.errors[0].field == "without"


@pytest.mark.parametrize("by_segment", [False, True])
def test_an_event_that_a_group_names_is_not_deleted_while_the_campaign_waits(
    store: Store, clock: Clock, by_segment: bool
) -> None:
    crowd(store, 2)
    event = held(store)
    value = saved(store, PeopleFilter(attends=(event.id,))) if by_segment else f"attends:{event.id}"
    campaign = accepted(store, clock(), wanted=PeopleFilter(company=(COMPANY,), without=(value,)), send_at=clock() + LATER)

    with pytest.raises(Conflict, match="leaves people out by this event"):
        event_changes.delete(store, event.id, actor="grace", now=clock())

    assert [one.id for one in campaigns_using(store, event.id)] == [campaign.id]


def test_a_segment_that_a_campaign_leaves_people_out_by_is_not_deleted_while_it_waits(store: Store, clock: Clock) -> None:
    crowd(store, 2)
    value = saved(store, PeopleFilter(city=("Ulm",)))
    wanted = PeopleFilter(company=(COMPANY,), without=(value,))
    campaign = accepted(store, clock(), wanted=wanted, send_at=clock() + LATER)
    segment_id = value.partition(":")[2]

    with pytest.raises(Conflict, match="leaves people out by this segment"):
        segments.delete(store, segment_id, viewer="grace", now=NOW)
    campaigns.cancel(store, campaign.id, now=clock())

    assert segments.delete(store, segment_id, viewer="grace", now=NOW).id == segment_id


def test_the_people_of_a_segment_get_nothing(store: Store, clock: Clock) -> None:
    people, mailer = crowd(store, 4), ToldMailer()
    store.people.save(people[0], replace(people[0], profile=replace(people[0].profile, city="Ulm")))
    accepted(store, clock(), wanted=PeopleFilter(company=(COMPANY,), without=(saved(store, PeopleFilter(city=("ulm",))),)))

    drive(make_work(store, mailer, clock))

    assert {one.user_id for one in store.emails.walk(store.campaigns.page().items[0].id)} == {one.id for one in people[1:]}
    assert_sound(store)
