"""What came of a campaign, on its page: over time, by domain, who left, and beside those before it; each table as CSV."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, StreamingHttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from crm.domain.campaigns import Campaign
from crm.domain.emails import EmailState
from crm.domain.errors import FieldError, RuleViolation
from crm.domain.mail_domains import OTHER
from crm.domain.outcomes import Hits
from crm.domain.recipients import NO_CODE
from crm.services.report import DAYS, HOURS, RATES, Compared, DomainRow, OverTime, Report, Step, report
from crm.web.campaigns.funnel import link_rows, recipients_link
from crm.web.campaigns.troubles import failure_rows
from crm.web.charts import small_plot
from crm.web.columns import Column, columns, hours
from crm.web.csv import csv_response
from crm.web.http import CrmRequest, permission_required

Word = TypeVar("Word", bound=StrEnum)
Table = tuple[Sequence[str], Iterator[Sequence[object]]]
AT_FIRST = 10
"""Domains that are shown before one unfolds the rest."""
SHOWN_STEP = {Step.HOUR: f"The first {HOURS} hours", Step.DAY: f"The first {DAYS} days"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number, of how many it is a part, and the list behind it; `of` 0 where no share is known."""

    number: int
    of: int
    link: str


def hits_of(request: CrmRequest) -> Hits:
    """Whose opens and clicks the page counts. RuleViolation for other words."""
    return _chosen(request, "hits", Hits) or Hits.PEOPLE


def _chosen(request: CrmRequest, name: str, words: type[Word]) -> Word | None:
    """What the address says under that name, None where nothing."""
    word = request.GET.get(name, "")
    if word and word not in set(words):
        message = f"{name} must be one of {', '.join(words)}."
        raise RuleViolation(message, errors=[FieldError(field=name, message=message)])
    return words(word) if word else None


def reported(request: CrmRequest, campaign: Campaign, now: datetime) -> Report:
    """What came of it until now, in the organisation's zone. RuleViolation for what can't be shown."""
    zone, step = ZoneInfo(settings.CRM_TIME_ZONE), _chosen(request, "over", Step)
    return report(request.store, campaign.id, zone=zone, now=now, hits=hits_of(request), step=step)


def shown(found: Report, hits: Hits) -> dict[str, Any]:
    """What the page says of a report."""
    cut, campaign = _columns(found.over_time), found.progress.campaign
    domains = [_domain_cells(campaign.id, row, hits) for row in found.domains]
    return {
        "over_time": found.over_time,
        "over_time_columns": [column for column in cut if any(column.values.values())],
        "over_time_plot": small_plot(cut, "opens", "clicks"),
        "over_time_steps": [
            (words, _here(hits, over=one.value), one is found.over_time.step) for one, words in SHOWN_STEP.items()
        ],
        "zone": settings.CRM_TIME_ZONE.replace("_", " "),
        "domains": domains[:AT_FIRST],
        "more_domains": domains[AT_FIRST:],
        "compared": [_compared_cells(one, hits) for one in (found.comparison.this, *found.comparison.before)],
        "medians": [None if (rate := found.comparison.medians[name]) is None else f"{100 * rate:.1f}%" for name in RATES],
        "left": found.left,
    }


@require_safe
@permission_required("crm.export_analytics")
def report_csv(request: CrmRequest, campaign_id: str, part: str) -> StreamingHttpResponse:
    """One of the tables of the report, all of it."""
    campaign = request.store.campaigns.state(campaign_id)
    if part not in TABLES:
        raise Http404
    header, rows = TABLES[part](reported(request, campaign, datetime.now(UTC)), hits_of(request))
    return csv_response(f"campaign-{part}-{campaign.id[:8]}.csv", header, rows)


def _columns(over_time: OverTime) -> list[Column]:
    """All hours or days that are shown, those too of which nothing is known."""
    first, last = over_time.first, over_time.last
    if over_time.step is Step.HOUR:
        return hours(over_time.counts, first=first, last=last)
    series: list[Mapping[str, int | str]] = [{"date": at.date().isoformat(), **counts} for at, counts in over_time.counts.items()]
    return columns(series, first=first.date(), last=last.date(), step="day")


def _over_time_table(found: Report, hits: Hits) -> Table:
    rows = (
        (column.first.isoformat(), *(column.values.get(name, 0) for name in ("opens", "clicks")))
        for column in _columns(found.over_time)
    )
    return (found.over_time.step.value, "opens", "clicks"), rows


def _links_table(found: Report, hits: Hits) -> Table:
    return ("link", "address", "people", "anybody"), (
        (row.number, row.address, row.persons, row.anybody) for row in link_rows(found.progress)
    )


def _domains_table(found: Report, hits: Hits) -> Table:
    states = [state.value for state in EmailState]
    words = (*states, "delivered", hits.opened.value, hits.clicked.value, "bounced", "complained", "unsubscribed")
    return ("domain", *words), ((row.domain, *(row.counts.get(word, 0) for word in words)) for row in found.domains)


def _failures_table(found: Report, hits: Hits) -> Table:
    return ("reason", "code", "meaning", "emails"), (
        (row.reason, "" if row.code == NO_CODE else row.code, row.words, row.number)
        for row in failure_rows(found.progress.figures, {})
    )


def _comparison_table(found: Report, hits: Hits) -> Table:
    every = (found.comparison.this, *found.comparison.before)
    return ("id", "subject", "sent", *RATES), (
        (one.id, one.subject, one.figures.sent, *(one.number(name, hits) for name in RATES)) for one in every
    )


TABLES: Mapping[str, Callable[[Report, Hits], Table]] = {
    "over-time": _over_time_table,
    "links": _links_table,
    "domains": _domains_table,
    "failures": _failures_table,
    "comparison": _comparison_table,
}
"""The tables that can be taken, by what the address calls them."""


def _domain_cells(campaign_id: str, row: DomainRow, hits: Hits) -> tuple[str, list[Cell]]:
    """The domain in words, and how many of its e-mails were sent, opened, bounced and failed."""

    def cell(word: str, of: str, **query: str) -> Cell:
        link = recipients_link(campaign_id, domain=row.domain, **query)
        return Cell(number=row.counts.get(word, 0), of=row.counts.get(of, 0), link=link)

    opened = hits.opened.value
    return "All others" if row.domain == OTHER else row.domain, [
        cell("sent", "", status="sent"),
        cell(opened, "sent", outcome=opened),
        cell("bounced", "sent", outcome="bounced"),
        cell("failed", "", status="failed"),
    ]


def _compared_cells(one: Compared, hits: Hits) -> tuple[Compared, list[Cell]]:
    words = {"opened": hits.opened.value, "clicked": hits.clicked.value}
    return one, [
        Cell(
            number=one.number(name, hits),
            of=one.figures.sent if one.rate(name, hits) is not None else 0,
            link=recipients_link(one.id, outcome=words.get(name, name)),
        )
        for name in RATES
    ]


def _here(hits: Hits, **values: str) -> str:
    """The same page, with the same hits."""
    return "?" + urlencode({**values, **({"hits": hits.value} if hits is Hits.ALL else {})})
