"""Where a person is spoken of outside of what is kept about them: in filters that ask for them by name or address."""

import re
from dataclasses import replace

from crm.domain.filters import PeopleFilter
from crm.domain.folding import fold
from crm.domain.people import Profile


def speaks_of(text: str, profile: Profile) -> bool:
    """Tell whether a text holds the address or every word of the name, however they are written.

    >>> bo = Profile(first_name="Bo", last_name="Lí", email="bo@example.org")
    >>> speaks_of("LI  bo", bo), speaks_of("(Bo Li’s friends)", bo), speaks_of("to Bo@Example.org.", bo)
    (True, True, True)
    >>> speaks_of("bo", bo), speaks_of("bo linder", bo), speaks_of("jumbo@example.org", bo)
    (False, False, False)
    """
    said, address, words = fold(text), fold(profile.email), fold(profile.name).split()
    if address and re.search(rf"(?<![\w.+%-]){re.escape(address)}(?![\w-]|\.\w)", said):
        return True
    return bool(words) and all(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", said) for word in words)


def without_person(wanted: PeopleFilter, person_id: str, profile: Profile) -> PeopleFilter:
    """Return the filter with the person's id in place of a `q` that speaks of them, so that it never comes to mean everybody."""
    return replace(wanted, q="", ids=(person_id,)) if speaks_of(wanted.q, profile) else wanted
