"""What is asked of the results of mailings."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.domain.campaigns import Utm
from crm.domain.emails import Email, EmailState
from crm.domain.errors import RuleViolation
from crm.domain.metrics import EmailQuery, parse_email_query, query_values

STOCKHOLM = ZoneInfo("Europe/Stockholm")
KOLKATA = ZoneInfo("Asia/Kolkata")


def make_email(created_at: datetime, **values: object) -> Email:
    given = {"id": "e1", "campaign_id": "c1", "user_id": "u1", "email": "a@example.org", "status": EmailState.SENT}
    return Email(**{**given, "created_at": created_at, **values})  # type: ignore[arg-type]


def test_both_days_of_a_range_belong_to_it() -> None:
    query = parse_email_query({"start_date": ["2026-05-01"], "end_date": ["2026-05-02"]}, zone=UTC)

    inside = [query.covers(datetime(2026, 5, day, hour, tzinfo=UTC)) for day, hour in ((1, 0), (2, 23))]
    outside = [query.covers(datetime(2026, month, day, hour, tzinfo=UTC)) for month, day, hour in ((4, 30, 23), (5, 3, 0))]

    assert inside == [True, True]
    assert outside == [False, False]


def test_a_day_is_one_of_the_organisation() -> None:
    query = parse_email_query({"start_date": ["2026-07-01"], "end_date": ["2026-07-01"]}, zone=STOCKHOLM)

    hours = (query.first_hour, query.last_hour)

    assert hours == (datetime(2026, 6, 30, 22, tzinfo=UTC), datetime(2026, 7, 1, 21, tzinfo=UTC))


def test_the_day_on_which_clocks_go_back_has_twenty_five_hours() -> None:
    query = parse_email_query({"start_date": ["2026-10-25"], "end_date": ["2026-10-25"]}, zone=STOCKHOLM)

    first, last = query.first_hour, query.last_hour

    assert first is not None
    assert last is not None
    assert last - first == timedelta(hours=24)


def test_an_hour_that_the_range_cuts_counts_on_a_day_of_the_range() -> None:
    query = parse_email_query({"start_date": ["2026-05-02"], "end_date": ["2026-05-02"]}, zone=KOLKATA)

    first, last = query.first_hour, query.last_hour

    assert first == datetime(2026, 5, 1, 18, tzinfo=UTC)
    assert last == datetime(2026, 5, 2, 18, tzinfo=UTC)
    assert query.day(first) == query.day(last) == date(2026, 5, 2)


def test_a_time_as_end_counts_the_hour_it_stands_in() -> None:
    query = parse_email_query({"start_date": ["2026-05-01T09:30:00Z"], "end_date": ["2026-05-01T11:00:00Z"]}, zone=UTC)

    assert query.covers(datetime(2026, 5, 1, 9, 5, tzinfo=UTC))
    assert query.covers(datetime(2026, 5, 1, 11, 59, tzinfo=UTC))
    assert not query.covers(datetime(2026, 5, 1, 12, 0, tzinfo=UTC))


def test_several_values_of_a_field_mean_either_and_different_fields_must_all_hold() -> None:
    query = parse_email_query({"status": ["sent", "failed"], "utm_source": ["Newsletter"]})
    moment = datetime(2026, 5, 1, 9, tzinfo=UTC)
    utm = Utm(source="newsletter ")

    verdicts = [
        query.matches(make_email(moment, status=EmailState.FAILED, utm=utm)),
        query.matches(make_email(moment, status=EmailState.QUEUED, utm=utm)),
        query.matches(make_email(moment, status=EmailState.SENT)),
    ]

    assert verdicts == [True, False, False]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"status": ["opened"]}, "status"),
        ({"start_date": ["yesterday"]}, "start_date"),
        ({"start_date": ["2026-02-30"]}, "start_date"),
        ({"end_date": ["0001-01-01"]}, "end_date"),
        ({"end_date": ["2026-05-01", "2026-05-02"]}, "end_date"),
        ({"start_date": ["2026-05-02"], "end_date": ["2026-05-01"]}, "start_date"),
        ({"utm_campaign": ["x" * 201]}, "utm_campaign"),
    ],
)
def test_a_value_that_can_not_be_is_named(values: dict[str, list[str]], field: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        parse_email_query(values)

    assert [error.field for error in caught.value.errors] == [field]


@settings(max_examples=50)
@given(
    statuses=st.lists(st.sampled_from(list(EmailState)), unique=True),
    source=st.text(st.characters(categories=("L", "N")), max_size=8),
    start=st.none() | st.dates(date(2020, 1, 1), date(2026, 1, 1)),
)
def test_a_query_survives_the_query_string(statuses: list[EmailState], source: str, start: date | None) -> None:
    query = EmailQuery(statuses=tuple(statuses), utm_source=(source,) if source else (), start=start)

    assert parse_email_query(query_values(query)) == query
