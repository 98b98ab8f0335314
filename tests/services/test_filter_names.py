"""What a filter names by id, in words; events and campaigns found by title."""

from datetime import timedelta

import pytest

from crm.domain.campaigns import CampaignStatus
from crm.domain.filters import PeopleFilter
from crm.domain.tasks import Task, TaskAction
from crm.services import filter_names, segments
from crm.store import Store
from tests.factories import NOW, make_campaign, make_event, make_person


def test_names_are_those_of_what_is_still_there(store: Store) -> None:
    event = store.events.create(make_event(title="Spring"), [], [], now=NOW)
    campaign = store.campaigns.create(make_campaign(subject="Hello"))
    ada = store.people.create(make_person())
    store.table.write([store.tasks.put(Task(id="t1", action=TaskAction.TAG, name="VIP", matched=3, created_at=NOW))])
    wanted = PeopleFilter(attends=(event.id,), mailed_not=(campaign.id, "gone"), selected=("t1",), ids=(ada.id,))

    found = filter_names.names(store, [wanted])

    assert found == {event.id: "Spring", campaign.id: "Hello", "t1": "task: Tag 3 people “VIP”", ada.id: "Ada Lovelace"}


def test_a_filter_that_names_nothing_costs_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.table.client, "batch_get_item", None)

    assert filter_names.names(store, [PeopleFilter(company=("Acme",)), PeopleFilter(ids=("a", "b"))]) == {}


def test_events_are_found_by_words_of_their_title_newest_first_with_who_attends(store: Store) -> None:
    guests = [store.people.create(make_person()).id for _ in range(2)]
    for days, title in ((1, "Spring meet-up in Malmö"), (2, "Autumn"), (3, "Springtime"), (4, "Offspring")):
        event = store.events.create(make_event(title=title, start_at=NOW + timedelta(days=days)), [], guests[: days - 1], now=NOW)
        store.events.fill(event.id, now=NOW)

    found = filter_names.events_titled(store, "SPRÍNG", 12)

    assert [(one.title, one.people) for one in found] == [("Springtime", 2), ("Spring meet-up in Malmö", 0)]
    assert [one.title for one in filter_names.events_titled(store, "malmo spr", 12)] == ["Spring meet-up in Malmö"]
    assert [one.title for one in filter_names.events_titled(store, "", 2)] == ["Offspring", "Springtime"]
    assert filter_names.events_titled(store, "nothing", 12) == []


def test_a_draft_is_not_found_as_it_went_to_nobody(store: Store) -> None:
    store.campaigns.create(make_campaign(subject="Spring"))

    assert filter_names.campaigns_titled(store, "spring", 12) == []


def test_campaigns_are_found_likewise_and_only_so_many_are_looked_through(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for days, subject in ((1, "Spring"), (2, "Autumn"), (3, "Springtime")):
        values = {"status": CampaignStatus.DONE, "created_at": NOW + timedelta(days=days)}
        store.campaigns.create(make_campaign(subject=subject, **values))

    assert [one.title for one in filter_names.campaigns_titled(store, "spr", 12)] == ["Springtime", "Spring"]
    assert [one.title for one in filter_names.campaigns_titled(store, "", 1)] == ["Springtime"]
    monkeypatch.setattr(filter_names, "LOOKED_THROUGH", 2)
    assert [one.title for one in filter_names.campaigns_titled(store, "spr", 12)] == ["Springtime"]


def test_groups_are_phrases_and_what_is_gone_is_said(store: Store) -> None:
    event = store.events.create(make_event(title="Spring"), [], [], now=NOW)
    campaign = store.campaigns.create(make_campaign(subject="Hello"))
    store.table.write([store.tasks.put(Task(id="t1", action=TaskAction.TAG, name="VIP", matched=3, created_at=NOW))])
    store.table.write([store.selections.put("p1", 0, ["a"], pasted=1200)])
    shared, own = (
        segments.save(store, name, PeopleFilter(q="ada"), owner="ingrid", shared=name == "Ours", now=NOW)
        for name in ("Ours", "Mine")
    )
    words = {
        f"segment:{shared.id}": "in the segment “Ours”",
        f"segment:{own.id}": "in somebody’s own segment",
        "segment:gone": "in a segment that is gone",
        "list:t1": "in task: Tag 3 people “VIP”",
        "list:p1": "in a pasted list of 1,200",
        "list:gone": "in a list that is gone",
        f"attends:{event.id}": "attending “Spring”",
        f"attends:{event.id}:no_show": "no-show at “Spring”",
        "attends:gone": "attending an event that is gone",
        f"mailed:{campaign.id}:opened": "opened “Hello”",
        f"mailed:{campaign.id}": "mailed “Hello”",
        "mailed:gone:clicked": "clicked in a campaign that is gone",
        "days:14": "mailed in the last 14 days",
        "days:1": "mailed in the last day",
    }
    values = tuple(words)
    wanted = PeopleFilter(within=values[:6], without=values[6:])

    assert filter_names.names(store, [wanted]) == words
    assert filter_names.names(store, [wanted], viewer="ingrid")[f"segment:{own.id}"] == "in the segment “Mine”"


def test_a_campaign_by_outcome_has_a_name_and_a_phrase(store: Store) -> None:
    campaign = store.campaigns.create(make_campaign(subject="Hello"))
    value = f"{campaign.id}:not_opened"

    found = filter_names.names(store, [PeopleFilter(mailed=(value,), mailed_not=("gone:opened",))])

    assert found == {value: "Hello (not opened)", f"mailed:{value}": "mailed “Hello” without opening it"}
