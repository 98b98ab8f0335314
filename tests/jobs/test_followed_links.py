"""What e-mails say of their links, when programs follow these while the window is in hand and its write is not the first."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from crm.domain.emails import EmailState
from crm.domain.errors import StoreUnavailable
from crm.domain.hits import HitClass, HitKind
from crm.domain.outcomes import Hits
from crm.domain.recipients import Part
from crm.mail.port import OutgoingMessage, Uncertain
from crm.services import hits
from crm.store import Store
from crm.store.requests import Action
from tests.conftest import Clock
from tests.jobs.mailing import BUSY, REFUSED, ToldMailer, accepted, assert_sound, crowd, drive, emails_of, make_work, statuses

BODY = "[one](https://example.org/one) and [two](https://example.org/two)"


def follow_at_hand_over(store: Store, mailer: ToldMailer, clock: Clock, hit_class: HitClass = HitClass.SCANNER) -> None:
    """Mail servers that follow the second link of whatever they are handed, before they answer."""

    def follow(message: OutgoingMessage) -> None:
        hits.record(store, message.email_id, kind=HitKind.CLICK, hit_class=hit_class, at=clock(), now=clock(), link=1)

    mailer.before = follow


def lose_the_answer_of_the_outcomes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the table be away when a window is written for the first time."""
    write = store.table.write

    def away_once(actions: Sequence[Action]) -> None:
        if "'sent'" in str(actions):
            monkeypatch.setattr(store.table, "write", write)
            raise StoreUnavailable("away")
        write(actions)

    monkeypatch.setattr("crm.jobs.window.AWAY_SECONDS", 0)
    monkeypatch.setattr(store.table, "write", away_once)


@pytest.mark.parametrize("hit_class", [HitClass.SCANNER, HitClass.PERSON])
@pytest.mark.parametrize("first", [REFUSED, Uncertain("no reply"), None], ids=["refused", "uncertain", "the store is away"])
def test_an_e_mail_still_says_which_links_were_followed_when_its_window_is_written_again(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, first: object, hit_class: HitClass
) -> None:
    people, mailer = crowd(store, 3), ToldMailer()
    if first is None:
        lose_the_answer_of_the_outcomes(store, monkeypatch)
    else:
        mailer.tell(people[0].profile.email, first)  # type: ignore[arg-type]
    campaign = accepted(store, clock(), body=BODY, tracking=True)
    follow_at_hand_over(store, mailer, clock, hit_class)

    drive(make_work(store, mailer, clock))

    _, links = store.campaigns.figures_with_links(campaign.id)
    assert links[1].anybody == 3
    assert len(list(store.emails.walk(campaign.id, part=Part(link=1, hits=Hits.ALL)))) == 3
    assert len(list(store.emails.walk(campaign.id, part=Part(link=1)))) == links[1].persons
    assert sum(statuses(store, campaign).values()) == 3
    assert EmailState.QUEUED not in {email.status for email in emails_of(store, campaign)}
    assert_sound(store)


def test_so_does_one_that_waits_for_its_next_try(store: Store, clock: Clock) -> None:
    people, mailer = crowd(store, 2), ToldMailer()
    mailer.tell(people[0].profile.email, BUSY)
    mailer.tell(people[1].profile.email, REFUSED)
    campaign = accepted(store, clock(), body=BODY, tracking=True)
    follow_at_hand_over(store, mailer, clock)

    drive(make_work(store, mailer, clock))
    waiting = [email for email in emails_of(store, campaign) if email.status is EmailState.QUEUED]
    before = [(email.attempts, email.links_any) for email in waiting]
    clock.now += timedelta(minutes=20)
    drive(make_work(store, mailer, clock))

    assert before == [(1, frozenset({1}))]
    assert {email.links_any for email in emails_of(store, campaign)} == {frozenset({1})}
    assert statuses(store, campaign) == {"sent": 1, "failed": 1}
    assert_sound(store)
