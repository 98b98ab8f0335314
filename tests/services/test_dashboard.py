"""What the first page counts: the same as the analytics of the same days, in every zone, and only what one may see."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.domain.campaigns import CampaignStatus
from crm.domain.emails import EmailState
from crm.domain.metrics import EmailQuery
from crm.services import analytics
from crm.services.dashboard import dashboard
from crm.services.dashboard_parts import Sight
from crm.store import Store
from crm.store.cost import metered
from tests.factories import make_campaign, make_person
from tests.mailings import keep_emails, make_email

EVERYTHING = Sight(**{field.name: True for field in fields(Sight)})
MOMENTS = [
    datetime(2026, 4, 1, 21, 40, tzinfo=UTC),
    datetime(2026, 11, 1, 0, 20, tzinfo=UTC),
    datetime(2026, 5, 31, 23, 59, tzinfo=UTC),
]


@pytest.mark.parametrize("zone", ["Europe/Stockholm", "Asia/Kolkata", "Pacific/Auckland"])
@pytest.mark.parametrize("now", MOMENTS, ids=["summer time begins", "and ends", "end of a month"])
def test_the_days_are_those_of_the_analytics(store: Store, zone: str, now: datetime) -> None:
    spread = [now - timedelta(days=days, hours=hours) for days in (0, 6, 7, 29, 30, 31, 59, 60) for hours in (0, 5, 11, 18)]
    keep_emails(store, [make_email(created_at=at, opened_at=at if place % 3 else None) for place, at in enumerate(spread)])
    for at in spread:
        store.people.create(make_person(created_at=at))

    board = dashboard(store, EVERYTHING, zone=ZoneInfo(zone), now=now)

    mailings, people = board.mailings, board.people
    assert mailings is not None
    assert people is not None
    month = timedelta(days=30)
    for first, last, found in (
        (mailings.first, mailings.last, mailings.lately),
        (mailings.first - month, mailings.last - month, mailings.before),
    ):
        assert found == analytics.summary(store, EmailQuery(start=first, end=last, zone=ZoneInfo(zone)))
    assert mailings.last == now.astimezone(ZoneInfo(zone)).date()
    assert people.joined == mailings.lately.emails
    assert people.by_day[-1] == people.totals.total == len(spread)
    assert people.by_day[0] == len(spread) - people.joined + mailings.lately.series[0]["sent"]  # type: ignore[operator]


@pytest.mark.parametrize("seen", [field.name for field in fields(Sight)])
def test_nothing_is_read_for_who_may_not_see_it(store: Store, seen: str) -> None:
    now = datetime(2026, 5, 20, 9, tzinfo=UTC)

    with metered() as cost:
        board = dashboard(store, Sight(**{seen: True}), zone=ZoneInfo("UTC"), now=now)
    with metered() as most:
        dashboard(store, EVERYTHING, zone=ZoneInfo("UTC"), now=now)

    given = {name: getattr(board, name) is not None for name in ("people", "events", "campaigns")}
    assert given == {name: name == seen for name in given}
    assert (board.mailings is not None) is (seen == "analytics")
    assert cost.requests < most.requests <= 17


def test_all_parts_tell_of_one_moment_while_a_campaign_goes_out(store: Store) -> None:
    now = datetime(2026, 5, 20, 9, tzinfo=UTC)
    campaign = store.campaigns.create(make_campaign(status=CampaignStatus.SENDING, created_at=now))
    read = store.stats.snapshot
    sent = [make_email(campaign_id=campaign.id, created_at=now) for _ in range(4)]

    def late(*asked: object) -> object:
        """A snapshot, before which and after which something is sent."""
        keep_emails(store, sent[:2])
        snapshot = read(*asked)  # type: ignore[arg-type]
        keep_emails(store, sent[2:])
        return snapshot

    store.stats.snapshot = late  # type: ignore[method-assign, assignment]
    board = dashboard(store, EVERYTHING, zone=ZoneInfo("UTC"), now=now)

    assert board.mailings is not None
    assert board.campaigns is not None
    assert board.mailings.lately.totals["sent"] == 2
    assert [one.figures.sent for one in board.campaigns.going] == [2]


def test_what_sends_comes_before_what_is_paused_or_waits(store: Store) -> None:
    now = datetime(2026, 5, 20, 9, tzinfo=UTC)
    states = [CampaignStatus.SCHEDULED, CampaignStatus.PAUSED, CampaignStatus.SENDING, CampaignStatus.EXPANDING]
    for minutes, status in enumerate(states):
        at = now - timedelta(minutes=minutes)
        store.campaigns.create(make_campaign(subject=status.value, status=status, created_at=at, send_at=at))

    board = dashboard(store, EVERYTHING, zone=ZoneInfo("UTC"), now=now)

    assert board.campaigns is not None
    assert [one.campaign.subject for one in board.campaigns.going] == ["expanding", "sending", "paused", "scheduled"]


def test_troubles_of_campaigns_that_nobody_looks_at_any_more_are_counted_together(store: Store) -> None:
    now = datetime(2026, 5, 20, 9, tzinfo=UTC)
    old = store.campaigns.create(make_campaign(status=CampaignStatus.DONE, created_at=now - timedelta(days=20)))
    keep_emails(store, [make_email(campaign_id=old.id, created_at=old.created_at, status=EmailState.UNCERTAIN) for _ in range(2)])
    for _ in range(16):
        store.campaigns.create(make_campaign(created_at=now))

    board = dashboard(store, EVERYTHING, zone=ZoneInfo("UTC"), now=now)

    assert board.campaigns is not None
    assert board.campaigns.troubles == []
    assert board.campaigns.rest == {old.id: 2}
