"""A crowd of made-up people for tests of lists: few values, so that filters meet, and names as awkward as they come."""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from crm.domain.campaigns import CampaignStatus, Utm
from crm.domain.emails import Email, EmailState
from crm.domain.filters import MAX_COUNT, Order, PeopleFilter
from crm.domain.folding import fold
from crm.domain.ids import email_id
from crm.domain.outcomes import HANDED_OVER, HAS
from crm.domain.people import EmailStatus, Person, Profile, search_tokens
from crm.domain.segments import Segment
from crm.store import Store, schema
from crm.store.email_items import item_of, new_email
from crm.store.keys import stamp
from crm.store.outcomes import email_changes
from crm.store.people_items import status_change
from crm.store.requests import Put
from tests.factories import NOW, make_campaign, make_person

FIRST = ["Ada", "ada", "Ádám", "Bo", "#1", "100%", "李", "Zoë", "Ann Marie", "O'Neil", "\U0001f600", "x", "ﬁona"]
LAST = ["Van", "Van Dyke", "van-dyke", "Ødegård", "Odegard", "#hash", "%25", "李", "Straße", "strasse", "Ng", "Ünal", "a", "A&B"]
LAST += ["O\u00b4Brien"]
COMPANIES = ["", "Acme", "ACME", "Ångström AB", "C# & co", "100%", "Acme#2", "Нева"]
TITLES = ["", "Engineer", "engineer ", "Head of %", "Manager"]
CITIES = ["", "Springfield", "springfield", "São Paulo", "Ulm", "U#lm"]
STATES = ["", "IL", "MA", "SP", "B W", "#"]
TAGS = ["VIP", "vip", "new comer", "100%", "speaker", "čaj"]
WORDS = [
    "a",
    "ad",
    "ada",
    "van",
    "van dyke",
    "od",
    "ø",
    "øde",
    "#",
    "%",
    "10",
    "李",
    "an ma",
    "strasse",
    "x",
    "example",
    "z a",
    "p1",
    "o\u00b4br",
    "ss ob",
]
EVENTS = ["e1", "e2"]
CAMPAIGNS: dict[str, tuple[datetime, datetime | None]] = {
    "c1": (NOW - timedelta(days=40), NOW - timedelta(days=30)),
    "c2": (NOW - timedelta(days=55), None),
    "c3": (NOW - timedelta(days=3), None),
}
"""When their e-mails were made, and when they ended."""
LONG_AGO = NOW - timedelta(days=9999)
SELECTIONS = ["t1", "t2"]
SEGMENTS = {
    "facets": PeopleFilter(company=("Acme", "100%"), state_not=("MA",)),
    "tagged": PeopleFilter(tag=("vip", "speaker"), tag_not=("čaj",)),
    "letter": PeopleFilter(q="v"),
    "words": PeopleFilter(q="an ma", attended_max=10),
    "place": PeopleFilter(city=("Springfield", "Ulm"), state=("IL", "SP"), email_status=(EmailStatus.MAILABLE,)),
    "counts": PeopleFilter(attended_min=1, attended_max=10, hosted_max=0),
    "guests": PeopleFilter(attends=("e1", "e2:cancelled")),
    "strangers": PeopleFilter(attends_not=("e1",)),
    "readers": PeopleFilter(mailed=("c1:opened", "c2:clicked"), job_title=("Engineer", "Manager")),
    "listed": PeopleFilter(within=("list:t1",), without=("days:21", "mailed:c2:not_opened")),
    "tired": PeopleFilter(within=("days:14",), company_not=("Acme",)),
}
"""Segments that tests of lists name: what a profile tells, what it does not, and both."""
CROWD = 100
"""People of the crowd that tests of lists share."""


def crowd_id(number: int) -> str:
    """The id of one of the crowd, the same each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"crowd {number}"))


@dataclass
class Crowd:
    """The people and what they take part in: `{event: {person: status}}`, `{selection: people}`, `{segment: filter}`."""

    people: list[Person]
    attending: dict[str, dict[str, str]] = field(default_factory=dict)
    emails: list[Email] = field(default_factory=list)
    selected: dict[str, set[str]] = field(default_factory=dict)
    segments: dict[str, PeopleFilter] = field(default_factory=dict)

    def matching(self, wanted: PeopleFilter) -> list[Person]:
        """Who matches, by plain Python over everybody."""
        return [person for person in self.people if self._matches(wanted, person)]

    def searched(self, wanted: PeopleFilter) -> PeopleFilter:
        """The filter with the words of the segments that must hold: a list may be in the order of any of them."""
        names = [value.partition(":")[2] for value in wanted.within if value.startswith("segment:")]
        words = [self.segments[name].q for name in names if name in self.segments]
        return replace(wanted, q=" ".join([wanted.q, *words]).strip())

    def _matches(self, wanted: PeopleFilter, person: Person) -> bool:
        return (
            wanted.matches(person)
            and (not wanted.attends or any(self._attends(one, person.id) for one in wanted.attends))
            and not any(self._attends(one, person.id) for one in wanted.attends_not)
            and (not wanted.mailed or any(self._mailed(one, person.id) for one in wanted.mailed))
            and not any(self._mailed(one, person.id) for one in wanted.mailed_not)
            and (not wanted.selected or any(person.id in self.selected.get(one, ()) for one in wanted.selected))
            and (not wanted.ids or person.id in wanted.ids)
            and all(self._is_in(one, person) for one in wanted.within)
            and not any(self._is_in(one, person) for one in wanted.without)
        )

    def _is_in(self, value: str, person: Person) -> bool:
        kind, _, named = value.partition(":")
        if kind == "segment":
            return named in self.segments and self._matches(self.segments[named], person)
        if kind == "list":
            return person.id in self.selected.get(named, ())
        if kind == "days":
            since = NOW - timedelta(days=int(named))
            return any((one.sent_at or one.uncertain_at or LONG_AGO) >= since for one in self.emails if one.user_id == person.id)
        return self._attends(named, person.id) if kind == "attends" else self._mailed(named, person.id)

    def _attends(self, value: str, person_id: str) -> bool:
        event, _, status = value.partition(":")
        return self.attending.get(event, {}).get(person_id, "") in ({status} if status else {"registered", "attended"})

    def _mailed(self, value: str, person_id: str) -> bool:
        campaign, _, outcome = value.partition(":")
        return any(BECAME[outcome](one) for one in self.emails if (one.campaign_id, one.user_id) == (campaign, person_id))


def _sent(email: Email) -> bool:
    return email.status in {"sent", "uncertain"}


BECAME: dict[str, Callable[[Email], bool]] = {
    "": _sent,
    "sent": _sent,
    "delivered": lambda one: _sent(one) and one.delivered_at is not None,
    "opened": lambda one: _sent(one) and one.opened_at is not None,
    "not_opened": lambda one: _sent(one) and one.opened_at is None,
    "clicked": lambda one: _sent(one) and one.clicked_at is not None,
    "not_clicked": lambda one: _sent(one) and one.clicked_at is None,
    "bounced": lambda one: _sent(one) and one.bounced_at is not None,
    "complained": lambda one: _sent(one) and one.complained_at is not None,
    "unsubscribed": lambda one: _sent(one) and one.unsubscribed_at is not None,
    "failed": lambda one: one.status == "failed",
    "skipped": lambda one: one.status == "skipped",
    "uncertain": lambda one: one.status == "uncertain",
}
"""What the outcome in a value of `mailed` means."""


def in_order(people: list[Person], order: str, wanted: PeopleFilter) -> list[Person]:
    """Sort as an order means it, by values and not by keys."""

    def name(person: Person) -> tuple[str, str, str]:
        return fold(person.profile.last_name), fold(person.profile.first_name), person.id

    def token(person: Person) -> tuple[str, str]:
        word = max((word for word in wanted.words if len(word) > 1), key=lambda word: (len(word), word))
        return min(token for token in search_tokens(person.profile) if token.startswith(word)), person.id

    if order == Order.ATTENDED:
        return sorted(people, key=lambda person: (person.attended_event_count, person.id), reverse=True)
    if order == Order.HOSTED:
        hosts = [person for person in people if person.hosted_event_count]
        hosts.sort(key=lambda person: (person.hosted_event_count, person.id), reverse=True)
        return hosts + sorted((person for person in people if not person.hosted_event_count), key=name)
    keys = {
        "name": name,
        "city": lambda person: (fold(person.profile.city), *name(person)),
        "search": token,
        "id": lambda person: person.id,
    }
    return sorted(people, key=keys[order])


def make_crowd(store: Store, size: int, *, seed: int = 1) -> Crowd:
    """Write a crowd and return it as stored."""
    rng = random.Random(seed)
    people = [_person(rng, number) for number in range(size)]
    stored = [person for person in store.people.create_many(people) if isinstance(person, Person)]
    assert len(stored) == size
    return Crowd(people=[_with_status(store, person, rng) for person in stored])


def _person(rng: random.Random, number: int) -> Person:
    profile = Profile(
        first_name=rng.choice(FIRST),
        last_name=rng.choice(LAST),
        email=rng.choice([f"p{number}@example.org", f"Ada.{number}@test.example", f"é{number}@example.org"]),
        company=rng.choice(COMPANIES),
        job_title=rng.choice(TITLES).strip(),
        city=rng.choice(CITIES),
        state=rng.choice(STATES),
        tags=tuple(rng.sample(["VIP", "new comer", "100%", "speaker", "čaj"], rng.choice([0, 0, 1, 2]))),
    )
    return make_person(
        id=crowd_id(number),
        profile=profile.cleaned(),
        hosted_event_count=rng.choice([0, 0, 0, 0, 1, 2, 11]),
        attended_event_count=rng.choice([0, 0, 1, 2, 3, 10, 100]),
    )


def _with_status(store: Store, person: Person, rng: random.Random) -> Person:
    status = rng.choice([EmailStatus.MAILABLE] * 6 + [EmailStatus.UNSUBSCRIBED, EmailStatus.BOUNCED])
    if status is EmailStatus.MAILABLE:
        return person
    update, changes = status_change(person, status, now=NOW)
    store.table.write([update, *store.stats.delta(changes, now=NOW)])
    return replace(person, email_status=status)


def attend(store: Store, crowd: Crowd, *, seed: int = 1) -> None:
    """Let some of them attend events, be mailed in campaigns and stand in selections, some of them twice there.

    Segments are saved besides. The store's clock is to stand at NOW, for groups that count days.
    """
    rng = random.Random(seed)
    for event in EVENTS:
        for person in rng.sample(crowd.people, len(crowd.people) // 3):
            status = rng.choice(["registered", "attended", "invited", "cancelled"])
            item = {"id": event, "userId": person.id, "eventId": event, "status": status, "since": stamp(NOW)}
            store.table.write([Put(item=schema.keyed("attendance", item))])
            crowd.attending.setdefault(event, {})[person.id] = status
    for campaign, (made, ended) in CAMPAIGNS.items():
        status = CampaignStatus.DONE if ended else CampaignStatus.SENDING
        store.campaigns.create(make_campaign(id=campaign, status=status, updated_at=ended or NOW))
        emails = [
            _email(rng, campaign, person, made, ended or NOW) for person in rng.sample(crowd.people, len(crowd.people) // 2)
        ]
        crowd.emails += emails
        for start in range(0, len(emails), 50):
            some = emails[start : start + 50]
            puts = [Put(item=item_of(email)) for email in some]
            store.table.write([*puts, *store.stats.delta(email_changes((None, email) for email in some), now=NOW)])
    for selection in SELECTIONS:
        chosen = [person.id for person in rng.sample(crowd.people, len(crowd.people) // 3)]
        crowd.selected[selection] = set(chosen)
        with_others = [*chosen[:20], "somebody who is gone", *chosen[15:]]
        for seq, start in enumerate(range(0, len(with_others), 25)):
            pasted = 0 if start else len(with_others)
            store.table.write([store.selections.put(selection, seq, with_others[start : start + 25], pasted=pasted)])
    for id_, wanted in SEGMENTS.items():
        store.segments.create(
            Segment(id=id_, name=id_, filter=wanted, owner="ada", shared=True, created_at=NOW, updated_at=NOW).cleaned()
        )
        crowd.segments[id_] = wanted


def _email(rng: random.Random, campaign: str, person: Person, made: datetime, ended: datetime) -> Email:
    """An e-mail made on one of several days, which went out some time between then and the end."""
    created = made + timedelta(days=rng.choice([0, 0, 1]), minutes=rng.randrange(60))
    status = rng.choice(list(EmailState) + [EmailState.SENT] * 4)
    tried = created + (ended - created) * rng.random()
    email = new_email(
        email_id(campaign, person.id),
        campaign_id=campaign,
        user_id=person.id,
        address=person.profile.email,
        utm=Utm(),
        now=created,
    )
    sent, uncertain = (tried if status is one else None for one in (EmailState.SENT, EmailState.UNCERTAIN))
    later: dict[str, Any] = {}
    if status in HANDED_OVER:
        later = dict.fromkeys(rng.sample(list(HAS.values()), rng.choice([0, 1, 3])), tried)
    return replace(email, status=status, sent_at=sent, uncertain_at=uncertain, **later)


def _some(values: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    given = [value for value in values if fold(value)]
    return st.lists(st.sampled_from(given), min_size=1, max_size=len(given), unique=True).map(tuple)


def _groups() -> st.SearchStrategy[tuple[str, ...]]:
    """Segments more often than other groups, as there is more to them."""
    segments = st.sampled_from([f"segment:{one}" for one in (*SEGMENTS, "gone")])
    others = st.sampled_from(
        [
            *[f"list:{one}" for one in (*SELECTIONS, "t9")],
            *["attends:e1", "attends:e2:invited", "attends:e9"],
            *["mailed:c1", "mailed:c2:opened", "mailed:c3:not_clicked", "mailed:c1:skipped", "mailed:c9"],
            *["days:1", "days:7", "days:30", "days:365"],
        ]
    )
    return st.lists(segments | others, min_size=1, max_size=3, unique=True).map(tuple)


BOUNDS = st.sampled_from([0, 1, 2, 3, 10, 50, MAX_COUNT])
FIELDS: dict[str, st.SearchStrategy[object]] = {
    "company": _some([*COMPANIES, "Nobody Ltd"]),
    "job_title": _some(TITLES),
    "city": _some([*CITIES, "Nowhere"]),
    "state": _some(STATES),
    "company_not": _some(COMPANIES),
    "job_title_not": _some(TITLES),
    "city_not": _some(CITIES),
    "state_not": _some(STATES),
    "tag": _some(TAGS),
    "tag_not": _some(TAGS),
    "hosted_min": BOUNDS,
    "hosted_max": BOUNDS,
    "attended_min": BOUNDS,
    "attended_max": BOUNDS,
    "q": st.sampled_from(WORDS),
    "email_status": st.lists(st.sampled_from(list(EmailStatus)), min_size=1, max_size=2).map(tuple),
    "attends": _some([*EVENTS, "e9"]),
    "attends_not": _some(EVENTS),
    "mailed": _some([*CAMPAIGNS, "c1:opened", "c2:not_opened", "c2:bounced", "c3:failed", "c9"]),
    "mailed_not": _some([*CAMPAIGNS, "c1:clicked", "c2:not_clicked", "c3:uncertain", "c1:delivered"]),
    "selected": _some([*SELECTIONS, "t9"]),
    "within": _groups(),
    "without": _groups(),
    "ids": st.lists(st.integers(0, CROWD + 3).map(crowd_id), min_size=1, max_size=60, unique=True).map(tuple),
}


@st.composite
def filters(draw: st.DrawFn) -> PeopleFilter:
    """Filters that ask for a few things at once, some of which nobody has."""
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=4, unique=True))
    return PeopleFilter(**{name: draw(FIELDS[name]) for name in names})  # type: ignore[arg-type]


@st.composite
def grouped(draw: st.DrawFn) -> PeopleFilter:
    """Filters that ask for groups, leave some out or both, beside a thing or two."""
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=2, unique=True))
    given = {
        name: draw(FIELDS[name]) for name in [*names, *draw(st.sampled_from([["within"], ["without"], ["within", "without"]]))]
    }
    return PeopleFilter(**given)  # type: ignore[arg-type]
