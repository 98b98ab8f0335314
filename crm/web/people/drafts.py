"""Uploaded files of people between upload and report: kept in Django's storage, for their owner alone, for a week."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from crm.domain.errors import NotFound
from crm.domain.ids import new_id
from crm.services.import_columns import Column, choose, named, recognise
from crm.services.import_file import SourceFile, read
from crm.services.import_whole import Kind, Mode, Options, Outcome, Report

FOLDER = "imports"
DAYS = 7
OPEN, RUNNING, DONE = "open", "running", "done"
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One upload, and what was chosen and done so far. `next`: where the import goes on; `failed`: row numbers and reasons.

    `edition` goes up with each save: the file of the newest edition is what counts.
    """

    id: str
    owner: int
    name: str
    created_at: str
    status: str = OPEN
    encoding: str = ""
    delimiter: str = ""
    columns: dict[str, str] | None = None
    mode: str = Mode.BOTH.value
    tag: str = ""
    next: int = 0
    addresses: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    failed: list[tuple[int, str]] = field(default_factory=list)
    edition: int = 0

    @property
    def created(self) -> datetime:
        """When the file came in."""
        return datetime.fromisoformat(self.created_at)

    def source(self) -> SourceFile:
        """The file, read as was chosen."""
        with default_storage.open(f"{FOLDER}/{self.id}/source") as file:
            return read(file.read(), encoding=self.encoding, delimiter=self.delimiter)

    def shown(self, source: SourceFile) -> tuple[Column, ...]:
        """What the columns are, as chosen, whether or not that can be; else as recognised."""
        return recognise(source) if self.columns is None else named(source, self._by_index())

    def chosen(self, source: SourceFile) -> tuple[Column, ...]:
        """The same; RuleViolation where it can't be."""
        return recognise(source) if self.columns is None else choose(source, self._by_index())

    def _by_index(self) -> dict[int, str]:
        return {int(index): name for index, name in (self.columns or {}).items()}

    def options(self, source: SourceFile) -> Options:
        """What the import is told."""
        return Options(columns=self.chosen(source), mode=Mode(self.mode), tag=self.tag)

    def with_outcomes(self, outcomes: list[Outcome], place: int | None) -> "Draft":
        """The draft after one more step; `place` None: it was the last."""
        counts = Counter(self.counts)
        counts.update(outcome.kind.value for outcome in outcomes)
        bad = [(outcome.row.number, outcome.reason) for outcome in outcomes if outcome.kind is Kind.INVALID]
        status, following = (DONE, self.addresses) if place is None else (RUNNING, place)
        return replace(self, counts=dict(counts), failed=sorted([*self.failed, *bad]), status=status, next=following)

    def report(self, source: SourceFile) -> Report:
        """What became of the rows so far."""
        rows = {row.number: row for row in source.rows}
        report = Report(counts=Counter({Kind(kind): number for kind, number in self.counts.items()}))
        report.failed = [Outcome(row=rows[number], kind=Kind.INVALID, reason=reason) for number, reason in self.failed]
        return report


def start(owner: int, name: str, data: bytes) -> Draft:
    """Keep an upload; what is older than a week goes."""
    sweep()
    draft = Draft(id=new_id(), owner=owner, name=name, created_at=timezone.now().isoformat())
    default_storage.save(f"{FOLDER}/{draft.id}/source", ContentFile(data))
    return save(draft)


def save(draft: Draft) -> Draft:
    """Write the draft and return it one edition up. It is a file of its own, so a break leaves the edition before."""
    saved = replace(draft, edition=draft.edition + 1)
    default_storage.save(_path(saved), ContentFile(json.dumps(asdict(saved)).encode()))
    if draft.edition:
        default_storage.delete(_path(draft))
    return saved


def load(draft_id: str, owner: int) -> Draft:
    """The draft of that id; NotFound where there is none, it is too old, or it is somebody else's."""
    draft = _newest(draft_id) if _ID.fullmatch(draft_id) else None
    if draft is None or draft.owner != owner or draft.created < timezone.now() - timedelta(days=DAYS):
        raise NotFound(f"There is no such import; files are kept for {DAYS} days. Choose the file again.")
    return draft


def of_owner(owner: int) -> list[Draft]:
    """The imports of somebody that were begun, newest first."""
    mine = [draft for draft in _all() if draft.owner == owner and draft.status != OPEN]
    return sorted(mine, key=lambda draft: draft.created, reverse=True)


def sweep() -> None:
    """Delete what is older than a week."""
    for draft in list(_all()):
        if draft.created < timezone.now() - timedelta(days=DAYS):
            for name in default_storage.listdir(f"{FOLDER}/{draft.id}")[1]:
                default_storage.delete(f"{FOLDER}/{draft.id}/{name}")
            default_storage.delete(f"{FOLDER}/{draft.id}")


def _path(draft: Draft) -> str:
    return f"{FOLDER}/{draft.id}/{draft.edition:06}.json"


def _all() -> Iterator[Draft]:
    if not default_storage.exists(FOLDER):
        return
    for draft_id in default_storage.listdir(FOLDER)[0]:
        draft = _newest(draft_id)
        if draft is not None:
            yield draft


def _newest(draft_id: str) -> Draft | None:
    """The last edition that was written wholly."""
    try:
        names = default_storage.listdir(f"{FOLDER}/{draft_id}")[1]
    except FileNotFoundError:
        return None
    for name in sorted((name for name in names if name.endswith(".json")), reverse=True):
        with default_storage.open(f"{FOLDER}/{draft_id}/{name}") as file:
            text = file.read()
        try:
            values = json.loads(text)
        except ValueError:
            continue
        return Draft(**{**values, "failed": [tuple(pair) for pair in values["failed"]]})
    return None
