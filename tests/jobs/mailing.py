"""A community to mail, a mailer that does as it is told, and a worker that takes one step after the other."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from crm.domain.campaigns import Campaign, Letter, Utm
from crm.domain.emails import Email
from crm.domain.errors import CrmError, DeliveryFailed
from crm.domain.filters import PeopleFilter
from crm.domain.links import Links
from crm.domain.people import EmailStatus, Person
from crm.jobs.kinds import STEPS
from crm.jobs.work import Held, SendSettings, Work
from crm.mail.port import Accepted, Delivery, OutgoingMessage
from crm.services import campaigns
from crm.services.verify import differences
from crm.store import Store
from crm.store.calls import utc_now
from crm.store.people import status_change
from tests.conftest import LINK_KEYS, Clock
from tests.factories import make_person

LINKS = Links(LINK_KEYS, "http://testserver")
COMPANY = "Analytical Engines"
EVERYBODY = PeopleFilter(company=(COMPANY,))
LETTER = Letter(
    subject="Spring",
    body="Hello {{ firstName }}",
    sender="Crew <crew@example.org>",
    utm=Utm(campaign="spring", source="newsletter", medium="email"),
)
REFUSED = DeliveryFailed("550 no such mailbox", permanent=True, code="550")
BUSY = DeliveryFailed("451 try again", permanent=False, code="451")
DOWN = DeliveryFailed("The mail server can't be used: connection refused", permanent=False, whole_provider=True)


@dataclass
class ToldMailer:
    """Takes every message, unless it is told otherwise for a recipient, or `down`. `before` is called before each message."""

    sent: list[str] = field(default_factory=list)
    down: bool = False
    before: Callable[[OutgoingMessage], None] = lambda message: None
    told: defaultdict[str, deque[Delivery | DeliveryFailed]] = field(default_factory=lambda: defaultdict(deque))
    lock: Any = field(default_factory=threading.Lock)

    def tell(self, recipient: str, *answers: Delivery | DeliveryFailed) -> None:
        """Answer so to the next messages to that recipient."""
        self.told[recipient].extend(answers)

    def send(self, message: OutgoingMessage, *, deadline: float) -> Delivery:
        self.before(message)
        with self.lock:
            if self.down:
                raise DOWN
            answer = self.told[message.recipient].popleft() if self.told[message.recipient] else Accepted("taken")
            if isinstance(answer, DeliveryFailed):
                raise answer
            self.sent.append(message.recipient)
            return answer

    def close(self) -> None:
        """Nothing is open."""


def make_work(store: Store, mailer: ToldMailer, clock: Clock | None = None, **settings: Any) -> Work:
    """The parts of a worker, without a limit on the pace unless a rate is given."""
    chosen = SendSettings(**{"rate": 0.0, "links": LINKS, "sender": "Crew <crew@example.org>", **settings})
    return Work(store=store, mailer=mailer, settings=chosen, clock=clock or utc_now)


def crowd(store: Store, number: int, **values: Any) -> list[Person]:
    """So many people of one company, as stored."""
    made = store.people.create_many([make_person(**{"company": COMPANY, **values}) for _ in range(number)])
    assert not [one for one in made if isinstance(one, CrmError)]
    return [one for one in made if isinstance(one, Person)]


def suppress(store: Store, person: Person, status: EmailStatus, now: datetime) -> None:
    """Let that person not be mailed any more."""
    update, changes = status_change(person, status, now=now)
    remembered = store.suppressions.actions(person.profile.email, status, now=now, source="test")
    store.table.write([update, *remembered, *store.stats.delta(changes, now=now)])


def accepted(store: Store, now: datetime, **values: Any) -> Campaign:
    """A campaign to everybody of the company, due now."""
    written = {name: values.pop(name) for name in Letter.__dataclass_fields__ if name in values}
    letter = replace(LETTER, **written)
    given = {"wanted": EVERYBODY, "send_at": None, "actor": "grace", "default_sender": letter.sender, **values}
    return campaigns.create_and_send(store, letter, now=now, **given)


def drive(work: Work, *, until: Callable[[], bool] = lambda: False, worker: str = "one") -> None:
    """Do what is due, one step at a time, and go on with the clock while something is due within two seconds."""
    for _ in range(10_000):
        now = work.clock()
        for key in work.store.jobs.due(now):
            held = Held.take(work, key, worker)
            while held is not None and not held.over:
                if until():
                    return
                STEPS[key.kind](work, held)
        soonest = work.store.jobs.next_due()
        if soonest is None or soonest - now > timedelta(seconds=2):
            return
        if isinstance(work.clock, Clock):
            work.clock.now = max(now, soonest) + timedelta(milliseconds=1)
    raise AssertionError("the work never ends")


def emails_of(store: Store, campaign: Campaign) -> list[Email]:
    """All e-mails of a campaign."""
    return list(store.emails.walk(campaign.id))


def statuses(store: Store, campaign: Campaign) -> dict[str, int]:
    """How many e-mails have which status, counted from the items."""
    counts: dict[str, int] = {}
    for email in emails_of(store, campaign):
        counts[email.status.value] = counts.get(email.status.value, 0) + 1
    return counts


def assert_sound(store: Store) -> None:
    """Nothing differs from what the items say."""
    assert differences(store) == []
