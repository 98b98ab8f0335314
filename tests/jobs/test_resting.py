"""Campaigns that rest for longer than their e-mails are kept: what is forgotten meanwhile makes nobody hear or count twice."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import EmailState, SkipReason
from crm.domain.hits import HitClass, HitKind
from crm.domain.keeping import Keeping
from crm.domain.people import Person
from crm.services import campaigns, hits, retries
from crm.store import Store
from crm.store.cost import metered
from tests.conftest import Clock
from tests.jobs.mailing import (
    COMPANY,
    EVERYBODY,
    REFUSED,
    ToldMailer,
    accepted,
    assert_sound,
    crowd,
    drive,
    emails_of,
    make_work,
    statuses,
)
from tests.services.merging import merged


def keep(store: Store, clock: Clock, keeping: Keeping) -> None:
    """Let what is accepted from now on be kept for so long, and the table go by that clock."""
    store.table.clock = clock
    store.mail_settings.save(replace(store.mail_settings.get(), keeping=keeping))


def rested(store: Store, clock: Clock, mailer: ToldMailer, people: list[Person], days: int) -> tuple[Campaign, Person, Person]:
    """A campaign that was paused after one of two was mailed, so many days ago; that one, and the one who was not."""
    work = make_work(store, mailer, clock, window=1)
    campaign = accepted(store, clock())
    drive(work, until=lambda: len(mailer.sent) == 1)
    campaigns.pause(store, campaign.id, now=clock())
    drive(work)
    clock.pass_(days=days)
    mailed = next(person for person in people if person.profile.email in mailer.sent)
    return campaign, mailed, next(person for person in people if person is not mailed)


def go_on(store: Store, clock: Clock, mailer: ToldMailer, campaign: Campaign) -> None:
    """Finish what is due, resume the campaign and send the rest of it."""
    work = make_work(store, mailer, clock, window=1)
    drive(work)
    clock.pass_(minutes=10)
    drive(work)
    campaigns.resume(store, campaign.id, now=clock())
    drive(work)


@pytest.mark.parametrize("days", [300, 800], ids=["still known", "forgotten"])
def test_who_was_mailed_under_another_id_is_not_mailed_again_when_that_is_forgotten(
    store: Store, clock: Clock, days: int
) -> None:
    keep(store, clock, Keeping(years=1))
    mailer = ToldMailer()
    campaign, mailed, waiting = rested(store, clock, mailer, crowd(store, 2), days)

    merged(store, waiting, mailed, now=clock())
    go_on(store, clock, mailer, campaign)

    assert mailer.sent == [mailed.profile.email]
    assert store.campaigns.figures(campaign.id).by_reason == {SkipReason.MERGED.value: 1}
    assert store.campaigns.state(campaign.id).status is CampaignStatus.DONE
    assert_sound(store)


def test_others_of_a_forgotten_campaign_and_all_of_one_that_is_kept_are_mailed(store: Store, clock: Clock) -> None:
    keep(store, clock, Keeping(years=1))
    mailer = ToldMailer()
    campaign, _, waiting = rested(store, clock, mailer, crowd(store, 2), 800)
    go_on(store, clock, mailer, campaign)
    [other] = crowd(store, 1, company="Elsewhere")
    merged(store, waiting, other, now=clock())

    young = accepted(store, clock())
    drive(make_work(store, mailer, clock))

    assert sorted(mailer.sent.count(address) for address in set(mailer.sent)) == [2, 2]
    assert statuses(store, young) == {"sent": 2}


def test_a_retry_of_one_that_was_merged_is_skipped_when_the_other_e_mail_is_forgotten(store: Store, clock: Clock) -> None:
    keep(store, clock, Keeping(years=1))
    mailed, failed = crowd(store, 2)
    mailer = ToldMailer()
    mailer.tell(failed.profile.email, REFUSED)
    campaign = accepted(store, clock())
    work = make_work(store, mailer, clock)
    drive(work)
    clock.pass_(days=364)
    retries.retry_failed(store, campaign.id, now=clock())
    campaigns.pause(store, campaign.id, now=clock())
    clock.pass_(days=2)

    merged(store, failed, mailed, now=clock())
    go_on(store, clock, mailer, campaign)

    assert mailer.sent == [mailed.profile.email]
    assert store.campaigns.figures(campaign.id).skipped == 1


def test_how_old_a_campaign_is_is_asked_only_where_somebody_was_merged(store: Store, clock: Clock) -> None:
    keep(store, clock, Keeping(years=1))
    crowd(store, 1)
    kept, gone = crowd(store, 2, company="Two")
    merged(store, kept, gone, now=clock())
    requests = []
    for company in (COMPANY, "Two"):
        campaign = accepted(store, clock(), wanted=replace(EVERYBODY, company=(company,)))
        work = make_work(store, ToldMailer(), clock)
        with metered() as cost:
            drive(work)
        requests.append(cost.requests)
        assert statuses(store, campaign) == {"sent": 1}

    assert requests[1] - requests[0] == 2, "the other e-mails, and the campaign because one is not found"


def test_who_follows_a_link_of_an_e_mail_that_waits_longer_than_it_is_kept_counts_once(store: Store, clock: Clock) -> None:
    keep(store, clock, Keeping(years=1, hit_days=400))
    [person] = crowd(store, 1)
    mailer = ToldMailer()
    mailer.tell(person.profile.email, REFUSED)
    campaign = accepted(store, clock(), body="[one](https://example.org/one)", tracking=True)
    drive(make_work(store, mailer, clock))
    clock.pass_(days=300)
    retries.retry_failed(store, campaign.id, now=clock())
    campaigns.pause(store, campaign.id, now=clock())
    [email] = emails_of(store, campaign)

    def click() -> None:
        now = clock.pass_(hours=1)
        hits.record(store, email.id, kind=HitKind.CLICK, hit_class=HitClass.PERSON, at=now, now=now, link=0)

    click()
    clock.now += timedelta(days=70)
    for _ in range(3):
        click()

    figures, links = store.campaigns.figures_with_links(campaign.id)
    assert email.status is EmailState.QUEUED
    assert (links[0].persons, links[0].anybody, figures.clicked) == (1, 1, 1)
    assert_sound(store)
