"""Time cut into the columns of a chart and of the table behind it: hours, days, weeks or months, empty ones too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from textwrap import wrap

from django.utils.formats import date_format

from crm.domain.metrics import days_between

STEPS = ("day", "week", "month")
MAX_COLUMNS = 110
LINE = 56
"""Characters that fit the width of a phone."""
WORDS = {"opened_any": "opened, programs too", "clicked_any": "clicked, programs too"}
"""What a chart calls a counter that isn't called what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What one bar shows: its first and last day, or the hour that it is about, and how many of what."""

    first: date
    last: date
    values: Mapping[str, int]

    @property
    def label(self) -> str:
        """The hour, the day or the month that stands under the bar."""
        if isinstance(self.first, datetime):
            return date_format(self.first, "D H:i")
        whole_month = self.first.day == 1 and (self.last - self.first).days >= 27
        return date_format(self.first, "M Y" if whole_month else "j M")

    @property
    def span(self) -> str:
        """What the bar is about: its label, or its first and last day."""
        some_days = self.last > self.first and not self.label.endswith(f"{self.first.year}")
        return f"{self.label} to {date_format(self.last, 'j M')}" if some_days else self.label

    def told(self, names: Sequence[str]) -> list[str]:
        """The bar in words, in lines that fit a phone: how many of each name, those left out of which there are none."""
        found = [(self.values.get(name, 0), WORDS.get(name, name)) for name in names]
        numbers = [f"{number:,} {words.removesuffix('s') if number == 1 else words}" for number, words in found if number]
        return wrap(f"{self.span}: {', '.join(numbers)}", LINE)


def columns(series: Sequence[Mapping[str, int | str]], *, first: date, last: date, step: str) -> list[Column]:
    """Return one column per day, week (from Monday) or month from `first` to `last`, also where nothing happened."""
    found = {str(day["date"]): day for day in series}
    out: dict[date, dict[str, int]] = {}
    for day in days_between(first, last):
        begin = day - timedelta(days=day.weekday()) if step == "week" else day.replace(day=1) if step == "month" else day
        values = out.setdefault(max(begin, first), {})
        for name, number in found.get(day.isoformat(), {}).items():
            if isinstance(number, int):
                values[name] = values.get(name, 0) + number
    begins = list(out)
    ends = [*(begin - timedelta(days=1) for begin in begins[1:]), last]
    return [Column(first=begin, last=end, values=out[begin]) for begin, end in zip(begins, ends, strict=True)]


def hours(counts: Mapping[datetime, Mapping[str, int]], *, first: datetime, last: datetime) -> list[Column]:
    """Return one column per hour from that of `first` to that of `last`, also where nothing happened; in the zone of `first`.

    Args:
        counts: What happened, by the beginning of its hour; aware.
    """
    hour, end = (moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0) for moment in (first, last))
    out = []
    while hour <= end:
        here = hour.astimezone(first.tzinfo)
        out.append(Column(first=here, last=here, values=counts.get(hour, {})))
        hour += timedelta(hours=1)
    return out


def step_for(first: date, last: date) -> str:
    """Return the finest step with which the bars of the range are wide enough to see."""
    days = (last - first).days + 1
    return "day" if days <= 62 else "week" if days <= 62 * 7 else "month"


def steps_that_fit(first: date, last: date) -> list[str]:
    """Return the steps that make some bars, but not too many."""
    days = (last - first).days + 1
    return [
        step for step, size in zip(STEPS, (1, 7, 28), strict=True) if days / size <= MAX_COLUMNS and (days > size or size == 1)
    ]
