"""The pace that all workers share: what one clock reserved binds the others, unless that clock was wrong."""

from datetime import timedelta

import pytest

from crm.store import Store
from tests.conftest import Clock


def test_what_is_reserved_is_given_to_nobody_else(store: Store, clock: Clock) -> None:
    first = store.pace.reserve(messages=10, rate=10, now=clock(), within=5)
    second = store.pace.reserve(messages=10, rate=10, now=clock(), within=5)

    assert (first.start, second.start) == (clock(), clock() + timedelta(seconds=1))
    assert first.granted
    assert second.granted


def test_a_clock_that_is_set_back_by_an_hour_does_not_stop_the_mail(store: Store, clock: Clock) -> None:
    store.pace.reserve(messages=10, rate=10, now=clock(), within=5)

    back = clock.pass_(hours=-1)
    slot = store.pace.reserve(messages=10, rate=10, now=back, within=5)
    following = store.pace.reserve(messages=10, rate=10, now=back, within=5)

    assert slot.granted
    assert slot.start == back
    assert following.start == back + timedelta(seconds=1)


@pytest.mark.parametrize(("rate", "messages"), [(0.01, 1), (10.0, 10), (100.0, 25)])
def test_what_was_rightly_reserved_counts_at_any_rate(store: Store, clock: Clock, rate: float, messages: int) -> None:
    starts = [store.pace.reserve(messages=messages, rate=rate, now=clock(), within=10).start for _ in range(3)]

    assert starts[1] == starts[0] + timedelta(seconds=messages / rate)
    assert starts[2] > starts[0]
