"""The filter bar above the list: what can be chosen, what is chosen, and what is wrong with it."""

from dataclasses import dataclass
from functools import cached_property

from django.http import QueryDict

from crm.domain.errors import RuleViolation
from crm.domain.filters import NAMES, Order, PeopleFilter, parse_filter, parse_order
from crm.domain.people import EmailStatus
from crm.services import filter_names, segments
from crm.services.segments import SEGMENT
from crm.store import Store
from crm.store.people import PeopleTotals
from crm.web.chips import Chip
from crm.web.filter_words import PANELS, RANGES, field_words
from crm.web.people.panels import Option, Panel, Panels, Range
from crm.web.people.query import BASE, active_groups, chips_of, filter_query, list_query, page_query, state_query, values_of
from crm.web.people.tabs import Tabs

ALTERNATIVES = 4


@dataclass(frozen=True, slots=True)
class Alternative:
    """A way out of an empty list: without what, and how many there would be, None before they are counted."""

    words: str
    query: str
    count: int | None = None


class FilterBar:
    """One query string, read. `wanted` is the filter, None where a value can't be; `errors` says which, by field.

    A segment in it is opened for `viewer`, a username: `query` then holds its filter, and the segment as `base`. Raises
    NotFound for one that `viewer` does not get to see; without a viewer only shared ones are seen.
    """

    def __init__(self, query: QueryDict, store: Store, viewer: str = "") -> None:
        self.query, self.store, self.viewer = query, store, viewer
        self.errors: dict[str, str] = {}
        self.wanted: PeopleFilter | None = None
        self.order = Order.SOURCE
        try:
            self.query = _opened(query, store, viewer)
        except RuleViolation as error:
            self._note(error)
        try:
            self.order = parse_order(self.query.get("order", ""))
        except RuleViolation as error:
            self._note(error)
        try:
            self.wanted = parse_filter(values_of(self.query))
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
    def state_string(self) -> str:
        """The filter, the order and the segment it came from, likewise."""
        return state_query(self.query).urlencode()

    @property
    def page_string(self) -> str:
        """The same and the page that is shown, likewise."""
        return page_query(self.query).urlencode()

    @property
    def is_active(self) -> bool:
        """Whether anything is filtered."""
        return any(name in NAMES for name in self.query)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The filter and the order, for hidden fields of a form."""
        listed = list_query(self.query)
        return [(name, value) for name in listed for value in listed.getlist(name)]

    @cached_property
    def chips(self) -> list[Chip]:
        """What is active, each with the way to leave it out."""
        return chips_of(self.query, self._names)

    @property
    def summary(self) -> str:
        """What is active in a few words, for the title of the page: the segment, or the first values."""
        current = self.tabs.current
        return current.name if current else ", ".join(chip.value for chip in self.chips[:3])

    @cached_property
    def tabs(self) -> Tabs:
        """Segments to go to, and which of them this is."""
        return Tabs(self.store, self.viewer, wanted=self.wanted, base=self.query.get(BASE, ""))

    @cached_property
    def panels(self) -> list[Panel]:
        """A panel for each field that has values."""
        return [self.panel(field) for field in PANELS]

    def panel(self, field: str, typed: str = "", *, load: bool | None = None) -> Panel:
        """One field, as `Panels.panel` says."""
        return Panels(self.store, self.query, names=self._names, errors=self.errors).panel(field, typed, load=load)

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
        """How many people there are in all; what counts those of the list is read with it."""
        return self.store.people.totals(beside=self.wanted, order=self.order)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the form has no field for and sends along: the order, the segment it came from, selections and ids."""
        shown = {"q", "emailStatus", *[name for field in PANELS for name in (field, f"{field}Not")]}
        shown |= {f"{field}{end}" for field in RANGES for end in ("Min", "Max")}
        listed = state_query(self.query)
        return [(name, value) for name in listed if name not in shown for value in listed.getlist(name)]

    def uncounted(self) -> list[Alternative]:
        """What an empty list could leave out, in order of the fields."""
        return [Alternative(words, f"?{query.urlencode()}") for words, query in active_groups(self.query, self._names)]

    def alternatives(self) -> list[Alternative]:
        """What an empty list could leave out so that there is somebody: counted, fewest people first."""
        counted = (
            (self.store.people.count(parse_filter(values_of(query))), words, query)
            for words, query in active_groups(self.query, self._names)
        )
        found = sorted(((number, words, query) for number, words, query in counted if number), key=lambda one: one[0])
        return [Alternative(words, f"?{query.urlencode()}", number) for number, words, query in found[:ALTERNATIVES]]

    @cached_property
    def _names(self) -> dict[str, str] | None:
        """Names of what the filter mentions by id; None for a filter that can't be, for which nobody looks."""
        if self.wanted is None:
            return None
        return filter_names.names(self.store, [self.wanted], viewer=self.viewer)


def _opened(query: QueryDict, store: Store, viewer: str) -> QueryDict:
    """The query with the filter of its segment in place of `segment`, which becomes its `base`."""
    given = {name: query.getlist(name) for name in query if name in NAMES | {SEGMENT, "order"}}
    values = segments.expanded(store, given, viewer=viewer)
    if not query.get(SEGMENT, "").strip():
        return query
    opened = query.copy()
    opened[BASE] = opened.pop(SEGMENT)[-1]
    for name, texts in values.items():
        opened.setlist(name, texts)
    return opened
