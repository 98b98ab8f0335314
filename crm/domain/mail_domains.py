"""The domains of addresses that e-mails are counted under: the frequent ones each by name, all others together."""

from collections import Counter
from collections.abc import Iterable

from crm.domain.people import folded_address

MOST_NAMED = 200
"""Domains of one campaign that are counted each by name; docs/decisions/0219-domains-of-addresses.md gives the reasons."""
SAMPLE = 1000
"""People of a larger audience who are looked at first, to know which domains are frequent."""
LONGEST = 100
"""Characters of a domain that is counted by name."""
OTHER = "other"
"""What all e-mails count under whose domain is not named; no domain, for a domain has a dot in it."""


def domain_of(address: str) -> str:
    """Return the domain of an address as it is counted, OTHER where it is none that can be named.

    >>> domain_of(" Ada@Example.org"), domain_of("root@localhost"), domain_of("")
    ('example.org', 'other', 'other')
    """
    domain = folded_address(address).rpartition("@")[2]
    return domain if "." in domain and len(domain) <= LONGEST else OTHER


def most_frequent(addresses: Iterable[str], most: int = MOST_NAMED) -> frozenset[str]:
    """Return the most frequent domains among addresses, those that come first where some are equally frequent.

    >>> sorted(most_frequent(["a@x.example", "b@y.example", "c@z.example", "d@y.example"], 2))
    ['x.example', 'y.example']
    """
    counts = Counter(domain for address in addresses if (domain := domain_of(address)) != OTHER)
    return frozenset(domain for domain, _ in counts.most_common(most))


def with_room(named: frozenset[str], addresses: Iterable[str], most: int = MOST_NAMED) -> frozenset[str]:
    """Return the named domains with those of further addresses, first come first named, while there is room.

    >>> sorted(with_room(frozenset({"x.example"}), ["a@y.example", "b@x.example", "c@z.example"], 2))
    ['x.example', 'y.example']
    """
    new = [domain for domain in dict.fromkeys(map(domain_of, addresses)) if domain not in named and domain != OTHER]
    return named | frozenset(new[: max(0, most - len(named))])
