"""Two writers at one event, the second squeezed in between what the first has read and what it writes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial

import pytest

from crm.domain.errors import CrmError
from crm.domain.events import AttendanceStatus
from crm.services import event_changes, merge, people
from crm.services.verify import differences
from crm.store import Store
from crm.store.event_line import promotion_job
from crm.store.requests import Action
from crm.store.seats import owed
from tests.store import listing
from tests.store.listing import LATER, come, published, standing, with_status

CANCELLED, REGISTERED, WAITLISTED = AttendanceStatus.CANCELLED, AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED
Act = Callable[[Store, str, Sequence[str]], object]
AFTER = 3
"""The second act comes before the first write of the first one, or after one or two."""
SCENES = {"with a line": (2, 4), "one seat free": (3, 2)}
"""Seats, and how many of six people have come. The first act and the second one are everybody's at once."""


def _merged(store: Store, gone: str, kept: str) -> None:
    one, other = store.people.get(kept), store.people.get(gone)
    merge.merge(store, kept, gone, one.profile, versions=(one.version, other.version), actor="grace", now=LATER)


ACTS: Mapping[str, Act] = {
    "the first cancels": lambda store, event, ids: store.events.move(event, ids[0], CANCELLED, now=LATER),
    "both cancel": lambda store, event, ids: store.events.move_many(event, ids[:2], CANCELLED, now=LATER),
    "the third cancels": lambda store, event, ids: store.events.move(event, ids[2], CANCELLED, now=LATER),
    "the third is deleted": lambda store, event, ids: people.remove(store, ids[2], now=LATER),
    "the third is erased": lambda store, event, ids: store.events.erase_all(ids[2], now=LATER),
    "the third becomes the last": lambda store, event, ids: _merged(store, ids[2], ids[5]),
    "the last two come": lambda store, event, ids: store.events.seat(event, ids[4:], now=LATER),
    "the sixth walks in": lambda store, event, ids: store.events.move(event, ids[5], AttendanceStatus.ATTENDED, now=LATER),
    "there are more seats": lambda store, event, ids: event_changes.edit(
        store, event, {"max_capacity": 4}, version=None, actor="grace", now=LATER
    ),
    "the event is cancelled": lambda store, event, ids: event_changes.cancel(store, event, reason="", actor="grace", now=LATER),
}


@contextmanager
def squeezing(store: Store, act: Callable[[], object], *, after: int = 0) -> Iterator[None]:
    """Let `act` happen after so many writes of somebody else, before the next one."""
    write, left = store.table.write, [after]

    def write_after(actions: Sequence[Action]) -> None:
        if left[0] == 0:
            store.table.write = write  # type: ignore[method-assign]
            with suppress(CrmError):
                act()
        left[0] -= 1
        write(actions)

    store.table.write = write_after  # type: ignore[method-assign]
    try:
        yield
    finally:
        store.table.write = write  # type: ignore[method-assign]


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("first", ACTS)
def test_whatever_happens_in_between_seats_and_line_stay_right(store: Store, scene: str, first: str) -> None:
    store.table.clock = lambda: LATER
    for number, second in enumerate(ACTS):
        ids = listing.people(store, 6)
        seats, came = SCENES[scene]
        event = published(store, max_capacity=seats)
        come(store, event, *ids[:came])

        with squeezing(store, partial(ACTS[second], store, event.id, ids), after=number % AFTER), suppress(CrmError):
            ACTS[first](store, event.id, ids)

        _check_settled(store, event.id, second)
    found = [difference for difference in differences(store) if "being deleted" not in difference.says]
    assert found == []


def _check_settled(store: Store, event_id: str, second: str) -> None:
    """No seat is free in front of the line, unless a job is due that sees to it."""
    event, job = store.events.get(event_id), store.jobs.get(promotion_job(event_id))
    assert owed(event, LATER) == 0 or (job is not None and job.due_at is not None), second


def test_who_waits_because_all_seats_were_taken_gets_the_one_that_frees_at_that_moment(store: Store) -> None:
    ada, eve = listing.people(store, 2)
    event = published(store, max_capacity=1)
    come(store, event, ada)

    with squeezing(store, lambda: store.events.move(event.id, ada, CANCELLED, now=LATER)):
        seated = store.events.seat(event.id, [eve], now=LATER)

    assert seated.registered == (eve,)
    assert differences(store) == []


def test_a_seat_that_frees_goes_to_who_comes_to_the_line_at_that_moment(store: Store) -> None:
    ada, eve = listing.people(store, 2)
    event = published(store, max_capacity=1)
    come(store, event, ada)

    with squeezing(store, lambda: store.events.seat(event.id, [eve], now=LATER)):
        moved = store.events.move(event.id, ada, CANCELLED, now=LATER)

    assert moved.promoted == (eve,)
    assert differences(store) == []


def test_the_last_seat_is_not_taken_past_somebody_who_came_to_the_line_at_that_moment(store: Store) -> None:
    ada, bob, eve = listing.people(store, 3)
    event = published(store, max_capacity=1)

    def both_come_and_one_goes() -> None:
        come(store, event, ada, bob)
        store.events.move(event.id, ada, CANCELLED, now=LATER)

    with squeezing(store, both_come_and_one_goes):
        seated = store.events.seat(event.id, [eve], now=LATER)

    assert seated.waitlisted == (eve,)
    assert with_status(store, event, REGISTERED) == {bob}
    assert differences(store) == []


def test_two_who_cancel_at_once_give_their_seats_to_the_first_two_in_line(store: Store) -> None:
    ids = listing.people(store, 5)
    event = published(store, max_capacity=2)
    come(store, event, *ids)

    with squeezing(store, lambda: store.events.move(event.id, ids[0], CANCELLED, now=LATER)):
        moved = store.events.move(event.id, ids[1], CANCELLED, now=LATER)

    assert moved.promoted == (ids[3],)
    assert with_status(store, event, REGISTERED) == {ids[2], ids[3]}


def test_a_change_that_was_decided_before_another_one_is_decided_anew(store: Store) -> None:
    (ada,) = listing.people(store, 1)
    event = published(store)
    come(store, event, ada)

    def away_and_back() -> None:
        store.events.move(event.id, ada, CANCELLED, now=LATER)
        store.events.move(event.id, ada, REGISTERED, now=LATER + timedelta(days=2))

    with squeezing(store, away_and_back):
        store.events.move(event.id, ada, CANCELLED, now=LATER + timedelta(days=3))

    assert store.events.signups(event.id) == {}
    assert differences(store) == []


def test_a_promotion_is_not_lost_with_a_worker_that_has_just_found_nothing_to_do(store: Store) -> None:
    ada, bob = listing.people(store, 2)
    event = published(store, max_capacity=1)
    come(store, event, ada, bob)

    with squeezing(store, lambda: store.events.leave_all(bob, now=LATER)):
        store.events.move(event.id, ada, CANCELLED, now=LATER)
    store.people.delete(store.people.get(bob))

    assert standing(store, event) == {ada: CANCELLED}
    assert store.events.get(event.id).waitlisted_count == 0
    assert differences(store) == []
