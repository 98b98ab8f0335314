"""Lists of events by date and filter, on the real engine."""

from datetime import timedelta

from crm.store import Store
from tests.factories import NOW, make_event

DAY = timedelta(days=1)


def test_an_event_of_several_days_is_found_on_each_of_them_and_not_after(store: Store) -> None:
    camp = make_event(start_at=NOW, end_at=NOW + 31 * DAY)
    store.events.create(camp, [], [], now=NOW)

    found = [
        [event.id for event in store.events.page(start=NOW + day * DAY, end=NOW + day * DAY + timedelta(hours=1)).items]
        for day in (-1, 0, 15, 30, 31)
    ]

    assert found == [[], [camp.id], [camp.id], [camp.id], []]


def test_what_goes_on_comes_first_and_pages_with_what_begins_later(store: Store) -> None:
    begun = [make_event(start_at=NOW - (6 - number) * DAY, end_at=NOW + DAY) for number in range(5)]
    over = [make_event(start_at=NOW - 3 * DAY) for _ in range(5)]
    later = [make_event(start_at=NOW + number * DAY) for number in range(5)]
    for event in [*later, *over, *begun]:
        store.events.create(event, [], [], now=NOW)
    wanted = [event.id for event in [*begun, *later]]

    first = store.events.page(start=NOW, limit=4)
    second = store.events.page(start=NOW, limit=4, token=first.next_token)
    third = store.events.page(start=NOW, limit=4, token=second.next_token)
    back = store.events.page(start=NOW, limit=4, token=third.prev_token)

    assert [event.id for page in (first, second, third) for event in page.items] == wanted
    assert (first.prev_token, third.next_token) == (None, None)
    assert back.items == second.items
    assert store.events.count(start=NOW) == 10
