"""The mailings that are measured with: campaigns of the last two months and their e-mails, as sending leaves them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bench.crowd import THREADS, batched, make_people, put_items, write_people
from crm.domain.campaigns import Audience, Campaign, CampaignStatus, Utm
from crm.domain.emails import Email, EmailState, FailReason, SkipReason
from crm.domain.ids import email_id
from crm.services import events
from crm.services.demo.people import demo_id
from crm.services.events import NewEvent
from crm.store import Store
from crm.store.email_items import item_of
from crm.store.outcomes import email_changes, email_labels
from crm.store.stats import Counter as Counted
from crm.store.stats import RowKey

SEED = 1
PEOPLE, EVENTS = 60, 8
"""Who is there, and what comes next: the same at every size."""
CAMPAIGNS, NEWEST, APART = 20, 16, 3
"""The fewest; the newest, at which the first page looks, and how many hours each of these is after the one before."""
EACH = 50
"""Recipients of each campaign, where their number stays the same."""
DAYS = 56
"""Over which all of them are spread: what the first page compares."""
SENT, FAILED, SKIPPED = EmailState.SENT, EmailState.FAILED, EmailState.SKIPPED
OUTCOMES = (SENT, FAILED, SENT, SKIPPED, SENT, SENT, FAILED, SENT, SKIPPED, SENT)
"""More goes wrong here than ever does, so that every list is full at 1,000 e-mails already."""
LATER = {"delivered_at": (1, 1), "opened_any_at": (2, 2), "opened_at": (4, 9), "clicked_at": (10, 12)}
"""What else happens to each how many-th e-mail that is sent, and after how many minutes."""
DOMAINS = 4
"""So few that e-mails of each, of every outcome, are there at 1,000 already."""
AT_ONCE = 25


@dataclass(frozen=True, slots=True)
class Mailings:
    """Campaigns, oldest first, and how many e-mails each has, all of them made within one hour."""

    campaigns: Sequence[Campaign]
    recipients: Sequence[int]

    @property
    def emails(self) -> int:
        """How many e-mails there are."""
        return sum(self.recipients)

    @property
    def latest(self) -> Campaign:
        """The one that began last."""
        return self.campaigns[-1]


def with_more_recipients(size: int, now: datetime) -> Mailings:
    """Twenty campaigns, whatever the size: three in four e-mails are of the latest, the others share the rest."""
    others = max(1, size // (4 * (CAMPAIGNS - 1)))
    recipients = [others] * (CAMPAIGNS - 1) + [size - others * (CAMPAIGNS - 1)]
    return Mailings([_campaign(place, CAMPAIGNS, number, now) for place, number in enumerate(recipients)], recipients)


def with_more_campaigns(size: int, now: datetime) -> Mailings:
    """Fifty e-mails each, whatever the size; twenty campaigns at least."""
    number = max(CAMPAIGNS, size // EACH)
    return Mailings([_campaign(place, number, EACH, now) for place in range(number)], [EACH] * number)


def write_community(store: Store, now: datetime) -> None:
    """Write the people, and events of the next days."""
    people = [replace(person, attended_event_count=0, hosted_event_count=0) for person in make_people(PEOPLE)]
    write_people(store, people)
    ids = [person.id for person in people]
    for number in range(EVENTS):
        start = now + timedelta(days=number + 1)
        new = NewEvent(
            slug=f"bench-{number}",
            title=f"Meetup {number}",
            start_at=start,
            end_at=start + timedelta(hours=2),
            owner=ids[0],
            max_capacity=40,
            attendee_ids=ids[:20],
        )
        events.create(store, new, now=now)


def write_mailings(store: Store, mailings: Mailings) -> None:
    """Write campaigns and e-mails, and their counts, folded; `verify` finds nothing to repair."""
    for campaign in mailings.campaigns:
        store.campaigns.create(campaign)
    changes: Counter[Counted] = Counter()
    labels: dict[RowKey, dict[str, str | int]] = {}
    with ThreadPoolExecutor(THREADS) as pool:
        for some in batched(_emails(mailings), 1_000):
            changes.update(email_changes((None, email) for email in some))
            labels |= {row: dict(texts) for row, texts in email_labels(some).items()}
            for left in pool.map(lambda part: put_items(store, part), batched(map(item_of, some), AT_ONCE)):
                if left:
                    raise RuntimeError(f"the engine left {left} e-mails unwritten")
    for delta in store.stats.delta(changes, labels=labels, now=mailings.latest.updated_at):
        store.table.write([delta])
        store.stats.fold()


def _campaign(place: int, number: int, recipients: int, now: datetime) -> Campaign:
    """One that is over. The newest are as far apart whatever their number, the others are spread over the days before."""
    later = number - 1 - place
    spread = (DAYS * 24 - NEWEST * APART) * (later - NEWEST) // (number - 1 - NEWEST)
    hours = later * APART if later < NEWEST else NEWEST * APART + spread
    began = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3 + hours)
    over = began + timedelta(hours=1)
    return Campaign(
        id=demo_id(SEED, "campaign", number - place),
        subject=f"News {place}",
        body="Dear {{ firstName }},",
        sender="crew@letterbox.example",
        utm=Utm(campaign=f"news-{place}", source="crm", medium="newsletter"),
        audience=Audience(matched=recipients),
        status=CampaignStatus.DONE,
        expanded=True,
        chunks_put=-(-recipients // 50),
        created_at=began,
        updated_at=over,
        send_at=began,
        started_at=began,
        finished_at=over,
    )


def _emails(mailings: Mailings) -> Iterator[Email]:
    for campaign, number in zip(mailings.campaigns, mailings.recipients, strict=True):
        for place in range(number):
            yield _email(campaign, place, number)


def _email(campaign: Campaign, place: int, number: int) -> Email:
    """The newest is place 0, and goes to somebody who is there: a page reads as many people at every size."""
    created = campaign.created_at + timedelta(minutes=59) * ((number - place) / (number + 1))
    created = created.replace(microsecond=created.microsecond // 1000 * 1000)
    status = OUTCOMES[place % len(OUTCOMES)]
    later: dict[str, Any] = {
        name: created + timedelta(minutes=after) for name, (every, after) in LATER.items() if place % every == 0
    }
    user_id = demo_id(SEED, "person", place)
    return Email(
        id=email_id(campaign.id, user_id),
        campaign_id=campaign.id,
        user_id=user_id,
        email=f"somebody.{place}@letterbox{place // len(OUTCOMES) % DOMAINS}.example",
        status=status,
        utm=campaign.utm,
        skip_reason=SkipReason.UNSUBSCRIBED if status is EmailState.SKIPPED else None,
        fail_reason=FailReason.REFUSED if status is EmailState.FAILED else None,
        error="550 no such mailbox" if status is EmailState.FAILED else "",
        created_at=created,
        failed_at=created + timedelta(seconds=3) if status is EmailState.FAILED else None,
        **({"sent_at": created + timedelta(seconds=3), **later} if status is EmailState.SENT else {}),
    )
