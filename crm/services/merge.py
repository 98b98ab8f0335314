"""What staff do about two entries of one person: find them, tell them apart, or make one of both."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from functools import partial

from crm.domain.audit import AuditEntry
from crm.domain.emails import Email
from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.ids import new_id
from crm.domain.log import LogEntry, LogKind, changes_between
from crm.domain.merging import SIMILAR, Likely, lost_values, why_same
from crm.domain.people import ATTRIBUTES, LABELS, Person, Profile, folded_address
from crm.services.campaign_jobs import jobs_of, lanes_among
from crm.store import Store, schema
from crm.store.jobs import Job, JobKey
from crm.store.keys import moment, stamp
from crm.store.people import item_of, until_won
from crm.store.people_items import tag_items, token_items
from crm.store.people_merge import Pair
from crm.store.requests import Action
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)
MERGE = "MERGE"
"""Name of the job that goes on with a merge that was cut off, or has to wait."""
GRACE = timedelta(seconds=60)
"""How long the request that merges is left alone with it before the job takes over."""
AGAIN = timedelta(seconds=3)
"""How soon the job looks again for what it has to wait for."""
SETTLE = timedelta(seconds=5)
"""How long after the mark every sender knows of it, where e-mails wait for who goes: they look at people every second."""
LATER = timedelta(seconds=60)
"""When it is looked once more for what an index did not show in time."""
EVENTS_AT_ONCE = 10
MOST_STEPS = 500
SHOWN = 3
STALE = "One of the two was changed by someone else meanwhile. Here is what is stored now; your choices are kept."
BUSY = "One of the two is just being merged or deleted. Try again in a minute."


class Progress(Enum):
    """Where a merge stands: there is more to do at once, it has to wait for something, or it is done."""

    MORE = "more"
    WAIT = "wait"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A merge as staff wanted it: `gone` becomes part of `kept`, which was `base` then and is to be `chosen`."""

    kept_id: str
    gone_id: str
    chosen: Profile
    base: Profile
    actor: str
    begun_at: datetime

    @property
    def job(self) -> JobKey:
        """The job that sees to it that it is finished."""
        return merge_job(self.gone_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What came of it: the person who stays, and whether all of the other has gone over already."""

    person: Person
    finished: bool


def merge_job(gone_id: str) -> JobKey:
    """The job of the merge in which a person goes."""
    return JobKey(owner=schema.key("user", id=gone_id)["PK"], name=MERGE)


def likely_same(store: Store, person: Person) -> list[Likely]:
    """Return who may be the same person, likeliest first, `SHOWN` at most; about twelve requests in all."""
    found = [(other, why_same(person.profile, other.profile)) for other in store.duplicates.near(person)]
    likely = [Likely(person=other, why=why) for other, why in found if why is not None]
    return sorted(likely, key=lambda one: (SIMILAR in one.why, one.person.created_at, one.person.id))[:SHOWN]


def tell_apart(store: Store, person_id: str, other_id: str, *, actor: str) -> None:
    """Write down that these are two people, for good: neither is suggested for the other again. Raises NotFound."""
    if {person_id, other_id} - store.people.get_many([person_id, other_id]).keys() or person_id == other_id:
        raise NotFound("One of the two is no longer there.")
    store.table.write(store.duplicates.tell_apart(person_id, other_id))
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


def order_of(job: Job) -> Order:
    """Return what a job was told when the merge began."""
    state = job.state
    return Order(
        kept_id=str(state["into"]),
        gone_id=job.key.owner_id,
        chosen=_profile_of(state["chosen"]),
        base=_profile_of(state["base"]),
        actor=str(state.get("actor", "")),
        begun_at=moment(str(state["begunAt"])),
    )


def after(order: Order) -> dict[str, str | bool]:
    """What the job remembers once all is done but for a last look: ids alone."""
    return {"into": order.kept_id, "after": True}


def advance(store: Store, order: Order, *, now: datetime, also: Callable[[], Sequence[Action]] = tuple) -> Progress:
    """Do the next part of a merge. Every part may be repeated, and done by two at once; `also` joins the last transaction.

    Raises NotFound when who should stay is gone.
    """
    kept, gone = store.merges.both(order.kept_id, order.gone_id)
    if kept is None:
        raise NotFound("The person whom another one was merged into is gone.")
    if gone is None:
        return Progress.DONE
    if (moved := _events(store, order, gone)) is not None:
        return moved
    store.merges.hand_over_log(order.gone_id, order.kept_id)
    store.duplicates.hand_over(order.gone_id, order.kept_id)
    waiting = store.email_handover.hand_over(order.gone_id, order.kept_id)
    if waiting and (now < order.begun_at + SETTLE or _in_hand(store, waiting)):
        return Progress.WAIT
    pair = Pair(kept=kept, gone=gone, chosen=order.chosen, base=order.base)
    try:
        if store.merges.settle_tags(pair):
            return Progress.MORE
        store.merges.finish(pair, _entry(order, pair, now), [*_audit(store, order, now), *also()], now=now)
    except ConditionFailed:
        return Progress.MORE
    logger.info("people merged", extra={"person_id": order.kept_id, "gone_id": order.gone_id, "actor": order.actor})
    return Progress.DONE


def tidy(store: Store, kept_id: str, gone_id: str) -> None:
    """Take over what came to somebody in the moment they went, and the address from what still waits for them; repeatable."""
    store.email_handover.forget(store.email_handover.hand_over(gone_id, kept_id))
    store.merges.hand_over_log(gone_id, kept_id)
    store.duplicates.hand_over(gone_id, kept_id)


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
    state = {
        "into": order.kept_id,
        "chosen": _texts(order.chosen),
        "base": _texts(order.base),
        "actor": order.actor,
        "begunAt": stamp(order.begun_at),
    }
    job = store.jobs.put(order.job, due_at=order.begun_at + GRACE, state=state, old=store.jobs.get(order.job))
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


def _events(store: Store, order: Order, gone: Person) -> Progress | None:
    """Hand over some events; None when there are none left. What is hosted is found by an index, which may be behind."""
    ids = (order.gone_id, order.kept_id)
    if attended := store.event_handover.attended(order.gone_id):
        for event_id in attended[:EVENTS_AT_ONCE]:
            until_won(partial(store.event_handover.attend, event_id, *ids))
        return Progress.MORE
    if not gone.hosted_event_count:
        return None
    for event_id in store.event_handover.hosted(order.gone_id):
        until_won(partial(store.event_handover.host, event_id, *ids))
    _, left = store.merges.both(order.kept_id, order.gone_id)
    return Progress.WAIT if left is not None and left.hosted_event_count else Progress.MORE


def _in_hand(store: Store, waiting: Sequence[Email]) -> bool:
    """Whether one of these is in the open window of a sender: it may be going out just now."""
    ids = {email.id for email in waiting}
    for campaign_id in {email.campaign_id for email in waiting}:
        windows = [lane.state.get("window") for lane in lanes_among(jobs_of(store, campaign_id))]
        chunks = [store.chunks.get(campaign_id, str(window)) for window in windows if window]
        if any(ids & set(chunk.email_ids) for chunk in chunks if chunk is not None):
            return True
    return False


def _entry(order: Order, pair: Pair, now: datetime) -> LogEntry:
    """What the log of who stays says: who the other was, what of theirs nobody has any more, and what changed."""
    gone, before = pair.gone, replace(pair.kept.profile, tags=order.base.tags)
    lost = [f"{LABELS[name]}: {value}" for name, value in lost_values(pair.wanted, gone.profile).items()]
    return LogEntry(
        id=new_id(),
        user_id=order.kept_id,
        at=now,
        kind=LogKind.MERGED,
        actor=order.actor,
        text="\n".join([f"{gone.name}, {gone.profile.email}", *lost]),
        changes=changes_between(before, pair.wanted),
        source=order.gone_id,
        source_name=gone.name,
    )


def _audit(store: Store, order: Order, now: datetime) -> list[Action]:
    facts = {"gone": order.gone_id}
    entry = AuditEntry(id=new_id(), at=now, actor=order.actor, action="people.merged", subject=order.kept_id, facts=facts)
    return [store.audit.put(entry)]


def _texts(profile: Profile) -> dict[str, str | list[str]]:
    return {**{name: getattr(profile, attribute) for name, attribute in ATTRIBUTES.items()}, "tags": list(profile.tags)}


def _profile_of(texts: dict[str, str | list[str]]) -> Profile:
    values = {attribute: str(texts[name]) for name, attribute in ATTRIBUTES.items()}
    return Profile(**values, tags=tuple(texts["tags"]))
