"""The tables of the analytics as rows for a CSV: the numbers that the page shows, under the names of the counters."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

from crm.domain.emails import EmailState
from crm.domain.outcomes import Hits
from crm.services.analytics import BreakdownRow

Table = tuple[Sequence[str], list[tuple[object, ...]]]
"""Header and rows."""


class Span(Protocol):
    """Some days, and what happened to the e-mails that were created in them; a word that is missing means none."""

    @property
    def first(self) -> date:
        """The first day."""

    @property
    def last(self) -> date:
        """The last day, itself too."""

    @property
    def values(self) -> Mapping[str, int]:
        """How many of what."""


def words(hits: Hits = Hits.PEOPLE) -> tuple[str, ...]:
    """Return what the tables count, in their order; of opens and clicks those that `hits` asks for.

    >>> words(Hits.ALL)[-5:]
    ('opened_any', 'clicked_any', 'bounced', 'complained', 'unsubscribed')
    """
    later = ("delivered", hits.opened.value, hits.clicked.value, "bounced", "complained", "unsubscribed")
    return (*[state.value for state in EmailState], *later)


def series_table(spans: Iterable[Span], *, hits: Hits = Hits.PEOPLE) -> Table:
    """Return the days, weeks or months as they come, each with its first and last day: `created` is the sum of the states."""
    rows = [(span.first.isoformat(), span.last.isoformat(), *_numbers(span.values, hits)) for span in spans]
    return ("first_date", "last_date", "created", *words(hits)), rows


def breakdown_table(
    rows: Iterable[BreakdownRow], by: str, *, subjects: Mapping[str, str] | None = None, hits: Hits = Hits.PEOPLE
) -> Table:
    """Return rows of a breakdown as they come; `by` is its contract name. `{campaign id: subject}` gives subjects a column."""
    titled = subjects is not None
    found = [
        (
            row.value,
            *([(subjects or {}).get(row.value, "")] if titled else []),
            row.first.isoformat(),
            row.last.isoformat(),
            *_numbers(row.counts, hits),
        )
        for row in rows
    ]
    return (by, *(["subject"] if titled else []), "first_date", "last_date", "created", *words(hits)), found


def _numbers(counts: Mapping[str, int], hits: Hits) -> tuple[int, ...]:
    return (sum(counts.get(state, 0) for state in EmailState), *[counts.get(word, 0) for word in words(hits)])
