"""Where a person is spoken of outside of what is kept about them: in filters that ask for them by name or address."""

from dataclasses import replace

from crm.domain.filters import PeopleFilter
from crm.domain.folding import fold
from crm.domain.people import Profile


def speaks_of(text: str, profile: Profile) -> bool:
    """Tell whether a text holds the address or every word of the name, however they are written.

    >>> zoe = Profile(first_name="Zoë", last_name="Ångström", email="zoe@example.org")
    >>> speaks_of("ANGSTROM  zoe", zoe), speaks_of("to Zoe@Example.org", zoe), speaks_of("zoe", zoe)
    (True, True, False)
    """
    said, name = fold(text), set(fold(profile.name).split())
    return fold(profile.email) in said or (bool(name) and name <= set(said.split()))


def without_person(wanted: PeopleFilter, person_id: str, profile: Profile) -> PeopleFilter:
    """Return the filter with the person's id in place of a `q` that speaks of them, so that it never comes to mean everybody."""
    return replace(wanted, q="", ids=(person_id,)) if speaks_of(wanted.q, profile) else wanted
