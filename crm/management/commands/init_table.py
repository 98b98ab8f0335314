"""`manage.py init_table`: the table, its indexes and its expiry."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm import wiring
from crm.domain.errors import StoreUnavailable

PATIENCE = 30.0


class Command(BaseCommand):
    """Creates what is missing, and tells what that was. Safe to repeat, also at the same moment."""

    help = "Creates the table and its indexes, or adds what is missing. Waits up to 30 seconds for the engine."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only tell; exit status 1 where something is missing")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        table = wiring.open_table(patience=PATIENCE)
        try:
            if check:
                missing = table.missing()
            else:
                created = table.create_missing(report=self.stdout.write)
        except StoreUnavailable as error:
            raise CommandError(no_answer()) from error
        if check and missing:
            raise CommandError(f"{table.name} lacks: {', '.join(missing)}. `manage.py init_table` creates it.")
        if check or not created:
            self.stdout.write(f"{table.name} is complete.")
        else:
            self.stdout.write(f"{table.name} is ready; created: {', '.join(created)}.")


def no_answer() -> str:
    """Return who was asked in vain, and what to look at."""
    if settings.DYNAMODB_ENDPOINT_URL:
        return f"No DynamoDB engine answers at {settings.DYNAMODB_ENDPOINT_URL}. `manage.py localdb` or `make run` starts ours."
    return f"DynamoDB in {settings.AWS_REGION} does not answer. Are AWS_REGION and the credentials right?"
