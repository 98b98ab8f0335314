"""One thing that is not as it should be."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crm.store.requests import Action
from crm.store.stats import Counter


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs, without an address in it. `mend` and `counters` (a delta) put it right; both empty: people must look.

    Two are equal when they say the same, whatever would mend them.
    """

    kind: str
    subject: str
    says: str
    mend: tuple[Action, ...] = field(default=(), compare=False)
    counters: Mapping[Counter, int] = field(default_factory=dict, compare=False)

    @property
    def mendable(self) -> bool:
        """Whether `--repair` can put it right."""
        return bool(self.mend or self.counters)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: {self.says}"
