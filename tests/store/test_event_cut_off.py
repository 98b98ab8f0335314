"""A process that dies after any write of somebody who goes, comes or is merged: counts are right, and a repeat finishes it."""

from collections.abc import Callable, Sequence

import pytest

from crm.domain.events import SEATED, AttendanceStatus
from crm.jobs.worker import Worker
from crm.services import event_changes, merge, people
from crm.services.erasure import erase
from crm.services.sign_ups import sign_up
from crm.services.verify import differences
from crm.store import Store
from crm.store.seats import owed
from tests.conftest import Clock
from tests.jobs.mailing import ToldMailer, make_work
from tests.services.merging import Died, dying
from tests.store import listing
from tests.store.listing import LATER, come, line, published, standing

CANCELLED = AttendanceStatus.CANCELLED
MOST = 30
"""Writes of one act, at most."""
Act = Callable[[Store, str, Sequence[str]], object]


def _merge(store: Store, gone: str, kept: str) -> None:
    found = store.people.get_many([kept, gone])
    if gone in found and not found[gone].merging:
        versions = (found[kept].version, found[gone].version)
        merge.merge(store, kept, gone, found[kept].profile, versions=versions, actor="grace", now=LATER)


def _remove(store: Store, user_id: str) -> None:
    if store.people.get_many([user_id]):
        people.remove(store, user_id, now=LATER)


def _erase(store: Store, user_id: str) -> None:
    if store.people.get_many([user_id]):
        erase(store, user_id, actor="grace", now=LATER)


def _more_seats(store: Store, event_id: str) -> None:
    event_changes.edit(store, event_id, {"max_capacity": 4}, version=None, actor="grace", now=LATER)


ACTS: dict[str, tuple[Act, Sequence[int]]] = {
    "somebody with a seat is deleted": (lambda store, event, ids: _remove(store, ids[0]), (3, 4)),
    "the first in line is deleted": (lambda store, event, ids: _remove(store, ids[2]), (3, 4)),
    "the first in line is erased": (lambda store, event, ids: _erase(store, ids[2]), (3, 4)),
    "two with a seat are merged": (lambda store, event, ids: _merge(store, ids[0], ids[1]), (3, 4)),
    "the first in line is merged into who is not on it": (lambda store, event, ids: _merge(store, ids[2], ids[5]), (5, 3, 4)),
    "who has a seat cancels": (lambda store, event, ids: store.events.move(event, ids[0], CANCELLED, now=LATER), (3, 4)),
    "many sign up": (lambda store, event, ids: sign_up(store, event, ids, now=LATER), (2, 3, 4, 5)),
    "there are more seats": (lambda store, event, ids: _more_seats(store, event), (4,)),
}
"""What happens where two of six have seats and three wait, and who of them waits in the end."""


@pytest.mark.parametrize("name", ACTS)
def test_whatever_write_a_process_dies_before_nobody_loses_a_seat_or_a_place(store: Store, clock: Clock, name: str) -> None:
    act, waiting = ACTS[name]
    store.table.clock = clock
    clock.pass_(hours=2)
    for writes in range(MOST):
        ids = listing.people(store, 6)
        event = published(store, max_capacity=2)
        come(store, event, *ids[:5])
        try:
            with dying(store, writes):
                act(store, event.id, ids)
        except Died:
            _check_counts(store, event.id)
            act(store, event.id, ids)
            _let_jobs_run(store, clock)
        else:
            break
        assert line(store, event) == [ids[place] for place in waiting]
        assert owed(store.events.get(event.id), clock.now) == 0
    else:
        pytest.fail("it never ended")
    assert writes > 0
    assert differences(store) == []


def _let_jobs_run(store: Store, clock: Clock) -> None:
    worker = Worker(make_work(store, ToldMailer(), clock))
    for _ in range(3):
        clock.pass_(minutes=3)
        worker.run_once()


def _check_counts(store: Store, event_id: str) -> None:
    event = store.events.get(event_id)
    there = standing(store, event)
    assert event.registered_count == sum(status in SEATED for status in there.values())
    assert event.waitlisted_count == len(line(store, event))
