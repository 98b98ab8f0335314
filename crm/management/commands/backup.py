"""`manage.py backup FOLDER`: a copy of what a single machine keeps, while everything runs."""

import shutil
import sqlite3
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

LOOPBACK = ("127.0.0.1", "localhost")
TABLE = Path(settings.BASE_DIR) / "var" / "crm.db"


class Command(BaseCommand):
    """Copies what of these is here, each as it is at one moment: the local engine's file, staff accounts in SQLite, uploads."""

    help = (
        "Copies the local engine's data, the staff accounts in SQLite and the uploaded files into a new folder, while everything "
        "runs, as far as they are here. Amazon's DynamoDB and Postgres have means of their own: docs/operations.md."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from and where to."""
        parser.add_argument("folder", type=Path, help="where the copy is to be; it must not exist yet")
        parser.add_argument("--file", type=Path, default=TABLE, help="the local engine's data (%(default)s)")

    def handle(self, *args: Any, folder: Path, file: Path, **options: Any) -> None:
        """Copy into a folder beside it first, so that FOLDER is whole or not there."""
        local = urlsplit(settings.DYNAMODB_ENDPOINT_URL).hostname in LOOPBACK
        if local and not file.exists():
            raise CommandError(f"{file} is not there, so there is nothing of a local engine to copy. --file names another place.")
        if folder.exists():
            raise CommandError(f"{folder} exists already. Name a new folder: a back-up never overwrites another.")
        half = folder.with_name(f"{folder.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        try:
            half.mkdir(parents=True, mode=0o700)
            self._copy(half, file if local else None)
            half.rename(folder)
        except (OSError, sqlite3.Error) as error:
            shutil.rmtree(half, ignore_errors=True)
            raise CommandError(f"The copy could not be made ({error}); nothing is left of it.") from error
        self.stdout.write(f"{folder} holds {', '.join(sorted(path.name for path in folder.iterdir()))}.")
        if not local:
            self.stdout.write("The table is elsewhere: back it up there.")
        if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
            self.stdout.write("The accounts of staff are elsewhere, with their tokens and sessions: back them up there.")
        self.stdout.write("It is of no use without SECRET_KEY and LINK_KEY: keep your .env, too, in another place.")

    def _copy(self, half: Path, file: Path | None) -> None:
        if file is not None:
            _copy_database(file, half / "crm.db")
        accounts = settings.DATABASES["default"]
        if accounts["ENGINE"].endswith("sqlite3") and Path(accounts["NAME"]).exists():
            _copy_database(Path(accounts["NAME"]), half / "staff.sqlite3")
        if settings.CRM_FILES.is_dir():
            shutil.copytree(settings.CRM_FILES, half / "files", copy_function=_copy_unless_gone)


def _copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite database as it is at one moment; who reads or writes it need not wait."""
    address = f"{source.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)


def _copy_unless_gone(source: str, target: str) -> None:
    """Copy a file, unless a worker has just deleted it because its time was over."""
    try:
        shutil.copy2(source, target)
    except FileNotFoundError:
        return
