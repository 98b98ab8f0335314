"""What an import comes to, as its pages show it: counts as figures, the first failed rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from crm.domain.errors import NotFound
from crm.domain.imports import Import, Kind, Undone
from crm.domain.people import Person
from crm.services import imports
from crm.store import Store
from crm.wiring import get_files

SHOWN = 20
CELL, LINE = 80, 200
"""Letters of a cell, and of a row, that are shown."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A count with its words; `css` is its colour, `link` where the list behind it is, if there is one."""

    label: str
    value: int
    note: str
    css: str = ""
    link: str = ""

    @property
    def colour(self) -> str:
        """The class of the number: none is grey."""
        return self.css if self.value else "zero"


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A row that was left out: its number, what stands in it, why."""

    number: int
    cells: str
    reason: str


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody whom the undo left alone: who (None: not there any more), and why."""

    person: Person | None
    reason: str


def figures(imported: Import, counts: Mapping[Kind, int] | None = None, *, people: str = "") -> list[Figure]:
    """The counts of a dry run or an import; `counts` are newer ones, `people` is the list of those who were written."""
    of = imported.counts if counts is None else counts
    found = [
        Figure("New people", of.get(Kind.NEW, 0), "added", "good", people),
        Figure("Updated", of.get(Kind.UPDATE, 0), "get what the file says", "", people),
        Figure("Unchanged", of.get(Kind.UNCHANGED, 0), "already the same"),
        Figure("Twice in the file", of.get(Kind.DUPLICATE, 0), "what stands further down counts"),
        Figure("Can’t be read", of.get(Kind.INVALID, 0), "left out", "bad", "#failed"),
    ]
    if of.get(Kind.SKIPPED):
        found.append(Figure("Left alone", of[Kind.SKIPPED], "as you chose"))
    return found


def undo_figures(counts: Mapping[Undone, int], people: str) -> list[Figure]:
    """What an undo came to."""
    found = [
        Figure("Deleted", counts.get(Undone.DELETED, 0), "the import had added them"),
        Figure("Restored", counts.get(Undone.RESTORED, 0), "are what they were before"),
        Figure("Left as they are", counts.get(Undone.LEFT, 0), "somebody changed them since", "warn", people),
    ]
    if counts.get(Undone.GONE):
        found.append(Figure("Gone already", counts[Undone.GONE], "deleted or merged before the undo"))
    return found


def shown_failures(imported: Import) -> list[FailedRow]:
    """The first failed rows; none once their file is deleted."""
    if not imported.failed:
        return []
    try:
        rows = imports.shown_failures(get_files(), imported, SHOWN)
    except NotFound:
        return []
    return [
        FailedRow(number, "; ".join(_shortened(cell) for cell in cells)[:LINE].rstrip("; "), reason)
        for number, cells, reason in rows
    ]


def _shortened(cell: str) -> str:
    return cell if len(cell) <= CELL else f"{cell[: CELL // 2]}… ({len(cell):,} characters)"


def left_alone(store: Store, imported: Import) -> list[Left]:
    """The first whom the undo left alone; none once their file is deleted."""
    if not imported.undo_counts.get(Undone.LEFT):
        return []
    left = imports.left_alone(get_files(), imported, SHOWN)
    people = store.people.get_many([one.person_id for one in left])
    return [Left(people.get(one.person_id), one.reason) for one in left]
