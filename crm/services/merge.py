"""What staff do about two entries of one person: find them, tell them apart, or make one of both."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.merging import SIMILAR, Likely, why_same
from crm.domain.people import Person, Profile, folded_address
from crm.services.audit import noted
from crm.services.merge_steps import AGAIN, LATER, Order, Progress, advance, after, state_of, tidy
from crm.store import Store
from crm.store.people import item_of
from crm.store.people_items import tag_items, token_items
from crm.store.requests import Action
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)
GRACE = timedelta(seconds=60)
"""How long the request that merges is left alone with it before the job takes over."""
MOST_STEPS = 500
SHOWN = 3
STALE = "One of the two was changed by someone else meanwhile. Here is what is stored now; your choices are kept."
BUSY = "One of the two is just being merged or deleted. Try again in a minute."


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What came of it: the person who stays, and whether all of the other has gone over already."""

    person: Person
    finished: bool


def likely_same(store: Store, person: Person) -> list[Likely]:
    """Return who may be the same person, likeliest first, `SHOWN` at most; about twelve requests in all."""
    found = [(other, why_same(person.profile, other.profile)) for other in store.duplicates.near(person)]
    likely = [Likely(person=other, why=why) for other, why in found if why is not None]
    return sorted(likely, key=lambda one: (SIMILAR in one.why, one.person.created_at, one.person.id))[:SHOWN]


def tell_apart(store: Store, person_id: str, other_id: str, *, actor: str, now: datetime) -> None:
    """Write down that these are two people, for good: neither is suggested for the other again. Raises NotFound."""
    if {person_id, other_id} - store.people.get_many([person_id, other_id]).keys() or person_id == other_id:
        raise NotFound("One of the two is no longer there.")
    audit = noted(store, "people.told_apart", person_id, actor=actor, now=now, otherId=other_id)
    store.table.write([*store.duplicates.tell_apart(person_id, other_id), audit])
    logger.info("people told apart", extra={"person_id": person_id, "other_id": other_id, "actor": actor})


def merge(
    store: Store, kept_id: str, gone_id: str, chosen: Profile, *, versions: tuple[int, int], actor: str, now: datetime
) -> Merged:
    """Make one person of two: `kept_id` stays, with the profile `chosen`, and all that is with `gone_id` goes over.

    `versions` are those that were looked at, of the one that stays and the one that goes. Raises NotFound; RuleViolation for
    values that can't be; Conflict when either has moved on, and nothing is written then. From the first write on it is
    finished, by this call or by a job.
    """
    if kept_id == gone_id:
        raise RuleViolation("These are one person already; choose two.")
    kept, gone = store.people.get(kept_id), store.people.get(gone_id)
    if (kept.version, gone.version) != versions:
        raise Conflict(STALE)
    order = Order(
        kept_id=kept_id,
        gone_id=gone_id,
        chosen=_possible(chosen.cleaned(), kept, gone),
        base=kept.profile,
        actor=actor,
        begun_at=now,
    )
    _begin(store, kept, gone, order)
    logger.info("merge begun", extra={"person_id": kept_id, "gone_id": gone_id, "actor": actor})
    finished = _go(store, order, now)
    return Merged(person=store.people.get(kept_id), finished=finished)


def _possible(chosen: Profile, kept: Person, gone: Person) -> Profile:
    """RuleViolation for a profile that can't be kept, or an address that neither of the two has."""
    addresses = {folded_address(one.profile.email) for one in (kept, gone)}
    if folded_address(chosen.email) not in addresses:
        raise RuleViolation("Choose one of the two addresses.", field="email")
    wanted = replace(kept, profile=chosen, merged_from=(*kept.merged_from, gone.id, *gone.merged_from))
    item_of(wanted)
    token_items(wanted)
    tag_items(wanted)
    return chosen


def _begin(store: Store, kept: Person, gone: Person, order: Order) -> None:
    job = store.jobs.put(order.job, due_at=order.begun_at + GRACE, state=state_of(order), old=store.jobs.get(order.job))
    try:
        store.merges.begin(kept, gone, [job])
    except ConditionFailed as failed:
        found = store.people.get_many([kept.id, gone.id])
        stale = {id_: person.version for id_, person in found.items()} != {kept.id: kept.version, gone.id: gone.version}
        raise Conflict(STALE if stale else BUSY) from failed


def _go(store: Store, order: Order, now: datetime) -> bool:
    """Do all that can be done at once, and tell whether that was all; what has to wait is left to the job."""
    for _ in range(MOST_STEPS):
        try:
            progress = advance(store, order, now=now, also=lambda: _job_after(store, order, now))
        except Conflict:
            progress = Progress.WAIT
        if progress is Progress.DONE:
            tidy(store, order.kept_id, order.gone_id)
            return True
        if progress is Progress.WAIT:
            break
    _soon(store, order, now)
    return False


def _job_after(store: Store, order: Order, now: datetime) -> list[Action]:
    """The job becomes the one that has a last look; whoever took it meanwhile has lost it."""
    return [store.jobs.put(order.job, due_at=now + LATER, state=after(order), old=store.jobs.get(order.job))]


def _soon(store: Store, order: Order, now: datetime) -> None:
    job = store.jobs.get(order.job)
    if job is None or not job.idle:
        return
    try:
        store.table.write([store.jobs.put(order.job, due_at=now + AGAIN, state=job.state, old=job)])
    except ConditionFailed:
        return
