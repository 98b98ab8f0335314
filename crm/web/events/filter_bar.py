"""The filter bar above the list of events: what is chosen, in words, and what is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils import timezone

from crm.domain.errors import RuleViolation
from crm.domain.event_filters import NAMES, EventFilter, parse_event_filter
from crm.domain.filters import Order, PeopleFilter
from crm.domain.local_times import parse_day
from crm.domain.people import Person
from crm.services.event_board import Tab, who_hosts
from crm.store import Store
from crm.web.chips import Chip

WHEN = "when"
"""In the query string: which of the lists it is; left out for the upcoming ones."""
FIND, TYPED = "find", "host-typed"
"""What a host is looked for by: in the address, and in the form."""
SUGGESTED = 8
LABELS = {"q": "Title", "place": "Place", "host": "Host", "from": "From", "to": "To"}
GONE = "somebody who is no longer here"


@dataclass(frozen=True, slots=True)
class TabLink:
    """One of the lists, and how many stand in it under the same filter."""

    tab: Tab
    label: str
    query: str
    count: int | None


class EventBar:
    """One query string, read. `wanted` is the filter, None where a value can't be; `errors` says which, by field."""

    def __init__(self, query: QueryDict, store: Store) -> None:
        self.query, self.store = query, store
        self.errors: dict[str, str] = {}
        self.wanted: EventFilter | None = None
        when = str(query.get(WHEN, ""))
        self.tab = Tab(when) if when in set(Tab) else Tab.UPCOMING
        try:
            wanted = parse_event_filter(self._given, local_zone())
            self.wanted = replace(wanted, host=self.host.id if self.host else wanted.host)
        except RuleViolation as error:
            self.errors = {one.field: one.message for one in error.errors}

    @property
    def _given(self) -> dict[str, list[str]]:
        return {name: self.query.getlist(name) for name in NAMES if name in self.query}

    @property
    def values(self) -> dict[str, str]:
        """What stands in the fields, by name."""
        return {name: " ".join(self.query.getlist(name)) for name in NAMES}

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The filter alone, for hidden fields of a form."""
        return [(name, value) for name, value in self.values.items() if value]

    @property
    def is_active(self) -> bool:
        """Whether anything is filtered."""
        return bool(self.pairs)

    @property
    def filter_string(self) -> str:
        """The filter alone, as a query string without the question mark."""
        return self._string(dict(self.pairs))

    @property
    def list_string(self) -> str:
        """The filter and which list it is, likewise."""
        return self._string(dict(self.pairs) | self._when(self.tab))

    @property
    def clear_query(self) -> str:
        """The query string of the same list without a filter."""
        return f"?{self._string(self._when(self.tab))}"

    @cached_property
    def host(self) -> Person | None:
        """Who is chosen as host, or whom they were merged into; None where nobody is, or they are gone."""
        return who_hosts(self.store, self.values["host"])

    @cached_property
    def chips(self) -> list[Chip]:
        """What is active, each with the way to leave it out."""
        chips, when = [], self._when(self.tab)
        for name, label, value in self.said:
            left = {key: text for key, text in self.pairs if key != name}
            chips.append(Chip(label=label, value=value, query=f"?{self._string(left | when)}"))
        return chips

    @cached_property
    def said(self) -> list[tuple[str, str, str]]:
        """Field, label and words of what is active."""
        host = self.host.name if self.host else GONE
        return [(name, *words(name, value, host=host)) for name, value in self.pairs]

    @property
    def summary(self) -> str:
        """What is active in a few words, for the title of the page."""
        return ", ".join(value for _, _, value in self.said)

    def tabs(self, counts: dict[Tab, int]) -> list[TabLink]:
        """The lists, under the same filter; without numbers where nothing was counted."""
        filtered = dict(self.pairs)
        return [
            TabLink(one, one.value.capitalize(), f"?{self._string(filtered | self._when(one))}", counts.get(one)) for one in Tab
        ]

    @property
    def dates(self) -> str:
        """The range of days in words, empty where there is none."""
        low, high = self.values["from"], self.values["to"]
        if low and high:
            return day_words(low) if low == high else f"{day_words(low)} – {day_words(high)}"
        return f"from {day_words(low)}" if low else f"to {day_words(high)}" if high else ""

    @property
    def find(self) -> str:
        """What a host is looked for by, where the page was sent with it."""
        return self.query.get(FIND, "").strip()

    def hosts(self, typed: str) -> Sequence[Person]:
        """Whom to choose from, of those who host: whose name or address begins with what was typed, else who hosts most."""
        asked = PeopleFilter(q=typed, hosted_min=1)
        order = Order.SOURCE if typed else Order.HOSTED
        return self.store.people.page(asked, order=order, limit=SUGGESTED).items

    @property
    def found(self) -> Sequence[Person] | None:
        """The hosts that were asked for by a page without JavaScript, None where none were."""
        return self.hosts(self.find) if FIND in self.query else None

    @staticmethod
    def _when(tab: Tab) -> dict[str, str]:
        return {} if tab is Tab.UPCOMING else {WHEN: tab.value}

    @staticmethod
    def _string(values: dict[str, str]) -> str:
        query = QueryDict(mutable=True)
        for name, value in values.items():
            query[name] = value
        return query.urlencode()


def plain_query(sent: QueryDict) -> QueryDict:
    """What the form sent, without what is empty. A host's name that was typed and not chosen is looked up on the next page."""
    plain = sent.copy()
    typed = plain.pop(TYPED, [""])[-1].strip()
    for name in [*NAMES, WHEN]:
        values = [value for value in plain.getlist(name) if value.strip()]
        if values and not (name == WHEN and values[-1] == Tab.UPCOMING):
            plain.setlist(name, values[-1:] if name != "q" else values)
        else:
            plain.pop(name, None)
    if typed and not plain.get("host"):
        plain[FIND] = typed
    return plain


def words(name: str, value: str, *, host: str) -> tuple[str, str]:
    """Label and words of one value of a filter; `host` is what the person is called."""
    if name == "host":
        return LABELS[name], host
    return LABELS[name], day_words(value) if name in {"from", "to"} else value


def day_words(text: str) -> str:
    """A day as one reads it; as it was typed where it is none.

    >>> day_words("2026-05-04"), day_words("soon")
    ('4 May 2026', 'soon')
    """
    try:
        day: date = parse_day(text)
    except RuleViolation:
        return text
    return f"{day.day} {day:%b %Y}"


def local_zone() -> ZoneInfo:
    """The organisation's zone: that of days in a filter, so that a link means the same to everybody."""
    return ZoneInfo(timezone.get_default_timezone_name())
