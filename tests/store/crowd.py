"""A crowd of made-up people for tests of lists: few values, so that filters meet, and names as awkward as they come."""

import random
import uuid
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from crm.domain.filters import MAX_COUNT, Order, PeopleFilter
from crm.domain.folding import fold
from crm.domain.ids import email_id
from crm.domain.people import EmailStatus, Person, Profile, search_tokens
from crm.store import Store, schema
from crm.store.keys import stamp
from crm.store.people_items import status_change
from crm.store.requests import Put
from tests.factories import NOW, make_person

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
CAMPAIGNS = ["c1", "c2"]
SELECTIONS = ["t1", "t2"]
CROWD = 100
"""People of the crowd that tests of lists share."""


def crowd_id(number: int) -> str:
    """The id of one of the crowd, the same each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"crowd {number}"))


@dataclass
class Crowd:
    """The people, and who attends, was mailed, stands in what: `{id of event, campaign or selection: ids of people}`."""

    people: list[Person]
    attending: dict[str, set[str]] = field(default_factory=dict)
    mailed: dict[str, set[str]] = field(default_factory=dict)
    selected: dict[str, set[str]] = field(default_factory=dict)

    def matching(self, wanted: PeopleFilter) -> list[Person]:
        """Who matches, by plain Python over everybody."""
        return [person for person in self.people if wanted.matches(person) and self._member(wanted, person.id)]

    def _member(self, wanted: PeopleFilter, person_id: str) -> bool:
        def holds(asked: tuple[str, ...], sets: dict[str, set[str]]) -> bool:
            return any(person_id in sets.get(one, ()) for one in asked)

        return (
            (not wanted.attends or holds(wanted.attends, self.attending))
            and not holds(wanted.attends_not, self.attending)
            and (not wanted.mailed or holds(wanted.mailed, self.mailed))
            and not holds(wanted.mailed_not, self.mailed)
            and (not wanted.selected or holds(wanted.selected, self.selected))
            and (not wanted.ids or person_id in wanted.ids)
        )


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

    Who only was invited or whose e-mail failed does not count.
    """
    rng = random.Random(seed)
    for event in EVENTS:
        for person in rng.sample(crowd.people, len(crowd.people) // 3):
            status = rng.choice(["registered", "attended", "invited", "cancelled"])
            item = {"id": event, "userId": person.id, "eventId": event, "status": status, "since": stamp(NOW)}
            store.table.write([Put(item=schema.keyed("attendance", item))])
            if status in {"registered", "attended"}:
                crowd.attending.setdefault(event, set()).add(person.id)
    for campaign in CAMPAIGNS:
        for person in rng.sample(crowd.people, len(crowd.people) // 2):
            status = rng.choice(["sent", "uncertain", "failed", "queued"])
            item = {"id": email_id(campaign, person.id), "userId": person.id, "campaignId": campaign, "status": status}
            store.table.write([Put(item=schema.keyed("email", item | {"createdAt": stamp(NOW)}))])
            if status in {"sent", "uncertain"}:
                crowd.mailed.setdefault(campaign, set()).add(person.id)
    for selection in SELECTIONS:
        chosen = [person.id for person in rng.sample(crowd.people, len(crowd.people) // 3)]
        crowd.selected[selection] = set(chosen)
        with_others = [*chosen[:20], "somebody who is gone", *chosen[15:]]
        for seq, start in enumerate(range(0, len(with_others), 25)):
            store.table.write([store.selections.put(selection, seq, with_others[start : start + 25])])


def _some(values: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    given = [value for value in values if fold(value)]
    return st.lists(st.sampled_from(given), min_size=1, max_size=len(given), unique=True).map(tuple)


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
    "mailed": _some([*CAMPAIGNS, "c9"]),
    "mailed_not": _some(CAMPAIGNS),
    "selected": _some([*SELECTIONS, "t9"]),
    "ids": st.lists(st.integers(0, CROWD + 3).map(crowd_id), min_size=1, max_size=60, unique=True).map(tuple),
}


@st.composite
def filters(draw: st.DrawFn) -> PeopleFilter:
    """Filters that ask for a few things at once, some of which nobody has."""
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=4, unique=True))
    return PeopleFilter(**{name: draw(FIELDS[name]) for name in names})  # type: ignore[arg-type]
