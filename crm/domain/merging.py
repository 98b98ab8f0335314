"""Who may be the same person, and what becomes of two entries that are: rules alone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from crm.domain.events import Attendance, AttendanceStatus
from crm.domain.folding import fold, fold_words
from crm.domain.people import ATTRIBUTES, MAX_TAGS, EmailStatus, Person, Profile, folded_address

STRENGTH = (
    AttendanceStatus.CANCELLED,
    AttendanceStatus.INVITED,
    AttendanceStatus.NO_SHOW,
    AttendanceStatus.WAITLISTED,
    AttendanceStatus.REGISTERED,
    AttendanceStatus.ATTENDED,
)
"""Of two entries on one list the later one here holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """Somebody who may be the same person, and why: a sentence without its subject."""

    person: Person
    why: str


def why_same(person: Profile, other: Profile) -> str | None:
    """Return why `other` may be the same person as `person`, None where little speaks for it.

    >>> zoe = Profile(first_name="Zoë", last_name="Ångström", email="zoe.angstrom@techcorp.example", company="Tech Corp")
    >>> why_same(zoe, Profile(first_name="Zoe", last_name="Angstrom", email="z@home.example", company="Tech corp"))
    'has the same name without accents, the same company, and the address z@home.example.'
    >>> why_same(zoe, Profile(first_name="Z.", last_name="Angstrom", email="z.angstrom@home.example"))
    'has a similar name, and the similar address z.angstrom@home.example.'
    >>> why_same(zoe, Profile(first_name="Zoe", last_name="Angstrom", email="x@y.example", company="Elsewhere")) is None
    True
    """
    named = _how_named(person, other)
    alike = similar_address(person, other)
    company, others = fold(person.company), fold(other.company)
    if named is None or not (alike or (named != SIMILAR and (company == others or not company or not others))):
        return None
    at = "the same company, " if company and company == others else ""
    address = f"and the {'similar ' if alike else ''}address {other.email}."
    return f"has {named}, {at}{address}"


SIMILAR = "a similar name"


def _how_named(person: Profile, other: Profile) -> str | None:
    mine, theirs = _folded_name(person), _folded_name(other)
    if (person.first_name, person.last_name) == (other.first_name, other.last_name):
        return "the same name"
    if mine == theirs:
        return "the same name without accents" if person.name.casefold() != other.name.casefold() else "the same name"
    if mine == theirs[::-1]:
        return "first and last name the other way round"
    return SIMILAR if _similar(mine, theirs) else None


def _folded_name(profile: Profile) -> tuple[str, str]:
    return fold(profile.first_name), fold(profile.last_name)


def _similar(mine: tuple[str, str], theirs: tuple[str, str]) -> bool:
    """The same last name, and a first name that may be the other one's: its initial, or its beginning."""
    first, other = (name.replace(".", "").split(" ")[0] for name in (mine[0], theirs[0]))
    return mine[1] == theirs[1] and bool(first and other) and (first.startswith(other) or other.startswith(first))


def bare_local(address: str) -> str:
    """Return what is before the @, without accents, dots, hyphens, underscores and what comes behind a plus.

    >>> bare_local("Zoe.Angstrom+news@example.org")
    'zoeangstrom'
    """
    local = "".join(fold_words(address)).rpartition("@")[0].partition("+")[0]
    return "".join(sign for sign in local if sign not in ".-_")


def similar_address(person: Profile, other: Profile) -> bool:
    """Tell whether two addresses may be one person's: the same before the @, or both made of the name in a usual way."""
    mine, theirs = bare_local(person.email), bare_local(other.email)
    if len(mine) > 1 and mine == theirs:
        return True
    forms = {*_made_of(person), *_made_of(other)}
    return mine in forms and theirs in forms


def _made_of(profile: Profile) -> Iterator[str]:
    """What addresses are usually made of: first and last name either way round, or the initial with the last name."""
    first, last = ("".join(fold_words(name)).replace(".", "") for name in (profile.first_name, profile.last_name))
    if first and last:
        yield from (first + last, last + first, first[0] + last, last + first[0])


def beginnings(profile: Profile) -> list[str]:
    """Return what may stand before the @, or the plus, in addresses of the same person, as search tokens spell it; eight at most.

    >>> beginnings(Profile(first_name="Zoë", last_name="Ångström", email="zoe.angstrom+x@techcorp.example"))[:4]
    ['zoe.angstrom', 'zoeangstrom', 'z.angstrom', 'zangstrom']
    """
    local = "".join(fold_words(profile.email)).rpartition("@")[0].partition("+")[0]
    first, last = ("".join(fold_words(name)).replace(".", "") for name in (profile.first_name, profile.last_name))
    made = [f"{first}.{last}", f"{first[:1]}.{last}", f"{first[:1]}{last}", f"{first}{last}", f"{last}.{first}"]
    wanted = [local, local.replace(".", ""), *(made if first and last else [])]
    return [one for one in dict.fromkeys(wanted) if len(one) > 1][:8]


def stronger(mine: Attendance | None, theirs: Attendance) -> Attendance:
    """Return which of two entries on one list holds: the stronger status; of two like ones the one that was there first."""
    if mine is None:
        return theirs
    rank, other = STRENGTH.index(mine.status), STRENGTH.index(theirs.status)
    if rank == other:
        return min(mine, theirs, key=lambda one: one.since)
    return mine if rank > other else theirs


def merged_status(kept: EmailStatus, gone: EmailStatus, of_address: EmailStatus) -> EmailStatus:
    """Return whether who is left may be mailed: what either side said holds, else what is known of the address that stays.

    >>> merged_status(EmailStatus.MAILABLE, EmailStatus.UNSUBSCRIBED, EmailStatus.BOUNCED).value
    'unsubscribed'
    >>> merged_status(EmailStatus.BOUNCED, EmailStatus.MAILABLE, EmailStatus.MAILABLE).value
    'mailable'
    """
    for said in (EmailStatus.COMPLAINED, EmailStatus.UNSUBSCRIBED):
        if said in (kept, gone, of_address):
            return said
    return of_address


def settled(chosen: Profile, base: Profile, now: Profile) -> Profile:
    """Return what was chosen over `base`, but for what was edited since: there `now` holds."""
    texts = {}
    for attribute in ATTRIBUTES.values():
        edited = getattr(now, attribute) != getattr(base, attribute)
        texts[attribute] = getattr(now if edited else chosen, attribute)
    left = [tag for tag in base.tags if tag not in now.tags]
    came = [tag for tag in now.tags if tag not in base.tags and fold(tag) not in map(fold, chosen.tags)]
    tags = [*[tag for tag in chosen.tags if tag not in left], *came]
    return replace(now, **texts, tags=tuple(tags[:MAX_TAGS]))


def lost_values(chosen: Profile, gone: Profile) -> dict[str, str]:
    """Return `{API name of a field: value}` of what the one that goes had and nobody has any more."""
    lost = {}
    for name, attribute in ATTRIBUTES.items():
        compared = folded_address if name == "email" else fold
        if (value := getattr(gone, attribute)) and compared(value) != compared(getattr(chosen, attribute)):
            lost[name] = value
    return lost


def newer(person: Person, other: Person) -> bool:
    """Tell whether `person` is proposed to stay: who was changed last; of two changed at once, who is named first."""
    return person.updated_at >= other.updated_at


def proposed(kept: Person, gone: Person) -> dict[str, bool]:
    """Return for each field, by its API name, whether the value of who stays is proposed: it is, but for gaps.

    Of two addresses, the one that can be written to.
    """
    own = {name: bool(getattr(kept.profile, attribute)) for name, attribute in ATTRIBUTES.items()}
    if kept.mailable is not gone.mailable:
        own["email"] = kept.mailable
    return own
