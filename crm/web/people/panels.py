"""What the filter bar offers: a panel of values for each field, with what is chosen and suggestions to tick."""

from dataclasses import dataclass

from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format

from crm.domain.filters import Outcome
from crm.domain.folding import fold
from crm.services import filter_names
from crm.services.filter_names import Titled
from crm.store import Store
from crm.web.filter_words import GONE, PANELS, TITLED, range_words
from crm.web.people.query import FIND, MIXED, OPEN

SHOWN = 12
FINDS = {"attends": "Find an event", "mailed": "Find a campaign"}
MEANS = {"attends": "Registered for, or came to"}
OUTCOMES = {
    "": "Was sent",
    Outcome.DELIVERED: "Was reached by",
    Outcome.OPENED: "Opened",
    Outcome.NOT_OPENED: "Was sent, did not open",
    Outcome.CLICKED: "Clicked in",
    Outcome.NOT_CLICKED: "Was sent, did not click in",
    Outcome.BOUNCED: "Bounced with",
    Outcome.COMPLAINED: "Complained about",
    Outcome.UNSUBSCRIBED: "Unsubscribed from",
    Outcome.FAILED: "Was not reached by, as it failed",
    Outcome.SKIPPED: "Was skipped by",
    Outcome.UNCERTAIN: "Was perhaps sent",
}
"""What became of somebody in a campaign, as its panel has it to choose."""


@dataclass(frozen=True, slots=True)
class Option:
    """One value that can be ticked. `count` is None where it was not counted; `note` stands small behind the label."""

    value: str
    count: int | None
    checked: bool
    label: str = ""
    note: str = ""

    @property
    def words(self) -> str:
        """What is read: the value itself, or the title of what it is the id of."""
        return self.label or self.value


@dataclass(frozen=True, slots=True)
class Panel:
    """A field with its values. `excluded` stand beside wanted ones; `exclude`: all that are ticked are excluded.

    `loaded`: what people have most often was looked up too; else it is when the panel is opened, as it costs a query a field.
    `looked`: what was typed to find these; `found`: whether anything was.
    """

    field: str
    options: list[Option]
    excluded: list[Option]
    exclude: bool
    error: str
    loaded: bool
    found: bool
    open: bool
    looked: str

    @property
    def label(self) -> str:
        """The field's name on its button."""
        return PANELS[self.field]

    @property
    def finds(self) -> str:
        """What its search box is for."""
        return FINDS.get(self.field) or f"Find a {self.label.lower()}"

    @property
    def means(self) -> str:
        """What it says of people; nothing where the field's name says it."""
        return MEANS.get(self.field, "")

    @property
    def outcomes(self) -> list[tuple[str, str, bool]]:
        """What can have become of people in a campaign: value, words, whether it is what is chosen. None for other fields."""
        if self.field != "mailed":
            return []
        chosen = {option.value.partition(":")[2] for option in (*self.options, *self.excluded) if option.checked} or {""}
        mixed = [(MIXED, "Each as it was chosen", True)] if len(chosen) > 1 or not chosen <= OUTCOMES.keys() else []
        return [*mixed, *((name, words, not mixed and name in chosen) for name, words in OUTCOMES.items())]

    @property
    def titled(self) -> bool:
        """Whether its values are ids of things with a title."""
        return self.field in TITLED

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


class Panels:
    """Makes the panels of one query string. `names` are those of the ids in it; `errors` are by field."""

    def __init__(self, store: Store, query: QueryDict, *, names: dict[str, str] | None, errors: dict[str, str]) -> None:
        self.store, self.query = store, query
        self.names, self.errors = names, errors

    def panel(self, field: str, typed: str = "", *, load: bool | None = None) -> Panel:
        """One field: the chosen values, then (`load`; None: where the address says that it is open) those found for `typed`.

        Without `typed`, those that most people have, or the newest.
        """
        opened = field == self.query.get(OPEN)
        load = opened if load is None else load
        looked = typed or (self.query.get(FIND, "").strip() if opened else "")
        chosen, excluded = self.query.getlist(field), self.query.getlist(f"{field}Not")
        exclude = bool(excluded) and not chosen
        if exclude:
            chosen, excluded = excluded, []
        offered = self._offered(field, looked) if load else {}
        found = bool(offered)
        options = [self._chosen(field, value, offered.pop(_key(field, value), None)) for value in chosen]
        unwanted = [self._chosen(field, value, offered.pop(_key(field, value), None)) for value in excluded]
        error = self.errors.get(field) or self.errors.get(f"{field}Not", "")
        return Panel(field, [*options, *offered.values()], unwanted, exclude, error, load, found, bool(error) or opened, looked)

    def _offered(self, field: str, looked: str) -> dict[str, Option]:
        if field in TITLED:
            find = filter_names.events_titled if field == "attends" else filter_names.campaigns_titled
            return {one.id: _option(one) for one in find(self.store, looked, SHOWN)}
        return {fold(one.value): Option(one.value, one.count, False) for one in self.store.people.facet(field, looked, SHOWN)}

    def _chosen(self, field: str, value: str, known: Option | None) -> Option:
        label = ""
        if field in TITLED:
            label = value if self.names is None else self.names.get(value, known.label if known else GONE[field])
        return Option(value, known.count if known else None, True, label, known.note if known else "")


def _key(field: str, value: str) -> str:
    """What tells that two values are one: ids without a status or outcome, the others compare folded."""
    return value.partition(":")[0] if field in TITLED else fold(value)


def _option(one: Titled) -> Option:
    return Option(one.id, one.people, False, one.title, date_format(timezone.localtime(one.when), "j M Y"))
