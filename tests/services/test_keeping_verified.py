"""Years of campaigns that keep their e-mails for different spans: whatever is gone, verify finds nothing and loses nothing."""

from random import Random

from crm.domain.hits import HitClass, HitKind
from crm.domain.keeping import Keeping
from crm.domain.metrics import EmailQuery
from crm.jobs.upkeep import Upkeep
from crm.services import analytics, hits
from crm.services.files import NoFiles
from crm.services.verify import findings, repair
from crm.store import Store
from tests.conftest import Clock
from tests.jobs.mailing import REFUSED, ToldMailer, accepted, crowd, drive, emails_of, make_work
from tests.services.test_keeping import BODY, choose

SPANS = (Keeping(), Keeping(years=1, hit_days=30), Keeping(years=2, hit_days=60))


def test_years_go_by(store: Store, clock: Clock) -> None:
    chance = Random(5)
    store.table.clock = clock
    people = crowd(store, 2)
    mailer = ToldMailer()
    work = make_work(store, mailer, clock)
    sent, lost, totals = [], [], {"sent": 0, "failed": 0, "opened": 0, "clicked": 0}

    for step in range(12):
        if step < len(SPANS):
            choose(store, SPANS[step])
            mailer.tell(chance.choice(people).profile.email, *[REFUSED] * chance.randrange(2))
            sent.append(accepted(store, clock(), body=BODY, tracking=True))
            drive(work)
        for email in [email for campaign in sent for email in emails_of(store, campaign) if chance.random() < 0.5]:
            kind, link = chance.choice([(HitKind.OPEN, None), (HitKind.CLICK, 0), (HitKind.CLICK, 1)])
            seen = chance.choice(list(HitClass))
            hits.record(store, email.id, kind=kind, hit_class=seen, at=clock(), now=clock(), link=link)
        clock.pass_(days=chance.randrange(20, 140), minutes=chance.randrange(1440))
        if step % 4 == 3:
            Upkeep(store, NoFiles(), sweeps=chance.random() < 0.5).sweep()
        if step % 2:
            found = findings(store)
            now = analytics.summary(store, EmailQuery()).totals
            assert found.differences == []
            assert {word: number for word, number in totals.items() if now[word] < number} == {}
            lost.append(found.lost)
            totals = {word: now[word] for word in totals}

    before = [store.campaigns.figures(campaign.id) for campaign in sent]
    mended = repair(store)

    assert mended.mended == []
    assert [store.campaigns.figures(campaign.id) for campaign in sent] == before
    assert all(figures.clicked <= figures.clicked_any <= figures.total == 2 for figures in before)
    assert lost == sorted(lost)
    assert lost[-1] > lost[0]
