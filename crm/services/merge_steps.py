"""The steps of a merge: each may be repeated, and done by two at once, so that a request and a job can both be at it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import Any

from crm.domain.emails import Email
from crm.domain.errors import NotFound, RuleViolation
from crm.domain.ids import new_id
from crm.domain.log import LogEntry, LogKind, changes_between
from crm.domain.merging import lost_values
from crm.domain.people import ATTRIBUTES, LABELS, Person, Profile
from crm.services.audit import noted
from crm.services.campaign_jobs import jobs_of, lanes_among
from crm.store import Store, schema
from crm.store.jobs import Job, JobKey
from crm.store.keys import moment, stamp
from crm.store.people import until_won
from crm.store.people_merge import Pair
from crm.store.requests import Action
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)
MERGE = "MERGE"
"""Name of the job that goes on with a merge that was cut off, or has to wait."""
AGAIN = timedelta(seconds=3)
"""How soon the job looks again for what it has to wait for."""
LATER = timedelta(seconds=60)
"""When it is looked once more for what an index did not show in time."""
SETTLE = timedelta(seconds=5)
"""How long after the mark every sender knows of it, where e-mails wait for who goes: they look at people every second."""
EVENTS_AT_ONCE = 10
FINISH_TRIES = 5


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


def merge_job(gone_id: str) -> JobKey:
    """The job of the merge in which a person goes."""
    return JobKey(owner=schema.key("user", id=gone_id)["PK"], name=MERGE)


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


def state_of(order: Order) -> dict[str, Any]:
    """Return what the job is told: all that is needed to finish the merge."""
    return {
        "into": order.kept_id,
        "chosen": _texts(order.chosen),
        "base": _texts(order.base),
        "actor": order.actor,
        "begunAt": stamp(order.begun_at),
    }


def after(order: Order) -> dict[str, str | bool]:
    """What the job remembers once all is done but for a last look: ids alone."""
    return {"into": order.kept_id, "after": True}


def advance(store: Store, order: Order, *, now: datetime, also: Callable[[], Sequence[Action]] = tuple) -> Progress:
    """Do the next part of a merge. Every part may be repeated, and done by two at once; `also` joins the last transaction.

    Raises NotFound when who should stay is gone.
    """
    gone = _gone(store, order)
    if gone is None:
        return Progress.DONE
    if (moved := _events(store, order, gone)) is not None:
        return moved
    store.merges.hand_over_log(order.gone_id, order.kept_id)
    store.duplicates.hand_over(order.gone_id, order.kept_id)
    waiting = store.email_handover.hand_over(order.gone_id, order.kept_id)
    if waiting and (now < order.begun_at + SETTLE or _in_hand(store, waiting)):
        return Progress.WAIT
    return _finish(store, order, now, also)


def tidy(store: Store, kept_id: str, gone_id: str) -> None:
    """Take over what came to somebody in the moment they went, and the address from what still waits for them; repeatable."""
    store.email_handover.forget(store.email_handover.hand_over(gone_id, kept_id))
    store.merges.hand_over_log(gone_id, kept_id)
    store.duplicates.hand_over(gone_id, kept_id)


def _gone(store: Store, order: Order) -> Person | None:
    """Who goes, None when they are gone. Raises NotFound when who should stay is."""
    kept, gone = store.merges.both(order.kept_id, order.gone_id)
    if kept is None:
        raise NotFound("The person whom another one was merged into is gone.")
    return gone


def _finish(store: Store, order: Order, now: datetime, also: Callable[[], Sequence[Action]]) -> Progress:
    """The tags, then the last transaction; where somebody edits one of the two meanwhile, decided anew."""
    for _ in range(FINISH_TRIES):
        kept, gone = store.merges.both(order.kept_id, order.gone_id)
        if kept is None or gone is None:
            return Progress.MORE
        pair = Pair(kept=kept, gone=gone, chosen=order.chosen, base=order.base)
        try:
            done = _finished(store, order, pair, now, also)
        except RuleViolation:  # what was chosen can't be beside what was edited since: the log names it as lost
            done = _finished(store, order, pair.as_it_is, now, also)
        if done:
            logger.info("people merged", extra={"person_id": order.kept_id, "gone_id": order.gone_id, "actor": order.actor})
            return Progress.DONE
    return Progress.WAIT


def _finished(store: Store, order: Order, pair: Pair, now: datetime, also: Callable[[], Sequence[Action]]) -> bool:
    """Settle the tags, or where they are, write the last transaction; False where there is more to do."""
    try:
        if store.merges.settle_tags(pair):
            return False
        audit = noted(store, "people.merged", order.kept_id, actor=order.actor, now=now, gone=order.gone_id)
        store.merges.finish(pair, _entry(order, pair, now), [audit, *also()], now=now)
    except ConditionFailed:
        return False
    return True


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


def _texts(profile: Profile) -> dict[str, str | list[str]]:
    return {**{name: getattr(profile, attribute) for name, attribute in ATTRIBUTES.items()}, "tags": list(profile.tags)}


def _profile_of(texts: Mapping[str, Any]) -> Profile:
    values = {attribute: str(texts[name]) for name, attribute in ATTRIBUTES.items()}
    return Profile(**values, tags=tuple(texts["tags"]))
