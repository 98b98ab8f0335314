"""Tiles, days, list and CSV against a plain recount of the same e-mails."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm.domain.campaigns import Utm
from crm.domain.emails import Email, EmailState
from crm.domain.errors import BadToken
from crm.domain.ids import new_id
from crm.domain.metrics import EmailQuery
from crm.services import analytics
from crm.store import Store
from crm.store.cost import metered
from crm.store.requests import Delete
from tests.mailings import keep_emails, make_email

ZONES = ("UTC", "Europe/Stockholm", "Asia/Kolkata", "America/St_Johns")
FIRST = datetime(2026, 3, 27, 22, 15, tzinfo=UTC)
CAMPAIGNS = tuple(new_id() for _ in range(4))
UTMS = (Utm(), Utm(campaign="Spring", source="newsletter"), Utm(campaign="spring ", medium="email"), Utm(source="Partner"))


def recounted(emails: Sequence[Email], query: EmailQuery) -> list[Email]:
    return sorted((email for email in emails if query.matches(email)), key=lambda e: (e.created_at, e.id), reverse=True)


def paged(store: Store, query: EmailQuery, limit: int) -> list[Email]:
    found, token = [], None
    while True:
        page = analytics.emails(store, query, limit=limit, token=token)
        found += page.items
        token = page.next_token
        if token is None:
            return found


@st.composite
def mailings(draw: st.DrawFn) -> list[Email]:
    """E-mails of a few campaigns over four days, many of them in the same moment, with all outcomes."""
    spots = st.tuples(
        st.integers(0, 3), st.integers(0, 95), st.sampled_from([0, 0, 0, 1, 3_599_999]), st.sampled_from(list(EmailState))
    )
    return [
        make_email(
            campaign_id=CAMPAIGNS[number],
            utm=UTMS[number],
            created_at=FIRST.replace(minute=0) + timedelta(hours=hour, milliseconds=millisecond),
            status=status,
        )
        for number, hour, millisecond, status in draw(st.lists(spots, max_size=60))
    ]


@st.composite
def queries(draw: st.DrawFn) -> EmailQuery:
    """Any filter, with a range that is open, begins and ends on days, or cuts hours."""
    days = st.dates(date(2026, 3, 26), date(2026, 4, 2))
    moments = st.integers(0, 120 * 60).map(lambda minutes: FIRST - timedelta(hours=12) + timedelta(minutes=minutes))
    start, end = draw(st.none() | days | moments), draw(st.none() | days | moments)
    return EmailQuery(
        statuses=tuple(draw(st.lists(st.sampled_from(list(EmailState)), max_size=2, unique=True))),
        campaign_ids=tuple(draw(st.lists(st.sampled_from([*CAMPAIGNS, "unknown"]), max_size=2, unique=True))),
        utm_campaign=tuple(draw(st.lists(st.sampled_from(["spring", "autumn"]), max_size=1))),
        utm_source=tuple(draw(st.lists(st.sampled_from(["newsletter", "PARTNER"]), max_size=2, unique=True))),
        start=start,
        end=end,
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
    )


@settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck))
@given(data=st.data(), emails=mailings())
def test_tiles_days_pages_and_csv_agree_with_a_plain_recount(store: Store, data: st.DataObject, emails: list[Email]) -> None:
    wipe(store)
    keep_emails(store, emails)

    for query in data.draw(st.lists(queries(), min_size=4, max_size=4)):
        expected = recounted(emails, query)
        summary = analytics.summary(store, query)
        totals = Counter(email.status.value for email in expected)
        by_day = Counter(
            (query.day(email.created_at.replace(minute=0, second=0, microsecond=0)).isoformat(), email.status.value)
            for email in expected
        )

        assert {name: number for name, number in summary.totals.items() if number} == totals
        assert {
            (str(day["date"]), name): number
            for day in summary.series
            for name, number in day.items()
            if name != "date" and number
        } == by_day
        assert [email.id for email in paged(store, query, limit=7)] == [email.id for email in expected]
        assert [email.id for email in analytics.every_email(store, query)] == [email.id for email in expected]


def wipe(store: Store) -> None:
    """Empty the table between examples, which is quicker than a new one."""
    keys = [{"PK": item["PK"], "SK": item["SK"]} for item in store.table.scan()]
    for begin in range(0, len(keys), 100):
        store.table.write([Delete(key=key) for key in keys[begin : begin + 100]])


def test_going_back_shows_the_pages_that_one_came_from(store: Store) -> None:
    keep_emails(
        store, [make_email(created_at=FIRST + timedelta(minutes=minute), campaign_id=CAMPAIGNS[0]) for minute in range(23)]
    )
    query = EmailQuery()

    first = analytics.emails(store, query, limit=10)
    second = analytics.emails(store, query, limit=10, token=first.next_token)
    third = analytics.emails(store, query, limit=10, token=second.next_token)
    back = analytics.emails(store, query, limit=10, token=third.prev_token)
    start = analytics.emails(store, query, limit=10, token=back.prev_token)

    assert [email.id for email in back.items] == [email.id for email in second.items]
    assert [email.id for email in start.items] == [email.id for email in first.items]
    assert (len(third.items), third.next_token, start.prev_token) == (3, None, None)


def test_a_token_of_another_filter_is_refused(store: Store) -> None:
    keep_emails(store, [make_email(created_at=FIRST + timedelta(minutes=minute)) for minute in range(3)])
    token = analytics.emails(store, EmailQuery(), limit=1).next_token

    with pytest.raises(BadToken):
        analytics.emails(store, EmailQuery(statuses=(EmailState.SENT,)), limit=1, token=token)
    with pytest.raises(BadToken):
        analytics.emails(store, EmailQuery(), limit=1, token=f"{token}x")


def test_what_is_open_longer_than_a_year_asks_which_months_hold_e_mails(store: Store) -> None:
    old, new = (make_email(created_at=datetime(year, 7, 1, tzinfo=UTC)) for year in (2016, 2026))
    keep_emails(store, [old, new])

    with metered() as cost:
        summary = analytics.summary(store, EmailQuery())

    assert [day["date"] for day in summary.series] == ["2016-07-01", "2026-07-01"]
    assert cost.requests <= 20


def test_a_page_costs_the_same_however_many_e_mails_there_are(store: Store) -> None:
    costs = []
    for number in (160, 480):  # enough for a page from each lane
        keep_emails(store, [make_email(campaign_id=CAMPAIGNS[0], created_at=FIRST) for _ in range(number)])
        store.stats.fold_all()
        with metered() as cost:
            analytics.summary(store, EmailQuery(start=date(2026, 3, 1), end=date(2026, 3, 31)))
            analytics.emails(store, EmailQuery(start=date(2026, 3, 1), end=date(2026, 3, 31)), limit=5)
        costs.append((cost.requests, cost.items_read))

    assert costs[0] == costs[1]


def test_the_filters_offer_what_the_range_holds_most_first(store: Store) -> None:
    keep_emails(
        store,
        [make_email(campaign_id=CAMPAIGNS[1], utm=UTMS[1], created_at=FIRST) for _ in range(2)]
        + [make_email(campaign_id=CAMPAIGNS[3], utm=UTMS[3], created_at=FIRST) for _ in range(3)],
    )

    found = analytics.overview(store, EmailQuery(utm_source=("newsletter",)))

    assert [(choice.value, choice.count) for choice in found.choices["utm_source"]] == [("Partner", 3), ("newsletter", 2)]
    assert found.summary.totals["sent"] == 2
    assert [(row.value, row.counts["sent"]) for row in found.breakdowns["campaign_id"]] == [(CAMPAIGNS[1], 2)]


def test_an_e_mail_that_moves_while_it_is_listed_is_not_lost(store: Store) -> None:
    queued = [make_email(campaign_id=CAMPAIGNS[0], status=EmailState.QUEUED, created_at=FIRST) for _ in range(4)]
    keep_emails(store, queued)
    rows = store.email_lists.rows(EmailQuery())

    assert set(rows[0].statuses) == set(EmailState)
