"""What a plan is: where people are read, in stages of strands, each a key condition."""

from dataclasses import dataclass

from crm.store.expressions import Where
from crm.store.schema import Index


@dataclass(frozen=True, slots=True, kw_only=True)
class Strand:
    """One key condition: sort keys from `low` to `high`. Without `prefix`, they are the order of the plan.

    `estimate` is how many people are behind it: by it the strands of a stage share what is asked for.
    """

    partition: str
    prefix: str = ""
    low: str | None = None
    high: str | None = None
    estimate: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Strands that are merged in order of the key; stages come one after another.

    `index` None is the table itself: the items are pointers to people (search tokens), or, with `copies`, members of a tag.
    """

    strands: tuple[Strand, ...]
    index: Index | None = None
    ascending: bool = True
    rank: int = 0
    where: Where = ()
    copies: bool = False

    @property
    def pointers(self) -> bool:
        """Whether the items only say who."""
        return self.index is None and not self.copies


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a filter is answered. `estimate` is how many items a reading of everything looks at, `matches` how many pass.

    `order` is the one that results: name, attended, hosted, city, search or id. `expressed` says that keys and
    expressions hold all that the filter asks of a profile, `complete` that they hold all of it; else each person is tested once
    more. `in_memory`: all is read, then sorted.
    """

    source: str
    index: str
    order: str
    stages: tuple[Stage, ...] = ()
    estimate: int = 0
    matches: int = 0
    expressed: bool = True
    complete: bool = True
    in_memory: bool = False
    word: str = ""
    note: str = ""

    @property
    def share(self) -> float:
        """The expected share of matches among the items read, more than 0."""
        return min(1.0, max(self.matches, 1) / max(self.estimate, 1))
