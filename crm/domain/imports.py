"""Imports: a file of people from its upload to its undoing, and what became of its rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from crm.domain.errors import Conflict, RuleViolation

KEPT_FOR = timedelta(days=30)
"""How long the file, its failed rows and the possibility to undo are kept."""
CHANGED = "This import was changed meanwhile. Load the page again."


class Kind(StrEnum):
    """What a row does."""

    NEW = "new"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    SKIPPED = "skipped"
    INVALID = "invalid"


class Undone(StrEnum):
    """What an undo makes of a person. `LEFT`: touched since, so left alone; `GONE`: not there any more."""

    DELETED = "deleted"
    RESTORED = "restored"
    LEFT = "left"
    GONE = "gone"


class Mode(StrEnum):
    """Whose rows are written: all, only those of unknown addresses, only those of known ones."""

    BOTH = "both"
    CREATE = "create"
    UPDATE = "update"


class ImportStatus(StrEnum):
    """Where an import stands. A cancelled one may still be finishing its last step: until it has `finished_at`."""

    OPEN = "open"
    CHECKING = "checking"
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    UNDOING = "undoing"
    UNDONE = "undone"


CHOOSING = frozenset({ImportStatus.OPEN, ImportStatus.CHECKING, ImportStatus.CHECKED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What staff chose. Empty `encoding` and `delimiter`, and `headed` None: found out. `columns` is `{place: field}`, None:
    recognised.
    """

    encoding: str = ""
    delimiter: str = ""
    headed: bool | None = None
    columns: Mapping[int, str] | None = None
    mode: Mode = Mode.BOTH
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import. Times are aware UTC. Nothing of what stands in the file is here.

    `encoding` and `delimiter` are how the file is read ("" for a sheet of Excel); `guessed`: the encoding may be wrong;
    `headed`: the first row is headings, not a person.
    `columns` None: as recognised; `remembered_at`: when they were chosen for a file with the same headings. `problem` is why the
    file can't be used as it was chosen. `rows` None: not counted yet. `counts` and `failed` are the dry run's until the import
    begins, then the import's. `started_at` is None until it began, `finished_at` until nothing more is written. `dry_run`
    names the present dry run: each choice begins another one.
    """

    id: str
    name: str
    owner: str
    size: int
    kind: str
    status: ImportStatus = ImportStatus.OPEN
    encoding: str = ""
    delimiter: str = ""
    guessed: bool = False
    headed: bool = True
    columns: Mapping[int, str] | None = None
    remembered_at: datetime | None = None
    mode: Mode = Mode.BOTH
    tag: str = ""
    problem: str = ""
    rows: int | None = None
    counts: Mapping[Kind, int] = field(default_factory=dict)
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    undo_counts: Mapping[Undone, int] = field(default_factory=dict)
    undone_at: datetime | None = None
    dry_run: str = ""
    version: int = 0

    @property
    def failed(self) -> int:
        """How many rows failed, or would."""
        return self.counts.get(Kind.INVALID, 0)

    @property
    def written(self) -> int:
        """How many people were, or would be, added or changed."""
        return self.counts.get(Kind.NEW, 0) + self.counts.get(Kind.UPDATE, 0)

    @property
    def kept_until(self) -> datetime:
        """When file and failed rows are deleted."""
        return self.created_at + KEPT_FOR

    @property
    def undo_until(self) -> datetime | None:
        """Until when it can be undone; None while nothing is finished."""
        return self.finished_at + KEPT_FOR if self.finished_at else None

    def must_be(self, version: int) -> None:
        """Conflict unless it is at the version that somebody saw."""
        if version != self.version:
            raise Conflict(CHANGED)

    def chosen(self, choices: Choices, *, dry_run: str, guessed: bool = False, remembered_at: datetime | None = None) -> "Import":
        """Return it with other choices, unchecked; Conflict once it has begun."""
        if self.status not in CHOOSING:
            raise Conflict("This import has begun; what it does can’t be changed any more.")
        return replace(
            self,
            status=ImportStatus.OPEN,
            encoding=choices.encoding,
            delimiter=choices.delimiter,
            guessed=guessed,
            headed=choices.headed is not False,
            columns=choices.columns,
            remembered_at=remembered_at,
            mode=choices.mode,
            tag=choices.tag,
            problem="",
            rows=None,
            counts={},
            dry_run=dry_run,
        )

    def checking(self) -> "Import":
        """Return it with a dry run under way."""
        return replace(self, status=ImportStatus.CHECKING)

    def checked(self, rows: int, counts: Mapping[Kind, int]) -> "Import":
        """Return it with what the dry run found."""
        return replace(self, status=ImportStatus.CHECKED, rows=rows, counts=counts)

    def unusable(self, problem: str) -> "Import":
        """Return it with why the file can't be used as it was chosen."""
        return replace(self, status=ImportStatus.OPEN, problem=problem)

    def begun(self, *, now: datetime) -> "Import":
        """Return it running; Conflict unless its choices were checked."""
        if self.status is not ImportStatus.CHECKED:
            raise Conflict("Check first what this import would do; then it can begin.")
        return replace(self, status=ImportStatus.RUNNING, started_at=now, counts={})

    def counted(self, rows: int, counts: Mapping[Kind, int]) -> "Import":
        """Return it with what was done so far."""
        return replace(self, rows=rows, counts=counts)

    def ended(self, *, now: datetime, problem: str = "") -> "Import":
        """Return it with nothing more to write: done, or stopped where staff or a `problem` stopped it."""
        running = self.status is ImportStatus.RUNNING
        status = ImportStatus.CANCELLED if problem or not running else ImportStatus.DONE
        return replace(self, status=status, finished_at=now, problem=problem)

    def cancelled(self) -> "Import":
        """Return it stopped: a dry run is open again, an import ends after its step. Conflict when nothing is under way."""
        if self.status is ImportStatus.CHECKING:
            return replace(self, status=ImportStatus.OPEN)
        if self.status is not ImportStatus.RUNNING:
            raise Conflict("This import is not running.")
        return replace(self, status=ImportStatus.CANCELLED)

    def undoing(self, *, now: datetime) -> "Import":
        """Return it on the way back. Conflict unless it is finished; RuleViolation when that is too long ago."""
        if self.status not in {ImportStatus.DONE, ImportStatus.CANCELLED} or self.finished_at is None:
            raise Conflict("Only an import that is finished can be undone.")
        if now > self.finished_at + KEPT_FOR:
            raise RuleViolation(f"An import can be undone for {KEPT_FOR.days} days; this one is older.")
        return replace(self, status=ImportStatus.UNDOING)

    def undone(self, counts: Mapping[Undone, int], *, now: datetime) -> "Import":
        """Return it undone, with what became of its people."""
        return replace(self, status=ImportStatus.UNDONE, undo_counts=counts, undone_at=now)
