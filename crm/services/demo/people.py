"""Made-up people, the same for the same seed."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from crm.domain.folding import fold
from crm.domain.people import Person, Profile
from crm.services.demo.names import COMPANIES, COUNTRIES, TAGS, TITLES, Country

HISTORY = timedelta(days=400)
"""How long before the demo's own present the first people came."""

COMPANY_SHARES = [1 / (place + 4) for place in range(len(COMPANIES))]


def demo_id(seed: int, kind: str, number: int) -> str:
    """Return the id of the nth made-up thing of a kind: 32 hexadecimal characters, as all ids are."""
    return hashlib.blake2b(f"{seed}:{kind}:{number}".encode(), digest_size=16).hexdigest()


def chance(seed: int, kind: str, number: int = 0) -> Random:
    """Return a source of chance that belongs to one thing, so that more people change nothing about the others."""
    return Random(f"{seed}:{kind}:{number}")


@dataclass(slots=True)
class Crowd:
    """The people of a demo, and who of them lives where: `{(country's zone): their places in the list}`."""

    people: list[Person] = field(default_factory=list)
    zones: dict[str, list[int]] = field(default_factory=dict)


def make_crowd(seed: int, number: int, present: datetime) -> Crowd:
    """Return `number` people who came one after another up to `present`; the first of them `HISTORY` before."""
    crowd = Crowd()
    taken: set[str] = set()
    for place in range(number):
        random = chance(seed, "person", place)
        country = random.choices(COUNTRIES, [country.share for country in COUNTRIES])[0]
        came = present - HISTORY * (1 - place / number)
        crowd.people.append(_person(demo_id(seed, "person", place), random, country, taken, came))
        crowd.zones.setdefault(country.zone, []).append(place)
    return crowd


def _person(person_id: str, random: Random, country: Country, taken: set[str], came: datetime) -> Person:
    first, first_latin = _spelled(random.choice(country.first))
    last, last_latin = _spelled(random.choice(country.last))
    company = _company(random)
    city, state = random.choice(country.places) if random.random() < 0.93 else ("", "")
    tags = tuple(tag for tag, percent in TAGS if random.random() * 100 < percent)
    profile = Profile(
        first_name=first,
        last_name=last,
        email=_address(first_latin, last_latin, company, random, taken),
        phone_number=_phone(random, country) if random.random() < 0.6 else "",
        company=company,
        job_title=_weighted(random, TITLES) if random.random() < 0.9 else "",
        city=city,
        state=state,
        tags=tags,
    )
    return Person(id=person_id, profile=profile, created_at=came, updated_at=came)


def _spelled(word: str) -> tuple[str, str]:
    """A name as it is written, and as it stands in an address."""
    native, _, latin = word.partition("|")
    return native, latin or native


def _company(random: Random) -> str:
    """A few employ many, many employ a few, and every tenth person says nothing."""
    if random.random() < 0.1:
        return ""
    return random.choices(COMPANIES, COMPANY_SHARES)[0]


def _phone(random: Random, country: Country) -> str:
    return f"{country.phone} {random.randrange(100, 1000)} {random.randrange(1000, 10000)}"


def _weighted(random: Random, choices: tuple[tuple[str, int], ...]) -> str:
    return random.choices([name for name, _ in choices], [weight for _, weight in choices])[0]


def _address(first: str, last: str, company: str, random: Random, taken: set[str]) -> str:
    """An address that nobody else has, in a domain that is reserved for examples (RFC 2606)."""
    domain = _plain(company) if company and random.random() < 0.7 else random.choice(("post", "mail", "letterbox", "home"))
    local = f"{_plain(first)}.{_plain(last)}"
    address, number = f"{local}@{domain}.example", 1
    while address in taken:
        number += 1
        address = f"{local}{number}@{domain}.example"
    taken.add(address)
    return address


_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "ı": "i"})


def _plain(text: str) -> str:
    """Letters and digits alone, as they stand in an address.

    >>> _plain("Øyvind d’Arcy"), _plain("Harbour & Pine")
    ('oyvinddarcy', 'harbourpine')
    """
    return "".join(c for c in fold(text).translate(_LETTERS) if c.isascii() and c.isalnum()) or "x"
