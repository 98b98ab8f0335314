"""Tables in plain text, and the bounds that were promised."""

from collections.abc import Sequence
from dataclasses import dataclass, field

Cell = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One table: a title, column headings, rows of as many cells (None is empty), and what a reader must know."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """The table as one reads it: words to the left, numbers to the right."""
        rows = [[_shown(cell) for cell in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(self.columns, *rows, strict=True)]
        worded = [any(isinstance(row[place], str) for row in self.rows) for place in range(len(self.columns))]
        lines = [_line(cells, widths, worded) for cells in [self.columns, *rows]]
        rule = "  ".join("-" * width for width in widths)
        return "\n".join([self.title, "", lines[0], rule, *lines[1:], *[f"  {note}" for note in self.notes]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A promise in words, what was measured, and the most that keeps it."""

    promise: str
    measured: float
    most: float

    @property
    def kept(self) -> bool:
        """Whether what was measured is within the promise."""
        return self.measured <= self.most


@dataclass(frozen=True, slots=True)
class Result:
    """What one bench found."""

    grids: list[Grid] = field(default_factory=list)
    bounds: list[Bound] = field(default_factory=list)


def text_of(results: Sequence[Result]) -> str:
    """Return all tables, the promises last."""
    bounds = [bound for result in results for bound in result.bounds]
    rows = [(bound.promise, bound.measured, bound.most, "kept" if bound.kept else "BROKEN") for bound in bounds]
    grids = [grid for result in results for grid in result.grids]
    if rows:
        grids.append(Grid(title="Promises", columns=("promise", "measured", "at most", ""), rows=rows))
    return "\n\n\n".join(grid.text() for grid in grids) + "\n"


def exit_status(results: Sequence[Result]) -> int:
    """Return 1 when a promise is broken, else 0."""
    return int(not all(bound.kept for result in results for bound in result.bounds))


def _line(cells: Sequence[str], widths: Sequence[int], worded: Sequence[bool]) -> str:
    padded = [cell.ljust(width) if words else cell.rjust(width) for cell, width, words in zip(cells, widths, worded, strict=True)]
    return "  ".join(padded).rstrip()


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.1f}" if abs(cell) >= 100 else f"{cell:.2f}"
    return f"{cell:,}" if isinstance(cell, int) else cell
