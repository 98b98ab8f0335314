"""Events as calendars: right local times, and what becomes of them told in a way that calendar programs understand."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest

from crm.domain.event_filters import EventFilter
from crm.domain.events import Event, EventStatus
from crm.domain.feeds import Feed
from crm.domain.ids import new_id
from crm.services import feeds
from crm.services.calendars import calendar_of
from crm.store import Store
from tests.factories import NOW, make_event

STOCKHOLM, NEW_YORK = ZoneInfo("Europe/Stockholm"), ZoneInfo("America/New_York")
DAY = timedelta(days=1)


def written(*events: Event) -> bytes:
    """A calendar of these events."""
    return calendar_of(events, name="Events", url_of=lambda event: f"https://crm.example/events/{event.id}/")


def read(data: bytes) -> list[Any]:
    """The events of a calendar, as another program reads them."""
    return list(icalendar.Calendar.from_ical(data).walk("VEVENT"))


def local(zone: ZoneInfo, *when: int) -> datetime:
    """What a clock there shows, as the moment it is."""
    return datetime(*when, tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type,misc]


def onsets(calendar: Any, zone: str) -> Iterator[tuple[datetime, timedelta]]:
    """When clocks change according to the calendar itself: the moment, in UTC, and the offset from then on."""
    (component,) = [one for one in calendar.walk("VTIMEZONE") if one["TZID"] == zone]
    for one in component.subcomponents:
        moment = one["DTSTART"].dt - one["TZOFFSETFROM"].td
        yield moment.replace(tzinfo=UTC), one["TZOFFSETTO"].td


@pytest.mark.parametrize(
    ("zone", "days"), [(STOCKHOLM, [(2026, 3, 28), (2026, 10, 24)]), (NEW_YORK, [(2026, 3, 7), (2026, 10, 31)])], ids=str
)
def test_local_times_are_right_around_both_changes_of_summer_time(zone: ZoneInfo, days: list[tuple[int, int, int]]) -> None:
    events = []
    for year, month, day in days:
        for start, end in (((18, 0), (20, 0)), ((1, 30), (3, 30)), ((3, 0), (23, 45))):
            for offset in (0, 1, 2):
                begins = datetime(year, month, day, *start, tzinfo=zone) + offset * DAY
                ends = datetime(year, month, day, *end, tzinfo=zone) + offset * DAY
                events.append(make_event(start_at=begins.astimezone(UTC), end_at=ends.astimezone(UTC), timezone=zone.key))

    found = read(written(*events))

    for event, component in zip(events, found, strict=True):
        for name, moment in (("DTSTART", event.start_at), ("DTEND", event.end_at)):
            assert component[name].params["TZID"] == zone.key
            assert component[name].dt.replace(tzinfo=None) == moment.astimezone(zone).replace(tzinfo=None)
            assert component[name].dt.astimezone(UTC) == moment


@pytest.mark.parametrize(
    "name", ["Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"]
)
def test_the_zone_that_a_calendar_carries_says_what_the_clocks_there_say(name: str) -> None:
    zone = ZoneInfo(name)
    event = make_event(start_at=datetime(2026, 12, 30, 12, tzinfo=UTC), timezone=name)

    changes = sorted(onsets(icalendar.Calendar.from_ical(written(event)), name))

    moment = datetime(2026, 1, 1, tzinfo=UTC)
    while moment < datetime(2027, 12, 31, tzinfo=UTC):
        told = [offset for since, offset in changes if since <= moment][-1]
        assert told == moment.astimezone(zone).utcoffset(), moment
        moment += timedelta(hours=1)


def test_a_time_that_a_clock_shows_twice_is_told_so_that_it_can_mean_only_one(store: Store) -> None:
    first = make_event(start_at=datetime(2026, 10, 25, 0, 30, tzinfo=UTC), timezone="Europe/Stockholm")
    second = make_event(start_at=datetime(2026, 10, 25, 1, 30, tzinfo=UTC), timezone="Europe/Stockholm")

    found = read(written(first, second))

    assert [one["DTSTART"].dt.astimezone(UTC) for one in found] == [first.start_at, second.start_at]
    assert [one["DTEND"].dt.astimezone(UTC) for one in found] == [first.end_at, second.end_at]


def test_an_event_of_several_days_and_one_in_utc_have_both_ends() -> None:
    camp = make_event(
        start_at=local(STOCKHOLM, 2026, 7, 1, 9), end_at=local(STOCKHOLM, 2026, 7, 31, 17), timezone="Europe/Stockholm"
    )
    call = make_event(start_at=datetime(2026, 7, 1, 9, tzinfo=UTC), timezone="UTC")

    found = read(written(camp, call))

    assert (found[0]["DTSTART"].dt.isoformat(), found[0]["DTEND"].dt.isoformat()) == (
        "2026-07-01T09:00:00+02:00",
        "2026-07-31T17:00:00+02:00",
    )
    assert found[1]["DTEND"].dt == call.end_at


def test_text_is_escaped_and_long_lines_are_folded_and_come_back_whole() -> None:
    title = "Commas, semicolons; back\\slashes & ångström " * 6
    event = make_event(title=title.strip(), venue="Hall 2; upstairs", city="Göteborg", description="é" * 300)

    data = written(event)
    (found,) = read(data)

    assert max(len(line) for line in data.split(b"\r\n")) <= 75
    assert str(found["SUMMARY"]) == title.strip()
    assert str(found["LOCATION"]) == "Hall 2; upstairs, Göteborg"
    assert "é" * 300 in str(found["DESCRIPTION"])


def test_the_description_is_plain_text_with_the_links() -> None:
    event = make_event(
        description="# Come\n\nBring *your* [laptop](https://laptops.example/) ![, the old](https://a.b/c.png)\n\n- one\n- two",
        online_url="https://meet.example/x",
    )

    (found,) = read(written(event))

    assert str(found["DESCRIPTION"]) == (
        "Come\n\nBring your laptop <https://laptops.example/> , the old\n\n- one\n- two\n\nOnline: https://meet.example/x\n\n"
        f"https://crm.example/events/{event.id}/"
    )
    assert str(found["URL"]) == f"https://crm.example/events/{event.id}/"
    assert str(found["LOCATION"]) == "Online"


def test_an_event_keeps_its_uid_and_its_sequence_goes_up_until_it_is_cancelled() -> None:
    event = make_event(version=1)
    moved = make_event(id=event.id, slug=event.slug, start_at=event.start_at + DAY, version=2)
    cancelled = make_event(id=event.id, slug=event.slug, version=3, status=EventStatus.CANCELLED)

    found = [read(written(one))[0] for one in (event, moved, cancelled)]

    assert len({str(one["UID"]) for one in found}) == 1
    assert [one["SEQUENCE"] for one in found] == [1, 2, 3]
    assert [str(one["STATUS"]) for one in found] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]


def test_the_same_events_give_the_same_bytes() -> None:
    events = [make_event(timezone=zone) for zone in ("Europe/Stockholm", "America/New_York", "Asia/Tokyo")]

    assert written(*events) == written(*events)


def test_a_feed_holds_what_its_filter_finds_from_90_days_ago_on(store: Store) -> None:
    past, old, other, ahead = (
        make_event(title="Spring meet-up", start_at=NOW - 80 * DAY),
        make_event(title="Spring meet-up", start_at=NOW - 100 * DAY),
        make_event(title="Autumn", start_at=NOW + DAY),
        make_event(title="A spring evening", start_at=NOW + 400 * DAY),
    )
    for event in (past, old, other, ahead):
        store.events.create(event, [], [], now=NOW)
    feed = feeds.create(store, new_id(), {"q": " spring "}, zone=STOCKHOLM, actor="ingrid", now=NOW)

    found = feeds.events_of(store, feed, zone=STOCKHOLM, now=NOW)

    assert [event.id for event in found] == [past.id, ahead.id]


def test_a_feed_tells_when_it_was_last_fetched_to_the_hour(store: Store) -> None:
    feed = feeds.create(store, new_id(), {}, zone=STOCKHOLM, actor="ingrid", now=NOW)

    for minutes in (0, 20, 59):
        list(feeds.events_of(store, store.feeds.get(feed.id), zone=STOCKHOLM, now=NOW + timedelta(minutes=minutes)))
    early = store.feeds.get(feed.id).fetched_at
    list(feeds.events_of(store, store.feeds.get(feed.id), zone=STOCKHOLM, now=NOW + timedelta(minutes=61)))

    assert early == NOW
    assert store.feeds.get(feed.id).fetched_at == NOW + timedelta(minutes=61)


def test_the_days_of_a_feed_are_those_of_the_organisation(store: Store) -> None:
    feed = Feed(id="f", values={"from": "2026-03-29", "to": "2026-03-29"}, created_by="ingrid", created_at=NOW)

    wanted = feeds.filter_of(feed, STOCKHOLM)

    assert wanted == EventFilter(
        start=datetime(2026, 3, 28, 23, tzinfo=UTC), end=datetime(2026, 3, 29, 22, tzinfo=UTC) - timedelta(milliseconds=1)
    )
