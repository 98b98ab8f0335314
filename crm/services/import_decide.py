"""What the rows of one address come to: decided the same in the dry run and in earnest, without reads or writes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from crm.domain.errors import RuleViolation
from crm.domain.folding import fold
from crm.domain.imports import Kind, Mode
from crm.domain.people import ATTRIBUTES, Person, Profile
from crm.services.import_rows import Entry, Unusable, split_tags
from crm.services.import_text import Row

_WRITES = frozenset({Kind.NEW, Kind.UPDATE, Kind.UNCHANGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became, or would become, of one row. `reason` says why it is left out; `person_id` is "" where nobody was there."""

    row: Row
    kind: Kind
    reason: str = ""
    person_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one address comes to: the profile to write, if any, by which row, and the outcome of each row."""

    existing: Person | None
    profile: Profile | None = None
    row: int = 0
    outcomes: list[Outcome]

    def done(self, person_id: str) -> list[Outcome]:
        """Return the outcomes once it is written."""
        return [replace(one, person_id=person_id) for one in self.outcomes]

    def done_by(self, row: int, person_id: str, kind: Kind) -> list[Outcome]:
        """Return the outcomes where it is known that it was written before: by this row, and as what."""
        same = f"The same address as in row {row}; what stands further down counts."
        return [
            replace(one, person_id=person_id, kind=kind, reason="")
            if one.row.number == row
            else replace(one, person_id=person_id, kind=Kind.DUPLICATE, reason=same)
            if one.kind in _WRITES
            else replace(one, person_id=person_id)
            for one in self.outcomes
        ]

    def refused(self, reason: str) -> list[Outcome]:
        """Return the outcomes where nothing could be written."""
        return [replace(one, kind=Kind.INVALID, reason=reason) for one in self.outcomes]


def decide(entry: Entry, existing: Person | None, mode: Mode, tag: str) -> Decision:
    """Lay the rows of one address over what is stored: later cells win, empty cells erase nothing."""
    if {Mode.CREATE: existing is not None, Mode.UPDATE: existing is None}.get(mode, False):
        return Decision(existing=existing, outcomes=_skipped(entry, existing))
    profile, kept, outcomes = existing.profile if existing else None, [], []
    for row, values in entry.rows:
        try:
            profile = _merged(profile, values, tag).cleaned()
        except RuleViolation as error:
            outcomes.append(Outcome(row=row, kind=Kind.INVALID, reason=" ".join(one.message for one in error.errors)))
        else:
            kept.append(row)
    if not kept or profile is None:
        return Decision(existing=existing, outcomes=outcomes)
    kind = Kind.NEW if existing is None else Kind.UNCHANGED if profile == existing.profile else Kind.UPDATE
    outcomes.append(Outcome(row=kept[0], kind=kind, person_id=existing.id if existing else ""))
    same = f"The same address as in row {kept[0].number}; what stands further down counts."
    outcomes += [Outcome(row=row, kind=Kind.DUPLICATE, reason=same) for row in kept[1:]]
    wanted = None if kind is Kind.UNCHANGED else profile
    return Decision(existing=existing, profile=wanted, row=kept[0].number, outcomes=outcomes)


def failed(unusable: Iterable[Unusable]) -> list[Outcome]:
    """Return the outcomes of rows that say nothing about anybody."""
    return [Outcome(row=one.row, kind=Kind.INVALID, reason=one.reason) for one in unusable]


def counted(outcomes: Iterable[Outcome], before: Mapping[Kind, int]) -> dict[Kind, int]:
    """Return how many rows there are of each kind, those before among them."""
    counts = dict(before)
    for outcome in outcomes:
        counts[outcome.kind] = counts.get(outcome.kind, 0) + 1
    return counts


def _skipped(entry: Entry, existing: Person | None) -> list[Outcome]:
    reason = (
        "The address is known, and only new people are added."
        if existing
        else "The address is new, and only known ones are updated."
    )
    return [Outcome(row=row, kind=Kind.SKIPPED, reason=reason) for row, _ in entry.rows]


def _merged(profile: Profile | None, values: Mapping[str, str], tag: str) -> Profile:
    """The profile with the filled cells in it. A known address stays as it is written; tags are added, never taken away."""
    base = profile or Profile(first_name="", last_name="", email=values["email"])
    texts = {ATTRIBUTES[name]: value for name, value in values.items() if name in ATTRIBUTES and name != "email"}
    had = {fold(one) for one in base.tags}
    more = [one for one in (*split_tags(values.get("tags", "")), *filter(None, [tag.strip()])) if fold(one) not in had]
    return replace(base, **texts, tags=(*base.tags, *more))
