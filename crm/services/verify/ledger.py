"""What should be there against what is, summed up so that a table of any size fits.

Everything belongs to a group: a person, an event, a campaign, the counters of one kind. A first look keeps one number per group,
which is 0 when what is wanted and what is found agree (with a chance of one in 2⁶⁰ that a difference hides). Only the groups
that do not agree are looked at again, item by item.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from crm.domain.people import Person
from crm.store.schema import Item

Group = tuple[str, ...]


@dataclass(slots=True)
class Entry:
    """One thing of a group: how many should be there, and how many are; of copies, what they should say, and what they do."""

    wanted: int = 0
    found: int = 0


@dataclass(slots=True)
class Ledger:
    """Wanted and found. `only` None is the first look; else the groups that are kept item by item."""

    only: frozenset[Group] | None = None
    sums: dict[Group, int] = field(default_factory=lambda: defaultdict(int))
    entries: dict[Group, dict[Hashable, Entry]] = field(default_factory=dict)
    there: set[Group] = field(default_factory=set)
    needed: set[Group] = field(default_factory=set)
    odd: set[Group] = field(default_factory=set)

    def want(self, group: Group, thing: Hashable, number: int = 1) -> None:
        """`number` more of `thing` should be there."""
        if self.only is None:
            self.sums[group] += hash(thing) * number
        elif group in self.only:
            self._entry(group, thing).wanted += number

    def find(self, group: Group, thing: Hashable, number: int = 1) -> None:
        """`number` more of `thing` are there."""
        if self.only is None:
            self.sums[group] -= hash(thing) * number
        elif group in self.only:
            self._entry(group, thing).found += number

    def exists(self, group: Group) -> None:
        """What others may lean on is there."""
        self.there.add(group)

    def needs(self, group: Group) -> None:
        """Something leans on this."""
        self.needed.add(group)

    def oddity(self, group: Group) -> None:
        """Something is wrong with this by itself."""
        self.odd.add(group)

    def missing(self) -> set[Group]:
        """Return what something leans on and is not there."""
        return self.needed - self.there

    def suspects(self) -> frozenset[Group]:
        """Return every group that needs a second look."""
        return frozenset({group for group, total in self.sums.items() if total} | self.missing() | self.odd)

    def differing(self) -> Iterator[tuple[Group, Hashable, Entry]]:
        """Give what differs, group by group, after a look item by item."""
        for group in sorted(self.entries):
            for thing, entry in sorted(self.entries[group].items(), key=lambda pair: repr(pair[0])):
                if entry.wanted != entry.found:
                    yield group, thing, entry

    def want_all(self, group: Group, things: Iterable[Hashable]) -> None:
        """Each of `things` should be there once."""
        for thing in things:
            self.want(group, thing)

    def _entry(self, group: Group, thing: Hashable) -> Entry:
        return self.entries.setdefault(group, {}).setdefault(thing, Entry())


def says(person: Person) -> int:
    """Return a number for all that a profile, or a copy of it, says, but for marks: more than 1, which is a bare member's."""
    return 2 + hash(replace(person, leaving=False, merging=False)) % 2**60


@dataclass(slots=True)
class Facts:
    """What a sum can't tell: how campaigns, events and their work fit together. There are few of them."""

    campaigns: dict[str, str] = field(default_factory=dict)
    queued: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    chunked: set[str] = field(default_factory=set)
    copies: set[str] = field(default_factory=set)
    due: set[str] = field(default_factory=set)
    windows: list[tuple[str, str, bool]] = field(default_factory=list)
    events: dict[str, Item] = field(default_factory=dict)
    hosts: list[Item] = field(default_factory=list)
    pending: set[str] = field(default_factory=set)
    cancelled: dict[str, Item] = field(default_factory=dict)
    jobs: set[tuple[str, str]] = field(default_factory=set)
    parked: dict[tuple[str, str], str | None] = field(default_factory=dict)
    erasures: set[str] = field(default_factory=set)
    merging: dict[str, str] = field(default_factory=dict)
    leaving: dict[str, str] = field(default_factory=dict)
    tasks: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)
    suppressed: dict[str, str] = field(default_factory=dict)
    mailable: dict[int, str] = field(default_factory=dict)
    unmailable: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)
    leaning: list[tuple[Group, Item]] = field(default_factory=list)
