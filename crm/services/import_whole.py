"""Bringing people in from a file: what each row would do, and doing it. The dry run and the import decide by the same code.

Rows with one address are one person: they are taken in the order of the file, so later cells win and empty cells erase
nothing, as if the rows had been imported one after the other. Whatever was written is known by its address, so importing a
file again, or going on after a break, doubles nothing.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from crm.domain.errors import Conflict, CrmError, RuleViolation
from crm.domain.folding import fold
from crm.domain.ids import new_id
from crm.domain.imports import Kind, Mode
from crm.domain.people import ATTRIBUTES, Person, Profile
from crm.services.import_columns import Column
from crm.services.import_file import SourceFile
from crm.services.import_rows import Entry, Unusable, entries_of, split_tags
from crm.services.import_text import Row
from crm.store import Store

__all__ = ["Kind", "Mode", "Options", "Outcome", "Report", "Step", "commit", "failed_rows", "plan", "size"]

logger = logging.getLogger(__name__)

LOOK_UP = 96
TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What staff chose: what each column is, whom to write, and a tag for everybody in the file ("" is none)."""

    columns: tuple[Column, ...]
    mode: Mode = Mode.BOTH
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became, or would become, of one row. `reason` says why it is left out; `person_id` is "" where nobody was there."""

    row: Row
    kind: Kind
    reason: str = ""
    person_id: str = ""


@dataclass(slots=True)
class Report:
    """The sum of outcomes: a count of each kind, and the rows that failed, in the order of the file."""

    counts: Counter[Kind] = field(default_factory=Counter)
    failed: list[Outcome] = field(default_factory=list)
    repeated: list[Outcome] = field(default_factory=list)

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Count these too."""
        for outcome in outcomes:
            self.counts[outcome.kind] += 1
            if outcome.kind is Kind.INVALID:
                self.failed.append(outcome)
            elif outcome.kind is Kind.DUPLICATE:
                self.repeated.append(outcome)
        self.failed.sort(key=lambda outcome: outcome.row.number)

    @property
    def written(self) -> int:
        """How many people are, or would be, added or changed."""
        return self.counts[Kind.NEW] + self.counts[Kind.UPDATE]


@dataclass(frozen=True, slots=True)
class Step:
    """One part of an import that is done: where the next one starts (None: nothing is left) and what became of its rows."""

    next: int | None
    outcomes: list[Outcome]


@dataclass(frozen=True, slots=True)
class _Decision:
    """What one address comes to: the profile to write, if any, and the outcome of each row."""

    existing: Person | None
    profile: Profile | None
    outcomes: list[Outcome]


def plan(store: Store, source: SourceFile, options: Options) -> Report:
    """Tell what an import would do, without writing: two batch reads per 96 addresses. RuleViolation where it can't be done."""
    entries, unusable = entries_of(source, options.columns)
    report = Report()
    report.add(_failed(unusable))
    for place in range(0, len(entries), LOOK_UP):
        some = entries[place : place + LOOK_UP]
        known = store.people.find_by_emails([entry.address for entry in some])
        for entry in some:
            report.add(_decide(entry, known.get(entry.address), options).outcomes)
    return report


def commit(store: Store, source: SourceFile, options: Options, *, now: datetime, start: int = 0) -> Iterator[Step]:
    """Write the people, several per transaction, and give what became of them step by step; RuleViolation where it can't be done.

    Each person is written wholly or not at all. Stop after any step and go on later with `start=step.next`.
    """
    entries, unusable = entries_of(source, options.columns)
    outcomes = _failed(unusable) if start == 0 else []
    for place in range(start, len(entries), LOOK_UP):
        some = entries[place : place + LOOK_UP]
        outcomes += _write(store, some, options, now)
        store.stats.fold_all()
        rest = place + LOOK_UP
        logger.info("people imported", extra={"addresses": len(some), "left": max(0, len(entries) - rest)})
        yield Step(rest if rest < len(entries) else None, outcomes)
        outcomes = []
    if start >= len(entries):
        yield Step(None, outcomes)


def size(source: SourceFile, options: Options) -> int:
    """How many addresses there are to go through: what `Step.next` counts up to."""
    return len(entries_of(source, options.columns)[0])


def failed_rows(source: SourceFile, failed: Sequence[Outcome]) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of the file that holds what failed: the columns as they came, then the reason."""
    width = max([len(source.headers), *(len(outcome.row.cells) for outcome in failed)])
    header = [*source.headers, *[""] * (width - len(source.headers)), "reason"]
    return header, [[*o.row.cells, *[""] * (width - len(o.row.cells)), o.reason] for o in failed]


def _failed(unusable: Iterable[Unusable]) -> list[Outcome]:
    return [Outcome(row=one.row, kind=Kind.INVALID, reason=one.reason) for one in unusable]


# --- what that comes to -------------------------------------------------------------------------------------------------------


def _decide(entry: Entry, existing: Person | None, options: Options) -> _Decision:
    """Lay the rows of one address over what is stored. Pure."""
    skip = {Mode.CREATE: existing is not None, Mode.UPDATE: existing is None}.get(options.mode, False)
    if skip:
        reason = (
            "The address is known, and only new people are added."
            if existing
            else "The address is new, and only known ones are updated."
        )
        return _Decision(existing, None, [Outcome(row=row, kind=Kind.SKIPPED, reason=reason) for row, _ in entry.rows])
    profile, places, outcomes = existing.profile if existing else None, [], []
    for row, values in entry.rows:
        try:
            profile = _merged(profile, values, options.tag).cleaned()
        except RuleViolation as error:
            outcomes.append(Outcome(row=row, kind=Kind.INVALID, reason=" ".join(one.message for one in error.errors)))
        else:
            places.append(row)
    if not places or profile is None:
        return _Decision(existing, None, outcomes)
    kind = Kind.NEW if existing is None else Kind.UNCHANGED if profile == existing.profile else Kind.UPDATE
    outcomes.append(Outcome(row=places[0], kind=kind, person_id=existing.id if existing else ""))
    same = f"The same address as in row {places[0].number}; what stands further down counts."
    outcomes += [Outcome(row=row, kind=Kind.DUPLICATE, reason=same) for row in places[1:]]
    return _Decision(existing, None if kind is Kind.UNCHANGED else profile, outcomes)


def _merged(profile: Profile | None, values: dict[str, str], tag: str) -> Profile:
    """The profile with the filled cells in it. A known address stays as it is written; tags are added, never taken away."""
    base = profile or Profile(first_name="", last_name="", email=values["email"])
    texts = {ATTRIBUTES[name]: value for name, value in values.items() if name in ATTRIBUTES and name != "email"}
    had = {fold(one) for one in base.tags}
    more = [one for one in (*split_tags(values.get("tags", "")), *filter(None, [tag.strip()])) if fold(one) not in had]
    return replace(base, **texts, tags=(*base.tags, *more))


# --- doing it -----------------------------------------------------------------------------------------------------------------


def _write(store: Store, entries: Sequence[Entry], options: Options, now: datetime) -> list[Outcome]:
    """Decide and write; who was added or changed by others meanwhile is decided anew. Gives the outcomes of all rows."""
    outcomes: list[Outcome] = []
    left = list(entries)
    for _ in range(TRIES):
        known = store.people.find_by_emails([entry.address for entry in left])
        decided = [(entry, _decide(entry, known.get(entry.address), options)) for entry in left]
        left = []
        for entry, decision, result in _written(store, decided, now):
            if isinstance(result, Conflict):
                left.append(entry)
            elif isinstance(result, CrmError):
                outcomes += [replace(one, kind=Kind.INVALID, reason=result.message) for one in decision.outcomes]
            else:
                outcomes += [replace(one, person_id=result.id) if result else one for one in decision.outcomes]
        if not left:
            break
    reason = "Somebody else keeps changing this person; import the row again."
    return outcomes + [Outcome(row=row, kind=Kind.INVALID, reason=reason) for entry in left for row, _ in entry.rows]


def _written(
    store: Store, decided: Sequence[tuple[Entry, _Decision]], now: datetime
) -> Iterator[tuple[Entry, _Decision, Person | CrmError | None]]:
    """Write what is to be written; give for each what came of it, None where there was nothing to write."""
    fresh, changed = [], []
    for entry, decision in decided:
        if decision.profile is None:
            yield entry, decision, None
        elif decision.existing is None:
            person = Person(id=new_id(), profile=decision.profile, created_at=now, updated_at=now)
            fresh.append((entry, decision, person))
        else:
            pair = (decision.existing, decision.existing.edited(decision.profile, now=now))
            changed.append((entry, decision, pair))
    results = store.people.create_many([person for _, _, person in fresh]) if fresh else []
    results += store.people.save_many([pair for _, _, pair in changed]) if changed else []
    for (entry, decision, _), result in zip([*fresh, *changed], results, strict=True):
        yield entry, decision, result
