"""`manage.py verify`: whether what is counted is what is there."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.domain.errors import StoreUnavailable
from crm.services.verify import Difference, findings, repair
from crm.store import Store
from crm.wiring import get_store


class Command(BaseCommand):
    """Recounts everything. Exit status 1 where something differs, or still differs after `--repair`."""

    help = (
        "Recounts all counters from the items and checks the invariants; names each difference after reading it a second time, "
        "so it can run while work goes on. Exit status 1 where something differs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to mend."""
        parser.add_argument("--repair", action="store_true", help="mend counters and whatever else can be derived from the items")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, mend if asked to, and say what is left."""
        try:
            left, lost = self._repair(get_store()) if options["repair"] else self._look(get_store())
        except StoreUnavailable as error:
            raise CommandError(error.message) from error
        self._clear()
        for difference in left:
            self.stdout.write(f"{difference}{'' if difference.mendable else ' (--repair can’t mend this)'}")
        if lost:
            self.stdout.write(f"Left out: {lost:,} rows of counters, of e-mails or hits that are no longer kept one by one.")
        if left:
            words = "thing is" if len(left) == 1 else "things are"
            raise CommandError(f"{len(left):,} {words} not as it should be.", returncode=1)
        self.stdout.write("Everything adds up.")

    def _look(self, store: Store) -> tuple[list[Difference], int]:
        found = findings(store, report=self._report)
        return found.differences, found.lost

    def _repair(self, store: Store) -> tuple[list[Difference], int]:
        done = repair(store, report=self._report)
        self._clear()
        for difference in done.mended:
            self.stdout.write(f"mended: {difference}")
        return done.left, done.lost

    def _report(self, read: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{read:,} items read", ending="")

    def _clear(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write("\r" + " " * 40 + "\r", ending="")
