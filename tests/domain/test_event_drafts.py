"""What the texts of a draft come to: the event, or what is wrong with them; slugs, copies, and times at changes of the clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.domain.draft_people import MAX_SOURCES, Source, SourceKind, addresses_in, with_source, without_person
from crm.domain.errors import RuleViolation
from crm.domain.event_drafts import MAX_TYPED, EventDraft, Step, copied, slug_of
from crm.domain.events import SLUG
from crm.domain.local_times import moment_of, next_such_day, parse_time, zone_names
from tests.factories import NOW, make_event

RIGHT = {
    "title": "Autumn kick-off",
    "slug": "autumn",
    "startDate": "2026-10-24",
    "startTime": "18:00",
    "endTime": "21:00",
    "timezone": "Europe/Stockholm",
    "owner": "p1",
    "waitlist": "yes",
}


def drafted(**fields: str) -> EventDraft:
    """A draft that could be published, but for what a test makes of it."""
    return EventDraft(id="e1", fields={**RIGHT, **fields}, created_at=NOW, updated_at=NOW)


def faults(**fields: str) -> dict[str, str]:
    return {fault.field: fault.message for fault in drafted(**fields).planned(now=NOW).faults}


def test_a_draft_becomes_an_event_in_its_own_zone() -> None:
    event = drafted(maxCapacity="1 200", endDate="2026-10-25", waitlist="").planned(now=NOW).event

    assert event is not None
    assert event.start_at == datetime(2026, 10, 24, 16, 0, tzinfo=UTC)
    assert event.end_at == datetime(2026, 10, 25, 20, 0, tzinfo=UTC)
    assert (event.max_capacity, event.waitlist, event.auto_no_show) == (1200, False, False)


def test_an_empty_draft_names_all_that_is_missing_in_the_order_of_the_steps() -> None:
    planned = EventDraft(id="e1", fields={}, created_at=NOW, updated_at=NOW).planned(now=NOW)

    assert planned.event is None
    assert [fault.field for fault in planned.faults] == [
        "title",
        "startDate",
        "startTime",
        "endTime",
        "timezone",
        "owner",
    ]
    assert [fault.field for fault in planned.faults_of(Step.HOSTS)] == ["owner"]


@pytest.mark.parametrize(
    ("fields", "name", "said"),
    [
        ({"endTime": "17:00"}, "endTime", "ends before it starts"),
        ({"endDate": "2026-10-23"}, "endDate", "ends before it starts"),
        ({"endDate": "2026-12-24"}, "endDate", "31 days at most"),
        ({"startDate": "24.10.2026"}, "startDate", "is not a day"),
        ({"startDate": "0026-10-24"}, "startDate", "The year 26 can’t be meant"),
        ({"startTime": "6 pm"}, "startTime", "is not a time"),
        ({"startDate": "2026-03-29", "startTime": "02:30", "endTime": "05:00"}, "startTime", "does not exist"),
        ({"maxCapacity": "0"}, "maxCapacity", "0 is not possible"),
        ({"maxCapacity": "-3"}, "maxCapacity", "-3 is not possible"),
        ({"maxCapacity": "12.5"}, "maxCapacity", "12.5 is not possible"),
        ({"timezone": "localtime"}, "timezone", "is not a time zone"),
        ({"maxCapacity": "many"}, "maxCapacity", "many is not possible"),
        ({"timezone": "Stockholm"}, "timezone", "is not a time zone"),
        ({"onlineUrl": "javascript:alert(1)"}, "onlineUrl", "must begin with https://"),
        ({"slug": "Not A Slug"}, "slug", "small letters"),
        ({"title": " ", "slug": ""}, "title", "1 to 300 characters"),
    ],
)
def test_what_can_not_be_is_named_at_its_field_alone(fields: dict[str, str], name: str, said: str) -> None:
    found = faults(**fields)

    assert list(found) == [name]
    assert said in found[name]


def test_a_night_on_which_clocks_go_back_has_its_length() -> None:
    planned = drafted(startDate="2026-10-25", startTime="02:30", endTime="02:10").planned(now=NOW)

    assert planned.event is not None
    assert planned.event.end_at - planned.event.start_at == timedelta(minutes=40)
    assert planned.twice == ("startTime", "endTime")


def test_more_than_a_step_keeps_is_refused() -> None:
    with pytest.raises(RuleViolation, match="too long to be kept"):
        drafted().with_step(Step.BASICS, {"description": "x" * (MAX_TYPED + 1)})


def test_one_goes_on_at_the_first_step_that_was_never_saved() -> None:
    saved = {step: 1 for step in Step if step not in {Step.HOSTS, Step.REVIEW}}

    draft = EventDraft(id="e1", saved=saved, created_at=NOW, updated_at=NOW)

    assert draft.next_step is Step.HOSTS
    assert EventDraft(id="e1", saved={**saved, Step.HOSTS: 2}, created_at=NOW, updated_at=NOW).next_step is Step.REVIEW


@given(title=st.text(max_size=200))
@settings(max_examples=50)
def test_a_suggested_slug_is_a_slug(title: str) -> None:
    slug = slug_of(title)

    assert slug == "" or (SLUG.fullmatch(slug) and len(slug) <= 80)


@given(day=st.dates(date(2026, 1, 1), date(2030, 1, 1)), today=st.dates(date(2026, 1, 1), date(2030, 1, 1)))
@settings(max_examples=50)
def test_a_copy_is_whole_weeks_later_and_ahead_but_no_later_than_it_must(day: date, today: date) -> None:
    found = next_such_day(day, today=today)

    assert (found - day).days % 7 == 0
    assert found > today
    assert found > day
    assert found - timedelta(days=7) <= max(today, day)


@given(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001  # made aware below
    zone=st.sampled_from(["Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
@settings(max_examples=50)
def test_what_clocks_show_means_a_moment_at_which_they_show_it(moment: datetime, zone: str) -> None:
    local = moment.replace(second=0, microsecond=0, tzinfo=UTC).astimezone(ZoneInfo(zone))

    found = moment_of(local.date(), parse_time(f"{local:%H:%M}"), ZoneInfo(zone)).astimezone(ZoneInfo(zone))

    assert found.replace(tzinfo=None) == local.replace(tzinfo=None)


def test_a_copy_keeps_the_time_of_day_over_summer_time() -> None:
    winter = make_event(
        start_at=datetime(2026, 3, 23, 17, 0, tzinfo=UTC),
        end_at=datetime(2026, 3, 24, 1, 0, tzinfo=UTC),
        timezone="Europe/Stockholm",
    )

    fields = copied(winter, today=date(2026, 3, 25))

    assert (fields["startDate"], fields["startTime"], fields["endDate"], fields["endTime"]) == (
        "2026-03-30",
        "18:00",
        "2026-03-31",
        "02:00",
    )
    again = EventDraft(id="e2", fields={**RIGHT, **fields}, created_at=NOW, updated_at=NOW).planned(now=NOW).event
    assert again is not None
    assert again.start_at == datetime(2026, 3, 30, 16, 0, tzinfo=UTC)


def test_every_zone_that_is_offered_is_one() -> None:
    assert all(not faults(timezone=name) for name in zone_names()[::40])


def test_addresses_are_found_among_names_and_what_is_none_is_kept_to_be_mended() -> None:
    typed = "“Ada” <ada@example.org>, bob@example.org;\n carl at example.org\t\tada@EXAMPLE.org"

    assert addresses_in(typed) == ["ada@example.org", "bob@example.org", "carl at example.org"]


def test_a_source_takes_the_place_of_the_one_with_its_id_and_there_is_an_end_to_them() -> None:
    sources = with_source((), Source(id="s0", kind=SourceKind.PASTED, ids=("p1", "p2")))

    replaced = with_source(sources, Source(id="s0", kind=SourceKind.PASTED, ids=("p3",)))
    for number in range(1, MAX_SOURCES):
        sources = with_source(sources, Source(id=f"s{number}", kind=SourceKind.PASTED, ids=("p1",)))

    assert [one.ids for one in replaced] == [("p3",)]
    with pytest.raises(RuleViolation, match="20 sources at most"):
        with_source(sources, Source(id="more", kind=SourceKind.PASTED))


def test_what_a_draft_holds_fits_into_an_item() -> None:
    long = tuple(f"{number:03}" + "é" * 317 for number in range(520))

    with pytest.raises(RuleViolation, match="than a draft can hold"):
        with_source((), Source(id="s0", kind=SourceKind.PASTED, unknown=long))


def test_who_is_removed_is_in_no_list_and_nothing_empty_stays() -> None:
    sources = (Source(id="s0", kind=SourceKind.CHOSEN, ids=("p1",)), Source(id="s1", kind=SourceKind.FILE, ids=("p1", "p2")))

    assert [one.ids for one in without_person(sources, "p1")] == [("p2",)]
