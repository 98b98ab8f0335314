"""What is remembered of a person that stands nowhere else: notes, edits, imports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crm.domain.people import ATTRIBUTES, Profile

Changes = Mapping[str, tuple[str, str]]
"""`{API name of a field: (before, after)}`; tags are one text, with line breaks between them."""


class LogKind(StrEnum):
    """What was done."""

    NOTE = "note"
    ADDED = "added"
    EDITED = "edited"
    IMPORTED = "imported"
    MERGED = "merged"
    STATUS = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One line of a person's log. `actor` is a username, empty for a script or the person themselves.

    `text` is a note, or a few words; `source` the id of the import, task or campaign that did it, and `source_name` what
    staff call that; an import's stands in the import alone, for it may tell of somebody who is erased one day. `created` says
    that the person came here by it.
    """

    id: str
    user_id: str
    at: datetime
    kind: LogKind
    actor: str = ""
    text: str = ""
    changes: Changes = field(default_factory=dict)
    source: str = ""
    source_name: str = ""
    created: bool = False
    version: int = 0


def changes_between(old: Profile, new: Profile) -> dict[str, tuple[str, str]]:
    """Return which fields differ, with both values.

    >>> ada, wed = (Profile(first_name="Ada", last_name=last, email="ada@example.org") for last in ("King", "Lovelace"))
    >>> changes_between(ada, wed)
    {'lastName': ('King', 'Lovelace')}
    """
    before, after = _texts(old), _texts(new)
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


def _texts(profile: Profile) -> dict[str, str]:
    return {name: getattr(profile, attribute) for name, attribute in ATTRIBUTES.items()} | {"tags": "\n".join(profile.tags)}
