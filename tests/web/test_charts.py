"""Charts: what happened is there and inside, what did not happen is not drawn, and words fit."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.web.charts import BOTTOM, LEFT, SMALL_BOTTOM, STACK, TOP, Plot, plot, small_plot
from crm.web.columns import LINE, Column, hours

FIRST = date(2026, 5, 1)
STOCKHOLM = ZoneInfo("Europe/Stockholm")

counts = st.dictionaries(st.sampled_from([*STACK, "opened"]), st.integers(0, 3_000_000))


def days(*values: dict[str, int]) -> list[Column]:
    """One column per day."""
    moments = [FIRST + timedelta(days=number) for number in range(len(values))]
    return [Column(first=day, last=day, values=one) for day, one in zip(moments, values, strict=True)]


def words(drawn: Plot, number: int) -> str:
    """What the bar says when it is pointed at."""
    return " ".join(line for _, line in drawn.bars[number].told)


@given(st.lists(counts, max_size=110))
@settings(max_examples=40, deadline=None)
def test_whatever_the_numbers_are_bars_stay_inside_beside_each_other_and_labels_are_few(values: list[dict[str, int]]) -> None:
    drawn = plot(days(*values))

    end = LEFT
    for bar, one in zip(drawn.bars, values, strict=True):
        assert [piece.name for piece in bar.pieces] == [name for name in STACK if one.get(name)]
        for piece in bar.pieces:
            x, width, y, height = (float(text.rstrip("%")) for text in (piece.x, piece.width, piece.y, piece.height))
            assert end - 0.02 <= x < x + width <= 100
            assert TOP - 4 <= y < y + height <= BOTTOM + 0.1
            assert height >= 1
        end = float(bar.place.x.rstrip("%")) + float(bar.place.width.rstrip("%"))
    assert sum(bool(bar.label) for bar in drawn.bars) <= 8
    assert sum(bool(bar.label) and not bar.minor for bar in drawn.bars) <= 4
    heights = [float(y) for y in re.findall(r"[ML][\d.-]+ ([\d.-]+)", drawn.line)]
    assert all(-0.1 <= y <= BOTTOM - TOP for y in heights)


def test_a_day_with_nothing_has_no_bar_no_words_and_no_point_of_the_line() -> None:
    sent = {"sent": 10, "opened": 5}

    drawn = plot(days(sent, sent, {}, {"sent": 0, "opened": 0}, sent, sent, sent))

    assert [bool(bar.pieces) for bar in drawn.bars] == [True, True, False, False, True, True, True]
    assert re.findall("[MLH]", drawn.line) == ["M", "L", "M", "L", "L"]


def test_a_day_on_which_nobody_opened_what_was_sent_is_a_point_at_zero() -> None:
    drawn = plot(days({"sent": 10, "opened": 5}, {"sent": 10}))

    assert drawn.line.endswith(f" {BOTTOM - TOP:.1f}")


def test_a_day_that_stands_alone_has_a_mark_across_its_bar() -> None:
    drawn = plot(days({}, {"sent": 10, "opened": 5}, {}))

    assert re.fullmatch(r"M35\.00 [\d.]+ H65\.00", drawn.line)


def test_there_is_no_line_and_no_key_for_it_where_nothing_was_opened() -> None:
    drawn = plot(days({"sent": 10}, {"failed": 2}))

    assert drawn.line == ""
    assert drawn.keys == [("sent", "sent"), ("failed", "failed")]


def test_the_line_is_the_counter_that_was_asked_for_and_says_so() -> None:
    shown = days({"sent": 10, "opened": 1, "opened_any": 8}, {"sent": 10, "opened_any": 2})

    people, everything = plot(shown), plot(shown, line="opened_any")

    assert people.line != everything.line
    assert (people.line_key, everything.line_key) == ("opened", "opened, programs too")
    assert words(people, 0) == "1 May: 10 sent, 1 opened"
    assert words(everything, 0) == "1 May: 10 sent, 8 opened, programs too"


def test_a_bar_tells_all_it_is_about_in_lines_that_fit_a_phone() -> None:
    everything = dict.fromkeys([*STACK, "opened"], 1_234_567)

    drawn = plot([Column(first=FIRST, last=FIRST + timedelta(days=6), values=everything)])

    told = drawn.bars[0].told
    assert words(drawn, 0).startswith("1 May to 7 May: 1,234,567 sent, 1,234,567 queued")
    assert words(drawn, 0).endswith("1,234,567 opened")
    assert all(len(line) <= LINE for _, line in told)
    assert [y for y, _ in told] == [-30, -15, 0][-len(told) :]


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [(date(2026, 5, 1), date(2026, 5, 31), "May 2026: 1 sent"), (date(2026, 5, 4), date(2026, 5, 4), "4 May: 1 sent")],
)
def test_a_month_and_a_day_are_called_what_they_are(first: date, last: date, said: str) -> None:
    drawn = plot([Column(first=first, last=last, values={"sent": 1})])

    assert words(drawn, 0) == said


def test_the_last_label_ends_at_its_bar() -> None:
    drawn = plot(days(*[{"sent": 1}] * 57))

    labelled = [bar for bar in drawn.bars if bar.label]
    assert [bar.anchor for bar in labelled] == ["middle"] * 7 + ["end"]
    assert float(labelled[-1].middle.rstrip("%")) <= 100


def test_two_numbers_stand_beside_each_other_and_none_is_drawn_that_is_not_there() -> None:
    drawn = small_plot(days({"opens": 4, "clicks": 1}, {}, {"clicks": 2}), "opens", "clicks")

    assert drawn.keys == [("sent", "opens"), ("clicked", "clicks")]
    assert [[piece.name for piece in bar.pieces] for bar in drawn.bars] == [["sent", "clicked"], [], ["clicked"]]
    opens, clicks = drawn.bars[0].pieces
    assert float(opens.x.rstrip("%")) + float(opens.width.rstrip("%")) == pytest.approx(float(clicks.x.rstrip("%")), abs=0.02)
    assert float(opens.y) == TOP
    assert float(clicks.y) == TOP + (SMALL_BOTTOM - TOP) * 3 / 4
    assert words(drawn, 0) == "1 May: 4 opens, 1 click"


def test_an_empty_chart_is_one() -> None:
    drawn = plot([])

    assert (drawn.bars, drawn.keys, drawn.line) == ([], [], "")


def test_hours_are_those_of_the_zone_and_the_one_that_is_there_twice_is_two_columns() -> None:
    first = datetime(2026, 10, 25, 1, 20, tzinfo=STOCKHOLM)
    second = datetime(2026, 10, 25, 1, tzinfo=UTC)

    shown = hours({second: {"opens": 3}}, first=first, last=first.astimezone(UTC) + timedelta(hours=3))

    assert [column.label for column in shown] == ["Sun 01:00", "Sun 02:00", "Sun 02:00", "Sun 03:00"]
    assert [column.values for column in shown] == [{}, {}, {"opens": 3}, {}]
