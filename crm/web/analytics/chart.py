"""E-mails over time: the columns of the chart, and the table behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.http import QueryDict

from crm.domain.metrics import EmailQuery, Moment, query_values
from crm.domain.outcomes import Hits
from crm.services.analytics import Summary
from crm.web.analytics.links import Links, Number
from crm.web.charts import Plot, plot
from crm.web.columns import Column, columns, step_for, steps_that_fit

STATES = ("sent", "queued", "failed", "uncertain", "skipped")
LONG = 3 * 366
LONGEST = 40 * 366
NARROW = frozenset({"sent", "failed", "opened", "opened_any"})
"""Columns of the table that a phone has room for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """The days that are shown, cut into days, weeks or months; `steps` are those that fit. No columns where that is too long."""

    first: date
    last: date
    step: str
    steps: Sequence[str]
    columns: Sequence[Column]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The chart, and its table, newest first: the column, and its numbers with the class of their cells."""

    spans: Spans
    plot: Plot
    steps: Sequence[tuple[str, str]]
    heads: Sequence[tuple[str, str]]
    table: Sequence[tuple[Column, Sequence[tuple[Number, str]]]]


def spans(given: QueryDict, summary: Summary, query: EmailQuery, today: date) -> Spans:
    """Cut the range from its first to its last day; where that is open or very long, from the first day with e-mails."""
    days = [date.fromisoformat(str(day["date"])) for day in summary.series]
    first, last = _day(query.start, query), _day(query.end, query)
    first = first or (days[0] if days else last or today)
    last = last or max([first, today, *days[-1:]])
    if (last - first).days > LONG and days:
        first, last = max(first, days[0]), min(last, days[-1])
    if (last - first).days > LONGEST:
        return Spans(first=first, last=last, step="", steps=[], columns=[])
    fitting = steps_that_fit(first, last)
    asked = given.get("step", "")
    step = asked if asked in fitting else step_for(first, last)
    shown = columns(summary.series, first=first, last=last, step=step)
    return Spans(first=first, last=last, step=step, steps=fitting, columns=shown)


def chart(cut: Spans, query: EmailQuery, links: Links, hits: Hits) -> Chart:
    """Draw what was cut, with every number's way to its e-mails."""
    words = [*((word, word.capitalize()) for word in STATES), (hits.opened.value, "Opened"), (hits.clicked.value, "Clicked")]
    css = {word: "" if word in NARROW else "wide" for word, _ in words}
    table = []
    for column in reversed(cut.columns):
        ends = _ends(column, cut, query)
        table.append((column, [(links.behind(column.values, word, **ends), css[word]) for word, _ in words]))
    return Chart(
        spans=cut,
        plot=plot(cut.columns, line=hits.opened.value),
        steps=[(step, links.page(step=[step])) for step in cut.steps],
        heads=[(name, css[word]) for word, name in words],
        table=table,
    )


def _ends(column: Column, cut: Spans, query: EmailQuery) -> dict[str, str]:
    """The range of one column. Where that of the page begins or ends within a day, so does it."""
    given = {name: values[0] for name, values in query_values(query).items() if name in {"start_date", "end_date"}}
    own = {"start_date": column.first.isoformat(), "end_date": column.last.isoformat()}
    if isinstance(query.start, datetime) and column.first == cut.first == _day(query.start, query):
        own["start_date"] = given["start_date"]
    if isinstance(query.end, datetime) and column.last == cut.last == _day(query.end, query):
        own["end_date"] = given["end_date"]
    return own


def _day(moment: Moment | None, query: EmailQuery) -> date | None:
    return moment.astimezone(query.zone).date() if isinstance(moment, datetime) else moment
