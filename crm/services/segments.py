"""What staff do with segments: save a filter under a name, open it wherever a filter is taken, change, share, delete."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from crm.domain.errors import Conflict, FieldError, NotFound, RuleViolation
from crm.domain.filters import NAMES, GroupKind, Order, PeopleFilter, filter_values
from crm.domain.folding import fold
from crm.domain.ids import new_id
from crm.domain.people import Person
from crm.domain.segments import MAX_OWN, Segment
from crm.services.audit import noted
from crm.services.exclusions import check_segment_unused
from crm.store import Store
from crm.store.requests import Action
from crm.store.segments import STALE

logger = logging.getLogger(__name__)
SEGMENT = "segment"
"""The name under which a query string or a body asks for a segment."""
GROUPS, GROUP = ("within", "without"), f"{GroupKind.SEGMENT}:"
UNSEEN = "There is no such segment; it may have been deleted. Take it out of the filter."
TRIES = 5


def save(
    store: Store,
    name: str,
    wanted: PeopleFilter,
    *,
    owner: str,
    now: datetime,
    order: Order = Order.SOURCE,
    shared: bool = False,
    segment_id: str | None = None,
    also: Sequence[Action] = (),
) -> Segment:
    """Save a filter under a name, with `also` in the same transaction, and return the segment. A repeat finds its own work.

    Another name or filter under the same `segment_id`, as of a form that one went back to, is another segment.
    Raises RuleViolation for a name or filter that can't be, Conflict for a name that somebody sees twice.
    """
    segment = Segment(
        id=segment_id or new_id(),
        name=name,
        filter=wanted,
        order=order,
        owner=owner,
        shared=shared,
        created_at=now,
        updated_at=now,
    ).cleaned()
    if segment_id and not also and (first := store.segments.find(segment_id)) is not None:
        if _same(first, segment):
            return first
        segment = replace(segment, id=new_id())
    seen = store.segments.visible(owner)
    _check_name(segment, seen)
    if sum(one.owner == owner for one in seen) >= MAX_OWN:
        raise RuleViolation(f"You have {MAX_OWN} segments, which is the most. Delete one that you don’t need any more.")
    stored = store.segments.create(segment, [*also, noted(store, "segment.saved", segment.id, actor=owner, now=now)])
    logger.info("segment saved", extra={"segment_id": stored.id, "actor": owner, "shared": shared})
    return stored


def opened(store: Store, segment_id: str, viewer: str) -> Segment:
    """Return a segment that `viewer` gets to see, as it is at this moment; one request.

    Raises NotFound, in the same words for one that is somebody else's own as for one that does not exist.
    """
    segment = store.segments.get(segment_id)
    if not segment.seen_by(viewer):
        raise NotFound("There is no such segment; it may have been deleted.")
    return segment


def edit(
    store: Store,
    segment_id: str,
    *,
    viewer: str,
    version: int,
    now: datetime,
    name: str | None = None,
    shared: bool | None = None,
    wanted: PeopleFilter | None = None,
    order: Order | None = None,
) -> Segment:
    """Rename it, share it or not, put another filter or order in its place; None leaves it as it is. Return it as saved.

    What is the same already is not written again.

    Whether `viewer` may is for the caller to ask (`Segment.changed_by`). Raises NotFound, RuleViolation, and Conflict for a
    taken name or a `version` that is not the stored one.
    """
    old = opened(store, segment_id, viewer)
    if old.version != version:
        raise Conflict(STALE)
    given = {"name": name, "shared": shared, "filter": wanted, "order": order}
    changed = replace(old, **{field: value for field, value in given.items() if value is not None}).cleaned()  # type: ignore[arg-type]
    if changed == old:
        return old
    if (fold(changed.name), changed.shared) != (fold(old.name), old.shared):
        _check_name(changed, store.segments.visible(viewer))
    fields = ", ".join(field for field in given if getattr(changed, field) != getattr(old, field))
    audit = noted(store, "segment.edited", segment_id, actor=viewer, now=now, fields=fields)
    saved = store.segments.save(replace(changed, updated_at=now), [audit])
    logger.info("segment edited", extra={"segment_id": segment_id, "version": saved.version, "actor": viewer})
    return saved


def delete(store: Store, segment_id: str, *, viewer: str, now: datetime, version: int | None = None) -> Segment:
    """Delete it and return what it was; campaigns keep the filter they were given.

    Raises NotFound, and Conflict where it has changed or a campaign on its way leaves people out by it.
    """
    segment = opened(store, segment_id, viewer)
    if version is not None and segment.version != version:
        raise Conflict(STALE)
    check_segment_unused(store, segment_id)
    store.segments.delete(segment, [noted(store, "segment.deleted", segment_id, actor=viewer, now=now)])
    logger.info("segment deleted", extra={"segment_id": segment_id, "actor": viewer})
    return segment


def expanded(store: Store, values: Mapping[str, Sequence[str]], *, viewer: str) -> dict[str, list[str]]:
    """Return the contract's filter values with `segment` replaced by that segment's filter; one request, none without it.

    Other fields narrow the segment. Its order comes along as `order` where none is given. RuleViolation when a field is given
    in both, or two segments are, or a group names one that `viewer` does not get to see (a request for those); NotFound for an
    unknown segment or one that is somebody else's own.
    """
    plain = {name: list(given) for name, given in values.items() if name != SEGMENT}
    _check_seen(store, plain, viewer)
    ids = list(dict.fromkeys(given.strip() for given in values.get(SEGMENT, ()) if given.strip()))
    if not ids:
        return plain
    if len(ids) > 1:
        raise RuleViolation("Only one segment can be opened at a time.", field=SEGMENT)
    segment = opened(store, ids[0], viewer)
    own = filter_values(segment.filter)
    twice = [name for name in plain if name in own and name in NAMES and any(value.strip() for value in plain[name])]
    if twice:
        errors = [FieldError(field=name, message=f"{name} stands in the segment already; leave it out here.") for name in twice]
        raise RuleViolation(" ".join(error.message for error in errors), errors=errors)
    ordered = {"order": [segment.order.value]} if segment.order and not any(plain.get("order", ())) else {}
    return {**plain, **own, **ordered}


def _check_seen(store: Store, values: Mapping[str, Sequence[str]], viewer: str) -> None:
    """RuleViolation for a segment in `within` or `without` that is gone or somebody else's: nobody learns which of the two."""
    named = {
        name: [one.strip()[len(GROUP) :] for one in values.get(name, ()) if one.strip().startswith(GROUP)] for name in GROUPS
    }
    ids = sorted({id_ for given in named.values() for id_ in given})
    found = store.segments.get_many(ids) if ids else {}
    seen = {id_ for id_, one in found.items() if one.seen_by(viewer)}
    errors = [FieldError(field=name, message=UNSEEN) for name, given in named.items() if not seen.issuperset(given)]
    if errors:
        raise RuleViolation(UNSEEN, errors=errors)


def check_seen(store: Store, wanted: PeopleFilter, *, viewer: str, known: PeopleFilter | None = None) -> None:
    """RuleViolation where a filter from a form names a segment of somebody else's that is not in `known`, the stored one.

    One that is gone passes: a letter is kept with it, and not sent. A request where new segments are named.
    """
    ids = set(wanted.segment_ids) - set(known.segment_ids if known else ())
    if any(not one.seen_by(viewer) for one in (store.segments.get_many(sorted(ids)) if ids else {}).values()):
        raise RuleViolation(UNSEEN, field="without" if ids & set(replace(wanted, within=()).segment_ids) else "within")


def forget(store: Store, person: Person) -> int:
    """Take a person who is being erased out of all segments, and return how many were changed.

    Where `q` holds their address or their whole name, the filter asks for their id instead (`id=…`), so it goes on meaning that
    person, who is nobody once they are gone; a name of a segment that says it has `(erased)` there. The list comes from an
    index: a segment saved in this very moment may be seen only by a second call.
    """
    found = 0
    for segment in store.segments.walk():
        found += _forget_in(store, segment, person)
    if found:
        logger.info("person forgotten in segments", extra={"person_id": person.id, "segments": found})
    return found


def _forget_in(store: Store, segment: Segment | None, person: Person) -> bool:
    """Whether it had to be changed; somebody may save the same segment at the same moment, so it is tried again."""
    for attempt in range(TRIES):
        if segment is None or (without := segment.without(person)) == segment:
            return False
        try:
            store.segments.save(without)
        except Conflict:
            if attempt == TRIES - 1:
                raise
            segment = store.segments.find(segment.id)
        else:
            return True
    return False


def _same(first: Segment, segment: Segment) -> bool:
    """Whether the second is the first sent again."""
    return (first.owner, first.name, first.filter) == (segment.owner, segment.name, segment.filter)


def _check_name(segment: Segment, seen: Sequence[Segment]) -> None:
    """Conflict when its owner sees another segment of that name. An index tells, so two saved at one moment may share a name."""
    if any(fold(one.name) == fold(segment.name) and one.id != segment.id for one in seen):
        raise Conflict(f"There is a segment “{segment.name}” already; choose another name.", field="name")
