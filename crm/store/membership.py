"""Who attends events, was mailed, stands in a selection: as sets of ids, for a profile does not tell."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from crm.domain.filters import Group, GroupKind, PeopleFilter, attending, group
from crm.domain.people import Person
from crm.store import schema
from crm.store.email_lists import EmailLists
from crm.store.heirs import all_merges, heirs_among
from crm.store.keys import behind_prefix, render
from crm.store.mailed import mailed_in, mailed_within
from crm.store.moment import kept
from crm.store.requests import Query
from crm.store.schema import Item
from crm.store.table import Table

KEPT = 4
"""Selections that one process keeps in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """`wanted` None: no event, campaign, selection or group is asked for; else only these people match. `unwanted` never do.

    Nor does who passes one of `apart`, a profile's filter and its members each, which take one another to decide. `ordered` is
    `wanted` in order of the id, where that is known and nobody is unwanted.
    """

    wanted: frozenset[str] | None = None
    unwanted: frozenset[str] = frozenset()
    apart: tuple[tuple[PeopleFilter, "Members"], ...] = ()
    ordered: Sequence[str] | None = None

    @property
    def is_everybody(self) -> bool:
        """Whether they let everybody through."""
        return self.wanted is None and not self.unwanted and not self.apart

    def hold(self, person_id: str) -> bool:
        """Tell whether they let this person through, as far as an id tells: `apart` is not looked at."""
        return (self.wanted is None or person_id in self.wanted) and person_id not in self.unwanted

    def pass_(self, person: Person) -> bool:
        """Tell whether they let this person through."""
        return self.hold(person.id) and not any(one.matches(person) and held.hold(person.id) for one, held in self.apart)

    def __len__(self) -> int:
        """Return how many are asked for."""
        return len(self.wanted or ()) - (len(self.wanted & self.unwanted) if self.wanted and self.unwanted else 0)

    def ids(self) -> Sequence[str]:
        """Return who is asked for, in order of the id."""
        return self.ordered if self.ordered is not None else sorted((self.wanted or frozenset()) - self.unwanted)

    def narrowed(self, wanted: frozenset[str] | None, unwanted: frozenset[str]) -> "Members":
        """Return them with others asked for, or not to be let through, as well."""
        if wanted is None and not unwanted:
            return self
        both = self.wanted if wanted is None else wanted if self.wanted is None else self.wanted & wanted
        return replace(self, wanted=both, unwanted=self.unwanted | unwanted, ordered=None)


@dataclass(frozen=True, slots=True)
class Selection:
    """The ids of a selection, as a set and in order, and its last part."""

    ids: frozenset[str]
    ordered: Sequence[str]
    last: Item | None

    def following(self, merges: Mapping[str, str]) -> "Selection":
        """Return it with those into whom somebody in it was merged; who is gone stays in it, and is nobody."""
        heirs = heirs_among(self.ids, merges)
        return replace(self, ids=self.ids | heirs, ordered=sorted([*self.ordered, *heirs])) if heirs else self


NOBODY = Selection(frozenset(), (), None)


class SelectedIds:
    """Whom selections hold. Parts are put in order and stay as they are, so each is read once and from then on only what follows.

    Some selections are kept, those that were asked for last; one of 100,000 people takes about 15 MB.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: OrderedDict[str, Selection] = OrderedDict()
        self._lock = Lock()

    def of(self, selection_id: str) -> Selection:
        """Return the ids; one consistent request where all were read before, else one per MB."""
        with self._lock:
            known = self._known.pop(selection_id, NOBODY)
        parts = self._parts(selection_id, known.last)
        if known.last is not None and (not parts or parts[0]["ids"] != known.last["ids"]):
            known, parts = NOBODY, self._parts(selection_id, None)
        if len(parts) > (known.last is not None):
            ids = known.ids.union(id_ for part in parts for id_ in part["ids"])
            known = Selection(ids, sorted(ids), parts[-1])
        with self._lock:
            self._known[selection_id] = known
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return known

    def _parts(self, selection_id: str, first: Item | None) -> list[Item]:
        partition, beginning = schema.prefix("selected", selectionId=selection_id)
        query = Query(
            partition=partition, low=first["SK"] if first else beginning, high=behind_prefix(beginning), consistent=True
        )
        return list(self._table.walk(query))


class Memberships:
    """Reads sets of people, each once in a block that only reads (`one_reading`)."""

    def __init__(self, table: Table, lists: EmailLists) -> None:
        self._table = table
        self._lists = lists
        self._selections = SelectedIds(table)

    def of_filter(self, wanted: PeopleFilter) -> Members:
        """Return whom a filter names, but for segments: a query per event and status, four per campaign and state.

        Selections cost as `SelectedIds` reads them, and with ids a query for all merges; days as `mailed_within` does.
        """
        sets = [
            frozenset().union(*[read(value) for value in values])
            for values, read in ((wanted.attends, self.attending), (wanted.mailed, self.mailed))
            if values
        ]
        chosen = [self.selected(value) for value in wanted.selected]
        within = [one for one in map(group, wanted.within) if one.kind is not GroupKind.SEGMENT]
        lists = [self.selected(one.id) for one in within if one.kind is GroupKind.LIST]
        if chosen:
            sets.append(chosen[0].ids if len(chosen) == 1 else frozenset().union(*[one.ids for one in chosen]))
        sets += [one.ids for one in lists]
        sets += [self.of_group(one) for one in within if one.kind is not GroupKind.LIST]
        sets += [frozenset(wanted.ids) | heirs_among(frozenset(wanted.ids), self._merges())] if wanted.ids else []
        unwanted = [
            *[self.attending(value) for value in wanted.attends_not],
            *[self.mailed(value) for value in wanted.mailed_not],
            *[self.of_group(one) for one in map(group, wanted.without) if one.kind is not GroupKind.SEGMENT],
        ]
        return Members(
            wanted=frozenset.intersection(*sets) if sets else None,
            unwanted=unwanted[0] if len(unwanted) == 1 else frozenset().union(*unwanted),
            ordered=[*chosen, *lists][0].ordered if len(sets) == len(chosen) + len(lists) == 1 and not unwanted else None,
        )

    def of_group(self, one: Group) -> frozenset[str]:
        """Return whom a group names that is no segment."""
        if one.kind is GroupKind.LIST:
            return self.selected(one.id).ids
        if one.kind is GroupKind.DAYS:
            return kept((self, one), lambda: frozenset(mailed_within(self._table, self._lists, one.days)))
        return self.attending(one.named) if one.kind is GroupKind.ATTENDS else self.mailed(one.named)

    def selected(self, selection_id: str) -> Selection:
        """Return whom a selection means by now. What is kept of it is what was put in: merges come later, and are read anew."""
        found = self._selections.of(selection_id)
        return found.following(self._merges()) if found.ids else found

    def _merges(self) -> Mapping[str, str]:
        return kept((self, "merges"), lambda: all_merges(self._table))

    def attending(self, value: str) -> frozenset[str]:
        """Return who is registered or attended, or has the status that the value names."""
        return kept((self, "attends", value), lambda: frozenset(_attending(self._table, value)))

    def mailed(self, value: str) -> frozenset[str]:
        """Return of whom the campaign's e-mail has the outcome that the value names."""
        return kept((self, "mailed", value), lambda: frozenset(mailed_in(self._table, value)))


def _attending(table: Table, value: str) -> Iterator[str]:
    """Those registered are read before those that attended: who is checked in meanwhile is seen once at least."""
    event_id, statuses = attending(value)
    partition = render(schema.EVENT_ATTENDEES.entry("attendance").partition, {"eventId": event_id}) or ""
    for status in sorted(statuses, reverse=True):
        beginning = f"{status.value}#"
        query = Query(
            partition=partition,
            index=schema.EVENT_ATTENDEES,
            low=beginning,
            high=behind_prefix(beginning),
            attributes=("userId",),
        )
        yield from (item["userId"] for item in table.walk(query))
