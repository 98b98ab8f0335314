"""The equation of an audience: each number is how many its link leads to, each person is subtracted once, at few requests."""

from itertools import pairwise

import pytest

from bench.meter import Meter
from crm.domain.campaigns import Audience
from crm.domain.errors import RuleViolation
from crm.domain.events import AttendanceStatus
from crm.domain.filters import PeopleFilter
from crm.domain.people import EmailStatus, Person
from crm.services import attendees, audiences, pasted, segments
from crm.store import Store
from tests.conftest import Clock
from tests.factories import NOW, make_event
from tests.jobs.mailing import EVERYBODY, ToldMailer, accepted, crowd, drive, make_work, suppress


def wrote_to(store: Store, people: list[Person], clock: Clock) -> str:
    """The id of a campaign that was sent to these people."""
    wanted = PeopleFilter(ids=tuple(person.id for person in people))
    sent = accepted(store, clock.now, wanted=wanted)
    drive(make_work(store, ToldMailer(), clock))
    return sent.id


def at_event(store: Store, people: list[Person], status: AttendanceStatus) -> str:
    """The id of an event with these people."""
    event = store.events.create(make_event(), [], [], now=NOW)
    for person in people:
        attendees.add(store, event.id, person.id, status, now=NOW, by="ingrid")
    return event.id


def numbers(store: Store, wanted: PeopleFilter) -> list[int]:
    """The terms, after each was compared with the list that it leads to."""
    terms = audiences.equation(store, wanted).terms
    for term in terms:
        assert term.number == (store.people.count(term.wanted) if term.wanted else 0), term
    return [term.number for term in terms]


def test_an_audience_is_a_sum_whose_terms_lead_to_their_people(store: Store) -> None:
    people = crowd(store, 6)
    crowd(store, 2, company="Elsewhere")
    suppress(store, people[0], EmailStatus.UNSUBSCRIBED, NOW)
    suppress(store, people[1], EmailStatus.BOUNCED, NOW)

    assert numbers(store, EVERYBODY) == [6, 1, 1, 0, 4]
    assert numbers(store, PeopleFilter()) == [8, 1, 1, 0, 6]


@pytest.mark.parametrize("everybody", [EVERYBODY, PeopleFilter()], ids=["a company", "nobody in particular"])
def test_each_exclusion_takes_away_whom_none_before_it_did(store: Store, clock: Clock, everybody: PeopleFilter) -> None:
    store.table.clock = clock
    people = crowd(store, 12)
    suppress(store, people[0], EmailStatus.UNSUBSCRIBED, NOW)
    vip = crowd(store, 2, tags=("VIP",))
    segment = segments.save(store, "VIPs", PeopleFilter(tag=("VIP",)), owner="ingrid", now=NOW)
    event = at_event(store, people[0:3], AttendanceStatus.REGISTERED)
    campaign = wrote_to(store, people[2:6], clock)
    listed = pasted.paste(store, " ".join(one.profile.email for one in [people[5], people[6], vip[0]]), actor="ingrid")
    without = (f"attends:{event}", f"mailed:{campaign}:sent", f"list:{listed.list_id}", f"segment:{segment.id}", "days:7")

    found = numbers(store, PeopleFilter(company=everybody.company, without=without))

    #       matched, unsubscribed, bounced, complained, event, campaign, list, segment, days, will receive
    assert found == [14, 1, 0, 0, 2, 3, 2, 1, 0, 5]
    turned = audiences.audience(store, PeopleFilter(company=everybody.company, without=without[::-1]))
    assert (turned.matched, sum(turned.excluded.values()), turned.will_receive) == (14, 8, 5)


def test_whoever_was_mailed_of_late_is_left_out_until_the_days_are_over(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    people = crowd(store, 3)
    wrote_to(store, people[:2], clock)
    wanted = PeopleFilter(company=EVERYBODY.company, without=("days:7",))

    at_once = audiences.audience(store, wanted)
    clock.pass_(days=8)
    later = audiences.audience(store, wanted)

    assert (at_once.excluded, later.excluded) == ({"days:7": 2}, {"days:7": 0})


def test_a_filter_by_status_takes_away_only_what_it_lets_in(store: Store) -> None:
    people = crowd(store, 3)
    suppress(store, people[0], EmailStatus.BOUNCED, NOW)

    assert numbers(store, PeopleFilter(company=EVERYBODY.company, email_status=(EmailStatus.BOUNCED,))) == [1, 0, 1, 0, 0]
    assert numbers(store, PeopleFilter(company=EVERYBODY.company, email_status=(EmailStatus.MAILABLE,))) == [2, 0, 0, 0, 2]


def test_the_sample_is_the_same_again_and_only_of_those_who_will_receive_it(store: Store, clock: Clock) -> None:
    people = crowd(store, 20)
    for person in people[:5]:
        suppress(store, person, EmailStatus.COMPLAINED, NOW)
    listed = pasted.paste(store, " ".join(one.profile.email for one in people[5:10]), actor="ingrid")
    wanted = PeopleFilter(company=EVERYBODY.company, without=(f"list:{listed.list_id}",))

    sample = audiences.sample(store, wanted)

    assert len(sample) == 5
    assert {person.id for person in sample} <= {person.id for person in people[10:]}
    assert sample == audiences.sample(store, wanted)


def test_the_sample_of_everybody_is_spread_over_the_alphabet(store: Store) -> None:
    for letter in "ABCDEFGHIJ":
        crowd(store, 3, last_name=f"{letter}berg")

    names = [person.profile.last_name for person in audiences.sample(store, PeopleFilter())]

    assert names == ["Aberg", "Cberg", "Eberg", "Gberg", "Iberg"]


def test_an_exclusion_costs_only_what_names_it(store: Store, clock: Clock) -> None:
    people = crowd(store, 30)
    event = at_event(store, people[:3], AttendanceStatus.REGISTERED)
    campaign = wrote_to(store, people[3:6], clock)
    listed = pasted.paste(store, people[6].profile.email, actor="ingrid")
    store.stats.fold_all()
    exclusions = (f"attends:{event}", f"list:{listed.list_id}", f"mailed:{campaign}")

    def requests(without: tuple[str, ...]) -> int:
        with Meter(store.table.client).reading() as spent:
            audiences.audience(store, PeopleFilter(company=EVERYBODY.company, without=without))
        return spent.cost.requests

    cost = [requests(exclusions[:number]) for number in range(4)]

    assert cost[0] <= 3
    assert [more - less for less, more in pairwise(cost)] == [2, 2, 8]


def test_the_equation_as_it_was_accepted_is_told_from_the_campaign(store: Store) -> None:
    wanted = PeopleFilter(company=EVERYBODY.company, without=("days:7", "list:l1"))
    counted = Audience(matched=10, suppressed={"bounced": 1}, excluded={"days:7": 2, "list:l1": 3})

    terms = audiences.terms(wanted, counted, {})

    assert [(term.sign, term.number) for term in terms] == [
        ("", 10), ("−", 0), ("−", 1), ("−", 0), ("−", 2), ("−", 3), ("=", 4),
    ]  # fmt: skip


def test_what_was_counted_is_kept_with_the_campaign(store: Store, clock: Clock) -> None:
    people = crowd(store, 4)
    listed = pasted.paste(store, people[0].profile.email, actor="ingrid")
    wanted = PeopleFilter(company=EVERYBODY.company, without=(f"list:{listed.list_id}",))
    mailer = ToldMailer()

    campaign = accepted(store, clock.now, wanted=wanted)
    drive(make_work(store, mailer, clock))

    stored = store.campaigns.get(campaign.id)
    assert (stored.audience.matched, stored.audience.excluded) == (4, {f"list:{listed.list_id}": 1})
    assert stored.audience.will_receive == len(mailer.sent) == 3
    assert people[0].profile.email not in mailer.sent


def test_a_campaign_that_leaves_out_everybody_is_refused_in_words(store: Store, clock: Clock) -> None:
    people = crowd(store, 1)
    listed = pasted.paste(store, people[0].profile.email, actor="ingrid")
    wanted = PeopleFilter(company=EVERYBODY.company, without=(f"list:{listed.list_id}",))

    with pytest.raises(RuleViolation, match="left out by the exclusions"):
        accepted(store, clock.now, wanted=wanted)


def test_an_exclusion_that_is_gone_is_refused_in_words(store: Store, clock: Clock) -> None:
    crowd(store, 1)

    for value in ("segment:nothing", "attends:nothing", "mailed:nothing", "list:nothing"):
        with pytest.raises(RuleViolation, match="left out by something that is gone"):
            accepted(store, clock.now, wanted=PeopleFilter(company=EVERYBODY.company, without=(value,)))
