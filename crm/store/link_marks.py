"""Numbers of links as one character each: an e-mail says in few bytes which were followed, and is found by one of them."""

from collections.abc import Iterable
from string import ascii_lowercase, ascii_uppercase, digits

FIRST = digits + ascii_lowercase + ascii_uppercase
REST = 0xC0
"""Where the letters begin that stand for the numbers behind FIRST."""
MOST = 1000
"""Links of a letter that are told apart; nobody follows the thousandth."""


def mark(link: int) -> str:
    """Return the character of a link.

    >>> mark(0), mark(11), mark(62)
    ('0', 'b', 'À')
    """
    return FIRST[link] if link < len(FIRST) else chr(REST + link - len(FIRST))


def marks(links: Iterable[int]) -> str:
    """Return the characters of some links, in order.

    >>> marks({11, 0, 3})
    '03b'
    """
    return "".join(mark(link) for link in sorted(links) if 0 <= link < MOST)


def links_of(text: str) -> frozenset[int]:
    """Return the links of some characters, the inverse of `marks`.

    >>> sorted(links_of("03bÀ"))
    [0, 3, 11, 62]
    """
    return frozenset(FIRST.index(one) if one in FIRST else ord(one) - REST + len(FIRST) for one in text)
