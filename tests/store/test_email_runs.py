"""Lists of e-mails against a plain filter over all of them: by outcome, domain, state and time, forth and back."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm.domain.campaigns import Utm
from crm.domain.emails import Email, EmailState
from crm.domain.ids import new_id
from crm.domain.mail_domains import OTHER
from crm.domain.metrics import EmailQuery
from crm.domain.outcomes import Outcome
from crm.store import Store, schema
from crm.store.cost import metered
from crm.store.email_items import item_of
from crm.store.keys import LANES
from crm.store.outcomes import LATER
from crm.store.requests import Delete, Put, Update
from tests.mailings import keep_emails, make_email

FIRST = datetime(2026, 3, 28, 22, tzinfo=UTC)
CAMPAIGNS = (new_id(), new_id())
UTMS = (Utm(source="newsletter"), Utm(campaign="Spring "))
QUEUED, UNCERTAIN, SENT = EmailState.QUEUED, EmailState.UNCERTAIN, EmailState.SENT
DOMAINS = ("x.example", "Y.example", OTHER, "gone.example")
ADDRESSES = ("ada@x.example", "Ada@X.Example", "eve@y.example", "joe@mail.y.example", "")
"""One domain in two spellings, one that is the end of another, and an address that is gone."""


def any_emails(chance: random.Random) -> list[Email]:
    """Up to seventy, of two campaigns and three states besides “sent”."""
    states = [*chance.sample(list(EmailState), 3), EmailState.SENT]
    return [any_email(chance, chance.choice(states)) for _ in range(chance.randrange(70))]


def any_email(chance: random.Random, status: EmailState) -> Email:
    """One of two campaigns over two days, many in one moment."""
    number = chance.randrange(2)
    moment = FIRST + timedelta(hours=chance.choice([0, 0, 1, 2, 25, 47]), milliseconds=chance.choice([0, 0, 0, 1, 3_599_999]))
    handed_over = status in {EmailState.SENT, EmailState.UNCERTAIN}
    happened = [name for name in LATER.values() if handed_over and chance.random() < 0.2]
    address = chance.choice(ADDRESSES)
    return make_email(
        campaign_id=CAMPAIGNS[number],
        utm=UTMS[number],
        created_at=moment,
        status=status,
        email=address,
        domain=chance.choice(["", "", "", OTHER]) if address else chance.choice(["x.example", OTHER]),
        **dict.fromkeys(happened, moment + timedelta(minutes=5)),
    )


@st.composite
def queries(draw: st.DrawFn) -> EmailQuery:
    """Any filter of a list, with a range that is open, begins and ends on days, or cuts hours."""
    ends = st.none() | st.dates(date(2026, 3, 27), date(2026, 3, 31))
    ends |= st.integers(0, 72 * 60).map(lambda minutes: FIRST - timedelta(hours=6) + timedelta(minutes=minutes))
    return EmailQuery(
        statuses=tuple(draw(st.lists(st.sampled_from(list(EmailState)), max_size=2, unique=True))),
        outcome=draw(st.none() | st.sampled_from(list(Outcome))),
        domains=tuple(draw(st.lists(st.sampled_from(DOMAINS), max_size=2, unique=True))),
        campaign_ids=tuple(draw(st.lists(st.sampled_from([*CAMPAIGNS, "unknown"]), max_size=2, unique=True))),
        utm_campaign=tuple(draw(st.lists(st.just("SPRING"), max_size=1))),
        start=draw(ends),
        end=draw(ends),
        zone=ZoneInfo(draw(st.sampled_from(["UTC", "Europe/Stockholm", "Asia/Kolkata"]))),
    )


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck))
@given(data=st.data(), seed=st.integers(0, 10**6))
def test_a_list_gives_each_e_mail_that_passes_once_newest_first_forth_and_back(
    store: Store, data: st.DataObject, seed: int
) -> None:
    chance = random.Random(seed)
    emails = any_emails(chance)
    lost = emails[: chance.choice([0, 0, 0, 7, 60])]
    empty(store)
    keep_emails(store, emails)
    remove(store, lost)
    query = data.draw(queries())
    passing = sorted(filter(query.matches, emails[len(lost) :]), key=lambda e: (e.created_at, e.id), reverse=True)
    expected = [email.id for email in passing]
    limit = data.draw(st.integers(len(expected) // 4 + 1, len(expected) + 1))

    forth, back = forth_and_back(store, query, limit)

    assert forth == ([expected[start : start + limit] for start in range(0, len(expected), limit)] or [[]])
    assert back == forth[-2::-1]
    assert [email.id for email in store.email_lists.walk(query)] == expected


def forth_and_back(store: Store, query: EmailQuery, limit: int) -> tuple[list[list[str]], list[list[str]]]:
    """The ids of all pages to the last one, and of those from there back to the first."""
    forth = [page := store.email_lists.find(query, limit=limit)]
    while page.next_token is not None:
        forth.append(page := store.email_lists.find(query, limit=limit, token=page.next_token))
    back = []
    while page.prev_token is not None:
        back.append(page := store.email_lists.find(query, limit=limit, token=page.prev_token))
    return [[email.id for email in one.items] for one in forth], [[email.id for email in one.items] for one in back]


def empty(store: Store) -> None:
    """Take everything away between examples, which is quicker than a new table."""
    keys = [{"PK": item["PK"], "SK": item["SK"]} for item in store.table.scan()]
    for begin in range(0, len(keys), 100):
        store.table.write([Delete(key=key) for key in keys[begin : begin + 100]])


def remove(store: Store, emails: Sequence[Email]) -> None:
    """Take e-mails away as expiry does: they stay counted."""
    for begin in range(0, len(emails), 100):
        store.table.write([Delete(key=schema.key("email", id=email.id)) for email in emails[begin : begin + 100]])


def opened(number: int, **values: Any) -> list[Email]:
    """E-mails of which one in fifty was opened."""
    return [
        make_email(
            campaign_id=CAMPAIGNS[0],
            created_at=FIRST,
            opened_at=FIRST + timedelta(minutes=1) if one % 50 == 0 else None,
            **values,
        )
        for one in range(number)
    ]


def test_a_page_of_what_was_opened_is_found_in_two_requests_of_each_lane_at_most(store: Store) -> None:
    keep_emails(store, opened(3000))
    store.stats.fold_all()

    with metered() as counting:
        store.email_lists.rows(EmailQuery())
    with metered() as cost:
        page = store.email_lists.find(EmailQuery(outcome=Outcome.OPENED), limit=10)

    assert len(page.items) == 10
    assert cost.requests - counting.requests <= 2 * LANES


def test_hours_without_the_outcome_or_the_domain_are_not_read(store: Store) -> None:
    keep_emails(
        store, [make_email(campaign_id=id_, created_at=FIRST - timedelta(hours=number)) for number, id_ in enumerate(CAMPAIGNS)]
    )
    old = make_email(
        campaign_id=CAMPAIGNS[0],
        created_at=FIRST - timedelta(hours=9),
        email="eve@y.example",
        bounced_at=FIRST - timedelta(hours=8),
    )
    keep_emails(store, [old])
    store.stats.fold_all()

    for query, more in ((EmailQuery(outcome=Outcome.BOUNCED), 0), (EmailQuery(domains=("Y.example",)), 1)):
        with metered() as counting:
            store.email_lists.rows(EmailQuery())
        with metered() as cost:
            page = store.email_lists.find(query)
        assert [email.id for email in page.items] == [old.id]
        assert cost.requests == counting.requests + more + LANES


def test_a_list_goes_on_behind_e_mails_that_are_kept_no_longer(store: Store) -> None:
    old = [make_email(campaign_id=CAMPAIGNS[0], created_at=FIRST - timedelta(hours=1)) for _ in range(3)]
    gone = opened(400)
    keep_emails(store, [*gone, *old])
    expire(store, gone)

    found = store.email_lists.find(EmailQuery(), limit=2)
    rest = store.email_lists.find(EmailQuery(), limit=2, token=found.next_token)

    ids = sorted((email.id for email in old), reverse=True)
    assert [email.id for email in found.items] == ids[:2]
    assert [email.id for email in rest.items] == ids[2:]
    assert rest.next_token is None


def expire(store: Store, emails: Sequence[Email]) -> None:
    """Let them be as DynamoDB has not yet deleted them: there, and not to be shown."""
    for begin in range(0, len(emails), 100):
        changes = {schema.TTL_ATTRIBUTE: 1}
        store.table.write(
            [Update(key=schema.key("email", id=email.id), changes=changes) for email in emails[begin : begin + 100]]
        )


@dataclass
class Meanwhile:
    """A client of the table that lets something happen after each answer to a query of partitions with a word in their key."""

    client: Any
    word: str
    happens: Callable[[], None]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def query(self, **asked: Any) -> Any:
        """Answer first."""
        answer = self.client.query(**asked)
        if any(self.word in value.get("S", "") for value in asked["ExpressionAttributeValues"].values()):
            self.happens()
        return answer


@pytest.mark.parametrize(
    ("old", "new"),
    [(QUEUED, SENT), (QUEUED, EmailState.FAILED), (QUEUED, UNCERTAIN), (QUEUED, EmailState.SKIPPED), (UNCERTAIN, SENT)],
)
@pytest.mark.parametrize("moment", ["DELTA#", "#{old}#", "#{new}#"])
def test_an_e_mail_that_changes_its_state_while_it_is_listed_is_there_once(
    store: Store, old: EmailState, new: EmailState, moment: str
) -> None:
    email = make_email(campaign_id=CAMPAIGNS[0], created_at=FIRST, status=old)
    keep_emails(store, [email])
    moved = item_of(replace(email, status=new))
    word = moment.format(old=old, new=new)
    meanwhile = Meanwhile(store.table.client, word, lambda: store.table.write([Put(item=moved)]))
    store.table.client = cast(Any, meanwhile)

    found = store.email_lists.find(EmailQuery())

    assert [one.id for one in found.items] == [email.id]
