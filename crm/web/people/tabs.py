"""Segments above the list: where one can go, which of them this is, and whether it was changed."""

from dataclasses import dataclass
from functools import cached_property

from crm.domain.filters import PeopleFilter
from crm.domain.ids import new_id
from crm.domain.segments import Segment
from crm.store import Store

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Tab:
    """One segment, and whether this is the list of its people. It is counted by a request of its own: `segments:counts`."""

    segment: Segment
    current: bool


class Tabs:
    """The segments that `viewer` sees, beside the filter `wanted` (None where it can't be) that came from the segment `base`."""

    def __init__(self, store: Store, viewer: str, *, wanted: PeopleFilter | None, base: str) -> None:
        self.store, self.viewer = store, viewer
        self.wanted, self.base = wanted, base

    @cached_property
    def all(self) -> list[Segment]:
        """All that the viewer sees, by name; what was opened is among them also where the index is late."""
        seen = self.store.segments.visible(self.viewer)
        if self.base and all(one.id != self.base for one in seen):
            late = self.store.segments.find(self.base)
            seen += [late] if late is not None and late.seen_by(self.viewer) else []
        return seen

    @cached_property
    def opened(self) -> Segment | None:
        """The segment that the filter came from."""
        return next((one for one in self.all if one.id == self.base), None)

    @cached_property
    def current(self) -> Segment | None:
        """The segment that the filter is: the one it came from where that still says the same, else any that does."""
        if self.wanted is None or self.wanted.is_empty:
            return None
        same = [one for one in self.all if one.is_about(self.wanted)]
        return self.opened if self.opened in same else next(iter(same), None)

    @cached_property
    def changed(self) -> Segment | None:
        """The segment whose filter was changed since it was opened, and could be saved again."""
        may = self.wanted is not None and not self.wanted.is_empty and self.current is None
        return self.opened if may else None

    @cached_property
    def shown(self) -> list[Tab]:
        """The first few by name, and always the one that is open."""
        first = self.all[:SHOWN]
        wanted = [one for one in (self.current or self.opened,) if one is not None]
        if any(one not in first for one in wanted):
            first = [*first[: SHOWN - 1], *wanted]
        return [Tab(one, one == self.current) for one in first]

    @property
    def unsaved(self) -> bool:
        """Whether the filter is no segment's."""
        return self.current is None and (self.wanted is None or not self.wanted.is_empty)

    @property
    def new_id(self) -> str:
        """An id for the segment that a form makes, so that the same form sent twice makes one."""
        return new_id()

    @property
    def why_not_save(self) -> str:
        """Why the filter can't be saved as a segment; empty where it can."""
        if self.wanted is None:
            return "The filter can’t be used yet."
        if self.wanted.is_empty:
            return "Filter the people first: a segment without a filter would be everybody."
        return f"This is the segment “{self.current.name}” already." if self.current else ""
