"""People: who they are and what may be written about them."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from crm.domain.errors import FieldError, RuleViolation
from crm.domain.folding import TURNING, control_characters, fold, fold_words, hidden_characters, nothing_visible

MAX_TAGS = 20
MAX_TAG = 100
"""Bytes of a folded tag; as typed it may have twice as many."""
TAGS_APART = ";"
"""What stands between tags where several are one text, so that no tag has it in it."""
MAX_SEARCH_TOKENS = 20
MAX_BYTES = {
    "firstName": 200,
    "lastName": 200,
    "email": 254,
    "phoneNumber": 60,
    "company": 500,
    "jobTitle": 500,
    "city": 200,
    "state": 200,
}
AROUND_PHONES = "".join(TURNING) + " \u00a0"
"""What telephones and spreadsheets put around a number that is copied from them."""
REQUIRED = ("firstName", "lastName", "email")
LABELS = {
    "firstName": "First name",
    "lastName": "Last name",
    "email": "E-mail",
    "phoneNumber": "Phone",
    "company": "Company",
    "jobTitle": "Job title",
    "city": "City",
    "state": "State",
    "tags": "Tags",
}
# A local part and a host with a dot, no spaces; what an address really is, only a delivery tells (RFC 5321, 4.5.3.1: 64 + 255).
ADDRESS = re.compile(
    r"[^\s@\"(),:;<>\[\]\\]{1,64}@(?!-)(?:[^\s@\"(),:;<>\[\]\\./?#%!&]{1,63}\.)+[^\s@\"(),:;<>\[\]\\./?#%!&]{2,63}"
)


class EmailStatus(StrEnum):
    """Whether a person may be mailed."""

    MAILABLE = "mailable"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


def folded_address(address: str) -> str:
    """Return the address as it is compared: trimmed, casefolded, composed, so that one accent has one spelling; accents count.

    Claims, suppressions and whoever tells two addresses apart use this and nothing else.

    >>> folded_address(" Ada@Example.org ")
    'ada@example.org'
    >>> folded_address("Jose\u0301@example.org") == folded_address("jos\u00e9@EXAMPLE.org")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).strip().casefold())


def well_formed_address(text: str) -> bool:
    """Tell whether a text is one plain address; whether anybody has it only a delivery tells.

    >>> well_formed_address("team@example.org"), well_formed_address("Team <team@example.org>")
    (True, False)
    """
    return _fault("email", text) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What staff type about a person. Empty text means unknown."""

    first_name: str
    last_name: str
    email: str
    phone_number: str = ""
    company: str = ""
    job_title: str = ""
    city: str = ""
    state: str = ""
    tags: tuple[str, ...] = ()

    def cleaned(self) -> "Profile":
        """Return the profile trimmed, its address composed, with each tag once; RuleViolation names every field that can't be."""
        trimmed = {name: getattr(self, attribute).strip() for name, attribute in ATTRIBUTES.items()}
        trimmed["email"] = unicodedata.normalize("NFC", trimmed["email"])
        trimmed["phoneNumber"] = trimmed["phoneNumber"].strip(AROUND_PHONES)
        tags = distinct(self.tags)
        errors = [FieldError(field=name, message=message) for name, value in trimmed.items() if (message := _fault(name, value))]
        errors += _tag_faults(tags)
        if errors:
            raise RuleViolation("; ".join(error.message for error in errors), errors=errors)
        return Profile(**{ATTRIBUTES[name]: value for name, value in trimmed.items()}, tags=tags)

    @property
    def name(self) -> str:
        """First and last name as one reads them."""
        return f"{self.first_name} {self.last_name}".strip()


ATTRIBUTES = {
    "firstName": "first_name",
    "lastName": "last_name",
    "email": "email",
    "phoneNumber": "phone_number",
    "company": "company",
    "jobTitle": "job_title",
    "city": "city",
    "state": "state",
}
"""The API's name of each text field, and ours."""


def distinct(typed: Iterable[str]) -> tuple[str, ...]:
    """Return the values that are not empty, trimmed, each once as it compares, as it was typed first.

    >>> distinct(["VIP", " new ", "vip", ""])
    ('VIP', 'new')
    """
    kept: dict[str, str] = {}
    for value in typed:
        if value.strip():
            kept.setdefault(fold(value), value.strip())
    return tuple(kept.values())


def _fault(name: str, value: str) -> str | None:
    label = LABELS[name]
    if not value:
        return f"{label} is required." if name in REQUIRED else None
    if control_characters(value):
        return f"{label} has a control character in it (a tab or line break, perhaps); remove it."
    folded = folded_address(value) if name == "email" else fold(value)
    if not folded:
        return f"{label} has only accents in it; type at least one letter, digit or sign."
    if nothing_visible(value):
        return f"{label} has nothing in it that can be seen; type at least one letter, digit or sign."
    if name == "email" and hidden_characters(value):
        return "E-mail has a character in it that can't be seen; type the address anew."
    if not TURNING.isdisjoint(value):
        return f"{label} has a character in it that can't be seen and turns the direction of writing; type it anew."
    if len(folded.encode()) > MAX_BYTES[name] or len(value.encode()) > 2 * MAX_BYTES[name]:
        return f"{label} is too long; shorten it."
    if name == "email" and len("".join(fold_words(value)).encode()) > MAX_BYTES[name]:
        return f"{label} is too long; shorten it."
    if name == "email" and not ADDRESS.fullmatch(value):
        return f"“{value}” is not an e-mail address; it should look like name@example.org."
    return None


def _tag_faults(tags: tuple[str, ...]) -> list[FieldError]:
    if len(tags) > MAX_TAGS:
        return [FieldError(field="tags", message=f"A person can have {MAX_TAGS} tags; these are {len(tags)}.")]
    return [
        FieldError(
            field="tags",
            message=f"The tag “{tag[:40]}” can't be used: it is too long, invisible, or has a semicolon or control character.",
        )
        for tag in tags
        if not fold(tag)
        or TAGS_APART in tag
        or nothing_visible(tag)
        or control_characters(tag)
        or not TURNING.isdisjoint(tag)
        or len(fold(tag).encode()) > MAX_TAG
        or len(tag.encode()) > 2 * MAX_TAG
    ]


def checked_tag(typed: str) -> str:
    """Return one tag, trimmed; RuleViolation where it can't be one.

    >>> checked_tag(" VIP ")
    'VIP'
    """
    tags = distinct([typed])
    errors = _tag_faults(tags) if tags else [FieldError(field="tag", message="Type a tag.")]
    if errors:
        raise RuleViolation(errors[0].message, errors=[FieldError(field="tag", message=errors[0].message)])
    return tags[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person as stored. Times are aware UTC; the two counts are kept by the transactions of hosts and attendances.

    `merged_from` are the ids of those who were found to be the same person. `leaving`: they are just being deleted, or merged
    into somebody else; `merging`: they are one side of a merge, whichever it is.
    """

    id: str
    profile: Profile
    hosted_event_count: int = 0
    attended_event_count: int = 0
    email_status: EmailStatus = EmailStatus.MAILABLE
    merged_from: tuple[str, ...] = ()
    leaving: bool = False
    merging: bool = False
    version: int = 0
    created_at: datetime
    updated_at: datetime

    def edited(self, profile: Profile, *, now: datetime) -> "Person":
        """Return the person with another profile, checked; RuleViolation names what can't be."""
        return replace(self, profile=profile.cleaned(), updated_at=now)

    @property
    def name(self) -> str:
        """First and last name as one reads them."""
        return self.profile.name

    @property
    def listed_name(self) -> str:
        """Last name first, as lists sort it."""
        return f"{self.profile.last_name}, {self.profile.first_name}"

    @property
    def mailable(self) -> bool:
        """Whether a campaign may go to this person."""
        return self.email_status is EmailStatus.MAILABLE


def search_tokens(profile: Profile) -> tuple[str, ...]:
    """Return what prefixes are looked up in: each word of the name, folded, then the whole address; 20 at most.

    Words of one character are left out: two characters are the least a prefix has.

    >>> search_tokens(Profile(first_name="Ada", last_name="King Noël", email="ada@example.org"))
    ('ada', 'king', 'noel', 'ada@example.org')
    """
    words = dict.fromkeys(word for word in fold_words(f"{profile.first_name} {profile.last_name}") if len(word) > 1)
    address = "".join(fold_words(profile.email))
    return (*[word for word in words if word != address][: MAX_SEARCH_TOKENS - 1], address)
