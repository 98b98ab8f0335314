"""The import without the browser."""

import signal
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.domain.errors import Conflict, CrmError, RuleViolation
from crm.jobs.here import work_off
from crm.jobs.work import Work
from crm.mail.null import NullMailer
from crm.management.acting import actor, add_as
from crm.services import imports
from crm.services.export import csv_lines
from crm.services.import_columns import FIELDS, Column, name_columns
from crm.services.import_encoding import ENCODINGS
from crm.services.import_jobs import CHECK, WRITE, job_key
from crm.services.import_source import Source, read
from crm.services.imports import Choices, Import, ImportStatus, Kind
from crm.wiring import get_files, get_store, send_settings

SHOWN = 5


class Command(BaseCommand):
    """Import people from a file; an import that is repeated doubles nothing."""

    help = (
        "Imports people from a CSV file or an Excel sheet of any size. Columns are known by their headings, or are Column 1 and "
        "so on where the first row is a person, with an address in it; people by their address: new ones are added, known ones "
        "get what the file says, empty cells erase nothing. Prints counts; rows that fail go to a CSV beside the "
        "file. Ctrl-C stops it: what is written by then stays, and can be undone in the browser, as any import for 30 days. "
        "Exit status 1 if the file can't be used at all."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """FILE, what to do with it, and in whose name."""
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--map", nargs="+", action="extend", default=[], metavar="field=Column", help=", ".join(FIELDS))
        parser.add_argument("--encoding", choices=list(ENCODINGS), default="", help="where the guess is wrong")
        parser.add_argument("--dry-run", action="store_true", help="only tell what would happen")
        add_as(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Upload, check, import unless it is a dry run, print counts."""
        file: Path = options["file"]
        self._actor = actor(options, "crm.import_people")
        self._store, self._files = get_store(), get_files()
        try:
            imported = self._uploaded(file)
            try:
                imported = self._checked(imported, _pairs(options["map"]), options["encoding"])
                if not options["dry_run"]:
                    imported = self._imported(imported)
                self._tell(imported)
                if imported.failed and not options["dry_run"]:
                    lines = csv_lines(*imports.failed_rows(self._files, imported), separator=imports.separator_of(imported))
                    self.stdout.write(f"Failed rows: {_write_failed(file, lines)}")
            finally:
                with suppress(CrmError):  # begun: then it stays, to be seen and undone in the browser
                    self._discard(imported)
        except OSError as error:
            raise CommandError(f"{file} can't be read: {error.strerror}.") from error
        except ValueError as error:
            raise CommandError(str(error)) from error
        except CrmError as error:
            raise CommandError(error.message) from error

    def _discard(self, imported: Import) -> None:
        stored = self._store.imports.get(imported.id)
        imports.discard(self._store, self._files, stored, actor=self._actor, now=timezone.now())

    def _uploaded(self, file: Path) -> Import:
        with file.open("rb") as content:
            size = file.stat().st_size
            owner, now = self._actor, timezone.now()
            return imports.upload(self._store, self._files, name=file.name, content=content, size=size, owner=owner, now=now)

    def _checked(self, imported: Import, pairs: dict[str, str], encoding: str) -> Import:
        """Choose the columns, and see what would happen. RuleViolation where the file can't be used."""
        source = imports.opened(self._files, imported)
        if encoding:
            source = read(source.open, kind=imported.kind, encoding=encoding)
        columns = name_columns(source, pairs)
        self._describe(source, columns)
        choices = Choices(
            encoding=source.encoding,
            delimiter=source.delimiter,
            headed=source.headed,
            columns={column.index: column.field for column in columns},
        )
        chosen = imports.choose(self._store, self._files, imported.id, choices, version=imported.version, now=timezone.now())
        if chosen.status is ImportStatus.CHECKING:
            self._work_off(chosen, CHECK)
        checked = self._store.imports.get(imported.id)
        if checked.problem:
            raise RuleViolation(checked.problem)
        self.stdout.write(f"{checked.rows:,} rows")
        return checked

    def _imported(self, imported: Import) -> Import:
        begun = imports.begin(self._store, imported.id, version=imported.version, actor=self._actor, now=timezone.now())
        self._work_off(begun, WRITE)
        ended = self._store.imports.get(imported.id)
        if ended.problem:
            self.stderr.write(ended.problem)
        return ended

    def _work_off(self, imported: Import, kind: str) -> None:
        """Do the job of that kind, and say on a terminal how far it is. Ctrl-C stops it after the step in hand."""
        work = Work(store=self._store, mailer=NullMailer(), settings=send_settings(), files=self._files)
        with _interrupts() as interrupted:

            def goes_on() -> bool:
                if interrupted.is_set():
                    interrupted.clear()
                    with suppress(Conflict):
                        imports.cancel(self._store, imported.id, actor=self._actor, now=timezone.now())
                progress = imports.progress(self._store, imported.id)
                if sys.stderr.isatty():
                    self.stderr.write(f"\r{progress.done:,} of {progress.total:,}", ending="" if progress.at_work else "\n")
                return progress.at_work

            work_off(work, job_key(imported.id, kind), goes_on=goes_on)

    def _describe(self, source: Source, columns: Iterable[Column]) -> None:
        self.stdout.write(source.described)
        for column in columns:
            self.stdout.write(f"  {column.title} -> {FIELDS[column.field] if column.field else 'left out'}")

    def _tell(self, imported: Import) -> None:
        for kind in Kind:
            if kind is not Kind.SKIPPED:
                self.stdout.write(f"{kind.value:<10} {imported.counts.get(kind, 0):>8,}")
        for number, _, reason in imports.shown_failures(self._files, imported, SHOWN):
            self.stdout.write(f"  row {number}: {reason}")
        if imported.failed > SHOWN:
            self.stdout.write(f"  and {imported.failed - SHOWN:,} more")
        if imported.started_at is None:
            self.stdout.write("Nothing was written: this was a dry run.")
        elif imported.status is ImportStatus.CANCELLED:
            self.stdout.write(f"Stopped: {imported.written:,} people were written until then.")


@contextmanager
def _interrupts() -> Iterator[Event]:
    """Give what Ctrl-C sets while the block lasts, instead of ending the process in the middle of a step."""
    interrupted = Event()
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _pairs(given: list[str]) -> dict[str, str]:
    """`--map` as {field: heading}."""
    pairs = {}
    for one in given:
        field, equals, heading = one.partition("=")
        if not equals or field not in FIELDS:
            raise CommandError(f"--map takes field=Column, where field is one of {', '.join(FIELDS)}; “{one[:60]}” is not.")
        pairs[field] = heading
    return pairs


def _write_failed(file: Path, lines: Iterable[str]) -> Path:
    """Write the rows that failed beside the file, or into `var/` where that folder can't be written to; give the path."""
    name = f"{file.stem}.failed"
    try:
        path, new = _new_file(file.parent, name)
    except OSError:
        folder = settings.BASE_DIR / "var"
        folder.mkdir(parents=True, exist_ok=True)
        path, new = _new_file(folder, name)
    with new:
        new.writelines(lines)
    return path


def _new_file(folder: Path, name: str) -> tuple[Path, Any]:
    """Open a CSV of this name, or name-2, name-3 …: whatever is there already stays, somebody may be mending it."""
    for number in count(1):
        path = folder / f"{name}{f'-{number}' if number > 1 else ''}.csv"
        with suppress(FileExistsError):
            return path, path.open("x", encoding="utf-8", newline="")
    raise AssertionError("there is always another number")
