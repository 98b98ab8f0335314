"""A filter as it is evaluated: what it names looked up, and the segments in it dissolved into one filter and sets of people."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from crm.domain.filters import GroupKind, PeopleFilter, group
from crm.domain.folding import fold
from crm.domain.people import Person
from crm.store import schema
from crm.store.membership import Members, Memberships
from crm.store.moment import kept
from crm.store.segments import segment_of
from crm.store.table import Table

NOBODY: frozenset[str] = frozenset()
EITHER = ("company", "job_title", "city", "state", "email_status")
"""Fields of which a person has one value: of two filters, what both allow."""
NEITHER = ("company_not", "job_title_not", "city_not", "state_not", "tag_not")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`wanted` asks for profiles, those of segments among them, and `members` say the rest.

    Of the fields of `wanted` that name people by id nothing is read any more; they only say that there are `members`.
    """

    wanted: PeopleFilter
    members: Members

    def matches(self, person: Person) -> bool:
        """Tell whether a person passes all of it."""
        return self.members.pass_(person) and self.wanted.matches(person)


class Asking:
    """Looks up what filters name. Segments are as they are at this moment; one that is gone is nobody."""

    def __init__(self, table: Table, memberships: Memberships) -> None:
        self._table = table
        self._memberships = memberships

    def of(self, wanted: PeopleFilter) -> Asked:
        """Return what a filter asks: a batch for all its segments, and what its members cost; in `one_reading` once."""
        if not wanted.needs_membership:
            return Asked(wanted=wanted, members=Members())
        return kept((self, wanted), lambda: self._looked_up(wanted))

    def _looked_up(self, wanted: PeopleFilter) -> Asked:
        segments = self._segments(wanted)
        asked = self._without_segments(wanted)
        for value in wanted.within:
            one = group(value)
            if one.kind is GroupKind.SEGMENT:
                asked = _both(asked, segments.get(one.id))
        for value in wanted.without:
            one = group(value)
            if one.kind is GroupKind.SEGMENT and one.id in segments:
                asked = _except(asked, segments[one.id])
        return replace(asked, wanted=_marked(wanted, asked))

    def _without_segments(self, wanted: PeopleFilter) -> Asked:
        return Asked(wanted=_profile(wanted), members=self._memberships.of_filter(wanted))

    def _segments(self, wanted: PeopleFilter) -> dict[str, Asked]:
        """Those that are there; one that leans on another can't be saved, and would be nobody."""
        items = self._table.batch_get([schema.key("segment", id=id_) for id_ in wanted.segment_ids], consistent=True)
        filters = {item["id"]: segment_of(item).filter for item in items if item is not None}
        return {id_: self._without_segments(one) for id_, one in filters.items() if not one.segment_ids}


def _profile(wanted: PeopleFilter) -> PeopleFilter:
    """The filter without the fields that a profile does not decide."""
    named = replace(wanted, attends=(), mailed=(), selected=(), ids=(), within=())
    return replace(named, attends_not=(), mailed_not=(), without=())


def _marked(wanted: PeopleFilter, asked: Asked) -> PeopleFilter:
    """The filter with what says that people are known by id beforehand, or that some are out, where that is so."""
    named = (*wanted.within, *wanted.without, "given")
    return replace(
        asked.wanted,
        within=named if asked.members.wanted is not None else (),
        without=named if asked.members.unwanted or asked.members.apart else (),
    )


def _both(asked: Asked, segment: Asked | None) -> Asked:
    """Who passes both."""
    if segment is None or (wanted := joined(asked.wanted, segment.wanted)) is None:
        return replace(asked, members=asked.members.narrowed(NOBODY, NOBODY))
    return Asked(wanted=wanted, members=asked.members.narrowed(segment.members.wanted, segment.members.unwanted))


def _except(asked: Asked, segment: Asked) -> Asked:
    """Who passes the first, and not the segment."""
    members, theirs = asked.members, segment.members
    if theirs.is_everybody:
        return replace(asked, wanted=replace(asked.wanted, none_of=(*asked.wanted.none_of, segment.wanted)))
    if not segment.wanted.is_empty:
        return replace(asked, members=replace(members, apart=(*members.apart, (segment.wanted, theirs))))
    if theirs.wanted is None:
        return replace(asked, members=members.narrowed(theirs.unwanted, NOBODY))
    return replace(asked, members=members.narrowed(None, theirs.wanted - theirs.unwanted))


def joined(one: PeopleFilter, other: PeopleFilter) -> PeopleFilter | None:
    """Return the profile's filter that holds where both do, None where no profile can pass.

    Of tags a person may have one of each filter, so where both name some, the other's stand in `all_of`.
    """
    changes: dict[str, object] = {}
    for name in EITHER:
        values = _common(getattr(one, name), getattr(other, name))
        if values is None:
            return None
        changes[name] = values
    for name in NEITHER:
        changes[name] = (*getattr(one, name), *getattr(other, name))
    for name in ("hosted_min", "attended_min"):
        changes[name] = max((low for low in (getattr(one, name), getattr(other, name)) if low is not None), default=None)
    for name in ("hosted_max", "attended_max"):
        changes[name] = min((high for high in (getattr(one, name), getattr(other, name)) if high is not None), default=None)
    also = (PeopleFilter(tag=other.tag),) if one.tag and other.tag else ()
    return replace(
        one,
        **changes,  # type: ignore[arg-type]  # each is of its field's type, as both filters are
        q=f"{one.q} {other.q}".strip(),
        tag=one.tag or other.tag,
        all_of=(*one.all_of, *other.all_of, *also),
        none_of=(*one.none_of, *other.none_of),
    )


def _common(one: Sequence[str], other: Sequence[str]) -> Sequence[str] | None:
    """The values that both allow, None where they allow none together."""
    if not one or not other:
        return one or other
    allowed = {fold(value) for value in other}
    return tuple(value for value in one if fold(value) in allowed) or None
