"""What came of a campaign: every number of its report against a plain recount of its e-mails and hits."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import Email, EmailState, FailReason
from crm.domain.failures import code_of
from crm.domain.hits import HitClass, HitKind
from crm.domain.outcomes import Hits
from crm.domain.recipients import NO_CODE, Part
from crm.services import hits
from crm.services.report import DAYS, Step, of_domain, report
from crm.services.unsubscribe import unsubscribe
from crm.store import Store
from crm.store.cost import metered
from tests.factories import NOW, make_campaign, make_person
from tests.jobs.mailing import assert_sound
from tests.mailings import keep_emails, make_email

ZONE = ZoneInfo("Europe/Stockholm")
LATER = NOW + timedelta(days=40)
DOMAINS = ("mail.example", "post.example", "mail.example.net", "post.example")
SAID = ("550 5.1.1 no such mailbox", "The mail server refused the address: 552 full", "No such person", "")


def sent_campaign(store: Store, started: datetime = NOW, **values: object) -> Campaign:
    given = {
        "status": CampaignStatus.DONE,
        "created_at": started,
        "started_at": started,
        "finished_at": started + timedelta(hours=3),
    }
    return store.campaigns.create(make_campaign(tracking=True, expanded=True, **{**given, **values}))


def fill(store: Store, campaign: Campaign, number: int, seed: int = 1) -> list[Email]:
    """E-mails of three hours and several domains; some fail, some are opened, clicked, left, by people and by programs."""
    random = Random(seed)
    started = campaign.started_at or NOW
    emails = []
    for place in range(number):
        failed = place % 5 == 0
        emails.append(
            make_email(
                campaign_id=campaign.id,
                email=f"p{place}@{random.choice(DOMAINS)}",
                created_at=started + timedelta(minutes=random.randrange(150)),
                status=EmailState.FAILED if failed else EmailState.SENT,
                fail_reason=random.choice([FailReason.REFUSED, FailReason.GAVE_UP]) if failed else None,
                error=random.choice(SAID) if failed else "",
            )
        )
    keep_emails(store, emails)
    for email in emails:
        for _ in range(random.choice((0, 0, 1, 3)) if email.status is EmailState.SENT else 0):
            kind, hit_class = random.choice(list(HitKind)), random.choice(list(HitClass))
            link = random.randrange(3) if kind is HitKind.CLICK else None
            at = email.created_at + timedelta(hours=random.choice((1, 5, 30, 200, 800)))
            hits.record(store, email.id, kind=kind, hit_class=hit_class, link=link, at=at, now=LATER)
    return emails


def recounted(store: Store, emails: list[Email]) -> list[Email]:
    return list(store.emails.get_many([email.id for email in emails]).values())


@pytest.mark.parametrize("seed", [1, 2])
def test_domains_links_and_failures_are_what_a_recount_finds_and_so_are_the_lists_behind_them(store: Store, seed: int) -> None:
    campaign = sent_campaign(store)
    fill(store, sent_campaign(store), 5)
    emails = recounted(store, fill(store, campaign, 60, seed))

    found = report(store, campaign.id, zone=ZONE, now=LATER)

    figures = found.progress.figures
    assert {row.domain: row.counts.get("sent", 0) for row in found.domains if row.counts.get("sent")} == Counter(
        email.domain for email in emails if email.status is EmailState.SENT
    )
    assert {row.domain: row.counts["opened"] for row in found.domains if "opened" in row.counts} == Counter(
        email.domain for email in emails if email.opened_at
    )
    assert of_domain(store, campaign, "post.example", now=LATER) == next(
        row.counts for row in found.domains if row.domain == "post.example"
    )
    failed = [email for email in emails if email.fail_reason]
    assert figures.by_code == Counter((str(email.fail_reason), code_of(email.error)) for email in failed)
    for (reason, code), number in figures.by_code.items():
        listed = list(store.emails.walk(campaign.id, reason=FailReason(reason), part=Part(code=code or NO_CODE)))
        assert len(listed) == number
    for link, followed in found.progress.links.items():
        for whose, number in ((Hits.PEOPLE, followed.persons), (Hits.ALL, followed.anybody)):
            assert len(list(store.emails.walk(campaign.id, part=Part(link=link, hits=whose)))) == number
    for row in found.domains:
        assert len(list(store.emails.walk(campaign.id, part=Part(domain=row.domain)))) == row.emails
    assert_sound(store)


@pytest.mark.parametrize("whose", Hits)
@pytest.mark.parametrize("step", Step)
def test_opens_and_clicks_stand_in_the_hour_or_day_of_the_zone_in_which_they_came(store: Store, whose: Hits, step: Step) -> None:
    campaign = sent_campaign(store)
    emails = fill(store, campaign, 25)
    kept = [hit for email in emails for hit in store.hits.of(email.id) if "hour" in hit.counts]

    over_time = report(store, campaign.id, zone=ZONE, now=LATER, hits=whose, step=step).over_time

    expected: dict[datetime, Counter[str]] = {}
    for hit in kept:
        if whose is Hits.ALL or hit.hit_class is HitClass.PERSON:
            at = hit.at.replace(minute=0, second=0, microsecond=0)
            if step is Step.DAY:
                at = at.astimezone(ZONE).replace(hour=0)
            if at <= over_time.last:
                expected.setdefault(at, Counter())[f"{hit.kind.value}s"] += 1
    assert {at: +Counter(counts) for at, counts in over_time.counts.items()} == expected
    assert over_time.totals == {word: sum(counts[word] for counts in expected.values()) for word in ("opens", "clicks")}


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Stockholm"])
def test_the_first_and_the_last_half_hour_of_the_days_that_are_shown_count(store: Store, zone: str) -> None:
    here = ZoneInfo(zone)
    midnight = datetime(2026, 5, 4, tzinfo=here)
    campaign = sent_campaign(store, midnight.astimezone(UTC) + timedelta(minutes=2))
    emails = [make_email(campaign_id=campaign.id) for _ in range(2)]
    keep_emails(store, emails)
    ends = (midnight + timedelta(minutes=5), midnight + timedelta(days=DAYS, minutes=-1))
    for email, at in zip(emails, ends, strict=True):
        hits.record(store, email.id, kind=HitKind.CLICK, hit_class=HitClass.PERSON, link=0, at=at.astimezone(UTC), now=LATER)

    over_time = report(store, campaign.id, zone=here, now=LATER, step=Step.DAY).over_time

    assert {at.date(): counts["clicks"] for at, counts in over_time.counts.items()} == {end.date(): 1 for end in ends}
    assert (over_time.first.date(), over_time.last.date()) == (ends[0].date(), ends[1].date())
    assert over_time.later == 0


def test_what_came_after_the_days_that_are_shown_is_told_as_later(store: Store) -> None:
    campaign = sent_campaign(store)
    emails = [make_email(campaign_id=campaign.id) for _ in range(3)]
    keep_emails(store, emails)
    for email, days in zip(emails, (1, 29, 31), strict=True):
        at = NOW + timedelta(days=days)
        hits.record(store, email.id, kind=HitKind.CLICK, hit_class=HitClass.PERSON, link=0, at=at, now=LATER)

    over_time = report(store, campaign.id, zone=ZONE, now=LATER).over_time

    assert (over_time.totals["clicks"], over_time.later) == (2, 1)


def test_a_young_campaign_is_shown_by_the_hour_up_to_now(store: Store) -> None:
    campaign = sent_campaign(store)

    over_time = report(store, campaign.id, zone=ZONE, now=NOW + timedelta(hours=5)).over_time

    assert over_time.step is Step.HOUR
    assert over_time.last - over_time.first == timedelta(hours=5)


def test_it_is_compared_with_the_ten_before_it_of_which_something_is_known(store: Store) -> None:
    for number in range(13):
        before = sent_campaign(store, NOW - timedelta(days=20 - number), subject=f"Letter {number}")
        emails = [make_email(campaign_id=before.id, created_at=before.created_at) for _ in range(4)]
        opened = [replace(email, opened_at=NOW) for email in emails[: number % 4]]
        keep_emails(store, [*opened, *emails[number % 4 :]] if number != 12 else [])
    campaign = sent_campaign(store)
    sent_campaign(store, NOW + timedelta(days=1), subject="The next one")

    comparison = report(store, campaign.id, zone=ZONE, now=LATER).comparison

    assert [one.subject for one in comparison.before] == [f"Letter {number}" for number in range(11, 2, -1)]
    assert comparison.medians["opened"] == 0.5, "those that were opened by nobody may not have been tracked"
    assert comparison.medians["bounced"] == 0


def test_the_first_campaign_has_nothing_to_stand_beside(store: Store) -> None:
    campaign = sent_campaign(store)

    comparison = report(store, campaign.id, zone=ZONE, now=LATER).comparison

    assert (list(comparison.before), comparison.medians["clicked"]) == ([], None)


def test_the_latest_who_left_are_named_whenever_their_email_was_made(store: Store) -> None:
    campaign = sent_campaign(store)
    people = [store.people.create(make_person(created_at=NOW)) for _ in range(7)]
    emails = [make_email(campaign_id=campaign.id, user_id=person.id, email=person.profile.email) for person in people]
    keep_emails(store, emails)
    for minute, place in enumerate((3, 0, 6, 1, 5, 2)):
        unsubscribe(store, emails[place].id, people[place].id, now=NOW + timedelta(minutes=minute))
    unsubscribe(store, emails[3].id, people[3].id, now=LATER)

    left = report(store, campaign.id, zone=ZONE, now=LATER).left

    assert [person.id for _, person in left if person] == [people[place].id for place in (2, 5, 1, 6, 0)]
    assert_sound(store)


def test_nobody_is_named_who_left_by_an_email_that_never_went_out(store: Store) -> None:
    campaign = sent_campaign(store)
    got, got_none = (store.people.create(make_person()) for _ in range(2))
    sent = make_email(campaign_id=campaign.id, user_id=got.id)
    refused = make_email(
        campaign_id=campaign.id, user_id=got_none.id, status=EmailState.FAILED, fail_reason=FailReason.REFUSED, failed_at=NOW
    )
    keep_emails(store, [sent, refused])

    unsubscribe(store, sent.id, got.id, now=NOW)
    unsubscribe(store, refused.id, got_none.id, now=NOW)
    found = report(store, campaign.id, zone=ZONE, now=LATER)

    assert store.campaigns.figures(campaign.id).unsubscribed == 1
    assert [person.id for _, person in found.left if person] == [got.id]


def test_a_report_costs_as_much_for_many_emails_as_for_few(store: Store) -> None:
    costs = []
    for number in (4, 150):
        campaign = sent_campaign(store)
        fill(store, campaign, number)
        store.stats.fold_all()
        with metered() as cost:
            report(store, campaign.id, zone=ZONE, now=LATER)
        costs.append(cost.requests)

    assert max(costs) <= 21
    assert costs[1] <= costs[0] + 1
