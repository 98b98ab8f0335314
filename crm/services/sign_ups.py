"""Signing up many people for an event in one call, in such a way that a call which was cut off goes on and counts the same."""

import logging
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crm.domain.errors import Conflict, NotFound
from crm.domain.events import Attendance, AttendanceStatus, EventStatus
from crm.domain.tasks import Outcome, Task
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
    at: datetime,
    by: str = "",
    also: Sequence[Action] = (),
    again: bool = False,
) -> SignedUp:
    """Register people in this order while there are seats, put the others in line; return how many stand where.

    `at` is the moment, to the millisecond, from which they come to the list, one after the other; `also` joins the first
    transaction. With the `at` of a call that was cut off and `again`, it goes on: whom that call has added counts as before, and
    is left where they stand now. A transaction for each 30 people. Raises NotFound, RuleViolation that names unknown ids, and
    Conflict unless the event is published; nothing is written in these cases.
    """
    ids = list(dict.fromkeys(user_ids))
    if not again:
        check_takes_people(store, event_id)
        check_known(store, {"userIds": ids})
    since = {user_id: at + number * APART for number, user_id in enumerate(ids)}
    call = _Call(event_id=event_id, at=at, since=since, by=by, named=again or bool(also))
    counts: Tally[str] = Tally()
    for start in range(0, len(ids), STEP):
        counts += _step(store, call, ids[start : start + STEP], also=() if start else also, begun=again or start > 0, again=again)
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
    """One call: when each of its people comes to the list, by whom, and whether it has a name under which it may be repeated."""

    event_id: str
    at: datetime
    since: Mapping[str, datetime]
    by: str
    named: bool


def _step(store: Store, call: _Call, ids: Sequence[str], *, also: Sequence[Action], begun: bool, again: bool) -> Tally[str]:
    """Add up to `STEP` people and count what became of them; whom the call or a twin of it has added before counts as added.

    Once the call has `begun` to write, an event that takes nobody any more is counted, not raised.
    """
    done = _added(store, call, ids) if again else {}
    left = [user_id for user_id in ids if user_id not in done]
    try:
        seated = store.events.seat(call.event_id, left, now=call.at, also=also, by=call.by, since=call.since)
    except Conflict:
        if not begun:
            raise
        seated = Seated(unknown=tuple(left))
    twins = _added(store, call, seated.already) if call.named else {}
    counts = Tally(status.value for status in [*done.values(), *twins.values()])
    counts["registered"] += len(seated.registered)
    counts["waitlisted"] += len(seated.waitlisted)
    counts["already"] += len(seated.already) - len(twins)
    counts["refused"] += len(seated.refused)
    counts["missed"] += len(seated.unknown)
    return counts


def _told(counts: Tally[str]) -> SignedUp:
    return SignedUp(
        registered=counts["registered"],
        waitlisted=counts["waitlisted"],
        already=counts["already"],
        refused=counts["refused"],
        missed=counts["missed"],
    )


def _added(store: Store, call: _Call, ids: Sequence[str]) -> dict[str, AttendanceStatus]:
    """Whom of these the call has added, and with which status: who came to the list at the moment that was theirs."""
    there = store.events.attendances(call.event_id, ids) if ids else {}
    came = {user_id: _came(one, call.since[user_id]) for user_id, one in there.items()}
    return {user_id: status for user_id, status in came.items() if status is not None}


def _came(one: Attendance, at: datetime) -> AttendanceStatus | None:
    """The status with which somebody came to the list at that moment; None for who came at another one."""
    steps = [(one.status, one.since), (one.was, one.was_since), (AttendanceStatus.REGISTERED, one.registered_at)]
    adding = {AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED}
    return next((status for status, since in steps if status in adding and since == at), None)
