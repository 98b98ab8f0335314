"""Any sequence of steps on lists of events against plain Python: seats, line, order, figures; and what verify says then."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

import pytest

from crm.domain.errors import CrmError
from crm.domain.events import SEATED, AttendanceStatus
from crm.services import event_changes
from crm.services.verify import differences
from crm.store import Store
from tests.factories import NOW, make_event
from tests.store.listing import people
from tests.store.plain_lists import PlainEvent, Refused

STEPS = 22
WEIGHTS = {"seat": 8, "move": 14, "undo": 5, "many": 2, "seats": 2, "delete": 1, "erase": 1}


class Both:
    """The same steps in the table and in plain Python."""

    def __init__(self, store: Store, random: Random) -> None:
        self.store, self.random = store, random
        self.ids = people(store, 9)
        known = set(self.ids)
        self.lists = [self._list(known, seats, waitlist) for seats, waitlist in ((2, True), (3, True), (1, False))]
        self.now = NOW
        self.told: list[str] = []

    def step(self) -> None:
        """One of the steps, both ways; both refuse it, or neither."""
        self.now += timedelta(hours=self.random.choice((0, 0, 0, 0, 1, 4, 6)), seconds=1)
        name = self.random.choices([*WEIGHTS], [*WEIGHTS.values()])[0]
        plain, user = self.random.choice(self.lists), self.random.choice(self.ids)
        status = self.random.choice([*AttendanceStatus])
        self.told.append(f"{self.now:%d. %H:%M:%S} {name} {self.lists.index(plain)} {self.ids.index(user)} {status}")
        getattr(self, f"_{name}")(plain, user, status)
        self._compare()

    def _list(self, known: set[str], seats: int, waitlist: bool) -> PlainEvent:
        wanted = make_event(max_capacity=seats, waitlist=waitlist, timezone="America/New_York")
        return PlainEvent(self.store.events.create(wanted, [], [], now=NOW), known, seats)

    def _seat(self, plain: PlainEvent, user: str, status: AttendanceStatus) -> None:
        some = [user, *self.random.sample(self.ids, 2)]
        self._both(lambda now: plain.seat(some, now), lambda now: self.store.events.seat(plain.event.id, some, now=now))

    def _move(self, plain: PlainEvent, user: str, status: AttendanceStatus) -> None:
        walks = self.random.random() < 0.2
        move = self.store.events.move
        self._both(
            lambda now: plain.move(user, status, now, walk_in=walks),
            lambda now: move(plain.event.id, user, status, now=now, walk_in=walks),
        )

    def _undo(self, plain: PlainEvent, user: str, status: AttendanceStatus) -> None:
        was = plain.entries[user].status if user in plain.entries else status
        undo = self.store.events.undo
        self._both(lambda now: plain.undo(user, was, now), lambda now: undo(plain.event.id, user, was=was, now=now))

    def _many(self, plain: PlainEvent, user: str, status: AttendanceStatus) -> None:
        """Cancelling several at once gives the seats to the line after all of them have left it."""
        some = [one for one in [user, *self.random.sample(self.ids, 3)] if one in plain.entries and one in plain.known]
        for one in some:
            if plain.entries[one].status is AttendanceStatus.WAITLISTED:
                plain.move(one, AttendanceStatus.CANCELLED, self.now)
        for one in some:
            plain.move(one, AttendanceStatus.CANCELLED, self.now)
        self.store.events.move_many(plain.event.id, some, AttendanceStatus.CANCELLED, now=self.now)

    def _seats(self, plain: PlainEvent, user: str, status: AttendanceStatus) -> None:
        taken = sum(entry.status in SEATED for entry in plain.entries.values())
        seats = self.random.choice([max(1, taken), max(1, taken) + 1, None])
        plain.more_seats(seats, self.now)
        event_changes.edit(self.store, plain.event.id, {"max_capacity": seats}, version=None, actor="grace", now=self.now)

    def _delete(self, plain: PlainEvent, user: str, status: AttendanceStatus) -> None:
        if user not in plain.known or len(plain.known) < 5:
            return
        plain.known.discard(user)
        for one in self.lists:
            one.remove(user, self.now)
        self.store.events.leave_all(user, now=self.now)
        self.store.people.delete(self.store.people.get(user))

    def _erase(self, plain: PlainEvent, user: str, status: AttendanceStatus) -> None:
        if user not in plain.known or len(plain.known) < 5:
            return
        plain.known.discard(user)
        for one in self.lists:
            if user in one.entries:
                one.entries[user].erased = True
        self.store.events.erase_all(user, now=self.now)
        self.store.people.delete(self.store.people.get(user))

    def _both(self, plain: Callable[[datetime], object], real: Callable[[datetime], object]) -> None:
        try:
            plain(self.now)
        except Refused:
            with pytest.raises(CrmError):
                real(self.now)
        else:
            real(self.now)

    def _compare(self) -> None:
        for plain in self.lists:
            there = self.store.events.attendances(plain.event.id, self.ids)
            event = self.store.events.get(plain.event.id)
            assert {id_: one.status for id_, one in there.items()} == {id_: one.status for id_, one in plain.entries.items()}
            assert [one.user_id for one in self.store.events.waiting(event.id, 100)] == plain.line()
            assert event.waitlisted_count == len(plain.line())
            assert event.registered_count == sum(one.status in SEATED for one in plain.entries.values())


@pytest.mark.parametrize("seed", range(25))
def test_any_sequence_of_steps_ends_as_plain_python_says(store: Store, seed: int) -> None:
    both = Both(store, Random(seed))

    try:
        for _ in range(STEPS):
            both.step()
    except Exception:
        print("\n".join(both.told))
        raise

    for plain in both.lists:
        assert store.events.signups(plain.event.id) == plain.signups()
        assert store.events.walk_ins(plain.event.id) == plain.walk_ins()
    assert differences(store) == []
