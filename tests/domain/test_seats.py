"""Numbers of seats as people write them."""

import pytest

from crm.domain.errors import RuleViolation
from crm.domain.seats import parse_seats


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", None),
        (" ", None),
        ("40", 40),
        (" 1200 ", 1200),
        ("1,200", 1200),
        ("1.200", 1200),
        ("1 200", 1200),
        ("1\u202f000\u202f000", 1_000_000),
        ("1’200", 1200),
    ],
)
def test_groups_of_three_digits_may_be_set_apart(typed: str, meant: int | None) -> None:
    assert parse_seats(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "1,5",
        "12.5",
        "1,20",
        "1,2000",
        "1200,000",
        "1,200.000",
        ",200",
        "0",
        "-3",
        "+4",
        "1e3",
        "٣",
        "1_000",
        "1000001",
        "9" * 5000,
    ],
)
def test_what_may_mean_another_number_or_can_not_be_is_refused(typed: str) -> None:
    with pytest.raises(RuleViolation, match="is not possible") as refused:
        parse_seats(typed)

    assert refused.value.field == "maxCapacity"
