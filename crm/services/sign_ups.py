"""Signing up many people for an event in one call, in such a way that a call which was cut off goes on and counts the same."""

import logging
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crm.domain.errors import Conflict, NotFound
from crm.domain.events import EventStatus
from crm.domain.tasks import Outcome, Task
from crm.services.audit import noted
from crm.services.events import check_known
from crm.store import Store
from crm.store.attendances import STEP
from crm.store.events import NOT_OPEN, Seated
from crm.store.requests import Action

logger = logging.getLogger(__name__)
APART = timedelta(milliseconds=1)
"""Between two people of one call: their order is that of the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedUp:
    """How many were registered or waitlisted by a call, stood on the list before, or could not be added.

    `refused`: there was neither a seat nor a waitlist; `missed`: the person or the event was gone meanwhile. `finished`: False
    while a worker goes on.
    """

    registered: int = 0
    waitlisted: int = 0
    already: int = 0
    refused: int = 0
    missed: int = 0
    finished: bool = True

    @property
    def in_vain(self) -> bool:
        """Whether seats were asked for and none was left for anybody."""
        return bool(self.refused) and self.finished and not self.registered and not self.waitlisted


def check_takes_people(store: Store, event_id: str) -> None:
    """Raise NotFound where there is no such event, and Conflict with the reason where it takes nobody: a draft, say."""
    try:
        status = store.events.get(event_id).status
    except NotFound:
        if store.drafts.find(event_id) is None:
            raise
        status = EventStatus.DRAFT
    if status is not EventStatus.PUBLISHED:
        raise Conflict(NOT_OPEN[status])


def sign_up(
    store: Store,
    event_id: str,
    user_ids: Sequence[str],
    *,
    now: datetime,
    by: str = "",
    also: Sequence[Action] = (),
    call: str = "",
    again: bool = False,
) -> SignedUp:
    """Register people in this order while there are seats, put the others in line; return how many stand where.

    `also` joins the first transaction. `call` is an id under which the call may be repeated if it is cut off: with `again` it
    goes on, and whoever was dealt with before counts as then, and is left where they stand now. A transaction for each 30
    people. Raises NotFound, RuleViolation that names unknown ids, and Conflict unless the event is published; nothing is written
    in these cases.
    """
    ids = list(dict.fromkeys(user_ids))
    if not again:
        check_takes_people(store, event_id)
        check_known(store, {"userIds": ids})
    done = store.done_parts.of(call) if again else {}
    entry = noted(store, "attendees.signed_up", event_id, actor=by, now=now, people=len(ids))
    asked = _Call(event_id=event_id, now=now, by=by, also=also, entry=entry, many=len(ids) > STEP, name=call, again=again)
    counts: Tally[str] = Tally()
    for seq, start in enumerate(range(0, len(ids), STEP)):
        counts += Tally(done[seq]) if seq in done else _part(store, asked, seq, ids[start : start + STEP])
        if start + STEP < len(ids):
            store.stats.keep_up()
    logger.info("people signed up", extra={"event_id": event_id, "registered": counts["registered"]})
    return _told(counts)


def signed_up_by(task: Task) -> SignedUp:
    """Return the same of a task that registers whoever matches a filter, as it stands."""
    names = {Outcome.DONE: "registered", Outcome.WAITLISTED: "waitlisted", Outcome.UNCHANGED: "already", Outcome.FULL: "refused"}
    counts: Tally[str] = Tally()
    for outcome, number in task.counts.items():
        counts[names.get(outcome, "missed")] += number
    return replace(_told(counts), finished=task.ended)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call: when and by whom, the name under which it may be repeated, and whether it is.

    `entry` is for the audit log, where the call changes something; `many`: it has more people than its first part.
    """

    event_id: str
    now: datetime
    by: str
    also: Sequence[Action]
    entry: Action
    many: bool
    name: str
    again: bool


def _part(store: Store, call: _Call, seq: int, ids: Sequence[str]) -> Tally[str]:
    """Add up to `STEP` people, and count what became of them; what a twin of the call did to them counts as well.

    Once the call has begun to write, an event that takes nobody any more is counted, not raised.
    """

    def telling(seated: Seated) -> list[Action]:
        note = [store.done_parts.put(call.name, seq, _counted(seated))] if call.name else []
        entry = [call.entry] if seated.registered or seated.waitlisted or call.many else []
        return [*note, *(() if seq else [*call.also, *entry])]

    since = {user_id: call.now + (seq * STEP + number) * APART for number, user_id in enumerate(ids)}
    try:
        return _counted(store.events.seat(call.event_id, ids, now=call.now, by=call.by, since=since, noted=telling))
    except Conflict:
        if not (call.again or seq):
            raise
    twins = store.done_parts.of(call.name).get(seq) if call.name else None
    return Tally(missed=len(ids)) if twins is None else Tally(twins)


def _counted(seated: Seated) -> Tally[str]:
    return Tally(
        registered=len(seated.registered),
        waitlisted=len(seated.waitlisted),
        already=len(seated.already),
        refused=len(seated.refused),
        missed=len(seated.unknown),
    )


def _told(counts: Tally[str]) -> SignedUp:
    return SignedUp(
        registered=counts["registered"],
        waitlisted=counts["waitlisted"],
        already=counts["already"],
        refused=counts["refused"],
        missed=counts["missed"],
    )
