"""What the address of an event’s page asks of its list: a status, conditions on the people, an order; and its parts in words."""

from dataclasses import dataclass
from functools import cached_property

from django.http import QueryDict

from crm.domain.errors import RuleViolation
from crm.domain.events import STATUS_WORDS, AttendanceStatus
from crm.domain.filters import PeopleFilter, filter_values, parse_filter
from crm.services.attendees import AttendeeFilter
from crm.store.people import FacetValue
from crm.web.chips import Chip
from crm.web.filter_words import filter_words

PANELS = {"company": "Company", "jobTitle": "Job title", "city": "City", "tag": "Tag"}
"""Fields that the list can be filtered by, beside the search."""
CONDITIONS = ("q", *PANELS, "emailStatus")
OPEN = "open"
"""In the address: the field whose panel is open, for pages without JavaScript."""
BY_NAME = "name"
SHOWN = 100
"""Values that a panel offers at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One value to tick; `count` is None where it was not counted."""

    value: str
    checked: bool
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One field with its values. `loaded`: what those on the list have was looked up; `endless`: they are too many for that."""

    field: str
    label: str
    options: list[Option]
    open: bool = False
    loaded: bool = False
    endless: bool = False

    @property
    def active(self) -> int:
        """How many values are chosen."""
        return sum(option.checked for option in self.options)


class AttendeeBar:
    """The query of an event's page, read. `wanted` is None where a condition can't be; `error` says why.

    Without a status it is `first`; what is not known is left alone.
    """

    def __init__(self, query: QueryDict, event_id: str, *, first: AttendanceStatus = AttendanceStatus.REGISTERED) -> None:
        self.query, self.event_id, self.error = query, event_id, ""
        typed = query.get("status", "")
        self.status = AttendanceStatus(typed) if typed in set(AttendanceStatus) else first
        self.by_name = query.get("order", "") == BY_NAME
        self.people = PeopleFilter()
        self.wanted: AttendeeFilter | None = None
        try:
            self.people = parse_filter({name: query.getlist(name) for name in CONDITIONS if name in query})
        except RuleViolation as error:
            self.error = error.message
        else:
            self.wanted = AttendeeFilter(event_id=event_id, statuses=(self.status,), people=self.people, by_name=self.by_name)

    @property
    def words(self) -> str:
        """The status in a word."""
        return STATUS_WORDS[self.status]

    @property
    def q(self) -> str:
        """The search as typed."""
        return " ".join(self.query.getlist("q"))

    @property
    def is_filtered(self) -> bool:
        """Whether there is any condition beside the status."""
        return any(value.strip() for name in CONDITIONS for value in self.query.getlist(name))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Status, conditions and order, for hidden fields and addresses."""
        order = [("order", BY_NAME)] if self.by_name else []
        return [("status", self.status.value), *self._condition_pairs, *order]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the filter's form has no field for."""
        return [(name, value) for name, value in self.pairs if name in {"status", "order", "emailStatus"}]

    @property
    def string(self) -> str:
        """The same as the query string of this page, without the place in the list."""
        return _encoded(self.pairs)

    @property
    def people_string(self) -> str:
        """The same as a query string of the list of people."""
        return _encoded([("attends", f"{self.event_id}:{self.status}"), *self._condition_pairs])

    @property
    def _condition_pairs(self) -> list[tuple[str, str]]:
        return [(name, value) for name, values in self.conditions.items() for value in values]

    @cached_property
    def conditions(self) -> dict[str, list[str]]:
        """The conditions by the contract's names, as parsed; as typed where they can't be."""
        if self.wanted is not None:
            return filter_values(self.people)
        return {name: self.query.getlist(name) for name in CONDITIONS if name in self.query}

    @property
    def chips(self) -> list[Chip]:
        """What is active, each with the way to leave it out."""
        found = []
        for said in filter_words(self.conditions):
            left = [(name, value) for name, value in self.pairs if name not in CONDITIONS or value not in said.values]
            if said.values == tuple(self.conditions.get("q", ())):
                left = [(name, value) for name, value in left if name != "q"]
            found.append(Chip(label=said.label, value=said.value, query=f"?{_encoded(left)}"))
        return found

    @property
    def clear_query(self) -> str:
        """The address without any condition."""
        return f"?{_encoded([(name, value) for name, value in self.pairs if name not in CONDITIONS])}"

    @property
    def panels(self) -> list[Panel]:
        """The fields, with what is chosen in them."""
        return [self.panel(field) for field in PANELS]

    def panel(self, field: str, found: list[FacetValue] | None = None, *, loaded: bool = False) -> Panel:
        """One field: what is chosen, then what was found (None: the list is too long to look)."""
        chosen = self.query.getlist(field)
        counts = {one.value: one.count for one in found or ()}
        options = [Option(value=value, checked=True, count=counts.pop(value, None)) for value in chosen]
        options += [Option(value=value, checked=False, count=count) for value, count in list(counts.items())[:SHOWN]]
        opened = self.query.get(OPEN) == field
        return Panel(
            field=field, label=PANELS[field], options=options, open=opened, loaded=loaded, endless=loaded and found is None
        )


def _encoded(pairs: list[tuple[str, str]]) -> str:
    query = QueryDict(mutable=True)
    for name, value in pairs:
        query.appendlist(name, value)
    return query.urlencode()
