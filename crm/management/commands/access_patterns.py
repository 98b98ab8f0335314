"""`manage.py access_patterns`: docs/access-patterns.md, made from the schema."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.store.access_patterns import document


class Command(BaseCommand):
    """Writes the page, or tells whether it says what the code does."""

    help = "Writes docs/access-patterns.md: the table, every index and what it is for, as the code declares them."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only tell; exit status 1 where the page is out of date")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        page = settings.BASE_DIR / "docs" / "access-patterns.md"
        text = document()
        if check:
            if not page.exists() or page.read_text(encoding="utf-8") != text:
                raise CommandError(f"{page.name} is out of date; `manage.py access_patterns` writes it anew.")
            self.stdout.write(f"{page.name} says what the code does.")
            return
        page.write_text(text, encoding="utf-8")
        self.stdout.write(f"{page} is written.")
