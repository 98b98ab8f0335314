"""E-mails broken down by campaign, UTM value or domain: a table that is sorted by its columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.http import QueryDict
from django.urls import reverse

from crm.domain.errors import FieldError, RuleViolation
from crm.domain.folding import fold
from crm.domain.mail_domains import OTHER
from crm.domain.metrics import NONE, utm_key
from crm.domain.outcomes import Hits
from crm.services.analytics import BreakdownRow, Overview
from crm.store import Store
from crm.web.analytics.links import Links, Number

TABS = {
    "campaign_id": "Campaign",
    "utm_campaign": "UTM campaign",
    "utm_source": "Source",
    "utm_medium": "Medium",
    "domain": "Domain of the address",
}
FIRST_TAB = "campaign_id"
ROWS, MOST_ROWS = 25, 500
"""Rows that are shown at first, and when all are asked for; the CSV has every one."""
SORTS = ("value", "sent", "failed", "opened", "share", "clicked", "day")
RISING = frozenset({"value"})
"""What begins with the least; of everything else the most comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """By which column; `turned` is the other way round than one expects of it."""

    column: str = "sent"
    turned: bool = False

    @property
    def rising(self) -> bool:
        """Whether the least comes first."""
        return (self.column in RISING) != self.turned

    def after_click(self, column: str) -> str:
        """Return the word for the order that the heading of a column leads to."""
        return f"-{column}" if column == self.column and not self.turned else column


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading that sorts. `sorted` is the value of aria-sort, empty where the table is sorted by another column."""

    column: str
    words: str
    query: str
    css: str
    sorted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row as it is shown: `link` leads to the campaign, or to the page of that value alone. `day` is when it was sent."""

    name: str
    link: str
    sent: Number
    failed: Number
    opened: Number
    clicked: Number
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The table: its tabs as (word, name, query, whether one sees it), its rows, and how many there are. `more` shows them."""

    by: str
    tabs: Sequence[tuple[str, str, str, bool]]
    headings: Sequence[Heading]
    lines: Sequence[Line]
    total: int
    more: str

    @property
    def name(self) -> str:
        """What the rows are, in words."""
        return TABS[self.by]


def by_of(given: QueryDict) -> str:
    """Return by what the page is broken down. RuleViolation for what is no tab."""
    word = given.get("by") or FIRST_TAB
    if word not in TABS:
        message = f"by must be one of {', '.join(TABS)}."
        raise RuleViolation(message, errors=[FieldError(field="by", message=message)])
    return word


def order_of(given: QueryDict) -> Order:
    """Return the order that the address asks for, the usual one where it asks for none that there is."""
    word = given.get("sort", "")
    column = word.removeprefix("-")
    return Order(column=column, turned=word.startswith("-")) if column in SORTS else Order()


def ordered(store: Store, found: Overview, by: str, order: Order, hits: Hits) -> list[BreakdownRow]:
    """Return all rows in that order; rows that are alike stay most sent first. By name of campaigns: a request per 100."""
    rows = found.breakdowns[by]
    names: Mapping[str, str] = {}
    if order.column == "value" and by == "campaign_id":
        names = store.campaigns.subjects([row.value for row in rows])
    keys: Mapping[str, Callable[[BreakdownRow], str | float]] = {
        "value": lambda row: fold(names.get(row.value, "") if by == "campaign_id" else row.value),
        "share": lambda row: row.counts[hits.opened] / row.counts["sent"] if row.counts["sent"] else -1,
        "opened": lambda row: row.counts[hits.opened],
        "clicked": lambda row: row.counts[hits.clicked],
        "day": lambda row: (row.first if by == "campaign_id" else row.last).toordinal(),
    }
    key = keys.get(order.column, lambda row: row.counts[order.column])
    return sorted(rows, key=key, reverse=not order.rising)


def breakdown(
    rows: Sequence[BreakdownRow], subjects: Mapping[str, str], links: Links, *, by: str, order: Order, hits: Hits, total: int
) -> Breakdown:
    """Return the table of the rows that are shown, of `total`."""
    return Breakdown(
        by=by,
        tabs=[(word, name, links.page(by=[word], rows=[], sort=[]), word == by) for word, name in TABS.items()],
        headings=_headings(links, by, order),
        lines=[_line(row, by, subjects, links, hits) for row in rows],
        total=total,
        more=links.page(rows=["all"]) if len(rows) < min(total, MOST_ROWS) else "",
    )


def _headings(links: Links, by: str, order: Order) -> list[Heading]:
    columns = {
        "value": (TABS[by], ""),
        "sent": ("Sent", "num"),
        "failed": ("Failed", "num wide"),
        "opened": ("Opened", "num"),
        "share": ("Share opened", "cell-bar wide"),
        "clicked": ("Clicked", "num wide"),
        "day": ("Sent on" if by == "campaign_id" else "Last sent", "wide"),
    }
    way = "ascending" if order.rising else "descending"
    return [
        Heading(
            column=column,
            words=words,
            query=links.page(sort=[order.after_click(column)]),
            css=css,
            sorted=way if column == order.column else "",
        )
        for column, (words, css) in columns.items()
    ]


def _line(row: BreakdownRow, by: str, subjects: Mapping[str, str], links: Links, hits: Hits) -> Line:
    campaign, value = by == "campaign_id", row.value
    if campaign:
        name = subjects.get(value) or "Without a subject"
    elif by == "domain":
        name = "All other domains" if value == OTHER else value
    else:
        name, value = (value, value) if utm_key(value) else ("None", NONE)
    return Line(
        name=name,
        link=reverse("campaigns:one", args=[value]) if campaign else links.page(**{by: [value]}, rows=[]),
        sent=links.behind(row.counts, "sent", **{by: value}),
        failed=links.behind(row.counts, "failed", **{by: value}),
        opened=links.behind(row.counts, hits.opened.value, **{by: value}),
        clicked=links.behind(row.counts, hits.clicked.value, **{by: value}),
        day=row.first if campaign else row.last,
    )
