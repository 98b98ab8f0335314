"""Campaigns as items: lists, versions, and the two items of one campaign."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm.domain.campaign_filters import CampaignFilter
from crm.domain.campaigns import Audience, CampaignStatus, Utm
from crm.domain.errors import BadToken, Conflict, NotFound
from crm.domain.filters import PeopleFilter
from crm.store import Store, schema
from crm.store.requests import Update
from tests.factories import NOW, make_campaign

FULL = {
    "subject": "Grüße",
    "body": "Hallo {{ firstName }}",
    "utm": Utm(campaign="a", source="b", medium="c"),
    "audience_filter": PeopleFilter(company=("Acme", "Ölwerke"), attended_min=2, q="ada"),
    "audience": Audience(matched=12, suppressed={"bounced": 2}),
    "left_out": {"unsubscribed": 3},
    "status": CampaignStatus.PAUSED,
    "resume_to": CampaignStatus.SENDING,
    "expanded": True,
    "chunks_put": 4,
    "created_by": "grace",
    "send_at": NOW,
    "started_at": NOW,
    "finished_at": NOW,
}


def test_a_campaign_is_read_as_it_was_written(store: Store) -> None:
    campaign = make_campaign(**FULL)

    store.campaigns.create(campaign)

    assert store.campaigns.get(campaign.id) == replace(campaign, version=1)
    assert store.campaigns.get_many([campaign.id]) == {campaign.id: replace(campaign, version=1)}


def test_its_state_is_read_without_its_text(store: Store) -> None:
    campaign = store.campaigns.create(make_campaign(body="x" * 50_000))

    assert store.campaigns.state(campaign.id) == replace(campaign, body="")


def test_there_is_no_campaign_of_an_unknown_id(store: Store) -> None:
    with pytest.raises(NotFound):
        store.campaigns.get("nobody")
    with pytest.raises(NotFound):
        store.campaigns.state("nobody")


def test_the_second_of_two_edits_of_one_version_is_a_conflict(store: Store) -> None:
    draft = store.campaigns.create(make_campaign())
    store.campaigns.save(replace(draft, subject="first"))

    with pytest.raises(Conflict):
        store.campaigns.save(replace(draft, subject="second"))

    assert store.campaigns.get(draft.id).subject == "first"


def test_what_is_being_sent_can_not_be_edited(store: Store) -> None:
    campaign = store.campaigns.create(make_campaign(status=CampaignStatus.SCHEDULED))

    with pytest.raises(Conflict):
        store.campaigns.save(replace(campaign, subject="other"))


def test_a_change_of_state_keeps_what_jobs_count(store: Store) -> None:
    old = store.campaigns.create(make_campaign(status=CampaignStatus.SENDING))
    store.table.write([store.campaigns.queueing(old.id, chunks=2, left_out={"bounced": 1})])

    store.table.write([store.campaigns.move(old, old.paused(now=NOW), chunks=1)])

    stored = store.campaigns.get(old.id)
    assert (stored.status, stored.chunks_put, stored.left_out) == (CampaignStatus.PAUSED, 3, {"bounced": 1})


def test_the_list_is_newest_first_and_pages_both_ways_over_years(store: Store) -> None:
    made = [store.campaigns.create(make_campaign(created_at=NOW - timedelta(days=50 * number))) for number in range(9)]
    ids = [campaign.id for campaign in made]

    first = store.campaigns.page(limit=4)
    second = store.campaigns.page(limit=4, token=first.next_token)
    third = store.campaigns.page(limit=4, token=second.next_token)
    back = store.campaigns.page(limit=4, token=second.prev_token)

    assert [campaign.id for page in (first, second, third) for campaign in page.items] == ids
    assert (first.prev_token, third.next_token) == (None, None)
    assert back.items == first.items


def test_a_token_of_another_list_is_refused(store: Store) -> None:
    for _ in range(3):
        store.campaigns.create(make_campaign())
    token = store.campaigns.page(limit=1).next_token
    assert token is not None

    with pytest.raises(BadToken):
        store.campaigns.page(limit=1, token=token[:-2] + "AA")
    with pytest.raises(BadToken):
        store.emails.page(campaign_id="x", token=token)


def test_figures_of_a_campaign_that_was_never_sent_are_nothing(store: Store) -> None:
    campaign = store.campaigns.create(make_campaign())

    figures = store.campaigns.figures(campaign.id)

    assert (figures.total, figures.settled, figures.by_reason) == (0, 0, {})


def test_a_filter_finds_by_status_and_words_and_pages_both_ways(store: Store) -> None:
    for number in range(6):
        status = CampaignStatus.DONE if number % 2 else CampaignStatus.DRAFT
        made_at = NOW - timedelta(days=number)
        store.campaigns.create(make_campaign(subject=f"Spring meet-up {number}", status=status, created_at=made_at))
    store.campaigns.create(make_campaign(subject="Autumn"))
    wanted = CampaignFilter(statuses=(CampaignStatus.DRAFT,), q="meet spr")

    first = store.campaigns.page(limit=2, wanted=wanted)
    second = store.campaigns.page(limit=2, wanted=wanted, token=first.next_token)
    back = store.campaigns.page(limit=2, wanted=wanted, token=second.prev_token)

    assert [one.subject[-1] for one in [*first.items, *second.items]] == ["0", "2", "4"]
    assert (back.items, second.next_token) == (first.items, None)
    with pytest.raises(BadToken):
        store.campaigns.page(limit=2, token=first.next_token)


def test_a_page_goes_on_behind_what_was_shown_whatever_came_or_went(store: Store) -> None:
    made = [store.campaigns.create(make_campaign(created_at=NOW - timedelta(days=number))) for number in range(5)]
    token = store.campaigns.page(limit=2).next_token

    store.campaigns.create(make_campaign(created_at=NOW + timedelta(days=1)))
    store.table.write(store.campaigns.removal(made[1]))

    assert [one.id for one in store.campaigns.page(limit=2, token=token).items] == [made[2].id, made[3].id]


def test_campaigns_of_which_the_index_tells_only_keys_are_found_as_well(store: Store) -> None:
    """As in a table that was made before the index carried anything."""
    campaign = store.campaigns.create(make_campaign(subject="Spring", status=CampaignStatus.DONE))
    store.table.write([Update(key=schema.key("campaign", id=campaign.id), changes={"campaignStatus": None})])

    rows = store.campaigns.rows(CampaignFilter(statuses=(CampaignStatus.DONE,)))

    assert [(row.id, row.status) for row in rows] == [(campaign.id, CampaignStatus.DONE)]
