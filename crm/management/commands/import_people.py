"""The import without the browser."""

import sys
from argparse import ArgumentParser
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.domain.errors import CrmError
from crm.services import import_whole as imports
from crm.services.export import csv_lines
from crm.services.import_columns import FIELDS, name_columns
from crm.services.import_file import ENCODINGS, SourceFile, read
from crm.services.import_whole import Kind, Options, Report
from crm.store import Store
from crm.wiring import get_store

SHOWN = 5


class Command(BaseCommand):
    """Import people from a CSV file; an import that is repeated doubles nothing."""

    help = (
        "Imports people from a CSV file. Columns are known by their headings; people by their address: new ones are added, known "
        "ones get what the file says, empty cells erase nothing. Prints counts; rows that fail go to a CSV beside the file. "
        "Exit status 1 if the file can't be used at all."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """FILE and what to do with it."""
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--map", nargs="+", action="extend", default=[], metavar="field=Column", help=", ".join(FIELDS))
        parser.add_argument("--encoding", choices=list(ENCODINGS), default="", help="where the guess is wrong")
        parser.add_argument("--dry-run", action="store_true", help="only tell what would happen")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, import or only plan, print counts."""
        file: Path = options["file"]
        try:
            source = read(file.read_bytes(), encoding=options["encoding"])
            chosen = Options(columns=name_columns(source, _pairs(options["map"])))
            self._describe(source, chosen)
            store = get_store()
            report = imports.plan(store, source, chosen) if options["dry_run"] else self._import(store, source, chosen)
        except OSError as error:
            raise CommandError(f"{file} can't be read: {error.strerror}.") from error
        except CrmError as error:
            raise CommandError(error.message) from error
        self._tell(report, dry_run=options["dry_run"])
        if report.failed and not options["dry_run"]:
            self.stdout.write(f"Failed rows: {_write_failed(file, source, report)}")

    def _describe(self, source: SourceFile, options: Options) -> None:
        self.stdout.write(f"{len(source.rows):,} rows, {source.described}")
        for column in options.columns:
            self.stdout.write(f"  {column.title} -> {FIELDS[column.field] if column.field else 'left out'}")

    def _import(self, store: Store, source: SourceFile, options: Options) -> Report:
        """Do it, and say on a terminal how far it is."""
        report, total = Report(), imports.size(source, options)
        for step in imports.commit(store, source, options, now=timezone.now()):
            report.add(step.outcomes)
            if sys.stderr.isatty():
                self.stderr.write(f"\r{step.next or total:,} of {total:,}", ending="" if step.next else "\n")
        return report

    def _tell(self, report: Report, *, dry_run: bool) -> None:
        for kind in Kind:
            if kind is not Kind.SKIPPED:
                self.stdout.write(f"{kind.value:<10} {report.counts[kind]:>8,}")
        for outcome in report.failed[:SHOWN]:
            self.stdout.write(f"  row {outcome.row.number}: {outcome.reason}")
        if len(report.failed) > SHOWN:
            self.stdout.write(f"  and {len(report.failed) - SHOWN:,} more")
        if dry_run:
            self.stdout.write("Nothing was written: this was a dry run.")


def _pairs(given: list[str]) -> dict[str, str]:
    """`--map` as {field: heading}."""
    pairs = {}
    for one in given:
        field, equals, heading = one.partition("=")
        if not equals or field not in FIELDS:
            raise CommandError(f"--map takes field=Column, where field is one of {', '.join(FIELDS)}; “{one[:60]}” is not.")
        pairs[field] = heading
    return pairs


def _write_failed(file: Path, source: SourceFile, report: Report) -> Path:
    """Write the rows that failed beside the file, or into `var/` where that folder can't be written to; give the path."""
    text = "".join(csv_lines(*imports.failed_rows(source, report.failed)))
    name = f"{file.stem}.failed"
    try:
        return _write_new(file.parent, name, text)
    except OSError:
        folder = settings.BASE_DIR / "var"
        folder.mkdir(parents=True, exist_ok=True)
        return _write_new(folder, name, text)


def _write_new(folder: Path, name: str, text: str) -> Path:
    """Write a CSV of this name, or name-2, name-3 …: whatever is there already stays, somebody may be mending it."""
    for number in count(1):
        path = folder / f"{name}{f'-{number}' if number > 1 else ''}.csv"
        with suppress(FileExistsError), path.open("x", encoding="utf-8", newline="") as new:
            new.write(text)
            return path
    raise AssertionError("there is always another number")
