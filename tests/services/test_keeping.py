"""E-mails and hits that are kept for a while: what goes with them, what stays, and what is never done because they are gone."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import EmailState
from crm.domain.errors import NotFound, RuleViolation
from crm.domain.filters import PeopleFilter
from crm.domain.hits import HitClass, HitKind
from crm.domain.keeping import HOUR, Keeping
from crm.domain.mail_events import MailEvent, MailEventKind
from crm.domain.metrics import EmailQuery
from crm.domain.outcomes import Outcome
from crm.domain.people import EmailStatus, Person
from crm.jobs.clicks import destination
from crm.jobs.upkeep import Upkeep
from crm.services import analytics, campaigns, hits
from crm.services.files import NoFiles
from crm.services.keeping import gone_of
from crm.services.mail_events import take
from crm.services.personal import personal_data
from crm.services.unsubscribe import subscription, unsubscribe
from crm.services.verify import differences, findings, repair
from crm.store import Store, schema
from crm.store.cost import metered
from crm.store.email_lists import gone
from crm.store.stats import Counter
from tests.conftest import Clock
from tests.factories import NOW, make_campaign
from tests.jobs.mailing import BUSY, EVERYBODY, LETTER, LINKS, REFUSED, ToldMailer, accepted, crowd, drive, emails_of, make_work
from tests.mailings import keep_emails, make_email

A_YEAR = Keeping(years=1, hit_days=30)
BODY = "[one](https://example.org/one) and [two](https://example.org/two)"


@dataclass
class Mailing:
    """A campaign that went out to some people, under what was chosen when it was accepted."""

    store: Store
    clock: Clock
    people: list[Person]
    campaign: Campaign

    @property
    def ids(self) -> list[str]:
        return sorted(email.id for email in emails_of(self.store, self.campaign))

    def click(self, email_id: str, link: int, hit_class: HitClass = HitClass.PERSON) -> bool:
        now = self.clock.pass_(minutes=1)
        return hits.record(self.store, email_id, kind=HitKind.CLICK, hit_class=hit_class, at=now, now=now, link=link)


def choose(store: Store, keeping: Keeping) -> None:
    store.mail_settings.save(replace(store.mail_settings.get(), keeping=keeping))


@pytest.fixture
def mailing(store: Store, clock: Clock) -> Mailing:
    store.table.clock = clock
    choose(store, A_YEAR)
    people = crowd(store, 4)
    campaign = accepted(store, clock(), body=BODY, tracking=True)
    drive(make_work(store, ToldMailer(), clock))
    return Mailing(store=store, clock=clock, people=people, campaign=store.campaigns.get(campaign.id))


def items(store: Store, campaign: Campaign) -> list[dict[str, object]]:
    found = [store.table.get(schema.key("email", id=email.id)) for email in emails_of(store, campaign)]
    return [item for item in found if item is not None]


def links(mailing: Mailing) -> dict[int, tuple[int, int]]:
    _, found = mailing.store.campaigns.figures_with_links(mailing.campaign.id)
    return {number: (figures.persons, figures.anybody) for number, figures in found.items()}


def some_are_made(store: Store, campaign: Campaign) -> bool:
    """Whether there are e-mails of some of the people, and not yet of all."""
    return store.campaigns.figures(campaign.id).total > 0


@tries(max_examples=50)
@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - given the zone below
    st.sampled_from([1, 2, 3, 5]),
    st.timedeltas(timedelta(0), timedelta(days=2)),
)
def test_no_e_mail_goes_early_and_a_later_one_never_before_an_earlier(made: datetime, years: int, later: timedelta) -> None:
    made, keeping = made.replace(tzinfo=UTC), Keeping(years=years)
    until = keeping.until(made)

    assert until is not None
    assert timedelta(days=365 * years) <= until - made <= timedelta(days=366 * years) + HOUR
    assert (until.minute, until.second, until.microsecond) == (0, 0, 0)
    assert until <= (keeping.until(made + later) or until)


def test_a_campaign_takes_over_what_holds_when_it_is_accepted(mailing: Mailing) -> None:
    choose(mailing.store, Keeping(years=5))

    assert mailing.store.campaigns.state(mailing.campaign.id).keeping == A_YEAR
    assert {email.kept_until for email in emails_of(mailing.store, mailing.campaign)} == {A_YEAR.until(mailing.clock())}


def test_a_campaign_that_is_taken_back_takes_over_anew(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    choose(store, A_YEAR)
    crowd(store, 1)
    draft = campaigns.save_draft(store, None, LETTER, wanted=EVERYBODY, actor="grace", now=clock())
    kwargs = {"now": clock(), "undo_seconds": 60, "default_sender": LETTER.sender}
    campaigns.send(store, draft.id, **kwargs)  # type: ignore[arg-type]

    undone = campaigns.undo(store, draft.id, now=clock())
    choose(store, Keeping(years=3))
    again = campaigns.send(store, draft.id, **kwargs)  # type: ignore[arg-type]

    assert undone.keeping == Keeping()
    assert again.keeping == Keeping(years=3)


def test_what_still_waits_to_be_sent_does_not_go(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    choose(store, A_YEAR)
    people = crowd(store, 2)
    mailer = ToldMailer()
    mailer.tell(people[0].profile.email, BUSY)
    campaign = accepted(store, clock())
    drive(make_work(store, mailer, clock))

    waiting, sent = sorted(items(store, campaign), key=lambda item: str(item["status"]))

    assert (waiting["status"], "expiresAt" in waiting) == ("queued", False)
    assert (sent["status"], "expiresAt" in sent) == ("sent", True)


def test_a_queue_that_rests_for_years_is_sent_all_the_same(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    choose(store, A_YEAR)
    crowd(store, 3)
    campaign = accepted(store, clock())
    work = make_work(store, mailer := ToldMailer(), clock)
    drive(work, until=lambda: store.campaigns.state(campaign.id).expanded)
    campaigns.pause(store, campaign.id, now=clock())
    drive(work)
    waiting = 3 - len(mailer.sent)

    clock.pass_(days=800)
    Upkeep(store, NoFiles(), sweeps=True).sweep()
    campaigns.resume(store, campaign.id, now=clock())
    drive(work)

    assert waiting > 0
    assert len(mailer.sent) == 3
    assert store.campaigns.state(campaign.id).status is CampaignStatus.DONE
    assert differences(store) == []


def test_after_their_days_hits_are_gone_and_their_counts_are_not(mailing: Mailing) -> None:
    store, first = mailing.store, mailing.ids[0]
    mailing.click(first, 0)

    mailing.clock.pass_(days=31)
    removed = Upkeep(store, NoFiles(), sweeps=True).sweep()
    found = findings(store)

    assert removed > 0
    assert store.hits.of(first) == []
    assert links(mailing) == {0: (1, 1)}
    assert store.campaigns.figures(mailing.campaign.id).clicked == 1
    assert found.differences == []
    assert found.lost == 2, "the hour of the hit, and the links"


def test_who_follows_a_link_again_when_the_first_time_is_forgotten_counts_once(mailing: Mailing) -> None:
    store, first = mailing.store, mailing.ids[0]
    mailing.click(first, 0)
    mailing.click(first, 0)
    mailing.clock.pass_(days=29, hours=23, minutes=59)

    mailing.clock.pass_(days=1)
    kept = mailing.click(first, 0)

    assert kept
    assert [hit.counts for hit in store.hits.of(first)] == [()]
    assert links(mailing) == {0: (1, 1)}
    assert store.campaigns.figures(mailing.campaign.id).clicked == 1
    assert differences(store) == []


def test_after_its_years_an_e_mail_is_nowhere_to_be_seen_but_still_counted(mailing: Mailing) -> None:
    store, clock, campaign, person = mailing.store, mailing.clock, mailing.campaign, mailing.people[0]
    mailing.click(mailing.ids[0], 0)
    before, day = store.campaigns.figures(campaign.id), clock()
    query = EmailQuery(start=day.date(), end=day.date())

    clock.pass_(days=366)

    assert store.campaigns.figures(campaign.id) == before
    assert (analytics.summary(store, query).totals["sent"], analytics.summary(store, query).totals["clicked"]) == (4, 1)
    assert emails_of(store, campaign) == []
    assert store.emails.page(campaign_id=campaign.id, outcome=Outcome.CLICKED).items == []
    assert store.email_lists.find(query).items == []
    assert list(store.email_lists.walk(query)) == []
    assert store.emails.of_person(person.id) == []
    assert store.emails.count_of_person(person.id) == 0
    assert personal_data(store, person.id, actor="grace", now=clock())["emails"] == []
    assert store.people.page(PeopleFilter(mailed=(campaign.id,))).items == []


def test_hours_of_which_no_e_mail_is_kept_are_not_looked_into(mailing: Mailing) -> None:
    store, query = mailing.store, EmailQuery(start=NOW.date(), end=NOW.date())
    mailing.clock.pass_(days=366)

    with metered() as counting:
        rows = store.email_lists.rows(query)
    with metered() as finding:
        store.email_lists.find(query)

    assert finding.requests == counting.requests
    assert gone(rows, query, mailing.clock()) == 4


def test_how_many_are_gone_is_told_for_what_is_asked(mailing: Mailing) -> None:
    store = mailing.store
    mailing.click(mailing.ids[0], 0)
    keep_emails(store, [make_email(created_at=mailing.clock(), campaign_id="other")])

    before = gone_of(store, mailing.campaign, now=mailing.clock())
    mailing.clock.pass_(days=366)
    queries = [EmailQuery(outcome=outcome) for outcome in (None, Outcome.CLICKED, Outcome.NOT_CLICKED, Outcome.FAILED)]
    numbers = [gone(store.email_lists.rows(query), query, mailing.clock()) for query in queries]

    assert before == 0
    assert gone_of(store, mailing.campaign, now=mailing.clock()) == 4
    assert numbers == [4, 1, 3, 0]
    assert len(store.email_lists.find(EmailQuery()).items) == 1


@pytest.mark.parametrize("swept", [False, True], ids=["hidden", "deleted"])
def test_verify_leaves_out_what_is_gone_and_says_how_much(mailing: Mailing, swept: bool) -> None:
    store = mailing.store
    mailing.click(mailing.ids[0], 0)
    unsubscribe(store, mailing.ids[1], mailing.people[1].id, now=mailing.clock())
    kept = findings(store)

    mailing.clock.pass_(days=366)
    removed = Upkeep(store, NoFiles(), sweeps=True).sweep() if swept else 0
    totals = store.campaigns.figures(mailing.campaign.id)
    found, mended = findings(store), repair(store)

    assert (kept.differences, kept.lost) == ([], 0)
    assert removed >= (5 if swept else 0), "four e-mails and a hit"
    assert found.differences == []
    assert (mended.mended, mended.lost) == ([], found.lost)
    assert found.lost >= 5, "the hour, its domains, the month, the hit's hour, totals and links"
    assert store.campaigns.figures(mailing.campaign.id) == totals


def test_verify_still_names_what_is_wrong_about_a_younger_campaign(mailing: Mailing) -> None:
    store, clock = mailing.store, mailing.clock
    clock.pass_(days=200)
    young = accepted(store, clock(), wanted=EVERYBODY)
    drive(make_work(store, ToldMailer(), clock))
    clock.pass_(days=170)
    wrong = {Counter(f"CAMPAIGN#{one.id}", "TOTAL", "opened"): 5 for one in (mailing.campaign, young)}
    store.table.write(store.stats.delta(wrong, now=clock()))

    mended = repair(store)

    assert [difference.subject for difference in mended.mended] == [f"STATS#CAMPAIGN#{young.id} | TOTAL"]
    assert (mended.left, mended.lost > 0) == ([], True)
    assert store.campaigns.figures(young.id).opened == 0
    assert store.campaigns.figures(mailing.campaign.id).opened == 5


def test_nothing_that_comes_for_a_gone_e_mail_changes_anything(mailing: Mailing) -> None:
    store, clock, email_id = mailing.store, mailing.clock, mailing.ids[0]
    clock.pass_(days=366)
    before = store.campaigns.figures(mailing.campaign.id)
    event = MailEvent(id="1", provider="ses", kind=MailEventKind.DELIVERED, email_id=email_id, at=clock(), address="")

    clicked = mailing.click(email_id, 0)
    told = take(store, event, now=clock())

    assert (clicked, told) == (False, False)
    assert store.campaigns.figures(mailing.campaign.id) == before
    with pytest.raises(NotFound):
        destination(store, LINKS, email_id, 0)
    assert differences(store) == []


def test_the_link_to_unsubscribe_outlives_its_e_mail(mailing: Mailing) -> None:
    store, email_id, person = mailing.store, emails_of(mailing.store, mailing.campaign)[0].id, mailing.people[0]
    mailing.clock.pass_(days=366)

    before = subscription(store, email_id, person.id)
    after = unsubscribe(store, email_id, person.id, now=mailing.clock())

    assert (before.address, before.status) == (person.profile.email, EmailStatus.MAILABLE)
    assert after.status is EmailStatus.UNSUBSCRIBED
    assert store.people.get(person.id).email_status is EmailStatus.UNSUBSCRIBED
    assert differences(store) == []


def test_nobody_is_left_out_by_a_campaign_of_which_it_is_not_known_who_got_it(mailing: Mailing) -> None:
    store, clock = mailing.store, mailing.clock
    wanted = replace(EVERYBODY, mailed_not=(mailing.campaign.id,))
    with pytest.raises(RuleViolation, match="Nobody"):
        accepted(store, clock(), wanted=wanted)

    clock.pass_(days=366)

    with pytest.raises(RuleViolation, match="“Spring” are no longer kept one by one") as refused:
        accepted(store, clock(), wanted=wanted)
    with pytest.raises(RuleViolation, match="something that is gone"):
        accepted(store, clock(), wanted=replace(EVERYBODY, without=(f"mailed:{mailing.campaign.id}",)))
    assert refused.value.errors[0].field == "mailedNot"


def test_a_campaign_that_rested_for_a_year_makes_no_more_e_mails(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    choose(store, A_YEAR)
    crowd(store, 6)
    campaign = accepted(store, clock())
    work = make_work(store, mailer := ToldMailer(), clock, window=2)
    drive(work, until=lambda: some_are_made(store, campaign))
    campaigns.pause(store, campaign.id, now=clock())

    clock.pass_(days=366)
    with pytest.raises(RuleViolation, match="Cancel it"):
        campaigns.resume(store, campaign.id, now=clock())
    campaigns.cancel(store, campaign.id, now=clock())
    drive(work)

    assert mailer.sent == []
    assert store.campaigns.figures(campaign.id).total < 6
    assert differences(store) == []


def test_making_e_mails_stops_by_itself_when_the_first_are_gone(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    choose(store, A_YEAR)
    crowd(store, 6)
    campaign = accepted(store, clock())
    work = make_work(store, mailer := ToldMailer(), clock, window=2)
    drive(work, until=lambda: some_are_made(store, campaign))

    clock.pass_(days=366)
    drive(work)

    assert store.campaigns.state(campaign.id).status is CampaignStatus.PAUSED
    assert len(mailer.sent) == store.campaigns.figures(campaign.id).total < 6


def test_nothing_that_is_gone_can_be_tried_again_and_that_is_said(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    choose(store, A_YEAR)
    [person] = crowd(store, 1)
    mailer = ToldMailer()
    mailer.tell(person.profile.email, REFUSED)
    campaign = accepted(store, clock())
    drive(make_work(store, mailer, clock))

    clock.pass_(days=366)

    for remedy in (campaigns.retry_failed, campaigns.resend_uncertain, campaigns.settle_uncertain):
        with pytest.raises(RuleViolation, match="no longer kept one by one"):
            remedy(store, campaign.id, now=clock())
    assert store.campaigns.figures(campaign.id).failed == 1


def test_a_hit_never_outlives_its_e_mail(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    store.campaigns.create(make_campaign(id="c" * 32, keeping=Keeping(years=1), started_at=NOW))
    email = make_email(kept_until=Keeping(years=1).until(NOW), sent_at=NOW)
    keep_emails(store, [email])

    late = clock.pass_(days=364)
    hits.record(store, email.id, kind=HitKind.OPEN, hit_class=HitClass.PERSON, at=late, now=late)
    kept = len(store.hits.of(email.id))
    clock.pass_(days=2)

    assert (kept, store.hits.of(email.id)) == (1, [])
    assert differences(store) == []


def test_e_mails_of_before_are_kept_for_ever(store: Store, clock: Clock) -> None:
    store.table.clock = clock
    store.campaigns.create(make_campaign(id="c" * 32, started_at=NOW))
    keep_emails(store, [make_email(status=status) for status in EmailState if status is not EmailState.QUEUED])

    clock.pass_(days=10_000)

    assert len(store.email_lists.find(EmailQuery()).items) == 4
    assert (findings(store).differences, findings(store).lost) == ([], 0)
