"""Totals, days, breakdowns and tables of e-mails, and the list behind them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.domain.campaigns import Utm
from crm.domain.emails import EmailState
from crm.domain.errors import BadToken
from crm.domain.ids import new_id
from crm.domain.metrics import NONE, EmailQuery, parse_email_query
from crm.domain.outcomes import Hits
from crm.services import analytics
from crm.services.analytics_tables import Table, breakdown_table, series_table
from crm.store import Store
from crm.store.cost import metered
from crm.web.columns import columns
from tests.mailings import keep_emails, make_email

FIRST = datetime(2026, 3, 27, 22, 15, tzinfo=UTC)
CAMPAIGNS = tuple(new_id() for _ in range(4))
UTMS = (Utm(), Utm(campaign="Spring", source="newsletter"), Utm(campaign="spring ", medium="email"), Utm(source="Partner"))
STOCKHOLM, KOLKATA = ZoneInfo("Europe/Stockholm"), ZoneInfo("Asia/Kolkata")


def keep_hourly(store: Store, first: datetime, hours: int) -> None:
    """An e-mail in each hour."""
    keep_emails(store, [make_email(created_at=first + timedelta(hours=hour, minutes=5)) for hour in range(hours)])


def sent_by_day(store: Store, query: EmailQuery) -> dict[str, int]:
    found = analytics.overview(store, query).summary
    days = {str(day["date"]): int(day["sent"]) for day in found.series}
    assert sum(days.values()) == found.totals["sent"]
    return days


@pytest.mark.parametrize(("change", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_the_day_on_which_clocks_change_has_an_hour_more_or_less(store: Store, change: date, hours: int) -> None:
    before, after = change - timedelta(days=1), change + timedelta(days=1)
    keep_hourly(store, datetime(change.year, change.month, change.day, tzinfo=UTC) - timedelta(days=2), 5 * 24)

    around = sent_by_day(store, EmailQuery(start=before, end=after, zone=STOCKHOLM))
    alone = sent_by_day(store, EmailQuery(start=change, end=change, zone=STOCKHOLM))

    assert around == {before.isoformat(): 24, change.isoformat(): hours, after.isoformat(): 24}
    assert alone == {change.isoformat(): hours}


def test_an_hour_that_an_end_cuts_counts_whole_for_the_day_at_that_end(store: Store) -> None:
    first, second = date(2026, 5, 4), date(2026, 5, 5)
    keep_hourly(store, datetime(2026, 5, 3, tzinfo=UTC), 4 * 24)

    one_day = sent_by_day(store, EmailQuery(start=first, end=first, zone=KOLKATA))
    two_days = sent_by_day(store, EmailQuery(start=first, end=second, zone=KOLKATA))

    assert one_day == {"2026-05-04": 25}
    assert two_days == {"2026-05-04": 25, "2026-05-05": 24}


def test_a_day_of_which_nothing_passes_is_not_in_the_series_although_something_waits_there(store: Store) -> None:
    keep_emails(store, [make_email(status=EmailState.QUEUED, created_at=FIRST), make_email(created_at=FIRST + timedelta(days=2))])

    found = analytics.overview(store, EmailQuery(statuses=(EmailState.SENT,)))

    assert [day["date"] for day in found.summary.series] == ["2026-03-29"]
    assert [row.first for row in found.breakdowns["campaign_id"]] == [date(2026, 3, 29)]


def test_e_mails_without_a_utm_value_are_a_row_that_leads_to_them(store: Store) -> None:
    keep_emails(store, [make_email(campaign_id=CAMPAIGNS[number], utm=UTMS[number]) for number in (0, 1, 2, 3, 3)])

    rows = analytics.overview(store, EmailQuery()).breakdowns["utm_campaign"]
    without = analytics.emails(store, parse_email_query({"utm_campaign": [NONE]})).items

    assert [(row.value, row.emails) for row in rows] == [("", 3), ("Spring", 2)]
    assert {email.campaign_id for email in without} == {CAMPAIGNS[0], CAMPAIGNS[3]}
    assert len(without) == 3


def first_row(table: Table) -> dict[str, object]:
    header, rows = table
    return dict(zip(header, rows[0], strict=True))


def test_tables_have_the_opens_and_clicks_that_are_to_count(store: Store) -> None:
    opened = make_email(created_at=FIRST, opened_at=FIRST, clicked_any_at=FIRST)
    keep_emails(store, [opened, make_email(created_at=FIRST, opened_any_at=FIRST)])

    found = analytics.overview(store, EmailQuery())
    tables = [breakdown_table(found.breakdowns["campaign_id"], "campaign_id", hits=hits) for hits in Hits]
    people, everything = map(first_row, tables)

    assert [people[name] for name in ("created", "sent", "opened", "clicked")] == [2, 2, 1, 0]
    assert [everything[name] for name in ("opened_any", "clicked_any")] == [2, 1]
    assert "opened_any" not in people
    assert "opened" not in everything


def test_a_table_of_weeks_has_those_without_anything_too(store: Store) -> None:
    keep_emails(store, [make_email(created_at=datetime(2026, 5, day, 9, tzinfo=UTC)) for day in (4, 10, 19)])
    series = analytics.summary(store, EmailQuery()).series

    header, rows = series_table(columns(series, first=date(2026, 5, 4), last=date(2026, 5, 20), step="week"))

    assert header[:5] == ("first_date", "last_date", "created", "queued", "sent")
    assert [(row[0], row[1], row[4]) for row in rows] == [
        ("2026-05-04", "2026-05-10", 2),
        ("2026-05-11", "2026-05-17", 0),
        ("2026-05-18", "2026-05-20", 1),
    ]


def test_a_table_of_campaigns_tells_their_subjects(store: Store) -> None:
    keep_emails(store, [make_email(campaign_id=CAMPAIGNS[0], created_at=FIRST)])
    rows = analytics.overview(store, EmailQuery()).breakdowns["campaign_id"]

    header, cells = breakdown_table(rows, "campaign_id", subjects={CAMPAIGNS[0]: "Spring"})

    assert header[:4] == ("campaign_id", "subject", "first_date", "last_date")
    assert cells[0][:4] == (CAMPAIGNS[0], "Spring", "2026-03-27", "2026-03-27")


def test_everything_on_the_page_comes_from_one_reading_of_the_counters(store: Store) -> None:
    keep_emails(store, [make_email(created_at=FIRST), make_email(created_at=FIRST + timedelta(days=7))])
    query = EmailQuery(start=date(2026, 3, 1), end=date(2026, 4, 30))
    costs = []

    for read in (
        lambda: store.email_lists.rows(query),
        lambda: analytics.overview(store, query),
        lambda: analytics.overview(store, query, by_domain=True),
    ):
        with metered() as cost:
            read()
        costs.append(cost.requests)

    months = 2
    assert costs == [costs[0], costs[0], costs[0] + months]


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
