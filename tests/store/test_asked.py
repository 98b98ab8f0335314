"""What a filter asks once its groups are looked up, and what looking them up costs."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from crm.domain.campaigns import CampaignStatus, Utm
from crm.domain.emails import EmailState
from crm.domain.filters import Order, PeopleFilter
from crm.domain.ids import email_id
from crm.domain.people import EmailStatus, Person
from crm.domain.segments import Segment
from crm.store import Store
from crm.store.cost import metered
from crm.store.email_items import item_of, new_email
from crm.store.moment import Readings, kept, one_reading
from crm.store.outcomes import email_changes
from crm.store.people_asked import joined
from crm.store.requests import Put
from tests.factories import NOW, make_campaign, make_person
from tests.services.merging import merged


@pytest.fixture
def store(store: Store) -> Store:
    """The store on the day on which NOW is."""
    store.table.clock = lambda: NOW
    return store


def crowd(store: Store, number: int, **profile: str) -> list[Person]:
    people = store.people.create_many([make_person(last_name=f"N{n}", **profile) for n in range(number)])
    return [person for person in people if isinstance(person, Person)]


def mail(store: Store, people: Sequence[Person], *, made: datetime, sent: datetime | None, ended: datetime | None = None) -> str:
    """A campaign to these people; returns its id."""
    campaign = make_campaign(status=CampaignStatus.DONE if ended else CampaignStatus.SENDING, updated_at=ended or NOW)
    store.campaigns.create(campaign)
    queued = [
        new_email(email_id(campaign.id, one.id), campaign_id=campaign.id, user_id=one.id, address="", utm=Utm(), now=made)
        for one in people
    ]
    emails = [replace(one, status=EmailState.SENT if sent else EmailState.QUEUED, sent_at=sent) for one in queued]
    puts = [Put(item=item_of(email)) for email in emails]
    store.table.write([*puts, *store.stats.delta(email_changes((None, email) for email in emails), now=made)])
    return campaign.id


def segment(store: Store, segment_id: str, wanted: PeopleFilter) -> str:
    """A shared segment; returns the value that names it."""
    own = Segment(id=segment_id, name=segment_id, filter=wanted, owner="ada", shared=True, created_at=NOW, updated_at=NOW)
    store.segments.create(own)
    return f"segment:{segment_id}"


@pytest.mark.parametrize(
    ("made", "sent", "ended", "found"),
    [
        (2, 2, 1, True),
        (40, 3, None, True),
        (58, 6, 5, True),
        (40, 39, 38, False),
        (40, 39, None, False),
        (2, None, None, False),
    ],
)
def test_recent_mail_is_what_went_out_within_the_days_whenever_it_was_made(
    store: Store, made: int, sent: int | None, ended: int | None, found: bool
) -> None:
    mailed, other = crowd(store, 2)
    days = [NOW - timedelta(days=number) if number else None for number in (made, sent, ended)]
    mail(store, [mailed], made=days[0] or NOW, sent=days[1], ended=days[2])

    within = store.people.page(PeopleFilter(within=("days:7",))).items
    without = store.people.page(PeopleFilter(without=("days:7",))).items

    assert within == ([mailed] if found else [])
    assert without == ([other] if found else [mailed, other])


def test_a_campaign_that_ended_before_the_days_is_not_read(store: Store) -> None:
    people = crowd(store, 30)
    mail(store, people, made=NOW - timedelta(days=20), sent=NOW - timedelta(days=20), ended=NOW - timedelta(days=19))
    mail(store, people[:3], made=NOW - timedelta(days=1), sent=NOW - timedelta(days=1), ended=NOW - timedelta(days=1))

    with metered() as spent:
        found = store.people.page(PeopleFilter(within=("days:7",)))

    assert len(found.items) == 3
    assert spent.items_read <= 3 + 3 + 2  # three e-mails, the campaigns, three people
    assert spent.requests <= 8 + 2


def test_what_is_read_once_serves_the_page_and_its_count(store: Store) -> None:
    people = crowd(store, 5)
    campaign = mail(store, people[:2], made=NOW, sent=NOW)
    wanted = PeopleFilter(without=(f"mailed:{campaign}", "days:3", segment(store, "s", PeopleFilter(company=("Acme",)))))

    with one_reading():
        page = store.people.page(wanted)
        with metered() as spent:
            number = store.people.count(wanted)
    mail(store, people[2:3], made=NOW, sent=NOW)

    assert len(page.items) == number == 3
    assert spent.requests <= 2
    assert store.people.count(wanted) == 2


def test_a_segment_that_is_gone_asks_for_nobody_and_leaves_out_nobody(store: Store) -> None:
    people = crowd(store, 3)

    assert store.people.page(PeopleFilter(within=("segment:gone",))).items == []
    assert store.people.page(PeopleFilter(without=("segment:gone",))).items == people


def test_a_segment_of_profiles_is_looked_up_in_the_index_that_it_asks_for(store: Store) -> None:
    crowd(store, 40, company="Acme")
    few = crowd(store, 3, company="Small", state="IL")
    store.stats.fold_all()
    value = segment(store, "s", PeopleFilter(company=("small",)))

    page = store.people.page(PeopleFilter(state=("IL",), within=(value,)))

    assert page.items == few
    assert page.explain.items_read <= 4


def test_whom_a_segment_of_profiles_leaves_out_the_engine_leaves_out(store: Store) -> None:
    crowd(store, 40, company="Acme")
    crowd(store, 3, company="Small")
    store.stats.fold_all()
    value = segment(store, "s", PeopleFilter(company=("acme",), city_not=("Ulm",)))

    with metered() as spent:
        number = store.people.count(PeopleFilter(without=(value,)))
    page = store.people.page(PeopleFilter(without=(value,)))

    assert (number, len(page.items)) == (3, 3)
    assert spent.items_returned <= 3 + 1  # who is left is counted by the engine; the segment
    assert page.explain.note == ""


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (PeopleFilter(company=("Acme", "Bo")), PeopleFilter(company=("ACME",)), PeopleFilter(company=("Acme",))),
        (PeopleFilter(city=("Ulm",)), PeopleFilter(city_not=("Bonn",)), PeopleFilter(city=("Ulm",), city_not=("Bonn",))),
        (
            PeopleFilter(attended_min=2),
            PeopleFilter(attended_min=3, attended_max=9),
            PeopleFilter(attended_min=3, attended_max=9),
        ),
        (PeopleFilter(tag=("a",)), PeopleFilter(tag=("b",)), PeopleFilter(tag=("a",), all_of=(PeopleFilter(tag=("b",)),))),
        (PeopleFilter(q="ada"), PeopleFilter(q="lov"), PeopleFilter(q="ada lov")),
        (PeopleFilter(state=("IL",)), PeopleFilter(state=("MA",)), None),
        (PeopleFilter(email_status=(EmailStatus.MAILABLE,)), PeopleFilter(email_status=(EmailStatus.BOUNCED,)), None),
    ],
)
def test_two_filters_of_profiles_become_one(one: PeopleFilter, other: PeopleFilter, both: PeopleFilter | None) -> None:
    assert joined(one, other) == both


def test_what_is_read_for_one_work_is_kept_for_its_next_step_and_no_longer() -> None:
    readings, numbers = Readings(seconds=0.2, works=2), count(1)

    def step(work: str) -> int:
        with one_reading(readings.of(work)):
            return kept("who", lambda: next(numbers))

    same = [step("a"), step("a"), step("b"), step("a")]
    step("c")
    pushed_out = step("b")
    time.sleep(0.25)

    assert (same, pushed_out, step("b")) == ([1, 1, 2, 1], 4, 5)


def listed(store: Store, list_id: str, people: Sequence[Person]) -> str:
    """A list of these people; returns the value that names it."""
    store.table.write([store.selections.put(list_id, 0, [one.id for one in people])])
    return f"list:{list_id}"


@pytest.mark.parametrize("read_before", [True, False], ids=["read before the merge", "first read after it"])
def test_a_list_means_whoever_they_were_merged_into(store: Store, read_before: bool) -> None:
    gone, between, last, other = sorted(crowd(store, 4), key=lambda one: one.id, reverse=True)
    value = listed(store, "l", [gone, other])
    readings = [PeopleFilter(within=(value,)), PeopleFilter(selected=("l",)), PeopleFilter(ids=(gone.id, other.id))]
    if read_before:
        assert [store.people.count(wanted) for wanted in readings] == [2, 2, 2]

    merged(store, between, gone)
    merged(store, last, between)
    found = [[one.id for one in store.people.page(wanted, order=Order.SOURCE).items] for wanted in readings]

    assert found == [sorted([last.id, other.id])] * 3
    assert [store.people.count(wanted) for wanted in readings] == [2, 2, 2]
    assert store.people.count(PeopleFilter(without=(value,))) == 0
    assert store.people.page(PeopleFilter(without=(value,))).items == []
    assert store.people.count(PeopleFilter(within=(value, listed(store, "also", [last])))) == 1


def test_shares_leave_out_whom_a_list_means_after_a_merge(store: Store) -> None:
    gone, kept_, _ = crowd(store, 3, company="Acme")
    value = listed(store, "l", [gone])

    merged(store, kept_, gone)
    shares = store.people.shares(PeopleFilter(company=("Acme",), without=(value,)), sample=5)

    assert shares.left_out == (1,)
    assert sum(shares.by_status.values()) == 2
    assert kept_.id not in shares.sample


def test_a_list_means_both_for_as_long_as_a_merge_lasts_and_one_where_it_is_given_up(store: Store) -> None:
    gone, kept_ = crowd(store, 2)
    value = listed(store, "l", [gone])

    store.merges.begin(kept_, gone, [])
    during = store.people.count(PeopleFilter(within=(value,)))
    store.merges.give_up(kept_.id, gone.id)

    assert during == 2
    assert store.people.count(PeopleFilter(within=(value,))) == 1


def test_following_merges_costs_one_request_however_long_the_list(store: Store) -> None:
    people = crowd(store, 90)
    value = listed(store, "l", people)
    merged(store, people[1], people[0])
    store.people.count(PeopleFilter(within=(value,)))

    with metered() as spent:
        found = store.people.page(PeopleFilter(within=(value,)), limit=10).items

    assert len(found) == 10
    assert spent.requests <= 4  # what was added to the list, the merges, the profiles, once more for who is gone
