"""Where a person is spoken of outside of what is kept about them: in filters that ask for them, and in names of files."""

import re
from dataclasses import replace
from pathlib import PurePath

from crm.domain.filters import PeopleFilter
from crm.domain.folding import fold
from crm.domain.people import Profile

ERASED = "(erased)"
ENDINGS = frozenset({".csv", ".tsv", ".txt", ".xlsx"})
_APOSTROPHES = re.compile("['’‘ʼ`´]")
_SIGNS = re.compile(r"[\W_]+")


def speaks_of(text: str, profile: Profile) -> bool:
    """Tell whether a text holds the address or every word of the name, however they are written.

    >>> bo = Profile(first_name="Bo", last_name="Lí", email="bo@example.org")
    >>> speaks_of("LI  bo", bo), speaks_of("(Bo Li’s friends)", bo), speaks_of("to Bo@Example.org.", bo), speaks_of("bo_li", bo)
    (True, True, True, True)
    >>> speaks_of("bo", bo), speaks_of("bo linder", bo), speaks_of("jumbo@example.org", bo)
    (False, False, False)
    >>> sean = Profile(first_name="Sean", last_name="O'Brien", email="sob@example.org")
    >>> speaks_of("sean obrien", sean), speaks_of("Sean O’Brien", sean), speaks_of("o brien, sean", sean)
    (True, True, True)
    """
    said, address = fold(text), fold(profile.email)
    if address and re.search(rf"(?<![\w.+%-]){re.escape(address)}(?![\w-]|\.\w)", said):
        return True
    name = fold(profile.name)
    spellings = _words(name), _words(_APOSTROPHES.sub("", name))
    words = _words(said) | _words(_APOSTROPHES.sub("", said))
    return any(spelling and spelling <= words for spelling in spellings)


def _words(folded: str) -> frozenset[str]:
    """The words of a text, parted at every sign; one that is nothing but signs stays whole."""
    words = ((word, [part for part in _SIGNS.split(word) if part]) for word in folded.split())
    return frozenset(part for word, parts in words for part in parts or [word])


def without_person(wanted: PeopleFilter, person_id: str, profile: Profile) -> PeopleFilter:
    """Return the filter with the person's id in place of a `q` that speaks of them, so that it never comes to mean everybody."""
    return replace(wanted, q="", ids=(person_id,)) if speaks_of(wanted.q, profile) else wanted


def without_name(file_name: str, profile: Profile) -> str:
    """Return the name of a file, with `(erased)` in place of one that speaks of the person; its ending stays.

    >>> bo = Profile(first_name="Bo", last_name="Li", email="bo@example.org")
    >>> without_name("bo@example.org.csv", bo), without_name("Li_Bo.xlsx", bo), without_name("members.csv", bo)
    ('(erased).csv', '(erased).xlsx', 'members.csv')
    """
    path = PurePath(file_name)
    ending = path.suffix if path.suffix.lower() in ENDINGS else ""
    stem = file_name[: len(file_name) - len(ending)]
    return f"{ERASED}{ending}" if speaks_of(stem, profile) else file_name
