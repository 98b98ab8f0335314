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
    counts: Tally[str] = Tally()
    for start in range(0, len(ids), STEP):
        some = ids[start : start + STEP]
        done = _added(store, event_id, some, since) if again else {}
        counts.update(status.value for status in done.values())
        left = [user_id for user_id in some if user_id not in done]
        try:
            seated = store.events.seat(event_id, left, now=at, also=() if start else also, by=by, since=since)
        except Conflict:
            if not start and not again:
                raise
            counts["missed"] += len(left)  # the event was closed in the middle of the call
        else:
            twins = _added(store, event_id, seated.already, since) if again or also else {}
            counts += _counted(seated, twins)
    logger.info("people signed up", extra={"event_id": event_id, "registered": counts["registered"]})
    return _told(counts)


def signed_up_by(task: Task) -> SignedUp:
    """Return the same of a task that registers whoever matches a filter, as it stands."""
    names = {Outcome.DONE: "registered", Outcome.WAITLISTED: "waitlisted", Outcome.UNCHANGED: "already", Outcome.FULL: "refused"}
    counts: Tally[str] = Tally()
    for outcome, number in task.counts.items():
        counts[names.get(outcome, "missed")] += number
    return replace(_told(counts), finished=task.ended)


def _counted(seated: Seated, twins: Mapping[str, AttendanceStatus]) -> Tally[str]:
    """What became of the people of one step; whom a twin of the call has added in the meantime counts as added."""
    counts = Tally(status.value for status in twins.values())
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


def _added(store: Store, event_id: str, ids: Sequence[str], since: Mapping[str, datetime]) -> dict[str, AttendanceStatus]:
    """Whom of these the call has added, and with which status: who came to the list at the moment that was theirs."""
    there = store.events.attendances(event_id, ids) if ids else {}
    came = {user_id: _came(one, since[user_id]) for user_id, one in there.items()}
    return {user_id: status for user_id, status in came.items() if status is not None}


def _came(one: Attendance, at: datetime) -> AttendanceStatus | None:
    """The status with which somebody came to the list at that moment; None for who came at another one."""
    steps = [(one.status, one.since), (one.was, one.was_since), (AttendanceStatus.REGISTERED, one.registered_at)]
    adding = {AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED}
    return next((status for status, since in steps if status in adding and since == at), None)
