"""Making the e-mails of an audience: each person once, nobody forgotten, nobody who may not be mailed."""

from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from crm.domain.campaigns import CampaignStatus
from crm.domain.filters import Order, PeopleFilter
from crm.domain.ids import email_id
from crm.domain.mail_domains import MOST_NAMED, OTHER, with_room
from crm.domain.metrics import EmailQuery
from crm.domain.people import EmailStatus
from crm.jobs import expand
from crm.jobs.work import Held, Work
from crm.services import campaigns, event_changes, segments
from crm.services import people as staff
from crm.services.campaign_jobs import expand_job
from crm.services.verify import repair
from crm.store import Store, membership, schema
from crm.store.email_items import item_of, new_email
from crm.store.mailed import mailed_in
from crm.store.people import PeoplePage
from crm.store.requests import Delete, Put, Update
from crm.store.table import Table
from tests.conftest import Clock
from tests.factories import make_event, make_person
from tests.jobs.mailing import (
    COMPANY,
    EVERYBODY,
    ToldMailer,
    accepted,
    assert_sound,
    crowd,
    drive,
    emails_of,
    make_work,
    statuses,
    suppress,
)
from tests.store.crowd import attend, make_crowd


def begun(work: Work, campaign_id: str, steps: int) -> Held:
    """The expansion after so many steps, of which the first only begins."""
    held = Held.take(work, expand_job(campaign_id), "one")
    assert held is not None
    for _ in range(steps):
        expand.step(work, held)
    return held


def test_suppressed_people_get_no_email_and_are_counted_by_reason(store: Store, clock: Clock) -> None:
    people = crowd(store, 12)
    for person, status in zip(people, [EmailStatus.UNSUBSCRIBED] * 2 + [EmailStatus.BOUNCED], strict=False):
        suppress(store, person, status, clock())
    mailer = ToldMailer()

    campaign = accepted(store, clock())
    drive(make_work(store, mailer, clock, window=5))

    stored = store.campaigns.get(campaign.id)
    assert stored.audience.suppressed == {"unsubscribed": 2, "bounced": 1}
    assert stored.left_out == {"unsubscribed": 2, "bounced": 1}
    assert len(emails_of(store, campaign)) == len(mailer.sent) == stored.audience.will_receive == 9
    assert_sound(store)


def test_who_moves_behind_the_cursor_meanwhile_is_found_by_the_second_reading(store: Store, clock: Clock) -> None:
    people = crowd(store, 30, last_name="Middle")
    work = make_work(store, ToldMailer(), clock, window=10)
    campaign = accepted(store, clock())
    begun(work, campaign.id, 3)

    made = {email.user_id for email in emails_of(store, campaign)}
    missed = next(person for person in people if person.id not in made)
    store.people.save(missed, missed.edited(replace(missed.profile, last_name="Aardvark"), now=clock()))
    clock.pass_(minutes=2)
    drive(work)

    assert {email.user_id for email in emails_of(store, campaign)} == {person.id for person in people}
    assert statuses(store, campaign) == {"sent": 30}
    assert_sound(store)


def test_emails_that_exist_already_are_left_out_of_the_step(store: Store, clock: Clock) -> None:
    people = crowd(store, 20)
    work = make_work(store, ToldMailer(), clock, window=20)
    campaign = accepted(store, clock())
    id_ = email_id(campaign.id, people[3].id)
    there = new_email(
        id_, campaign_id=campaign.id, user_id=people[3].id, address=people[3].profile.email, utm=campaign.utm, now=clock()
    )
    store.table.write([Put(item=item_of(there))])

    begun(work, campaign.id, 2)

    chunked = [id_ for chunk in store.chunks.all(campaign.id) for id_ in chunk.email_ids]
    assert len(chunked) == len(set(chunked)) == 19
    assert id_ not in chunked
    assert store.campaigns.figures(campaign.id).queued == 19


def test_a_step_that_lost_its_lease_makes_nothing(store: Store, clock: Clock) -> None:
    crowd(store, 30)
    work = make_work(store, ToldMailer(), clock, window=10)
    campaign = accepted(store, clock())
    old = begun(work, campaign.id, 2)
    clock.pass_(minutes=3)
    other = Held.take(work, expand_job(campaign.id), "two")
    assert other is not None

    with pytest.raises(Exception, match="lease"):
        expand.step(work, old)
    expand.step(work, other)

    assert len(emails_of(store, campaign)) == 20
    assert len(list(store.chunks.all(campaign.id))) == 2


def test_who_is_removed_and_added_again_while_emails_are_made_is_mailed_once(store: Store, clock: Clock) -> None:
    mailed, *others = crowd(store, 6)
    mailer = ToldMailer()
    work = make_work(store, mailer, clock, window=1)
    campaign = accepted(store, clock())
    drive(work, until=lambda: bool(mailer.sent))
    first = next(person for person in (mailed, *others) if person.profile.email == mailer.sent[0])

    clock.pass_(minutes=2)
    staff.remove(store, first.id, now=clock())
    staff.add(store, first.profile, now=clock())
    drive(work)

    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE
    assert sorted(mailer.sent) == sorted(person.profile.email for person in (mailed, *others))
    assert_sound(store)


def test_who_is_added_while_a_campaign_waits_for_its_time_is_mailed(store: Store, clock: Clock) -> None:
    crowd(store, 2)
    mailer = ToldMailer()
    accepted(store, clock(), send_at=clock() + timedelta(hours=1))
    clock.pass_(minutes=30)
    added = staff.add(store, make_person(company=COMPANY).profile, now=clock())

    clock.pass_(minutes=31)
    drive(make_work(store, mailer, clock))

    assert len(mailer.sent) == 3
    assert added.profile.email in mailer.sent


def test_a_clock_that_is_a_little_ahead_loses_nobody(store: Store, clock: Clock) -> None:
    crowd(store, 2)
    mailer = ToldMailer()
    accepted(store, clock())
    added = staff.add(store, make_person(company=COMPANY).profile, now=clock() + timedelta(seconds=5))

    drive(make_work(store, mailer, clock, lease_seconds=60))

    assert added.profile.email in mailer.sent


def test_nothing_is_made_once_the_campaign_is_paused(store: Store, clock: Clock) -> None:
    crowd(store, 30)
    work = make_work(store, ToldMailer(), clock, window=10)
    campaign = accepted(store, clock())
    held = begun(work, campaign.id, 2)

    campaigns.pause(store, campaign.id, now=clock())
    expand.step(work, held)

    assert held.over
    assert len(emails_of(store, campaign)) == 10
    campaigns.resume(store, campaign.id, now=clock())
    drive(work)
    assert statuses(store, campaign) == {"sent": 30}
    assert_sound(store)


def test_pausing_between_reading_a_page_and_writing_it_makes_nothing(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(store, 30)
    work = make_work(store, ToldMailer(), clock, window=10)
    campaign = accepted(store, clock())
    held = begun(work, campaign.id, 1)
    read = store.people.page

    def page(wanted: PeopleFilter, *, order: Order = Order.SOURCE, limit: int = 50, token: str | None = None) -> PeoplePage:
        campaigns.pause(store, campaign.id, now=clock())
        return read(wanted, order=order, limit=limit, token=token)

    monkeypatch.setattr(store.people, "page", page)
    expand.step(work, held)

    assert emails_of(store, campaign) == []


def test_a_new_secret_key_in_the_middle_begins_the_reading_again_without_doubles(store: Store, clock: Clock) -> None:
    crowd(store, 30)
    campaign = accepted(store, clock())
    begun(make_work(store, ToldMailer(), clock, window=10), campaign.id, 3)
    other = type(store)(store.table, hashes=store.suppressions._hashes, page_key=b"another key")
    mailer = ToldMailer()
    clock.pass_(minutes=2)

    drive(make_work(other, mailer, clock, window=10))

    assert len(mailer.sent) == len(set(mailer.sent)) == 30
    assert other.campaigns.get(campaign.id).status is CampaignStatus.DONE


def test_an_audience_that_nobody_belongs_to_any_more_is_done_at_once(store: Store, clock: Clock) -> None:
    (person,) = crowd(store, 1)
    campaign = accepted(store, clock())
    store.people.save(person, person.edited(replace(person.profile, company="Elsewhere"), now=clock()))
    mailer = ToldMailer()

    drive(make_work(store, mailer, clock))

    assert mailer.sent == []
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE


def test_an_index_that_still_calls_somebody_suppressed_does_not_lose_them(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, *_ = crowd(store, 2)
    campaign = accepted(store, clock())
    read = store.people.page

    def behind(wanted: PeopleFilter, *, order: Order = Order.SOURCE, limit: int = 50, token: str | None = None) -> PeoplePage:
        page = read(wanted, order=order, limit=limit, token=token)
        stale = [replace(one, email_status=EmailStatus.BOUNCED) if one.id == person.id else one for one in page.items]
        return replace(page, items=stale)

    monkeypatch.setattr(store.people, "page", behind)
    mailer = ToldMailer()
    drive(make_work(store, mailer, clock))

    assert person.profile.email in mailer.sent
    assert store.campaigns.get(campaign.id).left_out == {}


@pytest.mark.parametrize("steps", [0, 2])
def test_who_was_to_be_left_out_by_an_event_that_is_gone_by_then_is_not_mailed(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    people, event = crowd(store, 12), store.events.create(make_event(), [], [], now=clock())
    store.events.seat(event.id, [one.id for one in people[:6]], now=clock())
    mailer = ToldMailer()
    work = make_work(store, mailer, clock, window=5)
    wanted = replace(EVERYBODY, attends_not=(event.id,))
    campaign = accepted(store, clock(), wanted=wanted)
    if steps:
        begun(work, campaign.id, steps)
    monkeypatch.setattr("crm.services.event_changes.check_unused", lambda store, event_id: None)  # accepted just after it looked

    event_changes.delete(store, event.id, actor="grace", now=clock())
    clock.pass_(minutes=2)
    drive(work)

    stopped = store.campaigns.get(campaign.id)
    assert (stopped.status, stopped.expanded) == (CampaignStatus.PAUSED, False)
    assert {email.user_id for email in emails_of(store, campaign)} <= {one.id for one in people[6:]}
    assert set(mailer.sent) <= {one.profile.email for one in people[6:]}
    assert_sound(store)


def test_whom_an_earlier_campaign_leaves_out_is_read_once_for_all_pages_of_a_reading(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(store, 6)
    first = accepted(store, clock())
    drive(make_work(store, ToldMailer(), clock))
    added = {person.id for person in crowd(store, 8)}
    second = accepted(store, clock(), wanted=replace(EVERYBODY, without=(f"mailed:{first.id}",)))
    readings = []

    def counted(table: Table, value: str) -> Iterator[str]:
        readings.append(value)
        return mailed_in(table, value)

    monkeypatch.setattr(membership, "mailed_in", counted)

    drive(make_work(store, ToldMailer(), clock, window=2))

    assert {email.user_id for email in emails_of(store, second)} == added
    assert len(readings) == 2  # the audience is read twice


def test_an_exclusion_that_is_changed_while_the_campaign_is_paused_holds_as_soon_as_it_goes_on(
    store: Store, clock: Clock
) -> None:
    crowd(store, 6)
    nobody = segments.save(store, "Not these", PeopleFilter(city=("Nowhere",)), owner="grace", shared=True, now=clock())
    campaign = accepted(store, clock(), wanted=replace(EVERYBODY, without=(f"segment:{nobody.id}",)))
    work = make_work(store, ToldMailer(), clock, window=2)
    drive(work, until=lambda: len(emails_of(store, campaign)) == 2)

    campaigns.pause(store, campaign.id, now=clock())
    clock.pass_(minutes=2)
    drive(work)
    segments.edit(store, nobody.id, viewer="grace", version=nobody.version, now=clock(), wanted=EVERYBODY)
    campaigns.resume(store, campaign.id, now=clock())
    drive(work)

    assert statuses(store, campaign) == {"sent": 2}
    assert store.campaigns.get(campaign.id).status is CampaignStatus.DONE
    assert_sound(store)


def test_an_audience_of_groups_is_who_plain_python_finds(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    people = make_crowd(store, 60, seed=3)
    attend(store, people, seed=3)
    store.events.create(make_event(id="e1"), [], [], now=clock())
    groups = ("segment:readers", "segment:place", "mailed:c2:not_opened", "attends:e1:invited", "list:t2", "days:7")
    wanted = PeopleFilter(within=("segment:counts",), without=groups)
    expected = {person.id for person in people.matching(wanted) if person.mailable}

    campaign = accepted(store, clock(), wanted=wanted)
    drive(make_work(store, ToldMailer(), clock, window=5))

    assert 0 < len(expected) < len(people.matching(PeopleFilter(within=("segment:counts",))))
    assert {email.user_id for email in emails_of(store, campaign)} == expected
    assert store.campaigns.get(campaign.id).audience.will_receive == len(expected)


def of_domains(store: Store, *domains: str) -> list[str]:
    """People of the company, each with an address in one of the domains; their names are in the order of the domains."""
    named = [(f"Byron {number:03}", f"ada{number}@{domain}") for number, domain in enumerate(domains)]
    store.people.create_many([make_person(company=COMPANY, last_name=name, email=email) for name, email in named])
    return list(domains)


def counted_domains(store: Store) -> dict[str, int]:
    """How many e-mails count under which domain."""
    total: Tally[str] = Tally()
    for row in store.email_lists.rows(EmailQuery(), by_domain=True):
        total.update({domain: sum(counts.values()) for domain, counts in row.domains.items()})
    return dict(total)


def test_every_domain_of_a_small_audience_is_counted_by_name(store: Store, clock: Clock) -> None:
    domains = of_domains(store, *["a.example"] * 4, "B.Example", *["c.example"] * 3, "d.example")
    work = make_work(store, ToldMailer(), clock, window=3)

    campaign = accepted(store, clock())
    drive(work)

    assert counted_domains(store) == Tally(domain.lower() for domain in domains)
    assert store.named_domains.of(campaign.id) == {"a.example", "b.example", "c.example", "d.example"}
    assert_sound(store)


def test_of_more_domains_than_are_named_the_frequent_ones_are_and_all_others_are_counted_together(
    store: Store, clock: Clock
) -> None:
    rare = [f"rare-{number}.example" for number in range(MOST_NAMED + 3)]
    of_domains(store, *rare, *["frequent.example"] * 2)
    work = make_work(store, ToldMailer(), clock, window=80)

    campaign = accepted(store, clock())
    begun(work, campaign.id, 4)

    counted = counted_domains(store)
    named = store.named_domains.of(campaign.id) or frozenset()
    assert len(named) == MOST_NAMED
    assert (counted["frequent.example"], counted[OTHER]) == (2, 4)
    assert set(counted) == {*named, OTHER}
    assert sum(counted.values()) == MOST_NAMED + 5
    assert {email.domain for email in emails_of(store, campaign)} == {*named, OTHER}
    assert_sound(store)


def as_before_domains_were_counted(store: Store, campaign_id: str) -> None:
    """Take away what such a campaign and its e-mails did not have, and count anew."""
    store.table.write([Delete(key=schema.key("domains", campaignId=campaign_id))])
    for email in store.emails.walk(campaign_id):
        store.table.write([Update(key=schema.key("email", id=email.id), changes={"domain": None})])
    repair(store)


def test_emails_from_before_domains_were_counted_count_together_whatever_becomes_of_them(store: Store, clock: Clock) -> None:
    of_domains(store, *[f"firm-{number}.example" for number in range(6)])
    work = make_work(store, ToldMailer(), clock, window=3)
    campaign = accepted(store, clock())
    begun(work, campaign.id, 2)
    as_before_domains_were_counted(store, campaign.id)

    before = counted_domains(store)
    clock.pass_(minutes=5)
    drive(work)

    assert before == {OTHER: 3}
    assert counted_domains(store) == {OTHER: 3, **{f"firm-{number}.example": 1 for number in (3, 4, 5)}}
    assert sum(row.domains[OTHER]["sent"] for row in store.email_lists.rows(EmailQuery(), by_domain=True)) == 3
    found = store.email_lists.walk(EmailQuery(domains=(OTHER,)))
    assert {email.email for email in found} == {f"ada{number}@firm-{number}.example" for number in range(3)}
    assert_sound(store)


def test_a_domain_that_comes_when_all_names_are_given_counts_with_the_others(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_domains(store, "a.example", "b.example", "c.example", "a.example")
    monkeypatch.setattr(expand, "with_room", partial(with_room, most=2))
    work = make_work(store, ToldMailer(), clock, window=1)

    campaign = accepted(store, clock())
    drive(work)

    assert counted_domains(store) == {"a.example": 2, "b.example": 1, OTHER: 1}
    assert store.named_domains.of(campaign.id) == {"a.example", "b.example"}
    assert_sound(store)
