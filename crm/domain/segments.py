"""Segments: a people filter under a name, somebody's own or for everybody."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from crm.domain.erasing import speaks_of, without_person
from crm.domain.errors import RuleViolation
from crm.domain.filters import Order, PeopleFilter
from crm.domain.folding import TURNING, control_characters, fold, nothing_visible
from crm.domain.people import Person

MAX_NAME = 80
MAX_NAME_BYTES = 400
MAX_OWN = 200
"""Segments that one of the staff may have: a list of them is read whole."""
ERASED = "(erased)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One saved filter. `owner` is a username; what is not `shared` is seen by the owner alone. Times are aware UTC."""

    id: str
    name: str
    filter: PeopleFilter
    order: Order = Order.SOURCE
    owner: str
    shared: bool = False
    created_at: datetime
    updated_at: datetime
    version: int = 0

    def cleaned(self) -> "Segment":
        """Return it with its name trimmed; RuleViolation for a name or filter that can't be."""
        name = " ".join(self.name.split()) if not control_characters(self.name) else self.name
        if message := _fault(name):
            raise RuleViolation(message, field="name")
        if self.filter.is_empty:
            raise RuleViolation("Filter the people first: a segment without a filter would be everybody.", field="filter")
        if self.filter.segment_ids:
            raise RuleViolation(
                "A segment can't lean on another one: take that out of the filter, or put what it asks for in its place.",
                field="filter",
            )
        return replace(self, name=name)

    def seen_by(self, viewer: str) -> bool:
        """Whether `viewer`, a username, gets to see it at all."""
        return self.shared or self.owner == viewer

    def changed_by(self, viewer: str, *, edits_people: bool) -> bool:
        """Whether `viewer` may change or delete it: the owner may, and whoever edits people where it is shared."""
        return self.owner == viewer or (self.shared and edits_people)

    def is_about(self, wanted: PeopleFilter) -> bool:
        """Whether it means the same people as that filter."""
        return self.filter.fingerprint() == wanted.fingerprint()

    def without(self, person: Person) -> "Segment":
        """Return it without the address and the whole name of `person`: in `q` their id stands for them, in the name nothing.

        A `q` of one word of the name is not theirs alone and stays.
        """
        wanted = without_person(self.filter, person.id, person.profile)
        return replace(self, filter=wanted, name=_forgetting(self.name, person))


def _fault(name: str) -> str:
    if not name:
        return "Give it a name."
    if control_characters(name):
        return "The name has a control character in it (a tab or line break, perhaps); remove it."
    if nothing_visible(name) or not fold(name):
        return "The name has nothing in it that can be seen; type at least one letter or digit."
    if not TURNING.isdisjoint(name):
        return "The name has a character in it that can't be seen and turns the direction of writing; type it anew."
    if len(name) > MAX_NAME or max(len(name.encode()), len(fold(name).encode())) > MAX_NAME_BYTES:
        return f"The name is too long; {MAX_NAME} characters are the most."
    return ""


def _forgetting(text: str, person: Person) -> str:
    """The text with the address and the whole name struck out, or all of it where other accents than theirs hide them."""
    if not speaks_of(text, person.profile):
        return text
    left = text
    profile = person.profile
    for said in (
        profile.email,
        profile.name,
        f"{profile.last_name}, {profile.first_name}",
        f"{profile.last_name} {profile.first_name}",
    ):
        left = re.sub(re.escape(said), ERASED, left, flags=re.IGNORECASE)
    return ERASED if speaks_of(left, person.profile) else left
