"""Events, seats and counts, on the real engine."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from crm.domain.errors import BadToken, Conflict, NotFound
from crm.domain.events import AttendanceStatus, EventStatus
from crm.domain.people import Person
from crm.services.verify import differences
from crm.store import Store
from crm.store.table import Table
from tests.factories import NOW, make_event, make_person


def people(store: Store, number: int) -> list[str]:
    """So many people in the table: their ids."""
    made = [make_person() for _ in range(number)]
    assert all(isinstance(person, Person) for person in store.people.create_many(made))
    return [person.id for person in made]


def test_an_event_is_kept_with_its_hosts_and_their_counts(store: Store) -> None:
    ada, bob = people(store, 2)
    event = make_event(owner=ada, max_capacity=20, venue="Hall 2")

    created = store.events.create(event, [ada, bob], [], now=NOW)

    assert (
        store.events.get(event.id)
        == created
        == replace(event, status=EventStatus.PUBLISHED, version=1, host_ids=created.host_ids)
    )
    assert sorted(store.events.host_ids(event.id)) == sorted([ada, bob])
    assert store.people.get(ada).hosted_event_count == 1
    assert [hosted.id for hosted in store.events.of_person(bob).hosted] == [event.id]
    assert differences(store) == []


def test_two_events_can_not_have_one_slug(store: Store) -> None:
    ada = people(store, 1)[0]
    store.events.create(make_event(slug="spring"), [], [], now=NOW)

    with pytest.raises(Conflict) as refused:
        store.events.create(make_event(slug="spring"), [ada], [], now=NOW)

    assert refused.value.field == "slug"
    assert store.people.get(ada).hosted_event_count == 0
    assert differences(store) == []


def test_fifty_people_race_for_ten_seats_and_ten_get_one(store: Store) -> None:
    ids = people(store, 50)
    event = store.events.create(make_event(max_capacity=10), [], [], now=NOW)

    with ThreadPoolExecutor(25) as pool:
        seated = list(pool.map(lambda user_id: store.events.seat(event.id, [user_id], now=NOW), ids))

    assert sum(len(one.registered) for one in seated) == 10
    assert sum(len(one.waitlisted) for one in seated) == 40
    assert store.events.get(event.id).registered_count == 10
    counts = store.events.attendee_counts(event.id)
    assert (counts[AttendanceStatus.REGISTERED], counts[AttendanceStatus.WAITLISTED]) == (10, 40)
    assert differences(store) == []


def test_the_same_person_registers_twice_at_once_and_takes_one_seat(store: Store) -> None:
    ada = people(store, 1)[0]
    event = store.events.create(make_event(max_capacity=10), [], [], now=NOW)

    with ThreadPoolExecutor(8) as pool:
        seated = list(pool.map(lambda _: store.events.seat(event.id, [ada], now=NOW), range(8)))

    assert sum(len(one.registered) for one in seated) == 1
    assert sum(len(one.already) for one in seated) == 7
    assert store.people.get(ada).attended_event_count == 1
    assert differences(store) == []


def test_one_person_joins_many_events_at_once_and_is_counted_for_each(store: Store) -> None:
    ada = people(store, 1)[0]
    events = [store.events.create(make_event(), [], [], now=NOW) for _ in range(12)]

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda event: store.events.seat(event.id, [ada], now=NOW), events))

    assert store.people.get(ada).attended_event_count == 12
    assert differences(store) == []


def test_a_status_change_takes_and_frees_seats(store: Store) -> None:
    ada, bob = people(store, 2)
    event = store.events.create(make_event(max_capacity=1), [], [], now=NOW)
    store.events.seat(event.id, [ada], now=NOW)

    store.events.move(event.id, ada, AttendanceStatus.CANCELLED, now=NOW + timedelta(hours=1))
    store.events.move(event.id, bob, AttendanceStatus.ATTENDED, now=NOW + timedelta(hours=2))

    assert store.events.get(event.id).registered_count == 1
    assert store.people.get(ada).attended_event_count == 0
    assert store.people.get(bob).attended_event_count == 1
    with pytest.raises(Conflict, match="full"):
        store.events.move(event.id, ada, AttendanceStatus.REGISTERED, now=NOW)
    assert differences(store) == []


def test_nobody_changes_the_status_of_somebody_who_is_not_on_the_list(store: Store) -> None:
    ada = people(store, 1)[0]
    event = store.events.create(make_event(), [], [], now=NOW)

    with pytest.raises(NotFound):
        store.events.move(event.id, ada, AttendanceStatus.CANCELLED, now=NOW)


def test_who_is_deleted_leaves_all_events_and_their_seats(store: Store) -> None:
    ada, bob = people(store, 2)
    hosted = store.events.create(make_event(), [ada, bob], [], now=NOW)
    full = store.events.create(make_event(max_capacity=1), [], [], now=NOW)
    store.events.seat(full.id, [ada], now=NOW)
    store.events.seat(full.id, [bob], now=NOW)

    store.events.leave_all(ada, now=NOW)
    store.people.delete(store.people.get(ada))

    assert store.events.host_ids(hosted.id) == [bob]
    assert store.events.get(full.id).registered_count == 1
    assert [(one.user_id, one.status) for one in store.events.walk_attendees(full.id)] == [(bob, AttendanceStatus.REGISTERED)]
    assert differences(store) == []


def test_who_is_being_deleted_can_not_be_put_on_a_list_any_more(store: Store) -> None:
    ada = people(store, 1)[0]
    event = store.events.create(make_event(), [], [], now=NOW)
    store.events.leave_all(ada, now=NOW)

    seated = store.events.seat(event.id, [ada], now=NOW)

    assert seated.unknown == (ada,)
    assert store.events.get(event.id).registered_count == 0


def test_the_list_of_attendees_is_paged_forth_and_back_by_status_and_arrival(store: Store) -> None:
    ids = people(store, 25)
    event = store.events.create(make_event(max_capacity=20), [], [], now=NOW)
    for number, user_id in enumerate(ids):
        store.events.seat(event.id, [user_id], now=NOW + timedelta(seconds=number))
    statuses = (AttendanceStatus.REGISTERED, AttendanceStatus.WAITLISTED)

    first = store.events.attendees(event.id, limit=10, statuses=statuses)
    second = store.events.attendees(event.id, limit=10, token=first.next_token, statuses=statuses)
    third = store.events.attendees(event.id, limit=10, token=second.next_token, statuses=statuses)
    back = store.events.attendees(event.id, limit=10, token=third.prev_token, statuses=statuses)

    assert [one.user_id for page in (first, second, third) for one in page.items] == ids
    assert (first.prev_token, third.next_token) == (None, None)
    assert back.items == second.items
    assert store.events.attendees(event.id, limit=10, token=back.prev_token, statuses=statuses).items == first.items


def test_a_token_of_another_list_is_refused(store: Store) -> None:
    ids = people(store, 3)
    event = store.events.create(make_event(), [], [], now=NOW)
    store.events.seat(event.id, ids, now=NOW)
    token = store.events.attendees(event.id, limit=1).next_token

    with pytest.raises(BadToken):
        store.events.attendees("another", limit=1, token=token)


def test_events_are_paged_by_date_over_years_both_ways(store: Store) -> None:
    dates = [NOW + timedelta(days=100 * number) for number in range(-6, 7)]
    made = [store.events.create(make_event(start_at=date), [], [], now=NOW).id for date in dates]

    pages = []
    token = None
    while True:
        page = store.events.page(limit=5, token=token)
        pages.append([event.id for event in page.items])
        if (token := page.next_token) is None:
            break
    back = store.events.page(limit=5, token=page.prev_token)
    newest = store.events.page(limit=50, newest_first=True)

    assert [event_id for ids in pages for event_id in ids] == made
    assert [event.id for event in back.items] == pages[-2]
    assert [event.id for event in newest.items] == made[::-1]


def test_both_ends_of_a_range_of_dates_belong_to_it(store: Store) -> None:
    made = [store.events.create(make_event(start_at=NOW + timedelta(days=day)), [], [], now=NOW).id for day in range(5)]

    found = store.events.page(start=NOW + timedelta(days=1), end=NOW + timedelta(days=3))

    assert [event.id for event in found.items] == made[1:4]


def test_a_cut_off_creation_goes_on_where_it_stopped(store: Store) -> None:
    ids = people(store, 70)
    event = make_event(max_capacity=70)
    store.events.create(event, [], ids, now=NOW)

    first = store.events.fill(event.id, now=NOW)
    between = store.events.get(event.id)
    while store.events.fill(event.id, now=NOW):
        pass

    assert first
    assert (between.status, between.registered_count) == (EventStatus.CREATING, 30)
    assert store.events.get(event.id).status is EventStatus.PUBLISHED
    assert sorted(one.user_id for one in store.events.walk_attendees(event.id)) == sorted(ids)
    assert not store.events.fill(event.id, now=NOW)


def test_two_processes_finish_one_event_without_a_double(store: Store) -> None:
    ids = people(store, 95)
    event = make_event(max_capacity=95)
    store.events.create(event, [], ids, now=NOW)

    def finish(_: int) -> None:
        while store.events.fill(event.id, now=NOW):
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(finish, range(4)))

    assert store.events.get(event.id).registered_count == 95
    assert differences(store) == []


def test_who_was_deleted_meanwhile_is_left_out_of_a_new_event(store: Store) -> None:
    ada, bob = people(store, 2)
    event = make_event()
    store.events.create(event, [], [ada, bob], now=NOW)
    store.events.leave_all(ada)
    store.people.delete(store.people.get(ada))

    store.events.fill(event.id, now=NOW)

    assert [one.user_id for one in store.events.walk_attendees(event.id)] == [bob]
    assert differences(store) == []


def test_a_page_of_attendees_costs_the_same_however_long_the_list_is(store: Store, table: Table) -> None:
    from crm.store.cost import metered

    ids = people(store, 120)
    event = store.events.create(make_event(), [], [], now=NOW)
    store.events.seat(event.id, ids[:20], now=NOW)
    with metered() as short:
        store.events.attendees(event.id, limit=10)
    for start in range(20, 120, 25):
        store.events.seat(event.id, ids[start : start + 25], now=NOW)

    with metered() as long:
        store.events.attendees(event.id, limit=10)

    assert (long.requests, long.items_read, long.read_units) == (short.requests, short.items_read, short.read_units)
