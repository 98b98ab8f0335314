"""What an event may be."""

from datetime import timedelta

import pytest

from crm.domain.errors import RuleViolation
from crm.domain.events import Attendance, AttendanceStatus
from tests.factories import NOW, make_event


def test_an_event_is_trimmed_and_shown_in_its_own_time_zone() -> None:
    event = make_event(title="  Spring ", slug=" spring-2026 ", timezone="Europe/Stockholm").cleaned()

    assert (event.title, event.slug, event.zone.key) == ("Spring", "spring-2026", "Europe/Stockholm")
    assert make_event(timezone=" ").cleaned().timezone == "UTC"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"slug": "Spring"}, "slug"),
        ({"slug": "a--b"}, "slug"),
        ({"slug": "a" * 101}, "slug"),
        ({"title": " "}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"title": "a\u2028b"}, "title"),
        ({"venue": "a\u2029b"}, "venue"),
        ({"city": "a\u2028b"}, "city"),
        ({"venue": "x" * 301}, "venue"),
        ({"description": "x" * 50_001}, "description"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"timezone": "localtime"}, "timezone"),
        ({"timezone": "Factory"}, "timezone"),
        ({"max_capacity": 0}, "maxCapacity"),
        ({"start_at": NOW, "end_at": NOW}, "endAt"),
        ({"start_at": NOW, "end_at": NOW + timedelta(days=32)}, "endAt"),
    ],
)
def test_what_an_event_can_not_be_is_refused_with_its_field(values: dict[str, object], field: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        make_event(**values).cleaned()

    assert [error.field for error in refused.value.errors] == [field]


@pytest.mark.parametrize(("capacity", "taken", "left"), [(None, 5, None), (10, 4, 6), (10, 10, 0), (10, 12, 0)])
def test_seats_that_are_left_are_never_less_than_none(capacity: int | None, taken: int, left: int | None) -> None:
    assert make_event(max_capacity=capacity, registered_count=taken).seats_left == left


def test_only_who_is_registered_or_was_there_has_a_seat() -> None:
    seated = {status for status in AttendanceStatus if Attendance(event_id="e", user_id="u", status=status, since=NOW).seated}

    assert seated == {AttendanceStatus.REGISTERED, AttendanceStatus.ATTENDED}
