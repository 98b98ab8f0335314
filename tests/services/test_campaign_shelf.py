"""Putting campaigns away, copying them, and throwing drafts away."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm.domain.campaign_filters import CampaignFilter
from crm.domain.campaigns import CampaignStatus, Letter, Utm
from crm.domain.errors import NotFound, RuleViolation
from crm.domain.filters import PeopleFilter
from crm.services import campaign_shelf, campaigns, retries
from crm.services.campaign_board import Tab, board, of_tab
from crm.store import Store
from crm.store.cost import metered
from crm.store.erasure import forget_in_campaigns
from tests.conftest import Clock
from tests.factories import NOW, make_campaign
from tests.jobs.mailing import REFUSED, ToldMailer, accepted, assert_sound, crowd, drive, make_work

LETTER = Letter(
    subject="Hi",
    preheader="Read me",
    sender="Crew <crew@example.org>",
    reply_to="team@example.org",
    body="Hello",
    utm=Utm(campaign="a", source="b", medium="c", content="d", term="e"),
    tracking=True,
)


@pytest.mark.parametrize("status", [CampaignStatus.DRAFT, CampaignStatus.DONE, CampaignStatus.CANCELLED])
def test_what_was_put_away_is_in_the_archive_alone_until_it_is_taken_out(store: Store, status: CampaignStatus) -> None:
    campaign = store.campaigns.create(make_campaign(status=status))

    campaign_shelf.archive(store, campaign.id, now=NOW)
    away = (ids(store, CampaignFilter()), ids(store, CampaignFilter(archived=True)), store.campaigns.archived_count())
    campaign_shelf.unarchive(store, campaign.id, now=NOW)

    assert away == ([], [campaign.id], 1)
    assert ids(store, CampaignFilter()) == [campaign.id]
    assert_sound(store)


def ids(store: Store, wanted: CampaignFilter) -> list[str]:
    return [one.id for one in store.campaigns.page(wanted=wanted).items]


@pytest.mark.parametrize("status", [CampaignStatus.SCHEDULED, CampaignStatus.SENDING, CampaignStatus.PAUSED])
def test_what_waits_or_runs_can_not_be_put_away(store: Store, status: CampaignStatus) -> None:
    campaign = store.campaigns.create(make_campaign(status=status))

    with pytest.raises(RuleViolation, match="Cancel it first"):
        campaign_shelf.archive(store, campaign.id, now=NOW)


def test_what_is_sent_once_more_comes_out_of_the_archive(store: Store, clock: Clock) -> None:
    mailer = ToldMailer()
    mailer.tell(crowd(store, 1)[0].profile.email, REFUSED)
    campaign = accepted(store, clock())
    drive(make_work(store, mailer, clock))
    campaign_shelf.archive(store, campaign.id, now=clock())

    retries.retry_failed(store, campaign.id, now=clock.pass_(minutes=1))
    drive(make_work(store, mailer, clock))

    assert ids(store, CampaignFilter()) == [campaign.id]
    assert store.campaigns.figures(campaign.id).sent == 1


@pytest.mark.parametrize("status", [CampaignStatus.DRAFT, CampaignStatus.SENDING, CampaignStatus.DONE])
def test_a_copy_is_a_draft_with_the_whole_letter_and_the_audience(store: Store, status: CampaignStatus) -> None:
    wanted = PeopleFilter(company=("Acme",), without=("days:7",))
    model = store.campaigns.create(make_campaign(status=status, audience_filter=wanted, archived_at=NOW).written(LETTER))

    copy = campaign_shelf.duplicate(store, model.id, actor="grace", now=NOW, new="a" * 32)
    again = campaign_shelf.duplicate(store, model.id, actor="grace", now=NOW + timedelta(seconds=1), new="a" * 32)

    assert (copy.letter, copy.audience_filter, copy.status) == (LETTER, wanted, CampaignStatus.DRAFT)
    assert (copy.created_by, copy.archived_at) == ("grace", None)
    assert again == copy


def test_a_draft_goes_with_all_that_an_undone_sending_left_of_it(store: Store, clock: Clock) -> None:
    crowd(store, 1)
    letter = replace(LETTER, sender="")
    draft = campaigns.save_draft(store, None, letter, wanted=PeopleFilter(), actor="grace", now=clock())
    campaigns.send(store, draft.id, now=clock(), undo_seconds=60)
    campaigns.undo(store, draft.id, now=clock())

    campaign_shelf.delete_draft(store, draft.id, now=NOW)
    campaign_shelf.delete_draft(store, draft.id, now=NOW)

    assert [item["SK"] for item in store.table.scan() if item["PK"] == f"CAMPAIGN#{draft.id}"] == []
    with pytest.raises(NotFound):
        store.campaigns.get(draft.id)
    assert_sound(store)


def test_only_a_draft_can_be_deleted(store: Store) -> None:
    campaign = store.campaigns.create(make_campaign(status=CampaignStatus.DONE))

    with pytest.raises(RuleViolation, match="can be archived"):
        campaign_shelf.delete_draft(store, campaign.id, now=NOW)


def test_tabs_count_all_there_are_under_the_words_and_a_page_costs_the_same_however_many(store: Store) -> None:
    statuses = [*CampaignStatus, CampaignStatus.DRAFT]
    for number, status in enumerate(statuses):
        store.campaigns.create(make_campaign(subject=f"Spring {number}", status=status, created_at=NOW + timedelta(hours=number)))
    store.campaigns.create(make_campaign(subject="Autumn", status=CampaignStatus.DONE, archived_at=NOW))

    with metered() as cost:
        found = board(store, of_tab(Tab.DRAFTS), limit=50)
    spring, autumn = board(store, of_tab(Tab.ALL, "spr"), limit=3), board(store, of_tab(Tab.ALL, "autumn"), limit=3)

    assert [row.campaign.subject for row in found.rows] == ["Spring 7", "Spring 0"]
    assert list(found.counts.values()) == [8, 2, 1, 2, 1, 2, 1]
    assert cost.requests <= 12
    assert (spring.total, len(spring.rows), spring.counts[Tab.ARCHIVED]) == (8, 3, 0)
    assert (autumn.total, autumn.counts[Tab.ARCHIVED]) == (0, 1)


def test_who_is_erased_is_forgotten_in_archived_campaigns_too(store: Store) -> None:
    (person,) = crowd(store, 1)
    wanted = PeopleFilter(q=person.profile.email)
    campaign = store.campaigns.create(make_campaign(status=CampaignStatus.DONE, audience_filter=wanted, archived_at=NOW))

    changed = forget_in_campaigns(store.table, store.campaigns, person.id, person.profile)

    assert changed == 1
    assert store.campaigns.get(campaign.id).audience_filter == PeopleFilter(ids=(person.id,))


def test_what_was_put_away_is_not_shown_among_the_others_though_the_index_lags(store: Store) -> None:
    campaign = store.campaigns.create(make_campaign(status=CampaignStatus.DONE))
    rows = store.campaigns.rows()
    campaign_shelf.archive(store, campaign.id, now=NOW)

    page = store.campaigns.cut(rows, limit=50, token=None, wanted=CampaignFilter())

    assert page.items == []
