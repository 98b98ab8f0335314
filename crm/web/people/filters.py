"""The filter bar above the list: what can be chosen, what is chosen, and what is wrong with it."""

from dataclasses import dataclass
from functools import cached_property

from django.http import QueryDict

from crm.domain.errors import RuleViolation
from crm.domain.filters import NAMES, Order, PeopleFilter, parse_filter, parse_order
from crm.domain.folding import fold
from crm.domain.people import EmailStatus
from crm.store import Store
from crm.store.people import PeopleTotals
from crm.web.people.query import (
    FACETS,
    RANGES,
    Chip,
    active_groups,
    chips_of,
    field_words,
    filter_query,
    list_query,
    range_words,
    values_of,
)

SHOWN = 12
ALTERNATIVES = 4
OPEN = "open"
"""In the query string: the field whose panel is open, for pages without JavaScript."""


@dataclass(frozen=True, slots=True)
class Option:
    """One value that can be ticked; `count` is None where it was not counted."""

    value: str
    count: int | None
    checked: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """A field with its values. `excluded` stand beside wanted ones; `exclude`: all that are ticked are excluded.

    `loaded`: what people have most often was looked up too; else it is when the panel is opened, as it costs a query a field.
    """

    field: str
    label: str
    options: list[Option]
    excluded: list[str]
    exclude: bool
    error: str
    loaded: bool
    open: bool

    @property
    def active(self) -> int:
        """How many values are chosen."""
        return sum(option.checked for option in self.options) + len(self.excluded)


@dataclass(frozen=True, slots=True)
class Range:
    """From and to of a count, as typed."""

    field: str
    label: str
    low: str
    high: str
    error: str

    @property
    def words(self) -> str:
        """The range as one says it."""
        return range_words(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Alternative:
    """A way out of an empty list: without what, and how many there would be."""

    words: str
    query: str
    count: int


class FilterBar:
    """One query string, read. `wanted` is the filter, None where a value can't be; `errors` says which, by field."""

    def __init__(self, query: QueryDict, store: Store) -> None:
        self.query = query
        self.store = store
        self.errors: dict[str, str] = {}
        self.wanted: PeopleFilter | None = None
        self.order = Order.SOURCE
        try:
            self.order = parse_order(query.get("order", ""))
        except RuleViolation as error:
            self._note(error)
        try:
            self.wanted = parse_filter(values_of(query))
        except RuleViolation as error:
            self._note(error)
        if self.errors:
            self.wanted = None

    def _note(self, error: RuleViolation) -> None:
        self.errors |= {one.field: one.message.replace(one.field, field_words(one.field)) for one in error.errors}

    @property
    def q(self) -> str:
        """The search text as typed."""
        return " ".join(self.query.getlist("q"))

    @property
    def filter_string(self) -> str:
        """The filter alone, as a query string without the question mark."""
        return filter_query(self.query).urlencode()

    @property
    def list_string(self) -> str:
        """The filter and the order, likewise."""
        return list_query(self.query).urlencode()

    @property
    def is_active(self) -> bool:
        """Whether anything is filtered."""
        return any(name in NAMES for name in self.query)

    @cached_property
    def chips(self) -> list[Chip]:
        """What is active, each with the way to leave it out."""
        return chips_of(self.query, self._titles())

    @property
    def summary(self) -> str:
        """What is active in a few words, for the title of the page."""
        return ", ".join(chip.value for chip in self.chips[:3])

    @cached_property
    def panels(self) -> list[Panel]:
        """A panel for each field that has values."""
        return [self.panel(field, load=field == self.query.get(OPEN)) for field in FACETS]

    def panel(self, field: str, prefix: str = "", *, load: bool = True) -> Panel:
        """One field: the chosen values, then (`load`) those most people have, of those that begin with `prefix`."""
        chosen, excluded = self.query.getlist(field), self.query.getlist(f"{field}Not")
        exclude = bool(excluded) and not chosen
        if exclude:
            chosen, excluded = excluded, []
        offered = {fold(one.value): one for one in self.store.people.facet(field, prefix, SHOWN)} if load else {}
        options = []
        for value in chosen:
            known = offered.pop(fold(value), None)
            options.append(Option(value, known.count if known else None, True))
        options += [Option(one.value, one.count, False) for one in offered.values()]
        error = self.errors.get(field) or self.errors.get(f"{field}Not", "")
        return Panel(field, FACETS[field], options, excluded, exclude, error, load, bool(error) or field == self.query.get(OPEN))

    @cached_property
    def ranges(self) -> list[Range]:
        """The counts with a from and a to."""
        found = []
        for field, label in RANGES.items():
            low, high = (self.query.get(f"{field}{end}", "") for end in ("Min", "Max"))
            error = self.errors.get(f"{field}Min") or self.errors.get(f"{field}Max", "")
            found.append(Range(field, label, low, high, error))
        return found

    @property
    def statuses(self) -> list[Option]:
        """The e-mail statuses; any number of them can be ticked."""
        chosen = self.query.getlist("emailStatus")
        counts = self.totals.by_email_status
        return [Option(status.value, counts.get(status, 0), status.value in chosen) for status in EmailStatus]

    @property
    def mailable(self) -> int:
        """How many people there are that may be written to."""
        return self.totals.by_email_status.get(EmailStatus.MAILABLE, 0)

    @property
    def more(self) -> int:
        """How much is chosen in the last panel: the hosts' range and e-mail statuses."""
        return len(self.query.getlist("emailStatus")) + bool(self.ranges[1].words)

    @cached_property
    def totals(self) -> PeopleTotals:
        """How many people there are in all."""
        return self.store.people.totals()

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the form has no field for and sends along: the order, events, campaigns."""
        shown = {"q", "emailStatus", *FACETS, *[f"{field}Not" for field in FACETS]}
        shown |= {f"{field}{end}" for field in RANGES for end in ("Min", "Max")}
        listed = list_query(self.query)
        return [(name, value) for name in listed if name not in shown for value in listed.getlist(name)]

    def alternatives(self) -> list[Alternative]:
        """What an empty list could leave out so that there is somebody: counted, fewest people first."""
        found = []
        for words, query in active_groups(self.query):
            count = self.store.people.count(parse_filter(values_of(query)))
            if count:
                found.append(Alternative(words, f"?{query.urlencode()}", count))
        return sorted(found, key=lambda one: one.count)[:ALTERNATIVES]

    def _titles(self) -> dict[str, str]:
        """Titles of the events and subjects of the campaigns that the filter names, by id; none for a filter that can't be."""
        if self.wanted is None:
            return {}
        events, campaigns = self.wanted.attends + self.wanted.attends_not, self.wanted.mailed + self.wanted.mailed_not
        titles = {event.id: event.title for event in self.store.events.get_many(events).values()} if events else {}
        return titles | self.store.campaigns.subjects(campaigns) if campaigns else titles
