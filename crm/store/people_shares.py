"""How those who match are shared out: by e-mail status, and of the mailable ones who is left out by which exclusion."""

import heapq
import zlib
from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from crm.domain.filters import PeopleFilter
from crm.domain.people import EmailStatus, Person
from crm.store.people_asked import Asked, Asking

Seen = tuple[str, EmailStatus, Person | None]
"""Id and e-mail status of somebody who matches, and the whole person where that was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """`left_out` counts, for each `without` of the filter, the mailable people whom it is the first to leave out.

    `sample` are ids from anywhere among those who are left: the same for the same people.
    """

    by_status: Mapping[EmailStatus, int]
    left_out: tuple[int, ...]
    sample: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One value of `without`, looked up."""

    asked: Asked

    @property
    def needs_profile(self) -> bool:
        """Whether an id does not decide it."""
        return bool(self.asked.members.apart) or not replace(self.asked.wanted, within=(), without=()).is_empty

    def holds(self, id_: str, person: Person | None) -> bool:
        """Tell whether it leaves somebody out; the person is None only where the id decides."""
        if person is None:
            return self.asked.members.hold(id_)
        return self.asked.matches(person)


def exclusions_of(asking: Asking, wanted: PeopleFilter) -> list[Exclusion]:
    """Look up each `without` of a filter; costs what their groups cost."""
    return [Exclusion(asking.of(PeopleFilter(within=(value,)))) for value in wanted.without]


def shared_out(people: Iterator[Seen], exclusions: Sequence[Exclusion], sample: int) -> Shares:
    """Share out the people who match a filter but for its exclusions, in one reading of them."""
    by_status: Tally[EmailStatus] = Tally()
    left_out = [0] * len(exclusions)
    chosen: list[tuple[int, str]] = []
    for id_, status, person in people:
        by_status[status] += 1
        if status is not EmailStatus.MAILABLE:
            continue
        place = next((place for place, one in enumerate(exclusions) if one.holds(id_, person)), None)
        if place is not None:
            left_out[place] += 1
        elif sample:
            _choose(chosen, id_, sample)
    return Shares(by_status=by_status, left_out=tuple(left_out), sample=tuple(id_ for _, id_ in sorted(chosen, reverse=True)))


def _choose(chosen: list[tuple[int, str]], id_: str, most: int) -> None:
    """Keep those with the smallest checksums: a heap, the greatest of them first."""
    ranked = (-zlib.crc32(id_.encode()), id_)
    if len(chosen) < most:
        heapq.heappush(chosen, ranked)
    elif ranked > chosen[0]:
        heapq.heapreplace(chosen, ranked)
