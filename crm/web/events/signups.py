"""Sign-ups over time: the chart beside the list, and the table behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.formats import date_format

from crm.domain.events import Event
from crm.web.charts import Plot, small_plot
from crm.web.columns import Column, columns, step_for

NAME = "signed up"
STEPS = {"day": "by day", "week": "by week", "month": "by month"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUps:
    """How many signed up when. `rows` are the columns in which anybody did, newest first; `step` says how long one is."""

    plot: Plot
    rows: list[tuple[str, int]]
    step: str
    total: int
    since: date

    @property
    def label(self) -> str:
        """The chart in a few words."""
        return f"Sign-ups {self.step} since {date_format(self.since, 'j F Y')}: {self.total:,} in all"


def signups_of(event: Event, by_day: Mapping[date, int], now: datetime) -> SignUps | None:
    """Return the chart from the first sign-up up to the event, or to today where that is still to come; None without any."""
    days = sorted(day for day, number in by_day.items() if number > 0)
    if not days:
        return None
    until = min(now, event.start_at).astimezone(event.zone).date()
    first, last = days[0], max(days[-1], until)
    step = step_for(first, last)
    series: list[Mapping[str, int | str]] = [{"date": day.isoformat(), NAME: by_day[day]} for day in days]
    shown = columns(series, first=first, last=last, step=step)
    rows = [(_label(column), column.values[NAME]) for column in reversed(shown) if column.values.get(NAME)]
    return SignUps(
        plot=small_plot(shown, NAME), rows=rows, step=STEPS[step], total=sum(number for _, number in rows), since=first
    )


def _label(column: Column) -> str:
    return column.label if column.first == column.last or column.first.day == 1 else f"Week of {column.label}"
